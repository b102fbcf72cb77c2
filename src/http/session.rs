//! The browser's session cookie: sealed, named as it always was, and nothing but a pointer to a row.
//!
//! Before anybody signs in the same cookie carries an id of its own, so that the sign-in form has a CSRF token too. Who
//! is signed in is asked of the flows; this room only opens and writes the cookie.
use super::{
    oauth::origin,
    request::Request,
    respond::{self, Response},
};
use crate::{
    domain::{
        digest::{hex, sha256_base64url},
        secret::{Secret, same},
        session::Session,
        time::{Entropy, EntropyFailure, random},
        user::User,
    },
    flows::{
        FlowError,
        login::{LoginDeps, Visit, visit},
    },
    seal::SealingRing,
};
use cookie::{Cookie, SameSite};
use std::sync::Arc;

/// The cookie's name.
pub const COOKIE: &str = "oauth_session";
/// The form field and the header that carry the CSRF token.
pub const CSRF_FIELD: &str = "csrf_token";
const CSRF_HEADER: &str = "x-csrf-token";
/// Between a token and what shows that a question was asked. No letter of base64url.
const OF_QUESTION: char = '.';

/// What the operator set about the cookie.
#[derive(Clone, Debug)]
pub struct CookieRules {
    /// Set with `ENVIRONMENT=production` and whenever `BASE_URL` is https.
    pub secure: bool,
    /// `SESSION_MAX_AGE` in seconds; 0 makes a cookie that ends with the browser.
    pub max_age: i64,
    /// `SESSION_REMEMBER_ME_MAX_AGE` in seconds.
    pub remember_me_max_age: i64,
}

/// Opens and writes session cookies.
#[derive(Clone)]
pub struct Sessions {
    /// Seals the cookie.
    pub ring: Arc<SealingRing>,
    /// The operator's rules.
    pub rules: Arc<CookieRules>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
    /// Who is signed in.
    pub login: LoginDeps,
}

/// A person with their session.
pub struct Guest {
    /// What the cookie carries.
    pub id: Secret,
    /// The row.
    pub session: Session,
    /// Who.
    pub user: User,
}

/// What a request's cookie says.
pub enum Seen {
    /// Nobody, perhaps with a reason why not.
    Nobody(Option<crate::domain::session::SessionEnd>),
    /// Somebody.
    Somebody(Box<Guest>),
}

/// A cookie that was opened.
pub enum Ticket {
    /// Before login.
    Anonymous(Secret),
    /// After login.
    SignedIn(Secret),
}

impl Ticket {
    /// The id in the cookie.
    pub fn id(&self) -> &Secret {
        match self {
            Self::Anonymous(id) | Self::SignedIn(id) => id,
        }
    }
}

impl Sessions {
    /// The cookie of the request, if it is one of ours.
    pub fn ticket(&self, request: &Request) -> Option<Ticket> {
        let sealed = request.cookie(COOKIE)?;
        let plain = self.ring.open(COOKIE.as_bytes(), &sealed).ok()?;
        let text = String::from_utf8(plain).ok()?;
        match text.split_once(':')? {
            ("a", id) => Some(Ticket::Anonymous(Secret::new(id))),
            ("s", id) => Some(Ticket::SignedIn(Secret::new(id))),
            _ => None,
        }
    }

    /// Who sent the request.
    ///
    /// # Errors
    /// [`FlowError::Unavailable`] when it cannot be said now.
    pub async fn see(&self, request: &Request) -> Result<Seen, FlowError> {
        let Some(Ticket::SignedIn(id)) = self.ticket(request) else {
            return Ok(Seen::Nobody(None));
        };
        Ok(
            match visit(&self.login, id.expose(), &origin(request)).await? {
                Visit::Nobody => Seen::Nobody(None),
                Visit::Ended(end) => Seen::Nobody(Some(end)),
                Visit::Person(person) => {
                    let (session, user) = *person;
                    Seen::Somebody(Box::new(Guest { id, session, user }))
                }
            },
        )
    }

