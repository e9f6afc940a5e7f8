//! How a key is written: in the table, in `keys.toml`, on the screen.

use crate::ui::input::{Code, Key};
use crate::ui::text::width;

/// Keys that have a name.
const NAMED: [(&str, Code); 15] = [
    ("Enter", Code::Enter),
    ("Esc", Code::Esc),
    ("Tab", Code::Tab),
    ("Shift-Tab", Code::BackTab),
    ("Backspace", Code::Backspace),
    ("Delete", Code::Delete),
    ("Left", Code::Left),
    ("Right", Code::Right),
    ("Up", Code::Up),
    ("Down", Code::Down),
    ("Home", Code::Home),
    ("End", Code::End),
    ("PgUp", Code::PageUp),
    ("PgDn", Code::PageDown),
    ("Space", Code::Char(' ')),
];

/// A key from its spelling: one character, `Ctrl-` and a small letter, or a name; `None` where it spells none.
pub fn parse(spelled: &str) -> Option<Key> {
    if let Some(rest) = spelled.strip_prefix("Ctrl-") {
        return one(rest).filter(char::is_ascii_lowercase).map(Key::ctrl);
    }
    let named = NAMED.iter().find(|(name, _)| *name == spelled).map(|(_, code)| *code);
    let code = named.or_else(|| one(spelled).filter(|c| is_visible(*c)).map(Code::Char))?;
    Some(Key::new(code))
}

/// How `key` is written; nothing for keys that cannot be bound.
pub fn spell(key: Key) -> String {
    if let Some((name, _)) = NAMED.iter().find(|(_, code)| *code == key.code && !key.ctrl) {
        return (*name).to_owned();
    }
    match key.code {
        Code::Char(c) if key.ctrl => format!("Ctrl-{c}"),
        Code::Char(c) => c.to_string(),
        _ => String::new(),
    }
}

/// Why `spelled` is no key, and what to write instead.
pub(crate) fn advice(spelled: &str) -> &'static str {
    let lower = spelled.to_ascii_lowercase();
    let function = lower.strip_prefix('f').is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()));
    if function || lower == "insert" {
        "function keys are taken by terminals and multiplexers; write one character, Ctrl- and a letter, or a name such as PgDn"
    } else if ["alt-", "meta-", "m-", "super-", "cmd-"].iter().any(|held| lower.starts_with(held)) {
        "Alt arrives as Esc and a letter, and over a slow line as two keys; leave it out"
    } else if lower.starts_with("ctrl") {
        "write Ctrl- and one small letter, such as Ctrl-d"
    } else if lower.starts_with("shift-") {
        "Shift is in the character: write R, not Shift-r"
    } else {
        "write one character, Ctrl- and a small letter, or one of Enter Esc Tab Shift-Tab Backspace Delete Left Right Up Down Home End PgUp PgDn Space"
    }
}

fn one(text: &str) -> Option<char> {
    let mut chars = text.chars();
    chars.next().filter(|_| chars.next().is_none())
}

/// Whether a character takes a cell on the screen.
fn is_visible(c: char) -> bool {
    !c.is_control() && !c.is_whitespace() && width(c.encode_utf8(&mut [0; 4])) > 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_spelled_reads_back() {
        for spelled in NAMED.map(|(name, _)| name).into_iter().chain(["R", "?", "-", "ü", "日", "Ctrl-d", "9"]) {
            let key = parse(spelled).unwrap_or_else(|| panic!("{spelled} is no key"));
            assert_eq!(spell(key), spelled);
        }
    }

    #[test]
    fn what_no_terminal_sends_is_no_key() {
        for spelled in [
            "", " ", "F2", "Insert", "Alt-x", "Ctrl-", "Ctrl-D", "Ctrl-é", "Ctrl-xy", "enter", "RR", "\u{301}", "\t",
            "\u{200b}", "Shift-r",
        ] {
            assert_eq!(parse(spelled), None, "{spelled:?}");
            assert!(!advice(spelled).is_empty());
        }
    }
}
