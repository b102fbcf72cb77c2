use proptest::prelude::*;

use super::*;

const OLD: &[u8] = b"the secret of last year, 32 bytes";
const NEW: &[u8] = b"the secret of this year, 32 bytes";

fn key(purpose: &'static str, secret: &[u8]) -> SealKey {
    SealKey::from_secret(purpose, secret).unwrap()
}

fn ring_of(secret: &[u8]) -> SealingRing {
    SealingRing::new(key("session", secret), vec![])
}

#[test]
fn what_is_sealed_opens_in_its_place_only() {
    let ring = ring_of(NEW);
    for plaintext in [b"".as_slice(), b"x", &[0xff; 4_000]] {
        let sealed = ring.seal(b"cookie sid", plaintext, [7; 32]).unwrap();
        let bytes = 1 + 4 + 32 + plaintext.len() + 16;
        assert_eq!(sealed.len(), (bytes * 4).div_ceil(3));
        assert_eq!(ring.open(b"cookie sid", &sealed), Ok(plaintext.to_vec()));
        for aad in [b"cookie flash".as_slice(), b"", b"cookie sid\0"] {
            assert_eq!(ring.open(aad, &sealed), Err(SealError::NotAuthentic));
        }
    }
}

/// The value was computed by another implementation (Python's `cryptography`), so a change of
/// layout or derivation that would lock out stored columns cannot pass.
#[test]
fn the_layout_is_fixed() {
    let sealed = ring_of(NEW).seal(b"users/1/token", b"hello", [7; 32]);
    assert_eq!(sealed.as_deref(), Ok(FIXED));
}
const FIXED: &str =
    "AZB7XjcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHB5rbx-kx2NmtWucQofdUoQ_RZbfKYQ";

#[test]
fn output_differs_with_the_salt_and_the_salt_alone() {
    let ring = ring_of(NEW);
    let seal = |salt| ring.seal(b"a", b"same text", [salt; 32]).unwrap();
    assert_eq!(seal(1), seal(1));
    let (one, two) = (seal(1), seal(2));
    assert_ne!(one[6..], two[6..]);
    // No byte of the ciphertext stays the same by more than chance.
    let same = one[56..]
        .bytes()
        .zip(two[56..].bytes())
        .filter(|(a, b)| a == b);
    assert!(same.count() < 8);
}

#[test]
fn an_old_key_still_opens_and_is_reported_as_outdated() {
    let sealed = ring_of(OLD).seal(b"a", b"kept", [1; 32]).unwrap();
    let both = SealingRing::new(key("session", NEW), vec![key("session", OLD)]);
    assert_eq!(both.open(b"a", &sealed), Ok(b"kept".to_vec()));
    assert!(both.is_outdated(&sealed));
    let fresh = both.seal(b"a", b"kept", [1; 32]).unwrap();
    assert!(!both.is_outdated(&fresh));
    assert_eq!(ring_of(NEW).open(b"a", &fresh), Ok(b"kept".to_vec()));
    assert_eq!(ring_of(OLD).open(b"a", &fresh), Err(SealError::UnknownKey));
    assert!(both.is_outdated(""));
}

#[test]
fn purposes_of_one_secret_are_apart() {
    let sealed = ring_of(NEW).seal(b"a", b"x", [1; 32]).unwrap();
    let other = SealingRing::new(key("column", NEW), vec![]);
    assert_eq!(other.open(b"a", &sealed), Err(SealError::UnknownKey));
}

#[test]
fn keys_whose_ids_collide_are_all_tried() {
    let sealed = ring_of(OLD).seal(b"a", b"x", [1; 32]).unwrap();
    let mut twin = key("session", NEW);
    twin.id = key("session", OLD).id;
    let ring = SealingRing::new(twin, vec![key("session", OLD)]);
    assert_eq!(ring.open(b"a", &sealed), Ok(b"x".to_vec()));
}

#[test]
fn short_secrets_and_foreign_text_are_refused() {
    assert_eq!(
        SealKey::from_secret("session", &[0; 15]).err(),
        Some(SealError::SecretTooShort)
    );
    let ring = ring_of(NEW);
    let sealed = ring.seal(b"a", b"x", [1; 32]).unwrap();
    let version_two = format!("Ag{}", &sealed[2..]);
    for text in ["", "AQ", "not base64!", &sealed[..40], &version_two] {
        assert_eq!(ring.open(b"a", text), Err(SealError::Malformed), "{text}");
    }
    assert_eq!(ring.open(b"a", &sealed[..60]), Err(SealError::NotAuthentic));
    assert!(!format!("{ring:?}").contains("secret"));
}

proptest! {
    #[test]
    fn any_change_is_refused(text in prop::collection::vec(any::<u8>(), 0..80), at in any::<prop::sample::Index>(), to in "[A-Za-z0-9_-]") {
        let ring = ring_of(NEW);
        let sealed = ring.seal(b"a", &text, [3; 32]).unwrap();
        prop_assert_eq!(ring.open(b"a", &sealed), Ok(text));
        let at = at.index(sealed.len());
        prop_assert!(ring.open(b"a", &sealed[..at]).is_err());
        let mut changed = sealed.clone();
        changed.replace_range(at..=at, &to);
        prop_assert_eq!(ring.open(b"a", &changed).is_ok(), changed == sealed);
    }
}
