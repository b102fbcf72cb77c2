//! Apps and devices that are signed in, as their person finds them and signs them out.
use crate::{
    account::{add_person, link, location, person, send},
    app::unescaped,
    support::{Answer, Engine, Http, Server},
};

const BOTH: [Engine; 2] = [Engine::Sqlite, Engine::Postgres];
const LIST: &str = "/account/sessions";

/// A device of this person, which calls itself like this, is signed in.
async fn connect(server: &Server, name: &str, agent: &str) -> (Http, Answer) {
    let mut device = server.http().await;
    let code = server.approved_codes_of(&mut device, name).await;
    let form = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
        ("client_id", server.client_id.as_str()),
        ("device_code", code.as_str()),
    ];
    let agent = [("user-agent", agent)];
    let tokens = device.post_with("/oauth/token", &agent, &form).await;
    assert_eq!(tokens.status, 200, "{tokens:?}");
    (device, tokens)
}

/// The part of the page that shows the sign-in of this device.
fn about<'a>(page: &'a str, device: &str) -> &'a str {
    page.split("<section class=\"sign-in\"")
        .skip(1)
        .find(|part| part.contains(device))
        .unwrap_or_else(|| panic!("{device} is not in {page}"))
}

/// A command-line tool that was signed in weeks ago and renews its access token all the time: what it has left behind never
/// stands before it.
#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_does_not_sink_among_its_expired_tokens() {
    for engine in BOTH {
        let server = Server::start(engine, &[]).await;
        let (mut laptop, tokens) = connect(&server, "admin", "laptop/1").await;
        let refresh = tokens.text("refresh_token");
        for _ in 0..30 {
            let renewed = laptop.refresh(&server.client_id, &refresh).await;
            assert_eq!(renewed.status, 200, "{renewed:?}");
        }
        let over = |at: &str| {
            format!("UPDATE access_tokens SET expires_at = {at} WHERE token_category = 'access'")
        };
        server
            .sql(
                &over("'2026-01-01 00:00:00+00:00'"),
                &over("timestamptz '2026-01-01'"),
            )
            .await;
        let mut admin = person(&server, "admin").await;
        let page = admin.get(LIST, &[]).await.body;
        let laptop_part = about(&page, "laptop/1");
        assert!(laptop_part.contains("1 token that"), "{laptop_part}");
        assert!(!page.contains("Expired"), "{page}");
        // What is over is one click away.
        let page = unescaped(&page);
        assert!(page.contains("href=\"/account/sessions?status=all\""));
        let page = admin.get("/account/sessions?status=all", &[]).await.body;
        assert_eq!(page.matches("Expired").count(), 10, "{page}");
        assert_eq!(page.matches("/disable\"").count(), 0, "{page}");
        let active = "/account/sessions?status=active";
        let page = admin.get(active, &[]).await.body;
        assert!(!page.contains("Expired") && page.contains("Refresh token"));
        // The same for administrators, whose figures lead to what they count.
        let page = admin.get("/admin/tokens?status=active", &[]).await.body;
        assert!(!page.contains("Expired"));
        assert_eq!(page.matches("<code title=").count(), 1, "{page}");
        let page = unescaped(&admin.get("/admin", &[]).await.body);
        assert!(
            page.contains("\"/admin/tokens?status=active&category=access\""),
            "{page}"
        );
        // Nothing offers to switch on what has expired.
        let off = "UPDATE access_tokens SET status = 'disabled' WHERE token_category = 'access'";
        server.sql(off, off).await;
        let page = admin.get("/admin/tokens", &[]).await.body;
        assert!(
            page.contains("Expired") && !page.contains("/enable"),
            "{page}"
        );
        let page = admin.get("/admin/tokens?status=disabled", &[]).await.body;
        assert!(page.contains("Nothing matches"), "{page}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_device_is_signed_out_and_the_others_stay() {
    for engine in BOTH {
        let server = Server::start(engine, &[("ENABLE_TOKEN_ROTATION", "true")]).await;
        add_person(&server, "zoe", "user").await;
        let (mut lost, tokens) = connect(&server, "zoe", "lost/1").await;
        let (mut kept, other) = connect(&server, "zoe", "kept/1").await;
        // The token that the sign-in is named after is spent.
        let lost_tokens = lost
            .refresh(&server.client_id, &tokens.text("refresh_token"))
            .await;
        let mut zoe = person(&server, "zoe").await;
        let page = zoe.get(LIST, &[]).await.body;
        assert!(page.contains("2 sign-ins."), "{page}");
        assert_eq!(page.matches("<h2 class=\"section\"").count(), 1, "{page}");
        // What it holds is one click away, and nothing of others.
        let lost_part = unescaped(about(&page, "lost/1"));
        assert!(lost_part.contains("3 tokens"), "{lost_part}");
        let all = "/account/sessions?status=all&search=";
        let held = lost_part.split('"').find(|text| text.starts_with(all));
        let held = zoe.get(held.unwrap(), &[]).await.body;
        // The refresh token that was rotated is over, and told as such.
        assert_eq!(held.matches("class=\"cell-title\"").count(), 4, "{held}");
        assert!(held.contains("lost/1") && !held.contains("kept/1"));
        let found = zoe.get("/account/sessions?search=KEPT", &[]).await.body;
        assert!(found.contains("kept/1") && !found.contains("lost/1"));
        let none = zoe.get("/account/sessions?search=%25", &[]).await.body;
        assert!(none.contains("Nothing that is signed in fits"), "{none}");
        let end = link(about(&page, "lost/1"), "/end").to_owned();
        // Nobody else finds it.
        let mut admin = person(&server, "admin").await;
        let answer = send(&mut admin, LIST, &end, &[]).await;
        let gone = "/account/sessions?warning=sign_in_gone";
        assert_eq!(location(&answer), gone);
        assert_eq!(location(&admin.get(&end, &[]).await), gone);
        assert_eq!(lost.tokeninfo(&lost_tokens.text("access_token")).await, 200);
        // Asked first; one token of it is off, and ends with the others.
        let off = "UPDATE access_tokens SET status = 'disabled' WHERE id = (SELECT min(id) FROM access_tokens \
                   WHERE token_category = 'access')";
        server.sql(off, off).await;
        let asked = zoe.get(&end, &[]).await;
        for said in [
            "Sign this app out?",
            "lost/1",
            "127.0.0.1",
            "3 tokens end at once.",
        ] {
            assert!(asked.body.contains(said), "{said}: {}", asked.body);
        }
        let answer = send(&mut zoe, &end, &end, &[("back", "search=lost")]).await;
        let done = "/account/sessions?search=lost&success=signed_out";
        assert_eq!(location(&answer), done);
        assert!(
            zoe.get(done, &[])
                .await
                .body
                .contains("Signed out. The app holds nothing")
        );
        for token in [&tokens, &lost_tokens] {
            assert_eq!(lost.tokeninfo(&token.text("access_token")).await, 401);
            let refresh = token.text("refresh_token");
            let refused = lost.refresh(&server.client_id, &refresh).await;
            assert_eq!(refused.error(), "invalid_grant");
        }
        let left = "SELECT count(*) FROM access_tokens WHERE status <> 'revoked'";
        assert_eq!(server.count(left).await, 2);
        assert_eq!(kept.tokeninfo(&other.text("access_token")).await, 200);
        let answer = send(&mut zoe, LIST, &end, &[]).await;
        assert_eq!(location(&answer), gone);
        let told = "SELECT count(*) FROM audit_logs WHERE event_type = 'TOKEN_REVOKED' \
                    AND CAST(details AS TEXT) LIKE '%\"revoked_count\":3%' AND actor_user_id = 'id-of-zoe'";
        assert_eq!(server.count(told).await, 1);
        let page = zoe.get(LIST, &[]).await.body;
        assert!(page.contains("1 sign-in.") && !page.contains("lost/1"));
    }
}

/// What was alone on the last page is ended from there, and the way back leads to a page with something on it.
#[tokio::test(flavor = "multi_thread")]
async fn the_last_of_a_page_leaves_no_empty_page() {
    let server = Server::start(Engine::Sqlite, &[]).await;
    for n in 0..11 {
        connect(&server, "admin", &format!("device-{n}/1")).await;
    }
    let mut admin = person(&server, "admin").await;
    let page = unescaped(&admin.get(LIST, &[]).await.body);
    let older = page
        .split('"')
        .find(|text| text.contains("after="))
        .unwrap();
    let last = unescaped(&admin.get(older, &[]).await.body);
    assert!(about(&last, "device-0/1").contains("/end?back="));
    let end = last.split('"').find(|text| text.contains("/end?back="));
    let (end, back) = end.unwrap().split_once("?back=").unwrap();
    let back = back.replace("%3D", "=").replace("%7E", "~");
    let answer = send(&mut admin, end, end, &[("back", &back)]).await;
    assert_eq!(answer.status, 302);
    assert!(location(&answer).contains("after="), "{answer:?}");
    let page = admin.get(&location(&answer), &[]).await.body;
    assert!(page.contains("10 sign-ins.") && page.contains("Signed out."));
    about(&page, "device-10/1");
    assert!(!page.contains("rel=\"next\"") && !page.contains("rel=\"prev\""));
}

/// Rows that the Go server left in fixed mode have no family, and are signed out like all others.
#[tokio::test(flavor = "multi_thread")]
async fn sign_ins_of_the_go_server_are_found_and_signed_out() {
    for engine in BOTH {
        let server = Server::start(engine, &[]).await;
        let (mut device, tokens) = connect(&server, "admin", "tool/1").await;
        let refresh = tokens.text("refresh_token");
        let newer = device.refresh(&server.client_id, &refresh).await;
        for forget in [
            "DELETE FROM token_families",
            "UPDATE access_tokens SET token_family_id = ''",
        ] {
            server.sql(forget, forget).await;
        }
        let mut admin = person(&server, "admin").await;
        let page = admin.get(LIST, &[]).await.body;
        // The first access token does not tell where it came from, and is with the refresh token all the same.
        assert!(page.contains("1 sign-in."), "{page}");
        let part = page
            .split("<section class=\"sign-in\"")
            .find(|part| part.contains("3 tokens"))
            .unwrap();
        assert!(part.contains("Connected earlier"), "{part}");
        let end = link(part, "/end").to_owned();
        let answer = send(&mut admin, &end, &end, &[]).await;
        assert_eq!(location(&answer), "/account/sessions?success=signed_out");
        let refused = device.refresh(&server.client_id, &refresh).await;
        assert_eq!(refused.error(), "invalid_grant");
        for answer in [&tokens, &newer] {
            assert_eq!(device.tokeninfo(&answer.text("access_token")).await, 401);
        }
    }
}
