//! What can be typed: one definition for parsing, help, completions and the man page.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

use super::{exit, seams, span};

/// Watch and drive a blue-green rollout of an ML model. Without a verb: the full-screen console.
#[derive(Debug, Parser)]
#[command(name = "cutover", version, disable_help_subcommand = true, after_long_help = exit::as_text())]
pub struct Typed {
    /// What applies to every verb.
    #[command(flatten)]
    pub global: Global,
    /// What applies to the full-screen console.
    #[command(flatten)]
    pub console: ConsoleArgs,
    /// What to do; the console without one.
    #[command(subcommand)]
    pub verb: Option<Verb>,
}

/// What applies to every verb.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Options everywhere")]
pub struct Global {
    /// The config file [default: ./cutover.toml, then the XDG config directory]
    #[arg(short, long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// What is printed on standard output
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
    /// Bold and colour
    #[arg(
        long,
        global = true,
        value_enum,
        value_name = "auto|always|never",
        default_value = "auto",
        hide_possible_values = true
    )]
    pub color: ColorChoice,
    /// No messages besides errors
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// Draw with ASCII characters alone
    #[arg(long, global = true)]
    pub ascii: bool,
}

/// What data is printed as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    Text,
    /// One JSON document
    Json,
    /// JSON, one document a line
    Ndjson,
}

/// When bold and colour are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ColorChoice {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// What applies to the full-screen console alone.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Options of the console")]
pub struct ConsoleArgs {
    /// Hold no driver at all: look only
    #[arg(long)]
    pub read_only: bool,
    /// Lines instead of a full screen: for screen readers and dumb terminals [env: CUTOVER_LINEAR=1]
    #[arg(long)]
    pub linear: bool,
    /// The theme to draw with
    #[arg(long, value_name = "NAME")]
    pub theme: Option<String>,
    /// Two frames a second instead of ten, for a slow line; keys still show at once [env: CUTOVER_SLOW=1]
    #[arg(long)]
    pub slow: bool,
    /// Leave the window's title alone
    #[arg(long)]
    pub no_title: bool,
    /// No bell and no notices
    #[arg(long)]
    pub no_notices: bool,
}

impl ConsoleArgs {
    /// Whether anything of it was typed.
    pub fn any(&self) -> bool {
        self.read_only || self.linear || self.theme.is_some() || self.slow || self.no_title || self.no_notices
    }
}

