//! Paging by key: a page begins after, or ends before, a row that the reader saw. It costs the same on the last page as
//! on the first, and rows that come in meanwhile neither repeat nor hide others.
//!
//! Lists are ordered by `(created, id)`, newest first.
use super::time::Timestamp;

/// Fewest and most rows that a reader may ask for (SS-15).
pub const PAGE_SIZES: [usize; 4] = [10, 20, 50, 100];

/// Where a row stands in its list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// When the row was made.
    pub at: Timestamp,
    /// Its id, which decides between rows of the same moment.
    pub id: String,
}

impl Cursor {
    /// Text for a query string: nothing in it needs escaping.
    #[must_use]
    pub fn encode(&self) -> String {
        format!("{}~{}", self.at.unix_timestamp_nanos(), self.id)
    }

    /// Reads what [`Cursor::encode`] wrote. It only ever becomes two bound parameters.
    #[must_use]
    pub fn decode(text: &str) -> Option<Self> {
        let (nanos, id) = text.split_once('~')?;
        let at = Timestamp::from_unix_timestamp_nanos(nanos.parse().ok()?).ok()?;
        // Rows have times that both databases can hold.
        if !(1..=9999).contains(&at.year()) {
            return None;
        }
        let is_id = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':');
        if id.is_empty() || id.len() > 64 || !id.chars().all(is_id) {
            return None;
        }
        Some(Self {
            at,
            id: id.to_owned(),
        })
    }
}

/// From where a page is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edge {
    /// The newest rows.
    Start,
    /// Rows older than this one.
    After(Cursor),
    /// Rows newer than this one, which the query reads oldest first.
    Before(Cursor),
}

/// One page that somebody asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slice {
    /// Rows on it.
    pub size: usize,
    /// From where.
    pub from: Edge,
}

impl Slice {
    /// Rows to read: one more than are shown, which tells whether there are more.
    #[must_use]
    pub fn limit(&self) -> i64 {
        i64::try_from(self.size).unwrap_or(100) + 1
    }
}

/// One page of a list, newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leaf<T> {
    /// The rows.
    pub rows: Vec<T>,
    /// There are newer ones: they are before this row.
    pub newer: Option<Cursor>,
    /// There are older ones: they are after this row.
    pub older: Option<Cursor>,
}

impl<T> Leaf<T> {
    /// Makes a page of what a query with [`Slice::limit`] gave, in the query's order.
    #[must_use]
    pub fn cut(mut rows: Vec<T>, slice: &Slice, place: impl Fn(&T) -> Cursor) -> Self {
        let has_more = rows.len() > slice.size;
        rows.truncate(slice.size);
        let is_backwards = matches!(slice.from, Edge::Before(_));
        if is_backwards {
            rows.reverse();
        }
        let (has_newer, has_older) = match slice.from {
            Edge::Start => (false, has_more),
            Edge::After(_) => (true, has_more),
            Edge::Before(_) => (has_more, true),
        };
        Self {
            newer: rows.first().filter(|_| has_newer).map(&place),
            older: rows.last().filter(|_| has_older).map(&place),
            rows,
        }
    }

    /// A page of rows that are all at hand, newest first.
    #[must_use]
    pub fn of_all(rows: Vec<T>, slice: &Slice, place: impl Fn(&T) -> Cursor) -> Self {
        let key = |cursor: &Cursor| (cursor.at, cursor.id.clone());
        let rows = match &slice.from {
            Edge::Start => rows,
            Edge::After(edge) => {
                let is_older = |row: &T| key(&place(row)) < key(edge);
                rows.into_iter().filter(is_older).collect()
            }
            Edge::Before(edge) => {
                let is_newer = |row: &T| key(&place(row)) > key(edge);
                rows.into_iter().rev().filter(is_newer).collect()
            }
        };
        Self::cut(rows, slice, place)
    }

