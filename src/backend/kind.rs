//! What one kind of traffic system is to the rest: its name, its keys, its page, and how its config is read.

use super::configured::Backend;
use crate::domain::{Pair, SideSpec};
use crate::settings::KeyDefault::{Is, Required};
use crate::settings::{AdminAddress, Section, Table, key};

/// One kind of traffic system.
pub(super) struct Kind {
    /// The word in `kind = ".."`.
    pub(super) name: &'static str,
    /// The keys of its `[backend]`, [`COMMON`] among them.
    pub(super) keys: &'static [&'static Section],
    /// The keys of the tables in it.
    pub(super) tables: &'static [&'static Section],
    /// How it is set up, in Markdown.
    pub(super) page: &'static str,
    /// Whether it keeps requests of live traffic, for gates that send them again.
    pub(super) keeps_requests: bool,
    /// Reads its `[backend]`; `None` when something in it is at fault.
    pub(super) read: fn(&Table<'_>, &Around<'_>) -> Option<Backend>,
}

/// The keys that every kind has.
#[rustfmt::skip]
pub(crate) const COMMON: Section = Section::new("[backend]", &[
    key("kind", "word", Required, "The traffic system: `cutover backends` lists what this version drives."),
    key("verify_timeout", "duration", Is("\"10s\""), "An order that is not read back within this time is shown as late."),
]);

/// What a kind may need of the rest of the file.
pub(crate) struct Around<'a> {
    /// Where the gateway of `[gateway]` is administered, where that section is sound.
    pub gateway: Option<&'a AdminAddress>,
    /// Whether there is a `[gateway]`.
    pub has_gateway: bool,
    /// The service's name.
    pub service: &'a str,
    /// Both sides; their URLs are there where they are sound.
    pub sides: &'a Pair<SideSpec>,
}
