//! What the rows of a panel show, and how it is spelled.

use crate::domain::{Metric, Point, Side};
use crate::engine::Snapshot;
use crate::engine::snapshot::{GuardStatus, SideStatus};
use crate::ui::text::{limit_number, millis, percent, percent_number, rate};

/// What a row shows.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Figure {
    P50,
    P95,
    P99,
    Errors,
    Rate,
}

pub(super) const FIGURES: [Figure; 5] = [Figure::P50, Figure::P95, Figure::P99, Figure::Errors, Figure::Rate];

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

    /// Whether a row of the panel is of `metric`.
    pub(crate) fn shows(metric: Metric) -> bool {
        FIGURES.iter().any(|figure| figure.metric() == Some(metric))
    }

    pub(crate) const fn label(self, wide: bool) -> &'static str {
        match (self, wide) {
            (Self::P50, _) => "p50",
            (Self::P95, _) => "p95",
            (Self::P99, _) => "p99",
            (Self::Errors, false) => "err",
            (Self::Errors, true) => "err%",
            (Self::Rate, _) => "rps~",
        }
    }

    pub(crate) const fn value(self, side: &SideStatus) -> Option<f64> {
        match self {
            Self::P50 => side.latency_ms.p50,
            Self::P95 => side.latency_ms.p95,
            Self::P99 => side.latency_ms.p99,
            Self::Errors => side.error_rate,
            Self::Rate => side.rps,
        }
    }

    pub(crate) fn point(self, point: &Point) -> Option<f64> {
        match self {
            Self::P50 => point.p50.map(f64::from),
            Self::P95 => point.p95.map(f64::from),
            Self::P99 => point.p99.map(f64::from),
            Self::Errors => Some(f64::from(point.error_rate)),
            Self::Rate => Some(f64::from(point.rps)),
        }
    }

    pub(crate) fn spell(self, value: f64, wide: bool) -> String {
        match (self, wide) {
            (Self::Errors, false) => percent(value),
            (Self::Errors, true) => percent_number(value),
            (Self::Rate, _) => rate(value),
            (_, wide) => millis(value, if wide { " " } else { "" }),
        }
    }

    pub(crate) fn limit(self, limit: f64, wide: bool) -> String {
        match (self, wide) {
            (Self::Errors, true) => format!("{:.2}", limit * 100.0),
            (Self::Errors, false) => limit_number(limit * 100.0),
            _ => limit_number(limit),
        }
    }

    /// The strictest guard on it.
    pub(crate) fn guard(self, snapshot: &Snapshot, side: Side) -> Option<&GuardStatus> {
        let metric = self.metric()?;
        let guards = snapshot.status.guards.iter().filter(|guard| guard.metric == metric && guard.side == side);
        guards.min_by(|a, b| a.bound.limit.total_cmp(&b.bound.limit))
    }

    /// Green against blue: percent, and percentage points for errors.
    pub(crate) fn delta(self, blue: f64, green: f64) -> Option<String> {
        match self {
            Self::Rate => None,
            Self::Errors => {
                let points = (green - blue) * 100.0;
                let decimals = if points.abs() < 9.995 { 2 } else { 0 };
                let spelled = format!("{:.decimals$}", points.abs());
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
}
