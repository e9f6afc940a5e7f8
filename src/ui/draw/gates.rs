//! The gates: state, value against limit, age, note; now, or at the time cursor.

mod columns;
mod guards;

use std::fmt::Write as _;

use ratatui::layout::Rect;

use self::columns::Columns;
use self::guards::guards;
pub(super) use self::guards::guards_wanted;
use super::attention;
use super::canvas::Canvas;
use super::evidence::evidence;
use super::plot::{figures, plot};
use crate::engine::Snapshot;
use crate::engine::detail::GatePoint;
use crate::engine::snapshot::{GateState, GateStatus};
use crate::ui::text::{age, clock, count, fit, limit_number, millis, percent};
use crate::ui::theme::Role;
use crate::ui::view::cursor::stood;
use crate::ui::view::{Pane, View};

/// A gate's state, now or at the time cursor.
struct Row<'a> {
    gate: &'a GateStatus,
    /// `None` where nothing is known of that time.
    state: Option<GateState>,
    value: Option<f64>,
    samples: u64,
    age_s: Option<f64>,
    note: &'a str,
    trail: &'a [GatePoint],
}

impl<'a> Row<'a> {
    fn of(gate: &'a GateStatus, snapshot: &'a Snapshot, view: &View, now_ms: u64) -> Self {
        let trail = snapshot.detail.trail(&gate.name);
        let Some(at) = view.cursor else {
            return Self {
                gate,
                state: Some(gate.status),
                value: gate.value,
                samples: gate.samples,
                age_s: gate.age_s.map(|s| s + view.pane_elapsed_s(now_ms)),
                note: &gate.note,
                trail,
            };
        };
        let (point, run) = stood(trail, at);
        Self {
            gate,
            state: point.map(|point| point.state),
            value: run.and_then(|run| run.value),
            samples: run.map_or(0, |run| run.samples),
            age_s: run.map(|run| (at - run.at).as_seconds_f64()),
            note: point
                .map_or("", |point| if point.note.is_empty() { run.map_or("", |run| &run.note) } else { &point.note }),
            trail: &trail[..trail.partition_point(|point| point.at <= at)],
        }
    }

    fn fails(&self) -> bool {
        self.state == Some(GateState::Failed)
    }

    fn role(&self) -> Role {
        match self.state {
            Some(GateState::Failed) if self.gate.required => Role::Fail,
            Some(GateState::Failed | GateState::NotYet | GateState::Stale) => attention(false),
            Some(GateState::Passed | GateState::Overridden) => Role::Ok,
            Some(GateState::Running) => Role::Title,
            Some(GateState::Pending) | None => Role::Text,
        }
    }

    fn value(&self) -> String {
        match (self.value, self.state) {
            (Some(value), _) => in_unit(value, &self.gate.unit, false),
            (None, Some(GateState::Passed)) => "ok".into(),
            _ => String::new(),
        }
    }

    /// The values of its runs, the newest last.
    fn values(&self) -> impl DoubleEndedIterator<Item = f64> {
        self.trail.iter().filter(|point| point.run).filter_map(|point| point.value)
    }
}

fn rows<'a>(canvas: &Canvas<'a>) -> Vec<Row<'a>> {
    let Some(snapshot) = canvas.shown() else { return Vec::new() };
    snapshot.status.gates.iter().map(|gate| Row::of(gate, snapshot, canvas.view, canvas.now)).collect()
}

/// The pane; `boxed` draws a frame around it.
pub(super) fn gates(canvas: &mut Canvas<'_>, area: Rect, boxed: bool) -> Option<(u16, u16)> {
    let gates = rows(canvas);
    let inner = surround(canvas, area, boxed, &gates);
    let focused = canvas.view.focus == Pane::Gates;
    canvas.shown()?;
    if gates.is_empty() {
        let text = " no gates are configured: nothing blocks but your own consent";
        canvas.put(inner.x, inner.y, inner.width.min(area.width), text, Role::Dim);
        guards(canvas, Rect { y: inner.y + 1, height: inner.height.saturating_sub(1), ..inner });
        return (focused && inner.height > 0).then_some((inner.x, inner.y));
    }
    let trend = gates.iter().any(|gate| gate.values().nth(1).is_some());
    let columns = Columns::of(inner.width, boxed, trend);
    let mut list = inner;
    if columns.headed() && usize::from(inner.height) > gates.len() {
        columns.heads(canvas, Rect { height: 1, ..inner });
        list = Rect { y: inner.y + 1, height: inner.height - 1, ..inner };
    }
    let rows = usize::from(list.height);
    let selected = canvas.view.gate.min(gates.len() - 1);
    let mut order: Vec<usize> = (0..gates.len()).collect();
    if order.len() > rows && !focused {
        // What does not fit must not hide what blocks.
        order.sort_by_key(|&at| gates[at].state.is_some_and(GateState::lets_pass));
    }
    let first = if focused { (selected + 1).saturating_sub(rows) } else { 0 };
    let mut cursor = None;
    for (row, &at) in order.iter().skip(first).take(rows).enumerate() {
        let line = Rect { y: list.y + row as u16, height: 1, ..list };
        draw_gate(canvas, line, &gates[at], &columns);
        if focused && at == selected {
            canvas.restyle(Rect { x: line.x + 1, width: line.width.saturating_sub(2), ..line }, Role::Selected);
            cursor = Some((line.x, line.y));
        }
    }
    let headed = list.y - inner.y;
    let below = (gates.len().min(usize::from(list.height))) as u16 + headed;
    guards(canvas, Rect { y: inner.y + below, height: inner.height.saturating_sub(below), ..inner });
    cursor
}

