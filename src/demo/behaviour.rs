//! How a model server behaves: normally, or with one fault that is switched on while it runs.
//!
//! A fault applies from the next request on, for gates and for users. The scenario ([`super::scenario`]) decides when
//! a side gets its fault, not a clock: the result of a gate must not depend on the speed of the machine.

use std::fmt;
use std::str::FromStr;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

/// The share of inferences that a flaky server fails, 0 to 1.
pub(crate) const FLAKY_SHARE: f64 = 0.1;

/// How a model server behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Normal.
    #[default]
    Good,
    /// Every inference takes 50 times as long.
    Slow,
    /// Fast and wrong: images are transposed before prediction, a feature skew.
    Wrong,
    /// One of ten inferences gets a 500 or no answer.
    Flaky,
    /// Every inference takes four times as long: within every limit, but clearly worse.
    Worse,
    /// One worker instead of four: fast under low load, with a queue under higher load.
    Narrow,
    /// Answers invalid requests with 500 instead of 400.
    Fragile,
    /// Says that it is ready, but slowly.
    Sluggish,
    /// Refuses connections and has closed the open ones.
    Dead,
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

impl FromStr for Mode {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        <Self as ValueEnum>::from_str(text, false).map_err(|_| {
            let text = crate::domain::text::clean(text, 40);
            format!("no behaviour {text:?}: {}", names::<Self>())
        })
    }
}

/// The names of every value, for people.
pub(super) fn names<T: ValueEnum + fmt::Display>() -> String {
    T::value_variants().iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// What happens to one inference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Treatment {
    /// A normal answer.
    Fair,
    /// A late answer: the service takes this many times as long.
    Slow(u8),
    /// Served one at a time.
    InTurn,
    /// The answer for the transposed image.
    Transposed,
    /// A 500.
    Error,
    /// The connection is closed without an answer.
    Dropped,
}

/// A server's behaviour, shared between the server and the scenario that changes it.
#[derive(Debug, Default)]
pub struct Behaviour {
    mode: watch::Sender<Mode>,
}

impl Behaviour {
    /// A server that starts in `mode`.
    pub fn new(mode: Mode) -> Self {
        Self { mode: watch::Sender::new(mode) }
    }

    /// The mode now.
    pub fn mode(&self) -> Mode {
        *self.mode.borrow()
    }

    /// Changes the mode, from the next request on.
    pub fn set(&self, mode: Mode) {
        self.mode.send_replace(mode);
    }

    /// Reports changes.
    pub fn watch(&self) -> watch::Receiver<Mode> {
        self.mode.subscribe()
    }

    /// What happens to one inference.
    pub fn treat(&self) -> Treatment {
        match self.mode() {
            Mode::Wrong => Treatment::Transposed,
            Mode::Slow => Treatment::Slow(50),
            Mode::Worse => Treatment::Slow(4),
            Mode::Narrow => Treatment::InTurn,
            Mode::Flaky if fastrand::f64() < FLAKY_SHARE => {
                if fastrand::bool() {
                    Treatment::Error
                } else {
                    Treatment::Dropped
                }
            }
            _ => Treatment::Fair,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mode_shows_from_the_next_request_on() {
        let behaviour = Behaviour::new(Mode::Slow);
        assert_eq!(behaviour.treat(), Treatment::Slow(50));
        behaviour.set(Mode::Worse);
        assert_eq!(behaviour.treat(), Treatment::Slow(4));
        behaviour.set(Mode::Wrong);
        assert_eq!(behaviour.treat(), Treatment::Transposed);
        behaviour.set(Mode::Flaky);
        fastrand::seed(1);
        let spoilt = (0..1000).filter(|_| behaviour.treat() != Treatment::Fair).count();
        assert!((60..140).contains(&spoilt), "{spoilt} of 1000");
        behaviour.set(Mode::Good);
        assert!((0..100).all(|_| behaviour.treat() == Treatment::Fair));
    }

    #[test]
    fn names_lead_back_to_modes() {
        for mode in Mode::value_variants() {
            assert_eq!(mode.to_string().parse(), Ok(*mode));
        }
        assert!("Slow\u{1b}[2J".parse::<Mode>().unwrap_err().contains("good, slow, wrong"));
    }
}
