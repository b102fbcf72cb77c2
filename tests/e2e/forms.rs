//! Every form that people are shown, filled in as nobody should. The forms are found by walking over the pages, and each
//! POST that the server has a route for must be among them, so that a new form cannot be forgotten.
use super::{
    access::{Listed, routes},
    account::add_person,
    app,
    support::{Answer, Engine, Http, PASSWORD, Server},
};
use std::collections::{BTreeMap, BTreeSet};

/// What programs post, not people.
const MACHINES: [&str; 8] = [
    "/oauth/device/code",
    "/oauth/introspect",
    "/oauth/register",
    "/oauth/register/{client_id}",
    "/oauth/revoke",
    "/oauth/token",
    "/oauth/userinfo",
    "/oauth/par",
];

const HOSTILE: [&str; 3] = [
    "\"><script>alert(1)</script>",
    "</textarea><img src=x onerror=alert(2)>",
    "{{csrf_token}}'\"<svg/onload=alert(3)>",
];

#[derive(Clone, Debug)]
struct Form {
    /// The page that it is on.
    page: String,
    action: String,
    /// What a browser would send.
    sent: Vec<(String, String)>,
    /// The fields that a person types into.
    typed: Vec<String>,
    /// The fields that offer a choice.
    chosen: Vec<String>,
    /// The boxes: whatever one sends that is not its value is a box that is not ticked.
    boxes: Vec<String>,
}

fn decoded(text: &str) -> String {
    let entities = [
        ("&quot;", "\""),
        ("&#x27;", "'"),
        ("&#x3D;", "="),
        ("&#x60;", "`"),
    ];
    let more = [("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")];
    let all = entities.iter().chain(&more);
    all.fold(text.to_owned(), |text, (entity, sign)| {
        text.replace(entity, sign)
    })
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
    rest.split('"').next().map(decoded)
}

/// The forms of a page.
fn forms(page: &str, html: &str) -> Vec<Form> {
    let pieces = html.split("<form ").skip(1);
    let posts = pieces
        .filter(|piece| piece.starts_with("method=\"post\"") || piece.contains(" method=\"post\""));
    let mut all: Vec<Form> = posts
        .map(|piece| {
            let head = format!(" {}", piece.split('>').next().unwrap());
            let body = piece.split("</form>").next().unwrap();
            let mut form = Form {
                page: page.to_owned(),
                action: attribute(&head, "action").unwrap_or_else(|| page.to_owned()),
                sent: Vec::new(),
                typed: Vec::new(),
                chosen: Vec::new(),
                boxes: Vec::new(),
            };
            for tag in body.split('<') {
                fill_in(&mut form, tag);
            }
            form
        })
        .collect();
    // A button may send its form somewhere else.
    for tag in html.split('<').filter(|tag| tag.starts_with("button ")) {
        if let Some(action) = attribute(tag, "formaction") {
            let [name, value] = ["name", "value"].map(|of| attribute(tag, of).unwrap_or_default());
            all.push(Form {
                page: page.to_owned(),
                action,
                sent: vec![(name, value)],
                typed: Vec::new(),
                chosen: Vec::new(),
                boxes: Vec::new(),
            });
        }
    }
    all
}

fn fill_in(form: &mut Form, tag: &str) {
    let Some(name) = attribute(tag, "name") else {
        if tag.starts_with("option")
            && tag.contains(" selected")
            && let Some(last) = form.sent.last_mut()
        {
            last.1 = attribute(tag, "value").unwrap_or_default();
        }
        return;
    };
    let value = attribute(tag, "value").unwrap_or_default();
    let kind = attribute(tag, "type").unwrap_or_default();
    if tag.starts_with("input") && kind == "checkbox" {
        form.boxes.push(name.clone());
        if tag.contains(" checked") {
            form.sent.push((name, value));
        }
    } else if tag.starts_with("input") {
        if kind != "hidden" && !tag.contains(" hidden") {
            form.typed.push(name.clone());
        }
        form.sent.push((name, value));
    } else if tag.starts_with("textarea") {
        let text = tag.split_once('>').map_or("", |(_, text)| text);
        form.typed.push(name.clone());
        form.sent
            .push((name, decoded(text.trim_start_matches('\n'))));
    } else if tag.starts_with("select") {
        form.chosen.push(name.clone());
        form.sent.push((name, String::new()));
    } else if tag.starts_with("button") && !form.sent.iter().any(|(known, _)| *known == name) {
        form.sent.push((name, value));
    }
}

