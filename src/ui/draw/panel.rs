//! One side: its role and version, what it answers, and how that changed; now, or at the time cursor.

mod facts;
mod figure;
mod rows;
pub(super) mod spark;

use ratatui::layout::Rect;

use self::facts::{facts, wanted};
use self::figure::FIGURES;
pub(super) use self::figure::Figure;
use self::spark::{Cells, Scale, spark};
use super::canvas::{Canvas, side_role, version_name};
use crate::domain::{Pair, Side};
use crate::engine::Snapshot;
use crate::engine::snapshot::{GuardStatus, Source};
use crate::ui::text::{age, clock, fit, left, millis, percent, width};
use crate::ui::theme::Role;
use crate::ui::view::Pane;
use crate::ui::view::cursor::{Axis, beside, spark_columns};

/// How a panel uses its height: rows per figure, and lines of facts below them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shape {
    pub rows: u16,
    /// Lines of what the servers export of themselves.
    pub metrics: u16,
    pub facts: u16,
}

impl Shape {
    /// The height of a panel, with its frame.
    pub(super) const fn height(self) -> u16 {
        self.rows * FIGURES.len() as u16 + self.metrics + self.facts + 2
    }
}

/// What both panels are drawn from.
struct Sheet<'a> {
    snapshot: &'a Snapshot,
    /// Columns beside the sparkline: label, value, difference, limit, word.
    beside: [u16; 5],
    axis: Axis,
    cells: Pair<Cells>,
    scale: Scale,
}

impl<'a> Sheet<'a> {
    fn of(canvas: &Canvas<'a>, inner: u16) -> Option<Self> {
        let snapshot = canvas.shown()?;
        let axis = Axis::of(canvas.view, snapshot, spark_columns(inner));
        let cells = Pair::from_fn(|side| Cells::of(snapshot, side, &axis));
        let scale = Scale::of(snapshot, &cells);
        Some(Self { snapshot, beside: beside(inner), axis, cells, scale })
    }

    /// Whether both sides' figures are of the same kind: our probes are not the users' traffic.
    fn compares(&self) -> bool {
        let sides = &self.snapshot.status.sides;
        sides.blue.source == sides.green.source
    }

    /// The figure of a side now, or in the column under the cursor.
    fn value(&self, side: Side, figure: Figure, back: bool) -> Option<f64> {
        if back {
            return *self.cells[side].of_figure(figure).get(self.axis.cursor()?)?;
        }
        figure.value(&self.snapshot.status.sides[side])
    }
}

/// How many lines all facts need, in panels `width` wide.
pub(super) fn facts_wanted(canvas: &Canvas<'_>, width: u16) -> u16 {
    let lines = |snapshot| Side::BOTH.map(|side| wanted(snapshot, side, width.saturating_sub(2)));
    canvas.shown().map_or(1, |snapshot| lines(snapshot).into_iter().max().unwrap_or(1))
}

/// The lines that what the servers export of themselves would take.
pub(super) fn metrics_wanted(canvas: &Canvas<'_>) -> u16 {
    canvas.shown().map_or(0, rows::wanted)
}

/// Both sides beside one another, and where the focus is if it is on one of them.
pub(super) fn panels(canvas: &mut Canvas<'_>, area: Rect, shape: Shape) -> Option<(u16, u16)> {
    let blue = Rect { width: area.width / 2, ..area };
    let green = Rect { x: blue.right(), width: area.width - blue.width, ..area };
    let sheet = Sheet::of(canvas, blue.width.saturating_sub(2));
    let cursor = panel(canvas, blue, Side::Blue, shape, sheet.as_ref(), false);
    panel(canvas, green, Side::Green, shape, sheet.as_ref(), false).or(cursor)
}

/// A side alone: higher sparklines, everything that is known of it, and what is wrong with it.
pub(super) fn zoomed(canvas: &mut Canvas<'_>, area: Rect, side: Side) -> Option<(u16, u16)> {
    let metrics = metrics_wanted(canvas).min(area.height.saturating_sub(12));
    let rows = (area.height.saturating_sub(6 + metrics) / FIGURES.len() as u16).clamp(1, 4);
    let least = Shape { rows, metrics, facts: 0 };
    let shape = Shape { facts: area.height.saturating_sub(least.height()), ..least };
    let sheet = Sheet::of(canvas, area.width.saturating_sub(2));
    panel(canvas, area, side, shape, sheet.as_ref(), true)
}

