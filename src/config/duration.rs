//! Go's duration syntax (`1h30m`, `1.5s`, `0`), the format of every time-out in the configuration guide.
//!
//! Lives here: parsing and rendering. Must not: any meaning of a particular variable.

use std::time::Duration;

/// Parses a Go duration. Negative values are refused: no variable has a use for one.
///
/// # Errors
/// A sentence that says what is wrong with `text`.
pub fn parse(text: &str) -> Result<Duration, String> {
    let bad = |why: &str| {
        Err(format!(
            "{text:?} is not a duration: {why} (examples: 30s, 5m, 1h30m)"
        ))
    };
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    if text.starts_with('-') {
        return bad("it is negative");
    }
    let mut rest = text.strip_prefix('+').unwrap_or(text);
    if rest.is_empty() {
        return bad("it is empty");
    }
    let mut total: u128 = 0;
    while !rest.is_empty() {
        let end = rest
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .unwrap_or(rest.len());
        let (number, tail) = rest.split_at(end);
        let unit_end = tail
            .find(|c: char| c.is_ascii_digit() || c == '.')
            .unwrap_or(tail.len());
        let (unit, next) = tail.split_at(unit_end);
        let scale: u128 = match unit {
            "ns" => 1,
            "us" | "µs" | "μs" => 1_000,
            "ms" => 1_000_000,
            "s" => 1_000_000_000,
            "m" => 60_000_000_000,
            "h" => 3_600_000_000_000,
            "" => return bad("a number lacks its unit"),
            _ => return bad("units are ns, us, ms, s, m and h"),
        };
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') || whole.len() > 19 {
            return bad("a number is malformed");
        }
        let digits = |s: &str| {
            if s.is_empty() {
                Ok(0)
            } else {
                s.parse::<u128>()
            }
        };
        let kept = fraction.get(..fraction.len().min(15)).unwrap_or(fraction);
        let (Ok(w), Ok(f)) = (digits(whole), digits(kept)) else {
            return bad("a number is malformed");
        };
        let width = u32::try_from(kept.len()).unwrap_or(15);
        total += w * scale + f * scale / 10u128.pow(width);
        rest = next;
    }
    match i64::try_from(total).map(u64::try_from) {
        Ok(Ok(nanos)) => Ok(Duration::from_nanos(nanos)),
        _ => bad("it is too large"),
    }
}

#[cfg(test)]
mod tests {
    use super::parse;
    use std::time::Duration;

    #[test]
    fn accepts_what_go_accepts() {
        assert_eq!(parse("1h30m"), Ok(Duration::from_secs(5400)));
        assert_eq!(parse("1.5s"), Ok(Duration::from_millis(1500)));
        assert_eq!(parse(".5s"), Ok(Duration::from_millis(500)));
        assert_eq!(parse("0"), Ok(Duration::ZERO));
        assert_eq!(parse("250us"), Ok(Duration::from_micros(250)));
    }

    #[test]
    fn refuses_the_rest() {
        for text in [
            "",
            "5",
            "1d",
            "-1s",
            "1.2.3s",
            "s",
            "1h ",
            "99999999999999999999h",
            "9999999999h",
        ] {
            assert!(parse(text).is_err(), "{text:?}");
        }
    }
}