/// All forms that can be reached from here, one for each kind of address.
async fn walk(http: &mut Http, routes: &[Listed], from: &[String]) -> BTreeMap<String, Vec<Form>> {
    let mut ahead: Vec<String> = from.to_vec();
    let mut seen = BTreeSet::new();
    let mut found: BTreeMap<String, Vec<Form>> = BTreeMap::new();
    while let Some(page) = ahead.pop() {
        let kind = page.split('?').next().unwrap().to_owned();
        // The list of all tokens is another page than that of sign-ins.
        let is_new = seen.insert((kind.clone(), page.contains("status=all")));
        if !is_new
            || ["/docs", "/static", "/openapi", "/swagger", "/admin/audit/"]
                .iter()
                .any(|p| kind.starts_with(p))
        {
            continue;
        }
        let answer = http.get(&page, &[("accept", "text/html")]).await;
        if !answer
            .header("content-type")
            .is_some_and(|kind| kind.starts_with("text/html"))
        {
            continue;
        }
        for form in forms(&page, &answer.body) {
            let route = routes
                .iter()
                .find(|route| route.method == "POST" && route.is_at(&form.action));
            let route = route
                .unwrap_or_else(|| panic!("{page} posts to {}, where nothing is", form.action));
            let known = found.entry(route.pattern.clone()).or_default();
            if known.iter().all(|other| other.typed != form.typed) {
                known.push(form);
            }
        }
        let links = answer.body.split(" href=\"").skip(1);
        ahead.extend(
            links
                .filter_map(|rest| rest.split('"').next())
                .filter(|href| href.starts_with('/'))
                .map(decoded),
        );
    }
    found
}

/// A house in which every form has something to be about; the addresses that no link leads to.
async fn furnish(server: &Server, http: &mut Http) -> Vec<String> {
    add_person(server, "zoe", "user").await;
    add_person(server, "gone", "user").await;
    http.make_client(
        "/apps",
        &[
            ("client_name", "Mine"),
            ("client_type", "confidential"),
            ("enable_device_flow", "true"),
            ("scopes", "email"),
        ],
    )
    .await;
    app::register(server, "consented", "public", &[app::CALLBACK]).await;
    let off = |no: &str| format!("UPDATE users SET is_active = {no} WHERE username = 'gone'");
    server.sql(&off("0"), &off("false")).await;
    for name in ["admin", "zoe"] {
        let mut tool = server.http().await;
        for _ in 0..2 {
            let code = server.approved_codes_of(&mut tool, name).await;
            assert_eq!(tool.poll(&server.client_id, &code).await.status, 200);
        }
        let link = format!(
            "INSERT INTO oauth_connections (id, user_id, provider, provider_user_id, provider_username, provider_email, created_at, updated_at) \
             SELECT 'link-of-{name}', id, 'github', '{name}', '{name}', '{name}@example.com', created_at, created_at FROM users WHERE username = '{name}'"
        );
        server.sql(&link, &link).await;
        let consent = |yes: &str| {
            format!(
                "INSERT INTO user_authorizations (uuid, user_id, application_id, client_id, scopes, granted_at, is_active, created_at, updated_at) \
             SELECT 'consent-of-{name}', u.id, a.id, a.client_id, 'email', u.created_at, {yes}, u.created_at, u.created_at \
             FROM oauth_applications a, users u WHERE u.username = '{name}' AND a.client_id = '{}'",
                server.client_id
            )
        };
        server.sql(&consent("1"), &consent("true")).await;
        let mut other = server.http().await;
        assert_eq!(other.sign_in_as(name, PASSWORD).await.status, 302);
    }
    let off = "UPDATE access_tokens SET status = 'disabled' WHERE id IN (SELECT min(id) FROM access_tokens WHERE token_category = 'access' GROUP BY user_id)";
    server.sql(off, off).await;
    let ask = app::Ask::of("consented").path();
    [
        "/account/sessions",
        "/admin",
        "/logout",
        "/device",
        "/admin/users/id-of-gone",
        "/admin/users/id-of-zoe",
        "/oauth/end_session?client_id=consented",
        "/account/sessions?status=all",
    ]
    .map(str::to_owned)
    .into_iter()
    .chain([ask])
    .collect()
}

