//! How a load goes: the figures of now, and its course over time.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

/// Largest number of points of a run. A long run has wider points; answers after its end belong to the last one.
pub(crate) const MAX_POINTS: usize = 120;

/// A load under way, or as it ended. What is not known is `None`, never 0.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct LoadRun {
    /// What 99 of 100 answers must keep to, milliseconds.
    pub limit_ms: f64,
    /// How long the profile is, seconds.
    pub length_s: f64,
    /// Seconds since its first request was due.
    pub elapsed_s: f64,
    /// Requests per second that were due in the last second.
    pub asked_rps: f64,
    /// Requests per second that came to an end in the last second.
    pub reached_rps: f64,
    /// Requests under way.
    pub in_flight: u64,
    /// Connections: as many can be under way.
    pub connections: u64,
    /// Requests that are due and could not be sent yet; at the end, that never were.
    pub unsent: u64,
    /// Requests that came to an end so far.
    pub finished: u64,
    /// Those of them that were not answered as they must be.
    pub errors: u64,
    /// Median so far, milliseconds from when each request was due.
    pub p50_ms: Option<f64>,
    /// 95th percentile so far.
    pub p95_ms: Option<f64>,
    /// 99th percentile so far.
    pub p99_ms: Option<f64>,
    /// Why less is sent than is asked for; `None` while it is not.
    pub limited: Option<LimitedBy>,
    /// The highest of the saturation metric over all replicas, where one is watched and was read.
    pub saturation: Option<f64>,
    /// Its limit, where one is watched.
    pub saturation_limit: Option<f64>,
    /// How long each point is, seconds.
    pub step_s: f64,
    /// Oldest first, at most [`MAX_POINTS`].
    pub points: Vec<LoadPoint>,
}

/// A stretch of a load.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct LoadPoint {
    /// Requests per second that came to an end.
    pub rps: f64,
    /// Median, milliseconds; `None` without answers.
    pub p50_ms: Option<f64>,
    /// 99th percentile, milliseconds.
    pub p99_ms: Option<f64>,
    /// Requests that were not answered as they must be.
    pub errors: u64,
}

/// Which end keeps a load below its rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LimitedBy {
    /// The machine that sends: it says nothing of the side.
    Client,
    /// The side: all connections wait for its answers.
    Server,
}

impl LimitedBy {
    /// `client-limited` or `server-limited`.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Client => "client-limited",
            Self::Server => "server-limited",
        }
    }
}

impl LoadRun {
    /// Seconds until the profile is over.
    pub fn left_s(&self) -> f64 {
        (self.length_s - self.elapsed_s).max(0.0)
    }

    /// All figures of now in one line, the most telling first: a narrow pane cuts its end off.
    pub fn line(&self) -> String {
        let left = self.left_s().ceil() as u64;
        let mut out = format!(
            "{:.0}/{:.0} rps, {}:{:02} left, {} err",
            self.reached_rps,
            self.asked_rps,
            left / 60,
            left % 60,
            self.errors
        );
        // Writing to a string cannot fail.
        if let Some(limited) = self.limited {
            let _ = write!(out, ", {}", limited.title());
        }
        let _ = write!(out, ", {} in flight, {} unsent, {}", self.in_flight, self.unsent, self.quantiles());
        if let (Some(value), Some(limit)) = (self.saturation, self.saturation_limit) {
            let _ = write!(out, ", saturation {value} of {limit}");
        }
        out
    }

    /// `p50 3.1 p95 8.0 p99 21.4 ms`.
    pub fn quantiles(&self) -> String {
        let show = |ms: Option<f64>| ms.map_or_else(|| "-".to_owned(), |ms| format!("{ms:.1}"));
        format!("p50 {} p95 {} p99 {} ms", show(self.p50_ms), show(self.p95_ms), show(self.p99_ms))
    }
}

/// A metric of the replicas that stops a load.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Saturation {
    /// A path on every replica, or an absolute URL.
    pub url: String,
    /// The port it is at, where it is another than the replica's.
    pub port: Option<u16>,
    /// Which of what is found there.
    pub metric: Selector,
    /// The largest value allowed.
    pub limit: f64,
    /// Readings above it in a row, one a second, that stop the load.
    pub consecutive: u32,
}

