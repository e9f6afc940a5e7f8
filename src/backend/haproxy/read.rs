//! Reads `[backend] kind = "haproxy"`: the nodes, what carries the split, and what to write after a change.
//!
//! Names that could end a command of the runtime API are refused here, with their line.

use std::net::SocketAddr;

use super::spec::{HaproxySpec, MapEntry, Method, Save};
use crate::backend::Address;
use crate::backend::configured::Backend;
use crate::backend::kind::Around;
use crate::domain::{Pair, Side, SideSpec};
use crate::settings::{Node, Section, Table, quote, values};

pub(super) const KEYS: Section = Section::new("[backend] kind = \"haproxy\"", include_str!("keys.md"));
pub(super) const VALUES: Section = Section::new("values = { .. }", include_str!("keys.md"));
pub(super) const BACKENDS: Section = Section::new("backends = { .. }", include_str!("keys.md"));
pub(super) const SERVERS: Section = Section::new("servers = { .. }", include_str!("keys.md"));

/// The most processes.
const MAX_NODES: usize = 64;
/// The most map or state files.
const MAX_FILES: usize = 100;
/// The most servers of one side.
const MAX_SERVERS: usize = 1000;

const EXAMPLE_SOCKETS: &str = "write e.g. sockets = [\"/run/haproxy/admin.sock\", \"10.0.0.5:9999\"]";
const EXAMPLE_SERVERS: &str = "write e.g. servers = { blue = [\"blue1\"], green = [\"green1\"] }";

/// What carries the split, as typed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Map,
    Percent,
    Weights,
}

pub(super) fn read(table: &Table<'_>, around: &Around<'_>) -> Option<Backend> {
    let nodes = nodes(table);
    let ways = [("map", Way::Map), ("percent", Way::Percent), ("weights", Way::Weights)];
    let way = match table.get("method") {
        Some(node) => node.choice(&ways),
        None if table.get("servers").is_some() => Some(Way::Weights),
        None => Some(Way::Map),
    };
    let method = way.and_then(|way| {
        refuse_foreign(table, way);
        if way == Way::Weights { weights(table, around.sides) } else { map(table, way) }
    });
    let save = save(table, nodes.as_ref().map(Vec::len));
    Some(Backend::new(HaproxySpec { nodes: nodes?, method: method?, save: save? }))
}

fn nodes(table: &Table<'_>) -> Option<Vec<Address>> {
    match (table.get("socket"), table.get("sockets")) {
        (Some(one), None) => Some(vec![address(&one)?]),
        (None, Some(several)) => several.several(EXAMPLE_SOCKETS, 1..=MAX_NODES, address),
        (Some(one), Some(_)) => one.refuse("socket and sockets are both written".into(), "remove one of them"),
        (None, None) => table.refuse("no socket is named".into(), "write e.g. socket = \"/run/haproxy/admin.sock\""),
    }
}

/// A socket path, or host and port.
fn address(node: &Node<'_>) -> Option<Address> {
    let text = node.text()?;
    let example = "write e.g. \"/run/haproxy/admin.sock\" or \"10.0.0.5:9999\"";
    let no = |why: &str| node.refuse(format!("{} {why}", quote(text)), example);
    if text.contains("://") || text.contains('@') {
        return no("is neither a socket path nor host:port");
    }
    if text.contains('/') || !text.contains(':') {
        return values::socket(node, values::path(node)?).map(Address::Unix);
    }
    let (host, port) = text.rsplit_once(':').unwrap_or((text, ""));
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let is_name =
        |host: &str| !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b));
    if bare.parse::<std::net::IpAddr>().is_err() && !is_name(host) {
        return no("has no usable host");
    }
    if port.parse::<u16>().is_ok_and(|port| port > 0) {
        Some(Address::Net(text.to_owned()))
    } else {
        no("has no usable port")
    }
}

/// Refuses keys of other methods: they would have no effect.
fn refuse_foreign(table: &Table<'_>, way: Way) {
    let (name, foreign): (_, &[&str]) = match way {
        Way::Map => ("map", &["backend", "servers", "save_state"]),
        Way::Percent => ("percent", &["backend", "servers", "values", "save_state"]),
        Way::Weights => ("weights", &["map", "key", "values", "backends", "save_map"]),
    };
    for node in foreign.iter().filter_map(|key| table.get(key)) {
        node.fault(format!("means nothing with method = \"{name}\""), "remove it, or write another method");
    }
}

