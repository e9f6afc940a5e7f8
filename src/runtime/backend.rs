//! From the config's backend to a traffic system.

use std::sync::Arc;

use crate::backend::TrafficBackend;
use crate::backend::caddy::Caddy;
use crate::backend::dns::Dns;
use crate::backend::embedded::Embedded;
use crate::backend::envoy::Envoy;
use crate::backend::haproxy::Haproxy;
use crate::backend::hook::Hook;
use crate::backend::nginx::Nginx;
use crate::backend::traefik::Traefik;
use crate::config::{BackendSpec, Config};

/// The traffic system the config names; nothing is contacted yet.
pub fn connect(config: &Config) -> Arc<dyn TrafficBackend> {
    let urls = config.service.sides.map(|_, side| side.urls.clone());
    match &config.backend {
        BackendSpec::Embedded { admin } => Arc::new(Embedded::new(admin.clone(), urls)),
        BackendSpec::Haproxy(spec) => Arc::new(Haproxy::new(spec.clone(), urls)),
        BackendSpec::Envoy(spec) => Arc::new(Envoy::new((**spec).clone(), urls)),
        BackendSpec::Caddy(spec) => Arc::new(Caddy::new((**spec).clone(), urls)),
        BackendSpec::Traefik(spec) => Arc::new(Traefik::new((**spec).clone(), urls)),
        BackendSpec::Nginx(spec) => Arc::new(Nginx::new((**spec).clone(), urls)),
        BackendSpec::Dns(spec) => Arc::new(Dns::new((**spec).clone(), urls)),
        BackendSpec::Hook(spec) => Arc::new(Hook::new((**spec).clone(), urls)),
    }
}
