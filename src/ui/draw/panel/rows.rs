//! What a side's servers export of themselves: a line with a sparkline each, and what has no room or was not found.

use ratatui::layout::Rect;

use super::spark::spark;
use super::{Figure, Sheet};
use crate::domain::in_unit;
use crate::domain::metric::Unit;
use crate::domain::{Measure, Side};
use crate::engine::Snapshot;
use crate::engine::snapshot::{GuardStatus, MetricStatus};
use crate::engine::words;
use crate::ui::draw::canvas::Canvas;
use crate::ui::text::{fit, width};
use crate::ui::theme::Role;

/// The rows that have a line each: those that some server exports.
pub(super) fn drawn(snapshot: &Snapshot) -> impl Iterator<Item = (usize, &str)> {
    let exported = |name: &str| {
        Side::BOTH.iter().any(|&side| snapshot.status.sides[side].metrics.get(name).is_some_and(|row| !row.missing))
    };
    snapshot.detail.rows.iter().map(String::as_str).enumerate().filter(move |(_, name)| exported(name))
}

/// Lines that all of them would take.
pub(super) fn wanted(snapshot: &Snapshot) -> u16 {
    drawn(snapshot).count().min(24) as u16
}

/// One row in the line `area`.
pub(super) fn draw(canvas: &mut Canvas<'_>, area: Rect, sheet: &Sheet<'_>, side: Side, (at, name): (usize, &str)) {
    let [label, value_wide, delta_wide, limit_wide, word_wide] = sheet.beside;
    let y = area.y;
    let is_back = canvas.view.cursor.is_some();
    let of = |side: Side| sheet.snapshot.status.sides[side].metrics.get(name).copied();
    let unit = of(side).map_or(Unit::Count, |row| row.unit);
    let space = label.saturating_sub(1);
    canvas.put(area.x + 1, y, space, &fit(name, usize::from(space)), Role::Dim);
    let cells = cells(sheet, side, at);
    if sheet.axis.columns >= 4 {
        let top = Side::BOTH.map(|side| highest(&self::cells(sheet, side, at))).into_iter().fold(0.0, f64::max);
        spark(canvas, area.x + label, y, 1, &cells, top, side);
        if let Some(at) = sheet.axis.cursor() {
            canvas.mark(Rect { x: area.x + label + at as u16, y, width: 1, height: 1 });
        }
    }
    let then = |side: Side| *self::cells(sheet, side, at).get(sheet.axis.cursor()?)?;
    let value = |side: Side| if is_back { then(side) } else { of(side).and_then(|row| row.value) };
    let guard = guard(sheet.snapshot, side, name);
    let over = guard.is_some_and(GuardStatus::is_broken) && !is_back;
    let role = if over { Role::Fail } else { Role::Text };
    let right = area.right() - (limit_wide + delta_wide + word_wide).min(area.width);
    let spelled = value(side).map_or_else(|| "-".into(), |value| short(value, unit));
    canvas.put_right(right, y, value_wide, &spelled, if value(side).is_none() { Role::Dim } else { role });
    let blue = value(Side::Blue).filter(|_| side == Side::Green);
    if let Some(delta) = blue.zip(value(side)).and_then(|(blue, green)| delta(blue, green, unit)) {
        canvas.put_right(right + delta_wide, y, delta_wide, &delta, role);
    }
    let Some(guard) = guard else { return };
    let end = area.right() - word_wide.min(area.width);
    let sign = match (over, guard.bound.at_least, canvas.ascii) {
        (true, false, _) | (false, true, true) => ">",
        (true, true, _) | (false, false, true) => "<",
        (false, false, false) => canvas.set.le,
        (false, true, false) => canvas.set.ge,
    };
    let text = format!("{sign}{}", short(guard.bound.limit, unit));
    canvas.put_right(end, y, limit_wide, &text, if over { Role::Fail } else { Role::Dim });
    let word = if over { words::broken(guard) } else { "ok" };
    canvas.put(end + 1, y, word_wide.saturating_sub(2), word, if over { Role::Fail } else { Role::Dim });
}

