//! How long a poller waits.

/// A failing replica is still asked at least once in this many intervals.
const MAX_FACTOR: u64 = 8;
/// The longest wait, in milliseconds, unless the interval itself is longer.
const CAP_MS: u64 = 30_000;

/// Milliseconds until the next probe of a replica that has failed `failures` times in a row.
///
/// This is one interval after an answer. It doubles with each failure, up to eight intervals or 30 s. `jitter` (from 0
/// to 1) changes the result by at most 10 % up or down, so that replicas that failed together are not all asked at the
/// same moment.
pub(crate) fn delay_ms(interval_ms: u64, failures: u32, jitter: f64) -> u64 {
    let factor = 1_u64.checked_shl(failures).unwrap_or(MAX_FACTOR).clamp(1, MAX_FACTOR);
    let grown = interval_ms.saturating_mul(factor).min(CAP_MS.max(interval_ms));
    let spread = 0.9 + 0.2 * jitter.clamp(0.0, 1.0);
    ((grown as f64 * spread).round() as u64).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_doubles_to_a_cap_and_never_shrinks() {
        let middle: Vec<u64> = (0..6).map(|failures| delay_ms(1000, failures, 0.5)).collect();
        assert_eq!(middle, [1000, 2000, 4000, 8000, 8000, 8000]);
        assert_eq!(delay_ms(1000, u32::MAX, 0.5), 8000);
        assert_eq!(delay_ms(10_000, 5, 0.5), 30_000, "no wait beyond 30 s");
        assert_eq!(delay_ms(60_000, 5, 0.5), 60_000, "but never below the interval");
        assert_eq!(delay_ms(0, 0, 0.0), 1, "never a busy loop");
    }

    #[test]
    fn jitter_stays_within_a_tenth() {
        assert_eq!((delay_ms(1000, 0, 0.0), delay_ms(1000, 0, 1.0)), (900, 1100));
        assert_eq!((delay_ms(1000, 0, -5.0), delay_ms(1000, 0, 7.0)), (900, 1100));
        let mut rng = fastrand::Rng::with_seed(1);
        let all: Vec<u64> = (0..1000).map(|_| delay_ms(1000, 0, rng.f64())).collect();
        assert!(all.iter().any(|&ms| ms < 930) && all.iter().any(|&ms| ms > 1070), "it does spread");
    }
}