/// The tables that forms write to, and what of them changes by looking alone.
const TABLES: [(&str, &[&str]); 12] = [
    ("users", &[]),
    ("oauth_applications", &[]),
    ("access_tokens", &[]),
    ("token_families", &[]),
    ("token_endings", &[]),
    ("sessions", &["last_seen_at", "expires_at", "code_misses"]),
    ("user_authorizations", &[]),
    ("oauth_connections", &[]),
    ("device_codes", &[]),
    ("authorization_codes", &[]),
    ("signing_keys", &[]),
    ("registration_tokens", &[]),
];

/// One statement for every row of these tables, whole.
async fn whole_rows(server: &Server) -> String {
    let mut parts = Vec::new();
    for (table, but) in TABLES {
        let part = match server.engine {
            Engine::Postgres => {
                let row = but.iter().fold("to_jsonb(t)".to_owned(), |row, column| {
                    format!("{row} - '{column}'")
                });
                format!("SELECT '{table} ' || ({row})::text AS told FROM {table} t")
            }
            Engine::Sqlite => {
                let columns = format!("SELECT name FROM pragma_table_info('{table}')");
                let columns = server.texts(&columns).await;
                let row: Vec<String> = columns
                    .iter()
                    .filter(|column| !but.contains(&column.as_str()))
                    .map(|column| format!("'{column} ' || quote(\"{column}\")"))
                    .collect();
                let row = row.join(" || ', ' || ");
                format!("SELECT '{table} ' || {row} AS told FROM {table}")
            }
        };
        parts.push(part);
    }
    format!("{} ORDER BY 1", parts.join(" UNION ALL "))
}

/// A house, and what a form could change in it.
struct House {
    server: Server,
    rows: String,
}

impl House {
    async fn of(server: Server) -> Self {
        let rows = whole_rows(&server).await;
        Self { server, rows }
    }

    /// All that is stored.
    async fn stored(&self) -> Vec<String> {
        let rows = self.server.texts(&self.rows).await;
        assert!(rows.len() > 20, "{rows:?}");
        rows
    }

    /// Nothing of it was changed.
    async fn assert_stored(&self, before: &[String], at: &str) {
        let now = self.stored().await;
        let changed: Vec<_> = now.iter().filter(|row| !before.contains(row)).collect();
        let gone: Vec<_> = before.iter().filter(|row| !now.contains(row)).collect();
        assert!(
            changed.is_empty() && gone.is_empty(),
            "{at} changed {gone:#?} to {changed:#?}"
        );
    }
}

fn with(form: &Form, name: &str, value: &str) -> Vec<(String, String)> {
    let mut fields = form.sent.clone();
    for field in fields.iter_mut().filter(|field| field.0 == name) {
        value.clone_into(&mut field.1);
    }
    fields
}

async fn post(
    http: &mut Http,
    form: &Form,
    more: &[(&str, &str)],
    fields: &[(String, String)],
) -> Answer {
    let fields: Vec<(&str, &str)> = fields
        .iter()
        .map(|(a, b)| (a.as_str(), b.as_str()))
        .collect();
    let mut headers = vec![("accept", "text/html")];
    headers.extend_from_slice(more);
    http.post_with(&form.action, &headers, &fields).await
}

