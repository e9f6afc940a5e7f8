//! Every call from the verbs into the other parts of the program, in one place.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::args::{ConsoleArgs, DemoArgs, InitArgs};
use super::exit::Exit;
use super::failure::Failure;
use super::interrupt::Interrupts;
use super::rollout::{Rollout, TimedOut, Update};
use super::{Context, Out, linear};
pub(crate) use crate::config::Config;
use crate::demo::behaviour::Mode;
use crate::demo::child::{self, Pipes};
pub(crate) use crate::demo::load::DEFAULT_RPS;
use crate::demo::scenario::Scenario;
use crate::demo::show::{Show, Staged, on_stage};
use crate::demo::{self, tree};
use crate::domain::{Actor, Record, Sample, Service, Side, Split};
use crate::engine::{Command, Reply, Snapshot};
use crate::gateway::{Admin, Gateway, Settings};
use crate::runtime::console::Manners;
use crate::runtime::console::front::{Front, full_screen};
use crate::runtime::headless;
use crate::runtime::looks::{load_theme, themes_dir};
use crate::runtime::{self, connect};
use crate::terminal::{self, Capability};
use crate::ui::{self, Theme, View};
use crate::{config, journal, probe};

/// Reads and validates the config.
pub(crate) fn load(context: &Context) -> Result<Config, Failure> {
    let cwd = std::env::current_dir().unwrap_or_default();
    config::load(context.config.as_deref(), &|key| std::env::var(key).ok(), &cwd)
        .map_err(|error| Failure::new(Exit::Config, error.to_string()))
}

/// The config for a rollback: the state directory may be anything.
pub(crate) fn load_to_go_back(context: &Context) -> Result<Config, Failure> {
    let cwd = std::env::current_dir().unwrap_or_default();
    config::load_to_go_back(context.config.as_deref(), &|key| std::env::var(key).ok(), &cwd)
        .map_err(|error| Failure::new(Exit::Config, error.to_string()))
}

/// Opens a session for a rollback. Where the journal cannot even be read, it is written elsewhere, and that is told.
pub(crate) async fn open_to_go_back(config: &Config, me: Actor, context: &mut Context) -> Result<Session, Failure> {
    let options = |me| Options { me, read_only: false, probes: false, drives: false };
    let why = if config.service.state_dir.is_file() {
        format!("{} is a file, not a directory", config.service.state_dir.display())
    } else {
        match open(config, options(me.clone())).await {
            Ok(session) => return Ok(session),
            Err(failure) => failure.message,
        }
    };
    let mut elsewhere = config.clone();
    let name = format!("cutover-{:016x}", fastrand::u64(..));
    elsewhere.service.state_dir = std::env::temp_dir().join(name);
    let journal = journal_file(&elsewhere.service);
    context.blind = true;
    context.out.message(&format!(
        "cutover: THE JOURNAL CANNOT BE READ: {why}\ncutover: going back all the same; \
         who went before is not known, this rollback is recorded in {}",
        journal.display()
    ));
    open(&elsewhere, options(me)).await
}

/// How a session is opened.
pub(crate) struct Options {
    /// Who types.
    pub me: Actor,
    /// Holds no driver.
    pub read_only: bool,
    /// Polls the replicas.
    pub probes: bool,
    /// Takes the lease and runs gates.
    pub drives: bool,
}

/// A running engine without a screen.
pub(crate) struct Session(Box<headless::Session>);

/// Opens the journal, reads the router, starts the engine.
pub(crate) async fn open(config: &Config, options: Options) -> Result<Session, Failure> {
    let Options { me, read_only, probes, drives } = options;
    // Reason: what a command that only looks reports as blocked is what would be blocked for one that drives.
    let options =
        runtime::Options { me, read_only: false, looks_only: read_only, probes, drives, watches: !read_only && probes };
    let mut session = Box::new(headless::Session::open(config, options).map_err(Failure::error)?);
    if probes {
        session.meet(FIRST_LOOK).await;
    } else {
        // Reason: the way back waits for nothing but a first answer of the router, and for that not long.
        let _ = session.when(|seen| seen.status.split.observed.is_some(), BACK_LOOK).await;
    }
    Ok(Session(session))
}

