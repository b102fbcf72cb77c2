use super::*;
use crate::actors::Tree;
use crate::actors::testing::{root, until, vitals};
use crate::domain::device::UserCode;
use crate::domain::ids::UserId;
use crate::domain::scope::ScopeSet;
use crate::domain::time::doubles::SetClock;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;

fn at(s: i64) -> Timestamp {
    Timestamp::from_unix_timestamp(s).unwrap()
}

fn code(hash: &str) -> DeviceCode {
    DeviceCode {
        row_id: 7,
        hash: hash.to_owned(),
        salt: String::new(),
        suffix: String::new(),
        user_code: UserCode::stored("ABCD2345"),
        client_id: ClientId::new("c"),
        scopes: ScopeSet::default(),
        resource: vec![],
        expires_at: at(10_000),
        interval: 5,
        approved_by: None,
        approved_at: None,
        denied_at: None,
        auth_time: None,
        created_at: at(0),
        requester_ip: None,
        requester_user_agent: None,
    }
}

struct World {
    poller: DeviceCodePoller,
    clock: Arc<SetClock>,
    questions: Arc<Mutex<Vec<usize>>>,
    grown: Arc<Mutex<Vec<u32>>>,
    down: Arc<AtomicBool>,
    codes: Arc<Mutex<Vec<DeviceCode>>>,
    _tree: Tree,
}

async fn world(codes: Vec<DeviceCode>) -> World {
    let clock = Arc::new(SetClock::at(0));
    let (questions, grown) = (Arc::new(Mutex::new(vec![])), Arc::new(Mutex::new(vec![])));
    let (down, codes) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(Mutex::new(codes)),
    );
    let (asked, is_down, table) = (
        Arc::clone(&questions),
        Arc::clone(&down),
        Arc::clone(&codes),
    );
    let read: Read = Arc::new(move |hashes| {
        asked.lock().unwrap().push(hashes.len());
        let found = table
            .lock()
            .unwrap()
            .iter()
            .filter(|c| hashes.contains(&c.hash))
            .cloned()
            .collect();
        let answer = if is_down.load(Relaxed) {
            Err(StoreError::Unavailable("down".into()))
        } else {
            Ok(found)
        };
        async move {
            tokio::task::yield_now().await;
            answer
        }
        .boxed()
    });
    let written = Arc::clone(&grown);
    let grow: Grow = Arc::new(move |unit| {
        written.lock().unwrap().push(unit.interval);
        async { Ok(()) }.boxed()
    });
    let settings = Settings {
        capacity: 1000,
        remembered: 100,
        clock: clock.clone(),
    };
    let (poller, spec) = DeviceCodePoller::over(
        &vitals("root/device_code_poller", 5, 30),
        settings,
        read,
        grow,
    );
    let tree = Tree::start(root().child(spec)).await.unwrap();
    World {
        poller,
        clock,
        questions,
        grown,
        down,
        codes,
        _tree: tree,
    }
}

impl World {
    /// Polls at `s` seconds; whether it was told to slow down, and the interval.
    async fn poll(&self, s: i64) -> Option<(bool, u32)> {
        *self.clock.0.lock().unwrap() = at(s);
        match self
            .poller
            .poll("h".to_owned(), ClientId::new("c"))
            .await
            .unwrap()
        {
            Polled::Found { code, slow_down } => Some((slow_down, code.interval)),
            Polled::Unknown => None,
        }
    }
}

#[tokio::test]
async fn the_pace_of_one_device() {
    let world = world(vec![code("h")]).await;
    assert_eq!(world.poll(0).await, Some((false, 5)));
    assert_eq!(world.poll(4).await, Some((false, 5)));
    assert_eq!(world.poll(6).await, Some((true, 10)));
    assert_eq!(world.poll(16).await, Some((false, 10)));
    assert_eq!(world.poll(18).await, Some((true, 15)));
    until("growth is written", || {
        world.grown.lock().unwrap().len() == 2
    })
    .await;
    assert_eq!(*world.grown.lock().unwrap(), [10, 15]);
}

#[tokio::test]
async fn decided_codes_are_answered_at_once_and_foreign_ones_not_at_all() {
    let world = world(vec![code("h")]).await;
    world.poll(0).await;
    world.codes.lock().unwrap()[0].approved_by = Some(UserId::new("u"));
    assert_eq!(world.poll(0).await, Some((false, 5)));
    let foreign = world
        .poller
        .poll("h".to_owned(), ClientId::new("d"))
        .await
        .unwrap();
    assert!(matches!(foreign, Polled::Unknown));
}

#[tokio::test]
async fn a_stranger_does_not_spoil_the_pace() {
    let world = world(vec![code("h")]).await;
    world.poll(0).await;
    *world.clock.0.lock().unwrap() = at(4);
    world
        .poller
        .poll("h".to_owned(), ClientId::new("d"))
        .await
        .unwrap();
    assert_eq!(world.poll(5).await, Some((false, 5)));
}

#[tokio::test]
async fn all_that_wait_are_one_question() {
    let world = world((0..200).map(|n| code(&format!("h{n}"))).collect()).await;
    let polls = (0..200).map(|n| world.poller.poll(format!("h{n}"), ClientId::new("c")));
    for polled in futures_util::future::join_all(polls).await {
        assert!(matches!(
            polled.unwrap(),
            Polled::Found {
                slow_down: false,
                ..
            }
        ));
    }
    let questions = world.questions.lock().unwrap();
    assert_eq!(questions.iter().sum::<usize>(), 200);
    assert!(questions.len() <= 3, "{questions:?}");
}

#[tokio::test]
async fn an_outage_is_told_and_never_a_denial() {
    let world = world(vec![code("h")]).await;
    world.down.store(true, Relaxed);
    let told = world
        .poller
        .poll("h".to_owned(), ClientId::new("c"))
        .await
        .unwrap_err();
    assert!(matches!(told, PollError::Unavailable(_)));
    world.down.store(false, Relaxed);
    assert_eq!(world.poll(0).await, Some((false, 5)));
}
