//! One side: its role and version, what it answers, and how that changed.

use ratatui::layout::Rect;

use super::canvas::{Canvas, side_role, version_name};
use crate::domain::{Metric, Point, Side};
use crate::engine::Snapshot;
use crate::engine::snapshot::{GuardState, GuardStatus, SideStatus, Source};
use crate::ui::text::{age, fit, limit_number, millis, percent, percent_number, rate};
use crate::ui::theme::Role;
use crate::ui::view::Pane;

/// What a row shows.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Figure {
    P50,
    P95,
    P99,
    Errors,
    Rate,
}

const FIGURES: [Figure; 5] = [Figure::P50, Figure::P95, Figure::P99, Figure::Errors, Figure::Rate];

impl Figure {
    const fn metric(self) -> Option<Metric> {
        match self {
            Self::P50 => Some(Metric::P50),
            Self::P95 => Some(Metric::P95),
            Self::P99 => Some(Metric::P99),
            Self::Errors => Some(Metric::ErrorRate),
            Self::Rate => None,
        }
    }

    const fn label(self, wide: bool) -> &'static str {
        match (self, wide) {
            (Self::P50, _) => "p50",
            (Self::P95, _) => "p95",
            (Self::P99, _) => "p99",
            (Self::Errors, false) => "err",
            (Self::Errors, true) => "err%",
            (Self::Rate, _) => "rps~",
        }
    }

    fn value(self, side: &SideStatus) -> Option<f64> {
        match self {
            Self::P50 => side.latency_ms.p50,
            Self::P95 => side.latency_ms.p95,
            Self::P99 => side.latency_ms.p99,
            Self::Errors => side.error_rate,
            Self::Rate => side.rps,
        }
    }

    fn point(self, point: &Point) -> Option<f64> {
        match self {
            Self::P50 => point.p50.map(f64::from),
            Self::P95 => point.p95.map(f64::from),
            Self::P99 => point.p99.map(f64::from),
            Self::Errors => Some(f64::from(point.error_rate)),
            Self::Rate => Some(f64::from(point.rps)),
        }
    }

    fn spell(self, value: f64, wide: bool) -> String {
        match (self, wide) {
            (Self::Errors, false) => percent(value),
            (Self::Errors, true) => percent_number(value),
            (Self::Rate, _) => rate(value),
            (_, wide) => millis(value, if wide { " " } else { "" }),
        }
    }
}

/// Seconds a sparkline column may stand for.
const COLUMN_S: [i64; 11] = [1, 2, 5, 10, 15, 20, 25, 30, 35, 50, 75];

/// Where the columns of a panel are; all relative to the inner left edge.
struct Columns {
    label: u16,
    spark: u16,
    value: u16,
    delta: u16,
    limit: u16,
    wide: bool,
    /// Seconds a sparkline column stands for.
    per_s: i64,
}

impl Columns {
    fn of(inner: u16, snapshot: &Snapshot) -> Self {
        let wide = inner >= 56;
        let (label, value, delta, limit) = if wide { (7, 9, 8, 8) } else { (5, 8, 6, 6) };
        let spark = inner.saturating_sub(label + value + delta + limit);
        // As fine as what there is allows: an operator who has just come sees seconds, not one block. Coarser
        // steps are rare, so that the picture seldom changes its measure.
        let known = Side::BOTH.map(|side| {
            let history = &snapshot.history[side];
            history.traffic.len().max(history.probes.len())
        });
        let known = known.into_iter().max().unwrap_or(0) as i64;
        let per_s = COLUMN_S.into_iter().find(|per_s| per_s * i64::from(spark) >= known).unwrap_or(100);
        Self { label, spark, value, delta, limit, wide, per_s }
    }
}

/// The highest latency on either side's sparklines: both sides are drawn to one scale. For panels `width` wide.
pub fn scale(canvas: &Canvas<'_>, width: u16) -> f64 {
    canvas.shown().map_or(0.0, |snapshot| latency_scale(snapshot, &Columns::of(width.saturating_sub(2), snapshot)))
}

