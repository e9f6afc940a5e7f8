//! Reads `[metrics]`: where the model servers' own figures come from, and which are shown.

use std::path::{Path, PathBuf};

use super::keys;
use super::presets::PRESETS;
use crate::domain::metric::{self, Merge, MetricRow, MetricsSpec, Series, StreamSpec, Take, TrafficSeries, Unit};
use crate::domain::{Pair, SideSpec, Transport, placeholder};
use crate::settings::{BaseUrl, Node, Report, TRANSPORT, Table, quote, transport, values};

const SECOND: u64 = 1000;
const HOUR: u64 = 3600 * SECOND;
/// The most names of a series.
const MAX_NAMES: usize = 8;
/// The most rows; more do not fit on a screen.
const MAX_ROWS: usize = 24;

/// The metrics, if the file asks for any.
pub(super) fn metrics(root: &Table<'_>, sides: &Pair<SideSpec>) -> Option<MetricsSpec> {
    let stream = super::openai::openai(root);
    let Some(header) = root.get("metrics") else { return stream.map(alone) };
    let table = header.table()?.keys_of(&[&keys::METRICS, &TRANSPORT]);
    let presets = PRESETS.map(|(name, _)| (name, name));
    let name = table.get("preset").and_then(|node| node.choice(&presets));
    let preset = name.and_then(preset);
    let path = table.or("path", "/metrics".to_owned(), values::http_path).unwrap_or_default();
    let interval_ms = table.duration("interval", 500..=HOUR, SECOND);
    let timeout_ms = table.duration("timeout", 10..=60 * SECOND, 2 * SECOND);
    let port = match table.get("port") {
        Some(node) => node.number(1..=65535).and_then(|port| u16::try_from(port).ok()),
        None => preset.as_ref().and_then(|preset| preset.port),
    };
    let prometheus = table.get("prometheus").and_then(|node| url(&node));
    let mut rows = preset.as_ref().map(|preset| preset.rows.clone()).unwrap_or_default();
    add_rows(&table, &mut rows, prometheus.is_some());
    // Faults in a preset or in rows were already reported.
    if rows.is_empty() && table.get("preset").is_none() && table.get("row").is_none() {
        let remedy = format!("write preset = \"{}\", or rows of your own as [[metrics.row]]", PRESETS[0].0);
        table.fault("names nothing to show".into(), remedy);
    }
    rows.extend(stream.iter().flat_map(|_| metric::stream_rows(&rows)).collect::<Vec<_>>());
    let traffic = traffic(&table).or_else(|| preset.and_then(|preset| preset.traffic));
    let scraped = traffic.is_some() || rows.iter().any(|row| row.take.is_scraped());
    let urls = Pair::from_fn(|side| match table.get(side.name()) {
        Some(node) => node.list("write a list of URLs").unwrap_or_default().iter().filter_map(url).collect(),
        None if scraped => sides[side].urls.iter().filter_map(|url| at_port(url, port)).collect(),
        None => Vec::new(),
    });
    let (preset, transport) = (name.unwrap_or_default().to_owned(), transport(&table));
    Some(MetricsSpec { preset, interval_ms, timeout_ms, path, urls, prometheus, rows, traffic, stream, transport })
}

/// The metrics of a file that has only a streaming endpoint.
fn alone(stream: StreamSpec) -> MetricsSpec {
    MetricsSpec {
        preset: String::new(),
        interval_ms: SECOND,
        timeout_ms: 2 * SECOND,
        path: "/metrics".to_owned(),
        urls: Pair::default(),
        prometheus: None,
        rows: metric::stream_rows(&[]),
        traffic: None,
        stream: Some(stream),
        transport: Transport::default(),
    }
}

fn url(node: &Node<'_>) -> Option<String> {
    values::base_url(node).map(|url| url.to_string())
}

/// A replica's URL, or another port of its host.
fn at_port(url: &str, port: Option<u16>) -> Option<String> {
    let mut url = BaseUrl::parse(url).ok()?;
    if let Some(port) = port {
        url.move_to(port);
    }
    Some(url.to_string())
}

