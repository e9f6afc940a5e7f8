//! The keys in force: those of the table, as far as the operator's `keys.toml` says nothing else.
//!
//! Text in, keymap or faults out; reading the file is for others. Whatever is bound where, the laws of the keys hold:
//! see [`file`](self) and `laws`.

mod file;
mod laws;
mod print;
pub(crate) mod spelling;

use std::collections::HashMap;

use self::spelling::{parse, spell};
use super::actions::{Act, Row, table};
use super::input::{Code, Key};

/// The keys of each action. Every action of the table has an entry, empty where it has no key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keymap {
    /// Beside the rows of the table.
    keys: Vec<Vec<Key>>,
    found: HashMap<Key, usize>,
    allow_unsafe: bool,
}

impl Default for Keymap {
    fn default() -> Self {
        let keys = table().iter().map(|row| row.keys.iter().filter_map(|key| parse(key)).collect()).collect();
        Self::of(keys, false)
    }
}

impl Keymap {
    fn of(keys: Vec<Vec<Key>>, allow_unsafe: bool) -> Self {
        let found = keys.iter().enumerate().flat_map(|(at, keys)| keys.iter().map(move |key| (*key, at))).collect();
        Self { keys, found, allow_unsafe }
    }

    /// The action of a key on the main screen; `None` when it is not bound.
    pub fn find(&self, key: Key) -> Option<&'static Row> {
        let bare = Key { repeat: false, ..key };
        table().get(*self.found.get(&bare)?)
    }

    /// The action of a key, if any.
    pub fn act(&self, key: Key) -> Option<Act> {
        self.find(key).map(|row| row.act)
    }

    /// The keys of an action, the one to be shown first.
    pub fn keys(&self, act: Act) -> &[Key] {
        let at = table().iter().position(|row| row.act == act);
        at.and_then(|at| self.keys.get(at)).map_or(&[], Vec::as_slice)
    }

    /// How the keys of an action are written, the one to be shown first; empty where it has none.
    pub fn spelled(&self, act: Act) -> Vec<String> {
        self.keys(act).iter().copied().map(spell).collect()
    }

    /// The key of an action in words; `:` and its name where it has no key.
    pub fn name(&self, act: Act) -> String {
        let first = self.keys(act).first().copied().map(spell);
        first.unwrap_or_else(|| super::actions::row_of(act).map_or(String::new(), |row| format!(":{}", row.name)))
    }

    /// Whether an action has other keys than in the table.
    pub fn is_remapped(&self, row: &Row) -> bool {
        !self.keys(row.act).iter().copied().eq(row.keys.iter().filter_map(|key| parse(key)))
    }

    /// How many actions have other keys than in the table.
    pub fn remapped(&self) -> usize {
        table().iter().filter(|row| self.is_remapped(row)).count()
    }

    /// The key as a question understands it: questions know the openers by the keys of the table, so a key bound to
    /// an opener becomes that, and a key that is no longer bound to it becomes one that means nothing.
    ///
    /// `y`, `n` and Esc answer every question; no file can change that or bind `y`.
    pub fn in_question(&self, key: Key) -> Key {
        if key.code == Code::Esc || matches!(key.plain_char(), Some('y' | 'Y' | 'n')) {
            return key;
        }
        let opener = |row: &&'static Row| row.danger.acts() || matches!(row.act, Act::Quit | Act::CommandLine);
        let table_key = |row: &Row| row.keys.first().and_then(|key| parse(key));
        if let Some(meant) = self.find(key).filter(opener).and_then(table_key) {
            return Key { repeat: key.repeat, ..meant };
        }
        let bare = Key { repeat: false, ..key };
        if table().iter().filter(opener).any(|row| table_key(row) == Some(bare)) {
            return Key { repeat: key.repeat, ..Key::new(Code::Other) };
        }
        key
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialogue::Topic;
    use crate::engine::Command;

    #[test]
    fn the_openers_questions_know_are_those_of_the_table() {
        let (gate, reason) = ("golden".into(), String::new());
        let topics = [
            (Command::Rollback.into(), Act::Rollback),
            (Command::Abort.into(), Act::Abort),
            (Topic::Leave, Act::Quit),
            (Command::Promote.into(), Act::Promote),
            (Command::Switch.into(), Act::Switch),
            (Command::Override { gate, reason }.into(), Act::Override),
            (Command::Resume.into(), Act::Hold),
            (Command::TakeOver.into(), Act::TakeOver),
            (Command::Finalize.into(), Act::CommandLine),
            (Command::Auto { on: true }.into(), Act::CommandLine),
        ];
        for (topic, act) in topics {
            assert_eq!(Keymap::default().keys(act), [Key::char(topic.terms().key)], "{topic:?}");
        }
    }

    #[test]
    fn a_question_sees_the_opener_whatever_its_key() {
        let map = Keymap::parse(
            "[keys]\nrollback = [\"B\", \"R\"]\npromote = [\"F\"]\nquit = [\"Q\"]\n",
            "keys.toml".as_ref(),
        )
        .unwrap();
        for (pressed, seen) in [("B", "R"), ("R", "R"), ("F", "P"), ("Q", "q"), ("y", "y"), ("n", "n"), ("Esc", "Esc")]
        {
            assert_eq!(map.in_question(parse(pressed).unwrap()), parse(seen).unwrap(), "{pressed}");
        }
        for freed in ["P", "q"] {
            assert_eq!(map.in_question(parse(freed).unwrap()).code, Code::Other, "{freed} opens nothing now");
        }
        let held = Key { repeat: true, ..Key::char('B') };
        assert!(map.in_question(held).repeat, "a held key stays a held key");
    }

    #[test]
    fn an_action_without_a_key_is_told_by_its_word() {
        let map = Keymap::parse("[keys]\npromote = []\n", "keys.toml".as_ref()).unwrap();
        assert_eq!((map.name(Act::Promote), map.name(Act::Switch)), (":promote".into(), "S".into()));
        assert_eq!((map.remapped(), Keymap::default().remapped()), (1, 0));
    }
}
