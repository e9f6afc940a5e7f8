//! The keys of `[backend]` for Traefik.

use crate::settings::Section;

pub(super) const KEYS: Section = Section::new("[backend] kind = \"traefik\"", include_str!("keys.md"));
