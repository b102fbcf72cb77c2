//! `/oauth/authorize` as an ordered list of small checks (RFC 6749 §4.1.1, OpenID Connect Core 1.0 §3.1.2).
//!
//! [`at_home`] holds the checks whose failure is told on a page here, because nobody knows yet where else; [`told`] those
//! that are told to the client; [`step`] says what the person has to do. The order of the calls is the specification.
use super::{
    client::Client,
    consent::Consent,
    eligibility::{self, Grant, Owner},
    ids::UserId,
    oauth_error::{ErrorCode, OauthError},
    pkce, redirect, resource,
    scope::ScopeSet,
    time::Timestamp,
};
use std::time::Duration;

mod params;
pub use params::{Params, Prompts};

/// The longest `state` in bytes; it is given back as it came.
pub const MAX_STATE: usize = 4096;
/// The longest `nonce` in bytes.
pub const MAX_NONCE: usize = 1024;
/// The longest request in bytes, all parameters decoded.
pub const MAX_REQUEST: usize = 12 << 10;

/// A check by its name, in the order in which they are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// `client_id` names an active client.
    Client,
    /// The client may use the code grant.
    Grant,
    /// `redirect_uri` is one of the client's.
    RedirectUri,
    /// Nothing is longer than it may be.
    Length,
    /// No parameter comes twice.
    Repeated,
    /// `response_type` is `code`.
    ResponseType,
    /// `response_mode` is `query` or absent.
    ResponseMode,
    /// No `request`, `request_uri` or `registration`.
    RequestObject,
    /// Something is left of `scope`.
    Scope,
    /// `code_challenge` and its method.
    Pkce,
    /// `resource`: syntax, and the client's list.
    Resource,
    /// `prompt` does not contradict itself.
    Prompt,
    /// `max_age` is a number of seconds.
    MaxAge,
    /// `id_token_hint` is one of our ID tokens.
    IdTokenHint,
    /// Somebody is signed in, recently enough, and is the one that the hint names.
    Login,
    /// The person allows it.
    Consent,
    /// Person, client and consent still stand when the code is written.
    Standing,
    /// The code could be written.
    Storage,
}

impl Check {
    /// Its name in traces.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Grant => "grant",
            Self::RedirectUri => "redirect_uri",
            Self::Length => "length",
            Self::Repeated => "repeated",
            Self::ResponseType => "response_type",
            Self::ResponseMode => "response_mode",
            Self::RequestObject => "request_object",
            Self::Scope => "scope",
            Self::Pkce => "pkce",
            Self::Resource => "resource",
            Self::Prompt => "prompt",
            Self::MaxAge => "max_age",
            Self::IdTokenHint => "id_token_hint",
            Self::Login => "login",
            Self::Consent => "consent",
            Self::Standing => "standing",
            Self::Storage => "storage",
        }
    }
}

/// A check that failed, and what is said about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Which.
    pub check: Check,
    /// What the client or the person may know.
    pub error: OauthError,
}

impl Refusal {
    /// A refusal by this check.
    pub fn new(check: Check, error: OauthError) -> Self {
        Self { check, error }
    }
}

/// Where answers go, once it is known to be the client's address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Callback {
    /// As requested.
    pub redirect_uri: String,
    /// Given back unchanged; empty when none came.
    pub state: String,
}

impl Callback {
    /// The address with a code (RFC 6749 §4.1.2) and our name (RFC 9207).
    pub fn success(&self, code: &str, issuer: &str) -> String {
        self.with(&[("code", code), ("iss", issuer)])
    }

    /// The address with an error (RFC 6749 §4.1.2.1).
    pub fn failure(&self, error: &OauthError, issuer: &str) -> String {
        self.with(&[
            ("error", error.code.as_str()),
            ("error_description", &error.description),
            ("iss", issuer),
        ])
    }

    fn with(&self, parameters: &[(&str, &str)]) -> String {
        let mut all = parameters.to_vec();
        if !self.state.is_empty() {
            all.push(("state", &self.state));
        }
        redirect::with_parameters(&self.redirect_uri, &all)
    }
}

/// A request that passed all checks but those on the person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Where the answer goes.
    pub callback: Callback,
    /// What is asked for, narrowed to what the client may have.
    pub scopes: ScopeSet,
    /// `S256` challenge, empty for none.
    pub code_challenge: String,
    /// For the ID token, empty for none.
    pub nonce: String,
    /// RFC 8707 targets.
    pub resource: Vec<String>,
    /// How the person is to be treated.
    pub prompt: Prompts,
    /// How long ago the person may have signed in.
    pub max_age: Option<Duration>,
}

