//! The gateway's counters per side.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use hdrhistogram::Histogram;

use crate::domain::SideTraffic;
use crate::domain::window::{MAX_LATENCY_US, histogram};

/// Cumulative counters of one side. They are cheap to update: relaxed atomics and one lock held only for a histogram
/// update.
#[derive(Debug)]
pub(super) struct Stats {
    by_class: [AtomicU64; 6],
    in_flight: AtomicU64,
    /// Requests retried on another replica or a new connection; nothing had been sent.
    pub(super) retries: AtomicU64,
    /// Requests whose client left before the answer started.
    pub(super) abandoned: AtomicU64,
    /// Answers that broke off in the middle of the body.
    pub(super) cut_off: AtomicU64,
    latency: Mutex<Latency>,
}

#[derive(Debug)]
struct Latency {
    histogram: Histogram<u64>,
    sum_us: u64,
}

impl Default for Stats {
    fn default() -> Self {
        Self {
            by_class: [const { AtomicU64::new(0) }; 6],
            in_flight: AtomicU64::new(0),
            retries: AtomicU64::new(0),
            abandoned: AtomicU64::new(0),
            cut_off: AtomicU64::new(0),
            latency: Mutex::new(Latency { histogram: histogram(), sum_us: 0 }),
        }
    }
}

impl Stats {
    pub(super) fn entered(&self) {
        self.in_flight.fetch_add(1, Relaxed);
    }

    pub(super) fn left(&self) {
        self.in_flight.fetch_sub(1, Relaxed);
    }

    pub(super) fn in_flight(&self) -> u64 {
        self.in_flight.load(Relaxed)
    }

    /// Counts an answer with `status` that started `after` the request arrived.
    pub(super) fn answered(&self, status: u16, after: Duration) {
        self.by_class[usize::from((status / 100).clamp(1, 5))].fetch_add(1, Relaxed);
        let us = (after.as_micros() as u64).clamp(1, MAX_LATENCY_US);
        let mut latency = self.latency.lock().unwrap_or_else(PoisonError::into_inner);
        latency.histogram.saturating_record(us);
        latency.sum_us += us;
    }

    /// Counts a request that the side did not answer; the gateway answered instead.
    pub(super) fn no_answer(&self) {
        self.by_class[0].fetch_add(1, Relaxed);
    }

    /// All counters, and the sum of all latencies in microseconds.
    pub(super) fn read(&self) -> (SideTraffic, u64) {
        let latency = self.latency.lock().unwrap_or_else(PoisonError::into_inner);
        let cells = latency.histogram.iter_recorded().map(|cell| (cell.value_iterated_to(), cell.count_at_value()));
        let traffic = SideTraffic {
            by_class: std::array::from_fn(|class| self.by_class[class].load(Relaxed)),
            in_flight: self.in_flight(),
            latency_us: cells.collect(),
        };
        (traffic, latency.sum_us)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_and_latencies_are_counted() {
        let stats = Stats::default();
        stats.entered();
        for status in [200, 204, 101, 404, 503, 999] {
            stats.answered(status, Duration::from_millis(5));
        }
        stats.no_answer();
        let (traffic, sum_us) = stats.read();
        assert_eq!(traffic.by_class, [1, 1, 2, 0, 1, 2]);
        assert_eq!((traffic.in_flight, traffic.total(), sum_us), (1, 7, 30_000));
        assert_eq!(traffic.latency_us.iter().map(|cell| cell.1).sum::<u64>(), 6, "no answer has no latency");
        assert!((traffic.latency_us[0].0 as f64 - 5000.0).abs() < 60.0, "{:?}", traffic.latency_us);
    }
}
