//! Input that nobody sends by accident: an error or a page, never a 5xx, never a dead server.
use crate::support::{Engine, Http, Server};

fn post(path: &str, content_type: &str, body: &[u8]) -> Vec<u8> {
    let mut request = format!(
        "POST {path} HTTP/1.1\r\nhost: x\r\ncontent-type: {content_type}\r\ncontent-length: {}\r\n\r\n",
        body.len()
    )
    .into_bytes();
    request.extend_from_slice(body);
    request
}

#[tokio::test(flavor = "multi_thread")]
async fn no_request_makes_the_server_fail() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let server = Server::start(engine, &[]).await;
        let id = server.client_id.clone();
        let grant = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code";
        let big = "a".repeat(70_000);
        let bodies: Vec<Vec<u8>> = vec![
            b"".to_vec(),
            b"=&=&&&".to_vec(),
            b"%".to_vec(),
            b"a=%ff%fe".to_vec(),
            vec![0xff, 0xfe, 0x00, 0x01],
            format!("client_id={id}&client_id={id}").into_bytes(),
            format!("client_id={id}&scope=%00").into_bytes(),
            format!("client_id={id}&scope=%F0%9F%98%80").into_bytes(),
            format!("client_id={id}&resource=x&resource=%23").into_bytes(),
            format!("client_id={id}%00").into_bytes(),
            format!("{grant}&client_id={id}&device_code=%00").into_bytes(),
            format!("{grant}&client_id={id}&device_code={}", "f".repeat(40)).into_bytes(),
            format!(
                "{grant}&client_id={id}&device_code={}&extra_claims=[[[[",
                "f".repeat(40)
            )
            .into_bytes(),
            format!("grant_type=refresh_token&client_id={id}&refresh_token=%00%00").into_bytes(),
            format!(
                "grant_type=refresh_token&client_id={id}&refresh_token={}",
                "x".repeat(9000)
            )
            .into_bytes(),
            b"grant_type=refresh_token&grant_type=refresh_token".to_vec(),
            b"token=%00".to_vec(),
            b"username=%00&password=%00&csrf_token=%00".to_vec(),
            b"user_code=%00&csrf_token=x&confirmed=maybe".to_vec(),
            format!("a={big}").into_bytes(),
            b"{\"client_id\":".to_vec(),
            b"{\"client_id\":\"a\\u0000b\"}".to_vec(),
            b"{\"client_id\":7,\"resource\":{}}".to_vec(),
            format!("[{}", "[".repeat(5000)).into_bytes(),
            b"--x\r\nContent-Disposition: form-data; name=\"\r\n\r\n".to_vec(),
        ];
        let mut sent = 0;
        for path in [
            "/oauth/device/code",
            "/oauth/token",
            "/oauth/revoke",
            "/login",
            "/logout",
            "/device/verify",
            "/nope",
        ] {
            for content_type in [
                "application/x-www-form-urlencoded",
                "multipart/form-data; boundary=x",
                "application/json",
                "text/plain",
                "\u{1}",
            ] {
                for body in &bodies {
                    let mut http = server.http().await;
                    if let Ok(answer) = http.try_send(&post(path, content_type, body)).await {
                        assert!(
                            answer.status < 500,
                            "{path} {content_type} {body:?}: {answer:?}\n{}",
                            server.log()
                        );
                        sent += 1;
                    }
                }
            }
        }
        headers_and_lines(&server).await;
        println!("{sent} hostile bodies on {engine:?}");
        assert!(!server.log().contains("panicked"), "{}", server.log());
        assert_eq!(server.http().await.get("/health", &[]).await.status, 200);
    }
}

async fn headers_and_lines(server: &Server) {
    let long = "x".repeat(20_000);
    let lines = [
        "GET / HTTP/1.1\r\nhost: x\r\ncookie: oauth_session=%%%\r\n\r\n".to_owned(),
        "GET /account/sessions HTTP/1.1\r\nhost: x\r\ncookie: oauth_session=AAAA; oauth_session=BBBB\r\n\r\n".to_owned(),
        format!("GET /login?redirect={long} HTTP/1.1\r\nhost: x\r\n\r\n"),
        "GET /login?redirect=%0d%0aSet-Cookie:x=y HTTP/1.1\r\nhost: x\r\n\r\n".to_owned(),
        "GET /device?user_code=%ff HTTP/1.1\r\nhost: x\r\n\r\n".to_owned(),
        "GET /static/../../etc/passwd HTTP/1.1\r\nhost: x\r\n\r\n".to_owned(),
        "GET /static/%2e%2e/%2e%2e/etc/passwd HTTP/1.1\r\nhost: x\r\n\r\n".to_owned(),
        format!("GET /oauth/tokeninfo HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {long}\r\n\r\n"),
        "GET /oauth/tokeninfo HTTP/1.1\r\nhost: x\r\nauthorization: Bearer a.b.c\r\n\r\n".to_owned(),
        "GET /oauth/tokeninfo HTTP/1.1\r\nhost: x\r\nauthorization: \r\nauthorization: x\r\n\r\n".to_owned(),
        "POST /oauth/token HTTP/1.1\r\nhost: x\r\nauthorization: Basic !!!\r\ncontent-length: 0\r\n\r\n".to_owned(),
        "POST /oauth/token HTTP/1.1\r\nhost: x\r\nauthorization: Basic OgA=\r\ncontent-length: 24\r\n\r\ngrant_type=refresh_token".to_owned(),
        "GET //evil.example/ HTTP/1.1\r\nhost: x\r\n\r\n".to_owned(),
        "GET /health HTTP/1.1\r\nhost: x\r\nx-forwarded-for: ';DROP TABLE users\r\nuser-agent: \u{fffd}\r\n\r\n".to_owned(),
    ];
    for line in lines {
        let mut http = server.http().await;
        if let Ok(answer) = http.try_send(line.as_bytes()).await {
            assert!(answer.status < 500, "{line:?}: {answer:?}");
            assert!(!answer.body.contains("root:"));
            let location = answer.header("location").unwrap_or_default();
            assert!(
                !location.starts_with("//") && !location.contains("evil"),
                "{location}"
            );
        }
    }
    let mut http: Http = server.http().await;
    http.sign_in().await;
    for path in [
        "/admin/users/%00",
        "/admin/clients/a%00b",
        "/admin/tokens/%00/revoke",
        "/account/authorizations/%00/revoke",
    ] {
        assert_eq!(http.get(path, &[]).await.status, 404, "{path}");
    }
    for code in ["", " ", "\0", "😀", "ABCD-2345", &"A".repeat(5000)] {
        let page = http.get("/device", &[]).await;
        let csrf = crate::support::field(&page.body, "csrf_token");
        let answer = http
            .post(
                "/device/verify",
                &[("user_code", code), ("csrf_token", &csrf)],
            )
            .await;
        assert_eq!(answer.status, 400, "{code:?}: {answer:?}");
    }
}
