//! The loop that reads the router, and the events of the probes.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, mpsc};
use tokio::time::{Instant, timeout};

use crate::backend::{BackendError, Observer};
use crate::domain::Pace;
use crate::engine::Event;
use crate::probe::{ProbeEvent, ProbeOutcome};

/// The shortest and the longest pause while an order waits to be read back. In between, the pause is a tenth of the time
/// waited so far: an effect is seen at most a tenth later than it happens, and the router is not asked too often.
const HURRIED: (Duration, Duration) = (Duration::from_millis(8), Duration::from_millis(50));
/// How long readings stay fast after one request to hurry.
const HURRY: Duration = Duration::from_secs(1);

/// Reads the router until the receiver is gone: one reading at a time, and faster for a moment after `hurry`.
pub(super) async fn read_router(
    observer: Arc<dyn Observer>,
    pace: Pace,
    hurry: Arc<Notify>,
    events: mpsc::Sender<Event>,
) {
    let limit = Duration::from_millis(pace.answer_within_ms);
    let mut pauses = Pauses::new(&pace);
    loop {
        let asked = Instant::now();
        let result = match timeout(limit, observer.observe()).await {
            Ok(result) => result.map(Box::new),
            Err(_) => Err(BackendError::Unreachable(format!("no answer within {} s", limit.as_secs()))),
        };
        let took_ms = asked.elapsed().as_millis() as u64;
        match &result {
            Ok(seen) => tracing::debug!(split = %seen.split, revision = seen.revision.0, took_ms, "read"),
            Err(error) => tracing::warn!(error = error.when_reading(), took_ms, "not read"),
        }
        if events.send(Event::Observed { result }).await.is_err() {
            return;
        }
        tokio::select! {
            () = tokio::time::sleep(pauses.pause(Instant::now())) => {}
            () = hurry.notified(), if pauses.may_hurry() => pauses.hurry(Instant::now()),
        }
    }
}

/// The pauses between readings.
#[derive(Debug)]
struct Pauses {
    regular: Duration,
    /// The first and the last request to hurry, with no usual reading between them.
    hurried: Option<(Instant, Instant)>,
}

impl Pauses {
    const fn new(pace: &Pace) -> Self {
        Self { regular: Duration::from_millis(pace.read_every_ms), hurried: None }
    }

    /// A system that is asked less than once a second limits how often it is asked: nothing makes that faster.
    const fn may_hurry(&self) -> bool {
        self.regular.as_millis() <= Pace::DIRECT.read_every_ms as u128
    }

    fn hurry(&mut self, now: Instant) {
        let since = self.hurried.map_or(now, |(since, _)| since);
        self.hurried = Some((since, now));
    }

    /// The pause before the next reading.
    fn pause(&mut self, now: Instant) -> Duration {
        self.hurried = self.hurried.filter(|(_, asked)| now.duration_since(*asked) < HURRY);
        self.hurried.map_or(self.regular, |(since, _)| (now.duration_since(since) / 10).clamp(HURRIED.0, HURRIED.1))
    }
}

/// The engine event for a poller's result.
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
        ProbeEvent::Front { answer } => Event::Fronted { answer },
        ProbeEvent::Metrics { side, source, reading } => Event::Scraped { side, source, reading },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// When the router is read within two seconds, in milliseconds, where it is asked to hurry at `asked`.
    fn readings(asked: &[u64]) -> Vec<u64> {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let (mut pace, mut now, mut asked, mut read) = (Pauses::new(&Pace::DIRECT), start, asked.to_vec(), Vec::new());
        while now < at(2_000) {
            read.push(now.duration_since(start).as_millis() as u64);
            let next = now + pace.pause(now);
            now = match asked.first().map(|ms| at(*ms)) {
                Some(hurry) if hurry <= next => {
                    asked.remove(0);
                    pace.hurry(hurry);
                    hurry
                }
                _ => next,
            };
        }
        read
    }

    #[test]
    fn what_takes_effect_late_is_seen_late_by_a_tenth() {
        let read = readings(&[300]);
        assert_eq!(read[..2], [0, 300], "read at once");
        for effect in 300..1_300 {
            let seen = read.iter().find(|ms| **ms >= effect).unwrap();
            let waited = effect - 300;
            assert!(seen - effect <= (waited / 10).clamp(8, 50), "{effect} is seen at {seen}");
        }
        assert!(read.len() < 50, "{}", read.len());
        assert!(read.iter().all(|ms| *ms < 1_350), "no hurry without an end: {read:?}");
    }

    #[test]
    fn an_order_that_waits_for_long_is_read_twenty_times_a_second() {
        let read = readings(&[0, 1_000]);
        assert!(read.iter().filter(|ms| (1_000..2_000).contains(*ms)).count() <= 21, "{read:?}");
    }
}
