//! What others' tools say of every page: a validator of HTML, and a browser with a checker of accessibility.
//!
//! `tests/clients/pages` holds them; `scripts/clients` prepares them where Node.js is; the validator needs Java as well.

use super::{gallery, pages};
use authgate::pages::{Lang, asset, asset_paths};
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Past the capture of the test runner, so that nobody takes it for a pass.
fn say_skipped(why: &str) {
    let _ = writeln!(std::io::stderr(), "skipped: {why}");
}

/// The directory of the tools; says so when they are not there.
fn tools() -> Option<PathBuf> {
    let tools = std::env::var_os("TEST_PAGE_CHECKS").map(PathBuf::from);
    if tools.is_none() {
        say_skipped("TEST_PAGE_CHECKS is not set, scripts/clients found no Node.js");
    }
    tools
}

/// Whether there is a Java that runs the validator; says so when there is none.
fn has_java() -> bool {
    let version = Command::new("java").arg("-version").output();
    let runs = version.is_ok_and(|version| version.status.success());
    if !runs {
        say_skipped("there is no Java, so nobody tells whether the pages are valid HTML");
    }
    runs
}

/// Every page with sample values and every guide, in every language, and what they load.
fn laid_out() -> tempfile::TempDir {
    let room = tempfile::tempdir().expect("a directory");
    let pages = pages();
    for path in asset_paths() {
        let target = room.path().join(path.trim_start_matches('/'));
        fs::create_dir_all(target.parent().expect("a parent")).expect("a directory");
        fs::write(target, asset(&path).expect("a file").bytes).expect("written");
    }
    for lang in Lang::ALL {
        let drawn = gallery::draw_everything(&pages, lang).expect("every sample can be drawn");
        for (name, page) in drawn {
            let file = room.path().join(format!("{name}.{}.html", lang.tag()));
            fs::write(file, page).expect("written");
        }
    }
    room
}

/// Runs a tool; what it found.
fn findings(program: &str, arguments: &[&Path]) -> String {
    let output = Command::new(program).args(arguments).output();
    let output = output.expect("the tool runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (said, complaint) = (text(&output.stdout), text(&output.stderr));
    if output.status.success() {
        String::new()
    } else {
        format!("{said}{complaint}")
    }
}

#[test]
fn every_page_is_valid_html() {
    let Some(tools) = tools().filter(|_| has_java()) else {
        return;
    };
    let room = laid_out();
    let jar = tools.join("node_modules/vnu-jar/build/dist/vnu.jar");
    let strict: [&Path; 5] = [
        "-jar".as_ref(),
        &jar,
        "--Werror".as_ref(),
        "--skip-non-html".as_ref(),
        room.path(),
    ];
    let found = findings("java", &strict);
    assert!(found.is_empty(), "{found}");
    // The validator must be able to fail.
    let broken = room.path().join("login.en.html");
    let page = fs::read_to_string(&broken).expect("a page");
    fs::write(&broken, page.replace("</form>", "")).expect("written");
    assert!(!findings("java", &["-jar".as_ref(), &jar, &broken]).is_empty());
}

/// No finding of axe-core, no shift of the layout, nothing that sticks out, every control by keyboard; light and dark, at
/// 1280 and 390 px.
#[test]
fn every_page_can_be_used_by_everybody() {
    let Some(tools) = tools() else { return };
    let room = laid_out();
    let found = findings("node", &[&tools.join("look.mjs"), room.path()]);
    assert!(found.is_empty(), "{found}");
}
