//! HAProxy as a backend, through its runtime API: one process, or several that are one router.
//!
//! The split is in one of three places: a map entry that names the side, a map entry with green's percent, or the
//! weights of servers. HAProxy has no revision. Ours is a digest of the state of all nodes; it is compared just
//! before a forward order is sent, and the result is read just after. A reload loses everything that was set at run
//! time. So, if the config says so, the split is also written to the map file or state file before the order counts
//! as accepted.

mod command;
mod drive;
mod fleet;
mod keep;
mod read;
mod reading;
mod save;
mod settle;
mod spec;
mod table;
mod weights;
mod wire;

use std::sync::{Arc, Mutex, PoisonError};

pub use self::spec::{HaproxySpec, MapEntry, Method, Save};
use super::configured::Spec;
use super::kind::{COMMON, Kind};
use super::nodes;
use super::{Applying, Weights};
use super::{BackendFuture, Capabilities, Observer, Preview, Sending, TrafficBackend, TrafficSystem, sequenced};
use crate::domain::Order;
use crate::domain::text::clean;

/// The row of HAProxy in the table of kinds.
pub(super) const KIND: Kind = Kind {
    name: "haproxy",
    keys: &[&COMMON, &read::KEYS],
    tables: &[&read::VALUES, &read::BACKENDS, &read::SERVERS],
    page: include_str!("haproxy/page.md"),
    keeps_requests: false,
    read: read::read,
};

impl Spec for HaproxySpec {
    fn connect(&self) -> Arc<dyn TrafficBackend> {
        sequenced(KIND.name, Haproxy { spec: self.clone(), unsaved: Mutex::default() })
    }

    fn weights(&self) -> Weights {
        if matches!(self.method, Method::Switch { .. }) { Weights::AllOrNothing } else { Weights::Any }
    }
}

/// HAProxy as a client sees it. Must be called within a tokio runtime.
#[derive(Debug)]
pub(super) struct Haproxy {
    spec: HaproxySpec,
    /// Why the last change could not be written to the file for a reload.
    unsaved: Mutex<Option<String>>,
}

impl TrafficSystem for Haproxy {
    fn capabilities(&self) -> Capabilities {
        let spec = &self.spec;
        let is_map = command::entry(&spec.method).is_some();
        Capabilities {
            weights: spec.weights(),
            applying: if is_map && spec.nodes.len() == 1 { Applying::Atomic } else { Applying::Asynchronous },
            survives_restart: if is_map {
                !spec.save.maps.is_empty()
            } else {
                spec.save.states.len() == spec.nodes.len()
            },
            compare_and_set: false,
        }
    }

    fn prepare<'a>(&'a self, order: &'a Order, again: bool) -> BackendFuture<'a, Sending<'a>> {
        Box::pin(async move {
            if order.kind.is_forward() && !again {
                drive::may_go_forward(&self.spec, order).await?;
            }
            let sending: Sending<'a> = Box::pin(drive::set(&self.spec, &self.unsaved, order));
            Ok(sending)
        })
    }
}

impl Observer for Haproxy {
    fn observe(&self) -> BackendFuture<'_, crate::domain::Observation> {
        Box::pin(async {
            let read = fleet::read_all(&self.spec, drive::LOOK).await;
            let mut seen = fleet::observation(&read)?;
            let unsaved = self.unsaved.lock().unwrap_or_else(PoisonError::into_inner).clone();
            seen.notes.extend(unsaved.map(|fault| format!("the last order is not saved: {fault}")));
            seen.notes.extend(keep::notes(&self.spec, &read).await);
            Ok(nodes::cleaned(seen))
        })
    }

    fn preview(&self, order: &Order) -> Preview {
        let nodes: Vec<String> = self.spec.nodes.iter().map(ToString::to_string).collect();
        let mut lines = command::setting(&self.spec.method, order.target, order.toward);
        let files = self.spec.save.maps.iter().chain(&self.spec.save.states);
        lines.extend(files.map(|file| format!("then write {}", clean(&file.to_string_lossy(), 200))));
        Preview { target: nodes.join(", "), lines }
    }
}