/// The checks whose failure stays here: a redirection to an address that is not the client's would hand its answer to
/// whoever made the link (RFC 6749 §4.1.2.1).
///
/// # Errors
/// [`Refusal`], for a page.
pub fn at_home(params: &Params, client: Option<&Client>) -> Result<Callback, Refusal> {
    let client = client
        .filter(|client| client.is_active())
        .ok_or_else(|| refused(Check::Client, ErrorCode::UnauthorizedClient, UNKNOWN_CLIENT))?;
    eligibility::check(Grant::AuthorizationCode, Some(client.into()), Owner::Client)
        .map_err(|_| refused(Check::Grant, ErrorCode::UnauthorizedClient, NO_GRANT))?;
    let is_public = !client.is_confidential();
    if !redirect::is_registered(&client.redirect_uris, &params.redirect_uri, is_public) {
        return Err(refused(
            Check::RedirectUri,
            ErrorCode::InvalidRequest,
            FOREIGN_ADDRESS,
        ));
    }
    if params.state.len() > MAX_STATE
        || params.nonce.len() > MAX_NONCE
        || params.length > MAX_REQUEST
    {
        return Err(refused(Check::Length, ErrorCode::InvalidRequest, TOO_LONG));
    }
    // With two addresses or two states nobody can say which one the client meant.
    if params.repeated.iter().any(|name| is_for_the_answer(name)) {
        return Err(refused(Check::Repeated, ErrorCode::InvalidRequest, TWICE));
    }
    Ok(Callback {
        redirect_uri: params.redirect_uri.clone(),
        state: params.state.clone(),
    })
}

const UNKNOWN_CLIENT: &str = "the client is unknown or not active";
const NO_GRANT: &str = "the client may not use the authorization code grant";
const FOREIGN_ADDRESS: &str = "redirect_uri is missing or not registered for this client";
const TOO_LONG: &str = "state, nonce or the whole request is too long";
const TWICE: &str = "a parameter is given more than once";

fn is_for_the_answer(name: &str) -> bool {
    matches!(name, "client_id" | "redirect_uri" | "state")
}

fn refused(check: Check, code: ErrorCode, words: &'static str) -> Refusal {
    Refusal::new(check, code.because(words))
}

/// The checks that the client is told about.
///
/// # Errors
/// [`Refusal`], for the client's address.
pub fn told(
    params: &Params,
    client: &Client,
    callback: &Callback,
    pkce_required: bool,
) -> Result<Request, Refusal> {
    if !params.repeated.is_empty() {
        return Err(refused(Check::Repeated, ErrorCode::InvalidRequest, TWICE));
    }
    response_type(params)?;
    request_object(params)?;
    let scopes = scopes(params, client)?;
    pkce::challenge(
        &params.code_challenge,
        &params.code_challenge_method,
        pkce_required || !client.is_confidential(),
    )
    .map_err(|error| because(Check::Pkce, ErrorCode::InvalidRequest, &error))?;
    resource::check_syntax(&params.resource)
        .and_then(|()| resource::check_subset(&params.resource, &client.allowed_resources))
        .map_err(|error| because(Check::Resource, ErrorCode::InvalidTarget, &error))?;
    Ok(Request {
        callback: callback.clone(),
        scopes,
        code_challenge: params.code_challenge.clone(),
        nonce: params.nonce.clone(),
        resource: params.resource.clone(),
        prompt: prompt(params)?,
        max_age: max_age(params)?,
    })
}

fn because(check: Check, code: ErrorCode, error: &impl std::fmt::Display) -> Refusal {
    Refusal::new(check, code.because(error.to_string()))
}

fn response_type(params: &Params) -> Result<(), Refusal> {
    if params.response_type != "code" {
        let (code, words) = if params.response_type.is_empty() {
            (ErrorCode::InvalidRequest, "response_type is required")
        } else {
            (
                ErrorCode::UnsupportedResponseType,
                "only response_type=code is served",
            )
        };
        return Err(refused(Check::ResponseType, code, words));
    }
    match params.response_mode.as_str() {
        "" | "query" => Ok(()),
        _ => Err(refused(
            Check::ResponseMode,
            ErrorCode::InvalidRequest,
            "only response_mode=query is served",
        )),
    }
}

/// OpenID Connect Core 1.0 §6 and §7.2.1: parameters that would change what was asked for cannot be passed over.
fn request_object(params: &Params) -> Result<(), Refusal> {
    let refusals = [
        (&params.request, ErrorCode::RequestNotSupported),
        (&params.request_uri, ErrorCode::RequestUriNotSupported),
        (&params.registration, ErrorCode::RegistrationNotSupported),
    ];
    match refusals.into_iter().find(|(value, _)| !value.is_empty()) {
        Some((_, code)) => Err(refused(
            Check::RequestObject,
            code,
            "the request must stand in plain parameters",
        )),
        None => Ok(()),
    }
}

