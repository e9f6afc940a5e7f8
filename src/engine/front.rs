//! What users get: who answered at their own address. A source of its own beside the router's word.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::snapshot::FrontStatus;
use super::world::World;
use crate::domain::{Side, Split, Stamp, Version};

/// The window, milliseconds.
const WINDOW_MS: u64 = 10_000;
/// How long after a change the front may still answer by the one before, milliseconds.
const LAG_MS: u64 = 3_000;
/// Answers in a row that prove where all traffic goes.
const PROOF: usize = 3;
/// Two sources disagree where chance would give such a count less often than this.
const RARE: f64 = 1e-6;

/// The last answers.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Front {
    answers: VecDeque<(Stamp, Version)>,
    /// Why the last request failed; `None` after one that was answered.
    fault: Option<(Stamp, String)>,
    /// Since when the router has said this split.
    since: Option<(Stamp, Split)>,
}

impl Front {
    pub(super) fn answered(&mut self, now: Stamp, answer: Result<Version, String>) {
        match answer {
            Ok(version) => {
                self.fault = None;
                self.answers.push_back((now, version));
            }
            Err(why) => self.fault = Some((now, why)),
        }
        while self.answers.front().is_some_and(|(at, _)| now.since_ms(*at) > WINDOW_MS) {
            self.answers.pop_front();
        }
    }

    /// Notes what the router says.
    pub(super) fn router_says(&mut self, now: Stamp, split: Split) {
        if self.since.is_none_or(|(_, before)| before != split) {
            self.since = Some((now, split));
        }
    }

    /// Who answered from `since` on, in order; `None` for an answer of neither side.
    fn who(&self, world: &World, since: Stamp) -> Vec<Option<Side>> {
        let digests = world.sides.map(|side, _| world.version_digest(side));
        let of = |version: &Version| {
            let mut sides = Side::BOTH.into_iter().filter(|side| digests[*side].as_ref() == Some(&version.digest));
            // Of one version on both sides nobody can tell who answered.
            sides.next().filter(|_| sides.next().is_none())
        };
        self.answers.iter().filter(|(at, _)| at.mono_ms >= since.mono_ms).map(|(_, version)| of(version)).collect()
    }

    /// Why users do not yet get all of what an order to `target` wants, where that can be told: the last answers since
    /// `sent` are not all by the side that has to give them. A split between both sides is not waited for.
    pub(super) fn waits_for(&self, world: &World, sent: Stamp, target: Split) -> Option<String> {
        let side = target.majority().filter(|side| target.share(*side) == 100)?;
        if self.is_blind(world) {
            return None;
        }
        let who = self.who(world, sent);
        let last: Vec<_> = who.iter().rev().take(PROOF).collect();
        let is_proven = last.len() == PROOF && last.iter().all(|it| **it == Some(side));
        (!is_proven).then(|| format!("users' own address is not answered by {side} alone yet"))
    }

    /// Whether it cannot tell anything: it is not reached, or both sides serve one version, or an unknown one.
    pub(super) fn is_blind(&self, world: &World) -> bool {
        let digests = world.sides.map(|side, _| world.version_digest(side));
        let is_told = digests.blue.is_some() && digests.green.is_some() && digests.blue != digests.green;
        !is_told || self.fault.is_some() || self.answers.is_empty()
    }

    /// That users get something else than the router says, beyond its lag and chance.
    pub(super) fn disagrees(&self, world: &World) -> Option<String> {
        let (since, split) = self.since?;
        if world.now.since_ms(since) < LAG_MS + 1_000 || self.is_blind(world) || !world.router_is_fresh() {
            return None;
        }
        let who = self.who(world, since.plus_ms(LAG_MS as i64));
        let told: Vec<Side> = who.into_iter().flatten().collect();
        let (n, green) = (told.len(), told.iter().filter(|side| **side == Side::Green).count());
        let share = f64::from(split.share(Side::Green)) / 100.0;
        (n > 0 && is_rare(n, green, share)).then(|| {
            format!("users get something else: {green} of {n} requests at their own address came from green, the router says {split}")
        })
    }

    pub(super) fn status(&self, world: &World) -> FrontStatus {
        let who = self.who(world, world.now.plus_ms(-(WINDOW_MS as i64)));
        let count = |side: Option<Side>| who.iter().filter(|it| **it == side).count() as u32;
        FrontStatus {
            blue: count(Some(Side::Blue)),
            green: count(Some(Side::Green)),
            neither: count(None),
            window_s: WINDOW_MS as f64 / 1000.0,
            age_s: self.answers.back().map(|(at, _)| world.now.since_ms(*at) as f64 / 1000.0),
            fault: self.fault.as_ref().map(|(_, why)| why.clone()),
        }
    }
}

/// Whether `k` of `n` is a rare count where each has the chance `p`.
fn is_rare(n: usize, k: usize, p: f64) -> bool {
    if p <= 0.0 || p >= 1.0 {
        return k != if p <= 0.0 { 0 } else { n };
    }
    let mut chance = (1.0 - p).powi(n as i32);
    let (mut below, mut at_most) = (0.0, 0.0);
    for i in 0..=n {
        if i > 0 {
            chance *= (n - i + 1) as f64 / i as f64 * p / (1.0 - p);
        }
        if i < k {
            below += chance;
        }
        if i <= k {
            at_most += chance;
        }
    }
    at_most < RARE / 2.0 || 1.0 - below < RARE / 2.0
}

#[cfg(test)]
mod tests {
    use super::is_rare;

    #[test]
    fn chance_is_told_from_another_split() {
        assert!(!is_rare(20, 2, 0.1) && !is_rare(20, 0, 0.1) && !is_rare(20, 7, 0.1));
        assert!(is_rare(20, 20, 0.1) && is_rare(60, 0, 0.5));
        assert!(is_rare(20, 1, 0.0) && is_rare(20, 19, 1.0) && !is_rare(20, 20, 1.0));
    }
}
