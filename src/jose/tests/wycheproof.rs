//! The vectors of Project Wycheproof for the three algorithms, through our own reading of keys and the call that
//! verifies a token. They hold bare messages, so the token around them has tests of its own beside this file.
use ::wycheproof::{TestResult, ecdsa, mac, rsa_pkcs1_verify};
use ring::hmac;

use super::super::public_key::signature_algorithm;
use super::super::{Algorithm, PublicKey, SigningKey};

/// Whether this key accepts the signature, or nothing when it is no key for us.
fn accepts(algorithm: Algorithm, spki: &[u8], message: &[u8], signature: &[u8]) -> Option<bool> {
    let key = PublicKey::from_spki("k".to_owned(), algorithm, spki).ok()?;
    let verified = signature_algorithm(algorithm).verify(signature, message, key.verifier());
    Some(verified.is_ok())
}

#[test]
fn wycheproof_es256() {
    let set = ecdsa::TestSet::load(ecdsa::TestName::EcdsaSecp256r1Sha256P1363).unwrap();
    let mut tested = 0;
    for group in set.test_groups {
        for test in group.tests {
            let accepted = accepts(Algorithm::Es256, &group.der, &test.msg, &test.sig);
            let expected = test.result == TestResult::Valid;
            assert_eq!(accepted, Some(expected), "{}: {}", test.tc_id, test.comment);
            tested += 1;
        }
    }
    assert!(tested > 200, "{tested}");
}

/// Other software signs in DER; a JWS is the two numbers side by side (RFC 7518 §3.4), and nothing else.
#[test]
fn wycheproof_es256_in_der_is_no_jws() {
    let set = ecdsa::TestSet::load(ecdsa::TestName::EcdsaSecp256r1Sha256).unwrap();
    for group in set.test_groups {
        for test in group.tests {
            let accepted = accepts(Algorithm::Es256, &group.der, &test.msg, &test.sig);
            assert_eq!(accepted, Some(false), "{}: {}", test.tc_id, test.comment);
        }
    }
}

#[test]
fn wycheproof_rs256() {
    let mut tested = 0;
    for name in [
        rsa_pkcs1_verify::TestName::Rsa2048Sha256,
        rsa_pkcs1_verify::TestName::Rsa3072Sha256,
        rsa_pkcs1_verify::TestName::Rsa4096Sha256,
    ] {
        for group in rsa_pkcs1_verify::TestSet::load(name).unwrap().test_groups {
            for test in group.tests {
                let accepted = accepts(Algorithm::Rs256, &group.der, &test.msg, &test.sig);
                let fits = match test.result {
                    TestResult::Valid => accepted == Some(true),
                    TestResult::Invalid => accepted != Some(true),
                    // Legal but odd, as a DigestInfo without its NULL: either answer is sound.
                    TestResult::Acceptable => true,
                };
                assert!(fits, "{}: {} ({accepted:?})", test.tc_id, test.comment);
                tested += 1;
            }
        }
    }
    assert!(tested > 600, "{tested}");
}

#[test]
fn wycheproof_hs256() {
    let set = mac::TestSet::load(mac::TestName::HmacSha256).unwrap();
    let mut tested = 0;
    for group in set.test_groups.iter().filter(|group| group.tag_size == 256) {
        for test in &group.tests {
            // Shorter secrets are refused, so that there is nothing to compare.
            let Ok(key) = SigningKey::from_secret(&test.key) else {
                assert!(test.key.len() < 32);
                continue;
            };
            let verified = hmac::verify(key.hmac().unwrap(), &test.msg, &test.tag);
            let expected = test.result == TestResult::Valid;
            assert_eq!(
                verified.is_ok(),
                expected,
                "{}: {}",
                test.tc_id,
                test.comment
            );
            tested += 1;
        }
    }
    assert!(tested > 60, "{tested}");
}
