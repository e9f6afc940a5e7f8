//! Reads the certificates and keys that the config names, from PEM files.

use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use rustls::RootCertStore;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

use crate::domain::text::clean;
use crate::domain::transport::{Identity, Transport};

/// Longest PEM file, in bytes. A bundle of all public roots has a quarter of this.
const MAX_FILE: u64 = 1024 * 1024;

/// The config key that a fault is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// `ca`.
    Ca,
    /// `cert`.
    Cert,
    /// `key`.
    Key,
}

impl Part {
    /// The key's name in the config.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Ca => "ca",
            Self::Cert => "cert",
            Self::Key => "key",
        }
    }
}

/// Why a file cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    /// The key that names the file.
    pub part: Part,
    /// In words. Names the file and never shows a private key.
    pub why: String,
}

/// The content of a transport's files.
#[derive(Debug, Default)]
pub(super) struct Material {
    /// The certificates to trust besides the system's.
    pub(super) ca: Vec<CertificateDer<'static>>,
    /// A client certificate and its key, as PEM.
    pub(super) identity: Option<Vec<u8>>,
}

/// Checks the files of `transport`; returns every fault.
pub(crate) fn check(transport: &Transport) -> Vec<Fault> {
    read(transport).1
}

/// Reads the files of `transport`: the usable content, and the faults.
pub(super) fn read(transport: &Transport) -> (Material, Vec<Fault>) {
    let (mut material, mut faults) = (Material::default(), Vec::new());
    match transport.ca.as_deref().map(authorities).transpose() {
        Ok(ca) => material.ca = ca.unwrap_or_default(),
        Err(why) => faults.push(Fault { part: Part::Ca, why }),
    }
    match transport.identity.as_ref().map(identity).transpose() {
        Ok(identity) => material.identity = identity,
        Err(fault) => faults.push(fault),
    }
    (material, faults)
}

fn authorities(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let found = certificates(path, &pem(path)?)?;
    let mut roots = RootCertStore::empty();
    for certificate in &found {
        roots.add(certificate.clone()).map_err(|error| format!("{}: {error}", shown(path)))?;
    }
    Ok(found)
}

fn identity(identity: &Identity) -> Result<Vec<u8>, Fault> {
    let fault = |part| move |why| Fault { part, why };
    let mut text = pem(&identity.cert).map_err(fault(Part::Cert))?;
    let chain = certificates(&identity.cert, &text).map_err(fault(Part::Cert))?;
    let secret = pem(&identity.key).map_err(fault(Part::Key))?;
    let in_key = |why: &str| Fault { part: Part::Key, why: format!("{} {why}", shown(&identity.key)) };
    // The error's text may quote the file, so it is not used.
    let key = PrivateKeyDer::from_pem_slice(&secret)
        .map_err(|_| in_key("holds no private key in PEM; one with a passphrase cannot be read"))?;
    match CertifiedKey::from_der(chain, key, &provider()) {
        Ok(_) => {}
        Err(rustls::Error::InconsistentKeys(_)) => {
            return Err(in_key(&format!("is not the key of the certificate in {}", shown(&identity.cert))));
        }
        Err(_) => return Err(in_key("cannot be used: it is not an RSA, ECDSA or Ed25519 key of a usual size")),
    }
    text.push(b'\n');
    text.extend(secret);
    Ok(text)
}

fn certificates(path: &Path, text: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text).collect();
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        Ok(_) => Err(format!("{} holds no certificate in PEM", shown(path))),
        Err(_) => Err(format!("{} is not sound PEM", shown(path))),
    }
}

fn pem(path: &Path) -> Result<Vec<u8>, String> {
    let mut text = Vec::new();
    let read = std::fs::File::open(path).and_then(|file| file.take(MAX_FILE).read_to_end(&mut text));
    read.map(|_| text).map_err(|error| format!("{} cannot be read: {error}", shown(path)))
}

fn shown(path: &Path) -> String {
    clean(&path.display().to_string(), 200)
}

/// The cryptography provider of every connection. The first call installs it for the whole process.
pub(super) fn provider() -> Arc<CryptoProvider> {
    if let Some(provider) = CryptoProvider::get_default() {
        return Arc::clone(provider);
    }
    // An error means that another thread has already installed the same provider.
    drop(rustls::crypto::ring::default_provider().install_default());
    CryptoProvider::get_default().map_or_else(|| Arc::new(rustls::crypto::ring::default_provider()), Arc::clone)
}
