//! `keys.toml`: what it may hold, and every fault with its line and remedy.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::spelling::{advice, parse, spell};
use super::{Keymap, laws};
use crate::domain::nearest::nearest;
use crate::domain::text::clean;
use crate::settings::{ConfigError, Report};
use crate::ui::actions::{Row, table};
use crate::ui::input::Key;

/// More keys than this for one action are a mistake.
const KEYS_MAX: usize = 8;
/// The longest piece of the file that a message quotes, in characters.
const QUOTED: usize = 40;
const TOP: [&str; 2] = ["allow_unsafe_keys", "keys"];

impl Keymap {
    /// The keymap of a file's text. Actions it does not name keep their keys.
    ///
    /// # Errors
    /// Every fault: invalid TOML, unknown names, keys that no terminal sends, keys bound twice, and bindings by
    /// which a slip of the hand would act.
    pub fn parse(text: &str, file: &Path) -> Result<Self, ConfigError> {
        let report = Report::new(text, PathBuf::new(), &|_| None);
        let map = report.document().map(|document| Reader { report: &report }.keymap(document.get_ref()));
        report.finish(file).map_or_else(|| Ok(map.unwrap_or_default()), Err)
    }
}

/// A key with where it was written.
type Written = (Key, usize);

struct Reader<'r> {
    report: &'r Report<'r>,
}

