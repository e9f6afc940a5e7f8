//! Questions to a person, on a terminal only. Without one nothing here is ever called.

use std::io::{self, BufRead, IsTerminal};
use std::time::Duration;

/// Where answers come from.
pub(crate) trait Input {
    /// Whether there is a person to ask.
    fn is_terminal(&self) -> bool;
    /// Throws away what was typed before the question was shown.
    fn forget(&mut self);
    /// One line, trimmed; `None` at the end of input or when nothing came within `timeout`.
    fn line(&mut self, timeout: Duration) -> impl Future<Output = Option<String>>;
}

/// Standard input: scripted in tests of whole verbs.
pub(crate) enum Answers {
    /// The process's own.
    Standard,
    /// What a test types; `None` means no terminal.
    #[cfg(test)]
    Scripted(Option<std::collections::VecDeque<String>>),
}

impl Input for Answers {
    fn is_terminal(&self) -> bool {
        match self {
            Self::Standard => io::stdin().is_terminal() && io::stderr().is_terminal(),
            #[cfg(test)]
            Self::Scripted(lines) => lines.is_some(),
        }
    }

    fn forget(&mut self) {
        if matches!(self, Self::Standard) {
            // Where the terminal cannot do it there is nothing better; the question still has to be answered.
            let _ = rustix::termios::tcflush(io::stdin(), rustix::termios::QueueSelector::IFlush);
        }
    }

    async fn line(&mut self, timeout: Duration) -> Option<String> {
        match self {
            Self::Standard => {
                // A blocked read cannot be called off; the runtime is left without waiting for it.
                let read = tokio::task::spawn_blocking(|| {
                    let mut line = String::new();
                    io::stdin().lock().read_line(&mut line).ok().filter(|&n| n > 0).map(|_| line.trim().to_owned())
                });
                tokio::time::timeout(timeout, read).await.ok()?.ok()?
            }
            #[cfg(test)]
            Self::Scripted(lines) => {
                let _ = timeout;
                let line = lines.as_mut().and_then(std::collections::VecDeque::pop_front);
                // Long enough for the engine to go on, then as if the time were up.
                for _ in 0..if line.is_some() { 0 } else { 50 } {
                    tokio::task::yield_now().await;
                }
                line
            }
        }
    }
}
