//! Orders: checks every process, sends to all at once, returns one result.

use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;

use super::fleet::{Fleet, NO_PROCESS};
use super::reading::Reading;
use super::{rds, runtime};
use crate::backend::envoy::spec::EnvoyWay;
use crate::backend::replace;
use crate::backend::{Accepted, BackendError, nodes};
use crate::domain::Order;

/// The time limit for reading a process. Reading and sending together stay below the 3 s that an order has.
pub(super) const LOOK: Duration = Duration::from_millis(1200);
/// The time limit for carrying out an order in a process.
const ACT: Duration = Duration::from_millis(1200);

/// Carries out `order` in every process.
pub(super) async fn send(fleet: &Fleet, writing: &Arc<Mutex<()>>, order: &Order) -> Result<Accepted, BackendError> {
    match &fleet.spec().way {
        EnvoyWay::Runtime { key } => {
            nodes::judged(order, &fleet.post(&runtime::setting(key, order), ACT).await?, NO_PROCESS)?;
        }
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
    Ok(Accepted::as_asked(order))
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
    let tag = runtime::tag(&order.id);
    let is_ours = |it: &Reading| it.tag.as_ref() == Some(&tag) && it.split == order.target && it.odd.is_none();
    let needs_all = "forward needs every Envoy, nothing was set";
    nodes::may_go_forward(&read, order, is_ours, NO_PROCESS, needs_all)
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
