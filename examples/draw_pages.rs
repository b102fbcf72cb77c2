//! Writes every page with sample values into a directory, so that a browser can show them without a server:
//! `cargo run --example draw_pages -- /tmp/pages`, then open the files under that directory.

#[path = "../tests/pages/gallery.rs"]
mod gallery;
#[path = "../tests/pages/samples.rs"]
mod samples;

use std::error::Error;
use std::fs;
use std::path::PathBuf;

use authgate::pages::{Pages, asset, stylesheet_href};

fn main() -> Result<(), Box<dyn Error>> {
    let target: PathBuf = std::env::args_os()
        .nth(1)
        .ok_or("usage: draw_pages DIRECTORY")?
        .into();
    fs::create_dir_all(&target)?;
    let stylesheet = stylesheet_href();
    let file = asset(&stylesheet).ok_or("no stylesheet")?;
    fs::write(target.join("authgate.css"), &file.bytes)?;
    for (name, page) in gallery::draw_all(&Pages::new()?)? {
        let page = page.replace(&stylesheet, "authgate.css");
        fs::write(target.join(format!("{name}.html")), page)?;
    }
    Ok(())
}
