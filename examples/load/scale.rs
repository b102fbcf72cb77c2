//! What size costs: every token endpoint on a small and on a large database, and every list page on the large one.
//!
//! The rounds alternate between the databases, so that a slow minute of the machine falls on both.
use crate::{
    Arguments, Outcome, endpoints,
    generator::{self, Run},
    http::Http,
    report::Figures,
    seed::{self, SPENT, Sizes},
    server::{Database, Process},
};
use bytes::Bytes;
use std::{
    fmt::Write as _,
    path::Path,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// What may cost no more on a large database.
const ENDPOINTS: [&str; 11] = [
    "login page",
    "tokeninfo",
    "userinfo",
    "introspect",
    "pending poll",
    "device code",
    "client credentials",
    "code exchange",
    "refresh",
    "refresh, rotation",
    "revoke",
];
/// How long a first start is left alone.
const SETTLE: Duration = Duration::from_secs(10);
/// How old events must be to be counted before their hour is over: those of the rounds, hundreds in a second, are then.
const RECENT: Duration = Duration::from_secs(65);
const GROWTH: f64 = 1.2;
const PAGE_MS: f64 = 30.0;

struct Sized {
    rows: u64,
    database: Database,
    figures: Figures,
}

/// Measures and prints both tables.
pub async fn measure(mut arguments: Arguments, room: &Path) -> Outcome<()> {
    if arguments.only.is_empty() {
        arguments.only = ENDPOINTS.map(str::to_owned).into();
    }
    let mut all = Vec::new();
    for rows in arguments.scale.clone() {
        let place = room.join(rows.to_string());
        std::fs::create_dir(&place)?;
        let database = Database::new(&arguments, &place)?;
        Process::start(&arguments, &database, &[]).await?.stop()?;
        let began = Instant::now();
        seed::fill(database.dsn(), Sizes::of(rows), 1).await?;
        eprintln!(
            "{rows} rows: filled in {:.0} s",
            began.elapsed().as_secs_f64()
        );
        // What a first start on such a database does once, like counting the events of every hour, is over before the rounds.
        let process = Process::start(&arguments, &database, &[]).await?;
        tokio::time::sleep(SETTLE).await;
        process.stop()?;
        all.push(Sized {
            rows,
            database,
            figures: Figures::default(),
        });
    }
    for round in 0..arguments.rounds {
        eprintln!("round {} of {}", round + 1, arguments.rounds);
        for sized in &mut all {
            endpoints::round(&arguments, &sized.database, &mut sized.figures).await?;
        }
    }
    println!("{}", growth(&arguments, &all));
    if let Some(largest) = all.last() {
        let (text, missed) = pages(&arguments, largest).await?;
        println!("{text}");
        println!("{}", export(&arguments, largest).await?);
        if !missed.is_empty() {
            return Err(format!("these pages miss their goal: {}", missed.join(", ")).into());
        }
    }
    Ok(())
}

fn growth(arguments: &Arguments, all: &[Sized]) -> String {
    let (Some(small), Some(large)) = (all.first(), all.last()) else {
        return String::new();
    };
    let mut text = format!(
        "Processor time of the server for each request in µs, {}, {}; {} rounds of {} s, medians.\n\n\
         | endpoint | {} tokens | {} tokens | ratio (goal {GROWTH}) |\n|---|--:|--:|--:|\n",
        arguments.driver,
        arguments.alg,
        arguments.rounds,
        arguments.seconds,
        small.rows,
        large.rows
    );
    for name in ENDPOINTS {
        let (Some(before), Some(after)) = (small.figures.cpu(name), large.figures.cpu(name)) else {
            continue;
        };
        let ratio = after / before;
        let missed = if ratio > GROWTH { " missed" } else { "" };
        let _ = writeln!(
            text,
            "| {name} | {before:.0} | {after:.0} | {ratio:.2}{missed} |"
        );
    }
    text
}

/// Whose pages are looked at, by their ids.
struct Looked {
    client: String,
    person: String,
    /// Nearly all tokens of these two are over.
    spent_client: String,
    spent_person: String,
}

/// Every page with a list or a count, as an administrator with thousands of tokens sees it.
fn page_list(looked: &Looked) -> Vec<String> {
    let Looked {
        client,
        person,
        spent_client,
        spent_person,
    } = looked;
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs());
    let oldest = format!("{}000000000~0", now - 70 * 86_400);
    let middle = format!("{}000000000~0", now - 30 * 86_400);
    let mut paths: Vec<String> = [
        "/admin",
        "/admin/clients/new",
        "/admin/users/new",
        "/admin/keys",
        "/admin/explain",
        "/account/browsers",
        "/account/authorizations",
        "/account/profile",
        "/account/sessions/revoke-all",
        "/admin/work",
        "/apps",
        "/docs/en/getting-started",
        "/admin/audit/api/stats",
        "/admin/audit/api?page_size=100",
    ]
    .map(str::to_owned)
    .into();
    for (list, queries) in [
        (
            "/admin/clients",
            &[
                "",
                "search=App%201",
                "search=no-such-thing",
                "status=pending",
                "status=inactive",
                "search=App&status=inactive",
            ][..],
        ),
        (
            "/admin/users",
            &[
                "",
                "search=person00",
                "search=Name%20a",
                "search=no-such-thing",
                "role=admin",
                "status=disabled",
                "search=person&role=admin",
                "search=person&status=disabled",
                "search=person&role=user&status=active",
            ],
        ),
        (
            "/admin/tokens",
            &[
                "",
                "search=person0",
                "search=AuthGate",
                "search=admin",
                "search=no-such-thing",
                "status=revoked",
                "status=disabled&category=refresh",
                "search=App%201&status=disabled",
            ],
        ),
        (
            "/account/sessions",
            &[
                "",
                "search=AuthGate",
                "search=no-such-thing",
                "status=all",
                "status=all&search=AuthGate",
                "status=revoked",
                "category=refresh",
            ],
        ),
        (
            "/admin/audit",
            &[
                "",
                "search=person0001",
                "search=no-such-thing",
                "event_type=TOKEN_REVOKED",
                "severity=WARNING",
                "success=false",
                "actor_ip=203.0.113.9",
                "resource_type=USER&success=false",
                "event_type=TOKEN_REVOKED&severity=CRITICAL",
            ],
        ),
    ] {
        for query in queries {
            paths.push(format!(
                "{list}{}{query}",
                if query.is_empty() { "" } else { "?" }
            ));
        }
        if list != "/admin/audit" {
            paths.push(format!("{list}?before={oldest}"));
            paths.push(format!("{list}?after={middle}&page_size=100"));
        }
    }
    for suffix in ["", "/edit", "/authorizations", "/revoke-all", "/delete"] {
        paths.push(format!("/admin/clients/{client}{suffix}"));
    }
    for suffix in ["", "/edit", "/connections", "/authorizations", "/browsers"] {
        paths.push(format!("/admin/users/{person}{suffix}"));
    }
    for suffix in ["", "/revoke-all", "/delete"] {
        paths.push(format!("/admin/clients/{spent_client}{suffix}"));
    }
    paths.push(format!("/apps/{spent_client}"));
    for suffix in ["", "/disable", "/delete", "/reset-password"] {
        paths.push(format!("/admin/users/{spent_person}{suffix}"));
    }
    for query in ["", "&status=active", "&category=refresh&page_size=100"] {
        paths.push(format!("/admin/tokens?search={spent_person}{query}"));
        paths.push(format!("/admin/tokens?search={spent_client}{query}"));
    }
    paths
}

