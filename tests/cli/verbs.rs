//! The program as a whole, run as a script would run it: no terminal, exit codes, documents, bytes.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::process::{Pid, Signal};
use serde_json::Value;

use crate::support::child::{self, Lines};
use crate::support::signals;

const MUTATING: [&str; 9] = [
    "promote",
    "switch",
    "abort",
    "rollback",
    "pause",
    "resume",
    "override golden --reason because-it-is-late",
    "approve fairness --reason the-report-was-read",
    "finalize",
];

/// The visible verbs, as the help lists them.
const VERBS: [&str; 31] = [
    "drive",
    "status",
    "watch",
    "gates",
    "logs",
    "events",
    "report",
    "promote",
    "switch",
    "abort",
    "rollback",
    "pause",
    "resume",
    "override",
    "approve",
    "finalize",
    "note",
    "wait",
    "check",
    "alert",
    "init",
    "backends",
    "keys",
    "journal",
    "completions",
    "man",
    "help",
    "info",
    "gateway",
    "demo",
    "run",
];

fn cutover(dir: &Path, words: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cutover"));
    command
        .args(words.split(' ').filter(|word| !word.is_empty()))
        .current_dir(dir)
        .env_clear()
        .env("HOME", dir)
        .env("USER", "op1")
        .env("TERM", "xterm-256color")
        .env("LANG", "C.UTF-8")
        .stdin(Stdio::null());
    command
}

fn run(words: &str) -> Output {
    let dir = tempfile::tempdir().unwrap();
    child::output(&mut cutover(dir.path(), words))
}

fn run_in(dir: &Path, words: &str) -> Output {
    child::output(&mut cutover(dir, words))
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn t40_a_mutating_verb_without_a_terminal_and_without_yes_exits_2_at_once() {
    for words in MUTATING {
        let output = run(words);
        assert_eq!(output.status.code(), Some(2), "{words}: {}", stderr(&output));
        assert!(stderr(&output).contains("--yes"), "{words}: {}", stderr(&output));
        assert_eq!(stdout(&output), "", "{words}");
    }
}

#[test]
fn t40_an_input_that_never_ends_is_never_waited_for() {
    for words in MUTATING {
        let dir = tempfile::tempdir().unwrap();
        // The pipe stays open and silent: a program that reads it hangs, and this test with it.
        let mut child = cutover(dir.path(), words).stdin(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let silent = child.stdin.take();
        assert_eq!(child::wait(&mut child).code(), Some(2), "{words}");
        drop(silent);
    }
}

#[test]
fn t39_without_a_terminal_driving_is_refused_and_watching_is_not() {
    for words in ["drive", "--read-only drive", "--linear drive"] {
        let output = run(words);
        assert_eq!(output.status.code(), Some(2), "{words:?}");
        assert!(stderr(&output).contains("cutover status"), "{}", stderr(&output));
    }
    // What looks on gets as far as the config, which is not there.
    for words in ["", "--read-only", "--linear", "--once"] {
        let output = run(words);
        assert_eq!(output.status.code(), Some(78), "{words:?}: {}", stderr(&output));
    }
    for words in ["status --read-only", "--width 80", "--once status", "--once --linear"] {
        assert_eq!(run(words).status.code(), Some(2), "{words:?}");
    }
}

#[test]
fn t45_a_config_fault_is_78_with_file_and_line() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("bad.toml"), "[service]\nname = \"x\"\n[blue\n").unwrap();
    for words in ["status", "promote --yes", "check", "wait --for ready", "gateway", "logs", "journal verify"] {
        let output = run_in(dir.path(), &format!("{words} -c bad.toml"));
        assert_eq!(output.status.code(), Some(78), "{words}: {}", stderr(&output));
        assert!(stderr(&output).contains("bad.toml:3"), "{words}: {}", stderr(&output));
        assert_eq!(run_in(dir.path(), &format!("{words} -c none.toml")).status.code(), Some(78), "{words}");
    }
}

