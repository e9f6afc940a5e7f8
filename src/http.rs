//! Every HTTP request that this program makes: probes, metrics, gates, traffic systems, alerts.
//!
//! One client with one set of rules: bounded in time and size, no redirects, no proxy unless the config names one, the
//! system's roots and those of the config, few idle connections, few name lookups at once. What comes back holds no
//! secret: what was sent as one is masked in bodies and errors. A failure is told by its root cause, in words.

pub(crate) mod cause;
mod client;
mod exchange;
mod headers;
mod mask;
mod secret;
mod target;
mod tls;

#[cfg(test)]
mod tests;

pub use client::Client;
pub use exchange::{Ask, FetchError, fetch};
pub(crate) use exchange::{Reply, Request, Response, redirect_note};
pub(crate) use headers::{Headers, NoSecret};
pub(crate) use mask::Mask;
pub(crate) use secret::{any_secret, secret};
pub use target::Target;
pub(crate) use target::split_origin;
pub(crate) use tls::{Part, check};
