//! The loop that polls one replica.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::delay::delay_ms;
use super::{ProbeEvent, ProbeOutcome, Teller, spread, version};
use crate::domain::{ProbeSpec, Version, VersionSource};
use crate::http::{Ask, Client, FetchError, Reply, Target, fetch, redirect_note};

/// Longest body that is read from a probe or a version request, in bytes.
const MAX_BODY: usize = 64 * 1024;
/// The time between two readings of the version, in milliseconds.
const VERSION_EVERY_MS: u64 = 5000;

/// How often the version is read at first.
const FIRST_READINGS: usize = 4;

/// Polls one replica.
pub(super) struct Poller {
    pub(super) client: Client,
    pub(super) target: Target,
    pub(super) spec: ProbeSpec,
    pub(super) source: VersionSource,
    pub(super) teller: Teller,
}

impl Poller {
    /// Polls until the receiver is gone or the task is aborted.
    pub(super) async fn run(self) {
        let timeout = Duration::from_millis(self.spec.timeout_ms.max(1));
        let started = Instant::now();
        let mut schedule = Schedule::new(self.spec.interval_ms);
        let mut is_first = true;
        spread(self.spec.interval_ms).await;
        let Teller { side, number: replica, .. } = self.teller;
        while !self.teller.is_closed() {
            let asked = Instant::now();
            let outcome = outcome(self.get(&self.spec.path, timeout).await);
            let read_version = schedule.note(&outcome, started.elapsed().as_millis() as u64);
            self.teller.send(ProbeEvent::Probe { side, replica, outcome });
            // A replica that does not answer gets no second request. A fixed version needs no request.
            if read_version && (schedule.failures == 0 || version::path(&self.source).is_none()) {
                // One look must be enough to see that an address stands for servers of two versions.
                let is_first = std::mem::take(&mut is_first) && version::path(&self.source).is_some();
                for _ in 0..if is_first { FIRST_READINGS } else { 1 } {
                    self.read_version(timeout).await;
                }
            }
            let spent_ms = asked.elapsed().as_millis() as u64;
            sleep(Duration::from_millis(schedule.pause_ms(spent_ms, fastrand::f64()))).await;
        }
    }

    async fn read_version(&self, timeout: Duration) {
        let version = match (&self.source, version::path(&self.source)) {
            (VersionSource::Fixed(name), _) => Ok(Version::from_text(name)),
            (source, Some(path)) => match self.get(path, timeout).await {
                Ok(reply) => version::read(source, &reply),
                Err(err) => Err(err.to_string()),
            },
            (_, None) => return,
        };
        self.teller.send(ProbeEvent::Version { side: self.teller.side, replica: self.teller.number, version });
    }

    /// Sends a GET to `path` and reads the whole answer.
    ///
    /// The server may close an idle connection just as the request goes out. That is not a fault of the replica. So
    /// when an existing connection breaks (no timeout), the request is sent once more, within the same time limit.
    async fn get(&self, path: &str, timeout: Duration) -> Result<Reply, FetchError> {
        let started = Instant::now();
        let first = fetch(&self.client, &self.target, Ask::get(path, timeout, MAX_BODY)).await;
        if !matches!(first, Err(FetchError::Broken(_) | FetchError::CutOff(_))) {
            return first;
        }
        let left = timeout.saturating_sub(started.elapsed());
        fetch(&self.client, &self.target, Ask::get(path, left, MAX_BODY)).await
    }
}

/// Decides when to ask a replica next and when to read its version. Pure: the caller passes the time.
struct Schedule {
    interval_ms: u64,
    failures: u32,
    was_ready: bool,
    version_read_ms: Option<u64>,
}

impl Schedule {
    fn new(interval_ms: u64) -> Self {
        Self { interval_ms, failures: 0, was_ready: false, version_read_ms: None }
    }

    /// Notes a probe that ended at `now_ms`; returns whether the version must be read too.
    fn note(&mut self, outcome: &ProbeOutcome, now_ms: u64) -> bool {
        let ready = matches!(outcome, ProbeOutcome::Ready { .. });
        let failed = matches!(outcome, ProbeOutcome::Failed { .. });
        self.failures = if failed { self.failures.saturating_add(1) } else { 0 };
        let came_back = ready && !self.was_ready;
        self.was_ready = ready;
        let due = self.version_read_ms.is_none_or(|at| now_ms.saturating_sub(at) >= VERSION_EVERY_MS);
        if came_back || due {
            // A version reading that is skipped because the replica does not answer happens as soon as it answers
            // again.
            self.version_read_ms = Some(now_ms);
        }
        came_back || due
    }

    /// How long to wait after a probe that took `spent_ms`.
    ///
    /// The interval counts from when the probe was sent, so that a slow answer does not stretch it. After a probe
    /// that took longer than the interval there is still a short pause, so probes never come in bursts.
    fn pause_ms(&self, spent_ms: u64, jitter: f64) -> u64 {
        let breath = (self.interval_ms / 10).max(1);
        delay_ms(self.interval_ms, self.failures, jitter).saturating_sub(spent_ms).max(breath)
    }
}

fn outcome(got: Result<Reply, FetchError>) -> ProbeOutcome {
    let reply = match got {
        Ok(reply) => reply,
        Err(err) => return ProbeOutcome::Failed { reason: err.to_string() },
    };
    let latency_us = reply.took.as_micros() as u64;
    if reply.is_success() {
        return ProbeOutcome::Ready { latency_us };
    }
    let note = redirect_note(&reply).unwrap_or_else(|| format!("status {}", reply.status));
    ProbeOutcome::NotReady { status: reply.status, latency_us, note }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ready() -> ProbeOutcome {
        ProbeOutcome::Ready { latency_us: 1 }
    }

    fn not_ready() -> ProbeOutcome {
        ProbeOutcome::NotReady { status: 503, latency_us: 1, note: String::new() }
    }

    fn failed() -> ProbeOutcome {
        ProbeOutcome::Failed { reason: String::new() }
    }

    #[test]
    fn a_dead_replica_is_asked_less_and_less_until_it_answers() {
        let mut schedule = Schedule::new(1000);
        let mut pauses = Vec::new();
        for outcome in [ready(), failed(), failed(), failed(), failed(), not_ready(), failed(), ready()] {
            schedule.note(&outcome, 0);
            pauses.push(schedule.pause_ms(0, 0.5));
        }
        assert_eq!(pauses, [1000, 2000, 4000, 8000, 8000, 1000, 2000, 1000]);
    }

    #[test]
    fn slow_answers_neither_stretch_the_interval_nor_lead_to_a_volley() {
        let schedule = Schedule::new(1000);
        assert_eq!(schedule.pause_ms(300, 0.5), 700);
        assert_eq!(schedule.pause_ms(990, 0.5), 100);
        assert_eq!(schedule.pause_ms(60_000, 0.5), 100, "what was missed is not made up for");
        assert_eq!(Schedule::new(0).pause_ms(9, 0.5), 1);
    }

    #[test]
    fn the_version_is_read_at_once_every_five_seconds_and_after_a_return() {
        let mut schedule = Schedule::new(1000);
        let mut reads = |outcome: ProbeOutcome, now_ms| schedule.note(&outcome, now_ms);
        assert!(reads(not_ready(), 0), "at once");
        assert!(reads(ready(), 1000), "it came up");
        assert!(!reads(ready(), 2000) && !reads(ready(), 5900));
        assert!(reads(ready(), 6000), "five seconds");
        assert!(!reads(failed(), 7000) && reads(ready(), 8000), "it came back");
        assert!(!reads(not_ready(), 9000) && reads(ready(), 9500), "it came back");
    }
}
