//! What a long list is asked for (`search`, `page_size`, filters, `after`, `before`), and the links that ask for more of it.
use super::{form_encoded, guard::Visit};
use crate::{
    domain::paging::{Cursor, Edge, Found, Leaf, PAGE_SIZES, Slice},
    flows::browse::SEARCH_CAP,
    pages::{Alert, Choice, Filter, Hidden, Pager, Tab, Tabs, Words},
};

/// Longest text that is searched for (characters).
const SEARCH: usize = 200;

/// A request for a page of a list.
#[derive(Clone, Debug)]
pub struct Listing {
    path: String,
    /// Trimmed; empty for everything.
    pub search: String,
    /// Which page.
    pub slice: Slice,
    default_size: usize,
    filters: Vec<(&'static str, &'static str)>,
}

impl Listing {
    /// Reads the query of a visit. `filters` names each filter with the values it may have; the first is the default,
    /// and anything unknown is taken for it (SS-15).
    pub fn of(
        visit: &Visit,
        default_size: usize,
        filters: &[(&'static str, &[&'static str])],
    ) -> Self {
        let size = visit
            .query("page_size")
            .and_then(|size| size.parse().ok())
            .filter(|size| PAGE_SIZES.contains(size))
            .unwrap_or(default_size);
        let cursor = |name| visit.query(name).and_then(Cursor::decode);
        let from = match (cursor("after"), cursor("before")) {
            (Some(after), _) => Edge::After(after),
            (None, Some(before)) => Edge::Before(before),
            (None, None) => Edge::Start,
        };
        let chosen = |(name, values): &(&'static str, &[&'static str])| {
            let asked = visit.query(name).unwrap_or_default();
            let known = values.iter().find(|value| **value == asked);
            (*name, *known.or(values.first()).unwrap_or(&""))
        };
        let search = visit.query("search").unwrap_or_default().trim();
        Self {
            path: visit.request.path().to_owned(),
            search: search
                .chars()
                .filter(|c| !c.is_control())
                .take(SEARCH)
                .collect(),
            slice: Slice { size, from },
            default_size,
            filters: filters.iter().map(chosen).collect(),
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

    /// The address of the first page with the same search and filters, where `changed` stands in for one of them.
    pub fn href(&self, changed: Option<(&str, &str)>) -> String {
        let mut pairs: Vec<(&str, String)> = vec![("search", self.search.clone())];
        if self.slice.size != self.default_size {
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

    /// Tabs for a filter: its values with their labels, in this order.
    pub fn tabs(
        &self,
        name: &'static str,
        label: &'static str,
        choices: &[(&'static str, &'static str)],
    ) -> Tabs {
        let tab = |(value, label): &(&'static str, &'static str)| Tab {
            label: Words::of(*label),
            href: self.href(Some((name, value))),
            is_current: self.filter(name) == *value,
        };
        Tabs {
            label: Words::of(label),
            tabs: choices.iter().map(tab).collect(),
        }
    }

    /// The search form with its tabs.
    pub fn form(&self, hint: &'static str, tabs: Vec<Tabs>) -> Filter {
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
            newer: leaf.newer.as_ref().map(|at| link("before", at)),
            older: leaf.older.as_ref().map(|at| link("after", at)),
            count,
        }
    }
}
