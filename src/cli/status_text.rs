//! The status document as a compact table of at most 80 columns.

use super::out::Style;
use super::span;
use crate::domain::{OrderState, Side, in_unit};
use crate::engine::Status;
use crate::engine::snapshot::{GateState, GateStatus, GuardState, GuardStatus, Latency, SideStatus, Source};
use crate::engine::words;

/// The width of the table.
const WIDTH: usize = 80;
/// The width of the split bar.
const BAR: usize = 40;

/// The whole table.
pub(crate) fn render(status: &Status, style: Style) -> String {
    let mut lines = vec![style.bold(&clip(&head(status), WIDTH)), clip(&bar(status, style), WIDTH)];
    lines.extend(sides(status));
    if !status.gates.is_empty() {
        lines.push(style.bold("gates"));
        lines.extend(status.gates.iter().flat_map(|it| gate(it, style)));
    }
    if !status.guards.is_empty() {
        lines.push(style.bold("guards"));
        lines.extend(status.guards.iter().map(|it| guard(it, style)));
    }
    lines.extend(order(status));
    for fault in &status.faults {
        lines.extend(wrap("FAULT     ", &fault.text));
    }
    for note in &status.notes {
        lines.extend(wrap("NOTE      ", note));
    }
    for (commands, because) in blocked(status) {
        lines.extend(wrap("BLOCKED   ", &format!("{}: {because}", commands.join(", "))));
    }
    lines.extend(rollback(status));
    lines.extend(driver(status));
    let mut text = lines.iter().map(|line| line.trim_end()).collect::<Vec<_>>().join("\n");
    text.push('\n');
    text
}

fn head(status: &Status) -> String {
    let step = &status.step;
    let environment =
        if status.environment.is_empty() { String::new() } else { format!("{} ", status.environment.to_uppercase()) };
    let bake = step.bake_left_s.filter(|&left| left > 0.0);
    let bake = bake.map(|left| format!(" bake {}", span::show(left))).unwrap_or_default();
    let age = status.data_age_s.map_or_else(|| "none".to_owned(), span::show);
    let stale = if status.stale { " STALE" } else { "" };
    format!(
        "{environment}{}   {} {}/{}{bake}   {}   state {}   data {age}{stale}",
        status.service,
        status.phase.title(),
        step.index,
        step.of,
        status.backend,
        status.digest
    )
}

fn bar(status: &Status, style: Style) -> String {
    let name = |side: Side| {
        let version = status.sides[side].version.as_ref().map_or("?", |version| version.name.as_str());
        clip(version, 12)
    };
    let Some(observed) = status.split.observed else {
        return format!("split unknown: the traffic system was not read{}", mixed(status));
    };
    let (full, empty) = if style.ascii { ('#', ':') } else { ('█', '▒') };
    let blue = observed.share(Side::Blue);
    // A side with any traffic has at least one cell.
    let cells = match blue {
        0 => 0,
        100 => BAR,
        share => (usize::from(share) * BAR + 50).div_euclid(100).clamp(1, BAR - 1),
    };
    let bar: String = (0..BAR).map(|cell| if cell < cells { full } else { empty }).collect();
    let green = observed.share(Side::Green);
    format!("BLUE {} {blue}% {bar} {green}% GREEN {}", name(Side::Blue), name(Side::Green))
}

fn mixed(status: &Status) -> String {
    status.split.mixed.as_ref().map(|mixed| format!(" ({mixed})")).unwrap_or_default()
}

/// `90/10`, with the requested split if it differs.
pub(crate) fn split(status: &Status) -> String {
    let show = |split: Option<crate::domain::Split>| split.map_or_else(|| "unknown".to_owned(), |s| s.to_string());
    let (observed, desired) = (show(status.split.observed), show(status.split.desired));
    let asked = if status.split.desired.is_some() && desired != observed {
        format!(", asked for {desired}")
    } else {
        String::new()
    };
    let drift = if status.split.drift { " DRIFT" } else { "" };
    format!("{observed}{asked}{drift}{}", mixed(status))
}

fn sides(status: &Status) -> Vec<String> {
    let row = |name: &str, of: &dyn Fn(&SideStatus) -> String| {
        let cell = |side| clip(&of(&status.sides[side]), 32);
        format!("{name:<14}{:<33}{}", cell(Side::Blue), cell(Side::Green))
    };
    let mut lines = vec![
        format!("split         {}", split(status)),
        format!(
            "{:<14}{:<33}{}",
            "",
            format!("BLUE {}", status.sides.blue.role.title()),
            format!("GREEN {}", status.sides.green.role.title())
        ),
        row("version", &|side| match &side.version {
            Some(version) => format!("{} ({})", clip(&version.name, 24), version.digest.short()),
            None => "unknown".into(),
        }),
        row("ready", &|side| {
            let ready = side.ready.map_or_else(|| "?".to_owned(), |ready| ready.to_string());
            format!("{ready}/{}   {}", side.replicas, side.age_s.map_or_else(|| "never seen".into(), span::show))
        }),
        row("p50/p95/p99", &|side| latency(side.latency_ms, side.source)),
        row("errors", &|side| side.error_rate.map_or_else(|| "-".into(), percent)),
        row("rps", &|side| side.rps.map_or_else(|| "-".into(), |rps| format!("{rps:.0}   n={}", side.samples))),
        row("probe", &|side| latency(side.probe_ms, None)),
    ];
    for side in Side::BOTH {
        for fault in &status.sides[side].faults {
            lines.extend(wrap(&format!("{} FAULT  ", side.title()), fault));
        }
    }
    lines
}

