//! The metrics of a model server: the rows that a panel shows, and the traffic that it counts.
//!
//! A row says which series it is made of and how. Each replica is read by itself and gives a [`Part`]; what a side
//! shows is merged from the parts of its replicas, so that a quantile is one of all their requests and not a mean of
//! quantiles. Absent is not zero: a series that is not there gives [`Part::Missing`], one that has not been seen to
//! move for long enough [`Part::NotYet`].

mod stream;

use serde::{Deserialize, Serialize};

pub(crate) use stream::StreamFigure;
pub use stream::{StreamSpec, stream_rows};

use super::side::{Pair, Side};
use super::transport::Transport;

/// Where a model server's metrics are read, and what is made of them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MetricsSpec {
    /// The preset's name; empty without one.
    pub preset: String,
    /// Milliseconds between two readings of a replica.
    pub interval_ms: u64,
    /// A reading is given up after this many milliseconds.
    pub timeout_ms: u64,
    /// Asked with GET.
    pub path: String,
    /// Where each replica's metrics are: base URLs, in the order of the side's replicas where there is one for each.
    pub urls: Pair<Vec<String>>,
    /// The base URL of a Prometheus server that rows with a query are asked of.
    pub prometheus: Option<String>,
    /// What is shown, in this order.
    pub rows: Vec<MetricRow>,
    /// Which of its series count requests, where some do.
    pub traffic: Option<TrafficSeries>,
    /// The streaming endpoint that is asked now and then, where one is.
    #[serde(default)]
    pub stream: Option<StreamSpec>,
    /// How metrics pages and the Prometheus server are reached.
    #[serde(default, skip_serializing_if = "Transport::is_default")]
    pub transport: Transport,
}

impl MetricsSpec {
    /// Where a side's figures are read besides its streaming endpoints: its replicas, and the Prometheus server.
    pub fn sources(&self, side: Side) -> usize {
        self.urls[side].len() + usize::from(self.prometheus.is_some())
    }

    /// Where the value of a row comes from.
    pub fn row(&self, name: &str) -> Option<(usize, &MetricRow)> {
        self.rows.iter().enumerate().find(|(_, row)| row.name == name)
    }
}

/// What a value is, once scaled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// A plain number.
    Count,
    /// So many a second.
    PerSecond,
    /// Milliseconds.
    Ms,
    /// Bytes.
    Bytes,
    /// A share from 0 to 1, shown in percent.
    Share,
}

impl Unit {
    /// As the config and the status document spell it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Count => "count",
            Self::PerSecond => "per_second",
            Self::Ms => "ms",
            Self::Bytes => "bytes",
            Self::Share => "share",
        }
    }
}

/// One row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MetricRow {
    /// What it is called: `queue`, `gpu`, `ttft`.
    pub name: String,
    /// How it is made.
    pub take: Take,
    /// What comes out.
    pub unit: Unit,
    /// What values are multiplied by to be in `unit`: 1000 from seconds to milliseconds.
    pub scale: f64,
}

/// Series by name and labels.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Series {
    /// The first of these names that is there counts: servers rename their series.
    pub names: Vec<String>,
    /// Labels that must have these values.
    pub labels: Vec<(String, String)>,
}

/// How several gauges become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Merge {
    /// Their sum: queues, memory.
    Sum,
    /// Their mean: utilisation.
    Mean,
    /// The largest: the fullest cache.
    Max,
}

/// How a row is made of series.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Take {
    /// What gauges say now.
    Gauge {
        /// Which.
        of: Series,
        /// What becomes of several.
        merge: Merge,
    },
    /// How fast counters rise, by the second.
    Rate {
        /// Which.
        of: Series,
    },
    /// What one counter rose by for each that the other did: time per request, requests per batch.
    Ratio {
        /// What is divided.
        of: Series,
        /// By what.
        per: Series,
    },
    /// A quantile of a histogram's observations of the last minute.
    Quantile {
        /// The histogram's name, without `_bucket`.
        of: Series,
        /// Which, 0 to 1.
        q: f64,
    },
    /// The one value of a PromQL query; holds the query.
    Query(String),
    /// What a streaming endpoint showed when it was asked.
    Stream(StreamFigure),
}