/// The table, and the pages that cost more than they may or are not there.
async fn pages(arguments: &Arguments, sized: &Sized) -> Outcome<(String, Vec<String>)> {
    tokio::time::sleep(RECENT).await;
    let process = Process::start(arguments, &sized.database, &[]).await?;
    tokio::time::sleep(SETTLE).await;
    let mut admin = Http::try_new(process.port).await?;
    admin.sign_in().await;
    let looked = Looked {
        client: sized.database.client()?,
        person: listed(&mut admin, "/admin/users", "admin").await?,
        spent_client: listed(&mut admin, "/admin/clients", SPENT).await?,
        spent_person: listed(&mut admin, "/admin/users", SPENT).await?,
    };
    let cookie = format!("cookie: {}\r\n", admin.cookie.clone().ok_or("no session")?);
    let mut text = format!(
        "Processor time of the server for each page in ms, {}, {} tokens; goal {PAGE_MS}.\n\n\
         | page | ms | |\n|---|--:|---|\n",
        arguments.driver, sized.rows
    );
    let mut missed = Vec::new();
    for path in page_list(&looked) {
        let first = admin.get(&path, &[]).await;
        if first.status != 200 {
            let _ = writeln!(text, "| `{path}` | – | status {} |", first.status);
            missed.push(path);
            continue;
        }
        let request: Bytes = format!("GET {path} HTTP/1.1\r\nhost: test\r\n{cookie}\r\n").into();
        let run: Run = generator::run(
            &process,
            arguments.seconds.min(0.4),
            &[200],
            generator::repeat(vec![request]),
        )
        .await?;
        let ms = run.cpu_us / 1e3;
        let verdict = if ms > PAGE_MS { "missed" } else { "" };
        let _ = writeln!(text, "| `{path}` | {ms:.2} | {verdict} |");
        if ms > PAGE_MS {
            missed.push(path);
        }
    }
    process.stop()?;
    Ok((text, missed))
}

