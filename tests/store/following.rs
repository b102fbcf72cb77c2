//! All of a client or a person ends with a mark, however many rows there are; the rows follow in steps.
use crate::world::*;
use authgate::{
    domain::{
        eligibility::Refusal,
        paging::{Counted, Edge, Slice},
    },
    store::{
        clients::ending::{DeleteClient, RejectClient, RevokeAll},
        codes::{InsertCode, RedeemCode},
        consents::{RevokeConsent, Withdrawal},
        endings::{GoOn, Holder, STEP},
        issued::Redemption,
        sessions::owned::Living,
        users::{
            changing::{EnableUser, UserChanged},
            ending::{DeleteUser, DisableUser},
        },
    },
};
use sqlx::{Connection as _, PgConnection};

/// More rows than two steps take.
const MANY: i64 = 2_500;

const NONE: Counted = Counted {
    count: 0,
    is_all: true,
};

const CONSENTS: &str = "SELECT count(*) FROM user_authorizations WHERE is_active";
const CODES: &str = "SELECT count(*) FROM authorization_codes WHERE used_at IS NULL";
const DEVICES: &str = "SELECT count(*) FROM device_codes";
const SESSIONS: &str = "SELECT count(*) FROM sessions WHERE revoked_at IS NULL";
const TOKENS: &str = "SELECT count(*) FROM access_tokens WHERE status <> 'revoked'";

impl World {
    /// [`MANY`] rows like the one of this table that there is, told apart by `apart`.
    async fn multiply(&self, table: &str, columns: &str, apart: &[&str]) {
        let values: Vec<String> = columns
            .split(", ")
            .map(|column| {
                if apart.contains(&column) {
                    format!("'many-' || n.i AS {column}")
                } else {
                    format!("t.{column}")
                }
            })
            .collect();
        self.sql(&format!(
            "INSERT INTO {table} ({columns}) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {MANY}) \
             SELECT {} FROM n, (SELECT * FROM {table} LIMIT 1) t",
            values.join(", ")
        ))
        .await;
    }

    async fn many_consents(&self) {
        let columns =
            "uuid, user_id, application_id, client_id, scopes, resource, granted_at, is_active";
        self.multiply("user_authorizations", columns, &["uuid", "user_id"])
            .await;
    }

    async fn many_codes(&self) {
        let codes = "uuid, code_hash, code_prefix, application_id, client_id, user_id, redirect_uri, scopes, \
                     code_challenge, nonce, resource, expires_at, created_at, auth_time";
        self.multiply("authorization_codes", codes, &["uuid", "code_hash"])
            .await;
        let devices = "device_code_hash, device_code_salt, device_code_id, user_code, client_id, scopes, resource, \
                       expires_at, interval, user_id, authorized, authorized_at, created_at";
        // The name of the column is a word of PostgreSQL.
        let devices = devices.replace(" interval", " \"interval\"");
        self.multiply("device_codes", &devices, &["device_code_hash", "user_code"])
            .await;
    }

    async fn many_tokens(&self) {
        let columns = "id, token_hash, token_type, token_category, status, user_id, client_id, scopes, expires_at, \
                       created_at, token_family_id, resource";
        self.multiply("access_tokens", columns, &["id", "token_hash"])
            .await;
    }

    /// Whether a step had anything to do.
    async fn go_on(&self, holder: Holder, key: &str) -> bool {
        let step = GoOn {
            holder,
            key: key.to_owned(),
            total: None,
            at: at(200),
            audit: Vec::new(),
        };
        self.store.commit(step).await.unwrap()
    }

    /// Steps until nothing is left; tells how many.
    async fn follow(&self, holder: Holder, key: &str) -> u32 {
        let mut steps = 0;
        while self.go_on(holder, key).await {
            steps += 1;
        }
        steps
    }

    async fn give_code(&self, name: &str, asked: bool) -> Result<(), Refusal> {
        let unit = InsertCode {
            code: code(name),
            consent: asked.then(|| consent(name)),
            audit: Vec::new(),
        };
        self.store.commit(unit).await.unwrap()
    }

