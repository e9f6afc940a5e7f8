//! Converts a split in percent to weights of servers and back.
//!
//! HAProxy's weights are 0 to 256 and relative to one another. All servers of a side get the same weight if possible,
//! so that the replicas of a side share its traffic evenly, whatever their number.

use crate::backend::share;
use crate::domain::{Pair, Side, Split};

/// The largest weight a server can have.
const MOST: u64 = 256;

/// The weights of the servers of each side, for `split` and this number of servers per side.
pub(super) fn for_split(split: Split, servers: &Pair<usize>) -> Pair<Vec<u64>> {
    let even = evenly(split, servers);
    let sums = even.map(|side, weight| weight * servers[side] as u64);
    if to_split(&sums).is_some_and(|(read, _)| read == split) {
        return even.map(|side, weight| vec![*weight; servers[side]]);
    }
    // With few servers on the larger side and many on the smaller, some of the many get no traffic.
    let small = if split.share(Side::Blue) < split.share(Side::Green) { Side::Blue } else { Side::Green };
    let large = servers[small.other()] as u64 * MOST;
    let (share, other) = (u64::from(split.share(small)), u64::from(split.share(small.other())));
    let (sum, n) = ((large * share + other / 2) / other, servers[small] as u64);
    let one = |at: u64| sum / n + u64::from(at < sum % n);
    Pair::from_fn(|side| if side == small { (0..n).map(one).collect() } else { vec![MOST; servers[side]] })
}

/// The same weight for every server of a side, as near to `split` as possible.
fn evenly(split: Split, servers: &Pair<usize>) -> Pair<u64> {
    let wanted = Pair::from_fn(|side| u64::from(split.share(side)));
    if servers.blue == servers.green || wanted.blue == 0 || wanted.green == 0 {
        return wanted;
    }
    let blue = wanted.blue * servers.green as u64;
    let green = wanted.green * servers.blue as u64;
    let exact = share::reduced(Pair { blue, green });
    if exact.blue.max(exact.green) <= MOST {
        return exact;
    }
    // Finds the nearest: for each weight of the smaller side, the matching weight of the larger side.
    let (small, large) = if blue < green { (Side::Blue, Side::Green) } else { (Side::Green, Side::Blue) };
    let ratio = exact[large] as f64 / exact[small] as f64;
    let off = |least: u64| ((least as f64 * ratio).round().min(MOST as f64) / least as f64 - ratio).abs();
    let least = (1..=MOST).min_by(|a, b| off(*a).total_cmp(&off(*b))).unwrap_or(1);
    let most = ((least as f64 * ratio).round() as u64).min(MOST);
    Pair::from_fn(|side| if side == small { least } else { most })
}

/// The split for the summed weights of both sides, and whether it is a whole percent; `None` if all are 0.
pub(super) fn to_split(sums: &Pair<u64>) -> Option<(Split, bool)> {
    share::of_sums(sums, 0.25)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_percent_comes_back_whatever_the_number_of_servers() {
        for (blue, green) in [(1, 1), (1, 2), (2, 1), (3, 2), (1, 3), (3, 3), (8, 1), (1, 16), (40, 3)] {
            let servers = Pair { blue, green };
            for percent in 0..=100 {
                let split = Split::toward(Side::Green, percent);
                let weights = for_split(split, &servers);
                assert!(weights.blue.iter().chain(&weights.green).all(|weight| *weight <= MOST));
                assert_eq!((weights.blue.len(), weights.green.len()), (blue, green));
                let sums = weights.map(|_, weights| weights.iter().sum());
                let read = to_split(&sums).map(|(split, _)| split);
                assert_eq!(read, Some(split), "{blue} and {green} servers at {percent}: {weights:?}");
            }
        }
    }

    #[test]
    fn as_many_servers_a_side_get_the_percent_itself() {
        let weights = for_split(Split::toward(Side::Green, 10), &Pair { blue: 2, green: 2 });
        assert_eq!((weights.blue, weights.green), (vec![90, 90], vec![10, 10]));
    }

    #[test]
    fn a_trace_of_traffic_is_not_none_and_nothing_is_no_split() {
        assert_eq!(to_split(&Pair { blue: 256, green: 1 }).map(|(split, _)| split.share(Side::Green)), Some(1));
        assert_eq!(to_split(&Pair { blue: 1, green: 256 }).map(|(split, _)| split.share(Side::Blue)), Some(1));
        assert_eq!(to_split(&Pair { blue: 0, green: 0 }), None);
        assert_eq!(to_split(&Pair { blue: 2, green: 1 }).map(|(_, whole)| whole), Some(false));
    }
}
