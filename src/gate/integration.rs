//! The integration gate: named calls up- and downstream and through the candidate, in order.
//!
//! A call with a path goes to every replica of the candidate, one after the other. The first step that does
//! not hold ends the run: what comes after it would build on what is not there.

use super::ask::{Held, ask, hold};
use super::check::{Around, Check, CheckFuture, Checked, Finding, GATE, Kind, Read};
use super::count;
use super::expect::{expect, gate_call};
use super::report::Report;
use crate::domain::{Step, Transport};
use crate::http::{Client, Target};
use crate::settings::{Node, Section, TRANSPORT, Table};

pub(super) const KIND: Kind = Kind {
    name: "integration",
    keys: &[&GATE, &KEYS],
    parts: &[("A step's keys:", &STEP)],
    example: &[(
        "steps",
        "[{ name = \"features\", url = \"http://features.internal/v1/ready\", status = 200 }, \
         { name = \"scored\", url = \"/v2/models/my-model/ready\", max_latency = \"500ms\" }]",
    )],
    read,
};

/// The most steps.
const MAX_STEPS: usize = 100;

const KEYS: Section = Section::new("[[gate]] kind = \"integration\"", include_str!("keys/integration.md"));

const STEP: Section = Section::new("[[gate.steps]]", include_str!("keys/integration.md"));

/// Named calls up- and downstream and through the candidate, in order; the first that does not hold ends the run.
#[derive(Debug, Clone, PartialEq)]
pub struct Integration {
    /// At least one.
    pub steps: Vec<Step>,
}

fn read(table: &Table<'_>, _: &Around<'_>) -> Option<Read> {
    let example = "write [[gate.steps]] below it, with name and url";
    let node = table.need("steps", example)?;
    let items = node.list(example)?;
    if items.is_empty() || items.len() > MAX_STEPS {
        return node.refuse(format!("holds {} steps", items.len()), format!("write 1 to {MAX_STEPS}"));
    }
    let steps: Vec<Option<Step>> = items.iter().map(step).collect();
    Some(Read::runs(Integration { steps: steps.into_iter().collect::<Option<Vec<Step>>>()? }))
}

fn step(node: &Node<'_>) -> Option<Step> {
    let table = node.table()?.keys_of(&[&STEP, &TRANSPORT]);
    let name = table.need("name", "write what people call it").and_then(|node| {
        let text = node.text()?.trim();
        let fits = (1..=60).contains(&text.chars().count());
        node.fitting(text.to_owned(), fits, "must have 1 to 60 characters".into(), "shorten it")
    });
    let (call, expect) = (gate_call(&table, true), expect(&table));
    Some(Step { name: name?, call: call?, expect: expect? })
}

impl Check for Integration {
    fn check<'a>(&'a self, side: Checked<'a>, report: &'a mut Report) -> CheckFuture<'a, Finding> {
        Box::pin(check(side, &self.steps, report))
    }

    fn asks(&self) -> Vec<(&str, &Transport)> {
        let others = self.steps.iter().filter(|step| !step.call.is_through_candidate());
        others.map(|step| (step.call.url.as_str(), &step.call.transport)).collect()
    }
}

async fn check(side: Checked<'_>, steps: &[Step], report: &mut Report) -> Result<Finding, String> {
    let client = Client::new(side.transport)?;
    report.unit = "count";
    report.limit = Some(0.0);
    let replicas = |step: &Step| if step.call.is_through_candidate() { side.targets.len() as u64 } else { 1 };
    report.total(steps.iter().map(replicas).sum());
    if steps.iter().any(|step| step.call.is_through_candidate()) {
        side.replicas()?;
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
                return Ok(Finding::failed(format!("step {}: {fault}{rest}", step.name)));
            }
        }
    }
    Ok(Finding::passed(format!("{} as expected", count(steps.len() as u64, "step"))))
}
