//! Asks a person questions. Used only with a terminal.

use std::io::{self, BufRead, IsTerminal};
use std::time::Duration;

/// The source of answers.
pub(crate) trait Input {
    /// Whether a person can be asked.
    fn is_terminal(&self) -> bool;
    /// Discards input from before the question.
    fn forget(&mut self);
    /// One line, trimmed; `None` at the end of input or after `timeout`.
    fn line(&mut self, timeout: Duration) -> impl Future<Output = Option<String>>;
}

/// Standard input, or a script in tests of whole verbs.
pub(crate) enum InputSource {
    /// The process's own.
    Standard,
    /// The answers of a test; `None` means no terminal.
    #[cfg(test)]
    Scripted(Option<std::collections::VecDeque<String>>),
}

impl Input for InputSource {
    fn is_terminal(&self) -> bool {
        match self {
            Self::Standard => io::stdin().is_terminal() && io::stderr().is_terminal(),
            #[cfg(test)]
            Self::Scripted(lines) => lines.is_some(),
        }
    }

    fn forget(&mut self) {
        if matches!(self, Self::Standard) {
            // If the terminal cannot do this, there is no alternative. The question must still be asked.
            let _ = rustix::termios::tcflush(io::stdin(), rustix::termios::QueueSelector::IFlush);
        }
    }

    async fn line(&mut self, timeout: Duration) -> Option<String> {
        match self {
            Self::Standard => {
                // A blocked read cannot be cancelled. The runtime ends without waiting for it.
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
                // Lets the engine run for a while, then acts as if the time limit had passed.
                for _ in 0..if line.is_some() { 0 } else { 50 } {
                    tokio::task::yield_now().await;
                }
                line
            }
        }
    }
}
