//! Signing keys: published first, switched by a row that all processes share, kept until their last token is over.
use crate::{
    hooks,
    support::{Engine, Http, Server, soak},
};
use authgate::jose::{Algorithm, ForeignKeys, SigningKey};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL};
use serde_json::Value;
use std::{
    collections::BTreeSet,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

const RSA: &str = include_str!("../fixtures/keys/rsa2048.pkcs8.pem");
const ENCRYPTION_KEY: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

fn write_key(path: &Path, pem: &str) {
    // As Kubernetes and careful people do it: a reader never meets half of a file.
    let beside = path.with_extension("tmp");
    std::fs::write(&beside, pem).unwrap();
    std::fs::rename(&beside, path).unwrap();
}

fn kid_of_pem(pem: &str) -> String {
    let key = SigningKey::from_any_pem(pem, None).unwrap();
    key.public_key().unwrap().kid().to_owned()
}

fn part(token: &str, number: usize) -> Value {
    let part = token.split('.').nth(number).unwrap();
    serde_json::from_slice(&BASE64URL.decode(part).unwrap()).unwrap()
}

fn kid(token: &str) -> String {
    part(token, 0)["kid"].as_str().unwrap().to_owned()
}

async fn published(http: &mut Http) -> Vec<String> {
    let answer = http.get("/.well-known/jwks.json", &[]).await;
    let keys = answer.json()["keys"].as_array().unwrap().clone();
    keys.iter()
        .map(|key| key["kid"].as_str().unwrap().to_owned())
        .collect()
}

/// An access and a refresh token.
async fn granted(server: &Server) -> (String, String) {
    let code = server.approved_codes(1).await.remove(0);
    let tokens = server.http().await.poll(&server.client_id, &code).await;
    assert_eq!(tokens.status, 200, "{tokens:?}");
    (tokens.text("access_token"), tokens.text("refresh_token"))
}

/// An access token and an ID token.
async fn signed_in(server: &Server) -> (String, String) {
    let mut http = server.http().await;
    let form = [
        ("client_id", server.client_id.as_str()),
        ("scope", "openid email"),
    ];
    let code = http.post("/oauth/device/code", &form).await;
    server.approve_all().await;
    let tokens = http
        .poll(&server.client_id, &code.text("device_code"))
        .await;
    assert_eq!(tokens.status, 200, "{tokens:?}");
    (tokens.text("access_token"), tokens.text("id_token"))
}

async fn refreshed(server: &Server, http: &mut Http, token: &str) -> String {
    let answer = http.refresh(&server.client_id, token).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.text("access_token")
}

/// Asks again until it is so.
macro_rules! until {
    ($what:expr, $is_so:expr) => {{
        let began = Instant::now();
        while !$is_so {
            assert!(
                began.elapsed() < Duration::from_secs(120),
                "never: {}",
                $what
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }};
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replaced_file_is_published_before_it_signs_and_old_tokens_live_on() {
    let (first, second) = (
        SigningKey::generate(Algorithm::Es256).unwrap(),
        SigningKey::generate(Algorithm::Es256).unwrap(),
    );
    let env = [
        ("JWT_SIGNING_ALGORITHM", "ES256"),
        ("JWT_PRIVATE_KEY_PATH", "key.pem"),
        ("JWT_KEY_ID", "main"),
        ("JWT_KEY_PUBLISH_BEFORE_USE", "10s"),
    ];
    let mut server = Server::prepared(Engine::Sqlite, &env).await;
    let file = server.directory.path().join("key.pem");
    write_key(&file, &first);
    server.launch().await;
    server.read_client_id();
    let (old, refresh) = granted(&server).await;
    assert_eq!(kid(&old), "main");
    let mut http = server.http().await;

    // No restart: the new key is in the set, under a name of its own, and the old one signs on.
    write_key(&file, &second);
    server.signal("HUP");
    until!("published", published(&mut http).await.len() == 2);
    assert_eq!(
        published(&mut http).await,
        ["main".to_owned(), kid_of_pem(&second)]
    );
    let token = refreshed(&server, &mut http, &refresh).await;
    assert_eq!(kid(&token), "main");
    // When its time has come it signs, and tokens of both are good.
    until!(
        "switched",
        kid(&refreshed(&server, &mut http, &refresh).await) == kid_of_pem(&second)
    );
    assert_eq!(http.tokeninfo(&old).await, 200);

    // A file that cannot be read changes nothing but the health of the process.
    write_key(&file, "-----BEGIN PRIVATE KEY-----\nhalf of a k");
    server.signal("HUP");
    until!(
        "degraded",
        http.get("/readyz?verbose", &[]).await.json()["degraded"]["keys"].is_string()
    );
    assert_eq!(http.get("/readyz", &[]).await.status, 200);
    assert!(server.log().contains("keys cannot be loaded"));
    let token = refreshed(&server, &mut http, &refresh).await;
    assert_eq!(kid(&token), kid_of_pem(&second));
    write_key(&file, &second);
    // Without a signal it takes as long as the next look.
    until!(
        "well again",
        http.get("/readyz?verbose", &[]).await.json()["degraded"]["keys"].is_null()
    );

    // The guide's way: a new file and a restart. It signs at once, for there is no other; all old tokens verify.
    let third = SigningKey::generate(Algorithm::Es256).unwrap();
    server.signal("TERM");
    assert_eq!(server.ended().await.code(), Some(0));
    write_key(&file, &third);
    server.launch().await;
    let mut http = server.http().await;
    let fresh = refreshed(&server, &mut http, &refresh).await;
    assert_eq!(kid(&fresh), kid_of_pem(&third));
    let all: BTreeSet<String> = published(&mut http).await.into_iter().collect();
    let expected = ["main".to_owned(), kid_of_pem(&second), kid_of_pem(&third)];
    assert_eq!(all, expected.into());
    // Nobody is asked to make a key where keys come from files.
    http.sign_in().await;
    let asked = http.get("/admin/keys/rotate", &[]).await;
    assert_eq!(asked.status, 400);
    assert!(asked.body.contains("keys come from files"), "{asked:?}");
    for token in [&old, &token, &fresh] {
        assert_eq!(http.tokeninfo(token).await, 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_in_the_database_are_listed_rotated_and_retired_beside_the_server() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let env = [
            ("JWT_SIGNING_ALGORITHM", "ES256"),
            ("JWT_ADDITIONAL_ALGORITHMS", "RS256"),
            ("ID_TOKEN_SIGNING_ALGORITHM", "RS256"),
            ("JWT_PRIVATE_KEY_DIR", "keys"),
            ("JWT_KEY_SOURCE", "database"),
            ("ENCRYPTION_KEY", ENCRYPTION_KEY),
        ];
        let mut server = Server::prepared(engine, &env).await;
        let keys = server.directory.path().join("keys");
        std::fs::create_dir(&keys).unwrap();
        write_key(&keys.join("rsa.pem"), RSA);
        server.launch().await;
        server.read_client_id();
        let (token, refresh) = granted(&server).await;
        let first = kid(&token);
        let mut http = server.http().await;
        // Both algorithms are published; tokens are signed by the default one.
        assert_eq!(published(&mut http).await, [first.clone(), kid_of_pem(RSA)]);
        assert_eq!(part(&token, 0)["alg"], "ES256");
        let metadata = http
            .get("/.well-known/openid-configuration", &[])
            .await
            .json();
        let announced = &metadata["id_token_signing_alg_values_supported"];
        assert_eq!(announced, &serde_json::json!(["RS256", "ES256"]));

        // A relying party that needs RS256 has it, and one that registered ES256 has that.
        for (registered, used) in [
            ("NULL", "RS256"),
            ("'ES256'", "ES256"),
            ("'HS256'", "RS256"),
        ] {
            let register = format!(
                "UPDATE oauth_applications SET id_token_signed_response_alg = {registered}"
            );
            server.sql(&register, &register).await;
            let forget = "INSERT INTO invalidations (kind, key, created_at) \
                          SELECT 'client', client_id, created_at FROM oauth_applications";
            server.sql(forget, forget).await;
            until!("the registration counts", {
                let (access, id_token) = signed_in(&server).await;
                assert_eq!(part(&access, 0)["alg"], "ES256");
                part(&id_token, 0)["alg"] == used
            });
        }

        let (code, told, _) = server.cli(&["keys", "list", "--json"]).await;
        assert_eq!(code, 0, "{told}");
        let listed: Value = serde_json::from_str(&told).unwrap();
        let states: BTreeSet<_> = listed["keys"]
            .as_array()
            .unwrap()
            .iter()
            .map(|key| {
                let text = |name: &str| key[name].as_str().unwrap().to_owned();
                (text("kid"), text("state"), key["in_database"] == true)
            })
            .collect();
        let active = |kid: String, in_database| (kid, "active".to_owned(), in_database);
        assert_eq!(
            states,
            [active(first.clone(), true), active(kid_of_pem(RSA), false)].into()
        );

        // The next one waits for an hour and five minutes, or until somebody is in a hurry.
        let (code, told, complaint) = server.cli(&["keys", "rotate"]).await;
        assert_eq!(
            (code, told.contains("It signs from")),
            (0, true),
            "{complaint}"
        );
        until!("next is published", published(&mut http).await.len() == 3);
        let token = refreshed(&server, &mut http, &refresh).await;
        assert_eq!(kid(&token), first);
        let (code, _, complaint) = server.cli(&["keys", "rotate"]).await;
        assert_eq!(
            (code, complaint.contains("is published already")),
            (1, true)
        );
        let (code, _, complaint) = server.cli(&["keys", "retire", &first]).await;
        assert_eq!((code, complaint.contains("is the only one")), (1, true));
        let (code, told, complaint) = server.cli(&["keys", "rotate", "--now"]).await;
        assert_eq!(
            (code, told.contains("signs from now on")),
            (0, true),
            "{complaint}"
        );
        until!(
            "the next one signs",
            kid(&refreshed(&server, &mut http, &refresh).await) != first
        );
        assert_eq!(http.tokeninfo(&token).await, 200);

        // Retired: its tokens live. Withdrawn: they do not, not even as refresh tokens.
        let (code, _, complaint) = server.cli(&["keys", "retire", &first]).await;
        assert_eq!(code, 0, "{complaint}");
        assert_eq!(http.tokeninfo(&token).await, 200);
        let (code, _, complaint) = server.cli(&["keys", "retire", &first, "--now"]).await;
        assert_eq!(code, 0, "{complaint}");
        until!("withdrawn", published(&mut http).await.len() == 2);
        assert_eq!(http.tokeninfo(&token).await, 401);
        assert_eq!(
            http.refresh(&server.client_id, &refresh).await.error(),
            "invalid_grant"
        );

        // What cannot be done is said, and what was done is on record.
        for (arguments, words) in [
            (&["keys", "retire", "nobody"][..], "There is no key"),
            (
                &["keys", "rotate", "--algorithm", "HS256"],
                "HS256 is not in use",
            ),
            (&["keys", "rotate", "--from", "nothing.pem"], "nothing.pem"),
            (
                &["keys", "rotate", "--from", "keys/rsa.pem"],
                "on record already",
            ),
        ] {
            let (code, _, complaint) = server.cli(arguments).await;
            assert_eq!((code, complaint.contains(words)), (1, true), "{complaint}");
        }
        for (event, times) in [
            ("SIGNING_KEY_ADDED", 3),
            ("SIGNING_KEY_ACTIVATED", 1),
            ("SIGNING_KEY_RETIRED", 2),
        ] {
            let count = format!(
                "SELECT count(*) FROM audit_logs WHERE event_type = '{event}' AND severity = 'WARNING'"
            );
            assert_eq!(server.count(&count).await, times, "{event}");
        }
        let bare = "SELECT count(*) FROM signing_keys WHERE sealed LIKE '%PRIVATE KEY%'";
        assert_eq!(server.count(bare).await, 0);
        assert_eq!(server.log().matches("keys cannot be loaded").count(), 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_of_the_former_secret_live_while_it_is_set() {
    let (old, new) = ("o".repeat(40), "n".repeat(40));
    let mut server = Server::start(Engine::Sqlite, &[("JWT_SECRET", &old)]).await;
    let (access, refresh) = granted(&server).await;
    for (secret, former, accepted) in [(&new, old.as_str(), true), (&new, "", false)] {
        server.signal("TERM");
        assert_eq!(server.ended().await.code(), Some(0));
        server.set("JWT_SECRET", secret);
        server.set("JWT_SECRET_PREVIOUS", former);
        server.launch().await;
        let mut http = server.http().await;
        let status = |yes: u16, no: u16| if accepted { yes } else { no };
        assert_eq!(http.tokeninfo(&access).await, status(200, 401));
        let answer = http.refresh(&server.client_id, &refresh).await;
        assert_eq!(answer.status, status(200, 400));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn device_codes_sessions_and_tokens_do_not_stand_in_for_one_another() {
    let server = Server::start(Engine::Sqlite, &[]).await;
    let (access, refresh) = granted(&server).await;
    let mut http = server.http().await;
    let device_code = http.start_device(&server.client_id).await;
    let mut person = server.http().await;
    person.sign_in().await;
    let session = person.cookie.clone().unwrap();
    let (_, sealed) = session.split_once('=').unwrap();
    for foreign in [&refresh, &device_code, sealed] {
        assert_eq!(http.tokeninfo(foreign).await, 401);
    }
    for foreign in [&access, &device_code, sealed] {
        let answer = http.refresh(&server.client_id, foreign).await;
        assert_eq!(answer.error(), "invalid_grant");
    }
    for foreign in [&access, &refresh, sealed] {
        let answer = http.poll(&server.client_id, foreign).await;
        assert_eq!(answer.error(), "invalid_grant");
    }
    // A token is no session.
    for foreign in [&access, &refresh, &device_code] {
        let cookie = format!("{}={foreign}", session.split_once('=').unwrap().0);
        let answer = http.get("/account/sessions", &[("cookie", &cookie)]).await;
        assert_eq!(answer.status, 302);
    }
    assert_eq!(http.tokeninfo(&access).await, 200);
}

/// What a resource server knows: a copy of the key set, from any process, as old as the rules allow.
struct Verifier {
    keys: ForeignKeys,
    fetched: Instant,
    max_age: Duration,
}

impl Verifier {
    async fn fetch(http: &mut Http, max_age: Duration) -> Self {
        let body = http.get("/.well-known/jwks.json", &[]).await.body;
        Self {
            keys: ForeignKeys::from_jwks(body.as_bytes()).unwrap(),
            fetched: Instant::now(),
            max_age,
        }
    }

    fn is_stale(&self) -> bool {
        self.fetched.elapsed() >= self.max_age
    }
}

/// F-14, scaled: an hour of max-age is two seconds here, and the 65 minutes before use are ten.
#[tokio::test(flavor = "multi_thread")]
async fn rotation_under_load_meets_no_unknown_kid_and_no_bad_signature_on_two_processes() {
    const MAX_AGE: Duration = Duration::from_secs(2);
    let rotations = soak(3);
    let files = tempfile::tempdir().unwrap();
    let env = [
        ("JWT_SIGNING_ALGORITHM", "ES256"),
        ("JWT_KEY_SOURCE", "database"),
        ("JWT_PRIVATE_KEY_DIR", files.path().to_str().unwrap()),
        ("ENCRYPTION_KEY", ENCRYPTION_KEY),
        ("JWT_KEY_PUBLISH_BEFORE_USE", "10s"),
    ];
    let one = Server::start(Engine::Postgres, &env).await;
    let two = one.beside().await;
    let ports = [one.port, two.port];
    let (_, refresh) = granted(&one).await;
    let stop = Arc::new(AtomicBool::new(false));
    let (verified, unknown) = <(Arc<AtomicUsize>, Arc<AtomicUsize>)>::default();
    let mut loads = Vec::new();
    for number in 0..6 {
        let (stop, verified, unknown) = (
            Arc::clone(&stop),
            Arc::clone(&verified),
            Arc::clone(&unknown),
        );
        let (client_id, refresh) = (one.client_id.clone(), refresh.clone());
        loads.push(tokio::spawn(async move {
            // Tokens from one process, the key set from the other, fetched at moments of their own.
            let mut tokens = Http::try_new(ports[number % 2]).await.unwrap();
            let mut sets = Http::try_new(ports[(number / 2 + 1) % 2]).await.unwrap();
            let mut verifier = Verifier::fetch(&mut sets, MAX_AGE).await;
            tokio::time::sleep(Duration::from_millis(130 * number as u64)).await;
            let mut issued = Vec::new();
            while !stop.load(Ordering::Relaxed) {
                if verifier.is_stale() {
                    verifier = Verifier::fetch(&mut sets, MAX_AGE).await;
                }
                let answer = tokens.refresh(&client_id, &refresh).await;
                assert_eq!(answer.status, 200, "{answer:?}");
                let token = answer.text("access_token");
                let kid = kid(&token);
                // A set that grew too old while the answer came is of no use to anybody.
                if !verifier.keys.knows(&kid) && verifier.is_stale() {
                    verifier = Verifier::fetch(&mut sets, MAX_AGE).await;
                }
                if verifier.keys.knows(&kid) {
                    verifier.keys.verify(&token).expect("a bad signature");
                    verified.fetch_add(1, Ordering::Relaxed);
                } else {
                    unknown.fetch_add(1, Ordering::Relaxed);
                }
                issued.push((number % 2, part(&token, 1)["iat"].as_i64().unwrap(), kid));
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            issued
        }));
    }
    let mut http = one.http().await;
    for rotation in 0..rotations {
        // Once by a file that both processes find, then by commands.
        if rotation == 0 {
            let pem = SigningKey::generate(Algorithm::Es256).unwrap();
            write_key(&files.path().join("next.pem"), &pem);
        } else {
            let server = if rotation % 2 == 0 { &one } else { &two };
            let (code, _, complaint) = server.cli(&["keys", "rotate"]).await;
            assert_eq!(code, 0, "{complaint}");
        }
        let before = kid(&refreshed(&one, &mut http, &refresh).await);
        until!(
            "the next key signs",
            kid(&refreshed(&one, &mut http, &refresh).await) != before
        );
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    let (n, strangers) = (
        verified.load(Ordering::Relaxed),
        unknown.load(Ordering::Relaxed),
    );
    assert_eq!(strangers, 0, "of {n}");
    // The checker sees what it looks for: a key that is used without having been published.
    let (code, _, complaint) = two.cli(&["keys", "rotate", "--now"]).await;
    assert_eq!(code, 0, "{complaint}");
    until!("an unknown kid", unknown.load(Ordering::Relaxed) > 0);
    stop.store(true, Ordering::Relaxed);
    let mut issued = Vec::new();
    for load in loads {
        issued.extend(load.await.unwrap());
    }
    let kids = |of: &[usize]| -> BTreeSet<&String> {
        let mine = issued.iter().filter(|(process, _, _)| of.contains(process));
        mine.map(|(_, _, kid)| kid).collect()
    };
    assert_eq!(kids(&[0, 1]).len(), rotations + 2);
    for process in [0, 1] {
        // Of the last one the load may have seen the other process only.
        assert!(kids(&[process]).len() > rotations, "{process}");
    }
    // The row decides the moment: no process signed a token with a key before its second came, nor with the one before
    // afterwards. A request that was under way may be late, as late as the machine is slow; the last switch was announced to
    // nobody, and the other process had to find it.
    let (_, told, _) = one.cli(&["keys", "list", "--json"]).await;
    let listed: Value = serde_json::from_str(&told).unwrap();
    let moment = |text: &Value| {
        let format = &time::format_description::well_known::Rfc3339;
        let at = time::OffsetDateTime::parse(text.as_str().unwrap(), format).unwrap();
        at.unix_timestamp()
    };
    let mut begins: Vec<(i64, &str)> = listed["keys"]
        .as_array()
        .unwrap()
        .iter()
        .map(|key| (moment(&key["activate_at"]), key["kid"].as_str().unwrap()))
        .collect();
    begins.sort_unstable();
    for (process, iat, kid) in &issued {
        let mine = begins.iter().position(|(_, known)| known == kid).unwrap();
        assert!(begins[mine].0 <= *iat, "{kid} signed before its time");
        if let Some((next, _)) = begins.get(mine + 1) {
            let late = if mine + 2 == begins.len() { 3 } else { 1 };
            assert!(
                *iat <= next + late,
                "process {process} signed with {kid} {} s after its time",
                iat - next
            );
        }
    }
    println!(
        "N = {n} tokens, {rotations} rotations, 2 processes, 6 verifiers: 0 unknown kids, 0 bad signatures"
    );
}

/// How many looks at the server's health are answered while many want an RSA signature, none of which comes to its end.
async fn looks_meanwhile(fault: Option<&str>) -> usize {
    const MANY: usize = 40;
    const THREADS: usize = 2;
    let threads = THREADS.to_string();
    let env = [
        ("JWT_SIGNING_ALGORITHM", "RS256"),
        ("JWT_PRIVATE_KEY_PATH", "key.pem"),
        // Threads that serve requests, whatever the machine has.
        ("TOKIO_WORKER_THREADS", threads.as_str()),
    ];
    let mut server = hooks::prepared(Engine::Sqlite, &env).await;
    write_key(&server.directory.path().join("key.pem"), RSA);
    if let Some(fault) = fault {
        hooks::arm(&server, fault);
    }
    server.launch().await;
    server.read_client_id();
    let (_, refresh) = granted(&server).await;
    let mut looks = Vec::new();
    for _ in 0..10 {
        looks.push(server.http().await);
    }
    let mut signing = tokio::task::JoinSet::new();
    hooks::arm(&server, "hold.sign");
    for _ in 0..MANY {
        let (mut http, client_id) = (server.http().await, server.client_id.clone());
        let refresh = refresh.clone();
        signing.spawn(async move { http.refresh(&client_id, &refresh).await.status });
    }
    let turns = std::thread::available_parallelism().map_or(1, usize::from);
    let stuck = if fault.is_some() {
        THREADS
    } else {
        THREADS.min(turns)
    };
    while hooks::held(&server, "sign") < stuck {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // Where nobody answers, none will however long one waits.
    let patience = Duration::from_secs(if fault.is_some() { 1 } else { 60 });
    let looks = looks.iter_mut().map(async |health| {
        let looked = tokio::time::timeout(patience, health.get("/health", &[])).await;
        usize::from(looked.is_ok_and(|answer| answer.status == 200))
    });
    let answered = futures_util::future::join_all(looks).await.iter().sum();
    hooks::disarm(&server, "hold.sign");
    assert!(signing.join_all().await.iter().all(|status| *status == 200));
    answered
}

/// Whoever wants an RSA signature waits for a turn, and nobody else waits with them. Without turns they do.
#[tokio::test(flavor = "multi_thread")]
async fn signing_never_delays_a_look_at_the_health() {
    assert_eq!(looks_meanwhile(None).await, 10);
    assert_eq!(looks_meanwhile(Some("unturned")).await, 0);
}
