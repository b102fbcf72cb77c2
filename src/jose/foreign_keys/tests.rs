//! Key sets as providers publish them, and tokens that they might send.
use serde_json::{Value, json};

use super::*;
use crate::jose::tests::{ec, hs, kid, object, only, pem, rsa};
use crate::jose::{Algorithm, KeySet, MediaType, SigningKey};

fn published(keys: &KeySet) -> Value {
    serde_json::from_slice::<Value>(keys.jwks()).unwrap()["keys"][0].clone()
}

fn read(keys: Value) -> Result<ForeignKeys, JoseError> {
    ForeignKeys::from_jwks(json!({ "keys": keys }).to_string().as_bytes())
}

fn claims() -> Value {
    json!({"iss": "https://idp.example/", "aud": "client", "iat": 1_000, "exp": 2_000})
}

#[test]
fn what_one_installation_publishes_another_can_verify_with() {
    for key in [rsa(), ec()] {
        let theirs = only(key);
        let ours = ForeignKeys::from_jwks(theirs.jwks()).unwrap();
        let token = theirs.sign(&object(claims())).unwrap();
        assert_eq!(ours.verify(&token), Ok(object(claims())));
        assert!(ours.knows(theirs.public_keys()[0].kid()) && !ours.knows("other"));
        let (input, _) = token.rsplit_once('.').unwrap();
        assert_eq!(
            ours.verify(&format!("{input}.AAAA")),
            Err(JoseError::BadSignature)
        );
        let forged = only(hs()).sign(&object(claims())).unwrap();
        assert_eq!(ours.verify(&forged), Err(JoseError::NoKey));
    }
}

#[test]
fn keys_that_are_none_of_our_business_are_left_out() {
    let good = published(&only(rsa()));
    let with = |name: &str, value: Value| {
        let mut key = good.clone();
        key[name] = value;
        key
    };
    let without = |name: &str| {
        let mut key = good.clone();
        key.as_object_mut().unwrap().remove(name);
        key
    };
    // Entra names no algorithm and adds certificates and an issuer.
    let mut entra = without("alg");
    entra["x5c"] = json!(["MIIC"]);
    entra["x5t"] = json!("abc");
    entra["issuer"] = json!("https://login.example/{tenantid}/v2.0");
    for accepted in [good.clone(), entra, without("use"), without("kid")] {
        assert!(read(json!([accepted])).is_ok(), "{accepted}");
    }
    let nameless = read(json!([without("kid")])).unwrap();
    assert!(nameless.knows(&kid("rsa2048")));
    let strange = json!([
        with("use", json!("enc")),
        with("alg", json!("RS512")),
        with("alg", json!("HS256")),
        with("n", json!("AQAB")),
        with("kty", json!("oct")),
        {"kty": "oct", "k": "c2VjcmV0", "alg": "HS256"},
        {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},
        {"kty": "EC", "crv": "P-256", "x": "AAAA", "y": "AAAA"},
        {"kty": "EC", "crv": "P-384", "x": "AAAA", "y": "AAAA"},
        {},
        7
    ]);
    assert_eq!(read(strange.clone()), Err(JoseError::NoKey));
    let mut among_them = strange.as_array().unwrap().clone();
    among_them.push(good.clone());
    assert!(read(json!(among_them)).unwrap().knows(&kid("rsa2048")));
    // The 33rd key is too late.
    let mut many = vec![with("use", json!("enc")); 31];
    many.push(good.clone());
    assert!(read(json!(many)).is_ok());
    many.insert(0, json!({}));
    assert_eq!(read(json!(many)), Err(JoseError::NoKey));
    for text in ["", "[]", "{}", r#"{"keys":{}}"#] {
        let read = ForeignKeys::from_jwks(text.as_bytes());
        assert_eq!(read, Err(JoseError::Malformed), "{text}");
    }
}

#[test]
fn foreign_tokens_may_be_longer_than_our_own() {
    let theirs = only(ec());
    let ours = ForeignKeys::from_jwks(theirs.jwks()).unwrap();
    // Signed in two steps, because a key set refuses to make one of this size.
    let key = SigningKey::from_pem(Algorithm::Es256, &pem("p256.sec1"), None).unwrap();
    let long = |bytes: usize| {
        let payload = json!({ "groups": "x".repeat(bytes) }).to_string();
        key.sign_asymmetric(MediaType::Jwt, payload.as_bytes())
            .unwrap()
    };
    assert!(ours.verify(&long(20_000)).is_ok());
    assert_eq!(theirs.verify(&long(20_000)), Err(JoseError::TooLarge));
    assert_eq!(ours.verify(&long(30_000)), Err(JoseError::TooLarge));
}
