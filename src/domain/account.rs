//! What an administrator may make of a person: names, addresses and roles that are judged before they are stored.
use super::{registration::is_hidden, user::Role};

/// The most characters of a username.
pub const MAX_USERNAME: usize = 64;
/// The most bytes of an email address (RFC 5321 §4.5.3.1).
pub const MAX_EMAIL: usize = 254;
/// The most characters of a full name.
pub const MAX_FULL_NAME: usize = 255;

/// A person as the form tells them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountDraft {
    /// `username`; not looked at when a person is edited.
    pub username: String,
    /// `email`.
    pub email: String,
    /// `full_name`.
    pub full_name: String,
    /// `role`; empty leaves it, or is `user`.
    pub role: String,
}

/// A field of the form, in its order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AccountField {
    /// `username`.
    Username,
    /// `email`.
    Email,
    /// `full_name`.
    FullName,
    /// `role`.
    Role,
    /// `password`.
    Password,
}

impl AccountField {
    /// The form's name for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Username => "username",
            Self::Email => "email",
            Self::FullName => "full_name",
            Self::Role => "role",
            Self::Password => "password",
        }
    }
}

/// What is wrong with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountFault {
    /// Nothing was entered.
    Required,
    /// Longer than so many characters.
    TooLong(usize),
    /// Something else than letters, digits, `_`, `-` and `.`, or not a letter or digit first.
    BadUsername,
    /// Not `somebody@somewhere`.
    BadEmail,
    /// Control characters, or such that turn the direction of the text.
    HiddenCharacter,
    /// Neither `admin` nor `user`.
    UnknownRole,
    /// Somebody has it already.
    Taken,
    /// One's own role.
    OwnRole,
    /// Nobody would be left to administer.
    LastAdmin,
}

/// Values that may be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// In lower case.
    pub username: String,
    /// Trimmed.
    pub email: String,
    /// Trimmed.
    pub full_name: String,
    /// What the person may do.
    pub role: Role,
}

/// Judges the form of a new person.
///
/// # Errors
/// Every fault with its field.
pub fn judge_new(draft: &AccountDraft) -> Result<Account, Vec<(AccountField, AccountFault)>> {
    let mut faults = Vec::new();
    let username = draft.username.trim().to_lowercase();
    if let Some(fault) = username_fault(&username) {
        faults.push((AccountField::Username, fault));
    }
    finish(draft, username, Role::User, faults)
}

/// Judges the form of a person who exists; an empty role leaves theirs.
///
/// # Errors
/// Every fault with its field.
pub fn judge_edit(
    draft: &AccountDraft,
    role: Role,
) -> Result<Account, Vec<(AccountField, AccountFault)>> {
    finish(draft, String::new(), role, Vec::new())
}

fn finish(
    draft: &AccountDraft,
    username: String,
    no_role: Role,
    mut faults: Vec<(AccountField, AccountFault)>,
) -> Result<Account, Vec<(AccountField, AccountFault)>> {
    let email = draft.email.trim().to_owned();
    if let Some(fault) = email_fault(&email) {
        faults.push((AccountField::Email, fault));
    }
    let full_name = draft.full_name.trim().to_owned();
    if full_name.chars().count() > MAX_FULL_NAME {
        faults.push((AccountField::FullName, AccountFault::TooLong(MAX_FULL_NAME)));
    } else if full_name.chars().any(is_hidden) {
        faults.push((AccountField::FullName, AccountFault::HiddenCharacter));
    }
    let role = match draft.role.trim() {
        "" => no_role,
        "admin" => Role::Admin,
        "user" => Role::User,
        _ => {
            faults.push((AccountField::Role, AccountFault::UnknownRole));
            no_role
        }
    };
    if faults.is_empty() {
        Ok(Account {
            username,
            email,
            full_name,
            role,
        })
    } else {
        Err(faults)
    }
}

fn username_fault(name: &str) -> Option<AccountFault> {
    let inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    if name.is_empty() {
        Some(AccountFault::Required)
    } else if name.chars().count() > MAX_USERNAME {
        Some(AccountFault::TooLong(MAX_USERNAME))
    } else if name.chars().all(inner) && name.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        None
    } else {
        Some(AccountFault::BadUsername)
    }
}

/// The shape only: whether letters arrive there is for a mail to find out.
pub fn email_fault(email: &str) -> Option<AccountFault> {
    if email.is_empty() {
        return Some(AccountFault::Required);
    }
    if email.len() > MAX_EMAIL {
        return Some(AccountFault::TooLong(MAX_EMAIL));
    }
    let plain = |c: char| !c.is_whitespace() && !is_hidden(c) && !"<>()[]\\,;:\"".contains(c);
    let good = email.rsplit_once('@').is_some_and(|(local, domain)| {
        let labels = domain.split('.');
        !local.is_empty()
            && local.len() <= 64
            && !local.contains('@')
            && email.chars().all(plain)
            && labels
                .into_iter()
                .all(|label| !label.is_empty() && !label.starts_with('-') && !label.ends_with('-'))
    });
    (!good).then_some(AccountFault::BadEmail)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(username: &str, email: &str) -> AccountDraft {
        AccountDraft {
            username: username.to_owned(),
            email: email.to_owned(),
            ..AccountDraft::default()
        }
    }

    #[test]
    fn nothing_is_taken_out_of_a_name_in_silence() {
        let made = judge_new(&draft(" Bob.Smith-2 ", "bob@corp.example")).unwrap();
        assert_eq!(
            (made.username.as_str(), made.role),
            ("bob.smith-2", Role::User)
        );
        for bad in ["Bob Smith!", "b\u{f6}b", "-bob", "b/b", "<b>", "b\u{202e}"] {
            let faults = judge_new(&draft(bad, "bob@corp.example")).unwrap_err();
            assert_eq!(
                faults,
                [(AccountField::Username, AccountFault::BadUsername)],
                "{bad}"
            );
        }
    }

    #[test]
    fn addresses_have_the_shape_of_addresses() {
        for good in [
            "a@b",
            "admin@localhost",
            "x.y+z@corp.example",
            "\u{f6}@\u{f6}.example",
        ] {
            assert_eq!(email_fault(good), None, "{good}");
        }
        for bad in [
            "notanemail",
            "@b",
            "a@",
            "a b@c",
            "a@b..c",
            "a@-b",
            "a@b@c",
            "<a@b>",
            "a@b\n",
        ] {
            assert_eq!(email_fault(bad), Some(AccountFault::BadEmail), "{bad}");
        }
        assert_eq!(
            email_fault(&format!("a@{}", "b".repeat(260))),
            Some(AccountFault::TooLong(254))
        );
    }

    #[test]
    fn every_fault_is_told() {
        let bad = AccountDraft {
            full_name: "x".repeat(256),
            role: "root".to_owned(),
            ..AccountDraft::default()
        };
        let found: Vec<AccountField> = judge_new(&bad).unwrap_err().iter().map(|f| f.0).collect();
        use AccountField::{Email, FullName, Role, Username};
        assert_eq!(found, [Username, Email, FullName, Role]);
        assert_eq!(
            judge_edit(&draft("", "a@b"), super::Role::Admin)
                .unwrap()
                .role,
            super::Role::Admin
        );
    }
}