    async fn redeem_code(&self, name: &str, row_id: i64) -> Redemption {
        let unit = RedeemCode {
            row_id,
            client_id: ClientId::new("app"),
            user_id: UserId::new("zoe"),
            now: at(20),
            issued: issued(&format!("from-{name}"), at(20)),
            audit: Vec::new(),
        };
        self.store.commit(unit).await.unwrap()
    }

    async fn row_of_code(&self, name: &str) -> i64 {
        let find = format!("SELECT id FROM authorization_codes WHERE code_hash = '{name}'");
        self.count(&find).await
    }

    async fn consented(&self) -> bool {
        let (zoe, app) = (UserId::new("zoe"), ClientId::new("app"));
        let found = self.store.consent(&zoe, &app).await.unwrap();
        found.is_some_and(|consent| consent.is_active)
    }
}

fn revoke_all() -> RevokeAll {
    RevokeAll {
        client_id: ClientId::new("app"),
        at: at(10),
        audit: Vec::new(),
    }
}

#[tokio::test]
async fn nothing_of_a_client_counts_before_its_rows_have_followed() {
    on_both(async |world| {
        let store = &world.store;
        world.give_code("old", true).await.unwrap();
        let device = world.approved("old-device").await;
        world.many_consents().await;
        world.many_codes().await;
        // What the first step reaches is not known; these are last, whatever it does.
        for name in ["older", "newer"] {
            world.give_code(name, true).await.unwrap();
        }
        let ended = store.commit(revoke_all()).await.unwrap().unwrap();
        assert!(ended.goes_on);
        let left = world.count(CONSENTS).await;
        assert_eq!(left, MANY + 1 - i64::try_from(STEP).unwrap(), "one step");
        // As though the step had reached none of these.
        world
            .sql("UPDATE user_authorizations SET is_active = true, granted_at = created_at WHERE user_id = 'zoe'")
            .await;

        assert!(!world.consented().await);
        let (app, zoe) = (ClientId::new("app"), UserId::new("zoe"));
        let first = Slice {
            size: 10,
            from: Edge::Start,
        };
        assert_eq!(store.consents_of_client(&app, &first).await.unwrap().rows.len(), 0);
        assert_eq!(store.consents_of_person(&zoe, &first).await.unwrap().rows.len(), 0);
        assert_eq!(store.client_holdings(&app, at(11)).await.unwrap().consents, NONE);
        assert_eq!(store.user_holdings(&zoe, at(11)).await.unwrap().consents, NONE);
        let withdraw = RevokeConsent {
            user_id: zoe,
            uuid: "consent-newer".to_owned(),
            at: at(11),
            audit: Vec::new(),
        };
        assert_eq!(store.commit(withdraw).await, Ok(Withdrawal::Already));
        assert_eq!(world.give_code("asked-nobody", false).await, Err(Refusal::Consent));
        for name in ["many-2500", "newer"] {
            let row = world.row_of_code(name).await;
            assert_eq!(store.authorization_code(name).await.unwrap().map(|_| ()), None, "{name}");
            let late = world.redeem_code(name, row).await;
            assert_eq!(late, Redemption::Refused(Refusal::Consent), "{name}");
        }
        let late = store.commit(redeem(&device, &issued("old-device", at(20)))).await;
        assert!(matches!(late, Ok(Redemption::Gone | Redemption::Refused(_))), "{late:?}");

        // What is allowed now counts, though by a clock that is behind, and what was allowed before stays ended.
        world.give_code("again", true).await.unwrap();
        assert!(world.consented().await);
        let late = world.redeem_code("newer", world.row_of_code("newer").await).await;
        assert_eq!(late, Redemption::Gone);
        let late = store.commit(redeem(&device, &issued("old-device", at(20)))).await;
        assert_eq!(late, Ok(Redemption::Gone));
        assert!(store.authorization_code("again").await.unwrap().is_some());
        let approved = world.approved("new-device").await;

        assert!(world.follow(Holder::Client, "app").await <= 3);
        assert_eq!(world.count(CONSENTS).await, 1);
        assert_eq!(world.count(CODES).await, 1);
        assert_eq!(world.count(DEVICES).await, 1);
        let done = world.redeem_code("again", world.row_of_code("again").await).await;
        assert_eq!(done, Redemption::Done);
        let done = store.commit(redeem(&approved, &issued("new-device", at(20)))).await;
        assert_eq!(done, Ok(Redemption::Done));
        let told = &store.endings().await.unwrap()[0];
        assert!(told.finished_at.is_some());
        assert!(told.others >= 3 * 2_500, "{told:?}");
        assert_eq!(told.ended, 0, "there were no tokens");
    })
    .await;
}

