//! The stories the demo can tell: which side has which fault, when, and how the rollout should end.
//!
//! Blue is live at the start and green is the candidate, whatever the scenario.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::behaviour::Mode;
use crate::domain::{Pair, Side};

/// A story.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scenario {
    /// Green is as good as it should be.
    #[default]
    Good,
    /// Green passes its gates and gets slow under traffic.
    SlowGreen,
    /// Green is fast and wrong.
    WrongGreen,
    /// Green passes its gates and fails some requests under traffic.
    FlakyGreen,
    /// Green is within every limit under traffic, and four times as slow as blue.
    WorseGreen,
    /// Green dies once it has its first users.
    DeadGreen,
    /// Green says it is ready, but slowly.
    SluggishGreen,
    /// Green falls over what it cannot read.
    FragileGreen,
    /// Green is fast until more comes than one worker can do.
    NarrowGreen,
    /// Blue, the way back, dies once green has all traffic.
    DeadBlue,
}

/// What happens once green has had its share for a few seconds, so that it is seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Twist {
    /// Green's share in percent at which it happens.
    pub at: u8,
    /// Whose server changes.
    pub side: Side,
    /// How it behaves from then on.
    pub mode: Mode,
}

impl Scenario {
    /// All of them, as help texts list them.
    pub const ALL: [Self; 10] = [
        Self::Good,
        Self::SlowGreen,
        Self::WrongGreen,
        Self::FlakyGreen,
        Self::WorseGreen,
        Self::DeadGreen,
        Self::SluggishGreen,
        Self::FragileGreen,
        Self::NarrowGreen,
        Self::DeadBlue,
    ];

    /// As `--scenario` takes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::SlowGreen => "slow-green",
            Self::WrongGreen => "wrong-green",
            Self::FlakyGreen => "flaky-green",
            Self::WorseGreen => "worse-green",
            Self::DeadGreen => "dead-green",
            Self::SluggishGreen => "sluggish-green",
            Self::FragileGreen => "fragile-green",
            Self::NarrowGreen => "narrow-green",
            Self::DeadBlue => "dead-blue",
        }
    }

    /// One line for people.
    pub const fn description(self) -> &'static str {
        match self {
            Self::Good => "green is sound: gates pass and traffic moves over in three steps",
            Self::SlowGreen => {
                "green passes its gates, then answers in 300 ms and more under traffic: a guard rolls back"
            }
            Self::WrongGreen => "green is fast and wrong, it reads images transposed: the golden gate blocks it",
            Self::FlakyGreen => {
                "green passes its gates, then fails a tenth of its requests under traffic: a guard rolls back"
            }
            Self::WorseGreen => {
                "green is within every limit, but four times as slow as blue: the guard that compares rolls back"
            }
            Self::DeadGreen => {
                "green dies once it has a tenth of the users: the guard on errors or the plan itself rolls back"
            }
            Self::SluggishGreen => "green takes 650 ms to say that it is ready: the health gate blocks it",
            Self::FragileGreen => "green answers 500 to what it cannot read: the smoke gate blocks it",
            Self::NarrowGreen => "green can only do one thing at a time: the load gate blocks it before any user waits",
            Self::DeadBlue => "blue dies once green has all traffic: the way back is lost",
        }
    }

    /// How each side's server behaves from the moment the scenario is chosen.
    pub const fn modes(self) -> Pair<Mode> {
        let green = match self {
            Self::Good | Self::DeadBlue | Self::DeadGreen => Mode::Good,
            Self::SlowGreen => Mode::Slow,
            Self::WrongGreen => Mode::Wrong,
            Self::FlakyGreen => Mode::Flaky,
            Self::WorseGreen => Mode::Worse,
            Self::SluggishGreen => Mode::Sluggish,
            Self::FragileGreen => Mode::Fragile,
            Self::NarrowGreen => Mode::Narrow,
        };
        Pair { blue: Mode::Good, green }
    }

    /// What changes while it is played, if anything.
    pub const fn twist(self) -> Option<Twist> {
        match self {
            Self::DeadBlue => Some(Twist { at: 100, side: Side::Blue, mode: Mode::Dead }),
            Self::DeadGreen => Some(Twist { at: 10, side: Side::Green, mode: Mode::Dead }),
            _ => None,
        }
    }

    /// The exit code of a run without a terminal that ends as it should (design: exit codes).
    pub const fn expected_exit(self) -> u8 {
        match self {
            Self::Good => 0,
            Self::WrongGreen | Self::SluggishGreen | Self::FragileGreen | Self::NarrowGreen => 3,
            // All traffic has moved, but the rollback window that was asked for could not be kept.
            Self::DeadBlue => 4,
            Self::SlowGreen | Self::FlakyGreen | Self::WorseGreen | Self::DeadGreen => 5,
        }
    }
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Scenario {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|scenario| scenario.name() == text).ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            format!("no scenario {:?}: choose one of {names}", crate::domain::text::clean(text, 40))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_back_to_scenarios_and_match_their_json() {
        for scenario in Scenario::ALL {
            assert_eq!(scenario.to_string().parse(), Ok(scenario));
            assert_eq!(serde_json::to_value(scenario).unwrap(), scenario.name());
        }
        let error = "good\u{1b}[0m ".parse::<Scenario>().unwrap_err();
        assert!(error.starts_with("no scenario \"good \": choose one of good, slow-green, wrong-green"), "{error}");
    }

    #[test]
    fn blue_starts_sound_and_what_dies_dies_later() {
        for scenario in Scenario::ALL {
            assert_eq!(scenario.modes().blue, Mode::Good);
            let dies = matches!(scenario, Scenario::DeadBlue | Scenario::DeadGreen);
            assert_eq!(scenario.twist().is_some(), dies, "{scenario}");
        }
    }
}
