//! The samples of the guides do what the text around them says. Each is taken out of its guide and run as it stands there: by
//! bash and curl, or by Python.
use crate::{
    app::{self, location, parameter, press},
    machine::{self, Machine},
    support::{Engine, Http, Server},
};
use std::{fs, path::Path, process::Command};

const KEY: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/tests/fixtures/keys/p256.pkcs8.pem"
);
const CALLBACK: &str = "https://app.example.com/callback";

/// A block of a guide.
struct Sample {
    guide: String,
    /// What the fence says: a language, and for requests the status that they must get.
    kind: String,
    text: String,
}

/// All blocks of all guides in a language. A block inside of a list is indented, its guide's words are not run.
fn samples(lang: &str, base: &str) -> Vec<Sample> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/guides");
    let mut found = Vec::new();
    for entry in fs::read_dir(root.join(lang)).unwrap() {
        let path = entry.unwrap().path();
        let guide = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let source = fs::read_to_string(&path).unwrap();
        for block in source.split("\n```").skip(1).step_by(2) {
            let (kind, text) = block.split_once('\n').unwrap();
            found.push(Sample {
                guide: guide.clone(),
                kind: kind.trim().to_owned(),
                text: text.replace("{{base_url}}", base),
            });
        }
    }
    found
}

fn of<'s>(samples: &'s [Sample], guide: &str, start: &str) -> &'s str {
    let found = samples.iter().find(|sample| {
        sample.guide == guide && (sample.kind == start || sample.text.starts_with(start))
    });
    &found
        .unwrap_or_else(|| panic!("{guide} has no {start}"))
        .text
}