fn panel(
    canvas: &mut Canvas<'_>,
    area: Rect,
    side: Side,
    shape: Shape,
    sheet: Option<&Sheet<'_>>,
    alone: bool,
) -> Option<(u16, u16)> {
    let Some(sheet) = sheet else {
        canvas.frame(area, &[(side.title(), side_role(side))], "", (&[], ""));
        return None;
    };
    let inner = frame(canvas, area, sheet, side, shape.metrics);
    let mut y = inner.y;
    for figure in FIGURES {
        if y + shape.rows > inner.bottom() {
            break;
        }
        row(canvas, Rect { y, height: shape.rows, ..inner }, sheet, side, figure);
        y += shape.rows;
    }
    let shown: Vec<(usize, &str)> = rows::drawn(sheet.snapshot).take(usize::from(shape.metrics)).collect();
    for it in shown.iter().take(usize::from(inner.bottom().saturating_sub(y))) {
        rows::draw(canvas, Rect { y, height: 1, ..inner }, sheet, side, *it);
        y += 1;
    }
    let below = Rect {
        x: inner.x + 1,
        y,
        width: inner.width.saturating_sub(2),
        height: inner.bottom().saturating_sub(y).min(shape.facts),
    };
    facts(canvas, below, sheet.snapshot, side, (alone, shape.metrics));
    let pane = if side == Side::Blue { Pane::Blue } else { Pane::Green };
    (canvas.view.focus == pane && inner.height > 0).then_some((inner.x, inner.y))
}

fn frame(canvas: &mut Canvas<'_>, area: Rect, sheet: &Sheet<'_>, side: Side, metrics: u16) -> Rect {
    let status = &sheet.snapshot.status.sides[side];
    let wide = area.width >= 58;
    let number = if side == Side::Blue { "1 " } else { "2 " };
    let focused = canvas.view.focus == if side == Side::Blue { Pane::Blue } else { Pane::Green };
    let (ready, fault) = readiness(canvas, sheet.snapshot, side);
    let space = usize::from(area.width).saturating_sub(14 + ready.len() + 12).max(4);
    let name = fit(version_name(sheet.snapshot, side), space);
    let gap = if wide { "  " } else { " " };
    let title = if wide { format!("{:<5} {name}", side.title()) } else { format!("{} {name}", side.title()) };
    let right = match (canvas.view.cursor, canvas.view.cursor_back()) {
        (Some(at), Some(_)) if !wide => format!("AT {}", clock(at)),
        (Some(at), Some(back)) => format!("AT {}  -{}", clock(at), left(back.num_seconds() as f64)),
        _ if wide => format!("{ready}   last {}", age(sheet.axis.span_s() as f64)),
        _ => ready,
    };
    // What a side was for at another time is not known.
    let role = if canvas.view.cursor.is_some() { "" } else { status.role.title() };
    // Where both have no room, what is wrong comes before what the side is for.
    let both = number.len() + width(&title) + gap.len() + role.len() + 1 + fault.len() + 6;
    let role = if !fault.is_empty() && both > usize::from(area.width) { "" } else { role };
    let gap = if role.is_empty() { "" } else { gap };
    let source = source(canvas, sheet, side);
    let legend = legend(canvas, sheet, side, wide);
    let unseen = if canvas.view.cursor.is_some() { None } else { rows::broken(sheet.snapshot, side, metrics) };
    let unseen = unseen.unwrap_or_default();
    let below = width(&source) + width(&unseen) + 2;
    let legend = if below + width(&legend) + 10 > usize::from(area.width) { "" } else { &legend };
    canvas.frame(
        area,
        &[
            (number, if focused { Role::Focus } else { Role::Title }),
            (&title, side_role(side)),
            (gap, Role::Title),
            (role, if focused { Role::Focus } else { Role::Title }),
            (if fault.is_empty() { "" } else { " " }, Role::Border),
            (&fault, Role::Fail),
        ],
        &right,
        (
            &[(&source, Role::Dim), (if unseen.is_empty() { "" } else { "  " }, Role::Dim), (&unseen, Role::Fail)],
            legend,
        ),
    )
}

/// What the figures are of.
fn source(canvas: &Canvas<'_>, sheet: &Sheet<'_>, side: Side) -> String {
    let source = match sheet.snapshot.status.sides[side].source {
        Some(Source::Traffic) => "traffic",
        Some(Source::Probes) => "probes",
        Some(Source::Metrics) => "metrics",
        None => return "no data".into(),
    };
    match (canvas.view.cursor, sheet.axis.per_s) {
        (None, _) => format!("{source}, 1 min"),
        (Some(_), 1) => format!("{source}, that second"),
        (Some(_), per_s) => format!("{source}, worst of {per_s} s"),
    }
}

fn legend(canvas: &Canvas<'_>, sheet: &Sheet<'_>, side: Side, wide: bool) -> String {
    match (wide, side) {
        (false, _) => String::new(),
        (true, Side::Blue) => "same scale both sides; ~ own scale".to_owned(),
        (true, Side::Green) if !sheet.compares() => "not the same kind as blue's".to_owned(),
        (true, Side::Green) => format!("{} vs blue", canvas.set.delta),
    }
}

