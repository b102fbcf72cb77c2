//! `/oauth/authorize`: a person is sent here by a client, signs in if need be, looks at who asks, and is sent back.
//!
//! The form of the consent page brings the request back sealed: its other fields are there for people and programs that
//! look at them, and changing them changes nothing.
use super::{WebDeps, form_encoded, login, must_change_first, way};
use crate::{
    domain::{
        authorize::{Params, Prompts},
        ids::ClientId,
        oauth_error::{ErrorCode, OauthError},
        redirect,
        session::SessionEnd,
        trace::{Check, Operation, Trail},
    },
    flows::{
        FlowError,
        authorize::{Asked, AuthorizeDeps, Choice, Outcome, consider, decide},
        noticed,
    },
    http::{
        form::Form,
        oauth::{
            origin,
            refusals::{Case, Refusals},
        },
        request::Request,
        respond::{self, Response},
        router::{Route, Routes},
        session::{CSRF_FIELD, Guest, Seen, csrf_holds},
    },
    pages::{ConsentPage, ErrorPage, Hidden, ScopeLine, life_words},
};
use ::http::Method;
use url::form_urlencoded;

mod sealed;
use sealed::{CONSENT_LIFE, TRIP_LIFE};
pub(super) use sealed::{Sealing, pairs_of, text_of};

const PATH: &str = "/oauth/authorize";
/// The parameter that tells when this request sent a browser to the sign-in page. Sealed, and of no other use.
const TRIP: &str = "reauth";
/// The field in which the consent form brings the request back.
const SEALED: &str = "sealed";

/// What the handlers need.
#[derive(Clone)]
pub struct AuthorizeWeb {
    /// Pages and sessions.
    pub web: WebDeps,
    /// Judges.
    pub flow: AuthorizeDeps,
    /// Keeps traces of what is refused.
    pub refusals: Refusals,
}

/// The routes of this file.
pub fn routes(deps: &AuthorizeWeb, routes: Routes) -> Routes {
    let (page, submit) = (deps.clone(), deps.clone());
    routes
        .on(
            Method::GET,
            PATH,
            Route::new(move |request| ask(page.clone(), request)),
        )
        .on(
            Method::POST,
            PATH,
            Route::new(move |request| answer(submit.clone(), request)),
        )
}

type Pairs = Vec<(String, String)>;

/// A request as it came, without what we put into it ourselves.
struct Asking {
    pairs: Pairs,
    params: Params,
    trip: Option<String>,
}

impl Asking {
    fn of(pairs: Pairs) -> Self {
        let (ours, pairs): (Pairs, Pairs) = pairs.into_iter().partition(|(name, _)| name == TRIP);
        Self {
            params: Params::read(&pairs),
            trip: ours.into_iter().next().map(|(_, value)| value),
            pairs,
        }
    }

    /// Whether coming back from the sign-in page must be told from coming for the first time.
    fn minds_the_login(&self) -> bool {
        let login = Prompts::parse(&self.params.prompt).is_some_and(|prompt| prompt.login);
        login || !self.params.max_age.is_empty() || !self.params.id_token_hint.is_empty()
    }
}

