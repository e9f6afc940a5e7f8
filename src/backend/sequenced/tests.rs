//! Orders against a system that a test controls step by step.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep};

use super::*;
use crate::backend::{Preview, Sending};
use crate::domain::{Move, Observation, Side, Split};

#[derive(Clone, Default)]
struct Fake(Arc<Inside>);

#[derive(Default)]
struct Inside {
    /// `check a`, `send a`, `send a again`, `done a`.
    log: Mutex<Vec<String>>,
    /// The held steps: `check a` or `done a` waits for a permit.
    held: Mutex<HashMap<String, Arc<Semaphore>>>,
    answers: Mutex<HashMap<String, BackendError>>,
    ends_when_dropped: AtomicBool,
}

impl Fake {
    fn log(&self) -> Vec<String> {
        self.0.log.lock().unwrap().clone()
    }

    fn hold(&self, step: &str) -> Arc<Semaphore> {
        let gate = Arc::new(Semaphore::new(0));
        self.0.held.lock().unwrap().insert(step.into(), Arc::clone(&gate));
        gate
    }

    fn answer(&self, id: &str, error: BackendError) {
        self.0.answers.lock().unwrap().insert(id.into(), error);
    }

    async fn step(&self, step: String) {
        let gate = self.0.held.lock().unwrap().get(&step).cloned();
        if let Some(gate) = gate {
            // Paused time: a step that nothing releases ends the test at once.
            timeout(Duration::from_secs(600), gate.acquire()).await.expect("a permit comes").unwrap().forget();
        }
        self.0.log.lock().unwrap().push(step);
    }
}

impl Observer for Fake {
    fn observe(&self) -> BackendFuture<'_, Observation> {
        Box::pin(std::future::ready(Err(BackendError::Unreachable("a test".into()))))
    }

    fn preview(&self, _: &Order) -> Preview {
        Preview { target: String::new(), lines: Vec::new() }
    }
}

impl TrafficSystem for Fake {
    fn capabilities(&self) -> Capabilities {
        Capabilities::direct()
    }

    fn prepare<'a>(&'a self, order: &'a Order, again: bool) -> BackendFuture<'a, Sending<'a>> {
        Box::pin(async move {
            let id = &order.id.0;
            if order.kind.is_forward() {
                self.step(format!("check {id}")).await;
            }
            let sending: Sending<'a> = Box::pin(async move {
                self.step(format!("send {id}{}", if again { " again" } else { "" })).await;
                self.step(format!("done {id}")).await;
                let error = self.0.answers.lock().unwrap().get(id).cloned();
                error.map_or(Ok(Accepted::as_asked(order)), Err)
            });
            Ok(sending)
        })
    }

    fn ends_when_dropped(&self) -> bool {
        self.0.ends_when_dropped.load(Ordering::Relaxed)
    }
}

struct Rig {
    fake: Fake,
    driver: Arc<dyn Driver>,
}

impl Rig {
    fn new() -> Self {
        let fake = Fake::default();
        Self { driver: sequenced("fake", fake.clone()).driver().unwrap(), fake }
    }

    async fn apply(&self, order: &Order) -> Result<(), BackendError> {
        self.driver.apply(order).await.map(|_| ())
    }

    /// Requests `order` and gives up after `after`.
    async fn give_up(&self, order: &Order, after: Duration) {
        assert!(timeout(after, self.driver.apply(order)).await.is_err(), "{} ended", order.id);
    }

    /// The same, with a caller that keeps waiting.
    fn start(&self, order: &Order) -> tokio::task::JoinHandle<Result<(), BackendError>> {
        let (driver, order) = (Arc::clone(&self.driver), order.clone());
        tokio::spawn(async move { driver.apply(&order).await.map(|_| ()) })
    }
}

fn order(id: &str, kind: Move) -> Order {
    let toward = if kind.is_forward() { Side::Green } else { Side::Blue };
    Order { id: OrderId(id.into()), kind, from: None, target: Split::all(toward), toward, expected: None }
}

fn on(id: &str) -> Order {
    order(id, Move::Switch)
}

fn back(id: &str) -> Order {
    order(id, Move::Rollback)
}

const DONE: Result<(), BackendError> = Ok(());
const SOON: Duration = Duration::from_millis(1);

#[tokio::test(start_paused = true)]
async fn the_same_id_is_one_act() {
    let rig = Rig::new();
    assert_eq!(rig.apply(&on("a")).await, DONE);
    assert_eq!(rig.apply(&on("a")).await, DONE);
    assert_eq!(rig.fake.log(), ["check a", "send a", "done a"]);
    assert_eq!(rig.apply(&back("b")).await, DONE);
    assert_eq!(rig.apply(&back("b")).await, DONE, "a reload may have undone it: it is sent again");
    assert_eq!(rig.apply(&on("a")).await, DONE, "what was answered stands");
    assert_eq!(rig.fake.log()[3..], ["send b", "done b", "send b again", "done b"]);
}

