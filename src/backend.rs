//! Traffic systems behind one trait.
//!
//! Three kinds exist, and the trait fits all three:
//!
//! - **direct**: weights can be set. The embedded gateway ([`embedded`]) is one; so are HAProxy ([`haproxy`]),
//!   Envoy, HTTPRoute, SageMaker variants. [`Driver::apply`] writes [`Order::target`] and answers
//!   with the new revision.
//! - **driven by a controller** with a plan of its own, e.g. Argo Rollouts. Its
//!   [`Capabilities::steps`] is [`StepOwner::Controller`], its [`Capabilities::weights`] lists the
//!   weights its own steps name, and `apply` looks at [`Order::kind`] and not at the target:
//!   [`Move::Promote`] becomes a JSON patch on `/status` that removes `pauseConditions` behind a
//!   `test` of `currentPodHash` (the revision on the screen; a failed test is 422 and becomes
//!   [`BackendError::Conflict`]), `Switch` sets `promoteFull`, `Abort` sets `abort`, and `Rollback`
//!   is `abort` before full promotion and the template of the stable ReplicaSet after it. `observe`
//!   reports `status.canary.weights`, and the controller's phase and message in
//!   [`Observation::controller`]; the old ReplicaSet's `scale-down-deadline` becomes
//!   [`RollbackClass::InstantUntil`].
//! - **atomic**: one thing replaced by another, e.g. the selector of a Kubernetes Service:
//!   [`Weights::AllOrNothing`], so that only a switch and a rollback exist and the plan's steps below 100 are greyed out;
//!   `apply` is one JSON patch with a `test` on the old selector; `observe` reads the selector for
//!   the split and EndpointSlices for readiness, and VERIFIED waits for both.
//!
//! Observing and driving are two types: a read-only console never holds a [`Driver`].
//!
//! A kind is one folder and one row in [`kinds`]. It reads its config into a [`Spec`], and implements [`TrafficSystem`]:
//! observing, and sending one order. [`sequenced()`] keeps the order of orders, the same for every kind.

pub(crate) mod caddy;
mod configured;
pub(crate) mod dns;
pub(crate) mod embedded;
pub(crate) mod envoy;
mod exchange;
mod file;
pub(crate) mod haproxy;
pub(crate) mod hook;
mod kind;
pub(crate) mod kinds;
pub(crate) mod nginx;
mod nodes;
mod replace;
mod run;
mod sequenced;
pub(crate) mod setup;
pub(crate) mod traefik;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

pub use self::configured::{Backend, Spec};
pub use self::sequenced::sequenced;
pub(crate) use crate::domain::capabilities::StepOwner;
pub use crate::domain::capabilities::{Applying, Capabilities, RollbackClass, Weights};
pub use crate::domain::fault::BackendError;

#[cfg(doc)]
use crate::domain::Move;
use crate::domain::{Observation, Order, Revision, SampledRequest, Side};

/// A future a backend hands out; boxed, because the backend is chosen at run time.
pub type BackendFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, BackendError>> + Send + 'a>>;

/// A traffic system, not yet used: what it can, and the two ways to hold it.
pub trait TrafficBackend: Send + Sync {
    /// `embedded`, `haproxy`, ...: as configs, screens and the status document name it.
    fn name(&self) -> &'static str;

    /// What this system can and cannot.
    fn capabilities(&self) -> Capabilities;

    /// The reading half.
    fn observer(&self) -> Arc<dyn Observer>;

    /// The driving half.
    ///
    /// # Errors
    /// [`BackendError::Denied`] where the credentials at hand only allow reading.
    fn driver(&self) -> Result<Arc<dyn Driver>, BackendError>;
}

/// The reading half of a backend. Every call is safe to repeat and to drop.
pub trait Observer: Send + Sync {
    /// Reads split, revision, readiness and counters from the traffic system itself, never from memory.
    fn observe(&self) -> BackendFuture<'_, Observation>;

    /// Where requests reach `side` whatever its share, one per replica, so that gates can run at 0 %.
    fn probe_targets(&self, side: Side) -> Vec<ProbeTarget>;

    /// At most `count` requests that live traffic made lately, the latest first.
    fn samples(&self, count: usize) -> BackendFuture<'_, Vec<SampledRequest>> {
        let _ = count;
        let why = "this traffic system keeps none; name a file with requests = \"..\"";
        Box::pin(std::future::ready(Err(BackendError::Refused(why.to_owned()))))
    }

    /// The exact request that `order` would be, secrets masked. Sends nothing.
    fn preview(&self, order: &Order) -> Preview;
}

/// The driving half of a backend.
pub trait Driver: Send + Sync {
    /// Sends `order`. `Ok` means the traffic system accepted it, never that it took effect.
    ///
    /// The same [`Order::id`] twice is the same act: the second answers as the first did. An order
    /// with [`Order::expected`] is refused with [`BackendError::Conflict`] when the system's
    /// revision is another by now; one without is carried out whatever the state is.
    fn apply<'a>(&'a self, order: &'a Order) -> BackendFuture<'a, Accepted>;
}

/// What a kind of traffic system implements; [`sequenced()`] makes a [`TrafficBackend`] of it.
pub trait TrafficSystem: Observer + 'static {
    /// `embedded`, `haproxy`, ...: the word in `[backend] kind`.
    fn name(&self) -> &'static str;

    /// What this system can and cannot.
    fn capabilities(&self) -> Capabilities;

    /// Checks a forward order against the system, and sends nothing; the future that it gives sends the order. The way
    /// back is not checked: it is sent whatever the state is.
    ///
    /// `again`: the same order was sent before, and it is not known whether it is in force.
    ///
    /// # Errors
    /// Why the order is not sent: [`BackendError::Conflict`] when the revision is not [`Order::expected`], ...
    fn prepare<'a>(&'a self, order: &'a Order, again: bool) -> BackendFuture<'a, Sending<'a>>;

    /// Whether dropping a [`Sending`] ends the act for certain, as killing a local command does. A later order then ends
    /// an earlier one instead of being set once more after it.
    fn ends_when_dropped(&self) -> bool {
        false
    }
}

/// An order that sends itself when it is awaited.
pub(crate) type Sending<'a> = BackendFuture<'a, Accepted>;

/// The sending of an order that is in force already: nothing is sent.
fn already<'a>(revision: Option<Revision>) -> Sending<'a> {
    Box::pin(std::future::ready(Ok(Accepted { revision })))
}

/// The traffic system took an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// The revision after it, where the system answers with one.
    pub revision: Option<Revision>,
}

/// How a side is reached whatever the split.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProbeTarget {
    /// Absolute base URL, without a trailing slash.
    pub base: String,
    /// Headers that pick the side, e.g. `azureml-model-deployment: green`.
    pub headers: Vec<(String, String)>,
}

impl ProbeTarget {
    /// Replicas that have addresses of their own.
    pub fn at_each(bases: &[String]) -> Vec<Self> {
        let one = |base: &String| Self { base: base.trim_end_matches('/').to_owned(), headers: Vec::new() };
        bases.iter().map(one).collect()
    }
}

/// What would be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preview {
    /// Where to: a socket path or URL, credentials masked.
    pub target: String,
    /// The request, line by line, secrets masked.
    pub lines: Vec<String>,
}
