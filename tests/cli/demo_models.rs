//! The demo's models, model servers and client load, over real sockets.
//!
//! Most tests run on paused time: the sockets are real, and the hours are not waited for.

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use cutover::testing::demo::accelerator::{Accelerator, Pace};
use cutover::testing::demo::behaviour::{Behaviour, Mode};
use cutover::testing::demo::child::{Pipes, Report, run_load, run_model_server};
use cutover::testing::demo::data::{GOLDEN, SMOKE, golden_cases, write_to};
use cutover::testing::demo::load::{DEFAULT_RPS, Load, LoadReport};
use cutover::testing::demo::model::{Image, Model, transposed};
use cutover::testing::demo::scenario::Scenario;
use cutover::testing::demo::server::{MAX_BODY, Server, serve};
use cutover::testing::demo::settings::{Addresses, CONFIG_FILE, demo_config};
use cutover::testing::domain::Side;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{self, Instant};

#[test]
fn the_demo_config_means_what_it_should() {
    use cutover::testing::domain::{GuardAction, VersionSource};
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path().join("a demo \"directory\"");
    std::fs::create_dir(&dir).unwrap();
    write_to(&dir).unwrap();
    let at = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let text = demo_config(&dir, &Addresses { blue: at(1001), green: at(1002), gateway: at(1003) }, Scenario::Good);
    let config = cutover::testing::config::parse(&text, &dir.join(CONFIG_FILE), &|_| None).unwrap();
    let service = &config.service;
    assert_eq!((service.name.as_str(), service.environment.as_str()), ("digits", "demo"));
    assert_eq!(service.sides.green.urls, ["http://127.0.0.1:1002"]);
    assert!(matches!(&service.sides.blue.version, VersionSource::Pointer { pointer, .. } if pointer == "/versions/0"));
    assert_eq!(service.state_dir, dir.join("state"));
    assert_eq!(service.gates.iter().map(|gate| gate.kind.as_str()).collect::<Vec<_>>(), ["health", "golden", "smoke"]);
    assert!(service.gates.iter().all(|gate| gate.required));
    assert_eq!(service.guards.iter().map(|guard| guard.bound.limit).collect::<Vec<_>>(), [0.02, 250.0, 200.0]);
    // A tenth of the client load must be enough for a verdict well before the bake is over.
    for guard in &service.guards {
        assert_eq!((guard.then, guard.side), (GuardAction::Rollback, None));
        let in_window = u64::from(DEFAULT_RPS) / 10 * guard.window_ms / 1000;
        assert!(guard.min_samples * 2 <= in_window, "{guard:?}");
        assert!(guard.window_ms <= service.plan.bake_ms);
    }
    assert_eq!(config.gateway.unwrap().listen, at(1003));
}

