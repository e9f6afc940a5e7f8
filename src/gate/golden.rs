//! The golden gate: predictions against cases whose answers are known, or against what the live side says.
//!
//! The set is read twice, both times line by line: first to see that every line is a case, before
//! anything is sent, and to count them; then to send them. A case without an answer (no connection,
//! 5xx, 429) is neither right nor wrong. It is counted apart, and where the verdict would hang on such
//! cases, or they are more than one in a hundred, there is no verdict. Every answer is kept in a file
//! until there is one, so that a run that was stopped goes on with the cases that are left.

mod answer;
mod case;
mod config;
mod csv;
mod measure;
mod progress;
mod source;
mod spec;
mod statistics;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use super::check::{Check, CheckFuture, Checked, Finding};
use super::report::Report;
use super::{MAX_REPLY, MAX_SILENCE, ask, count};
use crate::domain::{Digest, Verdict};
use crate::http::{Ask, Client, Target, fetch};
use answer::{Answer, Graded};
use case::Case;
pub(super) use config::KIND;
use measure::{Judged, Tally};
use progress::{Key, Progress};
use source::Source;
pub use spec::{CaseFields, Compare, GoldenForm, GoldenLimits, GoldenSpec};

/// What a first look at the set found.
struct Survey {
    /// Lines that are cases.
    cases: u64,
    /// Lines that are not.
    broken: u64,
    /// The first of those: `golden.jsonl:3: not JSON`.
    first_fault: String,
    /// Of every line of the set.
    content: Digest,
}

impl Check for GoldenSpec {
    fn check<'a>(&'a self, side: Checked<'a>, report: &'a mut Report) -> CheckFuture<'a, Finding> {
        Box::pin(check(side, Arc::new(self.clone()), report))
    }

    fn path(&self) -> Option<&str> {
        Some(&self.path)
    }

    fn file(&self) -> Option<&Path> {
        Some(&self.cases)
    }

    fn survey(&self) -> CheckFuture<'_, String> {
        Box::pin(async {
            let survey = survey(self, |_| ()).await?;
            let broken = if survey.broken > 0 {
                format!(", {} left out", count(survey.broken, "broken line"))
            } else {
                String::new()
            };
            survey.fault(self).map_or_else(|| Ok(format!("{}{broken}", count(survey.cases, "case"))), Err)
        })
    }
}

async fn check(side: Checked<'_>, spec: Arc<GoldenSpec>, report: &mut Report) -> Result<Finding, String> {
    let client = side.client()?;
    (report.limit, report.at_least, report.unit) = first_limit(&spec);
    let mut run = Run::prepare(client, side, &spec, report).await?;
    run.send_all(report).await.inspect_err(|note| report.fault(note))?;
    run.conclude(report).await
}

/// Looks through the set without asking anybody; each broken line is told to `tell`.
async fn survey(spec: &GoldenSpec, mut tell: impl FnMut(&str)) -> Result<Survey, String> {
    let mut source = Source::open(spec).await?;
    let mut survey =
        Survey { cases: 0, broken: 0, first_fault: String::new(), content: Digest::of([source.preamble()]) };
    while let Some(item) = source.next().await? {
        survey.content = Digest::of([survey.content.as_str().as_bytes(), &item.raw]);
        let Err(what) = item.case else {
            survey.cases += 1;
            continue;
        };
        survey.broken += 1;
        let fault = source.fault(item.line, &what);
        tell(&fault);
        if survey.broken == 1 {
            survey.first_fault = fault;
        }
    }
    Ok(survey)
}

impl Survey {
    /// Why the set cannot be used as it is.
    fn fault(&self, spec: &GoldenSpec) -> Option<String> {
        match self.broken {
            1 if !spec.skips_broken => return Some(self.first_fault.clone()),
            2.. if !spec.skips_broken => return Some(format!("{} broken lines, {}", self.broken, self.first_fault)),
            _ => {}
        }
        let short = self.cases < spec.min_cases as u64;
        short.then(|| format!("only {} in the file, {} needed", count(self.cases, "case"), spec.min_cases))
    }
}

