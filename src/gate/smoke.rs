//! The smoke gate: representative requests, and bad ones that must be refused cleanly.
//!
//! The requests come from a file, or are what live traffic asked lately; then each must be answered as
//! it was answered there, with the same status and content type. Bad input goes to one replica after
//! the other; when one gives no answer at all and then none to a good request either, no more is sent.

mod adversarial;
pub(super) mod expect;
mod spec;

use std::path::Path;
use std::time::Duration;

use super::check::{Check, CheckFuture, Checked, Finding};
use super::lines::Lines;
use super::report::Report;
use super::{MAX_REPLY, MAX_SILENCE, REQUEST_TIMEOUT, ask, count};
use crate::domain::SampledRequest;
use crate::http::{Ask, Client, FetchError, Reply, Target, fetch};
use expect::Request;
pub(super) use spec::KIND;
pub use spec::{Smoke, SmokeSource};

/// Representative requests that every replica must still answer after the adversarial ones.
const AFTERMATH: usize = 3;

impl Check for Smoke {
    fn check<'a>(&'a self, side: Checked<'a>, report: &'a mut Report) -> CheckFuture<'a, Finding> {
        Box::pin(check(side, self, report))
    }

    fn wants_samples(&self) -> usize {
        match self.source {
            SmokeSource::Live { count } => count,
            SmokeSource::File(_) => 0,
        }
    }

    fn file(&self) -> Option<&Path> {
        match &self.source {
            SmokeSource::File(file) => Some(file),
            SmokeSource::Live { .. } => None,
        }
    }

    fn survey(&self) -> CheckFuture<'_, String> {
        Box::pin(async {
            match self.file() {
                Some(file) => survey(file, &self.path).await,
                None => Ok(String::new()),
            }
        })
    }
}

struct Run<'a> {
    client: Client,
    targets: Vec<Target>,
    plan: &'a Smoke,
    report: &'a mut Report,
    failed: u64,
    silence: u32,
}

async fn check(side: Checked<'_>, plan: &Smoke, report: &mut Report) -> Result<Finding, String> {
    let client = side.client()?;
    report.unit = "count";
    report.limit = Some(0.0);
    let headers = ask::headers(side, &plan.headers, report)?;
    let targets = side.targets.iter().map(|target| target.with(&headers)).collect();
    let mut run = Run { client, targets, plan, report, failed: 0, silence: 0 };
    let note = run.all(side.samples).await;
    let note = note.inspect_err(|note| run.report.fault(note))?;
    Ok(if run.failed == 0 { Finding::passed(note) } else { Finding::failed(note) })
}

/// The requests one after the other, from wherever they are.
enum Requests<'a> {
    File(Lines, &'a str),
    Live(std::iter::Enumerate<std::slice::Iter<'a, SampledRequest>>),
}

impl<'a> Requests<'a> {
    async fn open(plan: &'a Smoke, samples: Result<&'a [SampledRequest], &str>) -> Result<Self, String> {
        match &plan.source {
            SmokeSource::File(path) => open_file(path, &plan.path).await,
            SmokeSource::Live { .. } => match samples {
                Ok([]) => Err("live traffic has made no request yet that could be sent again".to_owned()),
                Ok(samples) => Ok(Self::Live(samples.iter().enumerate())),
                Err(why) => Err(format!("no requests of live traffic: {why}")),
            },
        }
    }

    async fn next(&mut self) -> Result<Option<Request>, String> {
        match self {
            Self::File(lines, path) => {
                let Some((number, line)) = lines.next().await? else { return Ok(None) };
                Request::parse(&line, number, path).map(Some).map_err(|what| lines.fault(number, &what))
            }
            Self::Live(samples) => {
                let Some((number, sample)) = samples.next() else { return Ok(None) };
                Request::of_sample(sample, number + 1).map(Some)
            }
        }
    }
}

async fn open_file<'a>(path: &Path, default_path: &'a str) -> Result<Requests<'a>, String> {
    Ok(Requests::File(Lines::open(path).await?, default_path))
}

/// What a first look at the requests found: how many there are, and the first few.
async fn read_through(mut requests: Requests<'_>) -> Result<(u64, Vec<Request>), String> {
    let (mut total, mut first) = (0, Vec::new());
    while let Some(request) = requests.next().await? {
        total += 1;
        if first.len() < AFTERMATH {
            first.push(request);
        }
    }
    if total == 0 { Err("the file holds no requests".to_owned()) } else { Ok((total, first)) }
}

