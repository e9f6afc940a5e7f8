//! The load itself: a thread with an event loop of its own, so that neither the console nor the other gates
//! disturb its clock, nor it them.
//!
//! A fixed number of connections take the requests in the order in which they are due. One that finds its
//! request overdue, because all of them were busy, sends it at once and counts its latency from when it was
//! due: a side that stalls is charged with everything that should have been sent meanwhile. One that was
//! waiting for the time to come counts from its waking, which the timer makes up to a millisecond late.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use hyper::{Method, Uri};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinSet, LocalSet};
use tokio::time::{self, Instant};

use super::profile::Profile;
use super::tally::Tally;
use crate::gate::{MAX_REPLY, REQUEST_TIMEOUT};
use crate::probe::Target;

/// A timer wakes up to so much too late by its nature.
const TIMER_SLACK: Duration = Duration::from_millis(2);

/// One request, ready to be sent to any replica.
pub(super) struct Prepared {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) body: Option<Bytes>,
    /// The status it must have; 2xx where nothing is said.
    pub(super) status: Option<u16>,
}

/// What a load sends, and where.
pub(super) struct Job {
    pub(super) targets: Vec<Target>,
    pub(super) requests: Vec<Prepared>,
    pub(super) profile: Profile,
    pub(super) connections: usize,
    /// The limit of p99.
    pub(super) limit: Duration,
}

/// What happened in the last second or so.
pub(super) struct Tick {
    pub(super) elapsed: Duration,
    pub(super) part: Tally,
    /// How long the request sent last had been overdue.
    pub(super) behind: Duration,
    /// Requests that were due until now.
    pub(super) due: u64,
    /// Whether this is the last.
    pub(super) ended: bool,
}

/// A running load; dropping it ends it at once, connections and all.
pub(super) struct Running {
    pub(super) ticks: mpsc::Receiver<Tick>,
    _stop: watch::Sender<()>,
}

/// Starts the load in a thread of its own.
pub(super) fn start(job: Job) -> Result<Running, String> {
    let (tick, ticks) = mpsc::channel(16);
    let (stop, stopped) = watch::channel(());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|err| err.to_string())?;
    let run = move || {
        let local = LocalSet::new();
        local.block_on(&runtime, drive(job, tick, stopped));
        drop(local);
    };
    std::thread::Builder::new().name("load".to_owned()).spawn(run).map_err(|err| err.to_string())?;
    Ok(Running { ticks, _stop: stop })
}

/// What the connections share.
struct Shared {
    job: Job,
    places: Vec<Place>,
    start: Instant,
    next: Cell<u64>,
    behind: Cell<Duration>,
    part: RefCell<Tally>,
}

/// A replica as it is sent to.
struct Place {
    authority: String,
    base: String,
    headers: HeaderMap,
    /// For what hyper alone cannot reach: TLS.
    tls: Option<reqwest::Client>,
}

async fn drive(job: Job, tick: mpsc::Sender<Tick>, mut stopped: watch::Receiver<()>) {
    let places = job.targets.iter().filter_map(place).collect::<Vec<_>>();
    let (length, total) = (job.profile.length, job.profile.total);
    let (start, connections) = (Instant::now(), job.connections);
    let (next, behind) = (Cell::new(if places.is_empty() { total } else { 0 }), Cell::new(Duration::ZERO));
    let shared = Rc::new(Shared { job, places, start, next, behind, part: RefCell::default() });
    let mut workers = JoinSet::new();
    for number in 0..connections {
        workers.spawn_local(work(Rc::clone(&shared), number));
    }
    let mut seconds = time::interval_at(start + Duration::from_secs(1), Duration::from_secs(1));
    seconds.set_missed_tick_behavior(time::MissedTickBehavior::Skip);
    // What is under way when the time is up gets as long as any request.
    let last = start + length + REQUEST_TIMEOUT;
    let report = |ended| {
        let elapsed = start.elapsed();
        let part = shared.part.take();
        Tick { elapsed, part, behind: shared.behind.get(), due: shared.job.profile.due_until(elapsed), ended }
    };
    loop {
        tokio::select! {
            biased;
            // The other end never sends: this is its drop.
            _ = stopped.changed() => return,
            joined = workers.join_next() => if joined.is_none() { break },
            _ = seconds.tick() => {
                if tick.send(report(false)).await.is_err() {
                    return;
                }
            }
            () = time::sleep_until(last) => break,
        }
    }
    drop(tick.send(report(true)).await);
}

fn place(target: &Target) -> Option<Place> {
    let uri: Uri = target.base.parse().ok()?;
    let authority = uri.authority()?;
    let is_tls = uri.scheme_str() == Some("https");
    let mut headers = HeaderMap::new();
    headers.insert(HOST, HeaderValue::from_str(authority.as_str()).ok()?);
    headers.insert(USER_AGENT, HeaderValue::from_static(concat!("cutover/", env!("CARGO_PKG_VERSION"))));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    for (name, value) in &target.headers {
        headers.insert(HeaderName::try_from(name.as_str()).ok()?, HeaderValue::from_str(value).ok()?);
    }
    Some(Place {
        authority: format!("{}:{}", authority.host(), authority.port_u16().unwrap_or(80)),
        base: if is_tls {
            target.base.trim_end_matches('/').to_owned()
        } else {
            uri.path().trim_end_matches('/').to_owned()
        },
        headers,
        tls: if is_tls { Some(crate::probe::client().ok()?) } else { None },
    })
}

