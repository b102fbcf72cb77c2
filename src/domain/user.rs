//! People who sign in.
use super::{ids::UserId, time::Timestamp};

/// A row of `users`.
#[derive(Clone, Debug)]
pub struct User {
    /// UUID.
    pub id: UserId,
    /// Unique, compared exactly as the column does.
    pub username: String,
    /// Unique.
    pub email: String,
    /// bcrypt or Argon2id text; empty when the password lives elsewhere.
    pub password_hash: String,
    /// What the person may do here.
    pub role: Role,
    /// May be empty.
    pub full_name: String,
    /// May be empty.
    pub avatar_url: String,
    /// Switched off people get nothing.
    pub is_active: bool,
    /// Whether somebody vouched for the address.
    pub email_verified: bool,
    /// `local` or `http_api`.
    pub auth_source: String,
    /// Whether the password was set by somebody else and must be replaced before anything is done with it.
    pub must_change_password: bool,
    /// When the row was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl User {
    /// Whether they may see and do what is for administrators: a password that somebody else chose opens nothing but its
    /// change (PW-06).
    pub fn may_administer(&self) -> bool {
        self.role == Role::Admin && self.is_active && !self.must_change_password
    }
}

/// What a person may do in this server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Everything.
    Admin,
    /// Their own things.
    User,
}

impl Role {
    /// Reads the column; anything but `admin` is an ordinary user.
    pub fn stored(text: &str) -> Self {
        if text == "admin" {
            Self::Admin
        } else {
            Self::User
        }
    }

    /// The column's text.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::User => "user",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn administrators_are_active_and_know_their_password_alone() {
        let at = Timestamp::UNIX_EPOCH;
        let admin = User {
            id: UserId::new("a"),
            username: String::new(),
            email: String::new(),
            password_hash: String::new(),
            role: Role::Admin,
            full_name: String::new(),
            avatar_url: String::new(),
            is_active: true,
            email_verified: false,
            auth_source: String::new(),
            must_change_password: false,
            created_at: at,
            updated_at: at,
        };
        assert!(admin.may_administer());
        let mut others = [admin.clone(), admin.clone(), admin];
        others[0].role = Role::User;
        others[1].is_active = false;
        others[2].must_change_password = true;
        assert!(others.iter().all(|user| !user.may_administer()));
    }
}