/// Reads through a file of requests and sends nothing: how many there are.
pub(super) async fn survey(file: &Path, default_path: &str) -> Result<String, String> {
    read_through(open_file(file, default_path).await?).await.map(|(total, _)| count(total, "request"))
}

impl Run<'_> {
    /// Sends everything; the note, or why it could not be carried out.
    async fn all(&mut self, samples: Result<&[SampledRequest], &str>) -> Result<String, String> {
        let (total, first) = read_through(Requests::open(self.plan, samples).await?).await?;
        let bad = if self.plan.adversarial { adversarial::inputs(&first, &self.plan.path) } else { Vec::new() };
        let after = if bad.is_empty() { &[][..] } else { &first[..] };
        self.report.total(total + bad.len() as u64 + (after.len() * self.targets.len()) as u64);

        let mut requests = Requests::open(self.plan, samples).await?;
        let targets = self.targets.clone();
        let mut replicas = targets.iter().cycle();
        while let Some(request) = requests.next().await? {
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
            if !self.adversarial(target, input, after).await {
                break;
            }
        }
        self.aftermath(&targets, after).await;
        let of = |failed: u64, all: u64, what: &str| format!("{failed} of {} failed", count(all, what));
        let mut note = of(representative_failed, total, "request");
        if !bad.is_empty() {
            note = format!("{note}, {} of {} adversarial", self.failed - representative_failed, bad.len());
        }
        Ok(note)
    }

    /// Sends one bad input; false when the replica is found dead after it.
    async fn adversarial(&mut self, target: &Target, input: &adversarial::Input, after: &[Request]) -> bool {
        let reply = fetch(&self.client, target, input.ask(REQUEST_TIMEOUT, MAX_REPLY)).await;
        let judged = input.judge(reply.as_ref());
        if let Err(fault) = &judged {
            self.fail(&format!("{}: {fault}", input.name));
        }
        self.count_one();
        let (Err(_), Err(_), Some(request)) = (&judged, &reply, after.first()) else { return true };
        self.silence = 0;
        let _fault = self.representative(target, request).await;
        let is_dead = self.silence > 0;
        if is_dead {
            self.report.info(format!("stopped: {} answers no request any more after {}", target.label(), input.name));
        }
        !is_dead
    }

    /// Every replica must be as well as before.
    async fn aftermath(&mut self, targets: &[Target], after: &[Request]) {
        for target in targets {
            for request in after {
                if let Err(fault) = self.representative(target, request).await {
                    let (id, label) = (&request.id, target.label());
                    self.fail(&format!("request {id} after the adversarial ones, {label}: {fault}"));
                }
                self.count_one();
            }
        }
    }

    async fn representative(&mut self, target: &Target, request: &Request) -> Result<(), String> {
        let own = request.expect.max_latency_ms().map(Duration::from_millis);
        let limit = own.unwrap_or(Duration::from_millis(self.plan.max_latency_ms));
        let ask = Ask {
            method: request.method.clone(),
            path: &request.path,
            body: request.body.clone().map(|body| (request.content_type.as_str(), body)),
            // Past the limit the answer is a fault already; waiting on tells how slow it is.
            timeout: REQUEST_TIMEOUT.max(limit),
            max_body: MAX_REPLY,
        };
        let dressed;
        let target = if request.headers.is_empty() {
            target
        } else {
            dressed = Target { headers: [&request.headers[..], &target.headers].concat(), ..target.clone() };
            &dressed
        };
        let reply = fetch(&self.client, target, ask).await;
        self.silence = match reply {
            Ok(_) | Err(FetchError::TooLong(_)) => 0,
            Err(_) => self.silence + 1,
        };
        let reply = reply.map_err(|err| err.to_string())?;
        request.expect.hold(&reply)?;
        in_time(&reply, limit)
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

fn in_time(reply: &Reply, limit: Duration) -> Result<(), String> {
    if reply.took > limit {
        return Err(format!("took {} ms, limit {} ms", reply.took.as_millis(), limit.as_millis()));
    }
    Ok(())
}
