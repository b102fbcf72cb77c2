//! `/oauth/authorize` as an ordered list of small checks (RFC 6749 §4.1.1, OpenID Connect Core 1.0 §3.1.2).
//!
//! [`at_home`] holds the checks whose failure is told on a page here, because nobody knows yet where else; [`told`] those
//! that are told to the client; [`step`] says what the person has to do. The order of the calls is the specification; each
//! records what it passed.
use super::{
    client::Client,
    consent::Consent,
    eligibility::{self, Grant, Owner},
    ids::UserId,
    oauth_error::{ErrorCode, OauthError},
    pkce, redirect, resource,
    scope::ScopeSet,
    time::Timestamp,
    trace::{Check, Trail},
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
/// For a page.
pub fn at_home(
    params: &Params,
    client: Option<&Client>,
    trail: &mut Trail,
) -> Result<Callback, OauthError> {
    if params.state.len() > MAX_STATE
        || params.nonce.len() > MAX_NONCE
        || params.length > MAX_REQUEST
    {
        return Err(ErrorCode::InvalidRequest
            .because("state, nonce or the whole request is too long")
            .failing(Check::Request));
    }
    // With two addresses or two states nobody can say which one the client meant.
    if params.repeated.iter().any(|name| is_for_the_answer(name)) {
        return Err(twice().failing(Check::Request));
    }
    trail.pass(Check::Request);
    let client = client.filter(|client| client.is_active()).ok_or_else(|| {
        ErrorCode::UnauthorizedClient
            .because("the client is unknown or not active")
            .failing(Check::Client)
    })?;
    trail.pass(Check::Client);
    eligibility::check(Grant::AuthorizationCode, Some(client.into()), Owner::Client).map_err(
        |_| {
            ErrorCode::UnauthorizedClient
                .because("the client may not use the authorization code grant")
                .failing(Check::Grant)
        },
    )?;
    trail.pass(Check::Grant);
    let is_public = !client.is_confidential();
    if !redirect::is_registered(&client.redirect_uris, &params.redirect_uri, is_public) {
        return Err(ErrorCode::InvalidRequest
            .because("redirect_uri is missing or not registered for this client")
            .failing(Check::RedirectUri)
            .noting(format!("the request has {:?}", params.redirect_uri)));
    }
    trail.pass(Check::RedirectUri);
    Ok(Callback {
        redirect_uri: params.redirect_uri.clone(),
        state: params.state.clone(),
    })
}

fn is_for_the_answer(name: &str) -> bool {
    matches!(name, "client_id" | "redirect_uri" | "state")
}

fn twice() -> OauthError {
    ErrorCode::InvalidRequest.because("a parameter is given more than once")
}

/// The checks that the client is told about.
///
/// # Errors
/// For the client's address.
pub fn told(
    params: &Params,
    client: &Client,
    callback: &Callback,
    pkce_required: bool,
    trail: &mut Trail,
) -> Result<Request, OauthError> {
    response_type(params)?;
    trail.pass(Check::ResponseType);
    let (prompt, max_age) = parameters(params)?;
    trail.pass(Check::Parameters);
    let scopes = scopes(params, client)?;
    trail.pass(Check::Scope);
    pkce::challenge(
        &params.code_challenge,
        &params.code_challenge_method,
        pkce_required || !client.is_confidential(),
    )
    .map_err(|error| because(ErrorCode::InvalidRequest, Check::CodeChallenge, &error))?;
    trail.pass(Check::CodeChallenge);
    resource::check_syntax(&params.resource)
        .map_err(|error| because(ErrorCode::InvalidTarget, Check::ResourceSyntax, &error))?;
    trail.pass(Check::ResourceSyntax);
    resource::check_subset(&params.resource, &client.allowed_resources)
        .map_err(|error| because(ErrorCode::InvalidTarget, Check::Resource, &error))?;
    trail.pass(Check::Resource);
    Ok(Request {
        callback: callback.clone(),
        scopes,
        code_challenge: params.code_challenge.clone(),
        nonce: params.nonce.clone(),
        resource: params.resource.clone(),
        prompt,
        max_age,
    })
}

fn because(code: ErrorCode, check: Check, error: &impl std::fmt::Display) -> OauthError {
    code.because(error.to_string()).failing(check)
}

fn response_type(params: &Params) -> Result<(), OauthError> {
    let refused = |code: ErrorCode, words| code.because(words).failing(Check::ResponseType);
    match params.response_type.as_str() {
        "code" => {}
        "" => {
            return Err(refused(
                ErrorCode::InvalidRequest,
                "response_type is required",
            ));
        }
        _ => {
            return Err(refused(
                ErrorCode::UnsupportedResponseType,
                "only response_type=code is served",
            ));
        }
    }
    match params.response_mode.as_str() {
        "" | "query" => Ok(()),
        _ => Err(refused(
            ErrorCode::InvalidRequest,
            "only response_mode=query is served",
        )),
    }
}

fn parameters(params: &Params) -> Result<(Prompts, Option<Duration>), OauthError> {
    let refused = |words| {
        ErrorCode::InvalidRequest
            .because(words)
            .failing(Check::Parameters)
    };
    if !params.repeated.is_empty() {
        return Err(twice().failing(Check::Parameters));
    }
    request_object(params)?;
    let prompt = Prompts::parse(&params.prompt)
        .ok_or_else(|| refused("prompt=none cannot stand with other values"))?;
    let max_age = match params.max_age.as_str() {
        "" => None,
        text => {
            let seconds: u32 = text
                .parse()
                .map_err(|_| refused("max_age must be a number of seconds"))?;
            Some(Duration::from_secs(u64::from(seconds)))
        }
    };
    Ok((prompt, max_age))
}

/// OpenID Connect Core 1.0 §6 and §7.2.1: parameters that would change what was asked for cannot be passed over.
fn request_object(params: &Params) -> Result<(), OauthError> {
    let refusals = [
        (&params.request, ErrorCode::RequestNotSupported),
        (&params.request_uri, ErrorCode::RequestUriNotSupported),
        (&params.registration, ErrorCode::RegistrationNotSupported),
    ];
    match refusals.into_iter().find(|(value, _)| !value.is_empty()) {
        Some((_, code)) => Err(code
            .because("the request must stand in plain parameters")
            .failing(Check::Parameters)),
        None => Ok(()),
    }
}

/// Nothing asked for means all that the client registered.
fn scopes(params: &Params, client: &Client) -> Result<ScopeSet, OauthError> {
    let asked = ScopeSet::parse(&params.scope)
        .map_err(|error| because(ErrorCode::InvalidScope, Check::Scope, &error))?;
    if asked.is_empty() {
        return Ok(client.scopes.clone());
    }
    let granted = asked.narrowed_to(&client.scopes);
    if granted.is_empty() {
        return Err(ErrorCode::InvalidScope
            .because("none of the requested scopes is open to this client")
            .failing(Check::Scope)
            .noting(format!(
                "asked for {asked}, the client has {}",
                client.scopes
            )));
    }
    Ok(granted)
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
/// For the client's address.
pub fn step(
    request: &Request,
    here: &Presence<'_>,
    now: Timestamp,
    trail: &mut Trail,
) -> Result<Step, OauthError> {
    let silent = request.prompt.none;
    let login = || {
        ErrorCode::LoginRequired
            .because("the user must sign in")
            .failing(Check::Login)
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
    trail.pass(Check::Login);
    if here.consented && !request.prompt.consent && !request.prompt.select_account {
        return Ok(Step::Approved);
    }
    if silent {
        return Err(ErrorCode::ConsentRequired
            .because("the user must be asked")
            .failing(Check::Approval));
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
