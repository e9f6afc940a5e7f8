//! How both sides did over time, as it is kept for the report after a rollout.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::guard::Metric;
use super::side::Pair;
use super::split::Split;
use super::window::Stats;

/// A short stretch of time before `at`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// The end of the stretch, by the wall clock of the process that watched.
    pub at: DateTime<Utc>,
    /// How long the stretch is, in seconds.
    pub over_s: u32,
    /// What the router said last; `None` while it could not be read.
    pub split: Option<Split>,
    /// What was measured on live traffic; `None` for a side that had no requests.
    pub sides: Pair<Option<SideSample>>,
}

/// What one side did in such a stretch.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SideSample {
    /// Requests counted.
    pub n: u64,
    /// Requests per second.
    pub rps: f64,
    /// Share of requests that failed, 0 to 1.
    pub error_rate: f64,
    /// Median latency in milliseconds; `None` where nothing was answered.
    pub p50: Option<f64>,
    /// 99th percentile of latency in milliseconds; `None` where nothing was answered.
    pub p99: Option<f64>,
}

impl SideSample {
    /// What it holds of `metric`; `None` where it holds nothing.
    pub fn value(&self, metric: Metric) -> Option<f64> {
        match metric {
            Metric::ErrorRate => Some(self.error_rate),
            Metric::P50 => self.p50,
            Metric::P99 => self.p99,
            Metric::P95 | Metric::Throughput | Metric::Saturation => None,
        }
    }

    /// The figures of `stats`, rounded to what a plot can show; `None` without requests.
    pub fn of(stats: &Stats) -> Option<Self> {
        let (rps, error_rate) = (stats.rps?, stats.error_rate?);
        Some(Self {
            n: stats.samples,
            rps: rounded(rps, 10.0),
            error_rate: rounded(error_rate, 1e5),
            p50: stats.p50.map(|ms| rounded(ms, 100.0)),
            p99: stats.p99.map(|ms| rounded(ms, 100.0)),
        })
    }
}

fn rounded(value: f64, parts: f64) -> f64 {
    (value * parts).round() / parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_side_without_requests_has_no_figures() {
        assert_eq!(SideSample::of(&Stats::default()), None);
        let stats = Stats {
            rps: Some(10.04),
            error_rate: Some(0.012_345_6),
            p99: Some(1.234),
            samples: 100,
            ..Stats::default()
        };
        let side = SideSample::of(&stats).unwrap();
        assert_eq!((side.n, side.rps, side.error_rate, side.p50, side.p99), (100, 10.0, 0.01235, None, Some(1.23)));
    }
}
