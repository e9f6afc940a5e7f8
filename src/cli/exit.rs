//! The exit codes: one table for the code, the help, the man page and the tests.

use std::fmt::Write as _;
use std::process::ExitCode;

use serde::Serialize;

use crate::engine::RefusalKind;

/// How a command ended; in JSON the `kind` of an error document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Exit {
    /// The command did what was asked.
    Reached = 0,
    /// An error without a code of its own.
    Error = 1,
    /// Wrong usage, or refused because there is no terminal and no `--yes`.
    Usage = 2,
    /// Blocked by gates, a fault of a side, or drift.
    Blocked = 3,
    /// The rollout was aborted.
    RolloutFailed = 4,
    /// The rollout ended with a rollback.
    RolledBack = 5,
    /// The plan is paused and waits for a person.
    Paused = 6,
    /// The state differs from the one that was confirmed, or another order is in flight.
    StateChanged = 7,
    /// Read-only, another console drives, or the credentials do not allow it.
    ReadOnly = 8,
    /// The traffic system cannot be reached, or the data is too old.
    Unreachable = 9,
    /// It did not happen within the time limit. It may still happen.
    TimedOut = 10,
    /// The config has faults.
    Config = 78,
    /// A bug in this program.
    Panic = 101,
    /// Ended by SIGHUP.
    #[serde(rename = "signal")]
    Hup = 129,
    /// Ended by SIGINT.
    #[serde(rename = "signal")]
    Int = 130,
    /// Ended by SIGTERM.
    #[serde(rename = "signal")]
    Term = 143,
}

/// Every exit code with its meaning, in rising order.
pub const TABLE: [(Exit, &str); 16] = [
    (Exit::Reached, "reached what was asked, or it was already so"),
    (Exit::Error, "error"),
    (Exit::Usage, "usage, or refused for lack of a terminal or --yes"),
    (Exit::Blocked, "blocked by gates, a fault of a side, or drift"),
    (Exit::RolloutFailed, "the rollout failed, or traffic went back to a side that does not answer"),
    (Exit::RolledBack, "ended rolled back"),
    (Exit::Paused, "paused, waits for a person"),
    (Exit::StateChanged, "the state changed (digest), or another order is under way"),
    (Exit::ReadOnly, "read-only, or no permission"),
    (Exit::Unreachable, "backend unreachable or data stale"),
    (Exit::TimedOut, "timed out waiting; it may still happen"),
    (Exit::Config, "config fault; the message has file, line and remedy"),
    (Exit::Panic, "a fault in cutover itself"),
    (Exit::Hup, "ended by HUP"),
    (Exit::Int, "ended by INT"),
    (Exit::Term, "ended by TERM"),
];

/// The meaning of each exit code of `--once`, most important first.
pub const ONCE: [(Exit, &str); 8] = [
    (Exit::Unreachable, "the traffic system cannot be read, or what is known is too old"),
    (Exit::Error, "the journal cannot be written"),
    (Exit::TimedOut, "the result of the last order is unknown, or it is late"),
    (Exit::RolledBack, "rolled back"),
    (Exit::RolloutFailed, "given up"),
    (Exit::Paused, "paused, waits for a person"),
    (Exit::Blocked, "a required gate failed, a side has a fault, or there is drift"),
    (Exit::Reached, "none of these"),
];

impl Exit {
    /// The number.
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The exit for a code from another part of the program; an unknown code is an error.
    pub fn of_code(code: u8) -> Self {
        TABLE.iter().map(|(exit, _)| *exit).find(|exit| exit.code() == code).unwrap_or(Self::Error)
    }

    /// The code for a refusal of the engine.
    pub const fn of_refusal(kind: RefusalKind) -> Self {
        match kind {
            RefusalKind::ReadOnly => Self::ReadOnly,
            RefusalKind::Journal => Self::Error,
            RefusalKind::Stale => Self::Unreachable,
            RefusalKind::StateChanged | RefusalKind::Busy => Self::StateChanged,
            RefusalKind::Paused => Self::Paused,
            RefusalKind::Blocked => Self::Blocked,
            RefusalKind::Usage => Self::Usage,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// The table as text, for `--help` and the man page.
pub(crate) fn as_text() -> String {
    let mut text = String::from("Exit codes:\n");
    for (exit, meaning) in TABLE {
        // Writing into a string does not fail.
        let _ = writeln!(text, "  {:>3}  {meaning}", exit.code());
    }
    text.push_str("\nExit codes of --once, the first that holds:\n");
    for (exit, meaning) in ONCE {
        let _ = writeln!(text, "  {:>3}  {meaning}", exit.code());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t49_the_codes_are_the_documented_ones() {
        let codes: Vec<u8> = TABLE.iter().map(|(exit, _)| exit.code()).collect();
        assert_eq!(codes, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 78, 101, 129, 130, 143]);
    }

    #[test]
    fn t49_every_refusal_has_its_code() {
        let table = [
            (RefusalKind::Blocked, 3),
            (RefusalKind::StateChanged, 7),
            (RefusalKind::ReadOnly, 8),
            (RefusalKind::Stale, 9),
            (RefusalKind::Paused, 6),
            (RefusalKind::Busy, 7),
            (RefusalKind::Journal, 1),
            (RefusalKind::Usage, 2),
        ];
        for (kind, code) in table {
            assert_eq!(Exit::of_refusal(kind).code(), code, "{kind:?}");
        }
    }

    #[test]
    fn the_text_names_every_code() {
        let text = as_text();
        for (exit, meaning) in TABLE {
            assert!(text.contains(&format!("{:>3}  {meaning}", exit.code())));
        }
    }
}
