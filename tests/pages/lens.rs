//! Chromium looks at a drawn page: at a width, in a scheme, whole. Used by `tests/layout.rs` and `examples/photograph.rs`.
//!
//! Never here: which pages there are, and where pictures go.

use std::error::Error;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use base64::Engine as _;
use fantoccini::wd::WebDriverCompatibleCommand;
use fantoccini::{Client, ClientBuilder};
use serde_json::{Value, json};

type Failure = Box<dyn Error>;

/// Asks the page what a reader would miss at its width.
#[allow(dead_code, reason = "only the test measures")]
const FAULTS: &str = include_str!("faults.js");

/// A window: its size, whether it is a phone's, and the reader's wish for dark.
#[derive(Debug, Clone, Copy)]
pub struct Window {
    pub width: u32,
    pub height: u32,
    pub is_phone: bool,
    pub is_dark: bool,
}

impl Window {
    /// Desktop, small desktop, phone.
    pub const SIZES: [(u32, u32, bool); 3] =
        [(1280, 800, false), (1024, 768, false), (390, 844, true)];

    pub fn all() -> impl Iterator<Item = Self> {
        Self::SIZES
            .into_iter()
            .flat_map(|(width, height, is_phone)| {
                [false, true].map(|is_dark| Self {
                    width,
                    height,
                    is_phone,
                    is_dark,
                })
            })
    }

    pub fn scheme(self) -> &'static str {
        if self.is_dark { "dark" } else { "light" }
    }
}

/// Ends with its lens and takes its browser with it: the driver does that when it is asked to, not when it is killed.
struct Driver(Child);

impl Drop for Driver {
    fn drop(&mut self) {
        let pid = self.0.id().to_string();
        let _ = Command::new("kill").args(["-TERM", &pid]).status();
        let _ = self.0.wait();
    }
}

pub struct Lens {
    client: Client,
    _driver: Driver,
}

/// A command of the DevTools protocol, which the driver passes on. It sets what a window cannot: 390 pixels, dark.
#[derive(Debug)]
struct DevTools(&'static str, Value);

impl WebDriverCompatibleCommand for DevTools {
    fn endpoint(
        &self,
        base: &url::Url,
        session: Option<&str>,
    ) -> Result<url::Url, url::ParseError> {
        base.join(&format!(
            "session/{}/goog/cdp/execute",
            session.unwrap_or_default()
        ))
    }

    fn method_and_body(&self, _: &url::Url) -> (http::Method, Option<String>) {
        let body = json!({"cmd": self.0, "params": self.1});
        (http::Method::POST, Some(body.to_string()))
    }
}

impl Lens {
    /// Starts the driver named by `TEST_CHROMEDRIVER` on a free port, and a browser.
    pub async fn open() -> Result<Self, Failure> {
        let program =
            std::env::var("TEST_CHROMEDRIVER").map_err(|_| "TEST_CHROMEDRIVER is not set")?;
        let port = std::net::TcpListener::bind("127.0.0.1:0")?
            .local_addr()?
            .port();
        let driver = Command::new(program)
            .arg(format!("--port={port}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let driver = Driver(driver);
        let options = json!({"args": [
            "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars",
        ]});
        let capabilities = [("goog:chromeOptions".to_owned(), options)];
        let mut builder =
            ClientBuilder::new(hyper_util::client::legacy::connect::HttpConnector::new());
        builder.capabilities(capabilities.into_iter().collect());
        for _ in 0..100 {
            if let Ok(client) = builder.connect(&format!("http://127.0.0.1:{port}")).await {
                let lens = Self {
                    client,
                    _driver: driver,
                };
                // Pictures show the same moment wherever they are taken.
                lens.tell(
                    "Emulation.setTimezoneOverride",
                    json!({"timezoneId": "Etc/UTC"}),
                )
                .await?;
                return Ok(lens);
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Err("chromedriver does not answer".into())
    }

    /// Ends the browser.
    pub async fn close(self) -> Result<(), Failure> {
        Ok(self.client.close().await?)
    }

    async fn tell(&self, command: &'static str, parameters: Value) -> Result<Value, Failure> {
        Ok(self.client.issue_cmd(DevTools(command, parameters)).await?)
    }

    /// Opens a file.
    pub async fn show(&self, page: &Path) -> Result<(), Failure> {
        Ok(self
            .client
            .goto(&format!("file://{}", page.display()))
            .await?)
    }

    /// Another window around the page that is open.
    pub async fn through(&self, window: Window) -> Result<(), Failure> {
        // No motion: a picture amid a change of colours shows neither of them.
        let scheme = json!({"features": [
            {"name": "prefers-color-scheme", "value": window.scheme()},
            {"name": "prefers-reduced-motion", "value": "reduce"},
        ]});
        self.tell("Emulation.setEmulatedMedia", scheme).await?;
        let metrics = json!({
            "width": window.width, "height": window.height, "deviceScaleFactor": 1, "mobile": window.is_phone,
        });
        self.tell("Emulation.setDeviceMetricsOverride", metrics)
            .await?;
        Ok(())
    }

    /// The whole page, below the fold too. `format` is `png` or `webp`.
    #[allow(dead_code, reason = "only the example takes pictures")]
    pub async fn picture(&self, format: &str) -> Result<Vec<u8>, Failure> {
        let layout = self.tell("Page.getLayoutMetrics", json!({})).await?;
        let size = &layout["cssContentSize"];
        let wish = json!({
            "format": format, "quality": 60, "captureBeyondViewport": true,
            "clip": {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1},
        });
        let picture = self.tell("Page.captureScreenshot", wish).await?;
        let data = picture["data"].as_str().ok_or("a picture has data")?;
        Ok(base64::engine::general_purpose::STANDARD.decode(data)?)
    }

    /// What is cut off, sticks out or is too small to touch.
    #[allow(dead_code, reason = "only the test measures")]
    pub async fn faults(&self) -> Result<Vec<String>, Failure> {
        let found = self.client.execute(FAULTS, Vec::new()).await?;
        Ok(serde_json::from_value(found)?)
    }
}
