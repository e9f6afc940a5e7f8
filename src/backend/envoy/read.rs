//! Reads `[backend] kind = "envoy"`: the admin interfaces, the clusters of the sides, and what carries the split.
//!
//! Names that could become another request of the admin interface are refused here, with their line.

use super::spec::{EnvoySpec, EnvoyWay};
use crate::backend::Address;
use crate::backend::configured::Backend;
use crate::backend::kind::Around;
use crate::domain::{Pair, Side};
use crate::settings::{Node, Section, Table, quote, values};

pub(super) const KEYS: Section = Section::new("[backend] kind = \"envoy\"", include_str!("keys.md"));

/// The most processes.
const MAX_PROCESSES: usize = 64;

const EXAMPLE_ADMIN: &str = "write e.g. admin = [\"http://127.0.0.1:9901\", \"/run/envoy/admin.sock\"]";

pub(super) fn read(table: &Table<'_>, _: &Around<'_>) -> Option<Backend> {
    let admin = table
        .need("admin", EXAMPLE_ADMIN)
        .and_then(|node| node.one_or_several(EXAMPLE_ADMIN, 1..=MAX_PROCESSES, place));
    let way = way(table);
    let cluster = |side: Side| table.or(side.name(), side.name().to_owned(), cluster);
    let (blue, green) = (cluster(Side::Blue), cluster(Side::Green));
    if let Some(twin) = blue.as_ref().filter(|blue| Some(*blue) == green.as_ref()) {
        return table.refuse(format!("cluster {} stands for both sides", quote(twin)), "name one cluster a side");
    }
    let clusters = Pair { blue: blue?, green: green? };
    Some(Backend::new(EnvoySpec { admin: admin?, clusters, way: way? }))
}

/// A runtime key, or a file of routes with its template.
fn way(table: &Table<'_>) -> Option<EnvoyWay> {
    let (written, routes, template) = (table.get("key"), table.get("routes"), table.get("template"));
    let Some(routes) = routes else {
        if let Some(template) = template {
            template.fault("means nothing without routes".into(), "write routes, or remove it");
        }
        let Some(written) = written else {
            return table.refuse(
                "neither key nor routes is written".into(),
                "write the runtime_key of green's route: key = \"routing.traffic_shift.green\"",
            );
        };
        return Some(EnvoyWay::Runtime { key: key(&written)? });
    };
    if let Some(key) = written {
        key.fault("means nothing with routes".into(), "remove one of the two");
    }
    let file = values::path(&routes).and_then(|file| {
        let is_json = file.extension().is_some_and(|extension| extension == "json");
        if is_json && !file.is_dir() {
            Some(file)
        } else {
            routes.refuse(
                "is not the name of a JSON file".into(),
                "write e.g. \"/etc/envoy/rds/models.json\": Envoy goes by the name",
            )
        }
    });
    let template = table
        .need("template", "write the file that routes is made from: template = \"/etc/cutover/models.template.json\"")
        .and_then(|node| {
            let path = values::path(&node)?;
            if Some(&path) == file.as_ref() {
                return node.refuse("is routes itself".into(), "name another file: routes is written anew each time");
            }
            Some(path)
        });
    Some(EnvoyWay::Routes { file: file?, template: template? })
}

/// A base URL, or the path of a socket.
fn place(node: &Node<'_>) -> Option<Address> {
    let text = node.text()?;
    if text.contains("://") {
        return values::base_url(node).map(|url| Address::Net(url.to_string()));
    }
    if text.contains(':') && !text.contains('/') {
        return node
            .refuse(format!("{} has no scheme", quote(text)), "write http:// in front, or the path of a socket");
    }
    values::socket(node, values::path(node)?).map(Address::Unix)
}

/// A runtime key that needs no escaping in a query.
fn key(node: &Node<'_>) -> Option<String> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
    node.word(200, plain, "is not a runtime key", "write its letters, digits, - _ and . as the route does")
}

/// The name of a cluster, with the characters that Envoy allows.
fn cluster(node: &Node<'_>) -> Option<String> {
    node.word(200, |b| b.is_ascii_graphic(), "is not the name of a cluster", "write it as Envoy's own config does")
}
