//! The clock. Only the runtime reads it.
//!
//! It uses the timers of tokio, so that a test that pauses those pauses everything.

use chrono::Utc;
use tokio::time::Instant;

use crate::domain::Stamp;

/// Makes [`Stamp`]s: wall time, and milliseconds since the clock was made.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    start: Instant,
}

impl Default for Clock {
    fn default() -> Self {
        Self { start: Instant::now() }
    }
}

impl Clock {
    /// Now.
    pub fn now(&self) -> Stamp {
        Stamp { wall: Utc::now(), mono_ms: self.start.elapsed().as_millis() as i64 }
    }

    /// Milliseconds since the clock was made.
    pub fn elapsed_ms(&self) -> u64 {
        self.start.elapsed().as_millis() as u64
    }
}
