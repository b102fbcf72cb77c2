//! Starts servers, speaks HTTP to them, and looks into their database.
use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection as _};
use std::{
    net::TcpListener,
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

pub const PASSWORD: &str = "correct horse battery staple";
pub const DEVICE_GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

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
}

fn postgres() -> String {
    std::env::var("TEST_POSTGRES_URL")
        .expect("TEST_POSTGRES_URL is not set: run the tests by `make test`")
}

pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
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
        let credentials =
            std::fs::read_to_string(server.directory.path().join("authgate-credentials.txt"))
                .unwrap();
        let id = credentials
            .lines()
            .find_map(|line| line.strip_prefix("Client ID: "))
            .unwrap();
        server.client_id = id.to_owned();
        server
    }

    /// Everything but the process.
    pub async fn prepared(engine: Engine, env: &[(&str, &str)]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let dsn = match engine {
            Engine::Sqlite => directory
                .path()
                .join("oauth.db")
                .to_str()
                .unwrap()
                .to_owned(),
            Engine::Postgres => fresh_database().await,
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
        }
    }

    pub fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_authgate"));
        command
            .arg("server")
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
            .env("DATABASE_DSN", &self.dsn)
            .stdout(Stdio::null());
        for (name, value) in &self.env {
            command.env(name, value);
        }
        command
    }

    /// Starts the process on what is there already and waits until it is ready.
    pub async fn launch(&mut self) {
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(self.log_path())
            .unwrap();
        self.child = Some(self.command().stderr(log).spawn().unwrap());
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
                began.elapsed() < Duration::from_secs(30),
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

    pub fn signal(&self, name: &str) {
        let pid = self.child.as_ref().unwrap().id().to_string();
        assert!(
            Command::new("kill")
                .args([&format!("-{name}"), &pid])
                .status()
                .unwrap()
                .success()
        );
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

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    pub fn text(&self, name: &str) -> String {
        self.json()[name]
            .as_str()
            .unwrap_or_else(|| panic!("no {name}: {self:?}"))
            .to_owned()
    }

    pub fn error(&self) -> String {
        self.text("error")
    }

    pub fn header(&self, name: &str) -> Option<String> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name)
                .then(|| value.trim().to_owned())
        })
    }
}

/// A keep-alive connection with cookies.
pub struct Http {
    stream: TcpStream,
    pub cookie: Option<String>,
}

impl Http {
    pub async fn try_new(port: u16) -> std::io::Result<Self> {
        Ok(Self {
            stream: TcpStream::connect(("127.0.0.1", port)).await?,
            cookie: None,
        })
    }

    pub async fn try_send(&mut self, request: &[u8]) -> std::io::Result<Answer> {
        self.stream.write_all(request).await?;
        let mut bytes = Vec::new();
        let mut buffer = [0; 8192];
        loop {
            if let Some(end) = bytes.windows(4).position(|w| w == b"\r\n\r\n") {
                let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
                let mut answer = Answer {
                    status: head.split(' ').nth(1).unwrap().parse().unwrap(),
                    head,
                    body: String::new(),
                };
                let length: usize = answer
                    .header("content-length")
                    .map_or(0, |v| v.parse().unwrap());
                while bytes.len() < end + 4 + length {
                    match self.stream.read(&mut buffer).await? {
                        0 => return Err(std::io::ErrorKind::UnexpectedEof.into()),
                        n => bytes.extend_from_slice(&buffer[..n]),
                    }
                }
                answer.body = String::from_utf8_lossy(&bytes[end + 4..]).into_owned();
                if let Some(cookie) = answer.header("set-cookie") {
                    self.cookie = cookie.split(';').next().map(str::to_owned);
                }
                return Ok(answer);
            }
            match self.stream.read(&mut buffer).await? {
                0 => return Err(std::io::ErrorKind::UnexpectedEof.into()),
                n => bytes.extend_from_slice(&buffer[..n]),
            }
        }
    }

