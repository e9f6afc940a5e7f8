//! The tables of the page.

use std::fmt::Write as _;

use super::super::model::{GateRow, Rollout, StepSide};
use super::super::words::{clock, measured, moment, ms, or_dash, rate, seconds, span, who};
use super::escape;
use crate::domain::{Side, Verdict};

/// Opens a section with a table in it; a number column is aligned to the right.
fn open(out: &mut String, title: &str, caption: &str, columns: &[&str]) {
    let _ =
        write!(out, "<section><h2>{title}</h2><div class=\"scroll\"><table><caption>{caption}</caption><thead><tr>");
    for column in columns {
        let (class, name) = column.strip_prefix('#').map_or(("", *column), |name| (" class=\"n\"", name));
        let _ = write!(out, "<th scope=\"col\"{class}>{name}</th>");
    }
    out.push_str("</tr></thead><tbody>");
}

fn close(out: &mut String) {
    out.push_str("</tbody></table></div></section>\n");
}

fn nothing(out: &mut String, title: &str, text: &str) {
    let _ = writeln!(out, "<section><h2>{title}</h2><p class=\"note\">{text}</p></section>");
}

fn cell(text: &str) -> String {
    format!("<td>{}</td>", escape(text))
}

fn number(text: &str) -> String {
    format!("<td class=\"n\">{}</td>", escape(text))
}

fn side(side: Side) -> String {
    format!("<span class=\"side {side}\">{side}</span>")
}

/// Everything in order.
pub(super) fn timeline(rollout: &Rollout, out: &mut String) {
    let caption = format!("Times in UTC, {}", rollout.began.format("%Y-%m-%d"));
    open(out, "Timeline", &caption, &["Time", "", "Who", "What"]);
    for line in &rollout.timeline {
        let class = if line.warn { " class=\"warn\"" } else { "" };
        let mark = line.mark.map(|n| format!("<span class=\"mark\">{n}</span>")).unwrap_or_default();
        let _ = write!(
            out,
            "<tr{class}><td class=\"t\"><time>{}</time></td><td>{mark}</td>{}{}</tr>",
            clock(line.at, rollout.began),
            cell(&line.by),
            cell(&line.text)
        );
    }
    close(out);
}

/// What was measured at each share.
pub(super) fn steps(rollout: &Rollout, out: &mut String) {
    if rollout.steps.is_empty() {
        return nothing(out, "Step by step", "No step is on record.");
    }
    let caption = "Middle values over each step; the worst p99 is that of a single sample";
    let columns = ["#Candidate", "#From", "#For", "Side", "#p50", "#p99", "#Worst p99", "#Failed", "#Requests/s"];
    open(out, "Step by step", caption, &columns);
    for step in &rollout.steps {
        for (n, at) in Side::BOTH.into_iter().enumerate() {
            let head = if n == 0 {
                let long = seconds(step.from, step.to);
                format!(
                    "<th scope=\"rowgroup\" rowspan=\"2\" class=\"n\">{} %</th><td class=\"n\" rowspan=\"2\">{}</td><td class=\"n\" rowspan=\"2\">{}</td>",
                    step.percent,
                    clock(step.from, rollout.began),
                    span(long)
                )
            } else {
                String::new()
            };
            let class = if n == 0 { " class=\"first\"" } else { "" };
            let _ = write!(out, "<tr{class}>{head}<td>{}</td>{}</tr>", side(at), measures(step.sides[at].as_ref()));
        }
    }
    close(out);
}

fn measures(side: Option<&StepSide>) -> String {
    let Some(side) = side else { return "<td class=\"none\" colspan=\"5\">nothing measured</td>".into() };
    let latency = |value: Option<f64>| number(&or_dash(value.map(ms)));
    [
        latency(side.p50),
        latency(side.p99),
        latency(side.p99_worst),
        number(&rate(side.error_rate)),
        number(&format!("{:.1}", side.rps)),
    ]
    .concat()
}

/// Orders with all that came of them.
pub(super) fn orders(rollout: &Rollout, out: &mut String) {
    if rollout.orders.is_empty() {
        return nothing(out, "Orders", "No order is on record.");
    }
    let caption = "Shares are the candidate's; an order counts once the traffic system was read back";
    open(out, "Orders", caption, &["Time", "Who", "Order", "#Share", "State", "#Took", "Why, and what came of it"]);
    for order in &rollout.orders {
        let from = order.from.map_or_else(|| "?".into(), |from| from.to_string());
        let class = if order.state == "verified" { "state" } else { "state warn" };
        let told = [order.why.as_deref(), order.detail.as_deref()].into_iter().flatten().collect::<Vec<_>>().join("; ");
        let consent = order.consent.as_ref().map(|digest| format!(" <code>{}</code>", escape(digest.short())));
        let _ = write!(
            out,
            "<tr><td class=\"t\">{}</td>{}<td><strong>{}</strong>{}</td>{}<td><span class=\"{class}\">{}</span></td>{}{}</tr>",
            clock(order.at, rollout.began),
            cell(&who(&order.by, &order.via)),
            order.verb,
            consent.unwrap_or_default(),
            number(&format!("{from} → {} %", order.target)),
            order.state.to_uppercase(),
            number(&or_dash(order.took.map(span))),
            cell(&or_dash(Some(told).filter(|told| !told.is_empty())))
        );
    }
    close(out);
}

