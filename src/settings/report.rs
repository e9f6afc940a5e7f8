//! The text of a config, and the faults found in it with their places.

use std::cell::{Cell, RefCell};
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::DeTable;

use super::error::{ConfigError, Fault, Place};
use crate::domain::text::clean;

/// Further faults are counted but not kept.
const MAX_FAULTS: usize = 100;

/// The text and the faults found in it.
pub(crate) struct Report<'a> {
    text: &'a str,
    /// The byte offsets of the line starts.
    starts: Vec<usize>,
    /// The directory for relative paths.
    pub base: PathBuf,
    /// The environment, for secrets and directories.
    pub env: &'a dyn Fn(&str) -> Option<String>,
    /// Whether the config is read for a rollback. Then only faults that a rollback needs fixed count.
    pub for_rollback: bool,
    /// Whether a rollback needs the section that is read now.
    is_needed: Cell<bool>,
    warnings: RefCell<Vec<Fault>>,
    faults: RefCell<Vec<Fault>>,
    dropped: Cell<usize>,
}

impl<'a> Report<'a> {
    pub(crate) fn new(text: &'a str, base: PathBuf, env: &'a dyn Fn(&str) -> Option<String>) -> Self {
        let starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Self {
            text,
            starts,
            base,
            env,
            for_rollback: false,
            is_needed: Cell::new(true),
            warnings: RefCell::default(),
            faults: RefCell::default(),
            dropped: Cell::new(0),
        }
    }

    /// The document. Notes what is not valid TOML and returns `None` then: the content of a broken file is a guess, and
    /// faults found in a guess mislead.
    pub(crate) fn document(&self) -> Option<Spanned<DeTable<'a>>> {
        let (document, syntax) = DeTable::parse_recoverable(self.text);
        for error in &syntax {
            let at = error.span().map_or(0, |span| span.start);
            self.fault(at, String::new(), format!("not valid TOML: {}", clean(error.message(), 200)), "");
        }
        syntax.is_empty().then_some(document)
    }

    /// Says that a rollback does not need the sections that are read from here on.
    pub(crate) fn rest_is_optional(&self) {
        self.is_needed.set(!self.for_rollback);
    }

    /// The warnings, each with its line; see [`Node::unusable`](super::Node::unusable).
    pub(crate) fn warnings(&self, file: &Path) -> Vec<String> {
        let shown = |fault| ConfigError { file: file.into(), faults: vec![fault], dropped: 0 }.to_string();
        self.warnings.take().into_iter().map(shown).collect()
    }

    /// Whether a fault of what is read now is only a warning.
    pub(super) fn is_optional(&self) -> bool {
        !self.is_needed.get()
    }

    /// Notes a warning at byte `at`.
    pub(super) fn warn(&self, at: usize, key: String, message: String, remedy: String) {
        self.warnings.borrow_mut().push(Fault { place: Some(self.place(at)), key, message, remedy });
    }

    /// Notes a fault at byte `at`.
    pub(crate) fn fault(&self, at: usize, key: String, message: String, remedy: impl Into<String>) {
        let mut faults = self.faults.borrow_mut();
        if faults.len() >= MAX_FAULTS {
            self.dropped.set(self.dropped.get() + 1);
            return;
        }
        faults.push(Fault { place: Some(self.place(at)), key, message, remedy: remedy.into() });
    }

    /// The line that holds byte `at`.
    pub(crate) fn line(&self, at: usize) -> usize {
        self.place(at).line
    }

    fn place(&self, at: usize) -> Place {
        // A fault at the very end belongs to the last line with text.
        let end = self.text.trim_end_matches(['\n', '\r']).len();
        let at = at.min(end);
        let line = self.starts.partition_point(|&start| start <= at).max(1);
        let before = self.text.get(self.starts[line - 1]..at).unwrap_or_default();
        Place { line, column: before.trim_start_matches('\u{feff}').chars().count() + 1 }
    }

    /// The faults in the order of their lines; `None` without faults.
    pub(crate) fn finish(&self, file: &Path) -> Option<ConfigError> {
        let mut faults = self.faults.take();
        faults.sort_by_key(|fault| fault.place);
        (!faults.is_empty()).then(|| ConfigError { file: file.into(), faults, dropped: self.dropped.get() })
    }
}
