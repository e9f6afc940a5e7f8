//! The config file: its text and its meaning.
//!
//! One TOML file describes one service. Reading finds every fault, each with its line and its remedy, and any fault
//! stops the start (law 12). It has two stages. [`settings`](crate::settings) walks the parsed document and knows
//! lines, types and unknown keys. `sections` and others turn its values into the domain's types, one function per
//! rule. `keys` is the table of all keys; the template and the reference are made from it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use toml::de::DeTable;

use crate::backend::{Backend, Weights, kinds};
use crate::domain::{LogSource, Service};
use crate::gate::{self, Checks};
pub use crate::settings::{AdminAddress, ConfigError, KeyDefault, Secret};
use crate::settings::{Report, Table};

mod alerts;
mod guards;
mod keys;
mod locate;
mod logs;
pub(crate) mod metrics;
mod openai;
pub(crate) mod presets;
mod prompts;
mod sections;
mod template;
mod ui;

pub use keys::{reference, reference_markdown};
pub use template::{Answers, template};
pub(crate) use ui::{ColorDepth, ColorWhen, UiSpec};

/// A config without faults.
#[derive(Debug, Clone)]
pub struct Config {
    /// The file it was read from; relative paths in it start from its directory.
    pub file: PathBuf,
    /// The service, its sides, plan, gates and guards.
    pub service: Service,
    /// How each gate of the service runs.
    pub checks: Checks,
    /// The traffic system.
    pub backend: Backend,
    /// The embedded proxy, if this file describes one: `cutover gateway` runs it.
    pub gateway: Option<GatewaySpec>,
    /// The user's own logs, shown beside those of the gates.
    pub logs: Vec<LogSource>,
    /// How the console looks.
    pub ui: UiSpec,
    /// What a rollback ignores: it does not need it.
    pub warnings: Vec<String>,
}

/// The settings of `cutover gateway`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GatewaySpec {
    /// The address for traffic. With port 0 the system chooses a port at each start.
    pub listen: SocketAddr,
    /// The address of its admin interface.
    pub admin: AdminAddress,
    /// The file that keeps the split across a restart.
    pub state: PathBuf,
    /// The path of the readiness check on every replica: that of `[probe]`.
    pub ready_path: String,
    /// Whether it keeps the latest requests for gates that send them again.
    pub sample: bool,
}

/// Reads the config file: `path`, `CUTOVER_CONFIG`, in `cwd`, or in the user's config directory, in this order. `env`
/// looks up environment variables.
///
/// # Errors
/// Every fault of the file, or why there is no file to read.
pub fn load(path: Option<&Path>, env: &dyn Fn(&str) -> Option<String>, cwd: &Path) -> Result<Config, ConfigError> {
    load_with(path, env, cwd, false)
}

/// The same for a rollback, which ignores faults that do not concern it. The state directory may be anything, and files
/// of certificates and keys need not be usable. A missing file, command or secret of gates, metrics, alerts and logs is
/// only a warning: see [`Config::warnings`].
///
/// # Errors
/// Every other fault of the file, or why the file cannot be read.
pub fn load_to_go_back(
    path: Option<&Path>,
    env: &dyn Fn(&str) -> Option<String>,
    cwd: &Path,
) -> Result<Config, ConfigError> {
    load_with(path, env, cwd, true)
}

fn load_with(
    path: Option<&Path>,
    env: &dyn Fn(&str) -> Option<String>,
    cwd: &Path,
    for_rollback: bool,
) -> Result<Config, ConfigError> {
    let found = locate::find(path, env, cwd)?;
    let text = locate::read(&found)?;
    parse_with(&text, &found.path, env, for_rollback).map_err(|error| ConfigError { file: found.shown, ..error })
}

/// Reads a config from `text`, with `file` as its file name.
///
/// # Errors
/// Every fault of the text.
pub fn parse(text: &str, file: &Path, env: &dyn Fn(&str) -> Option<String>) -> Result<Config, ConfigError> {
    parse_with(text, file, env, false)
}

fn parse_with(
    text: &str,
    file: &Path,
    env: &dyn Fn(&str) -> Option<String>,
    for_rollback: bool,
) -> Result<Config, ConfigError> {
    let base = file.parent().unwrap_or(Path::new("")).to_path_buf();
    let mut report = Report::new(text, base, env);
    report.for_rollback = for_rollback;
    let document = report.document();
    let config = document.as_ref().and_then(|document| meaning(&report, document.get_ref(), file));
    match (report.finish(file), config) {
        (None, Some(config)) => Ok(config),
        (Some(error), _) => Err(error),
        (None, None) => Err(ConfigError::whole(file, "the config could not be understood".into(), "")),
    }
}

fn meaning<'a>(report: &'a Report<'a>, document: &'a DeTable<'a>, file: &Path) -> Option<Config> {
    let root = Table::root(report, document, &keys::TOP, "section");
    let (name, environment) = sections::service(&root);
    let (sides, replicas) = sections::sides(&root);
    let (probe, stale_after_ms) = sections::probe(&root);
    let front = sections::front(&root);
    let base = locate::state_base(report.env);
    let state_dir = sections::state_dir(&root, base, &name, &environment).unwrap_or_default();
    let gateway = sections::gateway(&root, &state_dir, &probe.path, &replicas);
    let around = kinds::Around {
        gateway: gateway.as_ref().map(|gateway| &gateway.admin),
        has_gateway: root.get("gateway").is_some(),
        service: &name,
        sides: &sides,
    };
    let (backend, pace) = kinds::read(&root, &around);
    report.rest_is_optional();
    let weights = backend.as_ref().map_or(Weights::Any, Backend::weights);
    let plan = sections::plan(&root, &weights);
    let ui = ui::ui(&root);
    let (gates, checks) = gate::gates(&root, &probe.path, kinds::keeps_requests);
    let mut metrics = metrics::metrics(&root, &sides);
    if let Some(stream) = metrics.as_mut().and_then(|metrics| metrics.stream.as_mut()) {
        stream.transport = probe.transport.clone();
    }
    let guards = guards::guards(&root, metrics.as_ref());
    let alerts = alerts::alerts(&root);
    let logs = logs::logs(&root, &gates);
    let service = Service {
        name,
        environment,
        sides,
        probe,
        front,
        metrics,
        plan,
        gates,
        guards,
        alerts,
        pace,
        stale_after_ms,
        state_dir,
    };
    let warnings = report.warnings(file);
    Some(Config { file: file.into(), service, checks, backend: backend?, gateway, logs, ui, warnings })
}
