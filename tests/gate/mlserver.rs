//! The probes and gates against a model server written by others: MLServer with an iris model.
//!
//! `tests/support/mlserver-setup DIR` prepares one; `CUTOVER_MLSERVER=DIR/venv/bin/mlserver` names it.

use crate::support::gate as bench;

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use bench::{Bench, gate, golden, health, smoke};
use cutover::testing::domain::Transport;
use cutover::testing::domain::metric::{Fed, Part};
use cutover::testing::domain::{MetricsSpec, Pair, ProbeSpec, SideSpec, Verdict, Version, VersionSource};
use cutover::testing::gate::{GoldenForm, GoldenLimits, GoldenSpec};
use cutover::testing::http::{Ask, Client, Target, fetch};
use cutover::testing::probe::{ProbeEvent, start};
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

/// Importing its libraries alone takes it ten seconds and more on a busy machine.
const START: Duration = Duration::from_secs(180);

/// MLServer in a process group of its own, which ends with this.
struct MlServer {
    child: Child,
    url: String,
    metrics: String,
}

impl Drop for MlServer {
    fn drop(&mut self) {
        if let Some(group) = rustix::process::Pid::from_raw(self.child.id() as i32) {
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
        let _ = self.child.wait();
    }
}

impl MlServer {
    fn start(executable: &Path, models: &Path) -> std::io::Result<Self> {
        let [http, grpc, metrics] = free_ports()?;
        let log = std::fs::File::create(models.with_file_name("mlserver.log"))?;
        let child = Command::new(executable)
            .arg("start")
            .arg(models)
            .env("MLSERVER_HTTP_PORT", http.to_string())
            .env("MLSERVER_GRPC_PORT", grpc.to_string())
            .env("MLSERVER_METRICS_PORT", metrics.to_string())
            .env("MLSERVER_PARALLEL_WORKERS", "0")
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .process_group(0)
            .spawn()?;
        let at = |port| format!("http://127.0.0.1:{port}");
        Ok(Self { child, url: at(http), metrics: at(metrics) })
    }

    /// One whose model is ready. Another process may take a port before MLServer does: then new ports are tried.
    async fn ready(executable: &Path, models: &Path) -> Result<Self, String> {
        let mut last = String::new();
        for _ in 0..3 {
            let mut server = Self::start(executable, models).map_err(|error| error.to_string())?;
            match server.wait_ready().await {
                Ok(()) => return Ok(server),
                Err(error) => last = error,
            }
        }
        let log = std::fs::read_to_string(models.with_file_name("mlserver.log")).unwrap_or_default();
        Err(format!("{last}: {log}"))
    }