/// How long a command waits until router, replicas and versions were looked at once.
const FIRST_LOOK: Duration = Duration::from_secs(4);
/// How long a rollback waits for the router's first answer.
const BACK_LOOK: Duration = Duration::from_millis(500);

/// Ends the session; traffic stays where it is.
pub(crate) async fn close(session: Session, why: &str) {
    session.0.close(why).await;
}

impl Rollout for Session {
    async fn when(&mut self, f: impl FnMut(&Snapshot) -> bool, limit: Duration) -> Result<Arc<Snapshot>, TimedOut> {
        self.0.when(f, limit).await.map_err(|headless::TimedOut| TimedOut)
    }

    async fn ask(
        &mut self,
        command: Command,
        expect: Option<String>,
        why: Option<String>,
        limit: Duration,
    ) -> Result<Reply, TimedOut> {
        self.0.ask(command, expect, why, limit).await.map_err(|headless::TimedOut| TimedOut)
    }

    async fn next(&mut self) -> Update {
        match self.0.next().await {
            headless::Update::Snapshot(snapshot) => Update::Snapshot(snapshot),
            headless::Update::Line(line) => Update::Line(line),
        }
    }

    fn preview(&self, command: &Command) -> Vec<String> {
        self.0.preview(command)
    }
}

/// Reads the traffic system once: what it said, or why not.
pub(crate) async fn read_router(config: &Config) -> Result<String, String> {
    let observer = connect(config).observer();
    match tokio::time::timeout(FIRST_LOOK, observer.observe()).await {
        Ok(Ok(seen)) => {
            let told = match &seen.mixed {
                None => format!("split {}, revision {}", seen.split, seen.revision.0),
                Some(mixed) => format!("split {} is mixed: {mixed}", seen.split),
            };
            let told = [vec![told], seen.notes].concat().join("; ");
            if seen.mixed.is_none() { Ok(told) } else { Err(told) }
        }
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(format!("no answer within {} s", FIRST_LOOK.as_secs())),
    }
}

/// The text of a new config.
pub(crate) fn template(args: &InitArgs) -> String {
    config::template(&config::Answers {
        service: args.name.clone(),
        environment: args.environment.clone(),
        blue: vec![args.blue.clone()],
        green: vec![args.green.clone()],
        listen: args.listen.clone(),
    })
}

/// The journal of a service.
pub(crate) fn journal_file(service: &Service) -> PathBuf {
    service.state_dir.join(journal::FILE_NAME)
}

/// The log file of a gate.
pub(crate) fn gate_log(service: &Service, gate: &str) -> PathBuf {
    journal::log_path(&service.state_dir, gate)
}

/// What a state directory holds of the past.
pub(crate) struct Past {
    /// The journal, as far as it can be read.
    pub records: Vec<Record>,
    /// The figures beside it.
    pub samples: Vec<Sample>,
    /// What is wrong with the record, in words.
    pub faults: Vec<String>,
    /// What of the figures is lost, in words: a crash may do that.
    pub lost: Vec<String>,
}

/// Reads the journal and the figures beside it, touching neither.
pub(crate) fn record(service: &Service) -> Result<Past, Failure> {
    let read = journal::read(&service.state_dir).map_err(|error| Failure::error(error.to_string()))?;
    let mut faults = Vec::new();
    if let Some(fault) = read.broken {
        faults.push(format!("{fault} ({} bad lines)", read.bad_lines));
    } else if let Err(fault) = journal::verify(&journal_file(service)) {
        faults.push(fault.to_string());
    }
    let series = journal::read_series(&service.state_dir).unwrap_or_else(|error| {
        faults.push(error.to_string());
        journal::Series::default()
    });
    let mut lost = Vec::new();
    if series.bad_lines > 0 {
        lost.push(format!("{} lines of the figures in {} are left out", series.bad_lines, journal::SERIES_NAME));
    }
    Ok(Past { records: read.records, samples: series.samples, faults, lost })
}

/// What a sound journal looks like.
pub(crate) struct Verified {
    /// Lines in it.
    pub lines: u64,
    /// The hash of the last one.
    pub head: String,
}

/// Checks the hash chain.
pub(crate) fn verify(file: &Path, expect_head: Option<&str>) -> Result<Verified, Failure> {
    let summary = match expect_head {
        Some(head) => journal::verify_expecting(file, head),
        None => journal::verify(file),
    };
    let summary = summary.map_err(|fault| Failure::error(fault.to_string()))?;
    Ok(Verified { lines: summary.lines, head: summary.head })
}