/// Nothing asked for means all that the client registered.
fn scopes(params: &Params, client: &Client) -> Result<ScopeSet, Refusal> {
    let asked = ScopeSet::parse(&params.scope)
        .map_err(|error| because(Check::Scope, ErrorCode::InvalidScope, &error))?;
    if asked.is_empty() {
        return Ok(client.scopes.clone());
    }
    let granted = asked.narrowed_to(&client.scopes);
    if granted.is_empty() {
        return Err(refused(
            Check::Scope,
            ErrorCode::InvalidScope,
            "none of the requested scopes is open to this client",
        ));
    }
    Ok(granted)
}

fn prompt(params: &Params) -> Result<Prompts, Refusal> {
    Prompts::parse(&params.prompt).ok_or_else(|| {
        refused(
            Check::Prompt,
            ErrorCode::InvalidRequest,
            "prompt=none cannot stand with other values",
        )
    })
}

fn max_age(params: &Params) -> Result<Option<Duration>, Refusal> {
    if params.max_age.is_empty() {
        return Ok(None);
    }
    let seconds: u32 = params.max_age.parse().map_err(|_| {
        refused(
            Check::MaxAge,
            ErrorCode::InvalidRequest,
            "max_age must be a number of seconds",
        )
    })?;
    Ok(Some(Duration::from_secs(u64::from(seconds))))
}

/// Who is signed in.
#[derive(Clone, Copy, Debug)]
pub struct Visitor<'a> {
    /// Who.
    pub user_id: &'a UserId,
    /// Since when.
    pub auth_time: Timestamp,
}

/// What is known about the person when the request is judged.
#[derive(Clone, Copy, Debug, Default)]
pub struct Presence<'a> {
    /// Who is signed in, if anybody is.
    pub visitor: Option<Visitor<'a>>,
    /// Whom `id_token_hint` names.
    pub hinted: Option<&'a UserId>,
    /// When this very request sent somebody to the sign-in page; a login since then answers it.
    pub sent_to_login_at: Option<Timestamp>,
    /// Whether a consent given before covers it.
    pub consented: bool,
}

/// What happens next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The person must sign in. `anew` when somebody is signed in already, which is not enough.
    SignIn {
        /// See above.
        anew: bool,
    },
    /// The person must be asked.
    Ask,
    /// A code may be written.
    Approved,
}

/// What the person has to do, or why not even that helps (`prompt=none`).
///
/// # Errors
/// [`Refusal`], for the client's address.
pub fn step(request: &Request, here: &Presence<'_>, now: Timestamp) -> Result<Step, Refusal> {
    let silent = request.prompt.none;
    let login = || {
        refused(
            Check::Login,
            ErrorCode::LoginRequired,
            "the user must sign in",
        )
    };
    let Some(visitor) = here.visitor else {
        return if silent {
            Err(login())
        } else {
            Ok(Step::SignIn { anew: false })
        };
    };
    // The session's own time is the truth: what sent a person to the sign-in page only says what it is compared with.
    let fresh = here
        .sent_to_login_at
        .is_some_and(|sent| visitor.auth_time >= sent);
    if here.hinted.is_some_and(|hinted| hinted != visitor.user_id) {
        return if silent || fresh {
            Err(login())
        } else {
            Ok(Step::SignIn { anew: true })
        };
    }
    let too_old = request
        .max_age
        .is_some_and(|most| now - visitor.auth_time > most);
    if (request.prompt.login || too_old) && !fresh {
        return if silent {
            Err(login())
        } else {
            Ok(Step::SignIn { anew: true })
        };
    }
    if here.consented && !request.prompt.consent && !request.prompt.select_account {
        return Ok(Step::Approved);
    }
    if silent {
        return Err(refused(
            Check::Consent,
            ErrorCode::ConsentRequired,
            "the user must be asked",
        ));
    }
    Ok(Step::Ask)
}

/// Whether a consent given before stands for this request: the same client, no wider scope, the same resources, and an
/// address that proves who gets the code (RFC 6749 §10.2, ASVS 10.7.1).
pub fn is_remembered(request: &Request, client: &Client, consent: Option<&Consent>) -> bool {
    let Some(consent) = consent.filter(|consent| consent.is_active) else {
        return false;
    };
    let address = &request.callback.redirect_uri;
    (client.is_confidential() || redirect::proves_its_owner(address))
        && request.scopes.is_subset(&consent.scopes)
        && same_set(&request.resource, &consent.resource)
}

fn same_set(a: &[String], b: &[String]) -> bool {
    a.iter().all(|value| b.contains(value)) && b.iter().all(|value| a.contains(value))
}

#[cfg(test)]
mod tests;
