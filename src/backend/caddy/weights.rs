//! Converts a split in percent to weights of upstreams and back.
//!
//! Every upstream of a side has the same weight: the side's share times the number of the other side's upstreams,
//! reduced as far as possible. Caddy sends as many requests in a row to one upstream as its weight, so small weights
//! are better.

use crate::domain::{Pair, Side, Split};

/// The weight of each upstream of a side, for `split` and this number of upstreams per side.
pub(super) fn for_split(split: Split, upstreams: &Pair<usize>) -> Pair<u64> {
    let whole = Pair::from_fn(|side| u64::from(split.share(side)) * upstreams[side.other()] as u64);
    let shared = gcd(whole.blue, whole.green);
    whole.map(|_, weight| weight / shared)
}

/// The split for the summed weights of both sides, and whether it is a whole percent; `None` if all are 0.
pub(super) fn to_split(sums: &Pair<u64>) -> Option<(Split, bool)> {
    let all = sums.blue.checked_add(sums.green).filter(|all| *all > 0)?;
    let exact = sums.green as f64 * 100.0 / all as f64;
    let mut green = exact.round() as u8;
    // A side with any traffic is never shown with 0 %.
    if sums.green > 0 && sums.blue > 0 {
        green = green.clamp(1, 99);
    }
    Some((Split::toward(Side::Green, green), (exact - f64::from(green)).abs() < 1e-6))
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a.max(1) } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;

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
