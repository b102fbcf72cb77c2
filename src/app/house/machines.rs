//! Wires the endpoints that only clients call.
use super::House;
use crate::{
    config::{Config, oauth::IntrospectPolicy},
    domain::introspection::Policy,
    flows::{client_auth::ClientAuth, introspect::IntrospectDeps},
    http::oauth::machines::MachineEndpoints,
};
use std::sync::Arc;

impl House {
    pub(super) fn machines(&self, config: &Config, auth: &ClientAuth) -> MachineEndpoints {
        MachineEndpoints {
            introspect: IntrospectDeps {
                ground: self.ground.clone(),
                auth: auth.clone(),
                keys: self.keys.clone(),
                audit: self.audit.clone(),
                policy: Arc::new(policy(config)),
            },
            introspect_limit: super::rules::limiter(config, config.limits.introspect),
        }
    }
}

fn policy(config: &Config) -> Policy {
    match config.oauth.introspect_policy {
        IntrospectPolicy::Any => Policy::Any,
        IntrospectPolicy::Audience => Policy::Audience(config.oauth.introspect_audiences.clone()),
    }
}
