//! A browser for people's clicks: with script or without, and what its console said.
use fantoccini::{Client, error::CmdError, wd::WebDriverCompatibleCommand};
use serde_json::{Map, Value, json};
use std::path::Path;

#[path = "../pages/driver.rs"]
mod driver;
pub use driver::Driver;

/// A browser of its own, with script or without.
pub async fn open(driver: &Driver, with_script: bool) -> Client {
    open_with(driver, with_script, json!({})).await
}

/// The same; what it is given to save comes into a directory.
pub async fn open_to_save(driver: &Driver, with_script: bool, directory: &Path) -> Client {
    let saved = json!({"download.default_directory": directory});
    open_with(driver, with_script, saved).await
}

async fn open_with(driver: &Driver, with_script: bool, mut preferences: Value) -> Client {
    let scripts = if with_script { 1 } else { 2 };
    preferences["profile.managed_default_content_settings.javascript"] = scripts.into();
    let mut capabilities = Map::new();
    capabilities.insert("goog:loggingPrefs".to_owned(), json!({"browser": "ALL"}));
    // A dialog of a page that was fooled must not go unnoticed.
    capabilities.insert("unhandledPromptBehavior".to_owned(), json!("ignore"));
    let opened = driver.open("--window-size=1280,1600", preferences, capabilities);
    opened.await.unwrap()
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
