//! A request that live traffic made, kept so that it can be made of the candidate too.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Headers that are never kept: they are secrets, name a person, or belong to one connection.
const NEVER: [&str; 20] = [
    "authorization",
    "proxy-authorization",
    "cookie",
    "set-cookie",
    "forwarded",
    "via",
    "referer",
    "host",
    "content-length",
    "connection",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "expect",
    "accept-encoding",
    "if-none-match",
    "if-modified-since",
];

/// What a header that holds a secret is called, as a rule.
const SECRET_WORDS: [&str; 9] =
    ["auth", "token", "secret", "key", "password", "session", "credential", "signature", "csrf"];

/// One request as a client made it, and how it was answered.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SampledRequest {
    /// The HTTP method.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// Its headers without those that [`may_keep`] refuses.
    pub headers: Vec<(String, String)>,
    /// The body as text: others are not kept.
    pub body: String,
    /// The status of the answer.
    pub status: u16,
    /// The content type of the answer, without parameters; empty when there was none.
    pub answer_type: String,
}

impl fmt::Debug for SampledRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The bodies that users send do not belong in a log.
        f.debug_struct("SampledRequest")
            .field("method", &self.method)
            .field("body", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// Whether a header may be kept. Headers that may hold a secret or identify the client may not.
pub(crate) fn may_keep(header: &str) -> bool {
    let name = header.to_ascii_lowercase();
    !NEVER.contains(&name.as_str())
        && !name.starts_with("x-forwarded")
        && !name.starts_with("x-real")
        && !SECRET_WORDS.iter().any(|word| name.contains(word))
}

/// Whether a path may be kept: its query names no secret.
pub(crate) fn may_keep_path(path: &str) -> bool {
    let query = path.split_once('?').map_or("", |(_, query)| query);
    let name = |pair: &str| pair.split('=').next().unwrap_or_default().to_ascii_lowercase();
    !query.split('&').map(name).any(|name| name == "sig" || SECRET_WORDS.iter().any(|word| name.contains(word)))
}

#[cfg(test)]
mod tests {
    use super::{may_keep, may_keep_path};

    #[test]
    fn secrets_and_names_of_people_are_not_kept() {
        for header in [
            "Authorization",
            "Cookie",
            "X-Api-Key",
            "x-auth-request-user",
            "X-Amz-Security-Token",
            "x-forwarded-for",
            "X-CSRF-Token",
            "host",
            "Content-Length",
            "x-goog-iap-jwt-assertion-secret",
        ] {
            assert!(!may_keep(header), "{header}");
        }
        for header in ["content-type", "Accept", "x-request-class", "inference-header-content-length"] {
            assert!(may_keep(header), "{header}");
        }
        assert!(may_keep_path("/infer?n=1&debug") && may_keep_path("/token"));
        assert!(!may_keep_path("/infer?n=1&Access_Token=x") && !may_keep_path("/infer?sig=x"));
    }
}
