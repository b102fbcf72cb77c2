use super::*;
use crate::http::form::FormError;
use ::http::HeaderName;
use bytes::Bytes;
use futures_util::StreamExt as _;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

struct World {
    router: Router,
    refusals: Arc<AtomicUsize>,
    now: Arc<AtomicI64>,
}

fn world(cors: Option<CorsRules>, limit: i64) -> World {
    let (refusals, now) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicI64::new(0)));
    let (told, clock) = (Arc::clone(&refusals), Arc::clone(&now));
    let settings = Settings {
        trusted_proxies: vec!["10.0.0.0/8".parse().unwrap()],
        https: true,
        cors,
        body_deadline: Duration::from_secs(5),
        refuse: Arc::new(|_, refusal| {
            let answer = match refusal {
                Refusal::NotFound => respond::not_found(),
                Refusal::TooMany { .. } => respond::text(429, "slow"),
                Refusal::Panicked => respond::text(500, "sorry"),
            };
            Box::pin(async { answer })
        }),
        on_limited: Arc::new(move |_, _| {
            told.fetch_add(1, Ordering::Relaxed);
        }),
        millis: Arc::new(move || clock.load(Ordering::Relaxed)),
    };
    let router = Routes::new()
        .on(
            Method::GET,
            "/things/{id}",
            Route::new(|request: Request| async move {
                let id = request.param("id").unwrap_or_default().to_owned();
                respond::text_of_type(200, "text/plain", id)
            }),
        )
        .on(
            Method::POST,
            "/form",
            Route::new(|mut request: Request| async move {
                match request.form(&["many"]).await {
                    Ok(form) => respond::text_of_type(
                        200,
                        "text/plain",
                        form.get("a").unwrap_or("-").to_owned(),
                    ),
                    Err(error) => respond::empty(error.status()),
                }
            })
            .capped(32),
        )
        .on(
            Method::GET,
            "/boom",
            Route::new(|_| async { panic!("boom") }),
        )
        .on(
            Method::GET,
            "/who",
            Route::new(|request: Request| async move {
                respond::text_of_type(200, "text/plain", request.client_address().to_string())
            }),
        )
        .on(
            Method::POST,
            "/oauth/token",
            Route::new(|_| async { respond::empty(200) })
                .limited(Some(Arc::new(Limiter::new(limit)))),
        )
        .build(settings)
        .unwrap();
    World {
        router,
        refusals,
        now,
    }
}

async fn send(
    world: &World,
    method: Method,
    uri: &str,
    headers: &[(&str, &str)],
    body: &'static [u8],
) -> Response {
    let mut map = ::http::HeaderMap::new();
    for (name, value) in headers {
        map.append(
            HeaderName::try_from(*name).unwrap(),
            HeaderValue::from_str(value).unwrap(),
        );
    }
    let peer: SocketAddr = "10.0.0.1:1".parse().unwrap();
    let head = Head {
        method,
        uri: uri.parse().unwrap(),
        headers: map,
        peer,
    };
    let chunks: Vec<Result<Bytes, warp::Error>> =
        body.chunks(10).map(|c| Ok(Bytes::from_static(c))).collect();
    world
        .router
        .answer(Arc::new(head), futures_util::stream::iter(chunks).boxed())
        .await
}

async fn get(world: &World, uri: &str) -> Response {
    send(world, Method::GET, uri, &[], b"").await
}

fn body(response: &Response) -> &str {
    std::str::from_utf8(response.body()).unwrap()
}

#[tokio::test]
async fn unknown_paths_and_methods_are_plain_404_with_every_header() {
    let world = world(None, 1);
    for (method, uri) in [
        (Method::GET, "/nope"),
        (Method::POST, "/who"),
        (Method::GET, "/form"),
        (Method::GET, "/Who"),
    ] {
        let answer = send(&world, method, uri, &[], b"").await;
        assert_eq!(
            (answer.status().as_u16(), body(&answer)),
            (404, "404 page not found"),
            "{uri}"
        );
        for name in [
            "x-content-type-options",
            "x-frame-options",
            "permissions-policy",
            "strict-transport-security",
        ] {
            assert!(answer.headers().contains_key(name), "{uri} {name}");
        }
        assert!(!answer.headers().contains_key("allow"));
    }
}

#[tokio::test]
async fn a_name_with_a_nul_names_nothing() {
    let world = world(None, 1);
    for (path, status) in [
        ("/things/a%20b", 200),
        ("/things/%00", 404),
        ("/things/a%00b", 404),
    ] {
        assert_eq!(get(&world, path).await.status(), status, "{path}");
    }
}

#[tokio::test]
async fn parameters_are_decoded_and_head_has_no_body() {
    let world = world(None, 1);
    assert_eq!(body(&get(&world, "/things/a%20b").await), "a b");
    let head = send(&world, Method::HEAD, "/things/abc", &[], b"").await;
    assert_eq!((head.status().as_u16(), body(&head)), (200, ""));
    assert_eq!(head.headers()["content-length"], "3");
}

#[tokio::test]
async fn a_slash_too_many_is_redirected_for_readers_and_served_for_senders() {
    let world = world(None, 1);
    let answer = get(&world, "/who/?a=1").await;
    assert_eq!(
        (
            answer.status().as_u16(),
            answer.headers()["location"].to_str().unwrap()
        ),
        (301, "/who?a=1")
    );
    let answer = send(&world, Method::POST, "/form/", &[], b"a=1").await;
    assert_eq!((answer.status().as_u16(), body(&answer)), (200, "1"));
}

