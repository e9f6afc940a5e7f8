//! Reads `[backend] kind = "caddy"`: the admin interface, the handler that carries the split, the upstreams of each
//! side.

use super::spec::{CaddySpec, HandlerAt};
use crate::backend::Address;
use crate::backend::configured::Backend;
use crate::backend::kind::Around;
use crate::domain::{Pair, Side};
use crate::settings::{BaseUrl, Node, Section, Table, quote, transport, values};

pub(super) const KEYS: Section = Section::new("[backend] kind = \"caddy\"", include_str!("keys.md"));
pub(super) const UPSTREAMS: Section = Section::new("upstreams = { .. }", include_str!("keys.md"));

/// The most upstreams of one side.
const MAX_UPSTREAMS: usize = 256;

const EXAMPLE_ADMIN: &str = "write e.g. admin = \"127.0.0.1:2019\" or \"/run/caddy/admin.sock\"";
const EXAMPLE_HANDLER: &str = "write e.g. handler = \"rp\", and \"@id\": \"rp\" into Caddy's reverse_proxy handler";
const EXAMPLE_DIALS: &str = "write them as dial in Caddy's config does: [\"10.0.0.11:8080\"]";

/// Reads the config of Caddy.
pub(super) fn read(table: &Table<'_>, around: &Around<'_>) -> Option<Backend> {
    let admin = table.need("admin", EXAMPLE_ADMIN).and_then(|node| admin(&node));
    let handler = table.need("handler", EXAMPLE_HANDLER).and_then(|node| handler(&node));
    let upstreams = match table.get("upstreams") {
        Some(node) => written(&node),
        None => of_urls(table, around),
    };
    let (origin, shares) = (table.maybe("origin", origin), table.maybe("shares", values::shares));
    let survives_restart = table.flag("survives_restart", false);
    let transport = transport(table);
    Some(Backend::new(CaddySpec {
        admin: admin?,
        transport,
        handler: handler?,
        upstreams: upstreams?,
        origin: origin?,
        survives_restart,
        shares: shares?,
    }))
}

/// A socket path, host and port, or a URL.
fn admin(node: &Node<'_>) -> Option<Address> {
    let text = node.text()?;
    let url = if text.contains("://") {
        text.to_owned()
    } else if let Some(path) = text.strip_prefix("unix/") {
        // The form of Caddy's own config.
        return socket(node, path);
    } else if text.contains('/') || !text.contains(':') {
        return socket(node, text);
    } else {
        format!("http://{text}")
    };
    match BaseUrl::parse(&url) {
        Ok(url) if url.is_root() => Some(Address::Net(url.to_string())),
        Ok(_) => node.refuse(format!("{} goes on behind host and port", quote(text)), EXAMPLE_ADMIN),
        Err((why, _)) => node.refuse(why, EXAMPLE_ADMIN),
    }
}

fn socket(node: &Node<'_>, path: &str) -> Option<Address> {
    if path.contains('|') {
        return node.refuse("holds a file mode, which is Caddy's alone".into(), "end the path before the |");
    }
    let path = if path.starts_with('/') { path.into() } else { values::path(node)? };
    values::socket(node, path).map(Address::Unix)
}

/// A name, or a place with the same spelling in a URL as in Caddy's configuration.
fn handler(node: &Node<'_>) -> Option<HandlerAt> {
    let text = node.text()?;
    let plain = |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
    if (1..=100).contains(&text.len()) && plain(text) && text.bytes().any(|b| b != b'.') {
        return Some(HandlerAt::Id(text.to_owned()));
    }
    if let Some(below) = text.strip_prefix("/config/apps/") {
        let part = |part: &str| !part.is_empty() && plain(part) && part != "." && part != "..";
        if text.len() <= 300 && below.split('/').all(part) {
            return Some(HandlerAt::Path(text.to_owned()));
        }
    }
    let remedy = "write its \"@id\" in letters, digits, - _ and ., or its place: /config/apps/http/servers/srv0/routes/0/handle/0";
    node.refuse(format!("{} names no handler", quote(text)), remedy)
}

fn origin(node: &Node<'_>) -> Option<String> {
    node.word(200, |b| b.is_ascii_graphic(), "is no origin", "write e.g. \"http://127.0.0.1:2019\"")
}

fn written(node: &Node<'_>) -> Option<Pair<Vec<String>>> {
    let table = node.table()?.keys_of(&[&UPSTREAMS]);
    let side = |side: Side| {
        let node = table.need(side.name(), "write both sides: { blue = [..], green = [..] }")?;
        let items = node.list(EXAMPLE_DIALS)?;
        if !(1..=MAX_UPSTREAMS).contains(&items.len()) {
            return node.refuse(format!("names {} upstreams", items.len()), format!("name 1 to {MAX_UPSTREAMS}"));
        }
        items.iter().map(dial).collect::<Option<Vec<String>>>()
    };
    let (blue, green) = (side(Side::Blue), side(Side::Green));
    let upstreams = Pair { blue: blue?, green: green? };
    match twin(&upstreams) {
        Some(twin) => node.refuse(format!("{} is named twice", quote(twin)), "name each upstream once, on one side"),
        None => Some(upstreams),
    }
}

fn dial(node: &Node<'_>) -> Option<String> {
    let text = node.text()?;
    let plain = |b: u8| b.is_ascii_graphic() && !b"\\\"'<>;".contains(&b);
    if text.len() <= 200 && text.contains([':', '/']) && !text.contains("://") && text.bytes().all(plain) {
        return Some(text.to_owned());
    }
    node.refuse(format!("{} is no upstream of Caddy's", quote(text)), EXAMPLE_DIALS)
}

/// Host and port of each replica.
fn of_urls(table: &Table<'_>, around: &Around<'_>) -> Option<Pair<Vec<String>>> {
    let upstreams = Pair::from_fn(|side| {
        let urls = around.sides[side].urls.iter();
        urls.filter_map(|url| BaseUrl::parse(url).ok()).map(|url| url.authority()).collect::<Vec<String>>()
    });
    // Faults of the URLs are reported at the URLs.
    if upstreams.blue.is_empty() || upstreams.green.is_empty() {
        return None;
    }
    if let Some(twin) = twin(&upstreams) {
        let fault = format!("two replicas' URLs are both {} to Caddy", quote(twin));
        return table.refuse(fault, "write upstreams = { blue = [..], green = [..] }, one for each");
    }
    Some(upstreams)
}

fn twin(upstreams: &Pair<Vec<String>>) -> Option<&String> {
    let mut seen = std::collections::HashSet::new();
    upstreams.blue.iter().chain(&upstreams.green).find(|dial| !seen.insert(dial.as_str()))
}
