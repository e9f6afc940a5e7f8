//! Caddy: one `reverse_proxy` handler of its configuration, replaced as a whole through the admin interface.
//!
//! The split is the weights of the handler's `weighted_round_robin`. A change is one PATCH with everything in it: two
//! requests in a row would leave clients without an upstream in between. With `If-Match`, Caddy itself refuses a
//! change that was made for another state. The entity tag depends only on the handler's content, so the revision also
//! includes the start time of the process: after a restart the same content is another state.
//!
//! A rollback uses the last known state and reads again only when Caddy reports a conflict. In the end it is sent
//! without a condition, so frequent writes by others cannot block it.
//!
//! Every change reloads Caddy's whole configuration, which may reset open client connections. So a split that is
//! already in effect is not written again. Without `--resume` Caddy loses the change when it restarts.

mod api;
mod handler;
mod read;
mod spec;
mod weights;

use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;
use tokio::time::Instant;

use self::api::{Api, Metrics, Upstream, WRITE_LIMIT};
use self::handler::Handler;
pub use self::spec::{CaddySpec, HandlerAt};
use super::configured::Spec;
use super::kind::{COMMON, Kind};
use super::{
    Accepted, Applying, BackendError, BackendFuture, Capabilities, Observer, Preview, Sending, TrafficBackend,
    TrafficSystem, Weights, already, sequenced,
};
use crate::domain::observation::{Replicas, SideSeen};
use crate::domain::text::clean;
use crate::domain::{Observation, Order, Pair, Revision, Side, Split};
use crate::settings::TRANSPORT;

/// The row of Caddy in the table of kinds.
pub(super) const KIND: Kind = Kind {
    name: "caddy",
    keys: &[&COMMON, &read::KEYS, &TRANSPORT],
    tables: &[&read::UPSTREAMS],
    page: include_str!("caddy/page.md"),
    keeps_requests: false,
    read: read::read,
};

impl Spec for CaddySpec {
    fn connect(&self) -> Arc<dyn TrafficBackend> {
        sequenced(KIND.name, Caddy { spec: self.clone(), api: Api::new(self), seen: Mutex::default() })
    }

    fn weights(&self) -> Weights {
        self.shares.clone().map_or(Weights::Any, Weights::Listed)
    }
}

/// The number of tries of a rollback with a fresh state, before it is sent without a condition.
const TRIES: usize = 3;
/// In a revision: the start time is unknown.
const UNKNOWN_START: &str = "?";
/// The most upstreams that a note names.
const MAX_NAMED: usize = 4;

/// One Caddy. Must be called within a tokio runtime.
#[derive(Debug)]
pub(super) struct Caddy {
    spec: CaddySpec,
    api: Result<Api, BackendError>,
    seen: Mutex<LastRead>,
}

/// The last state read.
#[derive(Debug, Default)]
struct LastRead {
    handler: Option<Arc<Handler>>,
    /// The start time of the first process that was seen.
    began_ms: Option<u64>,
}

impl TrafficSystem for Caddy {
    fn capabilities(&self) -> Capabilities {
        let spec = &self.spec;
        Capabilities {
            weights: spec.weights(),
            applying: Applying::ReloadsListeners,
            survives_restart: spec.survives_restart,
            ..Capabilities::direct()
        }
    }

    fn prepare<'a>(&'a self, order: &'a Order, _again: bool) -> BackendFuture<'a, Sending<'a>> {
        Box::pin(async move {
            if order.kind.is_forward() {
                return self.forward(order).await;
            }
            let sending: Sending<'a> = Box::pin(self.back(order));
            Ok(sending)
        })
    }
}

impl Observer for Caddy {
    fn observe(&self) -> BackendFuture<'_, Observation> {
        Box::pin(self.look())
    }

    fn preview(&self, order: &Order) -> Preview {
        let spec = &self.spec;
        let target = match &self.api {
            Ok(api) => api.place.clone(),
            Err(error) => return Preview { target: "caddy".into(), lines: vec![error.to_string()] },
        };
        // The rest of the handler may hold secrets (headers for upstreams), so only the changed part is shown.
        let dials: Vec<String> = spec.upstreams.blue.iter().chain(&spec.upstreams.green).cloned().collect();
        let policy = handler::policy(&spec.upstreams, &dials, order.target, &handler::tag_of(&spec.handler, &order.id));
        let matches = match &order.expected {
            Some(expected) => format!("If-Match: the Etag of revision {}", clean(&expected.0, 60)),
            None => "If-Match: the Etag that was read last, or is read when that is old".into(),
        };
        let lines = vec![
            format!("PATCH {}", clean(&spec.handler.path(), 200)),
            matches,
            format!("upstreams: {}", clean(&dials.join(" "), 300)),
            format!("load_balancing.selection_policy: {}", clean(&policy.to_string(), 400)),
            "all other fields as they are; Caddy reloads its configuration".into(),
        ];
        Preview { target, lines }
    }
}

