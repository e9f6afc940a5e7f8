//! Latency, errors and throughput over time. Gaps are gaps.
//!
//! A window keeps one sparse histogram per second for the last minute or so (what guards and the
//! panels' numbers are read from) and one [`Point`] per second for the last hour (the sparklines, and the time
//! cursor). A second in which nothing was seen has no point: absent is not zero (law 5).

use std::collections::VecDeque;

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

/// How many seconds of full histograms are kept.
pub(crate) const SPAN_S: usize = 120;
/// How many points are kept: one hour, 32 bytes each.
pub(crate) const HISTORY_S: usize = 3_600;
/// Latencies are recorded from 1 µs to one hour, with two significant digits.
pub(crate) const MAX_LATENCY_US: u64 = 3_600_000_000;

/// What one second looked like.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// Median, milliseconds; `None` when nothing was answered.
    pub p50: Option<f32>,
    /// 95th percentile, milliseconds.
    pub p95: Option<f32>,
    /// 99th percentile, milliseconds.
    pub p99: Option<f32>,
    /// Share of requests that failed, 0 to 1.
    pub error_rate: f32,
    /// Requests in that second.
    pub rps: f32,
}

/// What a stretch of time looked like.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Stats {
    /// Median, milliseconds.
    pub p50: Option<f64>,
    /// 95th percentile, milliseconds.
    pub p95: Option<f64>,
    /// 99th percentile, milliseconds.
    pub p99: Option<f64>,
    /// Share of requests that failed, 0 to 1; `None` without requests.
    pub error_rate: Option<f64>,
    /// Requests per second; `None` when nothing at all was seen.
    pub rps: Option<f64>,
    /// Requests counted.
    pub samples: u64,
}

impl Stats {
    /// The latency at `percentile` in milliseconds: 50, 95 or 99; `None` for any other.
    pub fn latency(&self, percentile: u8) -> Option<f64> {
        match percentile {
            50 => self.p50,
            95 => self.p95,
            99 => self.p99,
            _ => None,
        }
    }
}

/// One second's worth of counts.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Slot {
    second: i64,
    count: u64,
    errors: u64,
    cells: Vec<(u64, u64)>,
}

/// A rolling record of one source of samples.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Window {
    slots: VecDeque<Slot>,
    history: VecDeque<Option<Point>>,
    /// The second of the newest history entry.
    closed: Option<i64>,
}

impl Default for Window {
    fn default() -> Self {
        Self { slots: VecDeque::with_capacity(SPAN_S), history: VecDeque::with_capacity(HISTORY_S), closed: None }
    }
}

impl Window {
    /// Records one sample at `mono_ms`: its latency in microseconds if it was answered, and whether it failed.
    pub(crate) fn record(&mut self, mono_ms: i64, latency_us: Option<u64>, failed: bool) {
        let slot = self.slot(mono_ms);
        slot.count += 1;
        slot.errors += u64::from(failed);
        if let Some(us) = latency_us {
            add(&mut slot.cells, us, 1);
        }
    }

    /// Records many samples at once: requests, how many failed, and `(microseconds, count)` cells.
    pub(crate) fn absorb(&mut self, mono_ms: i64, count: u64, errors: u64, cells: &[(u64, u64)]) {
        let slot = self.slot(mono_ms);
        slot.count += count;
        slot.errors += errors;
        for &(us, n) in cells {
            add(&mut slot.cells, us, n);
        }
    }

    /// Closes every second before the one of `mono_ms`; call it about once a second.
    pub(crate) fn advance(&mut self, mono_ms: i64) {
        let now = mono_ms.div_euclid(1000);
        let from = self.closed.map_or(now - 1, |closed| (closed + 1).max(now - HISTORY_S as i64));
        for second in from..now {
            let point = self.slots.iter().find(|slot| slot.second == second).and_then(point);
            if self.history.len() == HISTORY_S {
                self.history.pop_front();
            }
            self.history.push_back(point);
        }
        self.closed = Some(self.closed.map_or(now - 1, |closed| closed.max(now - 1)));
        while self.slots.front().is_some_and(|slot| slot.second < now - SPAN_S as i64) {
            self.slots.pop_front();
        }
    }

    /// The closed seconds, oldest first.
    pub(crate) fn history(&self) -> &VecDeque<Option<Point>> {
        &self.history
    }

    /// What the last `window_ms` looked like, the second under way included.
    pub(crate) fn stats(&self, mono_ms: i64, window_ms: u64) -> Stats {
        let now = mono_ms.div_euclid(1000);
        let seconds = (window_ms / 1000).clamp(1, SPAN_S as u64) as i64;
        self.fold(|slot| slot.second > now - seconds && slot.second <= now, seconds as f64)
    }

    /// What was seen since `from_ms`, within the last `window_ms`; for guards, which must not judge a
    /// step by what was seen before it.
    pub(crate) fn stats_since(&self, mono_ms: i64, window_ms: u64, from_ms: i64) -> Stats {
        let now = mono_ms.div_euclid(1000);
        let first = (now - (window_ms / 1000).clamp(1, SPAN_S as u64) as i64).max(from_ms.div_euclid(1000) + 1);
        self.fold(|slot| slot.second >= first && slot.second < now, (now - first).max(1) as f64)
    }

