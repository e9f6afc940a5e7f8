//! The http gate: an endpoint that reports a status.

use super::ask::{Held, ask, hold};
use super::check::{Around, Check, CheckFuture, Checked, Finding, GATE, Kind, Read};
use super::expect::{expect, gate_call};
use super::report::Report;
use crate::domain::{Call, Expect, Scalar, Transport, Verdict};
use crate::settings::{Node, Section, TRANSPORT, Table};

pub(super) const KIND: Kind = Kind {
    name: "http",
    keys: &[&GATE, &KEYS, &TRANSPORT],
    parts: &[],
    example: &[
        ("url", "\"https://ci.example/api/runs/latest?version={{version}}\""),
        ("pointer", "\"/status\""),
        ("equals", "\"passed\""),
    ],
    read,
};

/// The most values that mean "not yet".
const MAX_PENDING: usize = 100;

const KEYS: Section = Section::new("[[gate]] kind = \"http\"", include_str!("keys/http.md"));

/// An endpoint that reports a status.
#[derive(Debug, Clone, PartialEq)]
pub struct Http {
    /// What is asked.
    pub call: Call,
    /// What the answer must be.
    pub expect: Expect,
    /// Values at the pointer that mean "not yet".
    pub pending: Vec<Scalar>,
}

fn read(table: &Table<'_>, _: &Around<'_>) -> Option<Read> {
    let call = gate_call(table, false);
    let expect = expect(table);
    let pending = table.or("pending", Vec::new(), |node| {
        node.several("write e.g. [\"queued\", \"running\"]", 0..=MAX_PENDING, Node::scalar)
    });
    let expect = expect?;
    if expect == Expect::default() {
        let remedy = "write status, contains, or pointer with equals, min or max";
        return table.refuse("nothing is said of what the answer must be".into(), remedy);
    }
    let pending = pending?;
    if let Some(value) = expect.equals.as_ref().filter(|value| pending.contains(value)) {
        return table.refuse(
            format!("{value} means not yet, so that it can never pass"),
            "remove it from pending, or from equals",
        );
    }
    Some(Read::runs(Http { call: call?, expect, pending }))
}

impl Check for Http {
    fn check<'a>(&'a self, side: Checked<'a>, report: &'a mut Report) -> CheckFuture<'a, Finding> {
        Box::pin(check(self, side, report))
    }

    fn asks(&self) -> Vec<(&str, &Transport)> {
        vec![(&self.call.url, &self.call.transport)]
    }
}

async fn check(gate: &Http, side: Checked<'_>, report: &mut Report) -> Result<Finding, String> {
    let Http { call, expect, pending } = gate;
    report.total(1);
    if let Some(bound) = expect.bound {
        (report.limit, report.at_least) = (Some(bound.limit), bound.at_least);
    }
    let reply = ask(side, call, None, report).await?;
    report.info(format!("status {} in {} ms", reply.status, reply.took.as_millis()));
    let held = hold(expect, pending, &reply);
    report.step("");
    let (verdict, note, value) = match held {
        Held::Yes(value) => (Verdict::Passed, String::new(), value),
        Held::No(why, value) => (Verdict::Failed, why, value),
        Held::Unclear(why) => return Err(why),
    };
    (report.samples, report.value) = (1, value);
    if verdict == Verdict::Failed {
        report.detail(&note);
    }
    Ok(Finding::new(verdict, note))
}
