//! Keys come from OpenSSL (`tests/fixtures/keys`), tokens of the former server from a run of it.
use std::fs;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use proptest::prelude::*;
use ring::hmac;
use serde_json::{Map, Value, json};

use super::*;

mod wycheproof;

const SECRET: &[u8] = b"0123456789abcdef0123456789abcdef";

fn fixture(name: &str) -> String {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/");
    fs::read_to_string(format!("{folder}{name}")).unwrap()
}

pub(super) fn pem(name: &str) -> String {
    fixture(&format!("keys/{name}.pem"))
}

fn der(name: &str) -> Vec<u8> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/keys/");
    fs::read(format!("{folder}{name}.spki.der")).unwrap()
}

pub(super) fn kid(name: &str) -> String {
    fixture(&format!("keys/{name}.kid"))
}

pub(super) fn rsa() -> SigningKey {
    SigningKey::from_pem(Algorithm::Rs256, &pem("rsa2048.pkcs8"), None).unwrap()
}

pub(super) fn ec() -> SigningKey {
    SigningKey::from_pem(Algorithm::Es256, &pem("p256.pkcs8"), None).unwrap()
}

pub(super) fn hs() -> SigningKey {
    SigningKey::from_secret(SECRET).unwrap()
}

pub(super) fn only(key: SigningKey) -> KeySet {
    KeySet::new(key, vec![], 0).unwrap()
}

pub(super) fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        other => panic!("{other} is no object"),
    }
}

fn claims() -> Map<String, Value> {
    object(json!({
        "type": "access", "sub": "u1", "iss": "https://as.example", "iat": 1_000, "exp": 2_000,
        "scope": "read write", "aud": ["https://a.example", "https://b.example"]
    }))
}

fn segment(json: &str) -> String {
    BASE64URL.encode(json)
}

/// Any header and payload, with an HMAC that is right for this secret.
fn hmac_token(secret: &[u8], header: &str, payload: &str) -> String {
    let input = format!("{}.{}", segment(header), segment(payload));
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    let tag = hmac::sign(&key, input.as_bytes());
    format!("{input}.{}", BASE64URL.encode(tag))
}

fn header_of(token: &str) -> String {
    let first = token.split('.').next().unwrap();
    String::from_utf8(BASE64URL.decode(first).unwrap()).unwrap()
}

fn payload_of(token: &str) -> String {
    let second = token.split('.').nth(1).unwrap();
    String::from_utf8(BASE64URL.decode(second).unwrap()).unwrap()
}

#[test]
fn algorithm_names_are_exact() {
    for (name, algorithm) in [
        ("HS256", Algorithm::Hs256),
        ("RS256", Algorithm::Rs256),
        ("ES256", Algorithm::Es256),
    ] {
        assert_eq!(name.parse(), Ok(algorithm));
        assert_eq!(algorithm.to_string(), name);
    }
    for name in ["hs256", "HS256 ", "", "none", "PS256", "RS512"] {
        assert_eq!(name.parse::<Algorithm>(), Err(UnknownAlgorithm));
    }
}

#[test]
fn every_pem_form_of_one_key_gives_the_kid_that_openssl_computes() {
    let one_line = pem("rsa2048.pkcs8").replace('\n', "\\n");
    let windows = pem("rsa2048.pkcs1").replace('\n', "\r\n");
    let blanks = pem("rsa2048.pkcs8").replace('\n', " ");
    let lying_label = pem("rsa2048.pkcs1").replace("RSA PRIVATE KEY", "EC PRIVATE KEY");
    let with_notes = format!("my key:\n{}\nthe end", pem("rsa2048.pkcs1"));
    for text in [
        pem("rsa2048.pkcs1"),
        pem("rsa2048.pkcs8"),
        pem("ed25519-then-rsa2048"),
        one_line,
        windows,
        blanks,
        lying_label,
        with_notes,
    ] {
        let key = SigningKey::from_pem(Algorithm::Rs256, &text, None).unwrap();
        assert_eq!(key.public_key().unwrap().kid(), kid("rsa2048"), "{text}");
        assert_eq!(key.public_key().unwrap().spki(), der("rsa2048"));
        assert_eq!(key.algorithm(), Algorithm::Rs256);
    }
    let one_line = pem("p256.params-then-sec1").replace('\n', "\\n");
    for text in [
        pem("p256.sec1"),
        pem("p256.sec1-no-public"),
        pem("p256.params-then-sec1"),
        pem("p256.pkcs8"),
        pem("p256.pkcs8-no-public"),
        pem("ed25519-then-p256"),
        one_line,
    ] {
        let key = SigningKey::from_pem(Algorithm::Es256, &text, None).unwrap();
        assert_eq!(key.public_key().unwrap().kid(), kid("p256"), "{text}");
        assert_eq!(key.public_key().unwrap().spki(), der("p256"));
        assert_eq!(key.algorithm(), Algorithm::Es256);
    }
    assert_eq!(
        kid("rsa2048"),
        "48yLwBKzdpqMUH_DOvbfX62IfJnF1ycBu6kCNbWVmGs"
    );
    assert_eq!(kid("p256"), "ssZgTnRz0_mkZzDr--4IDf2Buz7xrmTGtUK1Dsoi568");
}

