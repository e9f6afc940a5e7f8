//! The report as Markdown, to be pasted into the ticket of an incident.

use std::fmt::Write as _;

use super::escape::markdown as text;
use super::model::{Report, Rollout};
use super::tables::tables;
use super::words::{self, moment, nothing, on_record, or_dash, plain, span, span_or};

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
        on_record(report)
    );
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
    for table in tables(rollout) {
        table.markdown(out);
        if table.title == "Gates" {
            details(rollout, out);
        }
    }
}

fn details(rollout: &Rollout, out: &mut String) {
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

fn times(rollout: &Rollout, out: &mut String) {
    let times = &rollout.times;
    let mut rows = vec![
        ("begun", format!("{} by {}", moment(rollout.began), text(&rollout.by))),
        ("ended", rollout.ended.map_or_else(|| "goes on".into(), moment)),
        ("from begin to end", span(times.total)),
    ];
    if !rollout.breaches.is_empty() {
        let from = times.to_detect_from.as_ref().map(|from| format!(" (from {from})")).unwrap_or_default();
        rows.push(("time to detect", format!("{}{}", span_or(times.to_detect), text(&from))));
    }
    if let Some(back) = times.to_roll_back {
        rows.push(("time to roll back", span(back)));
    }
    rows.push(("bake with part of the traffic", or_dash(times.bake.map(span))));
    rows.push(("at 100 %", or_dash(times.window.map(span))));
    if times.paused > 0.0 {
        rows.push(("paused", span(times.paused)));
    }
    out.push_str("## In short\n\n|  |  |\n| --- | --- |\n");
    for (name, value) in rows {
        let _ = writeln!(out, "| {name} | {value} |");
    }
    out.push('\n');
}
