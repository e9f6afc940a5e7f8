//! Orders sent to a backend by a test, and looks at it until what was ordered holds.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use cutover::testing::backend::{Accepted, BackendError, TrafficBackend};
use cutover::testing::domain::{Move, Observation, Order, OrderId, Revision, Side, Split};
use tokio::time::{Instant, sleep, timeout};

/// Longer than any order or any change takes.
const DEADLINE: Duration = Duration::from_secs(15);

pub fn green(percent: u8) -> Split {
    Split::toward(Side::Green, percent)
}

/// An order of this name.
pub fn order(id: &str, kind: Move, percent: u8, expected: Option<Revision>) -> Order {
    let toward = if kind.is_forward() { Side::Green } else { Side::Blue };
    Order { id: OrderId(id.into()), kind, from: None, target: green(percent), toward, expected }
}

/// An order with an id of its own: forward with a revision, the way back without.
pub fn fresh(target: Split, expected: Option<Revision>) -> Order {
    static MADE: AtomicU64 = AtomicU64::new(0);
    let kind = if expected.is_some() { Move::Promote } else { Move::Rollback };
    let id = format!("o{}", MADE.fetch_add(1, Ordering::Relaxed));
    Order { target, ..order(&id, kind, 0, expected) }
}

pub async fn look(backend: &Arc<dyn TrafficBackend>) -> Observation {
    backend.observer().observe().await.expect("it can be read")
}

pub async fn apply(backend: &Arc<dyn TrafficBackend>, order: &Order) -> Result<Accepted, BackendError> {
    timeout(DEADLINE, backend.driver().unwrap().apply(order)).await.expect("an answer in time")
}

/// Orders green's share at what is seen now.
pub async fn forward(backend: &Arc<dyn TrafficBackend>, percent: u8) -> Result<Accepted, BackendError> {
    let revision = look(backend).await.revision;
    apply(backend, &fresh(green(percent), Some(revision))).await
}

/// Orders everything back to blue.
pub async fn back(backend: &Arc<dyn TrafficBackend>) -> Result<Accepted, BackendError> {
    apply(backend, &fresh(green(0), None)).await
}

/// Looks until `holds`; what a hand leaves behind for a moment may be no answer at all.
pub async fn until(backend: &Arc<dyn TrafficBackend>, holds: impl Fn(&Observation) -> bool) -> Observation {
    let deadline = Instant::now() + DEADLINE;
    loop {
        match backend.observer().observe().await {
            Ok(seen) if holds(&seen) => return seen,
            seen => assert!(Instant::now() < deadline, "never: {seen:?}"),
        }
        // Between two looks: what is waited for needs the processor too.
        sleep(Duration::from_millis(3)).await;
    }
}

/// Waits until the split is in force and nothing is mixed.
pub async fn verified(backend: &Arc<dyn TrafficBackend>, percent: u8) -> Observation {
    until(backend, |seen| seen.split == green(percent) && seen.mixed.is_none()).await
}

pub fn has_note(seen: &Observation, words: &str) -> bool {
    seen.notes.iter().any(|note| note.contains(words))
}
