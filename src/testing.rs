//! The parts of the inside that tests and benches need. Nothing in the program uses them through here.

/// The engine of the load gate.
pub mod load {
    pub use crate::gate::load::{Job, Prepared, Profile, Running, Tally, Tick, start};
}
