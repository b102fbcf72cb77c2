//! The little DER that keys need (X.690): walking a private key far enough to say what it is,
//! and writing or reading SubjectPublicKeyInfo (RFC 5280 §4.1.2.7). Definite lengths only.
//! No arithmetic on keys and no general ASN.1 here.
use zeroize::Zeroizing;

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OCTET_STRING: u8 = 0x04;
const NULL: [u8; 2] = [0x05, 0x00];
const OID: u8 = 0x06;
const SEQUENCE: u8 = 0x30;
const EXPLICIT_0: u8 = 0xa0;
const EXPLICIT_1: u8 = 0xa1;

const RSA_ENCRYPTION: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
const EC_PUBLIC_KEY: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
const PRIME256V1: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];

/// What the bytes of one PEM block turned out to be.
#[derive(Debug, PartialEq, Eq)]
pub enum PrivateKey<'a> {
    /// A PKCS#1 `RSAPrivateKey`, taken out of its PKCS#8 wrapping if it had one.
    Rsa(&'a [u8]),
    /// A key on P-256: the 32 bytes or fewer of its scalar, and its public point if it is there.
    P256 {
        scalar: &'a [u8],
        point: Option<&'a [u8]>,
    },
    /// An EC key on some other named curve.
    OtherCurve,
}

/// Tries PKCS#8, then PKCS#1, then SEC1. `None`: none of them, or another kind of key.
pub fn private_key(der: &[u8]) -> Option<PrivateKey<'_>> {
    pkcs8(der)
        .or_else(|| rsa_modulus(der).map(|_| PrivateKey::Rsa(der)))
        .or_else(|| sec1(der, None))
}

/// RFC 5958; attributes and version 2 public keys may follow and are not looked at.
fn pkcs8(der: &[u8]) -> Option<PrivateKey<'_>> {
    let (mut body, _) = element(der, SEQUENCE)?;
    take(&mut body, INTEGER)?;
    let mut algorithm = take(&mut body, SEQUENCE)?;
    let key = take(&mut body, OCTET_STRING)?;
    match take(&mut algorithm, OID)? {
        RSA_ENCRYPTION => rsa_modulus(key).map(|_| PrivateKey::Rsa(key)),
        EC_PUBLIC_KEY => sec1(key, Some(take(&mut algorithm, OID)?)),
        _ => None,
    }
}

/// RFC 5915. The curve is named inside, or by the PKCS#8 wrapping; a key that names none could
/// be on any curve of its size and is not accepted.
fn sec1<'a>(der: &'a [u8], wrapping_curve: Option<&'a [u8]>) -> Option<PrivateKey<'a>> {
    let (mut body, _) = element(der, SEQUENCE)?;
    if take(&mut body, INTEGER)? != [1] {
        return None;
    }
    let scalar = take(&mut body, OCTET_STRING)?;
    let named = take(&mut body, EXPLICIT_0)
        .and_then(|parameters| element(parameters, OID))
        .map(|(oid, _)| oid);
    if wrapping_curve.or(named)? != PRIME256V1 {
        return Some(PrivateKey::OtherCurve);
    }
    let point = take(&mut body, EXPLICIT_1)
        .and_then(|public| element(public, BIT_STRING))
        .and_then(|(bits, _)| bits.strip_prefix(&[0]));
    Some(PrivateKey::P256 { scalar, point })
}

/// The modulus of a PKCS#1 private key (RFC 8017 A.1.2), without leading zero bytes.
pub fn rsa_modulus(der: &[u8]) -> Option<&[u8]> {
    let (mut body, _) = element(der, SEQUENCE)?;
    if take(&mut body, INTEGER)? != [0] {
        return None;
    }
    let modulus = take(&mut body, INTEGER)?;
    for _ in 0..7 {
        take(&mut body, INTEGER)?;
    }
    Some(unsigned(modulus))
}

/// The modulus and exponent of a PKCS#1 public key (RFC 8017 A.1.1), without leading zeros.
pub fn rsa_public_key(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (mut body, rest) = element(der, SEQUENCE)?;
    let modulus = take(&mut body, INTEGER)?;
    let exponent = take(&mut body, INTEGER)?;
    (rest.is_empty() && body.is_empty()).then(|| (unsigned(modulus), unsigned(exponent)))
}

