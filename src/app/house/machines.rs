//! Wires the endpoints that only clients call.
use super::House;
use crate::{
    config::{Config, oauth::IntrospectPolicy},
    domain::introspection::Policy,
    flows::{
        client_auth::ClientAuth,
        introspect::IntrospectDeps,
        register::{RegisterDeps, RegisterSettings},
    },
    http::oauth::{introspect::IntrospectionDeps, machines::MachineEndpoints, refusals::Refusals},
};
use std::sync::Arc;

impl House {
    pub(super) fn machines(
        &self,
        config: &Config,
        auth: &ClientAuth,
        refusals: &Refusals,
    ) -> MachineEndpoints {
        MachineEndpoints {
            introspect: IntrospectionDeps {
                introspect: IntrospectDeps {
                    ground: self.ground.clone(),
                    auth: auth.clone(),
                    keys: self.keys.clone(),
                    audit: self.audit.clone(),
                    policy: Arc::new(policy(config)),
                },
                refusals: refusals.clone(),
            },
            register: RegisterDeps {
                registry: self.registry(config),
                auth: auth.clone(),
                settings: Arc::new(RegisterSettings {
                    enabled: config.oauth.registration,
                    initial_token: config.oauth.registration_token.clone(),
                    most_waiting: config.oauth.registrations_waiting,
                    base_url: config.server.base_url.clone(),
                }),
            },
        }
    }
}

fn policy(config: &Config) -> Policy {
    match config.oauth.introspect_policy {
        IntrospectPolicy::Any => Policy::Any,
        IntrospectPolicy::Audience => Policy::Audience(config.oauth.introspect_audiences.clone()),
    }
}
