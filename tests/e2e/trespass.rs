//! What strangers, neighbours and hasty owners try at the edges of what is theirs, and do not get.
use super::{
    account::{add_person, signed_in},
    machine::{basic, machines},
    support::{Engine, Http, PASSWORD, Server, field, free_port},
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

const BOTH: [Engine; 2] = [Engine::Sqlite, Engine::Postgres];

/// SS-07: what cannot be read in the list of a trusted proxy is no reason to believe another header.
#[tokio::test(flavor = "multi_thread")]
async fn an_unreadable_list_lets_nobody_choose_an_address() {
    let env = [
        ("ENABLE_RATE_LIMIT", "true"),
        ("DEVICE_CODE_RATE_LIMIT", "3"),
        ("TRUSTED_PROXIES", "127.0.0.1/32"),
    ];
    let server = Server::start(Engine::Sqlite, &env).await;
    let mut statuses = Vec::new();
    for n in 0..5 {
        let body = format!("client_id={}", server.client_id);
        let mut request = b"POST /oauth/device/code HTTP/1.1\r\nhost: x\r\nx-forwarded-for: \xff, 198.51.100.7\r\n".to_vec();
        request.extend_from_slice(
            format!(
                "x-real-ip: 203.0.113.{n}\r\ncontent-length: {}\r\n\r\n{body}",
                body.len()
            )
            .as_bytes(),
        );
        let answer = server.http().await.try_send(&request).await.unwrap();
        statuses.push(answer.status);
    }
    assert_eq!(statuses, [200, 200, 200, 429, 429]);
}

/// Whoever comes by a proxy on this machine has a local peer and is not local.
#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_on_this_machine_opens_no_view_of_the_inside() {
    let server = Server::start(Engine::Sqlite, &[]).await;
    let mut http = server.http().await;
    assert_eq!(http.get("/actors", &[]).await.status, 200);
    for name in ["x-forwarded-for", "x-real-ip", "forwarded", "via"] {
        let headers = [(name, "198.51.100.7")];
        assert_eq!(http.get("/actors", &headers).await.status, 401, "{name}");
        let ready = http.get("/readyz?verbose", &headers).await;
        assert_eq!((ready.status, ready.body.as_str()), (200, "ready"));
    }
}

/// TK-09: the trail is not filled by whoever shows nothing.
#[tokio::test(flavor = "multi_thread")]
async fn who_shows_nothing_fills_no_trail() {
    let server = Server::start(Engine::Sqlite, &[]).await;
    machines(&server).await;
    let mut http = server.http().await;
    let form = [("client_id", "machine"), ("token", "x")];
    for _ in 0..30 {
        let answer = http.post("/oauth/revoke", &form).await;
        assert_eq!(
            (answer.status, answer.error().as_str()),
            (401, "invalid_client")
        );
    }
    let told = "SELECT count(*) FROM audit_logs WHERE event_type = 'CLIENT_AUTHENTICATION_FAILURE'";
    assert_eq!(server.count(told).await, 10);
    // The client itself is not kept out by it.
    let header = basic("machine", super::machine::SECRET);
    let headers = [("authorization", header.as_str())];
    let answer = http.post_with("/oauth/revoke", &headers, &form[1..]).await;
    assert_eq!(answer.status, 200, "{answer:?}");
}

/// A secret in the header counts whatever the body is.
#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_secret_is_not_passed_over_beside_json() {
    let server = Server::start(Engine::Sqlite, &[]).await;
    machines(&server).await;
    server
        .sql(
            "UPDATE oauth_applications SET enable_device_flow = 1",
            "UPDATE oauth_applications SET enable_device_flow = true",
        )
        .await;
    let mut http = server.http().await;
    let ask = |header: String| {
        let body = "{\"client_id\": \"machine\"}";
        format!(
            "POST /oauth/device/code HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nauthorization: {header}\r\n\
             content-length: {}\r\n\r\n{body}",
            body.len()
        )
    };
    for (header, status) in [
        (basic("machine", super::machine::SECRET), 200),
        (basic("machine", "wrong"), 401),
        (basic("another", super::machine::SECRET), 400),
    ] {
        let answer = http.try_send(ask(header).as_bytes()).await.unwrap();
        assert_eq!(answer.status, status, "{answer:?}");
    }
}

