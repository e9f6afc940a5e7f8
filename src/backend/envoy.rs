//! Envoy as a backend, through its admin interface: one process, or several that are one router.
//!
//! In the first way the split is a runtime key: green's percent, used as `runtime_fraction` by the route of green's
//! cluster. Envoy answers `200 OK` to any value, has no revision and shows only one process's state. So the values
//! come only from a checked split. The id of the order is set in the same request as the value. The revision is a
//! digest of value, order and start time of every process, and is compared just before a forward order is sent.
//! Runtime values are lost with the process; then the route's default applies, which a note shows.
//!
//! In the second way the split is in a file of routes with weighted clusters, which every process watches. The file
//! is made as a whole from a template and renamed into place. It is in effect once every process shows its version
//! and its weights.

mod admin;
mod drive;
mod fleet;
mod rds;
mod read;
mod reading;
mod routes;
mod runtime;
mod spec;
mod stats;

use std::sync::Arc;

use tokio::sync::Mutex;

pub use self::spec::{EnvoySpec, EnvoyWay};
use super::configured::Spec;
use super::file;
use super::kind::{COMMON, Kind};
use super::nodes;
use super::{
    Applying, BackendFuture, Capabilities, Observer, Preview, Sending, TrafficBackend, TrafficSystem, sequenced,
};
use crate::domain::text::clean;
use crate::domain::{Observation, Order, Side};

/// The row of Envoy in the table of kinds.
pub(super) const KIND: Kind = Kind {
    name: "envoy",
    keys: &[&COMMON, &read::KEYS],
    tables: &[],
    page: include_str!("envoy/page.md"),
    keeps_requests: false,
    read: read::read,
};

impl Spec for EnvoySpec {
    fn connect(&self) -> Arc<dyn TrafficBackend> {
        sequenced(KIND.name, Envoy { fleet: fleet::Fleet::new(self.clone()), writing: Arc::default() })
    }
}

/// Envoy as a client sees it. Must be called within a tokio runtime.
#[derive(Debug)]
pub(super) struct Envoy {
    fleet: fleet::Fleet,
    /// Held by the thread that writes the file of routes.
    writing: Arc<Mutex<()>>,
}

impl TrafficSystem for Envoy {
    fn capabilities(&self) -> Capabilities {
        let spec = self.fleet.spec();
        let is_file = matches!(spec.way, EnvoyWay::Routes { .. });
        Capabilities {
            applying: if spec.admin.len() == 1 && !is_file { Applying::Atomic } else { Applying::Asynchronous },
            survives_restart: is_file,
            compare_and_set: false,
            ..Capabilities::direct()
        }
    }

    fn prepare<'a>(&'a self, order: &'a Order, again: bool) -> BackendFuture<'a, Sending<'a>> {
        Box::pin(async move {
            if order.kind.is_forward() && !again {
                drive::may_go_forward(&self.fleet, order).await?;
            }
            let sending: Sending<'a> = Box::pin(drive::send(&self.fleet, &self.writing, order));
            Ok(sending)
        })
    }
}

impl Observer for Envoy {
    fn observe(&self) -> BackendFuture<'_, Observation> {
        Box::pin(async {
            let read = self.fleet.read(drive::LOOK).await?;
            let mut seen = fleet::observation(&read)?;
            seen.notes.extend(self.fleet.unfit(seen.split).await);
            if let EnvoyWay::Routes { file, .. } = &self.fleet.spec().way {
                seen.rollback.why_not = file::may_write(file).err().map(|error| error.to_string());
            }
            Ok(nodes::cleaned(seen))
        })
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
