//! Every page with sample values as text in `tests/snapshots`, so that a change of markup is seen where it is reviewed.
//!
//! `UPDATE_SNAPSHOTS=1 cargo test --test pages snapshots` writes them anew. The frame of all pages is a file of its own.

use super::{gallery, pages};
use authgate::pages::{Lang, script_href, stylesheet_href};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// One tag a line; without what changes with the content of other files.
fn normal(page: &str) -> String {
    let text = page
        .replace(&stylesheet_href(), "/static/dist/authgate.css")
        .replace(&script_href(), "/static/dist/authgate.js")
        .replace("><", ">\n<");
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.fold(String::new(), |text, line| text + line + "\n")
}

/// What all pages begin and end with, and what stands between.
fn parted(page: &str) -> (String, String) {
    let (head, rest) = page.split_once("<title>").expect("a title");
    let (title, rest) = rest.split_once(" - AuthGate</title>").expect("a title");
    let (top, rest) = rest.split_once("</a>").expect("the skip link");
    let (body, foot) = rest.rsplit_once("<footer class=\"foot\">").expect("a foot");
    let foot = foot.split_once("name=\"back\"").expect("the way back").0;
    let frame = format!("{head}<title>{top}</a>\n<footer class=\"foot\">{foot}");
    (normal(&frame), normal(&format!("{title}\n{body}")))
}

/// Name and text of each.
fn drawn() -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    let drawn = gallery::draw_all(&pages(), Lang::En).expect("every sample can be drawn");
    for (name, page) in drawn {
        let (frame, page) = parted(&page);
        let known = all.entry("frame".to_owned()).or_insert(frame.clone());
        assert_eq!(*known, frame, "{name} has another frame");
        all.insert(name, page);
    }
    all
}

#[test]
fn every_page_is_as_it_was_reviewed() {
    let room = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots");
    let drawn = drawn();
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        let _ = fs::remove_dir_all(&room);
        fs::create_dir_all(&room).expect("a directory");
        for (name, page) in &drawn {
            fs::write(room.join(format!("{name}.txt")), page).expect("written");
        }
    }
    let mut kept = BTreeMap::new();
    for entry in fs::read_dir(&room).expect("the snapshots") {
        let path = entry.expect("entry").path();
        let name = path.file_stem().and_then(|name| name.to_str());
        let text = fs::read_to_string(&path).expect("UTF-8");
        kept.insert(name.expect("a name").to_owned(), text);
    }
    let names = |all: &BTreeMap<String, String>| all.keys().cloned().collect::<Vec<_>>();
    let how = "look at it, then UPDATE_SNAPSHOTS=1 cargo test --test pages snapshots";
    assert_eq!(names(&kept), names(&drawn), "a page came or went: {how}");
    for (name, page) in &drawn {
        let is_same = kept[name] == *page;
        let first = kept[name].lines().zip(page.lines()).find(|(a, b)| a != b);
        assert!(is_same, "{name} changed at {first:?}: {how}");
    }
}
