//! Live traffic as a smoke test: the gateway keeps requests where it may, and the candidate must answer them as well.

use crate::support::gate as bench;
use crate::support::gateway as kit;
use crate::support::server;

use std::sync::Arc;

use bench::{Bench, Gate, gate};
use cutover::testing::backend::embedded::{AdminAddress, EmbeddedSpec};
use cutover::testing::backend::{Spec, TrafficBackend};
use cutover::testing::domain::{SampledRequest, Verdict};
use cutover::testing::gate::{Smoke, SmokeSource};
use cutover::testing::gateway::Settings;
use kit::{Replica, Rig, Wire, eventually, settings};
use server::{Answer, Request, Server};

fn model(request: &Request) -> Answer {
    match request.path.as_str() {
        "/infer" if request.body.starts_with(b"{") => Answer::json(r#"{"score":0.5}"#),
        "/ready" | "/meta" => Answer::json("{}"),
        _ => Answer::status(422),
    }
}

/// A gateway before `blue`, and the way to ask it for samples.
async fn rig(dir: &tempfile::TempDir, blue: &str, sample: bool) -> (Rig, Arc<dyn TrafficBackend>) {
    let before = settings(dir, vec![blue.to_owned()], vec![kit::nobody()]);
    let rig = Rig::start(Settings { sample, ..before }).await;
    let backend = EmbeddedSpec { admin: AdminAddress::Unix(dir.path().join("admin.sock")) }.connect();
    (rig, backend)
}

async fn send(rig: &Rig, request: &str) -> u16 {
    let mut client: Wire<_> = rig.client().await;
    client.ask(request).await.status()
}

fn post(path: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!("POST {path} HTTP/1.1\r\nhost: models\r\ncontent-length: {length}\r\n{headers}\r\n{body}")
}

/// Sends `request` until the gateway has kept `count`.
async fn kept(rig: &Rig, backend: &Arc<dyn TrafficBackend>, request: &str, count: usize) -> Vec<SampledRequest> {
    let mut samples = Vec::new();
    eventually("requests are kept", async || {
        send(rig, request).await;
        samples = backend.observer().samples(50).await.unwrap();
        samples.len() >= count
    })
    .await;
    samples
}

fn live(adversarial: bool) -> Gate<Smoke> {
    let source = SmokeSource::Live { count: 50 };
    gate(Smoke { source, path: "/".into(), max_latency_ms: 5000, adversarial, headers: Vec::new() })
}

#[tokio::test]
async fn what_live_traffic_asked_is_asked_of_the_candidate() {
    let blue = Replica::answering(|request| {
        let score = r#"{"score":0.5}"#;
        let status = if request.body.starts_with(b"{") { "200 OK" } else { "422 No" };
        let length = score.len();
        format!("HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{score}")
    })
    .await;
    let dir = tempfile::tempdir().unwrap();
    let (rig, backend) = rig(&dir, &blue.url(), true).await;
    let headers = "content-type: application/json\r\nauthorization: Bearer s3cret\r\nx-class: gold\r\n";
    assert_eq!(send(&rig, &post("/infer", "", "nonsense")).await, 422);
    let chunked = "POST /infer HTTP/1.1\r\nhost: models\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n\
                   4\r\n{\"x\"\r\n3\r\n:2}\r\n0\r\n\r\n";
    let first = kept(&rig, &backend, chunked, 1).await;
    assert_eq!(first[0].body, "{\"x\":2}", "however it was framed");
    let samples = kept(&rig, &backend, &post("/infer?n=1", headers, "{\"x\":1}"), 3).await;
    let latest = &samples[0];
    assert_eq!(
        (latest.method.as_str(), latest.path.as_str(), latest.body.as_str()),
        ("POST", "/infer?n=1", "{\"x\":1}")
    );
    assert_eq!((latest.status, latest.answer_type.as_str()), (200, "application/json"));
    let expected = [("content-type", "application/json"), ("x-class", "gold")];
    assert_eq!(latest.headers, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    let raw = rig.admin("GET", "/v1/samples?count=2", "").await;
    assert!(!raw.text().contains("s3cret") && raw.json()["samples"].as_array().unwrap().len() == 2);
    assert_eq!(rig.admin("GET", "/v1/samples?count=x", "").await.status(), 400);
    assert_eq!(rig.admin("PUT", "/v1/samples", "").await.status(), 405);

    let well = Server::start(|request| {
        assert!(request.headers.get("x-class").is_none_or(|class| class == "gold"));
        if request.path == "/infer?n=1" && request.body == b"{\"x\":1}" {
            return Answer::json(r#"{"score":0.6}"#);
        }
        model(request)
    })
    .await;
    let mut bench = Bench::new([&well.url]);
    let number = samples.len();
    bench.samples = Ok(samples);
    let evidence = bench.run(live(false)).await;
    assert_eq!((evidence.verdict, evidence.samples), (Verdict::Passed, number as u64), "{evidence:?}");

    let plain =
        Server::start(|_| Answer::Reply(200, vec![("content-type", "text/plain".into())], b"ok".to_vec())).await;
    bench.set_targets([&plain.url]);
    let evidence = bench.run(live(false)).await;
    assert_eq!(evidence.verdict, Verdict::Failed);
    assert_eq!(evidence.details[0], "request live 1: expected content type application/json, got text/plain");
}

#[tokio::test]
async fn nothing_is_kept_unless_the_user_says_so() {
    let blue = Server::start(model).await;
    let dir = tempfile::tempdir().unwrap();
    let (rig, backend) = rig(&dir, &blue.url, false).await;
    assert_eq!(send(&rig, &post("/infer", "", "{}")).await, 200);
    let error = backend.observer().samples(50).await.unwrap_err();
    assert_eq!(error.detail(), "no requests are kept: write sample = true in [gateway] and restart it");
    let mut bench = Bench::new([&blue.url]);
    bench.samples = Err(error.detail().to_owned());
    let evidence = bench.run(live(true)).await;
    assert_eq!(evidence.verdict, Verdict::NotYet);
    assert!(evidence.note.starts_with("no requests of live traffic: no requests are kept"), "{evidence:?}");
    bench.samples = Ok(Vec::new());
    let evidence = bench.run(live(true)).await;
    assert_eq!(evidence.verdict, Verdict::NotYet);
    assert_eq!(evidence.note, "live traffic has made no request yet that could be sent again");
}

#[tokio::test]
async fn a_body_that_is_being_kept_reaches_the_replica_whole() {
    let blue = Server::start(|request| {
        Answer::Reply(200, vec![("x-length", request.body.len().to_string())], request.body.clone())
    })
    .await;
    let dir = tempfile::tempdir().unwrap();
    let (rig, backend) = rig(&dir, &blue.url, true).await;
    let long = "x".repeat(300 * 1024);
    for _ in 0..3 {
        let mut client = rig.client().await;
        let answer = client.ask(&post("/echo", "", &long)).await;
        assert_eq!(answer.header("x-length"), Some("307200"));
    }
    assert_eq!(backend.observer().samples(50).await.unwrap(), [], "too long to be kept");
}