    fn headers(&self, more: &[(&str, &str)]) -> String {
        let mut text = "host: test\r\n".to_owned();
        if let Some(cookie) = &self.cookie {
            text += &format!("cookie: {cookie}\r\n");
        }
        for (name, value) in more {
            text += &format!("{name}: {value}\r\n");
        }
        text
    }

    pub async fn get(&mut self, path: &str, headers: &[(&str, &str)]) -> Answer {
        let request = format!("GET {path} HTTP/1.1\r\n{}\r\n", self.headers(headers));
        self.try_send(request.as_bytes()).await.unwrap()
    }

    pub async fn try_post(&mut self, path: &str, form: &[(&str, &str)]) -> std::io::Result<Answer> {
        let body = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(form)
            .finish();
        let length = body.len().to_string();
        let headers = self.headers(&[
            ("content-type", "application/x-www-form-urlencoded"),
            ("content-length", &length),
        ]);
        self.try_send(format!("POST {path} HTTP/1.1\r\n{headers}\r\n{body}").as_bytes())
            .await
    }

    pub async fn post(&mut self, path: &str, form: &[(&str, &str)]) -> Answer {
        self.try_post(path, form).await.unwrap()
    }

    pub async fn start_device(&mut self, client_id: &str) -> String {
        self.post("/oauth/device/code", &[("client_id", client_id)])
            .await
            .text("device_code")
    }

    pub async fn try_poll(&mut self, client_id: &str, code: &str) -> std::io::Result<Answer> {
        let form = [
            ("grant_type", DEVICE_GRANT),
            ("client_id", client_id),
            ("device_code", code),
        ];
        self.try_post("/oauth/token", &form).await
    }

    pub async fn poll(&mut self, client_id: &str, code: &str) -> Answer {
        self.try_poll(client_id, code).await.unwrap()
    }

    pub async fn try_refresh(&mut self, client_id: &str, token: &str) -> std::io::Result<Answer> {
        let form = [
            ("grant_type", "refresh_token"),
            ("client_id", client_id),
            ("refresh_token", token),
        ];
        self.try_post("/oauth/token", &form).await
    }

    pub async fn refresh(&mut self, client_id: &str, token: &str) -> Answer {
        self.try_refresh(client_id, token).await.unwrap()
    }

    pub async fn tokeninfo(&mut self, token: &str) -> u16 {
        self.get(
            "/oauth/tokeninfo",
            &[("authorization", &format!("Bearer {token}"))],
        )
        .await
        .status
    }

    pub async fn sign_in(&mut self) {
        let page = self.get("/login", &[]).await;
        let csrf = field(&page.body, "csrf_token");
        let answer = self
            .post(
                "/login",
                &[
                    ("username", "admin"),
                    ("password", PASSWORD),
                    ("csrf_token", &csrf),
                    ("redirect", ""),
                ],
            )
            .await;
        assert_eq!(answer.status, 302, "{answer:?}");
    }

    /// Decides on a code as a person does: two pages.
    pub async fn decide(&mut self, user_code: &str, action: &str) -> Answer {
        let page = self
            .get(&format!("/device?user_code={user_code}"), &[])
            .await;
        let csrf = field(&page.body, "csrf_token");
        let page = self
            .post(
                "/device/verify",
                &[("user_code", user_code), ("csrf_token", &csrf)],
            )
            .await;
        if page.status != 200 {
            return page;
        }
        let (csrf, code) = (
            field(&page.body, "csrf_token"),
            field(&page.body, "user_code"),
        );
        let form = [
            ("user_code", code.as_str()),
            ("csrf_token", &csrf),
            ("confirmed", "true"),
            ("action", action),
        ];
        self.post("/device/verify", &form).await
    }
}

/// The value of a hidden field.
pub fn field(html: &str, name: &str) -> String {
    let input = html
        .split("<input")
        .find(|input| input.contains(&format!("name=\"{name}\"")));
    let value = input
        .and_then(|input| input.split("value=\"").nth(1))
        .and_then(|rest| rest.split('"').next());
    value
        .unwrap_or_else(|| panic!("no field {name} in {html}"))
        .to_owned()
}