    async fn wait_ready(&mut self) -> Result<(), String> {
        let (client, target) = (Client::new(&Transport::default())?, Target::new(&self.url));
        let deadline = Instant::now() + START;
        while Instant::now() < deadline {
            if let Ok(Some(status)) = self.child.try_wait() {
                return Err(format!("mlserver ended: {status}"));
            }
            let ask = Ask::get("/v2/models/iris/ready", Duration::from_secs(2), 64 * 1024);
            if fetch(&client, &target, ask).await.is_ok_and(|reply| reply.is_success()) {
                return Ok(());
            }
            sleep(Duration::from_millis(200)).await;
        }
        Err(format!("mlserver is not ready after {} s", START.as_secs()))
    }
}

/// Three ports that were free a moment ago; MLServer cannot be given port 0.
fn free_ports() -> std::io::Result<[u16; 3]> {
    let held = [(); 3].map(|()| std::net::TcpListener::bind("127.0.0.1:0"));
    let mut ports = [0; 3];
    for (port, listener) in ports.iter_mut().zip(held) {
        *port = listener?.local_addr()?.port();
    }
    Ok(ports)
}

#[tokio::test]
async fn gates_and_probes_hold_on_a_foreign_server() {
    let Some(executable) = std::env::var_os("CUTOVER_MLSERVER").map(PathBuf::from) else {
        println!("SKIPPED mlserver: CUTOVER_MLSERVER is not set (tests/support/mlserver-setup makes one)");
        return;
    };
    let dir = executable.ancestors().nth(3).expect("DIR/venv/bin/mlserver").to_owned();
    let started = Instant::now();
    let server = MlServer::ready(&executable, &dir.join("models")).await.unwrap();
    println!("mlserver ready after {:.1} s", started.elapsed().as_secs_f64());

    let mut bench = Bench::new([&server.url]);
    let evidence = bench.run(health(3, 2000)).await;
    println!("{evidence:?}");
    assert_eq!((evidence.verdict, evidence.samples), (Verdict::Passed, 3));

    // 75 held-out flowers, 71 of them named rightly: what scikit-learn itself says of the model.
    let evidence = bench.run(golden(&dir.join("golden.jsonl"), 0.9)).await;
    println!("{evidence:?}");
    assert_eq!((evidence.verdict, evidence.samples), (Verdict::Passed, 75));
    assert_eq!(evidence.note, "4 misses, 94.7 % of 75 (87.1 to 97.9)");
    assert!((evidence.value.unwrap() - 71.0 / 75.0).abs() < 1e-12);
    let evidence = bench.run(golden(&dir.join("golden.jsonl"), 0.99)).await;
    assert_eq!(evidence.verdict, Verdict::Failed);

    // The same flowers as a table, sent as tensors made here; and the server beside itself.
    let flowers = table(&dir.join("golden.jsonl"));
    let set = GoldenSpec {
        form: GoldenForm::V2 { tensor: "flower".into(), datatype: "FP64".into() },
        limits: GoldenLimits { min_accuracy: Some(0.9), min_agreement: Some(1.0), ..GoldenLimits::default() },
        ..GoldenSpec::accuracy(flowers.path(), "/v2/models/iris/infer", "/outputs/0/data/0", 0.9)
    };
    bench.others = vec![Target::new(&server.url)];
    let evidence = bench.run(gate(set)).await;
    println!("{evidence:?}");
    assert_eq!((evidence.verdict, evidence.samples), (Verdict::Passed, 75));
    let note = "4 misses, 94.7 % of 75 (87.1 to 97.9); 0 unlike live, 100.0 % of 75 (95.1 to 100.0)";
    assert_eq!(evidence.note, note);

    let evidence = bench.run(smoke(&dir.join("smoke.jsonl"), false)).await;
    println!("{evidence:?}");
    assert_eq!((evidence.verdict, evidence.samples), (Verdict::Passed, 51));
    // How it takes bad input is its own affair; that it is told, and the server lives on, is ours.
    let evidence = bench.run(smoke(&dir.join("smoke.jsonl"), true)).await;
    println!("{evidence:#?}");
    assert_eq!(evidence.samples, 51 + 11 + 3);
    assert!(!evidence.details.iter().any(|detail| detail.contains("after the adversarial ones")), "{evidence:?}");

    let version = timeout(Duration::from_secs(20), version_of(&server.url)).await.expect("a version comes");
    assert_eq!(version, Ok(Version::from_text("iris-v1.2.3")));

    let scrape = timeout(Duration::from_secs(30), metrics_of(&server, &mut bench, &dir)).await.expect("metrics come");
    let (rows, fed) = scrape.unwrap();
    println!("{rows:?} {fed:?}");
    // Without workers of its own there are no queues; all else of the preset is there.
    let missing: Vec<&str> = rows.iter().filter(|row| row.1 == Part::Missing).map(|row| row.0.as_str()).collect();
    assert_eq!(missing, ["queue", "batchq"]);
    assert!(rows.iter().all(|row| row.1 != Part::NotYet), "{rows:?}");
    assert_eq!((fed.count, fed.errors), (75, Some(0)), "the requests of the golden set, and nothing else");
    assert_eq!(fed.cells.iter().map(|cell| cell.2).sum::<u64>(), 75, "each with its latency");
}

/// What the preset makes of a server that answers a golden set between two readings.
async fn metrics_of(server: &MlServer, bench: &mut Bench, dir: &Path) -> Result<(Vec<(String, Part)>, Fed), String> {
    let preset = cutover::testing::config::presets::preset("mlserver").ok_or("no preset")?;
    let urls = Pair { blue: vec![server.metrics.clone()], green: Vec::new() };
    let spec = MetricsSpec {
        preset: "mlserver".into(),
        interval_ms: 500,
        timeout_ms: 2000,
        path: "/metrics".into(),
        urls,
        prometheus: None,
        rows: preset.rows,
        traffic: preset.traffic,
        stream: None,
        transport: cutover::testing::domain::Transport::default(),
    };
    let (sink, mut events) = mpsc::channel(100);
    let _readers = cutover::testing::probe::start_metrics(&spec, "iris", &sink)?;
    let mut all = Fed { span_ms: 0, count: 0, errors: None, cells: Vec::new() };
    let mut has_begun = false;
    loop {
        let Some(ProbeEvent::Metrics { reading, .. }) = events.recv().await else { continue };
        let reading = *reading?;
        if !has_begun {
            has_begun = true;
            bench.run(golden(&dir.join("golden.jsonl"), 0.9)).await;
        }
        let Some(fed) = reading.fed else { continue };
        all.count += fed.count;
        all.errors = fed.errors;
        all.cells.extend(fed.cells);
        if all.count >= 75 {
            return Ok((spec.rows.iter().map(|row| row.name.clone()).zip(reading.parts).collect(), all));
        }
    }
}

/// A golden set of JSON lines as a table.
fn table(lines: &Path) -> tempfile::NamedTempFile {
    let mut text = "id,sepal length,sepal width,petal length,petal width,expect\n".to_owned();
    for line in std::fs::read_to_string(lines).unwrap().lines() {
        let case: serde_json::Value = serde_json::from_str(line).unwrap();
        let data = case["request"]["inputs"][0]["data"].to_string();
        let (id, cells) = (case["id"].as_str().unwrap(), data.trim_matches(['[', ']']).to_owned());
        text.extend([id, ",", &cells, ",", &case["expect"].to_string(), "\n"]);
    }
    let file = tempfile::Builder::new().suffix(".csv").tempfile().unwrap();
    std::fs::write(file.path(), text).unwrap();
    file
}

async fn version_of(url: &str) -> Result<Version, String> {
    let (sink, mut events) = mpsc::channel(100);
    let source = VersionSource::Pointer { path: "/v2/models/iris".into(), pointer: "/versions/0".into() };
    let green = SideSpec { urls: vec![url.to_owned()], version: source };
    let _pollers = start(&Pair { blue: SideSpec::default(), green }, &ProbeSpec::default(), &sink)?;
    loop {
        match events.recv().await {
            Some(ProbeEvent::Version { version, .. }) => return version,
            Some(ProbeEvent::Probe { .. } | ProbeEvent::Metrics { .. } | ProbeEvent::Front { .. }) => {}
            None => return Err("the pollers ended".to_owned()),
        }
    }
}
