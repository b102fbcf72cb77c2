use super::*;
use crate::jose::SigningKey;

fn metadata() -> Metadata {
    Metadata {
        issuer: "https://as.example/auth".to_owned(),
        registration: true,
        device_flow: true,
        refresh_tokens: true,
    }
}

fn hs256() -> KeySet {
    let key = SigningKey::from_secret(&[7; 32]).unwrap();
    KeySet::new(key, Vec::new(), 0).unwrap()
}

fn es256() -> KeySet {
    let pem = include_str!("../../../../tests/fixtures/keys/p256.pkcs8.pem");
    let key = SigningKey::from_pem(Algorithm::Es256, pem, None).unwrap();
    KeySet::new(key, Vec::new(), 0).unwrap()
}

fn read(text: &str) -> Map<String, Value> {
    serde_json::from_str(text).unwrap()
}

#[test]
fn openid_configuration_snapshot() {
    let expected = concat!(
        r#"{"issuer":"https://as.example/auth","#,
        r#""authorization_endpoint":"https://as.example/auth/oauth/authorize","#,
        r#""token_endpoint":"https://as.example/auth/oauth/token","#,
        r#""userinfo_endpoint":"https://as.example/auth/oauth/userinfo","#,
        r#""revocation_endpoint":"https://as.example/auth/oauth/revoke","#,
        r#""jwks_uri":"https://as.example/auth/.well-known/jwks.json","#,
        r#""response_types_supported":["code"],"subject_types_supported":["public"],"#,
        r#""id_token_signing_alg_values_supported":["ES256"],"#,
        r#""scopes_supported":["openid","profile","email","offline_access","read","write"],"#,
        r#""token_endpoint_auth_methods_supported":["client_secret_basic","client_secret_post","private_key_jwt","none"],"#,
        r#""grant_types_supported":["authorization_code","urn:ietf:params:oauth:grant-type:device_code","#,
        r#""refresh_token","client_credentials"],"#,
        r#""claims_supported":["sub","iss","aud","exp","iat","jti","auth_time","nonce","at_hash","name","#,
        r#""preferred_username","email","email_verified","picture","updated_at"],"#,
        r#""code_challenge_methods_supported":["S256"],"claim_types_supported":["normal"],"#,
        r#""end_session_endpoint":"https://as.example/auth/oauth/end_session","#,
        r#""prompt_values_supported":["none","login","consent","select_account"],"#,
        r#""claims_parameter_supported":false,"request_parameter_supported":false,"#,
        r#""request_uri_parameter_supported":false,"#,
        r#""introspection_endpoint":"https://as.example/auth/oauth/introspect","#,
        r#""registration_endpoint":"https://as.example/auth/oauth/register","#,
        r#""device_authorization_endpoint":"https://as.example/auth/oauth/device/code","#,
        r#""revocation_endpoint_auth_methods_supported":["client_secret_basic","client_secret_post","private_key_jwt","none"],"#,
        r#""introspection_endpoint_auth_methods_supported":["client_secret_basic","client_secret_post","private_key_jwt"],"#,
        r#""token_endpoint_auth_signing_alg_values_supported":["RS256","ES256"],"#,
        r#""revocation_endpoint_auth_signing_alg_values_supported":["RS256","ES256"],"#,
        r#""introspection_endpoint_auth_signing_alg_values_supported":["RS256","ES256"],"#,
        r#""response_modes_supported":["query"],"authorization_response_iss_parameter_supported":true,"#,
        r#""resource_indicators_supported":true,"resource_parameter_supported":true}"#,
    );
    assert_eq!(metadata().openid_configuration(&es256()), expected);
}

#[test]
fn both_documents_say_the_same_about_the_same() {
    for keys in [hs256(), es256()] {
        let openid = read(&metadata().openid_configuration(&keys));
        let oauth = read(&metadata().oauth_authorization_server(&keys));
        for (name, value) in &oauth {
            assert_eq!(openid.get(name), Some(value), "{name}");
        }
        let only_openid = [
            "userinfo_endpoint",
            "subject_types_supported",
            "id_token_signing_alg_values_supported",
            "claims_supported",
            "claim_types_supported",
            "end_session_endpoint",
            "prompt_values_supported",
            "claims_parameter_supported",
            "request_parameter_supported",
            "request_uri_parameter_supported",
        ];
        for name in openid.keys().filter(|name| !oauth.contains_key(*name)) {
            assert!(only_openid.contains(&name.as_str()), "{name}");
        }
    }
}

#[test]
fn what_is_switched_off_is_not_announced() {
    let off = Metadata {
        registration: false,
        device_flow: false,
        refresh_tokens: false,
        ..metadata()
    };
    for text in [
        off.openid_configuration(&hs256()),
        off.oauth_authorization_server(&hs256()),
    ] {
        let doc = read(&text);
        for name in [
            "registration_endpoint",
            "device_authorization_endpoint",
            "jwks_uri",
        ] {
            assert_eq!(doc.get(name), None, "{name}");
        }
        assert_eq!(
            doc["grant_types_supported"],
            json!(["authorization_code", "client_credentials"])
        );
    }
}

#[test]
fn only_code() {
    for text in [
        metadata().openid_configuration(&es256()),
        metadata().oauth_authorization_server(&es256()),
    ] {
        let doc = read(&text);
        assert_eq!(doc["response_types_supported"], json!(["code"]));
        for word in ["implicit", "password", "fragment", "\"token\"", "plain"] {
            assert!(!text.contains(word), "{word}");
        }
    }
}

#[test]
fn the_path_of_an_issuer() {
    let path = |issuer: &str| {
        Metadata {
            issuer: issuer.to_owned(),
            ..metadata()
        }
        .issuer_path()
    };
    assert_eq!(path("https://as.example"), None);
    assert_eq!(path("https://as.example/a/b"), Some("a/b".to_owned()));
}
