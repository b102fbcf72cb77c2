use super::*;

const LIFE: Duration = Duration::from_secs(3600);

fn at(second: i64) -> Timestamp {
    Timestamp::from_unix_timestamp(1_800_000_000 + second).unwrap()
}

fn key(kid: &str, activate_at: i64, not_after: i64) -> KeyRecord {
    KeyRecord {
        kid: kid.into(),
        algorithm: "ES256".into(),
        spki: vec![],
        published_at: at(0),
        activate_at: at(activate_at),
        retired_at: None,
        held_at: at(0),
        not_after: at(not_after),
        sealed: Some("sealed".into()),
        for_id_tokens: false,
    }
}

fn chosen(keys: &[KeyRecord], now: i64) -> Option<&str> {
    signs(keys.iter(), at(now)).map(|key| key.kid.as_str())
}

#[test]
fn the_key_that_became_due_last_signs_to_the_second() {
    let keys = [
        key("a", 0, 9_000),
        key("b", 100, 9_000),
        key("c", 200, 9_000),
    ];
    for (now, kid) in [(0, "a"), (99, "a"), (100, "b"), (199, "b"), (200, "c")] {
        assert_eq!(chosen(&keys, now), Some(kid), "{now}");
    }
    // Before its time only when there is no other, and then the one whose time comes first.
    assert_eq!(chosen(&keys[1..], 50), Some("b"));
    // Neither a retired key nor one whose tokens are over.
    let mut retired = keys.clone();
    retired[2].retired_at = Some(at(250));
    assert_eq!(chosen(&retired, 300), Some("b"));
    assert_eq!(chosen(&keys, 9_000), None);
    // Two that became due at once: every process takes the same.
    let twins = [key("x", 0, 9_000), key("y", 0, 9_000)];
    assert_eq!(chosen(&twins, 1), Some("y"));
}

#[test]
fn states_are_told_for_each_algorithm_by_itself() {
    let mut rsa = key("r", 0, 9_000);
    rsa.algorithm = "RS256".into();
    let mut gone = key("gone", 150, 9_000);
    gone.sealed = None;
    gone.held_at = at(-5_000);
    let keys = [
        key("over", 0, 10),
        key("a", 0, 9_000),
        key("b", 100, 9_000),
        key("c", 300, 9_000),
        rsa,
        gone,
    ];
    let told: Vec<_> = states(&keys, at(200))
        .into_iter()
        .map(|(key, state)| (key.kid.as_str(), state.as_str()))
        .collect();
    assert_eq!(
        told,
        [
            ("over", "over"),
            ("a", "previous"),
            ("b", "active"),
            ("c", "next"),
            ("r", "active"),
            // Nobody has told of its private half for long: it verifies, and the one before it signs.
            ("gone", "previous"),
        ]
    );
}

#[test]
fn the_next_change_is_the_first_activation_or_end() {
    let keys = [key("a", 0, 400), key("b", 100, 500)];
    assert_eq!(next_change(&keys, at(0)), Some(at(100)));
    assert_eq!(next_change(&keys, at(100)), Some(at(400)));
    assert_eq!(next_change(&keys, at(400)), Some(at(500)));
    assert_eq!(next_change(&keys, at(500)), None);
}

#[test]
fn the_end_is_moved_before_a_token_could_outlive_it() {
    let now = at(0);
    let mut signing = key("a", 0, 0);
    signing.not_after = end_of_tokens(now, LIFE);
    let mut moved = 0;
    for second in (0..7_200).step_by(30) {
        let now = at(second);
        if signing.should_be_told(now, LIFE) {
            signing.held_at = now;
            signing.not_after = end_of_tokens(now, LIFE);
            moved += 1;
        }
        assert!(signing.not_after >= now + LIFE, "{second}");
    }
    assert_eq!(moved, 11, "not at every look");
}

#[test]
fn first_use_is_a_whole_second_and_never_too_early() {
    let now = at(0) + Duration::from_millis(300);
    assert_eq!(first_use(now, Duration::from_secs(10)), at(11));
    assert_eq!(first_use(at(0), Duration::from_secs(10)), at(10));
}
