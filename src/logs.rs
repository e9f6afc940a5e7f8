//! The user's own logs: files that are followed across rotation, and commands whose output is read.
//!
//! Each source has an inbox, bounded in lines and bytes. When it is full, new lines push out the oldest lines of the
//! same source, and these are counted. So a flood or a busy console costs no memory, and a noisy source takes nothing
//! from the others. The console fetches lines with [`Followers::next`], a bounded batch at a time, a few times a
//! second. Lines are cleaned when they are fetched, so lines that are never shown cost almost nothing.

mod command;
mod file;
mod inbox;
mod split;

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;

use self::inbox::{Inbox, Item, Shared};
use crate::domain::json_line::log_line;
use crate::domain::text::clean;
use crate::domain::{LogFeed, LogLine, LogSource};

/// The longest part of a line that is kept, in bytes. A note at its end says how much was cut.
pub(crate) const LONGEST: usize = 16 << 10;
/// The most lines in a batch.
pub(crate) const BATCH: usize = 256;
/// The most text in a batch, in bytes; one line may go beyond it.
const BATCH_BYTES: usize = 64 << 10;
/// The shortest time between two batches.
const PACE: Duration = Duration::from_millis(50);
/// How long a command may take to end after the request to end; then it is killed.
const PATIENCE: Duration = Duration::from_millis(500);

/// Lines to be shown, oldest first within each source.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Batch {
    /// The lines, at most [`BATCH`].
    pub lines: Vec<LogLine>,
    /// The number of lines dropped since the last batch.
    pub dropped: u64,
}

struct Feed {
    name: String,
    inbox: Arc<Inbox>,
    /// The time of its newest line. Lines keep the order of their log.
    last: DateTime<Utc>,
}

/// All followed sources. Dropping this ends the threads and asks the commands to end. When the tokio runtime ends,
/// remaining commands are killed with their process groups.
pub struct Followers {
    feeds: Vec<Feed>,
    shared: Arc<Shared>,
    /// The source that comes first in the next batch.
    turn: usize,
    next_at: Instant,
    /// Dropping these ends the threads.
    threads: Vec<Sender<()>>,
    /// Sending here ends the commands.
    ending: watch::Sender<bool>,
    commands: JoinSet<()>,
}

impl Followers {
    /// Follows nothing.
    pub fn none() -> Self {
        Self {
            feeds: Vec::new(),
            shared: Arc::default(),
            turn: 0,
            next_at: Instant::now(),
            threads: Vec::new(),
            ending: watch::Sender::new(false),
            commands: JoinSet::new(),
        }
    }

    /// Starts to follow `sources`. A file starts with its last lines, or with its first line if it appears later. A
    /// source that cannot be followed says so in its own log. Must be called within a tokio runtime.
    pub fn start(sources: &[LogSource]) -> Self {
        let mut all = Self::none();
        for source in sources {
            let inbox = Arc::new(Inbox::new(Arc::clone(&all.shared)));
            match &source.feed {
                LogFeed::File(path) => {
                    let (alive, gone) = std::sync::mpsc::channel();
                    let (path, to) = (path.clone(), Arc::clone(&inbox));
                    let thread = std::thread::Builder::new().name(format!("log {}", source.name));
                    // Reason: reading a file on a dead network mount hangs, so each file has its own thread.
                    match thread.stack_size(256 << 10).spawn(move || file::follow(path, &to, &gone)) {
                        Ok(_) => all.threads.push(alive),
                        Err(error) => inbox.warn(format!("cannot be followed: no thread: {error}")),
                    }
                }
                LogFeed::Command { argv, dir } => {
                    let job = command::run(argv.clone(), dir.clone(), Arc::clone(&inbox), all.ending.subscribe());
                    all.commands.spawn(job);
                }
            }
            all.feeds.push(Feed { name: source.name.clone(), inbox, last: DateTime::UNIX_EPOCH });
        }
        all
    }

    /// Waits for lines and returns a batch of them, at most one batch per 50 ms. Waits for ever when there are no
    /// sources. Cancel-safe.
    pub async fn next(&mut self) -> Batch {
        loop {
            if self.shared.has_news() {
                tokio::time::sleep_until(self.next_at).await;
                self.next_at = Instant::now() + PACE;
                let batch = self.take();
                if !batch.lines.is_empty() || batch.dropped > 0 {
                    return batch;
                }
            }
            self.shared.news().await;
        }
    }

    /// Ends everything: asks the commands to end, then kills them, each with its process group.
    pub async fn stop(mut self) {
        let _ = self.ending.send(true);
        let all = async { while self.commands.join_next().await.is_some() {} };
        let _ = tokio::time::timeout(2 * PATIENCE, all).await;
    }

    /// Takes lines from all inboxes in turn, so that no source has to wait until another is empty.
    fn take(&mut self) -> Batch {
        self.shared.seen();
        let mut batch = Batch::default();
        let (mut bytes, mut left) = (0, true);
        let count = self.feeds.len().max(1);
        let share = (BATCH / count).max(1);
        while left && batch.lines.len() < BATCH && bytes < BATCH_BYTES {
            left = false;
            for n in 0..count {
                let Some(feed) = self.feeds.get_mut((self.turn + n) % count) else { break };
                let room = share.min(BATCH.saturating_sub(batch.lines.len()));
                let items = feed.inbox.take(room, (BATCH_BYTES / count).max(1), &mut batch.dropped);
                left |= !items.is_empty();
                for item in items {
                    bytes += item.bytes();
                    batch.lines.push(feed.line(item));
                }
            }
        }
        self.turn = (self.turn + 1) % count;
        if self.feeds.iter().any(|feed| !feed.inbox.is_empty()) {
            self.shared.tell();
        }
        batch
    }
}

impl Drop for Followers {
    fn drop(&mut self) {
        let _ = self.ending.send(true);
        self.commands.detach_all();
    }
}

impl Feed {
    fn line(&mut self, item: Item) -> LogLine {
        let line = match item {
            Item::Raw { at, bytes, cut } => {
                let mut text = String::from_utf8_lossy(&bytes).into_owned();
                if cut > 0 {
                    // Writing to a string cannot fail.
                    let _ = write!(text, " [{cut} bytes more were cut]");
                }
                log_line(&self.name, &text, at, self.last, LONGEST + 64)
            }
            Item::Message { at, level, text } => {
                LogLine { at: at.max(self.last), level, source: self.name.clone(), text: clean(&text, 400) }
            }
        };
        self.last = line.at;
        line
    }
}

#[cfg(test)]
mod tests;
