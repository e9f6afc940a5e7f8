//! How much the pollers cost: the two halves of `tests/bench/probe`.
//!
//!     cargo bench --bench pollers -- serve PORT REPLICAS
//!     cargo bench --bench pollers -- run PORT REPLICAS SECONDS
//!
//! `serve` is a model server that always answers "ready", on one loopback address for each replica. `run` polls it as
//! so many replicas, each at an address and with a connection of its own, and measures the processor time of its
//! process (Linux only). It prints one line of figures.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a bench prints figures and fails by a panic"
)]

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use cutover::testing::domain::{Pair, ProbeSpec, SideSpec};
use cutover::testing::probe::{ProbeEvent, ProbeOutcome, start};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout_at};

/// A request longer than this is not one of ours, in bytes.
const MAX_REQUEST: usize = 16 * 1024;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    // `cargo bench` adds `--bench`.
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let number = |at: usize| -> u16 { words[at].parse().expect("a number") };
    match words.first().map(String::as_str) {
        Some("serve") => serve(number(1), number(2)).await,
        Some("run") => run(number(1), number(2), number(3)).await,
        _ => panic!("serve PORT REPLICAS, or run PORT REPLICAS SECONDS; not {words:?}"),
    }
}

/// Polls `replicas` replicas once a second for `seconds`, all of them on loopback at `port`.
async fn run(port: u16, replicas: u16, seconds: u16) {
    let urls = |from: u16| (from..replicas).step_by(2).map(|number| format!("http://{}:{port}", address(number)));
    let side = |from| SideSpec { urls: urls(from).collect(), ..SideSpec::default() };
    let (sink, mut events) = mpsc::channel(4096);
    let pollers = start(&Pair { blue: side(0), green: side(1) }, &ProbeSpec::default(), &sink).unwrap();
    // Connections are made in the first second or two; what counts is the steady state.
    let settled = Instant::now() + Duration::from_secs(3);
    while timeout_at(settled, events.recv()).await.is_ok() {}
    let (started, cpu) = (Instant::now(), cpu_seconds());
    let (mut ready, mut other) = (0_u64, 0_u64);
    while let Ok(Some(event)) = timeout_at(started + Duration::from_secs(seconds.into()), events.recv()).await {
        match event {
            ProbeEvent::Probe { outcome: ProbeOutcome::Ready { .. }, .. } => ready += 1,
            ProbeEvent::Probe { .. } => other += 1,
            ProbeEvent::Version { .. } | ProbeEvent::Metrics { .. } | ProbeEvent::Front { .. } => {}
        }
    }
    let (seconds, cpu, probes) = (started.elapsed().as_secs_f64(), cpu_seconds() - cpu, (ready + other).max(1) as f64);
    println!(
        "replicas={replicas} seconds={seconds:.1} ready={ready} other={other} dropped={} rate={:.0}/s cpu={:.1}% us_per_probe={:.0}",
        pollers.dropped(),
        probes / seconds,
        100.0 * cpu / seconds,
        cpu * 1e6 / probes,
    );
}

/// Answers 200 to everything on `port` of as many loopback addresses as there are replicas, until the process ends.
async fn serve(port: u16, replicas: u16) {
    let mut listening = JoinSet::new();
    for number in 0..replicas {
        let listener = TcpListener::bind(SocketAddr::from((address(number), port))).await.expect("a free port");
        listening.spawn(accept(listener));
    }
    listening.join_all().await;
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

/// Processor time of all threads of this process so far, as the scheduler counts it.
fn cpu_seconds() -> f64 {
    let tasks = std::fs::read_dir("/proc/self/task").expect("processor time is read from /proc");
    let nanoseconds: u64 = tasks
        .filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("schedstat")).ok())
        .filter_map(|line| line.split_whitespace().next()?.parse::<u64>().ok())
        .sum();
    nanoseconds as f64 / 1e9
}