/// `6/6 ready`, `6/6 warm` for the side to go back to; and a word when something is wrong.
fn readiness(canvas: &Canvas<'_>, snapshot: &Snapshot, side: Side) -> (String, String) {
    let status = &snapshot.status.sides[side];
    let word = if snapshot.status.rollback.to == side { "warm" } else { "ready" };
    let all = status.replicas;
    let ready = status.ready.map_or_else(|| "?".to_owned(), |n| n.to_string());
    let fault = match status.ready {
        Some(0) if all > 0 => "DOWN",
        Some(n) if n < all => "FAULT",
        _ if !status.faults.is_empty() => "FAULT",
        None => "UNPROBED",
        Some(_) => "",
    };
    let old = status.age_s.map(|s| s + canvas.view.pane_elapsed_s(canvas.now)).filter(|s| *s >= 10.0);
    match (old, fault) {
        (None, "DOWN" | "FAULT") => (format!("{ready}/{all}"), fault.to_owned()),
        (None, _) => (format!("{ready}/{all} {word}"), fault.to_owned()),
        (Some(s), "") => (format!("{ready}/{all}"), format!("OLD {}", age(s))),
        (Some(s), _) => (format!("{ready}/{all}"), format!("{fault} OLD {}", age(s))),
    }
}

/// A value against its limit: the word, and how it is drawn.
fn judged(value: Option<f64>, limit: Option<f64>, breached: bool) -> (&'static str, Role) {
    match value.zip(limit) {
        _ if breached => ("OVER", Role::Fail),
        Some((value, limit)) if value > limit => ("OVER", Role::Fail),
        Some((value, limit)) if value >= limit * 0.95 => ("NEAR", Role::Warn),
        Some(_) => ("ok", Role::Text),
        None => ("", Role::Text),
    }
}

/// One figure; label and numbers are on the lowest of its rows.
fn row(canvas: &mut Canvas<'_>, area: Rect, sheet: &Sheet<'_>, side: Side, figure: Figure) {
    let [label, value_wide, delta_wide, limit_wide, word_wide] = sheet.beside;
    let wide = label > 5;
    let y = area.bottom() - 1;
    let back = canvas.view.cursor.is_some();
    let value = sheet.value(side, figure, back);
    let guard = figure.guard(sheet.snapshot, side);
    let breached = guard.is_some_and(GuardStatus::is_broken);
    let (word, role) = judged(value, guard.map(|guard| guard.bound.limit), breached && !back);
    canvas.put(area.x + 1, y, label.saturating_sub(1), figure.label(wide), Role::Dim);
    if sheet.axis.columns >= 4 {
        let (x, cells) = (area.x + label, sheet.cells[side].of_figure(figure));
        spark(canvas, x, y, area.height, cells, sheet.scale.top(figure, side), side);
        if let Some(at) = sheet.axis.cursor() {
            canvas.mark(Rect { x: x + at as u16, width: 1, ..area });
        }
    }
    let right = area.right() - (limit_wide + delta_wide + word_wide).min(area.width);
    let spelled = value.map_or_else(|| "-".into(), |value| figure.spell(value, wide));
    canvas.put_right(right, y, value_wide, &spelled, if value.is_none() { Role::Dim } else { role });
    let blue = sheet.value(Side::Blue, figure, back).filter(|_| side == Side::Green && sheet.compares());
    if let Some(delta) = blue.zip(value).and_then(|(blue, green)| figure.delta(blue, green)) {
        let mark = if word_wide == 0 && matches!(word, "OVER" | "NEAR") { "!" } else { "" };
        canvas.put_right(right + delta_wide, y, delta_wide, &format!("{delta}{mark}"), role);
    }
    let Some(guard) = guard else { return };
    let over = word == "OVER";
    let sign = match (over, canvas.ascii) {
        (true, _) => ">",
        (false, true) => "<",
        (false, false) => canvas.set.le,
    };
    let text = format!("{sign}{}", figure.limit(guard.bound.limit, wide));
    let end = area.right() - word_wide.min(area.width);
    canvas.put_right(end, y, limit_wide, &text, if over { Role::Fail } else { Role::Dim });
    canvas.put(end + 1, y, word_wide.saturating_sub(2), word, if word == "ok" { Role::Dim } else { role });
}

/// A side in one line, for screens too small for panels.
pub(super) fn line(canvas: &mut Canvas<'_>, area: Rect, side: Side) {
    let Some(sheet) = Sheet::of(canvas, area.width / 2) else { return };
    let snapshot = sheet.snapshot;
    let status = &snapshot.status.sides[side];
    let (ready, fault) = readiness(canvas, snapshot, side);
    let back = canvas.view.cursor;
    let p99 = sheet.value(side, Figure::P99, back.is_some()).map_or_else(|| "-".into(), |ms| millis(ms, ""));
    let errors = sheet.value(side, Figure::Errors, back.is_some()).map_or_else(|| "-".into(), percent);
    let ready = if fault.is_empty() { ready } else { format!("{ready} {fault}") };
    let ready = back.map_or(ready, |at| format!("AT {}", clock(at)));
    let right = if area.width < 40 {
        format!("p99 {p99} {}", ready.trim_end_matches(" ready").trim_end_matches(" warm"))
    } else {
        format!("p99 {p99} err {errors} {ready} ")
    };
    let space = usize::from(area.width).saturating_sub(width(&right) + width(status.role.title()) + 9).max(3);
    let left =
        format!(" {} {}", side.title(), fit(version_name(snapshot, side), space.min(usize::from(area.width) / 3)));
    canvas.line(
        area,
        &[(&left, side_role(side)), (" ", Role::Text), (status.role.title(), Role::Text)],
        &[(&right, Role::Text)],
    );
}
