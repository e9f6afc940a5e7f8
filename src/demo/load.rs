//! Steady client load: golden requests at a set rate against the gateway.
//!
//! The loop is open: a request is due at its time whether or not earlier ones were answered, and its latency counts
//! from that time. So a slow side gets no relief, as with real clients. The number of requests in flight is bounded;
//! a request that is due when the bound is reached is dropped and counted. There are no retries, except for a request
//! that was not sent because the other end had closed an idle connection.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{CONTENT_TYPE, HOST};
use hyper::{Request, Response, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{self, Instant};

use super::data::Case;
pub use super::load::tally::LoadReport;
use super::load::tally::{Outcome, Tally};
use super::protocol::MODEL;
use super::server::VERSION_HEADER;

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
    /// `host:port`.
    authority: String,
    uri: Uri,
    cases: Vec<Case>,
    idle: Mutex<Vec<SendRequest<Full<Bytes>>>>,
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
        let authority = format!("{}:{}", authority.host(), authority.port_u16().unwrap_or(80));
        if cases.is_empty() {
            return Err("no requests to send: the golden set is empty".into());
        }
        let uri = format!("/v2/models/{MODEL}/infer").parse().map_err(|_| fault())?;
        Ok(Self { authority, uri, cases, idle: Mutex::default(), tally: Mutex::default() })
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
        let outcome = time::timeout(TIMEOUT, self.exchange(case)).await.unwrap_or(Outcome::TimedOut);
        self.tally().done(&outcome, due.elapsed());
    }

    async fn exchange(&self, case: &Case) -> Outcome {
        let Ok((mut sender, response)) = self.send(&case.body).await else {
            return Outcome::Broken;
        };
        let status = response.status();
        let version = response.headers().get(VERSION_HEADER).and_then(|v| v.to_str().ok()).map(str::to_owned);
        let Ok(body) = Limited::new(response.into_body(), MAX_REPLY).collect().await else {
            return Outcome::Broken;
        };
        if sender.ready().await.is_ok() {
            let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
            if idle.len() < MAX_UNDER_WAY {
                idle.push(sender);
            }
        }
        match status {
            StatusCode::OK => {
                let right = digit(&body.to_bytes()) == Some(case.expect);
                Outcome::Answered { version, right }
            }
            status => Outcome::Refused { version, status: status.as_u16() },
        }
    }

    /// Sends on a kept connection, or on a new one.
    async fn send(&self, body: &Bytes) -> Result<(SendRequest<Full<Bytes>>, Response<Incoming>), ()> {
        let mut request = self.request(body).map_err(|_| ())?;
        while let Some(mut sender) = self.kept() {
            match sender.try_send_request(request).await {
                Ok(response) => return Ok((sender, response)),
                // Not sent: the connection was closed while it was idle.
                Err(mut error) => request = error.take_message().ok_or(())?,
            }
        }
        let stream = TcpStream::connect(&self.authority).await.map_err(|_| ())?;
        stream.set_nodelay(true).map_err(|_| ())?;
        let (mut sender, connection) = handshake(TokioIo::new(stream)).await.map_err(|_| ())?;
        // Ends when the sender is dropped or the other end closes.
        tokio::spawn(connection);
        let response = sender.send_request(request).await.map_err(|_| ())?;
        Ok((sender, response))
    }

    fn kept(&self) -> Option<SendRequest<Full<Bytes>>> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(sender) = idle.pop() {
            if sender.is_ready() {
                return Some(sender);
            }
        }
        None
    }

    fn request(&self, body: &Bytes) -> Result<Request<Full<Bytes>>, hyper::http::Error> {
        Request::post(self.uri.clone())
            .header(HOST, &self.authority)
            .header(CONTENT_TYPE, "application/json")
            .body(Full::new(body.clone()))
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
