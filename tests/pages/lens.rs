//! Chromium looks at a drawn page: at a width, in a scheme, whole. Used by `tests/layout.rs` and `examples/photograph.rs`.
//!
//! Never here: which pages there are, and where pictures go.

use std::error::Error;
use std::path::Path;

use base64::Engine as _;
use fantoccini::Client;
use fantoccini::wd::WebDriverCompatibleCommand;
use serde_json::{Map, Value, json};

mod driver;
use driver::Driver;

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
    /// Starts a driver and a browser.
    pub async fn open() -> Result<Self, Failure> {
        let driver = Driver::start()?;
        let client = driver
            .open("--hide-scrollbars", json!({}), Map::new())
            .await?;
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
        Ok(lens)
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
