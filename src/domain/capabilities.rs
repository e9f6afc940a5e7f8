//! What a kind of traffic system can by its nature, whatever state it is in.

use serde::{Deserialize, Serialize};

use super::{Side, Split};

/// What a traffic system can and cannot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capabilities {
    /// Which shares can be set.
    pub weights: Weights,
    /// How a change takes effect.
    pub applying: Applying,
    /// The split survives a restart of the router.
    pub survives_restart: bool,
    /// A stale forward order is refused by the system itself, not only by a check before it.
    pub compare_and_set: bool,
}

impl Capabilities {
    /// A router whose weights are set directly, in one atomic step, with compare-and-set.
    pub const fn direct() -> Self {
        Self { weights: Weights::Any, applying: Applying::Atomic, survives_restart: true, compare_and_set: true }
    }

    /// Why an order for `split` cannot be given to this system; `None` when it can.
    pub fn refuses(&self, split: Split) -> Option<String> {
        let green = split.share(Side::Green);
        match &self.weights {
            weights if weights.has(green) => None,
            Weights::Any | Weights::AllOrNothing => {
                Some(format!("this traffic system moves all traffic at once; {split} is not possible"))
            }
            Weights::Listed(listed) => {
                Some(format!("this traffic system only knows green shares {listed:?}, not {green}"))
            }
        }
    }
}

/// Which shares can be set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Weights {
    /// Any whole percent.
    Any,
    /// Only these green shares, besides 0 and 100.
    Listed(Vec<u8>),
    /// Only 0 and 100.
    AllOrNothing,
}

impl Weights {
    /// Whether green can have this share, in percent.
    pub fn has(&self, green: u8) -> bool {
        match self {
            _ if green == 0 || green == 100 => true,
            Self::Any => true,
            Self::Listed(listed) => listed.contains(&green),
            Self::AllOrNothing => false,
        }
    }
}

/// How a change takes effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Applying {
    /// At once and whole.
    Atomic,
    /// Some time after it was accepted, or node by node.
    Asynchronous,
    /// By replacing listeners: keep-alive clients see resets.
    ReloadsListeners,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(weights: Weights) -> Capabilities {
        Capabilities { weights, ..Capabilities::direct() }
    }

    #[test]
    fn a_share_the_system_does_not_know_is_refused_with_the_reason() {
        let ten = Split::toward(Side::Green, 10);
        assert_eq!(with(Weights::Any).refuses(ten), None);
        assert!(with(Weights::AllOrNothing).refuses(ten).is_some());
        assert!(with(Weights::AllOrNothing).refuses(Split::all(Side::Green)).is_none());
        assert!(with(Weights::Listed(vec![10, 25])).refuses(ten).is_none());
        assert!(with(Weights::Listed(vec![25])).refuses(ten).is_some());
    }
}
