//! Every page, drawn: with plausible values, with hostile values; and what no template may ever contain.
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
#[path = "pages/looked_at.rs"]
mod looked_at;
#[path = "pages/samples.rs"]
mod samples;
#[path = "pages/snapshots.rs"]
mod snapshots;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use authgate::domain::{end_session::EndRefusal, trace::Check};
use authgate::pages::{
    ApiPage, AuditPage, AuthorizationsPage, BrowsersPage, ComponentsPage, ConfirmPage, ConsentPage,
    DeviceConfirmPage, DeviceDonePage, DeviceMessage, DevicePage, EndSessionPage, ErrorPage,
    ExplainPage, GuidePage, Lang, LoginMessage, LoginPage, LogoutPage, Look, OwnPasswordPage,
    Pages, Place, ProfilePage, ProviderButton, ScopeLine, Shell, SignInsPage, Theme, TokensPage,
    TooManyRequestsPage, View, When, Words, asset, focus_first_fault, script_href, stylesheet_href,
};

const HOSTILE: &str =
    r#""><script>alert(1)</script><img src=x onerror='alert(2)' style="a">{{csrf_token}}&`="#;

fn pages() -> Pages {
    Pages::new().expect("templates compile")
}

fn drawn(name: &str) -> String {
    let all = gallery::draw_all(&pages(), Lang::En).expect("every sample can be drawn");
    let (_, page) = all.into_iter().find(|(n, _)| n == name).expect(name);
    page
}

/// Path under `templates/` without the extension, and the source.
fn templates() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates");
    let mut found = Vec::new();
    for room in fs::read_dir(&root).expect("templates") {
        let room = room.expect("entry").path();
        for file in fs::read_dir(&room).expect("room") {
            let path = file.expect("entry").path();
            let name = path.strip_prefix(&root).expect("below").with_extension("");
            let source = fs::read_to_string(&path).expect("UTF-8");
            found.push((name.to_str().expect("ASCII").to_owned(), source));
        }
    }
    assert!(found.len() > 15, "the templates were found");
    found
}

/// The controls that a form sends, in order: `name` or `name=value` for fixed values.
fn controls(page: &str, action: &str) -> Vec<String> {
    let open = format!(r#"<form method="post" action="{action}""#);
    let start = page.find(&open).expect("the form exists");
    let form = page[start..].split("</form>").next().expect("form");
    form.split('<')
        .filter(|tag| tag.starts_with("input") || tag.starts_with("button"))
        .filter_map(|tag| attribute(tag, "name").map(|name| (tag, name)))
        .map(|(tag, name)| {
            let kind = attribute(tag, "type").expect("every control has a type");
            match attribute(tag, "value") {
                Some(value) if kind == "submit" || name == "confirmed" || kind == "checkbox" => {
                    format!("{kind} {name}={value}")
                }
                _ => format!("{kind} {name}"),
            }
        })
        .collect()
}

fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
    rest.split('"').next()
}

#[test]
fn every_template_of_a_page_has_a_view_and_every_view_a_template() {
    let views = BTreeSet::from([
        LoginPage::TEMPLATE,
        LogoutPage::TEMPLATE,
        OwnPasswordPage::TEMPLATE,
        DevicePage::TEMPLATE,
        DeviceConfirmPage::TEMPLATE,
        DeviceDonePage::TEMPLATE,
        ErrorPage::TEMPLATE,
        TooManyRequestsPage::TEMPLATE,
        SignInsPage::TEMPLATE,
        TokensPage::TEMPLATE,
        BrowsersPage::TEMPLATE,
        AuthorizationsPage::TEMPLATE,
        ProfilePage::TEMPLATE,
        ConfirmPage::TEMPLATE,
        ComponentsPage::TEMPLATE,
        ConsentPage::TEMPLATE,
        EndSessionPage::TEMPLATE,
        ExplainPage::TEMPLATE,
        AuditPage::TEMPLATE,
        GuidePage::TEMPLATE,
        ApiPage::TEMPLATE,
        "clients/list",
        "clients/form",
        "clients/detail",
        "clients/secret",
        "clients/regenerate",
        "clients/approve",
        "clients/reject",
        "clients/authorizations",
        "clients/owner",
        "users/list",
        "users/form",
        "users/detail",
        "users/password",
        "users/connections",
        "users/authorizations",
        "users/browsers",
        "admin/dashboard",
        "admin/tokens",
        "admin/keys",
        "admin/work",
    ]);
    let files = templates();
    let files: BTreeSet<&str> = files
        .iter()
        .map(|(name, _)| name.as_str())
        .filter(|name| !name.starts_with("layouts/") && !name.starts_with("partials/"))
        .collect();
    assert_eq!(files, views);
}

