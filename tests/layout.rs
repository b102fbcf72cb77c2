//! Every page at 1280, 1024 and 390 pixels in Chromium: nothing is cut off, nothing sticks out, every target can be
//! touched; with plausible values and with values of 200 letters without a blank.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that fails ends in a panic"
)]

#[path = "pages/account.rs"]
mod account;
#[path = "pages/gallery.rs"]
mod gallery;
#[path = "pages/lens.rs"]
mod lens;
#[path = "pages/samples.rs"]
mod samples;

use std::fs;
use std::path::Path;

use authgate::pages::{Lang, Pages, stylesheet_href};
use lens::{Lens, Window};

/// Looks at every page through every window. The scheme changes colours alone, so light is enough.
async fn look(lens: &Lens, room: &Path, pages: Vec<(String, String)>) -> Vec<String> {
    let mut found = Vec::new();
    for (name, page) in pages {
        let file = room.join(format!("{name}.html"));
        let page = page.replace(&stylesheet_href(), "authgate.css");
        fs::write(&file, page).expect("a file");
        lens.show(&file).await.expect("the page opens");
        for window in Window::all().filter(|window| !window.is_dark) {
            lens.through(window).await.expect("a window");
            let faults = lens.faults().await.expect("the page is looked at");
            let width = window.width;
            found.extend(
                faults
                    .into_iter()
                    .map(|fault| format!("{name} at {width}: {fault}")),
            );
        }
    }
    found
}

#[tokio::test]
async fn nothing_is_cut_off_at_any_width() {
    let room = tempfile::tempdir().expect("a directory");
    let sheet = concat!(env!("CARGO_MANIFEST_DIR"), "/static/authgate.css");
    fs::copy(sheet, room.path().join("authgate.css")).expect("the stylesheet");
    let pages = Pages::new().expect("templates compile");
    let mut drawn = Vec::new();
    for lang in Lang::ALL {
        for (name, page) in
            gallery::draw_everything(&pages, lang).expect("every sample can be drawn")
        {
            drawn.push((format!("{name}.{}", lang.tag()), page));
        }
    }
    let long = "W".repeat(200);
    for (name, page) in gallery::draw_stretched(&pages, Lang::En, &long).expect("drawn") {
        drawn.push((format!("{name}.long"), page));
    }
    let lens = Lens::open()
        .await
        .expect("Chromium: run the tests by `make test`");
    let found = look(&lens, room.path(), drawn).await;
    lens.close().await.expect("the browser ends");
    assert!(found.is_empty(), "{}:\n{}", found.len(), found.join("\n"));
}
