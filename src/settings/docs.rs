//! The documented keys of a config. They are written once, as tables of the manual; the check for unknown keys and the
//! template read these tables.

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
    /// What applies without it.
    pub default: KeyDefault,
    /// What it does: one sentence.
    pub doc: &'static str,
}

impl KeyDoc {
    /// Reads a row of a page: `| key | value | default | what it does |`, the key in backticks.
    fn of_row(row: &'static str) -> Option<Self> {
        let mut cells = row.strip_prefix("| `")?.strip_suffix(" |")?.split(" | ");
        let (key, _, default, doc) = (cells.next()?.strip_suffix('`')?, cells.next()?, cells.next()?, cells.next()?);
        let value = default.strip_prefix('`').and_then(|default| default.strip_suffix('`'));
        let default = match (default, value) {
            ("required", _) => KeyDefault::Required,
            ("-", _) => KeyDefault::Nothing,
            (_, Some(value)) => KeyDefault::Is(value),
            (words, None) => KeyDefault::From(words),
        };
        Some(Self { key, default, doc })
    }
}

/// The keys of one table of a config, as a page of Markdown documents them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Section {
    /// As the file writes it: `[probe]`, or the name of an inline table.
    pub name: &'static str,
    /// The page.
    page: &'static str,
}

impl Section {
    /// The keys of the table `name`, below the heading of this name on `page`.
    pub(crate) const fn new(name: &'static str, page: &'static str) -> Self {
        Self { name, page }
    }

    /// Its part of the page, from the heading on.
    pub(crate) fn markdown(&self) -> &'static str {
        let at = self.page.find(&format!("#### `{}`\n", self.name)).unwrap_or(self.page.len());
        let part = &self.page[at..];
        part.find("\n\n#### ").map_or(part, |end| &part[..=end])
    }

    /// Its keys, in the order of the page.
    pub(crate) fn keys(&self) -> impl Iterator<Item = KeyDoc> + use<> {
        self.markdown().lines().filter_map(KeyDoc::of_row)
    }
}
