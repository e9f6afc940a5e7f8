//! Keeps what is needed of a replica's readings: the wanted series, and how much their counters rose.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use super::text::{self, Sample};
use crate::domain::metric::{Fed, MetricRow, MetricsSpec, Part, Scrape, Series, Take};

/// The most series kept of one replica. The rest, for example of a histogram with a label of high cardinality, is
/// only counted.
const MAX_SERIES: usize = 4000;
/// The window for rates, in milliseconds.
const RATE_MS: u64 = 10_000;
/// The window for means and quantiles, in milliseconds; the same as for the panels' figures.
const WINDOW_MS: u64 = 60_000;
/// A rate does not start from a reading older than this, in milliseconds: it would not describe the present.
const OLDEST_MS: u64 = 120_000;

/// One figure: all series that together make it.
struct Slot {
    labels: Vec<(String, String)>,
    is_buckets: bool,
}

/// The content of a slot, by series: the value, or the buckets with their cumulative counts.
#[derive(Debug, Clone, Default, PartialEq)]
struct Held {
    values: BTreeMap<String, f64>,
    buckets: BTreeMap<String, Vec<(f64, f64)>>,
}

impl Held {
    fn is_empty(&self) -> bool {
        self.values.is_empty() && self.buckets.is_empty()
    }
}

/// How much the counters of a slot rose between two readings.
#[derive(Debug, Clone, Default)]
struct Rose {
    by: f64,
    buckets: Vec<(f64, f64)>,
}

/// The change between two readings.
struct Step {
    at_ms: u64,
    span_ms: u64,
    rose: Vec<Option<Rose>>,
}

/// The readings of one replica.
pub(super) struct Kept {
    spec: MetricsSpec,
    slots: Vec<Slot>,
    /// By metric name: the slot, and the index of the name within that slot.
    wanted: HashMap<String, Vec<(usize, usize)>>,
    /// By row: its slots.
    rows: Vec<Vec<usize>>,
    /// The slots for requests, failures and latencies.
    traffic: Option<[Option<usize>; 3]>,
    before: Option<(u64, Vec<Option<Held>>)>,
    steps: VecDeque<Step>,
}

impl Kept {
    pub(super) fn new(spec: &MetricsSpec) -> Self {
        let mut kept = Self {
            spec: spec.clone(),
            slots: Vec::new(),
            wanted: HashMap::new(),
            rows: Vec::new(),
            traffic: None,
            before: None,
            steps: VecDeque::new(),
        };
        for row in &spec.rows {
            let slots = match &row.take {
                Take::Gauge { of, .. } | Take::Rate { of } => vec![kept.slot(of, false)],
                Take::Ratio { of, per } => vec![kept.slot(of, false), kept.slot(per, false)],
                Take::Quantile { of, .. } => vec![kept.slot(of, true)],
                Take::Query(_) | Take::Stream(_) => Vec::new(),
            };
            kept.rows.push(slots);
        }
        if let Some(traffic) = &spec.traffic {
            let requests = Some(kept.slot(&traffic.requests, false));
            let failures = traffic.failures.as_ref().map(|of| kept.slot(of, false));
            kept.traffic = Some([requests, failures, traffic.latency.as_ref().map(|of| kept.slot(of, true))]);
        }
        kept
    }

    fn slot(&mut self, of: &Series, is_buckets: bool) -> usize {
        let at = self.slots.len();
        self.slots.push(Slot { labels: of.labels.clone(), is_buckets });
        for (alternate, name) in of.names.iter().enumerate() {
            let name = if is_buckets { format!("{name}_bucket") } else { name.clone() };
            self.wanted.entry(name).or_default().push((at, alternate));
        }
        at
    }

    /// Takes in a reading that ended at `at_ms`.
    ///
    /// # Errors
    /// The body is not in the metrics text format; in words. The kept readings stay as they were.
    pub(super) fn take(&mut self, at_ms: u64, body: &[u8]) -> Result<Scrape, String> {
        let (held, dropped) = self.select(body)?;
        let declared = self.declared(body);
        self.compare(at_ms, &held);
        let part = |(row, slots): (&MetricRow, &Vec<usize>)| self.part(&row.take, slots, &held, &declared);
        let parts = self.spec.rows.iter().zip(&self.rows).map(part).collect();
        let fed = self.fed(&held);
        self.before = Some((at_ms, held));
        Ok(Scrape { parts, fed, dropped, is_stream: false })
    }

