//! The http gate: an endpoint that reports a status.

use super::ask::{Held, ask, hold};
use super::check::{Around, Check, CheckFuture, Checked, Finding, GATE, Kind, Read};
use super::expect::{expect, few, gate_call};
use super::report::Report;
use crate::domain::{Call, Expect, Scalar, Transport, Verdict};
use crate::settings::KeyDefault::{From, Is, Nothing, Required};
use crate::settings::{Node, Section, TRANSPORT, Table, key};

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

#[rustfmt::skip]
const KEYS: Section = Section::new("[[gate]] kind = \"http\"", &[
    key("url", "URL", Required, "The endpoint that reports a status. May hold {{version}}, {{version_digest}}, {{side}}, {{service}} and {{environment}}."),
    key("method", "GET | POST | PUT | PATCH | DELETE | HEAD", From("POST with a body, GET without"), "Method of the request."),
    key("headers", "table", Nothing, "Sent with it: { accept = \"application/json\", x-api-key = { env = \"NAME\" } }; a secret is { env = .. } or { file = .. }."),
    key("bearer", "table", Nothing, "A token sent as Authorization: Bearer, from { env = \"NAME\" } or { file = \"PATH\" }."),
    key("body", "text", Nothing, "Sent as application/json unless headers say another content-type; may hold the same placeholders."),
    key("request_timeout", "duration", Is("\"10s\""), "Longest wait for the response."),
    key("status", "number", From("any 2xx"), "Status that the response must have."),
    key("pointer", "JSON pointer", Nothing, "Place of the value for equals, min, max or pending in the JSON response."),
    key("equals", "text, number or flag", Nothing, "Value that passes. Any other fails, except those of pending."),
    key("min", "number", Nothing, "Lowest value that passes. Write this or max, or both."),
    key("max", "number", Nothing, "Highest value that passes."),
    key("pending", "list", Is("[]"), "Values that mean: not yet, e.g. [\"queued\", \"running\"]. No response, 5xx, 429, a response that is not JSON, and nothing or null at the pointer mean the same."),
    key("contains", "text", Nothing, "Text that the body of the response must contain."),
    key("max_latency", "duration", Nothing, "Longest time for the response."),
]);

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
    let pending = table.get("pending").map_or(Some(Vec::new()), |node| {
        let items = few(&node, "write e.g. [\"queued\", \"running\"]")?;
        items.iter().map(Node::scalar).collect::<Option<Vec<Scalar>>>()
    });
    let expect = expect?;
    if expect == Expect::default() {
        let remedy = "write status, contains, or pointer with equals, min or max";
        table.fault("nothing is said of what the answer must be".into(), remedy);
        return None;
    }
    let pending = pending?;
    if let Some(value) = expect.equals.as_ref().filter(|value| pending.contains(value)) {
        table.fault(
            format!("{value} means not yet, so that it can never pass"),
            "remove it from pending, or from equals",
        );
        return None;
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

async fn check(gate: &Http, side: Checked<'_>, report: &mut Report) -> Finding {
    let Http { call, expect, pending } = gate;
    report.total(1);
    if let Some(bound) = expect.bound {
        (report.limit, report.at_least) = (Some(bound.limit), bound.at_least);
    }
    let reply = match ask(side, call, None, report).await {
        Ok(reply) => reply,
        Err(why) => return Finding::new(Verdict::NotYet, why),
    };
    report.info(format!("status {} in {} ms", reply.status, reply.took.as_millis()));
    let held = hold(expect, pending, &reply);
    report.step("");
    let (verdict, note, value) = match held {
        Held::Yes(value) => (Verdict::Passed, String::new(), value),
        Held::No(why, value) => (Verdict::Failed, why, value),
        Held::Unclear(why) => return Finding::new(Verdict::NotYet, why),
    };
    (report.samples, report.value) = (1, value);
    if verdict == Verdict::Failed {
        report.detail(&note);
    }
    Finding::new(verdict, note)
}
