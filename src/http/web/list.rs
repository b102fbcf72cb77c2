//! What a long list can be asked for (`search`, `page_size`, filters, `after`, `before`), what one request asks, and the
//! links that ask for more of it.
use super::{form_encoded, guard::Visit};
use crate::{
    domain::paging::{Cursor, Edge, Found, Leaf, PAGE_SIZES, Slice},
    flows::{
        browse::{Counters, SEARCH_CAP},
        counting::Counting,
    },
    pages::{Alert, Choice, Filter, Hidden, Pager, Tab, Tabs, Words},
};

/// Longest text that is searched for (characters).
const SEARCH: usize = 200;

/// What a list can be asked for.
#[derive(Debug)]
pub struct Shape {
    /// Rows of a page, unless the request says otherwise.
    pub size: usize,
    /// The phrase that says what the search looks at.
    pub hint: &'static str,
    /// In the order of their tabs.
    pub filters: &'static [Choosing],
}

/// A list that is turned page by page and asked for nothing else.
pub const PAGED: Shape = Shape {
    size: 50,
    hint: "",
    filters: &[],
};

/// A filter: a row of tabs.
#[derive(Debug)]
pub struct Choosing {
    /// In the query.
    pub name: &'static str,
    /// The phrase before its tabs.
    pub label: &'static str,
    /// Values and the phrases of their tabs. The first is the default, and one without a phrase has no tab.
    pub values: &'static [(&'static str, &'static str)],
}

/// A request for a page of a list.
#[derive(Clone, Debug)]
pub struct Listing {
    path: String,
    shape: &'static Shape,
    /// Trimmed; empty for everything.
    pub search: String,
    /// Which page.
    pub slice: Slice,
    filters: Vec<(&'static str, &'static str)>,
}

impl Listing {
    /// Reads the query of a visit.
    pub fn of(visit: &Visit, shape: &'static Shape) -> Self {
        Self::asked(visit.request.path(), |name| visit.query(name), shape)
    }