/// A server that ends with its test.
struct Running {
    at: SocketAddr,
    behaviour: Arc<Behaviour>,
    task: JoinHandle<()>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn start(side: Side, mode: Mode) -> Running {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let at = listener.local_addr().unwrap();
    let behaviour = Arc::new(Behaviour::new(mode));
    let server = Server::new(Model::of(side).unwrap(), Accelerator::new(Pace::of(side)), behaviour.clone());
    let task = tokio::spawn(async move { serve(listener, Arc::new(server), std::future::pending()).await.unwrap() });
    Running { at, behaviour, task }
}

/// What comes back for raw bytes, until the server closes.
async fn raw(at: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(at).await.unwrap();
    // A server may answer and close before it has read everything.
    let _ = stream.write_all(bytes).await;
    let mut reply = Vec::new();
    let _ = stream.read_to_end(&mut reply).await;
    String::from_utf8_lossy(&reply).into_owned()
}

struct Reply {
    status: u16,
    head: String,
    body: Value,
}

fn split(reply: &str) -> Option<Reply> {
    let (head, body) = reply.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some(Reply { status, head: head.to_lowercase(), body: serde_json::from_str(body).unwrap_or(Value::Null) })
}

async fn try_ask(at: SocketAddr, method: &str, path: &str, body: &str) -> Option<Reply> {
    let head = format!("{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {}", body.len());
    split(&raw(at, format!("{head}\r\n\r\n{body}").as_bytes()).await)
}

async fn ask(at: SocketAddr, method: &str, path: &str, body: &str) -> Reply {
    try_ask(at, method, path, body).await.unwrap()
}

const INFER: &str = "/v2/models/digits/infer";

fn golden_body() -> String {
    String::from_utf8(golden_cases().unwrap()[0].body.to_vec()).unwrap()
}

fn golden_image(case: &cutover::testing::demo::data::Case) -> Image {
    let body: Value = serde_json::from_slice(&case.body).unwrap();
    let data = body["inputs"][0]["data"].as_array().unwrap();
    std::array::from_fn(|i| data[i].as_f64().unwrap() as f32)
}

#[test]
fn accuracies_are_those_the_training_script_recorded() {
    let cases = golden_cases().unwrap();
    let readme = include_str!("../../assets/demo/README.md");
    for side in Side::BOTH {
        let model = Model::of(side).unwrap();
        let right_of = |change: fn(&Image) -> Image| {
            let right = |case: &&_| i64::from(model.predict(&change(&golden_image(case))).digit) == case.expect;
            cases.iter().filter(right).count()
        };
        let (right, skewed) = (right_of(|image| *image), right_of(transposed));
        assert_eq!(
            (cases.len(), right, skewed),
            (model.golden.cases, model.golden.right, model.golden.right_transposed)
        );
        let figure = format!("{right} of {} ({:.2} %)", cases.len(), right as f64 / cases.len() as f64 * 100.0);
        assert!(readme.contains(&figure), "assets/demo/README.md does not say {figure}");
    }
}

#[test]
fn golden_and_smoke_sets_share_no_image() {
    let golden: Vec<Image> = golden_cases().unwrap().iter().map(golden_image).collect();
    assert!(GOLDEN.lines().count() >= 300);
    let mut representative = 0;
    for line in SMOKE.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        let data = line.pointer("/request/inputs/0/data").and_then(Value::as_array);
        let Some(data) = data.filter(|data| data.len() == 64 && line["expect"]["status"] == 200) else { continue };
        let image: Image = std::array::from_fn(|i| data[i].as_f64().unwrap_or_default() as f32);
        assert!(!golden.contains(&image), "{} is in the golden set", line["id"]);
        representative += 1;
    }
    assert!(representative >= 40, "{representative}");
}

