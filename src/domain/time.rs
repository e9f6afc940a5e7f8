//! Time as data: the only clock the pure part of the program ever sees.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

/// A moment, read once at the edge and handed in with each event.
///
/// Ages and timers use `mono_ms`, which never jumps; records and what outlives the process use
/// `wall`, which may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    /// The wall clock, UTC.
    pub wall: DateTime<Utc>,
    /// Milliseconds since the process started; negative for moments restored from the journal.
    pub mono_ms: i64,
}

impl Stamp {
    /// Milliseconds from `earlier` to this, never negative.
    pub fn since_ms(self, earlier: Self) -> u64 {
        (self.mono_ms - earlier.mono_ms).max(0).unsigned_abs()
    }

    /// The stamp of a moment known by wall clock only, as seen from this one.
    ///
    /// A moment in the future (a clock that was set back) counts as now.
    #[must_use]
    pub fn restore(self, wall: DateTime<Utc>) -> Self {
        let age = (self.wall - wall).num_milliseconds().max(0);
        Self { wall, mono_ms: self.mono_ms - age }
    }

    /// This stamp moved on by `ms` milliseconds; for tests and replays.
    #[must_use]
    pub fn plus_ms(self, ms: i64) -> Self {
        Self { wall: self.wall + TimeDelta::milliseconds(ms), mono_ms: self.mono_ms + ms }
    }

    /// A stamp at a fixed moment (2026-01-01T00:00:00Z, mono 0); for tests and replays.
    pub fn epoch() -> Self {
        Self { wall: DateTime::from_timestamp(1_767_225_600, 0).unwrap_or_default(), mono_ms: 0 }
    }
}