/// Runs the embedded gateway until a signal, or until standard input ends where that was asked for.
pub(crate) async fn gateway(
    config: &Config,
    until_stdin_closes: bool,
    interrupts: &mut Interrupts,
    out: &mut Out,
) -> Result<Exit, Failure> {
    let Some(spec) = &config.gateway else {
        let file = config.file.display();
        return Err(Failure::new(
            Exit::Config,
            format!("{file}: no [gateway] section; add one with listen = \"127.0.0.1:8080\""),
        ));
    };
    let settings = Settings {
        listen: spec.listen,
        admin: match &spec.admin {
            config::AdminSpec::Unix(path) => Admin::Unix(path.clone()),
            config::AdminSpec::Tcp { addr, token } => Admin::Tcp { addr: *addr, token: token.expose().to_owned() },
        },
        state: spec.state.clone(),
        sides: config.service.sides.map(|_, side| side.urls.clone()),
        ready_path: spec.ready_path.clone(),
        initial: Split::all(Side::Blue),
        sample: spec.sample,
    };
    let gateway = Gateway::bind(settings).await.map_err(|error| Failure::error(error.to_string()))?;
    for warning in gateway.warnings() {
        out.message(warning);
    }
    out.message(&format!("traffic on http://{}, orders on {}", gateway.local_addr(), spec.admin));
    let ended = std::cell::Cell::new(Exit::Reached);
    let shutdown = async {
        tokio::select! {
            exit = interrupts.wait() => ended.set(exit),
            () = stdin_closes(), if until_stdin_closes => {}
        }
    };
    gateway.run(shutdown).await.map_err(|error| Failure::error(error.to_string()))?;
    // Reason: a service that was told to stop and did is no failure for who told it.
    Ok(match ended.get() {
        Exit::Int | Exit::Term => Exit::Reached,
        exit => exit,
    })
}

async fn stdin_closes() {
    let (told, closed) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
        let _ = told.send(());
    });
    let _ = closed.await;
}

/// Plays the demo: with a terminal on the screen or in lines, else by itself, told and judged.
pub(crate) async fn demo(args: &DemoArgs, context: &mut Context) -> Result<Exit, Failure> {
    use std::io::IsTerminal;
    let scenario = args.scenario;
    if !std::io::stdout().is_terminal() || !std::io::stdin().is_terminal() {
        return Box::pin(demo_in_lines(args, scenario, context)).await;
    }
    let (theme, capability) = looks(args.theme.as_deref(), &config::UiSpec::default(), context)?;
    let keymap = super::keymap::load(context)?;
    let show = Show { scenario, rps: args.rps };
    let options = driving(me("demo"), false);
    if args.linear || is_linear() || capability.dumb {
        let out = &mut context.out;
        let run = async |stage: Staged| {
            let Staged { service, backend, scenarios, story } = stage;
            linear::run(linear::Front { service, backend, options, scenarios: Some(scenarios), story }, out).await
        };
        return on_stage(show, args.dir.as_deref(), run).await.map_err(Failure::error)?;
    }
    let run = async |stage: Staged| {
        let Staged { service, backend, scenarios, story } = stage;
        let (logs, manners) = (Vec::new(), manners(&ConsoleArgs::default()));
        let scenarios = Some(scenarios);
        let front = Front { options, capability, theme, keymap, scenarios, story, logs, manners };
        full_screen(service, backend, front).await
    };
    let code = Box::pin(on_stage(show, args.dir.as_deref(), run)).await;
    let code = code.map_err(Failure::error)?.map_err(Failure::error)?;
    Ok(Exit::of_code(code))
}

/// Whether the environment asks for lines.
pub(crate) fn is_linear() -> bool {
    std::env::var("CUTOVER_LINEAR").is_ok_and(|value| value == "1")
}

async fn demo_in_lines(args: &DemoArgs, scenario: Scenario, context: &mut Context) -> Result<Exit, Failure> {
    let mut interrupts = Interrupts::new()?;
    let mut tree = tree::Tree::start(args.dir.as_deref(), scenario, args.rps).await.map_err(Failure::error)?;
    let out = &mut context.out;
    let mut say = |line: &str| out.line(line);
    let code = tokio::select! {
        biased;
        exit = interrupts.wait() => Ok(exit),
        code = demo::linear::play(&mut tree, scenario, &mut say) => {
            code.map(Exit::of_code).map_err(Failure::error)
        }
    };
    tree.stop().await;
    code
}

