//! Runs a gate in a task and passes its log lines and progress on.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::{mpsc, watch};

use crate::backend::Observer;
use crate::domain::{Digest, GateSpec, LogLine, Transport};
use crate::engine::Event;
use crate::gate::{self, Check, GateProgress, RunContext, Subject};
use crate::http::Target;

/// A run that the engine asked for.
pub(super) struct GateRun {
    pub(super) run: u64,
    pub(super) spec: GateSpec,
    pub(super) check: Arc<dyn Check>,
    pub(super) targets: Vec<Target>,
    pub(super) transport: Transport,
    pub(super) subject: Subject,
    pub(super) version: Digest,
    pub(super) others: Vec<Target>,
    pub(super) other_version: Option<Digest>,
    pub(super) resume: PathBuf,
    pub(super) observer: Arc<dyn Observer>,
    pub(super) cancelled: watch::Receiver<bool>,
}

/// Runs the gate to its end and reports the evidence.
pub(super) async fn run(job: GateRun, lines: mpsc::Sender<LogLine>, urgent: mpsc::Sender<Event>) {
    let run = job.run;
    tracing::info!(gate = job.spec.name, run, side = job.subject.side.name(), "begins");
    let samples = match job.check.wants_samples() {
        0 => Ok(Vec::new()),
        count => job.observer.samples(count).await.map_err(|error| error.detail().to_owned()),
    };
    let (progress, mut progressed) = watch::channel(GateProgress::default());
    let context = RunContext {
        targets: job.targets,
        transport: job.transport,
        subject: job.subject,
        version: job.version,
        others: job.others,
        other_version: job.other_version,
        samples,
        resume: Some(job.resume),
        log: lines,
        progress,
        cancel: job.cancelled,
        now: chrono::Utc::now,
    };
    let ending = gate::run(job.spec, job.check, context);
    tokio::pin!(ending);
    let evidence = loop {
        tokio::select! {
            evidence = &mut ending => break evidence,
            Ok(()) = progressed.changed() => {
                let seen = progressed.borrow_and_update().clone();
                let _ = urgent.try_send(Event::GateProgress { run, done: seen.done, total: seen.total, load: seen.load });
            }
        }
    };
    let (gate, verdict, took_ms) = (&evidence.gate, evidence.verdict.title(), evidence.took_ms);
    tracing::info!(gate, run, verdict, took_ms, note = evidence.note, "ended");
    let _ = urgent.send(Event::GateEnded { run, evidence }).await;
}
