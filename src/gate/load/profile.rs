//! When each request of a load is due.

use std::time::Duration;

use super::Stage;

/// Stages one after the other. In each stage the rate changes linearly from one value to another.
pub struct Profile {
    stages: Vec<Placed>,
    /// Requests in all.
    pub(super) total: u64,
    /// From the first due time to the end of the last stage.
    pub(super) length: Duration,
}

struct Placed {
    from: f64,
    to: f64,
    seconds: f64,
    /// The seconds and requests before this stage.
    at: f64,
    before: f64,
}

impl Profile {
    /// The profile of these stages, one after the other.
    pub fn new(stages: &[Stage]) -> Self {
        let (mut at, mut before, mut placed) = (0.0, 0.0, Vec::with_capacity(stages.len()));
        for stage in stages {
            let seconds = stage.for_ms as f64 / 1000.0;
            placed.push(Placed { from: stage.from_rps, to: stage.to_rps, seconds, at, before });
            at += seconds;
            before += f64::midpoint(stage.from_rps, stage.to_rps) * seconds;
        }
        // A request due exactly at the end does not count.
        Self { stages: placed, total: before.floor() as u64, length: Duration::from_secs_f64(at) }
    }

    /// When request `number`, from 0, is due after the start.
    pub(super) fn due(&self, number: u64) -> Duration {
        let count = number as f64;
        let after = self.stages.partition_point(|stage| stage.before <= count);
        let Some(stage) = self.stages.get(after.saturating_sub(1)) else { return Duration::ZERO };
        let inside = count - stage.before;
        // From count = from * t + (to - from) * t^2 / (2 * seconds), in the form without cancellation.
        let slope = (stage.to - stage.from) / (2.0 * stage.seconds);
        let root = (stage.from * stage.from + 4.0 * slope * inside).max(0.0).sqrt();
        let seconds = if stage.from + root > 0.0 { 2.0 * inside / (stage.from + root) } else { 0.0 };
        Duration::from_secs_f64((stage.at + seconds.min(stage.seconds)).max(0.0))
    }

    /// How many requests are due until `elapsed`.
    pub(super) fn due_until(&self, elapsed: Duration) -> u64 {
        let (mut low, mut high) = (0, self.total);
        while low < high {
            let middle = u64::midpoint(low, high);
            if self.due(middle) <= elapsed { low = middle + 1 } else { high = middle }
        }
        low
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stage(from_rps: f64, to_rps: f64, for_ms: u64) -> Stage {
        Stage { from_rps, to_rps, for_ms }
    }

    #[test]
    fn a_hold_is_even() {
        let hold = Profile::new(&[stage(100.0, 100.0, 2000)]);
        assert_eq!((hold.total, hold.length), (200, Duration::from_secs(2)));
        assert_eq!(hold.due(0), Duration::ZERO);
        assert_eq!(hold.due(150), Duration::from_millis(1500));
        assert_eq!((hold.due_until(Duration::from_secs(1)), hold.due_until(Duration::from_secs(9))), (101, 200));
    }

    #[test]
    fn a_ramp_rises_and_falls_in_a_straight_line() {
        let profile = Profile::new(&[stage(0.0, 100.0, 2000), stage(100.0, 100.0, 1000), stage(100.0, 0.0, 2000)]);
        assert_eq!(profile.total, 300);
        let in_second = |second: u64| (0..profile.total).filter(|n| profile.due(*n).as_secs() == second).count();
        assert_eq!([0, 1, 2, 3, 4].map(in_second), [25, 75, 100, 75, 25]);
        let due: Vec<Duration> = (0..profile.total).map(|n| profile.due(n)).collect();
        assert!(due.is_sorted() && due.iter().all(|due| *due <= profile.length));
        for (number, due) in due.iter().enumerate().skip(1) {
            assert!(profile.due_until(*due) > number as u64);
        }
    }
}
