//! What is asked of the server, and in which order: the tokens that one endpoint issues are what the next one needs.
use crate::{
    Arguments, CONNECTIONS, Outcome, codes,
    generator::{self, Next, Run},
    http::{DEVICE_GRANT, Http},
    report::Figures,
    server::{Database, MACHINE, Process, WEB},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use std::{cell::RefCell, rc::Rc};

/// Codes that are drawn before they are redeemed; a run ends early when none is left.
const CODES: usize = 2_000;

fn get(path: &str, header: &str) -> Bytes {
    format!("GET {path} HTTP/1.1\r\nhost: test\r\n{header}\r\n").into()
}

fn post(path: &str, form: &[(&str, &str)], header: &str) -> Bytes {
    let body = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(form)
        .finish();
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nhost: test\r\ncontent-type: application/x-www-form-urlencoded\r\n\
         content-length: {length}\r\n{header}\r\n{body}"
    )
    .into()
}

fn refresh(client_id: &str, token: &str) -> Bytes {
    let form = [
        ("grant_type", "refresh_token"),
        ("client_id", client_id),
        ("refresh_token", token),
    ];
    post("/oauth/token", &form, "")
}

/// The value of a member of a flat JSON object, without a parser: the generator must be lighter than the server.
fn member<'a>(json: &'a str, name: &str) -> Option<&'a str> {
    let start = json.find(&format!("\"{name}\":\""))? + name.len() + 4;
    json[start..].split('"').next()
}

struct Grant {
    client_id: String,
    cookie: String,
    refresh_tokens: Vec<String>,
    access_tokens: Vec<String>,
    /// With the scope `openid`.
    identity_tokens: Vec<String>,
}

/// What clients and a person hold after the device grant: of each token one per connection, so that no two connections
/// ask for the same row. Approved by the administrator's clicks.
async fn granted(process: &Process, database: &Database) -> Outcome<Grant> {
    let client_id = database.client()?;
    let mut person = Http::try_new(process.port).await?;
    person.sign_in().await;
    let mut device = Http::try_new(process.port).await?;
    let (mut refresh_tokens, mut access_tokens) = (Vec::new(), Vec::new());
    let mut identity_tokens = Vec::new();
    for _ in 0..CONNECTIONS {
        for scope in ["email profile", "openid email"] {
            let form = [("client_id", client_id.as_str()), ("scope", scope)];
            let code = device.post("/oauth/device/code", &form).await;
            person.decide(&code.text("user_code"), "approve").await;
            let tokens = device.poll(&client_id, &code.text("device_code")).await;
            if scope.starts_with("openid") {
                identity_tokens.push(tokens.text("access_token"));
            } else {
                refresh_tokens.push(tokens.text("refresh_token"));
                access_tokens.push(tokens.text("access_token"));
            }
        }
    }
    Ok(Grant {
        client_id,
        cookie: person.cookie.ok_or("no session")?,
        refresh_tokens,
        access_tokens,
        identity_tokens,
    })
}

