//! The thread that writes frames: one at a time, each as a whole.

use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// The state that the screen and its thread share.
#[derive(Debug, Default)]
pub(super) struct Shared {
    slot: Mutex<Slot>,
    work: Condvar,
    /// One permit for written frames; at most one waits.
    pub(super) written: Notify,
}

#[derive(Debug, Default)]
struct Slot {
    frame: Option<Vec<u8>>,
    writing: bool,
    hung_up: bool,
    ended: bool,
}

impl Shared {
    fn slot(&self) -> MutexGuard<'_, Slot> {
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next frame; `None` when the screen is gone.
    fn take(&self) -> Option<Vec<u8>> {
        let mut slot = self.slot();
        loop {
            if let Some(frame) = slot.frame.take() {
                slot.writing = true;
                return Some(frame);
            }
            if slot.ended {
                return None;
            }
            slot = self.work.wait(slot).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn done(&self, hung_up: bool) {
        {
            let mut slot = self.slot();
            slot.writing = false;
            slot.hung_up |= hung_up;
        }
        self.written.notify_one();
    }
}

/// The screen's end of the slot.
#[derive(Debug)]
pub(super) struct Frames {
    shared: Arc<Shared>,
}

impl Frames {
    pub(super) fn start<W, H>(mut out: W, on_hang_up: H) -> io::Result<Self>
    where
        W: Write + Send + 'static,
        H: FnOnce() + Send + 'static,
    {
        let shared = Arc::new(Shared::default());
        let theirs = Arc::clone(&shared);
        std::thread::Builder::new().name("tty-writer".into()).spawn(move || {
            while let Some(frame) = theirs.take() {
                let gone = out.write_all(&frame).and_then(|()| out.flush()).is_err();
                theirs.done(gone);
                if gone {
                    on_hang_up();
                    return;
                }
            }
        })?;
        Ok(Self { shared })
    }

    pub(super) fn shared(&self) -> Arc<Shared> {
        Arc::clone(&self.shared)
    }

    pub(super) fn is_idle(&self) -> bool {
        let slot = self.shared.slot();
        slot.frame.is_none() && !slot.writing
    }

    pub(super) fn is_hung_up(&self) -> bool {
        self.shared.slot().hung_up
    }

    /// Puts a frame into the slot. Only the caller fills the slot, and it has checked that the slot is empty.
    pub(super) fn send(&self, frame: Vec<u8>) {
        self.shared.slot().frame = Some(frame);
        self.shared.work.notify_one();
    }
}

impl Drop for Frames {
    fn drop(&mut self) {
        self.shared.slot().ended = true;
        self.shared.work.notify_one();
    }
}