#[test]
fn a_given_key_id_is_kept_and_an_empty_one_is_none() {
    let text = pem("rsa2048.pkcs8");
    let named = SigningKey::from_pem(Algorithm::Rs256, &text, Some("2026-11")).unwrap();
    assert_eq!(named.public_key().unwrap().kid(), "2026-11");
    let unnamed = SigningKey::from_pem(Algorithm::Rs256, &text, Some("")).unwrap();
    assert_eq!(unnamed.public_key().unwrap().kid(), kid("rsa2048"));
}

#[test]
fn weak_keys_refused() {
    use Algorithm::{Es256, Hs256, Rs256};
    let refused = |algorithm, name: &str| {
        let error = SigningKey::from_pem(algorithm, &pem(name), None).unwrap_err();
        error.to_string()
    };
    let small = "RSA key must be at least 2048 bits (got 1024 bits)";
    let curve = "EC key must use curve P-256 for ES256";
    let none = "no supported private key found in key data";
    let damaged = "EC key is damaged, or its public key does not belong to its private key";
    assert_eq!(refused(Rs256, "rsa1024.pkcs1"), small);
    assert_eq!(refused(Es256, "p384.sec1"), curve);
    assert_eq!(refused(Es256, "p384.pkcs8"), curve);
    assert_eq!(refused(Rs256, "ed25519.pkcs8"), none);
    assert_eq!(refused(Es256, "ed25519.pkcs8"), none);
    assert_eq!(refused(Es256, "p256.encrypted"), none);
    assert_eq!(refused(Es256, "p256.pub"), none);
    assert_eq!(refused(Es256, "p256.mismatched"), damaged);
    assert_eq!(
        refused(Es256, "rsa2048.pkcs8"),
        "ES256 cannot sign with an RSA key"
    );
    assert_eq!(
        refused(Rs256, "p256.sec1"),
        "RS256 cannot sign with an EC key"
    );
    assert_eq!(
        refused(Rs256, "p384.sec1"),
        "RS256 cannot sign with an EC key"
    );
    assert_eq!(
        refused(Hs256, "rsa2048.pkcs8"),
        "HS256 signs with JWT_SECRET, not with a private key"
    );
    let unusable = "(usable: 2048 to 4096 bits in steps of 512, public exponent 65537 or larger)";
    for (name, bits) in [
        ("rsa2048-e3.pkcs8", 2048),
        ("rsa2304.pkcs8", 2304),
        ("rsa8192.pkcs8", 8192),
    ] {
        let text = refused(Rs256, name);
        let start = format!("RSA key of {bits} bits cannot be used: ");
        assert!(
            text.starts_with(&start) && text.ends_with(unusable),
            "{text}"
        );
    }
    for text in [
        "",
        "not a key",
        "-----BEGIN PRIVATE KEY-----\nAAAA\n",
        "-----BEGIN X-----\n?\n-----END X-----",
    ] {
        assert_eq!(
            SigningKey::from_pem(Rs256, text, None).unwrap_err(),
            KeyError::NoPemBlock
        );
    }
}

#[test]
fn a_generated_key_is_read_back_and_no_two_are_the_same() {
    let text = SigningKey::generate(Algorithm::Es256).unwrap();
    let key = SigningKey::from_any_pem(&text, None).unwrap();
    assert_eq!(key.algorithm(), Algorithm::Es256);
    let token = only(key).sign(&claims()).unwrap();
    let again = only(SigningKey::from_pem(Algorithm::Es256, &text, None).unwrap());
    assert_eq!(again.verify(&token), Ok(claims()));
    let other = SigningKey::generate(Algorithm::Es256).unwrap();
    assert_ne!(*text, *other);
    let odd = SigningKey::from_any_pem(&pem("rsa2048.pkcs1"), Some("2026")).unwrap();
    assert_eq!(odd.algorithm(), Algorithm::Rs256);
    let named = odd.named_by_digest();
    assert_eq!(named.public_key().unwrap().kid(), kid("rsa2048"));
    assert_eq!(
        only(odd).sign(&claims()).map(|t| header_of(&t).len()),
        Ok(40)
    );
}

