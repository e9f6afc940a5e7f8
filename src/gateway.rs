//! The embedded gateway: a reverse proxy that splits traffic between blue and green.
//!
//! It speaks HTTP/1.1 with keep-alive to both sides and streams both ways. Every request goes to one side and to one
//! replica of it, and stays there until its end, even when the split changes. The side is picked by one atomic split
//! that is exact over any 100 requests ([`picker`](self)). A request is retried only if no byte of it was sent.
//! Orders arrive on a separate admin listener, never on the traffic port. The split is kept in a state file.
//!
//! Everything is `Send` and shared by atomics and short locks. It runs on a current-thread runtime (the default, and
//! the fastest per request) as well as on several threads.

mod admin;
mod admin_thread;
mod body;
mod clients;
mod control;
mod error;
mod headers;
mod link;
mod listen;
mod picker;
mod probe;
mod proxy;
mod replica;
mod samples;
mod serve;
mod shared;
mod side;
mod stats;
mod store;
mod tunnel;

use std::fmt;
use std::future::Future;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, timeout};

use self::admin_thread::AdminThread;
use self::clients::Clients;
use self::control::Control;
use self::listen::AdminListener;
use self::replica::{Replica, Target};
use self::samples::Samples;
use self::shared::{Phase, PhaseWatch, Shared};
use self::side::Place;
use self::store::Store;
use crate::domain::{Pair, Split};

pub use self::error::GatewayError;

/// The time limit for requests in flight after a shutdown begins.
const GRACE: Duration = Duration::from_secs(10);
/// The pause between tries to save a state that could not be saved.
const CATCH_UP: Duration = Duration::from_secs(1);

/// The settings of a gateway.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The address for clients.
    pub listen: SocketAddr,
    /// The address for orders.
    pub admin: Admin,
    /// The file that keeps the split. Its directory is created if missing.
    pub state: PathBuf,
    /// Replicas per side: `http://host:port` or `http://host:port/base`.
    pub sides: Pair<Vec<String>>,
    /// The path of the readiness check; starts with `/`. A 2xx answer means ready.
    pub ready_path: String,
    /// The first split, if the state file holds none.
    pub initial: Split,
    /// Whether to keep the latest requests for gates that send them again.
    pub sample: bool,
}

/// The address for orders.
#[derive(Clone)]
pub enum Admin {
    /// A unix socket, mode 0600.
    Unix(PathBuf),
    /// A loopback address, with a bearer token.
    Tcp {
        /// Must be a loopback address.
        addr: SocketAddr,
        /// At least 8 characters.
        token: String,
    },
}

impl fmt::Debug for Admin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => f.debug_tuple("Unix").field(path).finish(),
            Self::Tcp { addr, .. } => f.debug_struct("Tcp").field("addr", addr).field("token", &"***").finish(),
        }
    }
}

/// A gateway with its listeners bound, ready to run.
#[derive(Debug)]
pub struct Gateway {
    listener: TcpListener,
    local: SocketAddr,
    admin: AdminListener,
    admin_local: Option<SocketAddr>,
    warnings: Vec<String>,
    shared: Arc<Shared>,
    phase: watch::Sender<Phase>,
    alive: (mpsc::Sender<()>, mpsc::Receiver<()>),
}

impl Gateway {
    /// Checks the settings, reads the state file and binds both listeners. Does not accept clients yet.
    ///
    /// # Errors
    /// A setting that cannot be used, a port or socket in use, a state file that is locked or invalid.
    pub async fn bind(settings: Settings) -> Result<Self, GatewayError> {
        if !settings.ready_path.starts_with('/') || settings.ready_path.parse::<hyper::Uri>().is_err() {
            return Err(GatewayError::Setting(format!(
                "{:?} is no path for the readiness check: write one like /v2/health/ready",
                settings.ready_path
            )));
        }
        let sides = Pair {
            blue: place(crate::domain::Side::Blue, &settings)?,
            green: place(crate::domain::Side::Green, &settings)?,
        };
        let (store, saved, warning) = Store::open(&settings.state)?;
        let listener = listen::tcp(settings.listen).await?;
        let local = listener.local_addr().map_err(|source| GatewayError::Listen { addr: settings.listen, source })?;
        let admin = AdminListener::bind(&settings.admin).await?;
        let admin_local = match &admin {
            AdminListener::Tcp { listener, .. } => listener.local_addr().ok(),
            AdminListener::Unix { .. } => None,
        };
        let (phase, watched) = watch::channel(Phase::Serving);
        let alive = mpsc::channel(1);
        let shared = Shared {
            control: Control::new(store, saved, settings.initial),
            sides,
            ready_path: settings.ready_path,
            phase: PhaseWatch(watched),
            clients: Clients::default(),
            samples: settings.sample.then(Samples::new),
            epoch: epoch(),
            alive: alive.0.downgrade(),
        };
        let warnings = warning.into_iter().collect();
        Ok(Self { listener, local, admin, admin_local, warnings, shared: Arc::new(shared), phase, alive })
    }

