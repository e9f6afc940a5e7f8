//! Sends the load from a thread with its own event loop, so that the console and other gates do not disturb its
//! clock, and the load does not disturb them.
//!
//! A fixed number of connections take the requests in the order in which they are due. When a request is overdue
//! because all connections were busy, it is sent at once and its latency counts from the time it was due. So a side
//! that stalls is charged with everything that should have been sent meanwhile. When a connection waited for the due
//! time, latency counts from its wake-up: the timer wakes up to a millisecond late.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::{JoinSet, LocalSet};
use tokio::time::{self, Instant, Sleep};

use super::place::{Place, Prepared};
use super::profile::Profile;
use super::tally::Tally;
use super::wire::{Connection, Dial, Tcp};
use crate::domain::Transport;
use crate::gate::REQUEST_TIMEOUT;
use crate::http::Target;

/// A timer may wake up this much too late.
const TIMER_SLACK: Duration = Duration::from_millis(2);

/// What a load sends, and where.
pub struct Job {
    /// The replicas, used in turn.
    pub targets: Vec<Target>,
    /// The requests, repeated as long as needed.
    pub requests: Vec<Prepared>,
    /// When each request is due.
    pub profile: Profile,
    /// Connections in all.
    pub connections: usize,
    /// The limit of p99.
    pub limit: Duration,
    /// Send as fast as possible and ignore the due times; latency counts from sending.
    pub flat_out: bool,
    /// How to reach replicas behind TLS.
    pub transport: Transport,
}

/// What happened during about one second.
pub struct Tick {
    /// Since the start.
    pub elapsed: Duration,
    /// The requests that ended during this time.
    pub part: Tally,
    /// How overdue the last sent request was.
    pub behind: Duration,
    /// Requests due so far.
    pub due: u64,
    /// Requests sent so far.
    pub sent: u64,
    /// Requests under way.
    pub in_flight: usize,
    /// The share of the time in which the sending thread was busy, 0 to 1.
    pub busy: f64,
    /// Whether this is the last tick.
    pub ended: bool,
}

/// A running load. Dropping it ends it at once and closes its connections.
pub struct Running {
    /// One tick about every second.
    pub ticks: mpsc::Receiver<Tick>,
    _stop: watch::Sender<()>,
}

/// Starts the load in its own thread.
pub fn start(job: Job) -> Result<Running, String> {
    let (tick, ticks) = mpsc::channel(16);
    let (stop, stopped) = watch::channel(());
    let places = job.targets.iter().map(|target| Place::new(target, &job.transport)).collect::<Result<Vec<_>, _>>()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|err| err.to_string())?;
    let run = move || {
        let local = LocalSet::new();
        local.block_on(&runtime, async move {
            let places = tokio::select! {
                places = located(places) => places,
                () = dropped(stopped.clone()) => return,
            };
            drive(job, places, Tcp, tick, stopped).await;
        });
        drop(local);
    };
    std::thread::Builder::new().name("load".to_owned()).spawn(run).map_err(|err| err.to_string())?;
    Ok(Running { ticks, _stop: stop })
}

/// Looks up the addresses of the replicas. Lookups are not part of any latency.
async fn located(mut places: Vec<Place>) -> Vec<Place> {
    for place in &mut places {
        if let Ok(addresses) = tokio::net::lookup_host(place.authority.as_str()).await {
            place.addresses = addresses.take(8).collect();
        }
    }
    places
}

/// Returns when the other end is gone. It never sends anything.
async fn dropped(mut stopped: watch::Receiver<()>) {
    let _ = stopped.changed().await;
}

/// What the connections share.
struct Shared<D> {
    job: Job,
    places: Vec<Place>,
    dial: D,
    start: Instant,
    next: Cell<u64>,
    sent: Cell<u64>,
    in_flight: Cell<usize>,
    behind: Cell<Duration>,
    part: RefCell<Tally>,
}

