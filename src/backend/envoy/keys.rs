//! The keys of `[backend]` for Envoy.

use crate::settings::KeyDefault::{Is, Nothing, Required};
use crate::settings::{Section, key};

pub(super) const KEYS: Section = Section::new("[backend] kind = \"envoy\"", &[
    key("admin", "URL, path or list", Required, "The admin interface of each process: a base URL, or the path of its socket; where several are one router all of them are moved."),
    key("key", "runtime key", Nothing, "The runtime_key in the runtime_fraction of green's route; its value is green's percent. This or routes."),
    key("routes", "path", Nothing, "The file of routes that Envoy watches (RDS) and cutover writes whole; for weighted_clusters that a restart keeps."),
    key("template", "path", Nothing, "With routes: the JSON it is made from, with {{version}}, {{blue}} and {{green}} in place of values."),
    key("blue", "name", Is("\"blue\""), "Blue's cluster, as Envoy's own config names it."),
    key("green", "name", Is("\"green\""), "The same for green."),
]);
