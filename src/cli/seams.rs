//! Every call from the verbs into the other parts of the program, in one place.
//!
//! What is marked `seam:` stands in for a part that is joined here.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::args::{ConsoleArgs, DemoArgs, InitArgs};
use super::exit::Exit;
use super::failure::Failure;
use super::interrupt::Interrupts;
use super::rollout::{Rollout, TimedOut, Update};
use super::{Context, Out};
use crate::domain::{Actor, Pair, Plan, ProbeSpec, Service, SideSpec};
use crate::engine::{Command, Reply, Snapshot};

/// A validated config. seam: `crate::config::Config`
pub(crate) struct Config {
    /// The file it was read from.
    pub file: PathBuf,
    /// What it says.
    pub service: Service,
}

/// Reads and validates the config. seam: `crate::config::load(path, &|key| std::env::var(key).ok(), cwd)`
pub(crate) fn load(context: &Context) -> Result<Config, Failure> {
    let wrong = |message: String| Failure::new(Exit::Config, message);
    let file = context.config.clone().unwrap_or_else(|| "cutover.toml".into());
    let text = std::fs::read_to_string(&file).map_err(|error| {
        wrong(format!("{}: {error}; name a file with -c, or write one with `cutover init`", file.display()))
    })?;
    let table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        wrong(format!("{}:{}: {}", file.display(), before.matches('\n').count() + 1, error.message()))
    })?;
    let at = |section: &str, key: &str| table.get(section).and_then(|section| section.get(key));
    let urls = |side: &str| {
        let urls = at(side, "urls").and_then(toml::Value::as_array).cloned().unwrap_or_default();
        urls.iter().filter_map(|url| url.as_str().map(str::to_owned)).collect::<Vec<_>>()
    };
    let text_at = |section, key| at(section, key).and_then(toml::Value::as_str).unwrap_or_default().to_owned();
    let service = Service {
        name: text_at("service", "name"),
        environment: text_at("service", "environment"),
        sides: Pair::from_fn(|side| SideSpec { urls: urls(side.name()), ..SideSpec::default() }),
        probe: ProbeSpec::default(),
        plan: Plan::default(),
        gates: Vec::new(),
        guards: Vec::new(),
        verify_timeout_ms: 10_000,
        stale_after_ms: 5_000,
        state_dir: text_at("service", "state_dir").into(),
    };
    if service.name.is_empty() {
        return Err(wrong(format!("{}: [service] name is missing; add e.g. name = \"my-model\"", file.display())));
    }
    Ok(Config { file, service })
}

/// How a session is opened. seam: `crate::runtime::headless::Options`
pub(crate) struct Options {
    /// Who types.
    pub me: Actor,
    /// Holds no driver.
    pub read_only: bool,
    /// Polls the replicas.
    pub probes: bool,
}

/// A running engine without a screen. seam: `crate::runtime::headless::Session`
pub(crate) struct Session;

/// Opens the journal, reads the router, starts the engine. seam: `Session::open`, its failure mapped to an exit code
pub(crate) async fn open(config: &Config, options: Options) -> Result<Session, Failure> {
    let _ = (&config.service, options.me, options.read_only, options.probes);
    Err(Failure::new(Exit::Unreachable, "the engine is not joined yet"))
}

/// Ends the session; traffic stays where it is. seam: `session.close(why).await`
pub(crate) async fn close(session: Session, why: &str) {
    let _ = (session, why);
}

/// seam: forwards to the session's own methods.
impl Rollout for Session {
    async fn when(&mut self, _: impl FnMut(&Snapshot) -> bool, _: Duration) -> Result<Arc<Snapshot>, TimedOut> {
        Err(TimedOut)
    }

    async fn ask(&mut self, _: Command, _: Option<String>, _: Option<String>, _: Duration) -> Result<Reply, TimedOut> {
        Err(TimedOut)
    }

    async fn next(&mut self) -> Update {
        std::future::pending().await
    }

    fn preview(&self, _: &Command) -> Vec<String> {
        Vec::new()
    }
}

/// Reads the traffic system once: what it said, or why not. seam: the backend's observer
pub(crate) async fn read_router(config: &Config) -> Result<String, String> {
    Err(format!("{}: the traffic system is not joined yet", config.service.name))
}

/// The text of a new config. seam: `crate::config::template(..)`
pub(crate) fn template(args: &InitArgs) -> String {
    format!(
        "[service]\nname = \"{}\"\n\n[blue]\nurls = [\"{}\"]\n\n[green]\nurls = [\"{}\"]\n",
        args.name, args.blue, args.green
    )
}

/// One key of the console.
pub(crate) struct KeyRow {
    /// As it is pressed: `R`, `Ctrl-d`.
    pub keys: String,
    /// Its name in a key file.
    pub action: String,
    /// What it does.
    pub help: String,
}

/// The effective keymap. seam: `crate::ui::actions::table()`
pub(crate) fn keys() -> Vec<KeyRow> {
    Vec::new()
}

/// The journal of a service. seam: `state_dir.join(crate::journal::FILE_NAME)`
pub(crate) fn journal_file(service: &Service) -> PathBuf {
    service.state_dir.join("journal.jsonl")
}

/// The log file of a gate. seam: `crate::journal::log_path(&service.state_dir, gate)`
pub(crate) fn gate_log(service: &Service, gate: &str) -> PathBuf {
    service.state_dir.join("gates").join(format!("{gate}.log"))
}

/// What a sound journal looks like.
pub(crate) struct Verified {
    /// Lines in it.
    pub lines: u64,
    /// The hash of the last one.
    pub head: String,
}

/// Checks the hash chain. seam: `crate::journal::verify` and `verify_expecting`
pub(crate) fn verify(file: &Path, expect_head: Option<&str>) -> Result<Verified, Failure> {
    let _ = expect_head;
    Err(Failure::error(format!("{}: the journal is not joined yet", file.display())))
}

/// Runs the embedded gateway until a signal. seam: `crate::gateway::run`
pub(crate) async fn gateway(config: &Config, interrupts: &mut Interrupts, out: &mut Out) -> Result<Exit, Failure> {
    let _ = (config, interrupts, out);
    Err(Failure::error("the gateway is not joined yet"))
}

/// Plays the demo. seam: `crate::demo::run`
pub(crate) async fn demo(args: &DemoArgs, context: &mut Context) -> Result<Exit, Failure> {
    let _ = (args, context);
    Err(Failure::error("the demo is not joined yet"))
}

/// A hidden verb of the demo and the benchmarks. seam: `crate::demo::server`, `load`, `crate::probe` bench
pub(crate) async fn hidden(verb: &str, args: &[OsString], out: &mut Out) -> Result<Exit, Failure> {
    let _ = (args, out);
    Err(Failure::error(format!("{verb} is not joined yet")))
}

/// The full-screen console, on a terminal. seam: `crate::runtime`'s console
pub(crate) async fn console(config: &Config, args: &ConsoleArgs, context: &mut Context) -> Result<Exit, Failure> {
    let _ = (config, args, context);
    Err(Failure::error("the console is not joined yet"))
}

/// A panic restores the terminal, tells itself and ends with 101. seam: `crate::terminal`'s hook
pub(crate) fn install_panic_hook() {}
