//! The first administrator and client: of servers that start at once one makes them, and the file with the credentials tells
//! the truth.
use crate::world::*;
use authgate::{
    actors::{Commits, Turns},
    domain::secret::Secret,
    flows::{
        FlowError, Ground,
        seed::{SeedRules, Seeded, seed},
    },
    host::{HostClock, HostEntropy},
    passwords::{self, HashAlgorithm},
    store::Settings,
};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

/// A house that is about to seed.
struct Start {
    ground: Ground,
    directory: tempfile::TempDir,
}

impl Start {
    async fn on(world: &World) -> Self {
        let dsn = world.dsn.replace("?_busy_timeout=200", "");
        let store = Store::open(&Settings::new(world.driver, &dsn)).await;
        Self {
            ground: Ground {
                store: store.unwrap(),
                commits: Commits::new(),
                turns: Turns::of_host(),
                hashing: Turns::of_half_the_host(),
                audited: true,
                clock: Arc::new(HostClock),
                entropy: Arc::new(HostEntropy::default()),
            },
            directory: tempfile::tempdir().unwrap(),
        }
    }

    async fn seed(&self, password: Option<&str>) -> Result<Seeded, FlowError> {
        self.seed_into(self.directory.path(), password).await
    }

    async fn seed_into(
        &self,
        directory: &Path,
        password: Option<&str>,
    ) -> Result<Seeded, FlowError> {
        let rules = SeedRules {
            admin_password: password.map(Secret::new),
            algorithm: HashAlgorithm::Argon2id,
            directory: directory.to_owned(),
        };
        seed(&self.ground, &rules).await
    }

    fn files(&self) -> Vec<PathBuf> {
        let files = std::fs::read_dir(self.directory.path()).unwrap();
        files.map(|file| file.unwrap().path()).collect()
    }

    fn forget_files(&self) {
        for file in self.files() {
            std::fs::remove_file(file).unwrap();
        }
    }
}

fn line<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    text.lines().find_map(|line| line.strip_prefix(name))
}

impl World {
    async fn raze(&self) {
        self.sql("DELETE FROM users; DELETE FROM oauth_applications; DELETE FROM audit_logs")
            .await;
    }

    async fn rows(&self) -> (i64, i64, i64) {
        (
            self.count("SELECT count(*) FROM users").await,
            self.count("SELECT count(*) FROM oauth_applications").await,
            self.count("SELECT count(*) FROM audit_logs").await,
        )
    }

    /// What the file tells is in the database.
    async fn is_told_by(&self, file: &Path) {
        let text = std::fs::read_to_string(file).unwrap();
        let clients = self.texts("SELECT client_id FROM oauth_applications").await;
        assert_eq!(line(&text, "Client ID: "), Some(clients[0].as_str()));
        let password = line(&text, "Admin Password: ").unwrap();
        let hash = self.texts("SELECT password_hash FROM users").await;
        assert_eq!(passwords::verify(&hash[0], password.as_bytes()), Ok(true));
    }

    /// From now on no client can be made.
    async fn refuse_clients(&self, code: &str) {
        let postgres = format!(
            "CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS \
             $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '{code}'; END $$; \
             CREATE OR REPLACE TRIGGER refuse BEFORE INSERT ON oauth_applications \
             FOR EACH ROW EXECUTE FUNCTION refuse()"
        );
        let sqlite = "CREATE TRIGGER refuse BEFORE INSERT ON oauth_applications BEGIN SELECT RAISE(ABORT, 'no'); END";
        self.sql(match self.driver {
            Driver::Sqlite => sqlite,
            Driver::Postgres => &postgres,
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_that_seed_at_once_one_does_and_only_its_file_stays() {
    on_both(async |world| {
        let (one, other) = (Start::on(world).await, Start::on(world).await);
        for round in 0..20 {
            world.raze().await;
            let (first, second) = tokio::join!(one.seed(None), other.seed(None));
            let made: Vec<Seeded> = [first.unwrap(), second.unwrap()]
                .into_iter()
                .filter(|seeded| seeded.admin || seeded.client_id.is_some())
                .collect();
            assert_eq!(made.len(), 1, "round {round}: {made:?}");
            assert!(made[0].admin && made[0].client_id.is_some());
            assert_eq!(world.rows().await, (1, 1, 2), "round {round}");
            let files = [one.files(), other.files()].concat();
            assert_eq!(files, [made[0].file.clone().unwrap()], "round {round}");
            world.is_told_by(&files[0]).await;
            one.forget_files();
            other.forget_files();
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_file_tells_what_was_made_and_nothing_else() {
    on_both(async |world| {
        let start = Start::on(world).await;
        world.sql("DELETE FROM oauth_applications").await;
        start.seed(None).await.unwrap();
        let text = std::fs::read_to_string(&start.files()[0]).unwrap();
        assert!(line(&text, "Client ID: ").is_some() && !text.contains("Admin"));
        start.forget_files();

        world.sql("DELETE FROM users").await;
        let seeded = start.seed(Some("correct horse battery")).await.unwrap();
        assert!(seeded.admin && seeded.client_id.is_none() && seeded.file.is_none());
        assert!(start.files().is_empty());

        let seeded = start.seed(None).await.unwrap();
        assert!(!seeded.admin && start.files().is_empty());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_administrator_is_made_with_the_client_or_not_at_all() {
    on_both(async |world| {
        let start = Start::on(world).await;
        world.raze().await;
        // A check that fails: the database has certainly made nothing.
        world.refuse_clients("23514").await;
        start.seed(None).await.unwrap_err();
        assert_eq!(world.rows().await, (0, 0, 0));
        assert!(start.files().is_empty());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_that_may_be_in_use_is_kept_and_its_file_named() {
    on_both(async |world| {
        if world.driver == Driver::Sqlite {
            return;
        }
        let start = Start::on(world).await;
        world.raze().await;
        // As when the connection is lost.
        world.refuse_clients("57P01").await;
        let Err(FlowError::Unavailable(why)) = start.seed(None).await else {
            panic!("this cannot have worked");
        };
        let files = start.files();
        assert_eq!(files.len(), 1);
        assert!(why.contains(files[0].to_str().unwrap()), "{why}");
        let text = std::fs::read_to_string(&files[0]).unwrap();
        assert!(text.contains("Admin Password: "));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_that_nobody_needs_may_stay_unwritten() {
    on_both(async |world| {
        let start = Start::on(world).await;
        world.raze().await;
        let no_directory = start.directory.path().join("file");
        std::fs::write(&no_directory, "").unwrap();
        let refused = start.seed_into(&no_directory, None).await;
        assert!(matches!(refused, Err(FlowError::Internal(why)) if why.contains("DEFAULT_ADMIN_PASSWORD")));
        assert_eq!(world.rows().await, (0, 0, 0));

        let password = Some("correct horse battery");
        let seeded = start.seed_into(&no_directory, password).await.unwrap();
        assert!(seeded.admin && seeded.client_id.is_some());
        assert!(seeded.file.is_none() && seeded.unwritten.is_some());
        assert_eq!(world.rows().await, (1, 1, 2));
    })
    .await;
}
