//! F-13: whatever is thrown at the server, what it holds in memory stops growing, and it lives on.
use crate::{
    http::Answer,
    support::{Engine, Http, Server, soak},
};
use std::{
    future::Future,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::JoinSet,
};

/// What a container with one server may have.
const CAP_MB: u64 = 256;

/// Memory of the process, in megabytes.
pub fn resident_mb(server: &Server) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.unwrap().trim().trim_end_matches(" kB");
    kilobytes.parse::<u64>().unwrap() / 1024
}

/// Sends pieces until the server has had enough, and waits for what it says.
async fn pour(port: u16, head: String, piece: Arc<Vec<u8>>, pieces: usize) {
    let mut peer = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    // Whoever is refused may be cut off while it is still sending.
    let _ = peer.write_all(head.as_bytes()).await;
    for _ in 0..pieces {
        if peer.write_all(&piece).await.is_err() {
            break;
        }
    }
    let mut answer = [0; 512];
    let _ = tokio::time::timeout(Duration::from_secs(2), peer.read(&mut answer)).await;
}

/// Requests that go out many at a time without looking at an answer.
async fn pipeline(port: u16, requests: String) {
    let mut peer = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let _ = tokio::time::timeout(Duration::from_secs(2), peer.write_all(requests.as_bytes())).await;
}

/// One request after the other on one connection, each made up anew.
async fn many<F>(port: u16, times: usize, mut ask: impl FnMut(Http, usize) -> F)
where
    F: Future<Output = (Http, std::io::Result<Answer>)>,
{
    let mut http = Http::try_new(port).await.unwrap();
    for n in 0..times {
        let (connection, answer) = ask(http, n).await;
        http = connection;
        match answer {
            Ok(answer) => assert!(answer.status < 500 || answer.status == 503, "{answer:?}"),
            Err(_) => http = Http::try_new(port).await.unwrap(),
        }
    }
}

/// Everything at once.
async fn wave(server: &Server, number: usize) {
    let port = server.port;
    let form = "content-type: application/x-www-form-urlencoded\r\n";
    let zeros = Arc::new(vec![b'0'; 64 << 10]);
    let chunk = [b"10000\r\n", &zeros[..], b"\r\n"].concat();
    let chunk = Arc::new(chunk);
    let mut attack = JoinSet::new();
    for n in 0..100 {
        // Bodies that are announced, and bodies without an end.
        let path = [
            "/oauth/token",
            "/login",
            "/oauth/introspect",
            "/oauth/register",
        ][n % 4];
        let announced = format!(
            "POST {path} HTTP/1.1\r\nhost: x\r\n{form}content-length: 100000000\r\n\r\ntoken="
        );
        attack.spawn(pour(port, announced, Arc::clone(&zeros), 64));
        let endless =
            format!("POST {path} HTTP/1.1\r\nhost: x\r\n{form}transfer-encoding: chunked\r\n\r\n");
        attack.spawn(pour(port, endless, Arc::clone(&chunk), 64));
        // Headers without an end.
        let headers = "GET / HTTP/1.1\r\nhost: x\r\nx-long: ".to_owned();
        attack.spawn(pour(port, headers, Arc::clone(&zeros), 8));
        // Answers that nobody reads.
        let metadata = "GET /.well-known/openid-configuration HTTP/1.1\r\nhost: x\r\n\r\n";
        attack.spawn(pipeline(port, metadata.repeat(300)));
    }
    for worker in 0..8 {
        // Names and tokens that nobody has heard of: what is remembered of them is little.
        attack.spawn(many(port, 60, move |mut http, n| async move {
            let name = format!("{number}-{worker}-{n}-{}", "n".repeat(200));
            let form = [("client_id", name.as_str()), ("scope", "openid")];
            let answer = http.try_post("/oauth/device/code", &form).await;
            (http, answer)
        }));
        attack.spawn(many(port, 60, move |mut http, n| async move {
            let token = format!("{number}-{worker}-{n}-{}", "t".repeat(2000));
            let request = format!(
                "GET /oauth/tokeninfo HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n\r\n"
            );
            let answer = http.try_send(request.as_bytes()).await;
            (http, answer)
        }));
        // Passwords, which cost memory by design.
        attack.spawn(many(port, 4, move |mut http, n| async move {
            http.cookie = None;
            let page = http
                .try_send(b"GET /login HTTP/1.1\r\nhost: x\r\n\r\n")
                .await;
            let Ok(page) = page else { return (http, page) };
            let csrf = crate::support::field(&page.body, "csrf_token");
            let name = format!("nobody-{number}-{worker}-{n}");
            let form = [
                ("username", &*name),
                ("password", "wrong"),
                ("csrf_token", &csrf),
            ];
            let answer = http.try_post("/login", &form).await;
            (http, answer)
        }));
    }
    while let Some(end) = attack.join_next().await {
        end.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_stops_growing_whatever_is_thrown_at_the_server() {
    let mut server = Server::start(Engine::Sqlite, &[]).await;
    let quiet = resident_mb(&server);
    // Peers that connect and say nothing, all the while.
    let mut idle = Vec::new();
    for _ in 0..1000 {
        idle.push(
            TcpStream::connect(("127.0.0.1", server.port))
                .await
                .unwrap(),
        );
    }
    let waves = 2 + soak(2);
    let (mut after, mut peak) = (Vec::new(), 0);
    for number in 0..waves {
        let began = Instant::now();
        let attack = wave(&server, number);
        tokio::pin!(attack);
        loop {
            tokio::select! {
                () = &mut attack => break,
                () = tokio::time::sleep(Duration::from_millis(20)) => peak = peak.max(resident_mb(&server)),
            }
        }
        let mut http = server.http().await;
        http.start_device(&server.client_id).await;
        after.push(resident_mb(&server));
        println!(
            "wave {number}: {} MB after {:?}",
            after[number],
            began.elapsed()
        );
    }
    println!("{quiet} MB at first, at most {peak} MB");
    assert!(peak < CAP_MB, "{peak} MB");
    // The first two fill pools and caches; those that follow find room in what there is.
    let (full, last) = (after[1], after[waves - 1]);
    assert!(last <= full + full / 4 + 8, "{after:?}");
    assert!(!server.has_ended());
    drop(idle);
    server.signal("TERM");
    assert_eq!(server.ended().await.code(), Some(0), "{}", server.log());
}

/// Bodies that never end share one room, however many send them; short ones need none of it.
#[tokio::test(flavor = "multi_thread")]
async fn long_bodies_share_one_room() {
    let server = Server::start(Engine::Sqlite, &[]).await;
    let quiet = resident_mb(&server);
    let zeros = vec![b'0'; 64 << 10];
    let mut peers = Vec::new();
    for _ in 0..400 {
        let mut peer = TcpStream::connect(("127.0.0.1", server.port))
            .await
            .unwrap();
        let head = "POST /login HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-www-form-urlencoded\r\n\
                    content-length: 1000000\r\n\r\nusername=";
        peer.write_all(head.as_bytes()).await.unwrap();
        // Whoever has to wait for room does not read; what the kernel does not take is not sent.
        for _ in 0..14 {
            let sent = peer.write_all(&zeros);
            if tokio::time::timeout(Duration::from_millis(5), sent)
                .await
                .is_err()
            {
                break;
            }
        }
        peers.push(peer);
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    let held = resident_mb(&server);
    println!("{quiet} MB at first, {held} MB with 400 bodies of a megabyte that do not end");
    assert!(held < quiet + 200, "{held} MB");
    let mut http = server.http().await;
    http.sign_in().await;
    http.start_device(&server.client_id).await;
}