/// Guards that acted.
pub(super) fn breaches(rollout: &Rollout, out: &mut String) {
    if rollout.breaches.is_empty() {
        return nothing(out, "Guards", "No guard acted.");
    }
    let columns = ["Time", "Guard", "#Value", "#Limit", "#Requests", "Did", "#Detected after", "Counted from"];
    open(out, "Guards", "What they saw when they acted", &columns);
    for breach in &rollout.breaches {
        let _ = write!(
            out,
            "<tr class=\"warn\"><td class=\"t\">{}</td><td>{} on {}</td>{}{}{}{}{}{}</tr>",
            clock(breach.at, rollout.began),
            escape(breach.subject()),
            side(breach.side),
            number(&breach.seen()),
            number(&breach.allowed()),
            number(&breach.samples.to_string()),
            cell(breach.action.name()),
            number(&or_dash(breach.to_detect.map(span))),
            cell(&or_dash(breach.since_by.clone()))
        );
    }
    close(out);
}

/// What the gates said.
pub(super) fn gates(rollout: &Rollout, out: &mut String) {
    if rollout.gates.is_empty() {
        return nothing(out, "Gates", "No gate result is on record for this candidate.");
    }
    let columns = ["Gate", "Last result", "#Measured", "#Samples", "#Runs", "When", "Evidence"];
    open(out, "Gates", "Results for this candidate alone; a failure that was passed later is kept", &columns);
    for row in &rollout.gates {
        gate(row, out);
    }
    close(out);
}

fn gate(row: &GateRow, out: &mut String) {
    let (class, verdict) = match row.last.as_ref().map(|last| last.verdict) {
        Some(Verdict::Passed) => ("state", "PASS"),
        Some(Verdict::Failed) => ("state warn", "FAIL"),
        Some(Verdict::NotYet) => ("state warn", "NOT YET"),
        None => ("state", "no run"),
    };
    let let_pass = row.let_pass.map(|how| format!(" <span class=\"state warn\">{how}</span>")).unwrap_or_default();
    let mut runs = row.runs.to_string();
    for (n, word) in [(row.failed, "failed"), (row.not_yet, "not yet")] {
        if n > 0 {
            let _ = write!(runs, ", {n} {word}");
        }
    }
    let last = row.last.as_ref();
    let _ = write!(
        out,
        "<tr><th scope=\"row\">{}</th><td><span class=\"{class}\">{verdict}</span>{let_pass}</td>{}{}{}{}<td>{}",
        escape(&row.gate),
        number(&or_dash(last.map(measured))),
        number(&or_dash(last.map(|last| last.samples.to_string()))),
        number(&runs),
        cell(&or_dash(last.map(|last| moment(last.at)))),
        escape(&or_dash(last.map(|last| last.note.clone()).filter(|note| !note.is_empty())))
    );
    if row.from_before {
        out.push_str("<br>from before this rollout, still counted");
    }
    for evidence in last.into_iter().chain(&row.last_failure) {
        if evidence.details.is_empty() {
            continue;
        }
        let word = if evidence.verdict == Verdict::Failed { "what failed" } else { "details" };
        let _ = write!(out, "<details><summary>{} {word}</summary><ul>", evidence.details.len());
        for line in &evidence.details {
            let _ = write!(out, "<li>{}</li>", escape(line));
        }
        out.push_str("</ul></details>");
    }
    if let Some(failure) = &row.last_failure {
        let _ = write!(out, "<br>failed at {}: {}", moment(failure.at), escape(&failure.note));
    }
    out.push_str("</td></tr>");
}

/// What people decided.
pub(super) fn decisions(rollout: &Rollout, out: &mut String) {
    if rollout.decisions.is_empty() {
        return nothing(out, "Decisions and notes", "None besides the orders.");
    }
    open(out, "Decisions and notes", "Overrides, signatures, pauses and notes", &["Time", "Who", "What", "Reason"]);
    for decision in &rollout.decisions {
        let about = decision.about.as_ref().map(|about| format!(" {}", escape(about))).unwrap_or_default();
        let _ = write!(
            out,
            "<tr><td class=\"t\">{}</td>{}<td><strong>{}</strong>{about}</td>{}</tr>",
            clock(decision.at, rollout.began),
            cell(&who(&decision.by, &decision.via)),
            decision.what,
            cell(&or_dash(decision.reason.clone()))
        );
    }
    close(out);
}