/// The file's own rows. A row with the name of a preset's row replaces it.
fn add_rows(table: &Table<'_>, rows: &mut Vec<MetricRow>, has_server: bool) {
    let own = table.get("row").map(|node| node.tables("[[metrics.row]]")).unwrap_or_default();
    let mut seen: Vec<String> = Vec::new();
    for item in own {
        let Some(new) = row(&item.clone().keys_of(&[&keys::METRICS_ROW]), has_server) else { continue };
        if seen.contains(&new.name) {
            item.fault(format!("a row is named {} already", quote(&new.name)), "give one of them another name");
        }
        seen.push(new.name.clone());
        match rows.iter_mut().find(|row| row.name == new.name) {
            Some(row) => *row = new,
            None => rows.push(new),
        }
    }
    if rows.len() > MAX_ROWS {
        table.fault(format!("{} rows are too many", rows.len()), format!("write at most {MAX_ROWS}"));
    }
}

#[derive(Clone, Copy)]
enum Kind {
    Gauge,
    Counter,
    Histogram,
}

const KINDS: [(&str, Kind); 3] = [("gauge", Kind::Gauge), ("counter", Kind::Counter), ("histogram", Kind::Histogram)];

const UNITS: [Unit; 5] = [Unit::Count, Unit::PerSecond, Unit::Ms, Unit::Bytes, Unit::Share];

fn row(table: &Table<'_>, has_server: bool) -> Option<MetricRow> {
    let name = table.need("name", "write e.g. name = \"queue\"").and_then(|node| values::name(&node, 12));
    let take = match (table.get("metric"), table.get("query")) {
        (Some(node), None) => scraped(table, &node),
        (None, Some(node)) => query(&node, has_server),
        (None, None) => {
            table.fault("neither metric nor query is written".into(), "write metric = \"the_name_of_a_series\"");
            None
        }
        (Some(_), Some(node)) => node.refuse("both metric and query are written".into(), "write two rows"),
    };
    let is_rate = matches!(take, Some(Take::Rate { .. }));
    let usual = if is_rate { Unit::PerSecond } else { Unit::Count };
    let unit = table.or("unit", usual, |node| node.choice(&UNITS.map(|unit| (unit.name(), unit))));
    let scale = table.or("scale", 1.0, |node| {
        let scale = node.amount()?;
        node.fitting(scale, scale > 0.0, format!("{scale} is not above 0"), "write e.g. 1000")
    });
    Some(MetricRow { name: name?, take: take?, unit: unit?, scale: scale? })
}

fn scraped(table: &Table<'_>, metric: &Node<'_>) -> Option<Take> {
    let of = series(metric, table.get("labels").as_ref())?;
    let kind = table.need("kind", "write kind = \"gauge\", \"counter\" or \"histogram\"")?.choice(&KINDS)?;
    let merge = [("sum", Merge::Sum), ("mean", Merge::Mean), ("max", Merge::Max)];
    let merge = table.or("merge", Merge::Sum, |node| node.choice(&merge));
    let per = table.get("per").map(|node| series(&node, table.get("labels").as_ref()));
    let q = table.or("quantile", 0.99, |node| {
        let q = node.share("write e.g. quantile = 0.99")?;
        let fits = q > 0.0 && q < 1.0;
        node.fitting(q, fits, format!("{q} is not between 0 and 1"), "write e.g. 0.99")
    });
    Some(match (kind, per) {
        (Kind::Gauge, None) => Take::Gauge { of, merge: merge? },
        (Kind::Counter, None) => Take::Rate { of },
        (Kind::Counter, Some(per)) => Take::Ratio { of, per: per? },
        (Kind::Histogram, None) => Take::Quantile { of, q: q? },
        (_, Some(_)) => return metric.refuse("per stands beside a counter alone".into(), "remove per"),
    })
}

/// The name of a series, or several names of which the first that exists counts.
fn series(node: &Node<'_>, labels: Option<&Node<'_>>) -> Option<Series> {
    let names = node.one_or_several("write the name of a series, or a list of names", 1..=MAX_NAMES, series_name)?;
    let labels = match labels {
        Some(node) => node
            .table()?
            .entries()
            .iter()
            .map(|(name, node)| Some(((*name).to_owned(), node.text()?.to_owned())))
            .collect::<Option<Vec<_>>>()?,
        None => Vec::new(),
    };
    Some(Series { names, labels })
}

