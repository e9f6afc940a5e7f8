//! Consent: what is asked before a command is sent, as one state machine for every way in.
//!
//! The full screen, the lines of `--linear` and the command line only draw a [`Question`] and feed it: keys and lines
//! go in, an [`Answer`] comes out, and the command to send with the state digest that it is bound to. How a command is
//! asked for ([`commands::Terms`]) and what it will do ([`Words`]) is decided here, in one file. The side that is rolled out is
//! [`Status::candidate`](crate::engine::Status::candidate); nothing here works it out again.

mod changes;
mod commands;
mod opening;
mod question;
mod requests;

pub use commands::target;
pub(crate) use commands::{Topic, WORDS, Weight, Words, about, cli_twin, command_of, on_failure};
pub(crate) use opening::{Obstacle, find_gate, gate_to_override, obstacle};
pub use question::version_word;
pub(crate) use question::{ARMING_MS, Answer, Press, Question, Refused, Shown, Wants};
pub(crate) use requests::{Answered, Requests};