/// A refusal says something that a person understands, where they see it.
fn assert_explains(answer: &Answer, at: &str) {
    let says = [
        "role=\"alert\"",
        "field-error",
        "class=\"eyebrow\"",
        "class=\"alert",
    ];
    assert!(
        says.iter().any(|sign| answer.body.contains(sign)),
        "{at}: {}",
        answer.body
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn every_form_refuses_what_nobody_should_send() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let key = "b".repeat(64);
        let env = [
            ("LOG_LEVEL", "debug"),
            ("JWT_SIGNING_ALGORITHM", "ES256"),
            ("JWT_KEY_SOURCE", "database"),
            ("ENCRYPTION_KEY", key.as_str()),
        ];
        let server = Server::start(engine, &env).await;
        let mut http = server.http().await;
        http.sign_in().await;
        let begin = furnish(&server, &mut http).await;
        let routes = routes(&server);
        let mut found = walk(&mut http, &routes, &begin).await;
        let mut guest = server.http().await;
        found.extend(walk(&mut guest, &routes, &["/login".to_owned()]).await);
        let posts = routes.iter().filter(|route| route.method == "POST");
        for route in posts.filter(|route| !MACHINES.contains(&route.pattern.as_str())) {
            assert!(
                found.contains_key(&route.pattern),
                "no page has the form of POST {}",
                route.pattern
            );
        }
        let found: Vec<Form> = found.into_values().flatten().collect();
        println!("{} forms on {engine:?}", found.len());
        let house = House::of(server).await;
        from_elsewhere(&house, &mut http, &found).await;
        nothing_but_what_is_offered(&house, &mut http, &found).await;
        too_much_or_nothing(&house, &mut http, &found).await;
        hostile(&mut http, &found).await;
        let log = house.server.log();
        assert!(!log.contains("panicked"), "{log}");
    }
}

/// Without the token of the form, with a wrong one, and as browsers send the forms of other sites.
async fn from_elsewhere(house: &House, http: &mut Http, forms: &[Form]) {
    let server = &house.server;
    let before = house.stored().await;
    let foreign = [
        ("origin", "https://evil.example"),
        ("sec-fetch-site", "cross-site"),
    ];
    for form in forms {
        let at = format!("{} on {}", form.action, form.page);
        if matches!(form.action.as_str(), "/language" | "/theme") {
            let answer = post(http, form, &foreign, &form.sent).await;
            assert_eq!(answer.status, 403, "{at}");
            assert_explains(&answer, &at);
            continue;
        }
        for token in ["", "AAAA"] {
            let fields = with(form, "csrf_token", token);
            let answer = if form.action == "/login" {
                // In a browser where nobody is signed in yet.
                let mut guest = server.http().await;
                guest.get("/login", &[]).await;
                post(&mut guest, form, &[], &fields).await
            } else {
                post(http, form, &[], &fields).await
            };
            assert_eq!(answer.status, 403, "{at}: {answer:?}");
            assert_explains(&answer, &at);
        }
        // The cookie is kept from other sites (SameSite), so nobody is signed in there.
        let mut elsewhere = server.http().await;
        let answer = post(&mut elsewhere, form, &foreign, &form.sent).await;
        let goes_on = answer
            .header("location")
            .is_some_and(|to| to.starts_with('/'));
        assert!(
            goes_on || answer.status == 403 || answer.status == 400,
            "{at}: {answer:?}"
        );
    }
    house.assert_stored(&before, "forms of other sites").await;
}

/// Each field in turn: far too long, and empty.
async fn too_much_or_nothing(house: &House, http: &mut Http, forms: &[Form]) {
    let huge = "x".repeat(100_000);
    for form in forms {
        for name in &form.typed {
            let at = format!("{name} of {} on {}", form.action, form.page);
            let before = house.stored().await;
            let fresh = drawn_anew(http, form).await;
            let answer = post(http, &fresh, &[], &with(&fresh, name, &huge)).await;
            assert!((400..500).contains(&answer.status), "{at}: {answer:?}");
            assert_explains(&answer, &at);
            house.assert_stored(&before, &at).await;
            let answer = post(http, &fresh, &[], &with(&fresh, name, "")).await;
            assert!(answer.status < 500, "{at}: {answer:?}");
            if answer.status >= 400 {
                assert_explains(&answer, &at);
                house.assert_stored(&before, &at).await;
            }
        }
    }
}

