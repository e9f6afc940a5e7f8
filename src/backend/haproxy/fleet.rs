//! Several processes as one router: asks all at once and combines their answers into one observation.

use std::sync::Arc;
use std::time::Duration;

use super::command;
use super::reading::{Reading, SideReading, read};
use super::wire;
use crate::backend::Address;
use crate::backend::BackendError;
use crate::backend::exchange::Failure;
use crate::backend::haproxy::spec::HaproxySpec;
use crate::backend::nodes::{self, Says, Told};
use crate::domain::{Can, Move, Observation, Pair, Side, SideSeen, Split, TrafficCounters, WayBack};

/// The result of one node.
pub(super) type Outcome<T> = nodes::Outcome<Address, T>;
/// The error of no node at all.
pub(super) const NO_NODE: &str = "no node is named";

impl Says for Reading {
    fn split(&self) -> Split {
        self.split
    }

    fn process(&self) -> &str {
        &self.process
    }

    fn state(&self) -> String {
        self.raw.clone()
    }

    fn notes(&self) -> &[String] {
        &self.notes
    }
}

/// Sends `commands` to every node at once. The results are in the order of the nodes.
pub(super) async fn ask_all(spec: &HaproxySpec, commands: Vec<String>, limit: Duration) -> Vec<Outcome<Vec<String>>> {
    let commands = Arc::new(commands);
    let ask = |node: Address| {
        let commands = Arc::clone(&commands);
        async move {
            let answers = wire::ask(&node, &commands, limit).await;
            (node, answers)
        }
    };
    nodes::at_once(spec.nodes.iter().cloned().map(ask)).await
}

/// Reads every node.
pub(super) async fn read_all(spec: &HaproxySpec, limit: Duration) -> Vec<Outcome<Reading>> {
    let answered = ask_all(spec, command::reading(&spec.method), limit).await;
    let meaning = |(node, answers): Outcome<Vec<String>>| {
        let reading = answers.and_then(|it| read(&spec.method, &it).map_err(|error| Failure::of(&node, &error)));
        (node, reading)
    };
    answered.into_iter().map(meaning).collect()
}

/// One observation of all nodes.
///
/// A node that refuses connections serves no traffic; a note names it. A node that does not answer may serve traffic;
/// then the split is not certain.
pub(super) fn observation(read: &[Outcome<Reading>]) -> Result<Observation, BackendError> {
    let told = Told::of(read);
    let Some((_, first)) = told.readings.first() else { return Err(told.worst(NO_NODE)) };
    let mut notes = told.notes("node", "node is down");
    let sides = sides(&told.readings, &mut notes, first);
    let odd = told.readings.iter().find_map(|(_, reading)| reading.odd.clone());
    let (can, rollback) = at_level(&told.readings);
    Ok(Observation {
        mixed: told.mixed().or(odd),
        can,
        rollback,
        sides: sides.as_ref().map_or_else(Pair::default, |sides| sides.map(|_, side| side_seen(side))),
        traffic: sides.and_then(|sides| {
            let sides = Pair { blue: sides.blue.traffic?, green: sides.green.traffic? };
            Some(TrafficCounters { epoch: told.epoch(), sides })
        }),
        notes,
        ..Observation::of(first.split, nodes::revision(read))
    })
}

/// What the levels of the sockets allow. At another level than admin weights can be read and not set.
fn at_level(readings: &[(&Address, &Reading)]) -> (Can, WayBack) {
    let low = readings.iter().find_map(|(node, reading)| Some((node, reading.level.as_ref()?)));
    let Some((node, level)) = low else { return Default::default() };
    let why = format!("{node} is at level {level} and takes no weights: write `level admin` at its stats socket");
    let can = [Move::Promote, Move::Switch, Move::Abort, Move::Rollback];
    let can = can.into_iter().fold(Can::default(), |can, kind| can.without(kind, &why));
    (can, WayBack { why_not: Some(why), ..WayBack::default() })
}

fn side_seen(side: &SideReading) -> SideSeen {
    let unready = (!side.unready.is_empty()).then(|| side.unready.join("; "));
    SideSeen { replicas: Some(side.replicas), unready, ..SideSeen::default() }
}

/// The readings of each side from all nodes, combined; `None` if the config names no backends.
fn sides(readings: &[(&Address, &Reading)], notes: &mut Vec<String>, first: &Reading) -> Option<Pair<SideReading>> {
    let mut sum: Pair<SideReading> = Pair { blue: SideReading::default(), green: SideReading::default() };
    for side in Side::BOTH {
        let mut seen = Vec::new();
        for (_, reading) in readings {
            seen.push(&reading.sides.as_ref()?[side]);
        }
        // The node with the fewest ready servers matters most.
        let fewest = seen.iter().map(|it| it.replicas).min_by_key(|it| it.ready);
        let traffic =
            seen.iter().filter_map(|it| it.traffic.as_ref()).cloned().reduce(|all, one| nodes::add(all, &one));
        let sessions = seen.iter().map(|it| it.sessions).sum();
        let replicas = fewest.unwrap_or_default();
        let mut unready: Vec<String> = seen.iter().flat_map(|it| it.unready.iter().cloned()).collect();
        unready.sort();
        unready.dedup();
        notes.extend(unready.iter().map(|server| format!("{side}: {server}")));
        sum[side] = SideReading { replicas, unready, traffic, sessions };
        if first.split.share(side) == 0 && sessions > 0 {
            let s = if sessions == 1 { "" } else { "s" };
            notes.push(format!("{side}: {sessions} session{s} still open"));
        }
    }
    Some(sum)
}
