//! A limit with its direction.

use serde::{Deserialize, Serialize};

/// What a value must keep to.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Bound {
    /// The limit, in the unit of the value.
    pub limit: f64,
    /// Whether the value must be at least the limit; otherwise at most.
    #[serde(default)]
    pub at_least: bool,
}

impl Bound {
    /// At most `limit`.
    pub const fn at_most(limit: f64) -> Self {
        Self { limit, at_least: false }
    }

    /// Whether `value` keeps to it; NaN never does.
    pub fn holds(self, value: f64) -> bool {
        if self.at_least { value >= self.limit } else { value <= self.limit }
    }

    /// Whether `value` is beyond it; NaN never is.
    pub fn is_broken_by(self, value: f64) -> bool {
        !value.is_nan() && !self.holds(value)
    }
}