pub(super) async fn drive<D: Dial + 'static>(
    job: Job,
    places: Vec<Place>,
    dial: D,
    tick: mpsc::Sender<Tick>,
    stopped: watch::Receiver<()>,
) {
    let (length, total, connections) = (job.profile.length, job.profile.total, job.connections);
    let (start, next) = (Instant::now(), Cell::new(if places.is_empty() { total } else { 0 }));
    let (behind, in_flight, sent) = (Cell::default(), Cell::new(0), Cell::new(0));
    let shared = Shared { job, places, dial, start, next, sent, in_flight, behind, part: RefCell::default() };
    let shared = Rc::new(shared);
    let mut workers = JoinSet::new();
    for number in 0..connections {
        workers.spawn_local(work(Rc::clone(&shared), number));
    }
    let mut seconds = time::interval_at(start + Duration::from_secs(1), Duration::from_secs(1));
    seconds.set_missed_tick_behavior(time::MissedTickBehavior::Skip);
    // Requests in flight at the end get as long as any other request.
    let last = start + length + REQUEST_TIMEOUT;
    let mut stopped = pin!(dropped(stopped));
    let mut clock = BusyClock::new();
    loop {
        tokio::select! {
            biased;
            () = &mut stopped => return,
            joined = workers.join_next() => if joined.is_none() { break },
            _ = seconds.tick() => {
                if tick.send(shared.tick(clock.share(), false)).await.is_err() {
                    return;
                }
            }
            () = time::sleep_until(last) => break,
        }
    }
    drop(tick.send(shared.tick(clock.share(), true)).await);
}

/// Measures how much of the time the event loop was busy.
struct BusyClock {
    metrics: tokio::runtime::RuntimeMetrics,
    busy: Duration,
    at: std::time::Instant,
}

impl BusyClock {
    fn new() -> Self {
        let metrics = tokio::runtime::Handle::current().metrics();
        Self { busy: metrics.worker_total_busy_duration(0), metrics, at: std::time::Instant::now() }
    }

    /// The busy share since the last call.
    fn share(&mut self) -> f64 {
        let (busy, now) = (self.metrics.worker_total_busy_duration(0), std::time::Instant::now());
        let share = busy.saturating_sub(self.busy).as_secs_f64() / (now - self.at).as_secs_f64().max(0.001);
        (self.busy, self.at) = (busy, now);
        share.min(1.0)
    }
}

impl<D> Shared<D> {
    fn tick(&self, busy: f64, ended: bool) -> Tick {
        let elapsed = self.start.elapsed();
        Tick {
            elapsed,
            part: self.part.take(),
            behind: self.behind.get(),
            due: self.job.profile.due_until(elapsed),
            sent: self.sent.get(),
            in_flight: self.in_flight.get(),
            busy,
            ended,
        }
    }
}

/// One connection: takes the next request, waits until it is due, sends it.
async fn work<D: Dial>(shared: Rc<Shared<D>>, number: usize) {
    let (job, place) = (&shared.job, &shared.places[number % shared.places.len().max(1)]);
    let mut connection = Connection::new();
    // One timer for all requests. It is set again when it fires, not at the start of each request.
    let mut watchdog = pin!(time::sleep_until(shared.start + REQUEST_TIMEOUT));
    loop {
        let next = shared.next.get();
        if next >= job.profile.total {
            return;
        }
        shared.next.set(next + 1);
        let due = shared.start + job.profile.due(next);
        let mut sent = Instant::now();
        let waits = due > sent;
        if waits {
            time::sleep_until(due).await;
            sent = Instant::now();
        }
        let late = sent.saturating_duration_since(due);
        let on_time = waits && late <= TIMER_SLACK;
        shared.behind.set(if on_time { Duration::ZERO } else { late });
        let from = if on_time || job.flat_out { sent } else { due };
        let request = &job.requests[(next % job.requests.len() as u64) as usize];
        shared.sent.set(shared.sent.get() + 1);
        shared.in_flight.set(shared.in_flight.get() + 1);
        let exchange = connection.exchange(&shared.dial, place, request);
        let outcome = within(watchdog.as_mut(), sent + REQUEST_TIMEOUT, exchange).await;
        shared.in_flight.set(shared.in_flight.get() - 1);
        let took = Some(from.elapsed());
        let mut part = shared.part.borrow_mut();
        match outcome {
            Some(Ok(status)) if request.accepts(status) => part.add(took, None, job.limit),
            Some(Ok(status)) => part.add(took, Some(&format!("status {status}")), job.limit),
            Some(Err(why)) => part.add(None, Some(&why), job.limit),
            None => {
                connection.close();
                let why = format!("no answer within {} s", REQUEST_TIMEOUT.as_secs());
                part.add(took, Some(&why), job.limit);
            }
        }
    }
}

/// The result of `future` if it is ready before `deadline`. `timer` fires at the deadline or earlier.
async fn within<T>(mut timer: Pin<&mut Sleep>, deadline: Instant, future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    poll_fn(|cx| {
        if let Poll::Ready(outcome) = future.as_mut().poll(cx) {
            return Poll::Ready(Some(outcome));
        }
        while timer.as_mut().poll(cx).is_ready() {
            if Instant::now() >= deadline {
                return Poll::Ready(None);
            }
            timer.as_mut().reset(deadline);
        }
        Poll::Pending
    })
    .await
}

#[cfg(test)]
#[path = "engine_tests.rs"]
mod tests;