    /// What a query asks of the list at a path. A value that a filter does not have is taken for its default (SS-15).
    pub fn asked<'q>(
        path: &str,
        query: impl Fn(&str) -> Option<&'q str>,
        shape: &'static Shape,
    ) -> Self {
        let size = query("page_size")
            .and_then(|size| size.parse().ok())
            .filter(|size| PAGE_SIZES.contains(size))
            .unwrap_or(shape.size);
        let cursor = |name| query(name).and_then(Cursor::decode);
        let from = match (cursor("after"), cursor("before")) {
            (Some(after), _) => Edge::After(after),
            (None, Some(before)) => Edge::Before(before),
            (None, None) => Edge::Start,
        };
        let chosen = |filter: &Choosing| {
            let asked = query(filter.name).unwrap_or_default();
            let known = filter.values.iter().find(|(value, _)| *value == asked);
            let value = known
                .or(filter.values.first())
                .map_or("", |(value, _)| value);
            (filter.name, value)
        };
        let search = query("search").unwrap_or_default().trim();
        Self {
            path: path.to_owned(),
            shape,
            search: search
                .chars()
                .filter(|c| !c.is_control())
                .take(SEARCH)
                .collect(),
            slice: Slice { size, from },
            filters: shape.filters.iter().map(chosen).collect(),
        }
    }

    /// The chosen value of a filter.
    pub fn filter(&self, name: &str) -> &'static str {
        self.filters
            .iter()
            .find(|(key, _)| *key == name)
            .map_or("", |(_, value)| value)
    }

    /// The same with another value for a filter.
    #[must_use]
    pub fn choosing(&self, name: &str, value: &'static str) -> Self {
        let mut listing = self.clone();
        for filter in &mut listing.filters {
            if filter.0 == name {
                filter.1 = value;
            }
        }
        listing
    }

    /// The first page in the place of one that came out empty: what stood on it was ended from there, or has ended since.
    pub fn first_instead<T>(&self, leaf: &Leaf<T>) -> Option<Self> {
        let is_over =
            leaf.rows.is_empty() && leaf.older.is_none() && self.slice.from != Edge::Start;
        is_over.then(|| {
            let mut first = self.clone();
            first.slice.from = Edge::Start;
            first
        })
    }

    /// The address of the first page with the same search and filters, where `changed` stands in for one of them.
    pub fn href(&self, changed: Option<(&str, &str)>) -> String {
        let mut pairs: Vec<(&str, String)> = vec![("search", self.search.clone())];
        if self.slice.size != self.shape.size {
            pairs.push(("page_size", self.slice.size.to_string()));
        }
        pairs.extend(self.filters.iter().map(|(n, v)| (*n, (*v).to_owned())));
        if let Some((name, value)) = changed {
            pairs.retain(|(known, _)| *known != name);
            pairs.push((name, value.to_owned()));
        }
        let query: Vec<String> = pairs
            .iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| format!("{name}={}", form_encoded(value)))
            .collect();
        if query.is_empty() {
            self.path.clone()
        } else {
            format!("{}?{}", self.path, query.join("&"))
        }
    }

    /// The query of this very page, to come back to after a deed.
    pub fn query(&self) -> String {
        let at = match &self.slice.from {
            Edge::Start => None,
            Edge::After(cursor) => Some(("after", cursor.encode())),
            Edge::Before(cursor) => Some(("before", cursor.encode())),
        };
        let href = self.href(at.as_ref().map(|(name, at)| (*name, at.as_str())));
        href.split_once('?')
            .map(|(_, query)| query.to_owned())
            .unwrap_or_default()
    }

    /// The tabs of each filter.
    pub fn tabs(&self) -> Vec<Tabs> {
        let row = |filter: &Choosing| {
            let shown = filter.values.iter().filter(|(_, label)| !label.is_empty());
            let tab = |(value, label): &(&'static str, &'static str)| Tab {
                label: Words::of(*label),
                href: self.href(Some((filter.name, value))),
                is_current: self.filter(filter.name) == *value,
            };
            Tabs {
                label: Words::of(filter.label),
                tabs: shown.map(tab).collect(),
            }
        };
        self.shape.filters.iter().map(row).collect()
    }

    /// The search form with its tabs.
    pub fn form(&self) -> Filter {
        self.form_with(self.shape.hint, self.tabs())
    }

    /// The search form of a list that has several views, with the words and tabs of one of them.
    pub fn form_with(&self, hint: &'static str, tabs: Vec<Tabs>) -> Filter {
        let size = |size: &usize| Choice {
            value: size.to_string(),
            label: Words::from(size.to_string()),
            is_chosen: *size == self.slice.size,
        };
        let hidden = |(name, value): &(&'static str, &'static str)| Hidden {
            name: (*name).to_owned(),
            value: (*value).to_owned(),
        };
        let narrowing = self.filters.iter().filter(|(_, value)| !value.is_empty());
        Filter {
            action: self.path.clone(),
            search: self.search.clone(),
            hint: Words::of(hint),
            sizes: PAGE_SIZES.iter().map(size).collect(),
            hidden: narrowing.map(hidden).collect(),
            is_narrowed: self.is_narrowed(),
            whole: self.path.clone(),
            tabs,
        }
    }

    /// Whether fewer rows than all are asked for.
    pub fn is_narrowed(&self) -> bool {
        !self.search.is_empty() || self.filters.iter().any(|(_, value)| !value.is_empty())
    }

    /// How many rows there are, for a list that shows all of them.
    pub async fn total(
        &self,
        counting: &Counting,
        of: fn(&Counters) -> Option<u64>,
    ) -> Option<Words> {
        if self.is_narrowed() {
            return None;
        }
        let counters = counting.at_hand().await?;
        of(&counters).map(|n| Words::count("list.total", n))
    }

    /// What a page says when a search looked at the first names only.
    pub fn cut<T>(found: &Found<T>) -> Option<Alert> {
        let most = u64::try_from(SEARCH_CAP).unwrap_or_default();
        let words = || Words::of("list.cut").with("n", Words::grouped(most));
        found.is_cut.then(|| Alert::info(words()))
    }

    /// The links to the pages around this one.
    pub fn pager<T>(&self, leaf: &Leaf<T>, count: Option<Words>) -> Pager {
        let link = |name: &'static str, at: &Cursor| self.href(Some((name, &at.encode())));
        Pager {
            first: leaf.newer.as_ref().map(|_| self.href(None)),
            newer: leaf.newer.as_ref().map(|at| link("before", at)),
            older: leaf.older.as_ref().map(|at| link("after", at)),
            count,
        }
    }
}
