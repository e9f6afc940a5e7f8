//! Carrying gates out: what a candidate must show before any user reaches it.
//!
//! [`run`] takes one gate to its [`Evidence`] and decides nothing beyond it: whether the evidence
//! counts (its age, its version) is the engine's affair. A check that does not hold is "failed"; one
//! that could not be carried out, for want of data, of time, of a file that can be read, is "not yet"
//! with the reason in its note. Whatever a side answers is read within bounds and cleaned.

mod agree;
mod ask;
mod exec;
mod golden;
mod health;
mod http;
mod integration;
mod lines;
mod load;
mod prometheus;
mod report;
mod smoke;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, timeout};

use crate::domain::gate::SmokeSource;
use crate::domain::{Digest, Evidence, GateKind, GateSpec, LoadRun, LogLine, SampledRequest, Side, Transport, Verdict};
use crate::http::Client;
pub use crate::http::Target;
pub use load::bench as load_bench;
use report::Report;

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

/// What a check came to; the numbers are in the [`Report`].
struct Finding {
    verdict: Verdict,
    note: String,
}

impl Finding {
    fn new(verdict: Verdict, note: impl Into<String>) -> Self {
        Self { verdict, note: note.into() }
    }
}

/// Carries `spec` out and returns what it saw. Ends by itself: done, cancelled, or timed out.
///
/// Dropping the future ends every request of the run.
pub async fn run(spec: GateSpec, ctx: RunContext) -> Evidence {
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
        done = timeout(limit, check(&spec.kind, side, &mut report)) => {
            done.map_err(|_| format!("not done within {} s", spec.timeout_ms.div_ceil(1000)))
        }
    };
    let finding = ended.unwrap_or_else(|why| {
        let note = match report.reached() {
            (0, _) => why,
            (done, total) => format!("{why}, {done} of {total} done"),
        };
        Finding::new(Verdict::NotYet, note)
    });
    report.finish(&finding, version, started.elapsed())
}

/// Looks through the file of a gate without asking anybody: what it holds, or what is wrong with it; `None` for
/// a gate that has none.
pub async fn survey(kind: &GateKind) -> Option<Result<String, String>> {
    match kind {
        GateKind::Golden(spec) => Some(golden::survey(spec, |_| ()).await.and_then(|survey| {
            let left_out = if survey.broken > 0 {
                format!(", {} left out", count(survey.broken, "broken line"))
            } else {
                String::new()
            };
            survey.fault(spec).map_or_else(|| Ok(format!("{}{left_out}", count(survey.cases, "case"))), Err)
        })),
        GateKind::Smoke { source: SmokeSource::File(file), path, .. } | GateKind::Load { requests: file, path, .. } => {
            Some(smoke::survey(file, path).await.map(|requests| count(requests, "request")))
        }
        _ => None,
    }
}

/// The side under examination.
#[derive(Clone, Copy)]
struct Checked<'a> {
    targets: &'a [Target],
    transport: &'a Transport,
    subject: &'a Subject,
    version: &'a Digest,
    others: &'a [Target],
    other_version: Option<&'a Digest>,
    samples: Result<&'a [SampledRequest], &'a str>,
    resume: Option<&'a Path>,
    valid_for_ms: u64,
}

async fn check(kind: &GateKind, side: Checked<'_>, report: &mut Report) -> Finding {
    let targets = side.targets;
    if let GateKind::Exec { command, dir, not_yet_code, bound } = kind {
        let plan = exec::Plan { command, dir, not_yet_code: (*not_yet_code).into(), bound: *bound };
        // On the heap: it would make every run as large as the largest.
        return Box::pin(exec::check(side, plan, report)).await;
    }
    let client = match Client::new(side.transport) {
        Ok(client) => client,
        Err(why) => return Finding::new(Verdict::NotYet, why),
    };
    match kind {
        GateKind::Http { call, expect, pending } => {
            return Box::pin(http::check(side, (call, expect, pending), report)).await;
        }
        GateKind::Integration { steps } => return Box::pin(integration::check(client, side, steps, report)).await,
        GateKind::Prometheus { url, query, headers, bound, max_age_ms, timeout_ms, transport } => {
            let (max_age, timeout) = (Duration::from_millis(*max_age_ms), Duration::from_millis(*timeout_ms));
            let plan = prometheus::Plan { url, query, headers, bound: *bound, max_age, timeout, transport };
            return Box::pin(prometheus::check(side, plan, report)).await;
        }
        GateKind::Load { requests, path, stages, connections, limits, saturation } if !targets.is_empty() => {
            let (connections, saturation) = ((*connections).clamp(1, 1024), saturation.as_ref());
            let plan = load::Plan {
                file: requests,
                path,
                stages,
                connections,
                limits: *limits,
                saturation,
                transport: side.transport,
            };
            return Box::pin(load::check(targets, plan, report)).await;
        }
        _ if targets.is_empty() => return Finding::new(Verdict::NotYet, "the side has no replicas to ask"),
        _ => {}
    }
    match kind {
        GateKind::Health { path, consecutive, max_latency_ms, interval_ms } => {
            let plan = health::Plan {
                path: path.clone(),
                consecutive: (*consecutive).max(1),
                max_latency: Duration::from_millis(*max_latency_ms),
                interval: Duration::from_millis(*interval_ms),
            };
            health::check(client, targets, plan, report).await
        }
        GateKind::Golden(spec) => {
            let spec = Arc::new((**spec).clone());
            Box::pin(golden::check(client, side, &spec, report)).await
        }
        GateKind::Smoke { source, path, max_latency_ms, adversarial, headers } => {
            let max_latency = Duration::from_millis(*max_latency_ms);
            let plan = smoke::Plan { source, path, max_latency, adversarial: *adversarial, headers };
            Box::pin(smoke::check(client, side, plan, report)).await
        }
        _ => Finding::new(Verdict::NotYet, "not carried out"),
    }
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