/// Significant bits of a big-endian number without leading zero bytes.
pub fn bits(number: &[u8]) -> usize {
    number
        .first()
        .map_or(0, |first| number.len() * 8 - first.leading_zeros() as usize)
}

/// A PKCS#1 public key from its numbers.
pub fn write_rsa_public_key(modulus: &[u8], exponent: &[u8]) -> Vec<u8> {
    sequence(&[&integer(modulus), &integer(exponent)])
}

/// A PKCS#8 private key around the numbers of a PKCS#1 one (RFC 8017 A.1.2), from the modulus to the coefficient.
pub fn write_rsa_private_key(numbers: &[Zeroizing<Vec<u8>>; 8]) -> Vec<u8> {
    let version = integer(&[]);
    let mut parts = vec![Zeroizing::new(version.clone())];
    parts.extend(numbers.iter().map(|number| Zeroizing::new(integer(number))));
    let parts: Vec<&[u8]> = parts.iter().map(|part| part.as_slice()).collect();
    let pkcs1 = Zeroizing::new(sequence(&parts));
    let inner = Zeroizing::new(tagged(OCTET_STRING, &[&pkcs1]));
    let algorithm = sequence(&[&tagged(OID, &[RSA_ENCRYPTION]), &NULL]);
    sequence(&[&version, &algorithm, &inner])
}

/// SubjectPublicKeyInfo around a PKCS#1 public key (RFC 3279 §2.3.1).
pub fn rsa_spki(public_key: &[u8]) -> Vec<u8> {
    let algorithm = sequence(&[&tagged(OID, &[RSA_ENCRYPTION]), &NULL]);
    sequence(&[&algorithm, &tagged(BIT_STRING, &[&[0], public_key])])
}

/// SubjectPublicKeyInfo around an uncompressed P-256 point (RFC 5480 §2).
pub fn p256_spki(point: &[u8]) -> Vec<u8> {
    let algorithm = sequence(&[&tagged(OID, &[EC_PUBLIC_KEY]), &tagged(OID, &[PRIME256V1])]);
    sequence(&[&algorithm, &tagged(BIT_STRING, &[&[0], point])])
}

/// The public key bits inside a SubjectPublicKeyInfo, whatever its algorithm.
pub fn spki_key_bits(der: &[u8]) -> Option<&[u8]> {
    let (mut body, _) = element(der, SEQUENCE)?;
    take(&mut body, SEQUENCE)?;
    take(&mut body, BIT_STRING)?.strip_prefix(&[0])
}

/// Takes one element of this tag off the front; leaves the input alone if it is another.
fn take<'a>(input: &mut &'a [u8], tag: u8) -> Option<&'a [u8]> {
    let (content, rest) = element(input, tag)?;
    *input = rest;
    Some(content)
}

/// Content of the first element, if its tag is this one, and what follows it.
fn element(input: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let rest = input.strip_prefix(&[tag])?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81..=0x83 => {
            let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            let length = bytes.iter().fold(0, |sum, &b| sum << 8 | usize::from(b));
            (length, rest)
        }
        _ => return None,
    };
    rest.split_at_checked(length)
}

fn unsigned(mut number: &[u8]) -> &[u8] {
    while let Some(rest) = number.strip_prefix(&[0]) {
        number = rest;
    }
    number
}

fn integer(number: &[u8]) -> Vec<u8> {
    let number = unsigned(number);
    let negative_looking = number.first().is_none_or(|&b| b >= 0x80);
    let pad: &[u8] = if negative_looking { &[0] } else { &[] };
    tagged(INTEGER, &[pad, number])
}

fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    tagged(SEQUENCE, parts)
}

fn tagged(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let bytes = length.to_be_bytes();
    let significant = unsigned(&bytes);
    let mut out = Vec::with_capacity(length + 6);
    out.push(tag);
    if length < 0x80 {
        out.push(significant.first().copied().unwrap_or(0));
    } else {
        // At most eight bytes of length, so the count fits beside the long-form bit.
        out.push(0x80 | significant.len().to_le_bytes()[0]);
        out.extend_from_slice(significant);
    }
    for part in parts {
        out.extend_from_slice(part);
    }
    out
}
