//! The exec gate: a command of the user's decides.
//!
//! It runs in a process group of its own, without a terminal and without input, and whatever is left of
//! the group when the run ends, for any reason, is killed: a run that is cancelled or out of time leaves
//! nothing behind but what took itself out of the group. Its output is read to the end, so that it never blocks
//! on a full pipe, but only a bounded part is kept and shown.

mod output;

use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::ExitStatus;
use std::time::Duration;

use tokio::process::Child;
use tokio::time::timeout;

use super::report::Report;
use super::{Checked, Finding};
use crate::domain::gate::Bound;
use crate::domain::text::clean;
use crate::domain::{LogLevel, Verdict};
use crate::process::{self, Group};
use output::{Output, Said};

/// What a command that has ended may still have in its pipes is waited for this long: what left the group may
/// hold them open for ever.
const DRAIN: Duration = Duration::from_millis(500);

/// What is run.
pub(super) struct Plan<'a> {
    pub(super) command: &'a [String],
    pub(super) dir: &'a Path,
    pub(super) not_yet_code: i32,
    pub(super) bound: Option<Bound>,
}

pub(super) async fn check(side: Checked<'_>, plan: Plan<'_>, report: &mut Report) -> Finding {
    report.total(1);
    let program = plan.command.first().map(String::as_str).unwrap_or_default();
    let mut child = match start(side, &plan, report) {
        Ok(child) => child,
        Err(err) => return Finding::new(Verdict::NotYet, format!("cannot start {}: {err}", clean(program, 120))),
    };
    // Declared after the child, so dropped before it: the group is killed while its leader is not yet waited for.
    let mut group = Group::of(&child);
    let (Some(out), Some(err)) = (child.stdout.take(), child.stderr.take()) else {
        return Finding::new(Verdict::NotYet, "its output could not be read");
    };
    let (mut out, mut err) = (Output::new(out, LogLevel::Info), Output::new(err, LogLevel::Warn));
    let ended = loop {
        tokio::select! {
            status = child.wait() => break Ok(status),
            () = out.read(), if out.is_open() => {}
            () = err.read(), if err.is_open() => {}
        }
        out.show(report);
        err.show(report);
        if let Some(why) = out.flooded().or_else(|| err.flooded()) {
            break Err(why);
        }
    };
    group.kill();
    let drained = timeout(DRAIN, async {
        while out.is_open() && out.flooded().is_none() {
            out.read().await;
        }
        while err.is_open() && err.flooded().is_none() {
            err.read().await;
        }
    });
    if drained.await.is_err() {
        report.line(LogLevel::Warn, "a process it started holds its output open and is not in its group");
    }
    out.finish(report);
    err.finish(report);
    let status = match ended {
        Ok(Ok(status)) => status,
        Ok(Err(why)) => return Finding::new(Verdict::NotYet, format!("its end could not be seen: {why}")),
        Err(why) => {
            // It was killed with its group: this is only the end of it.
            let _ = timeout(DRAIN, child.wait()).await;
            return Finding::new(Verdict::NotYet, why);
        }
    };
    let finding = judge(&plan, status, &out.said(), err.last(), report);
    if finding.verdict != Verdict::Passed && report.has_no_details() {
        err.tail().for_each(|line| report.detail(line));
    }
    report.step("");
    finding
}

fn start(side: Checked<'_>, plan: &Plan<'_>, report: &Report) -> std::io::Result<Child> {
    let urls: Vec<&str> = side.targets.iter().map(|target| target.base.as_str()).collect();
    process::command(plan.command, plan.dir)?
        .env("CUTOVER_GATE", report.gate())
        .env("CUTOVER_SERVICE", &side.subject.service)
        .env("CUTOVER_ENVIRONMENT", &side.subject.environment)
        .env("CUTOVER_SIDE", side.subject.side.name())
        .env("CUTOVER_VERSION", &side.subject.version_name)
        .env("CUTOVER_VERSION_DIGEST", side.version.to_string())
        .env("CUTOVER_URLS", urls.join(" "))
        .spawn()
}

/// What the exit code, and the value it told, come to.
fn judge(plan: &Plan<'_>, status: ExitStatus, said: &Said, complaint: Option<&str>, report: &mut Report) -> Finding {
    report.samples = said.samples.unwrap_or(1);
    report.unit = said.unit;
    report.limit = said.limit;
    report.at_least = said.at_least;
    let keeps = said.value.is_none_or(|value| report.measure(value, plan.bound));
    said.details.iter().for_each(|detail| report.fault(detail));
    let note = |or: String| said.note.clone().unwrap_or(or);
    let code = match (status.code(), status.signal()) {
        (Some(code), _) => code,
        (None, signal) => {
            let why = signal.map_or_else(|| "ended without an exit code".into(), |n| format!("killed by signal {n}"));
            return Finding::new(Verdict::NotYet, why);
        }
    };
    match code {
        0 if plan.bound.is_some() && said.value.is_none() => {
            let why = said.fault.clone().unwrap_or_else(|| "it printed no JSON with a value".into());
            Finding::new(Verdict::NotYet, why)
        }
        0 if !keeps => Finding::new(Verdict::Failed, note("its value breaks the limit".into())),
        0 => Finding::new(Verdict::Passed, note(String::new())),
        1 => Finding::new(Verdict::Failed, note(complaint.map_or_else(|| "exit code 1".into(), str::to_owned))),
        code if code == plan.not_yet_code => Finding::new(Verdict::NotYet, note(format!("exit code {code}: not yet"))),
        code => {
            let why = complaint.map(|text| format!(": {text}")).unwrap_or_default();
            Finding::new(Verdict::NotYet, format!("exit code {code}{why}"))
        }
    }
}
