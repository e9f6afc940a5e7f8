//! What Traefik is to serve by, as it is written in the file or in Redis.

use crate::domain::Pair;

/// What is written.
#[derive(Debug, Clone)]
pub(super) struct Source {
    pub(super) weights: Pair<u64>,
    /// All of it, for the revision.
    pub(super) raw: String,
    pub(super) notes: Vec<String>,
    /// Traefik would not hear of a change.
    pub(super) deaf: bool,
}