/// The id of the first row that a search finds.
async fn listed(admin: &mut Http, list: &str, name: &str) -> Outcome<String> {
    let page = admin.get(&format!("{list}?search={name}"), &[]).await.body;
    let id = page
        .split(&format!("{list}/"))
        .filter_map(|rest| rest.get(..36))
        .find(|id| id.matches('-').count() == 4);
    Ok(id.ok_or(format!("no {name} in {list}"))?.to_owned())
}

/// The whole trail as a file, read by one client while others ask for tokens.
async fn export(arguments: &Arguments, sized: &Sized) -> Outcome<String> {
    let process = Process::start(arguments, &sized.database, &[]).await?;
    let mut admin = Http::try_new(process.port).await?;
    admin.sign_in().await;
    let cookie = admin.cookie.clone().ok_or("no session")?;
    let client = sized.database.client()?;
    let alone = commits(
        &mut Http::try_new(process.port).await?,
        &client,
        Duration::from_secs(2),
    )
    .await;
    let rss = process.rss_mb()?;
    let (port, began) = (process.port, Instant::now());
    let reader = tokio::task::spawn_local(async move {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
        let request = format!(
            "GET /admin/audit/export HTTP/1.1\r\nhost: test\r\nconnection: close\r\ncookie: {cookie}\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await?;
        let (mut buffer, mut lines, mut bytes) = (vec![0; 256 * 1024], 0usize, 0usize);
        loop {
            match stream.read(&mut buffer).await? {
                0 => return std::io::Result::Ok((lines, bytes, began.elapsed())),
                read => {
                    lines += buffer[..read].iter().filter(|byte| **byte == b'\n').count();
                    bytes += read;
                }
            }
        }
    });
    let mut beside = Vec::new();
    let mut highest = rss;
    let mut device = Http::try_new(process.port).await?;
    while !reader.is_finished() {
        beside.extend(commits(&mut device, &client, Duration::from_millis(200)).await);
        highest = highest.max(process.rss_mb()?);
    }
    let (lines, bytes, took) = reader.await??;
    process.stop()?;
    Ok(format!(
        "Export of the trail, {}: {lines} lines, {:.0} MB in {:.1} s; memory {rss:.0} MB before, {highest:.0} MB at most. \
         A device code took {:.1} ms (median) and {:.1} ms (longest) meanwhile, {:.1} and {:.1} ms without.\n",
        arguments.driver,
        bytes as f64 / 1e6,
        took.as_secs_f64(),
        middle(&beside),
        longest(&beside),
        middle(&alone),
        longest(&alone),
    ))
}

/// How long device codes take, one after the other: each is a commit.
async fn commits(http: &mut Http, client: &str, span: Duration) -> Vec<f64> {
    let (began, mut times) = (Instant::now(), Vec::new());
    while began.elapsed() < span {
        let one = Instant::now();
        http.post("/oauth/device/code", &[("client_id", client)])
            .await;
        times.push(one.elapsed().as_secs_f64() * 1e3);
    }
    times
}

fn middle(times: &[f64]) -> f64 {
    crate::report::median(&mut times.to_vec())
}

fn longest(times: &[f64]) -> f64 {
    times.iter().copied().fold(0.0, f64::max)
}
