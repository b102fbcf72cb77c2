//! A small HTTP/1.1 client with cookies that speaks as a device and clicks as a person. The load generator uses it too.
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

pub const PASSWORD: &str = "correct horse battery staple";
pub const DEVICE_GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    pub fn text(&self, name: &str) -> String {
        self.json()[name]
            .as_str()
            .unwrap_or_else(|| panic!("no {name}: {self:?}"))
            .to_owned()
    }

    pub fn error(&self) -> String {
        self.text("error")
    }

    pub fn header(&self, name: &str) -> Option<String> {
        self.headers(name).next().map(str::to_owned)
    }

    /// All lines of a header.
    pub fn headers(&self, name: &str) -> impl Iterator<Item = &str> {
        self.head.lines().filter_map(move |line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

/// A keep-alive connection with cookies.
pub struct Http {
    stream: TcpStream,
    pub cookie: Option<String>,
}

impl Http {
    pub async fn try_new(port: u16) -> std::io::Result<Self> {
        Ok(Self {
            stream: TcpStream::connect(("127.0.0.1", port)).await?,
            cookie: None,
        })
    }

    pub async fn try_send(&mut self, request: &[u8]) -> std::io::Result<Answer> {
        self.stream.write_all(request).await?;
        let mut bytes = Vec::new();
        let mut buffer = [0; 8192];
        loop {
            if let Some(end) = bytes.windows(4).position(|w| w == b"\r\n\r\n") {
                let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
                let mut answer = Answer {
                    status: head.split(' ').nth(1).unwrap().parse().unwrap(),
                    head,
                    body: String::new(),
                };
                let length: usize = answer
                    .header("content-length")
                    .map_or(0, |v| v.parse().unwrap());
                while bytes.len() < end + 4 + length {
                    match self.stream.read(&mut buffer).await? {
                        0 => return Err(std::io::ErrorKind::UnexpectedEof.into()),
                        n => bytes.extend_from_slice(&buffer[..n]),
                    }
                }
                answer.body = String::from_utf8_lossy(&bytes[end + 4..]).into_owned();
                self.keep_cookies(&answer);
                return Ok(answer);
            }
            match self.stream.read(&mut buffer).await? {
                0 => return Err(std::io::ErrorKind::UnexpectedEof.into()),
                n => bytes.extend_from_slice(&buffer[..n]),
            }
        }
    }

    /// As a browser does, but for paths: every cookie goes everywhere, so that pages must tell for themselves which one is theirs.
    fn keep_cookies(&mut self, answer: &Answer) {
        for cookie in answer.headers("set-cookie") {
            let pair = cookie.split(';').next().unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            let held = self.cookie.take().unwrap_or_default();
            let is_other = |held: &&str| !held.is_empty() && held.split('=').next() != Some(name);
            let mut all: Vec<&str> = held.split("; ").filter(is_other).collect();
            if !value.is_empty() {
                all.push(pair);
            }
            self.cookie = (!all.is_empty()).then(|| all.join("; "));
        }
    }

    fn headers(&self, more: &[(&str, &str)]) -> String {
        let mut text = "host: test\r\n".to_owned();
        if let Some(cookie) = &self.cookie {
            text += &format!("cookie: {cookie}\r\n");
        }
        for (name, value) in more {
            text += &format!("{name}: {value}\r\n");
        }
        text
    }

    pub async fn get(&mut self, path: &str, headers: &[(&str, &str)]) -> Answer {
        let request = format!("GET {path} HTTP/1.1\r\n{}\r\n", self.headers(headers));
        self.try_send(request.as_bytes()).await.unwrap()
    }

    pub async fn try_post(&mut self, path: &str, form: &[(&str, &str)]) -> std::io::Result<Answer> {
        let body = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(form)
            .finish();
        let length = body.len().to_string();
        let headers = self.headers(&[
            ("content-type", "application/x-www-form-urlencoded"),
            ("content-length", &length),
        ]);
        self.try_send(format!("POST {path} HTTP/1.1\r\n{headers}\r\n{body}").as_bytes())
            .await
    }

    pub async fn post(&mut self, path: &str, form: &[(&str, &str)]) -> Answer {
        self.try_post(path, form).await.unwrap()
    }

    /// A form with more headers.
    pub async fn post_with(
        &mut self,
        path: &str,
        more: &[(&str, &str)],
        form: &[(&str, &str)],
    ) -> Answer {
        let body = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(form)
            .finish();
        let length = body.len().to_string();
        let mut headers = vec![
            ("content-type", "application/x-www-form-urlencoded"),
            ("content-length", &length),
        ];
        headers.extend_from_slice(more);
        let headers = self.headers(&headers);
        self.try_send(format!("POST {path} HTTP/1.1\r\n{headers}\r\n{body}").as_bytes())
            .await
            .unwrap()
    }

    pub async fn start_device(&mut self, client_id: &str) -> String {
        self.post("/oauth/device/code", &[("client_id", client_id)])
            .await
            .text("device_code")
    }

    pub async fn try_poll(&mut self, client_id: &str, code: &str) -> std::io::Result<Answer> {
        let form = [
            ("grant_type", DEVICE_GRANT),
            ("client_id", client_id),
            ("device_code", code),
        ];
        self.try_post("/oauth/token", &form).await
    }

    pub async fn poll(&mut self, client_id: &str, code: &str) -> Answer {
        self.try_poll(client_id, code).await.unwrap()
    }

    pub async fn try_refresh(&mut self, client_id: &str, token: &str) -> std::io::Result<Answer> {
        let form = [
            ("grant_type", "refresh_token"),
            ("client_id", client_id),
            ("refresh_token", token),
        ];
        self.try_post("/oauth/token", &form).await
    }

    pub async fn refresh(&mut self, client_id: &str, token: &str) -> Answer {
        self.try_refresh(client_id, token).await.unwrap()
    }

    pub async fn tokeninfo(&mut self, token: &str) -> u16 {
        self.get(
            "/oauth/tokeninfo",
            &[("authorization", &format!("Bearer {token}"))],
        )
        .await
        .status
    }

    pub async fn sign_in(&mut self) {
        let answer = self.sign_in_with(PASSWORD).await;
        assert_eq!(answer.status, 302, "{answer:?}");
    }

    /// What the administrator is told who types this password.
    pub async fn sign_in_with(&mut self, password: &str) -> Answer {
        let page = self.get("/login", &[]).await;
        let csrf = field(&page.body, "csrf_token");
        let form = [
            ("username", "admin"),
            ("password", password),
            ("csrf_token", &csrf),
            ("redirect", ""),
        ];
        self.post("/login", &form).await
    }

    /// Decides on a code as a person does: two pages.
    pub async fn decide(&mut self, user_code: &str, action: &str) -> Answer {
        let page = self
            .get(&format!("/device?user_code={user_code}"), &[])
            .await;
        let csrf = field(&page.body, "csrf_token");
        let page = self
            .post(
                "/device/verify",
                &[("user_code", user_code), ("csrf_token", &csrf)],
            )
            .await;
        let page = match page.header("location") {
            Some(question) if page.status == 303 => self.get(&question, &[]).await,
            _ => return page,
        };
        let (csrf, code) = (
            field(&page.body, "csrf_token"),
            field(&page.body, "user_code"),
        );
        let done = self.answer_device(&code, &csrf, action).await;
        match done.header("location") {
            Some(page) if done.status == 303 => self.get(&page, &[]).await,
            _ => done,
        }
    }

    /// Sends the form of the confirm page.
    pub async fn answer_device(&mut self, user_code: &str, csrf: &str, action: &str) -> Answer {
        let form = [
            ("user_code", user_code),
            ("csrf_token", csrf),
            ("confirmed", "true"),
            ("action", action),
        ];
        self.post("/device/verify", &form).await
    }
}

/// The value of a hidden field.
pub fn field(html: &str, name: &str) -> String {
    let input = html
        .split("<input")
        .find(|input| input.contains(&format!("name=\"{name}\"")));
    let value = input
        .and_then(|input| input.split("value=\"").nth(1))
        .and_then(|rest| rest.split('"').next());
    value
        .unwrap_or_else(|| panic!("no field {name} in {html}"))
        .to_owned()
}