/// The panel of a side; `scale` is from [`scale()`].
pub fn panel(canvas: &mut Canvas<'_>, area: Rect, side: Side, scale: f64) {
    let Some(snapshot) = canvas.shown() else {
        canvas.frame(area, &[(side.title(), side_role(side))], "", ["", ""]);
        return;
    };
    let columns = Columns::of(area.width.saturating_sub(2), snapshot);
    let span = i64::from(columns.spark) * columns.per_s;
    let inner = frame(canvas, area, snapshot, side, span);
    for (row, figure) in FIGURES.iter().enumerate().take(usize::from(inner.height)) {
        let y = inner.y + row as u16;
        draw_row(canvas, Rect { y, height: 1, ..inner }, snapshot, side, *figure, &columns, scale);
    }
}

/// A side alone: the panel, what is wrong with it, and what else is known.
pub fn zoomed(canvas: &mut Canvas<'_>, area: Rect, side: Side) {
    let scale = scale(canvas, area.width);
    panel(canvas, area, side, scale);
    let Some(snapshot) = canvas.shown() else { return };
    let status = &snapshot.status.sides[side];
    let digest = status.version.as_ref().map_or("unknown", |version| version.digest.as_str());
    let probes = status.probe_ms.p99.map_or_else(|| "-".into(), |ms| millis(ms, " "));
    let flying = status.in_flight.map_or_else(|| "-".into(), |n| n.to_string());
    let mut lines = vec![
        format!("version digest {digest}"),
        format!("samples {}   in flight {flying}   probes p99 {probes}", status.samples),
    ];
    lines.extend(status.faults.iter().map(|fault| format!("FAULT {fault}")));
    let from = area.y + 7;
    for (y, line) in (from..area.bottom().saturating_sub(1)).zip(&lines) {
        canvas.put(area.x + 2, y, area.width.saturating_sub(4), line, Role::Text);
    }
}

fn frame(canvas: &mut Canvas<'_>, area: Rect, snapshot: &Snapshot, side: Side, span_s: i64) -> Rect {
    let status = &snapshot.status.sides[side];
    let wide = area.width >= 58;
    let number = if side == Side::Blue { "1 " } else { "2 " };
    let focused = canvas.view.focus == if side == Side::Blue { Pane::Blue } else { Pane::Green };
    let (ready, fault) = readiness(canvas, snapshot, side);
    let name = fit(version_name(snapshot, side), usize::from(area.width).saturating_sub(14 + ready.len() + 12).max(4));
    let gap = if wide { "  " } else { " " };
    let title = if wide { format!("{:<5} {name}", side.title()) } else { format!("{} {name}", side.title()) };
    let span = if wide { format!("   last {}", age(span_s as f64)) } else { String::new() };
    let source = match status.source {
        Some(Source::Traffic) => "traffic, 1 min",
        Some(Source::Probes) => "probes, 1 min",
        None => "no data",
    };
    let below = match (wide, side) {
        (true, Side::Blue) => "same scale both sides; ~ own scale".to_owned(),
        (true, Side::Green) => format!("{} vs blue", canvas.set.delta),
        _ => String::new(),
    };
    canvas.frame(
        area,
        &[
            (number, if focused { Role::Focus } else { Role::Title }),
            (&title, side_role(side)),
            (gap, Role::Title),
            (status.role.title(), if focused { Role::Focus } else { Role::Title }),
            (if fault.is_empty() { "" } else { " " }, Role::Border),
            (fault, Role::Fail),
        ],
        &format!("{ready}{span}"),
        [source, &below],
    )
}

