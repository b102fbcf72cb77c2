use super::*;
use proptest::prelude::*;

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
        "\u{17f}ub",
        "i\u{17f}\u{17f}",
        "\u{131}\u{df}",
        "\u{130}SS",
        "\u{17f}cope",
    ] {
        assert_eq!(
            failure(&format!("{{{}:1}}", quoted(name))),
            E::Reserved(name.into()),
            "{name}"
        );
    }
    assert!(r.parse(Some(r#"{"email":"a@b"}"#)).is_ok());
    assert!(r.parse(Some(r#"{"部門":1,"größe":2}"#)).is_ok());
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

/// Any JSON that a caller may send as a value.
fn any_json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(serde_json::Value::from),
        any::<i64>().prop_map(serde_json::Value::from),
        "[ -~]{0,12}".prop_map(serde_json::Value::from),
    ];
    leaf.prop_recursive(4, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(serde_json::Value::from),
            prop::collection::btree_map(name(), inner, 0..4)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    })
}

const RESERVED_NAMES: &[&str] = &[
    "iss",
    "sub",
    "aud",
    "exp",
    "nbf",
    "iat",
    "jti",
    "type",
    "scope",
    "user_id",
    "client_id",
    "azp",
    "amr",
    "acr",
    "auth_time",
    "nonce",
    "at_hash",
    "domain",
    "uid",
    "acme_uid",
    "extra_domain",
    "acme_project",
];

/// Names that are reserved in some spelling, and others.
fn name() -> impl Strategy<Value = String> {
    let reserved = prop::sample::select(RESERVED_NAMES);
    prop_oneof![
        (
            reserved,
            any::<u32>(),
            prop::sample::select(vec!["", " ", "\t"])
        )
            .prop_map(|(name, cases, edge)| {
                let spelled: String = name
                    .chars()
                    .enumerate()
                    .map(|(at, c)| match (cases >> (at * 2 % 32) & 3, c) {
                        (0, c) => c,
                        // Every letter outside ASCII that folds to one inside.
                        (1, 's') => '\u{17f}',
                        (1, 'k') => '\u{212a}',
                        (1, 'i') => '\u{131}',
                        (2, 'i') => '\u{130}',
                        _ => c.to_ascii_uppercase(),
                    })
                    .collect();
                format!("{edge}{spelled}{edge}")
            }),
        "[a-z_]{0,10}",
        any::<String>(),
    ]
}

/// Whether some reader that passes over case takes one for the other: by letters in upper case, or in lower case.
fn is_taken_for(name: &str, ours: &str) -> bool {
    let name = name.trim();
    let letters = |(a, b): (char, char)| {
        a.to_uppercase().eq(b.to_uppercase()) || a.to_lowercase().next() == b.to_lowercase().next()
    };
    name.to_uppercase() == ours.to_uppercase()
        || name.chars().count() == ours.len() && name.chars().zip(ours.chars()).all(letters)
}

proptest! {
    /// TK-11: whatever a caller sends, what the server says stands in the token, once, and under no other spelling.
    #[test]
    fn reserved_claims_win(sent in prop::collection::btree_map(name(), any_json(), 0..6)) {
        let rules = ExtraClaimRules {
            enabled: true,
            max_raw_size: 0,
            max_keys: 0,
            max_value_size: 0,
            prefix: "acme".to_owned(),
        };
        let text = serde_json::Value::Object(sent.clone().into_iter().collect()).to_string();
        let any_reserved = sent.keys().any(|name| rules.is_reserved(name));
        let parsed = rules.parse(Some(&text));
        prop_assert_eq!(parsed.is_err(), any_reserved);
        // Even claims that were never checked cannot win.
        let unchecked: ExtraClaims = serde_json::from_str(&text).unwrap();
        let payload = payload(&TokenClaims {
            issuer: "https://as.example",
            subject: "user",
            client_id: "client",
            scope: "read",
            token_type: "access",
            issued_at: 1,
            expires_at: 2,
            jti: "id",
            audience: &["https://api.example".to_owned()],
            prefix: "acme",
            domain: "domain",
            uid: "name",
            project: "project",
            service_account: "account",
            extra: &unchecked,
        });
        let said: serde_json::Value = serde_json::from_slice(&payload).unwrap();
        for (name, value) in [
            ("iss", "https://as.example"), ("sub", "user"), ("user_id", "user"), ("client_id", "client"),
            ("scope", "read"), ("type", "access"), ("jti", "id"), ("aud", "https://api.example"),
            ("acme_domain", "domain"), ("acme_uid", "name"), ("acme_project", "project"),
            ("acme_service_account", "account"),
        ] {
            prop_assert_eq!(said[name].as_str(), Some(value), "{}", name);
        }
        prop_assert_eq!((said["iat"].as_i64(), said["exp"].as_i64()), (Some(1), Some(2)));
        for name in parsed.iter().flat_map(ExtraClaims::keys) {
            let ours = RESERVED_NAMES.iter().find(|ours| is_taken_for(name, ours));
            prop_assert_eq!(ours, None, "{}", name);
        }
    }
}
