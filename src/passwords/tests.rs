use std::fs;

use proptest::prelude::*;
use serde_json::Value;

use super::*;

const SALT: [u8; 16] = [9; 16];

/// A hash that the former server made, with the password it was made of.
fn made_by_go() -> (String, String) {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/go-issued.json");
    let made: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let text = |name: &str| made[name].as_str().unwrap().to_owned();
    (text("password_hash"), text("password"))
}

#[test]
fn a_hash_of_the_former_server_verifies() {
    let (stored, password) = made_by_go();
    assert!(stored.starts_with("$2a$10$"));
    assert_eq!(verify(&stored, password.as_bytes()), Ok(true));
    assert_eq!(
        verify(&stored, password.to_lowercase().as_bytes()),
        Ok(false)
    );
    assert_eq!(verify(&stored, b""), Ok(false));
    for prefix in ["$2b$", "$2y$"] {
        let renamed = stored.replacen("$2a$", prefix, 1);
        assert_eq!(verify(&renamed, password.as_bytes()), Ok(true));
    }
}

/// The vectors of jBCrypt, and of the Argon2 reference program:
/// `printf password | argon2 somesalt -id -t 2 -m 16 -p 1 -l 32 -e`.
#[test]
fn published_vectors_verify() {
    for (stored, password) in [
        (
            "$2a$06$DCq7YPn5Rq63x1Lad4cll.TV4S6ytwfsfvkgY8jIucDrjc8deX1s.",
            "",
        ),
        (
            "$2a$06$m0CrhHm10qJ3lXRY.5zDGO3rS2KdeeWLuGmsfGlMfOxih58VYVfxe",
            "a",
        ),
        (
            "$2a$08$aTsUwsyowQuzRrDqFflhgekJ8d9/7Z3GV3UcgvzQW3J5zMyrTvlz.",
            "abcdefghijklmnopqrstuvwxyz",
        ),
        (
            "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
            "password",
        ),
    ] {
        assert_eq!(verify(stored, password.as_bytes()), Ok(true), "{stored}");
        assert_eq!(verify(stored, b"other"), Ok(false), "{stored}");
    }
}

#[test]
fn new_hashes_have_the_agreed_form_and_verify() {
    let password = "Grüße aus der Küche".as_bytes();
    let bcrypt = hash(HashAlgorithm::Bcrypt, password, SALT).unwrap();
    // The value is libxcrypt's for the same password and salt.
    assert_eq!(
        bcrypt,
        "$2a$10$AOiHAOiHAOiHAOiHAOiHAOWH2f5raOhQ35XcYB4kR3IhC4uRPd9pC"
    );
    let argon = hash(HashAlgorithm::Argon2id, password, SALT).unwrap();
    let head = "$argon2id$v=19$m=19456,t=2,p=1$CQkJCQkJCQkJCQkJCQkJCQ$";
    assert!(argon.starts_with(head), "{argon}");
    assert_eq!(argon.len(), head.len() + 43);
    for stored in [&bcrypt, &argon] {
        assert_eq!(verify(stored, password), Ok(true));
        assert_eq!(verify(stored, b"Gruesse"), Ok(false));
    }
    let other = hash(HashAlgorithm::Argon2id, password, [8; 16]).unwrap();
    assert_ne!(other, argon);
}

#[test]
fn no_truncation() {
    let long = [b'x'; 73];
    let refused = hash(HashAlgorithm::Bcrypt, &long, SALT);
    assert_eq!(refused, Err(PasswordError::TooLong(72)));
    // 72 bytes are fine for Go, so they are fine here; one byte more is another password.
    let stored = hash(HashAlgorithm::Bcrypt, &long[..72], SALT).unwrap();
    assert_eq!(verify(&stored, &long[..72]), Ok(true));
    assert_eq!(verify(&stored, &long), Ok(false));
    assert_eq!(verify(&stored, &long[..71]), Ok(false));

    let long = [b'x'; 1025];
    let refused = hash(HashAlgorithm::Argon2id, &long, SALT);
    assert_eq!(refused, Err(PasswordError::TooLong(1024)));
    let stored = hash(HashAlgorithm::Argon2id, &long[..1024], SALT).unwrap();
    assert_eq!(verify(&stored, &long[..1024]), Ok(true));
    assert_eq!(verify(&stored, &long), Ok(false));
    assert_eq!(verify(&stored, &long[..1023]), Ok(false));
}

