//! The load gate: an open loop that sends requests at a set rate and measures how the side copes.
//!
//! Requests are due at fixed times, whatever the side does, and their latency counts from that time. The load stops
//! by itself when the side clearly breaks its limits, falls far behind, or does not answer at all: more load would
//! only do harm.

mod account;
mod engine;
mod place;
mod profile;
mod response;
mod saturation;
mod spec;
mod tally;
mod wire;

use std::path::Path;
use std::time::Duration;

use super::check::{Check, CheckFuture, Checked, Finding};
use super::lines::Lines;
use super::report::Report;
use super::smoke::expect::Request;
use super::{count, smoke};
use crate::domain::Verdict;
use crate::domain::load::Saturation;
use account::{Account, Asked, Stop};
pub use engine::{Job, Running, Tick, start};
pub use place::Prepared;
pub use profile::Profile;
pub(crate) use response::Response;
use saturation::{Full, Watch};
pub(super) use spec::KIND;
pub use spec::{Load, LoadLimits, Stage};
pub use tally::Tally;

/// The most requests read from the file, and their total size in bytes.
const MAX_REQUESTS: usize = 10_000;
const MAX_BYTES: usize = 64 * 1024 * 1024;

impl Check for Load {
    fn check<'a>(&'a self, side: Checked<'a>, report: &'a mut Report) -> CheckFuture<'a, Finding> {
        Box::pin(check(side, self, report))
    }

    fn file(&self) -> Option<&Path> {
        Some(&self.requests)
    }

    fn survey(&self) -> CheckFuture<'_, String> {
        Box::pin(smoke::survey(&self.requests, &self.path))
    }
}

async fn check(side: Checked<'_>, plan: &Load, report: &mut Report) -> Result<Finding, String> {
    let (targets, transport) = (side.replicas()?, side.transport);
    report.unit = "ms";
    report.limit = Some(plan.limits.max_p99_ms as f64);
    let requests = read(plan).await.inspect_err(|why| report.fault(why))?;
    let profile = Profile::new(&plan.stages);
    let (length, total, connections) = (profile.length, profile.total, plan.connections.clamp(1, 1024));
    report.total(length.as_secs().max(1));
    report.info(format!(
        "{} in {} s over {}",
        count(total, "request"),
        length.as_secs(),
        count(connections as u64, "connection")
    ));
    let limit = Duration::from_millis(plan.limits.max_p99_ms);
    let job = Job {
        targets: targets.to_vec(),
        requests,
        profile,
        connections,
        limit,
        flat_out: false,
        transport: transport.clone(),
    };
    let account = Account::new(Asked { limits: plan.limits, total, length, connections });
    let saturation = plan.saturation.as_ref();
    let cannot = |why| format!("the load could not be started: {why}");
    let watch = saturation.map(|spec| Watch::start(spec, targets, transport)).transpose().map_err(cannot)?;
    let running = engine::start(job).map_err(cannot)?;
    follow(account, running, watch, saturation, report).await
}

/// Takes in the ticks until the load ends or must stop.
async fn follow(
    mut account: Account,
    mut running: engine::Running,
    mut watch: Option<Watch>,
    spec: Option<&Saturation>,
    report: &mut Report,
) -> Result<Finding, String> {
    let stop = loop {
        let full = async {
            match &mut watch {
                Some(watch) => watch.next().await,
                None => std::future::pending().await,
            }
        };
        let tick = tokio::select! {
            biased;
            full = full => match full {
                Some(Full::Broken(why)) => break Stop::Broken(why),
                Some(Full::Unread(why)) => break Stop::Unable(why),
                None => continue,
            },
            tick = running.ticks.recv() => tick,
        };
        let tick = tick.ok_or("the load broke off")?;
        if let (Some(watch), Some(spec)) = (&watch, spec) {
            account.note_saturation(watch.highest(), spec.limit);
        }
        if let Some(stop) = account.take(&tick, report) {
            break stop;
        }
        if tick.ended {
            let finding = account.judge(report);
            return if let Some(watch) = &watch { seen(watch, finding, report) } else { Ok(finding) };
        }
    };
    // Nothing more is sent from here on.
    drop((running, watch));
    Ok(account.stopped(stop, report))
}

/// A load that passed does not count as passed when a replica's saturation could not be read.
fn seen(watch: &Watch, finding: Finding, report: &mut Report) -> Result<Finding, String> {
    if watch.failed() > 0 {
        report.detail(&format!("{} of the saturation metric failed", count(watch.failed().into(), "reading")));
    }
    match watch.unread() {
        Some(label) if finding.verdict == Verdict::Passed => {
            Err(format!("saturation was never read at {label}: {}", finding.note))
        }
        _ => Ok(finding),
    }
}

/// Reads the requests of the file into memory, so that reading does not slow the load down.
async fn read(plan: &Load) -> Result<Vec<Prepared>, String> {
    let mut lines = Lines::open(&plan.requests).await?;
    let (mut requests, mut bytes) = (Vec::new(), 0);
    while let Some((number, line)) = lines.next().await? {
        let request = Request::parse(&line, number, &plan.path).map_err(|what| lines.fault(number, &what))?;
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