#[test]
fn every_partial_is_used_and_every_used_partial_exists() {
    let files = templates();
    let exist: BTreeSet<&str> = files
        .iter()
        .map(|(name, _)| name.as_str())
        .filter(|name| name.starts_with("partials/"))
        .collect();
    let used: BTreeSet<&str> = files
        .iter()
        .flat_map(|(_, source)| source.split("> partials/").skip(1))
        .filter_map(|rest| rest.split([' ', '}']).next())
        .collect();
    let exist: BTreeSet<&str> = exist
        .iter()
        .filter_map(|name| name.strip_prefix("partials/"))
        .collect();
    assert_eq!(used, exist);
}

#[test]
fn no_template_carries_scripts_styles_raw_values_or_foreign_addresses() {
    for (name, source) in templates() {
        let lower = source.to_lowercase();
        for banned in [
            "{{{",
            "{{&",
            "<script>",
            "<style",
            "<iframe",
            "<base",
            " style=",
            "http:",
            "https:",
            "javascript:",
            "=\"//",
        ] {
            assert!(!lower.contains(banned), "{name} contains {banned}");
        }
        let handler = lower.match_indices(" on").find(|(at, _)| {
            let word = lower[at + 1..]
                .split(|c: char| !c.is_ascii_alphabetic())
                .next();
            word.is_some_and(|w| lower[at + 1 + w.len()..].trim_start().starts_with('='))
        });
        assert_eq!(handler, None, "{name} has an event handler");
        assert!(
            !source.contains(['\u{1}', '\u{2}', '\u{4}']),
            "{name} has a cut mark"
        );
    }
}

