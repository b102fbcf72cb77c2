//! A form that makes something, and that may arrive twice: a double click, a reload, a proxy that tries again.
//!
//! The page puts a random value into the form. What the form makes gets an id that follows from that value, from whoever
//! sends it and from everything in the form, so the same form again finds its row there already, in any process and
//! without a row about forms. Another text in a field is another form, and so is another session.
use super::ids::{UserId, uuid_v4};
use ring::digest::{Context, SHA256};

/// The field that carries the random value.
pub const FIELD: &str = "submission";
/// It has no part in an id, which everybody may see.
const PASSWORD: &str = "password";

/// One sending of a form, however often it arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Submission([u8; 16]);

impl Submission {
    /// `None` for a form without the field, such as programs send: each of those makes something new.
    pub fn of(person: &UserId, fields: &[(String, String)]) -> Option<Self> {
        let is_marked = |(name, value): &(String, String)| name == FIELD && !value.is_empty();
        if !fields.iter().any(is_marked) {
            return None;
        }
        let mut context = Context::new(&SHA256);
        let mut take = |text: &str| {
            context.update(&text.len().to_be_bytes());
            context.update(text.as_bytes());
        };
        take(FIELD);
        take(person.as_str());
        for (name, value) in fields {
            if name != PASSWORD {
                take(name);
                take(value);
            }
        }
        let digest = context.finish();
        let half = digest.as_ref().first_chunk::<16>()?;
        Some(Self(*half))
    }

    /// The id of what it makes. Nobody finds a form for a given id: that would be a preimage of 122 bits.
    pub fn id(self) -> String {
        uuid_v4(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(fields: &[(&str, &str)]) -> Option<Submission> {
        let fields: Vec<_> = fields
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        Submission::of(&UserId::new("zoe"), &fields)
    }

    #[test]
    fn the_same_form_makes_the_same_and_another_one_does_not() {
        let first = sent(&[("submission", "r"), ("name", "a")]).unwrap();
        let again = sent(&[("submission", "r"), ("name", "a")]);
        assert_eq!(again.unwrap().id(), first.id());
        for other in [
            sent(&[("submission", "r"), ("name", "b")]),
            sent(&[("submission", "s"), ("name", "a")]),
            sent(&[("submission", "r"), ("name", ""), ("a", "")]),
            sent(&[("submission", "r"), ("namea", "")]),
        ] {
            assert_ne!(other.unwrap().id(), first.id());
        }
        assert_eq!(sent(&[("name", "a")]), None);
        assert_eq!(sent(&[("submission", ""), ("name", "a")]), None);
    }

    #[test]
    fn a_password_leaves_no_trace_in_an_id() {
        let with = |password| sent(&[("submission", "r"), ("password", password)]);
        assert_eq!(with("one"), with("another"));
    }
}
