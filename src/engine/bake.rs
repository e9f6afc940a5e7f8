//! The bake of a step: only time that was watched with fresh data counts.

use serde::{Deserialize, Serialize};

use crate::domain::Stamp;

/// Two looks further apart than this leave a gap, in milliseconds: the process was stopped, or the machine slept.
const GAP_MS: u64 = 3_000;

/// How long this process has watched the step reached.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Bake {
    /// When the step was reached.
    step: Option<Stamp>,
    watched_ms: u64,
    /// The last look, and whether the data was fresh then.
    looked: Option<(Stamp, bool)>,
}

impl Bake {
    /// Once a second: counts the time since the last look, if the data was fresh and no look was left out.
    ///
    /// `began` is when this process began to watch: what was before it does not count.
    pub(super) fn look(&mut self, step: Option<Stamp>, began: Stamp, now: Stamp, is_fresh: bool) {
        if self.step != step {
            let reached = step.filter(|at| at.mono_ms >= began.mono_ms).map(|at| (at, true));
            *self = Self { step, watched_ms: 0, looked: reached };
        }
        if is_fresh {
            self.watched_ms += self.gap(now);
        }
        self.looked = Some((now, is_fresh));
    }

    /// Milliseconds watched of `step`.
    pub(super) fn watched_ms(&self, step: Stamp, now: Stamp) -> u64 {
        if self.step != Some(step) {
            return 0;
        }
        // Between two looks the time runs on if the data was fresh at the last one.
        let since = if self.looked.is_some_and(|(_, is_fresh)| is_fresh) { self.gap(now) } else { 0 };
        self.watched_ms + since
    }

    /// Milliseconds since the last look; 0 where a look was left out.
    fn gap(&self, now: Stamp) -> u64 {
        self.looked.map(|(at, _)| now.since_ms(at)).filter(|gap| *gap <= GAP_MS).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{TimeDelta, Utc};

    fn at(ms: i64) -> Stamp {
        Stamp { mono_ms: ms, wall: chrono::DateTime::<Utc>::UNIX_EPOCH + TimeDelta::milliseconds(ms) }
    }

    #[test]
    fn only_what_was_watched_with_fresh_data_counts() {
        let (mut bake, step) = (Bake::default(), at(10_000));
        let look = |bake: &mut Bake, s: i64, is_fresh| bake.look(Some(step), at(0), at(s * 1000), is_fresh);
        look(&mut bake, 11, true);
        look(&mut bake, 12, true);
        assert_eq!(bake.watched_ms(step, at(12_500)), 2_500, "time runs on between two looks");
        look(&mut bake, 13, false);
        assert_eq!(bake.watched_ms(step, at(13_500)), 2_000, "the router was not read");
        look(&mut bake, 14, true);
        look(&mut bake, 74, true);
        assert_eq!(bake.watched_ms(step, at(74_000)), 3_000, "the process was stopped for a minute");
        assert_eq!(bake.watched_ms(step, at(90_000)), 3_000, "and is stopped again");
        bake.look(Some(at(80_000)), at(0), at(81_000), true);
        assert_eq!(bake.watched_ms(at(80_000), at(81_000)), 1_000, "another step begins from zero");
    }

    #[test]
    fn what_was_before_this_process_does_not_count() {
        let (mut bake, step) = (Bake::default(), at(10_000));
        bake.look(Some(step), at(12_000), at(12_000), true);
        bake.look(Some(step), at(12_000), at(13_000), true);
        assert_eq!(bake.watched_ms(step, at(13_000)), 1_000);
    }
}
