//! A server of PostgreSQL that belongs to one test, which may kill it.
use crate::support::free_port;
use sqlx::Connection as _;
use std::{
    os::unix::{fs::chown, process::CommandExt as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

pub struct Postgres {
    room: tempfile::TempDir,
    port: u16,
    process: Option<Child>,
}

/// The newest directory of server programs.
fn programs() -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten();
    let version = |path: &Path| path.file_name()?.to_str()?.parse::<u32>().ok();
    let newest = versions
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.join("bin/initdb").exists())
        .max_by_key(|path| version(path));
    newest
        .expect(
            "the programs of a PostgreSQL server are not installed: run the tests by `make test`",
        )
        .join("bin")
}

/// A number of the user `postgres`.
fn postgres_id(kind: &str) -> u32 {
    let output = Command::new("id").args([kind, "postgres"]).output();
    let text = String::from_utf8(output.unwrap().stdout).unwrap();
    text.trim().parse().expect("there is no user postgres")
}

impl Postgres {
    /// An empty server, which takes connections.
    pub async fn start() -> Self {
        let room = tempfile::tempdir().unwrap();
        let mut server = Self {
            port: free_port(),
            process: None,
            room,
        };
        if is_root() {
            let ids = ["-u", "-g"].map(postgres_id);
            chown(server.room.path(), Some(ids[0]), Some(ids[1])).unwrap();
        }
        let made = server
            .program("initdb")
            .args(["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C"])
            .arg("-D")
            .arg(server.data())
            .stdout(Stdio::null())
            .status();
        assert!(made.unwrap().success(), "initdb failed");
        server.come_back().await;
        server
    }

    fn data(&self) -> PathBuf {
        self.room.path().join("data")
    }

    /// PostgreSQL refuses to run as root; its package brings a user for it.
    fn program(&self, name: &str) -> Command {
        let mut command = Command::new(programs().join(name));
        command.current_dir(self.room.path());
        if is_root() {
            command.uid(postgres_id("-u")).gid(postgres_id("-g"));
        }
        command
    }

    /// Where one of its databases is.
    pub fn dsn(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port)
    }

    /// `kill -9` for the server; those that it started see that it is gone.
    pub fn kill(&mut self) {
        let mut process = self.process.take().unwrap();
        process.kill().unwrap();
        process.wait().unwrap();
    }

    /// Starts the server on what it left, and returns when it takes connections.
    pub async fn come_back(&mut self) {
        let began = Instant::now();
        loop {
            // A start finds what the one before left in memory, until its last process is gone: then another is made.
            if self.process.as_mut().is_none_or(has_ended) {
                self.process = Some(self.spawn());
            }
            if sqlx::PgConnection::connect(&self.dsn("postgres"))
                .await
                .is_ok()
            {
                return;
            }
            let log = std::fs::read_to_string(self.room.path().join("log"));
            assert!(began.elapsed() < Duration::from_secs(60), "{log:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    fn spawn(&self) -> Child {
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(self.room.path().join("log"))
            .unwrap();
        let mut command = self.program("postgres");
        command.arg("-D").arg(self.data());
        command.args(["-p", &self.port.to_string()]);
        for setting in [
            "listen_addresses=127.0.0.1",
            "unix_socket_directories=",
            "max_connections=100",
        ] {
            command.args(["-c", setting]);
        }
        command.stdout(Stdio::null()).stderr(log).spawn().unwrap()
    }
}

fn is_root() -> bool {
    let output = Command::new("id").arg("-u").output();
    output.unwrap().stdout == b"0\n"
}

fn has_ended(process: &mut Child) -> bool {
    process.try_wait().unwrap().is_some()
}

impl Drop for Postgres {
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take() {
            // SIGQUIT: it takes its own processes along at once.
            let pid = process.id().to_string();
            let _ = Command::new("kill").args(["-QUIT", &pid]).status();
            let _ = process.wait();
        }
    }
}
