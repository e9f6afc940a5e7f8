//! The state of one process.

use std::time::Duration;

use serde_json::Value;

use super::admin::Admin;
use super::rds::{self, Written};
use super::routes;
use super::runtime::{self, Fault, KeyValue};
use super::stats::{self, Stats};
use crate::backend::BackendError;
use crate::backend::envoy::spec::{EnvoySpec, EnvoyWay};
use crate::backend::exchange::Failure;
use crate::domain::{Side, Split};

/// A process younger than this many seconds gets a note: earlier runtime values are lost.
const JUST_STARTED_S: u64 = 120;

/// One reading of one process.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Reading {
    /// Its split.
    pub(super) split: Split,
    /// Why the split is not certain.
    pub(super) odd: Option<String>,
    /// Everything that carries the split, as shown by the process.
    pub(super) raw: String,
    /// The tag of the order that set the split.
    pub(super) tag: Option<String>,
    /// The start time: with another process the counters start from zero.
    pub(super) started: String,
    /// Its counters.
    pub(super) stats: Stats,
    /// Notes for people.
    pub(super) notes: Vec<String>,
}

/// Reads a process. `file` is the content of the file of routes, if one carries the split.
pub(super) async fn read(
    admin: &Admin,
    spec: &EnvoySpec,
    file: Option<&Result<Written, String>>,
    limit: Duration,
) -> Result<Reading, Failure> {
    let stats_path = stats::path(&spec.clusters);
    let split = match &spec.way {
        EnvoyWay::Runtime { key } => {
            let [fixed, dynamic] = routes::ROUTES;
            let (runtime, bootstrap, fixed, dynamic, counted) = tokio::try_join!(
                admin.get(runtime::RUNTIME, limit),
                admin.get(runtime::BOOTSTRAP, limit),
                admin.get(fixed, limit),
                admin.get(dynamic, limit),
                admin.get(&stats_path, limit),
            )?;
            of_runtime(spec, key, &runtime, &bootstrap, &[fixed, dynamic], &counted)
        }
        EnvoyWay::Routes { .. } => {
            let (started, dynamic, counted) = tokio::try_join!(
                admin.get(rds::STARTED, limit),
                admin.get(rds::DYNAMIC, limit),
                admin.get(&stats_path, limit),
            )?;
            of_routes(spec, file, &started, &dynamic, &counted)
        }
    };
    split.map_err(|fault| {
        let name = &admin.name;
        match fault {
            Fault::Format => BackendError::Garbled(format!(
                "{name}: what it says has another format than Envoy's admin interface has: which version is it?"
            )),
            Fault::Setup(why) => BackendError::Refused(format!("{name}: {why}")),
        }
        .into()
    })
}

fn of_runtime(
    spec: &EnvoySpec,
    key: &str,
    runtime: &Value,
    bootstrap: &Value,
    routes: &[Value],
    counted: &Value,
) -> Result<Reading, Fault> {
    let (started, layers) = runtime::started(bootstrap).ok_or(Fault::Format)?;
    let runtime = runtime::read(runtime, &layers, key)?;
    let default = routes::default_percent(routes, key, &spec.clusters).map_err(Fault::Setup)?;
    let stats = stats::read(counted, &spec.clusters).ok_or(Fault::Format)?;
    let mut notes: Vec<String> = stats.state.map(|state| format!("Envoy is {state}")).into_iter().collect();
    let (percent, raw, odd) = match &runtime.value {
        KeyValue::Percent(percent) => (*percent, percent.to_string(), None),
        KeyValue::Nothing => {
            if stats.uptime_s.is_some_and(|uptime| uptime < JUST_STARTED_S) {
                let minutes = JUST_STARTED_S / 60;
                notes.push(format!(
                    "started less than {minutes} minutes ago: what was set before is gone, green has the route's \
                     default of {default} %"
                ));
            }
            (default, format!("default {default}"), None)
        }
        KeyValue::Other(text) => {
            let odd = format!("{key} is {text:?}, no whole percent: what Envoy makes of it is not known");
            (default, format!("odd {text}"), Some(odd))
        }
    };
    let split = Split::toward(Side::Green, percent);
    Ok(Reading { split, odd, raw, tag: runtime.tag, started, stats, notes })
}

fn of_routes(
    spec: &EnvoySpec,
    file: Option<&Result<Written, String>>,
    started: &Value,
    dynamic: &Value,
    counted: &Value,
) -> Result<Reading, Fault> {
    let (started, _) = runtime::started(started).ok_or(Fault::Format)?;
    let written = file.and_then(|file| file.as_ref().ok());
    let stats = stats::read(counted, &spec.clusters).ok_or(Fault::Format)?;
    let notes = stats.state.map(|state| format!("Envoy is {state}")).into_iter().collect();
    let name = written.map(|it| it.name.as_str());
    let applied = routes::weighted(&routes::configs(dynamic), name, &spec.clusters)
        .map_err(|why| Fault::Setup(format!("in what it took from the file of routes {why}")))?;
    let split = Split::toward(Side::Green, applied.percent);
    let versions = stats.versions_of(&applied.name);
    let behind = match file {
        None => None,
        Some(Err(why)) => Some(why.clone()),
        Some(Ok(file)) => rds::not_in_force(file, split, &versions, stats.refused_of(&applied.name)),
    };
    let tag = versions.first().filter(|first| behind.is_none() && versions.iter().all(|it| it == *first)).cloned();
    let file = written.map_or("-", |it| it.version.as_str());
    let raw = format!("{} {versions:?} {file}", applied.percent);
    Ok(Reading { split, odd: applied.odd.or(behind), raw, tag, started, stats, notes })
}
