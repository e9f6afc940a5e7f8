//! What a side serves.

use serde::{Deserialize, Serialize};

use super::digest::Digest;
use super::text::clean;

/// A model version: a name for people and a digest for everything else.
///
/// Evidence and consent are bound to the digest. Where the source gives no digest of its own,
/// it is the hash of the raw name as read.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Version {
    /// Safe to show: control characters are gone, at most 40 characters.
    pub name: String,
    /// Full hexadecimal digest.
    pub digest: Digest,
}

impl Version {
    /// A version from the text a model server gave.
    pub fn from_text(raw: &str) -> Self {
        Self { name: clean(raw.trim(), 40), digest: Digest::of([raw.trim()]) }
    }
}
