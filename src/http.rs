//! Every HTTP request that this program makes: probes, metrics, gates, traffic systems, alerts.
//!
//! There is one client with one set of rules. Requests are bounded in time and size. Redirects are not followed. A
//! proxy is used only when the config names one. The client trusts the system's roots and those of the config, keeps
//! few idle connections, and does few name lookups at once. Answers and errors never show a secret that was sent: it
//! is masked. A failure is reported by its root cause, in words.

pub(crate) mod cause;
mod client;
mod exchange;
mod headers;
mod mask;
mod secret;
#[cfg(feature = "traefik-redis")]
mod stream;
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
#[cfg(feature = "traefik-redis")]
pub(crate) use {cause::Cause, stream::Stream, stream::Tls, stream::connect};
