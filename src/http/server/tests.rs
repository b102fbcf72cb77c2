use super::*;
use crate::http::{
    respond,
    router::{Refusal, Route, Routes, Settings as RouterSettings},
    tls::{Certificate, TlsFiles},
};
use ::http::Method;
use std::{path::Path, time::Instant};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpSocket,
    sync::Notify,
};

/// One that comes slowly is waited for so long, and one that a slow machine sends is there before.
const BODY_DEADLINE: Duration = Duration::from_secs(4);

struct Edge {
    address: SocketAddr,
    /// As the tree keeps it for the next accept loop.
    door: Door,
    router: Router,
    stop: CancellationToken,
    served: tokio::task::JoinHandle<()>,
    entered: Arc<Notify>,
    release: Arc<Notify>,
}

async fn edge(tls: Option<TlsAcceptor>, settings: Settings) -> Edge {
    let (entered, release) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (inside, gate) = (Arc::clone(&entered), Arc::clone(&release));
    let router = Routes::new()
        .on(
            Method::GET,
            "/hi",
            Route::new(|_| async { respond::text(200, "hi") }),
        )
        .on(
            Method::GET,
            "/much",
            Route::new(|_| async { respond::text_of_type(200, "text/plain", "x".repeat(8 << 20)) }),
        )
        .on(
            Method::POST,
            "/read",
            Route::new(|mut request| async move {
                match request.body().await {
                    Ok(body) => respond::text_of_type(200, "text/plain", body.len().to_string()),
                    Err(error) => {
                        respond::empty(crate::http::form::FormError::from(error).status())
                    }
                }
            }),
        )
        .on(
            Method::GET,
            "/wait",
            Route::new(move |_| {
                let (inside, gate) = (Arc::clone(&inside), Arc::clone(&gate));
                async move {
                    inside.notify_one();
                    gate.notified().await;
                    respond::text(200, "waited")
                }
            }),
        )
        .on(
            Method::GET,
            "/pieces/{how}",
            Route::new({
                let (inside, gate) = (Arc::clone(&entered), Arc::clone(&release));
                move |request| {
                    let whole = request.param("how") == Some("whole");
                    let (inside, gate) = (Arc::clone(&inside), Arc::clone(&gate));
                    async move { in_pieces(whole, inside, gate) }
                }
            }),
        )
        .build(RouterSettings {
            trusted_proxies: vec![],
            https: false,
            cors: None,
            body_deadline: BODY_DEADLINE,
            refuse: Arc::new(|_, _: Refusal| Box::pin(async { respond::empty(500) })),
            on_limited: Arc::new(|_, _| {}),
            millis: Arc::new(|| 0),
        })
        .unwrap();
    let listener = bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let door = Door::new(listener);
    let stop = CancellationToken::new();
    let served = serve(door.clone(), tls, router.clone(), settings, stop.clone());
    Edge {
        address,
        door,
        router,
        stop,
        served: tokio::spawn(served),
        entered,
        release,
    }
}

/// Two pieces, the second after `gate`; then the end, or none.
fn in_pieces(whole: bool, inside: Arc<Notify>, gate: Arc<Notify>) -> respond::Response {
    let (feeder, body) = Body::streamed();
    tokio::spawn(async move {
        feeder.send("one,").await.unwrap();
        inside.notify_one();
        gate.notified().await;
        feeder.send("two").await.unwrap();
        if whole {
            feeder.end().await.unwrap();
        }
    });
    respond::streamed("text/csv", body)
}