    /// The address for clients, with the real port if port 0 was requested.
    pub fn local_addr(&self) -> SocketAddr {
        self.local
    }

    /// The address for orders, if it is a TCP address.
    pub fn admin_addr(&self) -> Option<SocketAddr> {
        self.admin_local
    }

    /// Warnings for the operator that do not stop the gateway, for example a state file that cannot be written.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Serves until `shutdown` is ready, then finishes the requests in flight (10 s at most).
    ///
    /// # Errors
    /// None at present. A broken connection affects only itself, and a lack of file descriptors is waited out.
    pub async fn run(self, shutdown: impl Future<Output = ()>) -> Result<(), GatewayError> {
        let Self { listener, admin, shared, phase, alive: (alive, mut gone), .. } = self;
        // The first save: after a restart the gateway finds the split it started with.
        shared.control.catch_up().await;
        let _admin_thread = AdminThread::open(admin, Arc::clone(&shared)).map_err(GatewayError::Thread)?;
        let ending = Ending { phase, shared: Arc::clone(&shared) };
        let mut watchers = JoinSet::new();
        for (_, place) in shared.sides.iter() {
            for index in 0..place.replicas.len() {
                watchers.spawn(probe::watch(Arc::clone(place), index, shared.ready_path.clone()));
            }
        }
        let keeper = Arc::clone(&shared);
        watchers.spawn(async move { keep_saved(&keeper).await });
        let sweeper = Arc::clone(&shared);
        watchers.spawn(async move { sweeper.clients.sweep().await });
        tokio::select! {
            () = shutdown => {}
            () = serve::accept(&listener, &shared) => {}
        }
        drop(listener);
        // Orders are still taken while requests finish: a rollback is never refused.
        ending.announce(Phase::Draining);
        drop(alive);
        let drained = async {
            // Nothing is sent here. This returns when the last sender is gone.
            let _nothing: Option<()> = gone.recv().await;
        };
        let _ = timeout(GRACE, drained).await;
        shared.control.catch_up().await;
        // Dropping `ending` ends the rest.
        Ok(())
    }
}

/// Announces the phases of the shutdown. Dropping it announces the end, also when [`Gateway::run`] is dropped midway.
struct Ending {
    phase: watch::Sender<Phase>,
    shared: Arc<Shared>,
}

impl Ending {
    fn announce(&self, phase: Phase) {
        self.phase.send_replace(phase);
        self.shared.clients.announce(phase);
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        self.announce(Phase::Ended);
    }
}

async fn keep_saved(shared: &Shared) {
    let mut ticks = interval(CATCH_UP);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        shared.control.catch_up().await;
    }
}

fn place(side: crate::domain::Side, settings: &Settings) -> Result<Arc<Place>, GatewayError> {
    let urls = &settings.sides[side];
    if urls.is_empty() {
        return Err(GatewayError::Setting(format!("{side} has no replica: give it at least one URL")));
    }
    let replicas = urls.iter().map(|url| Target::parse(url).map(Replica::new)).collect::<Result<Vec<_>, _>>();
    let replicas = replicas.map_err(|fault| GatewayError::Setting(format!("{side}: {fault}")))?;
    Ok(Arc::new(Place::new(side, replicas)))
}

/// An id for this run: process id and start time.
fn epoch() -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    format!("{:x}-{:x}-{:x}", std::process::id(), since.as_micros(), fastrand::u32(..))
}
