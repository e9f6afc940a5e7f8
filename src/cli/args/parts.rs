//! Arguments that several verbs share, and long ones.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::PossibleValue;
use clap::{Args, ValueEnum};

use crate::cli::span;
use crate::demo::load::DEFAULT_RPS;
use crate::demo::scenario::Scenario;
use crate::domain::OnFailure;
use crate::report::Choice;

/// How a command that acts asks and waits.
#[derive(Debug, Clone, Default, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch on the command line")]
pub(crate) struct ActArgs {
    /// Do not ask; required without a terminal
    #[arg(short, long)]
    pub yes: bool,
    /// Why, for the journal
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// Print the exact request and send nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Wait until the traffic system confirms it (default)
    #[arg(long, overrides_with = "no_wait")]
    pub wait: bool,
    /// Do not wait until the traffic system confirms it
    #[arg(long, overrides_with = "wait")]
    pub no_wait: bool,
    /// Wait no longer than this (exit code 10)
    #[arg(long, value_parser = span::parse, value_name = "SPAN", default_value = "30s")]
    pub timeout: Duration,
}

/// How a rollback asks and waits.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct BackArgs {
    /// How it asks and waits.
    #[command(flatten)]
    pub act: ActArgs,
    /// Exit code 0 also when nothing answers on the side that traffic went back to
    #[arg(long)]
    pub even_if_down: bool,
}

/// The state that consent is bound to.
#[derive(Debug, Clone, Args)]
pub(crate) struct ExpectArgs {
    /// Act only if the state digest of `cutover status` is still this one (exit code 7 if not)
    #[arg(long, value_name = "DIGEST", value_parser = digest)]
    pub expect: Option<String>,
}

/// How a command that needs consent asks and waits.
#[derive(Debug, Clone, Args)]
pub(crate) struct ConsentArgs {
    /// How it asks and waits.
    #[command(flatten)]
    pub act: ActArgs,
    /// The state that consent is bound to.
    #[command(flatten)]
    pub expect: ExpectArgs,
}

/// A gate that a person answers for.
#[derive(Debug, Clone, Args)]
pub(crate) struct SignArgs {
    /// The gate's name
    pub gate: String,
    /// How it asks and waits.
    #[command(flatten)]
    pub consent: ConsentArgs,
}

/// How many lines of a log, and whether to follow it.
#[derive(Debug, Clone, Args)]
pub(crate) struct TailArgs {
    /// Keep printing new lines, until INT or TERM
    #[arg(short, long)]
    pub follow: bool,
    /// Print at most this many of the last lines
    #[arg(short = 'n', long, value_name = "N", default_value_t = 200)]
    pub lines: usize,
}

/// The rollouts to report, the format, and the file.
#[derive(Debug, Clone, Args)]
pub(crate) struct ReportArgs {
    /// Format [default: from the ending of the file name, else md]
    #[arg(long, value_enum, value_name = "md|json|html", hide_possible_values = true)]
    pub format: Option<ReportFormat>,
    /// Write to this file, overwriting it [default: standard output]
    #[arg(long, value_name = "FILE")]
    pub to: Option<PathBuf>,
    /// Which rollout, counted from the first in the journal [default: last; with --since: all]
    #[arg(long, value_parser = rollout, value_name = "N|last|all")]
    pub rollout: Option<Choice>,
    /// Only rollouts that were active since then: a time span, a day, or a moment (RFC 3339)
    #[arg(long, value_name = "24h|2026-11-20")]
    pub since: Option<String>,
}

/// The format of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReportFormat {
    /// Markdown, for a ticket
    Md,
    /// JSON
    Json,
    /// One HTML page with plots
    Html,
}

/// The part of the manual, and the destination.
#[derive(Debug, Clone, Args)]
pub(crate) struct HelpArgs {
    /// A topic of the manual, or a verb; without it the list of topics
    #[arg(value_name = "TOPIC")]
    pub topic: Option<String>,
    /// Print each line that contains this, with its topic and heading
    #[arg(long, value_name = "WORD", conflicts_with_all = ["topic", "all", "dir"])]
    pub search: Option<String>,
    /// Print every topic as Markdown
    #[arg(long, conflicts_with_all = ["topic", "dir"])]
    pub all: bool,
    /// Write a Markdown file for each topic into this directory
    #[arg(long, value_name = "DIR", conflicts_with = "topic")]
    pub dir: Option<PathBuf>,
}

/// The values of a new config.
#[derive(Debug, Clone, Args)]
pub(crate) struct InitArgs {
    /// The file to write; `-` for standard output
    #[arg(value_name = "FILE", default_value = "cutover.toml")]
    pub file: PathBuf,
    /// The service's name
    #[arg(long, default_value = "my-model")]
    pub name: String,
    /// A URL of blue
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:9001")]
    pub blue: String,
    /// A URL of green
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:9002")]
    pub green: String,
    /// IP address and port where the embedded gateway accepts traffic
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    pub listen: String,
    /// The environment on the banner and in every prompt; may be empty
    #[arg(long, value_name = "NAME", default_value = "staging")]
    pub environment: String,
    /// Overwrite an existing file
    #[arg(long)]
    pub force: bool,
}

