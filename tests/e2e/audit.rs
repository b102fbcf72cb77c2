//! The audit trail as administrators read it: pages, counts, the file, and what is written down about the reader.
use crate::support::{Engine, Http, Server, until};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// The events of these tests are old.
const FOR_EVER: &[(&str, &str)] = &[("AUDIT_LOG_RETENTION", "0")];
const BOTH: [Engine; 2] = [Engine::Sqlite, Engine::Postgres];

/// Events in the past, one each minute; every tenth failed, and the last one is hostile to spreadsheets.
pub async fn fill(server: &Server, rows: u32) {
    const COLUMNS: &str = "id, event_type, event_time, severity, actor_user_id, actor_kind, actor_username, actor_ip, \
         resource_type, resource_id, resource_name, action, details, success, error_message, user_agent, created_at";
    let common = "CASE WHEN i % 2 = 0 THEN 'TOKEN_REFRESHED' ELSE 'CLIENT_UPDATED' END, {at}, \
         CASE WHEN i % 10 = 0 THEN 'WARNING' ELSE 'INFO' END, '5700669a-49d1-4d80-85e5-ca811d982b42', \
         CASE WHEN i % 2 = 0 THEN 'client' END, 'zoe', '192.0.2.7', 'CLIENT', 'thing', \
         CASE WHEN i = 1 THEN '=HYPERLINK(\"http://evil\")' ELSE 'App' END, 'Something happened', {details}, i % 10 <> 0, '', {agent}, {at}";
    let sqlite = common
        .replace(
            "{at}",
            "datetime('2026-01-01', i || ' minutes') || '+00:00'",
        )
        .replace("{details}", "CAST('{\"n\":' || i || '}' AS BLOB)")
        .replace("{agent}", "printf('%.480c', 'u')");
    let postgres = common
        .replace(
            "{at}",
            "timestamptz '2026-01-01 00:00:00+00' + i * interval '1 minute'",
        )
        .replace("{details}", "json_build_object('n', i)")
        .replace("{agent}", "repeat('u', 480)");
    server
        .sql(
            &format!(
                "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows}) \
                 INSERT INTO audit_logs ({COLUMNS}) SELECT printf('%08d-0000-4000-8000-000000000000', i), {sqlite} FROM n"
            ),
            &format!(
                "INSERT INTO audit_logs ({COLUMNS}) \
                 SELECT lpad(i::text, 8, '0') || '-0000-4000-8000-000000000000', {postgres} FROM generate_series(1, {rows}) AS n (i)"
            ),
        )
        .await;
}

async fn administrator(server: &Server) -> Http {
    let mut http = server.http().await;
    http.sign_in().await;
    http
}

async fn list(http: &mut Http, query: &str) -> Value {
    let answer = http.get(&format!("/admin/audit/api?{query}"), &[]).await;
    assert_eq!(answer.status, 200, "{query}: {answer:?}");
    assert_eq!(answer.header("cache-control").unwrap(), "no-store");
    answer.json()
}

