//! The prometheus gate against a real Prometheus, and against what is none.
//!
//! Prometheus is a Debian package; where it is not installed the tests say so and are counted as skipped.

use crate::support::gate as bench;
use crate::support::server;

use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bench::{Bench, gate};
use cutover::testing::domain::{Bound, Evidence, HeaderValue, LogLevel, Verdict};
use server::{Answer, Server, dead_url};
use tokio::time::{Instant, sleep};

/// A Prometheus that scrapes one exporter; ends with the test.
struct Prometheus {
    child: Child,
    url: String,
    _dir: tempfile::TempDir,
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Prometheus {
    /// Started and ready; `None` where it is not installed.
    async fn start(exporter: &str) -> Option<Self> {
        let program = std::env::var("CUTOVER_PROMETHEUS").unwrap_or_else(|_| "prometheus".into());
        if Command::new(&program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_err() {
            println!("SKIPPED prometheus: it is not installed (apt-get install prometheus)");
            return None;
        }
        let dir = tempfile::tempdir().unwrap();
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let target = exporter.trim_start_matches("http://");
        let config = format!(
            "global:\n  scrape_interval: 200ms\n  scrape_timeout: 200ms\nscrape_configs:\n\
             - job_name: model\n  static_configs:\n  - targets: ['{target}']\n"
        );
        std::fs::write(dir.path().join("p.yml"), config).unwrap();
        let log = std::fs::File::create(dir.path().join("log")).unwrap();
        let child = Command::new(&program)
            .arg(format!("--config.file={}", dir.path().join("p.yml").display()))
            .arg(format!("--storage.tsdb.path={}", dir.path().join("data").display()))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        let this = Self { child, url: format!("http://127.0.0.1:{port}"), _dir: dir };
        this.until(|evidence| evidence.verdict == Verdict::Passed, "count(up == 1)", 1.0).await;
        Some(this)
    }

    /// Asks for `query`, at least `least`, until what comes back is `wanted`.
    async fn until(&self, wanted: impl Fn(&Evidence) -> bool, query: &str, least: f64) -> Evidence {
        let deadline = Instant::now() + Duration::from_secs(40);
        loop {
            let evidence = ask(&self.url, query, least).await;
            if wanted(&evidence) {
                return evidence;
            }
            assert!(Instant::now() < deadline, "{query}: {evidence:?}");
            sleep(Duration::from_millis(50)).await;
        }
    }
}

fn value_of(url: &str, query: &str, least: f64) -> cutover::testing::gate::Prometheus {
    cutover::testing::gate::Prometheus {
        url: url.into(),
        query: query.into(),
        headers: Vec::new(),
        bound: Bound { limit: least, at_least: true },
        max_age_ms: 60_000,
        timeout_ms: 2000,
        transport: cutover::testing::domain::Transport::default(),
    }
}

async fn ask(url: &str, query: &str, least: f64) -> Evidence {
    Bench::new([""; 0]).run(gate(value_of(url, query, least))).await
}

/// What the exporter says; changed by the test.
type Page = Arc<Mutex<String>>;

async fn exporter(text: &str) -> (Server, Page) {
    let page: Page = Arc::new(Mutex::new(text.to_owned()));
    let shown = Arc::clone(&page);
    let server = Server::start(move |_| {
        let text = shown.lock().unwrap().clone();
        Answer::Reply(200, vec![("content-type", "text/plain; version=0.0.4".into())], text.into_bytes())
    })
    .await;
    (server, page)
}

#[tokio::test]
async fn a_real_prometheus_is_asked_and_only_one_number_counts() {
    let text = "score{version=\"v1\"} 0.80\nscore{version=\"v2\"} 0.93\nscore{version=\"1.2\"} 0.5\nempty NaN\n\
                hits_total{path=\"a\"} 0\n";
    let (exporter, _page) = exporter(text).await;
    let Some(prometheus) = Prometheus::start(&exporter.url).await else { return };
    let url = &prometheus.url;
    prometheus.until(|e| e.value == Some(0.93), r#"score{version="{{version}}"}"#, 0.9).await;
    let evidence = ask(url, "score{version='{{version}}'}", 0.9).await;
    assert_eq!((evidence.verdict, evidence.value, evidence.samples), (Verdict::Passed, Some(0.93), 1), "{evidence:?}");
    assert_eq!((evidence.limit, evidence.at_least), (Some(0.9), true));
    let evidence = ask(url, "score{version=`{{version}}`}", 0.95).await;
    assert_eq!((evidence.verdict, evidence.note.as_str()), (Verdict::Failed, "0.93 is below 0.95"));
    assert_eq!(ask(url, "scalar(max(score))", 0.9).await.value, Some(0.93), "a scalar is a number too");
    for (query, said) in [
        ("score{version=\"v3\"}", "no series: nothing matches the query now"),
        ("nothing_of_this_name", "no series"),
        ("score", "3 series: aggregate them"),
        ("empty", "NaN: there was nothing to count"),
        ("vector(1) / (vector(1) - 1)", "inf: a division by nothing"),
        ("score{version=\"v2\"}[1m]", "a matrix is not one number"),
        ("\"text\"", "a string is not one number"),
        ("score{", "prometheus: invalid parameter"),
    ] {
        let evidence = ask(url, query, 0.0).await;
        assert_eq!((evidence.verdict, evidence.value), (Verdict::NotYet, None), "absent is not zero: {query}");
        assert!(evidence.note.starts_with(said), "{query}: {}", evidence.note);
    }
    let several = ask(url, "score", 0.0).await;
    assert!(several.details.iter().any(|labels| labels.contains("\"version\":\"v1\"")), "{several:?}");
    // A zero that was measured is a zero.
    assert_eq!(ask(url, "sum(hits_total)", 0.0).await.value, Some(0.0));
}

#[tokio::test]
async fn a_version_is_a_literal_whatever_it_holds() {
    let (exporter, _page) = exporter("score{version=\"v1x2\"} 0.1\nscore{version=\"v1.2\"} 0.9\n").await;
    let Some(prometheus) = Prometheus::start(&exporter.url).await else { return };
    prometheus.until(|e| e.value.is_some(), "max(score)", 0.0).await;
    let query = |text: &str| value_of(&prometheus.url, text, 0.5);
    let mut bench = Bench::new([""; 0]);
    bench.version_name = "v1.2".into();
    let evidence = bench.run(gate(query("score{version=~\"{{version}}\"}"))).await;
    assert_eq!((evidence.verdict, evidence.value), (Verdict::Passed, Some(0.9)), "one series: {evidence:?}");
    for hostile in ["x\"} or vector(1) #", "x'} or vector(1) #", "x\\", ".*", "x\" or \"1"] {
        bench.version_name = hostile.into();
        for text in
            ["score{version=\"{{version}}\"}", "score{version='{{version}}'}", "score{version=~\"{{version}}\"}"]
        {
            let evidence = bench.run(gate(query(text))).await;
            assert!(evidence.note.starts_with("no series"), "{hostile} in {text}: {evidence:?}");
        }
    }
    bench.version_name = String::new();
    let evidence = bench.run(gate(query("score{version=\"{{version}}\"}"))).await;
    assert_eq!(evidence.note, "{{version}} is not known", "an empty label would match what has none");
}

#[tokio::test]
async fn what_has_gone_is_not_what_is() {
    let now = chrono::Utc::now().timestamp_millis();
    // A sample with a time of its own stays for five minutes unless one asks for less.
    let (exporter, page) = exporter(&format!("old 1 {now}\nfresh 1\n")).await;
    let Some(prometheus) = Prometheus::start(&exporter.url).await else { return };
    prometheus.until(|e| e.value == Some(1.0), "fresh", 0.0).await;
    let mut short = value_of(&prometheus.url, "old", 0.0);
    short.max_age_ms = 1500;
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let evidence = Bench::new([""; 0]).run(gate(short.clone())).await;
        // A newer server leaves such a sample out, an older one tells its time.
        if evidence.note.starts_with("no series") || evidence.note.starts_with("its newest sample is ") {
            break;
        }
        assert!(Instant::now() < deadline, "{evidence:?}");
        sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(ask(&prometheus.url, "old", 0.0).await.value, Some(1.0), "within a minute it still counts");
    // A series that is no longer exported is stale at once.
    page.lock().unwrap().clear();
    let gone = prometheus.until(|e| e.value.is_none(), "fresh", 0.0).await;
    assert!(gone.note.starts_with("no series"), "{gone:?}");
    let Prometheus { url, .. } = &prometheus;
    let url = url.clone();
    drop(prometheus);
    let evidence = ask(&url, "up", 0.0).await;
    assert_eq!((evidence.verdict, evidence.value), (Verdict::NotYet, None));
    assert!(evidence.note.starts_with("cannot connect"), "{evidence:?}");
}

#[tokio::test]
async fn what_is_no_prometheus_is_no_answer() {
    let now = || chrono::Utc::now().timestamp_millis() as f64 / 1000.0;
    let html =
        Server::start(|_| Answer::Reply(200, vec![("content-type", "text/html".into())], b"<html>".to_vec())).await;
    let hang = Server::start(|_| Answer::Hang).await;
    let login = Server::start(|_| Answer::Reply(302, vec![("location", "/login".into())], Vec::new())).await;
    let json = Server::start(|_| Answer::json("{}")).await;
    let down = Server::start(|_| Answer::status(503)).await;
    let old = Server::start(move |_| {
        Answer::json(&format!(
            r#"{{"status":"success","data":{{"resultType":"scalar","result":[{},"1"]}}}}"#,
            now() - 600.0
        ))
    })
    .await;
    for (url, said) in [
        (&html.url, "status 200: HTML instead of an answer of Prometheus"),
        (&hang.url, "no answer within 2000 ms"),
        (&login.url, "redirects to /login"),
        (&json.url, "status 200: something instead"),
        (&down.url, "status 503: nothing instead"),
        (&old.url, "its answer is of 600 s from now"),
        (&dead_url(), "cannot connect"),
    ] {
        let evidence = ask(url, "up", 0.0).await;
        assert_eq!((evidence.verdict, evidence.value), (Verdict::NotYet, None), "{said}: {evidence:?}");
        assert!(evidence.note.starts_with(said), "{said}: {}", evidence.note);
    }
}

#[tokio::test]
async fn warnings_are_told_and_the_query_goes_as_it_was_meant() {
    let seen = Arc::<Mutex<Vec<server::Request>>>::default();
    let keep = Arc::clone(&seen);
    let server = Server::start(move |request| {
        keep.lock().unwrap().push(request.clone());
        let now = chrono::Utc::now().timestamp();
        let value = if request.body.starts_with(b"query=timestamp") { now } else { 3 };
        Answer::json(&format!(
            r#"{{"status":"success","warnings":["partial \u001b[31mresponse"],"data":{{"resultType":"vector","result":[{{"metric":{{}},"value":[{now},"{value}"]}}]}}}}"#
        ))
    })
    .await;
    let mut check = value_of(&server.url, "a{b=\"c d&e\"}", 0.0);
    check.headers.push(("x-scope-orgid".into(), HeaderValue::Plain("{{service}}".into())));
    let mut bench = Bench::new([""; 0]);
    let evidence = bench.run(gate(check)).await;
    assert_eq!((evidence.verdict, evidence.value, evidence.note.as_str()), (Verdict::Passed, Some(3.0), "1 warning"));
    assert_eq!(evidence.details, ["prometheus: partial response"]);
    assert!(bench.log().iter().any(|line| line.level == LogLevel::Warn && line.text.contains("partial")));
    assert_eq!(seen.lock().unwrap().len(), 2, "the value, and how old it is");
    let asked = seen.lock().unwrap().remove(0);
    assert_eq!((asked.method.as_str(), asked.path.as_str()), ("POST", "/api/v1/query"));
    let form = String::from_utf8(asked.body).unwrap();
    assert_eq!(form, "query=a%7Bb%3D%22c%20d%26e%22%7D&lookback_delta=60000ms");
    assert_eq!(asked.headers["x-scope-orgid"], "scorer");
}

/// Rows of the panels by PromQL: what both sides' queries come to, and what is no number.
#[tokio::test]
async fn rows_of_the_panels_are_asked_of_a_real_prometheus() {
    use cutover::testing::domain::metric::{MetricRow, MetricsSpec, Part, Take, Unit};
    use cutover::testing::domain::{Pair, Side};
    use cutover::testing::probe::{ProbeEvent, start_metrics};

    let text = "lag_seconds{side=\"blue\",service=\"spam\"} 0.25\nlag_seconds{side=\"green\",service=\"spam\"} 0.5\n\
                lag_seconds{side=\"green\",service=\"other\"} 9\nidle{side=\"blue\"} NaN\nidle{side=\"green\"} NaN\n";
    let (exporter, page) = exporter(text).await;
    let Some(prometheus) = Prometheus::start(&exporter.url).await else { return };
    let of_both = "count(lag_seconds{service=\"spam\"}) == 2";
    prometheus.until(|evidence| evidence.verdict == Verdict::Passed, of_both, 2.0).await;
    let row = |name: &str, query: &str| MetricRow {
        name: name.into(),
        take: Take::Query(query.into()),
        unit: Unit::Ms,
        scale: 1000.0,
    };
    let spec = |rows: Vec<MetricRow>| MetricsSpec {
        preset: String::new(),
        interval_ms: 200,
        timeout_ms: 5000,
        path: "/metrics".into(),
        urls: Pair::default(),
        prometheus: Some(prometheus.url.clone()),
        rows,
        traffic: None,
        stream: None,
        transport: cutover::testing::domain::Transport::default(),
    };
    let lag = row("lag", "max(lag_seconds{side=\"{{side}}\",service=\"{{service}}\"})");
    let good = spec(vec![
        lag.clone(),
        row("none", "nonesuch{side=\"{{side}}\"}"),
        row("idle", "max(idle{side=\"{{side}}\"})"),
    ]);
    let (sink, mut events) = tokio::sync::mpsc::channel(100);
    let readers = start_metrics(&good, "spam", &sink).unwrap();
    let gauge = |value: f64| Part::Gauge { sum: value, max: value, n: 1 };
    let deadline = Instant::now() + Duration::from_secs(40);
    let mut seen = Pair { blue: None, green: None };
    while seen.blue.is_none() || seen.green.is_none() {
        let event = tokio::time::timeout_at(deadline, events.recv()).await.unwrap().unwrap();
        let ProbeEvent::Metrics { side, source: 0, reading: Ok(reading) } = event else { panic!("{event:?}") };
        seen[side] = Some(reading.parts);
    }
    assert_eq!(seen[Side::Blue], Some(vec![gauge(0.25), Part::Missing, Part::NotYet]));
    assert_eq!(seen[Side::Green], Some(vec![gauge(0.5), Part::Missing, Part::NotYet]));
    // What the server says next is read next.
    *page.lock().unwrap() = text.replace("0.5", "0.75");
    loop {
        let event = tokio::time::timeout_at(deadline, events.recv()).await.unwrap().unwrap();
        let ProbeEvent::Metrics { side, reading: Ok(reading), .. } = event else { panic!("{event:?}") };
        if side == Side::Green && reading.parts[0] == gauge(0.75) {
            break;
        }
    }
    drop(readers);
    // Several series, and no PromQL: told, and no figure.
    for (query, why) in [("lag_seconds", "several series"), ("max(", "parse error")] {
        let (sink, mut events) = tokio::sync::mpsc::channel(100);
        let _readers = start_metrics(&spec(vec![row("bad", query)]), "spam", &sink).unwrap();
        let event = tokio::time::timeout_at(deadline, events.recv()).await.unwrap().unwrap();
        let ProbeEvent::Metrics { reading: Err(told), .. } = event else { panic!("{event:?}") };
        assert!(told.contains(why), "{told}");
    }
}
