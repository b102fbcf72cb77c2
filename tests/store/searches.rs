//! What a search finds among many, and what it says when it did not look at all of them.
use crate::world::*;
use authgate::{
    domain::{
        audit::{AuditFilter, Cursor},
        client::ClientStatus,
        paging::{Counted, Edge, Found, Leaf, Slice},
        user::{Role, User},
    },
    store::{
        clients::listing::{ClientLine, ClientQuery},
        tokens::{
            listing::{TokenLine, TokenQuery},
            owned::OwnTokenQuery,
            state::InState,
        },
        users::listing::UserQuery,
    },
};

const PAGE: Slice = Slice {
    size: 20,
    from: Edge::Start,
};

impl World {
    /// `count` rows: columns with their expressions over `i`, which both engines know.
    async fn many(&self, table: &str, count: u64, columns: &[(&str, &str)]) {
        let (names, values): (Vec<&str>, Vec<&str>) = columns.iter().copied().unzip();
        let insert = format!(
            "INSERT INTO {table} ({}) WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < {count}) \
             SELECT {} FROM n",
            names.join(", "),
            values.join(", ")
        );
        self.sql(&insert).await;
    }

    /// A moment that is so many seconds after [`BEGIN`].
    fn moment(&self, seconds: &str) -> String {
        let seconds = format!("{} + {seconds}", BEGIN.unix_timestamp());
        match self.driver {
            Driver::Sqlite => format!("datetime({seconds}, 'unixepoch') || '+00:00'"),
            Driver::Postgres => format!("to_timestamp({seconds})"),
        }
    }

    async fn people(&self, count: u64, name: &str, (role, is_active): (&str, &str)) {
        let (made, address) = (self.moment("i"), format!("{name} || '@example.com'"));
        let columns = [
            ("id", name),
            ("username", name),
            ("email", &address),
            ("password_hash", "''"),
            ("role", role),
            ("full_name", "''"),
            ("is_active", is_active),
            ("auth_source", "'local'"),
            ("created_at", &made),
            ("updated_at", &made),
        ];
        self.many("users", count, &columns).await;
    }

    async fn apps(&self, count: u64, name: &str, owner: &str) {
        let (made, id) = (self.moment("i"), format!("'id of ' || {name}"));
        let list = match self.driver {
            Driver::Sqlite => "CAST('[]' AS BLOB)",
            Driver::Postgres => "'[]'::json",
        };
        let columns = [
            ("client_id", id.as_str()),
            ("client_secret", "''"),
            ("client_name", name),
            ("user_id", owner),
            ("scopes", "'email'"),
            ("grant_types", "'device_code'"),
            ("redirect_uris", list),
            ("client_type", "'public'"),
            ("status", "CASE WHEN i = 0 THEN 'pending' ELSE 'active' END"),
            ("created_at", &made),
            ("updated_at", &made),
        ];
        self.many("oauth_applications", count, &columns).await;
    }

    /// Tokens whose ids begin with `name`, a second apart.
    async fn tokens(&self, count: u64, of: (&str, &str), made: (&str, i64)) {
        self.tokens_until(count, of, made, "1000000").await;
    }

    /// The same, which last until so many seconds after [`BEGIN`].
    async fn tokens_until(
        &self,
        count: u64,
        (name, user): (&str, &str),
        (client, from): (&str, i64),
        until: &str,
    ) {
        let made = self.moment(&format!("{from} + i"));
        let until = self.moment(until);
        let columns = [
            ("id", format!("'{name}-' || i")),
            ("token_hash", format!("'hash of {name}-' || i")),
            ("token_category", "'access'".to_owned()),
            (
                "status",
                "CASE WHEN i % 2 = 0 THEN 'active' ELSE 'revoked' END".to_owned(),
            ),
            ("user_id", user.to_owned()),
            ("client_id", client.to_owned()),
            ("scopes", "'email'".to_owned()),
            ("expires_at", until),
            ("created_at", made),
            ("token_family_id", format!("'{name}-' || i")),
        ];
        let columns: Vec<(&str, &str)> = columns.iter().map(|(n, v)| (*n, v.as_str())).collect();
        self.many("access_tokens", count, &columns).await;
    }

