//! The demo's scenarios: which side has which fault, when, and how the rollout should end.
//!
//! In every scenario blue is live at the start and green is the candidate.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::behaviour::{Mode, names};
use crate::domain::{Pair, Side};

/// A scenario.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Scenario {
    /// green is sound: gates pass and traffic moves over in three steps
    #[default]
    Good,
    /// green passes its gates, then answers its users in 300 ms and more: a guard rolls back
    SlowGreen,
    /// green is fast and wrong, it reads images transposed: the golden gate blocks it
    WrongGreen,
    /// green passes its gates, then fails a tenth of its users' requests: a guard rolls back
    FlakyGreen,
    /// green is within every limit, but four times as slow as blue: the guard that compares rolls back
    WorseGreen,
    /// green dies once it has a tenth of the users: the guard on errors or the plan itself rolls back
    DeadGreen,
    /// green takes 650 ms to say that it is ready: the health gate blocks it
    SluggishGreen,
    /// green answers 500 to what it cannot read: the smoke gate blocks it
    FragileGreen,
    /// green can only do one thing at a time: the load gate blocks it before any user waits
    NarrowGreen,
    /// blue dies once green has all traffic: the way back is lost
    DeadBlue,
}

/// What happens at a certain share of green.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LateFault {
    /// Green's share in percent at which it happens.
    pub at: u8,
    /// The side whose server changes.
    pub side: Side,
    /// Its behaviour from then on.
    pub mode: Mode,
    /// Whether the fault ends when green has no users: as with a cache that thrashes under load, but not with a
    /// process that died.
    pub passes: bool,
}

impl Scenario {
    /// All scenarios, in the order of help texts.
    pub fn all() -> &'static [Self] {
        Self::value_variants()
    }

    /// One line for people: the doc comment of the scenario.
    pub fn description(self) -> String {
        let help = self.to_possible_value().and_then(|value| value.get_help().map(ToString::to_string));
        help.unwrap_or_default()
    }

    /// How each side's server behaves from the start of the scenario.
    pub const fn modes(self) -> Pair<Mode> {
        let green = match self {
            Self::WrongGreen => Mode::Wrong,
            Self::SluggishGreen => Mode::Sluggish,
            Self::FragileGreen => Mode::Fragile,
            Self::NarrowGreen => Mode::Narrow,
            Self::Good | Self::SlowGreen | Self::FlakyGreen | Self::WorseGreen | Self::DeadGreen | Self::DeadBlue => {
                Mode::Good
            }
        };
        Pair { blue: Mode::Good, green }
    }

    /// The fault that comes during the scenario, if any.
    pub fn late_fault(self) -> Option<LateFault> {
        // Gates cannot detect these faults: they appear with users on green.
        let with_users = |mode| Some(LateFault { at: 1, side: Side::Green, mode, passes: true });
        match self {
            Self::SlowGreen => with_users(Mode::Slow),
            Self::FlakyGreen => with_users(Mode::Flaky),
            Self::WorseGreen => with_users(Mode::Worse),
            Self::DeadBlue => Some(LateFault { at: 100, side: Side::Blue, mode: Mode::Dead, passes: false }),
            Self::DeadGreen => Some(LateFault { at: 10, side: Side::Green, mode: Mode::Dead, passes: false }),
            _ => None,
        }
    }
}

/// A running scenario: whether its late fault is on, and since when it is due.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ScenarioRun {
    /// The scenario.
    pub scenario: Scenario,
    /// How long green has its share before the fault starts, so that the share is shown first.
    delay: Duration,
    due: Option<Instant>,
    struck: bool,
}

impl ScenarioRun {
    /// A scenario at its start.
    pub(crate) fn new(scenario: Scenario, delay: Duration) -> Self {
        Self { scenario, delay, due: None, struck: false }
    }

    /// Whether the fault is on.
    pub(crate) fn struck(&self) -> bool {
        self.struck
    }

    /// The side whose server changes now, and its new mode, when green has `share` percent at `now`.
    pub(crate) fn turn(&mut self, share: u8, now: Instant) -> Option<(Side, Mode)> {
        let late_fault = self.scenario.late_fault()?;
        if share < late_fault.at {
            self.due = None;
            let passes = late_fault.passes && std::mem::take(&mut self.struck);
            return passes.then(|| (late_fault.side, self.scenario.modes()[late_fault.side]));
        }
        let due = *self.due.get_or_insert(now + self.delay);
        if self.struck || now < due {
            return None;
        }
        self.struck = true;
        Some((late_fault.side, late_fault.mode))
    }
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

impl FromStr for Scenario {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        <Self as ValueEnum>::from_str(text, false).map_err(|_| {
            format!("no scenario {:?}: choose one of {}", crate::domain::text::clean(text, 40), names::<Self>())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_back_to_scenarios_and_match_their_json() {
        for &scenario in Scenario::all() {
            assert_eq!(scenario.to_string().parse(), Ok(scenario));
            assert_eq!(serde_json::to_value(scenario).unwrap(), scenario.to_string());
        }
        let error = "good\u{1b}[0m ".parse::<Scenario>().unwrap_err();
        assert!(error.starts_with("no scenario \"good \": choose one of good, slow-green, wrong-green"), "{error}");
    }

    #[test]
    fn what_no_gate_sees_comes_later() {
        for &scenario in Scenario::all() {
            assert_eq!(scenario.modes().blue, Mode::Good);
            let blocked = scenario.expected_exit() == 3;
            assert_eq!(scenario.modes().green != Mode::Good, blocked, "{scenario}");
            assert_eq!(scenario.late_fault().is_some(), !blocked && scenario != Scenario::Good, "{scenario}");
        }
    }

    /// The changes that a series of shares causes, one share a second.
    fn turns(scenario: Scenario, shares: &[u8]) -> Vec<Option<(Side, Mode)>> {
        let (mut run, start) = (ScenarioRun::new(scenario, Duration::from_secs(1)), Instant::now());
        let at = |i: usize| start + Duration::from_secs(i as u64);
        shares.iter().enumerate().map(|(i, share)| run.turn(*share, at(i))).collect()
    }

    #[test]
    fn a_fault_comes_with_the_users_and_goes_with_them_but_the_dead_stay_dead() {
        let (slow, good) = (Some((Side::Green, Mode::Slow)), Some((Side::Green, Mode::Good)));
        let seen = turns(Scenario::SlowGreen, &[0, 10, 10, 50, 0, 0, 10, 0, 10, 10]);
        assert_eq!(seen, [None, None, slow, None, good, None, None, None, None, slow]);
        let dead = Some((Side::Green, Mode::Dead));
        assert_eq!(turns(Scenario::DeadGreen, &[1, 10, 10, 0, 10, 10]), [None, None, dead, None, None, None]);
        assert!(turns(Scenario::DeadBlue, &[99; 9]).iter().all(Option::is_none));
        assert_eq!(turns(Scenario::DeadBlue, &[100; 2])[1], Some((Side::Blue, Mode::Dead)));
        assert!(turns(Scenario::Good, &[100; 9]).iter().all(Option::is_none));
    }
}