/// `GET /oauth/authorize`.
async fn ask(deps: AuthorizeWeb, request: Request) -> Response {
    let Ok(pairs) = request.query_pairs() else {
        let error = ErrorCode::InvalidRequest.because("the query cannot be read");
        return deps.turned_away(&request, "", error, ErrorPage::named(400, "unreadable"));
    };
    let asking = Asking::of(pairs);
    let (guest, end) = match deps.web.sessions.see(&request).await {
        // Whose password is not their own yet is nobody to a client; a person is shown the way on.
        Ok(Seen::Somebody(guest)) if must_change_first(&guest, &request) => {
            if !Prompts::parse(&asking.params.prompt).is_some_and(|prompt| prompt.none) {
                return way::change_password_first(&request.path_and_query());
            }
            (None, None)
        }
        Ok(Seen::Somebody(guest)) => (Some(guest), None),
        Ok(Seen::Nobody(end)) => (None, end),
        Err(error) => return deps.web.fault(&request, &error).await,
    };
    let sent = asking.trip.as_deref().and_then(|trip| {
        let (at, digest) = deps.sealing().open("sent to login", trip, TRIP_LIFE)?;
        (digest == sealed::digest(&asking.pairs)).then_some(at)
    });
    let person = guest.as_ref().map(|guest| (&guest.session, &guest.user));
    let mut trail = Trail::default();
    let outcome = consider(
        &deps.flow,
        &asking.params,
        (person, sent),
        &origin(&request),
        &mut trail,
    )
    .await;
    let guest = guest.as_deref();
    match outcome {
        Ok(Outcome::SignIn { anew }) => match deps.login_url(&request, &asking, anew, end) {
            Ok(url) => respond::redirect(302, &url),
            Err(error) => deps.web.fault(&request, &error).await,
        },
        Ok(Outcome::Ask(asked)) => match guest {
            Some(guest) => deps.consent(&request, guest, &asking, &asked).await,
            None => deps.web.to_login(&request, end),
        },
        outcome => {
            deps.finish(&request, guest.is_some(), (&asking.params, trail), outcome)
                .await
        }
    }
}

/// `POST /oauth/authorize`: the consent form; or a request for authorization that comes as a form (OpenID Connect Core 1.0
/// §3.1.2.1), which goes on as a GET, because a post from another site carries no session.
async fn answer(deps: AuthorizeWeb, mut request: Request) -> Response {
    let form = match request.form(&["resource"]).await {
        Ok(form) => form,
        Err(error) => {
            let page = ErrorPage::named(error.status(), "unreadable");
            let error = ErrorCode::InvalidRequest.because(error.to_string());
            return deps.turned_away(&request, "", error, page);
        }
    };
    if form.get("action").is_none() && form.get(CSRF_FIELD).is_none() {
        return respond::redirect(303, &format!("{PATH}?{}", text_of(form.all_pairs())));
    }
    let guest = match deps.web.sessions.see(&request).await {
        Ok(Seen::Somebody(guest)) if must_change_first(&guest, &request) => {
            return way::change_password_first(&again(&form));
        }
        Ok(Seen::Somebody(guest)) => guest,
        Ok(Seen::Nobody(_)) => return respond::redirect(302, &again(&form)),
        Err(error) => return deps.web.fault(&request, &error).await,
    };
    if !csrf_holds(&guest.id, form.get(CSRF_FIELD), &request) {
        noticed::old_form(&deps.web.login.audit, &guest.user, &origin(&request));
        return deps.form_is_old(&request, &form);
    }
    let sealed = form.get(SEALED).unwrap_or_default();
    let place = consent_place(&guest);
    let Some((_, text)) = deps.sealing().open(&place, sealed, CONSENT_LIFE) else {
        return deps.form_is_old(&request, &form);
    };
    let params = Params::read(&pairs_of(&text));
    let choice = match form.get("action") {
        Some("approve") => Choice::Approve,
        _ => Choice::Deny,
    };
    let person = (&guest.session, &guest.user);
    let mut trail = Trail::default();
    let outcome = decide(
        &deps.flow,
        &params,
        person,
        choice,
        &origin(&request),
        &mut trail,
    )
    .await;
    deps.finish(&request, true, (&params, trail), outcome).await
}

/// Where the person is asked again, when they could not answer: their session ended while they were reading. Whatever the
/// client's prompt was, they are asked: they may have pressed Deny, and it may be somebody else who signs in now.
fn again(form: &Form) -> String {
    let ours = [CSRF_FIELD, SEALED, "action"];
    let mut pairs: Pairs = form
        .all_pairs()
        .iter()
        .filter(|(name, _)| !ours.contains(&name.as_str()))
        .cloned()
        .collect();
    if !pairs.iter().any(|(name, _)| name == "response_type") {
        pairs.push(("response_type".to_owned(), "code".to_owned()));
    }
    pairs.push(("prompt".to_owned(), "consent".to_owned()));
    format!("{PATH}?{}", text_of(&pairs))
}

