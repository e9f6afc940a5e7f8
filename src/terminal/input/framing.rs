//! Splits bytes from the terminal into keys, pastes and focus changes. Everything else is dropped as a whole.
//!
//! This replaces crossterm's parser (0.29), which has faults that are dangerous for a console whose capital letters
//! act:
//!
//! - in the middle of an unknown sequence it gives up, and the rest comes out as keys: an unrequested reply (`ESC [ ?
//!   99 $ y`, a colour report, a clipboard) ends in letters;
//! - a sequence that arrives in two parts comes out as Esc and letters (`ESC`, then `[ 1 ; 2 R`);
//! - a paste without an end mark is read for ever, and one longer than 1 024 bytes may get stuck;
//! - it reads for ever from a terminal that is gone.
//!
//! So the bytes are framed here first (ECMA-48: CSI, SS3, OSC, DCS, APC, PM, SOS; UTF-8; marked pastes). Only a
//! complete and known frame becomes an input (`decode`). Pure: the caller passes the time. All kept data is bounded,
//! and every state ends: by its final byte, by Esc, by a control key, or by a pause.

use std::time::Duration;

use super::decode::{self, Meaning};
use super::{Code, Input, Key};

/// For this time after Esc, or after the last part, further bytes count as the rest of a sequence.
pub(crate) const WINDOW: Duration = Duration::from_millis(600);

/// A marked paste without an end mark is over after this pause. It is longer than [`WINDOW`]: text that stalls on a
/// slow connection and then continues must not become keys.
pub(crate) const PASTE_WINDOW: Duration = Duration::from_secs(2);

/// The most bytes kept of one paste. The rest up to its end mark is dropped.
pub const PASTE_MAX: usize = 64 * 1024;

/// A lone Esc after this pause is a key press, not the start of a sequence.
const FINGER: Duration = Duration::from_millis(100);

/// The most parameter bytes that are kept. No known sequence has more.
const PARAMETERS_MAX: usize = 48;

const ESC: u8 = 0x1b;
const BEL: u8 = 0x07;
const PASTE_END: &[u8] = b"\x1b[201~";

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// Normal input.
    #[default]
    Ground,
    /// After ESC.
    Escape,
    /// After `ESC [`.
    Csi,
    /// After `ESC [ [`: a function key of the Linux console, one more byte.
    Console,
    /// After `ESC [ M`: an old mouse report. This many more bytes of any value follow.
    Click(u8),
    /// After `ESC O`.
    Ss3,
    /// In a string: a reply that nobody requested. BEL ends an OSC too, but no other string.
    Text { osc: bool },
    /// After ESC in a string.
    TextEscape,
    /// A string's introducer arrived alone after an Esc that arrived alone. It is a key press, unless more bytes
    /// follow at once.
    Doubt { osc: bool },
    /// In a character of this many bytes.
    Char { length: usize, alt: bool },
    /// In a marked paste; this much of its end mark has matched.
    Paste { matched: usize },
}

/// The parser.
#[derive(Debug, Default)]
pub struct Framer {
    state: State,
    /// Whether the ESC at the start was already passed on as a key. Then the rest must not act.
    told: bool,
    /// Parameters, or the bytes of a character.
    kept: Vec<u8>,
    paste: Vec<u8>,
    last: Duration,
}

impl Framer {
    /// The inputs in `bytes`, which arrived together at time `at` (any clock that does not go back).
    pub fn feed(&mut self, at: Duration, bytes: &[u8]) -> Vec<Input> {
        let mut out = Vec::new();
        let pause = at.saturating_sub(self.last);
        self.last = at;
        self.give_up_after(pause, &mut out);
        if bytes == [ESC] && pause >= FINGER {
            self.finger(&mut out);
        } else {
            for (i, &byte) in bytes.iter().enumerate() {
                self.byte(byte, i + 1 == bytes.len(), &mut out);
            }
        }
        if self.state == State::Escape && !self.told {
            // No more bytes: a key press, or the first part of a sequence. As a key, Esc only closes things.
            self.told = true;
            out.push(Input::Key(Key::new(Code::Esc)));
        }
        out
    }

