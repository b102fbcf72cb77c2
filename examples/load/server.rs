//! The process that is measured: started on core 0, asked for its processor time and memory, ended by its process id.
use crate::{
    Arguments, Outcome,
    http::{Http, PASSWORD},
};
use sqlx::{AssertSqlSafe, Connection as _};
use std::{
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// The client that asks for itself, and its secret.
pub const MACHINE: &str = "machine:ago_bench";
/// The client of people with a browser, and its secret.
pub const WEB: &str = "web:ago_bench";

/// Where a server keeps its rows, for all rounds.
pub struct Database {
    pub directory: PathBuf,
    dsn: String,
}

impl Database {
    pub fn new(arguments: &Arguments, room: &Path) -> Outcome<Self> {
        let directory = room.join("server");
        std::fs::create_dir(&directory)?;
        let dsn = if arguments.driver == "postgres" {
            let url = std::env::var("TEST_POSTGRES_URL")?;
            let database = format!("bench_{}_{}", std::process::id(), free_port()?);
            let made = Command::new("psql")
                .args([&url, "-qc", &format!("CREATE DATABASE {database}")])
                .status()?;
            if !made.success() {
                return Err("psql cannot create a database".into());
            }
            let (head, _) = url
                .rsplit_once('/')
                .ok_or("TEST_POSTGRES_URL has no path")?;
            format!("{head}/{database}")
        } else {
            directory.join("oauth.db").display().to_string()
        };
        if arguments.alg != "HS256" {
            let options: &[&str] = match arguments.alg.as_str() {
                "RS256" => &["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
                _ => &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
            };
            Command::new("openssl")
                .arg("genpkey")
                .args(options)
                .arg("-out")
                .arg(directory.join("key.pem"))
                .stderr(Stdio::null())
                .status()?;
        }
        Ok(Self { directory, dsn })
    }

    /// Where it is.
    pub fn dsn(&self) -> &str {
        &self.dsn
    }

    /// The client that the first start made.
    pub fn client(&self) -> Outcome<String> {
        let credentials = std::fs::read_to_string(self.directory.join("authgate-credentials.txt"))?;
        let id = credentials
            .lines()
            .find_map(|line| line.strip_prefix("Client ID: "))
            .ok_or("no client in the credentials")?;
        Ok(id.to_owned())
    }

    /// The file, unless the rows are in PostgreSQL.
    pub fn file(&self) -> Option<PathBuf> {
        let file = PathBuf::from(&self.dsn);
        file.is_file().then_some(file)
    }

    /// Two confidential clients, unless they are there: one for itself, one for people with a browser. The server asks
    /// them for a secret, which costs a slow compare once.
    pub async fn clients(&self) -> Outcome<()> {
        let postgres = self.dsn.starts_with("postgres");
        let (yes, no) = if postgres {
            ("true", "false")
        } else {
            ("1", "0")
        };
        let list = |text: &str| {
            if postgres {
                format!("'{text}'::json")
            } else {
                format!("CAST('{text}' AS BLOB)")
            }
        };
        let insert = |client: &str,
                      grant: &str,
                      (code, machine): (&str, &str)|
         -> Outcome<String> {
            let (id, secret) = client.split_once(':').ok_or("no secret")?;
            let hash = bcrypt::hash(secret, 10)?;
            let (uris, none) = (list(r#"["https://app.example/callback"]"#), list("[]"));
            Ok(format!(
                "INSERT INTO oauth_applications (client_id, client_secret, client_name, user_id, scopes, grant_types, \
                 redirect_uris, allowed_resources, client_type, enable_device_flow, enable_auth_code_flow, \
                 enable_client_credentials_flow, status, token_profile, created_at, updated_at) \
                 SELECT '{id}', '{hash}', '{id}', '', 'read write', '{grant}', {uris}, {none}, \
                 'confidential', {no}, {code}, {machine}, 'active', 'standard', '2026-01-01 00:00:00+00:00', \
                 '2026-01-01 00:00:00+00:00' \
                 WHERE NOT EXISTS (SELECT 1 FROM oauth_applications WHERE client_id = '{id}')"
            ))
        };
        let script = [
            insert(MACHINE, "client_credentials", (no, yes))?,
            insert(WEB, "authorization_code", (yes, no))?,
        ];
        for statement in script.map(AssertSqlSafe) {
            if postgres {
                let mut connection = sqlx::PgConnection::connect(&self.dsn).await?;
                sqlx::raw_sql(statement).execute(&mut connection).await?;
            } else {
                let mut connection = sqlx::SqliteConnection::connect(&self.dsn).await?;
                sqlx::raw_sql(statement).execute(&mut connection).await?;
            }
        }
        Ok(())
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Some((head, name)) = self.dsn.rsplit_once('/')
            && head.starts_with("postgres")
        {
            let _ = Command::new("psql")
                .args([
                    &format!("{head}/postgres"),
                    "-qc",
                    &format!("DROP DATABASE {name} WITH (FORCE)"),
                ])
                .stderr(Stdio::null())
                .status();
        }
    }
}

pub struct Process {
    child: Child,
    pub port: u16,
}

impl Process {
    pub fn spawn(mut command: Command, port: u16) -> Outcome<Self> {
        let child = command
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        Ok(Self { child, port })
    }

    /// A server on the database, ready to answer.
    pub async fn start(
        arguments: &Arguments,
        database: &Database,
        env: &[(&str, &str)],
    ) -> Outcome<Self> {
        let port = free_port()?;
        let mut command = on_core_0(&arguments.server);
        command
            .arg("server")
            .current_dir(&database.directory)
            .env("SERVER_ADDR", format!("127.0.0.1:{port}"))
            .env("BASE_URL", format!("http://127.0.0.1:{port}"))
            .env("ENVIRONMENT", "production")
            .env("DATABASE_DRIVER", &arguments.driver)
            .env("DATABASE_DSN", &database.dsn)
            .env("JWT_SECRET", "j".repeat(40))
            .env("SESSION_SECRET", "s".repeat(40))
            .env("JWT_SIGNING_ALGORITHM", &arguments.alg)
            .env("DEFAULT_ADMIN_PASSWORD", PASSWORD)
            .env("ENABLE_RATE_LIMIT", "false")
            .envs(env.iter().copied());
        if arguments.alg != "HS256" {
            command.env("JWT_PRIVATE_KEY_PATH", "key.pem");
        }
        let process = Self::spawn(command, port)?;
        process.ready("/health").await?;
        Ok(process)
    }

    pub async fn ready(&self, path: &str) -> Outcome<()> {
        let began = Instant::now();
        while began.elapsed() < Duration::from_secs(20) {
            if let Ok(mut http) = Http::try_new(self.port).await
                && http.get(path, &[]).await.status == 200
            {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        Err("the server does not answer".into())
    }

    /// Processor time so far, user and system. The kernel counts it in ticks of 10 ms.
    pub fn cpu(&self) -> Outcome<Duration> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        let (_, rest) = stat.rsplit_once(')').ok_or("no process name")?;
        let ticks: u64 = rest
            .split_whitespace()
            .skip(11)
            .take(2)
            .filter_map(|field| field.parse::<u64>().ok())
            .sum();
        Ok(Duration::from_millis(ticks * 10))
    }

    pub fn rss_mb(&self) -> Outcome<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let kb: f64 = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .and_then(|rest| rest.split_whitespace().next())
            .ok_or("no VmRSS")?
            .parse()?;
        Ok(kb / 1024.0)
    }

    pub fn stop(mut self) -> Outcome<()> {
        Command::new("kill")
            .args(["-TERM", &self.child.id().to_string()])
            .status()?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Start and rest: medians of nine starts on an existing database.
pub struct Start {
    pub fresh_ms: f64,
    pub existing_ms: f64,
    pub idle_rss_mb: f64,
    pub binary_mb: f64,
}

impl Start {
    pub async fn measure(arguments: &Arguments, database: &Database) -> Outcome<Self> {
        let began = Instant::now();
        Process::start(arguments, database, &[]).await?.stop()?;
        let fresh_ms = began.elapsed().as_secs_f64() * 1e3;
        let (mut times, mut memory) = (Vec::new(), Vec::new());
        for _ in 0..9 {
            let began = Instant::now();
            let process = Process::start(arguments, database, &[]).await?;
            times.push(began.elapsed().as_secs_f64() * 1e3);
            tokio::time::sleep(Duration::from_millis(500)).await;
            memory.push(process.rss_mb()?);
            process.stop()?;
        }
        Ok(Self {
            fresh_ms,
            existing_ms: crate::report::median(&mut times),
            idle_rss_mb: crate::report::median(&mut memory),
            binary_mb: std::fs::metadata(&arguments.server)?.len() as f64 / 1e6,
        })
    }
}

pub fn free_port() -> Outcome<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

pub fn on_core_0(program: &str) -> Command {
    let mut command = Command::new("taskset");
    command.args(["-c", "0", program]);
    command
}