/// Which series count a server's requests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrafficSeries {
    /// Counters of requests.
    pub requests: Series,
    /// Counters of requests that failed; without them nothing is known of errors.
    pub failures: Option<Series>,
    /// Whether `requests` holds the failed ones too.
    pub failures_within: bool,
    /// A histogram of latencies, without `_bucket`.
    pub latency: Option<Series>,
    /// Microseconds in the histogram's unit.
    pub latency_us: u64,
}

/// One reading of one replica.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Scrape {
    /// One for each row, in their order.
    pub parts: Vec<Part>,
    /// Requests since the reading before.
    pub fed: Option<Fed>,
    /// Series that were wanted and not kept, because there are too many.
    pub dropped: u64,
    /// Whether a streaming endpoint is asked for it: such rows have their own interval.
    #[serde(default)]
    pub is_stream: bool,
}

/// What one replica says of a row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// No such series.
    Missing,
    /// The series is there and says nothing yet: a rate needs two readings, a quantile observations.
    NotYet,
    /// Gauges: their sum, the largest, and how many.
    Gauge {
        /// Their sum.
        sum: f64,
        /// The largest.
        max: f64,
        /// How many.
        n: u32,
    },
    /// So much a second.
    Rate(f64),
    /// So much for so many.
    Ratio {
        /// What is divided.
        of: f64,
        /// By what.
        per: f64,
    },
    /// Observations by bucket: upper bound, how many; rising, the last may be infinite.
    Buckets(#[serde(deserialize_with = "with_infinite_bound")] Vec<(f64, f64)>),
}

/// JSON has no infinity: the bound of the last bucket is written as `null`.
fn with_infinite_bound<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Vec<(f64, f64)>, D::Error> {
    let read = Vec::<(Option<f64>, f64)>::deserialize(from)?;
    Ok(read.into_iter().map(|(bound, count)| (bound.unwrap_or(f64::INFINITY), count)).collect())
}

/// Requests that a replica counted between two readings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fed {
    /// Milliseconds between the two.
    pub span_ms: u64,
    /// Requests.
    pub count: u64,
    /// Those that failed; `None` where the server does not count them.
    pub errors: Option<u64>,
    /// Latencies by bucket, microseconds: above the first, up to the second, how many. The two are equal where the
    /// histogram ends.
    pub cells: Vec<(u64, u64, u64)>,
}

/// What a row comes to over the replicas of a side.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Merged {
    /// No replica has such a series.
    Missing,
    /// There is one, and it says nothing yet.
    NotYet,
    /// The value in the row's unit, and for a quantile the bounds of its bucket.
    Value(f64, Option<[f64; 2]>),
}

impl Take {
    /// The names of the series it is made of, for people; empty of a query.
    pub fn names(&self) -> String {
        match self {
            Self::Gauge { of, .. } | Self::Rate { of } | Self::Quantile { of, .. } => of.names.join(" or "),
            Self::Ratio { of, per } => format!("{} per {}", of.names.join(" or "), per.names.join(" or ")),
            Self::Query(_) | Self::Stream(_) => String::new(),
        }
    }

    /// Whether it is asked of a streaming endpoint.
    pub const fn is_stream(&self) -> bool {
        matches!(self, Self::Stream(_))
    }

    /// Whether it is made of what a replica exports.
    pub const fn is_scraped(&self) -> bool {
        !matches!(self, Self::Query(_) | Self::Stream(_))
    }
}

