//! A live stage: the gateway and two model servers as processes of their own, in a directory of its own.
//!
//! Everything ends with it: each child ends when its stdin closes, and is killed, by its own id, if it does not.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use cutover::testing::backend::embedded::{AdminAddress, EmbeddedSpec};
use cutover::testing::backend::{Spec, TrafficBackend};
use cutover::testing::domain::{Move, Observation, Order, OrderId, Side, Split};
use rustix::process::{Pid, Signal};
use serde_json::Value;

use super::pty::PtyCommand;
use super::{child, signals};

/// The program under test.
pub const BIN: &str = env!("CARGO_BIN_EXE_cutover");

/// How long anything may take before a test fails.
pub const DEADLINE: Duration = Duration::from_secs(60);

/// What can be different about a stage.
#[derive(Clone)]
pub struct Set {
    /// Steps of the plan.
    pub steps: &'static str,
    /// How long each step is watched.
    pub bake: &'static str,
    /// `hold` or `rollback`.
    pub on_disconnect: &'static str,
    /// Where green is, instead of a model server of the demo.
    pub green: Option<String>,
    /// What else stands in the config.
    pub more: &'static str,
}

impl Default for Set {
    fn default() -> Self {
        Self { steps: "[10, 50, 100]", bake: "100ms", on_disconnect: "hold", green: None, more: "" }
    }
}

/// A process with pipes.
pub struct Kid {
    child: Child,
    /// What it says on stdout, line by line.
    lines: mpsc::Receiver<String>,
}

impl Kid {
    /// Starts the program under test with `args`.
    pub fn start(args: &[&str]) -> Self {
        Self::of(child::with_hang_up(BIN).args(args).env_remove("XDG_STATE_HOME"))
    }

    /// Starts `command` with its pipes here; stderr goes where stdout goes.
    pub fn of(command: &mut Command) -> Self {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (to, lines) = mpsc::channel();
        let (out, err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        forward(out, to.clone());
        forward(err, to);
        Self { child, lines }
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Writes a line to its stdin.
    pub fn say(&mut self, line: &str) {
        writeln!(self.child.stdin.as_mut().unwrap(), "{line}").unwrap();
    }

    /// Waits for a line that `wanted` picks.
    pub fn line(&self, what: &str, mut wanted: impl FnMut(&str) -> bool) -> String {
        let end = Instant::now() + DEADLINE;
        let mut seen = String::new();
        loop {
            match self.lines.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(line) if wanted(&line) => return line,
                Ok(line) => seen = format!("{seen}{line}\n"),
                Err(e) => panic!("no line for {what} ({e}); it said:\n{seen}"),
            }
        }
    }

    /// Forgets what it has said so far.
    pub fn forget(&self) {
        while self.lines.try_recv().is_ok() {}
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        signals::send(Pid::from_child(&self.child), signal);
    }

    /// Waits for its end; the exit code, `None` after a signal.
    pub fn wait(&mut self) -> Option<i32> {
        let end = Instant::now() + DEADLINE;
        while self.child.try_wait().unwrap().is_none() {
            assert!(Instant::now() < end, "process {} does not end", self.id());
            // Its output ends with it: then there is nothing to wait for but the reaping.
            if self.lines.recv_timeout(Duration::from_millis(50)).is_err() {
                std::thread::yield_now();
            }
        }
        self.child.wait().unwrap().code()
    }
}

impl Drop for Kid {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn forward(from: impl Read + Send + 'static, to: mpsc::Sender<String>) {
    std::thread::spawn(move || {
        for line in BufReader::new(from).lines().map_while(Result::ok) {
            // Nobody may listen any more; a pipe nobody reads would stop whoever writes into it.
            let _ = to.send(line);
        }
    });
}

/// What a command of the program came to.
#[derive(Debug)]
pub struct Ran {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Ran {
    /// Its output as one document.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|e| panic!("no document ({e}): {self:?}"))
    }

    /// Fails unless it ended with `code`.
    #[track_caller]
    pub fn ends(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "out: {}\nerr: {}", self.out, self.err);
        self
    }

