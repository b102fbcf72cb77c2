use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use tokio::time::Instant;

use super::super::handle::AskError;
use super::super::testing::{Ask, OPEN, puppet, root, until, vitals};
use super::super::tree::Tree;
use super::super::vitals::{Reason, State};
use super::*;

#[tokio::test]
async fn what_waits_is_served_in_one_round() {
    let (mut strings, spec) = puppet(&vitals("root/a", 3, 60), 64, 0);
    let tree = Tree::start(root().child(spec)).await.unwrap();
    let asking: Vec<_> = (0..9)
        .map(|number| {
            let inbox = strings.inbox.clone();
            tokio::spawn(async move { inbox.ask(Ask::Echo(number)).await })
        })
        .collect();
    // The first round takes what was there when the actor woke; the gate keeps it busy until all nine are in line.
    let first = strings.rounds.recv().await.unwrap();
    until("all nine are in line", || strings.vitals.depth() == 9).await;
    strings.gate.add_permits(OPEN);
    for (number, asked) in asking.into_iter().enumerate() {
        assert_eq!(asked.await.unwrap(), Ok(number as u64));
    }
    let mut sizes = vec![first];
    while let Ok(size) = strings.rounds.try_recv() {
        sizes.push(size);
    }
    assert_eq!(sizes.iter().sum::<usize>(), 9);
    assert!(
        sizes.len() <= 4,
        "nine items in rounds of at most four: {sizes:?}"
    );
    assert!(sizes.iter().all(|size| *size <= 4));
    until("counted", || strings.vitals.handled() == 9).await;
    assert_eq!((strings.vitals.depth(), strings.vitals.errors()), (0, 0));
    tree.end().await;
}

#[tokio::test(start_paused = true)]
async fn what_waits_survives_a_crash_and_what_was_in_hand_is_lost_for_its_callers_only() {
    let (mut strings, spec) = puppet(&vitals("root/a", 3, 60), 64, 0);
    let tree = Tree::start(root().child(spec)).await.unwrap();
    let ask = |ask: Ask| {
        let inbox = strings.inbox.clone();
        tokio::spawn(async move { inbox.ask(ask).await })
    };
    let in_hand = ask(Ask::Panic);
    assert_eq!(strings.rounds.recv().await, Some(1));
    let waiting: Vec<_> = (0..20).map(|number| ask(Ask::Echo(number))).collect();
    until("all are in line", || strings.vitals.depth() == 21).await;
    strings.gate.add_permits(OPEN);
    assert_eq!(in_hand.await.unwrap(), Err(AskError::Lost));
    for (number, asked) in waiting.into_iter().enumerate() {
        assert_eq!(asked.await.unwrap(), Ok(number as u64));
    }
    assert_eq!(strings.starts.load(SeqCst), 2);
    assert_eq!(strings.vitals.restarts(), 1);
    assert_eq!((strings.vitals.handled(), strings.vitals.errors()), (20, 1));
    tree.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn panics_under_load_cost_only_the_batch_in_hand() {
    let (strings, spec) = puppet(&vitals("root/a", 1_000, 60), 16, OPEN);
    let tree = Tree::start(root().child(spec)).await.unwrap();
    let callers: Vec<_> = (0..8u64)
        .map(|caller| {
            let inbox = strings.inbox.clone();
            tokio::spawn(async move {
                let (mut served, mut lost) = (0, 0);
                for turn in 0..100u64 {
                    let number = caller * 100 + turn;
                    let ask = if number % 211 == 7 {
                        Ask::Panic
                    } else {
                        Ask::Echo(number)
                    };
                    match inbox.ask(ask).await {
                        Ok(answer) => {
                            assert_eq!(answer, number);
                            served += 1;
                        }
                        Err(AskError::Lost) => lost += 1,
                        Err(other) => panic!("{other}"),
                    }
                }
                (served, lost)
            })
        })
        .collect();
    let (mut served, mut lost) = (0, 0);
    for caller in callers {
        let (s, l) = caller.await.unwrap();
        served += s;
        lost += l;
    }
    // 7, 218, 429 and 640 panic; each takes at most the other three of its batch with it.
    assert_eq!(served + lost, 800);
    assert!((4..=16).contains(&lost), "{lost} lost");
    // All of a batch that failed count as errors, those answered before the panic included.
    let v = &strings.vitals;
    until("all counted", || v.handled() + v.errors() == 800).await;
    assert!((lost..=16).contains(&v.errors()), "{} errors", v.errors());
    assert_eq!(v.restarts_by(Reason::Panic), 4);
    assert_eq!(v.depth(), 0);
    tree.end().await;
}

#[tokio::test(start_paused = true)]
async fn stopping_serves_what_waits_and_refuses_what_is_new() {
    let (mut strings, spec) = puppet(&vitals("root/a", 3, 60), 64, 0);
    let tree = Arc::new(Tree::start(root().child(spec)).await.unwrap());
    let asking: Vec<_> = (0..20)
        .map(|number| {
            let inbox = strings.inbox.clone();
            tokio::spawn(async move { inbox.ask(Ask::Echo(number)).await })
        })
        .collect();
    strings.rounds.recv().await;
    until("all are in line", || strings.vitals.depth() == 20).await;
    let stopping = tokio::spawn({
        let tree = Arc::clone(&tree);
        async move { tree.stop("a").await }
    });
    let state = || strings.vitals.state();
    until("asked to stop", || state() == State::Stopping).await;
    assert_eq!(strings.inbox.ask(Ask::Echo(1)).await, Err(AskError::Closed));
    strings.gate.add_permits(OPEN);
    for (number, asked) in asking.into_iter().enumerate() {
        assert_eq!(asked.await.unwrap(), Ok(number as u64));
    }
    stopping.await.unwrap();
    assert_eq!(strings.inbox.ask(Ask::Echo(1)).await, Err(AskError::Closed));
    assert_eq!(strings.vitals.restarts(), 0);
}

struct Clockwork(Arc<AtomicUsize>, Duration);

impl Rounds for Clockwork {
    type Item = ();
    type State = Instant;
    const MOST: usize = 1;

    async fn open(&self) -> Result<Instant, Failure> {
        Ok(Instant::now())
    }

    async fn serve(&self, _: &mut Instant, _: Vec<Queued<()>>) -> Result<(), Failure> {
        Ok(())
    }

    fn pause(&self, _: &Instant) -> Option<Duration> {
        Some(Duration::from_secs(10))
    }

    async fn tick(&self, _: &mut Instant) -> Result<(), Failure> {
        self.0.fetch_add(1, SeqCst);
        tokio::time::sleep(self.1).await;
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn the_next_tick_is_armed_when_the_last_one_has_ended() {
    let ticks = Arc::new(AtomicUsize::new(0));
    let vitals = vitals("root/clockwork", 3, 60);
    let clockwork = Clockwork(Arc::clone(&ticks), Duration::from_secs(15));
    let tree = Tree::start(root().child(spec(clockwork, &Inbox::new(&vitals, 1))))
        .await
        .unwrap();
    // Ticks begin at 10 s, 35 s, 60 s: a slow one never piles up a backlog.
    let began = Instant::now();
    for (second, expected) in [(9, 0), (11, 1), (34, 1), (36, 2), (59, 2), (61, 3)] {
        tokio::time::sleep_until(began + Duration::from_secs(second)).await;
        assert_eq!(ticks.load(SeqCst), expected, "at {second} s");
    }
    tree.end().await;
}
