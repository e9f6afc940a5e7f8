//! Carrying gates out: what a candidate must show before any user reaches it.
//!
//! [`run`] takes one gate to its [`Evidence`] and decides nothing beyond it: whether the evidence
//! counts (its age, its version) is the engine's affair. A check that does not hold is "failed"; one
//! that could not be carried out, for want of data, of time, of a file that can be read, is "not yet"
//! with the reason in its note. Whatever a side answers is read within bounds and cleaned.

mod agree;
mod ask;
mod check;
mod exec;
mod expect;
mod golden;
mod health;
mod http;
mod integration;
pub(crate) mod kinds;
mod lines;
pub(crate) mod load;
mod manual;
mod prometheus;
mod read;
mod report;
mod smoke;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, timeout};

use crate::domain::{Digest, Evidence, GateSpec, LoadRun, LogLine, SampledRequest, Side, Transport, Verdict};
pub use crate::http::Target;
pub use check::Check;
pub(crate) use check::GATE;
pub(crate) use check::{Checked, Finding, Kind};
pub use exec::Exec;
pub use golden::{CaseFields, Compare, GoldenForm, GoldenLimits, GoldenSpec};
pub use health::Health;
pub use http::Http;
pub use integration::Integration;
pub use kinds::Checks;
pub use load::{Load, LoadLimits, Stage};
pub use prometheus::Prometheus;
pub(crate) use read::gates;
use report::Report;
pub use smoke::{Smoke, SmokeSource};

/// Longest answer a gate reads, in bytes.
const MAX_REPLY: usize = 4 * 1024 * 1024;
/// A request of a gate that sets no limit of its own is given up after this long.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// After so many requests in a row without an answer a gate stops asking.
const MAX_SILENCE: u32 = 10;

/// What a gate run needs from outside.
#[derive(Debug, Clone)]
pub struct RunContext {
    /// Every replica of the side that is checked.
    pub targets: Vec<Target>,
    /// How replicas are reached.
    pub transport: Transport,
    /// What is checked, in words.
    pub subject: Subject,
    /// The digest of the version it serves: what the evidence is bound to.
    pub version: Digest,
    /// Every replica of the other side, for gates that compare the two.
    pub others: Vec<Target>,
    /// The digest of the version that one serves, where it is known.
    pub other_version: Option<Digest>,
    /// Requests that live traffic made lately, for gates that send them again; why there are none.
    pub samples: Result<Vec<SampledRequest>, String>,
    /// The file in which a long run keeps how far it is; without one a run that was stopped begins anew.
    pub resume: Option<PathBuf>,
    /// Log lines; when it is full they are dropped and counted.
    pub log: mpsc::Sender<LogLine>,
    /// How far the run is; only the latest counts.
    pub progress: watch::Sender<GateProgress>,
    /// Becomes true when the run is to stop at once.
    pub cancel: watch::Receiver<bool>,
    /// The wall clock.
    pub now: fn() -> DateTime<Utc>,
}

/// What a gate checks, as its user knows it: for commands, queries and requests of his own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// The service's name.
    pub service: String,
    /// Its environment; may be empty.
    pub environment: String,
    /// The side that is checked.
    pub side: Side,
    /// What people call the version it serves; empty when nobody said.
    pub version_name: String,
}

/// How far a run is.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct GateProgress {
    /// Checks, cases or requests done.
    pub done: u64,
    /// How many there are; 0 until it is known.
    pub total: u64,
    /// For people: `12 misses`.
    pub note: String,
    /// Log lines lost because the queue was full.
    pub log_dropped: u64,
    /// How a load goes.
    pub load: Option<std::sync::Arc<LoadRun>>,
}

/// Carries `spec` out and returns what it saw. Ends by itself: done, cancelled, or timed out.
///
/// Dropping the future ends every request of the run.
pub async fn run(spec: GateSpec, check: Arc<dyn Check>, ctx: RunContext) -> Evidence {
    let RunContext {
        targets,
        transport,
        subject,
        version,
        others,
        other_version,
        samples,
        resume,
        log,
        progress,
        mut cancel,
        now,
    } = ctx;
    let started = Instant::now();
    let mut report = Report::new(&spec, log, progress, now);
    report.info(format!("started on {} of version {}", count(targets.len() as u64, "replica"), version.short()));
    let limit = Duration::from_millis(spec.timeout_ms.max(1));
    let side = Checked {
        targets: &targets,
        transport: &transport,
        subject: &subject,
        version: &version,
        others: &others,
        other_version: other_version.as_ref(),
        samples: samples.as_deref().map_err(String::as_str),
        resume: resume.as_deref(),
        valid_for_ms: spec.valid_for_ms,
    };
    let ended = tokio::select! {
        biased;
        () = cancelled(&mut cancel) => Err("cancelled".to_owned()),
        done = timeout(limit, check.check(side, &mut report)) => {
            done.map_err(|_| format!("not done within {} s", spec.timeout_ms.div_ceil(1000)))
        }
    };
    let finding = match ended {
        Ok(done) => done.unwrap_or_else(|why| Finding::new(Verdict::NotYet, why)),
        Err(why) => Finding::new(
            Verdict::NotYet,
            match report.reached() {
                (0, _) => why,
                (done, total) => format!("{why}, {done} of {total} done"),
            },
        ),
    };
    report.finish(&finding, version, started.elapsed())
}

/// Returns when the run is to stop; a canceller that is gone can stop nothing any more.
async fn cancelled(cancel: &mut watch::Receiver<bool>) {
    if cancel.wait_for(|stop| *stop).await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// `1 miss`, `12 misses`.
fn count(number: u64, word: &str) -> String {
    let plural = match word {
        _ if number == 1 => "",
        "miss" => "es",
        _ => "s",
    };
    format!("{number} {word}{plural}")
}
