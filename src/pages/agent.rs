//! What a `User-Agent` says to a person: a browser on a system. It is a claim of the browser and proves nothing.

use super::{Words, words::tame};

/// In this order: many browsers name others for the sake of old sites.
const BROWSERS: [(&str, &str); 9] = [
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("HeadlessChrome/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
];

const SYSTEMS: [(&str, &str); 8] = [
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("Macintosh", "macOS"),
    ("Linux", "Linux"),
];

/// "Firefox on Linux", or the program's own words.
#[must_use]
pub fn agent_words(user_agent: &str) -> Words {
    let found = |table: &[(&str, &'static str)]| {
        table
            .iter()
            .find(|(mark, _)| user_agent.contains(mark))
            .map(|(_, name)| *name)
    };
    match (found(&BROWSERS), found(&SYSTEMS)) {
        _ if user_agent.trim().is_empty() => Words::of("account.agent.unknown"),
        (Some(browser), Some(system)) if user_agent.starts_with("Mozilla/") => {
            Words::of("account.agent.browser")
                .with("browser", browser)
                .with("system", system)
        }
        _ => Words::from(tame(user_agent)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_are_told_by_their_own_name_and_programs_by_their_words() {
        let said = |browser, system| {
            Words::of("account.agent.browser")
                .with("browser", browser)
                .with("system", system)
        };
        for (agent, words) in [
            (
                "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
                said("Firefox", "Linux"),
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130 Safari/537.36 Edg/130",
                said("Edge", "Windows"),
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605 Version/18.0 Mobile Safari/604",
                said("Safari", "iPhone"),
            ),
            (
                "Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130 Mobile Safari/537.36",
                said("Chrome", "Android"),
            ),
            (
                "authgate-cli/2.4.1 (linux; x86_64)",
                Words::from("authgate-cli/2.4.1 (linux; x86_64)"),
            ),
            ("curl/8.5\r\nX: y", Words::from("curl/8.5  X: y")),
            (" ", Words::of("account.agent.unknown")),
        ] {
            assert_eq!(agent_words(agent), words, "{agent}");
        }
    }
}