#[tokio::test]
async fn a_client_that_goes_takes_everything_along() {
    on_both(async |world| {
        world.give_code("one", true).await.unwrap();
        world.approved("one").await;
        world.many_consents().await;
        world.many_codes().await;
        world
            .sql("UPDATE oauth_applications SET status = 'pending'")
            .await;
        let reject = RejectClient {
            client_id: ClientId::new("app"),
            reason: String::new(),
            at: at(10),
            audit: Vec::new(),
        };
        world.store.commit(reject).await.unwrap();
        world
            .sql("UPDATE oauth_applications SET status = 'active'")
            .await;
        assert!(
            !world.consented().await,
            "a client that is approved again asks again"
        );
        let delete = DeleteClient {
            client_id: ClientId::new("app"),
            owner: None,
            even_active: true,
            at: at(11),
            audit: Vec::new(),
        };
        world.store.commit(delete).await.unwrap();
        let late = world.row_of_code("many-2500").await;
        assert_eq!(
            world.redeem_code("many-2500", late).await,
            Redemption::Refused(Refusal::Client)
        );
        world.follow(Holder::Client, "app").await;
        for rows in [CONSENTS, CODES, DEVICES] {
            assert_eq!(world.count(rows).await, 0, "{rows}");
        }
    })
    .await;
}

#[tokio::test]
async fn nothing_of_a_person_counts_before_the_rows_have_followed() {
    on_both(async |world| {
        let store = &world.store;
        let zoe = || UserId::new("zoe");
        world.give_code("one", true).await.unwrap();
        let device = world.approved("one").await;
        store.commit(start(session("one", at(1000)))).await.unwrap();
        let sessions = "id_hash, user_id, auth_time, last_seen_at, expires_at, remember_me, fingerprint, ip, user_agent, \
                        code_misses";
        world.many_codes().await;
        world.multiply("sessions", sessions, &["id_hash"]).await;
        let disable = DisableUser {
            user_id: zoe(),
            actor: UserId::new("admin"),
            at: at(10),
            audit: Vec::new(),
        };
        assert_eq!(store.commit(disable).await, Ok(UserChanged::Done));
        let enable = EnableUser {
            user_id: zoe(),
            actor: UserId::new("admin"),
            at: at(11),
            audit: Vec::new(),
        };
        assert_eq!(store.commit(enable).await, Ok(UserChanged::Done));
        assert!(world.count(SESSIONS).await > 1_000, "most have not followed");
        let (found, _) = store.session("many-2500").await.unwrap().unwrap();
        assert!(found.revoked_at.is_some());
        let living = Living {
            user_id: &zoe(),
            now: at(12),
            idle: None,
        };
        assert_eq!(store.sessions_besides(&living, "").await, Ok(0));
        assert_eq!(store.user_holdings(&zoe(), at(12)).await.unwrap().sessions, NONE);
        let row = world.row_of_code("many-2500").await;
        assert!(store.authorization_code("many-2500").await.unwrap().is_none());
        assert_eq!(world.redeem_code("many-2500", row).await, Redemption::Gone);
        let late = store.commit(redeem(&device, &issued("late", at(20)))).await;
        assert_eq!(late, Ok(Redemption::Gone));
        assert!(world.consented().await, "nobody need be asked again");

        // By a clock that is behind.
        store.commit(start(session("new", at(1000)))).await.unwrap();
        let (found, _) = store.session("new").await.unwrap().unwrap();
        assert_eq!(found.revoked_at, None);
        world.give_code("new", false).await.unwrap();

        world.follow(Holder::Person, "zoe").await;
        for rows in [SESSIONS, CODES] {
            assert_eq!(world.count(rows).await, 1, "{rows}");
        }
        assert_eq!(world.count(DEVICES).await, 0);
        let row = world.row_of_code("new").await;
        assert_eq!(world.redeem_code("new", row).await, Redemption::Done);
    })
    .await;
}