/// SS-01: a site under the same domain gets the cookie sent along, and signs nobody in by it.
#[tokio::test(flavor = "multi_thread")]
async fn a_neighbour_signs_nobody_in() {
    let server = Server::start(Engine::Sqlite, &[]).await;
    let mut person = server.http().await;
    person.sign_in().await;
    let cookie = person.cookie.clone();
    let form = [("username", "admin"), ("password", PASSWORD)];
    for headers in [
        [("sec-fetch-site", "same-site"), ("accept", "text/html")],
        [("sec-fetch-site", "cross-site"), ("accept", "text/html")],
        [
            ("origin", "https://neighbour.test"),
            ("accept", "text/html"),
        ],
    ] {
        person.cookie.clone_from(&cookie);
        let answer = person.post_with("/login", &headers, &form).await;
        assert_eq!(answer.status, 403, "{headers:?}");
    }
    person.cookie.clone_from(&cookie);
    let own = [("sec-fetch-site", "same-origin")];
    assert_eq!(person.post_with("/login", &own, &form).await.status, 302);
}

/// PW-06: with a password that somebody else chose nothing is to be seen, not even by programs.
#[tokio::test(flavor = "multi_thread")]
async fn a_password_of_somebody_else_opens_no_trail() {
    let server = Server::start(Engine::Sqlite, &[("METRICS_TOKEN", "a-token-for-metrics")]).await;
    let mut admin = server.http().await;
    admin.sign_in().await;
    let (_, password) = admin.make_user("deputy", "admin").await;
    let mut deputy = server.http().await;
    assert_eq!(deputy.sign_in_as("deputy", &password).await.status, 302);
    for path in [
        "/admin/audit/api",
        "/admin/audit/api/stats",
        "/admin/audit/export",
    ] {
        assert_eq!(deputy.get(path, &[]).await.status, 403, "{path}");
        assert_eq!(admin.get(path, &[]).await.status, 200, "{path}");
    }
    assert_eq!(deputy.get("/actors", &[]).await.status, 401);
}

/// `METRICS_ADDR` trusts whoever reaches it, unless a token is set, and serves nothing but what machines watch. The public
/// listener stays as careful as it was.
#[tokio::test(flavor = "multi_thread")]
async fn what_machines_watch_has_a_listener_of_its_own() {
    // As somebody from elsewhere, by a proxy on this machine.
    const STRANGER: [(&str, &str); 1] = [("x-forwarded-for", "192.0.2.1")];
    let port = free_port();
    let apart = format!("127.0.0.1:{port}");
    let mut server = Server::start(Engine::Sqlite, &[("METRICS_ADDR", &apart)]).await;
    let mut public = server.http().await;
    let mut watcher = Http::try_new(port).await.unwrap();
    assert_eq!(public.get("/actors", &STRANGER).await.status, 401);
    let tree = watcher.get("/actors", &STRANGER).await;
    assert_eq!(tree.status, 200, "{tree:?}");
    assert!(tree.body.contains("root/edge/metrics_listener"));
    let verbose = "/readyz?verbose";
    assert_eq!(public.get(verbose, &STRANGER).await.body, "ready");
    assert_eq!(watcher.get(verbose, &STRANGER).await.json()["ready"], true);
    for path in ["/livez", "/health"] {
        assert_eq!(watcher.get(path, &STRANGER).await.status, 200, "{path}");
    }
    for path in ["/", "/login", "/admin", "/.well-known/jwks.json", "/docs"] {
        assert_eq!(watcher.get(path, &STRANGER).await.status, 404, "{path}");
    }
    server.signal("TERM");
    assert_eq!(server.ended().await.code(), Some(0), "{}", server.log());

    server.set("METRICS_TOKEN", "a-token-for-metrics");
    server.launch().await;
    let mut watcher = Http::try_new(port).await.unwrap();
    assert_eq!(watcher.get("/actors", &[]).await.status, 401);
    let bearer = [("authorization", "Bearer a-token-for-metrics")];
    assert_eq!(watcher.get("/actors", &bearer).await.status, 200);
}

