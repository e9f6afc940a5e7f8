//! Steady client load: golden requests at a set rate against the gateway.
//!
//! The loop is open: a request is due at its time whether or not earlier ones were answered, and its latency counts
//! from that time. So a slow side gets no relief, as with real clients. The number of requests in flight is bounded;
//! a request that is due when the bound is reached is dropped and counted. There are no retries, except for a request
//! that was not sent because the other end had closed an idle connection.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hyper::{Method, Uri};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{self, Instant};

use super::data::Case;
pub use super::load::tally::LoadReport;
use super::load::tally::{Outcome, Tally};
use super::protocol::MODEL;
use super::server::VERSION_HEADER;
use crate::domain::Transport;
use crate::http::{Client, FetchError};

mod tally;

/// Requests per second by default.
pub const DEFAULT_RPS: u32 = 60;
/// The highest rate. A higher one would be a benchmark, not a demo.
pub(crate) const MAX_RPS: u32 = 2000;

/// The most requests in flight.
const MAX_UNDER_WAY: usize = 256;
/// The time limit of a request.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Largest reply that is read, in bytes.
const MAX_REPLY: usize = 1 << 20;
/// Requests overdue for longer than this are dropped (the process was stopped).
const MAX_BEHIND: Duration = Duration::from_secs(1);

/// Client load on one address.
pub struct Load {
    client: Client,
    /// Where inferences are asked for.
    url: String,
    cases: Vec<Case>,
    tally: Mutex<Tally>,
}

impl Load {
    /// Load of `cases` on the gateway at `url`, e.g. `http://127.0.0.1:8080`.
    ///
    /// # Errors
    /// `url` is not an `http` URL with a host, or there are no cases.
    pub fn new(url: &str, cases: Vec<Case>) -> Result<Self, String> {
        let fault = || format!("{:?} is no http://host:port", crate::domain::text::clean(url, 80));
        let uri: Uri = url.parse().map_err(|_| fault())?;
        let authority = uri.authority().filter(|_| uri.scheme_str() == Some("http")).ok_or_else(fault)?;
        if cases.is_empty() {
            return Err("no requests to send: the golden set is empty".into());
        }
        let url = format!("http://{authority}/v2/models/{MODEL}/infer");
        Ok(Self { client: Client::new(&Transport::default())?, url, cases, tally: Mutex::default() })
    }

    /// The counts so far; latencies since the last call.
    pub fn report(&self) -> LoadReport {
        self.tally().report()
    }

    /// Sends requests at the rate in `rps`, which may change, until `shutdown` resolves.
    ///
    /// A rate of 0 is a pause. Requests in flight at the end are cancelled and not counted.
    pub async fn run(self: Arc<Self>, mut rps: watch::Receiver<u32>, shutdown: impl Future<Output = ()>) {
        let mut shutdown = std::pin::pin!(shutdown);
        let places = Arc::new(Semaphore::new(MAX_UNDER_WAY));
        let mut under_way = JoinSet::new();
        let mut due = Instant::now();
        let mut period = period(*rps.borrow_and_update());
        loop {
            tokio::select! {
                () = &mut shutdown => return,
                Ok(()) = rps.changed() => {
                    period = self::period(*rps.borrow_and_update());
                    due = Instant::now();
                }
                Some(_) = under_way.join_next(), if !under_way.is_empty() => {}
                () = time::sleep_until(due), if period.is_some() => {
                    let step = period.unwrap_or(MAX_BEHIND);
                    match places.clone().try_acquire_owned() {
                        Ok(place) => {
                            let load = self.clone();
                            under_way.spawn(async move {
                                load.one(due).await;
                                drop(place);
                            });
                        }
                        Err(_) => self.tally().dropped(1),
                    }
                    due = self.next_due(due, step);
                }
            }
        }
    }

    /// When the next request is due. Requests that were due while the process was stopped are skipped.
    fn next_due(&self, due: Instant, step: Duration) -> Instant {
        let (next, now) = (due + step, Instant::now());
        let behind = now.saturating_duration_since(next);
        if behind <= MAX_BEHIND {
            return next;
        }
        self.tally().dropped((behind.as_secs_f64() / step.as_secs_f64()) as u64);
        now
    }

    async fn one(&self, due: Instant) {
        self.tally().sent();
        let case = &self.cases[fastrand::usize(..self.cases.len())];
        let outcome = self.exchange(case).await;
        self.tally().done(&outcome, due.elapsed());
    }

    async fn exchange(&self, case: &Case) -> Outcome {
        let request = self.client.request(Method::POST, &self.url).header("content-type", "application/json");
        let reply = match request.body(case.body.clone()).send(TIMEOUT, MAX_REPLY).await {
            Ok(reply) => reply,
            Err(FetchError::Timeout(_)) => return Outcome::TimedOut,
            Err(_) => return Outcome::Broken,
        };
        let version = reply.header(VERSION_HEADER);
        match reply.status {
            200 => Outcome::Answered { version, right: digit(&reply.body) == Some(case.expect) },
            status => Outcome::Refused { version, status },
        }
    }

    fn tally(&self) -> std::sync::MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn period(rps: u32) -> Option<Duration> {
    (rps > 0).then(|| Duration::from_secs(1) / rps.min(MAX_RPS))
}

/// The digit in an inference reply.
fn digit(body: &[u8]) -> Option<i64> {
    let reply: serde_json::Value = serde_json::from_slice(body).ok()?;
    reply.pointer("/outputs/0/data/0")?.as_i64()
}
