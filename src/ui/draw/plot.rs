//! The latency of a load over its time: p50 and p99 as heights on one scale, and the limit of p99 as a line.
//!
//! Made of rows of text with their meaning, so that a pane and a popup can show the same picture. What was not seen yet
//! is blank. A stretch over the limit has `!` on the line, not colour alone.

use super::panel::spark::top;
use crate::domain::load::{LoadPoint, LoadRun};
use crate::ui::glyphs::Set;
use crate::ui::text::{count, limit_number, millis, width};
use crate::ui::theme::Role;

/// One row of the picture.
pub(super) type Row = Vec<(String, Role)>;

/// Columns left of the picture, for its scale.
const SCALE: usize = 8;
/// Rows that are not of the picture itself: the legend, and the axis of time.
const AROUND: usize = 2;
/// With fewer there is no picture.
const LEAST: (usize, usize) = (30, 5);
/// A limit this many times the largest value would flatten the picture: it is given in words instead.
const FAR: f64 = 8.0;

/// The figures of now, in two rows.
pub(super) fn figures(run: &LoadRun) -> [String; 2] {
    let left = run.left_s().ceil() as u64;
    let rates = format!(
        "{:.0} rps of {:.0} asked   {} of {} in flight   {} unsent   {} errors   {}:{:02} left",
        run.reached_rps,
        run.asked_rps,
        run.in_flight,
        run.connections,
        count(run.unsent),
        count(run.errors),
        left / 60,
        left % 60
    );
    let mut latency = run.quantiles();
    if let Some(limited) = run.limited {
        latency = format!("{}   {latency}", limited.title());
    }
    if let Some(limit) = run.saturation_limit {
        let value = run.saturation.map_or_else(|| "-".to_owned(), limit_number);
        latency = format!("{latency}   saturation {value} of {}", limit_number(limit));
    }
    [rates, latency]
}

/// The picture in `wide` columns and at most `high` rows; no rows where there is nothing to show, or no room.
pub(super) fn plot(run: &LoadRun, wide: usize, high: usize, set: &Set) -> Vec<Row> {
    let seen = run.points.iter().filter_map(|point| point.p99_ms).fold(0.0, f64::max);
    if wide < LEAST.0 || high < LEAST.1 || seen <= 0.0 {
        return Vec::new();
    }
    let rows = high - AROUND;
    let near = run.limit_ms <= seen * FAR;
    let top = top(if near { seen.max(run.limit_ms * 1.05) } else { seen });
    let columns = columns(run, wide - SCALE);
    let limit_row = near.then(|| ((run.limit_ms / top * rows as f64) as usize).min(rows - 1));
    let limit = format!("limit {} {}", set.h, millis(run.limit_ms, " "));
    let away = if near { "" } else { " (above)" };
    let [p50, p99] = set.progress;
    let mut out = vec![vec![
        (format!("{:>SCALE$}", ""), Role::Text),
        (format!("p50 {p50}  p99 {p99}  {limit}{away}   each column the worst of its time"), Role::Dim),
    ]];
    for row in (0..rows).rev() {
        let label = match row {
            _ if row + 1 == rows => millis(top, " "),
            _ if Some(row) == limit_row => millis(run.limit_ms, " "),
            0 => "0 ms".to_owned(),
            _ => String::new(),
        };
        let mut line: Row = vec![(format!("{label:>7} "), Role::Dim)];
        for column in &columns {
            let (glyph, role) = cell(*column, row, rows, top, (run.limit_ms, limit_row), set);
            match line.last_mut() {
                Some((text, last)) if *last == role => text.push_str(glyph),
                _ => line.push((glyph.to_owned(), role)),
            }
        }
        out.push(line);
    }
    out.push(vec![(format!("{:>SCALE$}{}", "", axis(run, columns.len())), Role::Dim)]);
    out
}

/// The worst p50 and p99 in the time of one column; `None` where that time is still to come.
fn columns(run: &LoadRun, wide: usize) -> Vec<Option<(f64, f64)>> {
    let slots = ((run.length_s / run.step_s.max(0.1)).ceil() as usize).max(run.points.len()).max(1);
    let worst = |points: &[LoadPoint]| {
        let of = |value: fn(&LoadPoint) -> Option<f64>| points.iter().filter_map(value).reduce(f64::max);
        Some((of(|point| point.p50_ms)?, of(|point| point.p99_ms)?))
    };
    let of_column = |column: usize| {
        let from = column * slots / wide;
        let to = ((column + 1) * slots / wide).max(from + 1).min(run.points.len());
        run.points.get(from..to).and_then(worst)
    };
    (0..wide).map(of_column).collect()
}

