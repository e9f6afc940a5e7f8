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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_itself_is_kept_and_a_value_that_is_not_a_number_is_neither() {
        let (most, least) = (Bound::at_most(2.0), Bound { limit: 2.0, at_least: true });
        assert!(most.holds(2.0) && least.holds(2.0));
        assert!(!most.is_broken_by(2.0) && !least.is_broken_by(2.0));
        assert!(most.is_broken_by(2.1) && most.holds(1.9));
        assert!(least.is_broken_by(1.9) && least.holds(2.1));
        for bound in [most, least] {
            assert!(!bound.holds(f64::NAN) && !bound.is_broken_by(f64::NAN));
        }
    }
}
