//! How fast a traffic system answers and acts, and how often it may be asked.

use serde::{Deserialize, Serialize};

/// The times of a kind of traffic system, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pace {
    /// Between two readings while nothing is under way.
    pub read_every_ms: u64,
    /// The longest that a reading or an order may wait for its answer.
    pub answer_within_ms: u64,
    /// An order that is not read back within this time is late.
    pub settle_within_ms: u64,
    /// A rollback that was accepted and is not read back is sent again after this long; `None`: never.
    pub retry_ms: Option<u64>,
}

impl Pace {
    /// A router on the same network: answers in milliseconds, acts at once.
    pub const DIRECT: Self =
        Self { read_every_ms: 1_000, answer_within_ms: 3_000, settle_within_ms: 10_000, retry_ms: Some(1_000) };

    /// How much older than that of a direct router a reading may be, in milliseconds, before it is stale.
    pub const fn slack_ms(&self) -> u64 {
        (self.read_every_ms + self.answer_within_ms)
            .saturating_sub(Self::DIRECT.read_every_ms + Self::DIRECT.answer_within_ms)
    }
}

impl Default for Pace {
    fn default() -> Self {
        Self::DIRECT
    }
}
