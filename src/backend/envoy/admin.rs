//! The admin interface of one process: bounded requests, and faults that name the process.

use std::time::Duration;

use reqwest::Method;
use serde_json::Value;

use crate::backend::Address;
use crate::backend::BackendError;
use crate::backend::exchange::{self, Failure};
use crate::domain::text::clean;
use crate::http::{Client, Reply};

/// One process.
#[derive(Debug, Clone)]
pub(super) struct Admin {
    /// Its name for people.
    pub(super) name: String,
    client: Client,
    base: String,
}

impl Admin {
    /// The interface at `place`. `shared` is the client for all that have a URL.
    pub(super) fn new(place: &Address, shared: &Client) -> Result<Self, BackendError> {
        let (client, base) = match place {
            Address::Net(base) => (shared.clone(), base.clone()),
            // The name is only for the Host header: every connection goes to the socket.
            Address::Unix(path) => (exchange::client_by(path)?, "http://envoy-admin".to_owned()),
        };
        Ok(Self { name: place.to_string(), client, base })
    }

    /// The JSON at `path`.
    pub(super) async fn get(&self, path: &str, limit: Duration) -> Result<Value, Failure> {
        let answer = self.ask(Method::GET, path, limit).await?;
        serde_json::from_slice(&answer.body).map_err(|error| self.garbled(path, &answer.body, &error.to_string()))
    }

    /// Sends `path` as a change. Envoy answers with `OK`.
    pub(super) async fn post(&self, path: &str, limit: Duration) -> Result<(), Failure> {
        let answer = self.ask(Method::POST, path, limit).await?;
        match answer.body.trim_ascii() {
            b"OK" => Ok(()),
            other => Err(self.garbled(path, other, "the answer is not OK")),
        }
    }

    async fn ask(&self, method: Method, path: &str, limit: Duration) -> Result<Reply, Failure> {
        let request = self.client.request(method, &format!("{}{path}", self.base));
        exchange::attempt(request, &self.name, limit, |reply, usual| meaning(reply, usual, path)).await
    }

    fn garbled(&self, path: &str, body: &[u8], why: &str) -> Failure {
        let begins = clean(&String::from_utf8_lossy(&body[..body.len().min(120)]), 60);
        let (why, path) = (clean(why, 80), path.split('?').next().unwrap_or(path));
        BackendError::Garbled(format!("{}: {path} answered {begins:?}: {why}", self.name)).into()
    }
}

/// The meaning of Envoy's own errors for an order, with a remedy. `usual` is the meaning of the status alone.
fn meaning(reply: &Reply, usual: BackendError, path: &str) -> BackendError {
    let says = |words: &[u8]| reply.body.windows(words.len()).any(|part| part == words);
    let path = path.split('?').next().unwrap_or(path);
    let text = usual.detail();
    match reply.status {
        500.. if says(b"No admin layer specified") => {
            BackendError::Refused(format!("{text}; write admin_layer: {{}} as the last of layered_runtime"))
        }
        403 if says(b"not allowed") => BackendError::Denied(format!("{text}; let admin.allow_paths hold {path}")),
        404 => BackendError::Refused(format!("{text}; this is not Envoy's admin interface, or one of another version")),
        _ => usual,
    }
}
