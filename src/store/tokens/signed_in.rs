//! What apps and devices hold for a person, and the end of one sign-in: all tokens that one grant led to.
use super::{owned::ROOT, revoke_family};
use crate::{
    domain::{
        audit::AuditRow,
        ids::{ClientId, FamilyId, TokenId, UserId},
        scope::ScopeSet,
        time::Timestamp,
        token::Family,
    },
    store::{
        Store, StoreError, Tx, Unit,
        endings::Ended,
        listing::Draft,
        sql::{Row, Sql, Value},
    },
};
use futures_util::{FutureExt as _, future::BoxFuture};

/// So many tokens of a person are looked at: those that last longest, among them every refresh token before any access
/// token of the usual lifetimes.
const HELD: i64 = 1_000;
/// So many tokens one statement ends by their ids.
const SOME: usize = 100;

/// An app that is signed in on a device: what one grant led to and is not over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignIn {
    /// The root of its tokens.
    pub id: FamilyId,
    /// The app.
    pub client_id: ClientId,
    /// Its name; empty for one that is gone.
    pub client_name: String,
    /// What it may do.
    pub scopes: ScopeSet,
    /// By which grant; empty when nobody wrote it down.
    pub grant: String,
    /// The consent it stands on.
    pub authorization_id: Option<i64>,
    /// The address that the grant was redeemed from; may be empty.
    pub ip: String,
    /// The program that redeemed it; may be empty.
    pub user_agent: String,
    /// When it began.
    pub began_at: Timestamp,
    /// When the app last got or used a token.
    pub renewed_at: Timestamp,
    /// When it ends, unless it is renewed.
    pub ends_at: Timestamp,
    /// Tokens that count.
    pub live: u64,
    /// Tokens that count, and those that would if they were switched on.
    pub held: u64,
    /// Whether it can be renewed: it has a refresh token.
    pub renews: bool,
    /// Its only token, when it tells nothing of where it comes from.
    pub lone: Option<TokenId>,
    /// Tokens that belong to it and do not tell so.
    pub joined: Vec<TokenId>,
}

/// What is held for a person.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// In no order.
    pub sign_ins: Vec<SignIn>,
    /// Whether these are all.
    pub is_all: bool,
}

impl Store {
    /// Where apps and devices are signed in for a person now.
    ///
    /// # Errors
    /// As the database.
    pub async fn sign_ins(&self, user_id: &UserId, now: Timestamp) -> Result<Held, StoreError> {
        let mut sign_ins = Vec::new();
        let mut seen = 0;
        for row in &self.read_all(self.roots(user_id, now)).await? {
            seen += row.int("held")?;
            if row.flag("goes_on")? {
                sign_ins.push(sign_in(row)?);
            }
        }
        Ok(Held {
            sign_ins,
            is_all: seen <= HELD,
        })
    }

