//! What the load engine costs: the part of `tests/bench/load` that this program plays.

use std::fmt;
use std::time::Duration;

use hyper::Method;

use super::Stage;
use super::engine::{Job, start};
use super::place::Prepared;
use super::profile::Profile;
use super::tally::Tally;
use crate::domain::Transport;
use crate::http::Target;

/// What a run came to.
#[derive(Debug)]
pub struct LoadBench {
    all: Tally,
    seconds: f64,
    busy: f64,
}

impl fmt::Display for LoadBench {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = |q| self.all.quantile_ms(q).unwrap_or(f64::NAN);
        write!(
            f,
            "requests={} errors={} seconds={:.3} rate={:.0} p50_ms={:.3} p90_ms={:.3} p99_ms={:.3} max_ms={:.3} busy={:.2}",
            self.all.finished,
            self.all.errors,
            self.seconds,
            self.all.finished as f64 / self.seconds,
            ms(0.5),
            ms(0.9),
            ms(0.99),
            ms(1.0),
            self.busy,
        )
    }
}

/// Loads `url` with GET over `connections` for `seconds`: at `rps`, or as fast as it answers where that is 0.
///
/// # Errors
/// When `url` cannot be sent to, or the load cannot be started.
pub async fn run(url: &str, connections: usize, seconds: u32, rps: u32) -> Result<LoadBench, String> {
    // More than can be sent is overdue from the start: each connection sends the next at once.
    let rate = if rps == 0 { 1e9 } else { f64::from(rps) };
    let stage = Stage { from_rps: rate, to_rps: rate, for_ms: u64::from(seconds) * 1000 };
    let request = Prepared::new(Method::GET, "/".into(), None, None)?;
    let job = Job {
        targets: vec![Target::new(url)],
        requests: vec![request],
        profile: Profile::new(&[stage]),
        connections,
        limit: Duration::from_secs(60),
        flat_out: rps == 0,
        transport: Transport::default(),
    };
    let mut running = start(job)?;
    let (mut all, mut elapsed, mut busy) = (Tally::default(), Duration::ZERO, 0.0);
    while let Some(tick) = running.ticks.recv().await {
        all.join(&tick.part);
        (elapsed, busy) = (tick.elapsed, f64::max(busy, tick.busy));
        if tick.ended || (rps == 0 && elapsed.as_secs() >= u64::from(seconds)) {
            break;
        }
    }
    Ok(LoadBench { all, seconds: elapsed.as_secs_f64().max(0.001), busy })
}
