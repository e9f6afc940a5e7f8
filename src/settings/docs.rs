//! The documented keys of a config. The check for unknown keys, the template and the reference use them.

/// What applies when a key is not written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyDefault {
    /// The section has a fault without it.
    Required,
    /// Nothing: the feature is off, or another key decides.
    Nothing,
    /// This value, as TOML writes it.
    Is(&'static str),
    /// A value that depends on other keys, in words.
    From(&'static str),
}

/// One key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyDoc {
    /// Its name.
    pub key: &'static str,
    /// The type of its value, in words.
    pub kind: &'static str,
    /// What applies without it.
    pub default: KeyDefault,
    /// What it does: one sentence.
    pub doc: &'static str,
}

/// The keys of one table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Section {
    /// As the file writes it: `[probe]`, or the name of an inline table.
    pub name: &'static str,
    /// Its keys, in the order of the reference.
    pub keys: &'static [KeyDoc],
}

impl Section {
    /// The keys of the table `name`.
    pub(crate) const fn new(name: &'static str, keys: &'static [KeyDoc]) -> Self {
        Self { name, keys }
    }
}

/// One row of a [`Section`].
pub(crate) const fn key(key: &'static str, kind: &'static str, default: KeyDefault, doc: &'static str) -> KeyDoc {
    KeyDoc { key, kind, default, doc }
}