    /// One row for each root, put together by the database: an app may get a new token every minute.
    fn roots(&self, user_id: &UserId, now: Timestamp) -> Sql {
        let mut draft = Draft::new(self.driver());
        draft.add(&format!(
            "SELECT h.root, h.client_id, h.authorization_id, h.ends_at, h.renewed_at, h.live, h.held, h.renews, h.lone, c.client_name, f.grant_name, f.ip, f.user_agent, coalesce(f.scopes, h.own_scopes) AS scopes, \
             coalesce(f.created_at, h.first_at) AS began_at, (f.revoked_at IS NULL \
             AND coalesce(h.newest_at > u.tokens_end_at, true) AND coalesce(h.newest_at > c.tokens_end_at, true)) AS goes_on \
             FROM (SELECT root, max(client_id) AS client_id, max(scopes) AS own_scopes, max(authorization_id) AS authorization_id, \
             min(created_at) AS first_at, max(created_at) AS newest_at, max(expires_at) AS ends_at, \
             max(CASE WHEN last_used_at > created_at THEN last_used_at ELSE created_at END) AS renewed_at, \
             count(CASE WHEN status = 'active' THEN 1 END) AS live, count(*) AS held, \
             count(CASE WHEN token_category = 'refresh' THEN 1 END) AS renews, max(CASE WHEN untold THEN id END) AS lone FROM \
             (SELECT {ROOT} AS root, t.id, t.client_id, t.scopes, t.token_category, \
             (t.token_family_id = '' AND coalesce(t.parent_token_id, '') = '') AS untold, \
             t.authorization_id, t.status, t.created_at, t.last_used_at, t.expires_at FROM access_tokens t WHERE t.user_id = ",
        ));
        draft.text(user_id.as_str());
        // To the letter the condition of the index over what is not revoked.
        draft.add(" AND t.status <> 'revoked' AND t.expires_at > ");
        draft.bind(Value::Time(now));
        draft.add(" ORDER BY t.expires_at DESC LIMIT ");
        draft.bind(Value::Int(HELD + 1));
        // Rows follow the end of a client, a person or a family by and by.
        draft.add(
            ") AS t GROUP BY root) AS h LEFT JOIN token_families f ON f.id = h.root \
             LEFT JOIN oauth_applications c ON c.client_id = h.client_id LEFT JOIN users u ON u.id = ",
        );
        draft.text(user_id.as_str());
        draft.done()
    }
}

fn sign_in(row: &Row) -> Result<SignIn, StoreError> {
    let held = row.int("held")?;
    let number = |column| Ok::<_, StoreError>(u64::try_from(row.int(column)?).unwrap_or_default());
    Ok(SignIn {
        id: FamilyId::new(row.text("root")?),
        client_id: ClientId::new(row.text("client_id")?),
        client_name: row.text("client_name")?,
        scopes: ScopeSet::stored(&row.text("scopes")?),
        grant: row.text("grant_name")?,
        authorization_id: row.maybe_int("authorization_id")?,
        ip: row.text("ip")?,
        user_agent: row.text("user_agent")?,
        began_at: row.time("began_at")?,
        renewed_at: row.time("renewed_at")?,
        ends_at: row.time("ends_at")?,
        live: number("live")?,
        held: number("held")?,
        renews: number("renews")? > 0,
        lone: row
            .maybe_text("lone")?
            .filter(|_| held == 1)
            .map(TokenId::new),
        joined: Vec::new(),
    })
}

/// Ends a sign-in: its family first, so that no issuance can slip by, then all its tokens, those that are switched off
/// too. Tells how many counted or could have been switched on.
pub struct EndSignIn {
    /// Which.
    pub family: Family,
    /// Now.
    pub at: Timestamp,
    /// Tokens of it that do not tell that they are.
    pub joined: Vec<TokenId>,
    /// Rows of the trail; each gets the detail `revoked_count`. None are written when it was over.
    pub audit: Vec<AuditRow>,
}

impl Unit for EndSignIn {
    type Answer = u64;

    fn run<'c>(&'c self, tx: &'c mut Tx<'_>) -> BoxFuture<'c, Result<u64, StoreError>> {
        async move {
            let mut ended = revoke_family(tx, &self.family, self.at).await?;
            for some in self.joined.chunks(SOME) {
                let ids: Vec<String> = (1..=some.len()).map(|n| format!("${n}")).collect();
                let revoke = Sql::built(format!(
                    "UPDATE access_tokens SET status = 'revoked' WHERE status IN ('active', 'disabled') AND id IN ({})",
                    ids.join(",")
                ));
                let ids = some.iter().map(|id| Value::Text(id.as_str().to_owned()));
                ended += tx.run(revoke.values(ids.collect())).await?;
            }
            if ended > 0 {
                let ended = Ended {
                    tokens: ended,
                    goes_on: false,
                };
                tx.insert_audit(&ended.told(&self.audit));
            }
            Ok(ended)
        }
        .boxed()
    }
}
