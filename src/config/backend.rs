//! The traffic system a config names: one row a kind, one function a row.

use super::{GatewaySpec, dns, hooks, keys, nginx};
use crate::domain::router::caddy::CaddySpec;
use crate::domain::router::dns::DnsSpec;
use crate::domain::router::envoy::EnvoySpec;
use crate::domain::router::haproxy::HaproxySpec;
use crate::domain::router::hook::HookSpec;
use crate::domain::router::nginx::NginxSpec;
use crate::domain::router::traefik::TraefikSpec;
use crate::domain::{Pair, SideSpec};
use crate::settings::{self, AdminAddress, Node, Section, TRANSPORT, Table, nearest, quote};

mod caddy;
mod envoy;
mod haproxy;
mod traefik;

/// A traffic system and how it is reached.
#[derive(Debug, Clone, PartialEq)]
pub enum BackendSpec {
    /// The gateway that comes with cutover.
    Embedded {
        /// Its admin interface.
        admin: AdminAddress,
    },
    /// HAProxy, by its runtime API.
    Haproxy(HaproxySpec),
    /// Envoy, by its admin interface.
    Envoy(Box<EnvoySpec>),
    /// Caddy, by its admin interface.
    Caddy(Box<CaddySpec>),
    /// Traefik, by its file or Redis provider and its API.
    Traefik(Box<TraefikSpec>),
    /// nginx, by a file of its configuration.
    Nginx(Box<NginxSpec>),
    /// A name in the DNS.
    Dns(Box<DnsSpec>),
    /// Any other system, through commands or HTTP calls.
    Hook(Box<HookSpec>),
}

impl BackendSpec {
    /// The word for it in `[backend] kind`.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Embedded { .. } => "embedded",
            Self::Haproxy(_) => "haproxy",
            Self::Envoy(_) => "envoy",
            Self::Caddy(_) => "caddy",
            Self::Traefik(_) => "traefik",
            Self::Nginx(_) => "nginx",
            Self::Dns(_) => "dns",
            Self::Hook(spec) => spec.kind(),
        }
    }
}

/// What stands around `[backend]` in the file.
pub(super) struct Around<'a> {
    /// What `[gateway]` says, where it is there and sound.
    pub gateway: Option<&'a GatewaySpec>,
    /// Whether a `[gateway]` is written at all.
    pub has_gateway: bool,
    /// The service's name.
    pub service: &'a str,
    /// The replicas' URLs, where they are sound.
    pub urls: Pair<&'a [String]>,
}

/// One kind of traffic system.
struct Kind {
    /// The word in `kind = ".."`.
    name: &'static str,
    /// Which keys it has besides those of every kind.
    sections: &'static [&'static Section],
    /// What its keys mean.
    read: fn(&Table<'_>, &Around<'_>) -> Option<BackendSpec>,
}

/// Every traffic system that can be driven, in the order in which messages and the README name them.
#[rustfmt::skip]
const KINDS: &[Kind] = &[
    Kind { name: "embedded", sections: &[&keys::BACKEND, &keys::EMBEDDED], read: embedded },
    Kind { name: "haproxy", sections: &[&keys::BACKEND, &keys::HAPROXY], read: haproxy::haproxy },
    Kind { name: "envoy", sections: &[&keys::BACKEND, &keys::ENVOY], read: envoy::envoy },
    Kind { name: "caddy", sections: &[&keys::BACKEND, &keys::CADDY, &TRANSPORT], read: caddy::caddy },
    Kind { name: "traefik", sections: &[&keys::BACKEND, &keys::TRAEFIK, &TRANSPORT], read: traefik::traefik },
    Kind { name: "nginx", sections: &[&keys::BACKEND, &keys::NGINX], read: nginx::nginx },
    Kind { name: "dns", sections: &[&keys::BACKEND, &keys::DNS], read: dns::dns },
    Kind { name: "exec", sections: &[&keys::BACKEND, &keys::HOOK_EXEC, &keys::HOOK], read: hooks::exec },
    Kind { name: "http", sections: &[&keys::BACKEND, &keys::HOOK_HTTP, &keys::HOOK, &TRANSPORT], read: hooks::http },
];

/// The kinds of traffic system this version drives, in that order.
pub fn kinds() -> impl Iterator<Item = &'static str> {
    KINDS.iter().map(|kind| kind.name)
}

/// Known traffic systems that this version does not drive.
const NOT_BUILT: &[&str] = &[
    "apache",
    "istio",
    "linkerd",
    "gateway-api",
    "httproute",
    "kubernetes",
    "argo-rollouts",
    "flagger",
    "kserve",
    "seldon",
    "knative",
    "sagemaker",
    "vertex",
    "azureml",
    "databricks",
    "codedeploy",
    "alb",
    "cloudflare",
    "consul",
];

const DEFAULT_LATE: u64 = 10_000;

/// The traffic system, and when an order is told as late (milliseconds).
pub(super) fn backend(
    root: &Table<'_>,
    gateway: Option<&GatewaySpec>,
    service: &str,
    sides: &Pair<SideSpec>,
) -> (Option<BackendSpec>, u64) {
    let written = root.need("backend", "write [backend] with kind = \"embedded\"");
    let Some(table) = written.and_then(|node| node.table()) else { return (None, DEFAULT_LATE) };
    let Some(node) = table.need("kind", "write kind = \"embedded\"") else { return (None, DEFAULT_LATE) };
    // Of an unknown kind the other keys mean nothing.
    let Some(kind) = kind(&node) else { return (None, DEFAULT_LATE) };
    let table = table.keys_of(kind.sections);
    let late = table.duration("verify_timeout", 100..=3_600_000, DEFAULT_LATE);
    let urls = Pair::from_fn(|side| sides[side].urls.as_slice());
    let around = Around { gateway, has_gateway: root.get("gateway").is_some(), service, urls };
    ((kind.read)(&table, &around), late)
}

fn kind(node: &Node<'_>) -> Option<&'static Kind> {
    let typed = node.text()?;
    if let Some(kind) = KINDS.iter().find(|kind| kind.name == typed) {
        return Some(kind);
    }
    let names: Vec<&str> = KINDS.iter().map(|kind| kind.name).collect();
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

fn embedded(table: &Table<'_>, around: &Around<'_>) -> Option<BackendSpec> {
    let own = settings::admin(table);
    let admin = match (table.get("admin"), around.gateway) {
        (Some(node), found) => {
            if let (Some(own), Some(gateway)) = (&own, found.filter(|gateway| Some(&gateway.admin) != own.as_ref())) {
                node.fault(
                    format!(
                        "{} is not [gateway] admin, {}",
                        quote(&own.to_string()),
                        quote(&gateway.admin.to_string())
                    ),
                    "remove it: the console takes admin from [gateway]",
                );
            }
            own
        }
        (None, Some(gateway)) => Some(gateway.admin.clone()),
        (None, None) if around.has_gateway => None,
        (None, None) => {
            table.fault("no gateway is named".into(), "write admin here, or [gateway] with listen");
            None
        }
    };
    admin.map(|admin| BackendSpec::Embedded { admin })
}
