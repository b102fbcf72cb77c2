//! Whatever may happen once happens once, whoever tries at the same time. On PostgreSQL two servers are asked.
use crate::{
    account::add_person,
    app::{self, Ask},
    client_auth, hooks,
    support::{Answer, Engine, Http, Server, field, soak},
};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::Barrier;

/// Of each kind, raced one after the other.
const CODES: usize = 500;
const AT_ONCE: usize = 8;

#[derive(Clone, Copy)]
enum Race {
    Redeem,
    Exchange,
    Rotate,
}

/// The servers that are asked: on PostgreSQL a second one on the same database.
async fn pods(server: Server) -> Vec<Server> {
    let mut pods = vec![server];
    if pods[0].engine == Engine::Postgres {
        pods.push(pods[0].beside().await);
    }
    pods
}

/// Sends the same request for every item from eight connections at once, which the servers share; how often each came
/// off.
async fn race(pods: &[Server], what: Race, items: Vec<String>) -> Vec<usize> {
    let (items, barrier) = (Arc::new(items), Arc::new(Barrier::new(AT_ONCE)));
    let mut racers = Vec::new();
    for server in pods.iter().cycle().take(AT_ONCE) {
        let (items, barrier) = (Arc::clone(&items), Arc::clone(&barrier));
        let (mut http, client_id) = (server.http().await, server.client_id.clone());
        racers.push(tokio::spawn(async move {
            let mut came_off = Vec::with_capacity(items.len());
            for item in items.iter() {
                barrier.wait().await;
                let answer = match what {
                    Race::Redeem => http.poll(&client_id, item).await,
                    Race::Exchange => app::exchange(&mut http, "public", item, &[]).await,
                    Race::Rotate => http.refresh(&client_id, item).await,
                };
                came_off.push(came_off_or_not(&answer));
            }
            came_off
        }));
    }
    let mut totals = vec![0; items.len()];
    for racer in racers {
        for (total, came_off) in totals.iter_mut().zip(racer.await.unwrap()) {
            *total += usize::from(came_off);
        }
    }
    totals
}

/// Whether this one came off; who lost is told `invalid_grant`, and nothing else.
fn came_off_or_not(answer: &Answer) -> bool {
    if answer.status != 200 {
        let why = (answer.status, answer.error());
        assert_eq!(why, (400, "invalid_grant".to_owned()), "{answer:?}");
    }
    answer.status == 200
}

fn assert_once(what: &str, pods: &[Server], totals: &[usize]) {
    let wrong = totals.iter().filter(|total| **total != 1).count();
    println!(
        "{what} on {} server(s) with {:?}: {} x {AT_ONCE}, {wrong} of them not exactly one",
        pods.len(),
        pods[0].engine,
        totals.len()
    );
    assert_eq!(wrong, 0, "every {what} must come off exactly one time");
}

