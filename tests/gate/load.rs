//! The load gate against real servers: steady, stalling, slow, broken, gone.

use crate::support::gate as bench;
use crate::support::server;

use std::sync::Arc;
use std::time::{Duration, Instant};

use bench::{Bench, Gate, gate, write};
use cutover::testing::domain::Verdict;
use cutover::testing::domain::load::{LimitedBy, Saturation, Selector};
use cutover::testing::gate::Target;
use cutover::testing::gate::{Load, LoadLimits, Stage};
use serde_json::json;
use server::{Answer, Server, dead_url};

const LIMITS: LoadLimits =
    LoadLimits { max_p50_ms: None, max_p95_ms: None, max_p99_ms: 30_000, max_error_rate: 0.01, min_rate: 0.5 };

fn hold(rps: f64, seconds: u64) -> Vec<Stage> {
    vec![Stage { from_rps: rps, to_rps: rps, for_ms: seconds * 1000 }]
}

fn requests() -> tempfile::NamedTempFile {
    write([
        json!({"request": {"a": 1}}).to_string(),
        json!({"path": "/meta", "expect": {"status": 204}}).to_string(),
        json!({"method": "PUT", "path": "/put", "request": [1]}).to_string(),
    ])
}

fn load(file: &tempfile::NamedTempFile, stages: Vec<Stage>, connections: usize, limits: LoadLimits) -> Gate<Load> {
    let (requests, path) = (file.path().into(), "/infer".into());
    gate(Load { requests, path, stages, connections, limits, saturation: None })
}

/// The same, watching a metric of the replicas.
fn watching(mut gate: Gate<Load>, metric: &str, limit: f64) -> Gate<Load> {
    let metric = Selector::parse(metric).unwrap();
    let url = "/metrics".into();
    gate.check.saturation = Some(Saturation { url, port: None, metric, limit, consecutive: 2 });
    gate
}

fn well(request: &server::Request) -> Answer {
    match (request.method.as_str(), request.path.as_str()) {
        ("POST", "/infer") => Answer::json("{}"),
        ("GET", "/meta") => Answer::status(204),
        ("PUT", "/put") => Answer::status(200),
        _ => Answer::status(404),
    }
}

#[tokio::test]
async fn it_sends_what_is_due_to_every_replica_and_tells_what_it_saw() {
    let (one, two) = (Server::start(well).await, Server::start(well).await);
    let stages = vec![
        Stage { from_rps: 0.0, to_rps: 200.0, for_ms: 1000 },
        Stage { from_rps: 200.0, to_rps: 200.0, for_ms: 2000 },
    ];
    let file = requests();
    let mut bench = Bench::new([&one.url, &two.url]);
    let evidence = bench.run(load(&file, stages, 8, LIMITS)).await;
    assert_eq!((evidence.verdict, evidence.samples), (Verdict::Passed, 500), "{evidence:?}");
    assert_eq!((evidence.limit, evidence.unit.as_str(), evidence.at_least), (Some(30_000.0), "ms", false));
    assert!(evidence.value.is_some_and(|p99| p99 > 0.0), "{evidence:?}");
    assert!(evidence.note.starts_with("p50 ") && evidence.note.contains("0.00 % errors"), "{evidence:?}");
    assert!(evidence.note.contains(" of 167 rps"), "{evidence:?}");
    assert_eq!(one.served() + two.served(), 500);
    assert!(one.served() >= 100 && two.served() >= 100, "{} and {}", one.served(), two.served());
    assert!(one.most_at_once() <= 4 && two.most_at_once() <= 4);
    let log: Vec<String> = bench.log().iter().map(|line| line.text.clone()).collect();
    assert!(log.contains(&"500 requests in 3 s over 8 connections".to_owned()), "{log:?}");
    assert!(log.iter().any(|line| line.starts_with("0-1 s: ")), "{log:?}");
    assert_eq!((bench.progress().done, bench.progress().total), (3, 3));
    let run = evidence.load.clone().unwrap();
    assert_eq!((run.finished, run.errors, run.unsent, run.length_s, run.limit_ms), (500, 0, 0, 3.0, 30_000.0));
    assert!((2..=4).contains(&run.points.len()), "a point a second: {run:?}");
    assert!(run.points[0].rps < run.points[1].rps, "the ramp shows: {run:?}");
    assert!(run.points.iter().all(|point| point.p50_ms.is_some() && point.p99_ms >= point.p50_ms), "{run:?}");
    assert_eq!(bench.progress().load, evidence.load, "what is shown live is what is kept");
}

