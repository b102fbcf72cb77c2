//! Databases that the Go server left, opened in place by ours, on both engines.
use crate::support::{Engine, Http, PASSWORD, Server};
use serde_json::Value;
use std::path::{Path, PathBuf};

pub fn fixture(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(path)
}

/// A server on a copy of such a database, with what is known about it.
pub struct Adopted {
    pub server: Server,
    pub facts: Value,
}

impl Adopted {
    /// Starts with the settings that the Go server ran with, and these.
    pub async fn start(engine: Engine, more: &[(&str, &str)]) -> Self {
        let facts = facts(engine);
        let env: Vec<(&str, &str)> = facts["env"]
            .as_object()
            .unwrap()
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str().unwrap()))
            .chain(more.iter().copied())
            .collect();
        let mut server = Self::prepared(engine, &env).await;
        server.launch().await;
        server.client_id = text(&facts["clients"]["cli"]["client_id"]);
        Self { server, facts }
    }

    /// Starts under its own address, with these settings alone: what the Go server issued does not count here.
    pub async fn at_home(engine: Engine, env: &[(&str, &str)]) -> Self {
        let mut server = Self::prepared(engine, env).await;
        server.launch().await;
        let facts = facts(engine);
        server.client_id = text(&facts["clients"]["cli"]["client_id"]);
        Self { server, facts }
    }

    /// A server on a copy of the database, not yet started.
    pub async fn prepared(engine: Engine, env: &[(&str, &str)]) -> Server {
        let server = Server::prepared(engine, env).await;
        match engine {
            Engine::Sqlite => {
                let copy = server.directory.path().join("oauth.db");
                std::fs::copy(fixture("go-sqlite/oauth.db"), copy).unwrap();
            }
            Engine::Postgres => {
                let dump = std::fs::read_to_string(fixture("go-postgres/dump.sql")).unwrap();
                server.sql("", &dump).await;
            }
        }
        server
    }

    /// A token of the Go server.
    pub fn token(&self, grant: &str, kind: &str) -> String {
        text(&self.facts["tokens"][grant][kind])
    }

    /// A client's id and secret.
    pub fn client(&self, name: &str) -> (String, String) {
        let client = &self.facts["clients"][name];
        (text(&client["client_id"]), text(&client["client_secret"]))
    }
}

pub fn facts(engine: Engine) -> Value {
    let path = match engine {
        Engine::Sqlite => "go-sqlite/facts.json",
        Engine::Postgres => "go-postgres/facts.json",
    };
    serde_json::from_str(&std::fs::read_to_string(fixture(path)).unwrap()).unwrap()
}

pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// Signs the administrator in, whose password the facts tell.
pub async fn sign_in(http: &mut Http, facts: &Value) {
    let password = facts["admin"]["password"].as_str().unwrap_or(PASSWORD);
    let answer = http.sign_in_with(password).await;
    assert_eq!(answer.status, 302, "{answer:?}");
}
