//! Somebody at a browser. They find things as people do: by the words that they see.
use crate::{chromium, support::PASSWORD};
use fantoccini::{Client, Locator, elements::Element, error::CmdError, key::Key};
use std::{sync::Mutex, time::Duration};

/// How often, and how long in between, a person looks again before giving up.
const LOOKS: u32 = 100;
const PAUSE: Duration = Duration::from_millis(100);

/// A person, their browser, and the server that they visit.
pub struct Person {
    pub client: Client,
    base: String,
    pub has_script: bool,
    /// What the console said on pages that were left.
    console: Mutex<Vec<String>>,
}

/// A text for XPath.
fn quoted(text: &str) -> String {
    if text.contains('"') {
        assert!(!text.contains('\''), "{text} has both kinds of quotes");
        return format!("'{text}'");
    }
    format!("\"{text}\"")
}

/// Whether the page went away while something was done with it: chromedriver has several words for that.
fn is_of_another_page(error: &CmdError) -> bool {
    let said = error.to_string();
    let passing = [
        "aborted by navigation",
        "does not belong to the document",
        "no such execution context",
        "Cannot find context",
        "uniqueContextId not found",
        "No node with given id",
    ];
    error.is_stale_element_reference() || passing.iter().any(|words| said.contains(words))
}

/// Whether a press asks for another page: a link does that, and a button that sends a form, but what is saved as a file leaves
/// the page where it is.
async fn leads_away(pressed: &Element) -> Result<bool, CmdError> {
    if pressed.tag_name().await? == "a" {
        let href = pressed.attr("href").await?;
        return Ok(href.is_some_and(|href| !href.starts_with('#') && !href.contains("/export")));
    }
    let kind = pressed.prop("type").await?;
    Ok(kind.as_deref() == Some("submit"))
}

/// What can be pressed under a name.
fn pressable(name: &str) -> String {
    let name = quoted(name);
    format!(
        "*[self::a or self::button or self::summary][normalize-space(text()[1])={name} or normalize-space(.)={name}]"
    )
}

impl Person {
    pub fn new(client: Client, port: u16, has_script: bool) -> Self {
        Self {
            client,
            base: format!("http://127.0.0.1:{port}"),
            has_script,
            console: Mutex::default(),
        }
    }

    /// A place on the server.
    pub async fn visit(&self, path: &str) {
        self.client
            .goto(&format!("{}{path}", self.base))
            .await
            .unwrap();
    }

    pub async fn path(&self) -> String {
        let url = self.client.current_url().await.unwrap();
        url.path().to_owned()
    }

    /// The path with what follows it.
    pub async fn address(&self) -> String {
        let url = self.client.current_url().await.unwrap();
        let query = url.query().map(|query| format!("?{query}"));
        format!("{}{}", url.path(), query.unwrap_or_default())
    }

    /// Forgets who was signed in, and signs in under a name on the page that asks for it.
    pub async fn sign_in(&self, name: &str) {
        self.sign_in_with(name, PASSWORD).await;
        self.says("Connected apps and devices").await;
    }

    pub async fn sign_in_with(&self, name: &str, password: &str) {
        self.forgets_everything().await;
        self.visit("/login").await;
        self.give_credentials(name, password).await;
    }

    /// As if nobody had used the browser before.
    pub async fn forgets_everything(&self) {
        self.visit("/login").await;
        self.client.delete_all_cookies().await.unwrap();
    }

    /// Fills in the sign-in page that is open.
    pub async fn give_credentials(&self, name: &str, password: &str) {
        self.fill("Username", name).await;
        self.fill("Password", password).await;
        self.press("Sign in").await;
    }

    async fn displayed(&self, path: &str) -> Option<Element> {
        let found = self.client.find_all(Locator::XPath(path)).await.ok()?;
        for element in found {
            if element.is_displayed().await.unwrap_or(false) {
                return Some(element);
            }
        }
        None
    }

    /// What is there to be seen, once it is.
    async fn see(&self, path: &str) -> Element {
        for _ in 0..LOOKS {
            if let Some(element) = self.displayed(path).await {
                return element;
            }
            tokio::time::sleep(PAUSE).await;
        }
        panic!(
            "{path} is not on {}:\n{}",
            self.address().await,
            self.text().await
        );
    }

    /// Does something with what is there to be seen. The page may be another one by then, with the same thing on it: a person
    /// does not notice, and neither does this.
    async fn with<T>(&self, path: &str, act: impl AsyncFn(&Element) -> Result<T, CmdError>) -> T {
        for _ in 0..LOOKS {
            match act(&self.see(path).await).await {
                Ok(done) => return done,
                Err(error) if is_of_another_page(&error) => {}
                Err(error) => panic!("{path} on {}: {error}", self.address().await),
            }
            tokio::time::sleep(PAUSE).await;
        }
        panic!(
            "{path} on {} is a new one all the time",
            self.address().await
        );
    }

