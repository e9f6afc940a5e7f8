//! What a traffic system can do at the moment. It says so itself, and it changes with its state.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::order::Move;
use super::text::clean;

/// Which acts the system refuses now, and why. It does every act that is not in here.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Can(BTreeMap<Move, String>);

impl Can {
    /// The same without `kind`; `because` is what the system says.
    #[must_use]
    pub fn without(mut self, kind: Move, because: &str) -> Self {
        self.0.insert(kind, clean(because, 200));
        self
    }

    /// Why the system refuses `kind`; `None` where it does it.
    pub fn refusal(&self, kind: Move) -> Option<&str> {
        self.0.get(&kind).map(String::as_str)
    }
}

/// How far the way back reaches.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WayBack {
    /// How fast it is.
    pub class: RollbackClass,
    /// When the system takes the old side down by itself; `None` where it does not.
    pub until: Option<DateTime<Utc>>,
    /// About how long it takes, in seconds; `None` where one order is all.
    pub takes_s: Option<u64>,
    /// What it lacks, by the system's word; `None` where it lacks nothing.
    pub why_not: Option<String>,
}

/// How fast the way back is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RollbackClass {
    /// The old side is up: one order.
    #[default]
    Instant,
    /// One order, but caches outside keep the old answer until its time to live is over.
    AfterTtl,
    /// The old side must be deployed again: minutes.
    Redeploy,
    /// The old side is gone, and the system cannot bring it back.
    None,
}
