//! Which tokens a client may look at (RFC 7662 §4).
use super::{
    ids::ClientId,
    token::{Token, TokenCategory},
};

/// What the operator set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Policy {
    /// `any`: every access token of this server.
    Any,
    /// `audience`: its own, and access tokens that are meant for it. Pairs name further audiences of a client: a
    /// resource server is addressed by its URL, which a client id never is.
    Audience(Vec<(ClientId, String)>),
}

/// Whether `caller` may be told about the token. A refresh token is for its client and this server alone, whatever the
/// policy: to a resource server that asks what it was sent, it is no token (RFC 6749 §1.5).
pub fn may_see(policy: &Policy, caller: &ClientId, token: &Token) -> bool {
    if token.client_id == *caller {
        return true;
    }
    match (token.category, policy) {
        (TokenCategory::Refresh, _) => false,
        (TokenCategory::Access, Policy::Any) => true,
        (TokenCategory::Access, Policy::Audience(also)) => token.resource.iter().any(|audience| {
            audience == caller.as_str()
                || also
                    .iter()
                    .any(|(client, name)| client == caller && name == audience)
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        ids::TokenId,
        scope::ScopeSet,
        time::Timestamp,
        token::{Subject, TokenStatus},
    };

    fn token(category: TokenCategory) -> Token {
        Token {
            id: TokenId::new("t"),
            hash: String::new(),
            category,
            status: TokenStatus::Active,
            subject: Subject::Client(ClientId::new("owner")),
            client_id: ClientId::new("owner"),
            scopes: ScopeSet::default(),
            expires_at: Timestamp::UNIX_EPOCH,
            created_at: Timestamp::UNIX_EPOCH,
            last_used_at: None,
            parent: None,
            family: None,
            authorization_id: None,
            resource: vec!["https://api.example".to_owned(), "named".to_owned()],
        }
    }

    #[test]
    fn introspect_audience() {
        let pairs = vec![(ClientId::new("server"), "https://api.example".to_owned())];
        let policy = Policy::Audience(pairs);
        let sees = |who: &str, category| may_see(&policy, &ClientId::new(who), &token(category));
        for (who, access, refresh) in [
            ("owner", true, true),
            ("server", true, false),
            ("named", true, false),
            ("https://api.example", true, false),
            ("stranger", false, false),
        ] {
            assert_eq!(sees(who, TokenCategory::Access), access, "{who}");
            assert_eq!(sees(who, TokenCategory::Refresh), refresh, "{who}");
        }
        for (who, access, refresh) in [("owner", true, true), ("stranger", true, false)] {
            let sees = |category| may_see(&Policy::Any, &ClientId::new(who), &token(category));
            assert_eq!(sees(TokenCategory::Access), access, "{who}");
            assert_eq!(sees(TokenCategory::Refresh), refresh, "{who}");
        }
    }
}