/// All endpoints once, on a server that was started for it.
pub async fn round(
    arguments: &Arguments,
    database: &Database,
    figures: &mut Figures,
) -> Outcome<()> {
    let process = Process::start(arguments, database, &[]).await?;
    let grant = granted(&process, database).await?;
    let mut asking = Asking {
        arguments,
        process: &process,
        figures,
    };
    for path in [
        "/health",
        "/.well-known/openid-configuration",
        "/.well-known/jwks.json",
    ] {
        let name = path.rsplit('/').next().unwrap_or(path);
        asking.plain(name, &[200], vec![get(path, "")]).await?;
    }
    asking
        .plain("login page", &[200], vec![get("/login", "")])
        .await?;
    let cookie = format!("cookie: {}\r\n", grant.cookie);
    asking
        .plain("device page", &[200], vec![get("/device", &cookie)])
        .await?;
    let bearers = |path: &str, tokens: &[String]| -> Vec<Bytes> {
        let asked = |token| get(path, &format!("authorization: Bearer {token}\r\n"));
        tokens.iter().map(asked).collect()
    };
    let asked = bearers("/oauth/tokeninfo", &grant.access_tokens);
    asking.plain("tokeninfo", &[200], asked).await?;
    let asked = bearers("/oauth/userinfo", &grant.identity_tokens);
    asking.plain("userinfo", &[200], asked).await?;
    database.clients().await?;
    let basic = format!("authorization: Basic {}\r\n", STANDARD.encode(MACHINE));
    let looks = grant.access_tokens.iter();
    let looks = looks.map(|token| post("/oauth/introspect", &[("token", token)], &basic));
    asking.plain("introspect", &[200], looks.collect()).await?;
    let own = [("grant_type", "client_credentials")];
    let own = post("/oauth/token", &own, &basic);
    asking
        .plain("client credentials", &[200], vec![own])
        .await?;
    let device_code = post(
        "/oauth/device/code",
        &[("client_id", &grant.client_id), ("scope", "email profile")],
        "",
    );
    asking
        .plain("device code", &[200], vec![device_code])
        .await?;

    let mut device = Http::try_new(process.port).await?;
    let mut polls = Vec::new();
    for _ in 0..CONNECTIONS {
        let code = device.start_device(&grant.client_id).await;
        let form = [
            ("grant_type", DEVICE_GRANT),
            ("client_id", &grant.client_id),
            ("device_code", &code),
        ];
        polls.push(post("/oauth/token", &form, ""));
    }
    asking.plain("pending poll", &[400], polls).await?;

    if asking.wants("code exchange") {
        let basic = format!("authorization: Basic {}\r\n", STANDARD.encode(WEB));
        let mut person = Http::try_new(process.port).await?;
        person.cookie = Some(grant.cookie.clone());
        let drawn = codes::draw(&mut person, CODES).await?;
        let redeeming = drawn.iter().map(|code| {
            let form = codes::redeem(code);
            let form: Vec<(&str, &str)> = form.iter().map(|(n, v)| (*n, v.as_str())).collect();
            post("/oauth/token", &form, &basic)
        });
        let redeeming = generator::once_each(redeeming.collect());
        asking.ask("code exchange", &[200], redeeming).await?;
    }

    let issued = Rc::new(RefCell::new(Vec::new()));
    asking
        .ask("refresh", &[200], refreshing(&grant, issued.clone()))
        .await?;
    let revocations = issued
        .borrow()
        .iter()
        .map(|token| {
            post(
                "/oauth/revoke",
                &[("token", token), ("client_id", &grant.client_id)],
                "",
            )
        })
        .collect();
    asking
        .ask("revoke", &[200], generator::once_each(revocations))
        .await?;
    process.stop()?;

    let process = Process::start(arguments, database, &[("ENABLE_TOKEN_ROTATION", "true")]).await?;
    let grant = granted(&process, database).await?;
    Asking {
        arguments,
        process: &process,
        figures,
    }
    .ask("refresh, rotation", &[200], rotating(&grant))
    .await?;
    process.stop()
}

/// Fixed mode: the same refresh token again and again. The access tokens go to `issued`.
fn refreshing(grant: &Grant, issued: Rc<RefCell<Vec<String>>>) -> Next {
    let requests: Vec<_> = grant
        .refresh_tokens
        .iter()
        .map(|token| refresh(&grant.client_id, token))
        .collect();
    Rc::new(RefCell::new(move |connection: usize, answer: &str| {
        if let Some(token) = member(answer, "access_token") {
            issued.borrow_mut().push(token.to_owned());
        }
        Some(requests[connection].clone())
    }))
}

/// Rotation mode: each connection follows its own chain.
fn rotating(grant: &Grant) -> Next {
    let (client_id, first) = (grant.client_id.clone(), grant.refresh_tokens.clone());
    Rc::new(RefCell::new(move |connection: usize, answer: &str| {
        let token = member(answer, "refresh_token").unwrap_or(&first[connection]);
        Some(refresh(&client_id, token))
    }))
}

struct Asking<'a> {
    arguments: &'a Arguments,
    process: &'a Process,
    figures: &'a mut Figures,
}

impl Asking<'_> {
    fn wants(&self, name: &str) -> bool {
        let wanted = &self.arguments.only;
        wanted.is_empty() || wanted.iter().any(|only| only == name)
    }

    async fn plain(
        &mut self,
        name: &'static str,
        expected: &'static [u16],
        requests: Vec<Bytes>,
    ) -> Outcome<()> {
        self.ask(name, expected, generator::repeat(requests)).await
    }

    async fn ask(
        &mut self,
        name: &'static str,
        expected: &'static [u16],
        next: Next,
    ) -> Outcome<()> {
        // Refreshes are what revocation lives on.
        if name != "refresh" && !self.wants(name) {
            return Ok(());
        }
        let run: Run = generator::run(self.process, self.arguments.seconds, expected, next).await?;
        if run.bad > 0 {
            eprintln!("{name}: {} answers with another status", run.bad);
        }
        self.figures.endpoint(name, run);
        Ok(())
    }
}
