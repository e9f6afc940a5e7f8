//! Where a replica is reached.

use std::fmt;

use crate::domain::text::clean;

/// One replica: its base URL and the headers that pick it.
#[derive(Clone, PartialEq, Eq)]
pub struct Target {
    /// Absolute base URL, without a trailing slash.
    pub base: String,
    /// Sent with every request; values may be secret.
    pub headers: Vec<(String, String)>,
}

impl Target {
    /// A target that needs no headers.
    pub fn new(base: &str) -> Self {
        Self { base: base.trim_end_matches('/').to_owned(), headers: Vec::new() }
    }

    /// The URL of `path` on this replica.
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

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.headers.iter().map(|header| header.0.as_str()).collect();
        f.debug_struct("Target").field("replica", &self.label()).field("headers", &names).finish_non_exhaustive()
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
