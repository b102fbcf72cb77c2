//! What people do on pages, done in Chromium by somebody who finds things by the words that they see. Each journey begins
//! with a clean sign-in. All of them are made on both engines, and once more without script. On no page may the console
//! have anything to complain about.
use super::{
    account::add_person,
    chromium::{self, Driver},
    support::{Engine, Http, PASSWORD, Server},
};
use futures_util::FutureExt as _;
use person::Person;
use std::{panic::AssertUnwindSafe, sync::Mutex};

#[path = "journeys/account.rs"]
mod account;
#[path = "journeys/apps.rs"]
mod apps;
#[path = "journeys/audit.rs"]
mod audit;
#[path = "journeys/clients.rs"]
mod clients;
#[path = "journeys/consent.rs"]
mod consent;
#[path = "journeys/docs.rs"]
mod docs;
#[path = "journeys/hostile.rs"]
mod hostile;
#[path = "journeys/operations.rs"]
mod operations;
#[path = "journeys/person.rs"]
mod person;
#[path = "journeys/trouble.rs"]
mod trouble;
#[path = "journeys/users.rs"]
mod users;

/// A server and somebody who visits it.
struct Stage {
    server: Server,
    person: Person,
    failed: Mutex<Vec<&'static str>>,
    /// What the browser was given to save.
    downloads: tempfile::TempDir,
    _driver: Driver,
}

impl Stage {
    async fn set(engine: Engine, with_script: bool) -> Self {
        let keys = "b".repeat(64);
        let env = [
            ("ENABLE_SWAGGER", "true"),
            ("JWT_SIGNING_ALGORITHM", "ES256"),
            ("JWT_KEY_SOURCE", "database"),
            ("ENCRYPTION_KEY", keys.as_str()),
            ("ENABLE_RATE_LIMIT", "true"),
            ("LOGIN_RATE_LIMIT", "100000"),
            ("DEVICE_CODE_RATE_LIMIT", "100000"),
            ("TOKEN_RATE_LIMIT", "100000"),
            ("DEVICE_VERIFY_RATE_LIMIT", "40"),
        ];
        let server = Server::start(engine, &env).await;
        let driver = Driver::start().unwrap();
        let downloads = tempfile::tempdir().unwrap();
        let client = chromium::open_to_save(&driver, with_script, downloads.path()).await;
        Self {
            person: Person::new(client, server.port, with_script),
            server,
            failed: Mutex::default(),
            downloads,
            _driver: driver,
        }
    }

    /// Somebody new, signed in on the sign-in page.
    async fn sign_in_newcomer(&self, name: &str, role: &str) {
        add_person(&self.server, name, role).await;
        self.person.sign_in(name).await;
    }

    /// Another browser of the same person.
    async fn elsewhere(&self, name: &str) -> Http {
        let mut http = self.server.http().await;
        assert_eq!(http.sign_in_as(name, PASSWORD).await.status, 302);
        http
    }

    /// A device that somebody has connected: its access and refresh token.
    async fn connect_device(&self, name: &str) -> (String, String) {
        let mut tool = self.server.http().await;
        let code = self.server.approved_codes_of(&mut tool, name).await;
        let answer = tool.poll(&self.server.client_id, &code).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        (answer.text("access_token"), answer.text("refresh_token"))
    }

    /// A sign-in of a device that is still to be allowed: its code and what the person types.
    async fn ask_by_device(&self) -> (String, String) {
        let form = [("client_id", self.server.client_id.as_str())];
        let answer = self
            .server
            .http()
            .await
            .post("/oauth/device/code", &form)
            .await;
        (answer.text("device_code"), answer.text("user_code"))
    }

    /// What the server says of a token.
    async fn tokeninfo(&self, token: &str) -> u16 {
        self.server.http().await.tokeninfo(token).await
    }