#[test]
fn corrupt_hash_is_error_not_panic() {
    use PasswordError::{DamagedHash, NotSet, UnknownAlgorithm};
    let bcrypt = dummy(HashAlgorithm::Bcrypt);
    let argon = dummy(HashAlgorithm::Argon2id);
    let cases = [
        (String::new(), NotSet),
        ("plaintext".into(), UnknownAlgorithm),
        (
            "$2x$10$M/HKyl9QRpOToB86gPuFVOtYWPxlaodYtWgDkouvfDtEJI3D593Wu".into(),
            UnknownAlgorithm,
        ),
        (
            "$argon2i$v=19$m=16,t=2,p=1$c29tZXNhbHQ$AAAA".into(),
            UnknownAlgorithm,
        ),
        ("$2a$".into(), DamagedHash),
        (bcrypt[..59].into(), DamagedHash),
        (format!("{bcrypt}x"), DamagedHash),
        (bcrypt.replacen("M/", "é", 1), DamagedHash),
        (bcrypt.replacen("$10$", "$xx$", 1), DamagedHash),
        (bcrypt.replacen("$10$", "$03$", 1), DamagedHash),
        (bcrypt.replacen("$10$", "$17$", 1), DamagedHash),
        (bcrypt.replacen("$10$", "$99$", 1), DamagedHash),
        (bcrypt.replacen('H', "!", 1), DamagedHash),
        ("$argon2id$".into(), DamagedHash),
        (
            "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ".into(),
            DamagedHash,
        ),
        (argon.replacen("m=19456", "m=4000000", 1), DamagedHash),
        (argon.replacen("m=19456", "m=1", 1), DamagedHash),
        (argon.replacen("t=2", "t=17", 1), DamagedHash),
        (argon.replacen("p=1", "p=17", 1), DamagedHash),
        (argon.replacen("v=19", "v=7", 1), DamagedHash),
        (argon[..argon.len() - 30].into(), DamagedHash),
    ];
    for (stored, error) in cases {
        assert_eq!(verify(&stored, b"x"), Err(error), "{stored}");
    }
}

proptest! {
    #[test]
    fn reading_a_hash_never_panics(tail in "\\PC{0,80}", head in "(\\$2a\\$31\\$|\\$argon2id\\$|\\$2b\\$)?") {
        // Not one of these is a usable hash, so no time goes into hashing.
        let stored = head + &tail;
        prop_assert!(verify(&stored, b"x").is_err());
    }
}

#[test]
fn dummies_cost_what_new_hashes_cost_and_open_to_nobody() {
    for algorithm in [HashAlgorithm::Bcrypt, HashAlgorithm::Argon2id] {
        let new = hash(algorithm, b"x", SALT).unwrap();
        let head = |text: &str| text.rsplit_once('$').unwrap().0.to_owned();
        let stored = dummy(algorithm);
        assert_eq!(stored.len(), new.len());
        assert_eq!(verify(stored, b"x"), Ok(false));
        assert!(!needs_rehash(stored, algorithm));
        match algorithm {
            HashAlgorithm::Bcrypt => assert_eq!(head(stored), head(&new)),
            HashAlgorithm::Argon2id => assert_eq!(head(&head(stored)), head(&head(&new))),
        }
    }
}

#[test]
fn needs_rehash_follows_the_setting_and_the_cost() {
    use HashAlgorithm::{Argon2id, Bcrypt};
    let bcrypt = dummy(Bcrypt);
    let argon = dummy(Argon2id);
    for (stored, setting, needed) in [
        (bcrypt.to_owned(), Bcrypt, false),
        (bcrypt.to_owned(), Argon2id, true),
        (argon.to_owned(), Argon2id, false),
        (argon.to_owned(), Bcrypt, true),
        (bcrypt.replacen("$10$", "$12$", 1), Bcrypt, false),
        (bcrypt.replacen("$10$", "$09$", 1), Bcrypt, true),
        (argon.replacen("m=19456", "m=19455", 1), Argon2id, true),
        (argon.replacen("t=2", "t=1", 1), Argon2id, true),
        (argon.replacen("m=19456", "m=65536", 1), Argon2id, false),
        (String::new(), Argon2id, false),
        ("garbage".to_owned(), Bcrypt, false),
    ] {
        assert_eq!(needs_rehash(&stored, setting), needed, "{stored} {setting}");
    }
}

#[test]
fn algorithm_names_are_those_of_the_setting() {
    for algorithm in [HashAlgorithm::Bcrypt, HashAlgorithm::Argon2id] {
        assert_eq!(algorithm.to_string().parse(), Ok(algorithm));
    }
    for name in ["", "Bcrypt", "argon2", "argon2i", "md5"] {
        let parsed = name.parse::<HashAlgorithm>();
        assert_eq!(parsed, Err(PasswordError::UnknownAlgorithm));
    }
}

