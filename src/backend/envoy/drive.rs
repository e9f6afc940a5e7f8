//! Orders: checks every process, sends to all at once, returns one result.

use std::io::ErrorKind;
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

/// The time limit for reading a process. Reading and sending together stay below the 3 s that an order has.
pub(super) const LOOK: Duration = Duration::from_millis(1200);
/// The time limit for carrying out an order in a process.
const ACT: Duration = Duration::from_millis(1200);

/// Carries out `order` in every process.
pub(super) async fn send(fleet: &Fleet, writing: &Arc<Mutex<()>>, order: &Order) -> Result<Accepted, BackendError> {
    match &fleet.spec().way {
        EnvoyWay::Runtime { key } => judged(order, &fleet.post(&runtime::setting(key, order), ACT).await?)?,
        EnvoyWay::Routes { file, template } => {
            // Reason: a write goes on when nobody waits for it any more, and must end before the next one begins.
            let writing = Arc::clone(writing).lock_owned().await;
            let (file, template, order) = (file.clone(), template.clone(), order.clone());
            let spec = fleet.spec().clone();
            let write = move || {
                let _held = writing;
                let text = rds::made(&template, &spec, &order)?;
                replace::replace(&file, &text).map_err(|fault| not_written(&fault))
            };
            let gone = |error| BackendError::Unknown(format!("the file of routes was not written: {error}"));
            tokio::task::spawn_blocking(write).await.map_err(gone)??;
        }
    }
    Ok(Accepted { revision: None })
}

fn not_written(fault: &replace::Fault) -> BackendError {
    let text = format!("{}; nothing was written", fault.text);
    match fault.io {
        Some(ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem) => BackendError::Denied(text),
        _ => BackendError::Refused(text),
    }
}

/// Checks that every process answers and is in the confirmed state, or that this same order is already in effect
/// there.
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

/// The result of all processes together.
fn judged(order: &Order, sent: &[Outcome<()>]) -> Result<(), BackendError> {
    let faults: Vec<&Failure> = sent.iter().filter_map(|(_, answer)| answer.as_ref().err()).collect();
    let moved: Vec<&str> = sent.iter().filter(|(_, answer)| answer.is_ok()).map(|(name, _)| name.as_str()).collect();
    if moved.is_empty() {
        return Err(fleet::worst(&faults));
    }
    // Reason: a process that is down serves no traffic, so a rollback is complete without it. A note names it.
    let whole = faults.is_empty() || (!order.kind.is_forward() && faults.iter().all(|fault| fault.is_gone));
    if whole {
        return Ok(());
    }
    Err(BackendError::Unknown(format!("set on {}; not on {}", moved.join(", "), fleet::worst(&faults).detail())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_this_user_may_not_write_is_denied() {
        let of = |io| not_written(&replace::Fault { text: "f".into(), io });
        assert!(matches!(of(Some(ErrorKind::PermissionDenied)), BackendError::Denied(_)));
        assert!(matches!(of(Some(ErrorKind::ReadOnlyFilesystem)), BackendError::Denied(_)));
        assert!(matches!(of(Some(ErrorKind::NotFound)), BackendError::Refused(_)));
        assert!(matches!(of(None), BackendError::Refused(_)));
    }
}