/// Runs a program in the server's directory; what it prints.
fn run(server: &Server, program: &str, arguments: &[&str], env: &[(&str, &str)]) -> String {
    let output = Command::new("timeout")
        .args(["60", program])
        .args(arguments)
        .current_dir(server.directory.path())
        .envs(env.iter().copied())
        .output()
        .unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {complaint}");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// Runs a request as it stands in the guide; its status. The answer is left in a file.
fn bash(server: &Server, text: &str, env: &[(&str, &str)]) -> String {
    let script = format!(
        "curl() {{ command curl --max-time 20 --output answer --write-out '%{{http_code}}' \"$@\"; }}\n{text}"
    );
    run(server, "bash", &["-euc", &script], env)
}

/// Runs a sample and what a reader would add to it.
fn python(server: &Server, text: &str, more: &str, env: &[(&str, &str)]) -> String {
    let script = format!("{text}\nfrom os import environ\n{more}");
    run(server, "/usr/bin/python3", &["-c", &script], env)
}

/// The guide of the code grant from its first sample to its last: the access token.
async fn code_grant(server: &Server, samples: &[Sample], person: &mut Http) -> String {
    let guide = "auth-code-flow";
    let made = "print(verifier, challenge, state, nonce)";
    let made = python(server, of(samples, guide, "python"), made, &[]);
    let [verifier, challenge, state, nonce] = made.split(' ').collect::<Vec<_>>()[..] else {
        panic!("{made}");
    };
    let base = format!("http://127.0.0.1:{}", server.port);
    let asked: String = of(samples, guide, &base).lines().map(str::trim).collect();
    let asked = asked
        .replace("CLIENT_ID", "app")
        .replace("STATE", state)
        .replace("NONCE", nonce)
        .replace("CHALLENGE", challenge)
        .replace(' ', "%20");
    let page = person.get(asked.strip_prefix(&base).unwrap(), &[]).await;
    let answer = match page.status {
        200 => press(person, &page, "approve").await,
        _ => page,
    };
    let back = location(&answer);
    assert!(back.as_str().starts_with(CALLBACK), "{back}");
    assert_eq!(parameter(&back, "state").as_deref(), Some(state));
    let code = parameter(&back, "code").expect("a code");
    let trade = [
        ("CLIENT_ID", "app"),
        ("CODE", code.as_str()),
        ("VERIFIER", verifier),
    ];
    assert_eq!(bash(server, of(samples, guide, "sh 200"), &trade), "200");
    let answer = fs::read(server.directory.path().join("answer")).unwrap();
    let answer: serde_json::Value = serde_json::from_slice(&answer).unwrap();
    assert_eq!(
        app::payload(answer["id_token"].as_str().unwrap())["nonce"],
        nonce
    );
    answer["access_token"].as_str().unwrap().to_owned()
}

/// The programs in the guides, with what they must print.
fn programs(server: &Server, samples: &[Sample], env: &[(&str, &str)]) {
    let tokens = r#"
tokens = Tokens(environ["BASE"] + "/oauth/token", environ["MACHINE_ID"], environ["MACHINE_SECRET"])
print(tokens.get().count("."), tokens.get() == tokens.get())"#;
    let guide = of(samples, "client-credentials", "python");
    assert_eq!(python(server, guide, tokens, env), "2 True");
    let verify = r#"
print(claims(environ["ACCESS_TOKEN"])["type"])
for other in [environ["REFRESH_TOKEN"], environ["ACCESS_TOKEN"][:-4] + "AAAA"]:
    try:
        claims(other)
    except jwt.InvalidTokenError:
        print("refused")"#;
    let guide = of(samples, "jwt-verification", "python");
    assert_eq!(
        python(server, guide, verify, env),
        "access\nrefused\nrefused"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_samples_of_the_guides_run() {
    let keys = [
        ("JWT_SIGNING_ALGORITHM", "ES256"),
        ("JWT_PRIVATE_KEY_PATH", KEY),
    ];
    let server = Server::start(Engine::Sqlite, &keys).await;
    let machine = Machine {
        id: "machine",
        kind: "confidential",
        flow: true,
        more: &[],
    };
    machine.register(&server).await;
    app::register(&server, "app", "public", &[CALLBACK]).await;
    let resources = "UPDATE oauth_applications SET allowed_resources = CAST('[\"https://api.example.com\"]' AS BLOB)";
    server.sql(resources, "").await;
    let base = format!("http://127.0.0.1:{}", server.port);
    let secret: String = url::form_urlencoded::byte_serialize(machine::SECRET.as_bytes()).collect();
    let (mut http, mut person) = (server.http().await, server.http().await);
    person.sign_in().await;
    for lang in ["en", "zh-Hant"] {
        let samples = samples(lang, &base);
        let signed_in = code_grant(&server, &samples, &mut person).await;
        let (mut requests, mut others) = (0, 0);
        for Sample { guide, kind, text } in &samples {
            let Some(status) = kind.strip_prefix("sh") else {
                others += usize::from(kind == "python");
                continue;
            };
            requests += 1;
            if text.contains("grant_type=authorization_code") {
                continue;
            }
            let code = server.approved_codes(1).await.remove(0);
            let tokens = http.poll(&server.client_id, &code).await;
            let access = match text.contains("/oauth/userinfo") {
                true => signed_in.clone(),
                false => tokens.text("access_token"),
            };
            let pending = http.start_device(&server.client_id).await;
            let refresh = tokens.text("refresh_token");
            let env = [
                ("BASE", base.as_str()),
                ("CLIENT_ID", &server.client_id),
                ("DEVICE_CODE", &pending),
                ("ACCESS_TOKEN", &access),
                ("REFRESH_TOKEN", &refresh),
                ("MACHINE_ID", "machine"),
                ("MACHINE_SECRET", &secret),
            ];
            assert_eq!(
                bash(&server, text, &env),
                status.trim(),
                "{lang}/{guide}: {text}"
            );
            if requests == 1 {
                programs(&server, &samples, &env);
            }
        }
        // Whoever adds one says here how it is run.
        assert!(requests > 14 && others == 3, "{requests} and {others}");
    }
}
