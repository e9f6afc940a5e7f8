//! What is known of the router and of the two sides, as it comes in.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::leak::AtZero;
use super::metrics::SideMetrics;
use super::replicas::Replicas;
pub(super) use super::replicas::Serves;
use super::snapshot::{History, Latency};
use crate::domain::window::Stats;
use crate::domain::{BackendError, Observation, Side, SideSpec, SideTraffic, Split, Stamp, TrafficCounters, Window};

/// The window behind the panels' figures, milliseconds.
pub(super) const PANEL_WINDOW_MS: u64 = 60_000;

/// Sources of metrics a side may have: its replicas, a server, and the replicas' streaming endpoints.
pub(super) const MAX_SOURCES: usize = 20_001;

/// The window behind the requests a second, milliseconds.
const RPS_WINDOW_MS: u64 = 5_000;

/// The window behind the requests a second that servers count, milliseconds.
const FED_MS: u64 = 10_000;

/// What the router said, and when.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Router {
    pub(super) seen: Option<(Stamp, Observation)>,
    /// Why the last reading failed; `None` after one that worked.
    pub(super) fault: Option<BackendError>,
    pub(super) drift: Option<Drift>,
    counters: Option<TrafficCounters>,
    /// Whether it has ever reported a latency.
    pub(super) times: bool,
}

/// A split that no order asked for is drift once it has lasted this long, in milliseconds: another process's order
/// may be read from the router before it is read from the journal.
const DRIFT_AFTER_MS: u64 = 2_000;

/// The router reports a split that no order asked for.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Drift {
    pub(super) observed: Split,
    pub(super) since: Stamp,
    /// Whether it is in the journal.
    pub(super) recorded: bool,
}

impl Drift {
    pub(super) fn lasts(&self, now: Stamp) -> bool {
        now.since_ms(self.since) >= DRIFT_AFTER_MS
    }
}

impl Router {
    pub(super) fn split(&self) -> Option<Split> {
        self.seen.as_ref().map(|(_, seen)| seen.split)
    }

    pub(super) fn age_ms(&self, now: Stamp) -> Option<u64> {
        self.seen.as_ref().map(|(at, _)| now.since_ms(*at))
    }

    /// What was counted on `side` since the last reading; `None` at the first one and after a restart
    /// of the router, when there is nothing to compare with.
    pub(super) fn delta(&self, new: &TrafficCounters, side: Side) -> Option<Counted> {
        let old = self.counters.as_ref().filter(|old| old.epoch == new.epoch)?;
        Counted::between(&old.sides[side], &new.sides[side])
    }

    /// Whether `new` counts from another beginning than the reading before it.
    pub(super) fn restarted(&self, new: &TrafficCounters) -> bool {
        self.counters.as_ref().is_none_or(|old| old.epoch != new.epoch)
    }

    /// Whether it counts requests.
    pub(super) fn counts(&self) -> bool {
        self.counters.is_some()
    }

    /// Whether it has counted any.
    pub(super) fn has_counted(&self) -> bool {
        self.counters.as_ref().is_some_and(|it| it.sides.iter().any(|(_, side)| side.total() > 0))
    }

    pub(super) fn keep_counters(&mut self, counters: Option<TrafficCounters>) {
        self.times |= counters.as_ref().is_some_and(|it| it.sides.iter().any(|(_, side)| !side.latency_us.is_empty()));
        self.counters = counters;
    }
}

/// Requests between two readings.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Counted {
    pub(super) count: u64,
    pub(super) errors: u64,
    pub(super) cells: Vec<(u64, u64)>,
    /// The same where a latency is only known to lie above this; `None` where it is known.
    pub(super) lows: Option<Vec<(u64, u64)>>,
}

impl Counted {
    fn between(old: &SideTraffic, new: &SideTraffic) -> Option<Self> {
        let count = new.total().checked_sub(old.total())?;
        let errors = new.errors().checked_sub(old.errors())?;
        let before: BTreeMap<u64, u64> = old.latency_us.iter().copied().collect();
        let cells = new
            .latency_us
            .iter()
            .map(|&(us, n)| (us, n.saturating_sub(before.get(&us).copied().unwrap_or(0))))
            .filter(|cell| cell.1 > 0)
            .collect();
        Some(Self { count, errors, cells, lows: None })
    }
}

