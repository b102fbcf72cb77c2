//! Times as the Go server writes them: text in SQLite, always in UTC so that text order is time order.
use crate::domain::time::Timestamp;
use sqlx::{
    Decode, Encode, Postgres, Sqlite, Type,
    encode::IsNull,
    error::BoxDynError,
    postgres::{PgArgumentBuffer, PgTypeInfo, PgValueRef},
    sqlite::{SqliteTypeInfo, SqliteValueRef},
};
use time::{UtcOffset, format_description::well_known::Rfc3339, macros::datetime};

/// Go's zero time, which stands for "not set" where a column holds no NULL.
pub const ZERO: Timestamp = datetime!(0001-01-01 00:00:00 UTC);

/// A time on its way to or from a column. On Postgres it is cut to microseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stored(pub Timestamp);

/// `YYYY-MM-DD HH:MM:SS[.fffffffff]+00:00`, zeros at the end of the fraction cut.
pub fn text(at: Timestamp) -> String {
    let t = at.to_offset(UtcOffset::UTC);
    let (year, month, day) = t.to_calendar_date();
    let mut out = format!(
        "{year:04}-{:02}-{day:02} {:02}:{:02}:{:02}",
        u8::from(month),
        t.hour(),
        t.minute(),
        t.second()
    );
    if t.nanosecond() > 0 {
        let fraction = format!(".{:09}", t.nanosecond());
        out.push_str(fraction.trim_end_matches('0'));
    }
    out.push_str("+00:00");
    out
}

/// Reads every layout that the Go server's driver reads; `None` for anything else.
pub fn parse(text: &str) -> Option<Timestamp> {
    // A monotonic reading may follow the time.
    let text = text.split(" m=").next()?.trim();
    let mut iso = text.replacen(' ', "T", 1);
    if iso.len() == 10 {
        iso.push_str("T00:00:00");
    }
    if iso.len() == 16 {
        iso.push_str(":00");
    }
    let has_offset = iso.ends_with('Z')
        || iso
            .len()
            .checked_sub(6)
            .and_then(|at| iso.as_bytes().get(at))
            .is_some_and(|b| matches!(b, b'+' | b'-'));
    if !has_offset {
        iso.push('Z');
    }
    let at = Timestamp::parse(&iso, &Rfc3339).ok()?;
    at.checked_to_offset(UtcOffset::UTC)
}

impl Type<Sqlite> for Stored {
    fn type_info() -> SqliteTypeInfo {
        <str as Type<Sqlite>>::type_info()
    }

    fn compatible(_: &SqliteTypeInfo) -> bool {
        true
    }
}

impl Encode<'_, Sqlite> for Stored {
    fn encode_by_ref(
        &self,
        buffer: &mut <Sqlite as sqlx::Database>::ArgumentBuffer,
    ) -> Result<IsNull, BoxDynError> {
        <String as Encode<Sqlite>>::encode(text(self.0), buffer)
    }
}

impl<'r> Decode<'r, Sqlite> for Stored {
    fn decode(value: SqliteValueRef<'r>) -> Result<Self, BoxDynError> {
        let text = <&str as Decode<Sqlite>>::decode(value)?;
        // As the Go driver: what cannot be read counts as the zero time, which is long past.
        Ok(Self(parse(text).unwrap_or(ZERO)))
    }
}

impl Type<Postgres> for Stored {
    fn type_info() -> PgTypeInfo {
        <Timestamp as Type<Postgres>>::type_info()
    }
}

impl Encode<'_, Postgres> for Stored {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        <Timestamp as Encode<Postgres>>::encode_by_ref(&self.0, buffer)
    }
}

impl<'r> Decode<'r, Postgres> for Stored {
    fn decode(value: PgValueRef<'r>) -> Result<Self, BoxDynError> {
        Ok(Self(<Timestamp as Decode<Postgres>>::decode(value)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_layout_is_read_and_one_is_written() {
        for (from, to) in [
            (
                "2026-11-23 12:43:42.938704949+00:00",
                "2026-11-23 12:43:42.938704949+00:00",
            ),
            ("2026-11-23 12:43:42.5+08:00", "2026-11-23 04:43:42.5+00:00"),
            ("2026-11-23 12:43:42", "2026-11-23 12:43:42+00:00"),
            ("2026-11-23T12:43:42Z", "2026-11-23 12:43:42+00:00"),
            ("2026-11-23 12:43", "2026-11-23 12:43:00+00:00"),
            ("2026-11-23", "2026-11-23 00:00:00+00:00"),
            ("0001-01-01 00:00:00+00:00", "0001-01-01 00:00:00+00:00"),
        ] {
            assert_eq!(text(parse(from).unwrap()), to, "{from}");
        }
        for text in ["yesterday", "9999-12-31 23:59:59-05:00"] {
            assert_eq!(parse(text), None);
        }
    }
}