    /// Fails unless it said `text` somewhere.
    #[track_caller]
    pub fn says(self, text: &str) -> Self {
        assert!(self.out.contains(text) || self.err.contains(text), "{text:?} is not said: {self:?}");
        self
    }
}

/// The stage.
pub struct Stage {
    dir: tempfile::TempDir,
    pub config: PathBuf,
    pub gateway: Option<Kid>,
    pub servers: Vec<Kid>,
    pub at: String,
}

impl Stage {
    /// With everything as usual.
    pub fn new() -> Self {
        Self::with(&Set::default())
    }

    /// With one small golden gate and a health gate.
    pub fn with_gates() -> Self {
        Self::with(&Set { more: GATES, ..Set::default() })
    }

    /// As `set` says.
    pub fn with(set: &Set) -> Self {
        let dir = tempfile::Builder::new().prefix("e2e").tempdir().unwrap();
        let cases: Vec<&str> = include_str!("../../assets/demo/golden.jsonl").lines().take(60).collect();
        std::fs::write(dir.path().join("golden.jsonl"), cases.join("\n")).unwrap();
        let mut servers = Vec::new();
        let mut url = |side: &str| {
            let kid = Kid::start(&["demo-server", side, "0"]);
            let said = kid.line("its address", |line| line.contains("listening"));
            let said: Value = serde_json::from_str(&said).unwrap();
            servers.push(kid);
            format!("http://{}", said["address"].as_str().unwrap())
        };
        let blue = url("blue");
        let green = set.green.clone().unwrap_or_else(|| url("green"));
        let at = free_port();
        let config = dir.path().join("cutover.toml");
        let text = config_text(dir.path(), &blue, &green, &at, set);
        std::fs::write(&config, text).unwrap();
        let mut stage = Self { dir, config, gateway: None, servers, at };
        stage.start_gateway();
        stage
    }

    /// Its directory.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Where the journal is.
    pub fn journal_file(&self) -> PathBuf {
        self.dir().join("var/state").join(cutover::testing::journal::FILE_NAME)
    }

    /// The journal's text; empty before the journal exists.
    pub fn journal(&self) -> String {
        std::fs::read_to_string(self.journal_file()).unwrap_or_default()
    }

    /// Starts the gateway (again) and waits until it answers.
    pub fn start_gateway(&mut self) {
        let config = self.config.to_string_lossy().into_owned();
        self.gateway = None;
        self.gateway = Some(Kid::start(&["-c", &config, "gateway", "--until-stdin-closes"]));
        eventually("the gateway answers", || self.observe().is_some());
    }

    /// Changes how green's server behaves.
    pub fn green(&mut self, mode: &str) {
        self.behave(1, mode);
    }

    fn behave(&mut self, server: usize, mode: &str) {
        self.servers[server].say(&format!("behave {mode}"));
        self.servers[server].line("the new behaviour", |line| line.contains("behaves"));
    }

    /// Starts client load through the gateway.
    pub fn load(&self, rps: u32) -> Kid {
        let kid = Kid::start(&["demo-load", &format!("http://{}", self.at), &rps.to_string()]);
        kid.line("answers", |line| load(line)["ok"].as_u64().unwrap() > 0);
        kid
    }

    /// A command of the program on this stage.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(BIN);
        command.arg("-c").arg(&self.config).args(args);
        command.env_clear().env("USER", "op1").env("HOME", self.dir()).env("LANG", "C.UTF-8");
        command
    }

    /// Runs a command of the program on this stage to its end.
    pub fn run(&self, args: &[&str]) -> Ran {
        run(&mut self.command(args))
    }

    /// `status -o json`.
    pub fn status(&self) -> Value {
        self.run(&["status", "-o", "json"]).json()
    }

    /// The digest a consent is bound to now.
    pub fn digest(&self) -> String {
        self.status()["digest"].as_str().unwrap().to_owned()
    }

    /// The console in a pty.
    pub fn console(&self) -> PtyCommand {
        PtyCommand::new(BIN)
            .args([std::ffi::OsStr::new("-c"), self.config.as_os_str()])
            .env("HOME", self.dir())
            .env("USER", "op1")
    }

