//! The results of a load so far.

use std::collections::BTreeMap;
use std::time::Duration;

use hdrhistogram::Histogram;

/// The longest latency that is recorded exactly, in microseconds.
const MAX_US: u64 = 120_000_000;
/// The most different errors that are kept. Further ones are counted together.
const MAX_KINDS: usize = 12;

/// Counts and latencies of the whole run or of a part of it.
#[derive(Debug, Clone)]
pub struct Tally {
    /// Answers and timeouts; each counts from when its request was due.
    latencies: Option<Histogram<u32>>,
    /// Requests that have ended.
    pub finished: u64,
    /// Requests without the expected answer.
    pub errors: u64,
    /// Requests that took longer than the limit of p99.
    pub(super) over: u64,
    /// Error counts by error text.
    pub(super) kinds: BTreeMap<String, u64>,
}

impl Default for Tally {
    fn default() -> Self {
        let latencies = Histogram::new_with_bounds(1, MAX_US, 3).ok();
        Self { latencies, finished: 0, errors: 0, over: 0, kinds: BTreeMap::new() }
    }
}

impl Tally {
    /// Adds a request that has ended. An error that comes quickly says nothing about latency, so it adds none.
    pub(super) fn add(&mut self, took: Option<Duration>, fault: Option<&str>, limit: Duration) {
        self.finished += 1;
        if let Some(took) = took {
            if let Some(latencies) = &mut self.latencies {
                latencies.saturating_record((took.as_micros() as u64).clamp(1, MAX_US));
            }
            self.over += u64::from(took > limit);
        }
        let Some(fault) = fault else { return };
        self.errors += 1;
        let fault = if self.kinds.len() < MAX_KINDS || self.kinds.contains_key(fault) { fault } else { "others" };
        *self.kinds.entry(fault.to_owned()).or_default() += 1;
    }

    /// Adds the results of another part.
    pub fn join(&mut self, part: &Self) {
        if let (Some(all), Some(part)) = (&mut self.latencies, &part.latencies) {
            // Both have the same bounds.
            let _ = all.add(part);
        }
        self.finished += part.finished;
        self.errors += part.errors;
        self.over += part.over;
        for (kind, number) in &part.kinds {
            let kind = if self.kinds.len() < MAX_KINDS || self.kinds.contains_key(kind) { kind } else { "others" };
            *self.kinds.entry(kind.to_owned()).or_default() += number;
        }
    }

    /// The latency that a share `q` of the answers does not exceed, in milliseconds; `None` without answers.
    pub fn quantile_ms(&self, q: f64) -> Option<f64> {
        let latencies = self.latencies.as_ref().filter(|latencies| !latencies.is_empty())?;
        Some(latencies.value_at_quantile(q) as f64 / 1000.0)
    }

    /// The share of errors.
    pub(super) fn error_rate(&self) -> f64 {
        self.errors as f64 / self.finished.max(1) as f64
    }

    /// `p50 3.1 p95 8.0 p99 21.4 ms`.
    pub(super) fn quantiles(&self) -> String {
        let show = |q| self.quantile_ms(q).map_or_else(|| "-".to_owned(), |ms| format!("{ms:.1}"));
        format!("p50 {} p95 {} p99 {} ms", show(0.5), show(0.95), show(0.99))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_make_a_whole_and_absent_is_not_zero() {
        let limit = Duration::from_millis(50);
        let (mut all, mut part) = (Tally::default(), Tally::default());
        assert_eq!((all.quantile_ms(0.99), all.quantiles().as_str()), (None, "p50 - p95 - p99 - ms"));
        (1..=99).for_each(|ms| all.add(Some(Duration::from_millis(ms)), None, limit));
        part.add(Some(Duration::from_secs(10)), Some("no answer within 10 s"), limit);
        part.add(None, Some("cannot connect"), limit);
        all.join(&part);
        assert_eq!((all.finished, all.errors, all.over), (101, 2, 50));
        assert!((all.quantile_ms(0.5).unwrap() - 50.0).abs() < 0.1);
        assert!((all.quantile_ms(1.0).unwrap() - 10_000.0).abs() < 10.0);
        (0..50).for_each(|n| all.add(None, Some(&format!("odd {n}")), limit));
        assert!(all.kinds.len() <= MAX_KINDS + 1 && all.kinds.values().sum::<u64>() == all.errors, "{all:?}");
    }
}
