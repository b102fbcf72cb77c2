//! The load generator behind `make bench`: a release build under 32 connections, and floors measured beside it.
//!
//! `load --server PATH [--rounds N] [--seconds S] [--driver sqlite|postgres] [--alg HS256|RS256|ES256] [--only a,b]`
//! prints Markdown. `--scale 10000,1000000` compares databases of these sizes instead and measures the pages of the largest;
//! `--fill DSN [--rows N] [--first-client PERCENT] [--seed S]` only fills a database that a server has made. Each round starts the server anew on the same database, because one process can be slow or fast for
//! its whole life; the median round is reported. The server runs on core 0, this program on core 1 when there is one.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "what fails here ends the example"
)]
#[path = "../../tests/e2e/http.rs"]
#[allow(dead_code)]
mod http;

mod codes;
mod endpoints;
mod floors;
mod generator;
mod report;
mod scale;
mod seed;
mod server;

use std::error::Error;

pub type Outcome<T> = Result<T, Box<dyn Error>>;

/// Connections that ask at the same time, as in the goals.
pub const CONNECTIONS: usize = 32;

/// Token-sized rows of one commit of the commit floor.
pub const ROWS_PER_COMMIT: usize = 32;

#[derive(Clone)]
pub struct Arguments {
    pub server: String,
    pub rounds: usize,
    pub seconds: f64,
    pub driver: String,
    pub alg: String,
    pub only: Vec<String>,
    pub scale: Vec<u64>,
    pub fill: Option<String>,
    pub rows: u64,
    pub first_client: u64,
    pub seed: u64,
}

fn arguments() -> Outcome<Arguments> {
    let mut arguments = Arguments {
        server: "target/release/authgate".to_owned(),
        rounds: 7,
        seconds: 1.2,
        driver: "sqlite".to_owned(),
        alg: "HS256".to_owned(),
        only: Vec::new(),
        scale: Vec::new(),
        fill: None,
        rows: 1_000_000,
        first_client: 25,
        seed: 1,
    };
    let mut words = std::env::args().skip(1);
    while let Some(flag) = words.next() {
        let value = words
            .next()
            .ok_or_else(|| format!("{flag} needs a value"))?;
        match flag.as_str() {
            "--server" => arguments.server = value,
            "--rounds" => arguments.rounds = value.parse()?,
            "--seconds" => arguments.seconds = value.parse()?,
            "--driver" => arguments.driver = value,
            "--alg" => arguments.alg = value,
            "--only" => arguments.only = value.split(',').map(str::to_owned).collect(),
            "--scale" => {
                let sizes: Result<_, _> = value.split(',').map(str::parse).collect();
                arguments.scale = sizes?;
            }
            "--fill" => arguments.fill = Some(value),
            "--rows" => arguments.rows = value.parse()?,
            "--first-client" => arguments.first_client = value.parse()?,
            "--seed" => arguments.seed = value.parse()?,
            "--floor-server" => return floors::serve(value.parse()?).map(|never| match never {}),
            _ => return Err(format!("unknown flag {flag}").into()),
        }
    }
    Ok(arguments)
}

fn main() -> Outcome<()> {
    let arguments = arguments()?;
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(tokio::task::LocalSet::new().run_until(measure(arguments)))
}

async fn measure(arguments: Arguments) -> Outcome<()> {
    if let Some(dsn) = &arguments.fill {
        let sizes = seed::Sizes {
            of_first_client: arguments.first_client,
            ..seed::Sizes::of(arguments.rows)
        };
        return seed::fill(dsn, sizes, arguments.seed).await;
    }
    let room = tempfile::tempdir()?;
    if !arguments.scale.is_empty() {
        return scale::measure(arguments, room.path()).await;
    }
    let mut figures = report::Figures::default();
    let database = server::Database::new(&arguments, room.path())?;
    let start = server::Start::measure(&arguments, &database).await?;
    for round in 0..arguments.rounds {
        eprintln!("round {} of {}", round + 1, arguments.rounds);
        figures.floor(
            report::Floor::Server,
            floors::warp(arguments.seconds).await?,
        );
        figures.floor(
            report::Floor::Commit,
            floors::commits(room.path(), arguments.seconds).await?,
        );
        if let Some(made) = database.file() {
            figures.floor(
                report::Floor::Issuance,
                floors::issuances(&made, room.path(), arguments.seconds).await?,
            );
        }
        endpoints::round(&arguments, &database, &mut figures).await?;
    }
    println!("{}", report::render(&arguments, &figures, &start));
    Ok(())
}
