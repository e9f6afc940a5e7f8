//! The weights that are written in the file or in Redis.

use crate::domain::Pair;

/// What is written.
#[derive(Debug, Clone)]
pub(super) struct Source {
    pub(super) weights: Pair<u64>,
    /// All of it, for the revision.
    pub(super) raw: String,
    pub(super) notes: Vec<String>,
}