/// A hidden verb of the demo and the benchmarks.
pub(crate) async fn hidden(verb: &str, args: &[OsString], out: &mut Out) -> Result<Exit, Failure> {
    let words: Vec<String> = args.iter().map(|arg| arg.to_string_lossy().into_owned()).collect();
    let word = |at: usize| words.get(at).map(String::as_str).unwrap_or_default();
    let number =
        |at: usize| word(at).parse::<u32>().map_err(|_| Failure::usage(format!("{verb}: no number: {:?}", word(at))));
    let wrong = |error: child::ChildError| Failure::error(error.to_string());
    match verb {
        "demo-server" => {
            let side = Side::BOTH.into_iter().find(|side| side.name() == word(0));
            let side = side.ok_or_else(|| Failure::usage("demo-server: blue or green"))?;
            let port = u16::try_from(number(1)?).map_err(|_| Failure::usage("demo-server: no port"))?;
            child::run_model_server(side, port, Mode::Good, Pipes::stdio()).await.map_err(wrong)?;
        }
        "demo-load" => child::run_load(word(0), number(1)?, Pipes::stdio()).await.map_err(wrong)?,
        "bench-load" => bench_load(&words, out).await?,
        _ => bench_probe(&words, out).await?,
    }
    Ok(Exit::Reached)
}

/// `bench-load URL CONNECTIONS SECONDS RPS`; 0 requests per second are as many as there can be.
async fn bench_load(words: &[String], out: &mut Out) -> Result<(), Failure> {
    let usage = || Failure::usage("bench-load: URL CONNECTIONS SECONDS RPS");
    let number = |at: usize| words.get(at).and_then(|word| word.parse::<u32>().ok()).ok_or_else(usage);
    let url = words.first().ok_or_else(usage)?;
    let connections = number(1)?.clamp(1, 1024) as usize;
    let ran = crate::gate::load_bench::run(url, connections, number(2)?, number(3)?).await.map_err(Failure::error)?;
    out.line(&ran.to_string());
    Ok(())
}

/// `bench-probe serve PORT REPLICAS`, or `bench-probe run PORT REPLICAS SECONDS`.
async fn bench_probe(words: &[String], out: &mut Out) -> Result<(), Failure> {
    let usage = || Failure::usage("bench-probe: serve PORT REPLICAS, or run PORT REPLICAS SECONDS");
    let number = |at: usize| words.get(at).and_then(|word| word.parse::<u16>().ok()).ok_or_else(usage);
    match words.first().map(String::as_str) {
        Some("serve") => {
            let served = probe::bench::serve(number(1)?, number(2)?).await;
            served.map_err(|error| Failure::error(format!("bench-probe cannot listen: {error}")))
        }
        Some("run") => {
            let report =
                probe::bench::run(number(2)?, u64::from(number(3)?), number(1)?).await.map_err(Failure::error)?;
            out.line(&report.to_string());
            Ok(())
        }
        _ => Err(usage()),
    }
}

/// The full-screen console, on a terminal.
pub(crate) async fn console(config: &Config, args: &ConsoleArgs, context: &mut Context) -> Result<Exit, Failure> {
    let (theme, capability) = looks(args.theme.as_deref(), &config.ui, context)?;
    let keymap = super::keymap::load(context)?;
    let options = driving(me("console"), args.read_only);
    let (_, story) = tokio::sync::mpsc::channel(1);
    let (logs, manners) = (config.logs.clone(), manners(args));
    let front = Front { options, capability, theme, keymap, scenarios: None, story, logs, manners };
    let code = full_screen(config.service.clone(), connect(config), front).await.map_err(Failure::error)?;
    Ok(Exit::of_code(code))
}

/// The console in lines, on a terminal.
pub(crate) async fn linear(config: &Config, args: &ConsoleArgs, context: &mut Context) -> Result<Exit, Failure> {
    let (_, story) = tokio::sync::mpsc::channel(1);
    let front = linear::Front {
        service: config.service.clone(),
        backend: connect(config),
        options: driving(me("console"), args.read_only),
        scenarios: None,
        story,
    };
    linear::run(front, &mut context.out).await
}

