//! The command line: the same commands, checks and journal as the keys of the console.
//!
//! [`args`] defines what can be typed, [`exit`] defines the exit codes, [`out`] is the only access to standard
//! output. Verbs that need the engine take a `Session`. Without a terminal nothing here waits for input.

mod act;
mod alert;
mod appearance;
pub(crate) mod args;
pub(crate) mod backends;
mod changes;
mod check;
mod config_file;
mod confirm;
mod console;
mod demo;
mod drill;
mod event_text;
pub(crate) mod exit;
pub(crate) mod failure;
mod files;
mod follow;
mod gates;
mod gateway;
mod help;
mod info;
mod input;
mod interrupt;
mod keymap;
mod linear;
mod logs;
mod man;
mod once;
mod operator;
pub(crate) mod out;
mod paths;
mod record;
mod replay;
mod report;
mod run;
mod session;
pub(crate) mod span;
mod status;
mod status_text;
mod tail;
mod wait;
mod watch;

#[cfg(test)]
mod consent_tests;
#[cfg(test)]
pub(crate) mod testing;

use std::ffi::OsString;
use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

use self::args::{Cli, Format, GatesAct, Global, JournalAct, Verb};
use self::exit::Exit;
use self::failure::Failure;
use self::input::InputSource;
use self::out::{Out, Style};
use crate::config::ColorWhen;
use crate::terminal::crash;

/// What every verb gets.
pub(crate) struct Context {
    /// Output.
    pub out: Out,
    /// Answers to questions.
    pub input: InputSource,
    /// The config file, if one was given.
    pub config: Option<PathBuf>,
    /// The choice of colour.
    pub color: ColorWhen,
    /// The keymap file, if one was given.
    pub keys: Option<PathBuf>,
    /// Whether --ascii was given.
    pub ascii: bool,
    /// The journal could not be read, so the history is unknown.
    pub blind: bool,
}

/// Runs the program with `args` (the first is its own name) and returns its exit code.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let args: Vec<OsString> = args.into_iter().collect();
    // Fails only if it is already installed, which happens in tests: the first one stays.
    let _ = crash::install(paths::crash_dir());
    let typed = match Cli::try_parse_from(&args) {
        Ok(typed) => typed,
        Err(error) => return not_understood(&error, &args).into(),
    };
    crash::note(
        "verb",
        &args.iter().skip(1).map(|arg| arg.to_string_lossy()).find(|arg| !arg.starts_with('-')).unwrap_or_default(),
    );
    let mut context = Context {
        out: Out::standard(typed.global.output, style(&typed.global), typed.global.quiet),
        input: InputSource::Standard,
        config: typed.global.config.clone(),
        color: typed.global.color,
        keys: typed.global.keys.clone(),
        ascii: typed.global.ascii,
        blind: false,
    };
    let exit = run(typed, &mut context).unwrap_or_else(|failure| report_failure(&mut context.out, &failure));
    context.out.finish(exit).into()
}

/// Starts the recording and the diagnostic log of this process.
fn start_records(global: &Global) -> Result<(), Failure> {
    if let Some(file) = &global.record {
        crate::runtime::record_to(file);
    }
    if let Some(file) = &global.log {
        let filter = std::env::var("CUTOVER_LOG").unwrap_or_else(|_| "debug".into());
        let started = crate::record::log::start(file, &filter);
        started.map_err(|error| Failure::usage(format!("--log {}: {error}", file.display())))?;
    }
    Ok(())
}

fn report_failure(out: &mut Out, failure: &Failure) -> Exit {
    out.failure(failure);
    failure.exit
}

/// Runs a parsed command, and waits until its output was read.
fn run(typed: Cli, context: &mut Context) -> Result<Exit, Failure> {
    start_records(&typed.global)?;
    // Ignored if it is already installed: any provider works.
    let _ = rustls::crypto::ring::default_provider().install_default();
    raise_file_limit();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::error(format!("the runtime cannot start: {error}")))?;
    let exit = runtime.block_on(async {
        let exit = Box::pin(dispatch(typed, context))
            .await
            .unwrap_or_else(|failure| report_failure(&mut context.out, &failure));
        context.out.drain(exit).await
    });
    // A question without an answer still blocks on standard input; it is abandoned.
    runtime.shutdown_background();
    Ok(exit)
}

/// A thousand replicas are a thousand connections; the usual soft limit is 1 024 files.
fn raise_file_limit() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    // If this is not allowed, the lower limit must do: connections beyond it fail with an error.
    let _ = setrlimit(Resource::Nofile, limit);
}

