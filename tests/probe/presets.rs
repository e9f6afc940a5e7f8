//! Every row of every preset against what the server it is for exports, and against what other versions do.
//!
//! The texts under `tests/fixtures/metrics` hold the names, labels, types and units of the servers' own sources; that
//! of Triton is what a running one said, and of mlserver `tests/gate/mlserver.rs` asks a running one.

use crate::support::server;

use std::fmt::Write as _;
use std::path::Path;

use cutover::testing::config::presets::{PRESETS, preset};
use cutover::testing::domain::Pair;
use cutover::testing::domain::metric::{Merged, MetricRow, MetricsSpec, Part, Scrape, Take};
use cutover::testing::probe::read_twice;
use server::{Answer, Server};

fn fixture(name: &str) -> String {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/metrics");
    std::fs::read_to_string(dir.join(format!("{name}.txt"))).unwrap()
}

fn spec(name: &str) -> MetricsSpec {
    let preset = preset(name).unwrap();
    MetricsSpec {
        preset: name.into(),
        interval_ms: 1000,
        timeout_ms: 5000,
        path: "/metrics".into(),
        urls: Pair::default(),
        prometheus: None,
        rows: preset.rows,
        traffic: preset.traffic,
        stream: None,
        transport: cutover::testing::domain::Transport::default(),
    }
}

/// The text a second later: whatever counts has doubled.
fn later(text: &str) -> String {
    let mut counts = false;
    let mut out = String::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            counts = !rest.ends_with(" gauge");
        }
        match line.rsplit_once(' ').filter(|_| counts && !line.starts_with('#')) {
            Some((series, value)) => {
                let doubled = value.parse::<f64>().unwrap() * 2.0;
                writeln!(out, "{series} {doubled}").unwrap();
            }
            None => writeln!(out, "{line}").unwrap(),
        }
    }
    out
}

/// What a preset makes of a text, read twice a second apart.
async fn read(name: &str, text: String) -> Scrape {
    let server = Server::start(move |request| {
        let text = if request.number == 1 { text.clone() } else { later(&text) };
        Answer::Reply(200, vec![("content-type", "text/plain; version=0.0.4".into())], text.into_bytes())
    })
    .await;
    read_twice(&spec(name), &server.url).await.unwrap()
}

fn value(row: &MetricRow, part: &Part) -> Option<f64> {
    match row.merge(std::iter::once(part)) {
        Merged::Value(value, _) => Some((value * 1000.0).round() / 1000.0),
        Merged::Missing | Merged::NotYet => None,
    }
}

fn values(name: &str, scrape: &Scrape) -> Vec<(String, Option<f64>)> {
    let rows = spec(name).rows;
    rows.iter().zip(&scrape.parts).map(|(row, part)| (row.name.clone(), value(row, part))).collect()
}

/// Each preset's rows with their values, and the requests, failures and latencies of a second.
#[expect(clippy::type_complexity, reason = "a table, read once")]
const WANTED: [(&str, &[(&str, Option<f64>)], Option<(u64, Option<u64>, u64)>); 8] = [
    (
        "triton",
        &[
            ("queue", Some(0.0)),
            // No GPU in that machine, and so none of its series.
            ("gpu", None),
            ("vram", None),
            ("batch", Some(1.0)),
            ("queued", Some(0.316)),
            ("comp", Some(13.042)),
            ("mean", Some(13.609)),
        ],
        Some((5, Some(0), 0)),
    ),
    (
        "mlserver",
        &[
            ("active", Some(3.0)),
            ("queue", Some(3.0)),
            ("batchq", Some(1.0)),
            ("infer", Some(6.0)),
            ("rate", Some(100.0)),
            ("cpu", Some(3.25)),
            ("mem", Some(216_260_608.0)),
        ],
        Some((104, Some(4), 100)),
    ),
    (
        "vllm",
        &[
            ("queue", Some(3.0)),
            ("batch", Some(6.0)),
            ("tokens", Some(900.0)),
            ("ttft", Some(59.8)),
            ("itl", Some(24.85)),
            ("kv", Some(0.42)),
        ],
        Some((100, None, 100)),
    ),
    (
        "tgi",
        &[
            ("queue", Some(4.0)),
            ("batch", Some(8.0)),
            ("tokens", Some(1600.0)),
            ("itl", Some(19.9)),
            ("queued", Some(0.99)),
        ],
        Some((100, None, 100)),
    ),
    (
        "kserve",
        &[
            ("predict", Some(74.75)),
            ("pre", Some(2.0)),
            ("post", Some(1.0)),
            ("rate", Some(100.0)),
            ("cpu", Some(3.25)),
            ("mem", Some(216_260_608.0)),
        ],
        Some((100, None, 100)),
    ),
    ("knative", &[("queue", Some(2.0)), ("app", Some(39.8)), ("apprps", Some(97.0))], Some((100, Some(5), 100))),
    ("knative-otel", &[("queue", Some(2.0)), ("app", Some(49.75)), ("apprps", Some(97.0))], Some((100, Some(5), 100))),
    ("process", &[("cpu", Some(3.25)), ("mem", Some(216_260_608.0))], None),
];

fn wanted(name: &str) -> Vec<(String, Option<f64>)> {
    let (_, rows, _) = WANTED.iter().find(|(preset, ..)| *preset == name).unwrap();
    rows.iter().map(|&(row, value)| (row.to_owned(), value)).collect()
}

