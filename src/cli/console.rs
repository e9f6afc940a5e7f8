//! Starts the console: on the full screen, in lines, or once.

use std::io::IsTerminal;

use super::args::ConsoleArgs;
use super::config_file::load;
use super::exit::Exit;
use super::failure::Failure;
use super::operator::me;
use super::{Context, appearance, keymap, linear, once, paths, watch};
use crate::config::Config;
use crate::engine::Access;
use crate::runtime::Systems;
use crate::runtime::console::ConsoleOptions;
use crate::runtime::console::full_screen::{Setup, full_screen};

/// Runs the console. Without a terminal to write on it prints changes instead, unless the user asked to drive.
pub(crate) async fn run(args: &ConsoleArgs, needs_person: bool, context: &mut Context) -> Result<Exit, Failure> {
    if args.once {
        return Box::pin(once::run(args, context)).await;
    }
    let (reads, writes) = (std::io::stdin().is_terminal(), std::io::stdout().is_terminal());
    let lines = args.linear || appearance::is_linear() || appearance::is_dumb();
    // Reason: messages may go to a file, but the screen needs the other two streams. Lines without a keyboard are the
    // same as `watch`.
    if (needs_person && !(reads && writes)) || (writes && !reads && !lines) {
        return Err(Failure::usage(
            "the console needs a terminal on standard input and output; \
             in scripts use `cutover status`, `cutover watch -o ndjson`, `cutover wait`, or see `cutover --help`",
        ));
    }
    if !(reads && writes) {
        context.out.say("no terminal to drive from: only what changes is told; INT or TERM ends it");
        return watch::run(context).await;
    }
    let config = load(context)?;
    if lines { in_lines(&config, args, context).await } else { on_screen(config, args, context).await }
}

async fn on_screen(config: Config, args: &ConsoleArgs, context: &mut Context) -> Result<Exit, Failure> {
    let (theme, capability) = appearance::of_terminal(args.theme.as_deref(), &config.ui, context)?;
    let systems = Systems::of(&config);
    let (_, story) = tokio::sync::mpsc::channel(1);
    let setup = Setup {
        me: me("console"),
        access: access(args),
        capability,
        theme,
        keymap: keymap::load(context)?,
        scenarios: None,
        story,
        logs: config.logs,
        options: options(args),
    };
    let code = full_screen(config.service, systems, setup).await.map_err(Failure::error)?;
    Ok(Exit::of_code(code))
}

async fn in_lines(config: &Config, args: &ConsoleArgs, context: &mut Context) -> Result<Exit, Failure> {
    let (_, story) = tokio::sync::mpsc::channel(1);
    let setup = linear::Setup {
        service: config.service.clone(),
        systems: Systems::of(config),
        me: me("console"),
        access: access(args),
        scenarios: None,
        story,
    };
    linear::run(setup, &mut context.out).await
}

fn access(args: &ConsoleArgs) -> Access {
    if args.read_only { Access::ReadOnly } else { Access::Console }
}

/// How the console uses the terminal, from flags and the environment.
pub(crate) fn options(args: &ConsoleArgs) -> ConsoleOptions {
    let slow = args.slow || std::env::var_os("CUTOVER_SLOW").is_some_and(|value| !value.is_empty() && value != "0");
    ConsoleOptions { slow, title: !args.no_title, notices: !args.no_notices, copies: paths::state_dir() }
}