fn first_limit(spec: &GoldenSpec) -> (Option<f64>, bool, &'static str) {
    let limits = &spec.limits;
    match limits.min_accuracy.or(limits.min_agreement) {
        Some(share) => (Some(share), true, "ratio"),
        None => (limits.max_mean_error.or(limits.max_error), false, ""),
    }
}

/// Both sides, as a case needs them.
struct Sides {
    client: Client,
    spec: Arc<GoldenSpec>,
    checked: Vec<Target>,
    /// Empty unless the sides are compared.
    other: Vec<Target>,
}

struct Run {
    sides: Arc<Sides>,
    survey: Survey,
    progress: Progress,
    /// Which cases have an answer, by their place in the set.
    done: Vec<bool>,
    tally: Tally,
}

impl Run {
    async fn prepare(
        client: Client,
        side: Checked<'_>,
        spec: &Arc<GoldenSpec>,
        report: &mut Report,
    ) -> Result<Self, String> {
        let survey = survey(spec, |fault| report.fault(fault)).await.inspect_err(|note| report.fault(note))?;
        if let Some(fault) = survey.fault(spec) {
            if survey.broken == 0 || spec.skips_broken {
                report.fault(&fault);
            }
            return Err(fault);
        }
        let headers = ask::headers(side, &spec.headers, report)?;
        let with_headers = |targets: &[Target]| targets.iter().map(|target| target.with(&headers)).collect::<Vec<_>>();
        let compares = spec.limits.min_agreement.is_some();
        if compares && side.others.is_empty() {
            return Err("the other side has no replicas to compare with".to_owned());
        }
        let other = if compares { with_headers(side.others) } else { Vec::new() };
        let sides = Sides { client, spec: Arc::clone(spec), checked: with_headers(side.targets), other };
        report.total(survey.cases);
        let configured = serde_json::to_string(&**spec).map_err(|err| err.to_string())?;
        let other_version = side.other_version.filter(|_| compares).map_or("", Digest::as_str);
        let digest = Digest::of([side.version.as_str(), other_version, survey.content.as_str(), &configured]);
        let key = Key { digest, now: report.now(), valid_for_ms: side.valid_for_ms };
        let (progress, known, told) = Progress::open(side.resume, key).await;
        if let Some(told) = told {
            report.info(told);
        }
        let done = vec![false; usize::try_from(survey.cases).map_err(|err| err.to_string())?];
        let mut run = Self { sides: Arc::new(sides), survey, progress, done, tally: Tally::default() };
        run.resume(known, report);
        Ok(run)
    }

    /// Takes up the answers of a run that was stopped.
    fn resume(&mut self, known: Vec<(u64, Graded)>, report: &mut Report) {
        for (case, graded) in known {
            let place = usize::try_from(case).ok().and_then(|at| self.done.get_mut(at));
            if let Some(done) = place.filter(|done| !**done) {
                *done = true;
                self.count(&graded, report);
            }
        }
        if self.tally.answered > 0 {
            report.info(format!("resumed at {} of {}", self.tally.answered, self.survey.cases));
            report.reach(self.tally.answered, self.tally.note(&self.sides.spec.limits));
        }
    }

    async fn send_all(&mut self, report: &mut Report) -> Result<(), String> {
        let sides = Arc::clone(&self.sides);
        let spec = &sides.spec;
        let mut source = Source::open(spec).await?;
        let mut under_way = JoinSet::new();
        let mut place = 0;
        loop {
            // A side that has gone silent is sent nothing more.
            while under_way.len() < spec.concurrency.clamp(1, 256) && self.tally.silence < MAX_SILENCE {
                let Some(item) = source.next().await? else { break };
                let case = match item.case {
                    Ok(case) => case,
                    Err(_) if spec.skips_broken => continue,
                    Err(what) => return Err(source.fault(item.line, &what)),
                };
                place += 1;
                match self.done.get(place - 1) {
                    Some(true) => continue,
                    Some(false) => {}
                    None => return Err("the file has grown since the run began".to_owned()),
                }
                let sides = Arc::clone(&sides);
                under_way.spawn(async move { sides.ask(place - 1, case).await });
            }
            let Some(joined) = under_way.join_next().await else { break };
            let (place, id, outcome) = joined.map_err(|_| "a request broke off".to_owned())?;
            self.take(place, &id, outcome, report).await;
        }
        if self.tally.silence >= MAX_SILENCE && self.tally.answered + self.tally.unanswered < self.survey.cases {
            report.info(format!("stopped: {} in a row without an answer", count(self.tally.silence.into(), "case")));
        }
        Ok(())
    }

