//! From a config to the systems it names.

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
use crate::gate::Checks;

/// What a rollout runs with: the traffic system, and the checks of the gates.
#[derive(Clone)]
pub struct Systems {
    /// The traffic system.
    pub backend: Arc<dyn TrafficBackend>,
    /// The check of each gate that runs.
    pub checks: Checks,
}

impl Systems {
    /// The systems that `config` names. Contacts none of them.
    pub fn of(config: &Config) -> Self {
        Self { backend: connect(config), checks: config.checks.clone() }
    }
}

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
