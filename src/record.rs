//! What happened, kept for later: recordings of a console's inputs, and the diagnostic log.
//!
//! A recording is a file of JSON lines. The first line is the whole state of the engine, and so is the first line after
//! a gap; every other line is an event the engine took, with its moment, or a line of the log. The engine is pure, so
//! [`Player`] makes the very same states from it, without a clock and without contact to anything. [`Recorder`] and
//! [`log`] write through a thread of their own: a disk that hangs loses lines and never holds up the loop.

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
