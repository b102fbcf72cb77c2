use super::*;
use crate::domain::{
    ids::{TokenId, UserId},
    scope::ScopeSet,
    token::{Subject, Token, TokenCategory, TokenStatus},
};

fn at(s: i64) -> Timestamp {
    Timestamp::from_unix_timestamp(s).unwrap()
}

/// A token of a family, made then and of an hour's life.
fn own(id: &str, family: Option<&str>, parent: Option<&str>, created: i64) -> OwnToken {
    OwnToken {
        token: Token {
            id: TokenId::new(id),
            hash: id.into(),
            category: TokenCategory::Access,
            status: TokenStatus::Active,
            subject: Subject::User(UserId::new("zoe")),
            client_id: ClientId::new("app"),
            scopes: ScopeSet::stored("email Ördnung"),
            expires_at: at(created + 3600),
            created_at: at(created),
            last_used_at: None,
            parent: parent.map(TokenId::new),
            family: family.map(FamilyId::new),
            authorization_id: None,
            resource: Vec::new(),
        },
        client_name: "Ärzte-App".into(),
        grant: "device_code".into(),
        ip: "203.0.113.24".into(),
        user_agent: "tool/1.0 (Laptop)".into(),
        signed_in_at: Some(at(50)),
        disabled_by_other: false,
    }
}

#[test]
fn tokens_of_one_grant_are_one_sign_in() {
    let mut refresh = own("r", Some("r"), None, 100);
    refresh.token.last_used_at = Some(at(900));
    refresh.token.expires_at = at(100_000);
    let mut off = own("off", Some("off"), None, 300);
    off.token.status = TokenStatus::Disabled;
    off.signed_in_at = None;
    let found = grouped(
        vec![
            refresh,
            own("a", Some("r"), Some("r"), 800),
            // As the Go server wrote them in fixed mode: no family, and the refresh token as the parent.
            own("g", None, None, 200),
            own("h", None, Some("g"), 250),
            off,
        ],
        at(1000),
    );
    let told: Vec<_> = found
        .iter()
        .map(|sign_in| {
            let tokens: Vec<&str> = sign_in
                .tokens
                .iter()
                .map(|own| own.token.id.as_str())
                .collect();
            let times = [sign_in.began_at, sign_in.renewed_at, sign_in.ends_at];
            (
                sign_in.id.as_str(),
                tokens,
                times.map(Timestamp::unix_timestamp),
                sign_in.is_active,
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            ("off", vec!["off"], [300, 300, 3900], false),
            ("r", vec!["a", "r"], [50, 900, 100_000], true),
            ("g", vec!["h", "g"], [50, 250, 3850], true),
        ]
    );
}

/// As the Go server wrote them in fixed mode: the refresh token a moment after the access token, and neither tells.
#[test]
fn the_first_access_token_of_the_go_server_is_with_its_refresh_token() {
    let refresh = |id: &str, created| {
        let mut own = own(id, None, None, created);
        own.token.category = TokenCategory::Refresh;
        own
    };
    let mut other_app = own("other-app", None, None, 200);
    other_app.token.client_id = ClientId::new("other");
    let mut other_scope = own("other-scope", None, None, 200);
    other_scope.token.scopes = ScopeSet::stored("email");
    let mut other_consent = own("other-consent", None, None, 200);
    other_consent.token.authorization_id = Some(7);
    let all = vec![
        own("a", None, None, 200),
        refresh("r", 200),
        refresh("later", 201),
        own("lone", None, None, 300),
        other_app,
        other_scope,
        other_consent,
    ];
    let found = grouped(all, at(1000));
    let with = |id: &str| {
        let sign_in = found.iter().find(|sign_in| sign_in.id.as_str() == id);
        sign_in.map_or(0, |sign_in| sign_in.tokens.len())
    };
    assert_eq!((with("r"), with("later"), with("a")), (2, 1, 0));
    for alone in ["lone", "other-app", "other-scope", "other-consent"] {
        assert_eq!(with(alone), 1, "{alone}");
    }
}

#[test]
fn a_search_looks_at_app_scope_and_device_in_any_case() {
    let all = || grouped(vec![own("a", Some("a"), None, 100)], at(1000));
    for term in ["ärzte", "ördnung", "laptop", "203.0.113", "app"] {
        assert!(all().iter().any(|sign_in| matches(sign_in, term)), "{term}");
    }
    for term in ["phone", "%", "zoe"] {
        assert!(
            !all().iter().any(|sign_in| matches(sign_in, term)),
            "{term}"
        );
    }
}
