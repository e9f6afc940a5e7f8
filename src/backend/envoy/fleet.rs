//! Several processes as one router: asks all at once and combines their answers into one observation.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::task::JoinSet;

use super::admin::Admin;
use super::rds::{self, Written};
use super::reading::{self, Reading};
use super::stats::SideReading;
use crate::backend::BackendError;
use crate::backend::envoy::spec::{EnvoySpec, EnvoyWay};
use crate::backend::exchange::{self, Failure};
use crate::backend::nodes;
use crate::domain::{
    Digest, Move, Observation, Order, OrderId, Pair, Revision, Side, SideTraffic, Split, TrafficCounters, Transport,
};

/// The result of one process, with its name.
pub(super) type Outcome<T> = (String, Result<T, Failure>);

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
        let mut tasks = JoinSet::new();
        for (at, admin) in self.admins()?.iter().enumerate() {
            let name = admin.name.clone();
            let act = act(admin.clone(), Arc::clone(&self.spec));
            tasks.spawn(async move { (at, (name, act.await)) });
        }
        let mut found = tasks.join_all().await;
        found.sort_by_key(|(at, _)| *at);
        Ok(found.into_iter().map(|(_, outcome)| outcome).collect())
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

/// The revision of all processes: any change of a value, an order or a process changes it.
pub(super) fn revision(read: &[Outcome<Reading>]) -> Revision {
    let part = |(name, reading): &Outcome<Reading>| match reading {
        Ok(it) => format!("{name} {} {:?} {}", it.started, it.tag, it.raw),
        Err(_) => format!("{name} -"),
    };
    let digest = Digest::of(read.iter().map(part));
    Revision(digest.as_str().chars().take(16).collect())
}

/// One observation of all processes.
///
/// A process that refuses connections serves no traffic; a note names it. A process that does not answer may serve
/// traffic; then the split is not certain.
pub(super) fn observation(read: &[Outcome<Reading>]) -> Result<Observation, BackendError> {
    let readings: Vec<(&str, &Reading)> =
        read.iter().filter_map(|(name, reading)| Some((name.as_str(), reading.as_ref().ok()?))).collect();
    let faults: Vec<&Failure> = read.iter().filter_map(|(_, reading)| reading.as_ref().err()).collect();
    let Some((_, first)) = readings.first() else { return Err(worst(&faults)) };
    let mut notes: Vec<String> =
        faults.iter().filter(|it| it.is_gone).map(|it| format!("Envoy is down: {}", it.error.detail())).collect();
    let told: Vec<_> = readings.iter().map(|(name, reading)| ((*name).to_owned(), reading.notes.as_slice())).collect();
    notes.extend(nodes::notes(&told, read.len(), "process"));
    let sides = Pair::from_fn(|side| of_side(&readings, side));
    for side in Side::BOTH.into_iter().filter(|side| first.split.share(*side) == 0) {
        let open = sides[side].traffic.in_flight;
        if open > 0 {
            let s = if open == 1 { "" } else { "s" };
            notes.push(format!("{side}: {open} request{s} still under way"));
        }
    }
    // With another process or another set of processes, the counters start again.
    let epoch: Vec<String> = readings.iter().map(|(name, reading)| format!("{name}={}", reading.started)).collect();
    Ok(Observation {
        split: first.split,
        mixed: mixed(&readings, &faults),
        revision: revision(read),
        replicas: Pair::from_fn(|side| sides[side].replicas),
        versions: Pair::default(),
        traffic: Some(TrafficCounters { epoch: epoch.join(" "), sides: sides.map(|_, side| side.traffic.clone()) }),
        controller: None,
        notes,
    })
}

/// Why the processes do not show one common split.
fn mixed(readings: &[(&str, &Reading)], faults: &[&Failure]) -> Option<String> {
    let mut parts: Vec<String> = Vec::new();
    let (_, first) = readings.first()?;
    if readings.iter().any(|(_, reading)| reading.split != first.split) {
        parts.extend(readings.iter().map(|(name, reading)| format!("{name} says {}", reading.split)));
    }
    parts.extend(readings.iter().filter_map(|(name, reading)| Some(format!("{name}: {}", reading.odd.as_ref()?))));
    let silent = faults.iter().filter(|fault| !fault.is_gone);
    parts.extend(silent.map(|fault| format!("not read: {}", fault.error.detail())));
    (!parts.is_empty()).then(|| parts.join("; "))
}

/// The readings of one side from all processes, combined.
fn of_side(readings: &[(&str, &Reading)], side: Side) -> SideReading {
    let seen = || readings.iter().map(|(_, reading)| &reading.stats.sides[side]);
    // The process with the fewest ready endpoints matters most.
    let fewest = seen().filter_map(|it| it.replicas).min_by_key(|it| it.ready);
    SideReading { replicas: fewest, traffic: seen().fold(SideTraffic::default(), |all, one| add(all, &one.traffic)) }
}

fn add(mut all: SideTraffic, one: &SideTraffic) -> SideTraffic {
    for (sum, n) in all.by_class.iter_mut().zip(one.by_class) {
        *sum += n;
    }
    all.in_flight += one.in_flight;
    for &(us, n) in &one.latency_us {
        match all.latency_us.binary_search_by_key(&us, |cell| cell.0) {
            Ok(at) => all.latency_us[at].1 += n,
            Err(at) => all.latency_us.insert(at, (us, n)),
        }
    }
    all
}

/// The error for all processes; see [`nodes::worst`].
pub(super) fn worst(faults: &[&Failure]) -> BackendError {
    nodes::worst(faults.iter().map(|fault| &fault.error), "no admin interface is named")
}