async fn dispatch(typed: Cli, context: &mut Context) -> Result<Exit, Failure> {
    let Some(verb) = typed.verb else {
        return Box::pin(console::run(&typed.console, false, context)).await;
    };
    if matches!(verb, Verb::Drive) {
        return Box::pin(console::run(&typed.console, true, context)).await;
    }
    if typed.console.any() {
        return Err(Failure::usage(
            "--read-only, --linear, --once, --theme, --slow, --no-title and --no-notices are for the console: leave out the verb",
        ));
    }
    match verb {
        Verb::Status => status::run(context).await,
        Verb::Watch => watch::run(context).await,
        Verb::Gates { act: None } => gates::list(context).await,
        Verb::Gates { act: Some(GatesAct::Run { names, timeout, no_wait }) } => {
            gates::run(context, names, timeout, no_wait).await
        }
        Verb::Logs { gate, tail } => logs::gates(context, gate.as_deref(), &tail).await,
        Verb::Events { tail } => logs::events(context, &tail).await,
        Verb::Report(args) => report::run(context, &args),
        Verb::Wait { goal, timeout } => wait::run(context, goal, timeout).await,
        Verb::Run(args) => Box::pin(run::run(context, args)).await,
        Verb::Check => check::run(context).await,
        Verb::Drill => drill::run(context).await,
        Verb::Alert { names, timeout } => alert::run(context, &names, timeout).await,
        Verb::Init(args) => files::init(context, &args),
        Verb::Backends { kind } => backends::run(context, kind.as_deref()),
        Verb::Keys { print } => keymap::run(context, print),
        Verb::Journal { act: JournalAct::Verify { expect_head } } => files::verify(context, expect_head.as_deref()),
        Verb::Completions { shell } => Ok(files::completions(context, shell)),
        Verb::Man { dir } => man::run(context, dir.as_deref()),
        Verb::Help(args) => help::run(context, &args),
        Verb::Info => Ok(info::run(context)),
        Verb::Gateway { until_stdin_closes } => gateway::run(context, until_stdin_closes).await,
        Verb::Demo(args) => Box::pin(demo::run(&args, context)).await,
        Verb::Replay(args) => Box::pin(replay::run(&args, context)).await,
        Verb::DemoServer(raw) => demo::hidden("demo-server", &raw.rest).await,
        Verb::DemoLoad(raw) => demo::hidden("demo-load", &raw.rest).await,
        verb => match act::Act::from_verb(verb) {
            Some(act) => Box::pin(act::run(context, act)).await,
            None => Err(Failure::usage("no such verb")),
        },
    }
}

/// Prints help and version if they were requested; anything else is wrong usage.
fn not_understood(error: &clap::Error, args: &[OsString]) -> Exit {
    let mut out = Out::standard(format_in(args), Style::default(), false);
    let text = error.to_string();
    if !error.use_stderr() {
        out.text(&text);
        return out.finish(Exit::Reached);
    }
    let message = text.trim_end().trim_start_matches("error: ");
    out.failure(&Failure::usage(message));
    out.finish(Exit::Usage)
}

/// The requested format, from arguments that could not be parsed as a whole.
fn format_in(args: &[OsString]) -> Format {
    let words: Vec<_> = args.iter().map(|arg| arg.to_string_lossy()).collect();
    let value = words.iter().enumerate().find_map(|(i, word)| match word.as_ref() {
        "-o" | "--output" => words.get(i + 1).map(ToString::to_string),
        word => {
            let value = word.strip_prefix("--output=").or_else(|| word.strip_prefix("-o="));
            value.or_else(|| word.strip_prefix("-o")).map(str::to_owned)
        }
    });
    match value.as_deref() {
        Some("json") => Format::Json,
        Some("ndjson") => Format::Ndjson,
        _ => Format::Text,
    }
}

fn style(global: &Global) -> Style {
    let env = |key: &str| std::env::var(key).ok().filter(|value| !value.is_empty());
    let locale = env("LC_ALL").or_else(|| env("LC_CTYPE")).or_else(|| env("LANG")).unwrap_or_default();
    let locale = locale.to_ascii_lowercase();
    Style {
        color: wants_color(global.color, &env, std::io::stdout().is_terminal()),
        ascii: appearance::ascii_asked(global.ascii).unwrap_or(!(locale.contains("utf-8") || locale.contains("utf8"))),
    }
}

/// Precedence: the flag, NO_COLOR, CLICOLOR_FORCE and FORCE_COLOR, the kind of stream.
fn wants_color(choice: ColorWhen, env: &dyn Fn(&str) -> Option<String>, is_terminal: bool) -> bool {
    let forced = |key| env(key).is_some_and(|value| value != "0");
    match choice {
        ColorWhen::Always => true,
        ColorWhen::Never => false,
        ColorWhen::Auto if env("NO_COLOR").is_some() => false,
        ColorWhen::Auto if forced("CLICOLOR_FORCE") || forced("FORCE_COLOR") => true,
        ColorWhen::Auto => is_terminal && env("TERM").is_some_and(|term| term != "dumb"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_format_is_found_in_arguments_that_are_wrong() {
        for (typed, format) in [
            ("x --bad -o json", Format::Json),
            ("x -ojson", Format::Json),
            ("x --output=ndjson", Format::Ndjson),
            ("x --output text", Format::Text),
            ("x -o", Format::Text),
        ] {
            let args: Vec<OsString> = typed.split(' ').map(OsString::from).collect();
            assert_eq!(format_in(&args), format, "{typed}");
        }
    }

    #[test]
    fn color_is_decided_in_order() {
        type Case = (ColorWhen, &'static [(&'static str, &'static str)], bool, bool);
        let table: [Case; 8] = [
            (ColorWhen::Always, &[("NO_COLOR", "1")], false, true),
            (ColorWhen::Never, &[("FORCE_COLOR", "1")], true, false),
            (ColorWhen::Auto, &[("NO_COLOR", "1"), ("FORCE_COLOR", "1")], true, false),
            (ColorWhen::Auto, &[("CLICOLOR_FORCE", "1")], false, true),
            (ColorWhen::Auto, &[("CLICOLOR_FORCE", "0"), ("TERM", "xterm")], false, false),
            (ColorWhen::Auto, &[("TERM", "xterm")], true, true),
            (ColorWhen::Auto, &[("TERM", "dumb")], true, false),
            (ColorWhen::Auto, &[("TERM", "xterm")], false, false),
        ];
        for (choice, env, is_terminal, expected) in table {
            let get = |key: &str| env.iter().find(|(name, _)| *name == key).map(|(_, value)| (*value).to_owned());
            assert_eq!(wants_color(choice, &get, is_terminal), expected, "{choice:?} {env:?} {is_terminal}");
        }
    }
}
