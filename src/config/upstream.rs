//! Sign-in by way of GitHub, Gitea, GitLab and Microsoft. Must not live here: their endpoints.
use super::{reader::Reader, server::fault_of_location};
use crate::domain::secret::Secret;
use std::time::Duration;

/// The providers and what they share.
#[derive(Clone, Debug)]
pub struct Upstream {
    /// `GITHUB_…`.
    pub github: Provider,
    /// `GITEA_…`.
    pub gitea: Provider,
    /// `GITEA_URL` without a slash at its end, required with Gitea.
    pub gitea_url: String,
    /// `GITLAB_…`.
    pub gitlab: Provider,
    /// `GITLAB_URL` without a slash at its end, default `https://gitlab.com`.
    pub gitlab_url: String,
    /// `MICROSOFT_…`.
    pub microsoft: Provider,
    /// `MICROSOFT_TENANT_ID`, default `common`.
    pub microsoft_tenant: String,
    /// `OAUTH_AUTO_REGISTER`, default on: unknown users are created.
    pub auto_register: bool,
    /// `OAUTH_TIMEOUT` of each request to a provider, default 15s; zero or less sets none.
    pub timeout: Option<Duration>,
    /// `OAUTH_INSECURE_SKIP_VERIFY`, default off.
    pub insecure_skip_verify: bool,
}

/// This server as a client of one provider.
#[derive(Clone, Debug)]
pub struct Provider {
    /// `…_OAUTH_ENABLED`, default off.
    pub enabled: bool,
    /// `…_CLIENT_ID`.
    pub client_id: String,
    /// `…_CLIENT_SECRET`.
    pub client_secret: Option<Secret>,
    /// `…_REDIRECT_URL`: the callback that is registered there.
    pub redirect_url: String,
    /// `…_SCOPES`, separated by commas.
    pub scopes: Vec<String>,
}

impl Upstream {
    pub(super) fn read(r: &mut Reader<'_>) -> Self {
        let github = Provider::read(r, "GitHub", "GITHUB", &["user:email"]);
        let gitea = Provider::read(r, "Gitea", "GITEA", &["read:user"]);
        let gitlab = Provider::read(r, "GitLab", "GITLAB", &["read_user"]);
        let scopes = ["openid", "profile", "email", "User.Read"];
        let microsoft = Provider::read(r, "Microsoft", "MICROSOFT", &scopes);
        let gitea_url = location(r, "GITEA_URL", "");
        if gitea.enabled && gitea_url.is_empty() {
            r.warn("GITEA_URL", "Gitea OAuth enabled but GITEA_URL missing");
        }
        Self {
            github,
            gitea,
            gitea_url,
            gitlab,
            gitlab_url: location(r, "GITLAB_URL", "https://gitlab.com"),
            microsoft,
            microsoft_tenant: r.text("MICROSOFT_TENANT_ID", "common"),
            auto_register: r.boolean("OAUTH_AUTO_REGISTER", true),
            timeout: r.optional_duration("OAUTH_TIMEOUT", Duration::from_secs(15)),
            insecure_skip_verify: r.boolean("OAUTH_INSECURE_SKIP_VERIFY", false),
        }
    }
}

fn location(r: &mut Reader<'_>, name: &str, default: &str) -> String {
    let text = r.text(name, default).trim_end_matches('/').to_owned();
    if let Some(why) = Some(&*text)
        .filter(|text| !text.is_empty())
        .and_then(fault_of_location)
    {
        r.warn(
            name,
            format_args!("{name} is no absolute http or https URL: {why}"),
        );
    }
    text
}

impl Provider {
    fn read(r: &mut Reader<'_>, told: &str, prefix: &str, scopes: &[&str]) -> Self {
        let enabled_name = format!("{prefix}_OAUTH_ENABLED");
        let provider = Self {
            enabled: r.boolean(&enabled_name, false),
            client_id: r.text(&format!("{prefix}_CLIENT_ID"), ""),
            client_secret: r.secret(&format!("{prefix}_CLIENT_SECRET")),
            redirect_url: r.text(&format!("{prefix}_REDIRECT_URL"), ""),
            scopes: r.list(&format!("{prefix}_SCOPES"), scopes),
        };
        let is_complete = !provider.client_id.is_empty() && provider.client_secret.is_some();
        if provider.enabled && !is_complete {
            r.warn(
                &enabled_name,
                format_args!("{told} OAuth enabled but CLIENT_ID or CLIENT_SECRET missing"),
            );
        }
        provider
    }
}
