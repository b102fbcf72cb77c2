use super::*;

fn rules() -> ExtraClaimRules {
    ExtraClaimRules {
        enabled: true,
        max_raw_size: 100,
        max_keys: 2,
        max_value_size: 10,
        prefix: "acme".into(),
    }
}

#[test]
fn extra_claims_table() {
    use ExtraClaimsError as E;
    let r = rules();
    assert!(r.parse(None).unwrap().is_empty());
    assert!(r.parse(Some("")).unwrap().is_empty());
    assert!(r.parse(Some("null")).unwrap().is_empty());
    assert_eq!(
        r.parse(Some(r#"{"price":1.50}"#)).unwrap()["price"].get(),
        "1.50"
    );
    let failure = |text: &str| r.parse(Some(text)).unwrap_err();
    assert_eq!(failure("[]"), E::NotAnObject);
    assert_eq!(failure("{}x"), E::NotAnObject);
    assert_eq!(
        failure(&format!("{{{}}}", " ".repeat(99))),
        E::TooLarge(100)
    );
    assert_eq!(failure(r#"{"a":1,"b":2,"c":3}"#), E::TooManyKeys(2));
    assert_eq!(
        failure(r#"{"a":"01234567890"}"#),
        E::ValueTooLarge("a".into())
    );
    assert_eq!(
        ExtraClaimRules {
            enabled: false,
            ..rules()
        }
        .parse(Some("{}"))
        .unwrap_err(),
        E::Disabled
    );
    for name in [
        "iss",
        "ISS",
        "sub",
        "auth_time",
        "acme_uid",
        "ACME_UID",
        "extra_domain",
        "project",
        "",
        " exp ",
    ] {
        assert_eq!(
            failure(&format!("{{{}:1}}", quoted(name))),
            E::Reserved(name.into()),
            "{name}"
        );
    }
    assert!(r.parse(Some(r#"{"email":"a@b"}"#)).is_ok());
}

#[test]
fn a_payload_is_sorted_and_ours_win() {
    let mut extra = ExtraClaims::new();
    extra.insert(
        "price".into(),
        RawValue::from_string("1.50".into()).unwrap(),
    );
    extra.insert(
        "acme_uid".into(),
        RawValue::from_string("\"mallory\"".into()).unwrap(),
    );
    let one = ["https://api".to_owned()];
    let claims = TokenClaims {
        issuer: "http://x",
        subject: "u",
        client_id: "c",
        scope: "email \"q\"",
        token_type: "access",
        issued_at: 1,
        expires_at: 2,
        jti: "j",
        audience: &one,
        prefix: "acme",
        domain: "",
        uid: "alice",
        project: "p",
        service_account: "",
        extra: &extra,
    };
    assert_eq!(
        String::from_utf8(payload(&claims)).unwrap(),
        concat!(
            r#"{"acme_project":"p","acme_uid":"alice","aud":"https://api","client_id":"c","exp":2,"iat":1,"#,
            r#""iss":"http://x","jti":"j","price":1.50,"scope":"email \"q\"","sub":"u","type":"access","user_id":"u"}"#
        )
    );
    let none = TokenClaims {
        audience: &[],
        ..claims
    };
    assert!(!String::from_utf8(payload(&none)).unwrap().contains("aud"));
}
