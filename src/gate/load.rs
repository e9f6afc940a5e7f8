//! The load gate: an open loop of requests at a set rate, and what the side makes of it.
//!
//! Requests are due at their times whatever the side does, and their latency counts from then. The load stops
//! by itself when the side breaks its limits for good, falls behind, or answers nothing: more would only harm it.

mod answer;
pub mod bench;
mod engine;
mod place;
mod profile;
mod tally;
mod wire;

use std::collections::VecDeque;
use std::path::Path;
use std::time::Duration;

use super::lines::Lines;
use super::report::Report;
use super::smoke::expect::Request;
use super::{Finding, count};
use crate::domain::Verdict;
use crate::domain::gate::{LoadLimits, Stage};
use crate::probe::Target;
use engine::{Job, Tick};
use place::Prepared;
use profile::Profile;
use tally::Tally;

/// Requests of the file that are used, and their bytes in all.
const MAX_REQUESTS: usize = 10_000;
const MAX_BYTES: usize = 64 * 1024 * 1024;
/// Seconds that are looked at together to see whether a limit is broken.
const LOOK_BACK: usize = 5;
/// How sure one must be that a limit is broken before the load is stopped early, in standard deviations.
const SURE: f64 = 5.0;
/// A side this far behind what is due will not catch up.
const MAX_BEHIND: Duration = Duration::from_secs(3);
/// With fewer answers a p99 means nothing.
const MIN_ANSWERS: u64 = 100;
/// Parts of the run that the evidence tells apart.
const SLICES: u32 = 10;

/// What is done.
pub(super) struct Plan<'a> {
    pub(super) file: &'a Path,
    pub(super) path: &'a str,
    pub(super) stages: &'a [Stage],
    pub(super) connections: usize,
    pub(super) limits: LoadLimits,
}

/// The run so far.
#[derive(Default)]
struct Account {
    all: Tally,
    slice: Tally,
    slice_from: Duration,
    recent: VecDeque<(u64, u64, u64)>,
    silent: usize,
    elapsed: Duration,
    due: u64,
}

pub(super) async fn check(targets: &[Target], plan: Plan<'_>, report: &mut Report) -> Finding {
    report.unit = "ms";
    report.limit = Some(plan.limits.max_p99_ms as f64);
    let requests = match read(&plan).await {
        Ok(requests) => requests,
        Err(why) => {
            report.fault(&why);
            return Finding::new(Verdict::NotYet, why);
        }
    };
    let profile = Profile::new(plan.stages);
    let (length, total) = (profile.length, profile.total);
    report.total(length.as_secs().max(1));
    let limit = Duration::from_millis(plan.limits.max_p99_ms);
    report.info(format!(
        "{} in {} s over {}",
        count(total, "request"),
        length.as_secs(),
        count(plan.connections as u64, "connection")
    ));
    let job = Job { targets: targets.to_vec(), requests, profile, connections: plan.connections, limit };
    let mut running = match engine::start(job) {
        Ok(running) => running,
        Err(why) => return Finding::new(Verdict::NotYet, format!("the load could not be started: {why}")),
    };
    let mut account = Account::default();
    while let Some(tick) = running.ticks.recv().await {
        let ended = tick.ended;
        let broken = account.take(&tick, &plan.limits, length, report);
        if let Some(why) = broken {
            // Nothing more is sent from here on.
            drop(running);
            account.end_slice(report);
            report.fault(&why);
            let note = format!("stopped after {} s: {why}", account.elapsed.as_secs());
            return Finding::new(Verdict::Failed, note);
        }
        if ended {
            account.end_slice(report);
            return account.judge(&plan.limits, total, length, report);
        }
    }
    Finding::new(Verdict::NotYet, "the load broke off")
}

/// The requests of the file, in memory: reading must not slow the load down.
async fn read(plan: &Plan<'_>) -> Result<Vec<Prepared>, String> {
    let mut lines = Lines::open(plan.file).await?;
    let (mut requests, mut bytes) = (Vec::new(), 0);
    while let Some((number, line)) = lines.next().await? {
        let request = Request::parse(&line, number, plan.path).map_err(|what| lines.fault(number, &what))?;
        bytes += line.len();
        if requests.len() >= MAX_REQUESTS || bytes > MAX_BYTES {
            return Err(lines.fault(number, &format!("more than {MAX_REQUESTS} requests or 64 MiB of them")));
        }
        let status = request.expect.status();
        let request = Prepared::new(request.method, request.path, request.body, status);
        requests.push(request.map_err(|what| lines.fault(number, what))?);
    }
    if requests.is_empty() { Err("the file holds no requests".to_owned()) } else { Ok(requests) }
}

