//! Orders: checked against every process, sent to all at once, answered.

use std::sync::Arc;
use std::time::Duration;

use super::fleet::{self, Fleet, Outcome};
use super::reading::Reading;
use super::{rds, runtime};
use crate::backend::BackendError;
use crate::backend::exchange::Failure;
use crate::backend::haproxy::save;
use crate::backend::turns::{Turn, Turns};
use crate::domain::Order;
use crate::domain::router::envoy::EnvoyWay;

/// How long a process may take to be read. Look and order together stay below the 3 s that an order is given.
pub(super) const LOOK: Duration = Duration::from_millis(1200);
/// How long a process may take to carry an order out.
const ACT: Duration = Duration::from_millis(1200);
/// How long it may take to carry the way back out once more.
const ACT_AGAIN: Duration = Duration::from_millis(800);

/// The orders of this process.
#[derive(Debug, Default)]
pub(super) struct Memory {
    turns: Turns,
    /// Held by the thread that writes the file of routes.
    writing: Arc<tokio::sync::Mutex<()>>,
}

/// Carries `order` out in every process.
pub(super) async fn carry_out(fleet: &Arc<Fleet>, memory: &Memory, order: &Order) -> Result<(), BackendError> {
    let turn = memory.turns.begin(order)?;
    if turn == Turn::Done {
        return Ok(());
    }
    if turn == Turn::First && order.kind.is_forward() {
        if let Err(error) = may_go_forward(fleet, order).await {
            // Nothing was sent: the same order is a first one again.
            memory.turns.forget(order);
            return Err(error);
        }
        // Reason: while the processes were read, somebody may have asked for the way back.
        memory.turns.still(order)?;
    }
    match &fleet.spec().way {
        EnvoyWay::Runtime { key } => set(fleet, memory, order, runtime::setting(key, order)).await?,
        EnvoyWay::Routes { file, template } => {
            // Reason: a write that its caller no longer waits for is over before the next one begins.
            let writing = Arc::clone(&memory.writing).lock_owned().await;
            memory.turns.still(order)?;
            let (file, template, order) = (file.clone(), template.clone(), order.clone());
            let spec = fleet.spec().clone();
            let write = move || {
                let _held = writing;
                let text = rds::made(&template, &spec, &order)?;
                save::replace(&file, &text).map_err(|why| not_written(&why))
            };
            let gone = |error| BackendError::Unknown(format!("the file of routes was not written: {error}"));
            tokio::task::spawn_blocking(write).await.map_err(gone)??;
        }
    }
    memory.turns.done(order);
    Ok(())
}

/// Posts `path`, which is `order`'s, to every process.
async fn set(fleet: &Arc<Fleet>, memory: &Memory, order: &Order, path: String) -> Result<(), BackendError> {
    if order.kind.is_forward() {
        let (fleet, it) = (Arc::clone(fleet), order.clone());
        return memory.turns.followed(order, async move { judged(&it, &fleet.post(&path, ACT).await?) }).await;
    }
    let overtakes = memory.turns.forward_is_on_its_way();
    let mut sent = fleet.post(&path, ACT).await?;
    if overtakes {
        memory.turns.forward_ends().await;
        sent = fleet.post(&path, ACT_AGAIN).await?;
    }
    judged(order, &sent)
}

fn not_written(why: &str) -> BackendError {
    let text = format!("{why}; nothing was written");
    if text.contains("ermission denied") || text.contains("Read-only") {
        BackendError::Denied(text)
    } else {
        BackendError::Refused(text)
    }
}

/// Every process must answer, in the state that consent was given to; or this very order must be in force there.
async fn may_go_forward(fleet: &Fleet, order: &Order) -> Result<(), BackendError> {
    let read = fleet.read(LOOK).await?;
    let faults: Vec<&Failure> = read.iter().filter_map(|(_, reading)| reading.as_ref().err()).collect();
    if !faults.is_empty() {
        return Err(match fleet::worst(&faults) {
            BackendError::Unreachable(text) if read.len() > 1 => {
                BackendError::Unreachable(format!("{text}; forward needs every Envoy, nothing was set"))
            }
            error => error,
        });
    }
    let tag = runtime::tag(&order.id);
    let is_ours = |(_, reading): &Outcome<Reading>| {
        reading.as_ref().is_ok_and(|it| it.tag.as_ref() == Some(&tag) && it.split == order.target && it.odd.is_none())
    };
    let Some(expected) = &order.expected else { return Ok(()) };
    if *expected == fleet::revision(&read) || read.iter().all(is_ours) {
        return Ok(());
    }
    let says: Vec<String> = read
        .iter()
        .filter_map(|(name, reading)| Some(format!("{name} says {}", reading.as_ref().ok()?.split)))
        .collect();
    Err(BackendError::Conflict(format!("it is not as it was on the screen: {}", says.join("; "))))
}

/// What the processes' answers are together.
fn judged(order: &Order, sent: &[Outcome<()>]) -> Result<(), BackendError> {
    let faults: Vec<&Failure> = sent.iter().filter_map(|(_, answer)| answer.as_ref().err()).collect();
    let moved: Vec<&str> = sent.iter().filter(|(_, answer)| answer.is_ok()).map(|(name, _)| name.as_str()).collect();
    if moved.is_empty() {
        return Err(fleet::worst(&faults));
    }
    // Reason: a process that is not up serves nobody: the way back is whole without it, and the notes tell of it.
    let whole = faults.is_empty() || (!order.kind.is_forward() && faults.iter().all(|fault| fault.is_gone));
    if whole {
        return Ok(());
    }
    Err(BackendError::Unknown(format!("set on {}; not on {}", moved.join(", "), fleet::worst(&faults).detail())))
}
