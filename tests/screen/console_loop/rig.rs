//! The real loop on a scripted backend, with keys through a channel and a screen that is read back.
//!
//! The runtime's clock stands still unless a test moves it: a blocking task keeps it from advancing by
//! itself. What threads do (the screen's writer, the journal's writer, the pollers) is waited for, with a deadline.

use std::future::Future;
use std::io::Write;
use std::net::TcpListener;
use std::pin::pin;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use cutover::testing::domain::{
    Actor, LogLevel, LogLine, Move, Pace, Pair, Plan, ProbeSpec, Service, Side, SideSpec, Split, VersionSource,
};
use cutover::testing::engine::{Access, Snapshot};
use cutover::testing::gate::Checks;
use cutover::testing::runtime::console::{ConsoleOptions, ConsoleTerminal, Exit, Inputs, run};
use cutover::testing::runtime::{Core, Systems};
use cutover::testing::terminal::{Code, Depth, Input, Key, Notices, Screen, ScreenOptions, Signal};
use cutover::testing::ui::{self, Glyphs, Theme, View};
use tokio::sync::mpsc;

use crate::support::scripted::direct::Scripted;

/// How long anything may take that a thread does.
pub const DEADLINE: Duration = Duration::from_secs(30);

/// Everything the screen was given, write by write, and the valve in front of it.
#[derive(Clone, Default)]
pub struct Paper {
    inner: Arc<(Mutex<Sheet>, Condvar)>,
}

#[derive(Default)]
struct Sheet {
    writes: Vec<Vec<u8>>,
    /// How many more writes are let through; `None` lets all through.
    let_through: Option<usize>,
    waiting: bool,
}

impl Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let (sheet, valve) = &*self.inner;
        let mut sheet = sheet.lock().unwrap();
        while sheet.let_through == Some(0) {
            sheet.waiting = true;
            sheet = valve.wait(sheet).unwrap();
        }
        sheet.waiting = false;
        sheet.let_through = sheet.let_through.map(|n| n - 1);
        sheet.writes.push(bytes.to_vec());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Paper {
    /// Lets `n` more writes through, all with `None`.
    pub fn let_through(&self, n: Option<usize>) {
        self.inner.0.lock().unwrap().let_through = n;
        self.inner.1.notify_all();
    }

    /// Whether a write hangs.
    pub fn is_stuck(&self) -> bool {
        self.inner.0.lock().unwrap().waiting
    }

    /// Every write so far.
    pub fn writes(&self) -> Vec<Vec<u8>> {
        self.inner.0.lock().unwrap().writes.clone()
    }

    /// What the terminal shows.
    pub fn screen(&self) -> String {
        let mut parser = vt100::Parser::new(24.try_into().unwrap(), 80.try_into().unwrap(), 0);
        for write in self.writes() {
            parser.process(&write);
        }
        parser.screen().contents()
    }
}

struct Table {
    screen: Screen,
}

impl ConsoleTerminal for Table {
    fn screen(&mut self) -> &mut Screen {
        &mut self.screen
    }

    fn stop(&mut self) -> std::io::Result<()> {
        Err(std::io::Error::other("no shell is there to go on from"))
    }

