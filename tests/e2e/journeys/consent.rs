//! What happens between an app and a person: being asked, remembered, signed in anew, and signed out.
use super::{PASSWORD, Stage, add_person};
use crate::app::{self, Ask, parameter};
use std::time::Duration;
use tokio::sync::mpsc::Receiver;
use url::Url;

const OWN_PASSWORD: &str = "a row of words that I chose";

/// A native app: it listens on a loopback port and tells which URLs a browser was sent to.
async fn native_app() -> (u16, Receiver<Url>) {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (sender, receiver) = tokio::sync::mpsc::channel(8);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let sender = sender.clone();
            // A browser opens connections that it may not use: none waits for another.
            tokio::spawn(async move {
                let mut head = vec![0; 16_384];
                let read = stream.read(&mut head).await.unwrap_or(0);
                let text = String::from_utf8_lossy(&head[..read]).into_owned();
                let body = "<!doctype html><h1>Arrived</h1>";
                let answer = format!(
                    "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                    body.len()
                );
                let _ = stream.write_all(answer.as_bytes()).await;
                let path = text.split(' ').nth(1).unwrap_or_default();
                if path.starts_with("/cb") || path.starts_with("/bye") {
                    let url = Url::parse(&format!("http://127.0.0.1:{port}{path}")).unwrap();
                    let _ = sender.send(url).await;
                }
            });
        }
    });
    (port, receiver)
}

/// Where the browser was sent to, which is the app.
async fn arrived(app: &mut Receiver<Url>) -> Url {
    tokio::time::timeout(Duration::from_secs(20), app.recv())
        .await
        .expect("the browser was not sent back to the app")
        .unwrap()
}

/// A notebook that runs on the person's own machine.
struct Notebook {
    id: &'static str,
    address: String,
    bye: String,
    back: Receiver<Url>,
}

impl Notebook {
    async fn of(stage: &Stage, id: &'static str) -> Self {
        let (port, back) = native_app().await;
        app::register(&stage.server, id, "public", &["http://127.0.0.1/cb"]).await;
        let bye = format!("http://127.0.0.1:{port}/bye");
        let list = |json: &str| {
            format!(
                "UPDATE oauth_applications SET post_logout_redirect_uris = {json} WHERE client_id = '{id}'"
            )
        };
        let json = format!("'[\"{bye}\"]'");
        let (lite, pg) = (list(&format!("CAST({json} AS BLOB)")), list(&json));
        stage.server.sql(&lite, &pg).await;
        Self {
            id,
            address: format!("http://127.0.0.1:{port}/cb"),
            bye,
            back,
        }
    }

    fn ask(&self) -> Ask {
        Ask::of(self.id).with("redirect_uri", &self.address)
    }

    /// The app was given a code, and gets tokens for it.
    async fn redeems(&mut self, stage: &Stage) -> String {
        let url = arrived(&mut self.back).await;
        assert_eq!(parameter(&url, "state").as_deref(), Some("st 1&"), "{url}");
        let code = parameter(&url, "code").unwrap_or_else(|| panic!("no code: {url}"));
        let mut tool = stage.server.http().await;
        let same = [("redirect_uri", self.address.as_str())];
        let tokens = app::exchange(&mut tool, self.id, &code, &same).await;
        assert_eq!(tokens.status, 200, "{tokens:?}");
        tokens.text("access_token")
    }

    /// The app is told that the person does not want to.
    async fn is_refused(&mut self) {
        let url = arrived(&mut self.back).await;
        let error = parameter(&url, "error");
        assert_eq!(error.as_deref(), Some("access_denied"), "{url}");
    }
}

