//! The time cursor: panels, gates and log show one moment of the history that is kept.
//!
//! One step is one column of the sparklines, so the time of a column is decided here, for the drawing as well.

use chrono::{DateTime, TimeDelta, Utc};

use super::{Pane, View};
use crate::domain::Side;
use crate::engine::Snapshot;
use crate::engine::detail::GatePoint;
use crate::engine::snapshot::GateState;
use crate::ui::actions::Act;

/// The seconds that a column of a sparkline may cover.
const COLUMN_S: [i64; 19] = [1, 2, 5, 10, 15, 20, 25, 30, 35, 40, 45, 50, 60, 70, 75, 100, 120, 150, 200];
/// Seconds a sparkline shows at most: side by side, and of a side alone. What is older is reached with the cursor.
const SHOWN_S: [i64; 2] = [900, 3_600];

/// The columns of a panel `inner` wide, but for the sparkline: label, value, difference, limit, word.
pub(crate) const fn beside(inner: u16) -> [u16; 5] {
    match inner {
        72.. => [7, 9, 8, 8, 6],
        56.. => [7, 9, 8, 8, 0],
        _ => [5, 8, 6, 6, 0],
    }
}

/// The columns that are left to the sparkline of a panel `inner` wide.
pub(crate) const fn spark_columns(inner: u16) -> u16 {
    let [label, value, delta, limit, word] = beside(inner);
    inner.saturating_sub(label + value + delta + limit + word)
}

/// The time of each column of a sparkline. Columns are aligned to the clock, so that a glyph once drawn stays.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Axis {
    /// Seconds per column.
    pub per_s: i64,
    /// How many columns there are.
    pub columns: usize,
    /// The second of the newest point.
    newest_s: i64,
    /// The number of the rightmost column, counted from the epoch.
    last: i64,
    /// Seconds that are known.
    known: i64,
    /// The number of the column under the cursor.
    cursor: Option<i64>,
}

impl Axis {
    /// As fine as what is known allows: who has just come sees seconds, not one block. Coarser steps are rare, so that
    /// the picture seldom changes its measure.
    pub(crate) fn of(view: &View, snapshot: &Snapshot, columns: u16) -> Self {
        let columns = columns.max(1);
        let known = Side::BOTH.map(|side| {
            let history = &snapshot.history[side];
            history.traffic.len().max(history.probes.len())
        });
        let known = known.into_iter().max().unwrap_or(0) as i64;
        let wanted = known.min(SHOWN_S[usize::from(is_alone(view))]);
        // Every column that is passed paints the picture anew: fine ones are for the first moments alone.
        let finest = if wanted <= 20 {
            1
        } else if wanted <= 60 {
            2
        } else {
            5
        };
        let fits = |per_s: &i64| *per_s >= finest && per_s * i64::from(columns) >= wanted;
        let per_s = COLUMN_S.into_iter().find(fits).unwrap_or(300);
        let newest_s = snapshot.status.time.timestamp();
        let newest = newest_s.div_euclid(per_s);
        let cursor = view.cursor.map(|at| at.timestamp().div_euclid(per_s).min(newest));
        // A cursor older than the columns shown is at the left edge.
        let last = cursor.map_or(newest, |cursor| newest.min(cursor + i64::from(columns) - 1));
        Self { per_s, columns: usize::from(columns), newest_s, last, known, cursor }
    }

    /// Seconds that are shown.
    pub(crate) const fn span_s(&self) -> i64 {
        self.per_s * self.columns as i64
    }

    /// The column under the cursor.
    pub(crate) fn cursor(&self) -> Option<usize> {
        let back = usize::try_from(self.last - self.cursor?).ok()?;
        self.columns.checked_sub(back + 1)
    }

    /// The points of a history that are shown: the column and the point, newest first.
    pub(crate) fn points<'a, T>(&self, points: &'a [Option<T>]) -> impl Iterator<Item = (usize, &'a T)> {
        let axis = *self;
        // The first point from the end that is not newer than the rightmost column.
        let skip = (self.newest_s - ((self.last + 1) * self.per_s - 1)).max(0) as usize;
        let shown = points.iter().rev().enumerate().skip(skip);
        shown
            .map_while(move |(back, point)| {
                let column = (axis.newest_s - back as i64).div_euclid(axis.per_s);
                let from_right = usize::try_from(axis.last - column).ok()?;
                Some((axis.columns.checked_sub(from_right + 1)?, point))
            })
            .filter_map(|(column, point)| Some((column, point.as_ref()?)))
    }
}

/// Whether one side has the whole screen.
const fn is_alone(view: &View) -> bool {
    view.zoom && matches!(view.focus, Pane::Blue | Pane::Green)
}

impl View {
    /// The axis of the panels as they are on the screen now.
    fn axis(&self, snapshot: &Snapshot) -> Axis {
        let outer = if is_alone(self) { self.size.0 } else { self.size.0 / 2 };
        Axis::of(self, snapshot, spark_columns(outer.saturating_sub(2)))
    }

    /// One column back or forward; from the newest column on it is now again.
    pub(super) fn move_cursor(&mut self, act: Act) {
        let Some(snapshot) = self.shown() else { return };
        let axis = self.axis(snapshot);
        let newest = axis.newest_s.div_euclid(axis.per_s);
        let oldest = (axis.newest_s - axis.known.max(1) + 1).div_euclid(axis.per_s);
        let from = axis.cursor.unwrap_or(newest);
        let to = if act == Act::CursorBack { (from - 1).max(oldest) } else { from + 1 };
        let last_second = (to + 1) * axis.per_s - 1;
        self.cursor = DateTime::from_timestamp(last_second, 0).filter(|_| to < newest);
    }

    /// To the moment a failed gate failed, if it is known.
    pub(super) fn cursor_to_failure(&mut self, gate: &str) {
        let Some(snapshot) = self.shown() else { return };
        let fails = snapshot.status.gates.iter().any(|g| g.name == gate && g.status == GateState::Failed);
        let failed = snapshot.detail.trail(gate).iter().rev().find(|point| point.state == GateState::Failed);
        if let Some(at) = failed.map(|point| point.at).filter(|_| fails) {
            self.cursor = Some(at);
        }
    }

    /// The moment that panels, gates and log show; `None` where that is now.
    pub const fn cursor_at(&self) -> Option<DateTime<Utc>> {
        self.cursor
    }

    /// How far the cursor is before the newest data; `None` without a cursor.
    pub(crate) fn cursor_back(&self) -> Option<TimeDelta> {
        Some((self.shown()?.status.time - self.cursor?).max(TimeDelta::zero()))
    }
}

/// The state of a gate at `at`, and the last run that had ended by then.
pub(crate) fn stood(trail: &[GatePoint], at: DateTime<Utc>) -> (Option<&GatePoint>, Option<&GatePoint>) {
    let upto = trail.partition_point(|point| point.at <= at);
    let before = &trail[..upto];
    (before.last(), before.iter().rev().find(|point| point.run))
}