    /// Picks the wanted series out of `body`. When a slot has several names, the first name that is present counts.
    fn select(&self, body: &[u8]) -> Result<(Vec<Option<Held>>, u64), String> {
        let mut found: Vec<BTreeMap<usize, Held>> = self.slots.iter().map(|_| BTreeMap::new()).collect();
        let (mut count, mut dropped) = (0_usize, 0_u64);
        text::read(body, |sample| {
            for &(slot, alternate) in self.wanted.get(&*sample.name).into_iter().flatten() {
                if !fits(&sample, &self.slots[slot].labels) {
                    continue;
                }
                if count >= MAX_SERIES {
                    dropped += 1;
                    continue;
                }
                count += 1;
                put(found[slot].entry(alternate).or_default(), &sample, self.slots[slot].is_buckets);
            }
        })?;
        let first = |mut by_name: BTreeMap<usize, Held>| by_name.pop_first().map(|(_, held)| held);
        let held = found.into_iter().map(first).map(|held| held.filter(|held| !held.is_empty())).collect();
        Ok((held, dropped))
    }

    /// The slots whose series `body` declares. A labelled series has no samples before its first request, so a
    /// declared series without samples means an idle server, not a missing metric.
    fn declared(&self, body: &[u8]) -> HashSet<usize> {
        let mut slots = HashSet::new();
        for family in text::families(body) {
            for suffix in ["", "_bucket", "_sum", "_count", "_total"] {
                let found = self.wanted.get(&format!("{family}{suffix}"));
                slots.extend(found.into_iter().flatten().map(|&(slot, _)| slot));
            }
        }
        slots
    }

    /// Notes how much the counters rose since the previous reading.
    fn compare(&mut self, at_ms: u64, held: &[Option<Held>]) {
        let Some((before_ms, before)) = &self.before else { return };
        let span_ms = at_ms.saturating_sub(*before_ms);
        if span_ms > OLDEST_MS {
            self.steps.clear();
            return;
        }
        if span_ms == 0 {
            return;
        }
        let empty = Held::default();
        let rose = held.iter().zip(before).map(|(new, old)| Some(rose(old.as_ref().unwrap_or(&empty), new.as_ref()?)));
        let step = Step { at_ms, span_ms, rose: rose.collect() };
        self.steps.push_back(step);
        while self.steps.front().is_some_and(|step| step.at_ms + WINDOW_MS < at_ms) {
            self.steps.pop_front();
        }
    }

    fn part(&self, take: &Take, slots: &[usize], held: &[Option<Held>], declared: &HashSet<usize>) -> Part {
        let Some(&slot) = slots.first() else { return Part::Missing };
        if !slots.iter().all(|&slot| held[slot].is_some()) {
            let is_known = slots.iter().all(|slot| held[*slot].is_some() || declared.contains(slot));
            return if is_known { Part::NotYet } else { Part::Missing };
        }
        match take {
            Take::Gauge { .. } => held[slot].as_ref().map_or(Part::Missing, gauge),
            Take::Rate { .. } => self.rate(slot),
            Take::Ratio { .. } => match (self.window(slot), slots.get(1).and_then(|&slot| self.window(slot))) {
                (Some(of), Some(per)) => Part::Ratio { of: of.by, per: per.by },
                _ => Part::NotYet,
            },
            Take::Quantile { .. } => self.window(slot).map_or(Part::NotYet, |rose| Part::Buckets(rose.buckets)),
            Take::Query(_) | Take::Stream(_) => Part::Missing,
        }
    }

    /// How fast a slot rose during the last seconds. With a longer interval: since the previous reading.
    fn rate(&self, slot: usize) -> Part {
        let Some(newest) = self.steps.back() else { return Part::NotYet };
        let (mut by, mut ms) = (0.0, 0);
        for step in self.steps.iter().rev() {
            if ms > 0 && step.at_ms + RATE_MS <= newest.at_ms {
                break;
            }
            let Some(rose) = &step.rose[slot] else { continue };
            (by, ms) = (by + rose.by, ms + step.span_ms);
        }
        if ms == 0 { Part::NotYet } else { Part::Rate(by * 1000.0 / ms as f64) }
    }

    /// How much a slot rose during the window.
    fn window(&self, slot: usize) -> Option<Rose> {
        let mut all: Option<Rose> = None;
        for rose in self.steps.iter().filter_map(|step| step.rose[slot].as_ref()) {
            let all = all.get_or_insert_default();
            all.by += rose.by;
            rose.buckets.iter().for_each(|&(bound, n)| add(&mut all.buckets, bound, n));
        }
        all
    }