/// One cell of the picture; `row` counts from below.
fn cell(
    column: Option<(f64, f64)>,
    row: usize,
    rows: usize,
    top: f64,
    (limit, limit_row): (f64, Option<usize>),
    set: &Set,
) -> (&'static str, Role) {
    let on_limit = Some(row) == limit_row;
    let nothing = if on_limit { (set.h, Role::Warn) } else { (" ", Role::Text) };
    let Some((p50, p99)) = column else { return nothing };
    let over = p99 > limit;
    if over && on_limit {
        return ("!", Role::Fail);
    }
    // In eighths of a row, at least one: what was seen is never drawn as nothing.
    let height = |value: f64| ((value / top * rows as f64 * 8.0).round() as usize).clamp(1, rows * 8);
    let inside = |value: f64| height(value).saturating_sub(row * 8).min(8);
    let [solid, shade] = set.progress;
    let role = if over && limit_row.is_some_and(|at| row > at) { Role::Fail } else { Role::Text };
    // Both end in a part of a cell: what belongs to p99 is dim, so that one is not taken for the other.
    let dim = if role == Role::Fail { role } else { Role::Dim };
    match (inside(p50), inside(p99)) {
        (8, _) => (solid, role),
        (part @ 1..8, _) => (set.ramp[part - 1], role),
        (_, 8) => (shade, dim),
        (_, part @ 1..8) if !on_limit => (set.ramp[part - 1], dim),
        _ => nothing,
    }
}

/// Where the time begins, is half over and ends.
fn axis(run: &LoadRun, wide: usize) -> String {
    let at = |seconds: f64| {
        let seconds = seconds.round() as u64;
        if seconds < 120 { format!("{seconds} s") } else { format!("{}:{:02}", seconds / 60, seconds % 60) }
    };
    let (middle, end) = (at(run.length_s / 2.0), at(run.length_s));
    let before = (wide / 2).saturating_sub(1);
    let rest = wide.saturating_sub(before + width(&middle));
    format!("{:<before$}{middle}{end:>rest$}", "0")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::glyphs::Glyphs;

    fn run(p99: impl IntoIterator<Item = f64>) -> LoadRun {
        let point = |p99| LoadPoint { rps: 100.0, p50_ms: Some(p99 / 4.0), p99_ms: Some(p99), errors: 0 };
        let points = p99.into_iter().map(point).collect();
        LoadRun { limit_ms: 100.0, length_s: 10.0, elapsed_s: 5.0, step_s: 1.0, points, ..LoadRun::default() }
    }

    fn drawn(run: &LoadRun, wide: usize, high: usize, glyphs: Glyphs) -> Vec<String> {
        let text = |row: &Row| row.iter().map(|(text, _)| text.as_str()).collect::<String>();
        plot(run, wide, high, glyphs.set()).iter().map(text).collect()
    }

    #[test]
    fn a_stretch_over_the_limit_shows_on_the_line_and_what_is_to_come_is_blank() {
        let lines = drawn(&run([20.0, 40.0, 160.0, 60.0, 20.0]), 48, 10, Glyphs::Ascii);
        assert_eq!(
            lines,
            [
                "        p50 #  p99 .  limit - 100 ms   each column the worst of its time",
                " 160 ms         ....                            ",
                "                ....                            ",
                " 100 ms --------!!!!----------------------------",
                "                ....                            ",
                "                ....                            ",
                "                ........                        ",
                "            ....####....                        ",
                "   0 ms ....====####****....                    ",
                "        0                  5 s              10 s",
            ]
            .map(str::to_owned)
        );
    }

    #[test]
    fn what_is_far_below_the_limit_is_not_pressed_flat_and_what_was_not_seen_is_no_picture() {
        let lines = drawn(&run([3.0, 3.0, 3.0, 3.0, 3.0]), 90, 7, Glyphs::Unicode);
        assert!(lines[0].ends_with("limit ─ 100 ms (above)   each column the worst of its time"), "{lines:#?}");
        assert!(lines[1].starts_with(" 3.2 ms ▆▆") && lines.iter().all(|line| !line.contains('!')), "{lines:#?}");
        assert!(drawn(&run([]), 90, 7, Glyphs::Unicode).is_empty());
        let mut unseen = run([50.0, 50.0]);
        unseen.points.push(LoadPoint::default());
        unseen.points.push(unseen.points[0]);
        let lines = drawn(&unseen, 18 + 10, 9, Glyphs::Unicode);
        assert!(lines.is_empty(), "too narrow");
        let lines = drawn(&unseen, 8 + 40, 9, Glyphs::Unicode);
        let columns: Vec<char> = lines[7].chars().skip(8).collect();
        assert!(columns[8..12] == [' '; 4] && columns[12] != ' ', "a gap is a gap: {lines:#?}");
    }

    #[test]
    fn more_points_than_columns_show_the_worst_of_each_and_every_row_fits() {
        let mut many = run((0..120).map(|at| if at == 60 { 400.0 } else { 20.0 }));
        many.length_s = 120.0;
        for (wide, high) in [(30, 5), (72, 8), (110, 20), (190, 40)] {
            let lines = drawn(&many, wide, high, Glyphs::Unicode);
            assert_eq!(lines.len(), high);
            assert!(lines[1..].iter().all(|line| width(line) == wide), "{wide}: {lines:#?}");
            assert_eq!(lines.iter().filter(|line| line.contains('!')).count(), 1, "{lines:#?}");
        }
    }
}
