//! `POST /oauth/revoke` (RFC 7009).
use super::{form, missing, origin, refuse, unreadable};
use crate::{
    domain::secret::Secret,
    flows::{
        FlowError,
        revoke::{RevokeDeps, RevokeRequest, revoke},
    },
    http::{
        client_credentials,
        form::Form,
        request::Request,
        respond::{self, Response},
    },
};

/// Revokes the token in the form.
pub async fn revocation(deps: RevokeDeps, mut request: Request) -> Response {
    let form = match form(&mut request, &[]).await {
        Ok(form) => form,
        Err(error) => return unreadable(&error),
    };
    match answer(&deps, &request, &form).await {
        Ok(()) => respond::no_store(respond::empty(200)),
        Err(error) => refuse(&error, "authgate"),
    }
}

async fn answer(deps: &RevokeDeps, request: &Request, form: &Form) -> Result<(), FlowError> {
    let token = form
        .get("token")
        .filter(|token| !token.is_empty())
        .ok_or_else(|| missing("token"))?;
    let asked = RevokeRequest {
        credentials: client_credentials::read(request, form)?,
        token: Secret::new(token),
        address: request.client_address(),
        origin: origin(request),
    };
    revoke(deps, &asked).await
}