    fn router(&self) -> Arc<dyn TrafficBackend> {
        let admin = AdminAddress::Unix(self.dir().join("gateway.sock"));
        EmbeddedSpec { admin }.connect()
    }

    /// What the gateway says of itself.
    pub fn observe(&self) -> Option<Observation> {
        let observer = self.router().observer();
        block_on(async { observer.observe().await.ok() })
    }

    /// How many requests of live traffic the gateway gives out when it is asked for `count`.
    pub fn samples(&self, count: usize) -> usize {
        let observer = self.router().observer();
        block_on(async { observer.samples(count).await }).map_or(0, |samples| samples.len())
    }

    /// Green's share, as the gateway says.
    pub fn share(&self) -> Option<u8> {
        self.observe().map(|seen| seen.split.share(Side::Green))
    }

    /// Waits until green's share is `percent`.
    pub fn wait_share(&self, percent: u8) {
        eventually(&format!("green takes {percent} %"), || self.share() == Some(percent));
    }

    /// Another client of the gateway sets green's share.
    pub fn meddle(&self, percent: u8) {
        let target = Split::toward(Side::Green, percent);
        let id = OrderId(format!("other{}", fastrand::u32(..)));
        let order = Order { id, kind: Move::Rollback, from: None, target, toward: Side::Green, expected: None };
        let driver = self.router().driver().unwrap();
        block_on(async { driver.apply(&order).await }).unwrap();
    }

    /// Waits until the journal tells `text`.
    pub fn wait_journal(&self, text: &str) {
        eventually(&format!("{text:?} in the journal"), || self.journal().contains(text));
    }
}

/// Two gates that take half a second.
pub const GATES: &str = r#"
[[gate]]
kind = "health"
path = "/v2/health/ready"
max_latency = "5s"
interval = "20ms"

[[gate]]
kind = "golden"
cases = "golden.jsonl"
path = "/v2/models/digits/infer"
answer = "/outputs/0/data/0"
min_accuracy = 0.9
"#;

fn config_text(dir: &Path, blue: &str, green: &str, at: &str, set: &Set) -> String {
    let Set { steps, bake, on_disconnect, more, .. } = set;
    let dir = dir.display();
    format!(
        r#"[service]
name = "digits"
environment = "test"

[blue]
urls = ["{blue}"]
version = {{ path = "/v2/models/digits", pointer = "/versions/0" }}

[green]
urls = ["{green}"]
version = {{ path = "/v2/models/digits", pointer = "/versions/0" }}

[probe]
interval = "500ms"
timeout = "400ms"
path = "/v2/health/ready"

[backend]
kind = "embedded"

[gateway]
listen = "{at}"
admin = "{dir}/gateway.sock"
state = "{dir}/gateway.json"

[state]
dir = "{dir}/var/state"

[plan]
steps = {steps}
bake = "{bake}"
rollback_window = "10m"
on_disconnect = "{on_disconnect}"
{more}"#
    )
}

/// A port that was free a moment ago.
pub fn free_port() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

/// Runs `command` to its end, with nothing on stdin; fails when it does not come.
pub fn run(command: &mut Command) -> Ran {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    finish(command.spawn().unwrap(), &format!("{command:?}"))
}

/// Waits for the end of `child`, and all it said.
pub fn finish(child: Child, what: &str) -> Ran {
    let Output { status, stdout, stderr } = child::ended(child, what);
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    Ran { code: status.code(), out: text(stdout), err: text(stderr) }
}

/// Waits until `condition` holds: asked again and again, with a deadline.
#[track_caller]
pub fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let end = Instant::now() + DEADLINE;
    while !condition() {
        assert!(Instant::now() < end, "waited in vain: {what}");
        // A pause between two looks, not a guess at how long something takes.
        std::thread::park_timeout(Duration::from_millis(10));
    }
}

/// A report of the client load; `null` for another line.
pub fn load(line: &str) -> Value {
    let value: Value = serde_json::from_str(line).unwrap_or_default();
    if value["event"] == "load" { value } else { serde_json::json!({"ok": 0, "sent": 0}) }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}
