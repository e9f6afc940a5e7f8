//! How long caches may still keep the old answer. Nothing can shorten that time.

use std::time::Duration;

use tokio::time::Instant;

use crate::domain::Revision;

/// What this process has seen of the name.
#[derive(Debug, Default)]
pub(super) struct Countdown {
    last: Option<(Revision, u32)>,
    until: Option<Instant>,
}

impl Countdown {
    /// The records are these, with a time to live of `ttl` seconds. A change gives caches the time of the old ones.
    pub(super) fn see(&mut self, revision: &Revision, ttl: u32, now: Instant) {
        if let Some((last, old_ttl)) = &self.last
            && last != revision
        {
            let until = now + Duration::from_secs(u64::from(*old_ttl));
            self.until = Some(self.until.map_or(until, |before| before.max(until)));
        }
        self.last = Some((revision.clone(), ttl));
    }

    /// Seconds for which caches may still give the old answer, rounded up; `None` without a change, and afterwards.
    pub(super) fn left_s(&self, now: Instant) -> Option<u64> {
        let left = self.until?.checked_duration_since(now)?;
        (!left.is_zero()).then(|| left.as_millis().div_ceil(1000) as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn caches_keep_the_old_answer_for_its_own_time() {
        let (mut countdown, start) = (Countdown::default(), Instant::now());
        let at = |s| start + Duration::from_secs(s);
        let [a, b] = ["a", "b"].map(|text| Revision(text.into()));
        countdown.see(&a, 60, at(0));
        assert_eq!(countdown.left_s(at(0)), None, "nothing has changed");
        countdown.see(&b, 5, at(10));
        countdown.see(&b, 5, at(20));
        assert_eq!(countdown.left_s(at(23)), Some(47));
        countdown.see(&a, 60, at(30));
        assert_eq!(countdown.left_s(at(36)), Some(34), "the longer of the two");
        assert_eq!(countdown.left_s(at(70)), None);
    }
}
