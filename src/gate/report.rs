//! What a run tells while it goes, and the evidence it ends with.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::{mpsc, watch};

use super::GateProgress;
use super::check::Finding;
use crate::domain::text::clean;
use crate::domain::{Bound, Digest, Evidence, GateSpec, LoadRun, LogLevel, LogLine, Verdict};
use crate::http::Mask;

/// Misses and faults kept in the evidence, and told one by one in the log.
const MAX_DETAILS: usize = 20;
/// Longest detail or log line, in characters.
const MAX_TEXT: usize = 240;

/// The running account of one gate.
pub struct Report {
    gate: String,
    log: mpsc::Sender<LogLine>,
    progress: watch::Sender<GateProgress>,
    now: fn() -> DateTime<Utc>,
    state: GateProgress,
    told_quarters: u64,
    details: Vec<String>,
    untold: u64,
    mask: Mask,
    /// The measured value, once there is one.
    pub(super) value: Option<f64>,
    /// The limit it is held against.
    pub(super) limit: Option<f64>,
    /// The unit of both.
    pub(super) unit: &'static str,
    /// Whether the value must be at least the limit.
    pub(super) at_least: bool,
    /// Checks, cases or requests behind the value.
    pub(super) samples: u64,
    /// The course of a load.
    pub(super) load: Option<Arc<LoadRun>>,
}

impl Report {
    pub(super) fn new(
        spec: &GateSpec,
        log: mpsc::Sender<LogLine>,
        progress: watch::Sender<GateProgress>,
        now: fn() -> DateTime<Utc>,
    ) -> Self {
        Self {
            gate: clean(&spec.name, 60),
            log,
            progress,
            now,
            state: GateProgress::default(),
            told_quarters: 0,
            details: Vec::new(),
            untold: 0,
            mask: Mask::default(),
            value: None,
            limit: None,
            unit: "",
            at_least: false,
            samples: 0,
            load: None,
        }
    }

    /// A line for reading.
    pub(super) fn info(&mut self, text: impl AsRef<str>) {
        self.say(LogLevel::Info, text.as_ref());
    }

    /// A miss or fault: the first 20 go into the log and the evidence, the rest is counted.
    pub(super) fn fault(&mut self, text: impl AsRef<str>) {
        if self.details.len() < MAX_DETAILS {
            self.detail(text.as_ref());
            self.say(LogLevel::Warn, text.as_ref());
        } else {
            self.untold += 1;
        }
    }

    /// A line of somebody else's, at its level.
    pub(super) fn line(&mut self, level: LogLevel, text: &str) {
        self.say(level, text);
    }

    /// A line for the evidence alone: the log has it already.
    pub(super) fn detail(&mut self, text: &str) {
        if self.details.len() < MAX_DETAILS {
            self.details.push(clean(&self.mask.text(text), MAX_TEXT));
        }
    }

    /// Keeps the secrets of `mask` out of every line and of the evidence from here on.
    pub(super) fn hide(&mut self, mask: &Mask) {
        self.mask.join(mask);
    }

    /// The wall clock.
    pub(super) fn now(&self) -> DateTime<Utc> {
        (self.now)()
    }

    /// Steps done, and how many there are.
    pub(super) fn reached(&self) -> (u64, u64) {
        (self.state.done, self.state.total)
    }

    /// How many faults the evidence names so far.
    pub(super) fn details_so_far(&self) -> usize {
        self.details.len()
    }

    /// Whether the evidence names no faults so far.
    pub(super) fn has_no_details(&self) -> bool {
        self.details.is_empty()
    }

    /// The gate's name.
    pub(super) fn gate(&self) -> &str {
        &self.gate
    }

    /// Holds `value` against `bound` and shows both.
    pub(super) fn measure(&mut self, value: f64, bound: Option<Bound>) -> bool {
        self.value = Some(value);
        let Some(bound) = bound else { return true };
        self.limit = Some(bound.limit);
        self.at_least = bound.at_least;
        bound.holds(value)
    }

    /// Sets how many steps there are.
    pub(super) fn total(&mut self, total: u64) {
        self.state.total = total;
        self.publish();
    }

    /// One step done; each quarter of the way becomes a log line, the gate's own row shows the rest.
    pub(super) fn step(&mut self, note: impl Into<String>) {
        self.state.done += 1;
        self.state.note = note.into();
        let quarters = (self.state.done * 4).checked_div(self.state.total).unwrap_or(0);
        if quarters > self.told_quarters && self.state.done < self.state.total {
            self.told_quarters = quarters;
            let comma = if self.state.note.is_empty() { "" } else { ", " };
            let line = format!("{} of {}{comma}{}", self.state.done, self.state.total, self.state.note);
            self.say(LogLevel::Info, &line);
        }
        self.publish();
    }

    /// So many steps are done by now.
    pub(super) fn reach(&mut self, done: u64, note: String) {
        self.state.done = done.min(self.state.total);
        self.state.note = note;
        self.state.load.clone_from(&self.load);
        self.publish();
    }

    /// Tells the verdict and makes the evidence.
    pub(super) fn finish(mut self, finding: &Finding, version: Digest, took: Duration) -> Evidence {
        let note = clean(&self.mask.text(&finding.note), MAX_TEXT);
        if self.untold > 0 {
            self.say(LogLevel::Info, &format!("{} more like those are not listed", self.untold));
        }
        let level = match finding.verdict {
            Verdict::Passed => LogLevel::Info,
            Verdict::NotYet => LogLevel::Warn,
            Verdict::Failed => LogLevel::Err,
        };
        let colon = if note.is_empty() { "" } else { ": " };
        self.say(level, &format!("{}{colon}{note}", finding.verdict.title()));
        self.publish();
        Evidence {
            gate: self.gate,
            verdict: finding.verdict,
            value: self.value,
            limit: self.limit,
            unit: self.unit.to_owned(),
            at_least: self.at_least,
            samples: self.samples,
            version,
            at: (self.now)(),
            took_ms: took.as_millis() as u64,
            note,
            details: self.details,
            load: self.load,
        }
    }

    fn say(&mut self, level: LogLevel, text: &str) {
        let line = LogLine {
            at: (self.now)(),
            level,
            source: self.gate.clone(),
            text: clean(&self.mask.text(text), MAX_TEXT),
        };
        if self.log.try_send(line).is_err() {
            self.state.log_dropped += 1;
        }
    }

    fn publish(&self) {
        self.progress.send_replace(self.state.clone());
    }
}
