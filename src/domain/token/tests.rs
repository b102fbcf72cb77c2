use super::*;

fn at(s: i64) -> Timestamp {
    Timestamp::from_unix_timestamp(s).unwrap()
}

fn refresh(status: TokenStatus) -> Token {
    Token {
        id: TokenId::new("t"),
        hash: "h".into(),
        category: TokenCategory::Refresh,
        status,
        subject: Subject::stored("u"),
        client_id: ClientId::new("c"),
        scopes: ScopeSet::default(),
        expires_at: at(100),
        created_at: at(0),
        last_used_at: None,
        parent: None,
        family: None,
        authorization_id: None,
        resource: vec![],
    }
}

#[test]
fn a_token_is_in_one_state_at_a_time() {
    for (status, now, state) in [
        (TokenStatus::Active, 99, TokenState::Active),
        (TokenStatus::Active, 100, TokenState::Expired),
        (TokenStatus::Disabled, 99, TokenState::Disabled),
        (TokenStatus::Disabled, 100, TokenState::Expired),
        (TokenStatus::Revoked, 99, TokenState::Revoked),
        (TokenStatus::Revoked, 100, TokenState::Revoked),
    ] {
        assert_eq!(refresh(status).state(at(now)), state, "{status:?} at {now}");
    }
}

#[test]
fn refresh_table() {
    use RefreshVerdict::*;
    let own = ClientId::new("c");
    let other = ClientId::new("d");
    for (status, client, rotation, now, verdict) in [
        (TokenStatus::Active, &own, true, 99, Usable),
        (TokenStatus::Active, &own, true, 100, Invalid),
        (TokenStatus::Active, &other, true, 99, ForeignClient),
        (TokenStatus::Revoked, &own, true, 99, Revoked),
        (TokenStatus::Revoked, &own, true, 1000, Revoked),
        (TokenStatus::Revoked, &other, true, 99, ForeignClient),
        (TokenStatus::Revoked, &own, false, 99, Invalid),
        (TokenStatus::Disabled, &own, true, 99, Invalid),
    ] {
        assert_eq!(
            judge_refresh(
                &refresh(status),
                client,
                rotation,
                at(now),
                &mut Trail::default()
            ),
            verdict,
            "{status:?} {now}"
        );
    }
    let access = Token {
        category: TokenCategory::Access,
        ..refresh(TokenStatus::Active)
    };
    assert_eq!(
        judge_refresh(&access, &own, true, at(0), &mut Trail::default()),
        Invalid
    );
}

#[test]
fn subjects_round_trip() {
    for text in ["client:abc", "abc"] {
        assert_eq!(Subject::stored(text).to_string(), text);
    }
}

#[test]
fn a_family_is_named_after_its_first_refresh_token() {
    let mut token = refresh(TokenStatus::Active);
    assert_eq!(token.family_root().as_str(), "t");
    token.parent = Some(TokenId::new("p"));
    assert_eq!(token.family_root().as_str(), "p");
    token.family = Some(FamilyId::new("f"));
    assert_eq!(token.family_root().as_str(), "f");
}

#[test]
fn a_retry_is_recent_and_asked_for() {
    let seconds = Duration::from_secs;
    let spent = Token {
        last_used_at: Some(at(10)),
        ..refresh(TokenStatus::Revoked)
    };
    assert!(is_retry(&spent, seconds(5), at(15)));
    assert!(!is_retry(&spent, seconds(5), at(16)));
    assert!(!is_retry(&spent, Duration::ZERO, at(10)));
    assert!(!is_retry(&spent, seconds(500), at(100)));
    // Ended by a revocation or by a newer successor, not by its own use.
    assert!(!is_retry(
        &refresh(TokenStatus::Revoked),
        seconds(500),
        at(10)
    ));
}