fn ids(page: &Value) -> Vec<String> {
    let logs = page["logs"].as_array().unwrap();
    logs.iter()
        .map(|log| log["id"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_trail_is_paged_by_number_and_by_key() {
    for engine in BOTH {
        let server = Server::start(engine, FOR_EVER).await;
        fill(&server, 250).await;
        let mut http = administrator(&server).await;
        let past = "end_time=2026-06-01T00:00:00Z";
        let first = list(&mut http, &format!("{past}&page_size=100")).await;
        let expected = serde_json::json!({
            "Total": 250, "TotalPages": 3, "CurrentPage": 1, "PageSize": 100,
            "HasPrev": false, "HasNext": true, "PrevPage": 1, "NextPage": 2,
        });
        assert_eq!(first["pagination"], expected);
        let newest = &first["logs"][0];
        assert_eq!(newest["event_time"], "2026-01-01T04:10:00Z");
        assert_eq!(
            newest["actor_user_id"],
            "client:5700669a-49d1-4d80-85e5-ca811d982b42"
        );
        assert_eq!(newest["details"], serde_json::json!({"n": 250}));
        assert_eq!(newest["success"], false);
        assert!(newest.get("error_message").is_none());
        // Beyond the end is the last page, as it always was.
        let last = list(&mut http, &format!("{past}&page_size=100&page=9")).await;
        assert_eq!(last["pagination"]["CurrentPage"], 3);
        assert_eq!(ids(&last).len(), 50);
        // By key the same records come, each once, while others are written.
        let (mut all, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = list(
                &mut http,
                &format!("{past}&page_size=60&success=true&cursor={cursor}"),
            )
            .await;
            all.extend(ids(&page));
            match page["next_cursor"].as_str() {
                Some(next) => cursor = next.to_owned(),
                None => break,
            }
        }
        assert_eq!(all.len(), 225);
        all.dedup();
        assert_eq!(all.len(), 225);
        for (query, total) in [
            ("event_type=CLIENT_UPDATED", 125),
            ("severity=WARNING&end_time=2026-06-01T00:00:00Z", 25),
            ("success=false&end_time=2026-06-01T00:00:00Z", 25),
            (
                "actor_user_id=client:5700669a-49d1-4d80-85e5-ca811d982b42",
                125,
            ),
            ("actor_user_id=5700669a-49d1-4d80-85e5-ca811d982b42", 250),
            ("actor_ip=192.0.2.7&resource_type=CLIENT", 250),
            ("resource_id=thing", 250),
            ("resource_id=nothing", 0),
            ("search=HAPPENED", 250),
            ("search=zo_", 0),
            ("search=hyperlink", 1),
            (
                "start_time=2026-01-01T01:00:00Z&end_time=2026-01-01T01:59:00%2B00:00",
                60,
            ),
        ] {
            let page = list(&mut http, query).await;
            assert_eq!(page["pagination"]["Total"], total, "{engine:?} {query}");
            let page = list(&mut http, &format!("{query}&cursor=&page_size=100")).await;
            assert_eq!(ids(&page).len(), total.min(100), "{engine:?} {query}");
        }
        let none = list(&mut http, "event_type=NO_SUCH_THING").await;
        assert_eq!(none["logs"], serde_json::json!([]));
        assert_eq!(none["pagination"]["TotalPages"], 0);
        let viewed = "SELECT count(*) FROM audit_logs WHERE event_type = 'AUDIT_LOG_VIEWED' AND actor_username = 'admin'";
        assert_eq!(server.count(viewed).await, 2 + 4 + 24 + 1);
        let stats = http
            .get(
                "/admin/audit/api/stats?start_time=2026-01-01T00:00:00Z&end_time=2026-06-01T00:00:00Z",
                &[],
            )
            .await;
        let expected = serde_json::json!({
            "stats": {
                "total_events": 250,
                "events_by_type": {"TOKEN_REFRESHED": 125, "CLIENT_UPDATED": 125},
                "events_by_severity": {"INFO": 225, "WARNING": 25},
                "success_count": 225,
                "failure_count": 25,
            },
            "start_time": "2026-01-01T00:00:00Z",
            "end_time": "2026-06-01T00:00:00Z",
        });
        assert_eq!(stats.json(), expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_administrators_read_the_trail_and_hostile_questions_are_refused() {
    for engine in BOTH {
        let server = Server::start(engine, FOR_EVER).await;
        let mut http = server.http().await;
        let paths = [
            "/admin/audit/api",
            "/admin/audit/api/stats",
            "/admin/audit/export",
        ];
        for path in paths {
            assert_eq!(http.get(path, &[]).await.status, 401);
            let person = http.get(path, &[("accept", "text/html")]).await;
            assert_eq!(person.status, 302);
            assert!(
                person
                    .header("location")
                    .unwrap()
                    .starts_with("/login?redirect=%2Fadmin%2Faudit%2F")
            );
        }
        http.sign_in().await;
        let long = "x".repeat(300);
        for path in paths {
            for query in [
                "success=banana",
                "start_time=yesterday",
                "end_time=2026-02-30T00:00:00Z",
                "event_type=%00",
                "search=%ff",
                &format!("search={long}"),
                "cursor=o.1.%27%20OR%201=1",
            ] {
                let answer = http.get(&format!("{path}?{query}"), &[]).await;
                assert_eq!(answer.status, 400, "{path} {query} {answer:?}");
                assert!(!answer.text("error_description").is_empty());
            }
        }
        for query in [
            "page=-1&page_size=0",
            "page=99999999999999999999&page_size=1e9",
            "search=%25%27%22%3B--",
            "event_type=%27%20OR%201=1--",
            "start_time=0001-01-01T00:00:00Z&end_time=9999-12-31T23:59:59.999999999Z",
            "start_time=2026-06-01T00:00:00Z&end_time=2026-01-01T00:00:00Z",
        ] {
            list(&mut http, query).await;
            list(&mut http, &format!("{query}&cursor=")).await;
            let stats = http
                .get(&format!("/admin/audit/api/stats?{query}"), &[])
                .await;
            assert_eq!(stats.status, 200, "{query}");
        }
        // What was typed beside a wrong filter stays, the wrong one too, and is named as the page names it.
        let query = "start_time=yesterday&actor_ip=192.0.2.7&search=zoe";
        let wrong = http.get(&format!("/admin/audit?{query}"), &[]).await;
        assert_eq!(wrong.status, 400);
        for said in ["“From (UTC)”", "\"yesterday\"", "\"192.0.2.7\"", "\"zoe\""] {
            assert!(wrong.body.contains(said), "{said}: {}", wrong.body);
        }
        // A browser that asks for the file is told on the page.
        let browser = [("accept", "text/html")];
        let export = format!("/admin/audit/export?{query}");
        let answer = http.get(&export, &browser).await;
        let to = format!("/admin/audit?{query}");
        assert_eq!((answer.status, answer.header("location")), (302, Some(to)));
        // A role that is taken away counts from the next request on.
        let demote = "UPDATE users SET role = 'user'";
        server.sql(demote, demote).await;
        let seen = "SELECT count(*) FROM audit_logs WHERE event_type LIKE 'AUDIT_LOG_%'";
        let before = server.count(seen).await;
        for path in paths.into_iter().chain(["/admin/audit"]) {
            assert_eq!(http.get(path, &[]).await.status, 403);
        }
        let answer = http.get("/admin/audit/export", &browser).await;
        assert_eq!(answer.status, 403);
        assert!(answer.body.contains("</html>"), "{}", answer.body);
        assert_eq!(server.count(seen).await, before);
    }
}

/// Head and body of a chunked answer; no body when its end is missing.
async fn export(server: &Server, http: &Http, query: &str) -> (String, Option<String>) {
    let mut stream = TcpStream::connect(("127.0.0.1", server.port))
        .await
        .unwrap();
    let request = request(http, query);
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.unwrap();
    let text = String::from_utf8(bytes).unwrap();
    let (head, mut rest) = text.split_once("\r\n\r\n").unwrap();
    let mut body = String::new();
    while let Some((size, tail)) = rest.split_once("\r\n") {
        let size = usize::from_str_radix(size, 16).unwrap();
        if size == 0 {
            return (head.to_owned(), Some(body));
        }
        body += &tail[..size];
        rest = &tail[size + 2..];
    }
    (head.to_owned(), None)
}

fn request(http: &Http, query: &str) -> String {
    let cookie = http.cookie.clone().unwrap();
    format!(
        "GET /admin/audit/export?{query} HTTP/1.1\r\nhost: test\r\nconnection: close\r\ncookie: {cookie}\r\n\r\n"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_is_a_whole_file_without_formulas_and_is_written_down() {
    for engine in BOTH {
        let server = Server::start(engine, FOR_EVER).await;
        fill(&server, 12_000).await;
        let mut http = administrator(&server).await;
        let (head, body) = export(&server, &http, "end_time=2026-06-01").await;
        let body = body.expect("the file has an end");
        assert!(head.contains("content-type: text/csv\r\n"), "{head}");
        assert!(
            head.contains("content-disposition: attachment; filename=audit_logs_20"),
            "{head}"
        );
        let lines: Vec<&str> = body.split("\r\n").collect();
        assert_eq!(lines.len(), 12_000 + 2);
        assert!(lines[0].starts_with(
            "Event Time,Event Type,Severity,Actor Username,Actor IP,Resource Type,Resource Name,Action,Success,Error Message,"
        ));
        assert!(
            lines[1].starts_with("2026-01-09T08:00:00Z,TOKEN_REFRESHED,WARNING,zoe,192.0.2.7,CLIENT,App,Something happened,No,,"),
            "{}",
            lines[1]
        );
        assert!(lines[1].contains(",client:5700669a-49d1-4d80-85e5-ca811d982b42,thing,"));
        assert!(lines[12_000].contains("\"'=HYPERLINK(\"\"http://evil\"\")\""));
        let (_, some) = export(&server, &http, "success=false&end_time=2026-06-01").await;
        assert_eq!(some.unwrap().split("\r\n").count(), 1_200 + 2);
        let head = http
            .try_send(
                format!(
                    "HEAD /admin/audit/export HTTP/1.1\r\nhost: test\r\ncookie: {}\r\n\r\n",
                    http.cookie.clone().unwrap()
                )
                .as_bytes(),
            )
            .await
            .unwrap();
        assert_eq!(head.status, 200);
        let written = "SELECT count(*) FROM audit_logs WHERE event_type = 'AUDIT_LOG_EXPORTED'";
        assert_eq!(server.count(written).await, 4);
        // Somebody who leaves in the middle is written down with what they took.
        let mut stream = TcpStream::connect(("127.0.0.1", server.port))
            .await
            .unwrap();
        stream
            .write_all(request(&http, "").as_bytes())
            .await
            .unwrap();
        stream.read_exact(&mut [0; 4096]).await.unwrap();
        drop(stream);
        let cut = format!("{written} AND NOT success");
        for _ in 0..5_000 {
            if server.count(&cut).await == 1 {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        assert_eq!(server.count(&cut).await, 1);
        assert_eq!(server.count(written).await, 6);
    }
}

/// The address of the link that `rel` names.
fn link(page: &str, rel: &str) -> Option<String> {
    let (before, _) = page.split_once(&format!("\" rel=\"{rel}\""))?;
    let href = before.rsplit_once("href=\"")?.1;
    Some(href.replace("&amp;", "&").replace("&#x3D;", "="))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_keeps_its_filters_on_the_way_back_and_forth() {
    for engine in BOTH {
        let server = Server::start(engine, FOR_EVER).await;
        fill(&server, 250).await;
        let mut http = administrator(&server).await;
        let whole = http.get("/admin/audit", &[]).await;
        assert_eq!(whole.status, 200);
        assert!(whole.body.contains("Access token") || whole.body.contains("Token refreshed"));
        let mut path =
            "/admin/audit?severity=WARNING&search=hap&end_time=2026-06-01T00:00:00Z&page_size=20"
                .to_owned();
        let first = http.get(&path, &[]).await;
        assert_eq!(first.body.matches("<tr>").count(), 1 + 20);
        let mut rows = 20;
        while let Some(older) = link(&http.get(&path, &[]).await.body, "next") {
            path = older;
            let page = http.get(&path, &[]).await;
            assert_eq!(page.status, 200, "{path}");
            rows += page.body.matches("<tr>").count() - 1;
        }
        assert_eq!(rows, 25);
        let newer = link(&http.get(&path, &[]).await.body, "prev").unwrap();
        let back = http.get(&newer, &[]).await;
        assert_eq!(back.body.matches("<tr>").count(), 1 + 20);
        let evil = http.get("/admin/audit?search=%3Cscript%3Ealert(1)%3C/script%3E&event_type=%22%3E%3Cimg%20src=x%3E", &[]).await;
        assert_eq!(evil.status, 200);
        assert!(!evil.body.contains("<script>") && !evil.body.contains("<img"));
    }
}

/// What the retention takes away leaves one row, which says how much and from when.
#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_of_old_records_is_told() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let env = [
            ("AUDIT_LOG_RETENTION", "24h"),
            ("AUDIT_LOG_CLEANUP_INTERVAL", "1s"),
        ];
        let server = Server::start(engine, &env).await;
        let rows =
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2500)";
        let old = |at: &str| {
            format!(
                "INSERT INTO audit_logs (id, event_type, event_time, severity, action, success, created_at) \
                 {rows} SELECT 'old-' || i, 'LOGOUT', {at}, 'INFO', 'Signed out', 1 = 1, {at} FROM n"
            )
        };
        server
            .sql(
                &old("'2026-01-01 00:00:00+00:00'"),
                &old("timestamptz '2026-01-01'"),
            )
            .await;
        let told = "SELECT count(*) FROM audit_logs WHERE event_type = 'AUDIT_LOG_PRUNED' AND severity = 'INFO'";
        until("the deletion is told", async || {
            server.count(told).await > 0
        })
        .await;
        let left = "SELECT count(*) FROM audit_logs WHERE id LIKE 'old-%'";
        assert_eq!(server.count(left).await, 0);
        let details =
            "SELECT CAST(details AS text) FROM audit_logs WHERE event_type = 'AUDIT_LOG_PRUNED'";
        let details = server.texts(details).await;
        let deleted: u64 = details
            .iter()
            .map(|text| {
                let details: Value = serde_json::from_str(text).unwrap();
                assert!(details["until"].as_str().unwrap().starts_with("20"));
                details["record_count"].as_u64().unwrap()
            })
            .sum();
        assert_eq!(deleted, 2_500, "{details:?}");
    }
}
