//! The exec gate: a command of the user's decides.
//!
//! It runs in a process group of its own, without a terminal and without input, and whatever is left of
//! the group when the run ends, for any reason, is killed: a run that is cancelled or out of time leaves
//! nothing behind but what took itself out of the group. Its output is read to the end, so that it never blocks
//! on a full pipe, but only a bounded part is kept and shown.

mod output;

use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

use tokio::process::Child;
use tokio::time::timeout;

use super::check::{Around, Check, CheckFuture, Checked, Finding, GATE, Kind, Read};
use super::expect;
use super::report::Report;
use crate::domain::text::clean;
use crate::domain::{Bound, LogLevel, Verdict};
use crate::process::{self, Group};
use crate::settings::{Section, Table, values};
use output::{Output, Told};

/// What a command that has ended may still have in its pipes is waited for this long: what left the group may
/// hold them open for ever.
const DRAIN: Duration = Duration::from_millis(500);

pub(super) const KIND: Kind = Kind {
    name: "exec",
    keys: &[&GATE, &KEYS],
    parts: &[],
    example: &[("command", "[\"check-drift\", \"--strict\"]")],
    read,
};

const KEYS: Section = Section::new("[[gate]] kind = \"exec\"", include_str!("keys/exec.md"));

/// A command of the user's: its exit code, and the JSON it prints.
#[derive(Debug, Clone, PartialEq)]
pub struct Exec {
    /// The program and its arguments; no shell is between.
    pub command: Vec<String>,
    /// Where it runs.
    pub dir: PathBuf,
    /// The exit code that means "not yet".
    pub not_yet_code: u8,
    /// What the value it prints must keep to.
    pub bound: Option<Bound>,
}

fn read(table: &Table<'_>, _: &Around<'_>) -> Option<Read> {
    let example = "write e.g. command = [\"./check.sh\", \"--strict\"]";
    let command = table.need("command", example).and_then(|node| values::command(&node, example));
    let dir = values::dir(table);
    let not_yet_code = table.number("not_yet_code", 2..=255, 75);
    let bound = expect::bound(table);
    Some(Read::runs(Exec {
        command: command?,
        dir: dir?,
        not_yet_code: u8::try_from(not_yet_code).ok()?,
        bound: bound?,
    }))
}

impl Check for Exec {
    fn check<'a>(&'a self, side: Checked<'a>, report: &'a mut Report) -> CheckFuture<'a, Finding> {
        Box::pin(check(side, self, report))
    }
}

async fn check(side: Checked<'_>, plan: &Exec, report: &mut Report) -> Result<Finding, String> {
    report.total(1);
    let program = plan.command.first().map(String::as_str).unwrap_or_default();
    let child = start(side, plan, report);
    let mut child = child.map_err(|err| format!("cannot start {}: {err}", clean(program, 120)))?;
    // Declared after the child, so dropped before it: the group is killed while its leader is not yet waited for.
    let mut group = Group::of(&child);
    let (Some(out), Some(err)) = (child.stdout.take(), child.stderr.take()) else {
        return Err("its output could not be read".to_owned());
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
        Ok(status) => status.map_err(|why| format!("its end could not be seen: {why}"))?,
        Err(why) => {
            // It was killed with its group: this is only the end of it.
            let _ = timeout(DRAIN, child.wait()).await;
            return Err(why);
        }
    };
    let finding = judge(plan, status, &out.told(), err.last(), report);
    if !matches!(&finding, Ok(finding) if finding.verdict == Verdict::Passed) && report.has_no_details() {
        err.tail().for_each(|line| report.detail(line));
    }
    report.step("");
    finding
}

fn start(side: Checked<'_>, plan: &Exec, report: &Report) -> std::io::Result<Child> {
    let urls: Vec<&str> = side.targets.iter().map(|target| target.base.as_str()).collect();
    process::command(&plan.command, &plan.dir)?
        .env("CUTOVER_GATE", report.gate())
        .env("CUTOVER_SERVICE", &side.subject.service)
        .env("CUTOVER_ENVIRONMENT", &side.subject.environment)
        .env("CUTOVER_SIDE", side.subject.side.name())
        .env("CUTOVER_VERSION", &side.subject.version_name)
        .env("CUTOVER_VERSION_DIGEST", side.version.to_string())
        .env("CUTOVER_URLS", urls.join(" "))
        .spawn()
}

/// The verdict on the exit code and on the value it printed.
fn judge(
    plan: &Exec,
    status: ExitStatus,
    told: &Told,
    complaint: Option<&str>,
    report: &mut Report,
) -> Result<Finding, String> {
    report.samples = told.samples.unwrap_or(1);
    report.unit = told.unit;
    report.limit = told.limit;
    report.at_least = told.at_least;
    let keeps = told.value.is_none_or(|value| report.measure(value, plan.bound));
    told.details.iter().for_each(|detail| report.fault(detail));
    let note = |or: String| told.note.clone().unwrap_or(or);
    let Some(code) = status.code() else {
        return Err(match status.signal() {
            Some(signal) => format!("killed by signal {signal}"),
            None => "ended without an exit code".to_owned(),
        });
    };
    match code {
        0 if plan.bound.is_some() && told.value.is_none() => {
            Err(told.fault.clone().unwrap_or_else(|| "it printed no JSON with a value".into()))
        }
        0 if !keeps => Ok(Finding::failed(note("its value breaks the limit".into()))),
        0 => Ok(Finding::passed(note(String::new()))),
        1 => Ok(Finding::failed(note(complaint.map_or_else(|| "exit code 1".into(), str::to_owned)))),
        code if code == i32::from(plan.not_yet_code) => Err(note(format!("exit code {code}: not yet"))),
        code => Err(format!("exit code {code}{}", complaint.map(|text| format!(": {text}")).unwrap_or_default())),
    }
}
