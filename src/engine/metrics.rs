//! The metrics that the model servers of a side export, and the traffic figures taken from them where the router
//! measures none.

use std::collections::VecDeque;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::snapshot::MetricStatus;
use super::watch::Counted;
use super::world::World;
use crate::domain::metric::{Fed, Merged, MetricsSpec, Scrape, Take};
use crate::domain::window::HISTORY_S;
use crate::domain::{Pair, Side, Stamp};

/// Readings whose requests wait to be handed out; more than any side has replicas that are read at once.
const MAX_WAITING: usize = 1024;
/// Requests of a longer time between two readings are not news.
const LONGEST_SPAN_MS: u64 = 60_000;
/// A bucket's requests are spread over so many places at most.
const SPREAD: u64 = 8;

/// One side.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct SideMetrics {
    sources: Vec<Source>,
    /// By row: one value a second, oldest first.
    history: Vec<VecDeque<Option<f32>>>,
    shared: Arc<Vec<Vec<Option<f32>>>>,
    waiting: VecDeque<Drip>,
    read: Readings,
    streamed: Readings,
    /// Since when requests are fed from here, and when they last were.
    fed: Option<(Stamp, Stamp)>,
    /// Whether the server counts its failures.
    counts_errors: bool,
}

/// Readings so far, and when the last of them came.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Readings {
    pub(super) stamps: VecDeque<Stamp>,
    pub(super) count: u64,
}

impl Readings {
    fn note(&mut self, now: Stamp) {
        self.count += 1;
        self.stamps.push_back(now);
        while self.stamps.len() > 4 * HISTORY_S / 60 {
            self.stamps.pop_front();
        }
    }
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Source {
    last: Option<(Stamp, Scrape)>,
    fault: Option<String>,
}

/// Requests of one reading, handed out evenly over the seconds they came in.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Drip {
    fed: Fed,
    given: u64,
    of: u64,
}

impl Drip {
    fn next(&mut self, into: &mut Handed) {
        let (from, to, of) = (self.given, self.given + 1, self.of.max(1));
        let share = |n: u64| n * to / of - n * from / of;
        self.given = to;
        into.count += share(self.fed.count);
        into.errors += share(self.fed.errors.unwrap_or(0));
        into.cells.extend(self.fed.cells.iter().map(|&(low, high, n)| (low, high, share(n))).filter(|cell| cell.2 > 0));
    }
}

/// What one second got.
#[derive(Debug, Default)]
struct Handed {
    count: u64,
    errors: u64,
    /// Above, up to, how many; microseconds.
    cells: Vec<(u64, u64, u64)>,
}

impl Handed {
    fn is_empty(&self) -> bool {
        self.count == 0 && self.cells.is_empty()
    }

    /// Where latencies lie if they lie evenly within their bucket.
    fn spread(&self) -> Vec<(u64, u64)> {
        let mut out = Vec::new();
        for &(low, high, n) in &self.cells {
            let places = n.clamp(1, SPREAD);
            for place in 0..places {
                let share = n * (place + 1) / places - n * place / places;
                out.push((low + (high.saturating_sub(low)) * (2 * place + 1) / (2 * places), share));
            }
        }
        out
    }

    /// For a comparison: the most each latency can have been, and the least.
    fn counted(&self, counts: bool) -> Counted {
        let (count, errors) = if counts { (0, 0) } else { (self.count, self.errors) };
        let cells = self.cells.iter().map(|&(_, high, n)| (high.max(1), n)).collect();
        let lows = self.cells.iter().map(|&(low, _, n)| (low.max(1), n)).collect();
        Counted { count, errors, cells, lows: Some(lows) }
    }
}

impl SideMetrics {
    pub(super) fn scraped(&mut self, source: u32, now: Stamp, reading: Result<Box<Scrape>, String>) {
        let at = source as usize;
        if at >= super::watch::MAX_SOURCES {
            return;
        }
        if self.sources.len() <= at {
            self.sources.resize(at + 1, Source::default());
        }
        match reading {
            Err(fault) => self.sources[at].fault = Some(fault),
            Ok(scrape) => {
                let readings = if scrape.is_stream { &mut self.streamed } else { &mut self.read };
                readings.note(now);
                if let Some(fed) = scrape.fed.clone().filter(|fed| fed.span_ms <= LONGEST_SPAN_MS) {
                    self.counts_errors = fed.errors.is_some();
                    if self.waiting.len() < MAX_WAITING {
                        let of = (fed.span_ms + 500) / 1000;
                        self.waiting.push_back(Drip { fed, given: 0, of: of.max(1) });
                    }
                }
                self.sources[at] = Source { last: Some((now, *scrape)), fault: None };
            }
        }
    }

    /// Whether every source was tried once, and twice where it answers: a rate needs two readings. A streaming endpoint
    /// of each of `replicas` is asked once.
    pub(super) fn is_met(&self, spec: &MetricsSpec, side: Side, replicas: usize) -> bool {
        let wanted = spec.sources(side);
        let streams = if spec.stream.is_some() { replicas } else { 0 };
        let was_tried = |source: &&Source| source.last.is_some() || source.fault.is_some();
        let tried = self.sources.iter().take(wanted).filter(was_tried).count();
        let asked = self.sources.iter().skip(wanted).filter(was_tried).count();
        let answer = self.sources.iter().take(wanted).filter(|source| source.fault.is_none()).count() as u64;
        tried >= wanted && self.read.count >= 2 * answer && asked >= streams
    }

    /// The readings that a row is made of.
    pub(super) fn readings_of(&self, take: &Take) -> &Readings {
        if take.is_stream() { &self.streamed } else { &self.read }
    }

