use super::*;

#[test]
fn a_wait_is_rounded_up_and_never_zero() {
    for (seconds, words) in [
        (0, "1 second"),
        (1, "1 second"),
        (59, "59 seconds"),
        (90, "90 seconds"),
        (91, "2 minutes"),
        (120, "2 minutes"),
        (121, "3 minutes"),
        (5_400, "90 minutes"),
        (5_401, "2 hours"),
        (u64::MAX, "5124095576030432 hours"),
    ] {
        assert_eq!(wait_words(seconds), words, "{seconds} s");
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
        assert_ne!(scope_words(scope), scope);
    }
    assert_eq!(scope_words("orders:refund"), "orders:refund");
    assert_eq!(scope_words(""), "");
    assert_eq!(scope_words("Email"), "Email");
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