    /// A ticket for somebody who has none yet.
    ///
    /// # Errors
    /// [`EntropyFailure`].
    pub fn anonymous(&self) -> Result<Ticket, EntropyFailure> {
        Ok(Ticket::Anonymous(Secret::new(hex(&random::<32>(
            &*self.entropy,
        )?))))
    }

    /// Puts the ticket on the answer, with the session that it stands for. A remembered session keeps its cookie longer;
    /// none outlives its row.
    ///
    /// # Errors
    /// [`FlowError`] without entropy.
    pub fn put(
        &self,
        response: Response,
        ticket: &Ticket,
        session: Option<&Session>,
    ) -> Result<Response, FlowError> {
        let (kind, id) = match ticket {
            Ticket::Anonymous(id) => ("a", id),
            Ticket::SignedIn(id) => ("s", id),
        };
        let plain = Secret::new(format!("{kind}:{}", id.expose()));
        let sealed = self
            .ring
            .seal(
                COOKIE.as_bytes(),
                plain.expose().as_bytes(),
                random(&*self.entropy)?,
            )
            .map_err(|error| FlowError::Internal(error.to_string()))?;
        let age = session.map_or(self.rules.max_age, |session| self.age(session));
        Ok(self.set(response, sealed, age))
    }

    /// Seconds; 0 for a cookie that ends with the browser.
    fn age(&self, session: &Session) -> i64 {
        let age = if session.remember_me {
            self.rules.remember_me_max_age
        } else {
            self.rules.max_age
        };
        let left = session.expires_at - self.login.ground.now();
        age.min(left.whole_seconds().max(1))
    }

    /// Takes the cookie away.
    pub fn take(&self, response: Response) -> Response {
        let mut cookie = self.cookie(String::new());
        cookie.set_max_age(cookie::time::Duration::ZERO);
        respond::set_cookie(response, &cookie.to_string())
    }

    fn set(&self, response: Response, value: String, max_age: i64) -> Response {
        let mut cookie = self.cookie(value);
        if max_age > 0 {
            cookie.set_max_age(cookie::time::Duration::seconds(max_age));
        }
        respond::set_cookie(response, &cookie.to_string())
    }

    fn cookie(&self, value: String) -> Cookie<'static> {
        let mut cookie = Cookie::new(COOKIE, value);
        cookie.set_path("/");
        cookie.set_http_only(true);
        cookie.set_same_site(SameSite::Lax);
        cookie.set_secure(self.rules.secure);
        cookie
    }
}

/// The CSRF token that belongs to a session id. The id is 256 random bits that only the sealed cookie carries, so its
/// digest can be shown in a form and guessed by nobody.
pub fn csrf_token(id: &Secret) -> String {
    sha256_base64url(format!("csrf:{}", id.expose()).as_bytes())
}

/// The token of a page that asks something which must have been asked before it is done: it is good wherever
/// [`csrf_token`] is, and whoever sends it back has seen the question (DV-03).
pub fn csrf_token_of_question(id: &Secret, question: &str) -> String {
    let asked = sha256_base64url(format!("csrf:{}:{question}", id.expose()).as_bytes());
    format!("{}{OF_QUESTION}{asked}", csrf_token(id))
}

/// Whether the form carries the token of the page that asks this.
pub fn was_asked(id: &Secret, field: Option<&str>, question: &str) -> bool {
    let expected = csrf_token_of_question(id, question);
    field.is_some_and(|token| same(token.as_bytes(), expected.as_bytes()))
}

/// Whether the form or the header carries the token of this id.
pub fn csrf_holds(id: &Secret, field: Option<&str>, request: &Request) -> bool {
    let sent = field
        .filter(|token| !token.is_empty())
        .or_else(|| request.header(CSRF_HEADER))
        .unwrap_or_default();
    let token = sent.split(OF_QUESTION).next().unwrap_or_default();
    same(token.as_bytes(), csrf_token(id).as_bytes())
}