async fn raw(address: SocketAddr, text: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn requests_in_flight_are_answered_after_the_stop() {
    let edge = edge(None, Settings::default()).await;
    let waiting = tokio::spawn(raw(edge.address, "GET /wait HTTP/1.1\r\nhost: x\r\n\r\n"));
    edge.entered.notified().await;
    let idle = TcpStream::connect(edge.address).await.unwrap();
    edge.stop.cancel();
    // Closed as soon as the drain begins, not when it is over.
    let began = Instant::now();
    while TcpStream::connect(edge.address).await.is_ok() {
        assert!(
            began.elapsed() < Duration::from_secs(20),
            "connections are still taken in"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    edge.release.notify_one();
    assert!(waiting.await.unwrap().contains("waited"));
    drop(idle);
    edge.served.await.unwrap();
}

#[tokio::test]
async fn a_streamed_answer_is_finished_after_the_stop_and_half_of_one_does_not_look_whole() {
    for (how, ends_well) in [("whole", true), ("half", false)] {
        let edge = edge(None, Settings::default()).await;
        let request = format!("GET /pieces/{how} HTTP/1.1\r\nhost: x\r\n\r\n");
        let waiting = tokio::spawn(async move { raw(edge.address, &request).await });
        edge.entered.notified().await;
        edge.stop.cancel();
        edge.release.notify_one();
        let answer = waiting.await.unwrap();
        let is_whole = answer.contains("one,") && answer.ends_with("two\r\n0\r\n\r\n");
        assert_eq!(is_whole, ends_well, "{answer}");
        edge.served.await.unwrap();
    }
}

#[tokio::test]
async fn dropping_the_server_cuts_what_is_left() {
    let edge = edge(None, Settings::default()).await;
    let waiting = tokio::spawn(raw(edge.address, "GET /wait HTTP/1.1\r\nhost: x\r\n\r\n"));
    edge.entered.notified().await;
    edge.stop.cancel();
    edge.served.abort();
    assert_eq!(waiting.await.unwrap(), "");
}

/// An accept loop that failed leaves the socket to the next one, with whoever came in between.
#[tokio::test]
async fn the_next_accept_loop_finds_the_door_open() {
    let edge = edge(None, Settings::default()).await;
    edge.served.abort();
    assert!(edge.served.await.unwrap_err().is_cancelled());
    let waiting = tokio::spawn(raw(edge.address, HI_AND_BYE));
    let next = serve(edge.door, None, edge.router, Settings::default(), edge.stop);
    let next = tokio::spawn(next);
    assert!(waiting.await.unwrap().ends_with("hi"));
    next.abort();
}

#[tokio::test]
async fn slow_headers_and_slow_bodies_are_cut() {
    let settings = Settings {
        header_deadline: Duration::from_millis(200),
        ..Settings::default()
    };
    let brief = edge(None, settings).await;
    let answer = raw(brief.address, "GET /hi HTTP/1.1\r\nhost:").await;
    assert!(
        answer.is_empty() || answer.starts_with("HTTP/1.1 408"),
        "{answer}"
    );
    let edge = edge(None, Settings::default()).await;
    let answer = raw(
        edge.address,
        "POST /read HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\nconnection: close\r\n\r\nab",
    )
    .await;
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
}

/// A connection that rests is not one whose headers are slow: between two requests it may take its time, and a head that
/// began may not, be it the first or a later one.
#[tokio::test]
async fn a_connection_rests_longer_than_a_head_may_take() {
    let settings = Settings {
        header_deadline: Duration::from_secs(4),
        ..Settings::default()
    };
    let edge = edge(None, settings).await;
    let mut kept = TcpStream::connect(edge.address).await.unwrap();
    hi(&mut kept).await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    hi(&mut kept).await;
    kept.write_all(b"GET /hi HTTP/1.1\r\nhost:").await.unwrap();
    let mut buffer = [0; 16];
    let cut = tokio::time::timeout(Duration::from_secs(20), kept.read(&mut buffer)).await;
    let cut = cut.expect("half a head holds the place");
    assert!(matches!(cut, Ok(0) | Err(_)), "{cut:?}");
}

/// After the handshake there is a deadline, too: for headers, or for the first request of HTTP/2.
#[tokio::test]
async fn who_is_silent_after_the_handshake_is_cut() {
    let directory = pairs();
    let certificate = Certificate::load(files("a.crt", "a.key", directory.path())).unwrap();
    let tls = TlsAcceptor::from(certificate.server_config().unwrap());
    let settings = Settings {
        header_deadline: Duration::from_millis(200),
        rest: Duration::from_millis(200),
        farewell: Duration::from_millis(200),
        ..Settings::default()
    };
    let edge = edge(Some(tls), settings).await;
    for protocol in ["http/1.1", "h2", ""] {
        let mut client = std::process::Command::new("openssl");
        client.args(["s_client", "-quiet", "-connect"]);
        client.arg(edge.address.to_string());
        if !protocol.is_empty() {
            client.args(["-alpn", protocol]);
        }
        // Its input stays open, so that it leaves only when it is sent away.
        let mut silent = client
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .expect("openssl is needed");
        let ended = tokio::time::timeout(Duration::from_secs(60), async {
            while silent.try_wait().unwrap().is_none() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        })
        .await;
        let _ = silent.kill();
        assert!(ended.is_ok(), "{protocol:?}");
    }
}

/// An answer that its peer does not take holds a place only for a while; one that is being made holds it for as long as
/// that takes.
#[tokio::test]
async fn who_takes_no_answer_gives_the_place_back() {
    let settings = Settings {
        max_connections: 1,
        rest: Duration::from_millis(200),
        farewell: Duration::from_millis(200),
        ..Settings::default()
    };
    let edge = edge(None, settings).await;
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let mut stalled = socket.connect(edge.address).await.unwrap();
    stalled
        .write_all(b"GET /much HTTP/1.1\r\nhost: x\r\n\r\n")
        .await
        .unwrap();
    let next = tokio::time::timeout(Duration::from_secs(60), raw(edge.address, HI_AND_BYE)).await;
    assert!(next.expect("no place was given back").ends_with("hi"));
    drop(stalled);

    let wait = "GET /wait HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    let waiting = tokio::spawn(raw(edge.address, wait));
    edge.entered.notified().await;
    tokio::time::sleep(Duration::from_millis(900)).await;
    edge.release.notify_one();
    assert!(waiting.await.unwrap().ends_with("waited"));
}

#[tokio::test]
async fn chunked_bodies_are_read_and_bounded() {
    let edge = edge(None, Settings::default()).await;
    let head =
        "POST /read HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n";
    let answer = raw(
        edge.address,
        &format!("{head}3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"),
    )
    .await;
    assert!(answer.ends_with("\r\n\r\n5"), "{answer}");
    let megabyte = "a".repeat(0x10_0001);
    let answer = raw(
        edge.address,
        &format!("{head}100001\r\n{megabyte}\r\n0\r\n\r\n"),
    )
    .await;
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
}

const HI: &str = "GET /hi HTTP/1.1\r\nhost: x\r\n\r\n";
const HI_AND_BYE: &str = "GET /hi HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";

/// Asks on a connection that stays.
async fn hi(kept: &mut TcpStream) {
    kept.write_all(HI.as_bytes()).await.unwrap();
    let (mut answer, mut buffer) = (String::new(), [0; 1024]);
    while !answer.ends_with("hi") {
        let length = kept.read(&mut buffer).await.unwrap();
        assert_ne!(length, 0, "closed: {answer}");
        answer += &String::from_utf8_lossy(&buffer[..length]);
    }
}

#[tokio::test]
async fn connections_beyond_the_budget_wait_while_all_others_are_in_work() {
    let settings = Settings {
        max_connections: 1,
        spare: Duration::ZERO,
        ..Settings::default()
    };
    let edge = edge(None, settings).await;
    let first = tokio::spawn(raw(edge.address, "GET /wait HTTP/1.1\r\nhost: x\r\n\r\n"));
    edge.entered.notified().await;
    let second = tokio::spawn(raw(edge.address, HI_AND_BYE));
    tokio::time::sleep(3 * PAUSE).await;
    assert!(!first.is_finished() && !second.is_finished());
    edge.release.notify_one();
    assert!(first.await.unwrap().ends_with("waited"));
    assert!(second.await.unwrap().ends_with("hi"));
}

#[tokio::test]
async fn who_rests_longest_makes_room() {
    let settings = Settings {
        max_connections: 3,
        spare: Duration::ZERO,
        ..Settings::default()
    };
    let edge = edge(None, settings).await;
    let mut kept = Vec::new();
    for _ in 0..3 {
        let mut connection = TcpStream::connect(edge.address).await.unwrap();
        hi(&mut connection).await;
        kept.push(connection);
    }
    hi(&mut kept[0]).await;
    let probe = tokio::time::timeout(Duration::from_secs(20), raw(edge.address, HI_AND_BYE));
    assert!(probe.await.expect("nobody makes room").ends_with("hi"));
    assert_eq!(kept[1].read(&mut [0; 16]).await.unwrap(), 0);
    hi(&mut kept[0]).await;
    hi(&mut kept[2]).await;
}

/// Peers that keep all places, each with half a handshake or half a head, or silent.
#[tokio::test]
async fn who_never_asks_makes_room_too() {
    let directory = pairs();
    let certificate = Certificate::load(files("a.crt", "a.key", directory.path())).unwrap();
    let tls = TlsAcceptor::from(certificate.server_config().unwrap());
    for (tls, beginning) in [(None, b'G'), (Some(tls), 0x16)] {
        let settings = Settings {
            max_connections: 4,
            header_deadline: Duration::from_secs(600),
            handshake_deadline: Duration::from_secs(600),
            ..Settings::default()
        };
        let edge = edge(tls, settings).await;
        let mut kept = Vec::new();
        for n in 0..8 {
            let mut connection = TcpStream::connect(edge.address).await.unwrap();
            if n % 2 == 0 {
                connection.write_all(&[beginning]).await.unwrap();
            }
            kept.push(connection);
        }
        // Four have to go before the last comes in.
        for gone in &mut kept[..4] {
            let mut buffer = [0; 16];
            let read = gone.read(&mut buffer);
            let read = tokio::time::timeout(Duration::from_secs(20), read).await;
            assert!(matches!(read.expect("it stays"), Ok(0) | Err(_)));
        }
    }
}

fn files(certificate: &str, key: &str, directory: &Path) -> TlsFiles {
    TlsFiles {
        certificate: directory.join(certificate),
        key: directory.join(key),
    }
}

/// Two self-signed pairs, a and b, for `localhost`.
fn pairs() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    for name in ["a", "b"] {
        let made = std::process::Command::new("openssl")
            .args([
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:P-256",
                "-nodes",
                "-days",
                "2",
            ])
            .args([
                "-subj",
                "/CN=localhost",
                "-addext",
                "subjectAltName=DNS:localhost",
            ])
            .arg("-keyout")
            .arg(directory.path().join(format!("{name}.key")))
            .arg("-out")
            .arg(directory.path().join(format!("{name}.crt")))
            .output()
            .expect("openssl is needed");
        assert!(
            made.status.success(),
            "{}",
            String::from_utf8_lossy(&made.stderr)
        );
    }
    directory
}

#[tokio::test]
async fn tls_speaks_http2_and_shows_a_new_certificate_after_a_reload() {
    let directory = pairs();
    let certificate = Certificate::load(files("a.crt", "a.key", directory.path())).unwrap();
    let tls = TlsAcceptor::from(certificate.server_config().unwrap());
    let edge = edge(Some(tls), Settings::default()).await;
    let ask = |protocol: &'static str, trusted: &'static str| {
        let ca = directory.path().join(trusted);
        let url = format!("https://localhost:{}/hi", edge.address.port());
        async move {
            let mut curl = std::process::Command::new("curl");
            curl.args([
                "-sS",
                "--max-time",
                "60",
                protocol,
                "-o",
                "-",
                "-w",
                " %{http_version} %{http_code}",
                "--cacert",
            ])
            .arg(ca)
            .arg("--resolve")
            .arg(format!(
                "localhost:{}:127.0.0.1",
                url.split(':').nth(2).unwrap().trim_end_matches("/hi")
            ))
            .arg(url);
            let output = tokio::task::spawn_blocking(move || curl.output())
                .await
                .unwrap()
                .expect("curl is needed");
            String::from_utf8_lossy(&output.stdout).into_owned()
        }
    };
    assert_eq!(ask("--http2", "a.crt").await, "hi 2 200");
    assert_eq!(ask("--http1.1", "a.crt").await, "hi 1.1 200");
    assert_eq!(
        ask("--head", "a.crt")
            .await
            .rsplit(' ')
            .take(2)
            .collect::<Vec<_>>(),
        ["200", "2"]
    );
    std::fs::copy(
        directory.path().join("b.crt"),
        directory.path().join("a.crt.new"),
    )
    .unwrap();
    std::fs::rename(
        directory.path().join("a.crt.new"),
        directory.path().join("a.crt"),
    )
    .unwrap();
    // Half of a renewal: the pair does not match, and the old one stays.
    assert!(
        certificate
            .reload()
            .unwrap_err()
            .to_string()
            .contains("do not belong together")
    );
    std::fs::copy(
        directory.path().join("b.key"),
        directory.path().join("a.key"),
    )
    .unwrap();
    certificate.reload().unwrap();
    assert_eq!(ask("--http2", "b.crt").await, "hi 2 200");
}

#[test]
fn broken_pairs_are_named() {
    let directory = pairs();
    let load = |certificate: &str, key: &str| {
        Certificate::load(files(certificate, key, directory.path()))
            .unwrap_err()
            .to_string()
    };
    assert!(load("a.crt", "b.key").contains("do not belong together"));
    assert!(load("none.crt", "a.key").starts_with("TLS_CERT_FILE="));
    assert!(load("a.crt", "none.key").starts_with("TLS_KEY_FILE="));
    let both = load("none.crt", "none.key");
    assert!(both.contains("TLS_CERT_FILE=") && both.contains("TLS_KEY_FILE="));
    assert!(load("a.key", "a.key").starts_with("TLS_CERT_FILE="));
    assert!(load("a.crt", "a.crt").starts_with("TLS_KEY_FILE="));
}

#[tokio::test]
async fn addresses_that_cannot_be_bound_are_named() {
    for bad in ["nonsense", "127.0.0.1:x", "127.0.0.1:99999"] {
        let error = bind(bad).unwrap_err().to_string();
        assert!(
            error.starts_with(&format!("listen tcp: address {bad}: ")),
            "{error}"
        );
    }
    let taken = bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    assert!(bind(&address).unwrap_err().to_string().contains(&address));
    let both = bind(":0").unwrap();
    TcpStream::connect(("127.0.0.1", both.local_addr().unwrap().port()))
        .await
        .unwrap();
}