async fn device_codes(engine: Engine) {
    let pods = pods(Server::start(engine, &[]).await).await;
    let codes = pods[0].approved_codes(soak(CODES)).await;
    assert_once(
        "device code",
        &pods,
        &race(&pods, Race::Redeem, codes).await,
    );
    assert_eq!(
        pods[0]
            .count("SELECT count(*) FROM access_tokens WHERE token_category = 'refresh'")
            .await,
        soak(CODES) as i64
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_code_is_redeemed_once_on_sqlite() {
    device_codes(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_code_is_redeemed_once_on_postgres() {
    device_codes(Engine::Postgres).await;
}

async fn refresh_tokens(server: &Server, many: usize) -> Vec<String> {
    let codes = server.approved_codes(many).await;
    let mut http: Http = server.http().await;
    let mut tokens = Vec::with_capacity(many);
    for code in codes {
        tokens.push(
            http.poll(&server.client_id, &code)
                .await
                .text("refresh_token"),
        );
    }
    tokens
}

async fn rotations(engine: Engine) {
    let pods = pods(Server::start(engine, &[ROTATION]).await).await;
    let tokens = refresh_tokens(&pods[0], soak(CODES)).await;
    assert_once(
        "refresh token",
        &pods,
        &race(&pods, Race::Rotate, tokens).await,
    );
    // Seven of eight were replays: every family is dead, whoever won.
    assert_eq!(
        pods[0]
            .count("SELECT count(*) FROM access_tokens WHERE status = 'active'")
            .await,
        0
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_token_is_rotated_once_on_sqlite() {
    rotations(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_token_is_rotated_once_on_postgres() {
    rotations(Engine::Postgres).await;
}

/// Polls for codes that are approved meanwhile: told to wait until then, and one of them is told the tokens.
async fn polls_before_and_after_approval(engine: Engine) {
    const CODES: usize = 100;
    let pods = pods(Server::start(engine, &[]).await).await;
    let mut device = pods[0].http().await;
    let mut codes = Vec::new();
    for _ in 0..soak(CODES) {
        codes.push(device.start_device(&pods[0].client_id).await);
    }
    let (codes, barrier) = (Arc::new(codes), Arc::new(Barrier::new(AT_ONCE)));
    let mut devices = tokio::task::JoinSet::new();
    for server in pods.iter().cycle().take(AT_ONCE) {
        let (codes, barrier) = (Arc::clone(&codes), Arc::clone(&barrier));
        let (mut http, client_id) = (server.http().await, server.client_id.clone());
        devices.spawn(async move {
            let (mut came_off, mut early) = (Vec::new(), 0);
            for code in codes.iter() {
                barrier.wait().await;
                let answer = loop {
                    let answer = http.poll(&client_id, code).await;
                    let waits = ["authorization_pending", "slow_down"];
                    if answer.status == 200 || !waits.contains(&answer.error().as_str()) {
                        break answer;
                    }
                    early += 1;
                };
                came_off.push(came_off_or_not(&answer));
            }
            (came_off, early)
        });
    }
    // Only the first code that is left, so that the next is polled before its time.
    let approve = |yes: &str| {
        format!(
            "UPDATE device_codes SET authorized = {yes}, authorized_at = created_at, user_id = (SELECT id FROM users) \
             WHERE id = (SELECT min(id) FROM device_codes)"
        )
    };
    let approving = async {
        loop {
            tokio::time::sleep(Duration::from_millis(10)).await;
            pods[0].sql(&approve("1"), &approve("true")).await;
        }
    };
    let polling = devices.join_all();
    let polled = tokio::select! {
        polled = polling => polled,
        () = approving => unreachable!(),
    };
    let (mut totals, mut early) = (vec![0; codes.len()], 0);
    for (came_off, waited) in polled {
        early += waited;
        for (total, came_off) in totals.iter_mut().zip(came_off) {
            *total += usize::from(came_off);
        }
    }
    println!("{early} polls came before the approval");
    assert!(early > codes.len(), "{early}");
    assert_once("device code that is polled", &pods, &totals);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_code_that_is_polled_while_it_is_approved_is_redeemed_once_on_sqlite() {
    polls_before_and_after_approval(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_code_that_is_polled_while_it_is_approved_is_redeemed_once_on_postgres() {
    polls_before_and_after_approval(Engine::Postgres).await;
}

/// What ends in the middle of issuances.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// The device gives its refresh token back.
    Revocation,
    /// An administrator switches the person off.
    Disable,
    /// An administrator gives the person another password.
    Reset,
    /// An administrator deletes the person.
    Delete,
    /// An administrator takes everything from the client.
    RevokeAll,
    /// An administrator deletes the client.
    Removal,
    /// An administrator switches the client off: what it has is refused for as long as that lasts, whoever slipped by.
    Off,
}

impl End {
    const ALL: [Self; 7] = [
        Self::Revocation,
        Self::Disable,
        Self::Reset,
        Self::Delete,
        Self::RevokeAll,
        Self::Removal,
        Self::Off,
    ];

    /// The person or the client is there no longer, or not as it was, so that the next round needs another.
    fn takes_a_person(self) -> bool {
        self == Self::Delete
    }

    fn takes_a_client(self) -> bool {
        matches!(self, Self::Removal | Self::Off)
    }

    /// Who comes too late is told so; one whose client is gone, that it is nobody.
    fn came_off_or_not(self, answer: &Answer) -> bool {
        let gone = ["invalid_client", "unauthorized_client"];
        if self.takes_a_client() && answer.status != 200 && gone.contains(&answer.error().as_str())
        {
            assert!([400, 401].contains(&answer.status), "{answer:?}");
            return false;
        }
        came_off_or_not(answer)
    }
}

/// Of each end, on each engine: more than 300 in all, which take a minute; `make soak` does twenty times as many.
const ROUNDS: usize = 45;
/// So many an end is tried without its guard, before its race counts as one that cannot be lost.
const PATIENCE: usize = 600;
const ROTATION: (&str, &str) = ("ENABLE_TOKEN_ROTATION", "true");

/// Bob, who owns devices, and whoever is asked about them: devices on the first server, the end on the last one.
struct Stage<'a> {
    server: &'a Server,
    /// Without their locks an end and an issuance may wait for each other, until the database ends one of them.
    is_guarded: bool,
    /// Bob, and the program that he signs in: a fresh one where the last round took them away.
    bob: String,
    client: String,
    made: usize,
    /// How long the last end took: one for which a password is hashed first comes that much later.
    took: Duration,
    admin: Http,
    first: Http,
    second: Http,
    beside: Http,
}

impl<'a> Stage<'a> {
    async fn of(pods: &'a [Server], is_guarded: bool) -> Self {
        let (server, other) = (&pods[0], &pods[pods.len() - 1]);
        app::register(server, "asker", "confidential", &[app::CALLBACK]).await;
        let mut admin = other.http().await;
        admin.sign_in().await;
        let mut stage = Self {
            server,
            is_guarded,
            bob: String::new(),
            client: String::new(),
            made: 0,
            took: Duration::ZERO,
            admin,
            first: server.http().await,
            second: server.http().await,
            beside: other.http().await,
        };
        stage.new_person().await;
        stage.new_client().await;
        stage
    }

    async fn new_person(&mut self) {
        self.made += 1;
        let name = format!("bob-{}", self.made);
        add_person(self.server, &name, "user").await;
        self.bob = format!("id-of-{name}");
    }

    async fn new_client(&mut self) {
        self.made += 1;
        self.client = format!("tool-{}", self.made);
        app::register(self.server, &self.client, "public", &[app::CALLBACK]).await;
    }

    async fn codes(&mut self, many: usize) -> Vec<String> {
        let mut codes = Vec::new();
        for _ in 0..many {
            codes.push(self.first.start_device(&self.client).await);
        }
        let approve = |yes: &str| {
            format!(
                "UPDATE device_codes SET authorized = {yes}, authorized_at = created_at, user_id = '{}'; \
                 UPDATE users SET is_active = {yes}",
                self.bob
            )
        };
        self.server.sql(&approve("1"), &approve("true")).await;
        codes
    }

    /// What a resource server is told about a token: here, beside, and by introspection.
    async fn counts(&mut self, token: &str) -> [bool; 3] {
        let form = [
            ("token", token),
            ("client_id", "asker"),
            ("client_secret", app::SECRET),
        ];
        let asked = self.second.post("/oauth/introspect", &form).await;
        [
            self.first.tokeninfo(token).await == 200,
            self.beside.tokeninfo(token).await == 200,
            asked.json()["active"] == true,
        ]
    }

    /// The request that brings the end: where to, and what.
    async fn request(&mut self, end: End, refresh: &str) -> (String, Vec<(String, String)>) {
        let (bob, client) = (&self.bob, &self.client);
        let path = match end {
            End::Revocation => {
                let form = [("token", refresh), ("client_id", client)];
                let form = form.map(|(name, value)| (name.to_owned(), value.to_owned()));
                return ("/oauth/revoke".to_owned(), form.into());
            }
            End::Disable => format!("/admin/users/{bob}/disable"),
            End::Reset => format!("/admin/users/{bob}/reset-password"),
            End::Delete => format!("/admin/users/{bob}/delete"),
            End::RevokeAll => format!("/admin/clients/{client}/revoke-all"),
            End::Removal => format!("/admin/clients/{client}/delete"),
            End::Off => return self.switching_off().await,
        };
        let page = self.admin.get(&path, &[]).await;
        let form = app::fields(&page.body, &path);
        (path, form)
    }

    async fn switching_off(&mut self) -> (String, Vec<(String, String)>) {
        let path = format!("/admin/clients/{}", self.client);
        let page = self.admin.get(&format!("{path}/edit"), &[]).await;
        let [csrf, version] = ["csrf_token", "version"].map(|name| field(&page.body, name));
        let form = [
            ("client_name", "The App"),
            ("client_type", "public"),
            ("enable_device_flow", "true"),
            ("enable_auth_code_flow", "true"),
            ("scopes", "openid profile email read"),
            ("redirect_uris", app::CALLBACK),
            ("token_profile", "standard"),
            ("status", "inactive"),
            ("csrf_token", &csrf),
            ("version", &version),
        ];
        let form = form.map(|(name, value)| (name.to_owned(), value.to_owned()));
        (path, form.into())
    }

    /// One round: how many tokens outlived the end.
    async fn round(&mut self, end: End, number: usize) -> usize {
        let client_id = self.client.clone();
        let mut codes = self.codes(2).await;
        let held = self.first.poll(&client_id, &codes.remove(0)).await;
        let (access, refresh) = (held.text("access_token"), held.text("refresh_token"));
        assert_eq!(self.counts(&access).await, [true; 3], "{held:?}");
        // Up to five milliseconds sooner or later than the end.
        let stagger = Duration::from_micros((number as u64 * 1_663) % 5_000);
        let sooner = number.is_multiple_of(2);
        let wait = match end {
            End::Reset => self.took * (80 + 2 * (number % 12) as u32) / 100,
            _ => Duration::ZERO,
        };
        let (path, form) = self.request(end, &refresh).await;
        let form: Vec<(&str, &str)> = form.iter().map(|(n, v)| (&**n, &**v)).collect();
        let ending = async {
            if sooner {
                tokio::time::sleep(stagger).await;
            }
            let began = Instant::now();
            let ended = self.admin.post(&path, &form).await;
            (ended, began.elapsed())
        };
        let begun = async {
            tokio::time::sleep(wait).await;
            if !sooner {
                tokio::time::sleep(stagger).await;
            }
        };
        let (rotated, redeemed, (ended, took)) = tokio::join!(
            async {
                begun.await;
                self.first.refresh(&client_id, &refresh).await
            },
            async {
                if end == End::Revocation {
                    return None;
                }
                tokio::time::sleep(wait + stagger / 2).await;
                Some(self.second.poll(&client_id, &codes[0]).await)
            },
            ending,
        );
        self.took = took;
        if !self.is_guarded && ended.status == 503 {
            // It did not happen, and what is alive shows nothing.
            let nothing = "UPDATE access_tokens SET status = 'revoked'";
            self.server.sql(nothing, nothing).await;
            return 0;
        }
        let done = match end {
            End::Revocation => 200,
            End::Reset => 303,
            _ => 302,
        };
        assert_eq!(ended.status, done, "{ended:?}");
        // Whoever asks any server after the answer is told so.
        assert_eq!(self.counts(&access).await, [false; 3], "{end:?}");
        if end == End::Disable {
            // Nor does it count again when the person may come back.
            let back = "UPDATE users SET is_active = ";
            let (lite, pg) = (format!("{back}1"), format!("{back}true"));
            self.server.sql(&lite, &pg).await;
            assert_eq!(self.counts(&access).await, [false; 3], "{end:?}");
        }
        let mut survivors = 0;
        for answer in [Some(rotated), redeemed].into_iter().flatten() {
            if !self.is_guarded && answer.status == 503 {
                continue;
            }
            if end.came_off_or_not(&answer) {
                let counts = self.counts(&answer.text("access_token")).await;
                let again = self
                    .first
                    .refresh(&client_id, &answer.text("refresh_token"))
                    .await;
                survivors += usize::from(counts != [false; 3] || end.came_off_or_not(&again));
            }
        }
        // Whose person or client is gone counts for nobody. Its row is the one that outlives them.
        let has_rows = matches!(end, End::Revocation | End::Delete | End::Removal);
        if has_rows && survivors == 0 {
            let alive = format!(
                "SELECT count(*) FROM access_tokens WHERE status = 'active' AND user_id = '{}' AND client_id = '{client_id}'",
                self.bob
            );
            survivors += usize::from(self.server.count(&alive).await > 0);
        }
        if end.takes_a_person() {
            self.new_person().await;
        }
        if end.takes_a_client() {
            self.new_client().await;
        }
        survivors
    }
}

/// F-03, F-04: an end in the middle of a rotation and of a redemption: when all have answered, nothing that it ended is
/// alive, and no server says otherwise.
async fn endings(engine: Engine) {
    let pods = pods(Server::start(engine, &[ROTATION]).await).await;
    let mut stage = Stage::of(&pods, true).await;
    for end in End::ALL {
        for number in 0..soak(ROUNDS) {
            assert_eq!(stage.round(end, number).await, 0, "{end:?} {number}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_outlives_its_end_on_sqlite() {
    endings(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_outlives_its_end_on_postgres() {
    endings(Engine::Postgres).await;
}

/// Codes of a person who allowed each of them.
async fn authorization_codes(server: &Server, many: usize) -> Vec<String> {
    app::register(server, "public", "public", &[app::CALLBACK]).await;
    let mut person = server.http().await;
    person.sign_in().await;
    let ask = Ask::of("public");
    let mut codes = Vec::with_capacity(many);
    for _ in 0..many {
        codes.push(app::code(&mut person, &ask).await);
    }
    codes
}

async fn exchanges(engine: Engine) {
    let pods = pods(Server::start(engine, &[]).await).await;
    let codes = authorization_codes(&pods[0], soak(CODES)).await;
    assert_once(
        "authorization code",
        &pods,
        &race(&pods, Race::Exchange, codes).await,
    );
    // Seven of eight were replays: what the first one got is dead.
    let alive = "SELECT count(*) FROM access_tokens WHERE status = 'active'";
    assert_eq!(pods[0].count(alive).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authorization_code_is_redeemed_once_on_sqlite() {
    exchanges(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authorization_code_is_redeemed_once_on_postgres() {
    exchanges(Engine::Postgres).await;
}

const GRACE: [(&str, &str); 2] = [ROTATION, ("REFRESH_RETRY_GRACE", "60s")];
const FAMILIES: usize = 50;

/// How many refresh tokens count after eight devices have used each of fifty at the same time.
async fn branches(pods: &[Server]) -> i64 {
    let tokens = refresh_tokens(&pods[0], FAMILIES).await;
    let totals = race(pods, Race::Rotate, tokens).await;
    assert!(totals.iter().all(|total| *total == AT_ONCE), "{totals:?}");
    let alive =
        "SELECT count(*) FROM access_tokens WHERE token_category = 'refresh' AND status = 'active'";
    pods[0].count(alive).await
}

/// RT-05: within the grace everybody is answered, and still one refresh token counts.
async fn retries(engine: Engine) {
    let pods = pods(Server::start(engine, &GRACE).await).await;
    assert_eq!(branches(&pods).await, FAMILIES as i64);
}

#[tokio::test(flavor = "multi_thread")]
async fn grace_never_branches_on_sqlite() {
    retries(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn grace_never_branches_on_postgres() {
    retries(Engine::Postgres).await;
}

/// A server without these guards, and on PostgreSQL another on its database.
async fn without(engine: Engine, env: &[(&str, &str)], guards: &[&str]) -> Vec<Server> {
    let mut server = hooks::prepared(engine, env).await;
    for guard in guards {
        hooks::arm(&server, guard);
    }
    server.launch().await;
    server.read_client_id();
    pods(server).await
}

/// A race test that cannot fail shows nothing: without the guards every kind of artefact is seen to come off twice.
async fn single_use_is_lost(engine: Engine) {
    const MANY: usize = 60;
    let pods = without(engine, &[ROTATION], &["unguarded"]).await;
    let (devices, tokens) = (
        pods[0].approved_codes(MANY).await,
        refresh_tokens(&pods[0], MANY).await,
    );
    let codes = authorization_codes(&pods[0], MANY).await;
    for (what, totals) in [
        ("device code", race(&pods, Race::Redeem, devices).await),
        (
            "authorization code",
            race(&pods, Race::Exchange, codes).await,
        ),
        ("refresh token", race(&pods, Race::Rotate, tokens).await),
        ("assertion", client_auth::assertion_race(&pods[0]).await),
    ] {
        let doubled = totals.iter().filter(|total| **total > 1).count();
        println!(
            "{what} on {engine:?} without its guard: {doubled} of {} came off more than once",
            totals.len()
        );
        assert!(doubled > 0, "the race of the {what} cannot fail");
    }
    let pods = without(engine, &GRACE, &["unguarded"]).await;
    let alive = branches(&pods).await;
    println!("{alive} refresh tokens of {FAMILIES} families on {engine:?} without their guard");
    assert!(alive > FAMILIES as i64, "a family cannot branch");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_guards_every_race_is_lost_on_sqlite() {
    single_use_is_lost(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_guards_every_race_is_lost_on_postgres() {
    single_use_is_lost(Engine::Postgres).await;
}

/// And without the second look at its parents an issuance is seen to outlive every end.
async fn endings_are_lost(engine: Engine, guards: &[&str]) {
    let pods = without(engine, &[ROTATION], guards).await;
    let mut stage = Stage::of(&pods, false).await;
    // A client that is off has nothing that counts, whether it slipped by or not.
    for end in End::ALL.into_iter().filter(|end| *end != End::Off) {
        let mut number = 0;
        while stage.round(end, number).await == 0 {
            number += 1;
            assert!(number < PATIENCE, "the race of {end:?} cannot be lost");
        }
        println!("{end:?} on {engine:?} without {guards:?}: outlived in round {number}");
    }
}

/// There is one writer: what an end took away is gone when the next unit uses it up, so its parents are a second guard.
/// Both must go before anything is lost.
#[tokio::test(flavor = "multi_thread")]
async fn without_the_second_look_something_outlives_every_end_on_sqlite() {
    endings_are_lost(Engine::Sqlite, &["unlocked", "unguarded"]).await;
}

/// There are many: who uses a row up at the same time sees it as it was, and only the lock on the parents makes one wait.
#[tokio::test(flavor = "multi_thread")]
async fn without_the_second_look_something_outlives_every_end_on_postgres() {
    endings_are_lost(Engine::Postgres, &["unlocked"]).await;
}