#[test]
fn t42_an_error_is_a_document_where_json_was_asked_for() {
    for (words, code, kind) in [
        ("status -o json", 78, "config"),
        ("promote -o json", 2, "usage"),
        ("-o json no-such-verb", 2, "usage"),
        ("wait --for nonsense -o ndjson", 2, "usage"),
    ] {
        let output = run(words);
        let document: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{words}: {error}"));
        assert_eq!(document["schema_version"], 1, "{words}");
        assert_eq!(document["error"]["exit_code"], code, "{words}");
        assert_eq!(document["error"]["kind"], kind, "{words}");
        assert_eq!(output.status.code(), Some(code), "{words}");
        assert!(!stderr(&output).is_empty(), "{words}: people read standard error");
    }
}

#[test]
fn t49_wrong_usage_is_2_and_help_and_version_are_0_on_standard_output() {
    for words in ["no-such-verb", "wait", "wait --for x", "promote --expect zz", "promote --timeout 5x", "--color x"] {
        let output = run(words);
        assert_eq!(output.status.code(), Some(2), "{words}");
        assert_eq!(stdout(&output), "", "{words}");
    }
    for words in ["--help", "-h", "--version", "promote --help"] {
        let output = run(words);
        assert_eq!(output.status.code(), Some(0), "{words}");
        assert_eq!(stderr(&output), "", "{words}");
        assert!(!stdout(&output).is_empty(), "{words}");
    }
}

#[test]
fn the_help_reads_like_this() {
    insta::assert_snapshot!("help", stdout(&run("--help")));
    insta::assert_snapshot!("help_promote", stdout(&run("promote --help")));
    insta::assert_snapshot!("help_wait", stdout(&run("wait --help")));
    insta::assert_snapshot!("help_demo", stdout(&run("demo --help")));
}

#[test]
fn hidden_verbs_stay_hidden() {
    let help = stdout(&run("--help"));
    for verb in ["demo-server", "demo-load"] {
        assert!(!help.contains(verb), "{verb}");
    }
}

#[test]
fn t47_completions_and_the_man_page_name_every_verb() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let text = stdout(&run(&format!("completions {shell}")));
        for verb in VERBS {
            assert!(text.contains(verb), "{shell} does not know {verb}");
        }
    }
    let page = stdout(&run("man"));
    assert!(page.contains(".TH cutover 1"), "{page:.200}");
    let plain = page.replace("\\-", "-");
    for verb in VERBS {
        assert!(plain.contains(verb), "the man page lacks {verb}");
    }
    for code in ["0", "3", "10", "78", "143"] {
        assert!(plain.contains(&format!(".B {code}\n")), "the man page lacks exit code {code}");
    }
}

#[test]
fn t39_no_escape_byte_leaves_for_a_pipe() {
    let dir = tempfile::tempdir().unwrap();
    for words in ["--help", "man", "keys", "info", "status", "no-such-verb", "promote", "init -", "completions bash"] {
        let output = run_in(dir.path(), words);
        let bytes = output.stdout.iter().chain(&output.stderr);
        assert!(!bytes.clone().any(|&byte| byte == 0x1b), "{words}");
    }
}

#[test]
fn t43_a_closed_pipe_ends_it_quietly() {
    let dir = tempfile::tempdir().unwrap();
    let mut child =
        cutover(dir.path(), "completions zsh").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // Nobody reads: whatever does not fit into the pipe meets a closed one.
    drop(child.stdout.take());
    let ended = child::ended(child, "completions");
    assert_eq!((ended.status.code(), stderr(&ended).as_str()), (Some(0), ""));
}

#[test]
fn a_full_disk_under_standard_output_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let Ok(full) = std::fs::File::options().write(true).open("/dev/full") else {
        panic!("/dev/full is needed to try a full disk");
    };
    let output = cutover(dir.path(), "man").stdout(full).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("standard output"), "{}", stderr(&output));
}

