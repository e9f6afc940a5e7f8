//! Traffic systems behind one trait.
//!
//! There are three sorts of system, and the trait fits all of them:
//!
//! - **direct**: weights can be set. The embedded gateway ([`embedded`]) is one; so are HAProxy ([`haproxy`]), Envoy,
//!   HTTPRoute, SageMaker variants. [`Driver::apply`] writes [`Order::target`].
//! - **driven by a controller** with its own plan, e.g. Argo Rollouts. [`Observation::controller`] has the controller's
//!   steps and what it does; [`Observation::can`] says what it refuses now, and [`Observation::rollback`] how far the
//!   way back reaches. `apply` uses [`Order::kind`] and not the target: [`Move::Promote`] becomes a JSON patch on
//!   `/status` that removes `pauseConditions` behind a `test` of `currentPodHash` (the revision on the screen; a failed
//!   test is 422 and becomes [`BackendError::Conflict`]), `Switch` sets `promoteFull`, `Abort` sets `abort`, and
//!   `Rollback` is `abort` before full promotion and the template of the stable ReplicaSet after it. [`Accepted::goal`]
//!   names what will show that it took effect.
//! - **atomic**: one thing is replaced by another, e.g. the selector of a Kubernetes Service:
//!   [`Weights::AllOrNothing`]. Only a switch and a rollback exist, and the plan's steps below 100 are not available.
//!   `apply` is one JSON patch with a `test` on the old selector. `observe` reads the selector for the split and
//!   EndpointSlices for readiness, and VERIFIED waits for both.
//!
//! Observing and driving are two types: a read-only console never holds a [`Driver`].
//!
//! A kind is one folder and one row in [`kinds`]. It reads its config into a [`Spec`] and implements
//! [`TrafficSystem`]: observing, and sending one order. [`sequenced()`] keeps orders in the right sequence, in the
//! same way for every kind.

mod address;
pub(crate) mod caddy;
mod configured;
#[cfg(feature = "dns")]
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
mod share;
pub(crate) mod traefik;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

pub use self::address::Address;
pub use self::configured::{Backend, Spec};
pub use self::sequenced::sequenced;
pub use crate::domain::capabilities::{Applying, Capabilities, Weights};
pub use crate::domain::fault::BackendError;

#[cfg(doc)]
use crate::domain::Move;
pub use crate::domain::order::Accepted;
use crate::domain::{Observation, Order, SampledRequest};

/// A future from a backend; boxed, because the backend is chosen at run time.
pub type BackendFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, BackendError>> + Send + 'a>>;

/// A traffic system: what it supports, and the two halves to use it.
pub trait TrafficBackend: Send + Sync {
    /// `embedded`, `haproxy`, ...: its name in configs, on screens and in the status document.
    fn name(&self) -> &'static str;

    /// What this system supports.
    fn capabilities(&self) -> Capabilities;

    /// The reading half.
    fn observer(&self) -> Arc<dyn Observer>;

    /// The driving half.
    ///
    /// # Errors
    /// [`BackendError::Denied`] if the credentials only allow reading.
    fn driver(&self) -> Result<Arc<dyn Driver>, BackendError>;
}

/// The reading half of a backend. Every call is safe to repeat and to drop.
pub trait Observer: Send + Sync {
    /// Reads split, revision, readiness and counters from the traffic system itself, never from memory.
    fn observe(&self) -> BackendFuture<'_, Observation>;

    /// The latest requests of live traffic, at most `count`, newest first.
    fn samples(&self, count: usize) -> BackendFuture<'_, Vec<SampledRequest>> {
        let _ = count;
        let why = "this traffic system keeps none; name a file with requests = \"..\"";
        Box::pin(std::future::ready(Err(BackendError::Refused(why.to_owned()))))
    }

    /// The exact request for `order`, secrets masked. Sends nothing.
    fn preview(&self, order: &Order) -> Preview;
}

/// The driving half of a backend.
pub trait Driver: Send + Sync {
    /// Sends `order`. `Ok` means that the traffic system accepted it, never that it took effect.
    ///
    /// The same [`Order::id`] twice acts once: the second call returns the same result. An order with
    /// [`Order::expected`] is refused with [`BackendError::Conflict`] if the system's revision has changed. An order
    /// without it is carried out in any state.
    fn apply<'a>(&'a self, order: &'a Order) -> BackendFuture<'a, Accepted>;
}

/// The part that a kind of traffic system implements; [`sequenced()`] makes a [`TrafficBackend`] of it.
pub trait TrafficSystem: Observer + 'static {
    /// What this system supports.
    fn capabilities(&self) -> Capabilities;

    /// Checks a forward order against the system without sending it. The returned future sends it. A rollback is not
    /// checked: it is sent in any state.
    ///
    /// `again`: the same order was sent before, and it is unknown whether it took effect.
    ///
    /// # Errors
    /// Why the order is not sent: [`BackendError::Conflict`] if the revision is not [`Order::expected`], ...
    fn prepare<'a>(&'a self, order: &'a Order, again: bool) -> BackendFuture<'a, Sending<'a>>;

    /// Whether dropping a [`Sending`] certainly ends the act, as killing a local command does. Then a later order
    /// ends an earlier one, and need not be sent again after it.
    fn ends_when_dropped(&self) -> bool {
        false
    }
}

/// A future that sends an order when it is awaited.
pub(crate) type Sending<'a> = BackendFuture<'a, Accepted>;

/// A [`Sending`] for an order that is already in effect: it sends nothing.
fn already<'a>(order: &Order) -> Sending<'a> {
    Box::pin(std::future::ready(Ok(Accepted::as_asked(order))))
}

/// What an order would send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preview {
    /// The destination: a socket path or URL, credentials masked.
    pub target: String,
    /// The request, line by line, secrets masked.
    pub lines: Vec<String>,
}
