//! Every call from the verbs into the other parts of the program, in one place.

use std::path::{Path, PathBuf};

use super::args::{ConsoleArgs, InitArgs};
use super::exit::Exit;
use super::failure::Failure;
use super::{Context, linear};
pub(crate) use crate::config::Config;
pub(crate) use crate::demo::load::DEFAULT_RPS;
use crate::domain::{Actor, Service};
use crate::runtime::console::Manners;
use crate::runtime::console::front::{Front, full_screen};
use crate::runtime::{self, connect};
use crate::terminal;
use crate::ui::{self, View};
use crate::{config, journal};

mod gateway;
mod looks;
mod past;
mod play;
mod session;

pub(crate) use gateway::gateway;
use looks::looks;
pub(crate) use looks::{ascii_asked, is_dumb};
pub(crate) use past::{record, verify};
pub(crate) use play::{demo, hidden};
use session::FIRST_LOOK;
pub(crate) use session::{Options, Session, close, open, open_to_go_back};

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

/// Reads the traffic system once: what it said and what an operator should know of it, or why it could not be read.
pub(crate) async fn read_router(config: &Config) -> (Result<String, String>, Vec<String>) {
    let observer = connect(config).observer();
    match tokio::time::timeout(FIRST_LOOK, observer.observe()).await {
        Ok(Ok(seen)) => {
            let result = match seen.mixed {
                None => Ok(format!("split {}, revision {}", seen.split, seen.revision.0)),
                Some(mixed) => Err(format!("no one split: {mixed}")),
            };
            (result, seen.notes)
        }
        Ok(Err(error)) => (Err(error.when_reading()), Vec::new()),
        Err(_) => (Err(format!("no answer within {} s", FIRST_LOOK.as_secs())), Vec::new()),
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

/// Whether the environment asks for lines.
pub(crate) fn is_linear() -> bool {
    std::env::var("CUTOVER_LINEAR").is_ok_and(|value| value == "1")
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