/// The pane alone: below the list, all the evidence of the gate that is selected.
pub(super) fn zoomed(canvas: &mut Canvas<'_>, area: Rect) -> Option<(u16, u16)> {
    let cursor = gates(canvas, area, true);
    let snapshot = canvas.shown()?;
    let gate = snapshot.status.gates.get(canvas.view.gate.min(snapshot.status.gates.len().checked_sub(1)?))?;
    let inner = Rect { x: area.x + 1, width: area.width.saturating_sub(2), ..area };
    // The list has a line per gate, and one for the heads of its columns.
    let from = area.y.saturating_add(snapshot.status.gates.len().min(500) as u16 + 3 + guards_wanted(canvas));
    let rows = area.bottom().saturating_sub(from + 1);
    if rows < 4 {
        return cursor;
    }
    let title = [("EVIDENCE ", Role::Title), (gate.name.as_str(), Role::Text)];
    canvas.rule(Rect { y: from - 1, height: 1, ..inner }, &title, "");
    let below = Rect { x: inner.x + 1, y: from, width: inner.width.saturating_sub(2), height: rows };
    let below = load(canvas, below, &gate.name);
    for (y, line) in (below.y..below.bottom()).zip(evidence(Some(snapshot), &gate.name)) {
        canvas.put(below.x, y, below.width, &line, Role::Text);
    }
    cursor
}

/// How the load of the gate goes or went, where it has one; what is left of `area`.
fn load(canvas: &mut Canvas<'_>, area: Rect, gate: &str) -> Rect {
    let Some(load) = canvas.shown().and_then(|snapshot| snapshot.detail.load_of(gate)) else { return area };
    let words: &[String] = if load.running { &figures(&load.run) } else { &[] };
    // A small pane shows the picture alone: `e` has the words too.
    let high = usize::from(if area.height < 16 { area.height } else { (area.height * 3 / 5).min(20) });
    let rows = plot(&load.run, area.width.into(), high.saturating_sub(words.len()), canvas.set);
    let lines = words.iter().map(|text| vec![(text.clone(), Role::Text)]).chain(rows);
    let mut y = area.y;
    for line in lines.take(area.height.into()) {
        let parts: Vec<(&str, Role)> = line.iter().map(|(text, role)| (text.as_str(), *role)).collect();
        canvas.parts(area.x, y, area.width, &parts);
        y += 1;
    }
    // A line between the picture and the words below it.
    let y = if y > area.y { (y + 1).min(area.bottom()) } else { y };
    Rect { y, height: area.bottom() - y, ..area }
}

/// The frame or the rule of the pane, and what is inside.
fn surround(canvas: &mut Canvas<'_>, area: Rect, boxed: bool, gates: &[Row<'_>]) -> Rect {
    let focused = canvas.view.focus == Pane::Gates;
    let elapsed = canvas.view.pane_elapsed_s(canvas.now);
    let old = match canvas.view.cursor {
        Some(at) => format!("  AT {}", clock(at)),
        None if elapsed >= 10.0 => format!("  OLD {}", age(elapsed)),
        None => String::new(),
    };
    let counts = counts(gates);
    let title = [
        ("3 GATES", if focused { Role::Focus } else { Role::Title }),
        (counts.as_str(), Role::Text),
        (old.as_str(), Role::Fail),
    ];
    let required = gates.iter().filter(|row| row.gate.required).count();
    let required = if gates.is_empty() { String::new() } else { format!("required {required}") };
    if !boxed {
        canvas.rule(area, &title, &required);
        return Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area };
    }
    let hint = if area.width >= 90 { "Enter why   e evidence" } else { "Enter why" };
    let named = |wanted: fn(&Row<'_>) -> bool| {
        let names: Vec<&str> = gates.iter().filter(|row| wanted(row)).map(|row| row.gate.name.as_str()).collect();
        names.join(", ")
    };
    let mut below = String::new();
    if area.width >= 90 {
        let blocking = named(|row| row.gate.required && !row.state.is_some_and(GateState::lets_pass));
        let overridden = named(|row| row.state == Some(GateState::Overridden));
        let space = usize::from(area.width) / 3;
        for (word, names) in [("blocking: ", blocking), ("overridden: ", overridden)] {
            if !names.is_empty() {
                let gap = if below.is_empty() { "" } else { "   " };
                // Writing to a string cannot fail.
                let _ = write!(below, "{gap}{word}{}", fit(&names, space));
            }
        }
    }
    canvas.frame(area, &title, hint, (&[(&below, Role::Dim)], &required))
}

