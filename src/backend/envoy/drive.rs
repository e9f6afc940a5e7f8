//! Orders: checked against every process, sent to all at once, answered.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;

use super::fleet::{self, Fleet, Outcome};
use super::reading::Reading;
use super::{rds, runtime};
use crate::backend::envoy::spec::EnvoyWay;
use crate::backend::exchange::Failure;
use crate::backend::replace;
use crate::backend::{Accepted, BackendError};
use crate::domain::Order;

/// How long a process may take to be read. Look and order together stay below the 3 s that an order is given.
pub(super) const LOOK: Duration = Duration::from_millis(1200);
/// How long a process may take to carry an order out.
const ACT: Duration = Duration::from_millis(1200);

/// Carries `order` out in every process.
pub(super) async fn send(fleet: &Fleet, writing: &Arc<Mutex<()>>, order: &Order) -> Result<Accepted, BackendError> {
    match &fleet.spec().way {
        EnvoyWay::Runtime { key } => judged(order, &fleet.post(&runtime::setting(key, order), ACT).await?)?,
        EnvoyWay::Routes { file, template } => {
            // Reason: a write goes on when nobody waits for it, and must be over before the next one begins.
            let writing = Arc::clone(writing).lock_owned().await;
            let (file, template, order) = (file.clone(), template.clone(), order.clone());
            let spec = fleet.spec().clone();
            let write = move || {
                let _held = writing;
                let text = rds::made(&template, &spec, &order)?;
                replace::replace(&file, &text).map_err(|why| not_written(&why))
            };
            let gone = |error| BackendError::Unknown(format!("the file of routes was not written: {error}"));
            tokio::task::spawn_blocking(write).await.map_err(gone)??;
        }
    }
    Ok(Accepted { revision: None })
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
pub(super) async fn may_go_forward(fleet: &Fleet, order: &Order) -> Result<(), BackendError> {
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
    // Reason: a process that is down serves no traffic: the way back is whole without it, and a note names it.
    let whole = faults.is_empty() || (!order.kind.is_forward() && faults.iter().all(|fault| fault.is_gone));
    if whole {
        return Ok(());
    }
    Err(BackendError::Unknown(format!("set on {}; not on {}", moved.join(", "), fleet::worst(&faults).detail())))
}
