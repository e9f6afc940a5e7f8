//! Error rates of two sides, from counts.

use serde::{Deserialize, Serialize};

/// Evidence on the ratio of two error rates, from counts that come in over time.
///
/// Given the errors of an interval in all, each is the observed side's with a chance that depends on the ratio of the
/// rates and on the requests both sides had in it. So neither the rates nor the shares of traffic need to stay as they are;
/// only their ratio is judged. An interval in which one of the sides had no request says nothing.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ErrorRatio {
    /// Ratios, rising by [`RATIO_STEP`]; the one at [`BELOW`] is the ratio that is allowed.
    ratios: Vec<f64>,
    /// The logarithm of the likelihood of all counts under each ratio.
    likelihoods: Vec<f64>,
}

/// Between two ratios that are looked at: 2 to the 1/16, 4.4 %.
const RATIO_STEP: f64 = 1.044_273_782_427_413_8;
/// Ratios looked at below and above the allowed one: down to 1/8 of it, up to 32 times.
const BELOW: usize = 48;
const ABOVE: usize = 80;
/// A ratio is tested against the mixture of this many ratios above it: up to 8 times as high.
const MIXED: usize = 48;

impl ErrorRatio {
    /// No evidence yet; `allowed` is the ratio of the observed side's error rate to the other's that may be.
    pub fn new(allowed: f64) -> Self {
        let ratios: Vec<f64> =
            (0..=BELOW + ABOVE).map(|at| allowed * RATIO_STEP.powi(at as i32 - BELOW as i32)).collect();
        let likelihoods = vec![0.0; ratios.len()];
        Self { ratios, likelihoods }
    }

    /// Takes in an interval: requests and errors of the observed side, and of the other.
    pub fn absorb(&mut self, own: (u64, u64), other: (u64, u64)) {
        if own.0 == 0 || other.0 == 0 || own.1 + other.1 == 0 {
            return;
        }
        for (ratio, likelihood) in self.ratios.iter().zip(&mut self.likelihoods) {
            let weighed = own.0 as f64 * ratio;
            let all = weighed + other.0 as f64;
            *likelihood += own.1 as f64 * (weighed / all).ln() + other.1 as f64 * (other.0 as f64 / all).ln();
        }
    }

    /// The logarithm of the evidence against "the ratio is at most the one at `at`".
    fn evidence(&self, at: usize) -> f64 {
        let above = &self.likelihoods[at + 1..self.likelihoods.len().min(at + 1 + MIXED)];
        let highest = above.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = above.iter().map(|likelihood| (likelihood - highest).exp()).sum();
        highest + (sum / above.len() as f64).ln() - self.likelihoods[at]
    }

    /// Whether it is refuted, at the level `alpha`, that the ratio is at most the allowed one.
    pub fn is_worse(&self, alpha: f64) -> bool {
        self.evidence(BELOW) >= -alpha.ln()
    }

    /// What the ratio is at least, sure at `1 - alpha`; `None` while nothing can be said.
    pub fn at_least(&self, alpha: f64) -> Option<f64> {
        // From below as long as every hypothesis is refuted: then only the first that holds could be refuted wrongly.
        let refuted = (0..self.ratios.len() - 1).take_while(|&at| self.evidence(at) >= -alpha.ln()).last()?;
        self.ratios.get(refuted).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A small generator: the tests are the same everywhere.
    pub(super) struct Random(pub u64);

    impl Random {
        fn unit(&mut self) -> f64 {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (self.0 >> 11) as f64 / (1_u64 << 53) as f64
        }

        fn hits(&mut self, n: u64, p: f64) -> u64 {
            (0..n).filter(|_| self.unit() < p).count() as u64
        }
    }

    /// The second in which a side with `rate` errors is called worse than one with 1 %, looking every second.
    fn alarm(seed: u64, rate: f64, allowed: f64, seconds: usize) -> Option<usize> {
        let mut random = Random(seed * 7919 + 1);
        let mut ratio = ErrorRatio::new(allowed);
        (0..seconds).position(|_| {
            ratio.absorb((50, random.hits(50, rate)), (450, random.hits(450, 0.01)));
            ratio.is_worse(0.01)
        })
    }

    #[test]
    fn as_many_errors_are_hardly_ever_called_more() {
        let alarms = (0..100).filter(|&seed| alarm(seed, 0.01, 1.0, 300).is_some()).count();
        assert!(alarms <= 4, "{alarms} of 100 with a level of 1 %");
        let alarms = (0..100).filter(|&seed| alarm(seed, 0.015, 1.5, 300).is_some()).count();
        assert!(alarms <= 4, "{alarms} of 100 at the edge of what is allowed");
    }

    #[test]
    fn twice_as_many_are_found_within_minutes() {
        let mut found: Vec<usize> = (0..51).map(|seed| alarm(seed, 0.02, 1.0, 3600).unwrap()).collect();
        found.sort_unstable();
        assert!(found[25] < 60, "half of them after {} s", found[25]);
    }

    #[test]
    fn the_bound_closes_in_from_below() {
        let mut ratio = ErrorRatio::new(1.0);
        assert_eq!(ratio.at_least(0.01), None);
        ratio.absorb((0, 0), (450, 45));
        ratio.absorb((50, 5), (0, 0));
        assert_eq!(ratio.at_least(0.01), None, "one side alone says nothing of the ratio");
        for _ in 0..600 {
            ratio.absorb((50, 2), (450, 9));
        }
        let bound = ratio.at_least(0.01).unwrap();
        assert!((1.5..2.0).contains(&bound), "the true ratio is 2, the bound {bound}");
    }
}