impl Caddy {
    fn api(&self) -> Result<&Api, BackendError> {
        self.api.as_ref().map_err(Clone::clone)
    }

    async fn look(&self) -> Result<Observation, BackendError> {
        let api = self.api()?;
        let (handler, metrics, upstreams) = tokio::join!(api.handler(), api.metrics(), api.upstreams());
        let handler = Arc::new(handler?);
        let unread = metrics.as_ref().err().map(|error| clean(&format!("its metrics are not read: {error}"), 160));
        let metrics = metrics.unwrap_or_default();
        let was_restarted = self.see(Some(Arc::clone(&handler)), metrics.began_ms);
        let reading = handler.reading(&self.spec.upstreams)?;
        let mut notes = vec!["each change reloads Caddy: clients that keep connections open may see resets".to_owned()];
        if was_restarted {
            notes.push("Caddy was restarted while this was watched".into());
        }
        if !self.spec.survives_restart {
            notes.push("a restart of Caddy goes back to its file, unless it runs with --resume".into());
        }
        if metrics.last_reload_failed {
            notes.push("Caddy did not take the last change of its configuration: the one before is in force".into());
        }
        notes.extend(unread.into_iter().chain(reading.note));
        notes.extend(self.of_upstreams(reading.split, &upstreams.unwrap_or_default()));
        Ok(Observation {
            mixed: reading.odd,
            sides: self.replicas(&metrics).map(|_, replicas| SideSeen { replicas: *replicas, ..SideSeen::default() }),
            notes,
            ..Observation::of(reading.split, revision(&handler, metrics.began_ms))
        })
    }

    /// Remembers the last state; returns whether the process is another than the first one.
    fn see(&self, handler: Option<Arc<Handler>>, began_ms: Option<u64>) -> bool {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.handler = handler;
        let first = *seen.began_ms.get_or_insert(began_ms.unwrap_or_default());
        if first == 0 {
            seen.began_ms = began_ms;
        }
        first != 0 && began_ms.is_some_and(|began| began != first)
    }

