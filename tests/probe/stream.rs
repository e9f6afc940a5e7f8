//! Streaming endpoints are asked for a few tokens: against a real server of the OpenAI API, and against all that a
//! server can do wrong.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cutover::testing::domain::metric::{Merged, MetricRow, MetricsSpec, Part, Scrape, StreamSpec, stream_rows};
use cutover::testing::domain::{Pair, SecretRef, Side, SideSpec};
use cutover::testing::probe::{ProbeEvent, start_streams, stream_once};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, sleep, timeout};

const HEAD: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\nconnection: close\r\n\r\n";
const WORD: &str = "data: {\"choices\":[{\"delta\":{\"content\":\"one \"},\"finish_reason\":null}]}\n\n";
const END: &str = "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"length\"}]}\n\n";
const DONE: &str = "data: [DONE]\n\n";

/// What a scripted server does after it has read a request.
#[derive(Clone)]
enum Do {
    Say(String),
    Wait(u64),
    /// The same again and again, until nobody reads it.
    Repeat(String),
    Hang,
}

fn say(text: &str) -> Do {
    Do::Say(text.to_owned())
}

/// Ends with the test.
struct Scripted {
    url: String,
    requests: Arc<Mutex<Vec<String>>>,
    most_at_once: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Scripted {
    async fn start(script: Vec<Do>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (requests, now, most) = (Arc::<Mutex<Vec<_>>>::default(), Arc::<AtomicUsize>::default(), Arc::default());
        let (log, most_at_once) = (Arc::clone(&requests), Arc::<AtomicUsize>::clone(&most));
        let task = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (script, log, now, most) = (script.clone(), Arc::clone(&log), Arc::clone(&now), Arc::clone(&most));
                connections.spawn(async move {
                    most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    play(stream, script, &log).await;
                    now.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        Self { url, requests, most_at_once, task }
    }
}

async fn play(stream: TcpStream, script: Vec<Do>, log: &Mutex<Vec<String>>) {
    let mut stream = BufReader::new(stream);
    let (mut text, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
            return;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        text.push_str(&line);
        if line == "\r\n" {
            break;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.unwrap();
    text.push_str(&String::from_utf8(body).unwrap());
    log.lock().unwrap().push(text);
    for step in script {
        let went = match step {
            Do::Say(text) => stream.write_all(text.as_bytes()).await,
            Do::Wait(ms) => {
                sleep(Duration::from_millis(ms)).await;
                Ok(())
            }
            Do::Repeat(text) => loop {
                if let Err(err) = stream.write_all(text.as_bytes()).await {
                    break Err(err);
                }
            },
            Do::Hang => std::future::pending().await,
        };
        if went.is_err() || stream.flush().await.is_err() {
            return;
        }
    }
}

fn spec() -> StreamSpec {
    StreamSpec {
        path: "/v1/chat/completions".into(),
        model: "small".into(),
        prompt: "Count.".into(),
        max_tokens: 8,
        interval_ms: 60_000,
        timeout_ms: 10_000,
        api_key: None,
        transport: cutover::testing::domain::Transport::default(),
    }
}

async fn asked(script: Vec<Do>, spec: &StreamSpec) -> Result<Scrape, String> {
    let server = Scripted::start(script).await;
    stream_once(spec, &stream_rows(&[]), &server.url).await
}

async fn fault(script: Vec<Do>) -> String {
    asked(script, &spec()).await.unwrap_err()
}

fn values(rows: &[MetricRow], scrape: &Scrape) -> Vec<Option<f64>> {
    let value = |(row, part): (&MetricRow, &Part)| match row.merge(std::iter::once(part)) {
        Merged::Value(value, _) => Some(value),
        Merged::Missing | Merged::NotYet => None,
    };
    rows.iter().zip(&scrape.parts).map(value).collect()
}

fn figures(scrape: &Scrape) -> Vec<Option<f64>> {
    values(&stream_rows(&[]), scrape)
}

#[tokio::test]
async fn waits_are_measured_at_least_as_long_as_they_were() {
    let script =
        vec![say(HEAD), Do::Wait(60), say(WORD), Do::Wait(40), say(WORD), Do::Wait(40), say(WORD), say(END), say(DONE)];
    let server = Scripted::start(script).await;
    let scrape = stream_once(&spec(), &stream_rows(&[]), &server.url).await.unwrap();
    let [Some(ttft), Some(itl), Some(itl95), Some(tokens)] = figures(&scrape)[..] else { panic!("{scrape:?}") };
    // The server waits with a clock of its own: a hair less is within reason, more is the machine's doing.
    assert!(ttft >= 55.0 && itl >= 35.0 && itl95 >= 35.0 && tokens <= 29.0, "{ttft} {itl} {itl95} {tokens}");
    assert!((itl * tokens - 1000.0).abs() < 1.0, "{itl} {tokens}");
    let request = server.requests.lock().unwrap()[0].clone();
    assert!(request.starts_with("POST /v1/chat/completions HTTP/1.1\r\n"), "{request}");
    assert!(request.contains("\"max_tokens\":8") && request.contains("\"stream\":true"), "{request}");
    assert!(!request.to_ascii_lowercase().contains("authorization"), "{request}");
}

#[tokio::test]
async fn events_split_over_chunks_with_crlf_and_comments_are_read() {
    let (first, rest) = WORD.split_at(20);
    let crlf = format!("{WORD}{END}").replace('\n', "\r\n");
    let script = vec![
        say(HEAD),
        say(": hello\n\n"),
        say(first),
        Do::Wait(20),
        say(rest),
        Do::Wait(20),
        say(&crlf),
        say("data: [DONE]"),
    ];
    let scrape = asked(script, &spec()).await.unwrap();
    assert!(figures(&scrape).iter().all(Option::is_some), "{scrape:?}");
}

#[tokio::test]
async fn a_stream_that_closes_after_its_reason_to_finish_is_whole() {
    let scrape = asked(vec![say(HEAD), say(WORD), Do::Wait(10), say(WORD), say(END)], &spec()).await.unwrap();
    assert!(scrape.is_stream && figures(&scrape)[0].is_some(), "{scrape:?}");
}

#[tokio::test]
async fn what_is_no_stream_is_told() {
    let plain = |status: &str, kind: &str, body: &str| {
        let length = body.len();
        vec![say(&format!(
            "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\nretry-after: 7\r\n\r\n{body}"
        ))]
    };
    let json = "application/json";
    let cases = [
        (plain("200 OK", json, "{\"choices\":[]}"), "not a stream of events but application/json"),
        (
            plain("200 OK", json, "{\"error\":\"no streaming here\"}"),
            "not a stream of events but application/json: no streaming here",
        ),
        (
            plain("401 Unauthorized", json, "{\"error\":{\"message\":\"bad key\"}}"),
            "status 401 (is api_key right?): bad key",
        ),
        (
            plain("404 Not Found", json, "{\"object\":\"error\",\"message\":\"no such model\"}"),
            "status 404 (are path and model right?): no such model",
        ),
        (plain("422 Unprocessable", json, "{\"detail\":\"max_tokens\"}"), "status 422: max_tokens"),
        (plain("429 Too Many", "text/html", "<html>"), "status 429"),
        (plain("500 No", json, &format!("{{\"error\":\"{}\"}}", "x".repeat(40_000))), "status 500"),
        (
            vec![say("HTTP/1.1 302 Found\r\nlocation: /login\r\ncontent-length: 0\r\n\r\n")],
            "status 302: redirects to /login",
        ),
        (vec![], "answer cut off: connection closed before message completed"),
    ];
    for (script, want) in cases {
        assert_eq!(fault(script).await, want);
    }
}

#[tokio::test]
async fn streams_that_break_are_told_with_what_had_come() {
    let error = "data: {\"error\":{\"message\":\"out of memory\"}}\n\n";
    let chunked = HEAD.replace("connection: close", "transfer-encoding: chunked");
    let cases = [
        (vec![say(HEAD), say(WORD), say(WORD)], "cut off after 2 tokens: it ends without [DONE]"),
        (vec![say(HEAD), say(WORD), say(error)], "error in the stream: out of memory"),
        (vec![say(HEAD), say("event: error\ndata: boom\n\n")], "error in the stream: boom"),
        (vec![say(HEAD), say("data: <html>\n\n")], "an event that is no JSON: <html>"),
        (vec![say(HEAD), say(DONE)], "it ended without a token"),
        (vec![say(HEAD)], "cut off after 0 tokens: it ends without [DONE]"),
    ];
    for (script, want) in cases {
        assert_eq!(fault(script).await, want);
    }
    let text = fault(vec![say(&chunked), say(&format!("{:x}\r\n{WORD}\r\nff\r\ndata", WORD.len()))]).await;
    assert!(text.starts_with("cut off after 1 tokens: answer cut off: "), "{text}");
}

#[tokio::test]
async fn a_stream_without_end_is_ended_here() {
    let short = StreamSpec { timeout_ms: 300, ..spec() };
    let late = asked(vec![say(HEAD), say(WORD), Do::Hang], &short).await;
    assert_eq!(late.unwrap_err(), "not at its end after 300 ms and 1 tokens");
    assert_eq!(asked(vec![Do::Hang], &short).await.unwrap_err(), "no token within 300 ms");
    assert_eq!(asked(vec![say(HEAD), Do::Hang], &short).await.unwrap_err(), "no token within 300 ms");
    let refused =
        vec![say("HTTP/1.1 500 No\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{"), Do::Hang];
    assert_eq!(asked(refused, &short).await.unwrap_err(), "no token within 300 ms");
}

#[tokio::test]
async fn floods_are_cut() {
    let flood = |text: &str| vec![say(HEAD), Do::Repeat(text.to_owned())];
    let started = Instant::now();
    assert_eq!(fault(flood(WORD)).await, "more than 48 tokens where 8 were asked for");
    assert_eq!(fault(flood("xxxxxxxxxxxxxxxx")).await, "an event longer than 64 KiB");
    assert_eq!(fault(flood("data: x\n")).await, "an event longer than 64 KiB");
    assert_eq!(fault(flood(": alive\n\n")).await, "a stream longer than 1024 KiB");
    assert_eq!(fault(flood("data: {\"choices\":[]}\n\n")).await, "a stream longer than 1024 KiB");
    assert!(started.elapsed() < Duration::from_secs(10), "none of them waited for its time to run out");
}

#[tokio::test]
async fn the_key_goes_to_the_server_and_nowhere_else() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("key");
    std::fs::write(&file, "sk-0123456789abcdef\n").unwrap();
    let spec = StreamSpec { api_key: Some(SecretRef::File(file)), ..spec() };
    // Echoed where it would be cut in two by the length that is kept.
    let body = format!("{{\"error\":\"{}sk-0123456789abcdef\"}}", "x".repeat(150));
    let answer =
        format!("HTTP/1.1 401 No\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    let server = Scripted::start(vec![say(&answer)]).await;
    let told = stream_once(&spec, &stream_rows(&[]), &server.url).await.unwrap_err();
    assert!(told.contains("x***") && !told.contains("sk-0"), "{told}");
    let request = server.requests.lock().unwrap()[0].clone();
    assert!(request.contains("authorization: Bearer sk-0123456789abcdef\r\n"), "{request}");
    let stream = format!("data: {{\"error\":\"{}sk-0123456789abcdef\"}}\n\n", "y".repeat(150));
    let told = asked(vec![say(HEAD), say(&stream)], &spec).await.unwrap_err();
    assert!(told.contains("y***") && !told.contains("sk-0"), "{told}");
    let gone = StreamSpec { api_key: Some(SecretRef::File(dir.path().join("none"))), ..spec };
    assert!(asked(vec![], &gone).await.unwrap_err().starts_with("no api_key: "));
}

/// A spec of the metrics as a config with `[probe.openai]` alone gives it.
fn metrics(stream: StreamSpec) -> MetricsSpec {
    MetricsSpec {
        preset: String::new(),
        interval_ms: 1000,
        timeout_ms: 2000,
        path: "/metrics".into(),
        urls: Pair::default(),
        prometheus: None,
        rows: stream_rows(&[]),
        traffic: None,
        stream: Some(stream),
        transport: cutover::testing::domain::Transport::default(),
    }
}

#[tokio::test]
async fn replicas_are_asked_one_request_at_a_time() {
    let script = || vec![say(HEAD), Do::Wait(30), say(WORD), Do::Wait(10), say(WORD), say(END), say(DONE)];
    let (blue, green) = (Scripted::start(script()).await, Scripted::start(script()).await);
    let side = |server: &Scripted| SideSpec { urls: vec![server.url.clone()], ..SideSpec::default() };
    let sides = Pair { blue: side(&blue), green: side(&green) };
    // Faster than the config allows: the answers take longer than the interval.
    let spec = metrics(StreamSpec { interval_ms: 10, ..spec() });
    let (sink, mut events) = mpsc::channel(100);
    let _asking = start_streams(&sides, &spec, &sink).unwrap();
    let mut count = Pair { blue: 0, green: 0 };
    while count.blue < 3 || count.green < 3 {
        let event = timeout(Duration::from_secs(20), events.recv()).await.unwrap().unwrap();
        let ProbeEvent::Metrics { side, source: 0, reading: Ok(reading) } = event else { panic!("{event:?}") };
        assert!(reading.is_stream && reading.parts.len() == 4, "{reading:?}");
        count[side] += 1;
    }
    assert_eq!([&blue, &green].map(|server| server.most_at_once.load(Ordering::SeqCst)), [1, 1]);
}

#[tokio::test]
async fn none_is_asked_where_none_is_written() {
    let server = Scripted::start(vec![say(HEAD), say(DONE)]).await;
    let sides = Pair::from_fn(|_| SideSpec { urls: vec![server.url.clone()], ..SideSpec::default() });
    let (sink, _events) = mpsc::channel(100);
    let spec = MetricsSpec { stream: None, ..metrics(spec()) };
    let _none = start_streams(&sides, &spec, &sink).unwrap();
    assert_eq!(sink.strong_count(), 1, "nobody asks");
}

/// What the program says of a service whose sides stream; nothing else of it is there.
async fn said(verb: &str, blue: &str, green: &str) -> serde_json::Value {
    let dir = tempfile::tempdir().unwrap();
    let config = format!(
        "[service]\nname = \"chat\"\n[blue]\nurls = [\"{blue}\"]\n[green]\nurls = [\"{green}\"]\n\
         [probe.openai]\nmodel = \"small\"\n[backend]\nkind = \"embedded\"\nadmin = \"none.sock\"\n[state]\ndir = \"state\"\n"
    );
    std::fs::write(dir.path().join("cutover.toml"), config).unwrap();
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_cutover"));
    command.args([verb, "-o", "json"]).current_dir(dir.path()).env_remove("CUTOVER_CONFIG").kill_on_drop(true);
    let output = timeout(Duration::from_secs(60), command.output()).await.unwrap().unwrap();
    let told = || String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", told()))
}

#[tokio::test]
async fn check_and_status_ask_each_replica_once_and_tell_what_they_saw() {
    let whole = vec![say(HEAD), Do::Wait(30), say(WORD), Do::Wait(10), say(WORD), say(END), say(DONE)];
    let (blue, green) = (Scripted::start(whole).await, Scripted::start(vec![say(HEAD), say(WORD)]).await);
    let streams = |server: &Scripted| {
        server
            .requests
            .lock()
            .unwrap()
            .iter()
            .filter(|request| request.starts_with("POST /v1/chat/completions "))
            .count()
    };
    let check = said("check", &blue.url, &green.url).await;
    let row = |what: &str| check["checks"].as_array().unwrap().iter().find(|row| row["what"] == what).unwrap().clone();
    assert_eq!(row("stream blue")["ok"], true, "{check}");
    assert!(row("stream blue")["detail"].as_str().unwrap().starts_with("ttft "), "{check}");
    assert_eq!(row("stream green")["detail"], "cut off after 1 tokens: it ends without [DONE]");
    assert_eq!([streams(&blue), streams(&green)], [1, 1]);

    let status = said("status", &blue.url, &green.url).await;
    let ttft = &status["sides"]["blue"]["metrics"]["ttft"];
    assert!(ttft["value"].as_f64().unwrap() >= 25.0 && ttft["unit"] == "ms", "{status}");
    assert!(status["sides"]["green"]["metrics"]["ttft"]["value"].is_null(), "{status}");
    let fault = "stream of 1: cut off after 1 tokens: it ends without [DONE]";
    assert!(status["sides"]["green"]["faults"].as_array().unwrap().iter().any(|it| it == fault), "{status}");
    assert_eq!([streams(&blue), streams(&green)], [2, 2]);
}

/// litserve and all it starts; ended with the test.
struct LitServe {
    child: Child,
    url: String,
}

impl Drop for LitServe {
    fn drop(&mut self) {
        // Its workers outlive it unless the whole group is ended.
        let group = rustix::process::Pid::from_child(&self.child);
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        let _ = self.child.wait();
    }
}

impl LitServe {
    async fn start(test: &str) -> Option<Self> {
        use std::os::unix::process::CommandExt as _;
        let set_up = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/litserve");
        let python = std::env::var_os("CUTOVER_LITSERVE").map_or(set_up.join("venv/bin/python"), Into::into);
        let serve = python.ancestors().nth(3).map(|dir| dir.join("serve.py")).filter(|file| file.is_file());
        let Some(serve) = serve.filter(|_| python.exists()) else {
            println!("SKIPPED {test}: litserve is not there (tests/support/litserve-setup target/litserve brings it)");
            return None;
        };
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let dir = tempfile::tempdir().unwrap().keep();
        let mut command = Command::new(python);
        command.arg(serve).arg(port.to_string()).current_dir(&dir).process_group(0);
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let server = Self { child, url: format!("http://127.0.0.1:{port}") };
        let deadline = Instant::now() + Duration::from_secs(90);
        while stream_once(&spec(), &stream_rows(&[]), &server.url).await.is_err() {
            assert!(Instant::now() < deadline, "litserve did not answer on {}", server.url);
            sleep(Duration::from_millis(100)).await;
        }
        Some(server)
    }
}

#[tokio::test]
async fn a_real_server_streams() {
    let Some(server) = LitServe::start("a_real_server_streams").await else { return };
    let scrape = stream_once(&spec(), &stream_rows(&[]), &server.url).await.unwrap();
    let [Some(ttft), Some(itl), Some(itl95), Some(tokens)] = figures(&scrape)[..] else { panic!("{scrape:?}") };
    // The model waits 80 ms and then 30 ms between words; it cannot be faster than that.
    assert!(ttft >= 75.0 && itl >= 20.0 && itl95 >= itl && tokens <= 50.0, "{ttft} {itl} {itl95} {tokens}");
    let wrong = StreamSpec { path: "/v1/completions".into(), ..spec() };
    let told = stream_once(&wrong, &stream_rows(&[]), &server.url).await.unwrap_err();
    assert!(told.starts_with("status 404 (are path and model right?)"), "{told}");
    let sides = Pair::from_fn(|_| SideSpec { urls: vec![server.url.clone()], ..SideSpec::default() });
    let (sink, mut events) = mpsc::channel(100);
    let _asking = start_streams(&sides, &metrics(spec()), &sink).unwrap();
    let mut seen = Pair { blue: false, green: false };
    while !(seen[Side::Blue] && seen[Side::Green]) {
        let event = timeout(Duration::from_secs(30), events.recv()).await.unwrap().unwrap();
        let ProbeEvent::Metrics { side, reading: Ok(_), .. } = event else { panic!("{event:?}") };
        seen[side] = true;
    }
}
