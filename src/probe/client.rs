//! The HTTP client that probes and gates share.
//!
//! It follows no redirects, takes no proxy from the environment, keeps few idle connections and looks
//! few names up at once. The last matters: a lookup that hangs holds a thread of the pool that file
//! writes use too, and a timeout of the request does not give it back.

use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::{Arc, Once};
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::sync::Semaphore;

/// Name lookups under way at once, over all replicas.
const MAX_LOOKUPS: usize = 8;
/// Idle connections kept per host and port; replicas behind one address share them.
const MAX_IDLE_PER_HOST: usize = 16;
/// Below the 5 s after which common Python and Node servers close an idle connection.
const MAX_IDLE: Duration = Duration::from_secs(4);

/// A client for probes and gates. Clones share its connections.
///
/// # Errors
/// When the TLS library refuses its own defaults, in words.
pub fn client() -> Result<reqwest::Client, String> {
    static PROVIDER: Once = Once::new();
    // An error means that a provider is installed already, which is as good.
    PROVIDER.call_once(|| drop(rustls::crypto::ring::default_provider().install_default()));
    match builder().build() {
        Ok(client) => Ok(client),
        Err(first) => without_roots().map_err(|_| format!("no HTTP client: {}", super::fetch::root_cause(&first))),
    }
}

fn builder() -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .user_agent(concat!("cutover/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .referer(false)
        .tcp_nodelay(true)
        .pool_max_idle_per_host(MAX_IDLE_PER_HOST)
        .pool_idle_timeout(MAX_IDLE)
        .dns_resolver(Arc::new(Lookups { permits: Arc::new(Semaphore::new(MAX_LOOKUPS)) }))
}

/// A machine without CA certificates (a slim container) can still reach `http://` replicas; an
/// `https://` one then fails with "unknown issuer", which names the remedy.
fn without_roots() -> Result<reqwest::Client, reqwest::Error> {
    let tls =
        rustls::ClientConfig::builder().with_root_certificates(rustls::RootCertStore::empty()).with_no_client_auth();
    builder().tls_backend_preconfigured(tls).build()
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
                // Held until the lookup itself ends, not until the caller stops waiting.
                let _held = permit;
                (name.as_str(), 0).to_socket_addrs().map(Iterator::collect::<Vec<SocketAddr>>)
            });
            Ok(Box::new(found.await??.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_can_be_made_twice_and_without_certificates() {
        assert!(client().is_ok());
        assert!(client().is_ok());
        assert!(without_roots().is_ok());
    }

    #[tokio::test]
    async fn names_are_looked_up() {
        let lookups = Lookups { permits: Arc::new(Semaphore::new(1)) };
        let found: Vec<_> = lookups.resolve("localhost".parse().unwrap()).await.unwrap().collect();
        assert!(found.iter().all(|address| address.ip().is_loopback()) && !found.is_empty(), "{found:?}");
    }
}