    /// Waits until the database says so: records of the trail come a moment later.
    async fn settles(&self, query: &str, expected: i64) {
        for _ in 0..100 {
            if self.server.count(query).await == expected {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
        panic!("{query} is {}", self.server.count(query).await);
    }

    /// Makes a journey and looks at what the console said on the way. One that ends early keeps nobody from the next.
    async fn journey(&self, name: &'static str, journey: impl Future<Output = ()>) {
        let began = std::time::Instant::now();
        let ended = AssertUnwindSafe(journey).catch_unwind().await;
        let complaints = self.person.complaints().await;
        println!("{name}: {:.1} s", began.elapsed().as_secs_f64());
        if ended.is_err() || !complaints.is_empty() {
            println!("{name} failed; the console: {complaints:#?}");
            self.failed.lock().unwrap().push(name);
        }
    }

    /// All journeys went well.
    async fn close(self) {
        let failed = self.failed.into_inner().unwrap();
        let log = self.server.log();
        self.person.client.close().await.unwrap();
        if !failed.is_empty() {
            println!("{log}");
        }
        // Last and short, to be found at the end of whatever was printed.
        assert!(failed.is_empty(), "{failed:?}");
        assert!(!log.contains("panicked"), "{log}");
    }
}

/// What every stage is made to see: all that changes something.
async fn that_change_something(stage: &Stage) {
    let s = stage;
    s.journey("sign-ins", account::sign_ins(s)).await;
    s.journey("tokens", account::tokens(s)).await;
    s.journey("browsers", account::browsers(s)).await;
    s.journey("authorizations", account::authorizations(s))
        .await;
    s.journey("profile", account::profile(s)).await;
    s.journey("password", account::password(s)).await;
    s.journey("linked logins", account::linked_logins(s)).await;
    s.journey("remembered", account::remembered(s)).await;
    s.journey("consent", consent::an_app(s)).await;
    s.journey("first password", consent::a_first_password_on_the_way(s))
        .await;
    s.journey("sign-out by an app", consent::signed_out_by_an_app(s))
        .await;
    s.journey("an app", apps::an_app(s)).await;
    s.journey("clients", clients::a_client(s)).await;
    s.journey("approvals", clients::approvals(s)).await;
    s.journey("consents of a client", clients::consents(s))
        .await;
    s.journey("off and on", clients::off_and_on(s)).await;
    s.journey("widened", clients::widened(s)).await;
    s.journey("users", users::a_user(s)).await;
    s.journey("own reset", users::an_own_reset(s)).await;
    s.journey("last administrator", users::oneself(s)).await;
    s.journey("tokens of all", operations::tokens(s)).await;
    s.journey("work", operations::work(s)).await;
    s.journey("keys", operations::keys(s)).await;
    s.journey("signing out", trouble::signing_out(s)).await;
    s.journey("old form", trouble::a_form_that_is_too_old(s))
        .await;
    s.journey("session over", trouble::a_session_that_ends(s))
        .await;
    s.journey(
        "session over twice",
        trouble::a_session_that_ends_on_a_refused_form(s),
    )
    .await;
    s.journey("switches", trouble::a_switch_in_the_middle_of_a_form(s))
        .await;
    s.journey("back", trouble::back_after_a_form(s)).await;
    s.journey("double click", trouble::a_double_click(s)).await;
    s.journey("reload of a secret", trouble::a_reload_of_a_secret(s))
        .await;
    s.journey("two tabs", trouble::two_tabs(s)).await;
}

async fn that_only_look(stage: &Stage) {
    let s = stage;
    s.journey("dashboard", operations::dashboard(s)).await;
    s.journey("refusals", operations::refusals(s)).await;
    s.journey("trail", audit::the_trail(s)).await;
    s.journey("narrowed trail", audit::narrowed(s)).await;
    s.journey("guides", docs::guides(s)).await;
    s.journey("language", docs::language(s)).await;
    s.journey("look", docs::look(s)).await;
    s.journey("reference", docs::reference(s)).await;
    s.journey("other sites", trouble::other_sites(s)).await;
    s.journey("hostile names", hostile::names(s)).await;
    s.journey("hostile apps", hostile::apps(s)).await;
    s.journey("download", audit::the_file(s)).await;
    // Last, for nobody can send that form for a while.
    s.journey("limit", trouble::a_limit(s)).await;
}

async fn all(engine: Engine, with_script: bool) {
    let stage = Stage::set(engine, with_script).await;
    that_change_something(&stage).await;
    that_only_look(&stage).await;
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn journeys_on_sqlite() {
    all(Engine::Sqlite, true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn journeys_on_postgres() {
    all(Engine::Postgres, true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn journeys_without_script() {
    all(Engine::Sqlite, false).await;
}
