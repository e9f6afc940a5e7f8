//! What `[backend] kind = "dns"` means.

use crate::backend::configured::Backend;
use crate::backend::kind::Around;
use std::net::IpAddr;

use super::spec::{DnsSpec, DnsWay, RecordKind, Target, TsigKey};
use crate::domain::{Pair, Side};
use crate::settings::{Node, Table, call, quote, transport, values};

const SECOND: u64 = 1000;
const DAY: u64 = 24 * 3600 * SECOND;
/// Most records of one side.
const MAX_TARGETS: usize = 64;
/// Most secondaries: all are read every second.
const MAX_SECONDARIES: usize = 16;

const RECORDS: [(&str, RecordKind); 4] =
    [("A", RecordKind::A), ("AAAA", RecordKind::Aaaa), ("CNAME", RecordKind::Cname), ("SRV", RecordKind::Srv)];

/// Reads the keys.
pub(super) fn read(table: &Table<'_>, _: &Around<'_>) -> Option<Backend> {
    let methods = [("update", true), ("powerdns", false)];
    let is_update = table
        .need("method", "write method = \"update\" (RFC 2136: BIND, Knot, ...) or \"powerdns\"")
        .and_then(|node| node.choice(&methods));
    let zone = table.need("zone", "write e.g. zone = \"ml.example\"").and_then(|node| domain_name(&node));
    let name = table.need("name", "write e.g. name = \"api.ml.example\"").and_then(|node| {
        let name = domain_name(&node)?;
        match &zone {
            Some(zone) if name != *zone && !name.ends_with(&format!(".{zone}")) => {
                node.refuse(format!("{} does not lie in the zone {}", quote(&name), quote(zone)), "name one that does")
            }
            _ => Some(name),
        }
    });
    let record = table.or("record", RecordKind::A, |node| {
        let record = node.choice(&RECORDS)?;
        let fits = is_update != Some(false) || matches!(record, RecordKind::A | RecordKind::Aaaa);
        node.fitting(record, fits, "LUA records are A or AAAA here".into(), "write \"A\" or \"AAAA\"")
    });
    let targets = record.map(|record| Pair::from_fn(|side| targets(table, side, record)));
    let ttl = table.duration("ttl", SECOND..=DAY, 30 * SECOND);
    if let Some(node) = table.get("ttl").filter(|_| !ttl.is_multiple_of(SECOND)) {
        node.fault("is not a whole number of seconds".into(), "write e.g. \"30s\"");
    }
    let way = if is_update? { update(table) } else { powerdns(table) };
    let Pair { blue, green } = targets?;
    let (blue, green) = (blue?, green?);
    if let Some(twin) = blue.iter().find(|target| green.contains(target)) {
        table.fault(format!("{} stands for both sides", quote(&twin.to_string())), "give each side its own");
        return None;
    }
    Some(Backend::new(DnsSpec {
        name: name?,
        zone: zone?,
        record: record?,
        targets: Pair { blue, green },
        ttl_s: u32::try_from(ttl / SECOND).ok()?,
        way: way?,
    }))
}

fn update(table: &Table<'_>) -> Option<DnsWay> {
    let server = table.need("server", "write e.g. server = \"10.0.0.53:53\"").and_then(|node| values::address(&node));
    let secondaries = table.or("secondaries", Vec::new(), |node| {
        node.several("write e.g. [\"10.0.1.53:53\"]", 0..=MAX_SECONDARIES, values::address)
    });
    let name = table.get("key").map(|node| domain_name(&node));
    let secret = table.get("secret").map(|node| call::secret(&node));
    let key = match (name, secret) {
        (None, None) => Some(None),
        (Some(name), Some(secret)) => name.zip(secret).map(|(name, secret)| Some(TsigKey { name, secret })),
        _ => {
            table.fault(
                "key and secret belong together".into(),
                "write key = \"NAME\" and secret = { file = \"PATH\" }",
            );
            None
        }
    };
    foreign(table, &["api", "server_id", "api_key", "ca", "proxy"], "update");
    Some(DnsWay::Update { server: server?, secondaries: secondaries?, key: key? })
}

fn powerdns(table: &Table<'_>) -> Option<DnsWay> {
    let url = table.need("api", "write e.g. api = \"http://127.0.0.1:8081\"").and_then(|node| values::base_url(&node));
    let server_id = table.or("server_id", "localhost".to_owned(), |node| values::name(node, 64));
    let key = table.need("api_key", "write api_key = { env = \"PDNS_API_KEY\" }").and_then(|node| call::secret(&node));
    let server = table.maybe("server", values::address);
    foreign(table, &["secondaries", "key", "secret"], "powerdns");
    let transport = transport(table);
    Some(DnsWay::PowerDns { url: url?.to_string(), server_id: server_id?, transport, key: key?, server: server? })
}

fn foreign(table: &Table<'_>, keys: &[&str], method: &str) {
    for node in keys.iter().filter_map(|key| table.get(key)) {
        node.fault(format!("means nothing with method = \"{method}\""), "remove it");
    }
}

/// A name in lower case without the dot at its end: letters, digits, `-` and `_`.
fn domain_name(node: &Node<'_>) -> Option<String> {
    let text = node.text()?;
    let name = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
    let label = |label: &str| {
        (1..=63).contains(&label.len()) && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    if name.len() <= 253 && name.split('.').all(label) {
        return Some(name);
    }
    node.refuse(format!("{} is not a domain name", quote(text)), "write e.g. \"api.ml.example\"")
}

fn targets(table: &Table<'_>, side: Side, record: RecordKind) -> Option<Vec<Target>> {
    let example = match record {
        RecordKind::A => "write e.g. [\"10.0.0.11\"]",
        RecordKind::Aaaa => "write e.g. [\"2001:db8::11\"]",
        RecordKind::Cname => "write e.g. [\"blue.ml.example\"]",
        RecordKind::Srv => "write e.g. [\"blue.ml.example:8080\"]",
    };
    let node = table.need(side.name(), example)?;
    let most = if record == RecordKind::Cname { 1 } else { MAX_TARGETS };
    node.several(example, 1..=most, |item| target(item, record, example))
}

fn target(node: &Node<'_>, record: RecordKind, example: &str) -> Option<Target> {
    let text = node.text()?;
    let address = text.parse::<IpAddr>().ok();
    let target = match (record, address) {
        (RecordKind::A, Some(IpAddr::V4(address))) => Some(Target::Address(address.into())),
        (RecordKind::Aaaa, Some(IpAddr::V6(address))) => Some(Target::Address(address.into())),
        (RecordKind::Cname, None) => return domain_name(node).map(Target::Name),
        (RecordKind::Srv, None) => text.rsplit_once(':').and_then(|(name, port)| {
            let port = port.parse::<u16>().ok().filter(|port| *port > 0)?;
            let fits = name.split('.').all(|label| {
                (1..=63).contains(&label.len())
                    && label.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
            });
            (fits && name.len() <= 253).then(|| Target::Service(name.to_ascii_lowercase(), port))
        }),
        _ => None,
    };
    target.or_else(|| node.refuse(format!("{} is no target of {} records", quote(text), record.name()), example))
}
