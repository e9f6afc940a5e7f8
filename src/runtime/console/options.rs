//! Options of the full-screen console, from flags and the environment.

use std::path::PathBuf;
use std::time::Duration;

/// The shortest time between two frames that no key caused.
const FRAME: Duration = Duration::from_millis(100);
/// The same on a slow connection.
const SLOW_FRAME: Duration = Duration::from_millis(500);

/// How the console uses the terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsoleOptions {
    /// At most two frames a second instead of ten. A key still causes a frame at once.
    pub slow: bool,
    /// Sets the window title and restores it at the end.
    pub title: bool,
    /// Rings the bell and sends notices.
    pub notices: bool,
    /// The directory for a file with the last copied text, because some terminals refuse copies. `None`: no file.
    pub copies: Option<PathBuf>,
}

impl Default for ConsoleOptions {
    fn default() -> Self {
        Self { slow: false, title: true, notices: true, copies: None }
    }
}

impl ConsoleOptions {
    /// The shortest time between two frames that no key caused.
    pub const fn frame(&self) -> Duration {
        if self.slow { SLOW_FRAME } else { FRAME }
    }
}
