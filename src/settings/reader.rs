//! The config as typed: TOML values that know their line, and the list of faults found in them.
//!
//! A derive with `deny_unknown_fields` stops at the first fault, but an operator wants to see all of them. So the
//! parsed document is walked by hand. A value of the wrong kind is noted as a fault and replaced by a stand-in. A
//! config with any fault is never used.

use std::ops::RangeInclusive;
use std::path::Path;

use toml::de::{DeTable, DeValue};

use super::docs::Section;
use super::error::{nearest, quote};
use super::node::Node;
use super::report::Report;
use crate::domain::text::clean;

/// A table of the file; its keys are checked against the documented ones.
#[derive(Clone)]
pub(crate) struct Table<'a> {
    pub(super) report: &'a Report<'a>,
    /// Its name in messages: `[probe]`.
    pub(super) label: String,
    /// The byte offset of its header.
    pub(super) at: usize,
    pub(super) map: &'a DeTable<'a>,
    pub(super) sections: &'static [&'static Section],
}

impl<'a> Table<'a> {
    /// The file itself. A key that is not in `known` is a fault; `what` is what these keys name.
    pub(crate) fn root(report: &'a Report<'a>, map: &'a DeTable<'a>, known: &[&'static str], what: &str) -> Self {
        let table = Self { report, label: String::new(), at: 0, map, sections: &[] };
        table.refuse_unknown(known, what);
        table
    }

    /// Notes a fault at the table's header.
    pub(crate) fn fault(&self, message: String, remedy: impl Into<String>) {
        self.report.fault(self.at, self.label.clone(), message, remedy);
    }

    /// The same for a value that is needed.
    pub(crate) fn refuse<T>(&self, message: String, remedy: impl Into<String>) -> Option<T> {
        self.fault(message, remedy);
        None
    }

    /// The value of the key `key` by `read`, or `usual` if the key is not written; `None` if the value is at fault.
    pub(crate) fn or<T>(&self, key: &str, usual: T, read: impl FnOnce(&Node<'a>) -> Option<T>) -> Option<T> {
        self.get(key).map_or(Some(usual), |node| read(&node))
    }

    /// The value of the key `key` by `read`: `Some(None)` if the key is not written, `None` if the value is at fault.
    #[expect(clippy::option_option, reason = "not written, at fault, and a value are three things")]
    pub(crate) fn maybe<T>(&self, key: &str, read: impl FnOnce(&Node<'a>) -> Option<T>) -> Option<Option<T>> {
        self.or(key, None, |node| read(node).map(Some))
    }

    /// The directory for relative paths.
    pub(crate) fn base(&self) -> &Path {
        &self.report.base
    }

    /// Whether the file is read for a rollback. Then only faults that a rollback needs fixed count.
    pub(crate) fn is_for_rollback(&self) -> bool {
        self.report.for_rollback
    }

    /// Whether `key` is documented for this table; any key is, where the table has no documented keys.
    pub(crate) fn knows(&self, key: &str) -> bool {
        self.sections.is_empty() || self.sections.iter().any(|section| section.keys().any(|doc| doc.key == key))
    }

    /// The line of the header.
    pub(crate) fn line(&self) -> usize {
        self.report.line(self.at)
    }

    /// Sets the keys that this table may have; every other key is a fault.
    #[must_use]
    pub(crate) fn keys_of(mut self, sections: &'static [&'static Section]) -> Self {
        self.sections = sections;
        let known: Vec<&str> = sections.iter().flat_map(|section| section.keys()).map(|doc| doc.key).collect();
        self.refuse_unknown(&known, "key");
        self
    }

    /// Notes every key that is not in `known`. `what` is what the keys name.
    pub(crate) fn refuse_unknown(&self, known: &[&'static str], what: &str) {
        for (key, _) in self.map {
            let name: &str = key.get_ref();
            if known.contains(&name) {
                continue;
            }
            let remedy = match nearest(name, known.iter().copied()) {
                Some(meant) => format!("did you mean {meant}?"),
                None => format!("{what}s: {}", known.join(", ")),
            };
            self.report.fault(key.span().start, self.label.clone(), format!("unknown {what} {}", quote(name)), remedy);
        }
    }

    /// The value of a key, if it is written.
    pub(crate) fn get(&self, key: &str) -> Option<Node<'a>> {
        debug_assert!(self.knows(key), "{key} is read but not documented for {}", self.label);
        let (name, value) = self.map.get_key_value(key)?;
        // A section's position is its name in the header; a value's position is the value.
        let is_section = value.get_ref().is_table() || (self.label.is_empty() && value.get_ref().is_array());
        let label = match (self.label.as_str(), is_section) {
            ("", true) => format!("[{key}]"),
            ("", false) => key.to_owned(),
            (label, _) => format!("{label} {key}"),
        };
        let at = if is_section { name.span().start } else { value.span().start };
        Some(Node { report: self.report, label, at, value: value.get_ref() })
    }

    /// The value of a required key.
    pub(crate) fn need(&self, key: &str, remedy: &str) -> Option<Node<'a>> {
        let node = self.get(key);
        if node.is_none() {
            let what = if self.label.is_empty() { format!("[{key}]") } else { key.to_owned() };
            self.fault(format!("{what} is missing"), remedy);
        }
        node
    }

    /// The tables of `[[key]]`; too many are a fault. `label` is their name in messages.
    pub(crate) fn tables(&self, key: &str, label: &'static str, most: usize) -> Vec<Table<'a>> {
        let Some(node) = self.get(key) else { return Vec::new() };
        let tables = node.tables(label);
        if tables.len() > most {
            node.fault(format!("{} of them are too many", tables.len()), format!("write at most {most}"));
            return Vec::new();
        }
        tables
    }

    /// All keys with their values, for a table with user-defined keys.
    pub(crate) fn entries(&self) -> Vec<(&'a str, Node<'a>)> {
        let entry = |(name, value): (&'a toml::Spanned<std::borrow::Cow<'a, str>>, &'a toml::Spanned<DeValue<'a>>)| {
            let key: &str = name.get_ref();
            let label = format!("{} {}", self.label, clean(key, 60));
            (key, Node { report: self.report, label, at: name.span().start, value: value.get_ref() })
        };
        self.map.iter().map(entry).collect()
    }

    /// A duration within bounds, in milliseconds; `default` when not written.
    pub(crate) fn duration(&self, key: &str, bounds: RangeInclusive<u64>, default: u64) -> u64 {
        self.get(key).and_then(|node| node.duration(bounds)).unwrap_or(default)
    }

    /// A whole number within bounds; `default` when not written.
    pub(crate) fn number(&self, key: &str, bounds: RangeInclusive<u64>, default: u64) -> u64 {
        self.get(key).and_then(|node| node.number(bounds)).unwrap_or(default)
    }

    /// One of `choices`, or `default` if the key is not written or its value is at fault.
    pub(crate) fn choice<T: Copy>(&self, key: &str, choices: &[(&'static str, T)], default: T) -> T {
        self.get(key).and_then(|node| node.choice(choices)).unwrap_or(default)
    }

    /// `true` or `false`; `default` when not written.
    pub(crate) fn flag(&self, key: &str, default: bool) -> bool {
        self.get(key).and_then(|node| node.flag()).unwrap_or(default)
    }
}
