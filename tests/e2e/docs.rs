//! The guides and the description of the endpoints: where they are and how they are cached.
use crate::support::{Engine, Server};

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
    let vary = page.header("vary");
    assert_eq!(vary.as_deref(), Some("Accept-Encoding, Cookie"));
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
        for path in ["/oauth/register", "/oauth/register/{client_id}"] {
            assert_eq!(json["paths"][path].is_object(), wanted, "{path}");
        }
        assert!(json["paths"].get("/metrics").is_none());
        let kept = http.get("/openapi.json", &[("if-none-match", &tag)]).await;
        assert_eq!(kept.status, 304);
        let page = http.get("/swagger/index.html", &[]).await;
        let old = http.get("/swagger/doc.json", &[]).await;
        let status = if wanted { 200 } else { 404 };
        assert_eq!((page.status, old.status), (status, status));
        let guide = http.get("/docs/en/tokens", &[]).await.body;
        let link = guide.contains("href=\"/swagger/index.html\"");
        assert_eq!(link, wanted);
        if wanted {
            assert!(page.body.contains("href=\"/login\""));
            let mut person = server.http().await;
            person.sign_in().await;
            let inside = person.get("/swagger/index.html", &[]).await.body;
            assert!(inside.contains("action=\"/logout\"") && !inside.contains("href=\"/login\""));
            assert!(page.body.contains("/oauth/introspect") && !page.body.contains("<script>"));
            assert_eq!(old.body, document.body);
            let chinese = http
                .get("/swagger/index.html", &[("accept-language", "zh-TW")])
                .await;
            assert!(chinese.body.contains("API 參考"));
        }
    }
}
