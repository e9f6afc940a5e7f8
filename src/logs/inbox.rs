//! Lines of a source that were not fetched yet: bounded, the newest are kept.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use tokio::sync::Notify;

use super::split::Piece;
use crate::domain::LogLevel;

/// Lines that wait at most, of one source.
pub(super) const LINES: usize = 5_000;
/// Text that waits at most, of one source, in bytes.
pub(super) const BYTES: usize = 1 << 20;

/// One thing to be shown.
pub(super) enum Item {
    /// A line as it came.
    Raw {
        at: DateTime<Utc>,
        bytes: Vec<u8>,
        /// How many bytes of it are not in `bytes`.
        cut: u64,
    },
    /// What the follower itself has to say.
    Told { at: DateTime<Utc>, level: LogLevel, text: String },
}

impl Item {
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Raw { bytes, .. } => bytes.len(),
            Self::Told { text, .. } => text.len(),
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

    /// Takes lines in; the oldest go where there are too many.
    pub(super) fn put(&self, pieces: impl IntoIterator<Item = Piece>) {
        let at = Utc::now();
        self.put_items(pieces.into_iter().map(|piece| Item::Raw { at, bytes: piece.bytes, cut: piece.cut }));
    }

    /// Reports news about the source that are no fault.
    pub(super) fn tell(&self, text: String) {
        self.put_items([Item::Told { at: Utc::now(), level: LogLevel::Info, text }]);
    }

    /// Reports a fault of the source.
    pub(super) fn warn(&self, text: String) {
        self.put_items([Item::Told { at: Utc::now(), level: LogLevel::Warn, text }]);
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

    /// At most `lines`, and no more once they are `bytes` long; adds what was dropped to `dropped`.
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
