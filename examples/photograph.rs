//! Takes pictures of every page that `draw_pages` wrote:
//! `cargo run --example photograph -- PAGES PICTURES [KEPT]`.
//!
//! PICTURES gets each page at each width, light and dark, in English, and wide light and narrow dark in the other languages.
//! KEPT, when named, gets small WebP files: wide light and narrow dark of each page in English, wide light of the others'
//! main pages.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "what fails here ends the example"
)]

#[path = "../tests/pages/lens.rs"]
mod lens;

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use lens::{Lens, Window};

/// Of these a picture in every language is kept.
const MAIN: [&str; 12] = [
    "account_sign_ins",
    "app",
    "audit",
    "client",
    "consent",
    "dashboard",
    "device",
    "device_confirm",
    "error",
    "guide_device_flow",
    "login",
    "users",
];

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut directories = std::env::args_os().skip(1).map(PathBuf::from);
    let usage = "usage: photograph PAGES PICTURES [KEPT]";
    let pages = fs::canonicalize(directories.next().ok_or(usage)?)?;
    let pictures = directories.next().ok_or(usage)?;
    let kept = directories.next();
    for directory in kept.iter().chain([&pictures]) {
        fs::create_dir_all(directory)?;
    }
    let mut files: Vec<PathBuf> = fs::read_dir(&pages)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    files.retain(|path| path.extension().is_some_and(|kind| kind == "html"));
    files.sort();
    let lens = Lens::open().await?;
    let mut taken = 0;
    for file in &files {
        taken += photograph(&lens, file, &pictures, kept.as_deref()).await?;
    }
    lens.close().await?;
    println!("{} pages, {taken} pictures", files.len());
    Ok(())
}

/// All pictures of one page in one language. Tells how many.
async fn photograph(
    lens: &Lens,
    file: &Path,
    pictures: &Path,
    kept: Option<&Path>,
) -> Result<usize, Box<dyn Error>> {
    let stem = file
        .file_stem()
        .and_then(|stem| stem.to_str())
        .ok_or("a name")?;
    let (name, lang) = stem.split_once('.').ok_or("a page names its language")?;
    let is_english = lang == "en";
    lens.show(file).await?;
    let mut taken = 0;
    for window in Window::all() {
        let is_wide_light = window.width == 1280 && !window.is_dark;
        let is_narrow_dark = window.is_phone && window.is_dark;
        if !is_english && !is_wide_light && !is_narrow_dark {
            continue;
        }
        lens.through(window).await?;
        let title = if is_english {
            format!("{name}-{}-{}", window.width, window.scheme())
        } else {
            format!("{name}-{lang}-{}-{}", window.width, window.scheme())
        };
        fs::write(
            pictures.join(format!("{title}.png")),
            lens.picture("png").await?,
        )?;
        taken += 1;
        let is_kept = if is_english {
            is_wide_light || is_narrow_dark
        } else {
            is_wide_light && MAIN.contains(&name)
        };
        if let Some(kept) = kept.filter(|_| is_kept) {
            fs::write(
                kept.join(format!("{title}.webp")),
                lens.picture("webp").await?,
            )?;
        }
    }
    Ok(taken)
}
