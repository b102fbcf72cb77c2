//! A newer release gives tables more columns while this one is at work on them.
use crate::world::*;
use authgate::{
    domain::{
        audit::{AuditFilter, Cursor},
        paging::{Edge, Slice},
    },
    store::{
        clients::listing::ClientQuery,
        codes::InsertCode,
        endings::{GoOn, Holder},
        keys::{AddKey, AddWhen, Added},
        sessions::owned::Living,
        tokens::{listing::TokenQuery, owned::OwnTokenQuery},
        users::listing::UserQuery,
    },
};

/// Asks for rows of every table in every way that gives them whole.
async fn read_everything(world: &World) -> Result<(), StoreError> {
    let (store, zoe, app) = (&world.store, UserId::new("zoe"), ClientId::new("app"));
    store.user(&zoe).await?;
    store.user_by_username("zoe").await?;
    store.client(&app).await?;
    store.managed_client(&app, "hash").await?;
    store.session("s").await?;
    store.authorization_code("c").await?;
    store.device_codes(&["hash".to_owned()]).await?;
    store.salted_device_codes("suffix").await?;
    let code = device("d", at(600)).user_code;
    store.commit(typed(&code)).await?;
    store.consent(&zoe, &app).await?;
    store.consent_by_uuid(&zoe, "uuid").await?;
    store.known_token("hash of t").await?;
    store.spoken_token("hash of t").await?;
    store.refresh_token("hash of t").await?;
    store.token_line("t").await?;
    store.own_token(&zoe, "t").await?;
    store.linked_logins(&zoe).await?;
    store.signing_keys().await?;
    store.latest_traces(10).await?;
    store.trace(&trace("t", at(1)).reference).await?;
    store.endings().await?;
    store.ending(Holder::Client, "app").await?;
    store.next_ending().await?;

    let slice = Slice {
        size: 3,
        from: Edge::Start,
    };
    store.consents_of_client(&app, &slice).await?;
    store.consents_of_person(&zoe, &slice).await?;
    let living = Living {
        user_id: &zoe,
        now: at(1),
        idle: None,
    };
    store.sessions_page(&living, &slice).await?;
    store.session_named(&living, "s").await?;
    store.sessions_besides(&living, "s").await?;
    for search in ["", "z"] {
        let search = search.to_owned();
        let people = UserQuery {
            search: search.clone(),
            ..UserQuery::default()
        };
        store.users_page(&people, &slice).await?;
        let clients = ClientQuery {
            search: search.clone(),
            ..ClientQuery::default()
        };
        store.clients_page(&clients, &slice).await?;
        let tokens = TokenQuery {
            search: search.clone(),
            ..TokenQuery::default()
        };
        store.tokens_page(&tokens, &slice).await?;
        let own = OwnTokenQuery {
            search: search.clone(),
            ..OwnTokenQuery::default()
        };
        store.own_tokens(&zoe, &own, &slice).await?;
        let trail = AuditFilter {
            search: Some(search).filter(|search| !search.is_empty()),
            ..AuditFilter::default()
        };
        store.audit_page(&trail, &Cursor::Newest, 3).await?;
        store.audit_slice(&trail, 0, 3).await?;
    }
    Ok(())
}

/// Changes that look at whole rows first.
async fn change_everything(world: &World, name: &str) {
    let store = &world.store;
    store.commit(start(session(name, at(1000)))).await.unwrap();
    let given = InsertCode {
        code: code(name),
        consent: Some(consent(name)),
        audit: Vec::new(),
    };
    assert_eq!(store.commit(given).await, Ok(Ok(())));
    let issued = world.signed_in(name).await;
    store.commit(rotate(&issued, 1)).await.unwrap();
    let added = AddKey {
        key: key(name, at(500)),
        when: AddWhen::Found,
        at: at(0),
        audit: Vec::new(),
    };
    assert_eq!(store.commit(added).await, Ok(Added::Done));
    let none = GoOn {
        holder: Holder::Client,
        key: "app".to_owned(),
        total: None,
        at: at(2),
        audit: Vec::new(),
    };
    store.commit(none).await.unwrap();
}

/// What was prepared for the tables as they were goes on to give what it gave.
#[tokio::test]
async fn statements_outlive_columns_that_are_added() {
    on_both(async |world| {
        change_everything(world, "before").await;
        read_everything(world).await.unwrap();
        let tables = match world.driver {
            Driver::Sqlite => {
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
            }
            Driver::Postgres => "SELECT tablename::text FROM pg_tables WHERE schemaname = 'public'",
        };
        let tables = world.texts(tables).await;
        assert!(tables.len() > 15, "{tables:?}");
        for table in tables {
            world
                .sql(&format!("ALTER TABLE {table} ADD COLUMN of_later text"))
                .await;
        }
        read_everything(world).await.unwrap();
        change_everything(world, "after").await;
        read_everything(world).await.unwrap();
    })
    .await;
}
