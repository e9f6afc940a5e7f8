//! How both sides did over time, for the report after a rollout.
//!
//! The journal holds what was decided; what was measured is far more and worth far less, so it goes to a file
//! of its own that is not synced. Only the process that is on watch writes it, from a few minutes before a
//! rollout to a few minutes after it: often right after an order, when things break, and once a minute when
//! nothing has happened for an hour. A rollout with a window of a day leaves about 2 000 lines.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::effect::Effect;
use super::rollout::Stage;
use super::state::State;
use crate::domain::{Sample, SideSample, Stamp};

/// Right after an order, for this long, is when things break.
const BURST_MS: u64 = 30_000;
/// After an order, and after the end of a rollout, it is looked at closely for this long.
const CLOSE_MS: u64 = 5 * 60_000;
/// From then on until this long after the order at an easy pace.
const EASY_MS: u64 = 3_600_000;
/// Samples kept from before a rollout: five minutes of them.
const BEFORE: usize = 30;

/// How often a sample is taken, and over how long, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Pace {
    every_s: u32,
    over_s: u32,
}

const IDLE: Pace = Pace { every_s: 10, over_s: 10 };
const BURST: Pace = Pace { every_s: 1, over_s: 5 };
const CLOSE: Pace = Pace { every_s: 2, over_s: 10 };
const EASY: Pace = Pace { every_s: 10, over_s: 10 };
const SLOW: Pace = Pace { every_s: 60, over_s: 60 };

/// What was sampled last, and what came before a rollout.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Sampler {
    last: Option<Stamp>,
    before: VecDeque<Sample>,
}

impl State {
    /// Takes a sample where one is due; called once a second.
    pub(super) fn take_sample(&mut self) {
        if !self.access.watches() || !self.may_drive() {
            return;
        }
        let pace = self.pace();
        let wanted = pace.unwrap_or(IDLE);
        // Reason: ticks come about once a second; one that comes a little early is not waited for again.
        let due = |last: Stamp| self.now.since_ms(last) + 500 >= u64::from(wanted.every_s) * 1000;
        if !self.sampler.last.is_none_or(due) {
            return;
        }
        let sample = self.sample(wanted);
        let has_traffic = sample.sides.iter().any(|(_, side)| side.is_some());
        if pace.is_none() && !has_traffic {
            return;
        }
        self.sampler.last = Some(self.now);
        if pace.is_some() {
            let before = std::mem::take(&mut self.sampler.before);
            self.out.extend(before.into_iter().map(Effect::Sample));
            self.out.push(Effect::Sample(sample));
        } else {
            if self.sampler.before.len() == BEFORE {
                self.sampler.before.pop_front();
            }
            self.sampler.before.push_back(sample);
        }
    }

    /// How closely to look now; `None` while no rollout is under way and none has just ended.
    fn pace(&self) -> Option<Pace> {
        let since = self.rollout.last.as_ref().map(|last| self.now.since_ms(last.at));
        let is_close = since.is_some_and(|since| since < CLOSE_MS);
        let is_burst = since.is_some_and(|since| since < BURST_MS);
        match self.rollout.stage {
            Stage::Idle | Stage::Finalized => None,
            _ if is_burst => Some(BURST),
            Stage::Moving | Stage::Switched if is_close => Some(CLOSE),
            Stage::Moving | Stage::Switched if since.is_some_and(|since| since < EASY_MS) => Some(EASY),
            Stage::Moving => Some(SLOW),
            Stage::Switched => self.window_left_ms().is_some_and(|left| left > 0).then_some(SLOW),
            Stage::Aborted | Stage::RolledBack => is_close.then_some(CLOSE),
        }
    }

    fn sample(&self, pace: Pace) -> Sample {
        let over_ms = u64::from(pace.over_s) * 1000;
        let fresh = self.router.fault.is_none();
        Sample {
            at: self.now.wall,
            over_s: pace.over_s,
            split: self.router.split().filter(|_| fresh),
            sides: self.sides.map(|_, watch| SideSample::of(&watch.traffic.stats(self.now.mono_ms, over_ms))),
        }
    }
}