#[test]
fn the_keymap_is_printed_as_toml_and_called_that() {
    let printed: toml::Table = stdout(&run("keys --print")).parse().unwrap();
    let keys = printed["keys"].as_table().unwrap();
    let shown = json(&run("keys -o json"));
    assert_eq!(keys.len(), shown["keys"].as_array().unwrap().len());
    assert!(keys["rollback"].as_array().unwrap()[0].as_str() == Some("R"), "{keys:?}");
    let help = stdout(&run("keys --help"));
    assert!(help.contains("as TOML") && !help.contains("file that"), "{help}");
}

#[test]
fn the_demo_sends_as_many_requests_as_its_config_was_written_for() {
    let told = format!("[default: {}]", cutover::testing::demo::load::DEFAULT_RPS);
    let help = stdout(&run("demo -h"));
    assert!(help.lines().any(|line| line.contains("--rps") && line.contains(&told)), "{help}");
}

#[test]
fn init_writes_a_config_that_is_understood_and_never_replaces_one() {
    let dir = tempfile::tempdir().unwrap();
    let words = "init --name spam --blue http://127.0.0.1:1 --green http://127.0.0.1:2";
    let output = run_in(dir.path(), words);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let text = std::fs::read_to_string(dir.path().join("cutover.toml")).unwrap();
    for value in ["spam", "http://127.0.0.1:1", "http://127.0.0.1:2"] {
        assert!(text.contains(value), "{text}");
    }
    assert!(text.contains("\nenvironment = \"staging\"") && text.contains("\nlisten = \"127.0.0.1:8080\""), "{text}");
    let other = stdout(&run_in(dir.path(), "init - --listen 127.0.0.1:3 --environment prod"));
    assert!(other.contains("\nenvironment = \"prod\"") && other.contains("\nlisten = \"127.0.0.1:3\""), "{other}");
    assert_eq!(run_in(dir.path(), words).status.code(), Some(2), "it is there already");
    assert_eq!(run_in(dir.path(), &format!("{words} --force")).status.code(), Some(0));
    let info: Value = serde_json::from_str(&stdout(&run_in(dir.path(), "info -o json"))).unwrap();
    assert!(info["config"].as_str().unwrap().ends_with("cutover.toml"), "{info}");
    assert!(info["journal"].as_str().unwrap().ends_with("journal.jsonl"), "{info}");
}

#[test]
fn check_tells_each_connection_and_exits_9_when_a_side_does_not_answer() {
    let dir = tempfile::tempdir().unwrap();
    let [blue, green, _] = free_ports();
    let url = format!("http://127.0.0.1:{blue}");
    run_in(dir.path(), &format!("init --name spam --blue {url} --green http://127.0.0.1:{green}"));
    let output = run_in(dir.path(), "check -o json");
    assert_eq!(output.status.code(), Some(9), "{}", stderr(&output));
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    let checks = document["checks"].as_array().unwrap();
    let of =
        |what: &str| checks.iter().find(|check| check["what"] == what).unwrap_or_else(|| panic!("{what}: {document}"));
    assert_eq!(of("config")["ok"], true);
    assert_eq!(of("blue")["ok"], false);
    assert_eq!(of("green")["ok"], false);
    assert!(of("blue")["target"].as_str().unwrap().starts_with(&url));
    assert_eq!((&of("keys")["ok"], &of("theme")["ok"]), (&true.into(), &true.into()));
}

