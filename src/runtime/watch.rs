//! Reading the router, regularly and when asked; passing the probes on.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, mpsc};
use tokio::time::timeout;

use crate::backend::{BackendError, Observer};
use crate::engine::Event;
use crate::probe::{ProbeEvent, ProbeOutcome};

/// The regular pause between two readings.
const REGULAR: Duration = Duration::from_secs(1);
/// The pause while an order waits to be read back.
const HURRIED: Duration = Duration::from_millis(50);
/// How many hurried readings one request is worth.
const HURRIES: u32 = 20;
/// How long the router may take to answer.
const ANSWER: Duration = Duration::from_secs(2);

/// Reads the router for ever: one reading at a time, faster for a moment after `hurry` was notified.
pub(super) async fn read_router(observer: Arc<dyn Observer>, hurry: Arc<Notify>, events: mpsc::Sender<Event>) {
    let mut hurries = 0_u32;
    loop {
        let result = match timeout(ANSWER, observer.observe()).await {
            Ok(result) => result.map(Box::new),
            Err(_) => Err(BackendError::Unreachable(format!("no answer within {} s", ANSWER.as_secs()))),
        };
        if events.send(Event::Observed { result }).await.is_err() {
            return;
        }
        let pause = if hurries > 0 { HURRIED } else { REGULAR };
        hurries = hurries.saturating_sub(1);
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = hurry.notified() => hurries = HURRIES,
        }
    }
}

/// Turns a poller's finding into an engine event.
pub(super) fn event_of(found: ProbeEvent) -> Event {
    match found {
        ProbeEvent::Probe { side, replica, outcome } => {
            let (latency_us, fault) = match outcome {
                ProbeOutcome::Ready { latency_us } => (Some(latency_us), None),
                ProbeOutcome::NotReady { latency_us, note, .. } => (Some(latency_us), Some(note)),
                ProbeOutcome::Failed { reason } => (None, Some(reason)),
            };
            Event::Probed { side, replica, latency_us, fault }
        }
        ProbeEvent::Version { side, replica, version } => Event::VersionRead { side, replica, version },
        ProbeEvent::Metrics { side, source, reading } => Event::Scraped { side, source, reading },
    }
}
