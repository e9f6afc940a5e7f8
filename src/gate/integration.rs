//! The integration gate: named calls up- and downstream and through the candidate, in order.
//!
//! A call with a path goes to every replica of the candidate, one after the other. The first step that does
//! not hold ends the run: what comes after it would build on what is not there.

use super::ask::{Held, ask, hold};
use super::report::Report;
use super::{Checked, Finding, count};
use crate::domain::{Step, Verdict};
use crate::http::{Client, Target};

pub(super) async fn check(client: Client, side: Checked<'_>, steps: &[Step], report: &mut Report) -> Finding {
    report.unit = "count";
    report.limit = Some(0.0);
    let replicas = |step: &Step| if step.call.is_through_candidate() { side.targets.len() as u64 } else { 1 };
    report.total(steps.iter().map(replicas).sum());
    if side.targets.is_empty() && steps.iter().any(|step| step.call.is_through_candidate()) {
        return Finding::new(Verdict::NotYet, "the side has no replicas to ask");
    }
    for (number, step) in steps.iter().enumerate() {
        let targets: Vec<Option<&Target>> =
            if step.call.is_through_candidate() { side.targets.iter().map(Some).collect() } else { vec![None] };
        for target in targets {
            let place = target.map(|target| format!(" on {}", target.label())).unwrap_or_default();
            let through = target.map(|target| (&client, target));
            let fault = match ask(side, &step.call, through, report).await {
                Ok(reply) => match hold(&step.expect, &[], &reply) {
                    Held::Yes(_) => {
                        report.info(format!("step {}{place}: ok in {} ms", step.name, reply.took.as_millis()));
                        None
                    }
                    Held::No(why, _) | Held::Unclear(why) => Some(why),
                },
                Err(why) => Some(why),
            };
            report.samples += 1;
            report.value = Some(f64::from(u8::from(fault.is_some())));
            report.step("");
            if let Some(fault) = fault {
                report.fault(format!("step {}{place}: {fault}", step.name));
                let left = (steps.len() - number - 1) as u64;
                let rest = if left == 0 { String::new() } else { format!("; {} not tried", count(left, "step")) };
                return Finding::new(Verdict::Failed, format!("step {}: {fault}{rest}", step.name));
            }
        }
    }
    Finding::new(Verdict::Passed, format!("{} as expected", count(steps.len() as u64, "step")))
}