    /// Drops an unfinished sequence after a long pause. Of an unfinished paste, the received part counts.
    fn give_up_after(&mut self, pause: Duration, out: &mut Vec<Input>) {
        match self.state {
            State::Paste { .. } if pause > PASTE_WINDOW => self.end_paste(out),
            State::Paste { .. } => {}
            State::Doubt { .. } if pause >= FINGER => self.state = State::Ground,
            _ if pause > WINDOW => self.state = State::Ground,
            _ => {}
        }
    }

    /// Lets Esc end an unfinished sequence, so that a person whose keys vanish can get out.
    fn finger(&mut self, out: &mut Vec<Input>) {
        if matches!(self.state, State::Paste { .. }) {
            self.end_paste(out);
        }
        self.escape();
    }

    fn escape(&mut self) {
        self.state = State::Escape;
        self.told = false;
        self.kept.clear();
    }

    fn byte(&mut self, byte: u8, last: bool, out: &mut Vec<Input>) {
        match self.state {
            State::Ground => self.ground(byte, out),
            State::Escape => self.after_escape(byte, last, out),
            State::Csi => self.csi(byte, out),
            State::Console => self.one_more(byte, |byte| Some(decode::console(byte)), out),
            State::Ss3 => match byte {
                b'0'..=b'9' | b';' => {}
                _ => self.one_more(byte, |byte| Some(decode::ss3(byte)), out),
            },
            State::Click(left) => match byte {
                0..=0x1f => self.broken_off(byte, out),
                _ => self.state = if left > 1 { State::Click(left - 1) } else { State::Ground },
            },
            State::Text { osc } => self.text(byte, osc, out),
            State::Doubt { osc } => {
                self.state = State::Text { osc };
                self.text(byte, osc, out);
            }
            State::TextEscape => {
                if byte == b'\\' {
                    self.state = State::Ground;
                } else {
                    self.escape();
                    self.after_escape(byte, last, out);
                }
            }
            State::Char { length, alt } => self.char(byte, length, alt, out),
            State::Paste { matched } => self.paste(byte, matched, out),
        }
    }

    fn ground(&mut self, byte: u8, out: &mut Vec<Input>) {
        match byte {
            ESC => self.escape(),
            0..=0x7f => out.push(Input::Key(decode::ascii(byte))),
            _ => self.first_of_char(byte, false),
        }
    }

    fn first_of_char(&mut self, byte: u8, alt: bool) {
        let length = match byte {
            0xc2..=0xdf => 2,
            0xe0..=0xef => 3,
            0xf0..=0xf4 => 4,
            // No character starts with this byte. It may be the 8-bit form of a sequence's start; anything else is
            // noise.
            _ => return self.open_eight_bit(u32::from(byte)),
        };
        self.kept.clear();
        self.kept.push(byte);
        self.state = State::Char { length, alt };
    }

    fn open_eight_bit(&mut self, c1: u32) {
        self.told = false;
        self.kept.clear();
        self.state = match c1 {
            0x9b => State::Csi,
            0x8f => State::Ss3,
            0x9d => State::Text { osc: true },
            0x90 | 0x98 | 0x9e | 0x9f => State::Text { osc: false },
            _ => State::Ground,
        };
    }

    fn char(&mut self, byte: u8, length: usize, alt: bool, out: &mut Vec<Input>) {
        if !(0x80..=0xbf).contains(&byte) {
            return self.broken_off(byte, out);
        }
        self.kept.push(byte);
        if self.kept.len() < length {
            return;
        }
        self.state = State::Ground;
        match std::str::from_utf8(&self.kept).ok().and_then(|text| text.chars().next()) {
            Some(c) if c.is_control() => self.open_eight_bit(u32::from(c)),
            Some(c) => out.push(Input::Key(decode::with_alt(Key::char(c), alt))),
            None => {}
        }
    }

