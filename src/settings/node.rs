//! One value of a config: read by its type, or a fault with its place and remedy.

use std::ops::RangeInclusive;

use toml::de::DeValue;

use super::duration;
use super::error::{nearest, quote};
use super::reader::Table;
use super::report::Report;
use crate::domain::Scalar;
use crate::domain::text::clean;

/// A value of the file.
pub(crate) struct Node<'a> {
    pub report: &'a Report<'a>,
    /// Its name in messages: `[probe] interval`.
    pub label: String,
    /// Its byte offset.
    pub at: usize,
    pub(super) value: &'a DeValue<'a>,
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
