//! The keys of `[backend]` for the gateway.

use crate::settings::KeyDefault::{From, Nothing};
use crate::settings::{Section, key};

pub(super) const KEYS: Section = Section::new("[backend] kind = \"embedded\"", &[
    key("admin", "path or address", From("[gateway] admin"), "Where the gateway's admin interface is found, when this file has no [gateway]: a socket path or a loopback address."),
    key("admin_token", "table", Nothing, "The admin interface's token, when admin is an address: { env = \"NAME\" } or { file = \"PATH\" }."),
]);
