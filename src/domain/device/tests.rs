use super::*;

#[test]
fn a_typed_code_is_read_kindly() {
    for text in ["ABCD-2345", "abcd2345", " ab-cd 23 45 "] {
        assert_eq!(
            UserCode::typed(text).unwrap().as_str(),
            "ABCD2345",
            "{text}"
        );
    }
    for text in [
        "",
        "ABCD-234",
        "ABCD-23456",
        "ABCD-234I",
        "ABCD-2340",
        "ÄBCD-2345",
    ] {
        assert_eq!(UserCode::typed(text), None, "{text}");
    }
    assert_eq!(
        UserCode::typed("abcd2345").unwrap().to_string(),
        "ABCD-2345"
    );
}

#[test]
fn every_letter_is_as_likely() {
    let mut seen = std::collections::HashMap::new();
    for byte in 0..=255u8 {
        if let Some(code) = UserCode::draw(&[byte; 8]) {
            *seen.entry(code.as_str().to_owned()).or_insert(0) += 1;
        }
    }
    assert_eq!(seen.len(), 31);
    assert!(seen.values().all(|n| *n == 8));
    assert_eq!(UserCode::draw(&[255; 32]), None);
}

#[test]
fn pace_table() {
    let s = Duration::from_secs;
    for (since, interval, slow_down, next) in [
        (None, 5, false, 5),
        (Some(5), 5, false, 5),
        (Some(4), 5, false, 5),
        (Some(3), 5, true, 10),
        (Some(0), 58, true, 60),
        (Some(0), 60, true, 60),
        (Some(59), 60, false, 60),
    ] {
        assert_eq!(
            pace(since.map(s), s(interval)),
            PollPace {
                slow_down,
                interval: s(next)
            },
            "{since:?} {interval}"
        );
    }
}

#[test]
fn states() {
    let at = |n| Timestamp::from_unix_timestamp(n).unwrap();
    let mut code = DeviceCode {
        row_id: 1,
        hash: String::new(),
        salt: String::new(),
        suffix: String::new(),
        user_code: UserCode::stored("ABCD2345"),
        client_id: ClientId::new("c"),
        scopes: ScopeSet::default(),
        resource: vec![],
        expires_at: at(100),
        interval: 5,
        approved_by: None,
        approved_at: None,
        denied_at: None,
        auth_time: None,
        created_at: at(0),
        requester_ip: None,
        requester_user_agent: None,
    };
    assert_eq!(code.state(at(99)), DeviceState::Pending);
    assert_eq!(code.state(at(100)), DeviceState::Expired);
    code.approved_by = Some(UserId::new("u"));
    assert_eq!(code.state(at(99)), DeviceState::Approved);
    assert_eq!(code.state(at(100)), DeviceState::Expired);
    code.denied_at = Some(at(1));
    assert_eq!(code.state(at(99)), DeviceState::Denied);
}
