//! The http gate: an endpoint that reports a status.

use super::ask::{Held, ask, hold};
use super::report::Report;
use super::{Checked, Finding};
use crate::domain::{Call, Expect, Scalar, Verdict};

pub(super) async fn check(
    side: Checked<'_>,
    (call, expect, pending): (&Call, &Expect, &[Scalar]),
    report: &mut Report,
) -> Finding {
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
