//! What a guard can watch: one row a metric. How a metric is measured decides what its limit is, what it is compared
//! with and how it reads: nothing else asks which metric it is.

use serde::{Deserialize, Serialize};

/// What a guard looks at, on the traffic the router measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// Share of answers that were 5xx or no answer, 0 to 1.
    ErrorRate,
    /// Median latency, milliseconds.
    P50,
    /// 95th percentile of latency, milliseconds.
    P95,
    /// 99th percentile of latency, milliseconds.
    P99,
    /// How far a side's rate has fallen below what is expected of it, 0 to 1.
    Throughput,
    /// How full a side is: requests under way, or a row of its metrics, in that row's unit.
    Saturation,
}

/// How a metric is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// Failed requests of all in the window, 0 to 1.
    Errors,
    /// This percentile of the latencies in the window, milliseconds.
    Latency(u8),
    /// How far the rate lies below the expected one, 0 to 1.
    Drop,
    /// A level that is read: of a row of the metrics, or the requests under way.
    Level,
}

/// A metric's row.
struct Row {
    metric: Metric,
    /// As configs and journals spell it.
    name: &'static str,
    /// On the screen.
    title: &'static str,
    measure: Measure,
}

const fn row(metric: Metric, name: &'static str, title: &'static str, measure: Measure) -> Row {
    Row { metric, name, title, measure }
}

/// All metrics, in the order of the enum.
const ROWS: [Row; 6] = [
    row(Metric::ErrorRate, "error_rate", "errors", Measure::Errors),
    row(Metric::P50, "p50", "p50", Measure::Latency(50)),
    row(Metric::P95, "p95", "p95", Measure::Latency(95)),
    row(Metric::P99, "p99", "p99", Measure::Latency(99)),
    row(Metric::Throughput, "throughput", "throughput", Measure::Drop),
    row(Metric::Saturation, "saturation", "saturation", Measure::Level),
];

impl Metric {
    /// All of them.
    pub fn all() -> impl Iterator<Item = Self> {
        ROWS.iter().map(|row| row.metric)
    }

    const fn row(self) -> &'static Row {
        &ROWS[self as usize]
    }

    /// `error_rate`, `p50`, ...: as configs and journals spell it.
    pub const fn name(self) -> &'static str {
        self.row().name
    }

    /// `errors`, `p50`, ...: as the screen spells it.
    pub const fn title(self) -> &'static str {
        self.row().title
    }

    /// How it is measured.
    pub const fn measure(self) -> Measure {
        self.row().measure
    }

    /// The unit of its values. The value of a row of the metrics has the unit of that row.
    pub const fn unit(self) -> &'static str {
        match self.measure() {
            Measure::Errors | Measure::Drop => "ratio",
            Measure::Latency(_) => "ms",
            Measure::Level => "count",
        }
    }

    /// Whether a guard may compare it with the other side.
    pub const fn is_compared(self) -> bool {
        matches!(self.measure(), Measure::Errors | Measure::Latency(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_lies_where_its_metric_is_looked_up_and_is_spelled_as_serde_spells_it() {
        for (at, row) in ROWS.iter().enumerate() {
            assert_eq!(row.metric as usize, at);
            assert_eq!(serde_json::to_value(row.metric).unwrap(), row.name);
        }
    }
}