impl MetricRow {
    /// What the parts of a side's replicas come to.
    pub fn merge<'a>(&self, parts: impl Iterator<Item = &'a Part> + Clone) -> Merged {
        let is_there = parts.clone().any(|part| *part != Part::Missing);
        let empty = if is_there { Merged::NotYet } else { Merged::Missing };
        let found = match &self.take {
            Take::Gauge { merge, .. } => gauge(parts, *merge).map(|value| (value, None)),
            Take::Rate { .. } => rate(parts).map(|value| (value, None)),
            Take::Ratio { .. } => ratio(parts).map(|value| (value, None)),
            Take::Quantile { q, .. } => {
                quantile(&sum_of_buckets(parts), *q).map(|(value, within)| (value, Some(within)))
            }
            Take::Query(_) => gauge(parts, Merge::Max).map(|value| (value, None)),
            Take::Stream(figure) => match figure.merge() {
                Some(merge) => gauge(parts, merge),
                None => ratio(parts),
            }
            .map(|value| (value, None)),
        };
        let finite = found.filter(|(value, _)| value.is_finite());
        finite.map_or(empty, |(value, within)| {
            Merged::Value(value * self.scale, within.map(|bounds| bounds.map(|bound| bound * self.scale)))
        })
    }
}

fn gauge<'a>(parts: impl Iterator<Item = &'a Part>, merge: Merge) -> Option<f64> {
    let (mut all, mut most, mut count) = (0.0, f64::NEG_INFINITY, 0_u32);
    for part in parts {
        if let Part::Gauge { sum, max, n } = part {
            (all, most, count) = (all + sum, f64::max(most, *max), count + n);
        }
    }
    (count > 0).then(|| match merge {
        Merge::Sum => all,
        Merge::Mean => all / f64::from(count),
        Merge::Max => most,
    })
}

fn rate<'a>(parts: impl Iterator<Item = &'a Part>) -> Option<f64> {
    let rates = parts.filter_map(|part| if let Part::Rate(rate) = part { Some(*rate) } else { None });
    rates.fold(None, |sum, rate| Some(sum.unwrap_or(0.0) + rate))
}

fn ratio<'a>(parts: impl Iterator<Item = &'a Part>) -> Option<f64> {
    let (mut all, mut by) = (0.0, 0.0);
    for part in parts {
        if let Part::Ratio { of, per } = part {
            (all, by) = (all + of, by + per);
        }
    }
    // Nothing happened: there is nothing to divide by, and no mean.
    (by > 0.0).then(|| all / by)
}

/// The buckets of all replicas by their bounds. Replicas that have other bounds are of another version; their counts
/// keep the place of their own bounds.
fn sum_of_buckets<'a>(parts: impl Iterator<Item = &'a Part>) -> Vec<(f64, f64)> {
    let mut all: Vec<(f64, f64)> = Vec::new();
    for part in parts {
        let Part::Buckets(cells) = part else { continue };
        for &(bound, n) in cells {
            match all.binary_search_by(|cell| cell.0.total_cmp(&bound)) {
                Ok(at) => all[at].1 += n,
                Err(at) => all.insert(at, (bound, n)),
            }
        }
    }
    all
}

/// The `q`-quantile of observations by bucket, and the bounds of the bucket it fell in. Within a bucket observations
/// are taken to lie evenly; of one without an upper bound its lower bound is all that is known.
pub(crate) fn quantile(cells: &[(f64, f64)], q: f64) -> Option<(f64, [f64; 2])> {
    let all: f64 = cells.iter().map(|cell| cell.1).sum();
    if all <= 0.0 {
        return None;
    }
    let rank = q * all;
    let (mut before, mut lower) = (0.0, 0.0);
    for &(upper, n) in cells {
        if n > 0.0 && before + n >= rank {
            if upper.is_infinite() {
                return Some((lower, [lower, lower]));
            }
            let floor = if upper > 0.0 { lower } else { upper };
            return Some((floor + (upper - floor) * (rank - before) / n, [floor, upper]));
        }
        before += n;
        lower = upper;
    }
    None
}

#[cfg(test)]
mod tests;
