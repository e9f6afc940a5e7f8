//! The loop that watches one replica.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;
use tokio::time::{Instant, sleep};

use super::delay::delay_ms;
use super::fetch::{Ask, FetchError, Reply, fetch, redirect_note};
use super::target::Target;
use super::{ProbeEvent, ProbeOutcome, version};
use crate::domain::{ProbeSpec, Side, Version, VersionSource};

/// Longest answer a probe or a version reading takes in, in bytes.
const MAX_BODY: usize = 64 * 1024;
/// A version is read again after this long.
const VERSION_EVERY: Duration = Duration::from_secs(5);

/// The first probes of all replicas are spread over one interval, but never over more than this: a
/// screen without data for a minute would tell nobody anything.
const MAX_SPREAD_MS: u64 = 1000;

/// How a replica is asked; the tests put a replica of their own in its place.
pub(super) trait Source {
    /// GET of `path`, whole.
    fn get(&self, path: &str, timeout: Duration) -> impl Future<Output = Result<Reply, FetchError>> + Send;
}

/// A replica on the network.
pub(super) struct Http {
    pub(super) client: reqwest::Client,
    pub(super) target: Target,
}

impl Source for Http {
    /// An idle connection may be closed by the server just as the request goes out. That says nothing
    /// of the replica, so a connection that breaks (it was made, nothing timed out) is tried once more,
    /// within the same time.
    async fn get(&self, path: &str, timeout: Duration) -> Result<Reply, FetchError> {
        let started = Instant::now();
        let first = fetch(&self.client, &self.target, Ask::get(path, timeout, MAX_BODY)).await;
        if !matches!(first, Err(FetchError::Broken(_))) {
            return first;
        }
        let left = timeout.saturating_sub(started.elapsed());
        fetch(&self.client, &self.target, Ask::get(path, left, MAX_BODY)).await
    }
}

/// One replica under watch.
pub(super) struct Poller {
    pub(super) side: Side,
    pub(super) replica: u32,
    pub(super) spec: ProbeSpec,
    pub(super) source: VersionSource,
    pub(super) sink: mpsc::Sender<ProbeEvent>,
    pub(super) dropped: Arc<AtomicU64>,
}

impl Poller {
    /// Asks until the receiver is gone or the task is aborted.
    pub(super) async fn run(self, replica: impl Source + Send + Sync) {
        let timeout = Duration::from_millis(self.spec.timeout_ms.max(1));
        let mut version_read: Option<Instant> = None;
        let mut was_ready = false;
        let mut failures = 0_u32;
        let spread_ms = self.spec.interval_ms.min(MAX_SPREAD_MS);
        sleep(Duration::from_millis((spread_ms as f64 * fastrand::f64()) as u64)).await;
        while !self.sink.is_closed() {
            let asked = Instant::now();
            let outcome = outcome(replica.get(&self.spec.path, timeout).await);
            let (ready, failed) = match outcome {
                ProbeOutcome::Ready { .. } => (true, false),
                ProbeOutcome::NotReady { .. } => (false, false),
                ProbeOutcome::Failed { .. } => (false, true),
            };
            self.send(ProbeEvent::Probe { side: self.side, replica: self.replica, outcome });
            failures = if failed { failures.saturating_add(1) } else { 0 };
            let came_back = ready && !was_ready;
            was_ready = ready;
            let due = version_read.is_none_or(|at| at.elapsed() >= VERSION_EVERY);
            // A replica that does not answer is not asked a second thing; a fixed version asks nothing.
            let can_read = !failed || version::path(&self.source).is_none();
            if can_read && (came_back || due) {
                self.read_version(&replica, timeout).await;
                version_read = Some(Instant::now());
            }
            let pause = Duration::from_millis(delay_ms(self.spec.interval_ms, failures, fastrand::f64()));
            // Counted from when it was asked, so that a slow answer does not stretch the interval; one
            // that took longer than the interval leaves a pause all the same, never a volley.
            let breath = Duration::from_millis((self.spec.interval_ms / 10).max(1));
            sleep(pause.saturating_sub(asked.elapsed()).max(breath)).await;
        }
    }

    async fn read_version(&self, replica: &impl Source, timeout: Duration) {
        let version = match (&self.source, version::path(&self.source)) {
            (VersionSource::Fixed(name), _) => Ok(Version::from_text(name)),
            (source, Some(path)) => match replica.get(path, timeout).await {
                Ok(reply) => version::read(source, &reply),
                Err(err) => Err(err.to_string()),
            },
            (_, None) => return,
        };
        self.send(ProbeEvent::Version { side: self.side, replica: self.replica, version });
    }

    fn send(&self, event: ProbeEvent) {
        if let Err(TrySendError::Full(_)) = self.sink.try_send(event) {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
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
#[path = "poller_tests.rs"]
mod tests;
