//! Traffic proves what the router says: a side at 0 % that goes on beginning requests still has users.

use serde::{Deserialize, Serialize};

use crate::domain::{SideTraffic, Stamp};

/// Requests that are under way at the edge may be counted on neither side of it.
const MARGIN: u64 = 2;
/// Users who are still there ask again within this time, in milliseconds.
const RECENT_MS: u64 = 5_000;

/// What a side has answered since the router says that it gets nothing.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct AtZero {
    /// What was counted at the first such reading.
    total: u64,
    in_flight: u64,
    /// What was counted last, and when that last rose.
    last: u64,
    rose: Option<Stamp>,
}

impl AtZero {
    /// The state after another reading at 0 %; `before` is `None` at the first one, and after a restart of the router.
    pub(super) fn next(before: Option<Self>, now: Stamp, seen: &SideTraffic) -> Self {
        let total = seen.total();
        let Some(before) = before.filter(|before| before.last <= total) else {
            return Self { total, in_flight: seen.in_flight, last: total, rose: None };
        };
        let rose = if total > before.last { Some(now) } else { before.rose };
        Self { last: total, rose, ..before }
    }

    /// Requests that certainly began at 0 %: the ones that were under way before are subtracted. `None` if
    /// there are no such requests, or if the last one is long ago.
    pub(super) fn begun(&self, now: Stamp) -> Option<u64> {
        let certain = (self.last - self.total).checked_sub(self.in_flight + MARGIN).filter(|begun| *begun > 0)?;
        self.rose.filter(|rose| now.since_ms(*rose) < RECENT_MS).map(|_| certain)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(total: u64, in_flight: u64) -> SideTraffic {
        SideTraffic { by_class: [0, 0, total, 0, 0, 0], in_flight, latency_us: Vec::new() }
    }

    #[test]
    fn what_was_under_way_ends_and_is_no_leak() {
        let at = |s: i64| Stamp::epoch().plus_ms(s * 1_000);
        let mut zero = AtZero::next(None, at(0), &seen(100, 40));
        for s in 1..=40 {
            zero = AtZero::next(Some(zero), at(s), &seen(100 + s as u64, 40 - s as u64));
            assert_eq!(zero.begun(at(s)), None, "{s}");
        }
        zero = AtZero::next(Some(zero), at(41), &seen(150, 0));
        assert_eq!(zero.begun(at(41)), Some(8), "and these are new");
        assert_eq!(zero.begun(at(60)), None, "nobody came lately");
        let anew = AtZero::next(Some(zero), at(61), &seen(3, 0));
        assert_eq!(anew.begun(at(61)), None, "the router counts from zero again");
    }
}