/// A form answers only in the session that it was drawn for.
fn consent_place(guest: &Guest) -> String {
    format!("consent form of {}", guest.session.hash)
}

impl AuthorizeWeb {
    fn sealing(&self) -> Sealing<'_> {
        Sealing {
            sessions: &self.web.sessions,
            now: self.flow.ground.now(),
        }
    }

    /// The sign-in page and back here.
    fn login_url(
        &self,
        request: &Request,
        asking: &Asking,
        anew: bool,
        end: Option<SessionEnd>,
    ) -> Result<String, FlowError> {
        let mut back = without_trip(&request.path_and_query());
        if anew || asking.minds_the_login() {
            let digest = sealed::digest(&asking.pairs);
            let trip = self.sealing().seal("sent to login", &digest)?;
            back = redirect::with_parameters(&back, &[(TRIP, &trip)]);
        }
        let mut url = login::address(&back, anew);
        if !asking.params.login_hint.is_empty() {
            url.push_str("&login_hint=");
            url.push_str(&form_encoded(&asking.params.login_hint));
        }
        match end {
            Some(SessionEnd::Idle) => url.push_str("&error=session_timeout"),
            Some(SessionEnd::Moved) => url.push_str("&error=session_invalid"),
            Some(SessionEnd::Over) | None => {}
        }
        Ok(url)
    }

    async fn consent(
        &self,
        request: &Request,
        guest: &Guest,
        asking: &Asking,
        asked: &Asked,
    ) -> Response {
        let page = match self.consent_page(request, guest, asking, asked) {
            Ok(page) => page,
            Err(error) => return self.web.fault(request, &error).await,
        };
        let response = self.web.draw_for(request, 200, guest, &page);
        match redirect::policy_source(&asked.request.callback.redirect_uri) {
            Some(source) => respond::form_leads_to(response, &source),
            None => response,
        }
    }

    fn consent_page(
        &self,
        request: &Request,
        guest: &Guest,
        asking: &Asking,
        asked: &Asked,
    ) -> Result<ConsentPage, FlowError> {
        let (client, wanted) = (&asked.client, &asked.request);
        let sealed = self
            .sealing()
            .seal(&consent_place(guest), &text_of(&asking.pairs))?;
        let description = Some(client.description.clone()).filter(|text| !text.is_empty());
        Ok(ConsentPage {
            client_name: client.name.clone(),
            // Nobody owns a client that registered itself, so nobody here vouched for it.
            client_verified: !client.owner.is_empty(),
            description,
            scopes: wanted.scopes.iter().map(ScopeLine::of).collect(),
            resources: wanted.resource.clone(),
            access_life: life_words(asked.access_life),
            refresh_life: asked.refresh_life.map(life_words),
            host: redirect::told_host(&wanted.callback.redirect_uri),
            other_account: self.login_url(request, asking, true, None)?,
            fields: fields(asked, sealed),
            shell: super::shell_of(guest),
        })
    }

    /// An answer that is not to the page that was shown, or to one that was shown too long ago.
    fn form_is_old(&self, request: &Request, form: &Form) -> Response {
        let error = ErrorCode::InvalidRequest
            .because("the form is old, or of another session")
            .failing(Check::Approval);
        let page = ErrorPage::named(403, "form_old").signed_in(true);
        let client_id = form.get("client_id").unwrap_or_default();
        self.turned_away(request, client_id, error, page)
    }

    /// A page with a reference, for what never came to be judged.
    fn turned_away(
        &self,
        request: &Request,
        client_id: &str,
        error: OauthError,
        mut page: ErrorPage,
    ) -> Response {
        let case = Case {
            operation: Operation::Authorize,
            client_id: client_id.to_owned(),
            trail: Trail::default(),
        };
        let noted = self.refusals.note(&case, &error.into());
        page.report_id = noted.map(|reference| reference.to_string());
        self.web.draw(request, page.status, &page)
    }

    /// What becomes of a request that needs nobody any more.
    async fn finish(
        &self,
        request: &Request,
        signed_in: bool,
        (params, trail): (&Params, Trail),
        outcome: Result<Outcome, FlowError>,
    ) -> Response {
        let case = Case {
            operation: Operation::Authorize,
            client_id: params.client_id.clone(),
            trail,
        };
        match outcome {
            Ok(Outcome::Granted(location)) => respond::redirect(302, &location),
            Ok(Outcome::Told { error, location }) => {
                let noted = self.refusals.note(&case, &error.into());
                let location = match noted.map(|reference| self.refusals.uri(&reference)) {
                    Some(uri) => redirect::with_parameters(&location, &[("error_uri", &uri)]),
                    None => location,
                };
                respond::redirect(302, &location)
            }
            Ok(Outcome::Refused(error)) => {
                let (check, said) = (error.check().as_str(), error.description.as_ref());
                let mut page = ErrorPage::refused(check, said).signed_in(signed_in);
                page.report_id = self
                    .refusals
                    .note(&case, &error.into())
                    .map(|reference| reference.to_string());
                self.web.draw(request, 400, &page)
            }
            // Only a person who is not there or was not asked leads here, and both are answered before.
            Ok(Outcome::SignIn { .. } | Outcome::Ask(_)) => {
                let error = FlowError::Internal("a decision led back to the question".to_owned());
                self.web.fault(request, &error).await
            }
            Err(error) => self.web.fault(request, &error).await,
        }
    }
}

