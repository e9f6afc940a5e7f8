//! Evaluates a load second by second: decides when it must stop, and shows its results at the end.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use super::LoadLimits;
use super::engine::Tick;
use super::tally::Tally;
use crate::domain::Verdict;
use crate::domain::load::{LimitedBy, LoadPoint, LoadRun, MAX_POINTS};
use crate::gate::report::Report;
use crate::gate::{Finding, count};

/// The number of seconds that are looked at together to see whether a limit is broken.
const LOOK_BACK: usize = 5;
/// How certain a broken limit must be before the load stops early, in standard deviations.
const SURE: f64 = 5.0;
/// When the sender is this far behind the schedule, the side will not catch up.
const MAX_BEHIND: Duration = Duration::from_secs(3);
/// When the sender is this far behind, the sent rate is below the wanted rate.
const LIMITED: Duration = Duration::from_millis(20);
/// A sending thread that is busy for this share of the time cannot send more.
const BUSY: f64 = 0.9;
/// With fewer answers a p99 has no meaning.
const MIN_ANSWERS: u64 = 100;
/// The number of parts of the run that the evidence lists.
const SLICES: u32 = 10;

/// What the load must send.
#[derive(Clone, Copy)]
pub(super) struct Asked {
    pub(super) limits: LoadLimits,
    /// Requests in all.
    pub(super) total: u64,
    pub(super) length: Duration,
    pub(super) connections: usize,
}

/// Why a load has to stop.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// The side breaks its limits.
    Broken(String),
    /// Nothing can be said about the side.
    Unable(String),
}

/// One second of the run.
struct Second {
    finished: u64,
    over: u64,
    errors: u64,
    busy: f64,
}

/// The state of a run.
pub(super) struct Account {
    asked: Asked,
    all: Tally,
    slice: Tally,
    slice_from: Duration,
    point: Tally,
    point_from: Duration,
    recent: VecDeque<Second>,
    /// The number of seconds in which the sender had no time left, and of all seconds.
    busy_seconds: (usize, usize),
    silent: usize,
    elapsed: Duration,
    due: u64,
    run: LoadRun,
}

impl Account {
    pub(super) fn new(asked: Asked) -> Self {
        let length_s = asked.length.as_secs_f64();
        let run = LoadRun {
            limit_ms: asked.limits.max_p99_ms as f64,
            length_s,
            connections: asked.connections as u64,
            step_s: (length_s / MAX_POINTS as f64).ceil().max(1.0),
            ..LoadRun::default()
        };
        Self {
            asked,
            all: Tally::default(),
            slice: Tally::default(),
            slice_from: Duration::ZERO,
            point: Tally::default(),
            point_from: Duration::ZERO,
            recent: VecDeque::with_capacity(LOOK_BACK),
            busy_seconds: (0, 0),
            silent: 0,
            elapsed: Duration::ZERO,
            due: 0,
            run,
        }
    }

    /// Notes a reading of the saturation metric, and its limit.
    pub(super) fn note_saturation(&mut self, value: Option<f64>, limit: f64) {
        (self.run.saturation, self.run.saturation_limit) = (value, Some(limit));
    }

    /// Takes in one second; returns why the load must stop, if it must.
    pub(super) fn take(&mut self, tick: &Tick, report: &mut Report) -> Option<Stop> {
        for tally in [&mut self.all, &mut self.slice, &mut self.point] {
            tally.join(&tick.part);
        }
        self.follow(tick);
        if tick.elapsed >= self.point_from + Duration::from_secs_f64(self.run.step_s) || tick.ended {
            self.end_point();
        }
        if tick.elapsed >= self.slice_from + self.asked.length / SLICES {
            self.end_slice(report);
        }
        report.samples = self.all.finished;
        report.value = self.all.quantile_ms(0.99);
        report.load = Some(Arc::new(self.run.clone()));
        report.reach(if tick.ended { u64::MAX } else { tick.elapsed.as_secs() }, self.run.line());
        if tick.ended {
            return None;
        }
        self.silent = if tick.part.finished == 0 && tick.due > self.all.finished { self.silent + 1 } else { 0 };
        if self.recent.len() == LOOK_BACK {
            self.recent.pop_front();
        }
        let (finished, over, errors) = (tick.part.finished, tick.part.over, tick.part.errors);
        self.recent.push_back(Second { finished, over, errors, busy: tick.busy });
        self.broken(tick.behind)
    }

