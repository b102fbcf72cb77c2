//! `/oauth/authorize` (RFC 6749 §4.1.1): who asks, what the person has to do, and the code that comes of it.
//!
//! Every request is judged from the start whenever it comes, before the page and after it: nothing that a browser brings
//! back is believed.
use super::{
    FlowError, Ground,
    clients::Clients,
    id_token::{self, Hint},
};
use crate::{
    actors::key_holder::KeyHolder,
    domain::{
        audit::{AuditEvent, EventType, Origin, ResourceType},
        authorize::{Params, Presence, Request, Step, Visitor, at_home, is_remembered, step, told},
        client::Client,
        code::{AuthorizationCode, CODE_BYTES},
        digest::{hex, sha256_hex},
        eligibility,
        ids::ClientId,
        lifetimes::Lifetimes,
        oauth_error::{ErrorCode, OauthError},
        session::Session,
        time::{Timestamp, random},
        trace::{Check, Trail},
        user::User,
    },
    jose::KeySet,
    store::{audit::RecordAudit, codes::InsertCode, consents::NewConsent},
};
use std::{sync::Arc, time::Duration};

/// What the operator set about the code grant.
#[derive(Clone, Debug)]
pub struct AuthorizeRules {
    /// `BASE_URL` without trailing slashes.
    pub issuer: String,
    /// `AUTH_CODE_EXPIRATION`.
    pub code_life: Duration,
    /// `PKCE_REQUIRED`: of confidential clients too.
    pub pkce_required: bool,
    /// `CONSENT_REMEMBER`.
    pub remember: bool,
    /// `ENABLE_REFRESH_TOKENS`.
    pub refresh_tokens: bool,
    /// How long tokens live, for the page.
    pub lifetimes: Lifetimes,
}

/// What the code grant needs.
#[derive(Clone)]
pub struct AuthorizeDeps {
    /// Common ground.
    pub ground: Ground,
    /// Who asks.
    pub clients: Clients,
    /// Reads `id_token_hint`.
    pub keys: KeyHolder<KeySet>,
    /// The operator's rules.
    pub rules: Arc<AuthorizeRules>,
}

/// What becomes of a request.
#[derive(Debug)]
pub enum Outcome {
    /// A code was written; the browser goes to this address.
    Granted(String),
    /// Refused, and the client is told at this address.
    Told {
        /// Why.
        error: OauthError,
        /// Where to.
        location: String,
    },
    /// Refused, and only a page may say so.
    Refused(OauthError),
    /// The person must sign in; `anew` when somebody is signed in already.
    SignIn {
        /// See above.
        anew: bool,
    },
    /// The person must be asked.
    Ask(Box<Asked>),
}

/// What the person is asked.
#[derive(Debug)]
pub struct Asked {
    /// Who asks.
    pub client: Arc<Client>,
    /// For what.
    pub request: Request,
    /// How long an access token will count.
    pub access_life: Duration,
    /// How long it can be renewed without asking again; `None` when it cannot.
    pub refresh_life: Option<Duration>,
}

/// The person at the browser, with their session.
pub type Guest<'a> = (&'a Session, &'a User);

/// Judges a request. `sent_to_login_at` is when this same request last sent a browser to the sign-in page.
///
/// # Errors
/// [`FlowError`] only while nobody knows where else to tell it.
pub async fn consider(
    deps: &AuthorizeDeps,
    params: &Params,
    (guest, sent_to_login_at): (Option<Guest<'_>>, Option<Timestamp>),
    origin: &Origin,
    trail: &mut Trail,
) -> Result<Outcome, FlowError> {
    let (client, request) = match read(deps, params, trail).await? {
        Ok(known) => known,
        Err(outcome) => return Ok(outcome),
    };
    let hint = match hinted(deps, params) {
        Ok(hint) => hint,
        Err(error) => return Ok(tell(deps, &request, error)),
    };
    let consent = match guest {
        Some((_, user)) if deps.rules.remember => {
            let store = &deps.ground.store;
            match store.consent(&user.id, &client.client_id).await {
                Ok(consent) => consent,
                Err(error) => return Ok(tell(deps, &request, fault(&error.into()))),
            }
        }
        _ => None,
    };
    let here = Presence {
        visitor: guest.map(|(session, user)| Visitor {
            user_id: &user.id,
            auth_time: session.auth_time,
        }),
        hinted: hint.as_ref().map(|hint| &hint.user_id),
        sent_to_login_at,
        consented: is_remembered(&request, &client, consent.as_ref()),
    };
    match (step(&request, &here, deps.ground.now(), trail), guest) {
        (Err(error), _) => Ok(tell(deps, &request, error)),
        (Ok(Step::SignIn { anew }), _) => Ok(Outcome::SignIn { anew }),
        (Ok(Step::Approved), Some(guest)) => {
            trail.pass(Check::Approval);
            Ok(grant(deps, (&client, &request), guest, None, origin).await)
        }
        (Ok(Step::Ask | Step::Approved), _) => Ok(ask(deps, client, request)),
    }
}

/// What the person chose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// Let the client in.
    Approve,
    /// Keep it out.
    Deny,
}