#[tokio::test]
async fn a_person_who_is_deleted_leaves_no_sessions_and_no_consents() {
    on_both(async |world| {
        world.give_code("one", true).await.unwrap();
        world
            .store
            .commit(start(session("one", at(1000))))
            .await
            .unwrap();
        let sessions = "id_hash, user_id, auth_time, last_seen_at, expires_at, remember_me, fingerprint, ip, user_agent, \
                        code_misses";
        world.multiply("sessions", sessions, &["id_hash"]).await;
        let consents = "uuid, user_id, client_id, scopes, resource, granted_at, is_active";
        let many = format!(
            "INSERT INTO user_authorizations ({consents}, application_id) \
             WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {MANY}) \
             SELECT 'many-' || n.i, user_id, 'client-' || n.i, scopes, resource, granted_at, is_active, 1000 + n.i \
             FROM n, (SELECT * FROM user_authorizations LIMIT 1) t"
        );
        world.sql(&many).await;
        let delete = DeleteUser {
            user_id: UserId::new("zoe"),
            actor: UserId::new("admin"),
            at: at(10),
            audit: Vec::new(),
        };
        assert_eq!(world.store.commit(delete).await, Ok(UserChanged::Done));
        assert!(world.store.session("many-2500").await.unwrap().is_none());
        assert!(world.count(CONSENTS).await > 1_000);
        world.follow(Holder::Person, "zoe").await;
        assert_eq!(world.count("SELECT count(*) FROM sessions").await, 0);
        assert_eq!(world.count(CONSENTS).await, 0);
    })
    .await;
}

/// Of two who change the same tokens in another order, each could wait for the other (PostgreSQL).
#[tokio::test]
async fn a_step_waits_for_nobody_and_comes_back_to_what_it_passed_over() {
    on_both(async |world| {
        if world.driver == Driver::Sqlite {
            // There, nobody else writes.
            return;
        }
        for (holder, key) in [(Holder::Client, "app"), (Holder::Person, "zoe")] {
            world.sql("DELETE FROM access_tokens").await;
            world.sql("UPDATE users SET tokens_end_at = NULL").await;
            world.signed_in(key).await;
            world.many_tokens().await;
            world.commit_all_of(holder).await;
            // Of the next step, a token in its midst, and then the others.
            let mut family = PgConnection::connect(&world.dsn).await.unwrap();
            let mut family = family.begin().await.unwrap();
            let left = "SELECT id FROM access_tokens WHERE status <> 'revoked' ORDER BY created_at, id OFFSET 500 LIMIT 1";
            let held = format!("UPDATE access_tokens SET last_used_at = now() WHERE id = ({left})");
            sqlx::raw_sql(sqlx::AssertSqlSafe(held))
                .execute(&mut *family)
                .await
                .unwrap();
            let store = world.store.clone();
            let step = tokio::spawn(async move {
                let step = GoOn {
                    holder,
                    key: key.to_owned(),
                    total: None,
                    at: at(200),
                    audit: Vec::new(),
                };
                store.commit(step).await
            });
            // It is through, or waits for the token that is held.
            let waits = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
            until("the step met it", async || {
                step.is_finished() || world.count(waits).await > 0
            })
            .await;
            let all = sqlx::raw_sql("UPDATE access_tokens SET last_used_at = now()")
                .execute(&mut *family)
                .await;
            assert!(all.is_ok(), "{holder:?}: {all:?}");
            family.commit().await.unwrap();
            assert_eq!(step.await.unwrap(), Ok(true), "{holder:?}");
            world.follow(holder, key).await;
            assert_eq!(world.count(TOKENS).await, 0, "{holder:?}");
        }
    })
    .await;
}

impl World {
    /// Everything of zoe or of the client ends, with more rows than the first step takes.
    async fn commit_all_of(&self, holder: Holder) {
        match holder {
            Holder::Client => {
                self.store.commit(revoke_all()).await.unwrap();
            }
            Holder::Person => {
                let end = authgate::store::tokens::owned::EndOwnTokens {
                    user_id: UserId::new("zoe"),
                    at: at(10),
                    audit: Vec::new(),
                };
                self.store.commit(end).await.unwrap();
            }
        }
        assert!(self.count(TOKENS).await > 1_000);
    }
}
