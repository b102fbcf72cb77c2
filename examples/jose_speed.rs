//! What one signature, one verification and one sealing cost on this machine:
//! `cargo run --release --example jose_speed`. Microseconds, the best of five rounds.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "what fails here ends the example"
)]
use std::hint::black_box;
use std::time::Instant;

use authgate::jose::{Algorithm, Expected, KeySet, MediaType, SigningKey, verify_claims};
use authgate::seal::{SealKey, SealingRing};
use biscuit::Empty;
use biscuit::jwa::SignatureAlgorithm;
use biscuit::jws::{Compact, RegisteredHeader, Secret};
use serde_json::{Map, Value, json};

const SECRET: &[u8] = b"0123456789abcdef0123456789abcdef";
const RSA: &str = include_str!("../tests/fixtures/keys/rsa2048.pkcs8.pem");
const P256: &str = include_str!("../tests/fixtures/keys/p256.pkcs8.pem");

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let Value::Object(claims) = json!({
        "client_id": "5700669a-49d1-4d80-85e5-ca811d982b42", "exp": 2_110_802_445_i64,
        "extra_uid": "admin", "iat": 1_795_441_297, "iss": "http://127.0.0.1:34883",
        "jti": "59ce0c19-4a15-4f8b-9b7c-5c1e52dfa34c", "scope": "email profile",
        "sub": "4633e8f6-534e-475a-943b-a41cda9930e8", "type": "access",
        "user_id": "4633e8f6-534e-475a-943b-a41cda9930e8"
    }) else {
        return Err("claims are an object".into());
    };
    ours("HS256", 20_000, SigningKey::from_secret(SECRET)?, &claims)?;
    biscuit_hs256(&claims)?;
    let rsa = SigningKey::from_pem(Algorithm::Rs256, RSA, None)?;
    ours("RS256", 300, rsa, &claims)?;
    let p256 = SigningKey::from_pem(Algorithm::Es256, P256, None)?;
    ours("ES256", 2_000, p256, &claims)?;
    sealing()
}

fn ours(
    name: &str,
    rounds: u32,
    key: SigningKey,
    claims: &Map<String, Value>,
) -> Result<(), Box<dyn std::error::Error>> {
    let keys = KeySet::new(key, vec![], 0)?;
    let payload = serde_json::to_vec(claims)?;
    let token = keys.sign(claims)?;
    let expected = Expected {
        issuer: Some("http://127.0.0.1:34883"),
        token_type: "access",
        now: 1_795_441_300,
    };
    verify_claims(&keys.verify(&token)?, &expected)?;
    report(name, "sign claims", rounds, || keys.sign(claims).is_ok());
    report(name, "sign bytes", rounds, || {
        keys.sign_json(MediaType::Jwt, &payload).is_ok()
    });
    report(name, "verify and judge", rounds, || {
        keys.verify(black_box(&token))
            .is_ok_and(|claims| verify_claims(&claims, &expected).is_ok())
    });
    Ok(())
}

/// The same work through biscuit, for comparison.
fn biscuit_hs256(claims: &Map<String, Value>) -> Result<(), Box<dyn std::error::Error>> {
    let secret = Secret::Bytes(SECRET.to_vec());
    let payload = serde_json::to_vec(claims)?;
    let sign = || {
        let header = biscuit::jws::Header::<Empty>::from_registered_header(RegisteredHeader {
            algorithm: SignatureAlgorithm::HS256,
            ..RegisteredHeader::default()
        });
        let signed = Compact::new_decoded(header, payload.clone()).encode(&secret)?;
        signed.encoded().map(|token| token.encode())
    };
    let token = sign()?;
    report("biscuit HS256", "sign bytes", 20_000, || sign().is_ok());
    report("biscuit HS256", "verify, read claims", 20_000, || {
        let encoded = Compact::<Vec<u8>, Empty>::new_encoded(black_box(&token));
        encoded
            .decode(&secret, SignatureAlgorithm::HS256)
            .is_ok_and(|read| {
                read.payload()
                    .is_ok_and(|bytes| serde_json::from_slice::<Map<String, Value>>(bytes).is_ok())
            })
    });
    Ok(())
}

fn sealing() -> Result<(), Box<dyn std::error::Error>> {
    let ring = SealingRing::new(SealKey::from_secret("session", SECRET)?, vec![]);
    let text = [b'x'; 200];
    let sealed = ring.seal(b"sid", &text, [7; 32])?;
    report("seal 200 B", "seal", 20_000, || {
        ring.seal(b"sid", black_box(&text), [7; 32]).is_ok()
    });
    report("seal 200 B", "open", 20_000, || {
        ring.open(b"sid", black_box(&sealed)).is_ok()
    });
    Ok(())
}

fn report(name: &str, what: &str, rounds: u32, mut work: impl FnMut() -> bool) {
    let mut best = f64::INFINITY;
    for _ in 0..5 {
        let start = Instant::now();
        for _ in 0..rounds {
            assert!(black_box(work()), "{name}: {what} failed");
        }
        best = best.min(start.elapsed().as_secs_f64() / f64::from(rounds));
    }
    println!("{name:14} {what:20} {:8.2} us", best * 1e6);
}