#[test]
fn check_tries_what_gates_ask_and_what_the_console_reads() {
    let dir = tempfile::tempdir().unwrap();
    let [blue, green, dead] = free_ports();
    run_in(dir.path(), &format!("init --name spam --blue http://127.0.0.1:{blue} --green http://127.0.0.1:{green}"));
    let there = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = there.local_addr().unwrap().port();
    let answers = std::thread::spawn(move || {
        let (mut stream, _) = there.accept().unwrap();
        let n = std::io::Read::read(&mut stream, &mut [0; 1024]).unwrap();
        assert!(n > 0, "a request");
        std::io::Write::write_all(&mut stream, b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n").unwrap();
    });
    let mut config = std::fs::read_to_string(dir.path().join("cutover.toml")).unwrap();
    let more = format!(
        "\n[[gate]]\nkind = \"prometheus\"\nurl = \"http://127.0.0.1:{dead}\"\nquery = \"up\"\nmax = 1\n\
         [[gate]]\nkind = \"http\"\nurl = \"http://127.0.0.1:{port}/a?v={{{{version}}}}\"\nstatus = 200\n"
    );
    config.push_str(&more);
    std::fs::write(dir.path().join("cutover.toml"), config).unwrap();
    std::fs::write(dir.path().join("keys.toml"), "[keys]\nnonsense = \"q\"\n").unwrap();
    let output = run_in(dir.path(), "check -o json --keys keys.toml");
    answers.join().unwrap();
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    let checks = document["checks"].as_array().unwrap();
    let of =
        |what: &str| checks.iter().find(|check| check["what"] == what).unwrap_or_else(|| panic!("{what}: {document}"));
    assert_eq!(of("gate prometheus")["ok"], false);
    assert!(of("gate prometheus")["detail"].as_str().unwrap().contains("cannot connect"), "{document}");
    assert_eq!(of("gate http")["detail"], "answers (404)");
    assert!(of("keys")["detail"].as_str().unwrap().contains("keys.toml:2"), "{document}");
}

#[test]
fn t49_a_follower_ends_with_the_code_of_its_signal() {
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143), (Signal::HUP, 129)] {
        let dir = tempfile::tempdir().unwrap();
        run_in(dir.path(), "init");
        let info: Value = serde_json::from_str(&stdout(&run_in(dir.path(), "info -o json"))).unwrap();
        let journal = info["journal"].as_str().unwrap().to_owned();
        std::fs::create_dir_all(Path::new(&journal).parent().unwrap()).unwrap();
        std::fs::write(&journal, "{\"torn\n").unwrap();
        let mut command = child::with_hang_up(env!("CARGO_BIN_EXE_cutover"));
        command.args(["events", "-f"]).current_dir(dir.path()).env_clear().env("HOME", dir.path()).env("USER", "op1");
        let mut child = Ended(command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap());
        let lines = Lines::of(child.0.stdout.take().unwrap());
        assert_eq!(lines.next(), "? {\"torn");
        // What is added while it follows comes out: from then on it listens for signals.
        std::fs::write(&journal, "{\"torn\n{\"more\n").unwrap();
        assert_eq!(lines.next(), "? {\"more");
        signals::send(Pid::from_child(&child.0), signal);
        assert_eq!(child::wait(&mut child.0).code(), Some(code), "{signal:?}");
    }
}

/// Ports that were free a moment ago and have no listener.
fn free_ports() -> [u16; 3] {
    let held = [(); 3].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    held.map(|listener| listener.local_addr().unwrap().port())
}

/// A model server that answers `{}` to everything, until it is dropped.
struct Model {
    port: u16,
    ends: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Model {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let ends = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&ends);
        let thread = std::thread::spawn(move || {
            while let Ok((mut stream, _)) = listener.accept() {
                if told.load(Ordering::SeqCst) {
                    return;
                }
                let mut head = [0; 4096];
                // One read holds a whole request without a body; what a broken peer does is its own affair.
                let _ = stream.read(&mut head);
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}");
            }
        });
        Self { port, ends, thread: Some(thread) }
    }
}

