//! Cross-origin requests to `/oauth/*` and `/.well-known/*` (Fetch standard): exact origins, nothing reflected.
use super::{
    request::Request,
    respond::{self, Response},
};
use ::http::{Method, header};

/// What the operator set.
#[derive(Clone, Debug)]
pub struct CorsRules {
    /// `CORS_ALLOWED_ORIGINS`, as browsers spell them; `*` alone opens it to everybody, without credentials.
    pub origins: Vec<String>,
    /// `CORS_ALLOWED_METHODS`.
    pub methods: String,
    /// `CORS_ALLOWED_HEADERS`.
    pub headers: String,
    /// `CORS_MAX_AGE` in seconds, above zero; `None` leaves it to the browser.
    pub max_age: Option<u64>,
}

/// Headers that scripts may read: what the safelist of the Fetch standard lacks and answers here carry.
const EXPOSED: &str = "Content-Length,Content-Type,Retry-After,WWW-Authenticate,\
                       X-RateLimit-Limit,X-RateLimit-Remaining,X-RateLimit-Reset";

/// What a request's origin may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Passage {
    /// Not a cross-origin request.
    Same,
    /// May read the answer, under this name.
    Open(String),
    /// May not.
    Closed,
}

impl CorsRules {
    /// Judges the request's origin.
    pub fn passage(&self, request: &Request) -> Passage {
        let Some(origin) = request.header("origin") else {
            return Passage::Same;
        };
        let host = request.host().unwrap_or_default();
        if origin
            .strip_prefix("https://")
            .or_else(|| origin.strip_prefix("http://"))
            == Some(host)
        {
            return Passage::Same;
        }
        if self.origins.iter().any(|allowed| allowed == "*") {
            Passage::Open("*".to_owned())
        } else if self.origins.iter().any(|allowed| allowed == origin) {
            Passage::Open(origin.to_owned())
        } else {
            Passage::Closed
        }
    }

    /// Lets the origin read the answer.
    pub fn mark(&self, response: Response, origin: &str) -> Response {
        let mut response = respond::put(response, header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        response = respond::vary(response, "Origin");
        response = respond::put(response, header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
        if origin == "*" {
            response
        } else {
            respond::put(response, header::ACCESS_CONTROL_ALLOW_CREDENTIALS, "true")
        }
    }

    /// Answers a preflight.
    pub fn preflight(&self, origin: &str) -> Response {
        let mut response = self.mark(respond::empty(204), origin);
        response = respond::put(
            response,
            header::ACCESS_CONTROL_ALLOW_METHODS,
            &self.methods,
        );
        response = respond::put(
            response,
            header::ACCESS_CONTROL_ALLOW_HEADERS,
            &self.headers,
        );
        if let Some(age) = self.max_age {
            response = respond::put(response, header::ACCESS_CONTROL_MAX_AGE, &age.to_string());
        }
        let vary = "Origin, Access-Control-Request-Method, Access-Control-Request-Headers";
        respond::put(response, header::VARY, vary)
    }
}

/// Whether the request asks what it may do, rather than doing it.
pub fn is_preflight(request: &Request) -> bool {
    *request.method() == Method::OPTIONS
        && request.header("access-control-request-method").is_some()
}