#[tokio::test]
async fn bodies_are_counted_while_they_come() {
    let world = world(None, 1);
    let answer = send(
        &world,
        Method::POST,
        "/form",
        &[],
        b"a=0123456789012345678901234567890123456789",
    )
    .await;
    assert_eq!(answer.status(), 413);
    assert_eq!(
        send(&world, Method::POST, "/form", &[], b"a=1&a=2")
            .await
            .status(),
        400
    );
    assert_eq!(
        send(&world, Method::POST, "/form", &[], b"a=%ff")
            .await
            .status(),
        400
    );
    assert_eq!(FormError::TooMany.status(), 400);
}

#[tokio::test]
async fn a_panic_is_one_answer_of_500() {
    let world = world(None, 1);
    assert_eq!(get(&world, "/boom").await.status(), 500);
    assert_eq!(get(&world, "/who").await.status(), 200);
}

#[tokio::test]
async fn limits_are_told_on_every_answer_and_noted_once() {
    let world = world(None, 2);
    let from = async |ip: &str| {
        send(
            &world,
            Method::POST,
            "/oauth/token",
            &[("x-forwarded-for", ip)],
            b"",
        )
        .await
    };
    let mut seen = Vec::new();
    for _ in 0..4 {
        let answer = from("203.0.113.1").await;
        let text = |name: &str| {
            answer
                .headers()
                .get(name)
                .map(|v| v.to_str().unwrap().to_owned())
        };
        seen.push((
            answer.status().as_u16(),
            text("x-ratelimit-remaining").unwrap(),
            text("retry-after"),
        ));
        assert_eq!(text("x-ratelimit-limit").unwrap(), "2");
        assert_eq!(text("x-ratelimit-reset").unwrap(), "60");
    }
    let refused = || (429, "0".to_owned(), Some("60".to_owned()));
    assert_eq!(
        seen,
        [
            (200, "1".to_owned(), None),
            (200, "0".to_owned(), None),
            refused(),
            refused()
        ]
    );
    assert_eq!(world.refusals.load(Ordering::Relaxed), 1);
    assert_eq!(from("203.0.113.2").await.status(), 200);
    world.now.store(60_000, Ordering::Relaxed);
    assert_eq!(from("203.0.113.1").await.status(), 200);
}

#[tokio::test]
async fn only_a_trusted_proxy_names_the_client() {
    let world = world(None, 1);
    let answer = send(
        &world,
        Method::GET,
        "/who",
        &[("x-forwarded-for", "203.0.113.9")],
        b"",
    )
    .await;
    assert_eq!(body(&answer), "203.0.113.9");
    let answer = send(
        &world,
        Method::GET,
        "/who",
        &[("x-forwarded-for", "junk")],
        b"",
    )
    .await;
    assert_eq!(body(&answer), "10.0.0.1");
}

fn cors(origins: &[&str]) -> CorsRules {
    CorsRules {
        origins: origins.iter().map(|o| (*o).to_owned()).collect(),
        methods: "GET,POST".to_owned(),
        headers: "Authorization".to_owned(),
        max_age: Some(43_200),
    }
}

#[tokio::test]
async fn cross_origin_requests_go_by_exact_origin() {
    let world = world(Some(cors(&["https://app.example"])), 9);
    let asked = |origin: &'static str, method: Method, uri: &'static str, preflight: bool| {
        let mut headers = vec![("origin", origin), ("host", "auth.example")];
        if preflight {
            headers.push(("access-control-request-method", "POST"));
        }
        let world = &world;
        async move { send(world, method, uri, &headers, b"").await }
    };
    let allowed = asked("https://app.example", Method::POST, "/oauth/token", false).await;
    assert_eq!(allowed.status(), 200);
    assert_eq!(
        allowed.headers()["access-control-allow-origin"],
        "https://app.example"
    );
    assert_eq!(
        allowed.headers()["access-control-allow-credentials"],
        "true"
    );
    assert_eq!(allowed.headers()["vary"], "Origin");
    // What a script needs to obey a 429 and to see why a token is refused.
    assert_eq!(
        allowed.headers()["access-control-expose-headers"],
        "Content-Length,Content-Type,Retry-After,WWW-Authenticate,X-RateLimit-Limit,X-RateLimit-Remaining,X-RateLimit-Reset"
    );
    let preflight = asked("https://app.example", Method::OPTIONS, "/oauth/token", true).await;
    assert_eq!(preflight.status(), 204);
    assert_eq!(
        preflight.headers()["access-control-allow-methods"],
        "GET,POST"
    );
    assert_eq!(preflight.headers()["access-control-max-age"], "43200");
    for origin in ["https://app.example.evil", "http://app.example", "null"] {
        assert_eq!(
            asked(origin, Method::POST, "/oauth/token", false)
                .await
                .status(),
            403,
            "{origin}"
        );
    }
    let same = asked("https://auth.example", Method::POST, "/oauth/token", false).await;
    assert_eq!(same.status(), 200);
    assert!(!same.headers().contains_key("access-control-allow-origin"));
    let elsewhere = asked("https://evil.example", Method::GET, "/who", false).await;
    assert_eq!(elsewhere.status(), 200);
    assert!(
        !elsewhere
            .headers()
            .contains_key("access-control-allow-origin")
    );
}

#[tokio::test]
async fn everybody_may_read_with_a_star_but_without_credentials() {
    let world = world(Some(cors(&["*"])), 9);
    let answer = send(
        &world,
        Method::POST,
        "/oauth/token",
        &[("origin", "https://any.example")],
        b"",
    )
    .await;
    assert_eq!(answer.headers()["access-control-allow-origin"], "*");
    assert!(
        !answer
            .headers()
            .contains_key("access-control-allow-credentials")
    );
}