    fn after_escape(&mut self, byte: u8, last: bool, out: &mut Vec<Input>) {
        match byte {
            b'[' => self.state = State::Csi,
            b'O' => self.state = State::Ss3,
            b']' | b'P' | b'X' | b'^' | b'_' => {
                let osc = byte == b']';
                if self.told && last {
                    out.push(Input::Key(decode::ascii(byte)));
                    self.state = State::Doubt { osc };
                } else {
                    self.state = State::Text { osc };
                }
            }
            // The end of a string whose start was dropped.
            b'\\' if self.told => self.state = State::Ground,
            ESC => {
                if !self.told {
                    out.push(Input::Key(Key::new(Code::Esc)));
                }
                self.escape();
            }
            _ if self.told => self.broken_off(byte, out),
            0x80.. => {
                self.state = State::Ground;
                self.first_of_char(byte, true);
            }
            // Alt and a character send the same bytes as Esc and then the character, typed fast or delivered together
            // by a slow connection. No key with Alt does anything here, but `Esc R y` must work.
            b' '..=b'~' => {
                out.push(Input::Key(Key::new(Code::Esc)));
                self.broken_off(byte, out);
            }
            _ => {
                self.state = State::Ground;
                out.push(Input::Key(decode::with_alt(decode::ascii(byte), true)));
            }
        }
    }

    fn csi(&mut self, byte: u8, out: &mut Vec<Input>) {
        match byte {
            b' '..=b'?' => {
                if self.kept.len() <= PARAMETERS_MAX {
                    self.kept.push(byte);
                }
            }
            b'[' if self.kept.is_empty() => self.state = State::Console,
            b'M' if self.kept.is_empty() => self.state = State::Click(3),
            b'@'..=b'~' => {
                self.state = State::Ground;
                let whole = self.kept.len() <= PARAMETERS_MAX;
                let meaning = if whole { decode::csi(&self.kept, byte) } else { Meaning::Nothing };
                self.mean(meaning, out);
            }
            _ => self.broken_off(byte, out),
        }
    }

    /// Handles the final byte of a sequence that has only one, or the byte that aborts it.
    fn one_more(&mut self, byte: u8, meaning: impl FnOnce(u8) -> Option<Meaning>, out: &mut Vec<Input>) {
        if !(b' '..=b'~').contains(&byte) {
            return self.broken_off(byte, out);
        }
        self.state = State::Ground;
        if let Some(meaning) = meaning(byte) {
            self.mean(meaning, out);
        }
    }

    fn mean(&mut self, meaning: Meaning, out: &mut Vec<Input>) {
        match meaning {
            // Its first part was passed on as Esc: the sequence came in two parts, and the person already saw
            // something close.
            Meaning::Is(Input::Key(_)) if self.told => {}
            Meaning::Is(input) => out.push(input),
            Meaning::PasteBegins => {
                self.paste.clear();
                self.state = State::Paste { matched: 0 };
            }
            Meaning::Nothing => {}
        }
    }

    /// No sequence continues with this byte: the bytes so far stay dropped, and this byte is handled alone.
    fn broken_off(&mut self, byte: u8, out: &mut Vec<Input>) {
        self.state = State::Ground;
        self.ground(byte, out);
    }

    fn text(&mut self, byte: u8, osc: bool, out: &mut Vec<Input>) {
        match byte {
            ESC => self.state = State::TextEscape,
            BEL if osc => self.state = State::Ground,
            // Ctrl-C, CAN and SUB end a string.
            0x03 => self.broken_off(byte, out),
            0x18 | 0x1a => self.state = State::Ground,
            _ => {}
        }
    }

    fn paste(&mut self, byte: u8, matched: usize, out: &mut Vec<Input>) {
        if PASTE_END.get(matched) == Some(&byte) {
            if matched + 1 == PASTE_END.len() {
                return self.end_paste(out);
            }
            self.state = State::Paste { matched: matched + 1 };
            return;
        }
        self.keep_pasted(&PASTE_END[..matched]);
        let again = usize::from(byte == ESC);
        if again == 0 {
            self.keep_pasted(&[byte]);
        }
        self.state = State::Paste { matched: again };
    }

    fn keep_pasted(&mut self, bytes: &[u8]) {
        let room = PASTE_MAX - self.paste.len().min(PASTE_MAX);
        self.paste.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    fn end_paste(&mut self, out: &mut Vec<Input>) {
        self.state = State::Ground;
        let paste = std::mem::take(&mut self.paste);
        out.push(Input::Paste(String::from_utf8_lossy(&paste).into_owned()));
    }
}