fn latency(latency: Latency, source: Option<Source>) -> String {
    let ms = |value: Option<f64>| match value {
        Some(value) if value < 10.0 => format!("{value:.1}"),
        Some(value) => format!("{value:.0}"),
        None => "-".into(),
    };
    let source = match source {
        Some(Source::Traffic) => " traffic",
        Some(Source::Probes) => " probes",
        Some(Source::Metrics) => " metrics",
        None => "",
    };
    match (latency.p50, latency.p95, latency.p99) {
        (None, None, None) => "-".into(),
        (p50, p95, p99) => format!("{} / {} / {} ms{source}", ms(p50), ms(p95), ms(p99)),
    }
}

fn percent(rate: f64) -> String {
    format!("{:.2}%", rate * 100.0)
}

fn value(value: f64, unit: &str) -> String {
    match unit {
        "ratio" => percent(value),
        "ms" => format!("{value:.0}ms"),
        _ => format!("{value}"),
    }
}

/// The measured value of a gate and its limit.
pub(crate) fn measured(gate: &GateStatus) -> String {
    let sign = if gate.at_least { ">=" } else { "<=" };
    let limit = gate.limit.map(|limit| format!(" {sign} {}", value(limit, &gate.unit))).unwrap_or_default();
    match gate.value {
        Some(measured) => format!("{}{limit} {}", value(measured, &gate.unit), gate.note),
        None => gate.note.clone(),
    }
}

/// A gate, with its first misses if it failed.
pub(crate) fn gate(gate: &GateStatus, style: Style) -> Vec<String> {
    let mark = if gate.required && !gate.status.lets_pass() { '!' } else { ' ' };
    let age = gate.age_s.map(span::show).unwrap_or_default();
    let required = if gate.required { "" } else { "(optional) " };
    let title = format!(" {:<5}{mark}", gate.status.title());
    let rest = format!("{:<16} {age:>6}  {required}{}", clip(&gate.name, 16), measured(gate));
    let rest = clip(&rest, WIDTH - 7);
    let is_bad = matches!(gate.status, GateState::Failed | GateState::Stale);
    let mut lines = vec![if is_bad { format!("{}{rest}", style.bold(&title)) } else { format!("{title}{rest}") }];
    if gate.status == GateState::Failed {
        lines.extend(gate.details.iter().take(5).map(|detail| clip(&format!("        {detail}"), WIDTH)));
    }
    lines
}

/// `OK`, `OVER`, `LOW`, ...
pub(crate) const fn guard_title(guard: &GuardStatus) -> &'static str {
    match guard.status {
        GuardState::Off => "OFF",
        GuardState::NotYet => "NYET",
        GuardState::Ok => "OK",
        GuardState::Breach => words::broken(guard),
        GuardState::Tripped => "TRIP",
    }
}

/// The measured value of a guard and its limit, in words.
pub(crate) fn guard_values(guard: &GuardStatus) -> String {
    if guard.status == GuardState::Off {
        return format!("{} {}", words::bound(guard), in_unit(guard.bound.limit, &guard.unit));
    }
    format!("{} (n={})", words::guard(guard), guard.samples)
}

fn guard(guard: &GuardStatus, style: Style) -> String {
    let title = format!(" {:<5} ", guard_title(guard));
    let action = guard.then.name();
    let name = format!("{} {}", guard.name(), guard.side);
    let counted = format!("{}/{}", guard.breaches, guard.consecutive);
    let rest = clip(&format!("{name:<16} {}  {counted} then {action}", guard_values(guard)), WIDTH - 7);
    let is_bad = guard.is_broken();
    if is_bad { format!("{}{rest}", style.bold(&title)) } else { format!("{title}{rest}") }
}

fn order(status: &Status) -> Vec<String> {
    let Some(order) = &status.last_order else {
        return Vec::new();
    };
    let late = if order.late { " LATE" } else { "" };
    let took = match order.state {
        OrderState::Verified => format!("after {}", span::show(order.took_s)),
        _ => format!("since {}", span::show(order.took_s)),
    };
    let detail = order.detail.as_ref().map(|detail| format!(": {detail}")).unwrap_or_default();
    let text = format!(
        "{} {} by {} > {} {}{late} {took}{detail}",
        order.command,
        order.id,
        order.by,
        order.target,
        order.state.title()
    );
    wrap("ORDER     ", &text)
}

