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
use super::wish::Wish;
use super::world::World;
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

/// The last sample, and the samples from before a rollout.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Sampler {
    last: Option<Stamp>,
    before: VecDeque<Sample>,
}

impl Sampler {
    /// Takes a sample where one is due; called once a second.
    pub(super) fn tick(&mut self, world: &World) -> Vec<Wish> {
        if !world.access.watches() || !world.may_drive() {
            return Vec::new();
        }
        let pace = pace(world);
        let wanted = pace.unwrap_or(IDLE);
        // Reason: ticks come about once a second; one that comes a little early is not waited for again.
        let due = |last: Stamp| world.now.since_ms(last) + 500 >= u64::from(wanted.every_s) * 1000;
        if !self.last.is_none_or(due) {
            return Vec::new();
        }
        let sample = sample(world, wanted);
        let has_traffic = sample.sides.iter().any(|(_, side)| side.is_some());
        if pace.is_none() && !has_traffic {
            return Vec::new();
        }
        self.last = Some(world.now);
        if pace.is_none() && self.before.len() == BEFORE {
            self.before.pop_front();
        }
        self.before.push_back(sample);
        if pace.is_none() {
            return Vec::new();
        }
        self.before.drain(..).map(|sample| Wish::Do(Effect::Sample(sample))).collect()
    }
}

/// How closely to look now; `None` while no rollout is under way and none has just ended.
fn pace(world: &World) -> Option<Pace> {
    let since = world.rollout().last.as_ref().map(|last| world.now.since_ms(last.at));
    let is_close = since.is_some_and(|since| since < CLOSE_MS);
    let is_burst = since.is_some_and(|since| since < BURST_MS);
    match world.rollout().stage {
        Stage::Idle | Stage::Finalized => None,
        _ if is_burst => Some(BURST),
        Stage::Moving | Stage::Switched if is_close => Some(CLOSE),
        Stage::Moving | Stage::Switched if since.is_some_and(|since| since < EASY_MS) => Some(EASY),
        Stage::Moving => Some(SLOW),
        Stage::Switched => world.window_left_ms().is_some_and(|left| left > 0).then_some(SLOW),
        Stage::Aborted | Stage::RolledBack => is_close.then_some(CLOSE),
    }
}

fn sample(world: &World, pace: Pace) -> Sample {
    let over_ms = u64::from(pace.over_s) * 1000;
    let fresh = world.router.fault.is_none();
    Sample {
        at: world.now.wall,
        over_s: pace.over_s,
        split: world.router.split().filter(|_| fresh),
        sides: world.sides.map(|_, watch| SideSample::of(&watch.traffic.stats(world.now.mono_ms, over_ms))),
    }
}
