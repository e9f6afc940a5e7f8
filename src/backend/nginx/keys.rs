//! The keys of `[backend]` for nginx.

use crate::settings::KeyDefault::{From, Is, Required};
use crate::settings::{Section, key};

pub(super) const KEYS: Section = Section::new("[backend] kind = \"nginx\"", &[
    key("include", "path", Required, "The file that cutover writes and nginx.conf includes in http { }: a split_clients block."),
    key("variable", "name", Is("\"$cutover_side\""), "The variable the block sets, for proxy_pass http://$cutover_side."),
    key("key", "text", Is("\"${request_id}\""), "What requests are shared by: \"$remote_addr\" keeps a client on its side."),
    key("blue", "name", Is("\"blue\""), "The variable's value for blue: the name of an upstream."),
    key("green", "name", Is("\"green\""), "The same for green."),
    key("pid", "path", From("/run/nginx.pid; with reload nothing"), "The master's process id: it gets the HUP, and its workers show whether a split is in force."),
    key("test", "list of texts", Is("[\"nginx\", \"-t\"]"), "Tests the configuration before a forward change is taken in; when it fails the old file comes back."),
    key("reload", "list of texts", From("a HUP to pid"), "The command that reloads nginx, where a signal does not reach it: [\"docker\", \"exec\", \"web\", \"nginx\", \"-s\", \"reload\"]."),
    key("shares", "list of percents", From("any"), "The only shares of green besides 0 and 100: each change is a reload, and few are better than many."),
]);
