//! Watches how full the replicas are under load: reads one of their own metrics once a second.
//!
//! A failed reading gives no value, and never 0. If a replica's metrics page cannot be read at all, the load ends:
//! otherwise a configured limit would go unchecked.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{self, MissedTickBehavior};

use crate::domain::Transport;
use crate::domain::load::{Saturation, series};
use crate::domain::text::clean;
use crate::gate::MAX_REPLY;
use crate::http::{Ask, Client, Target, fetch};

/// The time between two readings of a replica, and the time limit of each.
const EVERY: Duration = Duration::from_secs(1);
/// The number of readings that may fail in a row at the start.
const PATIENCE: u32 = 5;

/// The value read from a replica, or why it could not be read.
struct Reading {
    place: usize,
    value: Result<f64, String>,
}

/// The readings of one replica so far.
#[derive(Default)]
struct Stand {
    label: String,
    last: Option<f64>,
    above: u32,
    failed: u32,
}

/// Why a load has to stop.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Full {
    /// The limit is broken.
    Broken(String),
    /// The metric cannot be read.
    Unread(String),
}

/// The readers of all replicas. Dropping this ends them.
pub(super) struct Watch {
    spec: Saturation,
    stands: Vec<Stand>,
    readings: mpsc::Receiver<Reading>,
    _readers: JoinSet<()>,
}

impl Watch {
    pub(super) fn start(spec: &Saturation, targets: &[Target], transport: &Transport) -> Result<Self, String> {
        let client = Client::new(transport)?;
        let places = places(spec, targets)?;
        let (sender, readings) = mpsc::channel(16);
        let mut readers = JoinSet::new();
        let mut stands = Vec::new();
        for (place, (target, path)) in places.into_iter().enumerate() {
            stands.push(Stand { label: target.label(), ..Stand::default() });
            let (client, spec, sender) = (client.clone(), spec.clone(), sender.clone());
            readers.spawn(async move {
                let mut seconds = time::interval(EVERY);
                seconds.set_missed_tick_behavior(MissedTickBehavior::Skip);
                loop {
                    seconds.tick().await;
                    let page = fetch(&client, &target, Ask::get(&path, EVERY, MAX_REPLY)).await;
                    let value = match page {
                        Ok(page) if page.is_success() => highest(&String::from_utf8_lossy(&page.body), &spec)
                            .ok_or_else(|| format!("there is no {}", clean(&spec.metric.name, 60))),
                        Ok(page) => Err(format!("status {}", page.status)),
                        Err(why) => Err(clean(&why.to_string(), 120)),
                    };
                    if sender.send(Reading { place, value }).await.is_err() {
                        return;
                    }
                }
            });
        }
        Ok(Self { spec: spec.clone(), stands, readings, _readers: readers })
    }

    /// Waits for the next reading; returns why the load must stop, if it must.
    pub(super) async fn next(&mut self) -> Option<Full> {
        let Some(Reading { place, value }) = self.readings.recv().await else {
            return Some(Full::Unread("saturation is read no more".into()));
        };
        let limit = self.spec.limit;
        let stand = self.stands.get_mut(place)?;
        match value {
            Ok(value) => {
                stand.last = Some(value);
                stand.above = if value > limit { stand.above + 1 } else { 0 };
                (stand.above >= self.spec.consecutive.max(1)).then(|| {
                    let (metric, label, times) = (clean(&self.spec.metric.name, 60), &stand.label, stand.above);
                    Full::Broken(format!("saturated: {metric} at {label} is {value}, limit {limit}, {times} in a row"))
                })
            }
            Err(why) => {
                stand.failed += 1;
                let blind = stand.last.is_none() && stand.failed >= PATIENCE;
                blind.then(|| Full::Unread(format!("saturation cannot be read at {}: {why}", stand.label)))
            }
        }
    }

    /// The highest of the latest values of all replicas.
    pub(super) fn highest(&self) -> Option<f64> {
        self.stands.iter().filter_map(|stand| stand.last).reduce(f64::max)
    }

    /// A replica that was never read, if there is one.
    pub(super) fn unread(&self) -> Option<&str> {
        self.stands.iter().find(|stand| stand.last.is_none()).map(|stand| stand.label.as_str())
    }

    /// The number of failed readings.
    pub(super) fn failed(&self) -> u32 {
        self.stands.iter().map(|stand| stand.failed).sum()
    }
}

/// The addresses to read from: every replica, or the one configured address.
fn places(spec: &Saturation, targets: &[Target]) -> Result<Vec<(Target, String)>, String> {
    if let Some((scheme, rest)) = spec.url.split_once("://") {
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        return Ok(vec![(Target::new(&format!("{scheme}://{host}")), format!("/{path}"))]);
    }
    let at = |target: &Target| {
        let mut target = target.clone();
        if spec.port.is_some() {
            let fault = || format!("saturation: {} has no port", target.label());
            let mut base = reqwest::Url::parse(&target.base).map_err(|_| fault())?;
            base.set_port(spec.port).map_err(|()| fault())?;
            base.as_str().trim_end_matches('/').clone_into(&mut target.base);
        }
        Ok((target, spec.url.clone()))
    };
    targets.iter().map(at).collect()
}

/// The highest value of the metric's series on the page. Values that are not numbers are ignored.
fn highest(page: &str, spec: &Saturation) -> Option<f64> {
    let of_line = |line: &str| {
        let (_, rest) = series(line.trim_start()).filter(|(seen, _)| spec.metric.holds(seen))?;
        let value: f64 = rest.split_whitespace().next()?.parse().ok()?;
        (!value.is_nan()).then_some(value)
    };
    page.lines().filter_map(of_line).reduce(f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::load::Selector;

    fn spec(url: &str, metric: &str) -> Saturation {
        let metric = Selector::parse(metric).unwrap();
        Saturation { url: url.into(), port: None, metric, limit: 90.0, consecutive: 2 }
    }

    #[test]
    fn the_highest_of_the_series_counts_and_no_number_is_no_reading() {
        let page = "# HELP queue how long\n# TYPE queue gauge\nqueue{model=\"a\"} 3\nqueue{model=\"b\"} 7.5 1700\n\
                    queue_total 99\nqueue{model=\"c\"} NaN\nfull +Inf\nbroken{ 3\nnone\n";
        let read = |metric| highest(page, &spec("/metrics", metric));
        assert_eq!([read("queue"), read("queue{model=\"a\"}")], [Some(7.5), Some(3.0)]);
        assert_eq!([read("queue{model=\"c\"}"), read("none"), read("absent")], [None; 3]);
        assert_eq!(read("full"), Some(f64::INFINITY));
    }

    #[test]
    fn it_is_read_at_every_replica_or_at_the_address_that_was_named() {
        let targets = [Target::new("http://a:8000/base"), Target::new("http://b:8000")];
        let at = |spec: &Saturation| -> Vec<String> {
            places(spec, &targets).unwrap().iter().map(|(target, path)| target.url(path)).collect()
        };
        let mut spec = spec("/metrics", "queue");
        assert_eq!(at(&spec), ["http://a:8000/base/metrics", "http://b:8000/metrics"]);
        spec.port = Some(8002);
        assert_eq!(at(&spec), ["http://a:8002/base/metrics", "http://b:8002/metrics"]);
        spec.url = "https://exporter:9400/gpu?x=1".into();
        assert_eq!(at(&spec), ["https://exporter:9400/gpu?x=1"]);
    }
}
