//! Shares and distances as figures: intervals, means, and how they are written.

/// 95 % of a normal distribution lie within so many standard deviations.
const Z: f64 = 1.959_963_984_540_054;

/// The mean of distances and how they scatter (Welford).
#[derive(Debug, Default)]
pub(super) struct Distances {
    number: u64,
    pub(super) mean: f64,
    squares: f64,
    pub(super) largest: f64,
}

impl Distances {
    pub(super) fn add(&mut self, distance: f64) {
        self.number += 1;
        let off = distance - self.mean;
        self.mean += off / self.number as f64;
        self.squares += off * (distance - self.mean);
        self.largest = self.largest.max(distance);
    }

    pub(super) fn mean_so_far(&self) -> Option<f64> {
        (self.number > 0).then_some(self.mean)
    }

    pub(super) fn largest_so_far(&self) -> Option<f64> {
        (self.number > 0).then_some(self.largest)
    }

    /// `mean error 0.42 (0.40 to 0.44) of 2000`.
    pub(super) fn mean_note(&self) -> String {
        let number = self.number as f64;
        let half = if self.number > 1 { Z * (self.squares / (number - 1.0) / number).sqrt() } else { f64::INFINITY };
        let (low, high) = ((self.mean - half).max(0.0), self.mean + half);
        let interval = if half.is_finite() { format!(" ({} to {})", figure(low), figure(high)) } else { String::new() };
        format!("mean error {}{interval} of {}", figure(self.mean), self.number)
    }
}

/// Wilson's score interval of a share, 95 % (E. B. Wilson, 1927): sound also near 0 and 1 and for few cases.
pub(super) fn wilson(hits: u64, of: u64) -> (f64, f64) {
    let (n, share) = (of as f64, hits as f64 / of as f64);
    let square = Z * Z;
    let middle = (share + square / (2.0 * n)) / (1.0 + square / n);
    let half = Z / (1.0 + square / n) * (share * (1.0 - share) / n + square / (4.0 * n * n)).sqrt();
    // At the ends the interval reaches them; rounding must not push it short of them.
    let low = if hits == 0 { 0.0 } else { (middle - half).max(0.0) };
    let high = if hits == of { 1.0 } else { (middle + half).min(1.0) };
    (low, high)
}

/// A share in percent, with as many digits as tell it from none and from all.
pub(super) fn percent(share: f64) -> String {
    for digits in 1..4 {
        let text = format!("{:.digits$}", share * 100.0);
        let shown: f64 = text.parse().unwrap_or(share * 100.0);
        if (shown > 0.0 || share <= 0.0) && (shown < 100.0 || share >= 1.0) {
            return text;
        }
    }
    format!("{:.4}", share * 100.0)
}

/// A number with three digits that count.
pub(super) fn figure(number: f64) -> String {
    if number == 0.0 || !number.is_finite() {
        return "0".to_owned();
    }
    let before = number.abs().log10().floor() as i32;
    if !(-5..9).contains(&before) {
        return format!("{number:.2e}");
    }
    let digits = usize::try_from(2 - before).unwrap_or(0);
    format!("{number:.digits$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_is_wilsons() {
        // The shares p at which |hits / of - p| is Z * sqrt(p * (1 - p) / of), found by bisection.
        for (hits, of, low, high) in [
            (1988, 2000, 0.989_542, 0.996_564),
            (71, 75, 0.870_740, 0.979_067),
            (0, 20, 0.0, 0.161_125),
            (20, 20, 0.838_875, 1.0),
            (1, 2, 0.094_531, 0.905_469),
        ] {
            let (a, b) = wilson(hits, of);
            assert!((a - low).abs() < 1e-6 && (b - high).abs() < 1e-6, "{hits} of {of}: {a} {b}");
        }
    }

    #[test]
    fn figures_have_three_digits() {
        let shown = [0.0, 0.4, 12.345, 1234.5, 0.000_123_4, 1e12].map(figure);
        assert_eq!(shown, ["0", "0.400", "12.3", "1234", "0.000123", "1.00e12"]);
    }
}
