//! Wires the endpoints of sign-in by way of a client.
use super::House;
use crate::{
    config::Config,
    flows::client_auth::ClientAuth,
    flows::{
        authorize::{AuthorizeDeps, AuthorizeRules},
        clients::Clients,
        code::CodeDeps,
        end_session::EndSessionDeps,
        inspect::InspectDeps,
        issue::TokenRules,
        userinfo::UserinfoDeps,
    },
    http::{
        oauth::{people::PeopleEndpoints, refusals::Refusals},
        web::{WebDeps, authorize::AuthorizeWeb, end_session::EndSessionWeb},
    },
};
use std::sync::Arc;

impl House {
    pub(super) fn people(
        &self,
        config: &Config,
        web: &WebDeps,
        refusals: &Refusals,
        clients: &Clients,
    ) -> PeopleEndpoints {
        let (ground, keys) = (&self.ground, &self.keys);
        PeopleEndpoints {
            authorize: AuthorizeWeb {
                web: web.clone(),
                flow: AuthorizeDeps {
                    ground: ground.clone(),
                    clients: clients.clone(),
                    keys: keys.clone(),
                    rules: Arc::new(rules(config)),
                },
                refusals: refusals.clone(),
            },
            end_session: EndSessionWeb {
                web: web.clone(),
                flow: EndSessionDeps {
                    ground: ground.clone(),
                    clients: clients.clone(),
                    keys: keys.clone(),
                    issuer: config.server.base_url.clone(),
                },
            },
            userinfo: UserinfoDeps {
                inspect: InspectDeps {
                    ground: ground.clone(),
                    keys: keys.clone(),
                },
                issuer: config.server.base_url.clone(),
                needs_openid: config.oauth.userinfo_require_openid,
            },
        }
    }

    pub(super) fn code(&self, auth: &ClientAuth, rules: &Arc<TokenRules>) -> CodeDeps {
        CodeDeps {
            ground: self.ground.clone(),
            auth: auth.clone(),
            keys: self.keys.clone(),
            rules: Arc::clone(rules),
        }
    }
}

fn rules(config: &Config) -> AuthorizeRules {
    AuthorizeRules {
        issuer: config.server.base_url.clone(),
        code_life: config.oauth.auth_code_expiration,
        pkce_required: config.oauth.pkce_required,
        remember: config.oauth.consent_remember,
        refresh_tokens: config.oauth.refresh_tokens,
        lifetimes: config.lifetimes.clone(),
    }
}