impl Reader<'_> {
    fn fault(&self, at: usize, message: String, remedy: impl Into<String>) {
        self.report.fault(at, String::new(), message, remedy);
    }

    fn keymap(&self, root: &DeTable<'_>) -> Keymap {
        let mut allow_unsafe = false;
        let mut written: Vec<Option<(usize, Vec<Written>)>> = vec![None; table().len()];
        for (key, value) in root {
            match (key.get_ref().as_ref(), value.get_ref()) {
                ("allow_unsafe_keys", DeValue::Boolean(yes)) => allow_unsafe = *yes,
                ("allow_unsafe_keys", _) => {
                    self.fault(value.span().start, "allow_unsafe_keys is no yes or no".into(), "write true or false");
                }
                ("keys", DeValue::Table(keys)) => self.bindings(keys, &mut written),
                ("keys", _) => {
                    self.fault(value.span().start, "keys is no section".into(), "write [keys], and actions below it");
                }
                (name, _) => {
                    let remedy = match nearest(name, TOP) {
                        Some(known) => format!("did you mean {known}?"),
                        None if row_named(name).is_some() => "actions stand below a line [keys]".to_owned(),
                        None => "a keymap has allow_unsafe_keys and a section [keys]".to_owned(),
                    };
                    self.fault(key.span().start, format!("unknown key \"{}\"", clean(name, QUOTED)), remedy);
                }
            }
        }
        self.laws(&written, allow_unsafe);
        self.conflicts(&written, allow_unsafe);
        let keys = written.into_iter().zip(table()).map(|(written, row)| match written {
            Some((_, keys)) => keys.into_iter().map(|(key, _)| key).collect(),
            None => defaults(row).collect(),
        });
        Keymap::of(keys.collect(), allow_unsafe)
    }

    fn bindings(&self, keys: &DeTable<'_>, written: &mut [Option<(usize, Vec<Written>)>]) {
        for (name, value) in keys {
            let named = name.get_ref().as_ref();
            let Some(at) = row_named(named) else {
                let remedy = nearest(named, table().iter().map(|row| row.name)).map_or_else(
                    || "cutover keys --print names every action".to_owned(),
                    |known| format!("did you mean {known}?"),
                );
                self.fault(name.span().start, format!("there is no action \"{}\"", clean(named, QUOTED)), remedy);
                continue;
            };
            written[at] = self.keys_of(table()[at].name, value).map(|keys| (name.span().start, keys));
        }
    }

    /// `["R", "B"]` or `"R"`; `None` after a fault, so that nothing is concluded from half a line.
    fn keys_of(&self, name: &str, value: &Spanned<DeValue<'_>>) -> Option<Vec<Written>> {
        let alone = std::slice::from_ref(value);
        let list = match value.get_ref() {
            DeValue::Array(list) => list.as_ref(),
            _ => alone,
        };
        if list.len() > KEYS_MAX {
            self.fault(value.span().start, format!("{name}: {} keys", list.len()), format!("{KEYS_MAX} at most"));
            return None;
        }
        let (mut keys, mut is_whole) = (Vec::new(), true);
        for item in list {
            let at = item.span().start;
            let DeValue::String(spelled) = item.get_ref() else {
                self.fault(at, format!("{name}: a key is text"), format!("write {name} = [\"R\"] or a list of such"));
                is_whole = false;
                continue;
            };
            if let Some(key) = parse(spelled) {
                keys.push((key, at));
            } else {
                let message = format!("{name}: \"{}\" is no key", clean(spelled, QUOTED));
                self.fault(at, message, advice(spelled));
                is_whole = false;
            }
        }
        is_whole.then_some(keys)
    }

    fn laws(&self, written: &[Option<(usize, Vec<Written>)>], allow_unsafe: bool) {
        for (row, (at, keys)) in table().iter().zip(written).filter_map(|(row, w)| Some((row, w.as_ref()?))) {
            if laws::is_fixed(row.act) && !keys.iter().map(|(key, _)| *key).eq(defaults(row)) {
                let message = format!("{} is always {}", row.name, row.keys.join(" "));
                self.fault(*at, message, "take this line out");
                continue;
            }
            if keys.is_empty() && laws::needs_a_key(row.act) {
                let remedy = format!("give it one, or take this line out: then it is {}", row.keys.join(" "));
                self.fault(*at, format!("{} must have a key", row.name), remedy);
            }
            for (key, at) in keys {
                if let Some(refused) = laws::binding(row, *key, allow_unsafe) {
                    let message = format!("{} cannot be \"{}\": {}", row.name, spell(*key), refused.because);
                    self.fault(*at, message, refused.remedy);
                }
            }
        }
    }

    /// A key has one meaning. A binding of the file conflicts with the file's other bindings, and with the table where
    /// it says nothing: no key changes its meaning without being named.
    fn conflicts(&self, written: &[Option<(usize, Vec<Written>)>], allow_unsafe: bool) {
        let mut seen: HashMap<Key, (&Row, Option<usize>)> = HashMap::new();
        for (row, _) in table().iter().zip(written).filter(|(_, written)| written.is_none()) {
            seen.extend(defaults(row).map(|key| (key, (row, None))));
        }
        let mut all: Vec<(usize, Key, &Row)> = table()
            .iter()
            .zip(written)
            .flat_map(|(row, written)| {
                written.iter().flat_map(move |(_, keys)| keys.iter().map(move |(key, at)| (*at, *key, row)))
            })
            .collect();
        all.sort_by_key(|(at, ..)| *at);
        // One fault a binding: a binding that the laws refuse has one already.
        for (at, key, row) in all.into_iter().filter(|(_, key, row)| laws::binding(row, *key, allow_unsafe).is_none()) {
            match seen.insert(key, (row, Some(at))) {
                None => {}
                Some((other, Some(first))) => {
                    let line = self.report.line(first);
                    let message = format!("\"{}\" is {} here and {} on line {line}", spell(key), row.name, other.name);
                    self.fault(at, message, "take it from one of the two");
                }
                Some((other, None)) if laws::is_fixed(other.act) => {
                    let message = format!("\"{}\" cannot be {}: it is always {}", spell(key), row.name, other.name);
                    self.fault(at, message, "choose another key");
                }
                Some((other, None)) => {
                    let message = format!("\"{}\" is {} here and {} by default", spell(key), row.name, other.name);
                    let remedy = format!("add {} = [..] with other keys, or [] for none", other.name);
                    self.fault(at, message, remedy);
                }
            }
        }
    }
}

fn row_named(name: &str) -> Option<usize> {
    table().iter().position(|row| row.name == name)
}

fn defaults(row: &'static Row) -> impl Iterator<Item = Key> {
    row.keys.iter().filter_map(|key| parse(key))
}

#[cfg(test)]
mod tests;