/// All gates in one line.
pub(super) fn summary(canvas: &mut Canvas<'_>, area: Rect) {
    if canvas.shown().is_none() {
        return;
    }
    let gates = rows(canvas);
    let failing = gates.iter().find(|row| row.fails());
    let failing = failing.map_or_else(String::new, |row| format!("  FAIL! {}", row.gate.name));
    let counts = if gates.is_empty() { "  none".to_owned() } else { counts(&gates) };
    canvas.parts(area.x, area.y, area.width, &[(" GATES", Role::Title), (&counts, Role::Text), (&failing, Role::Fail)]);
}

/// `  4 PASS  1 RUN  1 FAIL`
fn counts(gates: &[Row<'_>]) -> String {
    let order = [
        GateState::Passed,
        GateState::Running,
        GateState::Failed,
        GateState::Overridden,
        GateState::NotYet,
        GateState::Stale,
        GateState::Pending,
    ];
    let mut out = String::new();
    for state in order {
        let n = gates.iter().filter(|row| row.state == Some(state)).count();
        if n > 0 {
            // Writing to a string cannot fail.
            let _ = write!(out, "  {n} {}", state.title());
        }
    }
    out
}

fn draw_gate(canvas: &mut Canvas<'_>, area: Rect, row: &Row<'_>, columns: &Columns) {
    let (x, y, right) = (area.x, area.y, area.right());
    let role = row.role();
    let mark = if row.fails() { "!" } else { "" };
    let title = row.state.map_or("?", GateState::title);
    canvas.parts(x + 1, y, right.saturating_sub(x + 1), &[(title, role), (mark, role)]);
    let value = row.value();
    let space = (columns.value_to - columns.name).saturating_sub(crate::ui::text::width(&value) as u16 + 1);
    let name_role = if row.gate.required { Role::Text } else { Role::Dim };
    canvas.put(x + columns.name, y, space.min(columns.name_max()), &row.gate.name, name_role);
    let value_role = if row.fails() { role } else { Role::Text };
    canvas.put_right(x + columns.value_to, y, columns.value_to - columns.name, &value, value_role);
    let old = row.age_s.map_or_else(String::new, age);
    let Some(note_at) = columns.note else {
        canvas.put_right(right.saturating_sub(1), y, 6, &old, Role::Dim);
        return;
    };
    let sign = if row.gate.at_least { canvas.set.ge } else { canvas.set.le };
    if let Some(limit) = row.gate.limit {
        let text = format!("{sign}{}", in_unit(limit, &row.gate.unit, true));
        canvas.put(x + columns.limit, y, columns.limit_max(), &text, Role::Dim);
    }
    if let Some(to) = columns.samples_to.filter(|_| row.samples > 0) {
        canvas.put_right(x + to, y, 9, &count(row.samples), Role::Text);
    }
    canvas.put_right(x + columns.age_to, y, 4, &old, Role::Dim);
    if let Some(at) = columns.trend {
        trend(canvas, x + at, y, row);
    }
    let optional = if row.gate.required { "" } else { "optional  " };
    // The title of the box says it already.
    let hint = if row.fails() && !columns.boxed { "; Enter=why" } else { "" };
    let space = right.saturating_sub(x + note_at + 1);
    let note = format!("{optional}{}", row.note);
    let note = fit(&note, usize::from(space).saturating_sub(hint.len()).max(8));
    canvas.parts(x + note_at, y, space, &[(&note, Role::Text), (hint, Role::Dim)]);
}

/// The last values on a scale of their own, newest at the right; small changes stay small.
fn trend(canvas: &mut Canvas<'_>, x: u16, y: u16, row: &Row<'_>) {
    let mut values: Vec<f64> = row.values().rev().take(usize::from(columns::TREND)).collect();
    if values.len() < 2 {
        return;
    }
    values.reverse();
    let (low, high) = values.iter().fold((f64::MAX, f64::MIN), |(low, high), v| (low.min(*v), high.max(*v)));
    let span = (high - low).max(high.abs() * 0.1).max(f64::MIN_POSITIVE);
    let from = f64::midpoint(high, low) - span / 2.0;
    let glyph = |value: &f64| canvas.set.ramp[(((value - from) / span * 7.0).round().clamp(0.0, 7.0)) as usize];
    let line: String = values.iter().map(glyph).collect();
    canvas.put_right(x + columns::TREND, y, columns::TREND, &line, Role::Dim);
}

/// A value or limit of a gate with its unit.
pub(super) fn in_unit(value: f64, unit: &str, limit: bool) -> String {
    match unit {
        "ratio" if limit && value < 0.01 => format!("{}%", limit_number(value * 100.0)),
        "ratio" => percent(value),
        "ms" => millis(value, ""),
        "count" | "" => limit_number(value),
        other => format!("{} {}", limit_number(value), fit(other, 6)),
    }
}
