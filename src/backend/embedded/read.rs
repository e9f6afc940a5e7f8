//! Reads `[backend] kind = "embedded"`: the address of the gateway's admin interface.

use super::EmbeddedSpec;
use crate::backend::configured::Backend;
use crate::backend::kind::Around;
use crate::settings::{Section, Table, admin, quote};

pub(super) const KEYS: Section = Section::new("[backend] kind = \"embedded\"", include_str!("keys.md"));

/// The gateway of this file's `[gateway]`, or the one that `admin` names.
pub(super) fn read(table: &Table<'_>, around: &Around<'_>) -> Option<Backend> {
    let own = admin(table);
    let admin = match (table.get("admin"), around.gateway) {
        (Some(node), found) => {
            if let (Some(own), Some(gateway)) = (&own, found.filter(|gateway| Some(*gateway) != own.as_ref())) {
                let fault =
                    format!("{} is not [gateway] admin, {}", quote(&own.to_string()), quote(&gateway.to_string()));
                node.fault(fault, "remove it: the console takes admin from [gateway]");
            }
            own
        }
        (None, Some(gateway)) => Some(gateway.clone()),
        (None, None) if around.has_gateway => None,
        (None, None) => table.refuse("no gateway is named".into(), "write admin here, or [gateway] with listen"),
    };
    admin.map(|admin| Backend::new(EmbeddedSpec { admin }))
}