/// `6/6 ready`, `6/6 warm` for the side to go back to; and a word when something is wrong.
fn readiness(canvas: &Canvas<'_>, snapshot: &Snapshot, side: Side) -> (String, &'static str) {
    let status = &snapshot.status.sides[side];
    let word = if snapshot.status.rollback.to == side { "warm" } else { "ready" };
    let old = status.age_s.map(|s| s + canvas.view.pane_elapsed_s(canvas.now)).filter(|s| *s >= 10.0);
    let old = old.map_or_else(String::new, |s| format!(" {} old", age(s)));
    let all = status.replicas;
    match status.ready {
        None => (format!("?/{all} ready"), if status.faults.is_empty() { "" } else { "FAULT" }),
        Some(0) if all > 0 => (format!("0/{all}{old}"), "DOWN"),
        Some(n) if n < all => (format!("{n}/{all}{old}"), "FAULT"),
        Some(n) if !old.is_empty() => (format!("{n}/{all}{old}"), if status.faults.is_empty() { "" } else { "FAULT" }),
        Some(n) => (format!("{n}/{all} {word}"), if status.faults.is_empty() { "" } else { "FAULT" }),
    }
}

fn draw_row(
    canvas: &mut Canvas<'_>,
    area: Rect,
    snapshot: &Snapshot,
    side: Side,
    figure: Figure,
    columns: &Columns,
    latency_max: f64,
) {
    let status = &snapshot.status.sides[side];
    let value = figure.value(status);
    let guard = guard_of(snapshot, side, figure);
    let over = guard.zip(value).is_some_and(|(guard, value)| value > guard.limit)
        || guard.is_some_and(|guard| matches!(guard.status, GuardState::Breach | GuardState::Tripped));
    let near = !over && guard.zip(value).is_some_and(|(guard, value)| value >= guard.limit * 0.95);
    let role = if over {
        Role::Fail
    } else if near {
        Role::Warn
    } else {
        Role::Text
    };
    canvas.put(area.x + 1, area.y, columns.label.saturating_sub(1), figure.label(columns.wide), Role::Dim);
    if columns.spark >= 4 {
        let cells = buckets(snapshot, side, figure, columns);
        let max = match figure {
            Figure::Errors => guard.map_or(0.01, |guard| guard.limit).max(highest(&cells)),
            // A little air above, so that what is highest now is not what is highest possible.
            Figure::Rate => highest(&cells) * 1.15,
            _ => latency_max * 1.15,
        };
        spark(canvas, area.x + columns.label, area.y, &cells, max, side_role(side));
    }
    let right = area.right() - (columns.limit + columns.delta).min(area.width);
    let spelled = value.map_or_else(|| "-".into(), |value| figure.spell(value, columns.wide));
    canvas.put_right(right, area.y, columns.value, &spelled, if value.is_none() { Role::Dim } else { role });
    if side == Side::Green
        && let Some(delta) = delta(snapshot, figure)
    {
        let mark = if over || near { "!" } else { "" };
        canvas.put_right(right + columns.delta, area.y, columns.delta, &format!("{delta}{mark}"), role);
    }
    if let Some(guard) = guard {
        let sign = if over {
            ">"
        } else if canvas.ascii {
            "<"
        } else {
            canvas.set.le
        };
        let text = format!("{sign}{}", limit(figure, guard.limit, columns.wide));
        canvas.put_right(area.right(), area.y, columns.limit, &text, if over { Role::Fail } else { Role::Dim });
    }
}

fn limit(figure: Figure, limit: f64, wide: bool) -> String {
    match (figure, wide) {
        (Figure::Errors, true) => format!("{:.2}", limit * 100.0),
        (Figure::Errors, false) => limit_number(limit * 100.0),
        _ => limit_number(limit),
    }
}

fn guard_of(snapshot: &Snapshot, side: Side, figure: Figure) -> Option<&GuardStatus> {
    let metric = figure.metric()?;
    snapshot
        .status
        .guards
        .iter()
        .filter(|g| g.metric == metric && g.side == side)
        .min_by(|a, b| a.limit.total_cmp(&b.limit))
}