#[test]
fn password_policy_table() {
    use PolicyViolation::{Common, Contextual, TooLong, TooShort};
    let policy = PasswordPolicy::default().with_context([
        "AuthGate",
        "login.example.com",
        "example",
        "m.curie",
        "bob",
    ]);
    let long = "kürzer ist das nicht ".repeat(46);
    for (password, verdict) in [
        ("tall ships sail", Ok(())),
        ("no digits or signs needed", Ok(())),
        ("               ", Err(Common)),
        ("tall ships sai", Err(TooShort(15))),
        ("", Err(TooShort(15))),
        // Fifteen scalar values, whatever their size in bytes.
        ("пароль-из-слов!", Ok(())),
        ("пароль-из-слов", Err(TooShort(15))),
        ("🦀🐌🦋🐛🐜🐝🐞🦗🕷🦂🦟🦠🐙🦑🦐", Ok(())),
        ("Correct Horse Battery Staple", Err(Common)),
        ("1234567890123456", Err(Common)),
        ("PasswordPassword", Err(Common)),
        ("authgateauthgate", Err(Common)),
        ("authgate-AuthGate-2026", Err(Contextual)),
        ("Login.Example.Com!1", Err(Contextual)),
        ("m.curie+m.curie", Err(Contextual)),
        ("m.curie keeps radium", Ok(())),
        // A name of three letters is left out.
        ("bobbobbobbobbob", Err(Common)),
        ("bob and the bobcat", Ok(())),
        (&long[..], Ok(())),
        (&"x!y".repeat(342), Err(TooLong(1024))),
    ] {
        assert_eq!(policy.check(password), verdict, "{password}");
    }
    assert_eq!(long.len(), 1012);
}

#[test]
fn sixty_four_characters_are_accepted_by_either_algorithm() {
    let text = "a quiet sentence of words that nobody has ever typed before, hm!";
    assert_eq!(text.chars().count(), 64);
    for algorithm in [HashAlgorithm::Bcrypt, HashAlgorithm::Argon2id] {
        assert_eq!(PasswordPolicy::new(15, true, algorithm).check(text), Ok(()));
    }
    // bcrypt's 72 bytes are said before hashing, not after.
    let policy = PasswordPolicy::new(15, true, HashAlgorithm::Bcrypt);
    let violation = policy.check(&format!("{text} {text}")).unwrap_err();
    assert_eq!(
        violation.to_string(),
        "The password must not be longer than 72 bytes."
    );
}

#[test]
fn the_floor_is_eight_and_the_block_list_can_be_left_out() {
    let policy = PasswordPolicy::new(3, false, HashAlgorithm::Argon2id);
    assert_eq!(policy.min_length(), 8);
    assert_eq!(policy.check("passwor"), Err(PolicyViolation::TooShort(8)));
    assert_eq!(policy.check("password"), Ok(()));
    let policy = PasswordPolicy::new(8, true, HashAlgorithm::Argon2id);
    assert_eq!(policy.check("password"), Err(PolicyViolation::Common));
}

#[test]
fn blocklist() {
    for common in [
        "password",
        "p@ssw0rd",
        "qwertyuiop",
        "1qaz2wsx3edc4rfv",
        "zaq12wsx",
        "iloveyou",
        "correcthorsebatterystaple",
        "trustno1",
        "!!monkey123",
        "dragon-2024",
        "sunshine123456",
        "passwordpassword",
        "passwordpasswordpass",
        "monkeymonkeymonkey",
        "abcabcabcabcabcab",
        "zzzzzzzzzzzzzzzz",
        "hijklmnopqrstuv",
        "zyxwvutsrqponmlk",
        "7890123456789012",
        "5432109876543210",
        "session-secret-change-in-production",
        "summer2026!",
        "12345678!!!!!",
    ] {
        assert!(super::blocklist::is_common(common), "{common}");
    }
    for good in [
        "tall ships sail",
        "monkey business at noon",
        "dragon8472910384756",
        "1357911131517192",
        "abcdefgzyxwvut1",
        "mxq-ptl-wrk-zzd",
        "exam-admin-passw0rd",
        "ж",
        "",
    ] {
        assert!(!super::blocklist::is_common(good), "{good}");
    }
}

#[test]
fn the_list_is_sound() {
    let entries: Vec<&str> = super::blocklist::entries().collect();
    assert_eq!(entries.len(), 3988);
    assert!(entries.is_sorted());
    let mut last = "";
    for entry in entries {
        assert_ne!(entry, last);
        assert_eq!(entry, entry.to_lowercase().trim(), "{entry}");
        assert!(super::blocklist::is_common(entry));
        last = entry;
    }
}

/// Memory is used again by whoever comes next, other parameters or not, and no hash depends on what was in it.
#[test]
fn hashes_do_not_depend_on_those_before_them() {
    let salt = [7; SALT_BYTES];
    let first = hash(HashAlgorithm::Argon2id, b"one password", salt).unwrap();
    // Of another server, with more memory.
    let other =
        "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
    assert_eq!(verify(other, b"password"), Ok(true));
    hash(
        HashAlgorithm::Argon2id,
        b"another password",
        [8; SALT_BYTES],
    )
    .unwrap();
    assert_eq!(
        hash(HashAlgorithm::Argon2id, b"one password", salt).unwrap(),
        first
    );
    assert_eq!(verify(&first, b"one password"), Ok(true));
    assert_eq!(verify(&first, b"another password"), Ok(false));
}
