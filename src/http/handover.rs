//! A secret on its way from the form that made it to the page that shows it once.
//!
//! The form is answered with a redirect, so that a reload sends nothing again, and the secret travels in a cookie that the
//! browser sends to that one page. It is sealed for the page and for the session, ends after two minutes, and the page
//! takes it away. So the secret stands in no address, no history, no row and no memory of ours, and any process can show it.
//! Must not live here: what secrets are for, and who may see the page.
use super::{
    request::Request,
    respond::{self, Response},
    session::Sessions,
};
use crate::{
    domain::{
        secret::Secret,
        time::{Timestamp, random},
    },
    flows::FlowError,
};
use cookie::{Cookie, SameSite};

/// The cookie's name.
pub const COOKIE: &str = "authgate_secret";
/// How long a browser has to follow the redirect, in seconds.
const LIFE: i64 = 120;

/// A secret that arrived.
pub struct Handed {
    /// The secret.
    pub secret: Secret,
    /// Whether what it belongs to is new, or only the secret is.
    pub is_new: bool,
}

impl Sessions {
    /// To the page at `path`, with the secret that it shows to whose cookie carries `id`.
    ///
    /// # Errors
    /// [`FlowError`] without entropy.
    pub fn hand_over(
        &self,
        id: &Secret,
        path: &str,
        handed: &Handed,
    ) -> Result<Response, FlowError> {
        let plain = packed(handed, self.now().unix_timestamp());
        let sealed = self
            .ring
            .seal(
                &place(id, path),
                plain.expose().as_bytes(),
                random(&*self.entropy)?,
            )
            .map_err(|error| FlowError::Internal(error.to_string()))?;
        let cookie = self.cookie_for(path, sealed, LIFE);
        Ok(respond::set_cookie(respond::redirect(303, path), &cookie))
    }

    /// The secret that was handed to the page of this request.
    pub fn handed(&self, id: &Secret, request: &Request) -> Option<Handed> {
        let sealed = request.raw_cookie(COOKIE)?;
        let plain = self.ring.open(&place(id, request.path()), sealed).ok()?;
        let text = Secret::new(String::from_utf8(plain).ok()?);
        unpacked(text.expose(), self.now().unix_timestamp())
    }

    /// The page that showed it: there is no second time.
    pub fn shown(&self, response: Response, path: &str) -> Response {
        respond::set_cookie(response, &self.cookie_for(path, String::new(), 0))
    }

    fn now(&self) -> Timestamp {
        self.login.ground.now()
    }

    fn cookie_for(&self, path: &str, value: String, seconds: i64) -> String {
        let mut cookie = Cookie::new(COOKIE, value);
        cookie.set_path(path.to_owned());
        cookie.set_http_only(true);
        cookie.set_same_site(SameSite::Strict);
        cookie.set_secure(self.rules.secure);
        cookie.set_max_age(cookie::time::Duration::seconds(seconds));
        cookie.to_string()
    }
}

/// What the cookie is sealed for. The id is 256 random bits that only the sealed cookie of the session, or of the time
/// before it, carries.
fn place(id: &Secret, path: &str) -> Vec<u8> {
    [COOKIE, path, id.expose()].join("\0").into_bytes()
}

fn packed(handed: &Handed, now: i64) -> Secret {
    let kind = if handed.is_new { 'n' } else { 'r' };
    let secret = handed.secret.expose();
    Secret::new(format!("{}:{kind}:{secret}", now + LIFE))
}

fn unpacked(text: &str, now: i64) -> Option<Handed> {
    let (until, rest) = text.split_once(':')?;
    let (kind, secret) = rest.split_once(':')?;
    (now < until.parse().ok()?).then(|| Handed {
        secret: Secret::new(secret),
        is_new: kind == "n",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_waits_two_minutes_for_its_page() {
        for is_new in [true, false] {
            let handed = Handed {
                secret: Secret::new("with:colons"),
                is_new,
            };
            let packed = packed(&handed, 1_000);
            let arrived = unpacked(packed.expose(), 1_119).unwrap();
            assert_eq!(arrived.secret.expose(), "with:colons");
            assert_eq!(arrived.is_new, is_new);
            assert!(unpacked(packed.expose(), 1_120).is_none());
        }
    }
}
