//! HAProxy as a backend, by its runtime API: one process, or several that are one router.
//!
//! Three ways carry the split: a map entry that names the side, a map entry with green's percent, or the weights of
//! servers. HAProxy has no revision of its own: ours is a digest of what all nodes say, compared just before a forward
//! order is sent, and what came of it is looked at just after. Nothing set at run time outlives a reload, so it is written to the map or state file where the
//! config says so, before the order counts as accepted.

mod command;
mod drive;
mod fleet;
mod keep;
mod reading;
pub(super) mod save;
mod settle;
mod table;
mod weights;
mod wire;

use std::sync::Arc;

use super::{Accepted, Answer, BackendError, Capabilities, Driver, Observer, Preview, ProbeTarget, TrafficBackend};
use super::{Applying, Weights};
use crate::domain::router::haproxy::{HaproxySpec, Method};
use crate::domain::text::clean;
use crate::domain::{Order, Pair, Side};

/// HAProxy, seen from outside. Cheap to clone; needs a tokio runtime to be called in.
#[derive(Debug, Clone)]
pub struct Haproxy {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    spec: HaproxySpec,
    /// Base URLs per side, without a trailing slash.
    sides: Pair<Vec<String>>,
    memory: Arc<drive::Memory>,
}

impl Haproxy {
    /// The processes of `spec`, whose replicas are `sides` (base URLs, each reaching its side whatever the split).
    pub fn new(spec: HaproxySpec, sides: Pair<Vec<String>>) -> Self {
        let trimmed = |urls: Vec<String>| urls.iter().map(|url| url.trim_end_matches('/').to_owned()).collect();
        let sides = Pair { blue: trimmed(sides.blue), green: trimmed(sides.green) };
        Self { inner: Arc::new(Inner { spec, sides, memory: Arc::default() }) }
    }
}

impl TrafficBackend for Haproxy {
    fn name(&self) -> &'static str {
        "haproxy"
    }

    fn capabilities(&self) -> Capabilities {
        let spec = &self.inner.spec;
        let is_map = command::entry(&spec.method).is_some();
        Capabilities {
            weights: if matches!(spec.method, Method::Switch { .. }) { Weights::AllOrNothing } else { Weights::Any },
            applying: if is_map && spec.nodes.len() == 1 { Applying::Atomic } else { Applying::Asynchronous },
            survives_restart: if is_map {
                !spec.save.maps.is_empty()
            } else {
                spec.save.states.len() == spec.nodes.len()
            },
            compare_and_set: false,
            ..Capabilities::direct()
        }
    }

    fn observer(&self) -> Arc<dyn Observer> {
        Arc::clone(&self.inner) as Arc<dyn Observer>
    }

    fn driver(&self) -> Result<Arc<dyn Driver>, BackendError> {
        Ok(Arc::clone(&self.inner) as Arc<dyn Driver>)
    }
}

impl Observer for Inner {
    fn observe(&self) -> Answer<'_, crate::domain::Observation> {
        Box::pin(async {
            let read = fleet::read_all(&self.spec, drive::LOOK).await;
            let mut seen = fleet::observation(&read)?;
            seen.notes.extend(self.memory.unsaved().map(|fault| format!("the last order is not saved: {fault}")));
            seen.notes.extend(keep::notes(&self.spec, &read).await);
            seen.notes.iter_mut().for_each(|note| *note = clean(note, 300));
            seen.mixed = seen.mixed.map(|mixed| clean(&mixed, 400));
            Ok(seen)
        })
    }

    fn probe_targets(&self, side: Side) -> Vec<ProbeTarget> {
        ProbeTarget::at_each(&self.sides[side])
    }

    fn preview(&self, order: &Order) -> Preview {
        let nodes: Vec<String> = self.spec.nodes.iter().map(ToString::to_string).collect();
        let mut lines = command::setting(&self.spec.method, order.target, order.toward);
        let files = self.spec.save.maps.iter().chain(&self.spec.save.states);
        lines.extend(files.map(|file| format!("then write {}", clean(&file.to_string_lossy(), 200))));
        Preview { target: nodes.join(", "), lines }
    }
}

impl Driver for Inner {
    fn apply<'a>(&'a self, order: &'a Order) -> Answer<'a, Accepted> {
        Box::pin(async {
            drive::carry_out(&self.spec, &self.memory, order).await?;
            Ok(Accepted { revision: None })
        })
    }
}
