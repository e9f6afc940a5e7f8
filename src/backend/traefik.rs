//! Traefik: a weighted service that cutover owns, in a file of the file provider or in keys of the Redis provider.
//!
//! Traefik applies a change some time after it was written, holds later ones back for `providersThrottleDuration`, and
//! tells the writer nothing: a broken file is one line in its log. So an observation has two halves: what is written,
//! and what the API of every instance shows. The split is the one in the API. It is mixed until every instance shows
//! exactly the weights that are written. Each order has weights of its own (see `share`), so a change that was held
//! back cannot be taken for a later one.
//!
//! Forward orders read both halves first, and Redis carries them out only if its keys are still what was read. A
//! rollback reads nothing first: it writes at once.

mod api;
mod include;
#[rustfmt::skip]
mod keys;
mod read;
#[cfg(feature = "traefik-redis")]
mod redis;
mod share;
mod source;
mod spec;
mod store;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use self::api::Instance;
#[cfg(feature = "traefik-redis")]
pub use self::redis::RedisSpec;
use self::source::Source;
pub use self::spec::{TraefikSpec, TraefikWay};
use self::store::Store;
use super::configured::Spec;
use super::exchange;
use super::file;
use super::kind::{COMMON, Kind};
use super::{
    Accepted, Applying, BackendError, BackendFuture, Capabilities, Observer, Preview, Sending, TrafficBackend,
    TrafficSystem, already, sequenced,
};
use crate::domain::text::clean;
use crate::domain::{Digest, Observation, Order, Pair, Revision, SideSeen, WayBack};
use crate::http::Client;
use crate::settings::TRANSPORT;

/// Traefik, in the table of kinds.
pub(super) const KIND: Kind = Kind {
    name: "traefik",
    keys: &[&COMMON, &keys::KEYS, &TRANSPORT],
    tables: &[],
    page: include_str!("traefik/page.md"),
    keeps_requests: false,
    read: read::read,
};

impl Spec for TraefikSpec {
    fn connect(&self) -> Arc<dyn TrafficBackend> {
        sequenced(KIND.name, Traefik::new(self.clone()))
    }
}

/// A change that is not in force after this time is not merely held back.
const LATE: Duration = Duration::from_secs(8);

/// One Traefik, or several that read the same. Needs a tokio runtime to be called in.
#[derive(Debug)]
pub(super) struct Traefik {
    spec: TraefikSpec,
    client: Result<Client, BackendError>,
    store: Store,
    /// What is written and not in force, since when.
    waiting: Mutex<Option<(String, Instant)>>,
}

impl Traefik {
    /// The Traefik that `spec` describes.
    pub(super) fn new(spec: TraefikSpec) -> Self {
        let (client, store) = (exchange::client(&spec.transport), Store::new(&spec));
        Self { spec, client, store, waiting: Mutex::default() }
    }
}

impl TrafficSystem for Traefik {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            applying: Applying::Asynchronous,
            compare_and_set: !matches!(self.spec.way, TraefikWay::File { .. }),
            ..Capabilities::direct()
        }
    }

    fn prepare<'a>(&'a self, order: &'a Order, _again: bool) -> BackendFuture<'a, Sending<'a>> {
        Box::pin(async move {
            if order.kind.is_forward() {
                return self.forward(order).await;
            }
            let sending: Sending<'a> = Box::pin(async move {
                self.store.write(order).await?;
                Ok(Accepted::as_asked(order))
            });
            Ok(sending)
        })
    }
}

impl Observer for Traefik {
    fn observe(&self) -> BackendFuture<'_, Observation> {
        Box::pin(self.look())
    }

    fn preview(&self, order: &Order) -> Preview {
        let (target, mut lines) = self.store.preview(order);
        let service = self.spec.full_name();
        let reads = self.spec.apis.iter().map(|api| clean(&format!("{api}/api/http/services/{service}"), 200));
        lines.extend(reads.map(|url| format!("then, until it shows these weights: GET {url}")));
        Preview { target, lines }
    }
}

impl Traefik {
    fn client(&self) -> Result<&Client, BackendError> {
        self.client.as_ref().map_err(Clone::clone)
    }

