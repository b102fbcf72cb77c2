//! What the pages about clients, people and tokens stand on.
use super::House;
use crate::{
    actors::Tree,
    app::{StartFailure, keys},
    config::Config,
    flows::{
        counting::Counting,
        people::PeopleDeps,
        registry::{RegistryDeps, RegistryRules},
    },
    http::web::{
        Pending,
        admin::{AdminDeps, dashboard::DashboardDeps},
        registered::RegisteredDeps,
    },
};
use std::sync::{Arc, OnceLock};

impl House {
    pub(super) fn pending(&self) -> Pending {
        Pending::new(self.ground.store.clone(), self.pending.clone())
    }

    pub(super) fn registry(&self, config: &Config) -> RegistryDeps {
        let algorithms = self.keys.current().id_token_algorithms();

        RegistryDeps {
            ground: self.ground.clone(),
            rules: Arc::new(RegistryRules {
                strict_redirect_uris: config.oauth.strict_redirect_uris,
                max_machine_ttl: config.lifetime_caps.access,
                id_token_algs: algorithms.iter().map(ToString::to_string).collect(),
                apps_per_user: config.oauth.apps_per_user,
            }),
        }
    }

    fn people_deps(&self, config: &Config) -> PeopleDeps {
        PeopleDeps {
            ground: self.ground.clone(),
            algorithm: self.algorithm,
            policy: Arc::new(super::password_policy(config, self.algorithm)),
            idle: config.session.idle_timeout,
        }
    }

    pub(super) fn admin(
        &self,
        config: &Config,
        tree: &Arc<OnceLock<Arc<Tree>>>,
    ) -> Result<AdminDeps, StartFailure> {
        let counting = Counting::new(self.ground.clone());
        Ok(AdminDeps {
            registered: RegisteredDeps {
                registry: self.registry(config),
                lifetimes: Arc::new(config.lifetimes.clone()),
                counting: counting.clone(),
            },
            people: self.people_deps(config),
            dashboard: DashboardDeps {
                counting,
                readiness: self.readiness.clone(),
                tree: Arc::clone(tree),
            },
            keys: keys::deps(config, &self.ground).map_err(StartFailure::Other)?,
        })
    }
}
