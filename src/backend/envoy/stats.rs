//! Counters, endpoints and latencies of both clusters in one process.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::domain::observation::Replicas;
use crate::domain::text::clean;
use crate::domain::{Pair, SideTraffic, placeholder};

/// The figures of one side in one process.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct SideReading {
    /// Endpoints that accept requests, and all endpoints; `None` if the cluster is unknown.
    pub(super) replicas: Option<Replicas>,
    /// Counters since the process started.
    pub(super) traffic: SideTraffic,
}

/// The figures of one process.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Stats {
    /// Seconds since it started.
    pub(super) uptime_s: Option<u64>,
    /// Why it does not take traffic as usual, in one word.
    pub(super) state: Option<&'static str>,
    /// The versions of the last loaded files, by the end of their counters' names.
    pub(super) versions: Vec<(String, String)>,
    /// The number of rejected files since it started, by the same names.
    pub(super) refused: Vec<(String, u64)>,
    /// Its clusters.
    pub(super) sides: Pair<SideReading>,
}

/// The path that shows both clusters.
pub(super) fn path(clusters: &Pair<String>) -> String {
    let [blue, green] = [&clusters.blue, &clusters.green].map(|name| escaped(&stat_name(name)));
    let filter = format!(
        "^(server\\.(uptime|state)|cluster\\.({blue}|{green})\\.(upstream_rq_[1-5]xx|upstream_rq_active|\
         membership_healthy|membership_total|upstream_rq_time)|\
         http\\..*\\.rds\\..*\\.(version_text|update_rejected|update_failure))$"
    );
    format!("/stats?format=json&histogram_buckets=detailed&filter={}", placeholder::escape_url(&filter))
}

/// A cluster's name in the names of counters.
fn stat_name(cluster: &str) -> String {
    cluster.replace(':', "_")
}

/// `text` as a pattern that matches only itself.
fn escaped(text: &str) -> String {
    text.chars().fold(String::new(), |mut out, c| {
        if !c.is_ascii_alphanumeric() && c != '_' {
            out.push('\\');
        }
        out.push(c);
        out
    })
}

/// Reads the answer to [`path`]; `None` if it has another format.
pub(super) fn read(dump: &Value, clusters: &Pair<String>) -> Option<Stats> {
    let mut values: BTreeMap<&str, u64> = BTreeMap::new();
    let mut times: BTreeMap<&str, Vec<(u64, u64)>> = BTreeMap::new();
    let mut versions = Vec::new();
    for stat in dump.get("stats")?.as_array()? {
        if let Some(histograms) = stat.get("histograms") {
            for one in histograms.get("details").and_then(Value::as_array).into_iter().flatten() {
                times.insert(one.get("name")?.as_str()?, buckets(one.get("totals")?)?);
            }
        } else if let Some(text) = stat.get("value").and_then(Value::as_str) {
            versions.push((stat.get("name")?.as_str()?.to_owned(), clean(text, 80)));
        } else {
            values.insert(stat.get("name")?.as_str()?, stat.get("value")?.as_u64()?);
        }
    }
    let sides = clusters.map(|_, cluster| {
        let name = |what: &str| format!("cluster.{}.{what}", stat_name(cluster));
        let value = |what: &str| values.get(name(what).as_str()).copied();
        let count = |what: &str| u32::try_from(value(what)?).ok();
        let replicas =
            count("membership_healthy").zip(count("membership_total")).map(|(ready, total)| Replicas { ready, total });
        let class = |n: u8| value(&format!("upstream_rq_{n}xx")).unwrap_or(0);
        let traffic = SideTraffic {
            // A failed connection counts as a 503 from Envoy itself.
            by_class: [0, class(1), class(2), class(3), class(4), class(5)],
            in_flight: value("upstream_rq_active").unwrap_or(0),
            latency_us: times.get(name("upstream_rq_time").as_str()).cloned().unwrap_or_default(),
        };
        SideReading { replicas, traffic }
    });
    let state = match values.get("server.state") {
        Some(1) => Some("draining"),
        Some(2 | 3) => Some("still starting"),
        _ => None,
    };
    let counters =
        values.iter().filter(|(name, _)| name.ends_with(".update_rejected") || name.ends_with(".update_failure"));
    let refused = counters.map(|(name, n)| ((*name).to_owned(), *n)).collect();
    Some(Stats { versions, refused, uptime_s: values.get("server.uptime").copied(), state, sides })
}

impl Stats {
    /// The versions of the route configuration `name` that each listener has loaded.
    pub(super) fn versions_of(&self, name: &str) -> Vec<String> {
        let end = format!(".rds.{}.version_text", stat_name(name));
        self.versions.iter().filter(|(stat, _)| stat.ends_with(&end)).map(|(_, version)| version.clone()).collect()
    }

    /// The number of rejected files of the route configuration `name` since the process started.
    pub(super) fn refused_of(&self, name: &str) -> u64 {
        let middle = format!(".rds.{}.update_", stat_name(name));
        self.refused.iter().filter(|(stat, _)| stat.contains(&middle)).map(|(_, n)| n).sum()
    }
}

/// A histogram in milliseconds as `(microseconds, count)`.
fn buckets(totals: &Value) -> Option<Vec<(u64, u64)>> {
    let one = |bucket: &Value| {
        let (low, width) = (bucket.get("lower_bound")?.as_f64()?, bucket.get("width")?.as_f64()?);
        // Reason: Envoy counts whole milliseconds, so a bucket narrower than that means the whole millisecond.
        let middle = (low + width.max(1.0) / 2.0) * 1000.0;
        Some((middle.max(0.0) as u64, bucket.get("count")?.as_u64()?))
    };
    totals.as_array()?.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn counters_and_times_are_read_of_both_clusters() {
        let clusters = Pair { blue: "outbound|80||m".to_owned(), green: "a:b".to_owned() };
        let dump = json!({"stats": [
            {"name": "cluster.outbound|80||m.membership_healthy", "value": 1},
            {"name": "cluster.outbound|80||m.membership_total", "value": 2},
            {"name": "cluster.a_b.upstream_rq_2xx", "value": 7},
            {"name": "cluster.a_b.upstream_rq_5xx", "value": 3},
            {"name": "cluster.a_b.upstream_rq_active", "value": 4},
            {"name": "server.uptime", "value": 9}, {"name": "server.state", "value": 1},
            {"histograms": {"details": [{"name": "cluster.a_b.upstream_rq_time", "totals": [
                {"lower_bound": 0, "width": 0, "count": 5}, {"lower_bound": 1, "width": 0.1, "count": 1},
                {"lower_bound": 120, "width": 10, "count": 4}]}]}}
        ]});
        let stats = read(&dump, &clusters).unwrap();
        assert_eq!((stats.uptime_s, stats.state), (Some(9), Some("draining")));
        assert_eq!(stats.sides.blue.replicas, Some(Replicas { ready: 1, total: 2 }));
        let green = &stats.sides.green;
        assert_eq!((green.replicas, green.traffic.total(), green.traffic.errors()), (None, 10, 3));
        assert_eq!(green.traffic.in_flight, 4);
        assert_eq!(green.traffic.latency_us, [(500, 5), (1500, 1), (125_000, 4)]);
        let filter = path(&clusters);
        assert!(filter.contains("outbound%5C%7C80") && filter.contains("a_b"), "{filter}");
    }

    #[test]
    fn another_format_is_no_count() {
        let clusters = Pair { blue: "b".to_owned(), green: "g".to_owned() };
        assert_eq!(read(&json!([]), &clusters), None);
        assert_eq!(read(&json!({"stats": [{"name": "x"}]}), &clusters), None);
    }
}
