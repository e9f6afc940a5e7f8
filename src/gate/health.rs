//! The health gate: every replica answers in time, so many times in a row.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::report::Report;
use super::{Finding, count};
use crate::domain::Verdict;
use crate::http::{Ask, Client, Target, fetch, redirect_note};

/// A replica gets this many times `consecutive` attempts.
const ATTEMPTS_PER_SUCCESS: u32 = 3;
/// Requests under way at once, over all replicas.
const MAX_AT_ONCE: usize = 64;
/// Longest health answer that is read, in bytes.
const MAX_BODY: usize = 64 * 1024;

/// What is checked.
#[derive(Clone)]
pub(super) struct Plan {
    pub(super) path: String,
    pub(super) consecutive: u32,
    pub(super) max_latency: Duration,
    pub(super) interval: Duration,
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

pub(super) async fn check(client: Client, targets: &[Target], plan: Plan, report: &mut Report) -> Finding {
    report.unit = "ms";
    report.limit = Some(plan.max_latency.as_secs_f64() * 1000.0);
    report.total(targets.len() as u64);
    let permits = Arc::new(Semaphore::new(MAX_AT_ONCE));
    let mut replicas = JoinSet::new();
    for target in targets {
        replicas.spawn(watch(client.clone(), target.clone(), plan.clone(), Arc::clone(&permits)));
    }
    let (mut unhealthy, mut worst_healthy, mut worst_unhealthy) = (0_u64, None, None);
    while let Some(joined) = replicas.join_next().await {
        let Ok(shown) = joined else {
            return Finding::new(Verdict::NotYet, "the check of a replica broke off");
        };
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
    if unhealthy > 0 {
        return Finding::new(
            Verdict::Failed,
            format!("{unhealthy} of {} not healthy", count(targets.len() as u64, "replica")),
        );
    }
    let note = format!("{}, {} in a row each", count(targets.len() as u64, "replica"), plan.consecutive);
    Finding::new(Verdict::Passed, note)
}

/// Asks one replica until it has answered well often enough, or cannot any more.
async fn watch(client: Client, target: Target, plan: Plan, permits: Arc<Semaphore>) -> Shown {
    let attempts = plan.consecutive.saturating_mul(ATTEMPTS_PER_SUCCESS);
    let mut shown = Shown { label: target.label(), healthy: false, checks: 0, worst: None, last_fault: None };
    let (mut in_a_row, mut worst_in_a_row) = (0, None);
    for attempt in 0..attempts {
        if attempts - attempt < plan.consecutive - in_a_row {
            break;
        }
        if attempt > 0 {
            sleep(plan.interval).await;
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
async fn ask(client: &Client, target: &Target, plan: &Plan) -> Result<Duration, (Option<Duration>, String)> {
    // Twice the limit, so that an answer that is too slow can be told from none.
    let patience = (plan.max_latency * 2).max(Duration::from_millis(1));
    let reply = match fetch(client, target, Ask::get(&plan.path, patience, MAX_BODY)).await {
        Ok(reply) => reply,
        Err(err) => return Err((None, err.to_string())),
    };
    if !reply.is_success() {
        let fault = redirect_note(&reply).unwrap_or_else(|| format!("status {}", reply.status));
        return Err((Some(reply.took), fault));
    }
    if reply.took > plan.max_latency {
        let fault = format!("took {} ms, limit {} ms", reply.took.as_millis(), plan.max_latency.as_millis());
        return Err((Some(reply.took), fault));
    }
    Ok(reply.took)
}