#[test]
fn a_secret_needs_32_bytes() {
    assert_eq!(
        SigningKey::from_secret(&SECRET[..31])
            .unwrap_err()
            .to_string(),
        "JWT_SECRET must be at least 32 bytes for HS256 (got 31 bytes)"
    );
    assert_eq!(hs().algorithm(), Algorithm::Hs256);
    assert_eq!(hs().public_key(), None);
}

#[test]
fn debug_output_names_the_key_and_holds_none_of_it() {
    assert_eq!(
        format!("{:?}", hs()),
        "SigningKey { algorithm: Hs256, kid: None, .. }"
    );
    let text = format!("{:?}", only(ec()));
    assert!(text.contains(&kid("p256")) && text.len() < 700, "{text}");
}

#[test]
fn headers_are_those_of_the_former_server() {
    let token = only(hs()).sign(&claims()).unwrap();
    assert_eq!(header_of(&token), r#"{"alg":"HS256","typ":"JWT"}"#);
    let token = only(rsa()).sign(&claims()).unwrap();
    let expected = format!(
        r#"{{"alg":"RS256","kid":"{}","typ":"JWT"}}"#,
        kid("rsa2048")
    );
    assert_eq!(header_of(&token), expected);
    let token = only(ec()).sign(&claims()).unwrap();
    let expected = format!(r#"{{"alg":"ES256","kid":"{}","typ":"JWT"}}"#, kid("p256"));
    assert_eq!(header_of(&token), expected);
}

#[test]
fn the_media_type_of_rfc_9068_can_be_asked_for() {
    for key in [hs(), rsa(), ec()] {
        let keys = only(key);
        let token = keys
            .sign_json(MediaType::AccessToken, b"{\"a\":1}")
            .unwrap();
        assert!(header_of(&token).ends_with(r#""typ":"at+jwt"}"#));
        assert_eq!(keys.verify(&token), Ok(object(json!({"a": 1}))));
    }
}

#[test]
fn payload_keys_are_sorted_and_a_ready_payload_is_not_touched() {
    for key in [hs(), rsa(), ec()] {
        let keys = only(key);
        let token = keys.sign(&claims()).unwrap();
        assert_eq!(
            payload_of(&token),
            concat!(
                r#"{"aud":["https://a.example","https://b.example"],"exp":2000,"iat":1000,"#,
                r#""iss":"https://as.example","scope":"read write","sub":"u1","type":"access"}"#
            )
        );
        assert_eq!(keys.verify(&token), Ok(claims()));
        let exact = r#"{ "b":1.50, "a":1e2 }"#;
        let token = keys.sign_json(MediaType::Jwt, exact.as_bytes()).unwrap();
        assert_eq!(payload_of(&token), exact);
        assert_eq!(
            keys.verify(&token),
            Ok(object(json!({"b": 1.5, "a": 100.0})))
        );
    }
}

/// RFC 7515 appendix A.1: the key, the header and the signature are the RFC's.
#[test]
fn rfc_7515_example_verifies() {
    let secret = BASE64URL
        .decode(concat!(
            "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75",
            "aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"
        ))
        .unwrap();
    let token = concat!(
        "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.",
        "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFt",
        "cGxlLmNvbS9pc19yb290Ijp0cnVlfQ.",
        "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    );
    let keys = only(SigningKey::from_secret(&secret).unwrap());
    let expected = json!({"iss": "joe", "exp": 1_300_819_380, "http://example.com/is_root": true});
    assert_eq!(keys.verify(token), Ok(object(expected)));
}

/// RFC 7515 appendix A.3: a P-256 signature that somebody else made.
#[test]
fn rfc_7515_p256_example_verifies() {
    let x = BASE64URL
        .decode("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU")
        .unwrap();
    let y = BASE64URL
        .decode("x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0")
        .unwrap();
    let point = [&[4], x.as_slice(), y.as_slice()].concat();
    let key = PublicKey::p256(None, &point).unwrap();
    let token = concat!(
        "eyJhbGciOiJFUzI1NiJ9.",
        "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFt",
        "cGxlLmNvbS9pc19yb290Ijp0cnVlfQ.",
        "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSA",
        "pmWQxfKTUJqPP3-Kg6NU1Q"
    );
    let keys = KeySet::new(hs(), vec![key], 0).unwrap();
    assert_eq!(keys.verify(token).unwrap()["iss"], "joe");
}

/// PKCS#1 v1.5 is deterministic, so OpenSSL's token and ours are the same bytes.
#[test]
fn rs256_tokens_are_those_of_openssl() {
    let made = fixture("rs256-by-openssl.jwt");
    let claims = object(json!({"iss": "https://as.example", "exp": 2_000}));
    assert_eq!(only(rsa()).sign(&claims).unwrap(), made);
    assert_eq!(only(rsa()).verify(&made), Ok(claims));
}

#[test]
fn live_tokens_of_the_former_server_verify() {
    let made: Value = serde_json::from_str(&fixture("go-issued.json")).unwrap();
    let text = |name: &str| made[name].as_str().unwrap();
    let key = SigningKey::from_secret(text("jwt_secret").as_bytes()).unwrap();
    let keys = only(key);
    for (name, token_type) in [
        ("access_token", "access"),
        ("refresh_token", "refresh"),
        ("resource_token", "access"),
    ] {
        let claims = keys.verify(text(name)).unwrap();
        let expected = |token_type| Expected {
            issuer: Some(text("issuer")),
            token_type,
            now: 1_795_441_300,
        };
        assert_eq!(verify_claims(&claims, &expected(token_type)), Ok(()));
        assert_eq!(
            verify_claims(&claims, &expected("id")),
            Err(JoseError::WrongType)
        );
        // Signed again, byte for byte the same: nothing about the format has moved.
        assert_eq!(keys.sign(&claims).unwrap(), text(name));
    }
    let claims = keys.verify(text("id_token")).unwrap();
    assert_eq!(claims["nonce"], "n-1");
    assert!(!claims.contains_key("type"));
}

#[test]
fn alg_confusion() {
    let payload = r#"{"type":"access"}"#;
    let rs = only(rsa());
    // The public PEM and DER as an HMAC secret.
    for secret in [pem("rsa2048.pub").into_bytes(), der("rsa2048")] {
        for header in [
            r#"{"alg":"HS256","typ":"JWT"}"#.to_owned(),
            format!(
                r#"{{"alg":"HS256","kid":"{}","typ":"JWT"}}"#,
                kid("rsa2048")
            ),
        ] {
            let forged = hmac_token(&secret, &header, payload);
            assert_eq!(rs.verify(&forged), Err(JoseError::NoKey));
        }
        let header = format!(r#"{{"alg":"RS256","kid":"{}"}}"#, kid("rsa2048"));
        let forged = hmac_token(&secret, &header, payload);
        assert_eq!(rs.verify(&forged), Err(JoseError::BadSignature));
    }
    for (name, alg) in [
        ("none", "none"),
        ("odd case", "NoNe"),
        ("PS256", "PS256"),
        ("empty", ""),
    ] {
        for keys in [&only(hs()), &rs, &only(ec())] {
            let header = segment(&format!(r#"{{"alg":"{alg}","typ":"JWT"}}"#));
            let input = format!("{header}.{}", segment(payload));
            for token in [format!("{input}."), format!("{input}.AAAA")] {
                assert_eq!(keys.verify(&token), Err(JoseError::NoKey), "{name}");
            }
        }
    }
    // A good ES256 token whose header says RS256, and with the RSA key's kid.
    let es_token = only(ec()).sign(&claims()).unwrap();
    let both = KeySet::new(rsa(), vec![ec().public_key().unwrap().clone()], 0).unwrap();
    assert_eq!(both.verify(&es_token), Ok(claims()));
    let (_, rest) = es_token.split_once('.').unwrap();
    for header in [
        format!(r#"{{"alg":"RS256","kid":"{}"}}"#, kid("rsa2048")),
        format!(r#"{{"alg":"ES256","kid":"{}"}}"#, kid("p256")),
        r#"{"alg":"ES256"}"#.to_owned(),
    ] {
        let token = format!("{}.{rest}", segment(&header));
        assert_eq!(
            both.verify(&token),
            Err(JoseError::BadSignature),
            "{header}"
        );
    }
    let header = format!(r#"{{"alg":"RS256","kid":"{}"}}"#, kid("p256"));
    let token = format!("{}.{rest}", segment(&header));
    assert_eq!(both.verify(&token), Err(JoseError::NoKey));
}

#[test]
fn empty_and_truncated_signatures_are_refused() {
    for key in [hs(), rsa(), ec()] {
        let keys = only(key);
        let token = keys.sign(&claims()).unwrap();
        let (input, signature) = token.rsplit_once('.').unwrap();
        for cut in [0, 1, 4, signature.len() - 4, signature.len() - 1] {
            let token = format!("{input}.{}", &signature[..cut]);
            assert_eq!(keys.verify(&token), Err(JoseError::BadSignature), "{cut}");
        }
        assert_eq!(keys.verify(input), Err(JoseError::Malformed));
        for more in [".", ".AAAA", "A", "="] {
            assert!(keys.verify(&format!("{token}{more}")).is_err());
        }
    }
}

proptest! {
    #[test]
    fn flip_or_truncate_any_byte(at in any::<prop::sample::Index>(), to in "[A-Za-z0-9_.=-]", which in 0..3_usize) {
        let keys = only([hs, rsa, ec][which]());
        let token = keys.sign(&claims()).unwrap();
        let at = at.index(token.len());
        prop_assert!(keys.verify(&token[..at]).is_err());
        let mut changed = token.clone();
        changed.replace_range(at..=at, &to);
        prop_assert_eq!(keys.verify(&changed).is_ok(), changed == token);
    }

    #[test]
    fn decode_never_panics(token in "\\PC{0,200}", header in "\\PC{0,60}", payload in "\\PC{0,60}") {
        for keys in [only(hs()), only(ec())] {
            prop_assert!(keys.verify(&token).is_err());
        }
        let signed = hmac_token(SECRET, &header, &payload);
        prop_assert!(only(hs()).verify(&signed).is_err());
    }

    #[test]
    fn pem_and_der_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), cut in 0..1_700_usize) {
        let _ = super::der::private_key(&bytes);
        prop_assert!(PublicKey::from_spki("k".into(), Algorithm::Rs256, &bytes).is_err());
        let text = pem("rsa2048.pkcs8");
        prop_assert!(SigningKey::from_pem(Algorithm::Rs256, &text[..cut.min(text.len() - 9)], None).is_err());
        let spki = der("rsa2048");
        let cut = cut % spki.len();
        prop_assert!(PublicKey::from_spki("k".into(), Algorithm::Rs256, &spki[..cut]).is_err());
    }
}

#[test]
fn hostile_headers() {
    let payload = r#"{"type":"access"}"#;
    let keys = only(hs());
    let attempt = |header: &str| keys.verify(&hmac_token(SECRET, header, payload));
    // Pointers to somebody else's key change nothing: our secret decides.
    for extra in [
        r#""jku":"https://evil.example/jwks""#,
        r#""x5u":"https://evil.example/cert""#,
        r#""jwk":{"kty":"oct","k":"AAAA"}"#,
        r#""x5c":["AAAA"]"#,
        r#""kid":"../../etc/passwd""#,
        r#""typ":"anything""#,
    ] {
        let header = format!(r#"{{"alg":"HS256",{extra}}}"#);
        assert!(attempt(&header).is_ok(), "{header}");
        let forged = hmac_token(b"AAAA", &header, payload);
        assert_eq!(keys.verify(&forged), Err(JoseError::BadSignature));
    }
    for (header, refusal) in [
        (
            r#"{"alg":"HS256","crit":["exp"]}"#,
            JoseError::CriticalHeader,
        ),
        (r#"{"alg":"HS256","crit":[]}"#, JoseError::CriticalHeader),
        (
            r#"{"alg":"HS256","b64":false,"crit":["b64"]}"#,
            JoseError::CriticalHeader,
        ),
        (
            r#"{"alg":"none","alg":"HS256"}"#,
            JoseError::DuplicateMember,
        ),
        (
            r#"{"alg":"HS256","alg":"HS256"}"#,
            JoseError::DuplicateMember,
        ),
        (r#"{"alg":"HS256","kid":7}"#, JoseError::Malformed),
        (r#"{"alg":["HS256"]}"#, JoseError::Malformed),
        (r#"{"typ":"JWT"}"#, JoseError::Malformed),
        (r#"["HS256"]"#, JoseError::Malformed),
        (r#"{"alg":"HS256"} {}"#, JoseError::Malformed),
        ("", JoseError::Malformed),
    ] {
        assert_eq!(attempt(header), Err(refusal), "{header}");
    }
    // The same for a key pair, where the header is signed by the right key.
    let token = only(ec()).sign(&claims()).unwrap();
    let (_, rest) = token.split_once('.').unwrap();
    let crit = segment(r#"{"alg":"ES256","crit":["exp"]}"#);
    assert_eq!(
        only(ec()).verify(&format!("{crit}.{rest}")),
        Err(JoseError::CriticalHeader)
    );
}

#[test]
fn payloads_are_read_strictly() {
    let keys = only(hs());
    let attempt = |payload: &str| keys.verify(&hmac_token(SECRET, r#"{"alg":"HS256"}"#, payload));
    let nested = |levels: usize| {
        let inner = levels - 1;
        format!(r#"{{"a":{}{}}}"#, "[".repeat(inner), "]".repeat(inner))
    };
    assert!(attempt(&nested(8)).is_ok());
    for (payload, refusal) in [
        (nested(9).as_str(), JoseError::TooDeep),
        (nested(2_000).as_str(), JoseError::TooDeep),
        (r#"{"sub":"a","sub":"b"}"#, JoseError::DuplicateMember),
        (r#"{"a":{"b":1,"b":1}}"#, JoseError::DuplicateMember),
        (r#"{"a":1,"\u0061":2}"#, JoseError::DuplicateMember),
        (r#"[1]"#, JoseError::Malformed),
        (r#""text""#, JoseError::Malformed),
        (r#"{"a":1}x"#, JoseError::Malformed),
        (r#"{"a":1e999}"#, JoseError::Malformed),
        (r#"{"a":"#, JoseError::Malformed),
        ("", JoseError::Malformed),
    ] {
        assert_eq!(attempt(payload), Err(refusal), "{payload}");
    }
    let mixed = r#"{"n":null,"t":true,"i":-3,"u":18446744073709551615,"f":0.5,"s":"\n","l":[{}]}"#;
    let expected =
        json!({"n": null, "t": true, "i": -3, "u": u64::MAX, "f": 0.5, "s": "\n", "l": [{}]});
    assert_eq!(attempt(mixed), Ok(object(expected)));
}

#[test]
fn size_is_capped_in_both_directions() {
    let keys = only(hs());
    // Header 36, two dots, signature 43: 8111 characters are left, and 6081 bytes need 8108.
    let fits = format!(r#"{{"a":"{}"}}"#, "x".repeat(6_081 - 8));
    let token = keys.sign_json(MediaType::Jwt, fits.as_bytes()).unwrap();
    assert_eq!(token.len(), MAX_TOKEN_BYTES - 3);
    assert!(keys.verify(&token).is_ok());
    for bytes in [6_084, 100_000] {
        let over = format!(r#"{{"a":"{}"}}"#, "x".repeat(bytes - 8));
        for keys in [&keys, &only(ec())] {
            let made = keys.sign_json(MediaType::Jwt, over.as_bytes());
            assert_eq!(made, Err(JoseError::TooLarge));
        }
        let foreign = hmac_token(SECRET, r#"{"alg":"HS256","typ":"JWT"}"#, &over);
        assert_eq!(keys.verify(&foreign), Err(JoseError::TooLarge));
    }
}

#[test]
fn required_claims_matrix() {
    let expected = Expected {
        issuer: Some("https://as.example"),
        token_type: "access",
        now: 1_500,
    };
    let judge = |name: &str, value: Option<Value>| {
        let mut claims = claims();
        claims.remove(name);
        value.map(|value| claims.insert(name.to_owned(), value));
        verify_claims(&claims, &expected)
    };
    use JoseError::{Expired, MissingClaim, NotYetValid, WrongIssuer, WrongType};
    for (name, value, verdict) in [
        ("unused", None, Ok(())),
        ("iss", None, Err(MissingClaim("iss"))),
        (
            "iss",
            Some(json!(["https://as.example"])),
            Err(MissingClaim("iss")),
        ),
        ("iss", Some(json!("https://as.example/")), Ok(())),
        ("iss", Some(json!("https://as.example//")), Ok(())),
        (
            "iss",
            Some(json!("https://as.example.evil")),
            Err(WrongIssuer),
        ),
        ("iss", Some(json!("https://AS.example")), Err(WrongIssuer)),
        ("iss", Some(json!("")), Err(WrongIssuer)),
        ("iat", None, Err(MissingClaim("iat"))),
        ("iat", Some(json!("1000")), Err(MissingClaim("iat"))),
        ("iat", Some(Value::Null), Err(MissingClaim("iat"))),
        ("exp", None, Err(MissingClaim("exp"))),
        ("exp", Some(json!("2000")), Err(MissingClaim("exp"))),
        ("exp", Some(json!(true)), Err(MissingClaim("exp"))),
        ("exp", Some(json!(1e300)), Err(MissingClaim("exp"))),
        ("exp", Some(json!(u64::MAX)), Err(MissingClaim("exp"))),
        ("exp", Some(json!(1_501)), Ok(())),
        ("exp", Some(json!(1_501.5)), Ok(())),
        ("exp", Some(json!(1_500)), Err(Expired)),
        ("exp", Some(json!(1_500.9)), Err(Expired)),
        ("exp", Some(json!(-1)), Err(Expired)),
        ("nbf", Some(json!(1_500)), Ok(())),
        ("nbf", Some(json!(1_501)), Err(NotYetValid)),
        ("nbf", Some(json!("soon")), Err(MissingClaim("nbf"))),
        ("type", None, Err(WrongType)),
        ("type", Some(json!("refresh")), Err(WrongType)),
        ("type", Some(json!(["access"])), Err(WrongType)),
        ("aud", None, Ok(())),
        ("jti", None, Ok(())),
    ] {
        assert_eq!(judge(name, value.clone()), verdict, "{name} {value:?}");
    }
    let slashed = Expected {
        issuer: Some("https://as.example/"),
        ..expected
    };
    assert_eq!(verify_claims(&claims(), &slashed), Ok(()));
}

#[test]
fn jwks_public_only() {
    let set = only(hs());
    assert_eq!(set.jwks(), r#"{"keys":[]}"#);
    let set = only(ec());
    let point = der("p256");
    let (x, y) = point[point.len() - 64..].split_at(32);
    let ec_jwk = format!(
        r#"{{"kty":"EC","use":"sig","kid":"{}","alg":"ES256","crv":"P-256","x":"{}","y":"{}"}}"#,
        kid("p256"),
        BASE64URL.encode(x),
        BASE64URL.encode(y)
    );
    assert_eq!(set.jwks(), format!(r#"{{"keys":[{ec_jwk}]}}"#).as_bytes());
    // In the SPKI of a 2048-bit key the modulus is the 256 bytes before the last five.
    let spki = der("rsa2048");
    let modulus = &spki[spki.len() - 5 - 256..spki.len() - 5];
    let rsa_jwk = format!(
        r#"{{"kty":"RSA","use":"sig","kid":"{}","alg":"RS256","n":"{}","e":"AQAB"}}"#,
        kid("rsa2048"),
        BASE64URL.encode(modulus)
    );
    let both = KeySet::new(rsa(), vec![ec().public_key().unwrap().clone()], 0).unwrap();
    let expected = format!(r#"{{"keys":[{rsa_jwk},{ec_jwk}]}}"#);
    assert_eq!(both.jwks(), expected.as_bytes());
}

#[test]
fn replacing_the_key_keeps_live_tokens_alive_until_their_end() {
    let before = only(rsa());
    let token = before.sign(&claims()).unwrap();
    let stored: Vec<PublicKey> = before
        .public_keys()
        .iter()
        .map(|key| {
            let stored = PublicKey::from_spki(key.kid().into(), key.algorithm(), key.spki());
            stored.unwrap().with_not_after(5_000)
        })
        .collect();
    let after = KeySet::new(ec(), stored.clone(), 4_999).unwrap();
    assert_eq!(after.verify(&token), Ok(claims()));
    assert_eq!(after.changes_at(), Some(5_000));
    assert_eq!(after.public_keys().len(), 2);
    assert_eq!(after.public_keys()[0].kid(), kid("p256"));
    let later = KeySet::new(ec(), stored, 5_000).unwrap();
    assert_eq!(later.verify(&token), Err(JoseError::NoKey));
    assert_eq!((later.changes_at(), later.public_keys().len()), (None, 1));
    // The next snapshot shares the private key with the one before.
    let next = KeySet::new(Arc::clone(before.active()), vec![], 0).unwrap();
    assert_eq!(next.verify(&token), Ok(claims()));
    // The active key's own stored half is not published twice.
    let twin = ec().public_key().unwrap().clone();
    assert_eq!(
        KeySet::new(ec(), vec![twin], 0)
            .unwrap()
            .public_keys()
            .len(),
        1
    );
}

#[test]
fn a_key_for_id_tokens_alone_is_published_apart_and_the_secret_is_not_offered() {
    let roster = Roster {
        additional: vec![Arc::new(rsa())],
        id_token: Algorithm::Rs256,
        apart: vec![kid("rsa2048")],
        ..Roster::from(Arc::new(hs()))
    };
    let set = KeySet::of(roster, 0).unwrap();
    assert_eq!(set.jwks().as_ref(), br#"{"keys":[]}"#);
    assert!(set.signs_id_tokens_apart());
    let apart: Value = serde_json::from_slice(set.id_token_jwks()).unwrap();
    assert_eq!(apart["keys"][0]["kid"], kid("rsa2048"));
    assert_eq!(set.id_token_algorithms(), [Algorithm::Rs256]);
    let of_a_client = set.id_token_algorithm(Some(Algorithm::Hs256));
    assert_eq!(of_a_client, Algorithm::Rs256);
    assert!(header_of(&set.sign(&claims()).unwrap()).contains("HS256"));
    let alone = only(hs());
    assert!(!alone.signs_id_tokens_apart());
    assert_eq!(alone.id_token_algorithms(), [Algorithm::Hs256]);
}

#[test]
fn algorithms_sign_side_by_side_and_each_token_has_the_key_it_asked_for() {
    let former = Arc::new(hs());
    let roster = Roster {
        active: Arc::new(ec()),
        additional: vec![Arc::new(rsa()), Arc::new(ec())],
        id_token: Algorithm::Rs256,
        former_secrets: vec![Arc::clone(&former)],
        verifying: vec![],
        apart: vec![],
        changes_at: Some(7),
    };
    let set = KeySet::of(roster, 0).unwrap();
    assert_eq!(set.changes_at(), Some(7));
    assert_eq!(set.algorithms(), [Algorithm::Es256, Algorithm::Rs256]);
    assert_eq!(
        set.id_token_algorithms(),
        [Algorithm::Rs256, Algorithm::Es256]
    );
    let payload = serde_json::to_vec(&claims()).unwrap();
    for (algorithm, name) in [(Algorithm::Es256, "p256"), (Algorithm::Rs256, "rsa2048")] {
        let token = set
            .sign_json_with(algorithm, MediaType::Jwt, &payload)
            .unwrap();
        let header = format!(
            r#"{{"alg":"{algorithm}","kid":"{}","typ":"JWT"}}"#,
            kid(name)
        );
        assert_eq!(header_of(&token), header);
        assert_eq!(set.verify(&token), Ok(claims()));
    }
    let hs256 = set.sign_json_with(Algorithm::Hs256, MediaType::Jwt, &payload);
    assert_eq!(hs256, Err(JoseError::NoKey));
    // Both are published, the default first; the secret is not.
    assert_eq!(set.public_keys().len(), 2);
    assert_eq!(set.public_keys()[0].kid(), kid("p256"));
    // What a client registered wins, while it is in use.
    for (registered, used) in [
        (None, Algorithm::Rs256),
        (Some(Algorithm::Es256), Algorithm::Es256),
        (Some(Algorithm::Hs256), Algorithm::Rs256),
    ] {
        assert_eq!(set.id_token_algorithm(registered), used);
    }
    // Tokens of the former secret live, and nobody signs with it.
    let token = only(hs()).sign(&claims()).unwrap();
    assert_eq!(set.verify(&token), Ok(claims()));
    let other = SigningKey::from_secret(&[7; 32]).unwrap();
    let roster = Roster {
        former_secrets: vec![former],
        ..Roster::from(Arc::new(other))
    };
    let set = KeySet::of(roster, 0).unwrap();
    assert_eq!(set.verify(&token), Ok(claims()));
    let fresh = set.sign(&claims()).unwrap();
    assert_eq!(only(hs()).verify(&fresh), Err(JoseError::BadSignature));
    assert_eq!(set.verify(&fresh), Ok(claims()));
    let forged = hmac_token(&[8; 32], r#"{"alg":"HS256","typ":"JWT"}"#, "{}");
    assert_eq!(set.verify(&forged), Err(JoseError::BadSignature));
}

#[test]
fn an_unknown_kid_is_tried_with_every_key_of_its_algorithm() {
    let text = pem("rsa2048.pkcs8");
    let odd = SigningKey::from_pem(Algorithm::Rs256, &text, Some("# Optional")).unwrap();
    let token = only(odd).sign(&claims()).unwrap();
    let second = SigningKey::from_pem(Algorithm::Rs256, &pem("rsa2048-second.pkcs8"), None);
    let retired = rsa().public_key().unwrap().clone();
    let set = KeySet::new(second.unwrap(), vec![retired], 0).unwrap();
    assert_eq!(set.verify(&token), Ok(claims()));
    // A kid that is known is the only candidate, though another key would fit.
    let second = SigningKey::from_pem(
        Algorithm::Rs256,
        &pem("rsa2048-second.pkcs8"),
        Some("# Optional"),
    );
    let retired = rsa().public_key().unwrap().clone();
    let set = KeySet::new(second.unwrap(), vec![retired], 0).unwrap();
    assert_eq!(set.verify(&token), Err(JoseError::BadSignature));
    assert_eq!(only(ec()).verify(&token), Err(JoseError::NoKey));
    assert_eq!(only(hs()).verify(&token), Err(JoseError::NoKey));
}

#[test]
fn stored_public_keys_are_checked_when_they_come_back() {
    use Algorithm::{Es256, Hs256, Rs256};
    let read = |algorithm, der: &[u8]| PublicKey::from_spki("k".into(), algorithm, der);
    let key = read(Rs256, &der("rsa2048")).unwrap();
    assert_eq!((key.kid(), key.spki()), ("k", der("rsa2048").as_slice()));
    assert_eq!(read(Es256, &der("p256")).unwrap().algorithm(), Es256);
    for (algorithm, der) in [
        (Es256, der("rsa2048")),
        (Rs256, der("p256")),
        (Hs256, der("rsa2048")),
        (Rs256, [der("rsa2048"), vec![0]].concat()),
        (Es256, vec![]),
    ] {
        assert_eq!(read(algorithm, &der), Err(KeyError::BadPublicKey));
    }
    let mut off_curve = der("p256");
    *off_curve.last_mut().unwrap() ^= 1;
    assert_eq!(read(Es256, &off_curve), Err(KeyError::BadPublicKey));
    let small = super::der::rsa_spki(&super::der::write_rsa_public_key(&[0xff; 128], &[1, 0, 1]));
    assert_eq!(read(Rs256, &small), Err(KeyError::RsaTooSmall(1024)));
}
