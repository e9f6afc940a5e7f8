//! How the console treats the terminal and who sits at it: what flags and the environment ask for.

use std::path::PathBuf;
use std::time::Duration;

/// The least time between two frames that no key asked for.
const FRAME: Duration = Duration::from_millis(100);
/// The same over a slow line.
const SLOW_FRAME: Duration = Duration::from_millis(500);

/// What may be wanted otherwise than usual.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manners {
    /// Two frames a second instead of ten; keys are still shown at once.
    pub slow: bool,
    /// Whether the window's title is set (and given back at the end).
    pub title: bool,
    /// Whether the bell rings and notices are given.
    pub notices: bool,
    /// The directory that the latest copy is kept in, for terminals that refuse it; none is kept without one.
    pub copies: Option<PathBuf>,
}

impl Default for Manners {
    fn default() -> Self {
        Self { slow: false, title: true, notices: true, copies: None }
    }
}

impl Manners {
    /// The least time between two frames that no key asked for.
    pub const fn frame(&self) -> Duration {
        if self.slow { SLOW_FRAME } else { FRAME }
    }
}
