//! Connections for protocols other than HTTP: over TCP, or over TLS with the trust and the identity that HTTP has.

use std::fmt;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::Verifier;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::cause::Cause;
use super::client::Route;
use super::tls::{self, Material};
use crate::domain::transport::Transport;

/// A connection.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Opens TLS connections.
#[derive(Clone)]
pub(crate) struct Tls {
    config: Arc<ClientConfig>,
    route: Arc<Route>,
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").finish_non_exhaustive()
    }
}

impl Tls {
    /// Reads the files of `transport`. One that cannot be used is left out, as [`Client`](super::Client) does.
    ///
    /// # Errors
    /// The TLS library refuses its own defaults.
    pub(crate) fn new(transport: &Transport) -> Result<Self, Cause> {
        let (material, faults) = tls::read(transport);
        let config = configured(material).map_err(|error| Cause::of(&error))?;
        Ok(Self { config: Arc::new(config), route: Route::direct(faults) })
    }
}

fn configured(material: Material) -> Result<ClientConfig, rustls::Error> {
    let provider = tls::provider();
    let verifier = Verifier::new_with_extra_roots(material.ca, Arc::clone(&provider));
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let builder = match verifier {
        Ok(verifier) => builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier)),
        // A machine without CA certificates: the handshake fails, and the error names the remedy.
        Err(_) => builder.with_root_certificates(RootCertStore::empty()),
    };
    // Files without these were refused when they were read.
    let identity = material.identity.and_then(|pem| {
        let chain: Vec<_> = CertificateDer::pem_slice_iter(&pem).filter_map(Result::ok).collect();
        Some((chain, PrivateKeyDer::from_pem_slice(&pem).ok()?))
    });
    match identity {
        Some((chain, key)) => builder.with_client_auth_cert(chain, key),
        None => Ok(builder.with_no_client_auth()),
    }
}

/// Connects to `port` of `host`, by TLS where `tls` is given.
///
/// # Errors
/// Why there is no connection.
pub(crate) async fn connect(host: &str, port: u16, tls: Option<&Tls>) -> Result<Box<dyn Stream>, Cause> {
    let stream = TcpStream::connect((host, port)).await.map_err(|error| Cause::of(&error))?;
    let _ = stream.set_nodelay(true);
    let Some(tls) = tls else { return Ok(Box::new(stream)) };
    let name = ServerName::try_from(host.to_owned()).map_err(|error| Cause::of(&error))?;
    let connecting = TlsConnector::from(Arc::clone(&tls.config)).connect(name, stream);
    match connecting.await {
        Ok(stream) => Ok(Box::new(stream)),
        Err(error) => Err(tls.route.explain(Cause::of(&error), true)),
    }
}
