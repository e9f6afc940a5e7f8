//! The screen: cells in memory, one write per frame, nothing when nothing changed.
//!
//! A frame is drawn into a buffer, compared with the one before, and the difference handed to a thread that writes it.
//! There is room for one frame on its way: until it is out, no other is drawn, so a slow line sees fewer frames, each
//! whole, and never holds up the keys.

mod control;
mod encode;
mod writer;

use std::io::Write;
use std::sync::Arc;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::capability::{Capability, Depth};
use crate::domain::text;
pub(crate) use control::COPY_MAX;
pub use control::Notices;
use encode::Encoder;
use writer::{Frames, Shared};

/// Bytes of copies and notices that go with one frame at most.
const EXTRA_MAX: usize = COPY_MAX + 4 * 1024;

/// Columns of a window title at most.
const TITLE_MAX: usize = 120;

/// How frames are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScreenOptions {
    /// Wrap each frame in the marks of a synchronised update.
    pub synchronized: bool,
    /// Colours beyond this are left out or come as the nearest.
    pub depth: Depth,
    /// Whether characters beyond ASCII are sent; else each becomes `?`.
    pub unicode: bool,
    /// Whether [`Screen::set_title`] does anything.
    pub title: bool,
    /// Whether the terminal is tmux, which must be asked to hand a copy through.
    pub tmux: bool,
    /// How [`Screen::notify`] notifies.
    pub notices: Notices,
}

impl ScreenOptions {
    /// All on, as far as the terminal can.
    pub fn for_terminal(capability: Capability) -> Self {
        Self {
            synchronized: true,
            depth: capability.depth,
            unicode: capability.unicode,
            title: true,
            tmux: std::env::var_os("TMUX").is_some(),
            notices: Notices::of(|name| std::env::var(name).ok()),
        }
    }
}

/// What a call of [`Screen::draw`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DrawOutcome {
    /// A frame of this many bytes is on its way.
    Sent(usize),
    /// Nothing changed, nothing is sent.
    Unchanged,
    /// The frame before is still on its way; nothing was drawn. [`Screen::written`] resolves when it is time to try again.
    Busy,
    /// The terminal is gone.
    HungUp,
}

/// The terminal's cells and the way to them.
#[derive(Debug)]
pub struct Screen {
    options: ScreenOptions,
    shown: Buffer,
    next: Buffer,
    cursor: Option<(u16, u16)>,
    title: String,
    title_changed: bool,
    whole: bool,
    /// Control strings that go out with the next frame: a bell, a copy.
    extra: Vec<u8>,
    frames: Frames,
}

impl Screen {
    /// A screen of `size` (columns, rows; at least one each) over `out`, which a thread of its own writes to.
    ///
    /// `on_hang_up` is called once, from that thread, when a write fails.
    ///
    /// # Errors
    /// When the thread cannot be started.
    pub fn new<W, H>(size: (u16, u16), options: ScreenOptions, out: W, on_hang_up: H) -> std::io::Result<Self>
    where
        W: Write + Send + 'static,
        H: FnOnce() + Send + 'static,
    {
        Ok(Self {
            options,
            shown: blank(size),
            next: blank(size),
            cursor: None,
            title: String::new(),
            title_changed: false,
            whole: true,
            extra: Vec::new(),
            frames: Frames::start(out, on_hang_up)?,
        })
    }

    /// Columns and rows.
    pub fn size(&self) -> (u16, u16) {
        (self.shown.area.width, self.shown.area.height)
    }

    /// The terminal has a new size: the next frame is painted whole.
    pub fn resize(&mut self, width: u16, height: u16) {
        self.shown = blank((width, height));
        self.next = blank((width, height));
        self.whole = true;
    }

    /// What is on the terminal is not known any more (Ctrl-L, after a stop): the next frame is painted whole.
    pub fn invalidate(&mut self) {
        self.whole = true;
        self.title_changed = !self.title.is_empty();
    }

    /// Sets the window's title with the next frame. Control characters in it are dropped.
    pub fn set_title(&mut self, title: &str) {
        let title = text::clean(title, TITLE_MAX);
        if self.options.title && title != self.title {
            self.title = title;
            self.title_changed = true;
        }
    }