#[tokio::test]
async fn a_stall_shows_with_all_that_should_have_been_sent_meanwhile() {
    let began = Instant::now();
    // Nothing is answered in the second second.
    let stalls = Server::start(move |request| {
        let now = began.elapsed().as_secs_f64();
        if (1.0..2.0).contains(&now) {
            Answer::After(Duration::from_secs_f64(2.0 - now), 200, Vec::new())
        } else if request.path == "/meta" {
            Answer::status(204)
        } else {
            Answer::status(200)
        }
    })
    .await;
    let file = write([json!({"request": {"a": 1}}).to_string()]);
    // Four connections: a loop that waits for its answers would have seen four slow ones of four hundred.
    let evidence = Bench::new([&stalls.url]).run(load(&file, hold(100.0, 4), 4, LIMITS)).await;
    assert_eq!((evidence.verdict, evidence.samples), (Verdict::Passed, 400), "{evidence:?}");
    let p95: f64 = evidence.note.split("p95 ").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
    assert!(p95 > 500.0, "a quarter of all was due in the stall: {evidence:?}");
    assert!(evidence.value.is_some_and(|p99| p99 > 700.0), "{evidence:?}");
    let limits = LoadLimits { max_p95_ms: Some(100), ..LIMITS };
    let judged = Server::start(|_| Answer::After(Duration::from_millis(150), 200, Vec::new())).await;
    let evidence = Bench::new([&judged.url]).run(load(&file, hold(60.0, 2), 64, limits)).await;
    assert_eq!(evidence.verdict, Verdict::Failed);
    assert!(evidence.note.starts_with("p95 over 100 ms: p50 "), "{evidence:?}");
}

#[tokio::test]
async fn it_stops_at_once_when_the_side_breaks_its_limits() {
    let slow = Server::start(|_| Answer::After(Duration::from_millis(200), 200, Vec::new())).await;
    let broken = Server::start(|_| Answer::status(500)).await;
    let file = write([json!({"request": {"a": 1}}).to_string()]);
    let limits = LoadLimits { max_p99_ms: 50, ..LIMITS };
    let mut spec = load(&file, hold(50.0, 600), 64, limits);
    spec.spec.timeout_ms = 700_000;
    for (server, said) in [(&slow, "took longer than 50 ms"), (&broken, "failed")] {
        let evidence = Bench::new([&server.url]).run(spec.clone()).await;
        assert_eq!(evidence.verdict, Verdict::Failed, "{evidence:?}");
        assert!(evidence.note.starts_with("stopped after ") && evidence.note.ends_with(said), "{evidence:?}");
        assert!(evidence.took_ms < 60_000, "ten minutes were asked for: {evidence:?}");
        nothing_follows(server).await;
    }
}

/// Nothing but what is asked here reaches the server any more.
async fn nothing_follows(server: &Server) {
    // Requests that were on the wire already have arrived when this one is answered.
    let client = cutover::testing::http::Client::new(&cutover::testing::domain::Transport::default()).unwrap();
    let target = Target::new(&server.url);
    let ask = || cutover::testing::http::Ask::get("/meta", Duration::from_secs(10), 1024);
    let fetched = async || cutover::testing::http::fetch(&client, &target, ask()).await.unwrap();
    fetched().await;
    let before = server.served();
    for _ in 0..20 {
        fetched().await;
    }
    assert_eq!(server.served() - before, 20, "the load goes on");
}

#[tokio::test]
async fn a_side_that_cannot_keep_up_is_told_and_left_alone() {
    // Two connections at 50 ms each give 40 requests a second.
    let busy = Server::start(|_| Answer::After(Duration::from_millis(50), 200, Vec::new())).await;
    let file = write([json!({"request": {"a": 1}}).to_string()]);
    let mut spec = load(&file, hold(200.0, 600), 2, LIMITS);
    spec.spec.timeout_ms = 700_000;
    let evidence = Bench::new([&busy.url]).run(spec).await;
    assert_eq!(evidence.verdict, Verdict::Failed);
    assert!(evidence.note.contains("s behind what is due"), "{evidence:?}");
    assert!(busy.most_at_once() <= 2, "{}", busy.most_at_once());
    let limits = LoadLimits { min_rate: 0.95, ..LIMITS };
    let evidence = Bench::new([&busy.url]).run(load(&file, hold(100.0, 3), 2, limits)).await;
    assert_eq!(evidence.verdict, Verdict::Failed);
    let behind = evidence.note.contains("s behind what is due") || evidence.note.starts_with("too slow: ");
    assert!(behind && evidence.note.contains("server-limited, all of 2 connections wait for answers"), "{evidence:?}");
    let run = evidence.load.unwrap();
    assert_eq!((run.limited, run.in_flight, run.connections), (Some(LimitedBy::Server), 2, 2));
    assert!(run.unsent > 10, "{run:?}");
}

#[tokio::test]
async fn a_cancelled_load_stops_at_once() {
    let under_way = Arc::new(tokio::sync::Notify::new());
    let sixtieth = Arc::clone(&under_way);
    let server = Server::start(move |request| {
        if request.number == 60 {
            sixtieth.notify_one();
        }
        well(request)
    })
    .await;
    let file = requests();
    let mut bench = Bench::new([&server.url]);
    let cancel = Arc::clone(&bench.cancel);
    let canceller = tokio::spawn(async move {
        under_way.notified().await;
        cancel.send_replace(true);
    });
    let mut spec = load(&file, hold(200.0, 600), 8, LIMITS);
    spec.spec.timeout_ms = 700_000;
    let evidence = bench.run(spec).await;
    canceller.await.unwrap();
    assert_eq!((evidence.verdict, evidence.note.as_str()), (Verdict::NotYet, "cancelled"));
    nothing_follows(&server).await;
}

