//! chromedriver, and sessions of Chromium that it opens. Used by whoever needs a browser: people's journeys in
//! `tests/e2e/`, and the lens that looks at drawn pages.
//!
//! Never here: what is done in a session.
use fantoccini::{Client, ClientBuilder};
use serde_json::{Map, Value, json};
use std::{
    error::Error,
    net::TcpListener,
    process::{Child, Command, Stdio},
    time::Duration,
};

type Failure = Box<dyn Error>;

/// Ends with its owner, and takes its browsers with it: chromedriver does that when it is asked to, not when it is killed.
pub struct Driver {
    process: Child,
    port: u16,
}

impl Drop for Driver {
    fn drop(&mut self) {
        let pid = self.process.id().to_string();
        let _ = Command::new("kill").args(["-TERM", &pid]).status();
        let _ = self.process.wait();
    }
}

impl Driver {
    /// The driver named by `TEST_CHROMEDRIVER`, on a free port.
    pub fn start() -> Result<Self, Failure> {
        let program = std::env::var("TEST_CHROMEDRIVER")
            .map_err(|_| "TEST_CHROMEDRIVER is not set: run the tests by `make test`")?;
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let process = Command::new(program)
            .arg(format!("--port={port}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        Ok(Self { process, port })
    }

    /// A browser of its own, with one more argument, preferences and further capabilities.
    pub async fn open(
        &self,
        argument: &str,
        preferences: Value,
        mut capabilities: Map<String, Value>,
    ) -> Result<Client, Failure> {
        let options = json!({
            "args": ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", argument],
            "prefs": preferences,
        });
        capabilities.insert("goog:chromeOptions".to_owned(), options);
        let mut builder =
            ClientBuilder::new(hyper_util::client::legacy::connect::HttpConnector::new());
        builder.capabilities(capabilities);
        let address = format!("http://127.0.0.1:{}", self.port);
        for _ in 0..100 {
            if let Ok(client) = builder.connect(&address).await {
                return Ok(client);
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Err("chromedriver does not answer".into())
    }
}