/// Blockers with the commands they block, in the order of their first mention.
fn blocked(status: &Status) -> Vec<(Vec<&str>, &str)> {
    let mut reasons: Vec<(Vec<&str>, &str)> = Vec::new();
    for blocked in &status.blocked {
        match reasons.iter_mut().find(|(_, because)| *because == blocked.because) {
            Some((commands, _)) => commands.push(blocked.command.verb()),
            None => reasons.push((vec![blocked.command.verb()], &blocked.because)),
        }
    }
    reasons
}

fn rollback(status: &Status) -> Vec<String> {
    let rollback = &status.rollback;
    if rollback.ready && !rollback.needed {
        return vec!["ROLLBACK NOT NEEDED".into()];
    }
    let window = rollback.window_left_s.map(|left| format!(", window {}", span::show(left))).unwrap_or_default();
    let took = rollback.last_took_s.map(|took| format!(", last order took {}", span::show(took))).unwrap_or_default();
    let served = rollback.served_rps.map(|rps| format!(", served {rps:.0}/s at its peak")).unwrap_or_default();
    let because = rollback.because.as_ref().map(|because| format!(": {because}")).unwrap_or_default();
    let lead = if rollback.ready { "ROLLBACK READY  " } else { "ROLLBACK NOT READY  " };
    wrap(
        lead,
        &format!("to {}, {}{window}{took}{served}{because}", rollback.to, words::way_back(rollback, status.time)),
    )
}

fn driver(status: &Status) -> Vec<String> {
    match &status.driver.holder {
        Some(holder) => wrap("DRIVER    ", holder),
        None => Vec::new(),
    }
}

/// `text` in lines of at most [`WIDTH`]. The first starts with `lead`; the others are indented by the same width.
fn wrap(lead: &str, text: &str) -> Vec<String> {
    let width = lead.chars().count();
    let words: Vec<String> = text.split(' ').map(|word| clip(word, WIDTH - width)).collect();
    crate::manual::markdown::wrap(&words.join(" "), lead, &" ".repeat(width), WIDTH)
}

/// At most `width` characters; truncation is marked.
fn clip(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    text.chars().take(width.saturating_sub(1)).chain(['~']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::testing::status;
    use crate::engine::snapshot::{Fault, FaultKind};

    #[test]
    fn every_line_fits_and_ascii_is_ascii() {
        let mut status = status();
        let text = "the replicas of green disagree on the version: ".repeat(4);
        status.faults.push(Fault::new(FaultKind::Version, text));
        status.notes.push("blue: 2 sessions still open ".repeat(6));
        status.gates[0].name = "x".repeat(70);
        status.gates[0].status = GateState::Failed;
        status.gates[0].details = vec!["y".repeat(200)];
        status.sides.green.version = Some(crate::domain::Version::from_text(&"v".repeat(90)));
        let text = render(&status, Style { color: false, ascii: true });
        assert!(text.is_ascii(), "{text}");
        for line in text.lines() {
            assert!(line.len() <= WIDTH, "{} columns: {line}", line.len());
        }
    }

    #[test]
    fn a_little_traffic_is_seen_in_the_bar() {
        let mut status = status();
        for (share, cells) in [(0, 0), (1, 1), (50, 20), (99, 39), (100, 40)] {
            status.split.observed = Some(crate::domain::Split::toward(Side::Green, share));
            let bar = bar(&status, Style { color: false, ascii: true });
            assert_eq!(bar.matches(':').count(), cells, "{bar}");
        }
    }

    #[test]
    fn the_table_reads_like_this() {
        insta::assert_snapshot!(render(&status(), Style { color: false, ascii: true }));
    }

    #[test]
    fn a_way_back_that_leads_nowhere_is_not_called_ready() {
        let mut status = status();
        for (ready, needed, said) in [
            (true, true, "ROLLBACK READY  to blue"),
            (true, false, "ROLLBACK NOT NEEDED\n"),
            (false, false, "ROLLBACK NOT READY  to blue"),
        ] {
            (status.rollback.ready, status.rollback.needed) = (ready, needed);
            let text = render(&status, Style { color: false, ascii: true });
            assert!(text.contains(said) && text.matches("ROLLBACK").count() == 1, "{text}");
        }
    }

    #[test]
    fn what_is_not_known_is_no_zero() {
        let mut status = status();
        status.split.observed = None;
        status.data_age_s = None;
        status.sides.green.latency_ms = Latency::default();
        status.sides.green.rps = None;
        status.sides.green.error_rate = None;
        let text = render(&status, Style::default());
        assert!(text.contains("split unknown") && text.contains("data none"), "{text}");
        assert!(!text.contains("0.00%  ") && !text.contains(" 0 / 0"), "{text}");
    }
}
