//! The gates against real servers, good and bad.

use crate::support::gate as bench;
use crate::support::server;

use std::time::Duration;

use bench::{AnyGate, Bench, golden, health, smoke, write};
use cutover::testing::domain::{LogLevel, LogLine, Verdict};
use serde_json::{Value, json};
use server::{Answer, Request, Server, dead_url};
use tokio::time::timeout;

/// Adds two numbers, like a model that is always right; refuses what is no request.
fn adder(request: &Request) -> Answer {
    if request.method == "GET" {
        return Answer::json(r#"{"name":"adder"}"#);
    }
    let body: Value = match serde_json::from_slice(&request.body) {
        Ok(body) => body,
        Err(_) => return Answer::Reply(400, Vec::new(), b"no".to_vec()),
    };
    match (body["a"].as_f64(), body["b"].as_f64()) {
        (Some(a), Some(b)) => Answer::json(&json!({"outputs": [{"data": [a + b]}]}).to_string()),
        _ => Answer::Reply(422, Vec::new(), b"a and b".to_vec()),
    }
}

fn cases(number: usize) -> tempfile::NamedTempFile {
    write((1..=number).map(|n| json!({"id": n, "request": {"a": n, "b": 1}, "expect": n + 1}).to_string()))
}

fn requests(number: usize) -> tempfile::NamedTempFile {
    let expect = json!({"status": 200, "pointer": "/outputs/0/data", "type": "array", "min": 0, "max": 1000});
    write((1..=number).map(|n| json!({"id": n, "request": {"a": n, "b": 1}, "expect": expect}).to_string()))
}

// --- health

#[tokio::test]
async fn health_passes_when_every_replica_answers_in_a_row() {
    let (one, two) = (Server::start(adder).await, Server::start(adder).await);
    let mut bench = Bench::new([&one.url, &two.url]);
    let evidence = bench.run(health(3, 5000)).await;
    assert_eq!((evidence.verdict, evidence.samples), (Verdict::Passed, 6), "{evidence:?}");
    assert_eq!((evidence.limit, evidence.unit.as_str(), evidence.at_least), (Some(5000.0), "ms", false));
    assert!(evidence.value.is_some_and(|ms| ms > 0.0 && ms < 5000.0), "{evidence:?}");
    assert_eq!(evidence.version, bench.version);
    let log = bench.log();
    assert!(log[0].text.starts_with("started on 2 replicas of version"), "{log:?}");
    assert_eq!(log.last().unwrap().text, "PASS: 2 replicas, 3 in a row each");
    assert!(log.iter().all(|line| line.source == "health"));
}

#[tokio::test]
async fn a_failure_resets_the_row_and_attempts_are_bounded() {
    // Good, bad, good, bad: never two in a row.
    let flaky = Server::start(|request| Answer::status(if request.number % 2 == 1 { 200 } else { 503 })).await;
    let evidence = Bench::new([&flaky.url]).run(health(2, 5000)).await;
    assert_eq!((evidence.verdict, evidence.samples), (Verdict::Failed, 6), "{evidence:?}");
    assert_eq!(evidence.note, "1 of 1 replica not healthy");
    assert!(evidence.details[0].ends_with("status 503 (6 checks made)"), "{evidence:?}");
    // Bad once, then good.
    let recovers = Server::start(|request| Answer::status(if request.number == 1 { 503 } else { 200 })).await;
    let evidence = Bench::new([&recovers.url]).run(health(3, 5000)).await;
    assert_eq!((evidence.verdict, evidence.samples), (Verdict::Passed, 4), "{evidence:?}");
}

#[tokio::test]
async fn health_fails_on_slow_dead_and_redirecting_replicas_and_names_them() {
    let good = Server::start(adder).await;
    let slow = Server::start(|_| Answer::After(Duration::from_millis(600), 200, Vec::new())).await;
    let round = Server::start(|_| Answer::Reply(302, vec![("location", "/round".into())], Vec::new())).await;
    let drip = Server::start(|_| Answer::Drip(Duration::from_millis(10))).await;
    let dead = dead_url();
    let evidence = Bench::new([&good.url, &slow.url, &round.url, &drip.url, &dead]).run(health(1, 500)).await;
    assert_eq!(evidence.verdict, Verdict::Failed, "{evidence:?}");
    assert_eq!(evidence.note, "4 of 5 replicas not healthy");
    assert!(evidence.value.is_some_and(|ms| ms >= 600.0), "the worst answer is the value: {evidence:?}");
    for said in ["limit 500 ms", "redirects to /round", "no answer within 1000 ms", "cannot connect"] {
        assert!(evidence.details.iter().any(|detail| detail.contains(said)), "{said}: {evidence:?}");
    }
}

// --- golden

#[tokio::test]
async fn golden_passes_on_right_answers_and_spreads_over_the_replicas() {
    let (one, two) = (Server::start(adder).await, Server::start(adder).await);
    let file = cases(100);
    let mut bench = Bench::new([&one.url, &two.url]);
    let evidence = bench.run(golden(file.path(), 0.95)).await;
    assert_eq!((evidence.verdict, evidence.value, evidence.samples), (Verdict::Passed, Some(1.0), 100), "{evidence:?}");
    assert_eq!((evidence.limit, evidence.unit.as_str(), evidence.at_least), (Some(0.95), "ratio", true));
    assert_eq!((one.served(), two.served()), (50, 50));
    assert!(one.most_at_once() <= 8 && two.most_at_once() <= 8);
    let progress = bench.progress();
    assert_eq!((progress.done, progress.total, progress.log_dropped), (100, 100, 0));
    let log = bench.log();
    assert!(log.iter().any(|line| line.text == "50 of 100, 0 misses"), "{log:?}");
    assert_eq!(log.len(), 5, "started, three quarters, the verdict: {log:?}");
}

#[tokio::test]
async fn misses_are_counted_listed_and_fail_the_gate() {
    const NOTE: &str = "50 misses, 75.0 % of 200 (68.6 to 80.5)";
    let wrong = Server::start(|request| match request.number % 4 {
        0 => Answer::json(r#"{"outputs":[{"data":["\u001b[2Jevil"]}]}"#),
        _ => adder(request),
    })
    .await;
    let file = cases(200);
    let mut bench = Bench::new([&wrong.url]);
    let evidence = bench.run(golden(file.path(), 0.9)).await;
    assert_eq!((evidence.verdict, evidence.value), (Verdict::Failed, Some(0.75)), "{evidence:?}");
    assert_eq!((evidence.samples, evidence.note.as_str(), evidence.details.len()), (200, NOTE, 20));
    assert!(evidence.details[0].ends_with(", got \"evil\""), "{evidence:?}");
    let warnings = bench.log().iter().filter(|line| line.level == LogLevel::Warn).count();
    assert_eq!(warnings, 20, "the log is bounded too");
    assert!(bench.log().iter().any(|line| line.text == "30 more like those are not listed"), "{:?}", bench.log());
    let evidence = Bench::new([&wrong.url]).run(golden(file.path(), 0.75)).await;
    assert_eq!(evidence.verdict, Verdict::Passed, "exactly the limit is enough: {evidence:?}");
}

#[tokio::test]
async fn answers_that_are_none_are_misses_with_their_reason() {
    let odd = Server::start(|request| match request.number {
        1 => Answer::Reply(200, vec![("content-type", "text/html".into())], b"<html>login</html>".to_vec()),
        2 => Answer::Reply(302, vec![("location", "/round".into())], Vec::new()),
        3 => Answer::Flood(10 * 1024 * 1024),
        4 => Answer::json(r#"{"outputs":[]}"#),
        5 => Answer::status(404),
        _ => Answer::json(r#"{"outputs":[{"data":[0,0]}]}"#),
    })
    .await;
    let file = cases(6);
    let mut spec = golden(file.path(), 0.5);
    bench::one_at_a_time(&mut spec, 1);
    let evidence = Bench::new([&odd.url]).run(spec).await;
    assert_eq!((evidence.verdict, evidence.value, evidence.samples), (Verdict::Failed, Some(0.0), 6));
    let expected = [
        "case 1: expected 2, got an answer that is not JSON",
        "case 2: expected 3, got redirects to /round",
        "case 3: expected 4, got an answer longer than 4096 KiB",
        "case 4: expected 5, got nothing at /outputs/0/data/0",
        "case 5: expected 6, got status 404",
        "case 6: expected 7, got 0",
    ];
    assert_eq!(evidence.details, expected);
}

#[tokio::test]
async fn cases_without_an_answer_leave_no_verdict() {
    let overloaded = Server::start(|request| match request.number {
        ..=30 if request.number % 2 == 0 => Answer::status(503),
        ..=30 => adder(request),
        _ => Answer::Drop,
    })
    .await;
    let file = cases(100);
    let mut bench = Bench::new([&overloaded.url]);
    let mut spec = golden(file.path(), 0.95);
    bench::one_at_a_time(&mut spec, 50);
    let evidence = bench.run(spec).await;
    assert_eq!(evidence.verdict, Verdict::NotYet, "{evidence:?}");
    assert_eq!(evidence.note, "only 15 of 100 cases answered");
    assert!(overloaded.served() < 50, "a side that went silent is left alone: {}", overloaded.served());
    assert!(bench.log().iter().any(|line| line.text.starts_with("stopped: 1")), "{:?}", bench.log());

    let evidence = Bench::new([&dead_url()]).run(golden(file.path(), 0.95)).await;
    assert_eq!((evidence.verdict, evidence.value), (Verdict::NotYet, None), "absent is not zero: {evidence:?}");
}

#[tokio::test]
async fn a_faulty_file_is_refused_before_anything_is_sent() {
    let server = Server::start(adder).await;
    let file = write(["{\"request\":1,\"expect\":1}", "", "{\"request\":"].map(String::from));
    let mut bench = Bench::new([&server.url]);
    let mut spec = golden(file.path(), 0.9);
    bench::one_at_a_time(&mut spec, 1);
    let evidence = bench.run(spec).await;
    assert_eq!(evidence.verdict, Verdict::NotYet);
    assert!(evidence.note.ends_with(".jsonl:3: not JSON"), "{evidence:?}");
    assert!(bench.log().iter().any(|line| line.text == evidence.note), "{:?}", bench.log());
    let missing = std::path::Path::new("/nowhere/golden.jsonl");
    for spec in [AnyGate::from(golden(missing, 0.9)), smoke(missing, true).into()] {
        let evidence = bench.run(spec).await;
        assert!(evidence.note.starts_with("cannot read /nowhere/golden.jsonl"), "{evidence:?}");
        assert_eq!((evidence.verdict, evidence.value), (Verdict::NotYet, None));
    }
    let evidence = bench.run(golden(cases(12).path(), 0.9)).await;
    assert_eq!((evidence.verdict, evidence.note.as_str()), (Verdict::NotYet, "only 12 cases in the file, 50 needed"));
    assert_eq!(server.served(), 0, "nothing was sent");
}

// --- smoke

#[tokio::test]
async fn smoke_passes_on_a_server_that_answers_well_and_refuses_cleanly() {
    let (one, two) = (Server::start(adder).await, Server::start(adder).await);
    let file = requests(20);
    let evidence = Bench::new([&one.url, &two.url]).run(smoke(file.path(), true)).await;
    assert_eq!((evidence.verdict, evidence.value), (Verdict::Passed, Some(0.0)), "{evidence:?}");
    assert_eq!(evidence.note, "0 of 20 requests failed, 0 of 11 adversarial");
    assert_eq!(evidence.samples, 20 + 11 + 3 * 2, "afterwards every replica is asked again");
    let evidence = Bench::new([&one.url]).run(smoke(file.path(), false)).await;
    assert_eq!((evidence.samples, evidence.note.as_str()), (20, "0 of 20 requests failed"));
}

#[tokio::test]
async fn smoke_fails_on_wrong_ranges_slow_answers_and_html() {
    let odd = Server::start(|request| match request.number {
        1 => Answer::json(r#"{"outputs":[{"data":[4000]}]}"#),
        2 => Answer::Reply(200, Vec::new(), b"<html>".to_vec()),
        3 => Answer::After(Duration::from_millis(300), 200, br#"{"outputs":[{"data":[1]}]}"#.to_vec()),
        4 => Answer::Drop,
        5 => Answer::status(500),
        _ => adder(request),
    })
    .await;
    let file = requests(10);
    let mut spec = smoke(file.path(), false);
    spec.check.max_latency_ms = 250;
    let evidence = Bench::new([&odd.url]).run(spec).await;
    assert_eq!((evidence.verdict, evidence.value), (Verdict::Failed, Some(5.0)), "{evidence:?}");
    let said = ["4000 is above 1000", "the answer is not JSON", "limit 250 ms", "answer cut off", "got status 500"];
    for (detail, said) in evidence.details.iter().zip(said) {
        assert!(detail.contains(said), "{said}: {evidence:?}");
    }
}

#[tokio::test]
async fn bad_input_that_is_not_refused_cleanly_fails_the_gate() {
    // Answers 200 to anything, like a server that never reads its input.
    let careless = Server::start(|request| match request.body.len() {
        10..40 => adder(request),
        _ => Answer::json("{}"),
    })
    .await;
    let file = requests(5);
    let evidence = Bench::new([&careless.url]).run(smoke(file.path(), true)).await;
    assert_eq!(evidence.verdict, Verdict::Failed, "{evidence:?}");
    let empty = "empty body: status 200 instead of a refusal (4xx)";
    assert!(evidence.details.iter().any(|detail| detail == empty), "{evidence:?}");

    // Breaks on bad input, and stays broken.
    let broken = std::sync::atomic::AtomicBool::new(false);
    let fragile = Server::start(move |request| {
        use std::sync::atomic::Ordering::SeqCst;
        if serde_json::from_slice::<Value>(&request.body).is_err() {
            broken.store(true, SeqCst);
        }
        if broken.load(SeqCst) { Answer::Drop } else { adder(request) }
    })
    .await;
    let mut bench = Bench::new([&fragile.url]);
    let evidence = bench.run(smoke(file.path(), true)).await;
    assert_eq!(evidence.verdict, Verdict::Failed);
    let stopped = |line: &LogLine| line.text.ends_with(" answers no request any more after empty body");
    assert!(bench.log().iter().any(stopped), "what is dead is sent no more: {:?}", bench.log());
    assert_eq!(fragile.served(), 5 + 1 + 1 + 3, "the requests, one bad input, a look, the aftermath");
    assert!(evidence.details.iter().any(|detail| detail.starts_with("empty body: answer cut off")), "{evidence:?}");
    let after = |detail: &String| detail.starts_with("request 1 after the adversarial ones, 127.0.0.1:");
    assert!(evidence.details.iter().any(after), "{evidence:?}");
}

#[tokio::test]
async fn smoke_leaves_a_dead_side_alone_after_a_while() {
    let gone = Server::start(|_| Answer::Drop).await;
    let file = requests(100);
    let evidence = Bench::new([&gone.url]).run(smoke(file.path(), true)).await;
    assert_eq!(evidence.verdict, Verdict::Failed);
    assert_eq!(evidence.note, "10 failed; stopped: 10 in a row without an answer");
    assert_eq!(gone.served(), 10);
}

// --- every gate

#[tokio::test]
async fn a_run_ends_at_once_when_it_is_cancelled() {
    let hang = Server::start(|_| Answer::Hang).await;
    let (cases, requests) = (cases(60), requests(5));
    let (golden, smoke) = (golden(cases.path(), 0.9), smoke(requests.path(), true));
    for spec in [AnyGate::from(health(1, 60_000)), golden.into(), smoke.into()] {
        let mut bench = Bench::new([&hang.url]);
        let cancel = bench.cancel.clone();
        let before = hang.served();
        let run = bench.run(spec);
        tokio::pin!(run);
        let asked = async {
            while hang.served() == before {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            evidence = &mut run => panic!("ended by itself: {evidence:?}"),
            () = asked => {}
        }
        cancel.send_replace(true);
        let evidence = timeout(Duration::from_secs(5), run).await.expect("it ends");
        assert_eq!((evidence.verdict, evidence.note.as_str()), (Verdict::NotYet, "cancelled"));
    }
}

#[tokio::test]
async fn a_run_that_takes_too_long_is_not_yet() {
    let hang = Server::start(|_| Answer::Hang).await;
    let mut spec = health(1, 60_000);
    spec.spec.timeout_ms = 100;
    let evidence = Bench::new([&hang.url]).run(spec).await;
    assert_eq!((evidence.verdict, evidence.note.as_str()), (Verdict::NotYet, "not done within 1 s"));
    let evidence = Bench::new(Vec::<String>::new()).run(health(1, 100)).await;
    assert_eq!((evidence.verdict, evidence.note.as_str()), (Verdict::NotYet, "the side has no replicas to ask"));
}

#[tokio::test]
async fn a_full_log_drops_and_counts() {
    let server = Server::start(adder).await;
    let mut bench = Bench::with_log([&server.url], 2);
    bench.run(golden(cases(100).path(), 0.9)).await;
    assert_eq!(bench.progress().log_dropped, 3);
}
