//! Orders: checked against every node, sent to all at once, written down, answered.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::fleet::{self, ask_all, read_all};
use super::wire::{self, Fault};
use super::{command, keep, settle};
use crate::backend::BackendError;
use crate::backend::turns::{Turn, Turns};
use crate::domain::Order;
use crate::domain::router::haproxy::{HaproxySpec, NodeAddress};

/// How long a node may take to be read before an order. Look, order, second look and disk together stay below the 3 s that an
/// order is given.
pub(super) const LOOK: Duration = Duration::from_millis(700);
/// How long a node may take to carry an order out.
const ACT: Duration = Duration::from_millis(800);

/// The orders of this process.
#[derive(Debug, Default)]
pub(super) struct Memory {
    turns: Turns,
    /// Why the last change could not be written where a reload finds it.
    unsaved: Mutex<Option<String>>,
}

impl Memory {
    fn unsaved_mut(&self) -> MutexGuard<'_, Option<String>> {
        self.unsaved.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Why the last change is not where a reload finds it.
    pub(super) fn unsaved(&self) -> Option<String> {
        self.unsaved_mut().clone()
    }
}

/// Carries `order` out on every node.
pub(super) async fn carry_out(spec: &HaproxySpec, memory: &Arc<Memory>, order: &Order) -> Result<(), BackendError> {
    let turn = memory.turns.begin(order)?;
    if turn == Turn::Done {
        return Ok(());
    }
    let commands = command::setting(&spec.method, order.target, order.toward);
    if command::value(&spec.method, order.target).is_none() && command::entry(&spec.method).is_some() {
        return Err(BackendError::Refused(format!(
            "the map switches all traffic at once; {} is not possible",
            order.target
        )));
    }
    if turn == Turn::First && order.kind.is_forward() {
        if let Err(error) = may_go_forward(spec, order).await {
            // Nothing was sent: the same order is a first one again, and is checked again.
            memory.turns.forget(order);
            return Err(error);
        }
        // Reason: while the nodes were read, somebody may have asked for the way back.
        memory.turns.still(order)?;
    }
    let set = set(spec.clone(), Arc::clone(memory), order.clone(), commands);
    if order.kind.is_forward() {
        memory.turns.followed(order, set).await?;
    } else {
        set.await?;
    }
    memory.turns.done(order);
    Ok(())
}

/// Sends `commands`, which are `order`'s, sees that they stand, and writes them down.
async fn set(spec: HaproxySpec, memory: Arc<Memory>, order: Order, commands: Vec<String>) -> Result<(), BackendError> {
    let overtakes = !order.kind.is_forward() && memory.turns.forward_is_on_its_way();
    let mut moved: Vec<NodeAddress> = Vec::new();
    let mut faults: Vec<Fault> = Vec::new();
    for (node, answers) in ask_all(&spec, commands.clone(), ACT).await {
        match answers.and_then(|answers| all_done(&commands, &answers).map_err(|error| Fault::of(&node, error))) {
            Ok(()) => moved.push(node),
            Err(fault) => faults.push(fault),
        }
    }
    let mut stands = Ok(());
    if !moved.is_empty() {
        let mut now = order.target;
        // Reason: half an order is told as what it is; what the others say is no sign of another hand then.
        if faults.is_empty() || !order.kind.is_forward() {
            let moved = HaproxySpec { nodes: moved.clone(), ..spec.clone() };
            (now, stands) = settle::settle(&moved, &order).await;
            if overtakes {
                memory.turns.forward_ends().await;
                (now, stands) = settle::settle(&moved, &order).await;
            }
        }
        let unsaved = keep::write(&spec, now, &moved).await.err();
        *memory.unsaved_mut() = unsaved;
    }
    judged(&order, &moved, &faults)?;
    stands
}

/// Every node must answer, in the state that consent was given to, and a reload must not undo what is set.
async fn may_go_forward(spec: &HaproxySpec, order: &Order) -> Result<(), BackendError> {
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

/// Whether every command of one node was carried out.
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

/// What the nodes' answers are together.
fn judged(order: &Order, moved: &[NodeAddress], faults: &[Fault]) -> Result<(), BackendError> {
    let told: Vec<&Fault> = faults.iter().collect();
    if moved.is_empty() {
        return Err(fleet::worst(&told));
    }
    // Reason: a process that is not up serves nobody: the way back is whole without it, and the notes tell of it.
    let whole = faults.is_empty() || (!order.kind.is_forward() && faults.iter().all(|fault| fault.is_gone));
    if whole {
        return Ok(());
    }
    let moved: Vec<String> = moved.iter().map(ToString::to_string).collect();
    let detail = fleet::worst(&told);
    Err(BackendError::Unknown(format!("set on {}; not on {}", moved.join(", "), detail.detail())))
}
