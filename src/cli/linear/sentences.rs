//! States and lists in sentences for a screen reader. No meaning depends on a position, and lists are numbered.

use std::fmt::Write as _;

use crate::cli::{span, status_text};
use crate::dialogue::find_gate;
use crate::domain::{LogLine, Metric, Side};
use crate::engine::snapshot::{GateState, GateStatus, Latency, Source};
use crate::engine::{Command, Status, words};

/// The state of the rollout.
pub(super) fn status(status: &Status) -> Vec<String> {
    let step = &status.step;
    let environment = if status.environment.is_empty() { "none" } else { &status.environment };
    let bake = step.bake_left_s.filter(|left| *left > 0.0);
    let mut bake = bake.map(|left| format!(", bakes for {}", span::show(left))).unwrap_or_default();
    if let Some(why) = &step.waits {
        // Writing to a string cannot fail.
        let _ = write!(bake, ", waits: {why}");
    }
    let age = status.data_age_s.map_or_else(|| "none yet".to_owned(), |age| format!("{} old", span::show(age)));
    let stale = if status.stale { ", STALE" } else { "" };
    let mut lines = vec![
        format!("service {}, environment {environment}", status.service),
        format!(
            "phase {}, step {} of {}{bake}; state {}; data {age}{stale}",
            status.phase.title(),
            step.index,
            step.of,
            status.digest
        ),
        format!("split {}", split(status)),
    ];
    lines.extend(Side::BOTH.map(|side| one_side(status, side)));
    lines.push(summary(&status.gates));
    lines.extend(status.guards.iter().map(|guard| {
        let (name, title) = (guard.name(), status_text::guard_title(guard));
        format!("guard {name} on {}: {title} {}", guard.side, status_text::guard_values(guard))
    }));
    lines.push(way_back(status));
    if let Some(order) = &status.last_order {
        let (verb, id, how) = (order.command, &order.id, order.state.title());
        lines.push(format!("last order {verb} {id} by {}: {how}, split {}", order.by, order.target));
    }
    lines.push(driver(status));
    lines.extend(status.faults.iter().map(|fault| format!("FAULT {fault}")));
    lines.extend(status.notes.iter().map(|note| format!("NOTE {note}")));
    lines.push(match status.blockers(&Command::Promote).next() {
        Some(blocked) => format!("promote is blocked: {}", blocked.because),
        None => "nothing blocks promote".into(),
    });
    lines
}

/// `blue 90 percent, green 10 percent`.
fn split(status: &Status) -> String {
    let drift = if status.split.drift { "; DRIFT, nobody asked for it" } else { "" };
    let mixed = status.split.mixed.as_ref().map(|mixed| format!("; mixed: {mixed}")).unwrap_or_default();
    match status.split.observed {
        Some(seen) => {
            let (blue, green) = (seen.share(Side::Blue), seen.share(Side::Green));
            format!("blue {blue} percent, green {green} percent{drift}{mixed}")
        }
        None => format!("unknown: the traffic system was not read{mixed}"),
    }
}

fn one_side(status: &Status, side: Side) -> String {
    let it = &status.sides[side];
    let version = it.version.as_ref().map_or("version unknown", |version| version.name.as_str());
    let ready = it.ready.map_or_else(|| "unknown".to_owned(), |ready| ready.to_string());
    let errors = it.error_rate.map_or_else(|| "unknown".into(), |rate| format!("{:.2} percent", rate * 100.0));
    let rate = it.rps.map_or_else(|| "unknown".into(), |rps| format!("{rps:.0} a second"));
    let (name, role, replicas) = (side.name(), it.role.title(), it.replicas);
    let latency = latency(it.latency_ms, it.source);
    format!("{name} {version}, {role}, ready {ready} of {replicas}; {latency}; errors {errors}; requests {rate}")
}

fn latency(latency: Latency, source: Option<Source>) -> String {
    let of = match source {
        Some(Source::Traffic) => "of traffic",
        Some(Source::Probes) => "of probes",
        Some(Source::Metrics) => "as the servers count it",
        None => return "latency unknown".into(),
    };
    let ms = |name, value: Option<f64>| match value {
        Some(ms) => format!("{name} {ms:.0} ms"),
        None => format!("{name} unknown"),
    };
    format!("latency {of} {}, {}", ms(Metric::P50.name(), latency.p50), ms(Metric::P99.name(), latency.p99))
}

fn summary(gates: &[GateStatus]) -> String {
    if gates.is_empty() {
        return "gates: none".into();
    }
    let states = [
        GateState::Passed,
        GateState::Failed,
        GateState::Overridden,
        GateState::Running,
        GateState::Pending,
        GateState::NotYet,
        GateState::Stale,
    ];
    let count = |state: GateState| gates.iter().filter(|gate| gate.status == state).count();
    let told = states.into_iter().filter(|state| count(*state) > 0);
    let told: Vec<String> = told.map(|state| format!("{} {}", count(state), state.title())).collect();
    format!("gates: {}", told.join(", "))
}

