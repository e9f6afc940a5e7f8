//! What may be bound to what: lower case looks, Shift acts, and no slip of the hand moves traffic.

use crate::ui::actions::{Act, Row};
use crate::ui::input::{Code, Key};

/// Why a binding is refused.
pub(super) struct Refused {
    /// What is wrong.
    pub because: String,
    /// What to do about it.
    pub remedy: &'static str,
}

fn refused(because: &str, remedy: &'static str) -> Refused {
    Refused { because: because.to_owned(), remedy }
}

/// Keys that no file can move.
pub(super) const fn is_fixed(act: Act) -> bool {
    matches!(act, Act::Interrupt | Act::Suspend | Act::Redraw)
}

/// Actions that need a key: the way back, the way out, and the way to learn about the others.
pub(super) const fn needs_a_key(act: Act) -> bool {
    matches!(act, Act::Rollback | Act::Quit | Act::Help)
}

/// Why `row` cannot have `key`; `None` when it can.
pub(super) fn binding(row: &Row, key: Key, allow_unsafe: bool) -> Option<Refused> {
    let plain = key.plain_char();
    if matches!(plain, Some('y' | 'Y')) {
        return Some(refused(
            "it answers questions, and a key that opens one must not confirm it",
            "choose another key",
        ));
    }
    if key.ctrl && matches!(key.code, Code::Char('i' | 'm' | 'j' | 'h')) {
        return Some(refused("terminals send it as Tab, Enter or Backspace", "choose another letter"));
    }
    if !row.danger.acts() {
        return None;
    }
    if plain == Some('n') {
        return Some(refused("it is the no of every question", "choose another key"));
    }
    if key.code == Code::Enter && matches!(row.act, Act::Switch | Act::Override) {
        return Some(refused(
            "Enter ends what is typed into its question, and an opener must not confirm",
            "choose another key",
        ));
    }
    if allow_unsafe {
        return None;
    }
    let remedy = "choose a capital or another character with Shift, or write allow_unsafe_keys = true at the top";
    let why = match (key.code, plain) {
        (_, Some(' ')) => refused("Space is pressed to read on, and must not act", remedy),
        (_, Some(c)) if c.is_lowercase() => refused("lower case looks, Shift acts", remedy),
        (_, Some(_)) => return None,
        (Code::Char(_), None) => refused("a single Ctrl key belongs to shells and multiplexers", remedy),
        (Code::Enter, _) => refused("Enter is pressed out of habit, and must not act", remedy),
        (Code::Esc, _) => refused("Esc means no and back, and must not act", remedy),
        _ => refused("it moves or edits, and is held down; it must not act", remedy),
    };
    Some(why)
}