/// The names that the form has always sent, and the sealed request, which alone counts.
fn fields(asked: &Asked, sealed: String) -> Vec<Hidden> {
    let wanted = &asked.request;
    let method = if wanted.code_challenge.is_empty() {
        ""
    } else {
        "S256"
    };
    let scope = wanted.scopes.to_string();
    let mut fields: Vec<(&str, &str)> = vec![
        ("client_id", asked.client.client_id.as_str()),
        ("redirect_uri", &wanted.callback.redirect_uri),
        ("scope", &scope),
        ("state", &wanted.callback.state),
        ("nonce", &wanted.nonce),
        ("code_challenge", &wanted.code_challenge),
        ("code_challenge_method", method),
    ];
    fields.extend(wanted.resource.iter().map(|value| ("resource", &**value)));
    fields.push((SEALED, &sealed));
    let hidden = |(name, value): (&str, &str)| Hidden {
        name: name.to_owned(),
        value: value.to_owned(),
    };
    fields.into_iter().map(hidden).collect()
}

/// The path and query as they came, without an earlier mark of ours.
fn without_trip(path_and_query: &str) -> String {
    let Some((path, query)) = path_and_query.split_once('?') else {
        return path_and_query.to_owned();
    };
    let kept: Vec<&str> = query
        .split('&')
        .filter(|pair| pair.split('=').next() != Some(TRIP))
        .collect();
    format!("{path}?{}", kept.join("&"))
}

/// What the sign-in page must name in its policy when it leads to a request of a client: with a consent given before, the
/// browser is sent on to the client at once, and counts that as an answer to the sign-in form. Only an address that is
/// the client's is named.
pub(super) async fn leads_to(web: &WebDeps, path: &str) -> Option<String> {
    let (path, query) = path.split_once('?')?;
    if path != PATH {
        return None;
    }
    let pairs: Pairs = form_urlencoded::parse(query.as_bytes())
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect();
    let params = Params::read(&pairs);
    let client_id = ClientId::new(params.client_id.as_str());
    let client = web.device.auth.clients.find(&client_id).await.ok()??;
    let is_public = !client.is_confidential();
    redirect::is_registered(&client.redirect_uris, &params.redirect_uri, is_public)
        .then(|| redirect::policy_source(&params.redirect_uri))
        .flatten()
}
