//! Converts a split in percent to weights of upstreams and back.
//!
//! Every upstream of a side has the same weight: the side's share times the number of the other side's upstreams,
//! reduced as far as possible. Caddy sends as many requests in a row to one upstream as its weight, so small weights
//! are better.

use crate::backend::share;
use crate::domain::{Pair, Split};

/// The weight of each upstream of a side, for `split` and this number of upstreams per side.
pub(super) fn for_split(split: Split, upstreams: &Pair<usize>) -> Pair<u64> {
    let whole = Pair::from_fn(|side| u64::from(split.share(side)) * upstreams[side.other()] as u64);
    share::reduced(whole)
}

/// The split for the summed weights of both sides, and whether it is a whole percent; `None` if all are 0.
pub(super) fn to_split(sums: &Pair<u64>) -> Option<(Split, bool)> {
    share::of_sums(sums, 1e-6)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Side;

    #[test]
    fn every_percent_comes_back_whatever_the_number_of_upstreams() {
        for (blue, green) in [(1, 1), (1, 2), (2, 1), (3, 2), (8, 1), (1, 64), (63, 64)] {
            let upstreams = Pair { blue, green };
            for percent in 0..=100 {
                let split = Split::toward(Side::Green, percent);
                let weights = for_split(split, &upstreams);
                let sums = weights.map(|side, weight| weight * upstreams[side] as u64);
                assert_eq!(to_split(&sums), Some((split, true)), "{blue} and {green} at {percent}: {weights:?}");
            }
        }
    }

    #[test]
    fn weights_are_as_small_as_they_can_be() {
        let of = |green, upstreams| for_split(Split::toward(Side::Green, green), &upstreams);
        assert_eq!(of(10, Pair { blue: 1, green: 1 }), Pair { blue: 9, green: 1 });
        assert_eq!(of(50, Pair { blue: 2, green: 2 }), Pair { blue: 1, green: 1 });
        assert_eq!(of(10, Pair { blue: 2, green: 1 }), Pair { blue: 9, green: 2 });
        assert_eq!(of(100, Pair { blue: 3, green: 2 }), Pair { blue: 0, green: 1 });
        assert_eq!(of(0, Pair { blue: 3, green: 2 }), Pair { blue: 1, green: 0 });
    }

    #[test]
    fn a_trace_of_traffic_is_not_none_and_nothing_is_no_split() {
        assert_eq!(to_split(&Pair { blue: 999, green: 1 }), Some((Split::toward(Side::Green, 1), false)));
        assert_eq!(to_split(&Pair { blue: 0, green: 0 }), None);
        assert_eq!(to_split(&Pair { blue: u64::MAX, green: 1 }), None);
    }
}