#[tokio::test]
async fn errors_are_told_by_kind_and_are_no_latencies() {
    let file = requests();
    let evidence = Bench::new([&dead_url()]).run(load(&file, hold(100.0, 30), 4, LIMITS)).await;
    assert_eq!((evidence.verdict, evidence.value), (Verdict::Failed, None), "absent is not zero: {evidence:?}");
    assert!(evidence.note.starts_with("stopped after ") && evidence.note.ends_with(" failed"), "{evidence:?}");
    assert!(evidence.details.iter().any(|text| text.contains(" x cannot connect: ")), "{evidence:?}");
    let odd = Server::start(|request| match request.number % 40 {
        0 => Answer::Drop,
        1 => Answer::status(503),
        _ => well(request),
    })
    .await;
    let limits = LoadLimits { max_error_rate: 0.2, ..LIMITS };
    let evidence = Bench::new([&odd.url]).run(load(&file, hold(200.0, 1), 4, limits)).await;
    assert_eq!(evidence.verdict, Verdict::Passed, "{evidence:?}");
    for kind in ["5 x connection closed without an answer", "5 x status 503"] {
        assert!(evidence.details.iter().any(|text| text == kind), "{kind}: {evidence:?}");
    }
    let evidence = Bench::new([&odd.url]).run(load(&file, hold(200.0, 1), 4, LIMITS)).await;
    assert_eq!(evidence.verdict, Verdict::Failed);
    assert!(evidence.note.starts_with("too many errors: p50 "), "{evidence:?}");
}

#[tokio::test]
async fn saturation_stops_the_load_and_is_never_taken_for_granted() {
    let page = |full: usize| format!("# TYPE queue gauge\nqueue{{model=\"a\"}} {full}\nqueue{{model=\"b\"}} 1\n");
    let answer = move |request: &server::Request| match request.path.as_str() {
        "/metrics" => Answer::Reply(200, Vec::new(), page(request.number / 20).into_bytes()),
        _ => well(request),
    };
    let file = requests();
    // The queue grows with what was sent: over 5 after a hundred requests.
    let (filling, calm) = (Server::start(answer).await, Server::start(answer).await);
    let mut long = watching(load(&file, hold(100.0, 600), 8, LIMITS), "queue{model=\"a\"}", 5.0);
    long.spec.timeout_ms = 700_000;
    let evidence = Bench::new([&filling.url]).run(long.clone()).await;
    assert_eq!(evidence.verdict, Verdict::Failed, "{evidence:?}");
    assert!(evidence.note.contains("saturated: queue at 127.0.0.1:") && evidence.note.ends_with("limit 5, 2 in a row"));
    assert!(evidence.took_ms < 60_000, "ten minutes were asked for: {evidence:?}");
    nothing_follows(&filling).await;
    let calm_spec = watching(load(&file, hold(100.0, 2), 8, LIMITS), "queue{model=\"b\"}", 5.0);
    let evidence = Bench::new([&calm.url]).run(calm_spec).await;
    assert_eq!(evidence.verdict, Verdict::Passed, "{evidence:?}");
    let run = evidence.load.unwrap();
    assert_eq!((run.saturation, run.saturation_limit), (Some(1.0), Some(5.0)));
    // What cannot be read is not 0: there is no verdict, and no load for ten minutes without it.
    let mut blind = watching(long, "absent", 5.0);
    blind.spec.name = "blind".into();
    let evidence = Bench::new([&calm.url]).run(blind).await;
    assert_eq!(evidence.verdict, Verdict::NotYet, "{evidence:?}");
    assert!(evidence.note.contains("saturation cannot be read at ") && evidence.note.ends_with("there is no absent"));
}

#[tokio::test]
async fn a_replica_that_cannot_be_sent_to_is_told_and_not_left_out() {
    let server = Server::start(well).await;
    let file = requests();
    let evidence =
        Bench::new([server.url.as_str(), "ftp://elsewhere"]).run(load(&file, hold(100.0, 1), 4, LIMITS)).await;
    assert_eq!((evidence.verdict, server.served()), (Verdict::NotYet, 0), "{evidence:?}");
    assert!(evidence.note.contains("elsewhere cannot be sent to"), "{evidence:?}");
    let bad = write([json!({"path": "/meta"}).to_string(), json!({"path": "/a b"}).to_string()]);
    let evidence = Bench::new([&server.url]).run(load(&bad, hold(100.0, 1), 4, LIMITS)).await;
    assert_eq!((evidence.verdict, server.served()), (Verdict::NotYet, 0));
    assert!(evidence.note.contains(":2: no valid path"), "{evidence:?}");
}
