//! Sparklines: what the points of a history come to per column, on one scale for both sides.

use super::figure::{FIGURES, Figure};
use crate::domain::{Pair, Side};
use crate::engine::Snapshot;
use crate::engine::snapshot::Source;
use crate::ui::draw::canvas::{Canvas, side_role};
use crate::ui::view::cursor::Axis;

/// The tops a scale may have, times a power of ten. Few, so that the picture seldom changes its measure.
const TOPS: [f64; 10] = [1.0, 1.25, 1.6, 2.0, 2.5, 3.2, 4.0, 5.0, 6.3, 8.0];

/// A value per figure and column; `None` where nothing was seen.
pub(crate) struct Cells([Vec<Option<f64>>; 5]);

impl Cells {
    pub(crate) fn of(snapshot: &Snapshot, side: Side, axis: &Axis) -> Self {
        let history = &snapshot.history[side];
        let points = match snapshot.status.sides[side].source {
            Some(Source::Traffic | Source::Metrics) => &history.traffic,
            _ => &history.probes,
        };
        let mut cells = FIGURES.map(|_| vec![None; axis.columns]);
        let mut seconds = vec![0_u32; axis.columns];
        for (column, point) in axis.points(points) {
            seconds[column] += 1;
            for (figure, cells) in FIGURES.iter().zip(&mut cells) {
                let Some(value) = figure.point(point) else { continue };
                let before = cells[column].unwrap_or(0.0);
                // The worst second of a column counts, but throughput is a mean.
                cells[column] = Some(if *figure == Figure::Rate { before + value } else { f64::max(before, value) });
            }
        }
        let [.., rate] = &mut cells;
        for (rate, seconds) in rate.iter_mut().zip(&seconds) {
            *rate = rate.map(|sum| sum / f64::from(*seconds));
        }
        Self(cells)
    }

    pub(crate) fn of_figure(&self, figure: Figure) -> &[Option<f64>] {
        &self.0[figure as usize]
    }

    fn highest(&self, figure: Figure) -> f64 {
        self.of_figure(figure).iter().flatten().copied().fold(0.0, f64::max)
    }
}

/// The tops of the sparklines: latency and errors share a scale over both sides, throughput has one a side.
pub(crate) struct Scale {
    latency: f64,
    errors: f64,
    rate: Pair<f64>,
}

impl Scale {
    pub(crate) fn of(snapshot: &Snapshot, cells: &Pair<Cells>) -> Self {
        let both = |figure| Side::BOTH.map(|side| cells[side].highest(figure)).into_iter().fold(0.0, f64::max);
        let limits = Side::BOTH.map(|side| Figure::Errors.guard(snapshot, side).map_or(0.0, |guard| guard.bound.limit));
        let allowed = limits.into_iter().fold(0.0, f64::max);
        let errors = both(Figure::Errors).max(if allowed > 0.0 { allowed } else { 0.01 });
        let rate = Pair::from_fn(|side| top(cells[side].highest(Figure::Rate)));
        Self { latency: top(both(Figure::P99)), errors: top(errors), rate }
    }

    pub(crate) fn top(&self, figure: Figure, side: Side) -> f64 {
        match figure {
            Figure::Errors => self.errors,
            Figure::Rate => self.rate[side],
            _ => self.latency,
        }
    }
}

/// The next round number.
pub(crate) fn top(highest: f64) -> f64 {
    if highest <= 0.0 || !highest.is_finite() {
        return 0.0;
    }
    let power = 10_f64.powf(highest.log10().floor());
    TOPS.into_iter().map(|step| step * power).find(|top| *top >= highest * 0.999).unwrap_or(10.0 * power)
}

/// How high `value` is in eighths of a row, at least one: what was seen is never drawn as a gap.
fn level(value: f64, top: f64, rows: u16) -> usize {
    let full = f64::from(rows) * 8.0;
    if top > 0.0 { (value / top * full).round().clamp(1.0, full) as usize } else { 1 }
}

/// Draws `cells` over `rows` rows of which `y` is the lowest. A gap is blank: nothing was seen, which is not zero.
pub(crate) fn spark(canvas: &mut Canvas<'_>, x: u16, y: u16, rows: u16, cells: &[Option<f64>], top: f64, side: Side) {
    let ramp = &canvas.set.ramp;
    for row in 0..rows {
        let below = usize::from(row) * 8;
        let glyph = |cell: &Option<f64>| {
            let eighths = cell.map_or(0, |value| level(value, top, rows)).saturating_sub(below).min(8);
            eighths.checked_sub(1).map_or(" ", |at| ramp[at])
        };
        let line: String = cells.iter().map(glyph).collect();
        canvas.put(x, y - row, cells.len() as u16, &line, side_role(side));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_rows_have_sixteen_levels_and_nothing_seen_is_zero() {
        assert_eq!(level(0.0, 100.0, 2), 1);
        assert_eq!(level(100.0, 100.0, 2), 16);
        let levels: std::collections::BTreeSet<usize> = (0..=100).map(|v| level(f64::from(v), 100.0, 2)).collect();
        assert_eq!(levels.len(), 16);
    }

    #[test]
    fn a_scale_changes_its_top_seldom() {
        let tops: std::collections::BTreeSet<u64> = (200..250).map(|v| top(f64::from(v)) as u64).collect();
        assert_eq!(tops.into_iter().collect::<Vec<_>>(), [200, 250]);
        assert!((top(0.0), top(f64::NAN)) == (0.0, 0.0));
        for highest in [0.003, 0.99, 1.0, 7.9, 8.1, 9.9, 12_345.0] {
            assert!(top(highest) >= highest * 0.999 && top(highest) <= highest * 1.4, "{highest}: {}", top(highest));
        }
    }
}
