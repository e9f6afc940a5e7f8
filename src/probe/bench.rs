//! How much the pollers cost: the two halves of `tests/bench/probe`.
//!
//! [`serve`] is a model server that only ever answers "ready", on every loopback address at once;
//! [`run`] polls it as so many replicas, each at an address and with a connection of its own, and
//! measures the processor time of its process.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout_at};

use super::{ProbeEvent, ProbeOutcome, start};
use crate::domain::{Pair, ProbeSpec, SideSpec};

/// A request longer than this is not one of ours, in bytes.
const MAX_REQUEST: usize = 16 * 1024;

/// What a run saw and cost.
#[derive(Debug, Clone, PartialEq)]
pub struct BenchReport {
    /// Replicas polled.
    pub replicas: usize,
    /// Seconds measured, after the start has settled.
    pub seconds: f64,
    /// Probes answered with 2xx.
    pub ready: u64,
    /// Probes that ended otherwise.
    pub other: u64,
    /// Events lost for want of room in the queue.
    pub dropped: u64,
    /// Processor seconds used by this process meanwhile.
    pub cpu_seconds: f64,
}

impl fmt::Display for BenchReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let probes = (self.ready + self.other).max(1) as f64;
        write!(
            f,
            "replicas={} seconds={:.1} ready={} other={} dropped={} rate={:.0}/s cpu={:.1}% us_per_probe={:.0}",
            self.replicas,
            self.seconds,
            self.ready,
            self.other,
            self.dropped,
            probes / self.seconds,
            100.0 * self.cpu_seconds / self.seconds,
            self.cpu_seconds * 1e6 / probes,
        )
    }
}

/// Polls `replicas` replicas once a second for `seconds`, all of them on loopback at `port`.
///
/// # Errors
/// When no client can be made or the processor time cannot be read (Linux only).
pub async fn run(replicas: u16, seconds: u64, port: u16) -> Result<BenchReport, String> {
    let urls = |from: u16| (from..replicas).step_by(2).map(|number| format!("http://{}:{port}", address(number)));
    let side = |from| SideSpec { urls: urls(from).collect(), ..SideSpec::default() };
    let (sink, mut events) = mpsc::channel(4096);
    let pollers = start(&Pair { blue: side(0), green: side(1) }, &ProbeSpec::default(), &sink)?;
    // Connections are made in the first second or two; what counts is the steady state.
    let settled = Instant::now() + Duration::from_secs(3);
    while timeout_at(settled, events.recv()).await.is_ok() {}
    let (started, cpu) = (Instant::now(), cpu_seconds()?);
    let (mut ready, mut other) = (0, 0);
    while let Ok(Some(event)) = timeout_at(started + Duration::from_secs(seconds), events.recv()).await {
        match event {
            ProbeEvent::Probe { outcome: ProbeOutcome::Ready { .. }, .. } => ready += 1,
            ProbeEvent::Probe { .. } => other += 1,
            ProbeEvent::Version { .. } | ProbeEvent::Metrics { .. } => {}
        }
    }
    Ok(BenchReport {
        replicas: replicas.into(),
        seconds: started.elapsed().as_secs_f64(),
        ready,
        other,
        dropped: pollers.dropped(),
        cpu_seconds: cpu_seconds()? - cpu,
    })
}

/// Answers 200 to everything on `port` of as many loopback addresses as there are replicas, until the process ends.
///
/// # Errors
/// When a port cannot be had.
pub async fn serve(port: u16, replicas: u16) -> std::io::Result<()> {
    let mut listening = tokio::task::JoinSet::new();
    for number in 0..replicas {
        let listener = TcpListener::bind(SocketAddr::from((address(number), port))).await?;
        listening.spawn(accept(listener));
    }
    listening.join_all().await;
    Ok(())
}

async fn accept(listener: TcpListener) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // Out of file descriptors, most likely: the next connection may do better.
            sleep(Duration::from_millis(10)).await;
            continue;
        };
        tokio::spawn(answer(stream));
    }
}

/// Answers each request of a connection; a probe has no body, so an empty line ends it.
async fn answer(mut stream: TcpStream) {
    let mut request = Vec::new();
    while stream.read_buf(&mut request).await.is_ok_and(|read| read > 0) && request.len() < MAX_REQUEST {
        if request.ends_with(b"\r\n\r\n") {
            request.clear();
            if stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.is_err() {
                return;
            }
        }
    }
}

/// The whole of 127.0.0.0/8 is this machine.
fn address(number: u16) -> Ipv4Addr {
    let [high, low] = number.to_be_bytes();
    Ipv4Addr::new(127, 1, high, low)
}

/// Processor time of all threads of this process so far, from the scheduler's own books.
fn cpu_seconds() -> Result<f64, String> {
    let tasks =
        std::fs::read_dir("/proc/self/task").map_err(|err| format!("processor time is read from /proc: {err}"))?;
    let nanoseconds: u64 = tasks
        .filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("schedstat")).ok())
        .filter_map(|line| line.split_whitespace().next()?.parse::<u64>().ok())
        .sum();
    Ok(nanoseconds as f64 / 1e9)
}