    /// Updates the current figures.
    fn follow(&mut self, tick: &Tick) {
        let seconds = tick.elapsed.saturating_sub(self.elapsed).as_secs_f64().max(0.001);
        let (run, all) = (&mut self.run, &self.all);
        run.asked_rps = tick.due.saturating_sub(self.due) as f64 / seconds;
        run.reached_rps = tick.part.finished as f64 / seconds;
        run.in_flight = tick.in_flight as u64;
        run.unsent = tick.due.saturating_sub(tick.sent);
        (run.finished, run.errors) = (all.finished, all.errors);
        [run.p50_ms, run.p95_ms, run.p99_ms] = [0.5, 0.95, 0.99].map(|q| all.quantile_ms(q).map(rounded));
        run.elapsed_s = rounded(tick.elapsed.as_secs_f64());
        let by = if tick.busy >= BUSY { LimitedBy::Client } else { LimitedBy::Server };
        run.limited = (tick.behind > LIMITED && !tick.ended).then_some(by);
        self.busy_seconds.0 += usize::from(tick.busy >= BUSY);
        self.busy_seconds.1 += 1;
        (self.elapsed, self.due) = (tick.elapsed, tick.due);
    }

    fn end_point(&mut self) {
        let seconds = self.elapsed.saturating_sub(self.point_from).as_secs_f64();
        // Answers that come after the end belong to the last point, which already exists.
        if self.run.points.len() >= MAX_POINTS || (seconds < 0.5 && !self.run.points.is_empty()) {
            return;
        }
        let point = std::mem::take(&mut self.point);
        self.run.points.push(LoadPoint {
            rps: rounded(point.finished as f64 / seconds.max(0.001)),
            p50_ms: point.quantile_ms(0.5).map(rounded),
            p99_ms: point.quantile_ms(0.99).map(rounded),
            errors: point.errors,
        });
        self.point_from = self.elapsed;
    }

    fn broken(&self, behind: Duration) -> Option<Stop> {
        if behind > MAX_BEHIND {
            let why = format!("it is {:.1} s behind what is due: {}", behind.as_secs_f64(), self.limited());
            return Some(self.judged(why));
        }
        if self.silent >= LOOK_BACK {
            return Some(Stop::Broken(format!("no answer for {} s", self.silent)));
        }
        let sum = |of: fn(&Second) -> u64| self.recent.iter().map(of).sum::<u64>();
        let (finished, over, errors) =
            (sum(|second| second.finished), sum(|second| second.over), sum(|second| second.errors));
        let most = |share: f64| {
            let expected = finished as f64 * share;
            expected + SURE * expected.sqrt() + 3.0
        };
        if errors as f64 > most(self.asked.limits.max_error_rate) {
            return Some(Stop::Broken(format!("{errors} of the last {finished} failed")));
        }
        if over as f64 > most(0.01) {
            let limit = self.asked.limits.max_p99_ms;
            return Some(self.judged(format!("{over} of the last {finished} took longer than {limit} ms")));
        }
        None
    }

    /// A sender without spare time adds latency of its own, so the figures say nothing about the side.
    fn judged(&self, why: String) -> Stop {
        let busy = self.recent.iter().filter(|second| second.busy >= BUSY).count();
        if busy * 2 > self.recent.len() {
            Stop::Unable(format!("{}: {why}", LimitedBy::Client.title()))
        } else {
            Stop::Broken(why)
        }
    }

