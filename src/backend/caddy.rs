//! Caddy: one `reverse_proxy` handler of its configuration, replaced whole through the admin interface.
//!
//! The split is the weights of the handler's `weighted_round_robin`. A change is one PATCH with everything in it, since
//! two in a row would leave clients without an upstream in between; its `If-Match` makes Caddy itself refuse a change
//! that was made for another state. The entity tag speaks of the handler's content alone, so the revision holds the
//! process's start too: after a restart the same content is another state.
//!
//! A rollback is sent on what was read last, in the hope that it still holds, and reads again only when Caddy says that
//! it does not. In the end it goes without a condition: somebody who writes all the time cannot hold it up.
//!
//! Every change reloads Caddy's whole configuration: clients that keep connections open may see them reset. A split
//! that is in force already is not written again. Without `--resume` Caddy forgets the change when it restarts.

mod api;
mod handler;
mod weights;

use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;
use tokio::time::Instant;

use self::api::{Api, Metrics, Upstream, WRITE_LIMIT};
use self::handler::Handler;
use super::acts::Acts;
use super::{
    Accepted, Answer, Applying, BackendError, Capabilities, Driver, Observer, Preview, ProbeTarget, TrafficBackend,
    Weights,
};
use crate::domain::observation::Replicas;
use crate::domain::router::caddy::CaddySpec;
use crate::domain::text::clean;
use crate::domain::{Observation, Order, Pair, Revision, Side, Split};

/// How often a rollback is made anew on what was just read, before it goes without a condition.
const TRIES: usize = 3;
/// Stands in a revision for the start of a process that does not tell it.
const UNTOLD: &str = "?";
/// Most of the upstreams that are told of by name.
const TOLD: usize = 4;

/// One Caddy. Cheap to clone; needs a tokio runtime to be called in.
#[derive(Debug, Clone)]
pub struct Caddy {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    spec: CaddySpec,
    sides: Pair<Vec<String>>,
    api: Result<Api, BackendError>,
    acts: Acts,
    seen: Mutex<Seen>,
}

/// What was read last.
#[derive(Debug, Default)]
struct Seen {
    handler: Option<Arc<Handler>>,
    /// When the process began that was there first.
    began_ms: Option<u64>,
}

impl Caddy {
    /// The Caddy that `spec` describes; `sides` are base URLs that reach each side whatever the split.
    pub fn new(spec: CaddySpec, sides: Pair<Vec<String>>) -> Self {
        let api = Api::new(&spec);
        Self { inner: Arc::new(Inner { spec, sides, api, acts: Acts::default(), seen: Mutex::default() }) }
    }
}

impl TrafficBackend for Caddy {
    fn name(&self) -> &'static str {
        "caddy"
    }

    fn capabilities(&self) -> Capabilities {
        let spec = &self.inner.spec;
        Capabilities {
            weights: spec.shares.clone().map_or(Weights::Any, Weights::Listed),
            applying: Applying::ReloadsListeners,
            survives_restart: spec.survives_restart,
            ..Capabilities::direct()
        }
    }

    fn observer(&self) -> Arc<dyn Observer> {
        Arc::new(self.clone())
    }

    fn driver(&self) -> Result<Arc<dyn Driver>, BackendError> {
        Ok(Arc::new(self.clone()))
    }
}

