//! The health gate: every replica answers in time, so many times in a row.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::check::{Around, Check, CheckFuture, Checked, Finding, GATE, Kind, Read};
use super::count;
use super::report::Report;
use crate::http::{Ask, Client, Target, fetch, redirect_note};
use crate::settings::{Section, Table, duration, values};

const SECOND: u64 = 1000;
const HOUR: u64 = 3600 * SECOND;

/// A replica gets this many times `consecutive` attempts.
const ATTEMPTS_PER_SUCCESS: u32 = 3;
/// Requests under way at once, over all replicas.
const MAX_AT_ONCE: usize = 64;
/// Longest health answer that is read, in bytes.
const MAX_BODY: usize = 64 * 1024;

pub(super) const KIND: Kind =
    Kind { name: "health", keys: &[&GATE, &KEYS], parts: &[], example: &[("max_latency", "\"500ms\"")], read };

const KEYS: Section = Section::new("[[gate]] kind = \"health\"", include_str!("keys/health.md"));

/// Every replica answers its health path within the limit, so many times in a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// Path asked on every replica.
    pub path: String,
    /// Checks in a row that must succeed on each replica; at least 1.
    pub consecutive: u32,
    /// Longest a single answer may take, in milliseconds.
    pub max_latency_ms: u64,
    /// Pause between two checks, in milliseconds.
    pub interval_ms: u64,
}

fn read(table: &Table<'_>, around: &Around<'_>) -> Option<Read> {
    let max_latency =
        table.need("max_latency", "write e.g. max_latency = \"500ms\"").and_then(|node| node.duration(1..=HOUR));
    let path = table.get("path").and_then(|node| values::http_path(&node));
    let consecutive = table.number("consecutive", 1..=1000, 3);
    let interval_ms = table.duration("interval", 10..=HOUR, SECOND);
    let least = (consecutive - 1).saturating_mul(interval_ms);
    if least >= around.timeout_ms {
        table.fault(
            format!("{consecutive} checks at this interval take {}, longer than the timeout", duration::format(least)),
            "raise timeout, or lower consecutive or interval",
        );
    }
    Some(Read::runs(Health {
        path: path.unwrap_or_else(|| around.ready_path.to_owned()),
        consecutive: u32::try_from(consecutive).ok()?,
        max_latency_ms: max_latency?,
        interval_ms,
    }))
}

impl Check for Health {
    fn check<'a>(&'a self, side: Checked<'a>, report: &'a mut Report) -> CheckFuture<'a, Finding> {
        Box::pin(check(self, side, report))
    }

    fn path(&self) -> Option<&str> {
        Some(&self.path)
    }
}

/// What one replica showed.
struct Shown {
    label: String,
    healthy: bool,
    checks: u64,
    /// Worst latency: of the checks that counted when healthy, of all answers otherwise.
    worst: Option<Duration>,
    last_fault: Option<String>,
}

async fn check(plan: &Health, side: Checked<'_>, report: &mut Report) -> Result<Finding, String> {
    let (client, targets) = (side.client()?, side.targets);
    report.unit = "ms";
    report.limit = Some(plan.max_latency_ms as f64);
    report.total(targets.len() as u64);
    let permits = Arc::new(Semaphore::new(MAX_AT_ONCE));
    let mut replicas = JoinSet::new();
    for target in targets {
        replicas.spawn(watch(client.clone(), target.clone(), plan.clone(), Arc::clone(&permits)));
    }
    let (mut unhealthy, mut worst_healthy, mut worst_unhealthy) = (0_u64, None, None);
    while let Some(joined) = replicas.join_next().await {
        let shown = joined.map_err(|_| "the check of a replica broke off")?;
        report.samples += shown.checks;
        if shown.healthy {
            worst_healthy = worst_healthy.max(shown.worst);
        } else {
            unhealthy += 1;
            worst_unhealthy = worst_unhealthy.max(shown.worst);
            let why = shown.last_fault.unwrap_or_default();
            report.fault(format!("{}: {why} ({} made)", shown.label, count(shown.checks, "check")));
        }
        // A side is as slow as the replicas the verdict rests on.
        let worst = if unhealthy > 0 { worst_unhealthy } else { worst_healthy };
        report.value = worst.map(|worst| worst.as_secs_f64() * 1000.0);
        report.step(if unhealthy > 0 { format!("{unhealthy} not healthy") } else { String::new() });
    }
    let all = count(targets.len() as u64, "replica");
    if unhealthy > 0 {
        return Ok(Finding::failed(format!("{unhealthy} of {all} not healthy")));
    }
    Ok(Finding::passed(format!("{all}, {} in a row each", plan.consecutive)))
}

/// Asks one replica until it has answered well often enough, or cannot any more.
async fn watch(client: Client, target: Target, plan: Health, permits: Arc<Semaphore>) -> Shown {
    let attempts = plan.consecutive.saturating_mul(ATTEMPTS_PER_SUCCESS);
    let mut shown = Shown { label: target.label(), healthy: false, checks: 0, worst: None, last_fault: None };
    let (mut in_a_row, mut worst_in_a_row) = (0, None);
    for attempt in 0..attempts {
        if attempts - attempt < plan.consecutive - in_a_row {
            break;
        }
        if attempt > 0 {
            sleep(Duration::from_millis(plan.interval_ms)).await;
        }
        let answer = {
            let _permit = permits.acquire().await;
            ask(&client, &target, &plan).await
        };
        shown.checks += 1;
        let (took, fault) = match answer {
            Ok(took) => (Some(took), None),
            Err((took, fault)) => (took, Some(fault)),
        };
        shown.worst = shown.worst.max(took);
        if let Some(fault) = fault {
            shown.last_fault = Some(fault);
            (in_a_row, worst_in_a_row) = (0, None);
            continue;
        }
        in_a_row += 1;
        worst_in_a_row = worst_in_a_row.max(took);
        if in_a_row >= plan.consecutive {
            return Shown { healthy: true, worst: worst_in_a_row, ..shown };
        }
    }
    shown
}

/// How long a good answer took; or what was wrong, with the time where there was an answer.
async fn ask(client: &Client, target: &Target, plan: &Health) -> Result<Duration, (Option<Duration>, String)> {
    // Twice the limit, so that an answer that is too slow can be told from none.
    let limit = Duration::from_millis(plan.max_latency_ms);
    let patience = (limit * 2).max(Duration::from_millis(1));
    let reply = fetch(client, target, Ask::get(&plan.path, patience, MAX_BODY)).await;
    let reply = reply.map_err(|err| (None, err.to_string()))?;
    if !reply.is_success() {
        let fault = redirect_note(&reply).unwrap_or_else(|| format!("status {}", reply.status));
        return Err((Some(reply.took), fault));
    }
    if reply.took > limit {
        let fault = format!("took {} ms, limit {} ms", reply.took.as_millis(), plan.max_latency_ms);
        return Err((Some(reply.took), fault));
    }
    Ok(reply.took)
}
