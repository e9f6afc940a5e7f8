//! Connects to the systems that a config names.

use std::sync::Arc;

use super::config_watch::ConfigFile;
use crate::backend::TrafficBackend;
use crate::config::Config;
use crate::gate::Checks;

/// The systems of a rollout: the traffic system, and the checks of the gates.
#[derive(Clone)]
pub struct Systems {
    /// The traffic system.
    pub backend: Arc<dyn TrafficBackend>,
    /// The check of each gate that runs.
    pub checks: Checks,
    /// The config file, where there is one to watch.
    pub config: Option<ConfigFile>,
}

impl Systems {
    /// The systems that `config` names. Contacts none of them.
    pub fn of(config: &Config) -> Self {
        let file = ConfigFile::now(&config.file);
        Self { backend: connect(config), checks: config.checks.clone(), config: Some(file) }
    }
}

/// The traffic system that the config names; nothing is contacted yet.
pub fn connect(config: &Config) -> Arc<dyn TrafficBackend> {
    config.backend.connect()
}
