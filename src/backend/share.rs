//! Splits as sums of weights.

use crate::domain::{Pair, Side, Split};

/// The split for the summed weights of both sides, and whether it is `near` a whole percent; `None` if all are 0.
pub(super) fn of_sums(sums: &Pair<u64>, near: f64) -> Option<(Split, bool)> {
    let all = sums.blue.checked_add(sums.green).filter(|all| *all > 0)?;
    let exact = sums.green as f64 * 100.0 / all as f64;
    let mut green = exact.round() as u8;
    if sums.green > 0 && sums.blue > 0 {
        green = green.clamp(1, 99);
    }
    Some((Split::toward(Side::Green, green), (exact - f64::from(green)).abs() < near))
}

/// The same ratio in the smallest whole numbers.
pub(super) fn reduced(weights: Pair<u64>) -> Pair<u64> {
    let shared = gcd(weights.blue, weights.green);
    weights.map(|_, weight| weight / shared)
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a.max(1) } else { gcd(b, a % b) }
}
