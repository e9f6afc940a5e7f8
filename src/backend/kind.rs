//! The description of one kind of traffic system: its name, its keys, its page, and the reader of its config.

use super::configured::Backend;
use crate::domain::{Pair, SideSpec};
use crate::settings::{AdminAddress, Section, Table};

/// One kind of traffic system.
pub(super) struct Kind {
    /// The word in `kind = ".."`.
    pub(super) name: &'static str,
    /// The keys of its `[backend]`, [`COMMON`] among them.
    pub(super) keys: &'static [&'static Section],
    /// The keys of the tables in it.
    pub(super) tables: &'static [&'static Section],
    /// Its set-up page, in Markdown.
    pub(super) page: &'static str,
    /// Whether it keeps requests of live traffic, for gates that send them again.
    pub(super) keeps_requests: bool,
    /// Reads its `[backend]`; `None` if it has faults.
    pub(super) read: fn(&Table<'_>, &Around<'_>) -> Option<Backend>,
}

/// The keys of every kind.
pub(crate) const COMMON: Section = Section::new("[backend]", include_str!("keys.md"));

/// The rest of the file as a kind may need it.
pub(crate) struct Around<'a> {
    /// The admin address of `[gateway]`, if that section is valid.
    pub gateway: Option<&'a AdminAddress>,
    /// Whether there is a `[gateway]`.
    pub has_gateway: bool,
    /// The service's name.
    pub service: &'a str,
    /// Both sides. Their URLs are present if they are valid.
    pub sides: &'a Pair<SideSpec>,
}