/// Time series of a metrics page: by name, and by labels that must be as written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Selector {
    /// The metric's name.
    pub name: String,
    /// Labels and their values; others may be anything.
    pub labels: Vec<(String, String)>,
}

impl Selector {
    /// Reads `name` or `name{label="value",..}`; `None` where it is neither.
    pub fn parse(text: &str) -> Option<Self> {
        let (selector, rest) = series(text.trim())?;
        rest.trim().is_empty().then_some(selector)
    }

    /// Whether `other` is one of its series.
    pub fn holds(&self, other: &Self) -> bool {
        self.name == other.name && self.labels.iter().all(|label| other.labels.contains(label))
    }
}

/// The name and labels at the beginning of `text`, and what follows them.
pub(crate) fn series(text: &str) -> Option<(Selector, &str)> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    let end = text.find(|c| !is_name(c)).unwrap_or(text.len());
    let (name, mut rest) = text.split_at(end);
    if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let mut labels = Vec::new();
    if let Some(inside) = rest.strip_prefix('{') {
        rest = inside.trim_start();
        while !rest.starts_with('}') {
            let (label, after) = rest.split_once('=')?;
            let (value, after) = quoted(after.trim_start())?;
            labels.push((label.trim().to_owned(), value));
            rest = after.trim_start();
            rest = rest.strip_prefix(',').map_or(rest, str::trim_start);
        }
        rest = &rest[1..];
    }
    Some((Selector { name: name.to_owned(), labels }, rest))
}

/// A text in quotes with `\\`, `\"` and `\n`, and what follows it.
fn quoted(text: &str) -> Option<(String, &str)> {
    let inside = text.strip_prefix('"')?;
    let (mut value, mut chars) = (String::new(), inside.char_indices());
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((value, &inside[at + 1..])),
            '\\' => value.push(match chars.next()?.1 {
                'n' => '\n',
                other => other,
            }),
            _ => value.push(c),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_the_most_telling_first_and_does_not_make_up_what_is_not_known() {
        let mut run = LoadRun { length_s: 900.0, elapsed_s: 648.5, asked_rps: 500.0, ..LoadRun::default() };
        assert_eq!(run.line(), "0/500 rps, 4:12 left, 0 err, 0 in flight, 0 unsent, p50 - p95 - p99 - ms");
        run = LoadRun { p99_ms: Some(21.44), limited: Some(LimitedBy::Server), unsent: 7, elapsed_s: 950.0, ..run };
        run.saturation_limit = Some(90.0);
        assert!(run.line().starts_with("0/500 rps, 0:00 left, 0 err, server-limited, "), "{}", run.line());
        assert!(run.line().ends_with("7 unsent, p50 - p95 - p99 21.4 ms"), "{}", run.line());
        run.saturation = Some(93.5);
        assert!(run.line().ends_with("ms, saturation 93.5 of 90"), "{}", run.line());
    }

    #[test]
    fn a_selector_picks_by_name_and_labels() {
        let wanted = Selector::parse("queue{model=\"a\\\"b\"}").unwrap();
        let (seen, rest) = series("queue{ pool=\"x,}\", model=\"a\\\"b\", } 7 123").unwrap();
        assert!(wanted.holds(&seen) && rest == " 7 123", "{seen:?} {rest:?}");
        assert!(!wanted.holds(&series("queue{model=\"a\"} 7").unwrap().0));
        assert!(!wanted.holds(&series("queue_total{model=\"a\\\"b\"} 7").unwrap().0));
        assert!(Selector::parse(" gpu:util ").unwrap().holds(&series("gpu:util{x=\"1\"} 3").unwrap().0));
        for bad in ["", "9x", "a b", "a{", "a{b}", "a{b=c}", "a{b=\"c}", "a} ", "ä"] {
            assert_eq!(Selector::parse(bad), None, "{bad}");
        }
    }
}