impl Observer for Caddy {
    fn observe(&self) -> Answer<'_, Observation> {
        Box::pin(self.inner.look())
    }

    fn probe_targets(&self, side: Side) -> Vec<ProbeTarget> {
        ProbeTarget::at_each(&self.inner.sides[side])
    }

    fn preview(&self, order: &Order) -> Preview {
        let spec = &self.inner.spec;
        let target = match &self.inner.api {
            Ok(api) => api.place.clone(),
            Err(error) => return Preview { target: "caddy".into(), lines: vec![error.to_string()] },
        };
        // The rest of the handler may hold secrets, in headers for its upstreams: only what changes is shown.
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

impl Driver for Caddy {
    fn apply<'a>(&'a self, order: &'a Order) -> Answer<'a, Accepted> {
        let inner = Arc::clone(&self.inner);
        let can = self.capabilities();
        let act = move |_| {
            let order = order.clone();
            async move {
                if let Some(why) = can.refuses(order.kind, order.target) {
                    return Err(BackendError::Refused(why));
                }
                if order.kind.is_forward() { inner.forward(&order).await } else { inner.back(&order).await }
            }
        };
        Box::pin(self.inner.acts.once(&order.id, act))
    }
}

impl Inner {
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
        let said = handler.said(&self.spec.upstreams)?;
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
        notes.extend(unread.into_iter().chain(said.note));
        notes.extend(self.of_upstreams(said.split, &upstreams.unwrap_or_default()));
        Ok(Observation {
            split: said.split,
            mixed: said.odd,
            revision: revision(&handler, metrics.began_ms),
            replicas: self.replicas(&metrics),
            versions: Pair::default(),
            traffic: None,
            controller: None,
            notes,
        })
    }

    /// Remembers what was read; whether the process is another than the first.
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

    /// Requests that end where they began, and requests that failed.
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
            notes.extend(own().filter(|upstream| upstream.fails > 0).take(TOLD).map(|upstream| {
                format!("{side}: {} requests to {} failed lately", upstream.fails, clean(&upstream.dial, 60))
            }));
        }
        notes
    }

    /// Caddy tells of an upstream's health once it has one.
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

    async fn forward(&self, order: &Order) -> Result<Accepted, BackendError> {
        let api = self.api()?;
        let (handler, metrics) = tokio::join!(api.handler(), api.metrics());
        let handler = handler?;
        let began_ms = match metrics {
            Ok(metrics) => metrics.began_ms,
            // Whether it was restarted meanwhile cannot be told; it could not before either.
            Err(_) if order.expected.as_ref().is_none_or(|shown| shown.0.ends_with(UNTOLD)) => None,
            Err(error) => return Err(error),
        };
        let now = revision(&handler, began_ms);
        let tag = handler::tag_of(&self.spec.handler, &order.id);
        if handler.tag() == Some(tag.as_str()) {
            return Ok(Accepted { revision: Some(now) });
        }
        if let Some(expected) = order.expected.as_ref().filter(|expected| **expected != now) {
            let expected = clean(&expected.0, 60);
            return Err(BackendError::Conflict(format!("the handler is {} by now, not {expected}", now.0)));
        }
        let said = handler.said(&self.spec.upstreams)?;
        if let Some(odd) = said.odd {
            return Err(BackendError::Refused(format!("{odd}: put its upstreams right first")));
        }
        if said.split == order.target && said.note.is_none() {
            return Ok(Accepted { revision: Some(now) });
        }
        let changed = handler.changed(&self.spec.upstreams, order.target, &tag);
        self.forget();
        write_once(api, &changed, &handler.etag, &tag).await
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
                    return Ok(Accepted { revision: None });
                }
                // A reload for nothing would reset connections: whether it holds is looked up first.
                continue;
            }
            let changed = handler.changed(&self.spec.upstreams, order.target, &tag);
            let etag = Some(handler.etag.as_str()).filter(|_| left > 0);
            match api.write(&changed, etag).await {
                Err(BackendError::Conflict(_)) => {}
                Err(error @ BackendError::Unknown(_)) if Instant::now() < until => lost = Some(error),
                ended => return ended.map(|()| Accepted { revision: None }),
            }
        }
        Err(lost.unwrap_or_else(|| BackendError::Unknown(format!("{}: others change it all the time", api.place))))
    }

    /// Whether `handler` is what the order asks for.
    fn is_there(&self, handler: &Handler, order: &Order) -> bool {
        let said = handler.said(&self.spec.upstreams);
        said.is_ok_and(|said| said.split == order.target && said.odd.is_none() && said.note.is_none())
    }
}

/// Writes under the condition that nothing changed, and sends again what was closed without an answer: a change that
/// happened all the same is known by its name, and cannot happen twice because its condition is gone with it.
async fn write_once(api: &Api, changed: &Value, etag: &str, tag: &str) -> Result<Accepted, BackendError> {
    let until = Instant::now() + WRITE_LIMIT;
    let mut lost = None;
    for _ in 0..TRIES {
        match (api.write(changed, Some(etag)).await, &lost) {
            (Err(error @ BackendError::Unknown(_)), _) if Instant::now() < until => lost = Some(error),
            // Perhaps the condition was lost to our own change.
            (Err(error @ BackendError::Conflict(_)), Some(_)) => lost = Some(error),
            (ended, _) => return ended.map(|()| Accepted { revision: None }),
        }
        match api.handler().await {
            Ok(now) if now.tag() == Some(tag) => return Ok(Accepted { revision: None }),
            Ok(now) if now.etag == etag => {}
            Ok(_) => return Err(BackendError::Conflict("somebody else changed the handler meanwhile".into())),
            Err(error) => return Err(lost.unwrap_or(error)),
        }
    }
    Err(lost.unwrap_or_else(|| BackendError::Unknown(format!("{}: no answer", api.place))))
}

/// The state of a handler in one process of Caddy.
fn revision(handler: &Handler, began_ms: Option<u64>) -> Revision {
    let began = began_ms.map_or_else(|| UNTOLD.to_owned(), |ms| ms.to_string());
    Revision(format!("{}@{began}", handler.hash()))
}
