//! The report as Markdown, to be pasted into the ticket of an incident.

use std::fmt::Write as _;

use super::model::{GateRow, Report, Rollout, StepSide};
use super::page::{nothing, rollouts_told};
use super::words::{self, clock, measured, moment, ms, or_dash, plain, rate, span, span_or, who};
use crate::domain::Side;

/// The report as Markdown.
pub(crate) fn markdown(report: &Report) -> String {
    let mut out = String::new();
    if !report.faults.is_empty() {
        out.push_str("> **The record is damaged.** This report holds what can still be read.\n");
        for fault in &report.faults {
            let _ = writeln!(out, "> - {}", text(&plain(fault)));
        }
        out.push('\n');
    }
    for rollout in &report.rollouts {
        one(report, rollout, &mut out);
    }
    if report.rollouts.is_empty() {
        let _ = writeln!(out, "# {}\n\nNothing to tell: {}.\n", text(&plain(&report.service)), nothing(report));
    }
    let _ = writeln!(
        out,
        "---\n\nMade {} by cutover {} from {} journal records; {}.",
        moment(report.made),
        text(&report.cutover),
        report.records,
        rollouts_told(report)
    );
    out
}

/// Text escaped for Markdown: it makes no markup, no HTML and no mention.
pub(super) fn text(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len() + 8);
    for c in raw.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '@' => out.push_str("&#64;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' | '~' | '!' => {
                out.push('\\');
                out.push(c);
            }
            '\n' | '\r' => out.push(' '),
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out
}

fn one(report: &Report, rollout: &Rollout, out: &mut String) {
    let (live, side) = (rollout.live, rollout.candidate);
    let place =
        if report.environment.is_empty() { String::new() } else { format!(" ({})", plain(&report.environment)) };
    let _ = writeln!(
        out,
        "# {}{}: rollout {}, {} to {}: **{}**\n\n{}\n",
        text(&plain(&report.service)),
        text(&place),
        rollout.number,
        text(&words::version(&rollout.versions, live)),
        text(&words::version(&rollout.versions, side)),
        words::outcome(rollout.outcome),
        text(&rollout.summary)
    );
    times(rollout, out);
    if !rollout.unknown.is_empty() {
        out.push_str("## Not known\n\n");
        for line in &rollout.unknown {
            let _ = writeln!(out, "- {}", text(line));
        }
        out.push('\n');
    }
    timeline(rollout, out);
    steps(rollout, out);
    orders(rollout, out);
    breaches(rollout, out);
    gates(rollout, out);
    decisions(rollout, out);
}

/// A table; a column that begins with `#` holds numbers.
fn table(out: &mut String, title: &str, columns: &[&str], rows: &[Vec<String>]) {
    let _ = writeln!(out, "## {title}\n");
    if rows.is_empty() {
        out.push_str("None on record.\n\n");
        return;
    }
    let heads: Vec<&str> = columns.iter().map(|column| column.trim_start_matches('#')).collect();
    let rules: Vec<&str> = columns.iter().map(|column| if column.starts_with('#') { "--:" } else { "---" }).collect();
    let _ = writeln!(out, "| {} |\n| {} |", heads.join(" | "), rules.join(" | "));
    for row in rows {
        let _ = writeln!(out, "| {} |", row.join(" | "));
    }
    out.push('\n');
}

fn times(rollout: &Rollout, out: &mut String) {
    let times = &rollout.times;
    let mut rows = vec![
        vec!["begun".into(), format!("{} by {}", moment(rollout.began), text(&rollout.by))],
        vec!["ended".into(), rollout.ended.map_or_else(|| "goes on".into(), moment)],
        vec!["from begin to end".into(), span(times.total)],
    ];
    if !rollout.breaches.is_empty() {
        let from = times.to_detect_from.as_ref().map(|from| format!(" (from {from})")).unwrap_or_default();
        rows.push(vec!["time to detect".into(), format!("{}{}", span_or(times.to_detect), text(&from))]);
    }
    if let Some(back) = times.to_roll_back {
        rows.push(vec!["time to roll back".into(), span(back)]);
    }
    rows.push(vec!["bake with part of the traffic".into(), or_dash(times.bake.map(span))]);
    rows.push(vec!["at 100 %".into(), or_dash(times.window.map(span))]);
    if times.paused > 0.0 {
        rows.push(vec!["paused".into(), span(times.paused)]);
    }
    table(out, "In short", &["", ""], &rows);
}

fn timeline(rollout: &Rollout, out: &mut String) {
    let row = |line: &super::model::Milestone| {
        let told = if line.warn { format!("**{}**", text(&line.text)) } else { text(&line.text) };
        vec![clock(line.at, rollout.began), text(&line.by), told]
    };
    let rows: Vec<_> = rollout.timeline.iter().map(row).collect();
    let title = format!("Timeline (UTC, {})", rollout.began.format("%Y-%m-%d"));
    table(out, &title, &["time", "who", "what"], &rows);
}