    fn continued(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// What a script can use.
pub struct Controls {
    keys: mpsc::Sender<Input>,
    pub signals: mpsc::Sender<Signal>,
    pub backend: Scripted,
    pub paper: Paper,
    pub journal: std::path::PathBuf,
    tell: mpsc::Sender<LogLine>,
}

impl Controls {
    /// Types `text`, one press a character.
    pub async fn press(&self, text: &str) {
        for c in text.chars() {
            let code = match c {
                '\n' => Code::Enter,
                '\u{1b}' => Code::Esc,
                c => Code::Char(c),
            };
            self.input(Input::Key(Key::new(code))).await;
        }
    }

    /// Holds a key down: repeats where the terminal tells of them.
    pub async fn repeat(&self, c: char) {
        self.input(Input::Key(Key { repeat: true, ..Key::char(c) })).await;
    }

    /// Hands an input in.
    pub async fn input(&self, input: Input) {
        // Reason: a script may go on for a key or two after the loop has ended; what it waits for then fails.
        let _ = self.keys.send(input).await;
    }

    /// A line for the log.
    pub async fn log(&self, text: &str) {
        let source = "test".into();
        let line = LogLine { at: chrono::Utc::now(), level: LogLevel::Info, source, text: text.into() };
        self.tell.send(line).await.unwrap();
    }

    /// Whether the loop has ended.
    pub fn is_over(&self) -> bool {
        self.keys.is_closed()
    }

    /// Waits until `condition` holds, without moving the clock.
    pub async fn until(&self, what: &str, mut condition: impl FnMut() -> bool) {
        let end = Instant::now() + DEADLINE;
        while !condition() {
            assert!(Instant::now() < end, "waited in vain for {what}; screen:\n{}", self.paper.screen());
            tokio::task::yield_now().await;
            std::thread::yield_now();
        }
    }

    /// Waits until `condition` holds, moving the clock on in small steps.
    pub async fn as_time_goes(&self, what: &str, mut condition: impl FnMut() -> bool) {
        let end = Instant::now() + DEADLINE;
        while !condition() {
            assert!(Instant::now() < end, "waited in vain for {what}; screen:\n{}", self.paper.screen());
            tokio::time::advance(Duration::from_millis(10)).await;
            self.breathe().await;
        }
    }

    /// Waits until `text` is on the screen, without moving the clock.
    pub async fn shows(&self, text: &str) {
        self.until(text, || self.paper.screen().contains(text)).await;
    }

    /// Moves the clock on, in steps of a frame.
    pub async fn advance(&self, ms: u64) {
        for _ in 0..ms.div_ceil(10) {
            tokio::time::advance(Duration::from_millis(10)).await;
            self.breathe().await;
        }
    }

    /// Gives the loop its turns.
    pub async fn breathe(&self) {
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
    }

    /// Waits until the loop has taken every key that was pressed, and its last frame is out.
    pub async fn settled(&self) {
        let taken = || self.is_over() || self.keys.capacity() == self.keys.max_capacity();
        self.until("the keys to be taken", taken).await;
        let end = Instant::now() + DEADLINE;
        let mut seen = self.paper.writes().len();
        let mut still = 0;
        // Reason: nothing tells that a thread will not write; a clock that stands makes no news by itself.
        while still < 200 {
            assert!(Instant::now() < end, "the screen does not come to rest");
            self.breathe().await;
            std::thread::yield_now();
            let now = self.paper.writes().len();
            still = if now == seen { still + 1 } else { 0 };
            seen = now;
        }
    }

    /// Gives the screen's thread the time for a frame that the loop may just have handed to it.
    pub async fn settled_quickly(&self) {
        for _ in 0..20 {
            std::thread::yield_now();
            self.breathe().await;
        }
    }

    /// The kinds of the orders the backend carried out.
    pub fn orders(&self) -> Vec<Move> {
        self.backend.applied().iter().map(|order| order.kind).collect()
    }
}

/// A replica that is always ready and serves `v1` or `v2`, on a thread that ends with the test binary.
fn replica(version: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || answer(stream, version));
        }
    });
    base
}

fn answer(mut stream: std::net::TcpStream, version: &str) {
    use std::io::{BufRead, BufReader};
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
    while let Some(Ok(line)) = lines.next() {
        if line.is_empty() {
            let reply = format!("HTTP/1.1 200 OK\r\nx-version: {version}\r\ncontent-length: 2\r\n\r\n{{}}");
            if stream.write_all(reply.as_bytes()).is_err() {
                return;
            }
        }
    }
}

fn service(dir: &std::path::Path) -> Service {
    let side = |version| SideSpec {
        urls: vec![replica(version)],
        version: VersionSource::Header { path: "/".into(), header: "x-version".into() },
    };
    Service {
        name: "fraud-scorer".into(),
        environment: "prod".into(),
        sides: Pair { blue: side("v1"), green: side("v2") },
        probe: ProbeSpec { interval_ms: 1_000, timeout_ms: 3_600_000, path: "/".into(), ..ProbeSpec::default() },
        front: None,
        metrics: None,
        plan: Plan { bake_ms: 0, ..Plan::default() },
        gates: vec![],
        guards: vec![],
        alerts: Vec::new(),
        pace: Pace::DIRECT,
        stale_after_ms: 60_000,
        state_dir: dir.to_owned(),
    }
}

