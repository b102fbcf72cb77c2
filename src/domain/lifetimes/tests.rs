use super::*;
use crate::domain::client::doubles;

fn client(profile: &str) -> Client {
    Client {
        token_profile: profile.into(),
        ..doubles::client()
    }
}

fn hours(access: u64, refresh: u64) -> Profile {
    Profile {
        access: Duration::from_secs(access * 3600),
        refresh: Duration::from_secs(refresh * 3600),
    }
}

#[test]
fn jitter_is_for_the_base_value_only() {
    let mut lifetimes = Lifetimes {
        base: hours(10, 720),
        jitter: Duration::from_secs(1800),
        short: hours(1, 24),
        standard: hours(10, 720),
        long: hours(24, 2160),
        client_credentials: Duration::from_secs(3600),
        access_cap: Duration::from_secs(86400),
        family: None,
        device_refresh: None,
    };
    assert_eq!(
        lifetimes.access(&client("standard"), 0),
        Duration::from_secs(36000)
    );
    let most = lifetimes.access(&client(""), u32::MAX);
    assert!(most > Duration::from_secs(37799) && most < Duration::from_secs(37800));
    assert_eq!(
        lifetimes.access(&client("nobody knows"), 0),
        Duration::from_secs(36000)
    );
    assert_eq!(
        lifetimes.access(&client(" short "), u32::MAX),
        Duration::from_secs(3600)
    );
    lifetimes.standard = hours(9, 720);
    assert_eq!(
        lifetimes.access(&client("standard"), u32::MAX),
        Duration::from_secs(9 * 3600)
    );
}

#[test]
fn a_machine_has_its_own_lifetime_up_to_the_cap() {
    let lifetimes = Lifetimes {
        base: hours(10, 720),
        jitter: Duration::from_secs(1800),
        short: hours(1, 24),
        standard: hours(10, 720),
        long: hours(24, 2160),
        client_credentials: Duration::from_secs(3600),
        access_cap: Duration::from_secs(86400),
        family: None,
        device_refresh: None,
    };
    let mut machine = client("long");
    assert_eq!(lifetimes.machine(&machine), Duration::from_secs(3600));
    for (own, life) in [
        (60, 60),
        (86_400, 86_400),
        (86_401, 86_400),
        (u64::MAX, 86_400),
    ] {
        machine.machine_token_ttl = Some(Duration::from_secs(own));
        assert_eq!(lifetimes.machine(&machine), Duration::from_secs(life));
    }
}

#[test]
fn no_token_outlives_the_longest_life() {
    let mut lifetimes = Lifetimes {
        base: hours(24, 24),
        jitter: Duration::from_secs(12 * 3600),
        short: hours(1, 24),
        standard: hours(24, 24),
        long: hours(24, 24),
        client_credentials: Duration::from_secs(3600),
        access_cap: Duration::from_secs(86400),
        family: None,
        device_refresh: None,
    };
    let latest = lifetimes.access(&client("standard"), u32::MAX);
    assert!(latest > hours(35, 0).access);
    assert!(lifetimes.longest(hours(24, 24)) >= latest);
    assert_eq!(lifetimes.longest(hours(24, 2160)), hours(2160, 0).access);
    lifetimes.client_credentials = hours(48, 0).access;
    assert_eq!(lifetimes.longest(hours(24, 24)), hours(48, 0).access);
}
