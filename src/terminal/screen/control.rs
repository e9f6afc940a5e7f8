//! Control strings sent with a frame: a copy, a notice. No query is ever sent, so the clipboard is never read and no
//! reply can arrive as keys.

use base64::prelude::{BASE64_STANDARD, Engine as _};

use crate::domain::text;

/// The longest encoded copy, in bytes: the smallest limit of the common terminals (k9s uses the same).
pub(crate) const COPY_MAX: usize = 74_994;

/// The longest notice, in columns.
const NOTICE_MAX: usize = 160;

const BEL: u8 = 7;

/// How a terminal shows a notice, besides the bell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Notices {
    /// No notices and no bell.
    Off,
    /// Only the bell.
    #[default]
    Bell,
    /// `OSC 9`, as in iTerm2.
    Osc9,
    /// `OSC 777`, as in rxvt-unicode.
    Osc777,
}

impl Notices {
    /// The terminal's form, by its environment variables. An unknown terminal gets the bell.
    ///
    /// Inside tmux `TERM` and `TERM_PROGRAM` name tmux. The outer terminal shows only in variables that tmux does not
    /// change.
    pub fn of(get: impl Fn(&str) -> Option<String>) -> Self {
        let is = |name: &str, prefixes: &[&str]| {
            get(name).is_some_and(|value| prefixes.iter().any(|prefix| value.starts_with(prefix)))
        };
        let there = |name: &str| get(name).is_some_and(|value| !value.is_empty());
        if is("TERM_PROGRAM", &["iTerm", "WezTerm", "ghostty", "WarpTerminal"])
            || is("LC_TERMINAL", &["iTerm"])
            || is("TERM", &["xterm-kitty", "xterm-ghostty", "wezterm"])
            || ["KITTY_WINDOW_ID", "WEZTERM_PANE", "GHOSTTY_RESOURCES_DIR"].iter().any(|name| there(name))
        {
            Self::Osc9
        } else if is("TERM", &["foot", "rxvt", "contour"]) || there("VTE_VERSION") {
            Self::Osc777
        } else {
            Self::Bell
        }
    }
}

/// The bytes that copy `copied` to the clipboard; `None` if it is too long for terminals.
pub(super) fn copy(copied: &str, tmux: bool) -> Option<Vec<u8>> {
    let encoded = BASE64_STANDARD.encode(copied);
    (encoded.len() <= COPY_MAX).then(|| through(tmux, &format!("\x1b]52;c;{encoded}\x1b\\")))
}

/// The bytes of a notice with this text. The bell is always included, so that tmux's `monitor-bell` sees it.
pub(super) fn notice(told: &str, way: Notices, tmux: bool) -> Vec<u8> {
    let told = text::clean(told, NOTICE_MAX);
    let mut bytes = match way {
        Notices::Off => return Vec::new(),
        Notices::Bell => Vec::new(),
        Notices::Osc9 => through(tmux, &format!("\x1b]9;{told}\x1b\\")),
        // In some terminals a semicolon would end the body.
        Notices::Osc777 => through(tmux, &format!("\x1b]777;notify;cutover;{}\x1b\\", told.replace(';', ","))),
    };
    bytes.push(BEL);
    bytes
}

/// Inside tmux a string is wrapped to reach the outer terminal, with every ESC doubled.
fn through(tmux: bool, sequence: &str) -> Vec<u8> {
    if tmux {
        format!("\x1bPtmux;{}\x1b\\", sequence.replace('\x1b', "\x1b\x1b")).into_bytes()
    } else {
        sequence.as_bytes().to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text_of(bytes: &[u8]) -> String {
        String::from_utf8(bytes.to_vec()).unwrap()
    }

    #[test]
    fn t37_a_copy_is_osc_52_up_to_what_terminals_take() {
        assert_eq!(text_of(&copy("hi", false).unwrap()), "\x1b]52;c;aGk=\x1b\\");
        assert_eq!(text_of(&copy("hi", true).unwrap()), "\x1bPtmux;\x1b\x1b]52;c;aGk=\x1b\x1b\\\x1b\\");
        let most = COPY_MAX / 4 * 3;
        assert!(copy(&"x".repeat(most), false).is_some());
        assert_eq!(copy(&"x".repeat(most + 3), false), None);
    }

    #[test]
    fn t38_a_notice_rings_and_says_it_the_terminals_way() {
        for (way, tmux, want) in [
            (Notices::Off, false, ""),
            (Notices::Bell, true, "\x07"),
            (Notices::Osc9, false, "\x1b]9;gate FAIL; 1\x1b\\\x07"),
            (Notices::Osc777, false, "\x1b]777;notify;cutover;gate FAIL, 1\x1b\\\x07"),
            (Notices::Osc9, true, "\x1bPtmux;\x1b\x1b]9;gate FAIL; 1\x1b\x1b\\\x1b\\\x07"),
        ] {
            assert_eq!(text_of(&notice("gate FAIL; 1", way, tmux)), want, "{way:?} {tmux}");
        }
        let hostile = text_of(&notice("a\u{7}b\u{1b}]52;c;?\u{1b}\\c\u{9c}", Notices::Osc9, false));
        assert_eq!(hostile.matches('\x1b').count(), 2, "{hostile:?}");
        assert_eq!(hostile.matches('\x07').count(), 1, "{hostile:?}");
    }

    #[test]
    fn t38_the_way_is_told_by_the_environment() {
        let way = |pairs: &[(&str, &str)]| {
            Notices::of(|name| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()))
        };
        for (pairs, want) in [
            (&[("TERM_PROGRAM", "iTerm.app")][..], Notices::Osc9),
            (&[("TERM", "xterm-kitty")], Notices::Osc9),
            (&[("TERM", "tmux-256color"), ("TERM_PROGRAM", "tmux"), ("WEZTERM_PANE", "0")], Notices::Osc9),
            (&[("TERM", "foot-extra")], Notices::Osc777),
            (&[("TERM", "xterm-256color"), ("VTE_VERSION", "7600")], Notices::Osc777),
            (&[("TERM", "rxvt-unicode-256color")], Notices::Osc777),
            (&[("TERM", "xterm-256color")], Notices::Bell),
            (&[("TERM", "tmux-256color"), ("TERM_PROGRAM", "tmux")], Notices::Bell),
            (&[], Notices::Bell),
        ] {
            assert_eq!(way(pairs), want, "{pairs:?}");
        }
    }
}
