//! F-15: more is asked for than the database can do. What can be done is done, the rest is asked to come again, whoever
//! looks after the server is answered, and afterwards everything is as before.
use crate::support::{Engine, Http, Server};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};
use tokio::task::JoinHandle;

/// However slow the machine is.
const PATIENCE: Duration = Duration::from_secs(120);

/// Those who ask without a pause.
struct Crowd {
    stop: Arc<AtomicBool>,
    served: Arc<AtomicUsize>,
    refused: Arc<AtomicUsize>,
    people: Vec<JoinHandle<Duration>>,
}

impl Crowd {
    async fn of(many: usize, server: &Server) -> Self {
        let (stop, served, refused) = Default::default();
        let mut crowd = Self {
            stop,
            served,
            refused,
            people: Vec::new(),
        };
        for _ in 0..many {
            let http = server.http().await;
            crowd.people.push(crowd.ask(http, server.client_id.clone()));
        }
        crowd
    }

    /// Somebody who starts devices, and comes again at once whatever they are told; the longest that they waited.
    fn ask(&self, mut http: Http, id: String) -> JoinHandle<Duration> {
        let (stop, served, refused) = (
            Arc::clone(&self.stop),
            Arc::clone(&self.served),
            Arc::clone(&self.refused),
        );
        tokio::spawn(async move {
            let mut longest = Duration::ZERO;
            while !stop.load(Relaxed) {
                let began = Instant::now();
                let answer = http.post("/oauth/device/code", &[("client_id", &id)]).await;
                longest = longest.max(began.elapsed());
                match answer.status {
                    200 => served.fetch_add(1, Relaxed),
                    503 => {
                        assert_eq!(answer.error(), "temporarily_unavailable");
                        assert!(answer.header("retry-after").is_some(), "{answer:?}");
                        // Whoever is refused comes again much earlier than they were asked to, but not at once.
                        tokio::time::sleep(Duration::from_millis(500)).await;
                        refused.fetch_add(1, Relaxed)
                    }
                    _ => panic!("{answer:?}"),
                };
            }
            longest
        })
    }

    /// Waits until so many were served.
    async fn serves(&self, many: usize) {
        let began = Instant::now();
        while self.served.load(Relaxed) < many {
            let served = self.served.load(Relaxed);
            assert!(began.elapsed() < PATIENCE, "{served} of {many}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    async fn leave(self) -> (usize, Duration) {
        self.stop.store(true, Relaxed);
        let mut longest = Duration::ZERO;
        for person in self.people {
            longest = longest.max(person.await.unwrap());
        }
        (self.refused.load(Relaxed), longest)
    }
}

/// A slow database: every commit that has a trail takes this long.
const SLOW: &str = "CREATE FUNCTION tarry() RETURNS trigger LANGUAGE plpgsql AS \
                    $$ BEGIN PERFORM pg_sleep(0.05); RETURN NULL; END $$; \
                    CREATE TRIGGER tarry AFTER INSERT ON audit_logs FOR EACH STATEMENT EXECUTE FUNCTION tarry()";

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_much_is_refused_and_the_rest_is_done() {
    let env = [("DB_MAX_OPEN_CONNS", "4")];
    let mut server = Server::start(Engine::Postgres, &env).await;
    server.sql("", SLOW).await;
    // A machine that stands still for seconds has them refused as well: then they come again.
    for attempt in 1.. {
        let few = Crowd::of(8, &server).await;
        few.serves(100).await;
        let (refused, _) = few.leave().await;
        if refused == 0 {
            break;
        }
        assert!(
            attempt < 5,
            "eight are not too many, and {refused} were refused"
        );
    }

    let crowd = Crowd::of(400, &server).await;
    let watched = async {
        let mut http = server.http().await;
        for _ in 0..12 {
            tokio::time::sleep(Duration::from_millis(400)).await;
            for path in ["/livez", "/health", "/.well-known/jwks.json"] {
                let answer = http.get(path, &[]).await;
                assert_eq!(answer.status, 200, "{path}: {answer:?}\n{}", server.log());
            }
            // Too much work is no reason to send everybody elsewhere, where there is as much.
            let began = Instant::now();
            while http.get("/readyz", &[]).await.status != 200 {
                assert!(began.elapsed() < PATIENCE, "{}", server.log());
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    };
    tokio::join!(crowd.serves(200), watched);
    let (refused, longest) = crowd.leave().await;
    println!("in a crowd of 400 {refused} were refused; the longest waited {longest:?}");
    assert!(refused > 100, "{refused}: the crowd is no overload");

    // Afterwards whoever comes is served, at once.
    let mut http = server.http().await;
    http.start_device(&server.client_id).await;
    assert_eq!(http.get("/readyz", &[]).await.status, 200);
    server.signal("TERM");
    assert_eq!(server.ended().await.code(), Some(0), "{}", server.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_of_a_crowd_are_closed_when_it_has_gone() {
    let mut server = Server::prepared(Engine::Postgres, &[("DB_MAX_IDLE_CONNS", "2")]).await;
    let dsn = format!("{}?application_name=crowd", server.dsn());
    server.set("DATABASE_DSN", &dsn);
    server.launch().await;
    server.read_client_id();
    server.sql("", SLOW).await;
    let open = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
                AND application_name = 'crowd'";
    let crowd = Crowd::of(40, &server).await;
    let began = Instant::now();
    while server.count(open).await < 20 {
        assert!(began.elapsed() < PATIENCE, "no crowd");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    crowd.leave().await;
    // The server goes about its own work meanwhile.
    while server.count(open).await > 4 {
        assert!(began.elapsed() < Duration::from_secs(120), "never closed");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
