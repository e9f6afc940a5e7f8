//! The HTTP client: which certificates it trusts, how it connects, how many connections and lookups it keeps.

use std::fmt;
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::{Certificate, ClientBuilder, Identity, Method};
use tokio::sync::Semaphore;

use super::cause::Cause;
use super::exchange::Request;
use super::tls::{self, Material};
use crate::domain::text::clean;
use crate::domain::transport::{Proxy, Transport};

/// The most name lookups in flight for one client. A lookup that hangs holds a thread of the pool that file writes
/// use too, and the timeout of a request does not free it.
const MAX_LOOKUPS: usize = 8;
/// Idle connections kept per host and port; replicas behind one address share them.
const MAX_IDLE_PER_HOST: usize = 16;
/// Shorter than 5 s, after which common Python and Node servers close an idle connection.
const MAX_IDLE: Duration = Duration::from_secs(4);

/// Sends requests. Clones share the connections.
#[derive(Debug, Clone)]
pub struct Client {
    inner: reqwest::Client,
    route: Arc<Route>,
}

/// What may explain a failure of this client.
#[derive(Debug, Default)]
pub(super) struct Route {
    /// The proxy in words, if one is used.
    proxy: Option<String>,
    /// Files of the config that cannot be used.
    faults: Vec<tls::Fault>,
}

impl Client {
    /// Makes a client that keeps idle connections, for servers that are asked again and again.
    ///
    /// A file that cannot be used is left out; a connection that fails without it names the file in its error.
    /// Loading a config refuses such a file, but a rollback goes on without it.
    ///
    /// # Errors
    /// The proxy is not a URL, or the TLS library cannot start; in words.
    pub fn new(transport: &Transport) -> Result<Self, String> {
        let keep =
            |builder: ClientBuilder| builder.pool_max_idle_per_host(MAX_IDLE_PER_HOST).pool_idle_timeout(MAX_IDLE);
        Self::build(transport, keep)
    }

    /// Makes a client that opens a new connection for each request, so that no request uses a connection that the
    /// server has just closed. All connections go through `socket` if given.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn without_reuse(transport: &Transport, socket: Option<&Path>) -> Result<Self, String> {
        Self::build(transport, |builder| {
            let builder = builder.pool_max_idle_per_host(0);
            match socket {
                Some(socket) => builder.unix_socket(socket),
                None => builder,
            }
        })
    }

    fn build(transport: &Transport, set: impl Fn(ClientBuilder) -> ClientBuilder) -> Result<Self, String> {
        drop(tls::provider());
        let (material, faults) = tls::read(transport);
        let make = |only_own_roots| set(configured(transport, &material, only_own_roots)?).build();
        // A machine without CA certificates (a slim container) can still reach http:// servers. An https:// server
        // then fails with "issuer not trusted", and the message names the remedy.
        let inner = make(false).or_else(|first| make(true).map_err(|_| first));
        let inner = inner.map_err(|error| format!("no HTTP client: {}", Cause::of(&error)))?;
        let proxy = match &transport.proxy {
            Proxy::None => None,
            Proxy::Env => Some("the environment's proxy".to_owned()),
            Proxy::Url(url) => Some(format!("the proxy {}", clean(url, 120))),
        };
        Ok(Self { inner, route: Arc::new(Route { proxy, faults }) })
    }

    /// A request to `url`. The text is not checked here: an invalid URL fails when the request is sent.
    pub fn request(&self, method: Method, url: &str) -> Request {
        Request::new(self.inner.request(method, url), Arc::clone(&self.route))
    }
}

fn configured(
    transport: &Transport,
    material: &Material,
    only_own_roots: bool,
) -> Result<ClientBuilder, reqwest::Error> {
    let mut builder = reqwest::Client::builder()
        .user_agent(concat!("cutover/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .tcp_nodelay(true)
        .dns_resolver(Arc::new(Lookups { permits: Arc::new(Semaphore::new(MAX_LOOKUPS)) }));
    builder = match &transport.proxy {
        Proxy::None => builder.no_proxy(),
        Proxy::Env => builder,
        Proxy::Url(url) => builder.no_proxy().proxy(reqwest::Proxy::all(url.as_str())?),
    };
    let roots = material.ca.iter().map(|der| Certificate::from_der(der)).collect::<Result<Vec<_>, _>>()?;
    builder = if only_own_roots { builder.tls_certs_only(roots) } else { builder.tls_certs_merge(roots) };
    match &material.identity {
        Some(pem) => Ok(builder.identity(Identity::from_pem(pem)?)),
        None => Ok(builder),
    }
}

impl Route {
    /// A direct one.
    #[cfg(feature = "traefik-redis")]
    pub(super) fn direct(faults: Vec<tls::Fault>) -> Arc<Self> {
        Arc::new(Self { proxy: None, faults })
    }

    /// Adds to `cause` what the config has to do with it.
    pub(super) fn explain(&self, mut cause: Cause, is_connecting: bool) -> Cause {
        if let Some(proxy) = self.proxy.as_ref().filter(|_| is_connecting && !cause.is_tls) {
            cause.words = format!("through {proxy}: {}", cause.words);
        }
        for fault in self.faults.iter().filter(|_| cause.is_tls) {
            cause.words = format!("{}; {} was not used: {}", cause.words, fault.part.name(), fault.why);
        }
        cause
    }
}

struct Lookups {
    permits: Arc<Semaphore>,
}

impl Resolve for Lookups {
    fn resolve(&self, name: Name) -> Resolving {
        let permits = Arc::clone(&self.permits);
        Box::pin(async move {
            let permit = permits.acquire_owned().await?;
            let found = tokio::task::spawn_blocking(move || {
                // Held until the lookup itself ends, even when the caller no longer waits.
                let _held = permit;
                let found = (name.as_str(), 0).to_socket_addrs();
                found.map(Iterator::collect::<Vec<SocketAddr>>).map_err(|error| LookupError::new(name.as_str(), &error))
            });
            Ok(Box::new(found.await??.into_iter()) as Addrs)
        })
    }
}

/// A host name lookup failed.
#[derive(Debug)]
pub(super) struct LookupError(String);

impl LookupError {
    fn new(name: &str, error: &std::io::Error) -> Self {
        // The system's text starts with words that our sentence already has.
        let text = error.to_string();
        let why = text.rsplit(": ").next().unwrap_or_default();
        Self(format!("the name {} cannot be resolved ({})", clean(name, 80), clean(why, 60)))
    }
}

impl fmt::Display for LookupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for LookupError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_can_be_made_twice_and_without_certificates() {
        assert!(Client::new(&Transport::default()).is_ok());
        assert!(Client::without_reuse(&Transport::default(), Some(Path::new("/run/x.sock"))).is_ok());
        let (none, _) = tls::read(&Transport::default());
        assert!(configured(&Transport::default(), &none, true).and_then(ClientBuilder::build).is_ok());
    }

    #[tokio::test]
    async fn names_are_looked_up() {
        let lookups = Lookups { permits: Arc::new(Semaphore::new(1)) };
        let found: Vec<_> = lookups.resolve("localhost".parse().unwrap()).await.unwrap().collect();
        assert!(found.iter().all(|address| address.ip().is_loopback()) && !found.is_empty(), "{found:?}");
        let error = lookups.resolve("no.such.name.invalid".parse().unwrap()).await.err().unwrap();
        let words = Cause::of(error.as_ref()).words;
        assert!(words.starts_with("the name no.such.name.invalid cannot be resolved ("), "{words}");
    }
}
