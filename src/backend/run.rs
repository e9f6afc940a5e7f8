//! One command of the user's: in a process group of its own, without terminal and input, bounded in time and output.

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::Command;
use tokio::time::{Instant, sleep_until, timeout};

/// Longest output that is kept, in bytes.
const MAX_KEPT: usize = 256 * 1024;
/// A command that writes more than this is stopped, in bytes.
const MAX_WRITTEN: usize = 8 * 1024 * 1024;
/// What a command that has ended may still have in its pipes is waited for this long.
const DRAIN: Duration = Duration::from_millis(300);

/// How a command ended.
#[derive(Debug)]
pub(super) struct Ended {
    /// Its exit code; `None` when a signal ended it.
    pub(super) code: Option<i32>,
    /// The signal that ended it.
    pub(super) signal: Option<i32>,
    /// What it printed, at most 256 KiB.
    pub(super) out: Vec<u8>,
    /// What it complained of, the same.
    pub(super) err: Vec<u8>,
}

/// Why a command has no end of its own.
#[derive(Debug)]
pub(super) enum Stopped {
    /// It never began.
    NotStarted(io::Error),
    /// It was killed when the time was up.
    Late,
    /// It was killed because it wrote without end.
    Flooded,
    /// Its end could not be seen.
    Lost(String),
}

/// A process group that ends with its owner, also when the wait for it is given up.
struct Group(Option<Pid>);

impl Group {
    fn kill(&mut self) {
        if let Some(leader) = self.0.take() {
            // No such group is what is hoped for.
            let _ = kill_process_group(leader, Signal::KILL);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}

struct Pipe<R> {
    from: Option<R>,
    /// What one read may take; on the heap, so that a future that reads stays small.
    chunk: Box<[u8]>,
    kept: Vec<u8>,
    written: usize,
}

impl<R: AsyncRead + Unpin> Pipe<R> {
    fn new(from: Option<R>) -> Self {
        Self { from, chunk: vec![0; 8192].into_boxed_slice(), kept: Vec::new(), written: 0 }
    }

    /// Reads what is there; nothing is lost when the wait for it is given up.
    async fn read(&mut self) {
        let Some(from) = &mut self.from else { return };
        match from.read(&mut self.chunk).await {
            Ok(0) | Err(_) => self.from = None,
            Ok(read) => {
                self.written += read;
                let space = MAX_KEPT.saturating_sub(self.kept.len());
                self.kept.extend_from_slice(&self.chunk[..read.min(space)]);
            }
        }
    }

    fn has_more(&self) -> bool {
        self.from.is_some() && self.written <= MAX_WRITTEN
    }
}

/// Runs `command` to its end, `limit` at most; what is left of its group then is killed.
pub(super) async fn run(mut command: Command, limit: Duration) -> Result<Ended, Stopped> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0).kill_on_drop(true);
    let mut child = command.spawn().map_err(Stopped::NotStarted)?;
    // Declared after the child, so dropped before it: the group is killed while its leader is not yet waited for.
    let mut group = Group(child.id().and_then(|id| Pid::from_raw(id.cast_signed())));
    let (mut out, mut err) = (Pipe::new(child.stdout.take()), Pipe::new(child.stderr.take()));
    let deadline = Instant::now() + limit;
    let ended = loop {
        tokio::select! {
            status = child.wait() => break status.map_err(|error| Stopped::Lost(error.to_string())),
            () = out.read(), if out.from.is_some() => {}
            () = err.read(), if err.from.is_some() => {}
            () = sleep_until(deadline) => break Err(Stopped::Late),
        }
        if out.written > MAX_WRITTEN || err.written > MAX_WRITTEN {
            break Err(Stopped::Flooded);
        }
    };
    group.kill();
    // What took itself out of the group may hold the pipes open for ever.
    let _ = timeout(DRAIN, async {
        while out.has_more() {
            out.read().await;
        }
        while err.has_more() {
            err.read().await;
        }
    })
    .await;
    let status = match ended {
        Ok(status) => status,
        Err(stopped) => {
            let _ = timeout(DRAIN, child.wait()).await;
            return Err(stopped);
        }
    };
    Ok(Ended { code: status.code(), signal: status.signal(), out: out.kept, err: err.kept })
}
