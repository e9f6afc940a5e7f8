//! Envoy as a backend, by its admin interface: one process, or several that are one router.
//!
//! The split is a key of the runtime: green's percent, which the route of green's cluster has as its
//! `runtime_fraction`. Envoy answers `200 OK` to any value, has no revision and tells one process's state only. So
//! values are made here from a checked split, the id of the order is set beside the value in the same request, and the
//! revision is a digest of value, order and start of every process, compared just before a forward order is sent.
//! Runtime values are gone with the process: then the route's default holds, which is read and told.
//!
//! The other way is a file of routes with weighted clusters that every process watches: written whole from a template,
//! renamed into place, and in force once every process shows its version and its weights.

mod admin;
mod drive;
mod fleet;
mod rds;
mod reading;
mod routes;
mod runtime;
mod stats;

use std::sync::Arc;

use super::{
    Accepted, Answer, Applying, BackendError, Capabilities, Driver, Observer, Preview, ProbeTarget, TrafficBackend,
};
use crate::domain::router::envoy::{EnvoySpec, EnvoyWay};
use crate::domain::text::clean;
use crate::domain::{Observation, Order, Pair, Side};

/// Envoy, seen from outside. Cheap to clone; needs a tokio runtime to be called in.
#[derive(Debug, Clone)]
pub struct Envoy {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    fleet: Arc<fleet::Fleet>,
    /// Base URLs per side, without a trailing slash.
    sides: Pair<Vec<String>>,
    memory: drive::Memory,
}

impl Envoy {
    /// The processes of `spec`, whose replicas are `sides` (base URLs, each reaching its side whatever the split).
    pub fn new(spec: EnvoySpec, sides: Pair<Vec<String>>) -> Self {
        let trimmed = |urls: Vec<String>| urls.iter().map(|url| url.trim_end_matches('/').to_owned()).collect();
        let sides = Pair { blue: trimmed(sides.blue), green: trimmed(sides.green) };
        Self {
            inner: Arc::new(Inner {
                fleet: Arc::new(fleet::Fleet::new(spec)),
                sides,
                memory: drive::Memory::default(),
            }),
        }
    }
}

impl TrafficBackend for Envoy {
    fn name(&self) -> &'static str {
        "envoy"
    }

    fn capabilities(&self) -> Capabilities {
        let spec = self.inner.fleet.spec();
        let is_file = matches!(spec.way, EnvoyWay::Routes { .. });
        Capabilities {
            applying: if spec.admin.len() == 1 && !is_file { Applying::Atomic } else { Applying::Asynchronous },
            survives_restart: is_file,
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
    fn observe(&self) -> Answer<'_, Observation> {
        Box::pin(async {
            let read = self.fleet.read(drive::LOOK).await?;
            let mut seen = fleet::observation(&read)?;
            seen.notes.extend(self.fleet.unfit(seen.split).await);
            seen.notes.iter_mut().for_each(|note| *note = clean(note, 300));
            seen.mixed = seen.mixed.map(|mixed| clean(&mixed, 400));
            Ok(seen)
        })
    }

    fn probe_targets(&self, side: Side) -> Vec<ProbeTarget> {
        ProbeTarget::at_each(&self.sides[side])
    }

    fn preview(&self, order: &Order) -> Preview {
        let spec = self.fleet.spec();
        let places: Vec<String> = spec.admin.iter().map(ToString::to_string).collect();
        let places = places.join(", ");
        match &spec.way {
            EnvoyWay::Runtime { key } => {
                Preview { target: places, lines: vec![format!("POST {}", runtime::setting(key, order))] }
            }
            EnvoyWay::Routes { file, template } => {
                let share = |side| order.target.share(side);
                let (blue, green) = (share(Side::Blue), share(Side::Green));
                let template = clean(&template.to_string_lossy(), 200);
                let version = runtime::tag(&order.id);
                Preview {
                    target: clean(&file.to_string_lossy(), 200),
                    lines: vec![
                        format!("write {template} with version {version}, blue {blue}, green {green}"),
                        format!("then read back: {places}"),
                    ],
                }
            }
        }
    }
}

impl Driver for Inner {
    fn apply<'a>(&'a self, order: &'a Order) -> Answer<'a, Accepted> {
        Box::pin(async {
            drive::carry_out(&self.fleet, &self.memory, order).await?;
            Ok(Accepted { revision: None })
        })
    }
}
