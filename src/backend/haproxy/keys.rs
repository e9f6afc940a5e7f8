//! The keys of `[backend]` for HAProxy.

use crate::settings::KeyDefault::{From, Nothing, Required};
use crate::settings::{Section, key};

pub(super) const KEYS: Section = Section::new("[backend] kind = \"haproxy\"", &[
    key("socket", "path or address", Nothing, "Where HAProxy's runtime API listens: a socket path, or host:port; this or sockets."),
    key("sockets", "list", Nothing, "The runtime API of each process, where several are one router: all of them are moved."),
    key("method", "map | percent | weights", From("weights where servers are written, else map"), "What carries the split: a map entry that names the side, a map entry with green's percent, or weights of servers."),
    key("map", "word", Nothing, "With map and percent: the map's file, as HAProxy's own config names it."),
    key("key", "word", From("active; with percent green_pct"), "With map and percent: the entry's key."),
    key("values", "table", From("{ blue = \"blue\", green = \"green\" }"), "With map: the values that stand for the sides."),
    key("backends", "table", Nothing, "With map and percent: the backend of each side, for counters, ready servers and open sessions; unknown without it."),
    key("backend", "name", Nothing, "With weights: the backend that holds the servers of both sides."),
    key("servers", "table", Nothing, "With weights: the servers of each side."),
    key("save_map", "path or list", Nothing, "With map and percent: the map file on this machine, written after each change; a reload goes back to what it says."),
    key("save_state", "path or list", Nothing, "With weights: HAProxy's server-state-file on this machine, one a socket, written after each change; a reload goes back to what it says."),
]);

pub(super) const VALUES: Section = Section::new("values = { .. }", &[
    key("blue", "word", Required, "The value that sends all traffic to blue."),
    key("green", "word", Required, "The value that sends all traffic to green."),
]);

pub(super) const BACKENDS: Section = Section::new("backends = { .. }", &[
    key("blue", "name", Required, "The backend of blue."),
    key("green", "name", Required, "The backend of green."),
]);

pub(super) const SERVERS: Section = Section::new("servers = { .. }", &[
    key("blue", "list of names", Required, "Blue's servers."),
    key("green", "list of names", Required, "Green's servers."),
]);