#[tokio::test(start_paused = true)]
async fn metadata_health_and_predictions_are_those_of_the_protocol() {
    for (side, version) in [(Side::Blue, "v1"), (Side::Green, "v2")] {
        let server = start(side, Mode::Good).await;
        for path in ["/v2", "/v2/health/live", "/v2/health/ready", "/v2/models/digits/ready"] {
            assert_eq!(ask(server.at, "GET", path, "").await.status, 200, "{path}");
        }
        let metadata = ask(server.at, "GET", "/v2/models/digits", "").await;
        assert_eq!(metadata.body["versions"][0], version);
        assert_eq!(metadata.body["inputs"][0], json!({"name": "image", "datatype": "FP32", "shape": [-1, 64]}));
        let reply = ask(server.at, "POST", INFER, &golden_body()).await;
        assert!(reply.head.contains(&format!("x-model-version: {version}")), "{}", reply.head);
        assert_eq!(reply.body["outputs"][0], json!({"name":"digit","shape":[1],"datatype":"INT64","data":[5]}));
        let path = format!("/v2/models/digits/versions/{version}/infer");
        assert_eq!(ask(server.at, "POST", &path, &golden_body()).await.status, 200);
        assert_eq!(ask(server.at, "POST", "/v2/models/digits/versions/v9/infer", &golden_body()).await.status, 404);
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_exports_what_it_has_served() {
    let server = start(Side::Blue, Mode::Good).await;
    let images = async || {
        let reply = raw(server.at, b"GET /metrics HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
        assert!(reply.contains("text/plain; version=0.0.4"), "{reply}");
        let line = reply.lines().find(|line| line.starts_with("digits_images_total ")).unwrap().to_owned();
        line.rsplit(' ').next().unwrap().parse::<u64>().unwrap()
    };
    assert_eq!(images().await, 0);
    assert_eq!(ask(server.at, "POST", INFER, &golden_body()).await.status, 200);
    assert_eq!(images().await, 1);
    assert_eq!(ask(server.at, "POST", "/metrics", "").await.status, 405);
}

#[tokio::test(start_paused = true)]
async fn the_smoke_set_holds_on_both_sides() {
    for side in Side::BOTH {
        let server = start(side, Mode::Good).await;
        for line in SMOKE.lines() {
            let line: Value = serde_json::from_str(line).unwrap();
            let body = line.get("request").map(Value::to_string).unwrap_or_default();
            let (method, path) = (line["method"].as_str().unwrap(), line["path"].as_str().unwrap());
            let reply = ask(server.at, method, path, &body).await;
            let expect = &line["expect"];
            assert_eq!(json!(reply.status), expect["status"], "{side} {}: {}", line["id"], reply.body);
            assert!(reply.head.contains("content-type: application/json"));
            let Some(pointer) = expect["pointer"].as_str() else { continue };
            let value = reply.body.pointer(pointer).unwrap();
            match expect["type"].as_str().unwrap() {
                "number" => {
                    let range = expect["min"].as_f64().unwrap()..=expect["max"].as_f64().unwrap();
                    assert!(range.contains(&value.as_f64().unwrap()), "{}: {value}", line["id"]);
                }
                other => assert!(other == "string" && value.is_string(), "{}: {value}", line["id"]),
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn wrong_is_fast_and_as_wrong_as_recorded() {
    let server = start(Side::Green, Mode::Wrong).await;
    let cases = golden_cases().unwrap();
    let start = Instant::now();
    let mut right = 0;
    for case in &cases {
        let reply = ask(server.at, "POST", INFER, std::str::from_utf8(&case.body).unwrap()).await;
        right += usize::from(reply.body.pointer("/outputs/0/data/0").unwrap() == case.expect);
    }
    assert_eq!(right, Model::of(Side::Green).unwrap().golden.right_transposed);
    assert!(start.elapsed() / (cases.len() as u32) < Duration::from_millis(30));
}

#[tokio::test(start_paused = true)]
async fn hostile_requests_are_refused_cleanly_and_the_server_goes_on() {
    let server = start(Side::Blue, Mode::Good).await;
    let deep = "[".repeat(50_000);
    let large = format!("{{\"pad\":\"{}\"}}", "x".repeat(10 << 20));
    let just_over = " ".repeat(MAX_BODY + 1);
    for (method, path, body, status) in [
        ("POST", INFER, "not json", 400),
        ("POST", INFER, "", 400),
        ("POST", INFER, deep.as_str(), 400),
        (
            "POST",
            INFER,
            "{\"inputs\":[{\"name\":\"image\",\"shape\":[1,64],\"datatype\":\"FP32\",\"data\":[NaN]}]}",
            400,
        ),
        ("POST", INFER, just_over.as_str(), 413),
        ("POST", INFER, large.as_str(), 413),
        ("GET", INFER, "", 405),
        ("DELETE", "/v2/models/digits", "", 405),
        ("GET", "/v2/models/letters", "", 404),
        ("GET", "/v2/models/digits%2f..", "", 404),
        ("GET", "/metrics/", "", 404),
        ("GET", "/v2/../etc/passwd", "", 404),
    ] {
        let reply = ask(server.at, method, path, body).await;
        assert_eq!(reply.status, status, "{method} {path}: {}", reply.body);
        assert!(reply.body["error"].is_string() && reply.head.contains("content-type: application/json"));
    }
    assert!(ask(server.at, "GET", INFER, "").await.head.contains("allow: post"));
    // What is not HTTP, is too large a head, or ends early gets no 200 and harms nobody.
    let headers = format!("GET /v2 HTTP/1.1\r\nx: {}\r\n\r\n", "y".repeat(1 << 20));
    let early = format!("POST {INFER} HTTP/1.1\r\nhost: x\r\ncontent-length: 99\r\n\r\n{{");
    for bytes in [&b"\x16\x03\x01\x00\xa5 garbage\r\n\r\n"[..], headers.as_bytes(), early.as_bytes()] {
        let reply = split(&raw(server.at, bytes).await);
        assert!(reply.is_none_or(|reply| reply.status >= 400));
    }
    assert_eq!(ask(server.at, "POST", INFER, &golden_body()).await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn a_client_may_finish_writing_what_is_too_large() {
    let server = start(Side::Blue, Mode::Good).await;
    let size = 10 << 20;
    let mut stream = TcpStream::connect(server.at).await.unwrap();
    let head = format!("POST {INFER} HTTP/1.1\r\nhost: x\r\ncontent-length: {size}\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    for _ in 0..size / 65536 {
        stream.write_all(&vec![b' '; 65536]).await.unwrap();
    }
    let mut reply = String::new();
    stream.read_to_string(&mut reply).await.unwrap();
    assert_eq!(split(&reply).unwrap().status, 413);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_come_is_not_waited_for() {
    let server = start(Side::Blue, Mode::Good).await;
    let start = Instant::now();
    let head = format!("POST {INFER} HTTP/1.1\r\nhost: x\r\ncontent-length: 500\r\n\r\n{{\"inputs\":");
    let reply = split(&raw(server.at, head.as_bytes()).await).unwrap();
    assert_eq!(reply.status, 408);
    assert!(reply.head.contains("connection: close") && start.elapsed() < Duration::from_secs(30));
}

/// Asks `n` times; how long each took, and its status.
async fn traffic(at: SocketAddr, n: usize) -> Vec<(Duration, Option<u16>)> {
    let (body, mut seen) = (golden_body(), Vec::new());
    for _ in 0..n {
        let start = Instant::now();
        let reply = try_ask(at, "POST", INFER, &body).await;
        seen.push((start.elapsed(), reply.map(|reply| reply.status)));
    }
    seen
}

#[tokio::test(start_paused = true)]
async fn slow_is_slow_for_whoever_asks_until_it_is_good_again() {
    let server = start(Side::Green, Mode::Slow).await;
    let limit = Duration::from_millis(250);
    let seen = traffic(server.at, 20).await;
    assert!(seen.iter().all(|(took, status)| *status == Some(200) && *took > limit), "{seen:?}");
    server.behaviour.set(Mode::Good);
    assert!(traffic(server.at, 20).await.iter().all(|(took, _)| *took < limit));
}

#[tokio::test(start_paused = true)]
async fn flaky_spoils_some_both_ways() {
    let server = start(Side::Green, Mode::Flaky).await;
    let seen = traffic(server.at, 350).await;
    let count = |wanted| seen.iter().filter(|(_, status)| *status == wanted).count();
    assert!(count(Some(500)) > 0 && count(None) > 0, "{} with 500, {} dropped", count(Some(500)), count(None));
    assert!(count(Some(200)) > 250, "{}", count(Some(200)));
}

#[tokio::test(start_paused = true)]
async fn dead_refuses_connections_and_comes_back_where_it_was() {
    let server = start(Side::Blue, Mode::Good).await;
    let mut kept = TcpStream::connect(server.at).await.unwrap();
    kept.write_all(b"GET /v2/health/ready HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let mut first = [0; 12];
    kept.read_exact(&mut first).await.unwrap();
    assert_eq!(&first, b"HTTP/1.1 200");
    server.behaviour.set(Mode::Dead);
    let mut rest = Vec::new();
    let _ = kept.read_to_end(&mut rest).await;
    assert_eq!(TcpStream::connect(server.at).await.unwrap_err().kind(), std::io::ErrorKind::ConnectionRefused);
    server.behaviour.set(Mode::Good);
    let back = async {
        while TcpStream::connect(server.at).await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    time::timeout(Duration::from_secs(10), back).await.unwrap();
    assert_eq!(ask(server.at, "GET", "/v2/health/ready", "").await.status, 200);
}

/// Client load at `rps` on `at` for `seconds` of virtual time.
async fn load_for(at: SocketAddr, rps: u32, seconds: u64) -> LoadReport {
    let load = Arc::new(Load::new(&format!("http://{at}"), golden_cases().unwrap()).unwrap());
    let rate = watch::Sender::new(rps);
    load.clone().run(rate.subscribe(), time::sleep(Duration::from_secs(seconds))).await;
    load.report()
}

#[tokio::test(start_paused = true)]
async fn load_keeps_its_rate_and_counts_what_each_side_answered() {
    let server = start(Side::Green, Mode::Good).await;
    let report = load_for(server.at, 50, 20).await;
    assert!((995..=1005).contains(&report.sent), "{report:?}");
    assert_eq!((report.lost(), report.refused, report.dropped), (0, 0, 0));
    assert_eq!(report.sides.blue.answered, 0);
    assert!(report.sides.green.answered >= 990, "{report:?}");
    let accuracy = report.sides.green.right as f64 / report.sides.green.answered as f64;
    assert!((0.94..=1.0).contains(&accuracy), "{accuracy}");
    assert!(report.p50_ms.unwrap() < 30.0);
}

#[tokio::test(start_paused = true)]
async fn load_on_nobody_and_on_a_mute_is_counted_and_bounded() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let at = listener.local_addr().unwrap();
    let report = load_for(at, 100, 12).await;
    assert!(report.timed_out > 0 && report.dropped > 0 && report.ok == 0, "{report:?}");
    assert!(report.sent < 256 * 4, "{report:?}");
    drop(listener);
    let report = load_for(at, 100, 2).await;
    assert!(report.broken > 150 && report.ok == 0, "{report:?}");
}

#[tokio::test(start_paused = true)]
async fn load_follows_a_changed_rate_and_a_pause() {
    let server = start(Side::Blue, Mode::Good).await;
    let load = Arc::new(Load::new(&format!("http://{}/", server.at), golden_cases().unwrap()).unwrap());
    let rate = watch::Sender::new(0);
    let script = async {
        time::sleep(Duration::from_secs(10)).await;
        assert_eq!(load.report().sent, 0);
        rate.send_replace(100);
        time::sleep(Duration::from_secs(5)).await;
        let sent = load.report().sent;
        assert!((495..=505).contains(&sent), "{sent}");
        rate.send_replace(0);
        time::sleep(Duration::from_secs(10)).await;
        assert!(load.report().sent <= sent + 1);
    };
    load.clone().run(rate.subscribe(), script).await;
}

#[test]
fn load_says_what_is_wrong_with_an_address() {
    for url in ["", "127.0.0.1:80", "https://x", "http://", "/path", "unix:/run/x.sock"] {
        let error = Load::new(url, golden_cases().unwrap()).err().unwrap();
        assert!(error.contains("http://host:port"), "{url}: {error}");
    }
    assert!(Load::new("http://x", Vec::new()).is_err());
}

/// A child's ends of its pipes, and the parent's.
fn pipes() -> (Pipes, impl Write, impl Iterator<Item = Report> + Send + 'static) {
    let (stdin, to_child) = std::io::pipe().unwrap();
    let (from_child, stdout) = std::io::pipe().unwrap();
    let reports = BufReader::new(from_child).lines().map(|line| serde_json::from_str(&line.unwrap()).unwrap());
    (Pipes::new(BufReader::new(stdin), stdout), to_child, reports)
}

/// The next report, waited for on a thread so that the child goes on meanwhile.
async fn next<I: Iterator<Item = Report> + Send + 'static>(mut reports: I) -> (Report, I) {
    let read = tokio::task::spawn_blocking(move || (reports.next().unwrap(), reports));
    time::timeout(Duration::from_secs(20), read).await.unwrap().unwrap()
}

#[tokio::test]
async fn a_model_server_obeys_its_pipe_and_ends_with_it() {
    let (child, mut to_child, reports) = pipes();
    let server = tokio::spawn(run_model_server(Side::Green, 0, Mode::Good, child));
    let (first, reports) = next(reports).await;
    let Report::Listening { side: Side::Green, address } = first else { panic!("{first:?}") };
    assert_eq!(ask(address, "POST", INFER, &golden_body()).await.status, 200);
    writeln!(to_child, "behave dead").unwrap();
    let (second, reports) = next(reports).await;
    assert_eq!(second, Report::Behaves { side: Side::Green, mode: Mode::Dead });
    writeln!(to_child, "behave \u{1b}[2J\nshutdown now\nbehave good").unwrap();
    let (third, reports) = next(reports).await;
    assert!(matches!(&third, Report::Rejected { reason } if !reason.contains('\u{1b}')), "{third:?}");
    let (fourth, reports) = next(reports).await;
    assert!(matches!(&fourth, Report::Rejected { .. }), "{fourth:?}");
    assert_eq!(next(reports).await.0, Report::Behaves { side: Side::Green, mode: Mode::Good });
    drop(to_child);
    time::timeout(Duration::from_secs(20), server).await.unwrap().unwrap().unwrap();
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn a_port_in_use_is_told() {
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = taken.local_addr().unwrap().port();
    let (child, _to_child, _reports) = pipes();
    let error = run_model_server(Side::Blue, port, Mode::Good, child).await.unwrap_err();
    assert!(error.contains(&format!("127.0.0.1:{port}")), "{error}");
}

#[tokio::test]
async fn the_load_reports_and_ends_with_its_pipe() {
    let server = start(Side::Blue, Mode::Good).await;
    let (child, mut to_child, mut reports) = pipes();
    let url = format!("http://{}", server.at);
    let load = tokio::spawn(async move { run_load(&url, 0, child).await });
    writeln!(to_child, "rps 200\nrps many\nrps 99999999999").unwrap();
    let mut rejected = 0;
    loop {
        let report;
        (report, reports) = next(reports).await;
        match report {
            Report::Load(counts) if counts.sides.blue.right > 0 && rejected == 2 => break,
            Report::Load(_) => {}
            Report::Rejected { .. } => rejected += 1,
            other => panic!("{other:?}"),
        }
    }
    drop(to_child);
    time::timeout(Duration::from_secs(20), load).await.unwrap().unwrap().unwrap();
}

#[tokio::test]
async fn a_parent_that_does_not_read_does_not_stop_a_child() {
    let (child, mut to_child, reports) = pipes();
    let server = tokio::spawn(run_model_server(Side::Blue, 0, Mode::Good, child));
    let (first, reports) = next(reports).await;
    let Report::Listening { address, .. } = first else { panic!("{first:?}") };
    let flood = tokio::task::spawn_blocking(move || {
        for _ in 0..5000 {
            writeln!(to_child, "{}", "x".repeat(200)).unwrap();
        }
        to_child
    });
    let to_child = time::timeout(Duration::from_secs(60), flood).await.unwrap().unwrap();
    assert_eq!(ask(address, "GET", "/v2/health/ready", "").await.status, 200);
    drop(to_child);
    time::timeout(Duration::from_secs(20), server).await.unwrap().unwrap().unwrap();
    drop(reports);
}