impl Drop for Model {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(("127.0.0.1", self.port));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// A process that is ended with the test.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A service in `dir` on two model servers, and its gateway, which takes traffic already.
fn service(dir: &Path, blue: &Model, green: &Model) -> Ended {
    let [listen, ..] = free_ports();
    let config = format!(
        "[service]\nname = \"spam\"\nenvironment = \"test\"\n\n[blue]\nurls = [\"http://127.0.0.1:{}\"]\n\n\
         [green]\nurls = [\"http://127.0.0.1:{}\"]\n\n[backend]\nkind = \"embedded\"\n\n\
         [gateway]\nlisten = \"127.0.0.1:{listen}\"\n\n[state]\ndir = \"state\"\n\n\
         [plan]\nsteps = [10, 50, 100]\nbake = \"0s\"\n",
        blue.port, green.port
    );
    std::fs::write(dir.join("cutover.toml"), config).unwrap();
    let mut child = cutover(dir, "gateway").stderr(Stdio::piped()).spawn().unwrap();
    let messages = BufReader::new(child.stderr.take().unwrap());
    let child = Ended(child);
    let mut said = String::new();
    for line in messages.lines() {
        let line = line.unwrap();
        if line.starts_with("traffic on") {
            return child;
        }
        said.push_str(&line);
    }
    panic!("the gateway ended: {said}");
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", stderr(output)))
}

#[test]
fn a_rollout_is_driven_by_one_process_after_the_other() {
    let dir = tempfile::tempdir().unwrap();
    let (blue, green) = (Model::start(), Model::start());
    let _gateway = service(dir.path(), &blue, &green);
    let run = |words: &str| run_in(dir.path(), words);
    let code = |words: &str, code: i32| {
        let output = run(words);
        assert_eq!(output.status.code(), Some(code), "{words}: {} {}", stdout(&output), stderr(&output));
        output
    };
    code("check", 0);
    let status = json(&code("status -o json", 0));
    assert_eq!(status["split"]["observed"], serde_json::json!({"blue": 100, "green": 0}), "{status}");
    let preview = code("promote --dry-run", 0);
    assert!(!stdout(&preview).is_empty(), "the request is shown: {}", stderr(&preview));
    // Consent to another state than this one is none.
    let told = stderr(&code("promote --yes --expect 0000", 7));
    assert_eq!((told.matches("nothing was sent").count(), told.matches("look again").count()), (1, 1), "{told}");
    assert!(told.contains("`cutover status`"), "{told}");
    let digest = status["digest"].as_str().unwrap();
    let done = json(&code(&format!("promote --yes --expect {digest} -o json --reason first-step"), 0));
    assert_eq!(
        (&done["reply"]["reply"], &done["status"]["last_order"]["state"]),
        (&"ordered".into(), &"verified".into())
    );
    assert_eq!(done["status"]["split"]["observed"]["green"], 10, "{done}");
    code("wait --for shifting --timeout 10s", 0);
    code("wait --for verified --timeout 10s", 0);
    code("wait --for finalized --timeout 1s", 10);
    // Another process goes on where the first has ended.
    let done = json(&code("promote --yes --to-step 2 -o json", 0));
    assert_eq!(done["status"]["split"]["observed"]["green"], 50, "{done}");
    code("pause --yes", 0);
    code("promote --yes", 6);
    code("wait --for switched --timeout 10s", 6);
    code("resume --yes", 0);
    let back = json(&code("rollback --yes --reason p99 -o json", 0));
    assert_eq!(back["status"]["split"]["observed"]["green"], 0, "{back}");
    assert_eq!(back["status"]["phase"], "rolled_back");
    code("wait --for rolled-back --timeout 10s", 0);
    code("wait --for switched --timeout 10s", 5);
    code("rollback --yes", 0);
    code("note all-is-well", 0);
    let events = stdout(&code("events", 0));
    for told in ["promote", "first-step", "paused", "resumed", "ROLLBACK", "p99", "note: all-is-well", "op1/cli"] {
        assert!(events.contains(told), "{told} is not in the journal:\n{events}");
    }
    code("journal verify", 0);
    let head = json(&code("journal verify -o json", 0))["head"].as_str().unwrap().to_owned();
    code(&format!("journal verify --expect-head {head}"), 0);
    code(&format!("journal verify --expect-head {}", "1".repeat(64)), 1);
}

#[test]
fn watch_writes_a_status_a_line_until_nobody_reads_or_a_signal_comes() {
    let dir = tempfile::tempdir().unwrap();
    let (blue, green) = (Model::start(), Model::start());
    let _gateway = service(dir.path(), &blue, &green);
    let watch = |words: &str| {
        let mut command = cutover(dir.path(), words);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let lines = Lines::of(child.stdout.take().unwrap());
        (child, lines)
    };
    let (child, lines) = watch("watch -o ndjson");
    for _ in 0..2 {
        let status: Value = serde_json::from_str(&lines.next()).unwrap();
        assert_eq!(status["service"], "spam");
    }
    drop(lines);
    let ended = child::ended(child, "watch");
    assert_eq!((ended.status.code(), stderr(&ended).as_str()), (Some(0), ""));

    let (mut child, lines) = watch("watch");
    let first = lines.next();
    assert!(first.contains("phase"), "{first}");
    signals::send(Pid::from_child(&child), Signal::TERM);
    assert_eq!(child::wait(&mut child).code(), Some(143));
}

#[test]
fn a_router_that_does_not_answer_is_9_and_the_document_says_null() {
    let dir = tempfile::tempdir().unwrap();
    let [blue, green, _] = free_ports();
    run_in(dir.path(), &format!("init --blue http://127.0.0.1:{blue} --green http://127.0.0.1:{green}"));
    let output = run_in(dir.path(), "status -o json");
    assert_eq!(output.status.code(), Some(9), "{}", stderr(&output));
    assert!(json(&output)["split"]["observed"].is_null());
    assert_eq!(run_in(dir.path(), "promote --yes").status.code(), Some(9));
}

/// The example of the status document, as it is promised to scripts: names may be added, never renamed.
const PROMISED: &str = r#"{"schema_version":1,"time":"","service":"","environment":"","backend":"",
 "phase":"","step":{"index":2,"of":5,"target":10,"bake_left_s":252},"digest":"",
 "split":{"desired":{"blue":90,"green":10},"observed":{"blue":90,"green":10},"age_s":0.4},
 "sides":{"blue":{"role":"","version":{"name":"","digest":""},"ready":6,"replicas":6,
   "latency_ms":{"p50":41.0,"p95":118.0,"p99":201.0},"error_rate":0.0008,"rps":1842.0,"samples":12304,"age_s":0.6},
  "green":{"role":""}},
 "gates":[{"name":"","kind":"","required":true,"status":"","value":0.994,"limit":0.99,"samples":2000,
   "age_s":540,"version_digest":"","note":""}],
 "guards":[{"metric":"","side":"","status":"","value":243.0,"limit":250.0}],
 "rollback":{"ready":true,"class":"","window_left_s":3348,"to":""},
 "blocked":[{"command":"","because":""}],
 "last_order":{"id":"","command":"","state":""}}"#;