    /// Tells `text` with the next frame, by the bell and in the terminal's way. More than fit into a frame are dropped:
    /// a terminal that takes nothing must not make them pile up.
    pub fn notify(&mut self, text: &str) {
        let notice = control::notice(text, self.options.notices, self.options.tmux);
        if self.extra.len() + notice.len() <= EXTRA_MAX {
            self.extra.extend(notice);
        }
    }

    /// Puts `text` on the clipboard with the next frame (OSC 52); `false` when it is too long for terminals to take, or a
    /// copy is on its way already.
    pub fn copy(&mut self, text: &str) -> bool {
        let Some(copy) = control::copy(text, self.options.tmux) else { return false };
        let room = self.extra.len() + copy.len() <= EXTRA_MAX;
        if room {
            self.extra.extend(copy);
        }
        room
    }

    /// Whether the last frame has been written entirely.
    pub fn is_idle(&self) -> bool {
        self.frames.is_idle()
    }

    /// Whether a write failed: the terminal is gone.
    pub fn is_hung_up(&self) -> bool {
        self.frames.is_hung_up()
    }

    /// Resolves when a frame has been written (or the terminal was found gone) since the last time it resolved.
    /// Cancel safe. It borrows nothing, so that a loop may wait and draw.
    pub fn written(&self) -> impl Future<Output = ()> + Send + use<> {
        let shared: Arc<Shared> = self.frames.shared();
        async move { shared.written.notified().await }
    }

    /// Draws a frame: `paint` gets an empty buffer and returns where the cursor goes, `None` hiding it.
    ///
    /// Returns at once: writing is the thread's business. `paint` is not called when the screen is busy.
    pub fn draw(&mut self, paint: impl FnOnce(&mut Buffer) -> Option<(u16, u16)>) -> DrawOutcome {
        if self.frames.is_hung_up() {
            return DrawOutcome::HungUp;
        }
        if !self.frames.is_idle() {
            return DrawOutcome::Busy;
        }
        self.next.reset();
        let (width, height) = self.size();
        let cursor = paint(&mut self.next).map(|(x, y)| (x.min(width - 1), y.min(height - 1)));
        if self.whole {
            self.shown.reset();
        }
        let mut encoder = Encoder::new(self.options.depth, self.options.unicode);
        encoder.cells(self.shown.diff_iter(&self.next));
        if !self.whole && !self.title_changed && self.extra.is_empty() && encoder.is_empty() && cursor == self.cursor {
            return DrawOutcome::Unchanged;
        }
        let mut frame = self.wrap(&encoder.finish(), cursor);
        frame.append(&mut self.extra);
        std::mem::swap(&mut self.shown, &mut self.next);
        self.cursor = cursor;
        self.whole = false;
        self.title_changed = false;
        let bytes = frame.len();
        self.frames.send(frame);
        DrawOutcome::Sent(bytes)
    }

    fn wrap(&self, cells: &[u8], cursor: Option<(u16, u16)>) -> Vec<u8> {
        let mut frame = Vec::with_capacity(cells.len() + 64 + self.title.len());
        if self.options.synchronized {
            frame.extend_from_slice(b"\x1b[?2026h");
        }
        if self.title_changed {
            frame.extend_from_slice(b"\x1b]2;");
            frame.extend_from_slice(encode::printable(&self.title, self.options.unicode).as_bytes());
            frame.push(7);
        }
        if self.whole {
            frame.extend_from_slice(b"\x1b[0m\x1b[2J");
        }
        // A visible cursor would be seen running along with the cells where updates are not synchronised.
        if self.whole || (self.cursor.is_some() && (cursor.is_none() || !cells.is_empty())) {
            frame.extend_from_slice(b"\x1b[?25l");
        }
        frame.extend_from_slice(cells);
        if let Some((x, y)) = cursor {
            frame.extend_from_slice(format!("\x1b[{};{}H\x1b[?25h", y + 1, x + 1).as_bytes());
        }
        if self.options.synchronized {
            frame.extend_from_slice(b"\x1b[?2026l");
        }
        frame
    }
}

fn blank((width, height): (u16, u16)) -> Buffer {
    Buffer::empty(Rect::new(0, 0, width.max(1), height.max(1)))
}

#[cfg(test)]
mod tests;
