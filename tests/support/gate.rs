//! Runs a gate and keeps what it said.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cutover::testing::domain::{Digest, Evidence, GateSpec, LogLine, SampledRequest, Side};
use cutover::testing::gate::{
    Check, GateProgress, GoldenSpec, Health, RunContext, Smoke, SmokeSource, Subject, Target, run,
};
use tokio::sync::{mpsc, watch};

/// A side with its replicas, and everything a run wants.
pub struct Bench {
    pub version: Digest,
    pub version_name: String,
    pub cancel: Arc<watch::Sender<bool>>,
    pub others: Vec<Target>,
    pub other_version: Option<Digest>,
    pub samples: Result<Vec<SampledRequest>, String>,
    pub resume: Option<PathBuf>,
    targets: Vec<Target>,
    progress: watch::Sender<GateProgress>,
    log: (mpsc::Sender<LogLine>, mpsc::Receiver<LogLine>),
    lines: Vec<LogLine>,
}

impl Bench {
    pub fn new(urls: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        Self::with_log(urls, 1000)
    }

    pub fn with_log(urls: impl IntoIterator<Item = impl AsRef<str>>, capacity: usize) -> Self {
        Self {
            version: Digest::of(["v2"]),
            version_name: "v2".into(),
            cancel: Arc::new(watch::Sender::new(false)),
            others: Vec::new(),
            other_version: None,
            samples: Ok(Vec::new()),
            resume: None,
            targets: urls.into_iter().map(|url| Target::new(url.as_ref())).collect(),
            progress: watch::Sender::default(),
            log: mpsc::channel(capacity),
            lines: Vec::new(),
        }
    }

    pub async fn run(&mut self, gate: impl Into<AnyGate>) -> Evidence {
        let (spec, check) = gate.into();
        let ctx = RunContext {
            targets: self.targets.clone(),
            transport: cutover::testing::domain::Transport::default(),
            subject: Subject {
                service: "scorer".into(),
                environment: "test".into(),
                side: Side::Green,
                version_name: self.version_name.clone(),
            },
            version: self.version.clone(),
            others: self.others.clone(),
            other_version: self.other_version.clone(),
            samples: self.samples.clone(),
            resume: self.resume.clone(),
            log: self.log.0.clone(),
            progress: self.progress.clone(),
            cancel: self.cancel.subscribe(),
            now: chrono::Utc::now,
        };
        // In a task, as the runtime does it.
        tokio::spawn(run(spec, check, ctx)).await.unwrap()
    }

    /// Where the side is from now on.
    pub fn set_targets(&mut self, urls: impl IntoIterator<Item = impl AsRef<str>>) {
        self.targets = urls.into_iter().map(|url| Target::new(url.as_ref())).collect();
    }

    pub fn watch_progress(&self) -> watch::Receiver<GateProgress> {
        self.progress.send_replace(GateProgress::default());
        self.progress.subscribe()
    }

    /// Every line so far.
    pub fn log(&mut self) -> &[LogLine] {
        while let Ok(line) = self.log.1.try_recv() {
            self.lines.push(line);
        }
        &self.lines
    }

    pub fn progress(&self) -> GateProgress {
        self.progress.borrow().clone()
    }
}

pub fn write(lines: impl IntoIterator<Item = String>) -> tempfile::NamedTempFile {
    let mut file = tempfile::Builder::new().suffix(".jsonl").tempfile().unwrap();
    for line in lines {
        writeln!(file, "{line}").unwrap();
    }
    file
}

/// A gate to run: what the engine knows of it, and its check.
#[derive(Debug, Clone)]
pub struct Gate<C> {
    pub spec: GateSpec,
    pub check: C,
}

/// A gate of any kind.
pub type AnyGate = (GateSpec, Arc<dyn Check>);

impl<C: Check> From<Gate<C>> for AnyGate {
    fn from(gate: Gate<C>) -> Self {
        (gate.spec, Arc::new(gate.check))
    }
}

pub fn gate<C: Check>(check: C) -> Gate<C> {
    let name = std::any::type_name::<C>().rsplit("::").next().unwrap_or_default().to_lowercase();
    let spec =
        GateSpec { kind: name.clone(), name, required: true, valid_for_ms: 3_600_000, timeout_ms: 60_000, ask: None };
    Gate { spec, check }
}

pub fn health(consecutive: u32, max_latency_ms: u64) -> Gate<Health> {
    gate(Health { path: "/v2/health/ready".into(), consecutive, max_latency_ms, interval_ms: 1 })
}

pub fn golden(cases: &Path, min_accuracy: f64) -> Gate<GoldenSpec> {
    let set = GoldenSpec::accuracy(cases, "/v2/models/iris/infer", "/outputs/0/data/0", min_accuracy);
    gate(GoldenSpec { concurrency: 8, ..set })
}

pub fn smoke(requests: &Path, adversarial: bool) -> Gate<Smoke> {
    let (source, path) = (SmokeSource::File(requests.into()), "/v2/models/iris/infer".into());
    gate(Smoke { source, path, max_latency_ms: 5000, adversarial, headers: Vec::new() })
}

/// One golden case after the other, `least` of them needed.
pub fn one_at_a_time(gate: &mut Gate<GoldenSpec>, least: usize) {
    (gate.check.concurrency, gate.check.min_cases) = (1, least);
}
