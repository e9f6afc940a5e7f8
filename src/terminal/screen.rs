//! The screen: cells in memory, one write per frame, and no write when nothing changed.
//!
//! A frame is drawn into a buffer and compared with the previous one. The difference goes to a thread that writes it.
//! Only one frame may be in flight; until it is written, no other is drawn. So a slow connection gets fewer frames,
//! each complete, and never delays the keys.

mod control;
mod encode;

use std::io::Write;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::capability::{Capability, Depth};
use super::writer_thread::WriterThread;
use crate::domain::text;
pub(crate) use control::COPY_MAX;
pub use control::Notices;
use encode::Encoder;

/// The most bytes of copies and notices in one frame.
const EXTRA_MAX: usize = COPY_MAX + 4 * 1024;

/// The longest window title, in columns.
const TITLE_MAX: usize = 120;

/// How frames are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScreenOptions {
    /// Wrap each frame in the marks of a synchronized update.
    pub synchronized: bool,
    /// The colours to send. Others are left out or replaced by the nearest.
    pub depth: Depth,
    /// Whether characters beyond ASCII are sent; otherwise each becomes `?`.
    pub unicode: bool,
    /// Whether [`Screen::set_title`] has an effect.
    pub title: bool,
    /// Whether the terminal is tmux, which needs an extra sequence to pass a copy on.
    pub tmux: bool,
    /// How [`Screen::notify`] works.
    pub notices: Notices,
}

impl ScreenOptions {
    /// Everything on, as far as the terminal supports it.
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

/// The result of [`Screen::draw`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DrawOutcome {
    /// A frame of this many bytes is in flight.
    Sent(usize),
    /// Nothing changed, so nothing is sent.
    Unchanged,
    /// The previous frame is still in flight, so nothing was drawn. [`Screen::written`] resolves when it is time to
    /// try again.
    Busy,
    /// The terminal is gone.
    HungUp,
}

/// The terminal's cells, and the thread that writes them.
#[derive(Debug)]
pub struct Screen {
    options: ScreenOptions,
    shown: Buffer,
    next: Buffer,
    cursor: Option<(u16, u16)>,
    title: String,
    title_changed: bool,
    whole: bool,
    /// Control strings for the next frame: a bell, a copy.
    extra: Vec<u8>,
    frames: WriterThread,
}

impl Screen {
    /// A screen of `size` (columns, rows; at least one each) that its own thread writes to `out`.
    ///
    /// That thread calls `on_hang_up` once, when a write fails.
    ///
    /// # Errors
    /// The thread cannot be started.
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
            frames: WriterThread::start("tty-writer", out, on_hang_up)?,
        })
    }

    /// Columns and rows.
    pub fn size(&self) -> (u16, u16) {
        (self.shown.area.width, self.shown.area.height)
    }

    /// Sets a new size. The next frame is painted completely.
    pub fn resize(&mut self, width: u16, height: u16) {
        self.shown = blank((width, height));
        self.next = blank((width, height));
        self.whole = true;
    }

    /// The content of the terminal is unknown (Ctrl-L, after a stop): the next frame is painted completely.
    pub fn invalidate(&mut self) {
        self.whole = true;
        self.title_changed = !self.title.is_empty();
    }

    /// Sets the window's title with the next frame. Control characters are dropped.
    pub fn set_title(&mut self, title: &str) {
        let title = text::clean(title, TITLE_MAX);
        if self.options.title && title != self.title {
            self.title = title;
            self.title_changed = true;
        }
    }

    /// Sends a notice with the next frame: the bell, and the terminal's own form. More than fits into a frame is
    /// dropped, so that notices do not pile up for a stuck terminal.
    pub fn notify(&mut self, text: &str) {
        let notice = control::notice(text, self.options.notices, self.options.tmux);
        if self.extra.len() + notice.len() <= EXTRA_MAX {
            self.extra.extend(notice);
        }
    }

    /// Copies `text` to the clipboard with the next frame (OSC 52). `false` if it is too long for terminals, or if
    /// another copy is waiting.
    pub fn copy(&mut self, text: &str) -> bool {
        let Some(copy) = control::copy(text, self.options.tmux) else { return false };
        let room = self.extra.len() + copy.len() <= EXTRA_MAX;
        if room {
            self.extra.extend(copy);
        }
        room
    }

    /// Whether the last frame was written completely.
    pub fn is_idle(&self) -> bool {
        self.frames.is_idle()
    }

    /// Whether a write failed: the terminal is gone.
    pub fn is_hung_up(&self) -> bool {
        self.frames.has_failed()
    }

    /// Resolves when a frame was written (or the terminal is gone) since the last time it resolved. Cancel-safe. It
    /// borrows nothing, so that a loop can wait and draw.
    pub fn written(&self) -> impl Future<Output = ()> + Send + use<> {
        self.frames.written()
    }

    /// Draws a frame. `paint` gets an empty buffer and returns the position of the cursor; `None` hides it.
    ///
    /// Returns at once: the thread does the writing. `paint` is not called when the screen is busy.
    pub fn draw(&mut self, paint: impl FnOnce(&mut Buffer) -> Option<(u16, u16)>) -> DrawOutcome {
        if self.frames.has_failed() {
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
        self.frames.write(frame);
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
        // Without synchronized updates a visible cursor would be seen moving over the changed cells.
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
