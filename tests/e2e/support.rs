//! Starts servers and looks into their database.
use sqlx::{AssertSqlSafe, Connection as _};
use std::{
    net::TcpListener,
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};

pub use super::http::{Answer, DEVICE_GRANT, Http, PASSWORD, field};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    Sqlite,
    Postgres,
}

pub struct Server {
    pub engine: Engine,
    pub port: u16,
    pub directory: tempfile::TempDir,
    dsn: String,
    env: Vec<(String, String)>,
    child: Option<Child>,
    pub client_id: String,
    /// What the shell does before it becomes the server.
    pub prelude: String,
    /// What is run.
    pub program: PathBuf,
}

fn postgres() -> String {
    std::env::var("TEST_POSTGRES_URL")
        .expect("TEST_POSTGRES_URL is not set: run the tests by `make test`")
}

/// So many, or `SOAK` times as many: `make soak`.
pub fn soak(few: usize) -> usize {
    let times = std::env::var("SOAK").ok().and_then(|n| n.parse().ok());
    few * times.unwrap_or(1)
}

/// Waits until something is so.
pub async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let began = Instant::now();
    while !is_so().await {
        assert!(began.elapsed() < Duration::from_secs(60), "never: {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// The port of a connection string of PostgreSQL.
pub fn port_of(dsn: &str) -> u16 {
    url::Url::parse(dsn).unwrap().port().unwrap()
}

/// The same database by way of another port.
pub fn through(dsn: &str, port: u16) -> String {
    dsn.replace(&format!(":{}/", port_of(dsn)), &format!(":{port}/"))
}

/// A port that nobody listens on. It is below those that the kernel gives to connections, so that none of them gets it before
/// a server does.
pub fn free_port() -> u16 {
    const FIRST: u32 = 12_000;
    const MANY: u32 = 20_000;
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    // Two processes of tests begin at different ones.
    let begin = std::process::id().wrapping_mul(61);
    (0..MANY)
        .map(|_| begin.wrapping_add(NUMBER.fetch_add(1, Ordering::Relaxed)) % MANY + FIRST)
        .filter_map(|port| u16::try_from(port).ok())
        .find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .expect("a port that nobody listens on")
}

async fn fresh_database() -> String {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let name = format!(
        "e2e_{}_{}",
        std::process::id(),
        NUMBER.fetch_add(1, Ordering::Relaxed)
    );
    let mut admin = sqlx::PgConnection::connect(&postgres()).await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(format!("CREATE DATABASE {name}")))
        .execute(&mut admin)
        .await
        .unwrap();
    let url = postgres();
    let (head, _) = url.rsplit_once('/').unwrap();
    format!("{head}/{name}")
}

impl Server {
    /// A server on a fresh database.
    pub async fn start(engine: Engine, env: &[(&str, &str)]) -> Self {
        let mut server = Self::prepared(engine, env).await;
        server.launch().await;
        server.read_client_id();
        server
    }

    /// Finds the client that the first start made.
    pub fn read_client_id(&mut self) {
        let file = self.directory.path().join("authgate-credentials.txt");
        let credentials = std::fs::read_to_string(file).unwrap();
        let id = credentials
            .lines()
            .find_map(|line| line.strip_prefix("Client ID: "))
            .unwrap();
        self.client_id = id.to_owned();
    }

    /// Where the database is.
    pub fn dsn(&self) -> &str {
        &self.dsn
    }

    /// Sets a variable for the next launch.
    pub fn set(&mut self, name: &str, value: &str) {
        self.env.push((name.to_owned(), value.to_owned()));
    }

    /// Another process on the same database, which answers under the same name.
    pub async fn beside(&self) -> Self {
        let mut server = Self {
            engine: self.engine,
            port: free_port(),
            directory: tempfile::tempdir().unwrap(),
            dsn: self.dsn.clone(),
            env: self.env.clone(),
            prelude: self.prelude.clone(),
            program: self.program.clone(),
            child: None,
            client_id: self.client_id.clone(),
        };
        server.set("BASE_URL", &format!("http://127.0.0.1:{}", self.port));
        server.launch().await;
        server
    }

    /// A command beside the server: its exit code, what it said, and what it complained about.
    pub async fn cli(&self, arguments: &[&str]) -> (i32, String, String) {
        let mut command = self.tool();
        command.args(arguments);
        let output = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let child = output.unwrap();
        let output = tokio::task::spawn_blocking(move || child.wait_with_output().unwrap())
            .await
            .unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (
            output.status.code().unwrap_or(-1),
            text(&output.stdout),
            text(&output.stderr),
        )
    }

    /// Everything but the process.
    pub async fn prepared(engine: Engine, env: &[(&str, &str)]) -> Self {
        match engine {
            Engine::Sqlite => Self::prepared_on(engine, String::new(), env),
            Engine::Postgres => Self::prepared_on(engine, fresh_database().await, env),
        }
    }

    /// Everything but the process, on this database; on a file of its own for SQLite.
    pub fn prepared_on(engine: Engine, dsn: String, env: &[(&str, &str)]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("oauth.db");
        let dsn = match engine {
            Engine::Sqlite => file.to_str().unwrap().to_owned(),
            Engine::Postgres => dsn,
        };
        let env = env
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect();
        Self {
            engine,
            port: free_port(),
            directory,
            dsn,
            env,
            child: None,
            client_id: String::new(),
            prelude: String::new(),
            program: PathBuf::from(env!("CARGO_BIN_EXE_authgate")),
        }
    }

    pub fn command(&self) -> Command {
        let mut command = self.tool();
        command.arg("server").stdout(Stdio::null());
        command
    }

    /// The program with this server's settings, to be given a command.
    pub fn tool(&self) -> Command {
        let mut command = if self.prelude.is_empty() {
            Command::new(&self.program)
        } else {
            let mut shell = Command::new("/bin/sh");
            shell
                .args(["-c", &format!("{}; exec \"$0\" \"$@\"", self.prelude)])
                .arg(&self.program);
            shell
        };
        command
            .current_dir(self.directory.path())
            .env_clear()
            .env("JWT_SECRET", "j".repeat(40))
            .env("SESSION_SECRET", "s".repeat(40))
            .env("SERVER_ADDR", format!("127.0.0.1:{}", self.port))
            .env("BASE_URL", format!("http://127.0.0.1:{}", self.port))
            .env("DEFAULT_ADMIN_PASSWORD", PASSWORD)
            .env("ENABLE_RATE_LIMIT", "false")
            .env("LOG_LEVEL", "info")
            .env(
                "DATABASE_DRIVER",
                if self.engine == Engine::Sqlite {
                    "sqlite"
                } else {
                    "postgres"
                },
            )
            .env("DATABASE_DSN", &self.dsn);
        // A machine that stands still for a while is no shutdown that went wrong.
        for budget in [
            "SERVER_SHUTDOWN_TIMEOUT",
            "AUDIT_SHUTDOWN_TIMEOUT",
            "CACHE_CLOSE_TIMEOUT",
            "REDIS_CLOSE_TIMEOUT",
            "DB_CLOSE_TIMEOUT",
        ] {
            command.env(budget, "60s");
        }
        for (name, value) in &self.env {
            command.env(name, value);
        }
        command
    }

    /// Starts the process on what is there already.
    pub fn spawn(&mut self) {
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(self.log_path())
            .unwrap();
        self.child = Some(self.command().stderr(log).spawn().unwrap());
    }

    /// Starts the process on what is there already and waits until it is ready.
    pub async fn launch(&mut self) {
        self.spawn();
        self.until_ready().await;
    }

    /// Waits until the process that was started is ready.
    pub async fn until_ready(&mut self) {
        let began = Instant::now();
        loop {
            if let Some(status) = self.child.as_mut().unwrap().try_wait().unwrap() {
                panic!("the server ended with {status}: {}", self.log());
            }
            if let Ok(mut http) = Http::try_new(self.port).await
                && http.get("/readyz", &[]).await.status == 200
            {
                return;
            }
            assert!(
                began.elapsed() < Duration::from_secs(120),
                "not ready: {}",
                self.log()
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    fn log_path(&self) -> PathBuf {
        self.directory.path().join("stderr.log")
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.log_path()).unwrap_or_default()
    }

    /// The number of the process.
    pub fn pid(&self) -> u32 {
        self.child.as_ref().unwrap().id()
    }

    pub fn signal(&self, name: &str) {
        let pid = self.pid().to_string();
        assert!(
            Command::new("kill")
                .args([&format!("-{name}"), &pid])
                .status()
                .unwrap()
                .success()
        );
    }

    /// The largest file that the process may write, as `prlimit` wants it.
    pub fn limit_files(&self, size: &str) {
        let pid = self.pid().to_string();
        let limited = Command::new("prlimit")
            .args(["--pid", &pid, &format!("--fsize={size}:")])
            .status();
        assert!(limited.unwrap().success());
    }

    /// Whether the process is over.
    pub fn has_ended(&mut self) -> bool {
        let child = self.child.as_mut();
        child.is_none_or(|child| child.try_wait().unwrap().is_some())
    }

    /// Waits for the end of the process.
    pub async fn ended(&mut self) -> ExitStatus {
        let mut child = self.child.take().unwrap();
        tokio::task::spawn_blocking(move || child.wait().unwrap())
            .await
            .unwrap()
    }

    pub async fn http(&self) -> Http {
        Http::try_new(self.port).await.unwrap()
    }

    /// Runs SQL beside the server.
    pub async fn sql(&self, sqlite: &str, postgres: &str) {
        match self.engine {
            Engine::Sqlite => {
                let mut db = sqlx::SqliteConnection::connect(&self.dsn).await.unwrap();
                sqlx::raw_sql("PRAGMA busy_timeout = 20000")
                    .execute(&mut db)
                    .await
                    .unwrap();
                sqlx::raw_sql(AssertSqlSafe(sqlite.to_owned()))
                    .execute(&mut db)
                    .await
                    .unwrap();
            }
            Engine::Postgres => {
                let mut db = sqlx::PgConnection::connect(&self.dsn).await.unwrap();
                sqlx::raw_sql(AssertSqlSafe(postgres.to_owned()))
                    .execute(&mut db)
                    .await
                    .unwrap();
            }
        }
    }

    /// A connection of another program, which has said `sql`.
    pub async fn connect_sqlite(&self, sql: &'static str) -> sqlx::SqliteConnection {
        let mut db = sqlx::SqliteConnection::connect(&self.dsn).await.unwrap();
        sqlx::raw_sql(sql).execute(&mut db).await.unwrap();
        db
    }

    /// The same on PostgreSQL.
    pub async fn connect_postgres(&self, sql: &'static str) -> sqlx::PgConnection {
        let mut db = sqlx::PgConnection::connect(&self.dsn).await.unwrap();
        sqlx::raw_sql(sql).execute(&mut db).await.unwrap();
        db
    }

    /// One number out of the database.
    pub async fn count(&self, query: &str) -> i64 {
        match self.engine {
            Engine::Sqlite => {
                let mut db = sqlx::SqliteConnection::connect(&self.dsn).await.unwrap();
                sqlx::query_scalar(AssertSqlSafe(query.to_owned()))
                    .fetch_one(&mut db)
                    .await
                    .unwrap()
            }
            Engine::Postgres => {
                let mut db = sqlx::PgConnection::connect(&self.dsn).await.unwrap();
                sqlx::query_scalar(AssertSqlSafe(query.to_owned()))
                    .fetch_one(&mut db)
                    .await
                    .unwrap()
            }
        }
    }

    /// Takes the database away or gives it back. Postgres only.
    pub async fn outage(&self, begins: bool) {
        let (_, name) = self.dsn.rsplit_once('/').unwrap();
        let mut admin = sqlx::PgConnection::connect(&postgres()).await.unwrap();
        let statement = format!("ALTER DATABASE {name} WITH ALLOW_CONNECTIONS {}", !begins);
        let end = format!(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
        );
        for text in [statement, end] {
            sqlx::raw_sql(AssertSqlSafe(text))
                .execute(&mut admin)
                .await
                .unwrap();
        }
    }

    /// The first column of every row, which is text.
    pub async fn texts(&self, query: &str) -> Vec<String> {
        let query = AssertSqlSafe(query.to_owned());
        match self.engine {
            Engine::Sqlite => {
                let mut db = sqlx::SqliteConnection::connect(&self.dsn).await.unwrap();
                sqlx::query_scalar(query).fetch_all(&mut db).await.unwrap()
            }
            Engine::Postgres => {
                let mut db = sqlx::PgConnection::connect(&self.dsn).await.unwrap();
                sqlx::query_scalar(query).fetch_all(&mut db).await.unwrap()
            }
        }
    }

    /// A code that this person approved.
    pub async fn approved_codes_of(&self, http: &mut Http, name: &str) -> String {
        let code = http.start_device(&self.client_id).await;
        let approve = |yes: &str| {
            format!(
                "UPDATE device_codes SET authorized = {yes}, authorized_at = created_at, \
                 user_id = (SELECT id FROM users WHERE username = '{name}')"
            )
        };
        self.sql(&approve("1"), &approve("true")).await;
        code
    }

    /// Approves every code that waits, as the administrator.
    pub async fn approve_all(&self) {
        self.sql(
            "UPDATE device_codes SET authorized = 1, authorized_at = created_at, user_id = (SELECT id FROM users)",
            "UPDATE device_codes SET authorized = true, authorized_at = created_at, user_id = (SELECT id FROM users)",
        )
        .await;
    }

    /// Device codes that are approved.
    pub async fn approved_codes(&self, many: usize) -> Vec<String> {
        let mut http = self.http().await;
        let mut codes = Vec::with_capacity(many);
        for _ in 0..many {
            codes.push(http.start_device(&self.client_id).await);
        }
        self.approve_all().await;
        codes
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