    async fn click(&self, path: &str) {
        let console = self.new_messages().await;
        self.console.lock().unwrap().extend(console);
        let page = self.root().await;
        let is_left = self.with(path, async |seen| {
            let is_left = leads_away(seen).await?;
            seen.click().await?;
            Ok(is_left)
        });
        if is_left.await {
            self.leaves(&page).await;
        }
    }

    /// The root of the page that is open.
    async fn root(&self) -> Element {
        for _ in 0..LOOKS {
            if let Ok(root) = self.client.find(Locator::Css("html")).await {
                return root;
            }
            tokio::time::sleep(PAUSE).await;
        }
        panic!("there is no page");
    }

    /// Waits until the page is another one: what it said before a form was sent must not be taken for the answer. A form that
    /// the browser refuses to send leaves it where it is.
    async fn leaves(&self, page: &Element) {
        for _ in 0..LOOKS {
            if page.tag_name().await.is_err() {
                return;
            }
            tokio::time::sleep(PAUSE / 5).await;
        }
    }

    /// Presses a link or a button.
    pub async fn press(&self, name: &str) {
        self.click(&format!("//{}", pressable(name))).await;
    }

    /// Presses a link or a button beside something: in the same row or section.
    pub async fn press_at(&self, beside: &str, name: &str) {
        let beside = quoted(beside);
        let about = format!("contains(normalize-space(.), {beside})");
        let place = "self::section or contains(@class, 'linked')";
        let name = pressable(name);
        self.click(&format!(
            "//tr[{about}]//{name} | //*[{place}][{about}][not(.//tr[{about}])]//{name}"
        ))
        .await;
    }

    /// Presses a tab of the group with this label.
    pub async fn filter(&self, group: &str, name: &str) {
        let group = quoted(group);
        self.click(&format!("//nav[@aria-label={group}]//{}", pressable(name)))
            .await;
    }

    /// Presses what is on the page itself, not in the bar above it.
    pub async fn press_here(&self, name: &str) {
        self.click(&format!("//main//{}", pressable(name))).await;
    }

    /// Presses what is at the foot of every page.
    pub async fn press_below(&self, name: &str) {
        self.click(&format!("//footer//{}", pressable(name))).await;
    }

    /// Two quick clicks on one button.
    pub async fn press_twice(&self, name: &str) {
        use fantoccini::actions::{
            InputSource as _, MOUSE_BUTTON_LEFT, MouseActions, PointerAction,
        };
        let path = format!("//main//{}", pressable(name));
        let down = || PointerAction::Down {
            button: MOUSE_BUTTON_LEFT,
        };
        let up = || PointerAction::Up {
            button: MOUSE_BUTTON_LEFT,
        };
        self.with(&path, async |button| {
            let twice = MouseActions::new("mouse".to_owned())
                .then(PointerAction::MoveToElement {
                    element: button.clone(),
                    duration: None,
                    x: 0.0,
                    y: 0.0,
                })
                .then(down())
                .then(up())
                .then(down())
                .then(up());
            self.client.perform_actions(twice).await
        })
        .await;
    }

    /// Does something with the control that a label names.
    pub async fn at<T>(
        &self,
        label: &str,
        act: impl AsyncFn(&Element) -> Result<T, CmdError>,
    ) -> T {
        let label = quoted(label);
        let path = format!(
            "//*[self::input or self::textarea or self::select][@id=//label[normalize-space(.)={label}]/@for]"
        );
        self.with(&path, act).await
    }

    pub async fn fill(&self, label: &str, text: &str) {
        self.at(label, async |control| {
            control.clear().await?;
            if text.is_empty() {
                return Ok(());
            }
            control.send_keys(text).await
        })
        .await;
    }

    /// Types into the parts of a field for times, as they come in this browser: month, day and year, then the time of day.
    pub async fn fill_time(&self, label: &str, date: &str, time: &str) {
        let keys = format!("{date}{}{time}", char::from(Key::Tab));
        self.at(label, async |control| {
            control.clear().await?;
            control.send_keys(&keys).await
        })
        .await;
    }

    /// What stands in a field.
    pub async fn value(&self, label: &str) -> String {
        let value = self.at(label, async |control| control.prop("value").await);
        value.await.unwrap_or_default()
    }

    pub async fn choose(&self, label: &str, option: &str) {
        let chosen = async |control: &Element| control.select_by_label(option).await;
        self.at(label, chosen).await;
    }

    /// Presses the box whose label begins like this.
    pub async fn tick(&self, label: &str) {
        let label = quoted(label);
        let path =
            format!("//label[starts-with(normalize-space(.), {label})]//input[@type='checkbox']");
        self.with(&path, async |seen| seen.click().await).await;
    }

    pub async fn enter(&self, label: &str) {
        let key = char::from(Key::Enter).to_string();
        self.at(label, async |control| control.send_keys(&key).await)
            .await;
    }

    /// Waits until the page says something, in one piece, for everybody to see.
    pub async fn says(&self, words: &str) {
        let words = quoted(words);
        let here = format!("contains(normalize-space(.), {words})");
        self.see(&format!("//body//*[{here}][not(.//*[{here}])]"))
            .await;
    }