    /// The requests between the last two readings.
    fn fed(&self, held: &[Option<Held>]) -> Option<Fed> {
        let (series, [requests, failures, latency]) = (self.spec.traffic.as_ref()?, self.traffic?);
        // A step needs two readings; the first reading alone gives no step.
        let step = self.steps.back()?;
        let of = |slot: Option<usize>| slot.and_then(|slot| step.rose[slot].as_ref());
        let counted = of(requests)?;
        let failed = of(failures).map(|rose| rose.by);
        // When failures are requests with a certain label and no series has that label, no request failed.
        let failed = failed.or((series.failures_within && failures.is_some()).then_some(0.0));
        let extra = if series.failures_within { 0.0 } else { failed.unwrap_or(0.0) };
        let scale = series.latency_us as f64;
        let mut lower = 0_u64;
        let mut cells = Vec::new();
        for &(bound, n) in of(latency).into_iter().flat_map(|rose| &rose.buckets) {
            let upper = if bound.is_finite() { (bound * scale).max(0.0) as u64 } else { lower };
            if n >= 1.0 {
                cells.push((lower, upper, n.round() as u64));
            }
            lower = upper;
        }
        debug_assert!(held.len() == self.slots.len());
        Some(Fed {
            span_ms: step.span_ms,
            count: (counted.by + extra).round() as u64,
            errors: failed.map(|failed| failed.round() as u64),
            cells,
        })
    }
}

fn fits(sample: &Sample<'_>, labels: &[(String, String)]) -> bool {
    labels
        .iter()
        .all(|(name, value)| sample.labels.iter().any(|(is, has)| is == name && (has == value || is_of(has, value))))
}

/// Whether a status belongs to the wanted class: 503 belongs to 5xx. Some servers export the class, others the
/// status.
fn is_of(status: &str, class: &str) -> bool {
    let digit = class.strip_suffix("xx").filter(|digit| digit.len() == 1);
    digit.is_some_and(|digit| {
        status.len() == 3 && status.starts_with(digit) && status.bytes().all(|b| b.is_ascii_digit())
    })
}

/// Adds a sample to its series. A value that is not a number is ignored.
fn put(held: &mut Held, sample: &Sample<'_>, is_bucket: bool) {
    if sample.value.is_nan() {
        return;
    }
    let mut key = String::new();
    let mut bound = None;
    for (name, value) in &sample.labels {
        if is_bucket && *name == "le" {
            bound = value.parse::<f64>().ok().filter(|bound| !bound.is_nan());
        } else {
            key.extend([name, "\u{1}", value, "\u{2}"]);
        }
    }
    if !is_bucket {
        held.values.insert(key, sample.value);
    } else if let Some(bound) = bound {
        let cells = held.buckets.entry(key).or_default();
        match cells.binary_search_by(|cell| cell.0.total_cmp(&bound)) {
            Ok(at) => cells[at].1 = sample.value,
            Err(at) => cells.insert(at, (bound, sample.value)),
        }
    }
}

fn gauge(held: &Held) -> Part {
    let finite = held.values.values().copied().filter(|value| value.is_finite());
    let (sum, max, n) = finite.fold((0.0, f64::NEG_INFINITY, 0), |(sum, max, n), v| (sum + v, f64::max(max, v), n + 1));
    if n == 0 { Part::NotYet } else { Part::Gauge { sum, max, n } }
}

/// How much the counters rose. A counter that is now lower was reset and started from zero again; a new counter also
/// started from zero.
fn rose(old: &Held, new: &Held) -> Rose {
    let mut all = Rose::default();
    for (key, &value) in &new.values {
        let before = old.values.get(key).copied().filter(|&before| before <= value).unwrap_or(0.0);
        all.by += (value - before).max(0.0);
    }
    for (key, cells) in &new.buckets {
        let before = old.buckets.get(key).filter(|old| !began_again(old, cells));
        let was = |bound: f64| {
            let found = before.and_then(|old| old.iter().find(|cell| cell.0.total_cmp(&bound).is_eq()));
            found.map_or(0.0, |cell| cell.1)
        };
        let mut below = 0.0;
        for &(bound, n) in cells {
            let up_to = n - was(bound);
            add(&mut all.buckets, bound, (up_to - below).max(0.0));
            below = f64::max(below, up_to);
        }
    }
    all
}

fn began_again(old: &[(f64, f64)], new: &[(f64, f64)]) -> bool {
    old.len() != new.len() || old.iter().zip(new).any(|(old, new)| new.1 < old.1 || !old.0.total_cmp(&new.0).is_eq())
}

fn add(cells: &mut Vec<(f64, f64)>, bound: f64, n: f64) {
    match cells.binary_search_by(|cell| cell.0.total_cmp(&bound)) {
        Ok(at) => cells[at].1 += n,
        Err(at) => cells.insert(at, (bound, n)),
    }
}

#[cfg(test)]
mod tests;