/// The strictest guard on it.
fn guard<'a>(snapshot: &'a Snapshot, side: Side, name: &str) -> Option<&'a GuardStatus> {
    let guards = snapshot.status.guards.iter();
    let mine = |guard: &&GuardStatus| guard.side == side && guard.row.as_deref() == Some(name);
    guards.filter(mine).min_by(|a, b| a.bound.limit.total_cmp(&b.bound.limit))
}

/// The highest value of each column.
fn cells(sheet: &Sheet<'_>, side: Side, at: usize) -> Vec<Option<f64>> {
    let mut cells = vec![None; sheet.axis.columns];
    let Some(points) = sheet.snapshot.history[side].rows.get(at) else { return cells };
    for (column, value) in sheet.axis.points(points) {
        let value = f64::from(*value);
        cells[column] = Some(cells[column].map_or(value, |before: f64| before.max(value)));
    }
    cells
}

fn highest(cells: &[Option<f64>]) -> f64 {
    cells.iter().flatten().copied().fold(0.0, f64::max)
}

/// A value in a few columns.
fn short(value: f64, unit: Unit) -> String {
    in_unit(value, unit.name()).replace("iB", "").replace(" ms", "ms")
}

/// Green against blue: the difference for counts and percentages, else percent.
fn delta(blue: f64, green: f64, unit: Unit) -> Option<String> {
    match unit {
        Unit::Count => Some(format!("{:+.0}", green - blue)).filter(|text| !matches!(text.as_str(), "+0" | "-0")),
        Unit::Share => Some(format!("{:+.0}", (green - blue) * 100.0)),
        Unit::Ms | Unit::Bytes if blue > 0.0 => {
            let change = (green / blue - 1.0) * 100.0;
            Some(if change >= 999.5 { "x10+".into() } else { format!("{change:+.0}%") })
        }
        // A side's rate goes with its share of the traffic.
        _ => None,
    }
}

/// A broken guard whose figure is not in the panel: `LOW tokens 118/s`, `LOW throughput -40.00%`.
pub(super) fn broken(snapshot: &Snapshot, side: Side, shown: u16) -> Option<String> {
    let drawn: Vec<&str> = drawn(snapshot).take(usize::from(shown)).map(|(_, name)| name).collect();
    let is_unseen = |guard: &&GuardStatus| {
        let is_drawn = guard.row.as_deref().is_some_and(|row| drawn.contains(&row));
        guard.side == side && !Figure::shows(guard.metric) && !is_drawn
    };
    let guard = snapshot.status.guards.iter().filter(is_unseen).find(|guard| guard.is_broken())?;
    let value = guard.value.map_or_else(|| "-".into(), |value| in_unit(value, &guard.unit));
    let sign = if guard.metric.measure() == Measure::Drop { "-" } else { "" };
    Some(format!("{} {} {sign}{value}", words::broken(guard), words::subject(guard)))
}

/// Rows beyond the first `shown`, and what was not found: `mem 1.2 GiB  not found: gpu, vram`; empty without either.
pub(super) fn rest(snapshot: &Snapshot, side: Side, shown: u16, space: usize) -> String {
    let rows = &snapshot.status.sides[side].metrics;
    let mut text = String::new();
    for (_, name) in drawn(snapshot).skip(usize::from(shown)) {
        let value = rows.get(name).and_then(|row| Some(in_unit(row.value?, row.unit.name())));
        let fact = format!("{name} {}", value.unwrap_or_else(|| "-".into()));
        let gap = if text.is_empty() { "" } else { "  " };
        if width(&text) + gap.len() + width(&fact) > space {
            break;
        }
        text = format!("{text}{gap}{fact}");
    }
    let is_missing = |name: &&String| rows.get(name.as_str()).is_some_and(|row: &MetricStatus| row.missing);
    let missing: Vec<&str> = snapshot.detail.rows.iter().filter(is_missing).map(String::as_str).collect();
    if missing.is_empty() {
        return text;
    }
    let gap = if text.is_empty() { "" } else { "  " };
    fit(&format!("{text}{gap}not found: {}", missing.join(", ")), space)
}