#[test]
fn every_page_is_one_whole_document_with_the_frame() {
    let pages = pages();
    let drawn = |lang| gallery::draw_all(&pages, lang).expect("every sample can be drawn");
    let all = Lang::ALL.into_iter().flat_map(|lang| {
        drawn(lang)
            .into_iter()
            .map(move |(n, page)| (lang, n, page))
    });
    for (lang, name, page) in all {
        let start = format!("<!doctype html>\n<html lang=\"{}\">", lang.tag());
        assert!(page.starts_with(&start), "{name}");
        let script = format!(r#"<script src="{}" defer></script>"#, script_href());
        assert!(page.contains(&script), "{name}");
        assert_eq!(page.matches("<script").count(), 1, "{name}");
        assert!(page.trim_end().ends_with("</html>"), "{name}");
        assert!(page.contains(" - AuthGate</title>"), "{name}");
        assert!(
            page.contains(&format!(
                r#"<link rel="stylesheet" href="{}">"#,
                stylesheet_href()
            )),
            "{name}"
        );
        assert!(
            page.contains(r##"<a class="skip" href="#main">"##),
            "{name}"
        );
        for once in [
            "<main id=\"main\"",
            "<h1 ",
            "<title>",
            "name=\"viewport\"",
            "name=\"color-scheme\"",
        ] {
            assert_eq!(page.matches(once).count(), 1, "{name}: {once}");
        }
        assert!(!page.contains(['\u{1}', '\u{2}', '\u{4}']), "{name}");
        assert!(!page.contains("{{"), "{name}");
        assert_ids_are_unique_and_references_resolve(&name, &page);
    }
}

fn assert_ids_are_unique_and_references_resolve(name: &str, page: &str) {
    let ids: Vec<&str> = page
        .split('<')
        .filter_map(|tag| attribute(tag, "id"))
        .collect();
    let unique: BTreeSet<&str> = ids.iter().copied().collect();
    assert_eq!(unique.len(), ids.len(), "{name}: {ids:?}");
    for tag in page.split('<') {
        for reference in ["for", "aria-describedby", "aria-labelledby"] {
            for id in attribute(tag, reference)
                .into_iter()
                .flat_map(str::split_whitespace)
            {
                assert!(unique.contains(id), "{name}: {reference} {id}");
            }
        }
    }
}

/// Every `.rs` and `.hbs` file that may name a phrase.
fn sources() -> Vec<String> {
    fn walk(directory: &Path, found: &mut Vec<String>) {
        for entry in fs::read_dir(directory).expect("a directory") {
            let path = entry.expect("entry").path();
            if path.is_dir() {
                walk(&path, found);
            } else {
                found.push(fs::read_to_string(&path).unwrap_or_default());
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    for room in ["src", "templates", "tests/pages"] {
        walk(&root.join(room), &mut found);
    }
    found
}

#[test]
fn every_language_has_every_phrase() {
    let pages = pages();
    let english: BTreeSet<&str> = pages.phrases(Lang::En).collect();
    assert!(english.len() > 100, "{}", english.len());
    for lang in Lang::ALL {
        let keys: BTreeSet<&str> = pages.phrases(lang).collect();
        let missing: Vec<_> = english.difference(&keys).collect();
        let extra: Vec<_> = keys.difference(&english).collect();
        assert!(
            missing.is_empty() && extra.is_empty(),
            "{lang:?} lacks {missing:?}, has more {extra:?}"
        );
        for key in keys {
            let phrase = |lang| pages.phrase(lang, key).expect("there");
            assert!(!phrase(lang).trim().is_empty(), "{lang:?} {key} is empty");
            assert_eq!(
                slots(phrase(lang)),
                slots(phrase(Lang::En)),
                "{lang:?} {key}"
            );
        }
    }
}

/// Names that the trail stores are shown as words: a new one needs a phrase.
#[test]
fn every_name_of_the_trail_has_a_phrase() {
    let source = include_str!("../src/domain/audit/events.rs");
    let (mut names, mut of) = (0, "");
    for line in source.lines() {
        let kind = ["Severity", "ResourceType", "EventType"]
            .into_iter()
            .find(|kind| line == format!("impl {kind} {{"));
        of = match kind {
            Some("Severity") => "severities",
            Some("ResourceType") => "resources",
            Some(_) => "events",
            None => of,
        };
        let Some((_, name)) = line.trim().trim_end_matches(',').split_once(" => \"") else {
            continue;
        };
        let key = format!("audit.{of}.{}", name.trim_end_matches('"'));
        for lang in Lang::ALL {
            assert!(pages().phrase(lang, &key).is_some(), "{lang:?} {key}");
        }
        names += 1;
    }
    assert!(names > 50, "{names}");
}

/// What a fragment shows: its expressions and its tags.
fn slots(fragment: &str) -> BTreeSet<&str> {
    let expressions = fragment
        .split("{{")
        .skip(1)
        .filter_map(|rest| rest.split("}}").next());
    let tags = fragment
        .split('<')
        .skip(1)
        .filter_map(|rest| rest.split(['>', ' ']).next());
    expressions.chain(tags).collect()
}

/// Whoever is refused reads why in their own language.
#[test]
fn every_refusal_has_its_reason_in_each_language() {
    let pages = pages();
    let checks = Check::ALL.map(Check::as_str);
    let endings = EndRefusal::ALL.map(EndRefusal::as_str);
    for reason in checks.into_iter().chain(endings) {
        for lang in Lang::ALL {
            let page = ErrorPage::refused(reason, "as the protocol says it");
            let page = pages.render(lang, &page).expect(reason);
            let phrase = pages
                .phrase(lang, &format!("errors.why.{reason}"))
                .expect(reason);
            assert!(page.contains(phrase), "{lang:?} {reason}");
            assert!(
                page.contains("lang=\"en\">as the protocol says it<"),
                "{reason}"
            );
        }
    }
}

/// A theme that was chosen stands on the document, so that the first paint has its colours; the system's leaves it to the
/// stylesheet.
#[test]
fn a_chosen_theme_stands_on_the_document() {
    for look in Look::all() {
        let page = pages().render(look, &samples::login()).expect("drawn");
        let head = page.split("<title>").next().expect("a head");
        let (mark, schemes, grounds) = match look.theme {
            Theme::System => ("\">", "light dark", 2),
            Theme::Light => ("\" data-theme=\"light\">", "light", 1),
            Theme::Dark => ("\" data-theme=\"dark\">", "dark", 1),
        };
        assert!(
            head.contains(&format!("<html lang=\"{}{mark}", look.lang.tag())),
            "{head}"
        );
        assert!(
            head.contains(&format!("name=\"color-scheme\" content=\"{schemes}\"")),
            "{head}"
        );
        assert_eq!(
            head.matches("name=\"theme-color\"").count(),
            grounds,
            "{head}"
        );
        let pressed = format!("value=\"{}\" aria-pressed=\"true\"", look.theme.name());
        assert!(page.contains(&pressed), "{look:?}");
        assert_eq!(page.matches("formaction=\"/theme\"").count(), 3, "{look:?}");
    }
}

/// A phrase is used when its key stands in quotes, or a key that ends in a dot before it (`"audit.event."`), or, for
/// counts, the key without its form. Messages of outcomes are named by the query codes of redirects.
#[test]
fn every_phrase_is_used() {
    let all = sources().join("\n");
    for key in pages().phrases(Lang::En) {
        let dots = key.match_indices('.').map(|(at, _)| &key[..=at]).skip(1);
        let count = key.strip_suffix(".one").or(key.strip_suffix(".other"));
        let outcome = ["success", "warning", "error"]
            .into_iter()
            .find_map(|kind| {
                let (_, code) = key.split_once(&format!(".{kind}."))?;
                Some(format!("{kind}={code}"))
            });
        let error = key
            .strip_prefix("errors.")
            .and_then(|rest| rest.split('.').next());
        let is_used = [format!("\"{key}\""), format!("\"t:{key}\"")]
            .into_iter()
            .chain(dots.map(|prefix| format!("\"{prefix}")))
            .chain(count.map(|count| format!("\"{count}\"")))
            .chain(error.map(|name| format!("\"{name}\"")))
            .any(|quoted| all.contains(&quoted))
            || outcome.is_some_and(|code| all.contains(&code));
        assert!(is_used, "nothing says {key}");
    }
}

/// What the program says by key is there: a quoted text that begins with the name of an area is a key.
#[test]
fn every_named_phrase_exists() {
    let pages = pages();
    let keys: BTreeSet<&str> = pages.phrases(Lang::En).collect();
    let areas: BTreeSet<&str> = keys
        .iter()
        .filter_map(|key| key.split('.').next())
        .collect();
    let mut checked = 0;
    for source in sources() {
        for call in ["Words::of(\"", "Words::count(\"", "Badge::new(Tone::"] {
            for rest in source.split(call).skip(1) {
                let quoted = if call.starts_with("Badge") {
                    rest.split('"').nth(1)
                } else {
                    rest.split('"').next()
                };
                let key = quoted.unwrap_or_default();
                let Some((area, _)) = key.split_once('.') else {
                    continue;
                };
                assert!(areas.contains(area), "{key} is of no area");
                let counted = [".one", ".other"].map(|form| format!("{key}{form}"));
                let exists =
                    keys.contains(key) || counted.iter().all(|key| keys.contains(key.as_str()));
                assert!(exists, "no language file has {key}");
                checked += 1;
            }
        }
    }
    assert!(checked > 20, "{checked}");
}

#[test]
fn titles_and_strings_for_partials_are_plain_words() {
    let pages = pages();
    let mut plain: BTreeSet<String> = BTreeSet::new();
    for source in sources() {
        for rest in source.split("\"t:").skip(1) {
            plain.insert(rest.split('"').next().expect("a key").to_owned());
        }
        plain.retain(|key| pages.phrase(Lang::En, key).is_some());
        for rest in source.split("const TITLE: &'static str = \"").skip(1) {
            plain.insert(rest.split('"').next().expect("a key").to_owned());
        }
    }
    assert!(plain.len() > 8, "{plain:?}");
    for key in plain {
        for lang in Lang::ALL {
            let phrase = pages.phrase(lang, &key).expect(&key);
            assert!(
                !phrase.contains(['<', '>', '&', '"', '\'', '{']),
                "{key}: {phrase}"
            );
        }
    }
}

/// Each class that a template writes is seen on the page of components, so that one page shows the whole design.
#[test]
fn the_components_page_shows_every_component() {
    // The frame of guides stands around a whole page; every guide shows it.
    const FRAME: [&str; 6] = [
        "docs",
        "docs-jump",
        "docs-nav",
        "docs-nav-title",
        "docs-turn",
        "prose",
    ];
    let page = drawn("components");
    let shown: BTreeSet<&str> = page
        .split('<')
        .filter_map(|tag| attribute(tag, "class"))
        .flat_map(str::split_whitespace)
        .chain(FRAME)
        .collect();
    for (name, source) in templates() {
        let mut bare = String::new();
        let mut rest = source.as_str();
        while let Some((before, from)) = rest.split_once("{{") {
            bare.push_str(before);
            bare.push(' ');
            rest = from.split_once("}}").map_or("", |(_, after)| after);
        }
        bare.push_str(rest);
        for tag in bare.split('<') {
            for class in attribute(tag, "class")
                .unwrap_or_default()
                .split_whitespace()
            {
                assert!(
                    shown.contains(class),
                    "{name}: .{class} is not among the components"
                );
            }
        }
    }
}

/// Words belong into the language files. What is left between the tags of a template is names and marks.
#[test]
fn templates_hold_no_words() {
    const NAMES: [&str; 3] = ["AuthGate", "XXXX-XXXX", "UTC"];
    for (name, source) in templates() {
        let mut text = String::new();
        let mut rest = source.as_str();
        // Expressions first, because they may hold angle brackets; then tags, of which some attributes speak.
        let mut bare = String::new();
        while let Some((before, from)) = rest.split_once("{{") {
            bare.push_str(before);
            rest = from.split_once("}}").map_or("", |(_, after)| after);
        }
        bare.push_str(rest);
        for piece in bare.split('<') {
            let (tag, after) = piece.split_once('>').unwrap_or(("", piece));
            for spoken in ["aria-label", "title", "alt", "placeholder"] {
                text.push_str(attribute(&format!("{tag} "), spoken).unwrap_or_default());
                text.push(' ');
            }
            text.push_str(after);
            text.push(' ');
        }
        for word in NAMES {
            text = text.replace(word, "");
        }
        let left: String = text.chars().filter(|c| c.is_alphabetic()).collect();
        let left = left.replace('\u{1}', "");
        assert!(left.is_empty(), "{name} says {left:?}; move it to locales/");
    }
}

#[test]
fn times_are_exact_for_machines_and_near_for_people() {
    use time::macros::datetime;
    let now = datetime!(2026-11-24 14:30:00 UTC);
    for (at, key, n) in [
        (datetime!(2026-11-24 14:29:57 UTC), "time.now", None),
        (
            datetime!(2026-11-24 14:29:20 UTC),
            "time.seconds_ago.other",
            Some("40"),
        ),
        (
            datetime!(2026-11-24 14:28:00 UTC),
            "time.minutes_ago.other",
            Some("2"),
        ),
        (
            datetime!(2026-11-24 12:30:00 UTC),
            "time.hours_ago.other",
            Some("2"),
        ),
        (
            datetime!(2026-11-22 14:30:00 UTC),
            "time.days_ago.other",
            Some("2"),
        ),
        (
            datetime!(2026-08-20 14:30:00 UTC),
            "time.months_ago.other",
            Some("3"),
        ),
        (
            datetime!(2023-11-24 14:30:00 UTC),
            "time.years_ago.other",
            Some("3"),
        ),
        (
            datetime!(2026-11-24 15:45:00 UTC),
            "time.in_minutes.other",
            Some("75"),
        ),
        (
            datetime!(2026-11-24 14:31:31 UTC),
            "time.in_minutes.one",
            Some("1"),
        ),
    ] {
        let mut words = Words::of(key);
        if let Some(n) = n {
            words = words.with("n", n);
        }
        let drawn = serde_json::to_value(When::new(at, now)).expect("JSON");
        let expected = serde_json::to_value(words).expect("JSON");
        assert_eq!(drawn["away"], expected, "{at}");
    }
    let drawn =
        serde_json::to_value(When::new(datetime!(2026-11-24 01:02:03.5 +8), now)).expect("JSON");
    assert_eq!(drawn["iso"], "2026-11-23T17:02:03Z");
    assert_eq!(drawn["utc"], "2026-11-23 17:02 UTC");
}

#[test]
fn the_sign_in_form_sends_exactly_its_fields() {
    const LOGIN: &str = "/login?redirect&#x3D;%2Fdevice%3Fuser_code%3DWDJB-MJHT";
    assert_eq!(
        controls(&drawn("login"), LOGIN),
        [
            "hidden redirect",
            "hidden csrf_token",
            "text username",
            "password password",
            "checkbox remember_me=1",
        ]
    );
    let without = LoginPage {
        remember_me_days: None,
        ..samples::login()
    };
    let page = pages().render(Lang::En, &without).expect("login");
    assert_eq!(controls(&page, LOGIN).len(), 4);
    let page = drawn("login_refused");
    assert!(page.contains(r#"autocomplete="username""#));
    assert!(page.contains(r#"autocomplete="current-password""#));
    assert!(page.contains(r#"name="username" type="text" value="maria.lindqvist""#));
    assert!(page.contains(r#"name="password" type="password" value="""#));
}

#[test]
fn focus_starts_in_the_first_empty_field_of_the_sign_in_form() {
    for (page, field) in [("login", "username"), ("login_refused", "password")] {
        let page = drawn(page);
        let focused: Vec<&str> = page
            .split('<')
            .filter(|tag| tag.contains(" autofocus"))
            .filter_map(|tag| attribute(tag, "name"))
            .collect();
        assert_eq!(focused, [field]);
    }
}

#[test]
fn focus_starts_in_the_first_field_that_is_wrong() {
    let wrong =
        r#"<input id="a"><input id="b" aria-invalid="true"><input id="c" aria-invalid="true">"#;
    let focused = focus_first_fault(wrong.to_owned());
    assert_eq!(focused.matches(" autofocus").count(), 1);
    assert!(focused.contains(r#"<input id="b" autofocus aria-invalid="true">"#));
    // A page that says where to begin is left alone, and so is one without a fault.
    for settled in [
        r#"<input aria-invalid="true"><input autofocus>"#,
        "<p>Nothing is wrong.</p>",
    ] {
        assert_eq!(focus_first_fault(settled.to_owned()), settled);
    }
}

#[test]
fn the_device_forms_send_exactly_their_fields() {
    const VERIFY: &str = "/device/verify?sealed&#x3D;v1.6kVw0y3nLZ4t";
    assert_eq!(
        controls(&drawn("device"), "/device/verify"),
        ["hidden csrf_token", "text user_code"]
    );
    for page in [
        "device_confirm",
        "device_confirm_unverified",
        "device_confirm_bare",
    ] {
        let page = drawn(page);
        assert_eq!(
            controls(&page, VERIFY),
            [
                "hidden user_code",
                "hidden confirmed=true",
                "hidden csrf_token",
                "submit action=deny",
                "submit action=approve",
            ]
        );
        assert_eq!(page.matches(r#"action="/device/verify"#).count(), 1);
        assert!(page.contains(r#"<p class="code">WDJB-MJHT</p>"#));
        assert!(page.contains("Did somebody send you this code?"));
    }
}

/// AZ-12, and the names that the form has always sent.
#[test]
fn consent_page() {
    let page = drawn("consent_unverified");
    for said in [
        "Fleet Deploy Assistant",
        "Unverified app",
        "Maria Lindqvist",
        "See your name and username <code>profile</code>",
        "<li><code>orders:refund</code></li>",
        "https://orders.example.com/api",
        "com.example.deploy:",
        "10 hours",
        "Use another account",
    ] {
        assert!(page.contains(said), "{said}");
    }
    let page = drawn("consent");
    assert!(page.contains("30 days") && page.contains("wiki.example.com"));
    assert!(!page.contains("Unverified app"));
    assert_eq!(
        controls(&page, "/oauth/authorize"),
        [
            "hidden csrf_token",
            "hidden client_id",
            "hidden redirect_uri",
            "hidden scope",
            "hidden state",
            "hidden nonce",
            "hidden code_challenge",
            "hidden code_challenge_method",
            "hidden sealed",
            "submit action=deny",
            "submit action=approve",
        ]
    );
    assert_eq!(
        controls(&drawn("end_session"), "/oauth/end_session"),
        ["hidden csrf_token", "hidden sealed"]
    );
}

#[test]
fn signing_out_is_a_form_on_every_signed_in_page() {
    for page in [
        "logout",
        "device",
        "device_confirm",
        "account_tokens",
        "confirm",
    ] {
        assert_eq!(
            controls(&drawn(page), "/logout"),
            ["hidden csrf_token"],
            "{page}"
        );
    }
}

#[test]
fn the_confirm_page_tells_who_asks_for_what_from_where() {
    let page = drawn("device_confirm_unverified");
    for said in [
        "Fleet Deploy Assistant",
        "Unverified app",
        "See your name and username <code>profile</code>",
        "Create and change data on your behalf <code>write</code>",
        "<li><code>orders:refund</code></li>",
        "https://orders.example.com/api",
        "https://billing.example.com/",
        "203.0.113.24",
        "authgate-cli/2.4.1 (linux; x86_64)",
        "6 minutes ago",
        "2026-11-24 14:23 UTC",
        "Maria Lindqvist",
    ] {
        assert!(page.contains(said), "{said}");
    }
    assert!(!drawn("device_confirm").contains("Unverified app"));
    let bare = drawn("device_confirm_bare");
    assert!(bare.contains("It names no permission"));
    assert!(!bare.contains("<dt>Address</dt>") && !bare.contains("<dt>Program</dt>"));
}

#[test]
fn each_message_has_its_own_words_and_a_role() {
    let pages = pages();
    let mut seen = BTreeSet::new();
    for message in [
        LoginMessage::SessionTimeout,
        LoginMessage::SessionInvalid,
        LoginMessage::BadCredentials,
        LoginMessage::Unavailable,
        LoginMessage::TooManyAttempts { retry_after_s: 42 },
        LoginMessage::SignedOut,
        LoginMessage::PasswordShown,
    ] {
        let view = LoginPage {
            message: Some(message),
            ..samples::login()
        };
        seen.insert(alert(&pages.render(Lang::En, &view).expect("login")));
    }
    for message in [
        DeviceMessage::MissingCode,
        DeviceMessage::UnknownCode,
        DeviceMessage::Expired,
        DeviceMessage::AlreadyUsed,
        DeviceMessage::ClientInactive,
        DeviceMessage::TooManyMisses,
        DeviceMessage::TooManyToday,
        DeviceMessage::SignInAgain,
    ] {
        let view = DevicePage {
            message: Some(message),
            ..samples::device()
        };
        seen.insert(alert(&pages.render(Lang::En, &view).expect("device")));
    }
    assert_eq!(seen.len(), 15);
    assert!(
        seen.iter()
            .any(|words| words.contains("Try again in 42 seconds."))
    );
}

fn alert(page: &str) -> String {
    let (_, rest) = page.split_once(r#"id="message">"#).expect("an alert");
    let (_, rest) = rest.split_once("<p>").expect("its words");
    rest.split("</p>").next().expect("its end").to_owned()
}

#[test]
fn only_wrong_input_marks_the_fields() {
    for (page, fields) in [
        ("login", 0),
        ("login_refused", 2),
        ("login_providers", 0),
        ("device", 0),
        ("device_refused", 1),
    ] {
        assert_eq!(
            drawn(page).matches(r#"aria-invalid="true""#).count(),
            fields,
            "{page}"
        );
    }
}

#[test]
fn hostile_text_stays_text_in_every_field() {
    let h = || String::from(HOSTILE);
    let line = ScopeLine {
        name: h(),
        words: Some(Words::from(format!("words {HOSTILE}"))),
    };
    let button = ProviderButton {
        label: h(),
        href: format!("/{HOSTILE}"),
    };
    let shell = || Shell {
        name: h(),
        csrf_token: h(),
        ..samples::shell(Place::Account)
    };
    let pages = pages();
    let login = LoginPage {
        action: format!("/{HOSTILE}"),
        redirect: h(),
        username: h(),
        csrf_token: h(),
        message: None,
        remember_me_days: None,
        providers: vec![button],
    };
    let device = DevicePage {
        user_code: h(),
        message: None,
        sign_in: None,
        shell: shell(),
    };
    let confirm = DeviceConfirmPage {
        user_code: h(),
        client_name: h(),
        client_verified: false,
        scopes: vec![line, ScopeLine::of(HOSTILE)],
        resources: vec![h()],
        requester_ip: Some(h()),
        requester_user_agent: Some(h()),
        requested: samples::ago(5),
        action: format!("/{HOSTILE}"),
        other_account: format!("/{HOSTILE}"),
        shell: shell(),
    };
    let error = ErrorPage {
        status: 400,
        title: h().into(),
        message: h().into(),
        said: Some(h()),
        report_id: Some(h()),
        signed_in: false,
        shell: Some(shell()),
    };
    // The figure is how often the page shows a hostile value: all of them are there, none is dropped.
    for (page, times) in [
        (pages.render(Lang::En, &login), 6),
        (
            pages.render(
                Lang::En,
                &LogoutPage {
                    csrf_token: h(),
                    username: h(),
                },
            ),
            2,
        ),
        (pages.render(Lang::En, &device), 4),
        (pages.render(Lang::En, &confirm), 15),
        (
            pages.render(
                Lang::En,
                &DeviceDonePage {
                    client_name: h(),
                    approved: true,
                    shell: shell(),
                },
            ),
            3,
        ),
        (
            pages.render(
                Lang::En,
                &DeviceDonePage {
                    client_name: h(),
                    approved: false,
                    shell: shell(),
                },
            ),
            3,
        ),
        (pages.render(Lang::En, &error), 6),
    ] {
        let page = page.expect("hostile values are only values");
        let title = page
            .split("<title>")
            .nth(1)
            .and_then(|rest| rest.split('<').next());
        assert!(
            !page.contains("<script>") && !page.contains("<img") && !page.contains("onerror='"),
            "{title:?}"
        );
        assert!(
            page.contains("{{csrf_token}}"),
            "{title:?}: values are not templates"
        );
        assert_eq!(
            page.matches("&lt;script&gt;alert(1)&lt;/script&gt;")
                .count(),
            times,
            "{title:?}"
        );
    }
}

/// Every text of every view at once, whatever it stands for: nothing of it becomes markup or a template, anywhere.
#[test]
fn xss_corpus_in_every_field() {
    for corpus in [
        HOSTILE,
        "'><svg/onload=alert(1)>",
        "javascript:alert(1)",
        "</title></textarea></script><script>alert(1)</script>",
        "\u{202e}<b>{{say this}}{{{raw}}}</b>",
    ] {
        let pages = pages();
        for lang in Lang::ALL {
            for (name, page) in gallery::draw_poisoned(&pages, lang, corpus).expect("drawn") {
                for markup in [
                    "<script>",
                    "<svg/",
                    "<img",
                    "<b>",
                    "</textarea></script>",
                    "onerror='",
                ] {
                    assert!(!page.contains(markup), "{name}: {markup}");
                }
                assert_eq!(page.matches("</title>").count(), 1, "{name}");
                assert_eq!(page.matches("<script").count(), 1, "{name}");
            }
        }
    }
}

#[test]
fn a_provider_link_never_leaves_this_host() {
    let view = LoginPage {
        providers: vec![ProviderButton {
            label: "Evil".into(),
            href: "javascript:alert(1)".into(),
        }],
        ..samples::login()
    };
    let page = pages().render(Lang::En, &view).expect("login");
    assert!(!page.contains("javascript:"));
    assert!(page.contains(r#"<a class="button quiet wide" href="/">Sign in with Evil</a>"#));
}

#[test]
fn a_long_user_agent_cannot_push_the_buttons_away() {
    let view = DeviceConfirmPage {
        requester_user_agent: Some("x".repeat(8_000)),
        ..samples::device_confirm()
    };
    let page = pages().render(Lang::En, &view).expect("confirm");
    assert!(page.contains(&format!("{}…", "x".repeat(160))));
    assert!(!page.contains(&"x".repeat(161)));
}

#[test]
fn the_way_out_of_an_error_depends_on_who_reads_it() {
    assert!(drawn("error").contains(r#"href="/account/sessions">Go to your account"#));
    assert!(drawn("error").contains("<code>7f3c9a1e5b20</code>"));
    assert!(drawn("error_signed_out").contains(r#"href="/login">Go to sign-in"#));
    assert!(!drawn("error_signed_out").contains("<code>"));
    assert!(drawn("too_many_requests").contains("<strong>42 seconds</strong>"));
}

#[test]
fn static_files_are_found_by_their_exact_path_only() {
    let href = stylesheet_href();
    let hash = href
        .strip_prefix("/static/dist/authgate-")
        .and_then(|rest| rest.strip_suffix(".css"))
        .expect("a hashed path");
    assert!(
        hash.len() == 8 && hash.bytes().all(|b| b.is_ascii_hexdigit()),
        "{hash}"
    );
    let sheet = asset(&href).expect("the stylesheet");
    assert_eq!(sheet.content_type, "text/css; charset=utf-8");
    assert!(sheet.immutable);
    assert_eq!(
        sheet.bytes,
        include_bytes!("../static/authgate.css").as_slice()
    );
    let icon = asset("/favicon.ico").expect("the favicon");
    assert_eq!((icon.content_type, icon.immutable), ("image/x-icon", false));
    assert!(icon.bytes.starts_with(&[0, 0, 1, 0]));
    let mark = asset("/static/mark.svg").expect("the mark");
    assert_eq!(
        (mark.content_type, mark.immutable),
        ("image/svg+xml", false)
    );
    for unknown in [
        "",
        "/",
        "/static/",
        "/static/dist/",
        "/static/dist/authgate-00000000.css",
        "/static/authgate.css",
        "/static/authgate.js",
        "/static/favicon.ico",
        "/static/../Cargo.toml",
        "/static/dist/../mark.svg",
        "favicon.ico",
    ] {
        assert_eq!(asset(unknown), None, "{unknown:?}");
    }
}

#[test]
fn the_stylesheet_asks_no_other_host_and_knows_every_class() {
    let css = include_str!("../static/authgate.css");
    for banned in ["http:", "https:", "@import", "url("] {
        assert!(!css.contains(banned), "{banned}");
    }
    let mut checked = 0;
    for (name, page) in gallery::draw_all(&pages(), Lang::En).expect("drawn") {
        for class in page
            .split('<')
            .filter_map(|tag| attribute(tag, "class"))
            .flat_map(str::split_whitespace)
        {
            let known = css.match_indices(&format!(".{class}")).any(|(at, found)| {
                let next = css[at + found.len()..].chars().next();
                next.is_some_and(|c| !c.is_ascii_alphanumeric() && c != '-')
            });
            assert!(known, "{name} uses .{class}");
            checked += 1;
        }
    }
    assert!(checked > 200, "{checked}");
}

#[test]
fn text_and_controls_have_enough_contrast_in_both_schemes() {
    let css = include_str!("../static/authgate.css");
    let scheme = |of: &str| {
        let (_, rest) = css.split_once(&format!("{of} {{")).expect(of);
        rest.split('}').next().expect("its end")
    };
    let dark = scheme(":root:not([data-theme=\"light\"])");
    let chosen = scheme("\n:root[data-theme=\"dark\"]");
    let tokens = |block: &'static str| {
        block
            .lines()
            .map(str::trim)
            .filter(|line| line.starts_with("--"))
    };
    assert!(
        tokens(dark).eq(tokens(chosen)),
        "dark is dark, chosen or not"
    );
    let schemes = [scheme("\n:root"), dark];
    for (scheme, tokens) in schemes.iter().enumerate() {
        // WCAG 2.2: 4.5 for text, 3 for the edges of controls.
        for (fore, back, least) in [
            ("ink", "paper", 4.5),
            ("ink", "surface", 4.5),
            ("ink", "sunken", 4.5),
            ("ink-soft", "paper", 4.5),
            ("ink-soft", "surface", 4.5),
            ("ink-soft", "sunken", 4.5),
            ("accent", "paper", 4.5),
            ("accent", "surface", 4.5),
            ("on-accent", "accent", 4.5),
            ("on-accent", "accent-hover", 4.5),
            ("danger", "danger-soft", 4.5),
            ("warning", "warning-soft", 4.5),
            ("success", "success-soft", 4.5),
            ("info", "info-soft", 4.5),
            ("on-danger", "danger", 4.5),
            ("on-danger", "danger-hover", 4.5),
            ("danger", "surface", 4.5),
            ("line-strong", "surface", 3.0),
        ] {
            let ratio = contrast(token(tokens, fore), token(tokens, back));
            assert!(
                ratio >= least,
                "scheme {scheme}: {fore} on {back} is {ratio:.2}"
            );
        }
    }
}

fn token(tokens: &str, name: &str) -> u32 {
    let (_, rest) = tokens.split_once(&format!("--{name}: #")).expect(name);
    u32::from_str_radix(&rest[..6], 16).expect(name)
}

/// WCAG 2.2, relative luminance and contrast ratio.
fn contrast(a: u32, b: u32) -> f64 {
    let luminance = |colour: u32| {
        let channel = |shift: u32| {
            let c = f64::from(colour >> shift & 0xff) / 255.0;
            if c <= 0.04045 {
                c / 12.92
            } else {
                ((c + 0.055) / 1.055).powf(2.4)
            }
        };
        0.2126 * channel(16) + 0.7152 * channel(8) + 0.0722 * channel(0)
    };
    let (a, b) = (luminance(a) + 0.05, luminance(b) + 0.05);
    if a > b { a / b } else { b / a }
}
