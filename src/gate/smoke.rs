//! The smoke gate: representative requests, and bad ones that must be refused cleanly.

mod adversarial;
pub(super) mod expect;

use std::path::Path;
use std::time::Duration;

use super::lines::Lines;
use super::report::Report;
use super::{Finding, MAX_REPLY, MAX_SILENCE, REQUEST_TIMEOUT, count};
use crate::domain::Verdict;
use crate::probe::{Ask, FetchError, Reply, Target, fetch};
use expect::Request;

/// Representative requests that every replica must still answer after the adversarial ones.
const AFTERMATH: usize = 3;

/// What is checked.
pub(super) struct Plan<'a> {
    pub(super) file: &'a Path,
    pub(super) path: &'a str,
    pub(super) max_latency: Duration,
    pub(super) adversarial: bool,
}

struct Run<'a> {
    client: reqwest::Client,
    targets: &'a [Target],
    plan: &'a Plan<'a>,
    report: &'a mut Report,
    failed: u64,
    silence: u32,
}

pub(super) async fn check(client: reqwest::Client, targets: &[Target], plan: Plan<'_>, report: &mut Report) -> Finding {
    report.unit = "count";
    report.limit = Some(0.0);
    let mut run = Run { client, targets, plan: &plan, report, failed: 0, silence: 0 };
    match run.all().await {
        Ok(note) if run.failed == 0 => Finding::new(Verdict::Passed, note),
        Ok(note) => Finding::new(Verdict::Failed, note),
        Err(note) => {
            run.report.fault(&note);
            Finding::new(Verdict::NotYet, note)
        }
    }
}

impl Run<'_> {
    /// Sends everything; the note, or why it could not be carried out.
    async fn all(&mut self) -> Result<String, String> {
        let (total, first) = self.read_through().await?;
        let bad = if self.plan.adversarial { adversarial::inputs(&first, self.plan.path) } else { Vec::new() };
        let after = if bad.is_empty() { &[][..] } else { &first[..] };
        self.report.total(total + bad.len() as u64 + (after.len() * self.targets.len()) as u64);

        let mut lines = Lines::open(self.plan.file).await?;
        let mut replicas = self.targets.iter().cycle();
        while let Some((number, line)) = lines.next().await? {
            let request = Request::parse(&line, number, self.plan.path).map_err(|what| lines.fault(number, &what))?;
            let Some(target) = replicas.next() else { break };
            if let Err(fault) = self.representative(target, &request).await {
                self.fail(&format!("request {}: {fault}", request.id));
            }
            self.count_one();
            if self.silence >= MAX_SILENCE {
                return Ok(format!("{} failed; stopped: {} in a row without an answer", self.failed, self.silence));
            }
        }
        let representative_failed = self.failed;
        for input in &bad {
            let Some(target) = replicas.next() else { break };
            let ask = input.ask(REQUEST_TIMEOUT, MAX_REPLY);
            let reply = fetch(&self.client, target, ask).await;
            if let Err(fault) = input.judge(reply.as_ref()) {
                self.fail(&format!("{}: {fault}", input.name));
            }
            self.count_one();
        }
        for target in self.targets {
            for request in after {
                if let Err(fault) = self.representative(target, request).await {
                    self.fail(&format!(
                        "request {} after the adversarial ones, {}: {fault}",
                        request.id,
                        target.label()
                    ));
                }
                self.count_one();
            }
        }
        let of = |failed: u64, all: u64, what: &str| format!("{failed} of {} failed", count(all, what));
        let mut note = of(representative_failed, total, "request");
        if !bad.is_empty() {
            note = format!("{note}, {} of {} adversarial", self.failed - representative_failed, bad.len());
        }
        Ok(note)
    }

    /// Sees that every line is a request; how many there are, and the first few.
    async fn read_through(&self) -> Result<(u64, Vec<Request>), String> {
        let mut lines = Lines::open(self.plan.file).await?;
        let (mut total, mut first) = (0, Vec::new());
        while let Some((number, line)) = lines.next().await? {
            let request = Request::parse(&line, number, self.plan.path).map_err(|what| lines.fault(number, &what))?;
            total += 1;
            if first.len() < AFTERMATH {
                first.push(request);
            }
        }
        if total == 0 {
            return Err("the file holds no requests".to_owned());
        }
        Ok((total, first))
    }

    async fn representative(&mut self, target: &Target, request: &Request) -> Result<(), String> {
        // Past the limit the answer is a fault already; waiting on tells how slow it is.
        let patience = REQUEST_TIMEOUT.max(self.plan.max_latency);
        let ask = Ask {
            method: request.method.clone(),
            path: &request.path,
            body: request.body.clone().map(|body| ("application/json", body)),
            timeout: patience,
            max_body: MAX_REPLY,
        };
        let reply = fetch(&self.client, target, ask).await;
        self.silence = match reply {
            Ok(_) | Err(FetchError::TooLong(_)) => 0,
            Err(_) => self.silence + 1,
        };
        let reply = reply.map_err(|err| err.to_string())?;
        request.expect.hold(&reply)?;
        self.in_time(&reply)
    }

    fn in_time(&self, reply: &Reply) -> Result<(), String> {
        let (took, limit) = (reply.took, self.plan.max_latency);
        if took > limit {
            return Err(format!("took {} ms, limit {} ms", took.as_millis(), limit.as_millis()));
        }
        Ok(())
    }

    fn fail(&mut self, fault: &str) {
        self.failed += 1;
        self.report.fault(fault);
    }

    fn count_one(&mut self) {
        self.report.samples += 1;
        self.report.value = Some(self.failed as f64);
        self.report.step(format!("{} failed", self.failed));
    }
}
