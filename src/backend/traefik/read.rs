//! `[backend] kind = "traefik"`: the API of each instance, the service, and the file or Redis it is written to.
//!
//! Names that could end a key, a path or a line are refused here, with their line.

use super::spec::{FileFormat, TraefikSpec, TraefikWay};
use crate::backend::configured::Backend;
use crate::backend::kind::Around;
use crate::domain::call::HeaderValue;
use crate::domain::{Pair, Side};
use crate::settings::{BaseUrl, Node, Table, call, quote, transport, values};

/// More instances than this are not read every second.
const MAX_APIS: usize = 16;

const EXAMPLE_API: &str = "write e.g. api = \"http://127.0.0.1:8080\", or a list of them";
/// Keys that only the Redis provider has.
const OF_REDIS: [&str; 4] = ["db", "user", "password", "root_key"];

pub(super) fn read(table: &Table<'_>, _around: &Around<'_>) -> Option<Backend> {
    let apis = table.need("api", EXAMPLE_API).and_then(|node| apis(&node));
    let (headers, transport) = (headers(table), transport(table));
    let service = table.or("service", "split".to_owned(), |node| name(node, false));
    let sides = Pair::from_fn(|side: Side| match table.get(side.name()) {
        Some(node) => name(&node, true),
        None => Some(side.name().to_owned()),
    });
    let way = way(table);
    let (service, names) = (service?, Pair { blue: sides.blue?, green: sides.green? });
    let spec = TraefikSpec { apis: apis?, headers: headers?, transport, service, names, way: way? };
    if spec.full(&spec.names.blue) == spec.full(&spec.names.green) {
        table.fault(format!("{} is the service of both sides", quote(&spec.names.blue)), "name one service a side");
        return None;
    }
    if Side::BOTH.iter().any(|side| spec.full(&spec.names[*side]) == spec.full_name()) {
        table.fault(
            format!("{} would share to itself", quote(&spec.service)),
            "service is the weighted one; blue and green are the services behind it",
        );
        return None;
    }
    Some(Backend::new(spec))
}

fn apis(node: &Node<'_>) -> Option<Vec<String>> {
    let one = |node: &Node<'_>| match BaseUrl::parse(node.text()?) {
        Ok(url) if url.to_string().ends_with("/api") => {
            node.refuse("ends with /api, which is added here".into(), "leave it out: \"http://127.0.0.1:8080\"")
        }
        Ok(url) => Some(url.to_string()),
        Err((why, remedy)) => node.refuse(why, remedy),
    };
    node.one_or_several(EXAMPLE_API, 1..=MAX_APIS, one)
}

/// `headers` and `bearer`, without the placeholders that calls of gates have.
fn headers(table: &Table<'_>) -> Option<Vec<(String, HeaderValue)>> {
    let headers = call::headers(table)?;
    let has_braces = |value: &HeaderValue| matches!(value, HeaderValue::Plain(text) if text.contains("{{"));
    if let Some(node) = table.get("headers").filter(|_| headers.iter().any(|(_, value)| has_braces(value))) {
        return node.refuse("holds a placeholder".into(), "write it out");
    }
    Some(headers)
}

/// A service's name; that of a side may name its provider: `blue@docker`.
fn name(node: &Node<'_>, may_name_provider: bool) -> Option<String> {
    let text = node.text()?;
    let (name, provider) = match text.split_once('@') {
        Some((name, provider)) if may_name_provider => (name, provider),
        _ => (text, "file"),
    };
    let plain = |text: &str| {
        (1..=100).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
    };
    if plain(name) && plain(provider) {
        return Some(text.to_owned());
    }
    let remedy = if may_name_provider {
        "write letters, digits, - _ and ., and its provider behind an @ where that is another"
    } else {
        "write letters, digits, - _ and ., without @provider"
    };
    node.refuse(format!("{} is not the name of a service", quote(text)), remedy)
}

fn way(table: &Table<'_>) -> Option<TraefikWay> {
    match (table.get("file"), table.get("redis")) {
        (Some(file), None) => {
            for node in OF_REDIS.iter().filter_map(|key| table.get(key)) {
                node.fault("means nothing with file".into(), "remove it");
            }
            self::file(&file)
        }
        #[cfg(feature = "traefik-redis")]
        (None, Some(redis)) => super::redis::read(table, &redis).map(TraefikWay::Redis),
        #[cfg(not(feature = "traefik-redis"))]
        (None, Some(redis)) => {
            redis.refuse("this build cannot reach Redis".into(), "build with --features traefik-redis")
        }
        (Some(_), Some(redis)) => redis.refuse("file and redis are both written".into(), "remove one of them"),
        (None, None) => {
            table.fault(
                "nothing says where the split is written".into(),
                "write file = \"/etc/traefik/dynamic/split.yml\", or redis = \"127.0.0.1:6379\"",
            );
            None
        }
    }
}

fn file(node: &Node<'_>) -> Option<TraefikWay> {
    let path = values::path(node)?;
    let ending = path.extension().map(|ending| ending.to_string_lossy().into_owned()).unwrap_or_default();
    let format = match ending.as_str() {
        "yml" | "yaml" => FileFormat::Yaml,
        "toml" => FileFormat::Toml,
        _ => {
            return node
                .refuse("Traefik reads no file of this ending".into(), "name one that ends in .yml, .yaml or .toml");
        }
    };
    if path.is_dir() {
        return node.refuse("is a directory".into(), "name a file of its own in it, e.g. split.yml");
    }
    Some(TraefikWay::File { path, format })
}
