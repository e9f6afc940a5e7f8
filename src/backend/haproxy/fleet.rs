//! Several processes as one router: asks all at once and combines their answers into one observation.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use super::command;
use super::reading::{Reading, SideReading, read};
use super::wire::{self, Fault};
use crate::backend::BackendError;
use crate::backend::haproxy::spec::{HaproxySpec, NodeAddress};
use crate::backend::nodes;
use crate::domain::observation::Replicas;
use crate::domain::{Digest, Observation, Pair, Revision, Side, SideTraffic, TrafficCounters};

/// The result of one node.
pub(super) type Outcome<T> = (NodeAddress, Result<T, Fault>);

/// Sends `commands` to every node at once. The results are in the order of the nodes.
pub(super) async fn ask_all(spec: &HaproxySpec, commands: Vec<String>, limit: Duration) -> Vec<Outcome<Vec<String>>> {
    let commands = Arc::new(commands);
    let mut tasks = JoinSet::new();
    for (at, node) in spec.nodes.iter().cloned().enumerate() {
        let commands = Arc::clone(&commands);
        tasks.spawn(async move {
            let answers = wire::ask(&node, &commands, limit).await;
            (at, (node, answers))
        });
    }
    let mut found: Vec<_> = tasks.join_all().await;
    found.sort_by_key(|(at, _)| *at);
    found.into_iter().map(|(_, outcome)| outcome).collect()
}

/// Reads every node.
pub(super) async fn read_all(spec: &HaproxySpec, limit: Duration) -> Vec<Outcome<Reading>> {
    let answered = ask_all(spec, command::reading(&spec.method), limit).await;
    let meaning = |(node, answers): Outcome<Vec<String>>| {
        let reading = answers.and_then(|it| read(&spec.method, &it).map_err(|error| Fault::of(&node, error)));
        (node, reading)
    };
    answered.into_iter().map(meaning).collect()
}

/// The revision of all nodes: any change of a value, a process or a node changes it.
pub(super) fn revision(read: &[Outcome<Reading>]) -> Revision {
    let part = |(node, reading): &Outcome<Reading>| match reading {
        Ok(reading) => format!("{node} {} {}", reading.process, reading.raw),
        Err(_) => format!("{node} -"),
    };
    let digest = Digest::of(read.iter().map(part));
    Revision(digest.as_str().chars().take(16).collect())
}

/// One observation of all nodes.
///
/// A node that refuses connections serves no traffic; a note names it. A node that does not answer may serve traffic;
/// then the split is not certain.
pub(super) fn observation(read: &[Outcome<Reading>]) -> Result<Observation, BackendError> {
    let readings: Vec<(&NodeAddress, &Reading)> =
        read.iter().filter_map(|(node, reading)| Some((node, reading.as_ref().ok()?))).collect();
    let faults: Vec<&Fault> = read.iter().filter_map(|(_, reading)| reading.as_ref().err()).collect();
    let Some((_, first)) = readings.first() else { return Err(worst(&faults)) };
    let mut notes: Vec<String> =
        faults.iter().filter(|it| it.is_gone).map(|it| format!("node is down: {}", it.error.detail())).collect();
    let sides = sides(&readings, &mut notes, first);
    let told: Vec<_> = readings.iter().map(|(node, reading)| (node.to_string(), reading.notes.as_slice())).collect();
    notes.extend(nodes::notes(&told, read.len(), "node"));
    Ok(Observation {
        split: first.split,
        mixed: mixed(&readings, &faults),
        revision: revision(read),
        replicas: Pair::from_fn(|side| sides.as_ref().map(|sides| sides[side].replicas)),
        versions: Pair::default(),
        traffic: sides.and_then(|sides| traffic(&readings, sides)),
        controller: None,
        notes,
    })
}

/// Why the nodes do not show one common split.
fn mixed(readings: &[(&NodeAddress, &Reading)], faults: &[&Fault]) -> Option<String> {
    let mut parts: Vec<String> = Vec::new();
    let (_, first) = readings.first()?;
    if readings.iter().any(|(_, reading)| reading.split != first.split) {
        parts.extend(readings.iter().map(|(node, reading)| format!("{node} says {}", reading.split)));
    }
    let silent = faults.iter().filter(|fault| !fault.is_gone);
    parts.extend(silent.map(|fault| format!("not read: {}", fault.error.detail())));
    (!parts.is_empty()).then(|| parts.join("; "))
}

/// The readings of each side from all nodes, combined; `None` if the config names no backends.
fn sides(readings: &[(&NodeAddress, &Reading)], notes: &mut Vec<String>, first: &Reading) -> Option<Pair<SideReading>> {
    let mut sum: Pair<SideReading> = Pair { blue: SideReading::default(), green: SideReading::default() };
    for side in Side::BOTH {
        let mut seen = Vec::new();
        for (_, reading) in readings {
            seen.push(&reading.sides.as_ref()?[side]);
        }
        // The node with the fewest ready servers matters most.
        let fewest = seen.iter().map(|it| it.replicas).min_by_key(|it| it.ready);
        let traffic = seen.iter().filter_map(|it| it.traffic.as_ref()).fold(None, |all, one| Some(add(all, one)));
        let sessions = seen.iter().map(|it| it.sessions).sum();
        sum[side] = SideReading { replicas: fewest.unwrap_or(Replicas { ready: 0, total: 0 }), traffic, sessions };
        if first.split.share(side) == 0 && sessions > 0 {
            let s = if sessions == 1 { "" } else { "s" };
            notes.push(format!("{side}: {sessions} session{s} still open"));
        }
    }
    Some(sum)
}

fn add(all: Option<SideTraffic>, one: &SideTraffic) -> SideTraffic {
    let mut all = all.unwrap_or_default();
    for (sum, n) in all.by_class.iter_mut().zip(one.by_class) {
        *sum += n;
    }
    all.in_flight += one.in_flight;
    all
}

fn traffic(readings: &[(&NodeAddress, &Reading)], sides: Pair<SideReading>) -> Option<TrafficCounters> {
    // With another process or another set of nodes, the counters start again.
    let epoch: Vec<String> = readings.iter().map(|(node, reading)| format!("{node}={}", reading.process)).collect();
    let sides = Pair { blue: sides.blue.traffic?, green: sides.green.traffic? };
    Some(TrafficCounters { epoch: epoch.join(" "), sides })
}

/// The error for all nodes; see [`nodes::worst`].
pub(super) fn worst(faults: &[&Fault]) -> BackendError {
    nodes::worst(faults.iter().map(|fault| &fault.error), "no node is named")
}
