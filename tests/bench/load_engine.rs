//! What the load gate's engine costs: the part of `tests/bench/load` that is ours.
//!
//!     cargo bench --bench load_engine -- URL CONNECTIONS SECONDS RPS
//!
//! Sends GET requests to `/` of URL for SECONDS over CONNECTIONS keep-alive connections: RPS requests a second, or as
//! many as the server answers where RPS is 0. Prints one line of figures.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a bench prints figures and fails by a panic"
)]

use std::time::Duration;

use cutover::testing::domain::Transport;
use cutover::testing::gate::{Stage, Target};
use cutover::testing::load::{Job, Prepared, Profile, Tally, start};
use hyper::Method;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    // `cargo bench` adds `--bench`.
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let [url, connections, seconds, rps] = &words[..] else { panic!("URL CONNECTIONS SECONDS RPS, not {words:?}") };
    let (connections, rps): (usize, u32) = (connections.parse().unwrap(), rps.parse().unwrap());
    let length = Duration::from_secs(seconds.parse().unwrap());
    // More than can be sent is overdue from the start: each connection sends the next request at once.
    let rate = if rps == 0 { 1e9 } else { f64::from(rps) };
    let stage = Stage { from_rps: rate, to_rps: rate, for_ms: length.as_millis() as u64 };
    let job = Job {
        targets: vec![Target::new(url)],
        requests: vec![Prepared::new(Method::GET, "/".into(), None, None).unwrap()],
        profile: Profile::new(&[stage]),
        connections: connections.clamp(1, 1024),
        limit: Duration::from_secs(60),
        flat_out: rps == 0,
        transport: Transport::default(),
    };
    let mut running = start(job).expect("the load starts");
    let (mut all, mut elapsed, mut busy) = (Tally::default(), Duration::ZERO, 0.0);
    while let Some(tick) = running.ticks.recv().await {
        all.join(&tick.part);
        (elapsed, busy) = (tick.elapsed, f64::max(busy, tick.busy));
        if tick.ended || (rps == 0 && elapsed >= length) {
            break;
        }
    }
    let (seconds, ms) = (elapsed.as_secs_f64().max(0.001), |q| all.quantile_ms(q).unwrap_or(f64::NAN));
    println!(
        "requests={} errors={} seconds={seconds:.3} rate={:.0} p50_ms={:.3} p90_ms={:.3} p99_ms={:.3} max_ms={:.3} busy={busy:.2}",
        all.finished,
        all.errors,
        all.finished as f64 / seconds,
        ms(0.5),
        ms(0.9),
        ms(0.99),
        ms(1.0),
    );
}
