//! A command whose standard output and standard error are read as lines.
//!
//! It runs in its own process group, without input. When it ends it is started again, with growing pauses. It never
//! outlives the console: its whole group is asked to end, then killed and waited for, so that no process is left.

use std::path::PathBuf;
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::Duration;

use rustix::process::Signal;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::Child;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

use super::PATIENCE;
use super::inbox::Inbox;
use super::split::Splitter;
use crate::process::{self, Group};

/// The first pause before a restart, and the longest.
const BACKOFF: Duration = Duration::from_secs(1);
const LONGEST_BACKOFF: Duration = Duration::from_secs(60);
/// After a run of this length the pause starts from the first one again.
const SETTLED: Duration = Duration::from_secs(60);
/// A line without an end is shown after this time without new output.
const IDLE: Duration = Duration::from_secs(2);
/// After this many bytes of output other tasks get their turn: a command that floods waits for us.
const BURST: usize = 256 << 10;
const REST: Duration = Duration::from_millis(20);
const CHUNK: usize = 16 << 10;

/// Runs the command again and again until `ending` becomes true or is closed.
pub(super) async fn run(argv: Vec<String>, dir: PathBuf, inbox: Arc<Inbox>, mut ending: watch::Receiver<bool>) {
    let mut pause = BACKOFF;
    loop {
        let begun = Instant::now();
        let ended = match start(&argv, &dir) {
            Ok(child) => match listen(child, &inbox, ending.clone()).await {
                Some(status) => status.map_or_else(|error| error.to_string(), status_text),
                None => return,
            },
            Err(error) => format!("cannot be started: {error}"),
        };
        pause = if begun.elapsed() >= SETTLED { BACKOFF } else { pause };
        inbox.warn(format!("{}: {ended}; again in {} s", argv.join(" "), pause.as_secs()));
        tokio::select! {
            _ = ending.wait_for(|ending| *ending) => return,
            () = sleep(pause) => {}
        }
        pause = (pause * 2).min(LONGEST_BACKOFF);
    }
}

fn start(argv: &[String], dir: &std::path::Path) -> std::io::Result<Child> {
    let here = std::path::Path::new(".");
    process::command(argv, if dir.is_dir() { dir } else { here })?.spawn()
}

/// Reads the output until the command ends; `None` when we end it.
async fn listen(
    mut child: Child,
    inbox: &Inbox,
    mut ending: watch::Receiver<bool>,
) -> Option<std::io::Result<ExitStatus>> {
    let mut group = Group::of(&child);
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let mut reading = Box::pin(async { tokio::join!(read(out, inbox), read(err, inbox)) });
    let mut read_all = false;
    let status = loop {
        tokio::select! {
            biased;
            _ = ending.wait_for(|ending| *ending) => break None,
            _ = &mut reading, if !read_all => read_all = true,
            status = child.wait() => break Some(status),
        }
    };
    let Some(status) = status else {
        group.signal(Signal::TERM);
        let _ = timeout(PATIENCE, child.wait()).await;
        group.kill();
        let _ = timeout(PATIENCE, child.wait()).await;
        return None;
    };
    // The output left in the pipes is read. Children that the command left behind do not keep the pipes open for
    // longer.
    if !read_all {
        let _ = timeout(PATIENCE, &mut reading).await;
    }
    group.kill();
    Some(status)
}

async fn read(from: Option<impl AsyncRead + Unpin>, inbox: &Inbox) {
    let Some(mut from) = from else { return };
    let (mut chunk, mut splitter, mut lines) = (vec![0; CHUNK], Splitter::default(), Vec::new());
    let mut burst = 0;
    loop {
        let n = match timeout(IDLE, from.read(&mut chunk)).await {
            Err(_) => {
                inbox.put(splitter.flush());
                // No more of the shown line: the next bytes start a new one.
                0
            }
            Ok(Ok(0) | Err(_)) => break,
            Ok(Ok(n)) => n,
        };
        splitter.feed(&chunk[..n], &mut lines);
        inbox.put(lines.drain(..));
        burst += n;
        if burst >= BURST {
            burst = 0;
            sleep(REST).await;
        }
    }
    inbox.put(splitter.flush());
}

fn status_text(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt;
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("ended with exit code {code}"),
        (None, Some(signal)) => format!("ended by signal {signal}"),
        (None, None) => "ended".into(),
    }
}
