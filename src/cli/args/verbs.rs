//! Every verb, with its own options.

use std::path::PathBuf;
use std::time::Duration;

use clap::Subcommand;
use clap_complete::Shell;

use super::parts::{
    ActArgs, BackArgs, ConsentArgs, DemoArgs, Goal, HelpArgs, InitArgs, RawArgs, ReplayArgs, ReportArgs, RunArgs,
    SignArgs, TailArgs,
};
use crate::cli::span;

/// Every verb.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Open the console; refused without a terminal
    Drive,
    /// Print the state of the rollout
    Status,
    /// Print each change as a line, until INT or TERM
    Watch,
    /// List the gates, or run them on the candidate
    Gates {
        /// List or run.
        #[command(subcommand)]
        act: Option<GatesAct>,
    },
    /// Print the output of the gates
    Logs {
        /// Only this gate
        gate: Option<String>,
        /// How many lines, and whether to follow.
        #[command(flatten)]
        tail: TailArgs,
    },
    /// Print the journal: who did what, when and why
    Events {
        /// How many lines, and whether to follow.
        #[command(flatten)]
        tail: TailArgs,
    },
    /// Report on a rollout: as Markdown, as JSON, or as a page with plots
    Report(ReportArgs),
    /// Go one step forward in the plan
    Promote {
        /// How it asks and waits.
        #[command(flatten)]
        consent: ConsentArgs,
        /// Go on to this step of the plan (1 is the first); wait for each bake, also for a running one
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=100))]
        to_step: Option<u16>,
    },
    /// Move all traffic to the candidate at once
    Switch(ConsentArgs),
    /// End the rollout before it is complete and move all traffic back to the live side
    Abort(ConsentArgs),
    /// Walk the plan unattended: gates, steps, bakes, the rollback window; the exit code says how it ended
    Run(RunArgs),
    /// Move all traffic back now; needs no gates, no fresh data and no digest
    Rollback(BackArgs),
    /// Stop the plan where it is; moves no traffic
    #[command(visible_alias = "hold")]
    Pause(ActArgs),
    /// Go on with the plan; after drift, accept what the router says
    Resume(ConsentArgs),
    /// Let a controller begin its steps again after it gave up
    Retry(ConsentArgs),
    /// Let one failing gate pass for this candidate version; needs --reason of 10 characters
    Override(SignArgs),
    /// Sign for a manual gate, for this candidate version; needs --reason of 10 characters
    Approve(SignArgs),
    /// End the rollback window and release the standby
    Finalize(ConsentArgs),
    /// Write a line into the journal
    Note {
        /// The text
        text: String,
    },
    /// Wait until the rollout has reached a state
    Wait {
        /// What to wait for
        #[arg(long = "for", value_enum, value_name = "WHAT")]
        goal: Goal,
        /// Give up after this long (exit code 10) [default: 5m plus the bake of a step]
        #[arg(long, value_parser = span::parse, value_name = "SPAN")]
        timeout: Option<Duration>,
    },
    /// Validate the config and try every connection
    Check,
    /// Prove the way back: order the split that is there once more, read it back, and time it
    Drill,
    /// Send a test alert to every place of the config
    Alert {
        /// The names of the places
        names: Vec<String>,
        /// Give up after this long (exit code 10)
        #[arg(long, value_parser = span::parse, value_name = "SPAN", default_value = "10s")]
        timeout: Duration,
    },
    /// Write a commented config
    Init(InitArgs),
    /// Print the set-up page of a traffic system: its config, ours, permissions, what it can do
    Backends {
        /// The kind, as in the config; without it a table of all
        kind: Option<String>,
    },
    /// Print the keys of the console
    Keys {
        /// Print the keymap as TOML
        #[arg(long)]
        print: bool,
    },
    /// Check the journal
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
    /// Print the man page, or write one for the program and one for each topic of the manual
    Man {
        /// Write them into this directory
        #[arg(long, value_name = "DIR")]
        dir: Option<PathBuf>,
    },
    /// Print the manual: its topics, one topic, or the lines with a word
    Help(HelpArgs),
    /// Print the paths and settings in use
    Info,
    /// Run the embedded gateway until INT or TERM
    Gateway {
        /// Also end when standard input ends: for a parent process that must not leave it behind
        #[arg(long, hide = true)]
        until_stdin_closes: bool,
    },
    /// Play a rollout on this machine: gateway, two real model servers, client load, console
    Demo(DemoArgs),
    /// Show a recording: played on the screen, or one moment of it as text
    Replay(ReplayArgs),
    /// A model server of the demo
    #[command(hide = true, disable_help_flag = true)]
    DemoServer(RawArgs),
    /// The client load of the demo
    #[command(hide = true, disable_help_flag = true)]
    DemoLoad(RawArgs),
}

/// Verbs about gates.
#[derive(Debug, Subcommand)]
pub(crate) enum GatesAct {
    /// Run gates on the candidate and wait: exit code 0 when all required gates passed, 3 when one did not, 10 on time-out
    Run {
        /// Only these gates [default: all]
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

/// Verbs about the journal.
#[derive(Debug, Subcommand)]
pub(crate) enum JournalAct {
    /// Check the hash chain from the first line to the last
    Verify {
        /// Also check that the line with this hash is still there (printed by an earlier check and kept elsewhere)
        #[arg(long, value_name = "HASH")]
        expect_head: Option<String>,
    },
}