/// PW-06 and SS-02: a password that was replaced while it was compared begins no session.
#[tokio::test(flavor = "multi_thread")]
async fn a_password_that_was_replaced_meanwhile_signs_nobody_in() {
    for engine in BOTH {
        let server = Server::start(engine, &[]).await;
        add_person(&server, "zoe", "user").await;
        let begun = "SELECT count(*) FROM sessions WHERE user_id = 'id-of-zoe'";
        for attempt in 1.. {
            // Others wait in line for the hashes, so that this one has been looked up long before it is compared.
            let mut others = Vec::new();
            for _ in 0..6 {
                let mut http = server.http().await;
                others.push(tokio::spawn(async move {
                    http.sign_in_as("nobody", "a password").await
                }));
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
            let mut http = server.http().await;
            let late = tokio::spawn(async move { http.sign_in_as("zoe", PASSWORD).await });
            tokio::time::sleep(Duration::from_millis(100)).await;
            if late.is_finished() {
                assert!(attempt < 10, "nobody waits in line");
                continue;
            }
            let before = server.count(begun).await;
            // What another server or the command line would do.
            let replace = "UPDATE users SET password_hash = \
                           '$2a$10$M/HKyl9QRpOToB86gPuFVOtYWPxlaodYtWgDkouvfDtEJI3D593Wu' WHERE username = 'zoe'";
            server.sql(replace, replace).await;
            // A line that is too long for its patience on a slow machine has judged nobody.
            let told = late.await.unwrap().status;
            assert!([401, 503].contains(&told), "{engine:?}: {told}");
            for other in others {
                assert!([401, 503].contains(&other.await.unwrap().status));
            }
            assert_eq!(server.count(begun).await, before, "{engine:?}");
            break;
        }
    }
}

/// SS-11: an edit is judged on the row that it changes. Whoever names the version to come would else write what was true
/// of the one before over what an administrator did in between.
#[tokio::test(flavor = "multi_thread")]
async fn a_hasty_owner_undoes_nothing() {
    const APP: [(&str, &str); 6] = [
        ("client_name", "Notebook"),
        ("client_type", "confidential"),
        ("enable_device_flow", "true"),
        ("scopes", "openid email"),
        ("description", ""),
        ("project", ""),
    ];
    for engine in BOTH {
        let server = Server::start(engine, &[]).await;
        let mut admin = server.http().await;
        admin.sign_in().await;
        add_person(&server, "alice", "user").await;
        let (mut alice, _) = signed_in(&server, "alice", PASSWORD).await;
        let (id, _) = alice.make_client("/apps", &APP).await;
        let token = field(&alice.get("/apps/new", &[]).await.body, "csrf_token");
        let is_over = Arc::new(AtomicBool::new(false));
        let mut hasty = Vec::new();
        for _ in 0..4 {
            let mut http = server.http().await;
            http.cookie.clone_from(&alice.cookie);
            let (is_over, token, path) =
                (Arc::clone(&is_over), token.clone(), format!("/apps/{id}"));
            hasty.push(tokio::spawn(async move {
                let mut form = vec![("csrf_token", token.as_str()), ("version", "11")];
                form.extend_from_slice(&APP);
                while !is_over.load(Ordering::Relaxed) {
                    assert!(http.post(&path, &form).await.status < 500);
                }
            }));
        }
        for round in 0..10 {
            let active = format!(
                "UPDATE oauth_applications SET status = 'active', row_version = 10 WHERE client_id = '{id}'"
            );
            server.sql(&active, &active).await;
            let (edit, path) = (
                format!("/admin/clients/{id}/edit"),
                format!("/admin/clients/{id}"),
            );
            let mut form = vec![("version", "10"), ("status", "inactive")];
            form.extend_from_slice(&APP);
            let answer = admin.submit(&edit, &path, &form).await;
            assert_eq!(answer.status, 302, "{answer:?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
            let status = format!("SELECT status FROM oauth_applications WHERE client_id = '{id}'");
            assert_eq!(
                server.texts(&status).await,
                ["inactive"],
                "{engine:?}, round {round}"
            );
        }
        is_over.store(true, Ordering::Relaxed);
        for one in hasty {
            one.await.unwrap();
        }
    }
}
