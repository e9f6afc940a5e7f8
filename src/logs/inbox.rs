//! Lines of a source that were not fetched yet. The number is bounded and the newest are kept.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use tokio::sync::Notify;

use super::split::Piece;
use crate::domain::LogLevel;

/// The most waiting lines of one source.
pub(super) const LINES: usize = 5_000;
/// The most waiting text of one source, in bytes.
pub(super) const BYTES: usize = 1 << 20;

/// One line to show.
pub(super) enum Item {
    /// A line as received.
    Raw {
        at: DateTime<Utc>,
        bytes: Vec<u8>,
        /// The number of bytes of the line that are not in `bytes`.
        cut: u64,
    },
    /// A message from the follower itself.
    Message { at: DateTime<Utc>, level: LogLevel, text: String },
}

impl Item {
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Raw { bytes, .. } => bytes.len(),
            Self::Message { text, .. } => text.len(),
        }
    }
}

/// Wakes the reader of all inboxes.
#[derive(Default)]
pub(super) struct Shared {
    rung: AtomicBool,
    bell: Notify,
}

impl Shared {
    pub(super) fn has_news(&self) -> bool {
        self.rung.load(Ordering::Acquire)
    }

    pub(super) fn seen(&self) {
        self.rung.store(false, Ordering::Release);
    }

    pub(super) fn tell(&self) {
        if !self.rung.swap(true, Ordering::AcqRel) {
            self.bell.notify_one();
        }
    }

    pub(super) async fn news(&self) {
        if !self.has_news() {
            self.bell.notified().await;
        }
    }
}

#[derive(Default)]
struct Waiting {
    items: VecDeque<Item>,
    bytes: usize,
    dropped: u64,
}

/// The inbox of one source.
pub(super) struct Inbox {
    waiting: Mutex<Waiting>,
    shared: Arc<Shared>,
}

impl Inbox {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { waiting: Mutex::default(), shared }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds lines; drops the oldest when there are too many.
    pub(super) fn put(&self, pieces: impl IntoIterator<Item = Piece>) {
        let at = Utc::now();
        self.put_items(pieces.into_iter().map(|piece| Item::Raw { at, bytes: piece.bytes, cut: piece.cut }));
    }

    /// Adds a message about the source that is not a fault.
    pub(super) fn tell(&self, text: String) {
        self.put_items([Item::Message { at: Utc::now(), level: LogLevel::Info, text }]);
    }

    /// Adds a message about a fault of the source.
    pub(super) fn warn(&self, text: String) {
        self.put_items([Item::Message { at: Utc::now(), level: LogLevel::Warn, text }]);
    }

    fn put_items(&self, items: impl IntoIterator<Item = Item>) {
        let mut any = false;
        {
            let mut waiting = self.lock();
            for item in items {
                any = true;
                waiting.bytes += item.bytes();
                waiting.items.push_back(item);
                while waiting.items.len() > LINES || waiting.bytes > BYTES {
                    let Some(oldest) = waiting.items.pop_front() else { break };
                    waiting.bytes -= oldest.bytes();
                    waiting.dropped += 1;
                }
            }
        }
        if any {
            self.shared.tell();
        }
    }

    /// Takes at most `lines` lines and stops once they have `bytes` bytes; adds the number of dropped lines to
    /// `dropped`.
    pub(super) fn take(&self, lines: usize, bytes: usize, dropped: &mut u64) -> Vec<Item> {
        let mut waiting = self.lock();
        *dropped += std::mem::take(&mut waiting.dropped);
        let (mut out, mut taken) = (Vec::new(), 0);
        while out.len() < lines && taken < bytes {
            let Some(item) = waiting.items.pop_front() else { break };
            taken += item.bytes();
            out.push(item);
        }
        waiting.bytes -= taken;
        out
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lock().items.is_empty()
    }
}
