//! What pages say about lists that are too long to be looked at in whole.
use crate::{
    account::{add_person, person},
    app::unescaped,
    support::{Engine, Http, Server},
};

const BOTH: [Engine; 2] = [Engine::Sqlite, Engine::Postgres];

/// `count` people named `person…`, a token each.
async fn people(server: &Server, count: u64) {
    let rows = format!(
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count})"
    );
    let statement = |at: &str, list: &str| {
        format!(
            "INSERT INTO users (id, username, email, password_hash, role, full_name, is_active, created_at, updated_at) \
             {rows} SELECT 'p' || i, 'person' || i, 'person' || i || '@corp.example', '', 'user', '', 1 = 1, {at}, {at} FROM n; \
             INSERT INTO access_tokens (id, token_hash, user_id, client_id, scopes, expires_at, created_at, token_family_id, resource) \
             {rows} SELECT 't' || i, 'h' || i, 'p' || i, 'c', 'email', {at}, {at}, 't' || i, {list} FROM n"
        )
    };
    server
        .sql(
            &statement("'2026-01-01 00:00:00+00:00'", "CAST('[]' AS BLOB)"),
            &statement("timestamptz '2026-01-01'", "'[]'::json"),
        )
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_that_is_cut_says_so_in_the_language_of_the_reader() {
    for engine in BOTH {
        let server = Server::start(engine, &[]).await;
        people(&server, 1_100).await;
        let mut admin = server.http().await;
        admin.sign_in().await;
        for (path, english, chinese) in [
            (
                "/admin/users?search=person",
                "More than 1,000 names begin with that",
                "以此開頭的名稱超過 1,000 筆",
            ),
            (
                // Those who can administer are few, and none of them is called so.
                "/admin/users?search=person&role=admin",
                "Nobody matches",
                "沒有符合的使用者",
            ),
            (
                "/admin/tokens?search=person",
                "More than 20 people or clients begin with that",
                "以此開頭的使用者或用戶端超過 20 個",
            ),
            (
                "/admin/tokens?search=person&status=revoked",
                "None of those that were looked at",
                "已查看的項目中沒有符合的",
            ),
        ] {
            for (language, words) in [("en", english), ("zh-TW", chinese)] {
                let page = admin.get(path, &[("accept-language", language)]).await;
                assert_eq!(page.status, 200, "{path}");
                assert!(
                    page.body.contains(words),
                    "{path} in {language}: {}",
                    page.body
                );
            }
        }
        let whole = admin.get("/admin/users?search=person11", &[]).await.body;
        assert!(!whole.contains("begin with that"), "{whole}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_much_to_count_is_told_as_at_least() {
    for engine in BOTH {
        let server = Server::start(engine, &[]).await;
        let rows =
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 6000)";
        let tokens = |at: &str, end: &str, list: &str| {
            format!(
                "INSERT INTO access_tokens (id, token_hash, user_id, client_id, scopes, expires_at, created_at, token_family_id, resource) \
                 {rows} SELECT 't' || i, 'h' || i, u.id, c.client_id, 'email', {end}, {at}, 't' || i, {list} \
                 FROM n, users u, oauth_applications c"
            )
        };
        server
            .sql(
                &tokens(
                    "'2026-01-01 00:00:00+00:00'",
                    "'2099-01-01 00:00:00+00:00'",
                    "CAST('[]' AS BLOB)",
                ),
                &tokens(
                    "timestamptz '2026-01-01'",
                    "timestamptz '2099-01-01'",
                    "'[]'::json",
                ),
            )
            .await;
        let mut admin = server.http().await;
        admin.sign_in().await;
        let list = admin.get("/admin/users?search=admin", &[]).await.body;
        let rest = list
            .split("/admin/users/")
            .find(|rest| rest.get(8..9) == Some("-"));
        let person = rest.and_then(|rest| rest.get(..36)).unwrap();
        let client = &server.client_id;
        let pages = [
            (format!("/admin/clients/{client}"), "5,000"),
            (format!("/admin/clients/{client}/delete"), "5,000"),
            (format!("/apps/{client}"), "5,000"),
            (format!("/admin/users/{person}"), "1,000"),
            ("/account/sessions/revoke-all".to_owned(), "1,000"),
        ];
        for (path, count) in &pages {
            for (language, words) in [("en", "at least "), ("zh-TW", "至少 ")] {
                let page = admin.get(path, &[("accept-language", language)]).await;
                let words = format!("{words}{count}");
                assert_eq!(page.status, 200, "{path}");
                assert!(page.body.contains(&words), "{path}, {words}: {}", page.body);
            }
        }
    }
}

/// A list that shows everything says how much that is, and from any other page there is a way to the first.
#[tokio::test(flavor = "multi_thread")]
async fn a_whole_list_tells_its_total_and_leads_back_to_its_beginning() {
    for engine in BOTH {
        let server = Server::start(engine, &[]).await;
        people(&server, 30).await;
        let mut admin = server.http().await;
        admin.sign_in().await;
        for (path, table) in [
            ("/admin/users", "users"),
            ("/admin/clients", "oauth_applications"),
            ("/admin/tokens", "access_tokens"),
        ] {
            let there = server.count(&format!("SELECT count(*) FROM {table}")).await;
            let total = format!("{there} in total");
            let page = admin.get(path, &[]).await.body;
            assert!(page.contains(&total), "{path} on {engine:?}");
            assert!(!page.contains(">First</a>"), "{path}");
            let narrowed = admin.get(&format!("{path}?status=active"), &[]).await.body;
            assert!(!narrowed.contains("in total"), "{path} on {engine:?}");
        }
        let first = admin.get("/admin/users?page_size=10", &[]).await.body;
        let older = href(&first, "next");
        let second = admin.get(&older, &[]).await.body;
        assert!(second.contains("31 in total"), "{engine:?}");
        let to_first = second.split("\">First</a>").next().unwrap();
        let to_first = to_first.rsplit("href=\"").next().unwrap();
        assert_eq!(to_first, "/admin/users", "{engine:?}");

        let mut owner = server.http().await;
        super::account::add_person(&server, "zoe", "user").await;
        owner.sign_in_as("zoe", crate::support::PASSWORD).await;
        let app = [
            ("client_name", "Notebook"),
            ("client_type", "public"),
            ("enable_device_flow", "true"),
        ];
        owner.submit("/apps/new", "/apps", &app).await;
        let own = owner.get("/apps", &[]).await.body;
        assert!(own.contains("1 in total"), "{engine:?}");
    }
}

/// The address of a link by its relation.
fn href(page: &str, relation: &str) -> String {
    let (before, _) = page.split_once(&format!("\" rel=\"{relation}\"")).unwrap();
    let href = before.rsplit("href=\"").next().unwrap();
    crate::app::unescaped(href)
}

/// Follows the links to older rows to the last page. Tells its text, and how many rows there were whose link ends so.
async fn last_page(http: &mut Http, list: &str, ending: &str) -> (String, usize) {
    let (mut path, mut seen) = (list.to_owned(), 0);
    loop {
        let page = http.get(&path, &[]).await;
        assert_eq!(page.status, 200, "{path}");
        seen += page.body.matches(&format!("{ending}\"")).count();
        let older = page.body.split("href=\"").find_map(|rest| {
            let (href, rest) = rest.split_once('"')?;
            rest.starts_with(" rel=\"next\"").then(|| unescaped(href))
        });
        match older {
            Some(href) => path = href,
            None => return (page.body, seen),
        }
    }
}

/// The last link on a page that ends so.
fn last_link(page: &str, ending: &str) -> String {
    let mut links = page
        .split('"')
        .filter(|text| text.starts_with('/') && text.ends_with(ending));
    links
        .next_back()
        .unwrap_or_else(|| panic!("no {ending}: {page}"))
        .to_owned()
}

/// A machine that signs in every few minutes, and somebody who has allowed very much: all of it can be read and ended, by
/// its person and by an administrator.
#[tokio::test(flavor = "multi_thread")]
async fn the_last_browser_and_the_last_consent_are_within_reach() {
    for engine in BOTH {
        let server = Server::start(engine, &[]).await;
        add_person(&server, "zoe", "user").await;
        let rows = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 520)";
        let many = |hash: &str, at: &str, list: &str| {
            format!(
                "INSERT INTO sessions (id_hash, user_id, auth_time, last_seen_at, expires_at, remember_me, fingerprint, ip, user_agent, code_misses) \
                 {rows} SELECT {hash}, 'id-of-zoe', {at}, {at}, expires_at, 1 = 1, '', '192.0.2.1', 'curl/8', 0 FROM n, \
                 (SELECT max(expires_at) AS expires_at FROM sessions) AS s; \
                 INSERT INTO user_authorizations (uuid, user_id, application_id, client_id, scopes, resource, granted_at, is_active, created_at, updated_at) \
                 {rows} SELECT 'c-' || i, 'id-of-zoe', i + 1000, 'client-' || i, 'email', {list}, {at}, 1 = 1, {at}, {at} FROM n"
            )
        };
        let mut zoe = person(&server, "zoe").await;
        let mut admin = person(&server, "admin").await;
        server
            .sql(
                &many(
                    "printf('%064x', i)",
                    "'2026-01-01 00:00:00+00:00'",
                    "CAST('[]' AS BLOB)",
                ),
                &many(
                    "lpad(to_hex(i), 64, '0')",
                    "timestamptz '2026-01-01'",
                    "'[]'::json",
                ),
            )
            .await;
        // The beginning of a hash is its name, so these must differ there.
        let turn = |reversed: &str| {
            format!("UPDATE sessions SET id_hash = {reversed} WHERE user_agent = 'curl/8'")
        };
        server
            .sql(
                &turn("substr(id_hash, 49) || substr(id_hash, 1, 48)"),
                &turn("reverse(id_hash)"),
            )
            .await;
        for (http, base, browsers) in [
            (&mut zoe, "/account", 520),
            (&mut admin, "/admin/users/id-of-zoe", 520),
        ] {
            let list = format!("{base}/authorizations");
            let (page, seen) = last_page(http, &list, "/revoke").await;
            assert_eq!(seen, if base == "/account" { 520 } else { 519 }, "{list}");
            let revoke = last_link(&page, "/revoke");
            let asked = http.get(&revoke, &[]).await;
            assert_eq!(asked.status, 200, "{revoke}: {asked:?}");
            let done = http.submit(&revoke, &revoke, &[]).await;
            assert_eq!(
                done.header("location"),
                Some(format!("{list}?success=revoked"))
            );
            assert_eq!(
                http.get(&revoke, &[]).await.status,
                if base == "/account" { 302 } else { 200 }
            );

            let list = format!("{base}/browsers");
            let (page, seen) = last_page(http, &list, "/end").await;
            // An administrator can end the one in which its person reads this, too.
            assert_eq!(seen, browsers, "{list}");
            let end = last_link(&page, "/end");
            let asked = http.get(&end, &[]).await;
            assert_eq!(asked.status, 200, "{end}: {asked:?}");
            let done = http
                .submit(&end, &end, &[])
                .await
                .header("location")
                .unwrap();
            assert!(
                done.starts_with(&format!("{list}?success=browser")),
                "{done}"
            );
            let again = http.get(&end, &[]).await;
            assert_eq!(
                again.header("location"),
                Some(format!("{list}?warning=browser_gone"))
            );
        }
        let others = zoe.get("/account/browsers/end-others", &[]).await.body;
        assert!(
            others.contains("518 other browsers are signed out"),
            "{others}"
        );
        let counts = [
            (
                "SELECT count(*) FROM user_authorizations WHERE user_id = 'id-of-zoe' AND is_active",
                518,
            ),
            (
                "SELECT count(*) FROM sessions WHERE user_id = 'id-of-zoe' AND revoked_at IS NULL",
                519,
            ),
        ];
        for (count, n) in counts {
            assert_eq!(server.count(count).await, n, "{count}");
        }
    }
}
