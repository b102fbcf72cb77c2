//! Which coding of a document a request gets (RFC 9110 §12.5.3). Pure.

/// A coding that documents are kept in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// Brotli.
    Br,
    /// Gzip.
    Gzip,
    /// As it is.
    Identity,
}

impl Encoding {
    /// The name in `Content-Encoding`; none for what is not coded.
    pub fn name(self) -> Option<&'static str> {
        match self {
            Self::Br => Some("br"),
            Self::Gzip => Some("gzip"),
            Self::Identity => None,
        }
    }

    fn is_called(self, name: &str) -> bool {
        match self {
            Self::Br => name.eq_ignore_ascii_case("br"),
            Self::Gzip => name.eq_ignore_ascii_case("gzip") || name.eq_ignore_ascii_case("x-gzip"),
            Self::Identity => name.eq_ignore_ascii_case("identity"),
        }
    }
}

/// What the request likes best of what is there, in the order of our own liking; `None` when it takes none of it. Without
/// the header, and with an empty one, nothing is coded: who wants less says so.
pub fn chosen(accept: Option<&str>, there: &[Encoding]) -> Option<Encoding> {
    let Some(accept) = accept.filter(|accept| !accept.trim().is_empty()) else {
        return Some(Encoding::Identity);
    };
    let mut best: Option<(u16, Encoding)> = None;
    for encoding in there {
        let weight = weight(accept, *encoding);
        if weight > best.map_or(0, |(weight, _)| weight) {
            best = Some((weight, *encoding));
        }
    }
    best.map(|(_, encoding)| encoding)
}

/// How much a coding is liked, in thousandths. Being sent as it is needs no mention: then it comes after whatever has one.
fn weight(accept: &str, encoding: Encoding) -> u16 {
    let mut any = None;
    for item in accept.split(',') {
        let mut parts = item.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default();
        let Some(weight) = parts.try_fold(1000, |known, part| {
            let (key, value) = part.split_once('=')?;
            if key.trim().eq_ignore_ascii_case("q") {
                thousandths(value.trim())
            } else {
                Some(known)
            }
        }) else {
            continue;
        };
        if encoding.is_called(name) {
            return weight;
        }
        if name == "*" {
            any = Some(weight);
        }
    }
    match (any, encoding) {
        (Some(weight), _) => weight,
        (None, Encoding::Identity) => 1,
        (None, Encoding::Br | Encoding::Gzip) => 0,
    }
}

/// `0`, `0.5`, `1.000`; nothing else (RFC 9110 §12.4.2).
fn thousandths(text: &str) -> Option<u16> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    if part.len() > 3 || !part.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let part: u16 = format!("{part:0<3}").parse().ok()?;
    match (whole, part) {
        ("0", part) => Some(part),
        ("1", 0) => Some(1000),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::Encoding::{Br, Gzip, Identity};
    use super::*;

    #[test]
    fn what_the_reader_likes_best_is_sent() {
        let all = [Br, Gzip, Identity];
        for (accept, wanted) in [
            (None, Some(Identity)),
            (Some(" "), Some(Identity)),
            (Some("gzip, deflate, br, zstd"), Some(Br)),
            (Some("gzip, deflate"), Some(Gzip)),
            (Some("GZip"), Some(Gzip)),
            (Some("x-gzip"), Some(Gzip)),
            (Some("deflate"), Some(Identity)),
            (Some("br;q=0.5, gzip;q=0.8"), Some(Gzip)),
            (Some("br;q=0.5, gzip; Q=0.500"), Some(Br)),
            (Some("gzip;q=0.4, identity;q=0.9"), Some(Identity)),
            (Some("gzip;q=0.001"), Some(Gzip)),
            (Some("br;q=0, *"), Some(Gzip)),
            (Some("*;q=0, gzip"), Some(Gzip)),
            (Some("*;q=0, identity;q=0.1"), Some(Identity)),
            (Some("identity;q=0, gzip"), Some(Gzip)),
            (Some("identity;q=0"), None),
            (Some("*;q=0"), None),
            (Some("deflate, identity;q=0"), None),
            // What is no weight makes the item no item.
            (Some("gzip;q=2"), Some(Identity)),
            (Some("gzip;q=-1, br;q=0.1234"), Some(Identity)),
            (Some("gzip;q="), Some(Identity)),
            (Some("gzip;level=9;q=1"), Some(Gzip)),
        ] {
            assert_eq!(chosen(accept, &all), wanted, "{accept:?}");
        }
    }

    #[test]
    fn what_is_not_there_is_not_chosen() {
        assert_eq!(chosen(Some("br"), &[Gzip, Identity]), Some(Identity));
        assert_eq!(chosen(Some("br, gzip"), &[Gzip, Identity]), Some(Gzip));
        assert_eq!(chosen(Some("gzip"), &[Identity]), Some(Identity));
    }
}
