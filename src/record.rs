//! Keeps what happened for later: recordings of a console's events, and the diagnostic log.
//!
//! A recording is a file of JSON lines. The first line is the whole state of the engine, and so is the first line
//! after a gap. Every other line is an event that the engine took, with its time, or a line of the log. The engine is
//! pure, so [`Player`] computes exactly the same states from it, without a clock and without any contact.
//! [`Recorder`] and [`log`] write from their own thread: when a disk hangs, lines are lost but the loop does not
//! wait.

mod entry;
pub(crate) mod log;
mod player;
mod read;
mod recorder;
mod writer;

pub use entry::Entry;
pub use player::Player;
pub use read::{Recording, read};
pub(crate) use recorder::DEFAULT_LIMIT;
pub use recorder::Recorder;
