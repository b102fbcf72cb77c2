use super::*;

#[test]
fn a_wait_is_rounded_up_and_never_zero() {
    for (seconds, words) in [
        (0, ("time.seconds.one", "1")),
        (1, ("time.seconds.one", "1")),
        (59, ("time.seconds.other", "59")),
        (90, ("time.seconds.other", "90")),
        (91, ("time.minutes.other", "2")),
        (120, ("time.minutes.other", "2")),
        (121, ("time.minutes.other", "3")),
        (5_400, ("time.minutes.other", "90")),
        (5_401, ("time.hours.other", "2")),
        (u64::MAX, ("time.hours.other", "5,124,095,576,030,432")),
    ] {
        let (key, n) = words;
        let expected = Words::of(key).with("n", n);
        assert_eq!(Words::wait(seconds), expected, "{seconds} s");
    }
}

#[test]
fn known_scopes_have_words_and_others_speak_for_themselves() {
    for scope in [
        "openid",
        "profile",
        "email",
        "offline_access",
        "read",
        "write",
        "admin",
    ] {
        assert_eq!(
            scope_words(scope),
            Some(Words::of(format!("scopes.{scope}")))
        );
    }
    for other in ["orders:refund", "", "Email"] {
        assert_eq!(scope_words(other), None);
    }
}

#[test]
fn digits_stand_in_groups_of_three() {
    for (n, text) in [
        (0, "0"),
        (999, "999"),
        (1_000, "1,000"),
        (12_345_678, "12,345,678"),
    ] {
        assert_eq!(grouped(n), text);
    }
}

#[test]
fn foreign_text_is_cut_by_characters_and_loses_its_controls() {
    assert_eq!(tame("curl/8.5\r\nX: y\u{0}"), "curl/8.5  X: y ");
    assert_eq!(tame(&"é".repeat(160)), "é".repeat(160));
    assert_eq!(tame(&"é".repeat(161)), format!("{}…", "é".repeat(160)));
}

#[test]
fn links_stay_on_this_host() {
    for (href, drawn) in [
        (
            "/auth/login/github?redirect=%2Fdevice",
            "/auth/login/github?redirect=%2Fdevice",
        ),
        ("javascript:alert(1)", "/"),
        ("//evil.example/", "/"),
        ("/\\evil.example", "/"),
        ("/\t/evil.example", "/"),
        ("https://evil.example", "/"),
        ("", "/"),
    ] {
        let written = as_local_href(href, serde_json::value::Serializer);
        assert_eq!(written.ok(), Some(serde_json::json!(drawn)), "{href:?}");
    }
}