/// What nobody types and what may hold anything all the same: where a person goes on, which is nowhere else than here; the
/// type of a client, by contract; the app that asked for a sign-out, which is done and leads to no app then; and what a
/// consent form tells beside its sealed part, which alone is believed.
fn may_be_anything(form: &Form, name: &str) -> bool {
    match form.action.as_str() {
        "/oauth/end_session" => name == "sealed",
        "/oauth/authorize" => !["sealed", "action"].contains(&name),
        _ => ["redirect", "back", "client_type"].contains(&name),
    }
}

/// What a person cannot type, because it is hidden, offers a choice or is a button: anything else than what the page has is
/// refused, and nothing was done.
async fn nothing_but_what_is_offered(house: &House, http: &mut Http, forms: &[Form]) {
    let (long, huge) = ("x".repeat(3_000), "x".repeat(100_000));
    let mut taken = Vec::new();
    for form in forms {
        let is_offered = |name: &&String| {
            !form.typed.contains(name) && !form.boxes.contains(name) && *name != "csrf_token"
        };
        for name in form.sent.iter().map(|(name, _)| name).filter(is_offered) {
            for text in HOSTILE.iter().copied().chain([long.as_str(), &huge]) {
                let shown = &text[..text.len().min(20)];
                let at = format!("{name}={shown} of {} on {}", form.action, form.page);
                let fresh = drawn_anew(http, form).await;
                let before = house.stored().await;
                let mut answer = post(http, &fresh, &[], &with(&fresh, name, text)).await;
                let to = answer.header("location").unwrap_or_default();
                let is_ours = to.is_empty() || to.starts_with('/') || to.starts_with(app::CALLBACK);
                assert!(is_ours, "{at}: {answer:?}");
                if may_be_anything(form, name) && answer.status < 400 {
                    if form.action == "/oauth/end_session" {
                        http.sign_in().await;
                    }
                    continue;
                }
                // Some refusals are told on the page that follows.
                if to.contains("?error=") || to.contains("?warning=") {
                    while let Some(next) = answer.header("location") {
                        answer = http.get(&next, &[("accept", "text/html")]).await;
                    }
                } else if answer.status < 400 {
                    taken.push(format!("{at}: {} {to}", answer.status));
                    continue;
                }
                assert!(answer.status < 500, "{at}: {answer:?}");
                assert_explains(&answer, &at);
                house.assert_stored(&before, &at).await;
            }
        }
    }
    assert!(taken.is_empty(), "{taken:#?}");
}

/// Markup in each field: it is refused, or it stays text on the page that follows.
async fn hostile(http: &mut Http, forms: &[Form]) {
    for form in forms {
        for name in form.typed.iter().chain(&form.chosen) {
            for text in HOSTILE {
                let at = format!("{name} of {} on {}", form.action, form.page);
                let fresh = drawn_anew(http, form).await;
                let mut answer = post(http, &fresh, &[], &with(&fresh, name, text)).await;
                if let Some(next) = answer.header("location").filter(|to| to.starts_with('/')) {
                    answer = http.get(&next, &[("accept", "text/html")]).await;
                }
                assert!(answer.status < 500, "{at}: {answer:?}");
                for raw in ["<script>alert", "<img src=x", "<svg/onload"] {
                    assert!(!answer.body.contains(raw), "{at}: {}", answer.body);
                }
            }
        }
    }
}

/// The form as its page has it now; as it was, where the page has it no longer.
async fn drawn_anew(http: &mut Http, form: &Form) -> Form {
    let page = http.get(&form.page, &[("accept", "text/html")]).await;
    let all = forms(&form.page, &page.body);
    let now = all
        .into_iter()
        .find(|now| now.action == form.action && now.typed == form.typed);
    now.unwrap_or_else(|| form.clone())
}
