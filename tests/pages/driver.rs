//! chromedriver, and sessions of Chromium that it opens. Used by whoever needs a browser: people's journeys in
//! `tests/e2e/`, and the lens that looks at drawn pages.
//!
//! Never here: what is done in a session.
use fantoccini::{Client, ClientBuilder};
use serde_json::{Map, Value, json};
use std::{
    error::Error,
    io::{BufRead as _, BufReader},
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

/// The port in `ChromeDriver was started successfully on port 45678.`
fn port_in(line: &str) -> Option<u16> {
    let (_, port) = line.split_once("started successfully on port ")?;
    port.trim_end_matches('.').parse().ok()
}

impl Driver {
    /// The driver named by `TEST_CHROMEDRIVER`, on a port that it finds itself: one that was free a moment ago may be taken.
    pub fn start() -> Result<Self, Failure> {
        let program = std::env::var("TEST_CHROMEDRIVER")
            .map_err(|_| "TEST_CHROMEDRIVER is not set: run the tests by `make test`")?;
        let process = Command::new(program)
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let mut driver = Self { process, port: 0 };
        let said = driver.process.stdout.take().ok_or("no output")?;
        let mut lines = BufReader::new(said).lines();
        driver.port = lines
            .find_map(|line| port_in(&line.ok()?))
            .ok_or("chromedriver did not tell its port")?;
        // It must always find a reader.
        std::thread::spawn(move || lines.for_each(drop));
        Ok(driver)
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
