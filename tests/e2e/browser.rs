//! A person's clicks, done by Chromium, for tools that are not ours: the `oauth2` crate and Python's requests-oauthlib.
use crate::{
    chromium::{self, Driver},
    support::{Engine, Http, PASSWORD, Server},
};
use fantoccini::{Client, Locator};
use oauth2::{
    AsyncHttpClient, AuthUrl, ClientId, DeviceAuthorizationUrl, HttpRequest, HttpResponse,
    RevocationUrl, Scope, StandardDeviceAuthorizationResponse, StandardRevocableToken,
    TokenResponse as _, TokenUrl, basic::BasicClient,
};
use std::{
    future::Future,
    io::{BufRead as _, BufReader},
    pin::Pin,
    process::{Command, Stdio},
    time::Duration,
};

struct Browser {
    _driver: Driver,
    client: Client,
}

impl Browser {
    async fn open(with_script: bool) -> Self {
        let driver = Driver::start().unwrap();
        let client = chromium::open(&driver, with_script).await;
        Self {
            _driver: driver,
            client,
        }
    }

    async fn typed(&self, name: &str, text: &str) {
        let field = self
            .client
            .find(Locator::Css(&format!("input[name={name}]")))
            .await
            .unwrap();
        field.clear().await.unwrap();
        field.send_keys(text).await.unwrap();
    }

    async fn press(&self, selector: &str) {
        self.client
            .find(Locator::Css(selector))
            .await
            .unwrap()
            .click()
            .await
            .unwrap();
    }

    /// The heading of the page. A page that is just being left is asked once more.
    async fn heading(&self) -> String {
        let read = async || {
            let wait = self.client.wait();
            wait.for_element(Locator::Css("h1")).await?.text().await
        };
        match read().await {
            Ok(heading) => heading,
            Err(_) => read().await.unwrap(),
        }
    }

    /// Opens the device page, signs in when asked, types the code and approves.
    async fn approve(&self, base: &str, user_code: &str) {
        self.client.goto(&format!("{base}/device")).await.unwrap();
        if self.client.current_url().await.unwrap().path() == "/login" {
            self.typed("username", "admin").await;
            self.typed("password", PASSWORD).await;
            self.press("form[action^='/login'] button[type=submit]")
                .await;
        }
        self.client
            .wait()
            .for_element(Locator::Css("input[name=user_code]"))
            .await
            .unwrap();
        assert_eq!(self.client.current_url().await.unwrap().path(), "/device");
        self.typed("user_code", user_code).await;
        self.press("form[action='/device/verify'] button[type=submit]")
            .await;
        self.client
            .wait()
            .for_element(Locator::Css("button[name=action][value=approve]"))
            .await
            .unwrap();
        assert_eq!(self.heading().await, "Does your device show this code?");
        self.press("button[name=action][value=approve]").await;
        self.client
            .wait()
            .for_element(Locator::XPath("//h1[contains(., 'Approved')]"))
            .await
            .unwrap();
    }

    async fn close(self) {
        let _ = self.client.clone().close().await;
    }
}

/// The crate's HTTP client: our plain one.
struct Plain(u16);

impl<'c> AsyncHttpClient<'c> for Plain {
    type Error = std::io::Error;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, std::io::Error>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(async move {
            let mut http = Http::try_new(self.0).await?;
            let mut text = format!(
                "{} {} HTTP/1.1\r\nhost: test\r\n",
                request.method(),
                request.uri().path()
            );
            for (name, value) in request.headers() {
                text += &format!("{name}: {}\r\n", value.to_str().unwrap());
            }
            text += &format!("content-length: {}\r\n\r\n", request.body().len());
            let mut bytes = text.into_bytes();
            bytes.extend_from_slice(request.body());
            let answer = http.try_send(&bytes).await?;
            let kind = answer.header("content-type").unwrap_or_default();
            Ok(oauth2::http::Response::builder()
                .status(answer.status)
                .header("content-type", kind)
                .body(answer.body.into_bytes())
                .unwrap())
        })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tool_written_with_the_oauth2_crate_signs_in() {
    let server = Server::start(
        Engine::Sqlite,
        &[
            ("ENABLE_TOKEN_ROTATION", "true"),
            ("DEVICE_POLLING_INTERVAL", "1s"),
        ],
    )
    .await;
    let base = format!("http://127.0.0.1:{}", server.port);
    let http = Plain(server.port);
    let client = BasicClient::new(ClientId::new(server.client_id.clone()))
        .set_auth_uri(AuthUrl::new(format!("{base}/oauth/authorize")).unwrap())
        .set_token_uri(TokenUrl::new(format!("{base}/oauth/token")).unwrap())
        .set_device_authorization_url(
            DeviceAuthorizationUrl::new(format!("{base}/oauth/device/code")).unwrap(),
        )
        .set_revocation_url(
            RevocationUrl::new(format!("{base}/oauth/revoke").replace("http:", "https:")).unwrap(),
        );
    let details: StandardDeviceAuthorizationResponse = client
        .exchange_device_code()
        .add_scope(Scope::new("email".to_owned()))
        .request_async(&http)
        .await
        .unwrap();
    // No script: every page works in a plain browser.
    let browser = Browser::open(false).await;
    browser.approve(&base, details.user_code().secret()).await;
    browser.close().await;
    let token = client
        .exchange_device_access_token(&details)
        .request_async(&http, tokio::time::sleep, Some(Duration::from_secs(30)))
        .await
        .unwrap();
    let mut tool = server.http().await;
    assert_eq!(tool.tokeninfo(token.access_token().secret()).await, 200);
    let fresh = client
        .exchange_refresh_token(token.refresh_token().unwrap())
        .request_async(&http)
        .await
        .unwrap();
    assert_ne!(
        fresh.refresh_token().unwrap().secret(),
        token.refresh_token().unwrap().secret()
    );
    let revocable = StandardRevocableToken::from(fresh.refresh_token().unwrap().clone());
    client
        .revoke_token(revocable)
        .unwrap()
        .request_async(&http)
        .await
        .unwrap();
    assert_eq!(tool.tokeninfo(fresh.access_token().secret()).await, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tool_written_with_requests_oauthlib_signs_in() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let server = Server::start(engine, &[("DEVICE_POLLING_INTERVAL", "1s")]).await;
        let base = format!("http://127.0.0.1:{}", server.port);
        let mut tool = Command::new("/usr/bin/python3")
            .arg(concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/tests/clients/device_flow.py"
            ))
            .args([&base, &server.client_id])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(tool.stdout.take().unwrap()).lines();
        let first = lines.next().and_then(Result::ok).unwrap_or_default();
        let Some(user_code) = first.strip_prefix("CODE ") else {
            let output = tool.wait_with_output().unwrap();
            panic!("{first}{}", String::from_utf8_lossy(&output.stderr));
        };
        let browser = Browser::open(true).await;
        browser.approve(&base, user_code).await;
        browser.close().await;
        let rest: Vec<String> = lines.map_while(Result::ok).collect();
        let output = tokio::task::spawn_blocking(move || tool.wait_with_output().unwrap())
            .await
            .unwrap();
        assert_eq!(
            rest,
            ["DONE"],
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
}
