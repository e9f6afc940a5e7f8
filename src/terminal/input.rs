//! Keys, pastes, focus and size from the terminal, made safe to act on.
//!
//! A thread of its own reads, since reading blocks; what comes out goes through two pure filters ([`split`] and
//! [`burst`]) into a bounded channel. A full channel stops the reading: the terminal's own queue then holds the rest.

pub mod burst;
pub mod split;

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use crossterm::event::{self, Event, KeyEventKind, KeyModifiers};
use rustix::termios::{QueueSelector, tcflush};
use tokio::sync::mpsc;

use super::watchdog::{self, Ready};

/// Inputs that wait at most; a person types ten a second.
pub const QUEUE: usize = 256;

/// Events taken together before they are passed on.
const BATCH: usize = 256;

/// Patience with crossterm when bytes are there but no event came out of them.
const STUCK: Duration = Duration::from_millis(20);

/// One thing the person or the terminal did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// A key went down or repeats; releases are never passed on.
    Key(Key),
    /// Text pasted into a terminal that marks pastes. Raw: it may hold anything.
    Paste(String),
    /// Keys came faster than fingers move, from a terminal that does not mark pastes. They were dropped.
    LooksLikePaste,
    /// The terminal's window got the focus.
    FocusGained,
    /// The terminal's window lost the focus.
    FocusLost,
    /// The terminal has this many columns and rows now.
    Resize(u16, u16),
    /// The terminal is gone. Told at least once, and the last there is.
    HangUp,
}

/// A key as pressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    /// Which.
    pub code: KeyCode,
    /// What was held with it.
    pub mods: Mods,
    /// Pressed or repeating.
    pub kind: KeyKind,
}

impl Key {
    /// A press of `code` with nothing held.
    pub const fn press(code: KeyCode) -> Self {
        Self { code, mods: Mods { ctrl: false, alt: false, shift: false }, kind: KeyKind::Press }
    }

    /// A press of the character `c`.
    pub const fn char(c: char) -> Self {
        Self::press(KeyCode::Char(c))
    }

    /// Ctrl and the character `c`.
    pub const fn ctrl(c: char) -> Self {
        Self { mods: Mods { ctrl: true, alt: false, shift: false }, ..Self::char(c) }
    }
}

/// The keys a terminal can tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyCode {
    /// A character; Shift is in the character itself, not in the modifiers.
    Char(char),
    /// Return.
    Enter,
    /// Escape.
    Esc,
    /// Tab.
    Tab,
    /// Shift and Tab.
    BackTab,
    /// Backspace.
    Backspace,
    /// Delete.
    Delete,
    /// Insert.
    Insert,
    /// Home.
    Home,
    /// End.
    End,
    /// Page up.
    PageUp,
    /// Page down.
    PageDown,
    /// Arrow up.
    Up,
    /// Arrow down.
    Down,
    /// Arrow left.
    Left,
    /// Arrow right.
    Right,
    /// A function key by its number.
    F(u8),
}

/// Modifiers held with a key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Mods {
    /// Ctrl.
    pub ctrl: bool,
    /// Alt or Meta.
    pub alt: bool,
    /// Shift, for keys that are no characters.
    pub shift: bool,
}

impl Mods {
    /// Whether nothing is held.
    pub const fn none(self) -> bool {
        !self.ctrl && !self.alt && !self.shift
    }
}

/// How a key came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyKind {
    /// It went down.
    Press,
    /// It is held and repeats; good for movement, never for an act.
    Repeat,
}

/// The event in our words; `None` for what the console never acts on: releases, the mouse, media and lock keys, and
/// sizes, which come by signal.
pub fn translate(event: Event) -> Option<Input> {
    match event {
        Event::Key(key) => key_of(key).map(Input::Key),
        Event::Paste(text) => Some(Input::Paste(text)),
        Event::FocusGained => Some(Input::FocusGained),
        Event::FocusLost => Some(Input::FocusLost),
        Event::Mouse(_) | Event::Resize(..) => None,
    }
}

fn key_of(key: event::KeyEvent) -> Option<Key> {
    use event::KeyCode as C;
    let kind = match key.kind {
        KeyEventKind::Press => KeyKind::Press,
        KeyEventKind::Repeat => KeyKind::Repeat,
        KeyEventKind::Release => return None,
    };
    if key.modifiers.intersects(KeyModifiers::SUPER | KeyModifiers::HYPER) {
        return None;
    }
    let code = match key.code {
        C::Char(c) => KeyCode::Char(c),
        C::Enter => KeyCode::Enter,
        C::Esc => KeyCode::Esc,
        C::Tab => KeyCode::Tab,
        C::BackTab => KeyCode::BackTab,
        C::Backspace => KeyCode::Backspace,
        C::Delete => KeyCode::Delete,
        C::Insert => KeyCode::Insert,
        C::Home => KeyCode::Home,
        C::End => KeyCode::End,
        C::PageUp => KeyCode::PageUp,
        C::PageDown => KeyCode::PageDown,
        C::Up => KeyCode::Up,
        C::Down => KeyCode::Down,
        C::Left => KeyCode::Left,
        C::Right => KeyCode::Right,
        C::F(n) => KeyCode::F(n),
        _ => return None,
    };
    let mods = Mods {
        ctrl: key.modifiers.contains(KeyModifiers::CONTROL),
        alt: key.modifiers.intersects(KeyModifiers::ALT | KeyModifiers::META),
        shift: key.modifiers.contains(KeyModifiers::SHIFT) && !matches!(code, KeyCode::Char(_) | KeyCode::BackTab),
    };
    Some(Key { code, mods, kind })
}

