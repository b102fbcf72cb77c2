//! Writes every page with sample values into a directory, so that a browser can show them without a server:
//! `cargo run --example draw_pages -- /tmp/pages`, then open the files under that directory.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "what fails here ends the example"
)]

#[path = "../tests/pages/account.rs"]
mod account;
#[path = "../tests/pages/gallery.rs"]
mod gallery;
#[path = "../tests/pages/samples.rs"]
mod samples;

use std::error::Error;
use std::fs;
use std::path::PathBuf;

use authgate::pages::{Lang, Pages, asset, script_href, stylesheet_href};

fn main() -> Result<(), Box<dyn Error>> {
    let target: PathBuf = std::env::args_os()
        .nth(1)
        .ok_or("usage: draw_pages DIRECTORY")?
        .into();
    fs::create_dir_all(&target)?;
    let files = [
        (stylesheet_href(), "authgate.css"),
        (script_href(), "authgate.js"),
    ];
    for (path, name) in &files {
        let file = asset(path).ok_or("a file is missing")?;
        fs::write(target.join(name), &file.bytes)?;
    }
    let pages = Pages::new()?;
    for lang in Lang::ALL {
        for (name, mut page) in gallery::draw_everything(&pages, lang)? {
            for (path, file) in &files {
                page = page.replace(path, file);
            }
            fs::write(target.join(format!("{name}.{}.html", lang.tag())), page)?;
        }
    }
    Ok(())
}
