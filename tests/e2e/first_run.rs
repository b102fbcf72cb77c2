//! What `make run` starts: `scripts/run` in a tree of its own, with the program that is built already, on a loopback port.
use crate::{
    http::{Answer, Http, field},
    support::{free_port, until},
};
use std::{
    fs::{self, File},
    os::unix::fs::{MetadataExt as _, symlink},
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
};

/// A clean clone, as far as the script looks at it, with the program that is built already.
struct Clone {
    tree: tempfile::TempDir,
    port: u16,
}

/// Ends with the test, whatever the test does.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Clone {
    fn fresh() -> Self {
        let tree = tempfile::tempdir().unwrap();
        let at = |path: &str| tree.path().join(path);
        for directory in ["scripts", "target/debug"] {
            fs::create_dir_all(at(directory)).unwrap();
        }
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/run");
        fs::copy(script, at("scripts/run")).unwrap();
        symlink(env!("CARGO_BIN_EXE_authgate"), at("target/debug/authgate")).unwrap();
        Self {
            tree,
            port: free_port(),
        }
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.tree.path().join(path)).unwrap()
    }

    /// What the file with the first credentials says after these words.
    fn credential(&self, name: &str) -> String {
        let file = self.read(".run/authgate-credentials.txt");
        let value = file.lines().find_map(|line| line.strip_prefix(name));
        value.unwrap_or_else(|| panic!("no {name}")).to_owned()
    }

    /// Runs the script until the server is ready. Its settings are its own, but for where it listens.
    async fn run(&self) -> Running {
        let log = File::create(self.tree.path().join("log")).unwrap();
        // By the shell, and with a function for cargo, which builds nothing and tells what it was asked: a file that was
        // written a moment ago may still be open in a process that another test is starting, and then nobody can run it.
        let script = Command::new("bash")
            .arg(self.tree.path().join("scripts/run"))
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("BASH_FUNC_cargo%%", "() { echo \"$@\" >>asked\n}")
            .env("SERVER_ADDR", format!("127.0.0.1:{}", self.port))
            .env("BASE_URL", format!("http://127.0.0.1:{}", self.port))
            // From anywhere: the script finds its tree.
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn();
        let mut running = Running(script.unwrap());
        until("the server that `make run` starts is ready", async || {
            let over = running.0.try_wait().unwrap();
            assert!(over.is_none(), "{over:?}: {}", self.read("log"));
            match Http::try_new(self.port).await {
                Ok(mut http) => http.get("/readyz", &[]).await.status == 200,
                Err(_) => false,
            }
        })
        .await;
        running
    }

    async fn http(&self) -> Http {
        Http::try_new(self.port).await.unwrap()
    }

    /// Somebody types what the file says.
    async fn sign_in(&self) -> (Http, Answer) {
        let mut http = self.http().await;
        let page = http.get("/login", &[]).await;
        let (csrf, password) = (
            field(&page.body, "csrf_token"),
            self.credential("Admin Password: "),
        );
        let form = [
            ("username", "admin"),
            ("password", password.as_str()),
            ("csrf_token", &csrf),
        ];
        let answer = http.post("/login", &form).await;
        (http, answer)
    }
}

/// The script becomes the server, so a signal for the one is for the other.
async fn stop(mut running: Running) -> ExitStatus {
    let pid = running.0.id().to_string();
    let told = Command::new("kill").args(["-TERM", &pid]).status();
    assert!(told.unwrap().success());
    tokio::task::spawn_blocking(move || running.0.wait().unwrap())
        .await
        .unwrap()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o777
}

#[tokio::test(flavor = "multi_thread")]
async fn make_run_serves_a_device_and_its_secrets_outlive_a_restart() {
    let clone = Clone::fresh();
    let running = clone.run().await;
    assert_eq!(clone.read("asked"), "build --locked\n");
    let secrets = clone.read(".run/.env");
    for private in [".run/.env", ".run/authgate-credentials.txt"] {
        assert_eq!(mode(&clone.tree.path().join(private)), 0o600, "{private}");
    }
    let said = format!("http://127.0.0.1:{}/login", clone.port);
    assert!(clone.read("log").contains(&said), "{}", clone.read("log"));
    // The limits are those of everybody, and the way of a device fits into them.
    let client = clone.credential("Client ID: ");
    let mut device = clone.http().await;
    let asked = device
        .post("/oauth/device/code", &[("client_id", &client)])
        .await;
    assert_eq!(asked.status, 200, "{asked:?}");
    let (mut person, answer) = clone.sign_in().await;
    assert_eq!(answer.status, 302, "{answer:?}");
    let done = person.decide(&asked.text("user_code"), "approve").await;
    assert_eq!(done.status, 200, "{done:?}");
    let tokens = device.poll(&client, &asked.text("device_code")).await;
    assert_eq!(tokens.status, 200, "{tokens:?}");
    let access = tokens.text("access_token");
    assert_eq!(device.tokeninfo(&access).await, 200);
    assert_eq!(stop(running).await.code(), Some(0), "{}", clone.read("log"));

    let again = clone.run().await;
    assert_eq!(clone.read(".run/.env"), secrets, "drawn once");
    assert_eq!(clone.http().await.tokeninfo(&access).await, 200);
    assert_eq!(stop(again).await.code(), Some(0), "{}", clone.read("log"));
}
