//! Several processes as one router: asks all at once and combines their answers into one observation.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use super::admin::Admin;
use super::rds::{self, Written};
use super::reading::{self, Reading};
use super::stats::SideReading;
use crate::backend::BackendError;
use crate::backend::envoy::spec::{EnvoySpec, EnvoyWay};
use crate::backend::exchange::{self, Failure};
use crate::backend::nodes::{self, Says, Told};
use crate::domain::{
    Move, Observation, Order, OrderId, Pair, Side, SideSeen, SideTraffic, Split, TrafficCounters, Transport,
};

/// The result of one process, with its name.
pub(super) type Outcome<T> = nodes::Outcome<String, T>;
/// The error of no process at all.
pub(super) const NO_PROCESS: &str = "no admin interface is named";

impl Says for Reading {
    fn split(&self) -> Split {
        self.split
    }

    fn process(&self) -> &str {
        &self.started
    }

    fn state(&self) -> String {
        format!("{:?} {}", self.tag, self.raw)
    }

    fn notes(&self) -> &[String] {
        &self.notes
    }

    fn odd(&self) -> Option<&str> {
        self.odd.as_deref()
    }
}

/// The processes of one router.
#[derive(Debug)]
pub(super) struct Fleet {
    spec: Arc<EnvoySpec>,
    admins: OnceLock<Result<Vec<Admin>, BackendError>>,
}

impl Fleet {
    pub(super) fn new(spec: EnvoySpec) -> Self {
        Self { spec: Arc::new(spec), admins: OnceLock::new() }
    }

    pub(super) fn spec(&self) -> &EnvoySpec {
        &self.spec
    }

    fn admins(&self) -> Result<&[Admin], BackendError> {
        let made = self.admins.get_or_init(|| {
            let shared = exchange::client(&Transport::default())?;
            self.spec.admin.iter().map(|place| Admin::new(place, &shared)).collect()
        });
        made.as_deref().map_err(Clone::clone)
    }

    /// Runs `act` for every process at once. The results are in the order of the processes.
    async fn each<T, F>(&self, act: impl Fn(Admin, Arc<EnvoySpec>) -> F) -> Result<Vec<Outcome<T>>, BackendError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Failure>> + Send + 'static,
    {
        let one = |admin: &Admin| {
            let (name, act) = (admin.name.clone(), act(admin.clone(), Arc::clone(&self.spec)));
            async move { (name, act.await) }
        };
        Ok(nodes::at_once(self.admins()?.iter().map(one)).await)
    }

    /// The content of the file of routes, if one carries the split.
    async fn file(&self) -> Option<Result<Written, String>> {
        let EnvoyWay::Routes { file, .. } = &self.spec.way else { return None };
        let (file, spec) = (file.clone(), Arc::clone(&self.spec));
        let read = tokio::task::spawn_blocking(move || rds::read(&file, &spec)).await;
        Some(read.unwrap_or_else(|error| Err(format!("the file of routes was not read: {error}"))))
    }

    /// Why no order can be written, if a file of routes carries the split.
    pub(super) async fn unfit(&self, split: Split) -> Option<String> {
        let EnvoyWay::Routes { template, .. } = &self.spec.way else { return None };
        let (template, spec) = (template.clone(), Arc::clone(&self.spec));
        let id = OrderId(String::new());
        let order = Order { id, kind: Move::Abort, from: None, target: split, toward: Side::Blue, expected: None };
        let made = tokio::task::spawn_blocking(move || rds::made(&template, &spec, &order)).await;
        let fault = made.ok()?.err()?;
        Some(format!("no order can be given: {}", fault.detail()))
    }

    /// Sends the change at `path` to every process.
    pub(super) async fn post(&self, path: &str, limit: Duration) -> Result<Vec<Outcome<()>>, BackendError> {
        let path = Arc::new(path.to_owned());
        self.each(|admin, _| {
            let path = Arc::clone(&path);
            async move { admin.post(&path, limit).await }
        })
        .await
    }

    /// Reads every process.
    pub(super) async fn read(&self, limit: Duration) -> Result<Vec<Outcome<Reading>>, BackendError> {
        let file = self.file().await.map(Arc::new);
        self.each(|admin, spec| {
            let file = file.clone();
            async move { reading::read(&admin, &spec, file.as_deref(), limit).await }
        })
        .await
    }
}

/// One observation of all processes.
///
/// A process that refuses connections serves no traffic; a note names it. A process that does not answer may serve
/// traffic; then the split is not certain.
pub(super) fn observation(read: &[Outcome<Reading>]) -> Result<Observation, BackendError> {
    let told = Told::of(read);
    let Some((_, first)) = told.readings.first() else { return Err(told.worst(NO_PROCESS)) };
    let mut notes = told.notes("process", "Envoy is down");
    let sides = Pair::from_fn(|side| of_side(&told.readings, side));
    for side in Side::BOTH.into_iter().filter(|side| first.split.share(*side) == 0) {
        let open = sides[side].traffic.in_flight;
        if open > 0 {
            let s = if open == 1 { "" } else { "s" };
            notes.push(format!("{side}: {open} request{s} still under way"));
        }
    }
    Ok(Observation {
        mixed: told.mixed(),
        sides: sides.map(|_, side| SideSeen { replicas: side.replicas, ..SideSeen::default() }),
        traffic: Some(TrafficCounters { epoch: told.epoch(), sides: sides.map(|_, side| side.traffic.clone()) }),
        notes,
        ..Observation::of(first.split, nodes::revision(read))
    })
}

/// The readings of one side from all processes, combined.
fn of_side(readings: &[(&String, &Reading)], side: Side) -> SideReading {
    let seen = || readings.iter().map(|(_, reading)| &reading.stats.sides[side]);
    // The process with the fewest ready endpoints matters most.
    let fewest = seen().filter_map(|it| it.replicas).min_by_key(|it| it.ready);
    SideReading {
        replicas: fewest,
        traffic: seen().fold(SideTraffic::default(), |all, one| nodes::add(all, &one.traffic)),
    }
}
