use super::*;

fn row(event: AuditEvent) -> AuditRow {
    event.into_row("id".into(), Timestamp::UNIX_EPOCH)
}

#[test]
fn masking_goes_by_exact_names() {
    let event = AuditEvent::new(EventType::TokenRevoked, "x")
        .with("client_secret", "s")
        .with("token", "t")
        .with("token_category", "access")
        .with("token_user_id", "u")
        .with("tokens_revoked", 3)
        .with("user_code", "ABCD2345")
        .with("access_token_id", "01234567-89ab-cdef-0123-456789abcdef");
    let details: Value = serde_json::from_str(&row(event).details.unwrap()).unwrap();
    assert_eq!(
        details,
        serde_json::json!({
            "client_secret": "***REDACTED***",
            "token": "***REDACTED***",
            "token_category": "access",
            "token_user_id": "u",
            "tokens_revoked": 3,
            "user_code": "AB...",
            "access_token_id": "01234567...cdef",
        })
    );
}

#[test]
fn every_value_fits_its_column() {
    let long = "ä".repeat(600);
    let event = AuditEvent::new(EventType::AuthenticationFailure, "x")
        .by(Actor::Claimed(long.clone()))
        .on(ResourceType::User, long.clone(), long.clone())
        .failed("no\0pe")
        .from(&Origin {
            ip: long.clone(),
            user_agent: long.clone(),
            path: long.clone(),
            method: long,
        });
    let row = row(event);
    let lengths = [
        (&row.actor_username, 100),
        (&row.actor_ip, 45),
        (&row.resource_id, 36),
        (&row.resource_name, 255),
        (&row.user_agent, 500),
        (&row.request_path, 500),
        (&row.request_method, 10),
    ];
    for (value, max) in lengths {
        assert_eq!(value.chars().count(), max);
    }
    assert!(row.user_agent.ends_with("..."));
    assert_eq!(row.error_message, "no\u{fffd}pe");
    assert_eq!(row.details, None);
}

#[test]
fn a_client_is_stored_by_its_bare_id() {
    let id = "5700669a-49d1-4d80-85e5-ca811d982b42";
    let row =
        row(AuditEvent::new(EventType::TokenRevoked, "x").by(Actor::Client(ClientId::new(id))));
    assert_eq!(
        (row.actor_user_id.as_str(), row.actor_kind),
        (id, Some("client"))
    );
}