    async fn take(&mut self, place: usize, id: &str, outcome: Result<Graded, String>, report: &mut Report) {
        match outcome {
            Ok(graded) => {
                if let Some(told) = self.progress.add(place as u64, &graded).await {
                    report.info(told);
                }
                self.count(&graded, report);
            }
            Err(why) => {
                self.tally.add_unanswered();
                report.fault(format!("case {id}: {why}"));
            }
        }
        report.step(self.tally.note(&self.sides.spec.limits));
    }

    fn count(&mut self, graded: &Graded, report: &mut Report) {
        let limits = &self.sides.spec.limits;
        if self.tally.add(graded, limits) {
            report.fault(&graded.told);
        }
        report.samples = self.tally.answered;
        report.value = self.tally.first_value(limits);
    }

    /// The verdict: of several limits the one that stands worst is shown, all are told.
    async fn conclude(self, report: &mut Report) -> Result<Finding, String> {
        let spec = &self.sides.spec;
        let judged = self.tally.judge(&spec.limits, self.survey.cases, spec.min_cases as u64);
        let rank = |judged: &&Judged| match judged.verdict {
            Verdict::Failed => 0,
            Verdict::NotYet => 1,
            Verdict::Passed => 2,
        };
        let shown = judged.iter().min_by_key(rank).ok_or("no limit is configured")?;
        (report.value, report.limit) = (shown.value, Some(shown.limit));
        (report.at_least, report.unit) = (shown.at_least, shown.unit);
        let verdict = shown.verdict;
        if verdict == Verdict::Failed && report.has_no_details() {
            self.tally.worst().for_each(|told| report.fault(told));
        }
        let mut notes = vec![shown.note.clone()];
        notes.extend(judged.iter().filter(|one| *one != shown).map(|one| one.note.clone()));
        notes.dedup();
        if self.survey.broken > 0 {
            notes.push(format!("{} left out", count(self.survey.broken, "broken line")));
        }
        // Cases without an answer are asked again by the next run; the others need not be.
        if verdict != Verdict::NotYet {
            self.progress.finish().await;
        }
        Ok(Finding::new(verdict, notes.join("; ")))
    }
}

impl Sides {
    /// Asks a case; its place and id come back with what became of it.
    async fn ask(&self, place: usize, case: Case) -> (usize, String, Result<Graded, String>) {
        let Case { id, body, expect } = case;
        let (answer, other) = if self.other.is_empty() {
            (self.answer(&self.checked, place, body).await, None)
        } else {
            let (answer, other) =
                tokio::join!(self.answer(&self.checked, place, body.clone()), self.answer(&self.other, place, body));
            (answer, Some(other))
        };
        let graded = answer::grade(&self.spec, &id, expect.as_ref(), &answer, other.as_ref());
        (place, id, graded)
    }

    async fn answer(&self, targets: &[Target], place: usize, body: Vec<u8>) -> Answer {
        let Some(target) = targets.get(place % targets.len().max(1)) else {
            return Answer::Missing("there is no replica".to_owned());
        };
        let patience = Duration::from_millis(self.spec.timeout_ms.max(1));
        let reply = fetch(&self.client, target, Ask::post_json(&self.spec.path, body, patience, MAX_REPLY)).await;
        answer::read(reply, &self.spec.answer)
    }
}
