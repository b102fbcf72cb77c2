//! Where a person may be sent after signing in. Redirection endpoints of clients will live here too.

/// The place to go after login: a path of this server, or nothing.
///
/// Only a path-absolute reference is taken: one slash, then neither a slash nor a backslash, and no control character
/// anywhere. A whole URL, even of this host, is not needed by any page of ours and is dropped.
pub fn after_login(asked: &str) -> Option<&str> {
    let mut chars = asked.chars();
    let safe = chars.next() == Some('/')
        && !matches!(chars.next(), Some('/' | '\\'))
        && !asked.chars().any(|c| c.is_control() || c == '\\');
    (safe && asked.len() <= 4096).then_some(asked)
}

#[cfg(test)]
mod tests {
    use super::after_login;

    #[test]
    fn login_next_table() {
        for good in [
            "/",
            "/device?user_code=ABCD-2345",
            "/account/sessions",
            "/a//b",
        ] {
            assert_eq!(after_login(good), Some(good));
        }
        for bad in [
            "",
            "//evil.example",
            "/\\evil.example",
            "\\evil.example",
            "https://evil.example",
            "evil",
            "/a\r\nb",
            "/\t/evil",
            "javascript:alert(1)",
            "/a\\..\\b",
            "http://localhost:8080/device",
        ] {
            assert_eq!(after_login(bad), None, "{bad}");
        }
    }
}
