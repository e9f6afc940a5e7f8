//! `ca`, `cert`, `key` and `proxy`: how requests reach their server. These keys are the same in every table that
//! makes requests.

use super::docs::Section;
use super::error::quote;
use super::node::Node;
use super::reader::Table;
use super::url::BaseUrl;
use super::values::path;
use crate::domain::transport::{Identity, Proxy, Transport};
use crate::http::{self, Part};

/// The keys, in every table that makes requests.
pub(crate) const TRANSPORT: Section = Section::new("any table that makes requests", include_str!("keys.md"));

/// Reads the keys. Files that cannot be used are a fault, except for a rollback: it goes on without them. In a table
/// without `cert`, `key` means something else, and there is no client certificate.
pub(crate) fn transport(table: &Table<'_>) -> Transport {
    let ca = table.get("ca").and_then(|node| path(&node));
    let proxy = table.get("proxy").and_then(|node| proxy(&node)).unwrap_or_default();
    let identity = if table.knows("cert") { identity(table) } else { None };
    let transport = Transport { ca, identity, proxy };
    refuse_unusable(table, &transport);
    transport
}

fn identity(table: &Table<'_>) -> Option<Identity> {
    let (cert, key) = (table.get("cert"), table.get("key"));
    match (cert.as_ref().map(path), key.as_ref().map(path)) {
        (Some(cert), Some(key)) => Some(Identity { cert: cert?, key: key? }),
        (Some(path), None) => path.and(cert)?.refuse("needs its key".into(), "write key = \"PATH\" beside it"),
        (None, Some(path)) => path.and(key)?.refuse("needs its certificate".into(), "write cert = \"PATH\" beside it"),
        (None, None) => None,
    }
}

fn proxy(node: &Node<'_>) -> Option<Proxy> {
    let remedy = "write \"none\", \"env\", or e.g. \"http://proxy.internal:3128\"";
    match node.text()? {
        "none" => Some(Proxy::None),
        "env" => Some(Proxy::Env),
        url => match BaseUrl::parse(url) {
            Ok(url) if url.is_root() => Some(Proxy::Url(url.to_string())),
            Ok(_) => node.refuse(format!("{} goes on behind host and port", quote(url)), remedy),
            Err((why, _)) => node.refuse(why, remedy),
        },
    }
}

fn refuse_unusable(table: &Table<'_>, transport: &Transport) {
    if table.is_for_rollback() {
        return;
    }
    for fault in http::check(transport) {
        let remedy = match fault.part {
            Part::Ca => "name a PEM file with certificates; relative paths start from the config file",
            Part::Cert => "name the PEM file of the certificate",
            Part::Key => "name the PEM file of the certificate's key",
        };
        if let Some(node) = table.get(fault.part.name()) {
            node.fault(fault.why, remedy);
        }
    }
}