#[tokio::test]
async fn every_row_of_every_preset_is_found_in_its_unit() {
    assert_eq!(WANTED.map(|(name, ..)| name), PRESETS.map(|(name, _)| name));
    for (name, scrape) in all(PRESETS.map(|(name, _)| (name, fixture(name))).to_vec()).await {
        assert_eq!(values(name, &scrape), wanted(name), "{name}");
        let fed = scrape.fed.map(|fed| (fed.count, fed.errors, fed.cells.iter().map(|cell| cell.2).sum::<u64>()));
        let (.., traffic) = WANTED.iter().find(|(preset, ..)| *preset == name).unwrap();
        assert_eq!(fed, *traffic, "{name}");
    }
}

/// All at once: each takes a second.
async fn all(texts: Vec<(&'static str, String)>) -> Vec<(&'static str, Scrape)> {
    let mut reading = tokio::task::JoinSet::new();
    for (name, text) in texts {
        reading.spawn(async move { (name, read(name, text).await) });
    }
    reading.join_all().await
}

/// The families a row is made of.
fn families(row: &MetricRow) -> Vec<Vec<String>> {
    let series = match &row.take {
        Take::Gauge { of, .. } | Take::Rate { of } | Take::Quantile { of, .. } => vec![of],
        Take::Ratio { of, per } => vec![of, per],
        Take::Query(_) | Take::Stream(_) => vec![],
    };
    let base =
        |name: &String| ["_sum", "_count"].iter().find_map(|it| name.strip_suffix(it)).unwrap_or(name).to_owned();
    series.into_iter().map(|of| of.names.iter().map(base).collect()).collect()
}

/// The lines that are meant.
fn lines(text: &str, mut meant: impl FnMut(&str) -> bool) -> String {
    text.split_inclusive('\n').filter(|line| meant(line)).collect()
}

/// The text without a family: its samples and what announces it.
fn without(text: &str, families: &[String]) -> String {
    let of = |line: &str, family: &str| {
        let line = line.trim_start_matches("# HELP ").trim_start_matches("# TYPE ");
        let Some(rest) = line.strip_prefix(family) else { return false };
        let suffixes = ["_bucket", "_sum", "_count"].iter().find_map(|suffix| rest.strip_prefix(suffix));
        suffixes.unwrap_or(rest).starts_with([' ', '{'])
    };
    lines(text, |line| !families.iter().any(|family| of(line, family)))
}

#[tokio::test]
async fn a_family_that_is_gone_is_told_of_its_rows_alone() {
    let mut reading = tokio::task::JoinSet::new();
    for (name, _) in PRESETS {
        for row in spec(name).rows {
            for gone in families(&row) {
                let row = row.name.clone();
                reading
                    .spawn(async move { (name, row, gone.clone(), read(name, without(&fixture(name), &gone)).await) });
            }
        }
    }
    for (name, row, gone, scrape) in reading.join_all().await {
        let hit = |row: &MetricRow| families(row).iter().any(|of| of.iter().any(|family| gone.contains(family)));
        assert!(spec(name).rows.iter().any(|of| of.name == row && hit(of)));
        for ((of, part), (_, before)) in spec(name).rows.iter().zip(&scrape.parts).zip(wanted(name)) {
            let what = format!("{name} {} without {gone:?}", of.name);
            if hit(of) {
                assert_eq!(*part, Part::Missing, "{what}");
            } else {
                assert_eq!(value(of, part), before, "{what}");
            }
        }
    }
}

#[tokio::test]
async fn a_server_that_has_served_nothing_yet_exports_its_families_all_the_same() {
    // Series with labels are announced, and have no samples before the first request.
    let idle = lines(&fixture("mlserver"), |line| line.starts_with("# "));
    let scrape = read("mlserver", idle).await;
    assert!(scrape.parts.iter().all(|part| *part == Part::NotYet), "{:?}", scrape.parts);
}

#[tokio::test]
async fn names_that_changed_between_versions_are_found() {
    let older = fixture("vllm")
        .replace("vllm:kv_cache_usage_perc", "vllm:gpu_cache_usage_perc")
        .replace("vllm:inter_token_latency_seconds", "vllm:time_per_output_token_seconds");
    // Both at once, as a release between them has it: counted once.
    let of_before = lines(&older, |line| line.contains("gpu_cache") || line.contains("time_per_output"));
    let both = fixture("vllm") + &of_before;
    let tgi = fixture("tgi").replace("tgi_request_success ", "tgi_request_success_total ");
    let mlserver = fixture("mlserver").replace("_success_total", "_success").replace("_failure_total", "_failure");
    for (name, scrape) in all(vec![("vllm", older), ("vllm", both), ("tgi", tgi), ("mlserver", mlserver)]).await {
        assert_eq!(values(name, &scrape), wanted(name), "{name}");
        assert!(scrape.fed.is_some_and(|fed| fed.count >= 100), "{name}");
    }
}

#[tokio::test]
async fn a_status_is_of_its_class_and_of_no_other() {
    let text = fixture("knative-otel");
    let fails = |text: String| async move { read("knative-otel", text).await.fed.unwrap().errors };
    assert_eq!(fails(text.replace("\"503\"", "\"404\"")).await, Some(0), "the caller's fault is not the server's");
    assert_eq!(fails(text.replace("\"503\"", "\"5030\"")).await, Some(0));
    assert_eq!(fails(text.replace("\"503\"", "\"599\"")).await, Some(5));
}