    /// Postgres counts its rows now and not after a minute.
    async fn known_to_the_planner(&self) {
        if self.driver == Driver::Postgres {
            self.sql("ANALYZE access_tokens").await;
        }
    }

    async fn found_people(&self, query: UserQuery) -> Found<User> {
        self.store.users_page(&query, &PAGE).await.unwrap()
    }

    async fn found_apps(&self, query: ClientQuery) -> Found<ClientLine> {
        self.store.clients_page(&query, &PAGE).await.unwrap()
    }

    async fn found_tokens(&self, query: TokenQuery) -> Found<TokenLine> {
        self.store.tokens_page(&query, &PAGE).await.unwrap()
    }
}

fn names(found: &Found<User>) -> Vec<&str> {
    found
        .leaf
        .rows
        .iter()
        .map(|user| user.username.as_str())
        .collect()
}

fn titles(found: &Found<ClientLine>) -> Vec<&str> {
    found
        .leaf
        .rows
        .iter()
        .map(|line| line.client.name.as_str())
        .collect()
}

#[tokio::test]
async fn people_are_found_among_many_of_the_same_beginning() {
    on_both(async |world| {
        let name = "'person' || (10000 + i)";
        // The administrator and the one who is switched off have the last names.
        let role = "CASE WHEN i = 1498 THEN 'admin' ELSE 'user' END";
        world.people(1500, name, (role, "i < 1499")).await;
        let person = UserQuery {
            search: "Person".to_owned(),
            ..UserQuery::default()
        };
        let all = world.found_people(person.clone()).await;
        assert_eq!((all.leaf.rows.len(), all.is_cut), (20, true));
        let admins = UserQuery {
            role: Some(Role::Admin),
            ..person.clone()
        };
        let found = world.found_people(admins).await;
        assert_eq!((names(&found), found.is_cut), (vec!["person11498"], false));
        let off = UserQuery {
            is_active: Some(false),
            ..person.clone()
        };
        let found = world.found_people(off).await;
        assert_eq!((names(&found), found.is_cut), (vec!["person11499"], false));
        let both = UserQuery {
            role: Some(Role::Admin),
            is_active: Some(false),
            ..person.clone()
        };
        let found = world.found_people(both).await;
        assert_eq!((names(&found).len(), found.is_cut), (0, false));
        // A few of the same beginning are all there is.
        let some = UserQuery {
            search: "person1149".to_owned(),
            role: Some(Role::User),
            ..UserQuery::default()
        };
        let found = world.found_people(some).await;
        assert_eq!((names(&found).len(), found.is_cut), (9, false));
        // Two filters, and nothing that is searched for.
        let local = UserQuery {
            role: Some(Role::Admin),
            auth_source: Some("local"),
            ..UserQuery::default()
        };
        let found = world.found_people(local).await;
        assert_eq!((names(&found), found.is_cut), (vec!["person11498", "admin"], false));
        // Where the filter admits many, too, the page says that it has not seen all.
        world.sql("UPDATE users SET is_active = (username >= 'person10200') WHERE username LIKE 'person%'").await;
        world.people(3100, "'someone' || (10000 + i)", ("'user'", "1 = 0")).await;
        let off = UserQuery {
            is_active: Some(false),
            search: "person103".to_owned(),
            ..UserQuery::default()
        };
        let found = world.found_people(off.clone()).await;
        assert_eq!((names(&found).len(), found.is_cut), (0, false));
        world.sql("UPDATE users SET is_active = (username < 'person11400') WHERE username LIKE 'person%'").await;
        let found = world.found_people(UserQuery { search: "person".to_owned(), ..off }).await;
        assert_eq!((names(&found).len(), found.is_cut), (0, true));
    })
    .await;
}