/// Takes the person's answer to a request that they were asked about.
///
/// # Errors
/// As [`consider`].
pub async fn decide(
    deps: &AuthorizeDeps,
    params: &Params,
    guest: Guest<'_>,
    choice: Choice,
    origin: &Origin,
    trail: &mut Trail,
) -> Result<Outcome, FlowError> {
    let (client, request) = match read(deps, params, trail).await? {
        Ok(known) => known,
        Err(outcome) => return Ok(outcome),
    };
    // The page that was answered is bound to the session of whoever saw it.
    trail.pass(Check::Login);
    match choice {
        Choice::Approve => {
            trail.pass(Check::Approval);
            let consent = match consent(deps, &client, &request, guest.1) {
                Ok(consent) => consent,
                Err(error) => return Ok(tell(deps, &request, fault(&error))),
            };
            Ok(grant(deps, (&client, &request), guest, Some(consent), origin).await)
        }
        Choice::Deny => {
            if let Err(error) = denied(deps, &client, &request, guest.1, origin).await {
                return Ok(tell(deps, &request, fault(&error)));
            }
            let error = ErrorCode::AccessDenied
                .because("the user refused the request")
                .failing(Check::Approval);
            Ok(tell(deps, &request, error))
        }
    }
}

/// The client and the request, if all checks pass that need no person.
async fn read(
    deps: &AuthorizeDeps,
    params: &Params,
    trail: &mut Trail,
) -> Result<Result<(Arc<Client>, Request), Outcome>, FlowError> {
    let client_id = ClientId::new(params.client_id.as_str());
    let found = deps.clients.find(&client_id).await?;
    let callback = match at_home(params, found.as_deref(), trail) {
        Ok(callback) => callback,
        Err(error) => return Ok(Err(Outcome::Refused(error))),
    };
    // `at_home` lets only a client that was found pass.
    let Some(client) = found else {
        return Err(FlowError::Internal("a request without a client".to_owned()));
    };
    let pkce_required = deps.rules.pkce_required;
    Ok(
        match told(params, &client, &callback, pkce_required, trail) {
            Ok(request) => Ok((client, request)),
            Err(error) => Err(Outcome::Told {
                location: callback.failure(&error, &deps.rules.issuer),
                error,
            }),
        },
    )
}

fn hinted(deps: &AuthorizeDeps, params: &Params) -> Result<Option<Hint>, OauthError> {
    if params.id_token_hint.is_empty() {
        return Ok(None);
    }
    let keys = deps.keys.current();
    let hint = id_token::hint(&keys, &deps.rules.issuer, &params.id_token_hint);
    hint.map(Some).ok_or_else(|| {
        ErrorCode::InvalidRequest
            .because("id_token_hint is no ID token of this server")
            .failing(Check::Login)
    })
}

fn tell(deps: &AuthorizeDeps, request: &Request, error: OauthError) -> Outcome {
    Outcome::Told {
        location: request.callback.failure(&error, &deps.rules.issuer),
        error,
    }
}

fn ask(deps: &AuthorizeDeps, client: Arc<Client>, request: Request) -> Outcome {
    let profile = deps.rules.lifetimes.profile(&client);
    Outcome::Ask(Box::new(Asked {
        access_life: profile.access,
        refresh_life: deps.rules.refresh_tokens.then_some(profile.refresh),
        client,
        request,
    }))
}

/// Faults of ours, as RFC 6749 §4.1.2.1 has them told. The reason goes to the log.
fn fault(error: &FlowError) -> OauthError {
    match error {
        FlowError::Protocol(_) => {}
        FlowError::Unavailable(why) => {
            tracing::warn!(why, "a request for a code could not be served");
        }
        FlowError::Internal(why) => tracing::error!(why, "a request for a code failed"),
    }
    error.told().into_owned()
}

