//! The config as typed: TOML values that know their line, and the list of faults found in them.
//!
//! A derive with `deny_unknown_fields` stops at the first fault, but an operator wants to see all of them. So the
//! parsed document is walked by hand. A value of the wrong kind is noted as a fault and replaced by a stand-in. A
//! config with any fault is never used.

use std::ops::RangeInclusive;
use std::path::Path;

use toml::de::{DeTable, DeValue};

use super::docs::Section;
use super::duration;
use super::error::{nearest, quote};
use super::report::Report;
use crate::domain::Scalar;
use crate::domain::text::clean;

/// A table of the file; its keys are checked against the documented ones.
#[derive(Clone)]
pub(crate) struct Table<'a> {
    report: &'a Report<'a>,
    /// Its name in messages: `[probe]`.
    label: String,
    /// The byte offset of its header.
    at: usize,
    map: &'a DeTable<'a>,
    sections: &'static [&'static Section],
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

/// A value of the file.
pub(crate) struct Node<'a> {
    pub report: &'a Report<'a>,
    /// Its name in messages: `[probe] interval`.
    pub label: String,
    /// Its byte offset.
    pub at: usize,
    value: &'a DeValue<'a>,
}

impl<'a> Node<'a> {
    /// Notes a fault here.
    pub(crate) fn fault(&self, message: String, remedy: impl Into<String>) {
        self.report.fault(self.at, self.label.clone(), message, remedy);
    }

    /// Notes a fault here and returns `None`.
    pub(crate) fn refuse<T>(&self, message: String, remedy: impl Into<String>) -> Option<T> {
        self.fault(message, remedy);
        None
    }

    /// `value` if it `fits`; otherwise a fault, and `None`.
    pub(crate) fn fitting<T>(&self, value: T, fits: bool, message: String, remedy: impl Into<String>) -> Option<T> {
        if fits { Some(value) } else { self.refuse(message, remedy) }
    }

    /// Notes that something outside of the config cannot be used, for example a file. This is a fault. In a section
    /// that a rollback does not need, it is only a warning for a rollback, and `value` is used.
    pub(crate) fn unusable<T>(&self, value: T, message: String, remedy: impl Into<String>) -> Option<T> {
        if !self.report.is_optional() {
            return self.refuse(message, remedy);
        }
        self.report.warn(self.at, self.label.clone(), message, remedy.into());
        Some(value)
    }

    /// Whether the value is a text.
    pub(crate) fn is_text(&self) -> bool {
        self.value.is_str()
    }

    /// Whether the value is a whole number.
    pub(crate) fn is_integer(&self) -> bool {
        self.value.is_integer()
    }

    /// Notes that the value is of the wrong kind and returns `None`.
    pub(crate) fn wrong<T>(&self, wanted: &str, remedy: &str) -> Option<T> {
        let found = match self.value {
            DeValue::String(_) => "a text",
            DeValue::Integer(_) | DeValue::Float(_) => "a number",
            DeValue::Boolean(_) => "true or false",
            DeValue::Datetime(_) => "a date",
            DeValue::Array(_) => "a list",
            DeValue::Table(_) => "a table",
        };
        self.refuse(format!("must be {wanted}, not {found}"), remedy)
    }