    /// Requests a second between two moments; `None` when nothing was seen between them.
    pub(crate) fn rate_between(&self, from_ms: i64, to_ms: i64) -> Option<f64> {
        let (from, to) = (from_ms.div_euclid(1000), to_ms.div_euclid(1000));
        // Where the record begins later than that, what was before is not known to be nothing.
        let from = from.max(self.slots.front()?.second);
        self.fold(|slot| slot.second >= from && slot.second < to, (to - from).max(1) as f64).rps
    }

    fn fold(&self, mut wanted: impl FnMut(&Slot) -> bool, seconds: f64) -> Stats {
        let mut histogram = histogram();
        let (mut count, mut errors) = (0, 0);
        for slot in self.slots.iter().filter(|slot| wanted(slot)) {
            count += slot.count;
            errors += slot.errors;
            for &(us, n) in &slot.cells {
                histogram.saturating_record_n(us, n);
            }
        }
        if count == 0 {
            return Stats::default();
        }
        let quantile = |q| (!histogram.is_empty()).then(|| histogram.value_at_quantile(q) as f64 / 1000.0);
        Stats {
            p50: quantile(0.50),
            p95: quantile(0.95),
            p99: quantile(0.99),
            error_rate: Some(errors as f64 / count as f64),
            rps: Some(count as f64 / seconds),
            samples: count,
        }
    }

    fn slot(&mut self, mono_ms: i64) -> &mut Slot {
        let second = mono_ms.div_euclid(1000);
        let at = match self.slots.binary_search_by_key(&second, |slot| slot.second) {
            Ok(at) => at,
            Err(at) => {
                self.slots.insert(at, Slot { second, ..Slot::default() });
                at
            }
        };
        &mut self.slots[at]
    }
}

/// An empty histogram with the bounds every part of cutover uses.
#[expect(clippy::expect_used, reason = "the bounds are constants that the constructor accepts")]
pub(crate) fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, MAX_LATENCY_US, 2).expect("bounds are valid")
}

fn add(cells: &mut Vec<(u64, u64)>, us: u64, n: u64) {
    match cells.binary_search_by_key(&us, |cell| cell.0) {
        Ok(at) => cells[at].1 += n,
        Err(at) => cells.insert(at, (us, n)),
    }
}

fn point(slot: &Slot) -> Option<Point> {
    if slot.count == 0 {
        return None;
    }
    let answered: u64 = slot.cells.iter().map(|cell| cell.1).sum();
    let quantile = |q: f64| {
        let rank = ((q * answered as f64).ceil() as u64).max(1);
        let mut seen = 0;
        slot.cells.iter().find_map(|&(us, n)| {
            seen += n;
            (seen >= rank).then_some(us as f32 / 1000.0)
        })
    };
    Some(Point {
        p50: quantile(0.50),
        p95: quantile(0.95),
        p99: quantile(0.99),
        error_rate: slot.errors as f32 / slot.count as f32,
        rps: slot.count as f32,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_without_samples_is_a_gap() {
        let mut window = Window::default();
        window.record(1_500, Some(20_000), false);
        window.record(3_100, Some(40_000), true);
        window.advance(4_000);
        let shape: Vec<bool> = window.history().iter().map(Option::is_some).collect();
        assert_eq!(shape, [true], "history begins with the first second that was closed");
        window.record(5_200, None, true);
        window.advance(7_000);
        let shape: Vec<bool> = window.history().iter().map(Option::is_some).collect();
        assert_eq!(shape, [true, false, true, false]);
        let last = window.history()[2].unwrap();
        assert_eq!((last.p50, last.error_rate), (None, 1.0), "a failure without an answer has no latency");
    }

    #[test]
    fn stats_look_at_the_span_only() {
        let mut window = Window::default();
        for second in 0..10 {
            for i in 1..=100_u64 {
                window.record(second * 1000 + 5, Some(i * 1000), false);
            }
        }
        let stats = window.stats(10_000, 5_000);
        assert_eq!(stats.samples, 400, "the second under way has none yet");
        assert_eq!(stats.rps, Some(80.0));
        assert!((stats.p99.unwrap() - 99.0).abs() < 1.5, "{stats:?}");
        assert_eq!(window.stats(20_000, 5_000), Stats::default(), "old data is not now");
        assert_eq!(window.stats_since(10_000, 60_000, 7_000).samples, 200);
    }

    #[test]
    fn memory_is_bounded() {
        let mut window = Window::default();
        for second in 0..5_000 {
            window.record(second * 1000, Some(1000), false);
            window.advance(second * 1000);
        }
        assert!(window.slots.len() <= SPAN_S + 1);
        assert_eq!(window.history.len(), HISTORY_S);
        window.advance(i64::from(u32::MAX) * 1000);
        assert!(window.history.iter().all(Option::is_none));
    }
}
