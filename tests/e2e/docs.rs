//! The guides and the description of the endpoints: where they are, how they are cached, and that the samples do what the
//! text around them says.
use crate::{
    machine::{Machine, SECRET},
    support::{Engine, Http, Server},
};
use std::{fs, path::Path};

/// A sample of a guide, with the status that it must get.
struct Sample {
    guide: String,
    status: u16,
    text: String,
}

fn samples() -> Vec<Sample> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/guides");
    let mut found = Vec::new();
    for lang in ["en", "zh-Hant"] {
        for entry in fs::read_dir(root.join(lang)).unwrap() {
            let path = entry.unwrap().path();
            let text = fs::read_to_string(&path).unwrap();
            for block in text.split("```sh ").skip(1) {
                let (status, rest) = block.split_once('\n').unwrap();
                found.push(Sample {
                    guide: path.display().to_string(),
                    status: status.trim().parse().unwrap(),
                    text: rest.split("```").next().unwrap().replace("\\\n", " "),
                });
            }
        }
    }
    found
}

/// Words of a shell command, with double quotes.
fn words(command: &str) -> Vec<String> {
    let (mut words, mut word, mut quoted) = (Vec::new(), String::new(), false);
    for c in command.trim().chars() {
        match c {
            '"' => quoted = !quoted,
            c if c.is_whitespace() && !quoted => words.push(std::mem::take(&mut word)),
            c => word.push(c),
        }
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    words
}

/// Does what curl would do with the sample.
async fn curl(http: &mut Http, command: &str) -> u16 {
    let words = words(command);
    let mut words = words.iter().map(String::as_str);
    assert_eq!(words.next(), Some("curl"), "{command}");
    let (mut path, mut form, mut headers) = (String::new(), Vec::new(), Vec::new());
    while let Some(word) = words.next() {
        match word {
            "-s" => {}
            "-d" => form.push(words.next().unwrap().split_once('=').unwrap()),
            "-H" => {
                let (name, value) = words.next().unwrap().split_once(": ").unwrap();
                headers.push((name, value.to_owned()));
            }
            "-u" => {
                use base64::Engine as _;
                let both = base64::engine::general_purpose::STANDARD.encode(words.next().unwrap());
                headers.push(("authorization", format!("Basic {both}")));
            }
            url => {
                path = url
                    .strip_prefix("{{base_url}}")
                    .unwrap_or_else(|| panic!("{url}"))
                    .to_owned()
            }
        }
    }
    let headers: Vec<(&str, &str)> = headers.iter().map(|(n, v)| (*n, v.as_str())).collect();
    if form.is_empty() {
        return http.get(&path, &headers).await.status;
    }
    http.post_with(&path, &headers, &form).await.status
}

#[tokio::test(flavor = "multi_thread")]
async fn the_samples_of_the_guides_run() {
    let server = Server::start(Engine::Sqlite, &[]).await;
    Machine {
        id: "machine",
        kind: "confidential",
        flow: true,
        more: &[],
    }
    .register(&server)
    .await;
    let mut http = server.http().await;
    let secret: String = url::form_urlencoded::byte_serialize(SECRET.as_bytes()).collect();
    let samples = samples();
    assert!(samples.len() > 20, "{}", samples.len());
    for Sample {
        guide,
        status,
        text,
    } in samples
    {
        let code = server.approved_codes(1).await.remove(0);
        let tokens = http.poll(&server.client_id, &code).await;
        let pending = http.start_device(&server.client_id).await;
        let mut command = text.clone();
        for (name, value) in [
            ("$CLIENT_ID", server.client_id.as_str()),
            ("$DEVICE_CODE", &pending),
            ("$ACCESS_TOKEN", &tokens.text("access_token")),
            ("$REFRESH_TOKEN", &tokens.text("refresh_token")),
            ("$MACHINE_ID", "machine"),
            ("$MACHINE_SECRET", &secret),
        ] {
            command = command.replace(name, value);
        }
        assert!(!command.contains('$'), "{guide}: {command}");
        assert_eq!(curl(&mut http, &command).await, status, "{guide}: {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn guides_are_found_in_the_readers_language_and_kept() {
    let server = Server::start(Engine::Sqlite, &[]).await;
    let mut http = server.http().await;
    for (path, accept, status, target) in [
        ("/docs", "", 302, "/docs/en/getting-started"),
        (
            "/docs",
            "zh-TW,en;q=0.5",
            302,
            "/docs/zh-TW/getting-started",
        ),
        ("/docs/zh-hant", "", 302, "/docs/zh-TW/getting-started"),
        ("/docs/device-flow", "zh-HK", 302, "/docs/zh-TW/device-flow"),
        ("/docs/nothing", "", 302, "/docs"),
        ("/docs/EN/Device-Flow", "", 301, "/docs/en/device-flow"),
        ("/docs/zh_TW/tokens", "", 301, "/docs/zh-TW/tokens"),
        ("/docs/fr/tokens", "", 302, "/docs"),
        ("/docs/en/nothing", "", 302, "/docs/en/getting-started"),
        (
            "/docs/en/..%2f..%2fetc%2fpasswd",
            "",
            302,
            "/docs/en/getting-started",
        ),
    ] {
        let answer = http.get(path, &[("accept-language", accept)]).await;
        let found = (answer.status, answer.header("location"));
        assert_eq!(found, (status, Some(target.to_owned())), "{path} {accept}");
    }
    let page = http.get("/docs/zh-TW/device-flow", &[]).await;
    assert_eq!(page.status, 200);
    assert!(page.body.contains("<html lang=\"zh-Hant\">") && page.body.contains("裝置流程"));
    assert!(page.body.contains("<svg class=\"sequence\""));
    let base = format!("curl -s http://127.0.0.1:{}/oauth/device/code", server.port);
    assert!(page.body.contains(&base), "samples name this server");
    assert_eq!(page.header("vary").as_deref(), Some("Cookie"));
    assert!(page.header("set-cookie").is_none());
    let tag = page.header("etag").unwrap();
    let again = http
        .get("/docs/zh-TW/device-flow", &[("if-none-match", &tag)])
        .await;
    assert_eq!((again.status, again.body.len()), (304, 0));
    http.sign_in().await;
    let inside = http
        .get("/docs/en/device-flow", &[("if-none-match", &tag)])
        .await;
    assert_eq!(inside.status, 200);
    assert_eq!(inside.header("cache-control").as_deref(), Some("no-store"));
    assert!(inside.body.contains("action=\"/logout\""));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_description_tells_of_what_is_served_and_is_shown_where_it_is_wanted() {
    for wanted in [false, true] {
        let switch = wanted.to_string();
        let env = [
            ("ENABLE_SWAGGER", switch.as_str()),
            ("ENABLE_DYNAMIC_CLIENT_REGISTRATION", switch.as_str()),
        ];
        let server = Server::start(Engine::Sqlite, &env).await;
        let mut http = server.http().await;
        let document = http.get("/openapi.json", &[]).await;
        let (tag, json) = (document.header("etag").unwrap(), document.json());
        assert_eq!(json["openapi"], "3.1.0");
        assert_eq!(
            json["servers"][0]["url"],
            format!("http://127.0.0.1:{}", server.port)
        );
        assert!(json["paths"]["/oauth/token"]["post"].is_object());
        assert_eq!(json["paths"]["/oauth/register"].is_object(), wanted);
        assert!(json["paths"].get("/metrics").is_none());
        let kept = http.get("/openapi.json", &[("if-none-match", &tag)]).await;
        assert_eq!(kept.status, 304);
        let page = http.get("/swagger/index.html", &[]).await;
        let old = http.get("/swagger/doc.json", &[]).await;
        let status = if wanted { 200 } else { 404 };
        assert_eq!((page.status, old.status), (status, status));
        if wanted {
            assert!(page.body.contains("/oauth/introspect") && !page.body.contains("<script>"));
            assert_eq!(old.body, document.body);
            let chinese = http
                .get("/swagger/index.html", &[("accept-language", "zh-TW")])
                .await;
            assert!(chinese.body.contains("API 參考"));
        }
    }
}
