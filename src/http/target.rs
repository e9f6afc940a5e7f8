//! The address of a server.

use std::fmt;

use super::{Headers, Mask};
use crate::domain;
use crate::domain::text::clean;

/// One server, usually a replica: its base URL and the headers of every request.
#[derive(Clone, PartialEq, Eq)]
pub struct Target {
    /// Absolute base URL, without a trailing slash.
    pub base: String,
    /// Sent with every request; values may be secret.
    pub headers: Vec<(String, String)>,
    /// The secrets among the headers.
    pub mask: Mask,
}

impl Target {
    /// A target without headers.
    pub fn new(base: &str) -> Self {
        Self { base: base.trim_end_matches('/').to_owned(), headers: Vec::new(), mask: Mask::default() }
    }

    /// The same server with more headers.
    #[must_use]
    pub fn with(&self, more: &Headers) -> Self {
        let mut target = self.clone();
        target.headers.extend(more.list.iter().cloned());
        target.mask.join(&more.mask);
        target
    }

    /// The URL of `path` on this server.
    pub fn url(&self, path: &str) -> String {
        let slash = if path.starts_with('/') { "" } else { "/" };
        format!("{}{slash}{path}", self.base.trim_end_matches('/'))
    }

    /// `10.0.0.11:8080` or `10.0.0.11:8080/blue`: a name for people, without credentials.
    pub fn label(&self) -> String {
        let Ok(url) = reqwest::Url::parse(&self.base) else {
            return "(not a URL)".to_owned();
        };
        let host = url.host_str().unwrap_or("?");
        let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
        clean(&format!("{host}{port}{}", url.path().trim_end_matches('/')), 80)
    }
}

impl From<&domain::Target> for Target {
    fn from(target: &domain::Target) -> Self {
        Self { headers: target.headers.clone(), ..Self::new(&target.url) }
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.headers.iter().map(|header| header.0.as_str()).collect();
        f.debug_struct("Target").field("server", &self.label()).field("headers", &names).finish_non_exhaustive()
    }
}

/// Splits a URL into scheme and authority, and the rest with its leading slash.
pub(crate) fn split_origin(url: &str) -> (&str, &str) {
    let from = url.find("://").map_or(0, |at| at + 3);
    match url[from..].find('/') {
        Some(at) => url.split_at(from + at),
        None => (url, "/"),
    }
}

#[cfg(test)]
mod tests {
    use super::Target;

    #[test]
    fn paths_join_with_one_slash_and_secrets_stay_inside() {
        let mut target = Target::new("http://bob:hunter2@host:81/base/");
        target.headers.push(("authorization".into(), "Bearer s3cret".into()));
        assert_eq!(target.url("/v2/x"), "http://bob:hunter2@host:81/base/v2/x");
        assert_eq!(target.url("v2/x"), "http://bob:hunter2@host:81/base/v2/x");
        assert_eq!(target.label(), "host:81/base");
        let shown = format!("{target:?}");
        assert!(!shown.contains("hunter2") && !shown.contains("s3cret"), "{shown}");
        assert!(shown.contains("authorization"), "{shown}");
    }
}
