//! What a traffic system can: the console greys out what it cannot, and says why.

use serde::{Deserialize, Serialize};

use super::{Move, Side, Split};

/// What a traffic system can and cannot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capabilities {
    /// Which shares can be set.
    pub weights: Weights,
    /// Who decides on the steps.
    pub steps: StepOwner,
    /// A step under way can be paused at the system itself.
    pub pause: bool,
    /// A step under way can be aborted.
    pub abort: bool,
    /// Requests can be copied to the other side.
    pub mirror: bool,
    /// How a change takes effect.
    pub applying: Applying,
    /// The split survives a restart of the router.
    pub survives_restart: bool,
    /// A stale forward order is refused by the system itself, not only by a check before it.
    pub compare_and_set: bool,
    /// How fast the way back is.
    pub rollback: RollbackClass,
}

impl Capabilities {
    /// A router whose weights are set directly, in one atomic step, with compare-and-set and both sides up.
    pub const fn direct() -> Self {
        Self {
            weights: Weights::Any,
            steps: StepOwner::Cutover,
            pause: false,
            abort: true,
            mirror: false,
            applying: Applying::Atomic,
            survives_restart: true,
            compare_and_set: true,
            rollback: RollbackClass::Instant,
        }
    }

    /// Why an order for `split` cannot be given to this system; `None` when it can.
    pub fn refuses(&self, kind: Move, split: Split) -> Option<String> {
        if kind == Move::Abort && !self.abort {
            return Some("this traffic system cannot abort a step".into());
        }
        let green = split.share(Side::Green);
        match &self.weights {
            Weights::Any => None,
            Weights::AllOrNothing if green == 0 || green == 100 => None,
            Weights::AllOrNothing => {
                Some(format!("this traffic system moves all traffic at once; {split} is not possible"))
            }
            Weights::Listed(listed) if green == 0 || green == 100 || listed.contains(&green) => None,
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

/// Who decides on the steps of a rollout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepOwner {
    /// cutover does: every step is an order.
    Cutover,
    /// A controller does: we only say promote, abort, continue.
    Controller,
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

/// How fast the way back is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RollbackClass {
    /// The old side is up: one order.
    Instant,
    /// Instant until the system takes the old side down.
    InstantUntil,
    /// One order, but caches outside keep the old answer until its time to live is over.
    AfterTtl,
    /// The old side must be deployed again: minutes.
    Redeploy,
    /// This system cannot take traffic back.
    None,
}

impl RollbackClass {
    /// As the status document spells it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Instant => "instant",
            Self::InstantUntil => "instant_until",
            Self::AfterTtl => "after_ttl",
            Self::Redeploy => "redeploy",
            Self::None => "none",
        }
    }
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
        assert_eq!(with(Weights::Any).refuses(Move::Promote, ten), None);
        assert!(with(Weights::AllOrNothing).refuses(Move::Promote, ten).is_some());
        assert!(with(Weights::AllOrNothing).refuses(Move::Switch, Split::all(Side::Green)).is_none());
        assert!(with(Weights::Listed(vec![10, 25])).refuses(Move::Promote, ten).is_none());
        assert!(with(Weights::Listed(vec![25])).refuses(Move::Promote, ten).is_some());
    }
}
