//! Signals that end a command. The session is closed, and the exit code tells the signal.

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::exit::Exit;
use super::failure::Failure;

/// Listens for INT, TERM and HUP.
pub(crate) struct Interrupts {
    int: Signal,
    term: Signal,
    /// `None` under `nohup`.
    hup: Option<Signal>,
}

impl Interrupts {
    /// Starts to listen. From here on these signals no longer end the process by themselves.
    pub(crate) fn new() -> Result<Self, Failure> {
        let listen = |kind| signal(kind).map_err(|error| Failure::error(format!("signals cannot be handled: {error}")));
        Ok(Self {
            int: listen(SignalKind::interrupt())?,
            term: listen(SignalKind::terminate())?,
            hup: if hup_is_ignored() { None } else { Some(listen(SignalKind::hangup())?) },
        })
    }

    /// Waits for the first signal.
    pub(crate) async fn wait(&mut self) -> Exit {
        let hup = async {
            match &mut self.hup {
                Some(hup) => hup.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.int.recv() => Exit::Int,
            _ = self.term.recv() => Exit::Term,
            _ = hup => Exit::Hup,
        }
    }
}

/// Whether HUP was ignored when this process started (`nohup`): listening would undo that.
fn hup_is_ignored() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    ignores_hup(&status)
}

fn ignores_hup(status: &str) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::ignores_hup;

    #[test]
    fn nohup_is_seen() {
        assert!(ignores_hup("Name:\tx\nSigIgn:\t0000000000001001\n"));
        assert!(!ignores_hup("Name:\tx\nSigIgn:\t0000000000001000\n"));
        assert!(!ignores_hup(""));
    }
}
