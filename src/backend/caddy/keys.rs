//! The keys of `[backend]` for Caddy.

use crate::settings::KeyDefault::{From, Is, Required};
use crate::settings::{Section, key};

pub(super) const KEYS: Section = Section::new("[backend] kind = \"caddy\"", &[
    key("admin", "path or address", Required, "Where Caddy's admin interface listens: a socket path, host:port, or a URL without a path."),
    key("handler", "name or path", Required, "The reverse_proxy that carries the split: its \"@id\", or its place, /config/apps/http/servers/..."),
    key("upstreams", "table", From("host and port of the replicas' URLs"), "The upstreams of each side, as the handler's dial spells them."),
    key("origin", "text", From("none is sent"), "The Origin that is sent: one of Caddy's admin.origins, where enforce_origin is on."),
    key("shares", "list of percents", From("any"), "The only shares of green besides 0 and 100: each change reloads Caddy, so few steps are better than many."),
    key("survives_restart", "true | false", Is("false"), "Whether Caddy runs with --resume, so that a change outlives its process."),
]);

pub(super) const UPSTREAMS: Section = Section::new("upstreams = { .. }", &[
    key("blue", "list of texts", Required, "Blue's upstreams: \"10.0.0.11:8080\", \"unix//run/blue.sock\"."),
    key("green", "list of texts", Required, "Green's upstreams."),
]);
