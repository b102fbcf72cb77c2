//! Refusals that can be looked up: each gets a reference, which the client is given as `error_uri` (RFC 6749 §5.2), the
//! log line names, and the decision trace is kept under.
use super::error_answer;
use crate::{
    actors::trace_writer::TraceWriter,
    domain::{
        oauth_error::ErrorCode,
        trace::{Decision, ErrorRef, Operation, Trail},
    },
    flows::FlowError,
    http::{
        client_credentials,
        form::{Form, FormError},
        request::Request,
        respond::{self, Response},
    },
};
use serde_json::json;
use std::sync::Arc;

/// The path of the page that `error_uri` leads to; the reference follows.
pub const ERROR_PAGE: &str = "/oauth/error/";

/// Draws references and keeps traces.
#[derive(Clone)]
pub struct Refusals {
    /// Where traces are noted.
    pub traces: TraceWriter,
    /// `BASE_URL` without trailing slashes.
    pub base_url: Arc<str>,
}

/// Whose request for what was refused.
#[derive(Clone, Debug)]
pub struct Case {
    /// What was asked for.
    pub operation: Operation,
    /// Who asked, as far as it said so.
    pub client_id: String,
    /// How far the request came.
    pub trail: Trail,
}

impl Case {
    /// The case of a form that names its client in the header or the body.
    pub fn of(operation: Operation, request: &Request, form: Option<&Form>, trail: Trail) -> Self {
        let nothing = Form::default();
        let named = client_credentials::read(request, form.unwrap_or(&nothing));
        let client_id = named.ok().flatten().map(|named| named.client_id);
        Self {
            operation,
            client_id: client_id.map_or_else(String::new, |id| id.as_str().to_owned()),
            trail,
        }
    }
}

impl Refusals {
    /// Notes the refusal and tells the log. Nothing is noted of an answer that only says "come again", or when there is no
    /// randomness for a reference.
    pub fn note(&self, case: &Case, error: &FlowError) -> Option<ErrorRef> {
        let told = error.told();
        if told.code.is_a_wait() {
            return None;
        }
        let trail = case.trail.clone();
        let decision = Decision::new(case.operation, &case.client_id, &told, trail);
        let (check, note) = (decision.check.as_str(), decision.note.clone());
        let (client, operation) = (decision.client_id.clone(), case.operation.as_str());
        let noted = self.traces.note(decision);
        let error_ref = noted
            .as_ref()
            .map_or_else(String::new, |noted| noted.reference.to_string());
        match error {
            FlowError::Unavailable(why) => {
                tracing::warn!(
                    error_ref,
                    operation,
                    client,
                    why,
                    "a request could not be served"
                );
            }
            FlowError::Internal(why) => {
                tracing::error!(error_ref, operation, client, why, "a request failed");
            }
            // The first of a kind is told; the table counts the others.
            FlowError::Protocol(_) if noted.as_ref().is_some_and(|noted| noted.is_new) => {
                let error = told.code.as_str();
                tracing::info!(
                    error_ref,
                    operation,
                    client,
                    check,
                    error,
                    note,
                    "a request was refused"
                );
            }
            FlowError::Protocol(_) => {
                tracing::debug!(
                    error_ref,
                    operation,
                    client,
                    check,
                    "a request was refused again"
                );
            }
        }
        noted.map(|noted| noted.reference)
    }

    /// The page that tells about a reference.
    pub fn uri(&self, reference: &ErrorRef) -> String {
        format!("{}{ERROR_PAGE}{reference}", self.base_url)
    }

    /// The error answer as JSON. `realm` names the challenge of a 401.
    pub fn answer(&self, case: &Case, error: &FlowError, realm: &'static str) -> Response {
        let uri = self.note(case, error).map(|reference| self.uri(&reference));
        error_answer(error, realm, uri.as_deref())
    }

    /// The answer to a body that cannot be read. Only one that is too large or too late keeps its own status.
    pub fn unreadable(
        &self,
        operation: Operation,
        request: &Request,
        error: &FormError,
    ) -> Response {
        let refused = FlowError::from(ErrorCode::InvalidRequest.because(error.to_string()));
        let uri = self
            .note(
                &Case::of(operation, request, None, Trail::default()),
                &refused,
            )
            .map(|reference| self.uri(&reference));
        let mut body = json!({"error": "invalid_request", "error_description": error.to_string()});
        if let (Some(uri), Some(members)) = (uri, body.as_object_mut()) {
            members.insert("error_uri".to_owned(), uri.into());
        }
        respond::no_store(respond::json(error.status(), &body))
    }
}
