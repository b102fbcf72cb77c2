use super::*;
use crate::domain::{client::doubles, scope::ScopeSet};
use std::time::Duration;

fn asked(value: Value) -> Result<Draft, MetadataFault> {
    draft(value.as_object().unwrap())
}

#[test]
fn what_is_not_said_has_its_default() {
    let draft =
        asked(json!({"client_name": "App", "redirect_uris": ["https://a.example/cb"], "x": 1}))
            .unwrap();
    assert_eq!(
        (draft.client_type.as_str(), draft.auth_method.as_str()),
        ("confidential", "client_secret_basic")
    );
    assert!(draft.auth_code_flow && !draft.device_flow && !draft.client_credentials_flow);
    assert!(draft.metadata.is_empty());
    let null =
        asked(json!({"client_name": null, "grant_types": null, "redirect_uris": null})).unwrap();
    assert!(null.name.is_empty() && null.auth_code_flow);
}

#[test]
fn grants_are_those_that_are_offered() {
    let draft =
        asked(json!({"grant_types": ["device_code", "refresh_token", "client_credentials"]}))
            .unwrap();
    assert!(draft.device_flow && draft.client_credentials_flow && !draft.auth_code_flow);
    let alone = asked(json!({"grant_types": ["refresh_token"]})).unwrap();
    assert!(!alone.device_flow && !alone.auth_code_flow);
    for other in [
        "password",
        "implicit",
        "",
        "urn:ietf:params:oauth:grant-type:jwt-bearer",
    ] {
        assert!(asked(json!({"grant_types": [other]})).is_err(), "{other}");
    }
}

#[test]
fn each_member_has_its_type_and_size() {
    for bad in [
        json!({"client_name": 7}),
        json!({"client_name": "a\u{0}b"}),
        json!({"client_name": "a".repeat(2049)}),
        json!({"redirect_uris": "https://a.example"}),
        json!({"redirect_uris": [1]}),
        json!({"redirect_uris": ["https://a.example/\u{0}"]}),
        json!({"scope": ["email"]}),
        json!({"grant_types": "authorization_code"}),
        json!({"logo_uri": "javascript:alert(1)"}),
        json!({"client_uri": "not a url"}),
        json!({"policy_uri#fr": "data:,x"}),
        json!({"client_name#ja": 1}),
        json!({"application_type": "desktop"}),
        json!({"contacts": vec!["a@b.example"; 11]}),
        json!({"jwks": {"keys": []}, "jwks_uri": "https://a.example/keys"}),
        json!({"jwks_uri": "https://a.example/keys", "token_endpoint_auth_method": "private_key_jwt"}),
        json!({"machine_token_ttl": "1h"}),
        json!({"machine_token_ttl": -1}),
    ] {
        assert!(
            matches!(asked(bad.clone()), Err(MetadataFault::Metadata(_))),
            "{bad}"
        );
    }
}

#[test]
fn what_is_kept_comes_back() {
    let sent = json!({
        "client_name": "App", "client_name#de": "Anwendung", "client_uri": "https://a.example/",
        "logo_uri": "https://a.example/logo.png", "software_id": "4NRB1", "contacts": ["a@b.example"],
        "application_type": "web", "grant_types": ["authorization_code", "refresh_token"], "unknown": {"deep": []},
    });
    let draft = asked(sent.clone()).unwrap();
    assert_eq!(draft.description, "https://a.example/");
    let client = Client {
        name: "App".to_owned(),
        scopes: ScopeSet::stored("email"),
        device_flow: false,
        metadata: draft.metadata,
        machine_token_ttl: Some(Duration::from_secs(90)),
        ..doubles::client()
    };
    let told = of(&client);
    for (name, value) in sent.as_object().unwrap() {
        assert_eq!(
            told.get(name),
            Some(value).filter(|_| name != "unknown"),
            "{name}"
        );
    }
    assert_eq!(told["response_types"], json!(["code"]));
    assert_eq!(told["token_endpoint_auth_method"], "none");
    assert_eq!(told["machine_token_ttl"], 90);
    let names: Vec<&String> = told.keys().collect();
    assert!(names.is_sorted());
}