/// How to run the plan unattended.
#[derive(Debug, Clone, Args)]
pub(crate) struct RunArgs {
    /// Walk the plan of the config: gates, then step after step, then the rollback window
    #[arg(long, required = true)]
    pub plan: bool,
    /// Do not ask; required without a terminal
    #[arg(short, long)]
    pub yes: bool,
    /// The state that consent is bound to.
    #[command(flatten)]
    pub expect: ExpectArgs,
    /// When it ends: once all traffic has moved, or once the rollback window is over
    #[arg(long, value_enum, value_name = "WHAT", default_value = "window")]
    pub until: Until,
    /// What happens to traffic when it fails [default: on_failure of the config's plan]
    #[arg(long, value_enum, value_name = "WHAT")]
    pub on_failure: Option<OnFailure>,
    /// Stop walking after this long (exit code 10); traffic stays where it is
    #[arg(long, value_parser = span::parse, value_name = "SPAN")]
    pub timeout: Option<Duration>,
}

/// When an unattended plan ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Until {
    /// The candidate has all traffic
    Switched,
    /// The rollback window is over
    Window,
}

impl ValueEnum for OnFailure {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Pause, Self::Abort, Self::Rollback]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(match self {
            Self::Pause => {
                PossibleValue::new("pause").help("Traffic stays where it is, and the plan waits for a person")
            }
            Self::Abort => {
                PossibleValue::new("abort").help("All traffic goes to the live side, and the rollout is given up")
            }
            Self::Rollback => PossibleValue::new("rollback").help("All traffic goes back, recorded as a rollback"),
        })
    }
}

/// The options of the demo.
#[derive(Debug, Clone, Args)]
pub(crate) struct DemoArgs {
    /// What happens to the sides
    #[arg(long, value_enum, value_name = "NAME", default_value = "good")]
    pub scenario: Scenario,
    /// Keep config, sockets, journal and logs here [default: a temporary directory]
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
    /// Play the rollout in lines, without a screen; the exit code says how it ended
    #[arg(long)]
    pub linear: bool,
    /// Client requests a second
    #[arg(
        long,
        value_name = "N",
        default_value_t = DEFAULT_RPS,
        value_parser = clap::value_parser!(u32).range(1..=2000)
    )]
    pub rps: u32,
    /// The theme to draw with: one that comes with cutover, one of yours, or a file [env: CUTOVER_THEME]
    #[arg(long, value_name = "NAME|FILE")]
    pub theme: Option<String>,
}

/// The part of a recording to show.
#[derive(Debug, Clone, Args)]
pub(crate) struct ReplayArgs {
    /// The recording made by `--record`
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Playback speed as a multiple of real time
    #[arg(long, value_name = "N", default_value = "1", value_parser = speed)]
    pub speed: f64,
    /// Where to begin: a time, or an offset from the beginning, or with `-` before the end [default with --once: the
    /// end]
    #[arg(long, value_name = "10:15:00|90s|-10s", allow_hyphen_values = true)]
    pub at: Option<String>,
    /// Print that moment as text and end; with -o json its status document
    #[arg(long)]
    pub once: bool,
    /// The size of that text
    #[arg(long, value_name = "80x24", requires = "once", value_parser = size)]
    pub size: Option<(u16, u16)>,
    /// Print the length of the recording and what is missing
    #[arg(long, conflicts_with_all = ["once", "at"])]
    pub check: bool,
    /// The theme to draw with: one that comes with cutover, one of yours, or a file [env: CUTOVER_THEME]
    #[arg(long, value_name = "NAME|FILE")]
    pub theme: Option<String>,
}

/// Arguments that another parser reads.
#[derive(Debug, Clone, Args)]
pub(crate) struct RawArgs {
    /// Unparsed.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub rest: Vec<OsString>,
}

/// What `wait` waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Goal {
    /// Nothing blocks the next step and the bake is over
    Ready,
    /// The traffic system confirms the last order
    Verified,
    /// The candidate takes some traffic
    Shifting,
    /// The candidate takes all traffic
    Switched,
    /// The plan is stopped
    Paused,
    /// A rollback has moved all traffic back
    RolledBack,
    /// The rollout was aborted
    Aborted,
    /// The rollback window was ended
    Finalized,
    /// The rollout has ended; the exit code says how
    Done,
}

fn rollout(text: &str) -> Result<Choice, String> {
    match (text, text.parse::<usize>()) {
        ("last", _) => Ok(Choice::Last),
        ("all", _) => Ok(Choice::All),
        (_, Ok(n)) if n > 0 => Ok(Choice::Number(n)),
        _ => Err("a rollout is its number in the journal (1 is the first), `last` or `all`".into()),
    }
}

fn speed(text: &str) -> Result<f64, String> {
    let speed = text.trim_end_matches('x').parse::<f64>().ok().filter(|speed| (0.1..=1_000.0).contains(speed));
    speed.ok_or_else(|| "a speed is a number from 0.1 to 1000".into())
}

fn size(text: &str) -> Result<(u16, u16), String> {
    let number = |text: &str| text.parse::<u16>().ok().filter(|n| (1..=500).contains(n));
    let size = text.split_once('x').and_then(|(width, height)| Some((number(width)?, number(height)?)));
    size.ok_or_else(|| "a size is columns and rows, each 1 to 500: 120x35".into())
}

fn digest(text: &str) -> Result<String, String> {
    if (4..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_hexdigit()) {
        Ok(text.to_ascii_lowercase())
    } else {
        Err("a state digest is 4 to 64 hexadecimal digits, as `cutover status` shows it".into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_has_four_digits_at_least() {
        assert_eq!(digest("A1c9"), Ok("a1c9".into()));
        assert!(digest("a1c").is_err());
        assert!(digest("a1cg").is_err());
    }
}
