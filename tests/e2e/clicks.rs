//! Clicks of people on pages: a page is read, its token goes with the form.
use super::http::{Answer, Http, field};

impl Http {
    /// Signs in under a name; the answer of the form.
    pub async fn sign_in_as(&mut self, username: &str, password: &str) -> Answer {
        let page = self.get("/login", &[]).await;
        let csrf = field(&page.body, "csrf_token");
        let form = [
            ("username", username),
            ("password", password),
            ("csrf_token", &csrf),
            ("redirect", ""),
        ];
        self.post("/login", &form).await
    }

    /// Reads a page and sends a form of it to `path`.
    pub async fn submit(&mut self, page: &str, path: &str, form: &[(&str, &str)]) -> Answer {
        let shown = self.get(page, &[]).await;
        assert_eq!(shown.status, 200, "{page}: {}", shown.body);
        let csrf = field(&shown.body, "csrf_token");
        let mut fields = vec![("csrf_token", csrf.as_str())];
        fields.extend_from_slice(form);
        self.post(path, &fields).await
    }

    /// Answers the question that a page asks: posts to where it was read, with its hidden fields.
    pub async fn confirm(&mut self, path: &str, form: &[(&str, &str)]) -> Answer {
        self.submit(path, path, form).await
    }

    /// Makes a person as the administrator; their id and the password that was shown.
    pub async fn make_user(&mut self, username: &str, role: &str) -> (String, String) {
        let email = format!("{username}@corp.example");
        let form = [
            ("username", username),
            ("email", email.as_str()),
            ("full_name", ""),
            ("role", role),
            ("password", ""),
        ];
        let made = self.submit("/admin/users/new", "/admin/users", &form).await;
        let shown = self.shown(&made).await;
        let path = made.header("location").unwrap();
        let id = between(&path, "/admin/users/", "/");
        (id, secret_on(&shown))
    }

    /// Registers a client at `base`; its id and the secret that was shown.
    pub async fn make_client(&mut self, base: &str, form: &[(&str, &str)]) -> (String, String) {
        let made = self.submit(&format!("{base}/new"), base, form).await;
        let path = made
            .header("location")
            .unwrap_or_else(|| panic!("{made:?}"));
        let rest = path.strip_prefix(base).unwrap().trim_start_matches('/');
        let id = rest.split(['/', '?']).next().unwrap().to_owned();
        if path.ends_with("?success=made") {
            return (id, String::new());
        }
        (id, secret_on(&self.shown(&made).await))
    }

    /// Follows a form that made a secret to the page that shows it.
    pub async fn shown(&mut self, made: &Answer) -> Answer {
        assert_eq!(made.status, 303, "{made:?}");
        let page = self.get(&made.header("location").unwrap(), &[]).await;
        assert_eq!(page.status, 200, "{page:?}");
        page
    }
}

/// The secret that a page shows.
pub fn secret_on(page: &Answer) -> String {
    between(&page.body, "<div class=\"secret\">", "</div>")
        .split("<code>")
        .nth(1)
        .and_then(|rest| rest.split("</code>").next())
        .unwrap_or_else(|| panic!("no secret in {}", page.body))
        .to_owned()
}

/// What stands between two texts, the first time.
pub fn between(text: &str, from: &str, to: &str) -> String {
    let rest = text
        .split(from)
        .nth(1)
        .unwrap_or_else(|| panic!("no {from} in {text}"));
    rest.split(to).next().unwrap().to_owned()
}