/// Every name of `promised` is in `real`, with a value of the same JSON type.
fn holds(promised: &Value, real: &Value, at: &str) -> Result<(), String> {
    match (promised, real) {
        (Value::Object(names), Value::Object(there)) => names.iter().try_for_each(|(name, value)| {
            let real = there.get(name).ok_or_else(|| format!("{at}.{name} is missing"))?;
            holds(value, real, &format!("{at}.{name}"))
        }),
        (Value::Array(items), Value::Array(there)) => {
            let (Some(item), Some(real)) = (items.first(), there.first()) else { return Ok(()) };
            holds(item, real, &format!("{at}[0]"))
        }
        (Value::String(_), Value::String(_))
        | (Value::Number(_), Value::Number(_))
        | (Value::Bool(_), Value::Bool(_)) => Ok(()),
        _ => Err(format!("{at} is {real}, promised was the type of {promised}")),
    }
}

#[test]
fn t42_the_status_document_keeps_its_promise() {
    let promised: Value = serde_json::from_str(PROMISED).unwrap();
    let sample = include_str!("status.json");
    let status: cutover::testing::engine::Status = serde_json::from_str(sample).unwrap();
    let real = serde_json::to_value(&status).unwrap();
    assert_eq!(holds(&promised, &real, "status"), Ok(()));
    let phases = [
        "idle",
        "validating",
        "ready",
        "shifting",
        "paused",
        "switched",
        "finalized",
        "aborted",
        "rolled_back",
        "unknown",
    ];
    for phase in phases {
        let mut other = real.clone();
        other["phase"] = phase.into();
        let status: cutover::testing::engine::Status = serde_json::from_value(other).unwrap();
        assert_eq!(serde_json::to_value(status.phase).unwrap(), phase);
    }
    // The check itself can fail.
    let mut renamed = real.clone();
    renamed["sides"]["blue"]["p99"] = renamed["sides"]["blue"]["latency_ms"].take();
    assert!(holds(&promised, &renamed, "status").is_err());
    assert!(real["time"].as_str().unwrap().ends_with('Z'), "times are UTC");
}

