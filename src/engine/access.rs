//! What a process may do, defined once for the engine, the runtime and the command line.

use serde::{Deserialize, Serialize};

/// What a process is for; everything that it may do follows from this.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Access {
    /// To read: `status`, `watch`, `wait`. It reports what would block a process that drives.
    Look,
    /// To read in a console that was started with `--read-only`. It refuses every command, also rollback.
    ReadOnly,
    /// To send one command that needs no data from the replicas: `pause`, `note`.
    Quick,
    /// To roll back. Nothing may stop this, not even a journal that cannot be read.
    Back,
    /// To send one command that moves traffic. Guards act until the command ends.
    Drive,
    /// To drive a rollout: a console, or `run`. It takes the lease, runs missing gates and lets guards act.
    Console,
}

impl Access {
    /// Whether the process refuses every command.
    pub const fn is_read_only(self) -> bool {
        matches!(self, Self::ReadOnly)
    }

    /// Whether the process sends no command and writes no order.
    pub const fn only_looks(self) -> bool {
        matches!(self, Self::Look)
    }

    /// Whether the process can send orders to the traffic system.
    pub const fn has_driver(self) -> bool {
        !matches!(self, Self::Look | Self::ReadOnly)
    }

    /// Whether the process probes the replicas.
    pub const fn probes(self) -> bool {
        !matches!(self, Self::Quick | Self::Back)
    }

    /// Whether the process takes the driver's lease, runs missing gates and walks the plan.
    pub const fn drives(self) -> bool {
        matches!(self, Self::Console)
    }

    /// Whether the journal records when this process starts and ends.
    pub const fn is_console(self) -> bool {
        matches!(self, Self::Console | Self::ReadOnly)
    }

    /// Whether guards, drift and samples are watched while the process runs.
    pub const fn watches(self) -> bool {
        matches!(self, Self::Console | Self::ReadOnly | Self::Drive)
    }
}

#[cfg(test)]
mod tests {
    use super::Access::{self, Back, Console, Drive, Look, Quick, ReadOnly};

    #[test]
    fn each_right_belongs_to_these_and_to_no_others() {
        type Row<'a> = (&'a str, fn(Access) -> bool, &'a [Access]);
        let all = [Look, ReadOnly, Quick, Back, Drive, Console];
        let table: [Row<'_>; 7] = [
            ("refuses every command", Access::is_read_only, &[ReadOnly]),
            ("only looks", Access::only_looks, &[Look]),
            ("sends orders", Access::has_driver, &[Quick, Back, Drive, Console]),
            ("probes", Access::probes, &[Look, ReadOnly, Drive, Console]),
            ("drives", Access::drives, &[Console]),
            ("is a console", Access::is_console, &[ReadOnly, Console]),
            ("watches", Access::watches, &[ReadOnly, Drive, Console]),
        ];
        for (what, right, expected) in table {
            let who: Vec<Access> = all.into_iter().filter(|access| right(*access)).collect();
            assert_eq!(who, expected, "{what}");
        }
    }
}