#[tokio::test(start_paused = true)]
async fn an_order_that_is_still_checked_never_comes_after_a_newer_one() {
    let rig = Rig::new();
    let check = rig.fake.hold("check a");
    let late = rig.start(&on("a"));
    sleep(SOON).await;
    assert_eq!(rig.apply(&back("b")).await, DONE, "the way back waits for nothing");
    check.add_permits(1);
    assert!(matches!(late.await.unwrap(), Err(BackendError::Conflict(_))));
    assert!(matches!(rig.apply(&on("a")).await, Err(BackendError::Conflict(_))), "nor by a retry");
    assert_eq!(rig.fake.log(), ["send b", "done b", "check a"]);
}

#[tokio::test(start_paused = true)]
async fn what_its_caller_gave_up_before_it_was_sent_is_not_sent() {
    let rig = Rig::new();
    let check = rig.fake.hold("check a");
    rig.give_up(&on("a"), SOON).await;
    check.add_permits(2);
    sleep(SOON).await;
    assert_eq!(rig.fake.log(), ["check a"]);
    assert_eq!(rig.apply(&on("a")).await, DONE);
    assert_eq!(rig.fake.log(), ["check a", "check a", "send a", "done a"], "a retry is checked as a first one is");
}

#[tokio::test(start_paused = true)]
async fn what_was_sent_outlives_the_wait_for_it_and_happens_once() {
    let rig = Rig::new();
    let done = rig.fake.hold("done a");
    rig.give_up(&on("a"), SOON).await;
    let retry = rig.start(&on("a"));
    sleep(Duration::from_secs(20)).await;
    done.add_permits(1);
    assert_eq!(retry.await.unwrap(), DONE);
    assert_eq!(rig.fake.log(), ["check a", "send a", "done a"]);
}

#[tokio::test(start_paused = true)]
async fn the_way_back_overtakes_and_is_set_once_more() {
    let rig = Rig::new();
    let done = rig.fake.hold("done a");
    rig.give_up(&on("a"), SOON).await;
    let way_back = rig.start(&back("b"));
    sleep(SOON).await;
    assert_eq!(rig.fake.log(), ["check a", "send a", "send b", "done b"], "it is sent at once");
    assert!(!way_back.is_finished(), "and answers when it is known to be the last");
    done.add_permits(1);
    assert_eq!(way_back.await.unwrap(), DONE);
    assert_eq!(rig.fake.log()[4..], ["done a", "send b", "done b"]);
}

#[tokio::test(start_paused = true)]
async fn an_order_that_ends_very_late_is_overtaken_all_the_same() {
    let rig = Rig::new();
    let done = rig.fake.hold("done a");
    rig.give_up(&on("a"), SOON).await;
    let began = Instant::now();
    assert_eq!(rig.apply(&back("b")).await, DONE);
    assert_eq!(began.elapsed(), PATIENCE, "the answer is not held back for ever");
    let new = rig.apply(&on("c")).await;
    assert!(matches!(new, Err(BackendError::Conflict(_))), "a new order does not join the confusion: {new:?}");
    done.add_permits(1);
    sleep(SOON).await;
    assert_eq!(rig.fake.log()[4..], ["done a", "send b", "done b"], "it is set once more, though c came since");
    assert_eq!(rig.apply(&on("c")).await, DONE);
}

#[tokio::test(start_paused = true)]
async fn the_newest_way_back_is_the_last() {
    let rig = Rig::new();
    let (first, second) = (rig.fake.hold("done a"), rig.fake.hold("done b"));
    rig.give_up(&on("a"), SOON).await;
    rig.give_up(&back("b"), SOON).await;
    let last = rig.start(&back("c"));
    sleep(SOON).await;
    assert_eq!(rig.fake.log(), ["check a", "send a", "send b", "send c", "done c"]);
    first.add_permits(1);
    second.add_permits(1);
    assert_eq!(last.await.unwrap(), DONE);
    assert_eq!(rig.fake.log().last().unwrap(), "done c");
    assert_eq!(rig.fake.log().iter().filter(|line| *line == "send b").count(), 1, "an older one is not set again");
}

#[tokio::test(start_paused = true)]
async fn what_can_be_ended_is_ended_by_a_later_order() {
    let rig = Rig::new();
    rig.fake.0.ends_when_dropped.store(true, Ordering::Relaxed);
    let done = rig.fake.hold("done a");
    let waiting = rig.start(&on("a"));
    sleep(SOON).await;
    assert_eq!(rig.apply(&back("b")).await, DONE);
    done.add_permits(1);
    sleep(Duration::from_secs(60)).await;
    assert_eq!(rig.fake.log(), ["check a", "send a", "send b", "done b"], "it did not happen afterwards");
    assert!(matches!(waiting.await.unwrap(), Err(BackendError::Unknown(_))));
    assert!(matches!(rig.apply(&on("a")).await, Err(BackendError::Conflict(_))), "nor by a late retry");
}

#[tokio::test(start_paused = true)]
async fn what_failed_is_tried_again_and_knows_whether_it_may_have_happened() {
    let rig = Rig::new();
    for (error, sent) in [
        (BackendError::Unreachable("x".into()), "send a"),
        (BackendError::Unknown("x".into()), "send a"),
        (BackendError::Unreachable("x".into()), "send a again"),
        (BackendError::Unreachable("x".into()), "send a"),
    ] {
        let before = rig.fake.log().len();
        rig.fake.answer("a", error.clone());
        assert_eq!(rig.apply(&on("a")).await, Err(error));
        assert_eq!(rig.fake.log()[before..], ["check a", sent, "done a"]);
    }
}