    /// As [`Leaf::cut`] for a search that looks at a stretch of the list only: `end` is the last row it looked at, when it
    /// found no full page and there are rows beyond.
    #[must_use]
    pub fn of_stretch(
        rows: Vec<T>,
        slice: &Slice,
        end: Option<Cursor>,
        place: impl Fn(&T) -> Cursor,
    ) -> Self {
        let mut leaf = Self::cut(rows, slice, place);
        match (end, &slice.from) {
            (Some(end), Edge::Start | Edge::After(_)) => leaf.older = Some(end),
            (Some(end), Edge::Before(_)) => leaf.newer = Some(end),
            (None, _) => {}
        }
        // A stretch without a match has still a way back.
        if leaf.rows.is_empty() {
            match &slice.from {
                Edge::After(cursor) => leaf.newer = Some(cursor.clone()),
                Edge::Before(cursor) => leaf.older = Some(cursor.clone()),
                Edge::Start => {}
            }
        }
        leaf
    }

    /// The same page with other rows.
    #[must_use]
    pub fn map<U>(self, make: impl FnMut(T) -> U) -> Leaf<U> {
        Leaf {
            rows: self.rows.into_iter().map(make).collect(),
            newer: self.newer,
            older: self.older,
        }
    }
}

/// How many there are, as far as it was worth counting.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// How many were found.
    pub count: u64,
    /// Whether there can be no others.
    pub is_all: bool,
}

impl Counted {
    /// So many were found among the rows that were looked at, which are at most `cap`.
    #[must_use]
    pub fn among(found: i64, seen: i64, cap: i64) -> Self {
        Self {
            count: u64::try_from(found).unwrap_or_default(),
            is_all: seen < cap,
        }
    }
}

/// A page of what a search found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found<T> {
    /// The page.
    pub leaf: Leaf<T>,
    /// More may be meant than a search looks at: whoever reads the page must be told.
    pub is_cut: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cursor(n: i64) -> Cursor {
        Cursor {
            at: Timestamp::from_unix_timestamp(n).unwrap(),
            id: format!("id-{n}"),
        }
    }

    #[test]
    fn a_cursor_survives_the_query_string_and_nothing_else_is_one() {
        let one = Cursor {
            at: Timestamp::from_unix_timestamp_nanos(1_795_441_297_123_456_789).unwrap(),
            id: "5700669a-49d1-4d80-85e5-ca811d982b42".to_owned(),
        };
        assert_eq!(Cursor::decode(&one.encode()), Some(one));
        for hostile in [
            "",
            "~",
            "1~",
            "1~' OR 1=1",
            "x~a",
            "99999999999999999999999999999~a",
            "-377705116800000000000~a",
            "-62135596800000000001~a",
            "1~a\u{0}",
            "1~é",
        ] {
            assert_eq!(Cursor::decode(hostile), None, "{hostile:?}");
        }
        assert_eq!(Cursor::decode(&format!("1~{}", "a".repeat(65))), None);
    }

    #[test]
    fn pages_lead_forward_and_back_over_every_row_once() {
        let all: Vec<i64> = (0..7).rev().collect();
        let read =
            |slice: &Slice| -> Leaf<i64> { Leaf::of_all(all.clone(), slice, |n| cursor(*n)) };
        let slice = |from| Slice { size: 3, from };
        let first = read(&slice(Edge::Start));
        assert_eq!((first.rows, first.newer), (vec![6, 5, 4], None));
        let second = read(&slice(Edge::After(first.older.unwrap())));
        assert_eq!(second.rows, [3, 2, 1]);
        let third = read(&slice(Edge::After(second.older.unwrap())));
        assert_eq!((third.rows, third.older), (vec![0], None));
        let back = read(&slice(Edge::Before(third.newer.unwrap())));
        assert_eq!(back.rows, [3, 2, 1]);
        let start = read(&slice(Edge::Before(back.newer.unwrap())));
        assert_eq!((start.rows, start.newer), (vec![6, 5, 4], None));
        assert!(start.older.is_some());
    }
}
