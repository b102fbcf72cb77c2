use super::*;
use crate::domain::{
    ids::{ClientId, FamilyId, TokenId},
    scope::ScopeSet,
    time::Timestamp,
};

fn at(ms: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + Duration::milliseconds(ms)
}

fn sign_in(id: &str, began_ms: i64) -> SignIn {
    SignIn {
        id: FamilyId::new(id),
        client_id: ClientId::new("app"),
        client_name: "Ärzte-App".into(),
        scopes: ScopeSet::stored("email Ördnung"),
        grant: "device_code".into(),
        authorization_id: None,
        ip: "203.0.113.24".into(),
        user_agent: "tool/1.0 (Laptop)".into(),
        began_at: at(began_ms),
        renewed_at: at(began_ms),
        ends_at: at(began_ms + 1_000),
        live: 1,
        held: 1,
        renews: false,
        lone: None,
        joined: Vec::new(),
    }
}

#[test]
fn a_search_looks_at_app_scope_and_device_in_any_case() {
    for term in ["ärzte", "ördnung", "laptop", "203.0.113", "app"] {
        assert!(matches(&sign_in("a", 0), term), "{term}");
    }
    for term in ["phone", "%", "zoe"] {
        assert!(!matches(&sign_in("a", 0), term), "{term}");
    }
}

/// The first access token of the Go server's fixed mode goes to the refresh token of the same answer and to no other.
#[test]
fn a_token_that_does_not_tell_joins_what_came_with_it() {
    let renews = |id: &str, ms| SignIn {
        renews: true,
        lone: Some(TokenId::new(id)),
        ..sign_in(id, ms)
    };
    let lone = |id: &str, ms| SignIn {
        lone: Some(TokenId::new(id)),
        ..sign_in(id, ms)
    };
    let all = vec![
        renews("r", 10_000),
        lone("with-r", 10_500),
        renews("later", 11_200),
        lone("too-late", 13_000),
        SignIn {
            client_id: ClientId::new("another"),
            ..lone("another", 10_000)
        },
        SignIn {
            authorization_id: Some(7),
            ..lone("consented", 10_000)
        },
        SignIn {
            scopes: ScopeSet::stored("email"),
            ..lone("narrower", 10_000)
        },
        sign_in("told", 10_000),
    ];
    let told: Vec<(String, u64, i64)> = joined(all)
        .iter()
        .map(|s| (s.id.to_string(), s.held, s.ends_at.unix_timestamp()))
        .collect();
    let own = |id: &str, held, ends| (id.to_owned(), held, ends);
    assert_eq!(
        told,
        [
            own("too-late", 1, 14),
            own("later", 1, 12),
            own("told", 1, 11),
            own("r", 2, 11),
            own("narrower", 1, 11),
            own("consented", 1, 11),
            own("another", 1, 11),
        ]
    );
}