/// Asked by an app on the way of the sign-in: refused, allowed, remembered, signed in anew, asked for more, and taken back.
pub async fn an_app(stage: &Stage) {
    let p = &stage.person;
    let mut notebook = Notebook::of(stage, "notebook").await;
    add_person(&stage.server, "nora", "user").await;
    let ask = notebook.ask();
    p.forgets_everything().await;
    p.visit(&ask.path()).await;
    p.heading("Sign in").await;
    p.give_credentials("nora", PASSWORD).await;
    p.heading("Allow access to your account?").await;
    p.says("The App").await;
    p.says("wants to sign you in as nora.").await;
    p.says("See your email address").await;
    p.press("Deny").await;
    notebook.is_refused().await;
    p.visit(&ask.path()).await;
    p.heading("Allow access to your account?").await;
    p.press("Allow").await;
    let access = notebook.redeems(stage).await;
    assert_eq!(stage.tokeninfo(&access).await, 200);
    // What was allowed is not asked again.
    p.visit(&ask.path()).await;
    notebook.redeems(stage).await;
    // Unless the app wants it; and who is signed in signs in once more when the app wants that.
    p.visit(&ask.clone().with("prompt", "consent").path()).await;
    p.heading("Allow access to your account?").await;
    p.press("Allow").await;
    notebook.redeems(stage).await;
    p.visit(&ask.clone().with("prompt", "login").path()).await;
    p.heading("Sign in").await;
    p.give_credentials("nora", "not it").await;
    p.says("That username and password do not match an active account.")
        .await;
    p.give_credentials("nora", PASSWORD).await;
    notebook.redeems(stage).await;
    // More than was allowed is asked.
    let wider = ask.clone().with("scope", "openid email profile");
    p.visit(&wider.path()).await;
    p.heading("Allow access to your account?").await;
    p.says("See your name and username").await;
    p.press("Deny").await;
    notebook.is_refused().await;
    assert_eq!(
        stage.tokeninfo(&access).await,
        200,
        "what was allowed stays"
    );
    p.visit("/account/authorizations").await;
    p.press_at("The App", "Take back").await;
    p.press_here("Take back").await;
    p.says("You have allowed nothing yet").await;
    assert_eq!(stage.tokeninfo(&access).await, 401);
    // Somebody else at the same browser.
    p.visit(&ask.path()).await;
    p.heading("Allow access to your account?").await;
    p.press("Use another account").await;
    p.heading("Sign in").await;
    p.give_credentials("admin", PASSWORD).await;
    p.says("wants to sign you in as Administrator.").await;
    p.press("Deny").await;
    notebook.is_refused().await;
}

/// An app signs its person out: they are asked, and go back to it.
pub async fn signed_out_by_an_app(stage: &Stage) {
    let p = &stage.person;
    let mut notebook = Notebook::of(stage, "leaving").await;
    stage.sign_in_newcomer("noam", "user").await;
    let query = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("client_id", notebook.id)
        .append_pair("post_logout_redirect_uri", &notebook.bye)
        .append_pair("state", "gone & lost")
        .finish();
    let out = format!("/oauth/end_session?{query}");
    p.visit(&out).await;
    p.heading("Sign out?").await;
    p.says("The App asks to sign you out here as well.").await;
    p.press("Stay signed in").await;
    p.heading("Connected apps and devices").await;
    p.visit(&out).await;
    p.press("Sign out").await;
    let url = arrived(&mut notebook.back).await;
    assert!(url.as_str().starts_with(&notebook.bye), "{url}");
    assert_eq!(parameter(&url, "state").as_deref(), Some("gone & lost"));
    p.visit("/account/profile").await;
    p.heading("Sign in").await;
}

/// The first password is replaced on the way to an app, and the way goes on.
pub async fn a_first_password_on_the_way(stage: &Stage) {
    let p = &stage.person;
    let mut notebook = Notebook::of(stage, "waiting").await;
    add_person(&stage.server, "nils", "user").await;
    let given = |yes: &str| {
        format!("UPDATE users SET must_change_password = {yes} WHERE username = 'nils'")
    };
    stage.server.sql(&given("1"), &given("true")).await;
    p.forgets_everything().await;
    p.visit(&notebook.ask().path()).await;
    p.heading("Sign in").await;
    p.give_credentials("nils", PASSWORD).await;
    p.says("An administrator gave you this password.").await;
    p.fill("Current password", PASSWORD).await;
    p.fill("New password", "short").await;
    p.fill("New password again", "short").await;
    p.press("Change the password").await;
    p.says("At least 15 characters.").await;
    p.fill("Current password", PASSWORD).await;
    p.fill("New password", OWN_PASSWORD).await;
    p.fill("New password again", OWN_PASSWORD).await;
    p.press("Change the password").await;
    p.heading("Allow access to your account?").await;
    p.press("Allow").await;
    notebook.redeems(stage).await;
    // With the consent on record the form of the password itself leads to the app.
    stage.server.sql(&given("1"), &given("true")).await;
    p.forgets_everything().await;
    p.visit(&notebook.ask().path()).await;
    p.give_credentials("nils", OWN_PASSWORD).await;
    p.fill("Current password", OWN_PASSWORD).await;
    p.fill("New password", "another row of words of mine").await;
    p.fill("New password again", "another row of words of mine")
        .await;
    p.press("Change the password").await;
    notebook.redeems(stage).await;
}