    fn forget(&self) {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).handler = None;
    }

    /// Notes about requests in flight on a side without traffic, and about failed requests.
    fn of_upstreams(&self, split: Split, upstreams: &[Upstream]) -> Vec<String> {
        let mut notes = Vec::new();
        for side in Side::BOTH {
            let own = || upstreams.iter().filter(|it| self.spec.upstreams[side].contains(&it.dial));
            let in_flight: u64 = own().map(|upstream| upstream.in_flight).sum();
            if split.share(side) == 0 && in_flight > 0 {
                notes.push(match in_flight {
                    1 => format!("1 request or stream under way ends on {side}"),
                    more => format!("{more} requests and streams under way end on {side}"),
                });
            }
            notes.extend(own().filter(|upstream| upstream.fails > 0).take(MAX_NAMED).map(|upstream| {
                format!("{side}: {} requests to {} failed lately", upstream.fails, clean(&upstream.dial, 60))
            }));
        }
        notes
    }

    /// `None` for a side with an upstream whose health Caddy does not know yet.
    fn replicas(&self, metrics: &Metrics) -> Pair<Option<Replicas>> {
        Pair::from_fn(|side| {
            let own = &self.spec.upstreams[side];
            let known = || metrics.healthy.iter().filter(|(dial, _)| own.contains(dial));
            let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
            (known().count() == own.len()).then(|| Replicas {
                ready: count(known().filter(|(_, healthy)| *healthy).count()),
                total: count(own.len()),
            })
        })
    }

    /// Checks whether `order` may be sent. A split that is already in effect is not written again.
    async fn forward<'a>(&'a self, order: &'a Order) -> Result<Sending<'a>, BackendError> {
        let api = self.api()?;
        let (handler, metrics) = tokio::join!(api.handler(), api.metrics());
        let handler = handler?;
        let began_ms = match metrics {
            Ok(metrics) => metrics.began_ms,
            // A restart in between cannot be detected; it could not be detected before either.
            Err(_) if order.expected.as_ref().is_none_or(|shown| shown.0.ends_with(UNKNOWN_START)) => None,
            Err(error) => return Err(error),
        };
        let now = revision(&handler, began_ms);
        let tag = handler::tag_of(&self.spec.handler, &order.id);
        if handler.tag() == Some(tag.as_str()) {
            return Ok(already(order));
        }
        if let Some(expected) = order.expected.as_ref().filter(|expected| **expected != now) {
            let expected = clean(&expected.0, 60);
            return Err(BackendError::Conflict(format!("the handler is {} by now, not {expected}", now.0)));
        }
        let reading = handler.reading(&self.spec.upstreams)?;
        if let Some(odd) = reading.odd {
            return Err(BackendError::Refused(format!("{odd}: put its upstreams right first")));
        }
        if reading.split == order.target && reading.note.is_none() {
            return Ok(already(order));
        }
        let changed = handler.changed(&self.spec.upstreams, order.target, &tag);
        Ok(Box::pin(async move {
            self.forget();
            write_once(api, &changed, &handler.etag, &tag).await.map(|()| Accepted::as_asked(order))
        }))
    }

    async fn back(&self, order: &Order) -> Result<Accepted, BackendError> {
        let api = self.api()?;
        let tag = handler::tag_of(&self.spec.handler, &order.id);
        let until = Instant::now() + WRITE_LIMIT;
        let mut known = self.seen.lock().unwrap_or_else(PoisonError::into_inner).handler.take();
        let mut lost = None;
        for left in (0..=TRIES).rev() {
            let is_fresh = known.is_none();
            let handler = match known.take() {
                Some(handler) => handler,
                None => Arc::new(api.handler().await.map_err(|error| lost.take().unwrap_or(error))?),
            };
            if self.is_there(&handler, order) {
                if is_fresh {
                    return Ok(Accepted::as_asked(order));
                }
                // Checks first whether the split is already in effect: an unnecessary reload would reset connections.
                continue;
            }
            if !handler.is_ours(&self.spec.upstreams) {
                // What was known may be old: nothing is refused by it.
                if is_fresh {
                    return Err(self.not_ours(api).await);
                }
                continue;
            }
            let changed = handler.changed(&self.spec.upstreams, order.target, &tag);
            let etag = Some(handler.etag.as_str()).filter(|_| left > 0);
            match api.write(&changed, etag).await {
                Err(BackendError::Conflict(_)) => {}
                Err(error @ BackendError::Unknown(_)) if Instant::now() < until => lost = Some(error),
                ended => return ended.map(|()| Accepted::as_asked(order)),
            }
        }
        Err(lost.unwrap_or_else(|| BackendError::Unknown(format!("{}: others change it all the time", api.place))))
    }

    /// The handler at the place holds none of our upstreams: it belongs to another service. Says where ours is now.
    async fn not_ours(&self, api: &Api) -> BackendError {
        let places =
            api.config().await.map(|config| handler::places(&config, &self.spec.upstreams)).unwrap_or_default();
        let now = match places.as_slice() {
            [] => "no handler in Caddy's config has them".to_owned(),
            [place] => format!("they are at {place} now: write handler = {place:?}"),
            more => format!("they are at {}: name one of these in handler", more.join(", ")),
        };
        BackendError::Refused(format!(
            "the handler at {} has none of our upstreams, and belongs to another service; nothing was written. {now}",
            clean(&self.spec.handler.path(), 120)
        ))
    }

    /// Whether `handler` is what the order asks for.
    fn is_there(&self, handler: &Handler, order: &Order) -> bool {
        let reading = handler.reading(&self.spec.upstreams);
        reading.is_ok_and(|reading| reading.split == order.target && reading.odd.is_none() && reading.note.is_none())
    }
}

/// Writes under the condition that nothing has changed. If the connection closes without an answer, it sends again: a
/// change that took effect after all is recognized by its name, and cannot happen twice because its condition no
/// longer holds.
async fn write_once(api: &Api, changed: &Value, etag: &str, tag: &str) -> Result<(), BackendError> {
    let until = Instant::now() + WRITE_LIMIT;
    let mut lost = None;
    for _ in 0..TRIES {
        match (api.write(changed, Some(etag)).await, &lost) {
            (Err(error @ BackendError::Unknown(_)), _) if Instant::now() < until => lost = Some(error),
            // The conflict may be with our own change.
            (Err(error @ BackendError::Conflict(_)), Some(_)) => lost = Some(error),
            (ended, _) => return ended,
        }
        match api.handler().await {
            Ok(now) if now.tag() == Some(tag) => return Ok(()),
            Ok(now) if now.etag == etag => {}
            Ok(_) => return Err(BackendError::Conflict("somebody else changed the handler meanwhile".into())),
            Err(error) => return Err(lost.unwrap_or(error)),
        }
    }
    Err(lost.unwrap_or_else(|| BackendError::Unknown(format!("{}: no answer", api.place))))
}

/// The revision of a handler in one process of Caddy.
fn revision(handler: &Handler, began_ms: Option<u64>) -> Revision {
    let began = began_ms.map_or_else(|| UNKNOWN_START.to_owned(), |ms| ms.to_string());
    Revision(format!("{}@{began}", handler.hash()))
}