/// Every verb.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Print where the rollout stands
    Status,
    /// Print what changes, line by line, until INT or TERM
    Watch,
    /// List the gates, or run them on the candidate
    Gates {
        /// List or run.
        #[command(subcommand)]
        act: Option<GatesAct>,
    },
    /// Print what the gates said
    Logs {
        /// Only this gate
        gate: Option<String>,
        /// How much and how long.
        #[command(flatten)]
        tail: TailArgs,
    },
    /// Print the journal: who did what, when and why
    Events {
        /// How much and how long.
        #[command(flatten)]
        tail: TailArgs,
    },
    /// Go one step forward in the plan
    Promote {
        /// How it is asked and followed.
        #[command(flatten)]
        act: ActArgs,
        /// What consent is bound to.
        #[command(flatten)]
        expect: ExpectArgs,
        /// Go on until this step of the plan is reached (1 is the first), waiting for each bake, a running one too
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=100))]
        to_step: Option<u16>,
    },
    /// Move all traffic to the candidate at once
    Switch {
        /// How it is asked and followed.
        #[command(flatten)]
        act: ActArgs,
        /// What consent is bound to.
        #[command(flatten)]
        expect: ExpectArgs,
    },
    /// Give the rollout up before it is complete: back to the live side
    Abort {
        /// How it is asked and followed.
        #[command(flatten)]
        act: ActArgs,
        /// What consent is bound to.
        #[command(flatten)]
        expect: ExpectArgs,
    },
    /// Move all traffic back, now; needs no gates, no fresh data and no digest
    Rollback {
        /// How it is asked and followed.
        #[command(flatten)]
        act: ActArgs,
    },
    /// Stop the plan where it is; moves no traffic
    #[command(visible_alias = "hold")]
    Pause {
        /// How it is asked and followed.
        #[command(flatten)]
        act: ActArgs,
    },
    /// Go on with the plan; after drift, accept what the router says
    Resume {
        /// How it is asked and followed.
        #[command(flatten)]
        act: ActArgs,
        /// What consent is bound to.
        #[command(flatten)]
        expect: ExpectArgs,
    },
    /// Let one failing gate pass for this candidate version; needs --reason of 10 characters
    Override {
        /// The gate's name
        gate: String,
        /// How it is asked and followed.
        #[command(flatten)]
        act: ActArgs,
        /// What consent is bound to.
        #[command(flatten)]
        expect: ExpectArgs,
    },
    /// End the rollback window and let the standby go
    Finalize {
        /// How it is asked and followed.
        #[command(flatten)]
        act: ActArgs,
        /// What consent is bound to.
        #[command(flatten)]
        expect: ExpectArgs,
    },
    /// Write a line into the journal
    Note {
        /// The text
        text: String,
    },
    /// Wait until the rollout has come that far
    Wait {
        /// What to wait for
        #[arg(long = "for", value_enum, value_name = "WHAT")]
        goal: Goal,
        /// Give up after this long (exit code 10)
        #[arg(long, value_parser = span::parse, value_name = "SPAN", default_value = "5m")]
        timeout: Duration,
    },
    /// Validate the config and try every connection
    Check,
    /// Write a commented config
    Init(InitArgs),
    /// Print the keys of the console
    Keys {
        /// Print the keymap as TOML
        #[arg(long)]
        print: bool,
    },
    /// Look after the journal
    Journal {
        /// What to do with it.
        #[command(subcommand)]
        act: JournalAct,
    },
    /// Print the completions of a shell
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Print the man page
    Man,
    /// Print the paths that are used
    Info,
    /// Run the embedded gateway until INT or TERM
    Gateway {
        /// End when standard input ends, too: for a parent that must not leave it behind
        #[arg(long, hide = true)]
        until_stdin_closes: bool,
    },
    /// Play a rollout on this machine: gateway, two real model servers, client load, console
    Demo(DemoArgs),
    /// A model server of the demo
    #[command(hide = true, disable_help_flag = true)]
    DemoServer(RawArgs),
    /// The client load of the demo
    #[command(hide = true, disable_help_flag = true)]
    DemoLoad(RawArgs),
    /// The pollers alone, for the benchmark
    #[command(hide = true, disable_help_flag = true)]
    BenchProbe(RawArgs),
}

/// What to do with gates.
#[derive(Debug, Subcommand)]
pub enum GatesAct {
    /// Run gates on the candidate and wait: 0 all required passed, 3 one did not, 10 timed out
    Run {
        /// Only these; all where none is named
        #[arg(value_name = "NAME")]
        names: Vec<String>,
        /// Give up waiting after this long (exit code 10)
        #[arg(long, value_parser = span::parse, value_name = "SPAN", default_value = "20m")]
        timeout: Duration,
        /// Do not wait for the results
        #[arg(long)]
        no_wait: bool,
    },
}

/// What to do with the journal.
#[derive(Debug, Subcommand)]
pub enum JournalAct {
    /// Check the hash chain from the first line to the last
    Verify {
        /// Also check that a line with this hash (printed by an earlier check, kept elsewhere) is still there
        #[arg(long, value_name = "HASH")]
        expect_head: Option<String>,
    },
}

/// How an act is asked for and followed.
#[derive(Debug, Clone, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch on the command line")]
pub struct ActArgs {
    /// Do not ask; needed where there is no terminal to ask on
    #[arg(short, long)]
    pub yes: bool,
    /// Why, for the journal
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// Print the exact request and send nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Wait until the traffic system was read back (default)
    #[arg(long, overrides_with = "no_wait")]
    pub wait: bool,
    /// Do not wait until the traffic system was read back
    #[arg(long, overrides_with = "wait")]
    pub no_wait: bool,
    /// Wait no longer than this (exit code 10)
    #[arg(long, value_parser = span::parse, value_name = "SPAN", default_value = "30s")]
    pub timeout: Duration,
}

