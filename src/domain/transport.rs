//! How our HTTP client reaches a server: trusted issuers, own certificate, proxy.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// What a table of the config says about its connections; the default is the system's roots and no proxy.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transport {
    /// A PEM file with certificates that are trusted besides the system's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<PathBuf>,
    /// What the client shows a server that asks for a certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<Identity>,
    /// The way out.
    #[serde(default, skip_serializing_if = "Proxy::is_none")]
    pub proxy: Proxy,
}

impl Transport {
    /// Whether nothing is set, so that a document need not hold it.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// A client certificate and its key, both PEM files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The certificate, and those between it and its issuer's.
    pub cert: PathBuf,
    /// The private key.
    pub key: PathBuf,
}

/// Which proxy requests go through.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Proxy {
    /// No proxy, also where the environment names one.
    #[default]
    None,
    /// What `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY` say.
    Env,
    /// This one, an `http://` or `https://` URL.
    Url(String),
}

impl Proxy {
    /// Whether requests go to the server itself.
    pub fn is_none(&self) -> bool {
        *self == Self::None
    }
}
