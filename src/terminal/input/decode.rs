//! Decodes a whole sequence.
//!
//! Known are the keys of xterm and similar terminals (VT220, rxvt, the Linux console), the kitty keyboard protocol
//! and xterm's `modifyOtherKeys`. Everything else is ignored, also mouse reports and replies of the terminal.

use super::{Code, Input, Key};

/// The meaning of a sequence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// An input.
    Is(Input),
    /// The start mark of a paste.
    PasteBegins,
    /// Unknown or unused.
    Nothing,
}

/// A byte below 0x80 that is not ESC.
pub(super) fn ascii(byte: u8) -> Key {
    match byte {
        b'\r' => Key::new(Code::Enter),
        b'\t' => Key::new(Code::Tab),
        0x7f => Key::new(Code::Backspace),
        0 => Key::ctrl(' '),
        1..=0x1a => Key::ctrl(char::from(byte - 1 + b'a')),
        0x1b..=0x1f => Key::ctrl(char::from(byte - 0x1c + b'4')),
        _ => Key::char(char::from(byte)),
    }
}

/// The key, with Alt if `alt`.
pub(super) fn with_alt(key: Key, alt: bool) -> Key {
    Key { alt: key.alt || alt, ..key }
}

/// `ESC O final`.
pub(super) fn ss3(last: u8) -> Meaning {
    let code = match last {
        b'M' => Some(Code::Enter),
        _ => cursor(last),
    };
    code.map_or(Meaning::Nothing, |code| Meaning::Is(Input::Key(Key::new(code))))
}

/// `ESC [ [ final`: F1 to F5 of the Linux console.
pub(super) fn console(last: u8) -> Meaning {
    match last {
        b'A'..=b'E' => Meaning::Is(Input::Key(Key::new(Code::Other))),
        _ => Meaning::Nothing,
    }
}

/// `ESC [ parameters final`.
pub(super) fn csi(parameters: &[u8], last: u8) -> Meaning {
    match (parameters, last) {
        (b"200", b'~') => Meaning::PasteBegins,
        (b"", b'I') => Meaning::Is(Input::FocusGained),
        (b"", b'O') => Meaning::Is(Input::FocusLost),
        _ => key(parameters, last).map_or(Meaning::Nothing, |key| Meaning::Is(Input::Key(key))),
    }
}

/// Numbers, each with its parts after `:`; `None` if there is anything else, as in private sequences.
fn numbers(parameters: &[u8]) -> Option<Vec<[u32; 2]>> {
    let text = std::str::from_utf8(parameters).ok()?;
    let number = |text: &str| if text.is_empty() { Some(0) } else { text.parse().ok() };
    text.split(';')
        .map(|field| {
            let mut parts = field.split(':');
            let first = number(parts.next()?)?;
            Some([first, parts.next().map_or(Some(0), number)?])
        })
        .collect()
}

fn key(parameters: &[u8], last: u8) -> Option<Key> {
    let numbers = numbers(parameters)?;
    let at = |i: usize| numbers.get(i).copied().unwrap_or_default();
    let [first, _] = at(0);
    let (code, held) = match last {
        b'Z' if parameters.is_empty() => return Some(Key::new(Code::BackTab)),
        b'u' => (of_codepoint(first)?, at(1)),
        b'~' if first == 27 => (of_codepoint(at(2)[0])?, at(1)),
        b'~' => (numbered(first)?, at(1)),
        _ if first <= 1 => (cursor(last)?, at(1)),
        _ => return None,
    };
    modified(code, held)
}

/// The key with the modifiers and the kind in `[modifiers + 1, kind]`. `None` for a release, and with modifiers that
/// terminal programs do not use (Super, Hyper).
fn modified(code: Code, [modifiers, kind]: [u32; 2]) -> Option<Key> {
    let bits = modifiers.saturating_sub(1);
    if bits & (8 | 16) != 0 {
        return None;
    }
    let repeat = match kind {
        0 | 1 => false,
        2 => true,
        _ => return None,
    };
    let shift = bits & 1 != 0;
    let code = match code {
        // Shift is part of the character.
        Code::Char(c) if shift => Code::Char(c.to_uppercase().next().unwrap_or(c)),
        Code::Tab if shift => Code::BackTab,
        other => other,
    };
    Some(Key { code, ctrl: bits & 4 != 0, alt: bits & (2 | 32) != 0, repeat })
}