/// One side, as it is watched.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct SideWatch {
    pub(super) replicas: Replicas,
    pub(super) traffic: Window,
    pub(super) probes: Window,
    pub(super) traffic_stats: Stats,
    pub(super) probe_stats: Stats,
    /// The router's count of live requests over the last few seconds.
    totals: VecDeque<(Stamp, u64)>,
    pub(super) in_flight: Option<u64>,
    /// What it has answered since the router says that it gets nothing; `None` while it gets some.
    at_zero: Option<AtZero>,
    pub(super) metrics: SideMetrics,
    /// Requests a second that the servers count, where they have counted for long enough.
    fed_rps: Option<f64>,
    history: History,
}

impl SideWatch {
    pub(super) fn new(spec: &SideSpec) -> Self {
        Self {
            replicas: Replicas::new(spec),
            traffic: Window::default(),
            probes: Window::default(),
            traffic_stats: Stats::default(),
            probe_stats: Stats::default(),
            totals: VecDeque::new(),
            in_flight: None,
            at_zero: None,
            metrics: SideMetrics::default(),
            fed_rps: None,
            history: History::default(),
        }
    }

    pub(super) fn probed(&mut self, replica: u32, now: Stamp, latency_us: Option<u64>, fault: Option<String>) {
        if self.replicas.has(replica) {
            self.probes.record(now.mono_ms, latency_us, fault.is_some());
            self.replicas.probed(replica, now, latency_us, fault);
        }
    }

    /// Closes the second that has passed: figures and sparklines are made once a second, not per frame.
    pub(super) fn advance(&mut self, now: Stamp) {
        self.traffic.advance(now.mono_ms);
        self.probes.advance(now.mono_ms);
        self.traffic_stats = self.traffic.stats(now.mono_ms, PANEL_WINDOW_MS);
        let fed = self.metrics.feeds(now, FED_MS);
        self.fed_rps = if fed { self.traffic.stats(now.mono_ms, FED_MS).rps } else { None };
        self.probe_stats = self.probes.stats(now.mono_ms, PANEL_WINDOW_MS);
        self.history = History {
            traffic: Arc::new(self.traffic.history().iter().copied().collect()),
            probes: Arc::new(self.probes.history().iter().copied().collect()),
            rows: self.metrics.history(),
        };
    }

    /// Notes how many live requests there were in all; `restarted` when the router began to count anew.
    pub(super) fn note_total(&mut self, now: Stamp, total: u64, restarted: bool) {
        if restarted {
            self.totals.clear();
        }
        self.totals.push_back((now, total));
        while self.totals.len() > 2 && self.totals.front().is_some_and(|(at, _)| now.since_ms(*at) > RPS_WINDOW_MS) {
            self.totals.pop_front();
        }
    }

    /// The router reports no counters any more: the old ones say nothing about now.
    pub(super) fn stop_counting(&mut self) {
        self.totals.clear();
        self.in_flight = None;
        self.at_zero = None;
    }

    /// Notes what the router counted on this side, which it gives `share` percent.
    pub(super) fn note_share(&mut self, now: Stamp, share: u8, seen: &SideTraffic, restarted: bool) {
        let before = self.at_zero.take().filter(|_| !restarted);
        self.at_zero = (share == 0).then(|| AtZero::next(before, now, seen));
    }

    /// Requests that began here though the router says that it gets nothing; `None` where none did lately.
    pub(super) fn begun_at_zero(&self, now: Stamp) -> Option<u64> {
        self.at_zero.as_ref()?.begun(now)
    }

    /// Live requests a second over the last few seconds; `None` before there were two readings half a second apart.
    pub(super) fn rps(&self) -> Option<f64> {
        if self.totals.is_empty() {
            return self.fed_rps;
        }
        let (&(from, before), &(to, after)) = (self.totals.front()?, self.totals.back()?);
        let ms = to.since_ms(from);
        (ms >= 500).then(|| after.saturating_sub(before) as f64 * 1000.0 / ms as f64)
    }

    pub(super) fn history(&self) -> History {
        self.history.clone()
    }
}

impl From<&Stats> for Latency {
    fn from(stats: &Stats) -> Self {
        Self { p50: stats.p50, p95: stats.p95, p99: stats.p99 }
    }
}
