//! Quantiles of two sides, from histograms.

use serde::{Deserialize, Serialize};

/// Bounds of a quantile that hold at every look together with a chance of `1 - alpha`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct QuantileBounds {
    /// The quantile is at least this cell's value.
    pub at_least: Option<u64>,
    /// The quantile is at most this cell's value.
    pub at_most: Option<u64>,
}

/// Bounds of the `q`-quantile of what was recorded: `(value, count)` cells with rising values, all that came in so far.
///
/// How many samples are above the true quantile is a sum of coin tosses with a chance of `1 - q` each; a count that
/// such a sum would hardly ever reach, at any look, shows that the quantile is somewhere else.
pub(crate) fn quantile_bounds(cells: &[(u64, u64)], q: f64, alpha: f64) -> QuantileBounds {
    let all: u64 = cells.iter().map(|cell| cell.1).sum();
    let tosses = Tosses::new(1.0 - q, alpha);
    let (too_many, too_few) = (tosses.too_many(all), tosses.too_few(all));
    let mut bounds = QuantileBounds { at_least: None, at_most: None };
    let mut beyond = all;
    for &(value, count) in cells {
        // Samples from this cell on, itself included.
        if too_few.is_some_and(|few| beyond <= few) {
            break;
        }
        bounds.at_most = Some(value);
        if too_many.is_some_and(|many| beyond >= many) {
            bounds.at_least = Some(value);
        }
        beyond -= count;
    }
    if too_few.is_none() {
        bounds.at_most = None;
    }
    bounds
}

/// By how much a quantile of one side is above that of the other at least: 0.2 is 20 %. `None` while nothing can be said.
pub fn quantile_excess(own: &[(u64, u64)], other: &[(u64, u64)], q: f64, alpha: f64) -> Option<f64> {
    let at_least = quantile_bounds(own, q, alpha / 2.0).at_least?;
    let at_most = quantile_bounds(other, q, alpha / 2.0).at_most?;
    (at_most > 0).then(|| at_least as f64 / at_most as f64 - 1.0)
}

/// A sum of coin tosses, each 1 with the chance `p`, looked at after every toss.
#[derive(Debug, Clone, Copy)]
struct Tosses {
    p: f64,
    level: f64,
    prior: (f64, f64),
}

impl Tosses {
    fn new(p: f64, alpha: f64) -> Self {
        // A prior around what is twice as frequent: the change an operator wants to hear of soon.
        let rare = p.min(1.0 - p);
        let prior = if p <= 0.5 { (2.0, 2.0 * (1.0 - rare * 2.0).max(0.5) / (rare * 2.0)) } else { (2.0, 2.0) };
        Self { p, level: -alpha.ln(), prior }
    }

    /// The logarithm of the mixture of likelihoods against that of `p`, at `sum` of `n`.
    fn evidence(&self, sum: u64, n: u64) -> f64 {
        log_evidence(sum as f64, n as f64, self.p, self.prior)
    }

    /// The least sum of `n` that is hardly ever reached.
    fn too_many(&self, n: u64) -> Option<u64> {
        let expected = (n as f64 * self.p).ceil() as u64;
        let (mut low, mut high) = (expected, n);
        if self.evidence(high, n) < self.level {
            return None;
        }
        while low < high {
            let middle = low.midpoint(high);
            if self.evidence(middle, n) >= self.level { high = middle } else { low = middle + 1 }
        }
        Some(low)
    }

    /// The greatest sum of `n` that is hardly ever as small.
    fn too_few(&self, n: u64) -> Option<u64> {
        let expected = (n as f64 * self.p).floor() as u64;
        if self.evidence(0, n) < self.level {
            return None;
        }
        let (mut low, mut high) = (0, expected);
        while low < high {
            let middle = low + (high - low).div_ceil(2);
            if self.evidence(middle, n) >= self.level { low = middle } else { high = middle - 1 }
        }
        Some(low)
    }
}

/// The logarithm of a Beta mixture of the likelihoods of `sum` of `n` against the likelihood under `p`.
fn log_evidence(sum: f64, n: f64, p: f64, (a, b): (f64, f64)) -> f64 {
    let rest = n - sum;
    log_beta(a + sum, b + rest) - log_beta(a, b) - sum * p.ln() - rest * (1.0 - p).ln()
}

fn log_beta(a: f64, b: f64) -> f64 {
    log_gamma(a) + log_gamma(b) - log_gamma(a + b)
}

/// Stirling's series, after the argument was raised to where it is exact to 1e-12 or so.
fn log_gamma(x: f64) -> f64 {
    let (mut x, mut shift) = (x, 0.0);
    while x < 12.0 {
        shift -= x.ln();
        x += 1.0;
    }
    let (inverse, square) = (1.0 / x, 1.0 / (x * x));
    let series = inverse * (1.0 / 12.0 - square * (1.0 / 360.0 - square * (1.0 / 1260.0 - square / 1680.0)));
    shift + (x - 0.5) * x.ln() - x + 0.5 * (2.0 * std::f64::consts::PI).ln() + series
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mixture_agrees_with_an_independent_implementation() {
        // ville 0.1.0 (PyPI): BernoulliTest(p, prior=prior) after n tosses of which sum were 1.
        for (sum, n, p, prior, expected) in [
            (3.0, 100.0, 0.01, (2.0, 98.0), 0.732_644_492_955_872_2),
            (30.0, 1000.0, 0.01, (2.0, 98.0), 11.562_945_911_584_421),
            (5.0, 2000.0, 0.01, (2.0, 98.0), 5.301_110_367_136_601_6),
            (600.0, 1000.0, 0.5, (2.0, 2.0), 17.250_092_416_548_796),
            (40.0, 1000.0, 0.05, (1.0, 1.0), -3.036_994_934_118_269),
        ] {
            let got = log_evidence(sum, n, p, prior);
            assert!((got - expected).abs() < 1e-9, "{sum} of {n}: {got} instead of {expected}");
        }
    }

    /// `n` samples spread evenly over the values 1 to 1000, times `factor`.
    fn even(n: u64, factor: u64) -> Vec<(u64, u64)> {
        (1..=1000).map(|value| (value * factor, n / 1000)).collect()
    }

    #[test]
    fn bounds_hold_the_quantile_and_close_in() {
        let mut width = u64::MAX;
        for n in [10_000, 100_000, 1_000_000] {
            let bounds = quantile_bounds(&even(n, 1), 0.99, 0.01);
            let (at_least, at_most) = (bounds.at_least.unwrap(), bounds.at_most.unwrap());
            assert!(at_least <= 990 && at_most >= 990, "{n}: {bounds:?}");
            assert!(at_most - at_least < width);
            width = at_most - at_least;
        }
        assert!(width < 10, "{width} of 1000 after a million");
    }

    #[test]
    fn little_data_says_nothing() {
        assert_eq!(quantile_bounds(&[], 0.99, 0.01), QuantileBounds { at_least: None, at_most: None });
        let few = quantile_bounds(&[(100, 40), (200, 2)], 0.99, 0.01);
        assert_eq!(few.at_most, None, "the slowest may be still to come");
        assert_eq!(quantile_excess(&even(10_000, 2), &[(100, 5)], 0.99, 0.01), None);
    }

    #[test]
    fn twice_as_slow_is_told_by_how_much() {
        let by = quantile_excess(&even(100_000, 2), &even(100_000, 1), 0.5, 0.01).unwrap();
        assert!((0.9..1.0).contains(&by), "{by}");
        let by = quantile_excess(&even(100_000, 1), &even(100_000, 1), 0.5, 0.01).unwrap();
        assert!(by < 0.0, "{by}");
    }
}
