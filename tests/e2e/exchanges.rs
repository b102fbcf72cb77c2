//! 294 requests that the Go server answered are asked again, on databases that it left. Every difference of the answers is
//! named in `known`, and stands in docs/compatibility.md.
use crate::{
    go::{self, Adopted, text},
    support::{Answer, Engine, Http, Server, field},
};
use base64::{Engine as _, engine::general_purpose};
use serde_json::Value;
use std::{collections::BTreeMap, path::Path};

#[path = "exchanges/diff.rs"]
mod diff;
#[path = "exchanges/known.rs"]
mod known;

use diff::{Difference, Substitutions};

/// What the recording was made with, besides its profile.
const CHALLENGE: &str = "w1TpKUdYE9hUAcNSeeSRFioHDxfUxuHho_JHAfZ_vDM";
const CALLBACK: &str = "http%3A%2F%2F127.0.0.1%3A9%2Fcb";

fn recorded(profile: &str) -> Value {
    let path = go::fixture(&format!("exchanges/{profile}.json"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

struct Replay {
    server: Server,
    facts: Value,
    values: Substitutions,
    /// The last answer with tokens.
    tokens: Value,
    differences: Vec<Difference>,
}

impl Replay {
    async fn of(profile: &str, engine: Engine) -> Self {
        let recorded = recorded(profile);
        let key = |name: &str| format!("{}/tests/fixtures/keys/{name}", env!("CARGO_MANIFEST_DIR"));
        let mut env: Vec<(String, String)> = recorded["profile"]
            .as_object()
            .unwrap()
            .iter()
            .filter(|(name, _)| !name.starts_with("METRICS"))
            .map(|(name, value)| (name.clone(), text(value)))
            .collect();
        match recorded["profile"]["JWT_SIGNING_ALGORITHM"].as_str() {
            Some("RS256") => {
                env.push(("JWT_PRIVATE_KEY_PATH".to_owned(), key("rsa2048.pkcs8.pem")))
            }
            Some("ES256") => env.push(("JWT_PRIVATE_KEY_PATH".to_owned(), key("p256.pkcs8.pem"))),
            _ => {}
        }
        let env: Vec<(&str, &str)> = env.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        let Adopted { server, facts } = Adopted::at_home(engine, &env).await;
        let mut values = Substitutions::default();
        values.set("base", &format!("http://127.0.0.1:{}", server.port));
        for name in ["cli", "confidential", "public"] {
            values.set(name, &text(&facts["clients"][name]["client_id"]));
        }
        let secret = |name: &str| text(&facts["clients"][name]["client_secret"]);
        values.set("secret", &secret("confidential"));
        values.set("public secret", &secret("public"));
        let pair = format!("{}:{}", values.get("confidential"), secret("confidential"));
        values.set(
            "confidential:secret",
            &general_purpose::STANDARD.encode(pair),
        );
        let mut replay = Self {
            server,
            facts,
            values,
            tokens: Value::Null,
            differences: Vec::new(),
        };
        for exchange in recorded["exchanges"].as_array().unwrap() {
            replay.prepare(exchange["what"].as_str().unwrap()).await;
            replay.exchange(exchange).await;
        }
        replay
    }

    /// What a person did between the requests.
    async fn prepare(&mut self, what: &str) {
        match what {
            "poll approved" => self.server.approve_all().await,
            "code, wrong redirect_uri" => self.code("confidential").await,
            "code, public, wrong verifier" => self.code("public").await,
            _ => {}
        }
    }

    /// Gets an authorization code, by a person who agrees.
    async fn code(&mut self, client: &str) {
        let mut person = self.person().await;
        let path = format!(
            "/oauth/authorize?response_type=code&client_id={}&redirect_uri={CALLBACK}&scope=openid+email+profile&state=s\
             &nonce=n-1&code_challenge={CHALLENGE}&code_challenge_method=S256",
            self.values.get(client)
        );
        let mut answer = person.get(&path, &[]).await;
        if answer.status == 200 {
            answer = agree(&mut person, &answer).await;
        }
        let location = answer.header("location").unwrap_or_default();
        let code = location
            .split("code=")
            .nth(1)
            .and_then(|rest| rest.split('&').next());
        self.values.set("code", code.unwrap_or("missing"));
    }

    async fn person(&self) -> Http {
        let mut person = self.server.http().await;
        go::sign_in(&mut person, &self.facts).await;
        person
    }

    async fn exchange(&mut self, recorded: &Value) {
        let what = recorded["what"].as_str().unwrap();
        if let Some(parts) = recorded.get("jwt") {
            self.jwt(what, parts);
            return;
        }
        let mut http = if what.ends_with("(signed in)") {
            self.person().await
        } else {
            self.server.http().await
        };
        let request = self.values.fill(&recorded["request"]);
        let answer = http
            .try_send(&bytes(&request, http.cookie.as_deref()))
            .await
            .unwrap();
        // A code that comes by a redirection is new each time.
        if let Some(code) = answer.header("location").and_then(|to| {
            let (_, rest) = to.split_once("?code=")?;
            rest.split('&').next().map(str::to_owned)
        }) {
            self.values.set("code", &code);
        }
        let expected = self.values.fill(&recorded["response"]);
        diff::answers(
            what,
            &expected,
            &answer,
            &self.values,
            &mut self.differences,
        );
        self.remember(what, &answer);
    }

    fn remember(&mut self, what: &str, answer: &Answer) {
        let Ok(body) = serde_json::from_str::<Value>(&answer.body) else {
            return;
        };
        if let Some(code) = body["device_code"]
            .as_str()
            .filter(|_| what == "device code")
        {
            self.values.set("device_code", code);
        }
        if matches!(what, "poll approved" | "code, confidential") {
            self.values.set("access", &text(&body["access_token"]));
            self.values.set("refresh", &text(&body["refresh_token"]));
            self.tokens = body;
        }
    }

    fn jwt(&mut self, what: &str, parts: &Value) {
        let name = what.split(" header").next().unwrap().replace(' ', "_");
        let token = text(&self.tokens[&name]);
        let expected = self.values.fill(parts);
        for (n, part) in ["header", "claims"].into_iter().enumerate() {
            let bytes = general_purpose::URL_SAFE_NO_PAD
                .decode(token.split('.').nth(n).unwrap_or_default())
                .unwrap();
            let actual: Value = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
            diff::values(
                what,
                part,
                &expected[n],
                &actual,
                &self.values,
                &mut self.differences,
            );
        }
    }
}

/// Presses the button on the consent page.
pub async fn agree(person: &mut Http, page: &Answer) -> Answer {
    let form = page
        .body
        .split("<form")
        .find(|form| form.contains("/oauth/authorize"));
    let form = form.unwrap_or_else(|| panic!("no consent form: {page:?}"));
    let mut fields: Vec<(String, String)> = form
        .split("<input")
        .skip(1)
        .filter_map(|input| {
            input
                .split("name=\"")
                .nth(1)?
                .split('"')
                .next()
                .map(str::to_owned)
        })
        .map(|name| (name.clone(), unescaped(&field(form, &name))))
        .collect();
    fields.push(("action".to_owned(), "approve".to_owned()));
    let fields: Vec<(&str, &str)> = fields
        .iter()
        .map(|(k, v)| (k.as_str(), v.as_str()))
        .collect();
    person.post("/oauth/authorize", &fields).await
}

fn unescaped(text: &str) -> String {
    [
        "&#x2F;/", "&#x3D;=", "&quot;\"", "&#x27;'", "&lt;<", "&gt;>", "&amp;&",
    ]
    .iter()
    .fold(text.to_owned(), |text, pair| {
        let (entity, plain) = pair.split_at(pair.find(';').unwrap() + 1);
        text.replace(entity, plain)
    })
}

/// A recorded request as it went over the wire.
fn bytes(request: &Value, cookie: Option<&str>) -> Vec<u8> {
    let mut headers: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in request["headers"].as_object().into_iter().flatten() {
        headers.insert(name.to_lowercase(), text(value));
    }
    if let Some(cookie) = cookie {
        headers.insert("cookie".to_owned(), cookie.to_owned());
    }
    let mut body = text(&request["body"]);
    if let Some(fields) = request["form"].as_array() {
        let pairs = fields.iter().map(|pair| (text(&pair[0]), text(&pair[1])));
        body = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(pairs)
            .finish();
        headers.insert(
            "content-type".to_owned(),
            "application/x-www-form-urlencoded".to_owned(),
        );
    }
    if request["method"] == "POST" {
        headers.insert("content-length".to_owned(), body.len().to_string());
    }
    let lines: String = headers
        .iter()
        .map(|(name, value)| format!("{name}: {value}\r\n"))
        .collect();
    let (method, path) = (text(&request["method"]), text(&request["path"]));
    format!("{method} {path} HTTP/1.1\r\nhost: test\r\n{lines}\r\n{body}").into_bytes()
}

/// Every entry of the table stands in the document.
fn documented() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/compatibility.md");
    let document = std::fs::read_to_string(path).unwrap();
    for entry in known::KNOWN {
        let section = document
            .split("\n## ")
            .find(|section| section.starts_with(entry.section))
            .unwrap_or_else(|| panic!("docs/compatibility.md has no section {:?}", entry.section));
        assert!(
            section
                .lines()
                .any(|line| line.starts_with("| ") && line.contains(entry.row)),
            "docs/compatibility.md, section {:?}, has no row with {:?}",
            entry.section,
            entry.row
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_go_server_answered_is_answered_alike_or_the_difference_is_documented() {
    documented();
    let mut used = vec![false; known::KNOWN.len()];
    let mut unknown = Vec::new();
    let mut count = 0;
    for (profile, engine) in [
        ("hs256-fixed", Engine::Sqlite),
        ("rs256-rotation", Engine::Postgres),
        ("es256-registration-closed", Engine::Sqlite),
    ] {
        let replay = Replay::of(profile, engine).await;
        count += replay.differences.len();
        for difference in replay.differences {
            match known::KNOWN
                .iter()
                .position(|entry| entry.names(&difference))
            {
                Some(n) => used[n] = true,
                None => unknown.push(format!("{profile}: {difference}")),
            }
        }
    }
    assert!(
        unknown.is_empty(),
        "{} unknown differences:\n{}",
        unknown.len(),
        unknown.join("\n")
    );
    let unused: Vec<_> = known::KNOWN
        .iter()
        .zip(&used)
        .filter(|(_, used)| !**used)
        .map(|(entry, _)| entry)
        .collect();
    assert!(unused.is_empty(), "these differences are gone: {unused:#?}");
    println!("{count} differences, all of them documented");
}
