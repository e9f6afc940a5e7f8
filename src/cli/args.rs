//! The arguments: one definition for parsing, help, completions and the man page.

mod parts;
mod verbs;

use std::path::PathBuf;

use clap::{Args, CommandFactory, Parser, ValueEnum};

pub(crate) use self::parts::{
    ActArgs, ConsentArgs, DemoArgs, Goal, HelpArgs, InitArgs, ReplayArgs, ReportArgs, ReportFormat, RunArgs, SignArgs,
    TailArgs, Until,
};
pub(crate) use self::verbs::{GatesAct, JournalAct, Verb};
use super::exit;
use crate::config::ColorWhen;

/// Watch and drive a blue-green rollout of an ML model. Without a verb: the full-screen console.
#[derive(Debug, Parser)]
#[command(name = "cutover", version, disable_help_subcommand = true, after_long_help = exit::as_text())]
pub(crate) struct Cli {
    /// Options of every verb.
    #[command(flatten)]
    pub global: Global,
    /// Options of the full-screen console.
    #[command(flatten)]
    pub console: ConsoleArgs,
    /// The verb; the console without one.
    #[command(subcommand)]
    pub verb: Option<Verb>,
}

/// Options of every verb.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Options everywhere")]
pub(crate) struct Global {
    /// The config file [default: ./cutover.toml, then the XDG config directory]
    #[arg(short, long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Format of standard output
    #[arg(
        short,
        long,
        global = true,
        value_enum,
        value_name = "text|json|ndjson",
        default_value = "text",
        hide_possible_values = true
    )]
    pub output: Format,
    /// Use bold and colour
    #[arg(
        long,
        global = true,
        value_enum,
        value_name = "auto|always|never",
        default_value = "auto",
        hide_possible_values = true
    )]
    pub color: ColorWhen,
    /// Print no messages except errors
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// Draw with ASCII characters only [env: CUTOVER_ASCII=1]
    #[arg(long, global = true)]
    pub ascii: bool,
    /// The keys of the console [default: keys.toml in the XDG config directory]
    #[arg(long, global = true, value_name = "FILE", env = "CUTOVER_KEYS", hide_env_values = true)]
    pub keys: Option<PathBuf>,
    /// Record all events, secrets masked, for `cutover replay FILE`
    #[arg(long, global = true, value_name = "FILE")]
    pub record: Option<PathBuf>,
    /// Write a diagnostic log [env: CUTOVER_LOG=info,probe=trace sets the level; default: debug]
    #[arg(long, global = true, value_name = "FILE")]
    pub log: Option<PathBuf>,
}

/// The format of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    Text,
    /// One JSON document
    Json,
    /// JSON, one document a line
    Ndjson,
}

/// Options of the full-screen console.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
#[command(next_help_heading = "Options of the console")]
pub(crate) struct ConsoleArgs {
    /// Only look: this console cannot drive
    #[arg(long)]
    pub read_only: bool,
    /// Lines instead of a full screen: for screen readers and dumb terminals [env: CUTOVER_LINEAR=1]
    #[arg(long)]
    pub linear: bool,
    /// The theme to draw with: one that comes with cutover, one of yours, or a file [env: CUTOVER_THEME]
    #[arg(long, value_name = "NAME|FILE")]
    pub theme: Option<String>,
    /// Two frames a second instead of ten, for a slow line; keys still show at once [env: CUTOVER_SLOW=1]
    #[arg(long)]
    pub slow: bool,
    /// Do not set the window title
    #[arg(long)]
    pub no_title: bool,
    /// No bell and no notices
    #[arg(long)]
    pub no_notices: bool,
    /// Print one plain frame of the screen and end; the exit code gives the state
    #[arg(long, conflicts_with_all = ["linear", "read_only"])]
    pub once: bool,
    /// Width of that frame [default: COLUMNS, else 80]
    #[arg(long, value_name = "N", requires = "once", value_parser = clap::value_parser!(u16).range(1..=500))]
    pub width: Option<u16>,
    /// Height of that frame [default: high enough]
    #[arg(long, value_name = "N", requires = "once", value_parser = clap::value_parser!(u16).range(1..=500))]
    pub height: Option<u16>,
}

impl ConsoleArgs {
    /// Whether any of these options was given.
    pub(crate) fn any(&self) -> bool {
        *self != Self::default()
    }
}

/// The whole definition, for completions and the man page.
pub fn definition() -> clap::Command {
    Cli::command()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_is_sound() {
        definition().debug_assert();
    }

    #[test]
    fn no_wait_and_wait_override_each_other() {
        for (typed, no_wait) in [(&["--no-wait"][..], true), (&["--no-wait", "--wait"], false), (&[], false)] {
            let words = ["cutover", "rollback"].iter().chain(typed);
            let Some(Verb::Rollback(back)) = Cli::try_parse_from(words).unwrap().verb else { panic!("{typed:?}") };
            assert_eq!(back.act.no_wait, no_wait, "{typed:?}");
        }
    }

    #[test]
    fn global_flags_stand_anywhere() {
        let typed = Cli::try_parse_from(["cutover", "status", "-o", "json", "-c", "x.toml"]).unwrap();
        assert_eq!(typed.global.output, Format::Json);
        assert_eq!(typed.global.config, Some("x.toml".into()));
    }
}
