//! The gates: state, value against limit, age, note.

use std::fmt::Write as _;

use ratatui::layout::Rect;

use super::attention;
use super::canvas::Canvas;
use crate::engine::snapshot::{GateState, GateStatus, Status};
use crate::ui::text::{age, fit, limit_number, millis, percent};
use crate::ui::theme::Role;
use crate::ui::view::Pane;

/// The pane; `boxed` draws a frame around it.
pub fn gates(canvas: &mut Canvas<'_>, area: Rect, boxed: bool) -> Option<(u16, u16)> {
    let status = canvas.shown().map(|snapshot| &snapshot.status);
    let (counts, required) = status.map_or_else(Default::default, |status| (counts(status), required(status)));
    let focused = canvas.view.focus == Pane::Gates;
    let title = [("3 GATES", if focused { Role::Focus } else { Role::Title }), (counts.as_str(), Role::Text)];
    let inner = if boxed {
        canvas.frame(area, &title, "Enter why", ["", &required])
    } else {
        canvas.rule(area, &title, &required);
        Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area }
    };
    let status = status?;
    if status.gates.is_empty() {
        let text = " no gates are configured: nothing blocks but your own consent";
        canvas.put(inner.x, inner.y, inner.width.min(area.width), text, Role::Dim);
        return None;
    }
    let rows = usize::from(inner.height);
    let selected = canvas.view.gate.min(status.gates.len() - 1);
    let mut order: Vec<usize> = (0..status.gates.len()).collect();
    if order.len() > rows && !focused {
        // What does not fit must not hide what blocks.
        order.sort_by_key(|&at| status.gates[at].status.lets_pass());
    }
    let first = if focused { (selected + 1).saturating_sub(rows) } else { 0 };
    let mut cursor = None;
    for (row, &at) in order.iter().skip(first).take(rows).enumerate() {
        let line = Rect { y: inner.y + row as u16, height: 1, ..inner };
        draw_gate(canvas, line, &status.gates[at], boxed);
        if focused && at == selected {
            canvas.restyle(Rect { x: line.x + 1, width: line.width.saturating_sub(2), ..line }, Role::Selected);
            cursor = Some((line.x, line.y));
        }
    }
    cursor
}

/// All gates in one line.
pub fn summary(canvas: &mut Canvas<'_>, area: Rect) {
    let Some(snapshot) = canvas.shown() else { return };
    let status = &snapshot.status;
    let failing = status.gates.iter().find(|gate| gate.status == GateState::Failed);
    let failing = failing.map_or_else(String::new, |gate| format!("  FAIL! {}", gate.name));
    let counts = if status.gates.is_empty() { "  none".to_owned() } else { counts(status) };
    canvas.parts(area.x, area.y, area.width, &[(" GATES", Role::Title), (&counts, Role::Text), (&failing, Role::Fail)]);
}

/// `  4 PASS  1 RUN  1 FAIL`
fn counts(status: &Status) -> String {
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
        let n = status.gates.iter().filter(|gate| gate.status == state).count();
        if n > 0 {
            // Writing to a string cannot fail.
            let _ = write!(out, "  {n} {}", state.title());
        }
    }
    out
}

fn required(status: &Status) -> String {
    let n = status.gates.iter().filter(|gate| gate.required).count();
    if status.gates.is_empty() { String::new() } else { format!("required {n}") }
}

fn draw_gate(canvas: &mut Canvas<'_>, area: Rect, gate: &GateStatus, boxed: bool) {
    // Where the columns end, as drawn for 80 columns and for a box.
    let (name_at, value_to, age_to) = if boxed { (7, 32, 47) } else { (6, 33, 49) };
    let (x, y, right) = (area.x, area.y, area.right());
    let role = match gate.status {
        GateState::Failed if gate.required => Role::Fail,
        GateState::Failed | GateState::NotYet | GateState::Stale => attention(false),
        GateState::Passed | GateState::Overridden => Role::Ok,
        GateState::Running => Role::Title,
        GateState::Pending => Role::Text,
    };
    let mark = if gate.status == GateState::Failed { "!" } else { "" };
    canvas.parts(x + 1, y, right.saturating_sub(x + 1), &[(gate.status.title(), role), (mark, role)]);
    let value = value(gate);
    let narrow = area.width < 56;
    let value_to = if narrow { area.width.saturating_sub(8).max(name_at) } else { value_to };
    let name_max = (value_to - name_at).saturating_sub(value.len() as u16 + 1);
    canvas.put(x + name_at, y, name_max, &gate.name, if gate.required { Role::Text } else { Role::Dim });
    canvas.put_right(
        x + value_to,
        y,
        value_to - name_at,
        &value,
        if gate.status == GateState::Failed { role } else { Role::Text },
    );
    let old = gate.age_s.map_or_else(String::new, |s| age(s + canvas.view.pane_elapsed_s(canvas.now)));
    if narrow {
        canvas.put_right(right.saturating_sub(1), y, 6, &old, Role::Dim);
        return;
    }
    let sign = if gate.at_least { canvas.set.ge } else { canvas.set.le };
    if let Some(limit) = gate.limit {
        let text = format!("{sign}{}", in_unit(limit, &gate.unit, true));
        canvas.put(x + value_to + 1, y, age_to - value_to - 5, &text, Role::Dim);
    }
    canvas.put_right(x + age_to, y, 4, &old, Role::Dim);
    let optional = if gate.required { "" } else { "optional  " };
    let hint = if gate.status == GateState::Failed { "; Enter=why" } else { "" };
    let space = right.saturating_sub(x + age_to + 2 + 1);
    let note = format!("{optional}{}", gate.note);
    let note = fit(&note, usize::from(space).saturating_sub(hint.len()).max(8));
    canvas.parts(x + age_to + 2, y, space, &[(&note, Role::Text), (hint, Role::Dim)]);
}

fn value(gate: &GateStatus) -> String {
    match (gate.value, gate.status) {
        (Some(value), _) => in_unit(value, &gate.unit, false),
        (None, GateState::Passed) => "ok".into(),
        _ => String::new(),
    }
}

/// A value or limit of a gate with its unit.
pub fn in_unit(value: f64, unit: &str, limit: bool) -> String {
    match unit {
        "ratio" if limit && value < 0.01 => format!("{}%", limit_number(value * 100.0)),
        "ratio" => percent(value),
        "ms" => millis(value, ""),
        "count" | "" => limit_number(value),
        other => format!("{} {}", limit_number(value), fit(other, 6)),
    }
}