fn map(table: &Table<'_>, way: Way) -> Option<Method> {
    let map = table.need("map", "write the map's file as HAProxy's config names it: map = \"/etc/haproxy/active.map\"");
    let map = map.and_then(|node| word(&node, "a map"));
    let usual = if way == Way::Percent { "green_pct" } else { "active" };
    let key = table.or("key", usual.to_owned(), |node| word(node, "a key"));
    // Reads all keys before a missing one ends this, so that all faults are found at once.
    let backends = table.maybe("backends", |node| pair(node, &[&BACKENDS], name));
    let values = match table.get("values").filter(|_| way == Way::Map) {
        Some(node) => pair(&node, &[&VALUES], |node| word(node, "a value")),
        None => Some(Pair::from_fn(|side| side.name().to_owned())),
    };
    if let Some(Some(twin)) = backends.as_ref().map(|it| it.as_ref().filter(|it| it.blue == it.green)) {
        table.fault(format!("{} is the backend of both sides", quote(&twin.blue)), "name one backend a side");
    }
    if let Some(twin) = values.as_ref().filter(|it| it.blue == it.green) {
        table.fault(format!("{} stands for both sides", quote(&twin.blue)), "write two different values");
    }
    let (entry, backends, values) = (MapEntry { map: map?, key: key? }, backends?, values?);
    match way {
        Way::Percent => Some(Method::Percent { entry, backends }),
        Way::Map | Way::Weights => Some(Method::Switch { entry, values, backends }),
    }
}

fn pair<T>(
    node: &Node<'_>,
    section: &'static [&'static Section],
    read: impl Fn(&Node<'_>) -> Option<T>,
) -> Option<Pair<T>> {
    let table = node.table()?.keys_of(section);
    let side = |side: Side| {
        table.need(side.name(), "write both sides: { blue = .., green = .. }").and_then(|node| read(&node))
    };
    let (blue, green) = (side(Side::Blue), side(Side::Green));
    Some(Pair { blue: blue?, green: green? })
}

fn weights(table: &Table<'_>, sides: &Pair<SideSpec>) -> Option<Method> {
    let backend =
        table.need("backend", "write the backend that holds the servers of both sides: backend = \"be_split\"");
    let backend = backend.and_then(|node| name(&node));
    let servers = pair(&table.need("servers", EXAMPLE_SERVERS)?, &[&SERVERS], |node| {
        node.several(EXAMPLE_SERVERS, 1..=MAX_SERVERS, name)
    })?;
    let mut seen = std::collections::HashSet::new();
    if let Some(twin) = servers.blue.iter().chain(&servers.green).find(|server| !seen.insert(server.as_str())) {
        return table.refuse(format!("server {} is named twice", quote(twin)), "name each server once, on one side");
    }
    Some(Method::Weights { backend: backend?, servers, addresses: sides.map(|_, side| addresses(side)) })
}

/// Where the replicas of a side are. A name may mean another address there than here.
fn addresses(side: &SideSpec) -> Vec<SocketAddr> {
    let address = |url: &String| {
        let url = reqwest::Url::parse(url).ok()?;
        let ip = url.host_str()?.trim_matches(['[', ']']).parse().ok()?;
        Some(SocketAddr::new(ip, url.port_or_known_default()?))
    };
    side.urls.iter().filter_map(address).collect()
}

/// The name of a backend or server, with the characters that HAProxy allows.
fn name(node: &Node<'_>) -> Option<String> {
    let remedy = "write its letters, digits, - _ . and : as HAProxy's own config does";
    node.word(200, |b| b.is_ascii_alphanumeric() || b"-_.:".contains(&b), "is not a name in HAProxy", remedy)
}

/// A word that needs no quoting in a command of the runtime API.
fn word(node: &Node<'_>, what: &str) -> Option<String> {
    let plain = |b: u8| b.is_ascii_graphic() && !b";\\\"'<#".contains(&b);
    let remedy = "write one word without blanks, ; \\ # < and quotes";
    node.word(400, plain, &format!("cannot be {what} of the runtime API"), remedy)
}

fn save(table: &Table<'_>, nodes: Option<usize>) -> Option<Save> {
    let paths = |node: &Node<'_>| node.one_or_several("write a path, or a list of paths", 0..=MAX_FILES, values::path);
    let read = |key| table.or(key, Vec::new(), paths);
    let (maps, states) = (read("save_map"), read("save_state"));
    let (maps, states) = (maps?, states?);
    if let (Some(node), Some(nodes)) = (table.get("save_state"), nodes)
        && states.len() != nodes
    {
        let message = format!("{} files for {nodes} sockets", states.len());
        return node.refuse(message, "each process has a state file of its own: name one a socket, in their order");
    }
    Some(Save { maps, states })
}