/// One connection: takes the next request, waits until it is due, sends it.
async fn work(shared: Rc<Shared>, number: usize) {
    let place = &shared.places[number % shared.places.len().max(1)];
    let mut link = None;
    loop {
        let next = shared.next.get();
        if next >= shared.job.profile.total {
            return;
        }
        shared.next.set(next + 1);
        let due = shared.start + shared.job.profile.due(next);
        let waits = due > Instant::now();
        if waits {
            time::sleep_until(due).await;
        }
        let sent = Instant::now();
        let late = sent.saturating_duration_since(due);
        let from = if waits && late <= TIMER_SLACK { sent } else { due };
        shared.behind.set(if waits && late <= TIMER_SLACK { Duration::ZERO } else { late });
        let request = &shared.job.requests[(next % shared.job.requests.len() as u64) as usize];
        let outcome = time::timeout_at(sent + REQUEST_TIMEOUT, exchange(&mut link, place, request)).await;
        let took = Some(from.elapsed());
        let mut part = shared.part.borrow_mut();
        match outcome {
            Ok(Ok(status)) if request.status.map_or((200..300).contains(&status), |right| right == status) => {
                part.add(took, None, shared.job.limit);
            }
            Ok(Ok(status)) => part.add(took, Some(&format!("status {status}")), shared.job.limit),
            Ok(Err(why)) => {
                link = None;
                part.add(None, Some(&why), shared.job.limit);
            }
            Err(_) => {
                link = None;
                let why = format!("no answer within {} s", REQUEST_TIMEOUT.as_secs());
                part.add(took, Some(&why), shared.job.limit);
            }
        }
    }
}

type Link = SendRequest<Full<Bytes>>;

/// Sends one request and reads its answer to the end; gives the status.
async fn exchange(link: &mut Option<Link>, place: &Place, request: &Prepared) -> Result<u16, String> {
    if let Some(client) = &place.tls {
        return exchange_tls(client, place, request).await;
    }
    let mut kept = link.take();
    // A kept connection may have been closed meanwhile: that is no fault.
    if let Some(open) = &mut kept
        && open.ready().await.is_err()
    {
        kept = None;
    }
    let mut open = match kept {
        Some(open) => open,
        None => connect(place).await?,
    };
    let mut sent = hyper::Request::new(Full::new(request.body.clone().unwrap_or_default()));
    *sent.method_mut() = request.method.clone();
    *sent.uri_mut() = format!("{}{}", place.base, request.path).parse().map_err(|_| "no valid path".to_owned())?;
    *sent.headers_mut() = place.headers.clone();
    if request.body.is_none() {
        sent.headers_mut().remove(CONTENT_TYPE);
    }
    let answer = open.send_request(sent).await.map_err(|err| root(&err))?;
    let status = answer.status().as_u16();
    let mut body = Limited::new(answer.into_body(), MAX_REPLY);
    while let Some(frame) = body.frame().await {
        frame.map_err(|_| "answer cut off or too long".to_owned())?;
    }
    *link = Some(open);
    Ok(status)
}

async fn connect(place: &Place) -> Result<Link, String> {
    let stream = TcpStream::connect(&place.authority).await.map_err(|err| format!("cannot connect: {}", err.kind()))?;
    drop(stream.set_nodelay(true));
    let (send, connection) = handshake(TokioIo::new(stream)).await.map_err(|err| root(&err))?;
    // Its errors also reach whoever waits for the answer; it ends with its sender.
    tokio::task::spawn_local(async move { drop(connection.await) });
    Ok(send)
}

async fn exchange_tls(client: &reqwest::Client, place: &Place, request: &Prepared) -> Result<u16, String> {
    let fault = |err: &reqwest::Error| if err.is_connect() { "cannot connect" } else { "answer cut off" }.to_owned();
    let mut sent = client.request(request.method.clone(), format!("{}{}", place.base, request.path));
    let mut headers = place.headers.clone();
    headers.remove(HOST);
    if let Some(body) = &request.body {
        sent = sent.body(body.clone());
    }
    let mut answer = sent.headers(headers).send().await.map_err(|err| fault(&err))?;
    let mut read = 0;
    while let Some(chunk) = answer.chunk().await.map_err(|err| fault(&err))? {
        read += chunk.len();
        if read > MAX_REPLY {
            return Err("answer too long".to_owned());
        }
    }
    Ok(answer.status().as_u16())
}

/// What went wrong, in few words: it is counted by them.
fn root(err: &hyper::Error) -> String {
    let text = if err.is_incomplete_message() {
        "connection closed without an answer"
    } else if err.is_parse() {
        "not an HTTP answer"
    } else {
        "connection broken"
    };
    text.to_owned()
}
