//! Go's duration syntax (`1h30m`, `1.5s`, `0`), the format of every time-out in the configuration guide.
//!
//! Lives here: parsing and rendering. Must not: any meaning of a particular variable.

use std::fmt;
use std::time::Duration;

/// A duration with a sign, as the operator wrote it. The sign matters where "zero or less" switches a thing off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Whether a minus sign stood before a length that is not zero.
    pub negative: bool,
    /// The length without its sign, at most 2^63 - 1 nanoseconds.
    pub length: Duration,
}

impl Span {
    /// Parses a Go duration with an optional sign.
    ///
    /// # Errors
    /// A sentence that says what is wrong with `text`.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (negative, body) = match text.strip_prefix('-') {
            Some(body) if !body.starts_with(['-', '+']) => (true, body),
            _ => (false, text),
        };
        let length = parse(body)?;
        Ok(Self {
            negative: negative && !length.is_zero(),
            length,
        })
    }

    /// The length if it is above zero.
    pub fn positive(self) -> Option<Duration> {
        (!self.negative && !self.length.is_zero()).then_some(self.length)
    }

    /// The length if it is zero or above.
    pub fn not_negative(self) -> Option<Duration> {
        (!self.negative).then_some(self.length)
    }
}

impl From<Duration> for Span {
    fn from(length: Duration) -> Self {
        Self {
            negative: false,
            length,
        }
    }
}

impl fmt::Display for Span {
    /// Go's rendering: `10h0m0s`, `1.5s`, `250ms`, `0s`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.negative {
            f.write_str("-")?;
        }
        let seconds = self.length.as_secs();
        let nanos = self.length.subsec_nanos();
        if seconds == 0 {
            return match nanos {
                0 => f.write_str("0s"),
                1..1_000 => write!(f, "{nanos}ns"),
                1_000..1_000_000 => write!(f, "{}µs", decimal(nanos.into(), 1_000, 3)),
                _ => write!(f, "{}ms", decimal(nanos.into(), 1_000_000, 6)),
            };
        }
        let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
        if hours > 0 {
            write!(f, "{hours}h")?;
        }
        if hours > 0 || minutes > 0 {
            write!(f, "{minutes}m")?;
        }
        let rest = seconds % 60 * 1_000_000_000 + u64::from(nanos);
        write!(f, "{}s", decimal(rest, 1_000_000_000, 9))
    }
}

/// `value / scale` as a decimal number without zeros at its end; `scale` is ten to the power of `width`.
fn decimal(value: u64, scale: u64, width: usize) -> String {
    let fraction = format!("{:0width$}", value % scale);
    let text = format!("{}.{fraction}", value / scale);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Parses a Go duration. Negative values are refused; [`Span::parse`] takes them.
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
    use super::{Span, parse};
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

    #[test]
    fn renders_as_go_does() {
        for text in [
            "10h0m0s", "30m0s", "1.5s", "0s", "250ms", "-1h0m0s", "1m0.25s", "1.5µs", "7ns",
            "10ms", "720h0m0s", "10s",
        ] {
            assert_eq!(
                Span::parse(text).map(|s| s.to_string()),
                Ok(text.to_owned())
            );
        }
    }

    #[test]
    fn a_sign_counts_only_before_a_length() {
        let span =
            |text| Span::parse(text).map(|s| (s.positive().is_some(), s.not_negative().is_some()));
        assert_eq!(span("+1s"), Ok((true, true)));
        assert_eq!(span("0"), Ok((false, true)));
        assert_eq!(span("-0s"), Ok((false, true)));
        assert_eq!(span("-1s"), Ok((false, false)));
        assert!(Span::parse("--1s").is_err());
        assert!(Span::parse("-+1s").is_err());
        assert!(Span::parse("-").is_err());
    }
}