#[tokio::test]
async fn ones_own_app_is_found_among_those_of_others() {
    on_both(async |world| {
        world
            .apps(1100, "'Test ' || (10000 + i)", "'somebody'")
            .await;
        world.apps(1, "'Test zone'", "'zoe'").await;
        let test = ClientQuery {
            search: "test".to_owned(),
            ..ClientQuery::default()
        };
        let own = ClientQuery {
            owner: Some(UserId::new("zoe")),
            ..test.clone()
        };
        let found = world.found_apps(own.clone()).await;
        assert_eq!((titles(&found), found.is_cut), (vec!["Test zone"], false));
        let in_use = ClientQuery {
            search: String::new(),
            status: Some(ClientStatus::Active),
            ..own
        };
        let found = world.found_apps(in_use).await;
        assert_eq!((titles(&found), found.is_cut), (vec!["The App"], false));
        let waiting = ClientQuery {
            status: Some(ClientStatus::Pending),
            ..test.clone()
        };
        let found = world.found_apps(waiting).await;
        assert_eq!(titles(&found).len(), 2);
        assert!(!found.is_cut);
        let all = world.found_apps(test).await;
        assert_eq!((all.leaf.rows.len(), all.is_cut), (20, true));
    })
    .await;
}

#[tokio::test]
async fn a_name_that_was_typed_in_whole_comes_before_others_that_begin_so() {
    on_both(async |world| {
        world
            .people(60, "'john' || (100 + i)", ("'user'", "1 = 1"))
            .await;
        world
            .tokens(60, ("other", "'john' || (100 + i)"), ("'app'", 100))
            .await;
        // Whose id comes last.
        world.people(1, "'john'", ("'user'", "1 = 1")).await;
        world
            .sql("UPDATE users SET id = 'zzz' WHERE username = 'john'")
            .await;
        world.tokens(1, ("own", "'zzz'"), ("'app'", 0)).await;
        let query = TokenQuery {
            search: "John".to_owned(),
            ..TokenQuery::default()
        };
        let found = world.found_tokens(query).await;
        assert!(found.is_cut);
        assert_eq!(found.leaf.rows.len(), 20);
        let last = found.leaf.rows.last().unwrap();
        assert_eq!(
            (last.token.id.as_str(), last.username.as_str()),
            ("own-0", "john")
        );
        let query = TokenQuery {
            search: "john159".to_owned(),
            ..TokenQuery::default()
        };
        let found = world.found_tokens(query).await;
        assert_eq!((found.leaf.rows.len(), found.is_cut), (1, false));
    })
    .await;
}

