//! The keys of `[backend]` for DNS.

use crate::settings::Section;

pub(super) const KEYS: Section = Section::new("[backend] kind = \"dns\"", include_str!("keys.md"));
