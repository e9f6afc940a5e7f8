//! Orders: checks every node, sends to all at once, writes files, returns one result.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::fleet::{NO_NODE, Outcome, ask_all, read_all};
use super::{command, keep, settle, wire};
use crate::backend::Address;
use crate::backend::exchange::Failure;
use crate::backend::haproxy::spec::HaproxySpec;
use crate::backend::{Accepted, BackendError, nodes};
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
    let is_back = order.kind.is_back();
    let done = |(node, answers): Outcome<Vec<String>>| {
        let done = answers.and_then(|it| all_done(&commands, &it, is_back).map_err(|error| Failure::of(&node, &error)));
        (node, done)
    };
    let mut answered = ask_all(spec, commands.clone(), ACT).await;
    if is_back {
        add_missing(spec, order, &mut answered).await;
    }
    let sent: Vec<Outcome<()>> = answered.into_iter().map(done).collect();
    let moved: Vec<Address> = sent.iter().filter(|(_, done)| done.is_ok()).map(|(node, _)| node.clone()).collect();
    let mut settled = Ok(());
    if !moved.is_empty() {
        let mut now = order.target;
        // Reason: when only half of the nodes accepted an order, exactly that is reported; the state of the others
        // then does not come from another console.
        if moved.len() == sent.len() || !order.kind.is_forward() {
            let moved = HaproxySpec { nodes: moved.clone(), ..spec.clone() };
            (now, settled) = settle::settle(&moved, order).await;
        }
        let fault = keep::write(spec, now, &moved).await.err();
        *unsaved.lock().unwrap_or_else(PoisonError::into_inner) = fault;
    }
    nodes::judged(order, &sent, NO_NODE)?;
    settled.map(|()| Accepted::as_asked(order))
}

/// Checks that every node answers and is in the confirmed state, and that a reload would not undo the change.
pub(super) async fn may_go_forward(spec: &HaproxySpec, order: &Order) -> Result<(), BackendError> {
    let read = read_all(spec, LOOK).await;
    let needs_all = "forward needs every node, nothing was set: start it, or take it out of sockets";
    nodes::may_go_forward(&read, order, |_| false, NO_NODE, needs_all)?;
    let missing = read.iter().filter_map(|(_, reading)| reading.as_ref().ok()).flat_map(|reading| &reading.missing);
    if let Some(server) = missing.into_iter().next() {
        return Err(BackendError::Refused(format!("HAProxy has no server {server}: nothing was set")));
    }
    keep::check(spec)
        .await
        .map_err(|fault| BackendError::Refused(format!("a reload would undo it, nothing was set: {fault}")))
}

/// Adds the map's entry on the nodes that have none: the way back does not need that it was there.
async fn add_missing(spec: &HaproxySpec, order: &Order, answered: &mut [Outcome<Vec<String>>]) {
    let Some(command) = command::adding(&spec.method, order.target) else { return };
    for (node, answers) in answered {
        if !answers.as_ref().is_ok_and(|answers| answers.iter().any(|answer| wire::is_missing(answer))) {
            continue;
        }
        let node = HaproxySpec { nodes: vec![node.clone()], ..spec.clone() };
        if let Some((_, added)) = ask_all(&node, vec![command.clone()], ACT).await.pop() {
            *answers = added;
        }
    }
}

/// Whether every command of one node succeeded. For an order back a server that is not there is no fault where others
/// took their weight: it takes no traffic.
fn all_done(commands: &[String], answers: &[String], is_back: bool) -> Result<(), BackendError> {
    let mut error = None;
    let mut done = 0;
    let is_needless = |answer: &String| is_back && wire::is_missing(answer);
    let some = answers.iter().any(|answer| answer.trim().is_empty());
    for (command, answer) in commands.iter().zip(answers) {
        match wire::done(command, answer) {
            Ok(()) => done += 1,
            Err(_) if some && is_needless(answer) => {}
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
