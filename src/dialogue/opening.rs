//! Reasons why a question cannot be opened.

use std::fmt;

use super::commands::Topic;
use crate::engine::snapshot::{Blocked, GateState, GateStatus, Status};
use crate::engine::{Command, RefusalKind};

/// Why a question cannot be opened now.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Obstacle<'a> {
    /// This console was started read-only.
    ReadOnly {
        /// The process that drives.
        driver: Option<&'a str>,
    },
    /// There is no other driver to take over from.
    Drives,
    /// No state was read yet.
    Unread,
    /// The engine would refuse the command.
    Blocked(&'a Blocked),
}

impl fmt::Display for Obstacle<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ReadOnly { driver } => {
                write!(f, "this console was started read-only; {} drives", driver.unwrap_or("nobody"))
            }
            Self::Drives => f.write_str("this console drives already"),
            Self::Unread => f.write_str("nothing was read yet"),
            Self::Blocked(blocked) => f.write_str(&blocked.because),
        }
    }
}

/// Why a question about `topic` cannot be opened in the state `status`. Leaving is always possible.
pub(crate) fn obstacle<'a>(topic: &Topic, status: Option<&'a Status>) -> Option<Obstacle<'a>> {
    let Topic::Command(command) = topic else { return None };
    if let Some(driver) = status.map(|status| &status.driver).filter(|driver| driver.read_only) {
        return Some(Obstacle::ReadOnly { driver: driver.holder.as_deref() });
    }
    // Reason: a rollback does not depend on data that may be missing.
    if *command == Command::Rollback {
        return None;
    }
    let Some(status) = status else { return Some(Obstacle::Unread) };
    if *command == Command::TakeOver && status.driver.may_drive {
        return Some(Obstacle::Drives);
    }
    blocked_by(command, status).map(Obstacle::Blocked)
}

/// The first reason why the engine would refuse `command`. The status lists only some commands. For the others, those
/// reasons of a promote count that concern the lease, the journal and, for an override, the age of the data.
fn blocked_by<'a>(command: &Command, status: &'a Status) -> Option<&'a Blocked> {
    use RefusalKind::{Journal, ReadOnly, Stale};
    let of_promote = |kinds: &[RefusalKind]| {
        let mut blockers = status.blockers(&Command::Promote);
        blockers.find(|blocked| kinds.contains(&blocked.kind))
    };
    match command {
        Command::Override { .. } => of_promote(&[ReadOnly, Journal, Stale]),
        Command::Resume | Command::Approve { .. } | Command::Auto { on: true } => of_promote(&[ReadOnly, Journal]),
        command => status.blockers(command).next(),
    }
}

/// Finds a gate by its name or its number in the list.
pub(crate) fn find_gate<'a>(gates: &'a [GateStatus], named: &str) -> Option<&'a GateStatus> {
    let by_number = || gates.get(named.parse::<usize>().ok()?.checked_sub(1)?);
    gates.iter().find(|gate| gate.name == named).or_else(by_number)
}

/// The failed gate to override: the named one, or the only one that fails. The error says why no gate can be overridden.
pub(crate) fn gate_to_override<'a>(gates: &'a [GateStatus], named: Option<&str>) -> Result<&'a GateStatus, String> {
    let failed: Vec<&GateStatus> = gates.iter().filter(|gate| gate.status == GateState::Failed).collect();
    match (named, failed.as_slice()) {
        (Some(named), _) => match find_gate(gates, named) {
            Some(gate) if gate.status == GateState::Failed => Ok(gate),
            Some(gate) => {
                let state = gate.status.title();
                Err(format!("override: gate {} is {state}, only a failed one can be overridden", gate.name))
            }
            None => Err(format!("override: there is no gate {named:?}")),
        },
        (None, [only]) => Ok(only),
        (None, []) => Err("override: no gate fails".into()),
        (None, several) => {
            let failing: Vec<&str> = several.iter().map(|gate| gate.name.as_str()).collect();
            Err(format!("override: several gates fail: say override NAME, of {}", failing.join(", ")))
        }
    }
}