/// How a console takes part.
fn driving(me: Actor, read_only: bool) -> runtime::Options {
    runtime::Options { me, read_only, looks_only: false, probes: true, drives: true, watches: false }
}

/// A view of the screen that no terminal shows: plain.
pub(crate) fn view(theme: Option<&str>, spec: &config::UiSpec, context: &Context) -> Result<View, Failure> {
    let (theme, capability) = looks(theme, spec, context)?;
    Ok(View::new(ui::Options {
        theme: theme.for_depth(ui::Depth::None),
        glyphs: if capability.unicode { ui::Glyphs::Unicode } else { ui::Glyphs::Ascii },
        me: super::rollout::me(),
        scenarios: Vec::new(),
    }))
}

/// Whether `TERM` says that the terminal cannot move its cursor.
pub(crate) fn is_dumb() -> bool {
    let auto = terminal::ColorChoice::Auto;
    terminal::capability::detect(&terminal::capability::Env::of_process(auto, auto, true)).dumb
}

/// The theme that was asked for, and what the terminal can show of it: flags, then the environment, then the config.
fn looks(theme: Option<&str>, spec: &config::UiSpec, context: &Context) -> Result<(Theme, Capability), Failure> {
    use std::io::IsTerminal;

    use terminal::ColorChoice::{Always, Auto, Never};
    let flag = match context.color {
        super::args::ColorChoice::Always => Always,
        super::args::ColorChoice::Never => Never,
        super::args::ColorChoice::Auto => Auto,
    };
    let color = match spec.color {
        config::ColorWhen::Always => Always,
        config::ColorWhen::Never => Never,
        config::ColorWhen::Auto => Auto,
    };
    let depth = spec.depth.map(|depth| match depth {
        config::ColorDepth::None => terminal::Depth::None,
        config::ColorDepth::Sixteen => terminal::Depth::Ansi16,
        config::ColorDepth::Indexed => terminal::Depth::Indexed256,
        config::ColorDepth::Truecolor => terminal::Depth::Rgb,
    });
    let color = terminal::ColorChoice::of_config(color, depth);
    let mut env = terminal::capability::Env::of_process(flag, color, std::io::stdout().is_terminal());
    env.ascii = ascii_asked(context.ascii).or(spec.ascii);
    let of_env = std::env::var("CUTOVER_THEME").ok().filter(|name| !name.is_empty());
    let name = theme.or(of_env.as_deref()).unwrap_or(&spec.theme);
    let theme = load_theme(name, themes_dir().as_deref()).map_err(|error| {
        Failure::new(Exit::Config, format!("the theme {name} cannot be used:\n{error}\n--theme dark starts without it"))
    })?;
    Ok((theme, terminal::capability::detect(&env)))
}

/// Whether ASCII was asked for by flag, or asked for or refused by `CUTOVER_ASCII`.
pub(crate) fn ascii_asked(flag: bool) -> Option<bool> {
    let word = std::env::var("CUTOVER_ASCII").ok().filter(|word| !word.is_empty());
    if flag { Some(true) } else { word.map(|word| !matches!(word.as_str(), "0" | "false" | "no")) }
}

/// How the terminal is to be treated.
fn manners(args: &ConsoleArgs) -> Manners {
    let slow = args.slow || std::env::var_os("CUTOVER_SLOW").is_some_and(|value| !value.is_empty() && value != "0");
    Manners { slow, title: !args.no_title, notices: !args.no_notices, copies: state_dir() }
}

/// Where this user's state lies: crash reports, the latest copy.
fn state_dir() -> Option<PathBuf> {
    directories::ProjectDirs::from("", "", "cutover").and_then(|dirs| dirs.state_dir().map(Path::to_path_buf))
}

fn me(via: &str) -> Actor {
    Actor { via: via.into(), ..super::rollout::me() }
}

/// A panic restores the terminal, tells itself and ends with 101.
pub(crate) fn install_panic_hook() {
    // Installed twice only in tests, where the first one stands.
    let _ = terminal::crash::install(crash_dir());
}

/// Where reports of crashes lie.
pub(crate) fn crash_dir() -> Option<PathBuf> {
    state_dir().map(|dir| dir.join("crash"))
}
