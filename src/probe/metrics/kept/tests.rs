use super::*;
use crate::domain::Pair;
use crate::domain::metric::{Merge, MetricRow, TrafficSeries, Unit};

fn of(name: &str) -> Series {
    Series { names: vec![name.into()], labels: Vec::new() }
}

fn spec(take: Take, traffic: Option<TrafficSeries>) -> MetricsSpec {
    MetricsSpec {
        preset: String::new(),
        interval_ms: 1000,
        timeout_ms: 1000,
        path: "/metrics".into(),
        urls: Pair::default(),
        prometheus: None,
        rows: vec![MetricRow { name: "row".into(), take, unit: Unit::Count, scale: 1.0 }],
        traffic,
        stream: None,
        transport: crate::domain::Transport::default(),
    }
}

/// The parts that result from readings taken one second apart.
fn parts(take: Take, bodies: &[&str]) -> Vec<Part> {
    let mut kept = Kept::new(&spec(take, None));
    let read = |(n, body): (usize, &&str)| kept.take(n as u64 * 1000, body.as_bytes()).unwrap().parts.remove(0);
    bodies.iter().enumerate().map(read).collect()
}

#[test]
fn a_counter_that_falls_began_again() {
    let got = parts(Take::Rate { of: of("c") }, &["c{a=\"1\"} 100", "c{a=\"1\"} 110", "c{a=\"1\"} 4\nc{a=\"2\"} 2"]);
    assert_eq!(got, [Part::NotYet, Part::Rate(10.0), Part::Rate(8.0)]);
    assert_eq!(parts(Take::Rate { of: of("c") }, &["d 1", "d 2"]), [Part::Missing, Part::Missing]);
    // A new counter has counted since it appeared.
    assert_eq!(parts(Take::Rate { of: of("c") }, &["d 1", "c 6"]), [Part::Missing, Part::Rate(6.0)]);
}

#[test]
fn gauges_are_read_as_they_are_and_nan_is_none() {
    let take = Take::Gauge { of: of("g"), merge: Merge::Sum };
    let got = parts(take, &["g{gpu=\"0\"} 0.5\ng{gpu=\"1\"} 0.25", "g NaN", "g +Inf", ""]);
    assert_eq!(got, [Part::Gauge { sum: 0.75, max: 0.5, n: 2 }, Part::Missing, Part::NotYet, Part::Missing]);
}

#[test]
fn the_first_name_that_is_there_counts_and_labels_choose() {
    let series = Series { names: vec!["new".into(), "old".into()], labels: vec![("m".into(), "a".into())] };
    let take = Take::Gauge { of: series, merge: Merge::Sum };
    let got = parts(take, &["old{m=\"a\"} 1\nold{m=\"b\"} 9", "old{m=\"a\"} 1\nnew{m=\"a\"} 2"]);
    assert_eq!(got, [Part::Gauge { sum: 1.0, max: 1.0, n: 1 }, Part::Gauge { sum: 2.0, max: 2.0, n: 1 }]);
}

#[test]
fn a_histogram_gives_what_fell_in_each_bucket() {
    let body = |a: u64, b: u64, c: u64| {
        format!(
            "h_bucket{{le=\"0.1\"}} {a}\nh_bucket{{le=\"0.5\"}} {b}\nh_bucket{{le=\"+Inf\"}} {c}\nh_count {c}\nh_sum 1\n"
        )
    };
    let take = Take::Quantile { of: of("h"), q: 0.99 };
    let got = parts(take, &[&body(10, 20, 20), &body(14, 26, 27), &body(1, 2, 3)]);
    assert_eq!(got[0], Part::NotYet);
    assert_eq!(got[1], Part::Buckets(vec![(0.1, 4.0), (0.5, 2.0), (f64::INFINITY, 1.0)]));
    assert_eq!(got[2], Part::Buckets(vec![(0.1, 5.0), (0.5, 3.0), (f64::INFINITY, 2.0)]), "it began again");
}

#[test]
fn a_window_forgets() {
    let mut kept = Kept::new(&spec(Take::Ratio { of: of("s"), per: of("n") }, None));
    let mut last = Part::Missing;
    for second in 0..200_u64 {
        // For a minute 2 for each, then 5.
        let (n, s) = (second, if second < 100 { second * 2 } else { 200 + (second - 100) * 5 });
        last = kept.take(second * 1000, format!("s {s}\nn {n}").as_bytes()).unwrap().parts.remove(0);
    }
    let Part::Ratio { of, per } = last else { panic!("{last:?}") };
    assert!((of / per - 5.0).abs() < 1e-9 && kept.steps.len() <= 62, "{of} / {per}");
    assert!(kept.take(1_000_000, b"s 1\nn 1").is_ok() && kept.steps.is_empty(), "an old reading is no beginning");
}

#[test]
fn requests_are_fed_with_failures_and_latencies_or_without() {
    let traffic = TrafficSeries {
        requests: of("ok"),
        failures: Some(of("bad")),
        failures_within: false,
        latency: Some(of("h")),
        latency_us: 1_000_000,
    };
    let mut kept = Kept::new(&spec(Take::Rate { of: of("ok") }, Some(traffic.clone())));
    let body =
        |n: u64| format!("ok {n}\nbad {}\nh_bucket{{le=\"0.1\"}} {n}\nh_bucket{{le=\"+Inf\"}} {}\n", n / 10, n * 2);
    assert_eq!(kept.take(0, body(100).as_bytes()).unwrap().fed, None);
    let fed = kept.take(2000, body(150).as_bytes()).unwrap().fed.unwrap();
    let cells = vec![(0, 100_000, 50), (100_000, 100_000, 50)];
    assert_eq!(fed, Fed { span_ms: 2000, count: 55, errors: Some(5), cells });

    // A server that does not export failures does not have zero failures.
    let mut kept = Kept::new(&spec(Take::Rate { of: of("ok") }, Some(traffic)));
    kept.take(0, b"ok 1").unwrap();
    assert_eq!(kept.take(1000, b"ok 3").unwrap().fed.unwrap().errors, None);
}

#[test]
fn a_broken_reading_changes_nothing_and_series_are_bounded() {
    let mut kept = Kept::new(&spec(Take::Rate { of: of("c") }, None));
    kept.take(0, b"c 1").unwrap();
    assert!(kept.take(1000, b"<html>").is_err());
    assert_eq!(kept.take(2000, b"c 5").unwrap().parts, [Part::Rate(2.0)]);
    let many = (0..5000).map(|n| format!("c{{n=\"{n}\"}} 1\n")).collect::<Vec<_>>().concat();
    let got = kept.take(3000, many.as_bytes()).unwrap();
    assert_eq!(got.dropped, 1000);
}