    /// A text without control or invisible characters.
    pub(crate) fn text(&self) -> Option<&'a str> {
        let Some(text) = self.value.as_str() else { return self.wrong("a text", "write it in double quotes") };
        if clean(text, text.len()) != text {
            return self.refuse(format!("{} holds a control or invisible character", quote(text)), "remove it");
        }
        Some(text)
    }

    /// A word of at most `most` bytes that all `fit`; otherwise it `is_not` something.
    pub(crate) fn word(
        &self,
        most: usize,
        fits: impl Fn(u8) -> bool,
        is_not: &str,
        remedy: &'static str,
    ) -> Option<String> {
        let text = self.text()?;
        if (1..=most).contains(&text.len()) && text.bytes().all(fits) {
            return Some(text.to_owned());
        }
        self.refuse(format!("{} {is_not}", quote(text)), remedy)
    }

    /// A text that may have several lines.
    pub(crate) fn lines(&self) -> Option<&'a str> {
        let Some(text) = self.value.as_str() else { return self.wrong("a text", "write it in double quotes") };
        let flat = text.replace(['\n', '\t'], " ");
        if clean(&flat, flat.len()) != flat {
            return self.refuse(format!("{} holds a control or invisible character", quote(text)), "remove it");
        }
        Some(text)
    }

    /// A text, a number, or a boolean.
    pub(crate) fn scalar(&self) -> Option<Scalar> {
        match self.value {
            DeValue::String(_) => self.text().map(|text| Scalar::Text(text.to_owned())),
            DeValue::Boolean(flag) => Some(Scalar::Flag(*flag)),
            DeValue::Integer(_) | DeValue::Float(_) => self.amount().map(Scalar::Number),
            _ => self.wrong("a text, a number, or true or false", "write e.g. \"passed\""),
        }
    }

    /// One of the words of `choices`.
    pub(crate) fn choice<T: Copy>(&self, choices: &[(&'static str, T)]) -> Option<T> {
        let typed = self.text()?;
        if let Some((_, value)) = choices.iter().find(|(name, _)| *name == typed) {
            return Some(*value);
        }
        let words = || choices.iter().map(|(name, _)| *name);
        let remedy = match nearest(typed, words()) {
            Some(meant) => format!("did you mean \"{meant}\"?"),
            None => format!("write {}", words().map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(" or ")),
        };
        self.refuse(format!("{} is not known here", quote(typed)), remedy)
    }

    /// `true` or `false`.
    pub(crate) fn flag(&self) -> Option<bool> {
        self.value.as_bool().or_else(|| self.wrong("true or false", "without quotes"))
    }

    /// A whole number within bounds.
    pub(crate) fn number(&self, bounds: RangeInclusive<u64>) -> Option<u64> {
        let range = format!("write a whole number from {} to {}", bounds.start(), bounds.end());
        let Some(integer) = self.value.as_integer() else { return self.wrong("a whole number", &range) };
        let number = u64::from_str_radix(integer.as_str(), integer.radix()).ok().filter(|n| bounds.contains(n));
        number.or_else(|| self.refuse(format!("{} is out of range", clean(&integer.to_string(), 30)), range))
    }

    /// A duration within bounds, in milliseconds.
    pub(crate) fn duration(&self, bounds: RangeInclusive<u64>) -> Option<u64> {
        let example = "write e.g. \"1s\" or \"500ms\"";
        if !self.is_text() {
            return self.wrong("a duration in quotes", example);
        }
        let typed = self.text()?;
        let Some(ms) = duration::parse(typed) else {
            return self.refuse(format!("{} is not a duration", quote(typed)), example);
        };
        if !bounds.contains(&ms) {
            let (least, most) = (duration::format(*bounds.start()), duration::format(*bounds.end()));
            return self.refuse(format!("{} is out of range", quote(typed)), format!("write {least} to {most}"));
        }
        Some(ms)
    }

    /// A share as a number (0.2) or in percent ("20%"). The caller checks the bounds.
    pub(crate) fn share(&self, example: &str) -> Option<f64> {
        self.fraction("a share", example)
    }

    /// A number, or a share in percent.
    pub(crate) fn amount(&self) -> Option<f64> {
        self.fraction("a number", "write e.g. 0.02, 250 or \"2%\"")
    }

    fn fraction(&self, wanted: &str, example: &str) -> Option<f64> {
        let number = match self.value {
            DeValue::Integer(integer) => integer.to_string().parse().ok(),
            DeValue::Float(float) => float.as_str().parse().ok(),
            DeValue::String(_) => {
                let typed = self.text()?;
                let percent = typed.trim().strip_suffix('%').map(str::trim_end);
                let plain = |text: &&str| text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
                let number = percent.filter(plain).and_then(|text| text.parse::<f64>().ok());
                if number.is_none() {
                    return self.refuse(format!("{} is not {wanted}", quote(typed)), example);
                }
                number.map(|percent| percent / 100.0)
            }
            _ => return self.wrong(wanted, example),
        };
        number.filter(|n: &f64| n.is_finite()).or_else(|| self.refuse("is not a finite number".into(), example))
    }

    /// A table; its keys are not checked yet.
    pub(crate) fn table(&self) -> Option<Table<'a>> {
        let Some(map) = self.value.as_table() else {
            let path = self.label.replace(['[', ']'], "").replace(' ', ".");
            return self.wrong("a table", &format!("write [{path}] on a line of its own"));
        };
        Some(Table { report: self.report, label: self.label.clone(), at: self.at, map, sections: &[] })
    }

    /// The items of a list.
    pub(crate) fn list(&self, example: &str) -> Option<Vec<Self>> {
        let Some(array) = self.value.as_array() else { return self.wrong("a list", example) };
        let item = |item: &'a toml::Spanned<DeValue<'a>>| Self {
            report: self.report,
            label: self.label.clone(),
            at: item.span().start,
            value: item.get_ref(),
        };
        Some(array.iter().map(item).collect())
    }

    /// The items of a list by `read`, all different; `count` is how many there may be.
    pub(crate) fn several<T: PartialEq>(
        &self,
        example: &str,
        count: RangeInclusive<usize>,
        read: impl Fn(&Self) -> Option<T>,
    ) -> Option<Vec<T>> {
        let items = self.list(example)?;
        if !count.contains(&items.len()) {
            let range = format!("name {} to {}", count.start(), count.end());
            let remedy = if items.is_empty() { example } else { &range };
            return self.refuse(format!("holds {} items", items.len()), remedy);
        }
        let mut found = Vec::new();
        for item in &items {
            let value = read(item)?;
            if found.contains(&value) {
                let named = quote(item.value.as_str().unwrap_or_default());
                return item.refuse(format!("{named} is named twice"), "remove one of the two");
            }
            found.push(value);
        }
        Some(found)
    }

    /// The same, or one text alone.
    pub(crate) fn one_or_several<T: PartialEq>(
        &self,
        example: &str,
        count: RangeInclusive<usize>,
        read: impl Fn(&Self) -> Option<T>,
    ) -> Option<Vec<T>> {
        if self.is_text() { Some(vec![read(self)?]) } else { self.several(example, count, read) }
    }

    /// The tables of `[[gate]]` or `[[guard]]`.
    pub(crate) fn tables(&self, label: &'static str) -> Vec<Table<'a>> {
        let items = self.list(&format!("write {label} with double brackets")).unwrap_or_default();
        items.into_iter().filter_map(|item| Self { label: label.into(), ..item }.table()).collect()
    }
}
