//! The demo, and the hidden verbs of its processes.

use std::ffi::OsString;

use super::args::{ConsoleArgs, DemoArgs};
use super::exit::Exit;
use super::failure::Failure;
use super::interrupt::Interrupts;
use super::operator::me;
use super::{Context, appearance, console, keymap, linear};
use crate::config;
use crate::demo::behaviour::Mode;
use crate::demo::child::{self, Pipes};
use crate::demo::scenario::Scenario;
use crate::demo::show::{DemoOptions, DemoParts, run_around};
use crate::demo::{self, tree};
use crate::domain::Side;
use crate::engine::Access;
use crate::runtime::console::full_screen::{Setup, full_screen};

/// Runs the demo: on the screen or in lines if there is a terminal; otherwise it runs, reports and judges by itself.
pub(crate) async fn run(args: &DemoArgs, context: &mut Context) -> Result<Exit, Failure> {
    use std::io::IsTerminal;
    let scenario = args.scenario;
    if !std::io::stdout().is_terminal() || !std::io::stdin().is_terminal() {
        return Box::pin(demo_in_lines(args, scenario, context)).await;
    }
    let (theme, capability) = appearance::of_terminal(args.theme.as_deref(), &config::UiSpec::default(), context)?;
    let keymap = keymap::load(context)?;
    let show = DemoOptions { scenario, rps: args.rps };
    let (me, access) = (me("demo"), Access::Console);
    if args.linear || appearance::is_linear() || capability.dumb {
        let out = &mut context.out;
        let run = async |stage: DemoParts| {
            let DemoParts { service, systems, scenarios, story } = stage;
            linear::run(linear::Setup { service, systems, me, access, scenarios: Some(scenarios), story }, out).await
        };
        return run_around(show, args.dir.as_deref(), run).await.map_err(Failure::error)?;
    }
    let run = async |stage: DemoParts| {
        let DemoParts { service, systems, scenarios, story } = stage;
        let (logs, options) = (Vec::new(), console::options(&ConsoleArgs::default()));
        let scenarios = Some(scenarios);
        let setup = Setup { me, access, capability, theme, keymap, scenarios, story, logs, options };
        full_screen(service, systems, setup).await
    };
    let code = Box::pin(run_around(show, args.dir.as_deref(), run)).await;
    let code = code.map_err(Failure::error)?.map_err(Failure::error)?;
    Ok(Exit::of_code(code))
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

/// A hidden verb of the demo.
pub(crate) async fn hidden(verb: &str, args: &[OsString]) -> Result<Exit, Failure> {
    let words: Vec<String> = args.iter().map(|arg| arg.to_string_lossy().into_owned()).collect();
    let word = |at: usize| words.get(at).map(String::as_str).unwrap_or_default();
    let number =
        |at: usize| word(at).parse::<u32>().map_err(|_| Failure::usage(format!("{verb}: no number: {:?}", word(at))));
    match verb {
        "demo-server" => {
            let side = Side::BOTH.into_iter().find(|side| side.name() == word(0));
            let side = side.ok_or_else(|| Failure::usage("demo-server: blue or green"))?;
            let port = u16::try_from(number(1)?).map_err(|_| Failure::usage("demo-server: no port"))?;
            child::run_model_server(side, port, Mode::Good, Pipes::stdio()).await.map_err(Failure::error)?;
        }
        _ => child::run_load(word(0), number(1)?, Pipes::stdio()).await.map_err(Failure::error)?,
    }
    Ok(Exit::Reached)
}