/// What consent is bound to.
#[derive(Debug, Clone, Args)]
pub struct ExpectArgs {
    /// Only if this is still the state digest that `cutover status` shows (exit code 7 when not)
    #[arg(long, value_name = "DIGEST", value_parser = digest)]
    pub expect: Option<String>,
}

/// How much of a log, and how long.
#[derive(Debug, Clone, Args)]
pub struct TailArgs {
    /// Go on with what is added, until INT or TERM
    #[arg(short, long)]
    pub follow: bool,
    /// At most this many of the last lines
    #[arg(short = 'n', long, value_name = "N", default_value_t = 200)]
    pub lines: usize,
}

/// What is written into a new config.
#[derive(Debug, Clone, Args)]
pub struct InitArgs {
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
    /// Where the embedded gateway takes traffic: IP address and port
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    pub listen: String,
    /// The environment, on the banner and in every prompt; may be empty
    #[arg(long, value_name = "NAME", default_value = "staging")]
    pub environment: String,
    /// Replace a file that is there
    #[arg(long)]
    pub force: bool,
}

/// How the demo is played.
#[derive(Debug, Clone, Args)]
pub struct DemoArgs {
    /// What happens to the sides
    #[arg(long, value_enum, value_name = "NAME", default_value = "good")]
    pub scenario: ScenarioName,
    /// Keep config, sockets, journal and logs here [default: a temporary directory]
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
    /// Play it through in lines, without a screen; the exit code tells the outcome
    #[arg(long)]
    pub linear: bool,
    /// Client requests a second
    #[arg(
        long,
        value_name = "N",
        default_value_t = seams::DEFAULT_RPS,
        value_parser = clap::value_parser!(u32).range(1..=2000)
    )]
    pub rps: u32,
}

/// What happens in the demo.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ScenarioName {
    /// Green is as good as blue
    Good,
    /// Green gets slow, only under traffic
    SlowGreen,
    /// Green is fast and wrong
    WrongGreen,
    /// Green fails now and then
    FlakyGreen,
    /// Blue, the way back, dies while green is live
    DeadBlue,
}

/// Arguments that somebody else parses.
#[derive(Debug, Clone, Args)]
pub struct RawArgs {
    /// As they come.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub rest: Vec<OsString>,
}

/// What `wait` waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Goal {
    /// Nothing blocks the next step and the bake is over
    Ready,
    /// The last order was read back from the traffic system
    Verified,
    /// The candidate takes some traffic
    Shifting,
    /// The candidate takes all traffic
    Switched,
    /// The plan is stopped
    Paused,
    /// Traffic is back
    RolledBack,
    /// The rollout was given up
    Aborted,
    /// The rollback window was ended
    Finalized,
    /// The rollout has ended, one way or another; the exit code tells which
    Done,
}

/// The whole definition, for completions and the man page.
pub fn definition() -> clap::Command {
    Typed::command()
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
    fn the_definition_is_sound() {
        definition().debug_assert();
    }

    #[test]
    fn no_wait_and_wait_override_each_other() {
        for (typed, no_wait) in [(&["--no-wait"][..], true), (&["--no-wait", "--wait"], false), (&[], false)] {
            let words = ["cutover", "rollback"].iter().chain(typed);
            let Some(Verb::Rollback { act }) = Typed::try_parse_from(words).unwrap().verb else { panic!("{typed:?}") };
            assert_eq!(act.no_wait, no_wait, "{typed:?}");
        }
    }

    #[test]
    fn a_digest_has_four_digits_at_least() {
        assert_eq!(digest("A1c9"), Ok("a1c9".into()));
        assert!(digest("a1c").is_err());
        assert!(digest("a1cg").is_err());
    }

    #[test]
    fn global_flags_stand_anywhere() {
        let typed = Typed::try_parse_from(["cutover", "status", "-o", "json", "-c", "x.toml"]).unwrap();
        assert_eq!(typed.global.output, Format::Json);
        assert_eq!(typed.global.config, Some("x.toml".into()));
    }
}