    /// Asserts that the page does not say something now.
    pub async fn is_silent_on(&self, words: &str) {
        let text = self.text().await;
        assert!(
            !text.contains(words),
            "{words} is on {}:\n{text}",
            self.address().await
        );
    }

    pub async fn heading(&self, words: &str) {
        let words = quoted(words);
        self.see(&format!("//h1[normalize-space(.)={words}]")).await;
    }

    /// The heading is one of these.
    pub async fn heading_of(&self, any: &[&str]) {
        let any: Vec<String> = any
            .iter()
            .map(|words| format!("normalize-space(.)={}", quoted(words)))
            .collect();
        self.see(&format!("//h1[{}]", any.join(" or "))).await;
    }

    pub async fn title(&self) -> String {
        self.client.title().await.unwrap()
    }

    pub async fn text(&self) -> String {
        for _ in 0..LOOKS {
            // Between two pages there is none.
            if let Ok(body) = self.client.find(Locator::Css("body")).await
                && let Ok(text) = body.text().await
            {
                return text;
            }
            tokio::time::sleep(PAUSE).await;
        }
        panic!("{} has no text", self.address().await);
    }

    /// Where a link leads.
    pub async fn href(&self, name: &str) -> String {
        let path = format!("//{}", pressable(name));
        let href = self.with(&path, async |link| link.attr("href").await);
        href.await.unwrap_or_default()
    }

    /// Where the link with this relation leads, when there is one.
    pub async fn href_of(&self, rel: &str) -> Option<String> {
        let link = self
            .displayed(&format!("//a[@rel={}]", quoted(rel)))
            .await?;
        link.attr("href").await.unwrap()
    }

    /// Presses the figure on the dashboard that has this name.
    pub async fn press_counter(&self, name: &str) {
        let name = quoted(name);
        self.click(&format!(
            "//a[contains(@class, 'counter')][p[normalize-space(.)={name}]]"
        ))
        .await;
    }

    /// The language that the page says it is in.
    pub async fn language(&self) -> String {
        let root = self.root().await;
        root.attr("lang").await.unwrap().unwrap_or_default()
    }

    /// Elements that run something and are not ours.
    pub async fn scripts_of_others(&self) -> Vec<Element> {
        let others = "//script[not(starts-with(@src, '/static/'))] | //iframe | //img | //*[@onload or @onerror or @onclick]";
        self.client.find_all(Locator::XPath(others)).await.unwrap()
    }

    /// The secret that is shown once.
    pub async fn secret(&self) -> String {
        let path = "//*[contains(@class, 'secret')]/p[contains(@class, 'secret-value')]/code";
        self.with(path, async |code| code.text().await).await
    }

    /// Takes along what can be copied. Without script there is no button that does nothing.
    pub async fn copies(&self, beginning: &str) {
        let button = format!("//button[starts-with(@data-copy, {})]", quoted(beginning));
        if self.has_script {
            self.click(&button).await;
            self.says("Copied").await;
        } else {
            assert!(self.displayed(&button).await.is_none());
        }
    }

    /// Waits until the tables have so many rows: a list that was asked for comes a moment later.
    pub async fn has_rows(&self, expected: usize) {
        for _ in 0..LOOKS {
            if self.rows().await == expected {
                return;
            }
            tokio::time::sleep(PAUSE).await;
        }
        panic!(
            "{} rows, not {expected}:\n{}",
            self.rows().await,
            self.text().await
        );
    }

    /// How many rows of tables are seen.
    pub async fn rows(&self) -> usize {
        let rows = Locator::XPath("//tbody/tr");
        self.client.find_all(rows).await.unwrap().len()
    }

    /// Asserts that the focus comes to the field with this label. A browser moves it after the page is there.
    pub async fn is_at(&self, label: &str) {
        let mut focused = String::new();
        for _ in 0..LOOKS {
            focused = self.focused().await;
            if focused == label {
                return;
            }
            tokio::time::sleep(PAUSE).await;
        }
        assert_eq!(focused, label, "the focus on {}", self.address().await);
    }

    /// The label of the field that has the focus.
    async fn focused(&self) -> String {
        // The page may just be another one.
        let id = match self.client.active_element().await {
            Ok(active) => active.attr("id").await.ok().flatten(),
            Err(_) => None,
        };
        let id = id.unwrap_or_default();
        let label = format!("//label[@for={}]", quoted(&id));
        match self.displayed(&label).await {
            Some(label) => label.text().await.unwrap_or_default(),
            None => format!("#{id}"),
        }
    }

    async fn new_messages(&self) -> Vec<String> {
        chromium::console(&self.client).await.unwrap()
    }

    /// What the console had to complain about since this was asked last. That a page came with a refusal is no complaint:
    /// browsers write that down for each page whose status is not 200.
    pub async fn complaints(&self) -> Vec<String> {
        let mut all = std::mem::take(&mut *self.console.lock().unwrap());
        all.extend(self.new_messages().await);
        let is_refusal = |message: &String| {
            !message.contains("/static/")
                && message
                    .contains("Failed to load resource: the server responded with a status of 4")
        };
        all.retain(|message| !is_refusal(message));
        all
    }
}