/// The key of a number in kitty's and xterm's encoding, if it has a character.
fn of_codepoint(n: u32) -> Option<Code> {
    Some(match n {
        9 => Code::Tab,
        13 => Code::Enter,
        27 => Code::Esc,
        8 | 127 => Code::Backspace,
        // Kitty's numbers for keys without a character: locks, media, the keypad, modifiers alone.
        0xe000..=0xf8ff => return None,
        _ => Code::Char(char::from_u32(n).filter(|c| !c.is_control())?),
    })
}

/// The final byte of a cursor or function key.
fn cursor(last: u8) -> Option<Code> {
    Some(match last {
        b'A' => Code::Up,
        b'B' => Code::Down,
        b'C' => Code::Right,
        b'D' => Code::Left,
        b'F' => Code::End,
        b'H' => Code::Home,
        b'P'..=b'S' => Code::Other,
        _ => return None,
    })
}

/// `ESC [ n ~`.
fn numbered(n: u32) -> Option<Code> {
    Some(match n {
        1 | 7 => Code::Home,
        3 => Code::Delete,
        4 | 8 => Code::End,
        5 => Code::PageUp,
        6 => Code::PageDown,
        2 | 11..=15 | 17..=21 | 23..=26 | 28..=29 | 31..=34 => Code::Other,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key_of(parameters: &str, last: char) -> Option<Key> {
        match csi(parameters.as_bytes(), last as u8) {
            Meaning::Is(Input::Key(key)) => Some(key),
            _ => None,
        }
    }

    #[test]
    fn t09_a_release_is_nothing_and_a_repeat_says_so() {
        let press = Key::char('j');
        assert_eq!(key_of("106;1:1", 'u'), Some(press));
        assert_eq!(key_of("106;1:2", 'u'), Some(Key { repeat: true, ..press }));
        assert_eq!(key_of("106;1:3", 'u'), None);
        assert_eq!(key_of("82;2:3", 'u'), None);
        assert_eq!(key_of("1;1:3", 'B'), None, "cursor keys too");
    }

    #[test]
    fn keys_of_every_tradition() {
        for (parameters, last, want) in [
            ("", 'A', Some(Key::new(Code::Up))),
            ("1", 'F', Some(Key::new(Code::End))),
            ("1;2", 'B', Some(Key::new(Code::Down))),
            ("1;2", 'R', Some(Key::new(Code::Other))),
            ("3", '~', Some(Key::new(Code::Delete))),
            ("24", '~', Some(Key::new(Code::Other))),
            ("15;2", '~', Some(Key::new(Code::Other))),
            ("", 'Z', Some(Key::new(Code::BackTab))),
            ("99;5", 'u', Some(Key::ctrl('c'))),
            ("27", 'u', Some(Key::new(Code::Esc))),
            ("114;2", 'u', Some(Key::char('R'))),
            ("9;2", 'u', Some(Key::new(Code::BackTab))),
            ("27;5;99", '~', Some(Key::ctrl('c'))),
            ("121;9", 'u', None),
            ("57358", 'u', None),
            ("12;40", 'R', None),
            ("?1;2", 'c', None),
            ("<0;1;1", 'M', None),
            ("99999999999", 'u', None),
            ("1;;;", 'q', None),
        ] {
            assert_eq!(key_of(parameters, last), want, "ESC [ {parameters} {last}");
        }
        assert_eq!(ss3(b'R'), Meaning::Is(Input::Key(Key::new(Code::Other))));
        assert_eq!(ss3(b'y'), Meaning::Nothing);
        assert_eq!(console(b'A'), Meaning::Is(Input::Key(Key::new(Code::Other))));
    }

    #[test]
    fn every_plain_byte_is_a_key() {
        assert_eq!(ascii(b'R'), Key::char('R'));
        assert_eq!(ascii(3), Key::ctrl('c'));
        assert_eq!(ascii(b'\r'), Key::new(Code::Enter));
        assert_eq!(ascii(b'\n'), Key::ctrl('j'));
        assert_eq!(ascii(0x1c), Key::ctrl('4'));
        for byte in (0..0x80).filter(|&byte| byte != 0x1b) {
            ascii(byte);
        }
    }
}
