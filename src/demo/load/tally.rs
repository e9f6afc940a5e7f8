//! The counts of the client load.

use std::time::Duration;

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

use crate::domain::{Pair, Side};

/// The longest latency that is recorded exactly, in microseconds.
const MAX_US: u64 = 60_000_000;

/// How a request ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    /// 200, with a prediction.
    Answered {
        /// The version that answered.
        version: Option<String>,
        /// Whether the digit is right.
        right: bool,
    },
    /// An answer with another status.
    Refused {
        /// The version that answered; `None` if it was not a model server.
        version: Option<String>,
        /// HTTP status.
        status: u16,
    },
    /// No connection, or the connection broke.
    Broken,
    /// No answer in time.
    TimedOut,
}

/// The results of one version as a client sees them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SideReport {
    /// Requests answered with 200.
    pub answered: u64,
    /// Requests among these with the right digit.
    pub right: u64,
    /// Requests answered with another status.
    pub refused: u64,
}

/// The counts of the client load since its start.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct LoadReport {
    /// Requests sent.
    pub sent: u64,
    /// Answered with 200.
    pub ok: u64,
    /// Answered with 4xx or another status below 500.
    pub refused: u64,
    /// Answered with 5xx.
    pub failed: u64,
    /// No connection, or the connection broke.
    pub broken: u64,
    /// Not answered in time.
    pub timed_out: u64,
    /// Never sent: too many were in flight.
    pub dropped: u64,
    /// Answers by version: `v1` is blue, `v2` is green.
    pub sides: Pair<SideReport>,
    /// Median latency since the last report, in milliseconds; `None` without answers.
    pub p50_ms: Option<f64>,
    /// 99th percentile of latency since the last report, in milliseconds.
    pub p99_ms: Option<f64>,
}

#[derive(Debug)]
pub(super) struct Tally {
    report: LoadReport,
    latency_us: Option<Histogram<u32>>,
}

impl Default for Tally {
    fn default() -> Self {
        Self { report: LoadReport::default(), latency_us: Histogram::new_with_bounds(1, MAX_US, 2).ok() }
    }
}

impl Tally {
    pub(super) fn sent(&mut self) {
        self.report.sent += 1;
    }

    pub(super) fn dropped(&mut self, n: u64) {
        self.report.dropped += n;
    }

    pub(super) fn done(&mut self, outcome: &Outcome, latency: Duration) {
        let report = &mut self.report;
        match outcome {
            Outcome::Answered { version, right } => {
                report.ok += 1;
                if let Some(side) = side(version.as_deref()) {
                    report.sides[side].answered += 1;
                    report.sides[side].right += u64::from(*right);
                }
            }
            Outcome::Refused { version, status } => {
                if let Some(side) = side(version.as_deref()) {
                    report.sides[side].refused += 1;
                }
                *(if *status >= 500 { &mut report.failed } else { &mut report.refused }) += 1;
            }
            Outcome::Broken => report.broken += 1,
            Outcome::TimedOut => report.timed_out += 1,
        }
        if let Some(histogram) = &mut self.latency_us {
            histogram.saturating_record((latency.as_micros() as u64).max(1));
        }
    }

    /// The counts so far. Latencies start again from zero.
    pub(super) fn report(&mut self) -> LoadReport {
        if let Some(histogram) = &mut self.latency_us {
            let at = |q| (!histogram.is_empty()).then(|| histogram.value_at_quantile(q) as f64 / 1000.0);
            (self.report.p50_ms, self.report.p99_ms) = (at(0.5), at(0.99));
            histogram.reset();
        }
        self.report.clone()
    }
}

fn side(version: Option<&str>) -> Option<Side> {
    match version? {
        "v1" => Some(Side::Blue),
        "v2" => Some(Side::Green),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_outcome_is_counted_once_and_latencies_start_anew() {
        let mut tally = Tally::default();
        let version = |v: &str| Some(v.to_owned());
        let ms = Duration::from_millis(10);
        for outcome in [
            Outcome::Answered { version: version("v1"), right: true },
            Outcome::Answered { version: version("v2"), right: false },
            Outcome::Answered { version: None, right: true },
            Outcome::Refused { version: version("v2"), status: 500 },
            Outcome::Refused { version: None, status: 502 },
            Outcome::Refused { version: None, status: 404 },
            Outcome::Broken,
            Outcome::TimedOut,
        ] {
            tally.sent();
            tally.done(&outcome, ms);
        }
        let report = tally.report();
        assert_eq!((report.sent, report.ok, report.refused, report.lost()), (8, 3, 1, 4));
        assert_eq!(report.sides.blue, SideReport { answered: 1, right: 1, refused: 0 });
        assert_eq!(report.sides.green, SideReport { answered: 1, right: 0, refused: 1 });
        assert!((report.p50_ms.unwrap() - 10.0).abs() < 0.2);
        assert_eq!(tally.report().p50_ms, None);
    }
}