/// Writes the code, and the consent if it was given just now.
async fn grant(
    deps: &AuthorizeDeps,
    (client, request): (&Arc<Client>, &Request),
    guest: Guest<'_>,
    consent: Option<NewConsent>,
    origin: &Origin,
) -> Outcome {
    let asked = consent.is_some();
    let written = match prepare(deps, (client, request), guest, consent, origin) {
        Ok((code, unit)) => deps.ground.commit(unit).await.map(|done| (code, done)),
        Err(error) => Err(error),
    };
    let error = match written {
        Ok((code, Ok(()))) => {
            let location = request.callback.success(&code, &deps.rules.issuer);
            return Outcome::Granted(location);
        }
        // Withdrawn in this very moment: then the person is asked, unless nothing may be shown.
        Ok((_, Err(eligibility::Refusal::Consent))) if !asked && !request.prompt.none => {
            return ask(deps, Arc::clone(client), request.clone());
        }
        Ok((_, Err(refusal))) => no_longer(refusal),
        Err(error) => fault(&error),
    };
    tell(deps, request, error)
}

fn no_longer(refusal: eligibility::Refusal) -> OauthError {
    match refusal {
        eligibility::Refusal::Client | eligibility::Refusal::Grant => ErrorCode::UnauthorizedClient
            .because("the client may not use this grant any more")
            .failing(Check::Grant),
        eligibility::Refusal::User => ErrorCode::AccessDenied
            .because("the user can no longer be granted access")
            .failing(Check::User),
        eligibility::Refusal::Consent => ErrorCode::ConsentRequired
            .because("the user withdrew the consent")
            .failing(Check::Approval),
    }
}

fn prepare(
    deps: &AuthorizeDeps,
    (client, request): (&Client, &Request),
    (session, user): Guest<'_>,
    consent: Option<NewConsent>,
    origin: &Origin,
) -> Result<(String, InsertCode), FlowError> {
    let now = deps.ground.now();
    let text = hex(&random::<CODE_BYTES>(&*deps.ground.entropy)?);
    let code = AuthorizationCode {
        row_id: 0,
        uuid: deps.ground.uuid()?,
        hash: sha256_hex(text.as_bytes()),
        prefix: text.chars().take(8).collect(),
        application_id: client.application_id,
        client_id: client.client_id.clone(),
        user_id: user.id.clone(),
        redirect_uri: request.callback.redirect_uri.clone(),
        scopes: request.scopes.clone(),
        code_challenge: request.code_challenge.clone(),
        nonce: request.nonce.clone(),
        resource: request.resource.clone(),
        expires_at: now + deps.rules.code_life,
        used_at: None,
        created_at: now,
        auth_time: Some(session.auth_time),
        issued_family: None,
    };
    let mut events = Vec::with_capacity(2);
    if let Some(consent) = &consent {
        events.push(super::device::decision::granted(consent, user, origin));
    }
    events.push(generated(&code, user, origin));
    let audit = deps.ground.rows(now, events)?;
    Ok((
        text,
        InsertCode {
            code,
            consent,
            audit,
        },
    ))
}

fn consent(
    deps: &AuthorizeDeps,
    client: &Client,
    request: &Request,
    user: &User,
) -> Result<NewConsent, FlowError> {
    Ok(NewConsent {
        uuid: deps.ground.uuid()?,
        user_id: user.id.clone(),
        application_id: client.application_id,
        client_id: client.client_id.clone(),
        scopes: request.scopes.clone(),
        resource: request.resource.clone(),
        granted_at: deps.ground.now(),
    })
}

fn generated(code: &AuthorizationCode, user: &User, origin: &Origin) -> AuditEvent {
    let event = AuditEvent::new(
        EventType::AuthorizationCodeGenerated,
        "Authorization code sent to a client",
    )
    .by(user.into())
    .on(ResourceType::Authorization, code.uuid.as_str(), "")
    .with("client_id", code.client_id.as_str())
    .with("scopes", code.scopes.to_string())
    .with("pkce", !code.code_challenge.is_empty())
    .with("redirect_uri", code.redirect_uri.as_str())
    .from(origin);
    if code.resource.is_empty() {
        event
    } else {
        event.with("resource", code.resource.clone())
    }
}

async fn denied(
    deps: &AuthorizeDeps,
    client: &Client,
    request: &Request,
    user: &User,
    origin: &Origin,
) -> Result<(), FlowError> {
    let event = AuditEvent::new(EventType::AuthorizationCodeDenied, "User refused a client")
        .by(user.into())
        .on(
            ResourceType::Client,
            client.client_id.as_str(),
            client.name.as_str(),
        )
        .with("client_id", client.client_id.as_str())
        .with("scopes", request.scopes.to_string())
        .with("redirect_uri", request.callback.redirect_uri.as_str())
        .from(origin);
    let rows = deps.ground.rows(deps.ground.now(), vec![event])?;
    if rows.is_empty() {
        return Ok(());
    }
    deps.ground.commit(RecordAudit { rows }).await
}