/// Runs the loop with `script` at the keyboard; the script must end it. What the loop ended with, and what it left on paper.
pub fn console(split: Split, script: impl AsyncFnOnce(&Controls)) -> (Exit, Paper) {
    console_with(split, ConsoleOptions::default(), script)
}

/// The same with options other than the usual.
pub fn console_with(split: Split, options: ConsoleOptions, script: impl AsyncFnOnce(&Controls)) -> (Exit, Paper) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    let (let_go, hold) = std::sync::mpsc::channel::<()>();
    let result = runtime.block_on(async move {
        // Reason: a clock does not advance by itself while a blocking task runs.
        let holding = tokio::task::spawn_blocking(move || hold.recv().is_ok());
        let result = play(split, options, script).await;
        drop(let_go);
        holding.await.unwrap();
        result
    });
    runtime.shutdown_background();
    result
}

async fn play(split: Split, options: ConsoleOptions, script: impl AsyncFnOnce(&Controls)) -> (Exit, Paper) {
    let dir = tempfile::tempdir().unwrap();
    let service = Arc::new(service(dir.path()));
    let backend = Scripted::new(split);
    let systems = Systems { backend: Arc::new(backend.clone()), checks: Checks::default(), config: None };
    let me = Actor { name: "op1".into(), via: "console".into() };
    let mut core = Core::open(&service, &systems, me.clone(), Access::Console).unwrap();
    let theme = Theme::load("dark").unwrap().for_depth(ui::Depth::None);
    let mut view = View::new(ui::Options { theme, glyphs: Glyphs::Unicode, me, scenarios: vec![] });
    let paper = Paper::default();
    let screen = ScreenOptions {
        synchronized: true,
        depth: Depth::None,
        unicode: true,
        title: true,
        tmux: false,
        notices: Notices::Bell,
    };
    let mut stage = Table { screen: Screen::new((80, 24), screen, paper.clone(), || {}).unwrap() };
    let (keys, inbox) = mpsc::channel(256);
    let (signals, signals_in) = mpsc::channel(4);
    let (tell, story) = mpsc::channel(64);
    let controls = Controls {
        keys,
        signals,
        backend,
        paper: paper.clone(),
        journal: dir.path().join(cutover::testing::journal::FILE_NAME),
        tell,
    };
    meet(&mut core).await;
    let logs = cutover::testing::logs::Followers::none();
    let inputs = Inputs { keys: inbox, signals: signals_in, scenarios: None, story, logs, options };
    let exit = race(run(&mut core, &mut view, &mut stage, inputs), script, &controls).await;
    paper.let_through(None);
    core.close(exit.why.clone()).await;
    (exit, paper)
}

/// The loop and the script side by side; the script must have come to its end, and must have ended the loop.
async fn race(looped: impl Future<Output = Exit>, script: impl AsyncFnOnce(&Controls), controls: &Controls) -> Exit {
    let mut looped = pin!(looped);
    let mut script = pin!(script(controls));
    let mut exit = None;
    let mut over = false;
    while exit.is_none() || !over {
        tokio::select! {
            ended = &mut looped, if exit.is_none() => exit = Some(ended),
            () = &mut script, if !over => over = true,
            () = spin(), if over => panic!("the script is over, the loop is not; screen:\n{}", controls.paper.screen()),
        }
    }
    exit.unwrap()
}

/// Many turns for everybody else.
async fn spin() {
    let end = Instant::now() + DEADLINE;
    while Instant::now() < end {
        tokio::task::yield_now().await;
    }
}

/// Runs the core until router, probes and versions were seen: the start of every script.
async fn meet(core: &mut Core) {
    let end = Instant::now() + DEADLINE;
    let ready = |snapshot: &Snapshot| {
        let sides = &snapshot.status.sides;
        Side::BOTH.iter().all(|side| sides[*side].ready == Some(1) && sides[*side].version.is_some())
            && snapshot.status.driver.may_drive
            && snapshot.status.split.observed.is_some()
    };
    while !ready(&core.snapshot()) {
        assert!(Instant::now() < end, "nothing is seen: {:?}", core.snapshot().status);
        tokio::select! {
            biased;
            incoming = core.next() => drop(core.take(incoming)),
            // The first probe comes at a random moment of its interval.
            () = tokio::time::advance(Duration::from_millis(1)) => {}
        }
    }
}