#[test]
fn the_manual_prints_topics_pages_and_lines() {
    let topics = stdout(&run("help"));
    assert!(topics.contains("gates ") && topics.contains("haproxy "), "{topics}");
    let page = stdout(&run("help gates"));
    assert!(page.starts_with("# Gates\n") && page.contains("\n## Golden sets\n"), "{page}");
    assert!(page.lines().all(|line| line.len() <= 80 || line.starts_with("    ")), "{page}");
    assert!(stdout(&run("help config")).contains("[blue], [green]"), "the generated reference is in it");
    let found = stdout(&run("help --search wilson"));
    assert_eq!(found.lines().count(), 1, "{found}");
    assert!(found.starts_with("gates, Golden sets: ") && found.contains("Wilson's"), "{found}");
    let verb = stdout(&run("help promote"));
    assert!(verb.contains("--to-step"), "a verb that is no topic prints its options: {verb}");
    let all = stdout(&run("help --all"));
    assert!(all.contains("# Gates\n") && all.contains("# HAProxy\n") && all.contains("#### `[[guard]]`"));
}

#[test]
fn a_topic_that_is_not_there_is_wrong_usage_and_names_the_nearest() {
    let output = run("help guard");
    assert_eq!((output.status.code(), stdout(&output).as_str()), (Some(2), ""));
    assert!(stderr(&output).contains("did you mean guards?"), "{}", stderr(&output));
    let output = run("help --search zyxwv");
    assert_eq!((output.status.code(), stdout(&output).as_str()), (Some(1), ""));
}

#[test]
fn the_manual_is_written_as_markdown_and_as_man_pages() {
    let dir = tempfile::tempdir().unwrap();
    let pages = || cutover::testing::manual::topics().map(|topic| topic.name);
    assert_eq!(run_in(dir.path(), "help --dir web/manual").status.code(), Some(0));
    assert_eq!(run_in(dir.path(), "man --dir man").status.code(), Some(0));
    let index = std::fs::read_to_string(dir.path().join("web/manual/index.md")).unwrap();
    for name in pages() {
        let page = std::fs::read_to_string(dir.path().join(format!("web/manual/{name}.md"))).unwrap();
        assert!(page.starts_with("# ") && index.contains(&format!("({name}.md)")), "{name}");
        for link in page.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let known = link.contains("://") || pages().any(|name| link == format!("{name}.md"));
            assert!(known, "{name}.md links to {link}, which is not written");
        }
        let man = std::fs::read_to_string(dir.path().join(format!("man/cutover-{name}.7"))).unwrap();
        assert!(man.starts_with(".TH ") && man.contains("\n.SH NAME\ncutover\\-"), "{name}");
    }
    let program = std::fs::read_to_string(dir.path().join("man/cutover.1")).unwrap();
    assert_eq!(program, stdout(&run("man")));
    // Where groff is installed it reads every page without a word.
    let Ok(groff) = Command::new("groff").arg("--version").output() else { return };
    assert!(groff.status.success());
    for entry in std::fs::read_dir(dir.path().join("man")).unwrap() {
        let path = entry.unwrap().path();
        let read = Command::new("groff").args(["-man", "-ww", "-z", "-Tascii"]).arg(&path).output().unwrap();
        assert_eq!(stderr(&read), "", "{}", path.display());
    }
}