fn way_back(status: &Status) -> String {
    let back = &status.rollback;
    let window = back.window_left_s.map(|left| format!(", window open for {}", span::show(left))).unwrap_or_default();
    match (&back.because, back.ready, back.needed) {
        (_, true, false) => format!("nothing to roll back: {} takes all traffic", back.to),
        (_, true, true) => format!("rollback ready to {}, {}{window}", back.to, words::way_back(back, status.time)),
        (because, false, _) => {
            let because = because.as_ref().map(|because| format!(": {because}")).unwrap_or_default();
            format!("rollback NOT ready to {}{because}", back.to)
        }
    }
}

/// Who drives, as a sentence.
pub(super) fn driver(status: &Status) -> String {
    match (&status.driver.holder, status.driver.read_only) {
        (_, true) => "started read-only: this console only looks".into(),
        (Some(holder), false) => {
            format!("read-only: {holder} drives; this console looks on and can roll back; takeover takes its place")
        }
        (None, false) => "this console drives".into(),
    }
}

/// The gates, numbered.
pub(super) fn gates(gates: &[GateStatus]) -> Vec<String> {
    if gates.is_empty() {
        return vec!["no gates: none stands in the config".into()];
    }
    let line = |(at, gate): (usize, &GateStatus)| {
        let optional = if gate.required { "" } else { ", optional" };
        let age = gate.age_s.map(|age| format!(", {} ago", span::show(age))).unwrap_or_default();
        let line = format!("{}. {} {}{optional}{age} {}", at + 1, gate.name, gate.status.title(), measured(gate));
        line.trim_end().to_owned()
    };
    gates.iter().enumerate().map(line).collect()
}

fn measured(gate: &GateStatus) -> String {
    let said = status_text::measured(gate);
    if said.trim().is_empty() { String::new() } else { format!("({})", said.trim()) }
}

/// One gate, with its results.
pub(super) fn gate(gate: &GateStatus) -> Vec<String> {
    let required = if gate.required { "required" } else { "optional" };
    let head = format!("{} {}, {}, {required} {}", gate.name, gate.status.title(), gate.kind, measured(gate));
    let mut lines = vec![head.trim_end().to_owned()];
    lines.extend(gate.details.iter().enumerate().map(|(at, detail)| format!("{}. {detail}", at + 1)));
    lines
}

/// The gate `named`: by name, or by number in the list.
pub(super) fn find<'a>(gates: &'a [GateStatus], named: &str) -> Result<&'a GateStatus, String> {
    find_gate(gates, named).ok_or_else(|| format!("no gate {named:?}: type gates for the list"))
}

/// The blockers, numbered.
pub(super) fn blocked(status: &Status) -> Vec<String> {
    if status.blocked.is_empty() {
        return vec!["nothing blocks anything".into()];
    }
    let line = |(at, blocked): (usize, &crate::engine::snapshot::Blocked)| {
        format!("{}. {}: {}", at + 1, blocked.command.verb(), blocked.because)
    };
    status.blocked.iter().enumerate().map(line).collect()
}

/// A line of the log.
pub(super) fn log_line(line: &LogLine) -> String {
    format!("{} {} {}: {}", line.at.format("%H:%M:%S"), line.level.title(), line.source, line.text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::out::Style;
    use crate::cli::testing;

    #[test]
    fn the_state_reads_like_this() {
        insta::assert_snapshot!(status(&testing::status()).join("\n"));
    }

    #[test]
    fn lists_are_numbered_and_a_gate_is_found_by_both() {
        let status = testing::status();
        for (at, line) in gates(&status.gates).iter().enumerate() {
            assert!(line.starts_with(&format!("{}. ", at + 1)), "{line}");
        }
        assert_eq!(find(&status.gates, "1").unwrap().name, status.gates[0].name);
        assert_eq!(find(&status.gates, &status.gates[0].name).unwrap().name, status.gates[0].name);
        for named in ["0", "99", "x", ""] {
            assert!(find(&status.gates, named).is_err(), "{named}");
        }
    }

    #[test]
    fn what_the_traffic_system_tells_of_itself_is_said() {
        let mut status = testing::status();
        status.notes.push("blue: 2 sessions still open".into());
        assert!(super::status(&status).contains(&"NOTE blue: 2 sessions still open".to_owned()));
        assert!(status_text::render(&status, Style::default()).contains("\nNOTE      blue: 2 sessions still open\n"));
    }

    #[test]
    fn what_is_not_known_is_no_zero() {
        let mut status = testing::status();
        status.split.observed = None;
        status.sides.green.error_rate = None;
        status.sides.green.rps = None;
        status.sides.green.source = None;
        let text = super::status(&status).join("\n");
        assert!(text.contains("split unknown") && text.contains("latency unknown; errors unknown; requests unknown"));
    }
}
