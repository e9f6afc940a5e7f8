//! The kinds of traffic system: one row each.
//!
//! A kind is one folder with its keys, the reader of its config, observing, driving and its set-up page. To add a
//! kind, add its folder, its `mod` line in `backend.rs` and one row here; no other file names a kind.

use super::configured::Backend;
use super::kind::Kind;
pub(crate) use super::kind::{Around, COMMON};
use crate::domain::Pace;
use crate::settings::{Node, Section, TRANSPORT, Table, nearest, quote};

/// Every kind that can be driven, in the order of messages and pages.
#[rustfmt::skip]
const KINDS: &[&Kind] = &[
    &super::embedded::KIND,
    &super::haproxy::KIND,
    &super::envoy::KIND,
    &super::caddy::KIND,
    &super::traefik::KIND,
    &super::nginx::KIND,
    #[cfg(feature = "dns")]
    &super::dns::KIND,
    &super::hook::EXEC,
    &super::hook::HTTP,
];

/// Kinds that this build leaves out. The cargo feature that brings a kind has its name.
const LEFT_OUT: &[&str] = &[
    #[cfg(not(feature = "dns"))]
    "dns",
];

/// Known traffic systems that this version does not drive.
#[rustfmt::skip]
const NOT_BUILT: &[&str] = &[
    "apache", "istio", "linkerd", "gateway-api", "httproute", "kubernetes", "argo-rollouts", "flagger", "kserve", "seldon",
    "knative", "sagemaker", "vertex", "azureml", "databricks", "codedeploy", "alb", "cloudflare", "consul",
];

/// The valid values of `[backend] kind`.
pub fn names() -> impl Iterator<Item = &'static str> {
    KINDS.iter().map(|kind| kind.name)
}

/// The set-up page of every kind, as kind and Markdown.
pub(super) fn pages() -> impl Iterator<Item = (&'static str, &'static str)> {
    KINDS.iter().map(|kind| (kind.name, kind.page))
}

/// Whether `kind` keeps requests of live traffic.
pub(crate) fn keeps_requests(kind: &str) -> bool {
    KINDS.iter().any(|it| it.name == kind && it.keeps_requests)
}

/// The documented keys of every kind. A section of several kinds comes after all of them.
pub(crate) fn sections() -> Vec<&'static Section> {
    let mut sections: Vec<&Section> = Vec::new();
    for section in KINDS.iter().flat_map(|kind| kind.keys.iter().chain(kind.tables)) {
        sections.retain(|known| known.name != section.name);
        sections.push(section);
    }
    // The reference has these once, for all tables.
    sections.retain(|section| ![COMMON.name, TRANSPORT.name].contains(&section.name));
    sections.insert(0, &COMMON);
    sections
}

/// Reads `[backend]`: the traffic system, and how fast it is.
pub(crate) fn read(root: &Table<'_>, around: &Around<'_>) -> (Option<Backend>, Pace) {
    let written = root.need("backend", "write [backend] with kind = \"embedded\"");
    let Some(table) = written.and_then(|node| node.table()) else { return (None, Pace::DIRECT) };
    let Some(node) = table.need("kind", "write kind = \"embedded\"") else { return (None, Pace::DIRECT) };
    // For an unknown kind the other keys have no meaning.
    let Some(kind) = kind(&node) else { return (None, Pace::DIRECT) };
    let table = table.keys_of(kind.keys);
    let backend = (kind.read)(&table, around);
    let pace = backend.as_ref().map_or(Pace::DIRECT, Backend::pace);
    let settle_within_ms = table.duration("verify_timeout", 100..=3_600_000, pace.settle_within_ms);
    (backend, Pace { settle_within_ms, ..pace })
}

fn kind(node: &Node<'_>) -> Option<&'static Kind> {
    let typed = node.text()?;
    if let Some(kind) = KINDS.iter().find(|kind| kind.name == typed) {
        return Some(kind);
    }
    let names: Vec<&str> = names().collect();
    if LEFT_OUT.contains(&typed) {
        return node.refuse(format!("this build has no {typed} backend"), format!("build with --features {typed}"));
    }
    let remedy = format!("kinds: {}", names.join(", "));
    if NOT_BUILT.contains(&typed) {
        return node.refuse(format!("this build cannot drive {typed} yet"), remedy);
    }
    let fault = format!("{} is not a kind of backend", quote(typed));
    match nearest(typed, names.iter().copied()) {
        Some(meant) => node.refuse(fault, format!("did you mean \"{meant}\"?")),
        None => node.refuse(fault, remedy),
    }
}

#[cfg(test)]
mod tests {
    #[cfg(not(any(feature = "dns", feature = "traefik-redis")))]
    #[test]
    fn a_part_that_is_left_out_names_the_feature_that_brings_it() {
        let refusal = |backend: &str| {
            let sides = "[service]\nname = \"m\"\n[blue]\nurls = [\"http://h:1\"]\n[green]\nurls = [\"http://h:2\"]\n";
            let text = format!("{sides}[backend]\n{backend}");
            crate::config::parse(&text, "c.toml".as_ref(), &|_| None).unwrap_err().to_string()
        };
        let dns = refusal("kind = \"dns\"\nzone = \"x\"\n");
        assert!(dns.contains("kind: this build has no dns backend; build with --features dns"), "{dns}");
        let redis = refusal("kind = \"traefik\"\napi = \"http://h:8080\"\nredis = \"h:6379\"\n");
        assert!(redis.contains("redis: this build cannot reach Redis; build with --features traefik-redis"), "{redis}");
    }
}