fn series_name(node: &Node<'_>) -> Option<String> {
    let text = node.text()?;
    let fits = !text.is_empty() && text.len() <= 200 && !text.contains(['{', '}', '"', ' ']);
    let message = format!("{} is not the name of a series", quote(text));
    node.fitting(text.to_owned(), fits, message, "write the name alone; labels = { .. } beside it")
}

fn query(node: &Node<'_>, has_server: bool) -> Option<Take> {
    let text = node.lines()?;
    if !has_server {
        return node.refuse("there is no server to ask".into(), "write prometheus = \"http://..\" under [metrics]");
    }
    let known = |name: &str| match name {
        "side" | "service" => Ok("x".to_owned()),
        _ => Err(format!("{{{{{name}}}}} is not known to a row: {{{{side}}}} and {{{{service}}}} are")),
    };
    match placeholder::fill_promql(text, known) {
        Ok(_) => Some(Take::Query(text.to_owned())),
        Err(why) => node.refuse(why, "write e.g. 'sum(queue{side=\"{{side}}\"})'"),
    }
}

/// The file's own series that count requests.
fn traffic(table: &Table<'_>) -> Option<TrafficSeries> {
    let table = table.get("traffic")?.table()?.keys_of(&[&keys::METRICS_TRAFFIC]);
    let part = |key: &str, labels: &str| table.maybe(key, |node| series(node, table.get(labels).as_ref()));
    for (labels, key) in [("failure_labels", "failures"), ("latency_labels", "latency")] {
        if let Some(node) = table.get(labels).filter(|_| table.get(key).is_none()) {
            node.fault(format!("{key} is missing, whose labels these are"), format!("write {key}, or remove {labels}"));
        }
    }
    let requests = table.need("requests", "write requests = \"a_counter\"")?;
    let units = [("seconds", 1_000_000), ("ms", 1000), ("us", 1)];
    let latency_us = table.or("latency_unit", 1_000_000, |node| node.choice(&units));
    let failures = part("failures", "failure_labels");
    let latency = part("latency", if table.get("latency_labels").is_some() { "latency_labels" } else { "labels" });
    let failures_within = table.flag("failures_within", true);
    Some(TrafficSeries {
        requests: series(&requests, table.get("labels").as_ref())?,
        failures: failures?,
        failures_within,
        latency: latency?,
        latency_us: latency_us?,
    })
}

/// A preset.
#[derive(Debug, Clone, PartialEq)]
pub struct Preset {
    /// Its rows, the most important first.
    pub rows: Vec<MetricRow>,
    /// The series that count requests.
    pub traffic: Option<TrafficSeries>,
    /// The port of the metrics, where it is not the port of the server.
    pub port: Option<u16>,
}

/// The preset of this name.
pub fn preset(name: &str) -> Option<Preset> {
    let (_, text) = PRESETS.iter().find(|(known, _)| *known == name)?;
    let report = Report::new(text, PathBuf::new(), &|_| None);
    let document = report.document()?;
    let table = Table::root(&report, document.get_ref(), &["port", "row", "traffic"], "section");
    let mut rows = Vec::new();
    add_rows(&table, &mut rows, false);
    let port = table.get("port").and_then(|node| node.number(1..=65535)).and_then(|port| u16::try_from(port).ok());
    let preset = Preset { rows, traffic: traffic(&table), port };
    report.finish(Path::new(name)).is_none().then_some(preset)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_preset_is_a_config_without_a_fault() {
        for (name, text) in PRESETS {
            let preset = preset(name).unwrap_or_else(|| panic!("{name}"));
            assert_eq!(preset.rows.len(), text.matches("[[row]]").count(), "{name}");
            assert_eq!(preset.traffic.is_some(), text.contains("[traffic]"), "{name}");
        }
        assert_eq!(preset("other"), None);
    }
}