    async fn look(&self) -> Result<Observation, BackendError> {
        let client = self.client()?;
        let (source, instances) = tokio::join!(self.store.read(), api::read_all(client, &self.spec, true));
        let (source, unread) = match source {
            Ok(source) => (Some(source), None),
            // Traefik goes on serving by what it has, and that can be seen.
            Err(BackendError::Unreachable(why) | BackendError::Denied(why)) => (None, Some(why)),
            Err(BackendError::Garbled(why)) if matches!(self.spec.way, TraefikWay::File { .. }) => (None, Some(why)),
            Err(error) => return Err(error),
        };
        let shown = instances.iter().find_map(|it| it.answer.as_ref().ok());
        let Some(shown) = shown else {
            let none = || BackendError::Unreachable("no API is named".into());
            return Err(api::worst(&instances).unwrap_or_else(none));
        };
        let (split, odd) = self.split_of(shown.weights)?;
        let mut mixed: Vec<String> = odd.into_iter().collect();
        mixed.extend(unread.map(|why| format!("what is written cannot be read: {why}")));
        let mut notes = Vec::new();
        for instance in &instances {
            match &instance.answer {
                Ok(shown) => mixed.extend(shown.disabled.clone()),
                // A process that is down serves no traffic; a silent one may.
                Err(BackendError::Unreachable(why)) => notes.push(format!("instance is down: {why}")),
                Err(fault) => mixed.push(format!("not read: {}", fault.detail())),
            }
        }
        if let Some(source) = &source {
            mixed.extend(self.not_in_force(source, &instances)?);
            notes.extend(source.notes.iter().cloned());
        }
        let why_not = match &self.spec.way {
            TraefikWay::File { path, .. } => file::may_write(path).err().map(|error| error.to_string()),
            #[cfg(feature = "traefik-redis")]
            TraefikWay::Redis(_) => None,
        };
        Ok(Observation {
            rollback: WayBack { why_not, ..WayBack::default() },
            mixed: (!mixed.is_empty()).then(|| mixed.join("; ")),
            sides: Pair::from_fn(|side| match api::fewest(&instances, side) {
                Some((replicas, unready)) => SideSeen { replicas: Some(replicas), unready, ..SideSeen::default() },
                None => SideSeen::default(),
            }),
            notes,
            ..Observation::of(split, revision(source.as_ref(), &instances))
        })
    }

    fn split_of(&self, weights: Pair<u64>) -> Result<(crate::domain::Split, Option<String>), BackendError> {
        share::split(weights).map_err(|why| BackendError::Garbled(format!("{}: {why}", self.spec.full_name())))
    }

    /// The instances that do not serve by what is written, in words.
    fn not_in_force(&self, source: &Source, instances: &[Instance]) -> Result<Option<String>, BackendError> {
        let written = share::split(source.weights).map(|(split, _)| split);
        let mut behind = Vec::new();
        for instance in instances {
            let Ok(shown) = &instance.answer else { continue };
            if shown.weights != source.weights {
                let (split, _) = self.split_of(shown.weights)?;
                // A change from in between may still be in force.
                let earlier = if Ok(split) == written { " by an earlier change" } else { "" };
                behind.push(format!("{} still serves {split}{earlier}", instance.place));
            }
        }
        let waited = self.waited(source, behind.is_empty());
        if behind.is_empty() {
            return Ok(None);
        }
        let place = self.store.place();
        let written = written.map_or_else(|why| why, |split| split.to_string());
        let since =
            if waited < LATE { String::new() } else { format!(" for {} s: {}", waited.as_secs(), self.store.remedy()) };
        Ok(Some(format!("not yet in force: {}; {place} says {written}{since}", behind.join(", "))))
    }

    /// For how long the same text has been written and not in force.
    fn waited(&self, source: &Source, is_in_force: bool) -> Duration {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if is_in_force {
            *waiting = None;
            return Duration::ZERO;
        }
        match &*waiting {
            Some((raw, since)) if *raw == source.raw => since.elapsed(),
            _ => {
                *waiting = Some((source.raw.clone(), Instant::now()));
                Duration::ZERO
            }
        }
    }

    /// Reads what is written and what is shown, and keeps others from writing until `order` is written.
    async fn forward<'a>(&'a self, order: &'a Order) -> Result<Sending<'a>, BackendError> {
        let mut exclusive = self.store.exclusive().await?;
        let client = self.client()?;
        let (source, instances) = tokio::join!(exclusive.read(), api::read_all(client, &self.spec, false));
        let source = source?;
        if let Some(fault) = api::worst(&instances) {
            return Err(match fault {
                BackendError::Unreachable(text) if instances.len() > 1 => {
                    BackendError::Unreachable(format!("{text}; forward needs every instance, nothing was written"))
                }
                fault => fault,
            });
        }
        let now = revision(Some(&source), &instances);
        if let Some(expected) = order.expected.as_ref().filter(|expected| **expected != now) {
            let expected = clean(&expected.0, 40);
            return Err(BackendError::Conflict(format!("the state is {} by now, not {expected}", now.0)));
        }
        let shown = || instances.iter().filter_map(|it| it.answer.as_ref().ok());
        if let Some(why) = shown().find_map(|it| it.disabled.clone()) {
            return Err(BackendError::Refused(format!("{why}; nothing was written")));
        }
        let (split, odd) = self.split_of(source.weights)?;
        let is_in_force = odd.is_none() && shown().all(|it| it.weights == source.weights);
        if split == order.target && is_in_force {
            return Ok(already(order));
        }
        Ok(Box::pin(async move {
            exclusive.write(order, &source).await?;
            Ok(Accepted::as_asked(order))
        }))
    }
}

/// The token of what is written and what is shown.
fn revision(source: Option<&Source>, instances: &[Instance]) -> Revision {
    let written = source.map_or("-", |source| source.raw.as_str());
    let digest = Digest::of([written, "\n", &api::token(instances)]);
    Revision(digest.as_str().chars().take(16).collect())
}