/// Both filters, in the order the bytes need: first what is no key at all, then what no finger typed.
#[derive(Debug, Default)]
pub struct Filters {
    split: split::SplitEscape,
    burst: burst::Burst,
}

impl Filters {
    /// What is left of `batch`, inputs that came together at time `at` (since any fixed moment).
    pub fn apply(&mut self, at: Duration, batch: Vec<Input>) -> Vec<Input> {
        let whole = batch.into_iter().filter_map(|input| self.split.feed(at, input)).collect();
        self.burst.feed(at, whole)
    }
}

/// Starts the reading thread on the terminal behind `tty` (the process's stdin).
///
/// # Errors
/// When the thread cannot be started.
pub fn start(tty: OwnedFd, to: mpsc::Sender<Input>) -> io::Result<()> {
    std::thread::Builder::new().name("tty-input".into()).spawn(move || {
        read_until_gone(&tty, &to);
        // The receiver may be gone before the terminal is.
        let _ = to.blocking_send(Input::HangUp);
    })?;
    Ok(())
}

fn read_until_gone(tty: &OwnedFd, to: &mpsc::Sender<Input>) {
    let start = Instant::now();
    let mut filters = Filters::default();
    let mut full = false;
    // crossterm is asked only when there is something to read: its own wait would spin on a vanished terminal. What it has
    // read and a full batch had no room for shows on no descriptor, so after one it is asked again at once.
    while full || watchdog::wait_readable(tty.as_fd()) == Ready::Readable {
        let Ok((mut batch, read)) = read_batch() else { return };
        full = read == BATCH;
        if read == 0 && watchdog::is_readable(tty.as_fd()) {
            // Bytes are there and crossterm does not see them: its edge-triggered wait told of them once, and it stopped
            // after 1 024. So many in one go are a paste without marks; the rest is dropped unread.
            if tcflush(tty, QueueSelector::IFlush).is_err() {
                return;
            }
            batch.push(Input::LooksLikePaste);
        }
        for input in filters.apply(start.elapsed(), batch) {
            if to.blocking_send(input).is_err() {
                return;
            }
        }
    }
}

/// The events that are there, at most [`BATCH`], and how many were read for them.
fn read_batch() -> io::Result<(Vec<Input>, usize)> {
    let mut batch = Vec::new();
    let mut read = 0;
    while read < BATCH && event::poll(if read == 0 { STUCK } else { Duration::ZERO })? {
        read += 1;
        batch.extend(translate(event::read()?));
    }
    Ok((batch, read))
}

#[cfg(test)]
mod tests {
    use crossterm::event::{KeyCode as C, KeyEvent};

    use super::*;

    fn event(code: C, modifiers: KeyModifiers, kind: KeyEventKind) -> Event {
        Event::Key(KeyEvent::new_with_kind(code, modifiers, kind))
    }

    #[test]
    fn t09_a_release_is_nothing_and_a_repeat_says_so() {
        assert_eq!(translate(event(C::Char('R'), KeyModifiers::SHIFT, KeyEventKind::Release)), None);
        let repeat = translate(event(C::Char('j'), KeyModifiers::NONE, KeyEventKind::Repeat));
        assert_eq!(repeat, Some(Input::Key(Key { kind: KeyKind::Repeat, ..Key::char('j') })));
    }

    #[test]
    fn a_capital_carries_its_shift_itself() {
        for modifiers in [KeyModifiers::SHIFT, KeyModifiers::NONE] {
            let input = translate(event(C::Char('R'), modifiers, KeyEventKind::Press));
            assert_eq!(input, Some(Input::Key(Key::char('R'))));
        }
        let input = translate(event(C::Char('c'), KeyModifiers::CONTROL, KeyEventKind::Press));
        assert_eq!(input, Some(Input::Key(Key::ctrl('c'))));
    }

    #[test]
    fn what_the_console_has_no_use_for_is_dropped() {
        assert_eq!(translate(event(C::CapsLock, KeyModifiers::NONE, KeyEventKind::Press)), None);
        assert_eq!(translate(event(C::Char('y'), KeyModifiers::SUPER, KeyEventKind::Press)), None);
        assert_eq!(translate(Event::Resize(1, 1)), None, "sizes come by signal");
    }

    #[test]
    fn both_filters_work_together() {
        let mut filters = Filters::default();
        let keys = |text: &str| text.chars().map(|c| Input::Key(Key::char(c))).collect::<Vec<_>>();
        let at = Duration::from_millis;
        assert_eq!(filters.apply(at(0), vec![Input::Key(Key::press(KeyCode::Esc))]).len(), 1);
        assert_eq!(filters.apply(at(100), keys("[1;2R")), []);
        assert_eq!(filters.apply(at(900), keys("Ry")), keys("Ry"));
        assert_eq!(filters.apply(at(2000), keys("hello world")), [Input::LooksLikePaste]);
    }
}