    /// Closes a second: one point for each row.
    pub(super) fn advance(&mut self, spec: &MetricsSpec, now: Stamp) {
        self.history.resize_with(spec.rows.len(), VecDeque::new);
        for at in 0..spec.rows.len() {
            let value = match self.merged(spec, at, now) {
                Merged::Value(value, _) => Some(value as f32),
                Merged::Missing | Merged::NotYet => None,
            };
            let points = &mut self.history[at];
            if points.len() == HISTORY_S {
                points.pop_front();
            }
            points.push_back(value);
        }
        self.shared = Arc::new(self.history.iter().map(|points| points.iter().copied().collect()).collect());
    }

    pub(super) fn history(&self) -> Arc<Vec<Vec<Option<f32>>>> {
        Arc::clone(&self.shared)
    }

    fn drip(&mut self) -> Handed {
        let mut handed = Handed::default();
        self.waiting.iter_mut().for_each(|drip| drip.next(&mut handed));
        self.waiting.retain(|drip| drip.given < drip.of);
        handed
    }

    /// Whether requests have been fed from here for `ms`, and still are.
    pub(super) fn feeds(&self, now: Stamp, ms: u64) -> bool {
        self.fed.is_some_and(|(since, last)| now.since_ms(since) >= ms && now.since_ms(last) <= 10_000)
    }

    /// Whether the server counts its failures, where requests are fed from here at all.
    pub(super) const fn counts_errors_if_fed(&self) -> bool {
        self.fed.is_none() || self.counts_errors
    }

    /// Readings that a row like `take` is made of, and that are of now.
    fn fresh<'a>(
        &'a self,
        spec: &MetricsSpec,
        take: &Take,
        now: Stamp,
    ) -> impl Iterator<Item = &'a (Stamp, Scrape)> + Clone {
        let is_stream = take.is_stream();
        // Old is not now: three readings may fail before a value is withdrawn.
        let oldest_ms = match spec.stream.as_ref().filter(|_| is_stream) {
            Some(stream) => 3 * stream.interval_ms + stream.timeout_ms,
            None => 3 * spec.interval_ms + spec.timeout_ms,
        };
        let last = self.sources.iter().filter_map(|source| source.last.as_ref());
        last.filter(move |(at, scrape)| scrape.is_stream == is_stream && now.since_ms(*at) <= oldest_ms)
    }

    fn merged(&self, spec: &MetricsSpec, row: usize, now: Stamp) -> Merged {
        let Some(of) = spec.rows.get(row) else { return Merged::Missing };
        of.merge(self.fresh(spec, &of.take, now).filter_map(|(_, scrape)| scrape.parts.get(row)))
    }

    /// The value of a row now.
    pub(super) fn value(&self, spec: &MetricsSpec, name: &str, now: Stamp) -> Option<f64> {
        match self.merged(spec, spec.row(name)?.0, now) {
            Merged::Value(value, _) => Some(value),
            Merged::Missing | Merged::NotYet => None,
        }
    }

    /// Every row, for the status document.
    pub(super) fn statuses(&self, spec: &MetricsSpec, now: Stamp) -> Vec<(String, MetricStatus)> {
        let age_of = |take: &Take| {
            let ages = self.fresh(spec, take, now).map(|(at, _)| now.since_ms(*at) as f64 / 1000.0);
            ages.reduce(f64::min)
        };
        let status = |(at, row): (usize, &crate::domain::metric::MetricRow)| {
            let age_s = age_of(&row.take);
            let merged = self.merged(spec, at, now);
            let (value, within) = match merged {
                Merged::Value(value, within) => (Some(value), within),
                Merged::Missing | Merged::NotYet => (None, None),
            };
            let missing = age_s.is_some() && merged == Merged::Missing;
            let status = MetricStatus { value, unit: row.unit, within, missing, age_s: age_s.filter(|_| !missing) };
            (row.name.clone(), status)
        };
        spec.rows.iter().enumerate().map(status).collect()
    }

    /// Why a source cannot be read, the first of them; and how many cannot.
    pub(super) fn faults(&self, spec: &MetricsSpec, side: Side) -> impl Iterator<Item = String> {
        let of = spec.sources(side);
        let (read, streams) = self.sources.split_at(of.min(self.sources.len()));
        [("metrics", read), ("stream", streams)].into_iter().filter_map(|(what, sources)| first_fault(what, sources))
    }
}

fn first_fault(what: &str, sources: &[Source]) -> Option<String> {
    let mut failing = sources.iter().enumerate().filter_map(|(at, source)| Some((at, source.fault.as_ref()?)));
    let (at, fault) = failing.next()?;
    let more = failing.count();
    let more = if more > 0 { format!(" (+{more} more)") } else { String::new() };
    Some(format!("{what} of {}: {fault}{more}", at + 1))
}

/// Hands out what servers counted to the windows that the router does not fill; what both sides got, for comparison.
pub(super) fn feed(world: &mut World) -> Option<Pair<Option<Counted>>> {
    world.service.metrics.as_ref()?;
    let handed = Pair::from_fn(|side| world.sides[side].metrics.drip());
    let counts = world.router.counts();
    // A router that has counted nothing yet may time what it will count.
    if world.router.times || (counts && !world.router.has_counted()) {
        return None;
    }
    for side in Side::BOTH {
        let (it, watch) = (&handed[side], &mut world.sides[side]);
        if it.is_empty() {
            continue;
        }
        let since = watch.metrics.fed.map_or(world.now, |(since, _)| since);
        watch.metrics.fed = Some((since, world.now));
        let (count, errors) = if counts { (0, 0) } else { (it.count, it.errors) };
        watch.traffic.absorb(world.now.mono_ms, count, errors, &it.spread());
    }
    let is_empty = handed.blue.is_empty() && handed.green.is_empty();
    (!is_empty).then(|| handed.map(|_, it| Some(it.counted(counts))))
}
