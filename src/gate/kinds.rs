//! The kinds of gate: a row each. Everything else about a kind is in its own file.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::check::{Around, Check, Kind, Read};
use super::{exec, golden, health, http, integration, load, manual, prometheus, smoke};
use crate::settings::{Section, Table};

/// Every kind, in the order of the reference.
pub const KINDS: [&Kind; 9] = [
    &health::KIND,
    &golden::KIND,
    &smoke::KIND,
    &load::KIND,
    &integration::KIND,
    &http::KIND,
    &prometheus::KIND,
    &exec::KIND,
    &manual::KIND,
];

impl Kind {
    /// Reads a gate's table; `common` are the keys of every gate. `None` when it has a fault, which is noted.
    pub(crate) fn read(&self, table: &Table<'_>, around: &Around<'_>) -> Option<Read> {
        (self.read)(table, around)
    }

    /// Every table of this kind with its documented keys.
    pub(crate) fn sections(&self) -> impl Iterator<Item = &'static Section> + use<> {
        std::iter::once(self.keys[1]).chain(self.parts.iter().map(|(_, section)| *section))
    }
}

/// The checks of a service by the names of their gates.
#[derive(Debug, Clone, Default)]
pub struct Checks(BTreeMap<String, Arc<dyn Check>>);

impl Checks {
    /// Adds the check of the gate `name`.
    pub fn add(&mut self, name: &str, check: Arc<dyn Check>) {
        self.0.insert(name.to_owned(), check);
    }

    /// The check of the gate `name`; `None` for a gate that a person signs.
    pub fn get(&self, name: &str) -> Option<&Arc<dyn Check>> {
        self.0.get(name)
    }
}
