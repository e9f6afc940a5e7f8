//! Consent: the questions asked before a command is sent. One state machine serves every front end.
//!
//! The full screen, the lines of `--linear` and the command line only draw a [`Question`] and feed it. Keys and lines
//! go in. An [`Answer`] comes out, with the command to send and the state digest it is bound to. How a command is
//! asked for ([`commands::Terms`]) and what it will do ([`Words`]) is decided here, in one file.
//! [`Status::candidate`](crate::engine::Status::candidate) says which side is rolled out; nothing here computes it
//! again.

mod answer;
mod changes;
mod commands;
mod opening;
mod question;
mod requests;

pub(crate) use answer::{ARMING_MS, Answer, Press, Refused, Shown, Wants};
pub use commands::target;
pub(crate) use commands::{Topic, WORDS, Weight, Words, about, cli_twin, command_of, on_failure};
pub(crate) use opening::{Obstacle, find_gate, gate_to_override, obstacle};
pub(crate) use question::Question;
pub use question::version_word;
pub(crate) use requests::{Answered, Requests};
