//! A client of the code grant, and a person whom it sends to the server.
use crate::{
    http::Answer,
    support::{Engine, Http, Server},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::digest;
use serde_json::Value;
use url::Url;

pub const SECRET: &str = "ago_app-secret";
pub const VERIFIER: &str = "vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv";
pub const CALLBACK: &str = "https://app.example/cb";
pub const API: &str = "https://api.example/v1";

pub fn challenge() -> String {
    URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, VERIFIER.as_bytes()))
}

pub fn payload(jwt: &str) -> Value {
    let middle = jwt.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(middle).unwrap()).unwrap()
}

/// Puts a client into the database: `public` or `confidential`, with these addresses.
pub async fn register(server: &Server, id: &str, kind: &str, addresses: &[&str]) {
    let hash = bcrypt::hash(SECRET, 4).unwrap();
    let addresses = serde_json::to_string(addresses).unwrap();
    let statement = |yes: &str, json: fn(&str) -> String| {
        format!(
            "INSERT INTO oauth_applications (client_id, client_secret, client_name, description, user_id, scopes, \
             grant_types, redirect_uris, allowed_resources, post_logout_redirect_uris, client_type, enable_device_flow, \
             enable_auth_code_flow, enable_client_credentials_flow, status, created_at, updated_at) VALUES ('{id}', \
             '{hash}', 'The App', '', '', 'openid profile email read', 'authorization_code', {}, {}, {}, '{kind}', {yes}, \
             {yes}, {yes}, 'active', '2026-01-01 00:00:00+00:00', '2026-01-01 00:00:00+00:00')",
            json(&addresses),
            json(&format!("[\"{API}\"]")),
            json("[\"https://app.example/bye\"]"),
        )
    };
    let lite = statement("1", |text| format!("CAST('{text}' AS BLOB)"));
    let pg = statement("true", |text| format!("'{text}'"));
    server.sql(&lite, &pg).await;
}

/// A server with the public client, a tool, and an administrator who is signed in.
pub async fn stage(engine: Engine, env: &[(&str, &str)]) -> (Server, Http, Http) {
    let server = Server::start(engine, env).await;
    register(&server, "public", "public", &[CALLBACK]).await;
    let (tool, mut person) = (server.http().await, server.http().await);
    person.sign_in().await;
    (server, tool, person)
}

/// Parameters of a request for a code.
#[derive(Clone)]
pub struct Ask(Vec<(String, String)>);

impl Ask {
    pub fn of(id: &str) -> Self {
        let challenge = challenge();
        let pairs = [
            ("client_id", id),
            ("redirect_uri", CALLBACK),
            ("response_type", "code"),
            ("scope", "openid email"),
            ("state", "st 1&"),
            ("nonce", "n-1"),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ];
        Self(
            pairs
                .map(|(n, v)| (n.to_owned(), v.to_owned()))
                .into_iter()
                .collect(),
        )
    }

    pub fn without(mut self, name: &str) -> Self {
        self.0.retain(|(known, _)| known != name);
        self
    }

    pub fn with(self, name: &str, value: &str) -> Self {
        self.without(name).and(name, value)
    }

    pub fn and(mut self, name: &str, value: &str) -> Self {
        self.0.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn pairs(&self) -> Vec<(&str, &str)> {
        self.0.iter().map(|(n, v)| (&**n, &**v)).collect()
    }

    pub fn path(&self) -> String {
        let query = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(&self.0)
            .finish();
        format!("/oauth/authorize?{query}")
    }
}

pub fn unescaped(html: &str) -> String {
    html.replace("&quot;", "\"")
        .replace("&#x3D;", "=")
        .replace("&#x27;", "'")
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&amp;", "&")
}

/// What the form with this action would send, without its buttons.
pub fn fields(html: &str, action: &str) -> Vec<(String, String)> {
    // An address may carry where to go on.
    let leads_there = |rest: &&str| {
        rest.starts_with(&format!("{action}\"")) || rest.starts_with(&format!("{action}?"))
    };
    let form = html
        .split("action=\"")
        .find(leads_there)
        .unwrap_or_else(|| panic!("no form {action} in {html}"));
    let form = form.split("</form>").next().unwrap();
    form.split("<input")
        .skip(1)
        .map(|input| {
            let of = |name: &str| {
                input
                    .split(&format!("{name}=\""))
                    .nth(1)
                    .and_then(|rest| rest.split('"').next())
                    .map(unescaped)
                    .unwrap_or_default()
            };
            (of("name"), of("value"))
        })
        .collect()
}

/// Where the answer leads, as a URL.
pub fn location(answer: &Answer) -> Url {
    let target = answer
        .header("location")
        .unwrap_or_else(|| panic!("leads nowhere: {answer:?}"));
    Url::parse(&target).unwrap_or_else(|_| panic!("stays here: {target}"))
}

pub fn parameter(url: &Url, name: &str) -> Option<String> {
    url.query_pairs()
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.into_owned())
}

/// The error that the client is told.
pub fn told(answer: &Answer) -> String {
    parameter(&location(answer), "error").unwrap_or_else(|| panic!("no error: {answer:?}"))
}

/// Presses a button of the consent page.
pub async fn press(person: &mut Http, page: &Answer, action: &str) -> Answer {
    assert_eq!(page.status, 200, "{page:?}");
    let mut form = fields(&page.body, "/oauth/authorize");
    form.push(("action".to_owned(), action.to_owned()));
    let form: Vec<(&str, &str)> = form.iter().map(|(n, v)| (&**n, &**v)).collect();
    person.post("/oauth/authorize", &form).await
}

/// A person who is signed in allows what is asked; the code.
pub async fn code(person: &mut Http, ask: &Ask) -> String {
    let answer = person.get(&ask.path(), &[]).await;
    let answer = if answer.status == 200 {
        press(person, &answer, "approve").await
    } else {
        answer
    };
    parameter(&location(&answer), "code").unwrap_or_else(|| panic!("no code: {answer:?}"))
}

/// A token request for a code.
pub async fn exchange(tool: &mut Http, id: &str, code: &str, more: &[(&str, &str)]) -> Answer {
    let mut form = vec![
        ("grant_type", "authorization_code"),
        ("client_id", id),
        ("code", code),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ];
    for (name, value) in more {
        form.retain(|(known, _)| known != name);
        if !value.is_empty() {
            form.push((name, value));
        }
    }
    tool.post("/oauth/token", &form).await
}
