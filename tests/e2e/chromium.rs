//! A real browser: chromedriver, and sessions of Chromium that it opens.
use super::support::free_port;
use fantoccini::{Client, ClientBuilder, error::CmdError, wd::WebDriverCompatibleCommand};
use serde_json::{Map, Value, json};
use std::{
    process::{Child, Command, Stdio},
    time::Duration,
};

/// Ends with its test, and takes its browsers with it: chromedriver does that when it is asked to, not when it is killed.
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
    pub fn start() -> Self {
        let program = std::env::var("TEST_CHROMEDRIVER")
            .expect("TEST_CHROMEDRIVER is not set: run the tests by `make test`");
        let port = free_port();
        let process = Command::new(program)
            .arg(format!("--port={port}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self { process, port }
    }

    /// A browser of its own, with script or without.
    pub async fn open(&self, with_script: bool) -> Client {
        let scripts = if with_script { 1 } else { 2 };
        let options = json!({
            "args": ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--window-size=1280,1600"],
            "prefs": {"profile.managed_default_content_settings.javascript": scripts},
        });
        let mut capabilities = Map::new();
        capabilities.insert("goog:chromeOptions".to_owned(), options);
        capabilities.insert("goog:loggingPrefs".to_owned(), json!({"browser": "ALL"}));
        // A dialog of a page that was fooled must not go unnoticed.
        capabilities.insert("unhandledPromptBehavior".to_owned(), json!("ignore"));
        let mut builder =
            ClientBuilder::new(hyper_util::client::legacy::connect::HttpConnector::new());
        builder.capabilities(capabilities);
        for _ in 0..100 {
            if let Ok(client) = builder
                .connect(&format!("http://127.0.0.1:{}", self.port))
                .await
            {
                return client;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("chromedriver does not answer");
    }
}

/// What the console of the page got since it was last asked.
#[derive(Debug)]
struct ConsoleLog;

impl WebDriverCompatibleCommand for ConsoleLog {
    fn endpoint(
        &self,
        base: &url::Url,
        session: Option<&str>,
    ) -> Result<url::Url, url::ParseError> {
        base.join(&format!("session/{}/se/log", session.unwrap_or_default()))
    }

    fn method_and_body(&self, _url: &url::Url) -> (::http::Method, Option<String>) {
        let body = json!({"type": "browser"}).to_string();
        (::http::Method::POST, Some(body))
    }
}

/// The messages of the console since they were last read.
pub async fn console(client: &Client) -> Result<Vec<String>, CmdError> {
    let entries = client.issue_cmd(ConsoleLog).await?;
    let entries = entries.as_array().cloned().unwrap_or_default();
    let text = |entry: &Value| entry["message"].as_str().unwrap_or_default().to_owned();
    Ok(entries.iter().map(text).collect())
}
