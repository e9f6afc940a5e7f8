//! What a traffic system must be able to show to join the suite.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use cutover::testing::backend::TrafficBackend;
use cutover::testing::domain::Split;

use crate::relay::Relay;

/// The token a rig that needs one uses.
pub const TOKEN: &str = "right-token-for-tests";
/// And the one it uses for wrong credentials.
pub const WRONG_TOKEN: &str = "wrong-token-for-tests";

/// What can be wrong between us and a traffic system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// It refuses connections.
    Down,
    /// It takes requests and never answers.
    Silent,
    /// It answers HTML where JSON belongs.
    Html,
    /// It closes in the middle of an answer.
    CutOff,
    /// It does not accept our credentials.
    WrongCredentials,
    /// It carries an order out by half.
    HalfApplied,
}

/// A traffic system under test.
pub trait Rig: Sized {
    /// How long a change may take, by the clock of tokio.
    const SETTLES: Duration = Duration::from_secs(10);
    /// The pause between two readings; a system that takes minutes runs with the clock paused.
    const EVERY: Duration = Duration::ZERO;

    /// Whether what the check called `test` needs is installed; says `SKIPPED test: why` where it is not.
    fn is_there(_test: &str) -> bool {
        true
    }
    /// A running system with `split` in force and revision-checked orders.
    async fn start(split: Split) -> Self;
    /// The backend that drives it as it is now.
    fn backend(&self) -> Arc<dyn TrafficBackend>;
    /// Brings it into trouble; `false` where this system cannot show that.
    async fn trouble(&mut self, _trouble: Trouble) -> bool {
        false
    }
    /// The system behind a relay that can hold a change back; `None` where a change crosses no wire.
    async fn relayed(&self) -> Option<(Relay, Arc<dyn TrafficBackend>)> {
        None
    }
    /// Ends the router without warning and starts it again; `false` for a system without a process.
    async fn restart(&mut self) -> bool {
        false
    }
}

/// A check that this system cannot show. `tests/run` counts it on its own; no check prints it twice.
pub fn not_applicable(rig: &str, what: impl Debug) {
    println!("NOT APPLICABLE {rig}: {what:?}");
}

/// Whether nothing is `missing` for `test`; says so where something is.
pub fn is_there(test: &str, missing: Option<&str>) -> bool {
    if let Some(why) = missing {
        println!("SKIPPED {test}: {why}");
    }
    missing.is_none()
}