    /// Says which end limited the rate.
    fn limited(&self) -> String {
        let (busy, seconds) = self.busy_seconds;
        if busy * 2 > seconds {
            return format!("{}, the sender had no time left", LimitedBy::Client.title());
        }
        let connections = count(self.asked.connections as u64, "connection");
        format!("{}, all of {connections} wait for answers", LimitedBy::Server.title())
    }

    /// Reports one part of the run, in the log and in the evidence.
    pub(super) fn end_slice(&mut self, report: &mut Report) {
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

    /// Reports that the load was stopped; nothing more is sent.
    pub(super) fn stopped(&mut self, stop: Stop, report: &mut Report) -> Finding {
        self.end_slice(report);
        self.tell_errors(report);
        let (verdict, why) = match stop {
            Stop::Broken(why) => (Verdict::Failed, why),
            Stop::Unable(why) => (Verdict::NotYet, why),
        };
        report.fault(&why);
        Finding::new(verdict, format!("stopped after {} s: {why}", self.elapsed.as_secs()))
    }

    fn tell_errors(&self, report: &mut Report) {
        for (kind, number) in &self.all.kinds {
            report.fault(format!("{number} x {kind}"));
        }
    }

    /// Judges a load whose whole profile was sent.
    pub(super) fn judge(&mut self, report: &mut Report) -> Finding {
        self.end_slice(report);
        self.tell_errors(report);
        let (all, asked, limits) = (&self.all, self.asked, self.asked.limits);
        let missing = asked.total.saturating_sub(all.finished);
        if all.finished - all.errors == 0 || all.quantile_ms(0.99).is_none() {
            // Reason: errors are answers, as while the load runs. Silence until the end is not an answer.
            let verdict = if all.errors > 0 { Verdict::Failed } else { Verdict::NotYet };
            return Finding::new(verdict, format!("none of {} answered well", count(asked.total, "request")));
        }
        let intended = asked.total as f64 / asked.length.as_secs_f64().max(0.001);
        // Requests that ended after the profile's end did not reach the wanted rate.
        let achieved = all.finished as f64 / self.elapsed.max(asked.length).as_secs_f64().max(0.001);
        let rate = format!("{achieved:.0} of {intended:.0} rps");
        let shown = format!("{}, {:.2} % errors, {rate}", all.quantiles(), all.error_rate() * 100.0);
        if all.error_rate() > limits.max_error_rate {
            return Finding::new(Verdict::Failed, format!("too many errors: {shown}"));
        }
        let over = |q: f64, limit: Option<u64>| {
            let (limit, value) = (limit?, all.quantile_ms(q)?);
            (value > limit as f64).then(|| format!("p{:.0} over {limit} ms", q * 100.0))
        };
        let slow = (achieved < intended * limits.min_rate).then(|| format!("too slow: {}", self.limited()));
        let broken = over(0.99, Some(limits.max_p99_ms))
            .or_else(|| over(0.95, limits.max_p95_ms))
            .or_else(|| over(0.5, limits.max_p50_ms))
            .or(slow)
            .or_else(|| (missing > 0).then(|| format!("{missing} never ended")));
        // A p99 is already spoilt when the sender has no spare time in one second of twenty.
        let spoilt = self.busy_seconds.0 * 20 > self.busy_seconds.1;
        match broken {
            Some(why) if spoilt => {
                Finding::new(Verdict::NotYet, format!("{}, {why}: {shown}", LimitedBy::Client.title()))
            }
            Some(why) => Finding::new(Verdict::Failed, format!("{why}: {shown}")),
            None if all.finished < MIN_ANSWERS => {
                Finding::new(Verdict::NotYet, format!("only {}: {shown}", count(all.finished, "answer")))
            }
            None => Finding::new(Verdict::Passed, shown),
        }
    }
}

/// Rounds to a hundredth: more digits only make the record longer.
fn rounded(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

#[cfg(test)]
#[path = "account_tests.rs"]
mod tests;
