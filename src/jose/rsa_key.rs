//! Making an RSA key, which ring cannot: two random primes of half the length (FIPS 186-5 §A.1.3), and the numbers of
//! RFC 8017 §3.2 that follow from them. What comes out is loaded like any other key, so ring checks every number of it
//! and a probe is signed before anybody relies on it.
use std::num::NonZeroU32;

use crypto_bigint::{NonZero, Odd, U1024, U2048};
use crypto_primes::{Flavor, hazmat::SmallFactorsSieve, is_prime};
use ring::rand::{SecureRandom, SystemRandom};
use zeroize::{Zeroize as _, Zeroizing};

use super::{KeyError, der};

const PRIME_BITS: NonZeroU32 = NonZeroU32::new(1024).unwrap();
const PRIME_BYTES: usize = 128;
/// The public exponent that everybody takes.
const EXPONENT: u64 = 65_537;
/// Numbers looked at from one random start. The next prime is 355 odd numbers away on average.
const NEAR: usize = 10_000;
/// Pairs that are drawn before something must be wrong.
const DRAWS: usize = 20;

/// A fresh key of 2048 bits as PKCS#8.
///
/// # Errors
/// [`KeyError::NoEntropy`].
pub fn generate() -> Result<Zeroizing<Vec<u8>>, KeyError> {
    for _ in 0..DRAWS {
        let (mut one, mut other) = (prime()?, prime()?);
        // ring, as OpenSSL, has the larger one first.
        let made = if one > other {
            numbers(&one, &other)
        } else {
            numbers(&other, &one)
        };
        one.zeroize();
        other.zeroize();
        if let Some(key) = made {
            return Ok(key);
        }
    }
    Err(KeyError::NoEntropy)
}

/// A random prime with both upper bits set, so that the product of two has twice the bits.
fn prime() -> Result<U1024, KeyError> {
    let random = SystemRandom::new();
    for _ in 0..DRAWS {
        let mut bytes = Zeroizing::new([0; PRIME_BYTES]);
        random
            .fill(bytes.as_mut_slice())
            .map_err(|_| KeyError::NoEntropy)?;
        bytes[0] |= 0xc0;
        let start = U1024::from_be_slice(bytes.as_slice());
        let sieve = SmallFactorsSieve::new(start, PRIME_BITS, false);
        let mut near = sieve.map_err(|_| KeyError::NoEntropy)?.take(NEAR);
        if let Some(prime) = near.find(|number| is_prime(Flavor::Any, number)) {
            return Ok(prime);
        }
    }
    Err(KeyError::NoEntropy)
}

/// The private key of two primes, the larger one first; `None` when the exponent does not fit them.
fn numbers(p: &U1024, q: &U1024) -> Option<Zeroizing<Vec<u8>>> {
    let less = |prime: &U1024| prime.wrapping_sub(&U1024::ONE);
    let (p_less, q_less) = (less(p), less(q));
    let totient: NonZero<U2048> = NonZero::new(p_less.concatenating_mul(&q_less)).into_option()?;
    let exponent = U2048::from_u64(EXPONENT);
    let private: U2048 = exponent.invert_mod(&totient).into_option()?;
    let modulus: U2048 = p.concatenating_mul(q);
    let reduced = |by: U1024| -> Option<U2048> {
        let by = NonZero::new(by.resize()).into_option()?;
        Some(private.rem(&by))
    };
    let coefficient = q.invert_mod(Odd::new(*p).into_option()?.as_nz_ref());
    let coefficient = coefficient
        .into_option()
        .filter(|number| !bool::from(number.is_zero()))?;
    let parts = [
        bytes(&modulus),
        Zeroizing::new(EXPONENT.to_be_bytes().to_vec()),
        bytes(&private),
        bytes(&p.resize()),
        bytes(&q.resize()),
        bytes(&reduced(p_less)?),
        bytes(&reduced(q_less)?),
        bytes(&coefficient.resize()),
    ];
    Some(Zeroizing::new(der::write_rsa_private_key(&parts)))
}

fn bytes(number: &U2048) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(number.to_be_bytes().as_ref().to_vec())
}

#[cfg(test)]
mod tests {
    use crate::jose::{Algorithm, KeySet, SigningKey};
    use serde_json::json;

    #[test]
    fn a_key_that_is_made_here_loads_signs_and_is_another_each_time() {
        let one = SigningKey::generate(Algorithm::Rs256).unwrap();
        let other = SigningKey::generate(Algorithm::Rs256).unwrap();
        let key = SigningKey::from_any_pem(&one, None).unwrap();
        assert_eq!(key.algorithm(), Algorithm::Rs256);
        let other = SigningKey::from_any_pem(&other, None).unwrap();
        assert_ne!(
            key.public_key().unwrap().kid(),
            other.public_key().unwrap().kid()
        );
        let keys = KeySet::new(key, Vec::new(), 0).unwrap();
        let claims = json!({"a": 1}).as_object().unwrap().clone();
        let token = keys.sign(&claims).unwrap();
        assert_eq!(keys.verify(&token).unwrap(), claims);
    }
}