impl Account {
    /// Takes a second in; says why the load has to stop, if it has.
    fn take(&mut self, tick: &Tick, limits: &LoadLimits, length: Duration, report: &mut Report) -> Option<String> {
        self.all.join(&tick.part);
        self.slice.join(&tick.part);
        (self.elapsed, self.due) = (tick.elapsed, tick.due);
        report.samples = self.all.finished;
        report.value = self.all.quantile_ms(0.99);
        let seconds = tick.elapsed.as_secs_f64().max(0.001);
        report.reach(
            if tick.ended { u64::MAX } else { tick.elapsed.as_secs() },
            format!("{:.0} rps, {}", self.all.finished as f64 / seconds, self.all.quantiles()),
        );
        if tick.elapsed >= self.slice_from + length / SLICES {
            self.end_slice(report);
        }
        if tick.ended {
            return None;
        }
        self.silent = if tick.part.finished == 0 && tick.due > self.all.finished { self.silent + 1 } else { 0 };
        if self.recent.len() == LOOK_BACK {
            self.recent.pop_front();
        }
        self.recent.push_back((tick.part.finished, tick.part.over, tick.part.errors));
        self.broken(tick.behind, limits)
    }

    fn broken(&self, behind: Duration, limits: &LoadLimits) -> Option<String> {
        if behind > MAX_BEHIND {
            return Some(format!("it is {:.1} s behind what is due", behind.as_secs_f64()));
        }
        if self.silent >= LOOK_BACK {
            return Some(format!("no answer for {} s", self.silent));
        }
        let (finished, over, errors) =
            self.recent.iter().fold((0, 0, 0), |sum, part| (sum.0 + part.0, sum.1 + part.1, sum.2 + part.2));
        let most = |share: f64| {
            let expected = finished as f64 * share;
            expected + SURE * expected.sqrt() + 3.0
        };
        if over as f64 > most(0.01) {
            return Some(format!("{over} of the last {finished} took longer than {} ms", limits.max_p99_ms));
        }
        if errors as f64 > most(limits.max_error_rate) {
            return Some(format!("{errors} of the last {finished} failed"));
        }
        None
    }

    /// Tells of a part of the run, in the log and the evidence.
    fn end_slice(&mut self, report: &mut Report) {
        let seconds = self.elapsed.saturating_sub(self.slice_from).as_secs_f64();
        if self.slice.finished == 0 && seconds < 0.5 {
            return;
        }
        let slice = std::mem::take(&mut self.slice);
        let rate = slice.finished as f64 / seconds.max(0.001);
        let (from, to) = (self.slice_from.as_secs_f64(), self.elapsed.as_secs_f64());
        let line =
            format!("{from:.0}-{to:.0} s: {rate:.0} rps, {}, {}", slice.quantiles(), count(slice.errors, "error"));
        self.slice_from = self.elapsed;
        report.info(&line);
        report.detail(&line);
    }

    fn judge(&self, limits: &LoadLimits, total: u64, length: Duration, report: &mut Report) -> Finding {
        let all = &self.all;
        for (kind, number) in &all.kinds {
            report.fault(format!("{number} x {kind}"));
        }
        let missing = total.saturating_sub(all.finished);
        if all.finished - all.errors == 0 || all.quantile_ms(0.99).is_none() {
            return Finding::new(Verdict::NotYet, format!("none of {} answered well", count(total, "request")));
        }
        let intended = total as f64 / length.as_secs_f64().max(0.001);
        // What took longer than the profile was not achieved at its rate.
        let achieved = all.finished as f64 / self.elapsed.max(length).as_secs_f64().max(0.001);
        let rate = format!("{achieved:.0} of {intended:.0} rps");
        let shown = format!("{}, {:.2} % errors, {rate}", all.quantiles(), all.error_rate() * 100.0);
        let over = |q: f64, limit: Option<u64>| {
            let (limit, value) = (limit?, all.quantile_ms(q)?);
            (value > limit as f64).then(|| format!("p{:.0} over {limit} ms", q * 100.0))
        };
        let broken = over(0.99, Some(limits.max_p99_ms))
            .or_else(|| over(0.95, limits.max_p95_ms))
            .or_else(|| over(0.5, limits.max_p50_ms))
            .or_else(|| (all.error_rate() > limits.max_error_rate).then(|| "too many errors".to_owned()))
            .or_else(|| (achieved < intended * limits.min_rate).then(|| "saturated".to_owned()))
            .or_else(|| (missing > 0).then(|| format!("{missing} never ended")));
        match broken {
            Some(why) => Finding::new(Verdict::Failed, format!("{why}: {shown}")),
            None if all.finished < MIN_ANSWERS => {
                Finding::new(Verdict::NotYet, format!("only {}: {shown}", count(all.finished, "answer")))
            }
            None => Finding::new(Verdict::Passed, shown),
        }
    }
}