/// How green stands to blue: percent, and points of percent for errors.
fn delta(snapshot: &Snapshot, figure: Figure) -> Option<String> {
    let [blue, green] = Side::BOTH.map(|side| figure.value(&snapshot.status.sides[side]));
    let (blue, green) = (blue?, green?);
    match figure {
        Figure::Rate => None,
        Figure::Errors => {
            let points = (green - blue) * 100.0;
            let spelled =
                if points.abs() < 9.995 { format!("{:.2}", points.abs()) } else { format!("{:.0}", points.abs()) };
            let sign = if points < 0.0 { '-' } else { '+' };
            Some(format!("{sign}{}", spelled.strip_prefix('0').unwrap_or(&spelled)))
        }
        _ if blue <= 0.0 => None,
        _ => {
            let change = (green / blue - 1.0) * 100.0;
            Some(if change >= 999.5 { "x10+".into() } else { format!("{change:+.0}%") })
        }
    }
}

/// The points behind a sparkline, oldest first. Columns are aligned to the clock, so that a glyph once drawn stays.
fn buckets(snapshot: &Snapshot, side: Side, figure: Figure, columns: &Columns) -> Vec<Option<f64>> {
    let history = &snapshot.history[side];
    let points = match snapshot.status.sides[side].source {
        Some(Source::Traffic) => &history.traffic,
        _ => &history.probes,
    };
    let count = usize::from(columns.spark);
    let mut cells: Vec<Option<(f64, f64)>> = vec![None; count];
    let end = snapshot.status.time.timestamp();
    let newest = end.div_euclid(columns.per_s);
    for (back, point) in points.iter().rev().enumerate() {
        let column = newest - (end - back as i64).div_euclid(columns.per_s);
        let Some(cell) = usize::try_from(column).ok().and_then(|back| count.checked_sub(back + 1)) else { break };
        if let Some(value) = point.as_ref().and_then(|point| figure.point(point)) {
            let (sum, n) = cells[cell].unwrap_or((0.0, 0.0));
            // The worst second of a column counts, but throughput is a mean.
            cells[cell] = Some(if figure == Figure::Rate { (sum + value, n + 1.0) } else { (sum.max(value), 1.0) });
        }
    }
    cells.into_iter().map(|cell| cell.map(|(sum, n)| sum / n)).collect()
}

fn highest(cells: &[Option<f64>]) -> f64 {
    cells.iter().flatten().copied().fold(0.0, f64::max)
}

fn latency_scale(snapshot: &Snapshot, columns: &Columns) -> f64 {
    if columns.spark < 4 {
        return 0.0;
    }
    Side::BOTH.map(|side| highest(&buckets(snapshot, side, Figure::P99, columns))).into_iter().fold(0.0, f64::max)
}

fn spark(canvas: &mut Canvas<'_>, x: u16, y: u16, cells: &[Option<f64>], max: f64, role: Role) {
    let ramp = &canvas.set.ramp;
    let level = |value: f64| if max > 0.0 { (value / max * 8.0).round().clamp(1.0, 8.0) as usize } else { 1 };
    // A gap is blank: nothing was seen, which is not zero.
    let line: String = cells.iter().map(|cell| cell.map_or(" ", |value| ramp[level(value) - 1])).collect();
    canvas.put(x, y, cells.len() as u16, &line, role);
}

/// A side in one line, for screens too small for panels.
pub fn line(canvas: &mut Canvas<'_>, area: Rect, side: Side) {
    let Some(snapshot) = canvas.shown() else { return };
    let status = &snapshot.status.sides[side];
    let (ready, fault) = readiness(canvas, snapshot, side);
    let p99 = status.latency_ms.p99.map_or_else(|| "-".into(), |ms| millis(ms, ""));
    let errors = status.error_rate.map_or_else(|| "-".into(), percent);
    let ready = if fault.is_empty() { ready } else { format!("{ready} {fault}") };
    let left = format!(" {} {}", side.title(), fit(version_name(snapshot, side), usize::from(area.width) / 3));
    let right = format!("p99 {p99} err {errors} {ready} ");
    let right = if area.width < 40 {
        format!("p99 {p99} {}", ready.trim_end_matches(" ready").trim_end_matches(" warm"))
    } else {
        right
    };
    canvas.line(
        area,
        &[(&left, side_role(side)), (" ", Role::Text), (status.role.title(), Role::Text)],
        &[(&right, Role::Text)],
    );
}
