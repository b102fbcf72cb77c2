use std::time::Duration;

use super::super::testing::vitals;
use super::*;

fn numbers(capacity: usize) -> (Inbox<u64>, Arc<Vitals>) {
    let vitals = vitals("root/a", 3, 60);
    (Inbox::new(&vitals, capacity), vitals)
}

fn items(batch: &[Queued<u64>]) -> Vec<u64> {
    batch.iter().map(|queued| queued.item).collect()
}

#[tokio::test]
async fn a_full_queue_sheds_and_says_so() {
    let (inbox, vitals) = numbers(2);
    inbox.try_push(1).unwrap();
    inbox.try_push(2).unwrap();
    let refused = inbox.try_push(3).unwrap_err();
    assert_eq!((refused.item, refused.why), (3, Refusal::Full));
    assert_eq!(
        (vitals.depth(), vitals.high_water(), vitals.shed()),
        (2, 2, 1)
    );
    assert_eq!(items(&inbox.take(10)), [1, 2]);
    assert_eq!(vitals.depth(), 0);
    inbox.try_push(4).unwrap();
    assert_eq!(
        (vitals.depth(), vitals.high_water(), vitals.shed()),
        (1, 2, 1)
    );
}

#[tokio::test]
async fn a_place_is_taken_until_the_item_has_been_dealt_with() {
    let (inbox, vitals) = numbers(1);
    inbox.try_push(1).unwrap();
    let batch = inbox.take(1);
    assert_eq!(vitals.depth(), 1);
    assert_eq!(inbox.try_push(2).unwrap_err().why, Refusal::Full);
    drop(batch);
    inbox.try_push(2).unwrap();
}

#[tokio::test]
async fn a_patient_caller_waits_for_room() {
    let (inbox, vitals) = numbers(1);
    inbox.push(1).await.unwrap();
    let waiting = tokio::spawn({
        let inbox = inbox.clone();
        async move { inbox.push(2).await.is_ok() }
    });
    tokio::task::yield_now().await;
    assert!(!waiting.is_finished());
    assert_eq!(items(&inbox.take(9)), [1]);
    assert!(waiting.await.unwrap());
    assert_eq!(items(&inbox.take(9)), [2]);
    assert_eq!(vitals.shed(), 0);
}

#[tokio::test]
async fn a_closed_queue_refuses_what_is_new_and_keeps_what_waits() {
    let (inbox, _) = numbers(1);
    inbox.push(1).await.unwrap();
    let waiting = tokio::spawn({
        let inbox = inbox.clone();
        async move { inbox.push(2).await.unwrap_err().why }
    });
    tokio::task::yield_now().await;
    inbox.close();
    assert_eq!(waiting.await.unwrap(), Refusal::Closed);
    assert_eq!(inbox.try_push(3).unwrap_err().why, Refusal::Closed);
    assert_eq!(items(&inbox.take(9)), [1]);
}

#[tokio::test]
async fn a_batch_keeps_the_order_and_its_bound() {
    let (inbox, _) = numbers(10);
    for number in 0..7 {
        inbox.try_push(number).unwrap();
    }
    assert_eq!(items(&inbox.take(3)), [0, 1, 2]);
    assert_eq!(items(&inbox.take(3)), [3, 4, 5]);
    assert_eq!(items(&inbox.take(3)), [6]);
    assert!(inbox.take(3).is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_oldest_item_tells_its_age() {
    let (inbox, vitals) = numbers(10);
    assert_eq!(vitals.oldest(), None);
    inbox.try_push(1).unwrap();
    tokio::time::advance(Duration::from_millis(1500)).await;
    inbox.try_push(2).unwrap();
    assert_eq!(vitals.oldest(), Some(Duration::from_millis(1500)));
    drop(inbox.take(1));
    assert_eq!(vitals.oldest(), Some(Duration::ZERO));
    assert_eq!(vitals.queue_time.count(), 1);
    assert_eq!(vitals.queue_time.sum_us(), 1_500_000);
}

#[tokio::test(start_paused = true)]
async fn a_question_whose_asker_lost_patience_is_never_shown() {
    let vitals = vitals("root/a", 3, 60);
    let inbox: Inbox<Asked<u64, u64>> = Inbox::new(&vitals, 10);
    let patience = Duration::from_secs(5);
    assert_eq!(inbox.try_ask(1, patience).await, Err(AskError::Late));
    assert!(inbox.take(9).is_empty());
    assert_eq!((vitals.expired(), vitals.depth()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn an_abandoned_question_is_skipped_only_where_that_was_chosen() {
    let vitals = vitals("root/a", 3, 60);
    let patience = Duration::from_secs(5);
    let skipping: Inbox<Asked<u64, u64>> = Inbox::of_questions(&vitals, 10);
    assert_eq!(skipping.ask_within(1, patience).await, Err(AskError::Late));
    assert!(skipping.take(9).is_empty());
    assert_eq!(vitals.expired(), 1);
    let keeping: Inbox<Asked<u64, u64>> = Inbox::new(&vitals, 10);
    assert_eq!(keeping.ask_within(2, patience).await, Err(AskError::Late));
    let kept = keeping.take(9);
    assert_eq!(kept.len(), 1);
    assert!(kept.iter().all(|queued| queued.item.is_abandoned()));
}

#[tokio::test]
async fn a_question_that_is_dropped_unanswered_is_lost_for_its_asker() {
    let vitals = vitals("root/a", 3, 60);
    let inbox: Inbox<Asked<u64, u64>> = Inbox::new(&vitals, 10);
    let asking = tokio::spawn({
        let inbox = inbox.clone();
        async move { inbox.ask(1).await }
    });
    while vitals.depth() == 0 {
        tokio::task::yield_now().await;
    }
    drop(inbox.take(1));
    assert_eq!(asking.await.unwrap(), Err(AskError::Lost));
}
