//! Runs one command of the user: in its own process group, without terminal and input, bounded in time and output.

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::Command;
use tokio::time::{Instant, sleep_until, timeout};

use crate::process::Group;

/// The longest output that is kept, in bytes.
pub(super) const MAX_KEPT: usize = 256 * 1024;
/// A command that writes more than this many bytes is killed.
const MAX_WRITTEN: usize = 8 * 1024 * 1024;
/// How long to wait for the rest of the output after a command has ended.
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
    /// Its error output, with the same limit.
    pub(super) err: Vec<u8>,
}

/// Why a command did not end normally.
#[derive(Debug)]
pub(super) enum Stopped {
    /// It did not start.
    NotStarted(io::Error),
    /// It was killed at the time limit.
    Late,
    /// It was killed because it wrote too much.
    Flooded,
    /// Its end could not be observed.
    Lost(String),
}

struct Pipe<R> {
    from: Option<R>,
    /// The buffer of one read; on the heap, so that futures stay small.
    chunk: Box<[u8]>,
    kept: Vec<u8>,
    written: usize,
}

impl<R: AsyncRead + Unpin> Pipe<R> {
    fn new(from: Option<R>) -> Self {
        Self { from, chunk: vec![0; 8192].into_boxed_slice(), kept: Vec::new(), written: 0 }
    }

    /// Reads available bytes. Cancel-safe.
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

/// Runs `command` to its end, at most `limit`; then kills the rest of its group.
pub(super) async fn run(mut command: Command, limit: Duration) -> Result<Ended, Stopped> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0).kill_on_drop(true);
    let mut child = command.spawn().map_err(Stopped::NotStarted)?;
    // Declared after the child, so it is dropped first: the group is killed before its leader is reaped.
    let mut group = Group::of(&child);
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
    // A process that left the group may keep the pipes open for ever.
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
