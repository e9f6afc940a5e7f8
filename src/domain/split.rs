//! The share of traffic per side.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::side::{Pair, Side};

/// How traffic is shared, in whole percent; the two shares always sum to 100.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Pair<u8>", into = "Pair<u8>")]
pub struct Split {
    green: u8,
}

impl Split {
    /// A split that gives `percent` (capped at 100) to `side` and the rest to the other.
    pub fn toward(side: Side, percent: u8) -> Self {
        let percent = percent.min(100);
        match side {
            Side::Green => Self { green: percent },
            Side::Blue => Self { green: 100 - percent },
        }
    }

    /// All traffic to `side`.
    pub fn all(side: Side) -> Self {
        Self::toward(side, 100)
    }

    /// The share of `side`, 0 to 100.
    pub const fn share(self, side: Side) -> u8 {
        match side {
            Side::Green => self.green,
            Side::Blue => 100 - self.green,
        }
    }

    /// The side that takes more; `None` at 50/50.
    pub fn majority(self) -> Option<Side> {
        match self.green.cmp(&50) {
            std::cmp::Ordering::Less => Some(Side::Blue),
            std::cmp::Ordering::Equal => None,
            std::cmp::Ordering::Greater => Some(Side::Green),
        }
    }
}

impl fmt::Display for Split {
    /// `90/10`: blue first.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.share(Side::Blue), self.share(Side::Green))
    }
}

impl From<Split> for Pair<u8> {
    fn from(split: Split) -> Self {
        Self::from_fn(|side| split.share(side))
    }
}

impl TryFrom<Pair<u8>> for Split {
    type Error = String;
    fn try_from(pair: Pair<u8>) -> Result<Self, String> {
        if u16::from(pair.blue) + u16::from(pair.green) == 100 {
            Ok(Self { green: pair.green })
        } else {
            Err(format!("a split must sum to 100, not {} + {}", pair.blue, pair.green))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_sum_to_100_and_survive_json() {
        for percent in 0..=100 {
            let split = Split::toward(Side::Green, percent);
            assert_eq!(split.share(Side::Blue) + split.share(Side::Green), 100);
            let json = serde_json::to_string(&split).unwrap();
            assert_eq!(serde_json::from_str::<Split>(&json).unwrap(), split);
        }
        assert!(serde_json::from_str::<Split>(r#"{"blue":60,"green":60}"#).is_err());
        assert_eq!(Split::toward(Side::Blue, 90).to_string(), "90/10");
    }
}