#[tokio::test]
async fn capitals_beyond_z_are_found_as_they_are_written() {
    on_both(async |world| {
        world.apps(1, "'Ärzte-App'", "'zoe'").await;
        world.people(1, "'Åsa'", ("'user'", "1 = 1")).await;
        world.tokens(1, ("t", "'zoe'"), ("'id of Ärzte-App'", 0)).await;
        world.sql("INSERT INTO audit_logs (id, event_type, event_time, severity, action, actor_username, success, created_at) \
                   SELECT 'a', 'X', created_at, 'INFO', 'x', 'ÅSA', 1 = 1, created_at FROM users WHERE username = 'zoe'").await;
        for term in ["Ärzte", "ÄRZTE-a"] {
            let query = ClientQuery {
                search: term.to_owned(),
                ..ClientQuery::default()
            };
            assert_eq!(titles(&world.found_apps(query).await), ["Ärzte-App"], "{term}");
            let own = OwnTokenQuery {
                search: term.to_owned(),
                ..OwnTokenQuery::default()
            };
            let found = world.store.own_tokens(&UserId::new("zoe"), &own, &PAGE).await;
            assert_eq!(found.unwrap().rows.len(), 1, "{term}");
        }
        let query = UserQuery {
            search: "ÅS".to_owned(),
            ..UserQuery::default()
        };
        assert_eq!(names(&world.found_people(query).await), ["Åsa"]);
        let trail = AuditFilter {
            search: Some("Ås".to_owned()),
            ..AuditFilter::default()
        };
        let found = world.store.audit_page(&trail, &Cursor::Newest, 5).await.unwrap();
        assert_eq!(found.records.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn tokens_of_one_person_are_read_from_their_own_list() {
    on_both(async |world| {
        // Behind more rows than one page walks over.
        world
            .tokens(12_000, ("other", "'somebody'"), ("'app'", 10_000))
            .await;
        world.tokens(1_500, ("own", "'zoe'"), ("'app'", 0)).await;
        let revoked = InState {
            status: TokenStatus::Revoked,
            now: at(0),
        };
        for (state, expected) in [(None, 1_500), (Some(revoked), 750)] {
            let query = TokenQuery {
                search: "zoe".to_owned(),
                state,
                ..TokenQuery::default()
            };
            let (mut seen, mut from) = (Vec::new(), Edge::Start);
            loop {
                let slice = Slice { size: 100, from };
                let found = world.store.tokens_page(&query, &slice).await.unwrap();
                let Leaf { rows, older, .. } = found.leaf;
                assert!(!rows.is_empty() || older.is_none(), "an empty stretch");
                seen.extend(rows.into_iter().map(|line| line.token.created_at));
                match older {
                    Some(place) => from = Edge::After(place),
                    None => break,
                }
            }
            assert_eq!(seen.len(), expected);
            assert!(seen.is_sorted_by(|newer, older| newer > older));
        }
    })
    .await;
}

#[tokio::test]
async fn what_counts_is_counted_among_the_last_and_a_page_says_so() {
    on_both(async |world| {
        let (zoe, app) = (UserId::new("zoe"), ClientId::new("app"));
        let of_person = async |now| world.store.user_holdings(&zoe, now).await.unwrap().tokens;
        let of_client = async |now| world.store.client_holdings(&app, now).await.unwrap().tokens;
        let counted = |count, is_all| Counted { count, is_all };
        // Half of them are revoked. They are over one by one.
        world
            .tokens_until(800, ("few", "'zoe'"), ("'app'", 0), "1000 + i")
            .await;
        assert_eq!(of_person(at(0)).await, counted(400, true));
        assert_eq!(of_client(at(0)).await, counted(400, true));
        assert_eq!(of_person(at(1_699)).await, counted(50, true));
        assert_eq!(of_client(at(1_699)).await, counted(50, true));
        // Of many, those that came last are looked at.
        world
            .tokens_until(16_000, ("many", "'zoe'"), ("'app'", 1_000), "3000 + i")
            .await;
        world.known_to_the_planner().await;
        assert_eq!(of_person(at(18_899)).await, counted(50, true));
        assert_eq!(of_client(at(18_899)).await, counted(50, false));
        assert_eq!(of_person(at(0)).await, counted(1_000, false));
        assert_eq!(of_client(at(0)).await, counted(5_000, false));
    })
    .await;
}

/// Left to itself, Postgres reads the table from its beginning for a client with many rows, and theirs may be the last.
#[tokio::test]
async fn postgres_counts_the_tokens_of_a_client_by_their_index() {
    on_both(async |world| {
        world.tokens(20_000, ("other", "'somebody'"), ("'another'", 0)).await;
        world.tokens(20_000, ("own", "'zoe'"), ("'app'", 20_000)).await;
        let app = ClientId::new("app");
        world.known_to_the_planner().await;
        let held = world.store.client_holdings(&app, at(0)).await.unwrap();
        assert_eq!((held.tokens.count, held.tokens.is_all), (5_000, false));
        if world.driver == Driver::Postgres {
            let read = "SELECT idx_tup_read FROM pg_stat_user_indexes WHERE indexrelname = 'idx_token_client_status'";
            // Its statistics come late.
            for _ in 0..600 {
                if world.count(read).await > 0 {
                    break;
                }
                tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            }
            assert_eq!(world.count(read).await, 5_000);
        }
    })
    .await;
}