fn steps(rollout: &Rollout, out: &mut String) {
    let mut rows = Vec::new();
    for step in &rollout.steps {
        for side in Side::BOTH {
            let long = span(words::seconds(step.from, step.to));
            let mut row = vec![format!("{} %", step.percent), clock(step.from, rollout.began), long, side.to_string()];
            row.extend(measures(step.sides[side].as_ref()));
            rows.push(row);
        }
    }
    let columns = ["#candidate", "#from", "#for", "side", "#p50", "#p99", "#worst p99", "#failed", "#requests/s"];
    table(out, "Step by step", &columns, &rows);
}

fn measures(side: Option<&StepSide>) -> [String; 5] {
    let Some(side) = side else { return std::array::from_fn(|_| "–".into()) };
    let latency = |value: Option<f64>| or_dash(value.map(ms));
    let rps = format!("{:.1}", side.rps);
    [latency(side.p50), latency(side.p99), latency(side.p99_worst), rate(side.error_rate), rps]
}

fn orders(rollout: &Rollout, out: &mut String) {
    let row = |order: &super::model::OrderRow| {
        let from = order.from.map_or_else(|| "?".into(), |from| from.to_string());
        vec![
            clock(order.at, rollout.began),
            text(&who(&order.by, &order.via)),
            order.verb.into(),
            format!("{from} → {} %", order.target),
            order.state.to_uppercase(),
            or_dash(order.took.map(span)),
            text(&or_dash(order.why.clone())),
            text(&or_dash(order.detail.clone())),
        ]
    };
    let rows: Vec<_> = rollout.orders.iter().map(row).collect();
    table(out, "Orders", &["time", "who", "order", "#share", "state", "#took", "why", "what came of it"], &rows);
}

fn breaches(rollout: &Rollout, out: &mut String) {
    let row = |breach: &super::model::Breach| {
        vec![
            clock(breach.at, rollout.began),
            format!("{} on {}", text(breach.subject()), breach.side),
            breach.seen(),
            breach.allowed(),
            breach.samples.to_string(),
            text(breach.action.name()),
            or_dash(breach.to_detect.map(span)),
            text(&or_dash(breach.since_by.clone())),
        ]
    };
    let rows: Vec<_> = rollout.breaches.iter().map(row).collect();
    let columns = ["time", "guard", "#value", "#limit", "#requests", "did", "#detected after", "counted from"];
    table(out, "Guards that acted", &columns, &rows);
}

fn gates(rollout: &Rollout, out: &mut String) {
    let row = |row: &GateRow| {
        let last = row.last.as_ref();
        let result = last.map_or("no run", |last| last.verdict.title());
        let let_pass = row.let_pass.map(|how| format!(", **{how}**")).unwrap_or_default();
        let before = if row.from_before { "from before; " } else { "" };
        let mut note = format!("{before}{}", last.map(|last| last.note.clone()).unwrap_or_default());
        if let Some(failure) = &row.last_failure {
            let _ = write!(note, "; failed at {}: {}", moment(failure.at), failure.note);
        }
        vec![
            text(&row.gate),
            format!("{result}{let_pass}"),
            or_dash(last.map(measured)),
            or_dash(last.map(|last| last.samples.to_string())),
            format!("{} ({} failed, {} not yet)", row.runs, row.failed, row.not_yet),
            or_dash(last.map(|last| moment(last.at))),
            text(&note),
        ]
    };
    let rows: Vec<_> = rollout.gates.iter().map(row).collect();
    table(out, "Gates", &["gate", "last result", "#measured", "#samples", "#runs", "when", "evidence"], &rows);
    for row in &rollout.gates {
        for evidence in row.last.iter().chain(&row.last_failure).filter(|evidence| !evidence.details.is_empty()) {
            let _ = writeln!(out, "{} {}:\n", text(&row.gate), evidence.verdict.title());
            for line in &evidence.details {
                let _ = writeln!(out, "- {}", text(line));
            }
            out.push('\n');
        }
    }
}

fn decisions(rollout: &Rollout, out: &mut String) {
    let row = |decision: &super::model::Decision| {
        let about = decision.about.as_ref().map(|about| format!(" {about}")).unwrap_or_default();
        vec![
            clock(decision.at, rollout.began),
            text(&who(&decision.by, &decision.via)),
            text(&format!("{}{about}", decision.what)),
            text(&or_dash(decision.reason.clone())),
        ]
    };
    let rows: Vec<_> = rollout.decisions.iter().map(row).collect();
    table(out, "Decisions and notes", &["time", "who", "what", "reason"], &rows);
}
