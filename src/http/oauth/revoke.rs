//! `POST /oauth/revoke` (RFC 7009).
use super::{
    form, missing, origin,
    refusals::{Case, Refusals},
};
use crate::{
    domain::{
        secret::Secret,
        trace::{Check, Operation, Trail},
    },
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

/// What the endpoint needs.
#[derive(Clone)]
pub struct RevocationDeps {
    /// Taking tokens away.
    pub revoke: RevokeDeps,
    /// Keeps traces of what is refused.
    pub refusals: Refusals,
}

/// Revokes the token in the form.
pub async fn revocation(deps: RevocationDeps, mut request: Request) -> Response {
    let form = match form(&mut request, &[]).await {
        Ok(form) => form,
        Err(error) => {
            return deps
                .refusals
                .unreadable(Operation::Revoke, &request, &error);
        }
    };
    let mut trail = Trail::default();
    match answer(&deps.revoke, &request, &form, &mut trail).await {
        Ok(()) => respond::no_store(respond::empty(200)),
        Err(error) => {
            let case = Case::of(Operation::Revoke, &request, Some(&form), trail);
            deps.refusals.answer(&case, &error, "authgate")
        }
    }
}

async fn answer(
    deps: &RevokeDeps,
    request: &Request,
    form: &Form,
    trail: &mut Trail,
) -> Result<(), FlowError> {
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
    trail.pass(Check::Request);
    revoke(deps, &asked, trail).await
}
