//! One replica of a side: its address, its readiness, and its idle connections.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use hyper::Uri;
use hyper::header::HeaderValue;
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::time::timeout;

use super::link::Link;

/// The most idle connections per replica.
const MAX_IDLE: usize = 512;
/// An idle connection older than this is not reused. Common servers close theirs after 2 s or more, and a request
/// written to a closing connection cannot be retried.
const MAX_IDLE_AGE: Duration = Duration::from_millis(1500);
/// The time limit of a connect.
pub(super) const CONNECT_LIMIT: Duration = Duration::from_secs(2);

/// The address of a replica: the parts of `http://host:port/base`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    host: String,
    port: u16,
    /// `host:port`, for requests without a Host field.
    pub(super) authority: HeaderValue,
    /// The prefix of every path, without a trailing slash; empty for none.
    pub(super) base: String,
}

impl Target {
    /// Parses a replica's URL. The error names the fault.
    pub(super) fn parse(url: &str) -> Result<Self, String> {
        let uri: Uri = url.parse().map_err(|error| format!("{url:?} is no URL ({error})"))?;
        if uri.scheme_str() != Some("http") {
            return Err(format!(
                "{url:?} does not begin with http://, and the gateway speaks plain HTTP to its replicas"
            ));
        }
        let authority = uri.authority().ok_or_else(|| format!("{url:?} has no host"))?;
        if authority.as_str().contains('@') || uri.query().is_some() {
            return Err(format!(
                "{url:?} holds a user or a query: a replica is http://host:port or http://host:port/base"
            ));
        }
        if authority.host().is_empty() || authority.port_u16() == Some(0) {
            return Err(format!("{url:?} has no host or port 0"));
        }
        Ok(Self {
            host: authority.host().trim_start_matches('[').trim_end_matches(']').to_owned(),
            port: authority.port_u16().unwrap_or(80),
            authority: HeaderValue::from_str(authority.as_str()).map_err(|error| format!("{url:?}: {error}"))?,
            base: uri.path().trim_end_matches('/').to_owned(),
        })
    }

    /// Opens a TCP connection to it.
    pub(super) async fn connect(&self) -> io::Result<TcpStream> {
        let connecting = TcpStream::connect((self.host.as_str(), self.port));
        let stream = timeout(CONNECT_LIMIT, connecting).await.map_err(|_| io::ErrorKind::TimedOut)??;
        stream.set_nodelay(true)?;
        Ok(stream)
    }
}

/// One replica.
#[derive(Debug)]
pub(super) struct Replica {
    pub(super) target: Target,
    ready: AtomicBool,
    in_flight: AtomicUsize,
    idle: Mutex<Vec<(Link, Instant)>>,
    /// Notified when a replica refuses a request's connection, so that its readiness is checked again.
    pub(super) doubt: Notify,
}

impl Replica {
    /// A replica that was not probed yet. It is not ready, but is used when no other replica is ready.
    pub(super) fn new(target: Target) -> Self {
        Self {
            target,
            ready: AtomicBool::new(false),
            in_flight: AtomicUsize::new(0),
            idle: Mutex::new(Vec::new()),
            doubt: Notify::new(),
        }
    }

    pub(super) fn is_ready(&self) -> bool {
        self.ready.load(Relaxed)
    }

    pub(super) fn set_ready(&self, ready: bool) {
        self.ready.store(ready, Relaxed);
    }

    /// Notes that the replica refuses connections.
    pub(super) fn refused(&self) {
        if self.ready.swap(false, Relaxed) {
            self.doubt.notify_one();
        }
    }

    pub(super) fn in_flight(&self) -> usize {
        self.in_flight.load(Relaxed)
    }

    pub(super) fn entered(&self) {
        self.in_flight.fetch_add(1, Relaxed);
    }

    pub(super) fn left(&self) {
        self.in_flight.fetch_sub(1, Relaxed);
    }

    /// The most recently used idle connection, if it is young enough, and its idle time.
    pub(super) fn take_idle(&self) -> Option<(Link, Duration)> {
        let (link, since) = self.idle().pop()?;
        let age = since.elapsed();
        if age > MAX_IDLE_AGE {
            // The others were idle for even longer.
            let outdated = std::mem::take(&mut *self.idle());
            drop(outdated);
            return None;
        }
        Some((link, age))
    }

    /// Keeps a connection for the next request.
    pub(super) fn keep(&self, link: Link) {
        let mut idle = self.idle();
        if idle.len() < MAX_IDLE {
            idle.push((link, Instant::now()));
        }
    }

    /// Closes connections that were idle for too long.
    pub(super) fn sweep(&self) {
        let mut idle = self.idle();
        let outdated = idle.partition_point(|(_, since)| since.elapsed() > MAX_IDLE_AGE);
        let outdated: Vec<_> = idle.drain(..outdated).collect();
        drop(idle);
        drop(outdated);
    }

    fn idle(&self) -> MutexGuard<'_, Vec<(Link, Instant)>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_read_and_faults_named() {
        let target = Target::parse("http://10.0.0.1:8080/base/").unwrap();
        assert_eq!((target.host.as_str(), target.port, target.base.as_str()), ("10.0.0.1", 8080, "/base"));
        assert_eq!(target.authority, "10.0.0.1:8080");
        let target = Target::parse("http://[::1]:9").unwrap();
        assert_eq!((target.host.as_str(), target.port, target.base.as_str()), ("::1", 9, ""));
        assert_eq!(Target::parse("http://models").unwrap().port, 80);
        for url in ["10.0.0.1:80", "https://a", "http://", "http://u:p@h/", "http://h/?q=1", "http://h:0", "x y"] {
            assert!(Target::parse(url).is_err(), "{url}");
        }
    }
}
