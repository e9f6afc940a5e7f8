//! Orders: checks every node, sends to all at once, writes files, returns one result.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::fleet::{self, ask_all, read_all};
use super::wire::{self, Fault};
use super::{command, keep, settle};
use crate::backend::haproxy::spec::{HaproxySpec, NodeAddress};
use crate::backend::{Accepted, BackendError};
use crate::domain::Order;

/// The time limit for reading a node before an order. Reading, sending, the second reading and the disk together stay
/// below the 3 s that an order has.
pub(super) const LOOK: Duration = Duration::from_millis(700);
/// The time limit for carrying out an order in a node.
const ACT: Duration = Duration::from_millis(800);

/// Sends `order` to every node, checks that it is in effect, and writes the files. `unsaved` keeps why writing
/// failed.
pub(super) async fn set(
    spec: &HaproxySpec,
    unsaved: &Mutex<Option<String>>,
    order: &Order,
) -> Result<Accepted, BackendError> {
    let commands = command::setting(&spec.method, order.target, order.toward);
    let mut moved: Vec<NodeAddress> = Vec::new();
    let mut faults: Vec<Fault> = Vec::new();
    for (node, answers) in ask_all(spec, commands.clone(), ACT).await {
        match answers.and_then(|answers| all_done(&commands, &answers).map_err(|error| Fault::of(&node, error))) {
            Ok(()) => moved.push(node),
            Err(fault) => faults.push(fault),
        }
    }
    let mut settled = Ok(());
    if !moved.is_empty() {
        let mut now = order.target;
        // Reason: when only half of the nodes accepted an order, exactly that is reported; the state of the others
        // then does not come from another console.
        if faults.is_empty() || !order.kind.is_forward() {
            let moved = HaproxySpec { nodes: moved.clone(), ..spec.clone() };
            (now, settled) = settle::settle(&moved, order).await;
        }
        let fault = keep::write(spec, now, &moved).await.err();
        *unsaved.lock().unwrap_or_else(PoisonError::into_inner) = fault;
    }
    judged(order, &moved, &faults)?;
    settled.map(|()| Accepted { revision: None })
}

/// Checks that every node answers and is in the confirmed state, and that a reload would not undo the change.
pub(super) async fn may_go_forward(spec: &HaproxySpec, order: &Order) -> Result<(), BackendError> {
    let read = read_all(spec, LOOK).await;
    let faults: Vec<&Fault> = read.iter().filter_map(|(_, reading)| reading.as_ref().err()).collect();
    if !faults.is_empty() {
        return Err(match fleet::worst(&faults) {
            BackendError::Unreachable(text) if spec.nodes.len() > 1 => BackendError::Unreachable(format!(
                "{text}; forward needs every node, nothing was set: start it, or take it out of sockets"
            )),
            error => error,
        });
    }
    if let Some(expected) = &order.expected
        && *expected != fleet::revision(&read)
    {
        let says: Vec<String> = read
            .iter()
            .filter_map(|(node, reading)| Some(format!("{node} says {}", reading.as_ref().ok()?.split)))
            .collect();
        return Err(BackendError::Conflict(format!("it is not as it was on the screen: {}", says.join("; "))));
    }
    keep::check(spec)
        .await
        .map_err(|fault| BackendError::Refused(format!("a reload would undo it, nothing was set: {fault}")))
}

/// Whether every command of one node succeeded.
fn all_done(commands: &[String], answers: &[String]) -> Result<(), BackendError> {
    let mut error = None;
    let mut done = 0;
    for (command, answer) in commands.iter().zip(answers) {
        match wire::done(command, answer) {
            Ok(()) => done += 1,
            Err(fault) => error = error.or(Some(fault)),
        }
    }
    match error {
        None => Ok(()),
        Some(error) if done == 0 => Err(error),
        Some(error) => {
            Err(BackendError::Unknown(format!("{done} of {} commands were carried out; {error}", commands.len())))
        }
    }
}

/// The result of all nodes together.
fn judged(order: &Order, moved: &[NodeAddress], faults: &[Fault]) -> Result<(), BackendError> {
    let told: Vec<&Fault> = faults.iter().collect();
    if moved.is_empty() {
        return Err(fleet::worst(&told));
    }
    // Reason: a process that is down serves no traffic, so a rollback is complete without it. A note names it.
    let whole = faults.is_empty() || (!order.kind.is_forward() && faults.iter().all(|fault| fault.is_gone));
    if whole {
        return Ok(());
    }
    let moved: Vec<String> = moved.iter().map(ToString::to_string).collect();
    let detail = fleet::worst(&told);
    Err(BackendError::Unknown(format!("set on {}; not on {}", moved.join(", "), detail.detail())))
}
