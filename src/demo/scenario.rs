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
    /// Blue, the way back, dies once green has all traffic.
    DeadBlue,
}

impl Scenario {
    /// All of them, as help texts list them.
    pub const ALL: [Self; 5] = [Self::Good, Self::SlowGreen, Self::WrongGreen, Self::FlakyGreen, Self::DeadBlue];

    /// As `--scenario` takes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::SlowGreen => "slow-green",
            Self::WrongGreen => "wrong-green",
            Self::FlakyGreen => "flaky-green",
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
            Self::DeadBlue => "blue dies once green has all traffic: the way back is lost",
        }
    }

    /// How each side's server behaves from the moment the scenario is chosen.
    pub const fn modes(self) -> Pair<Mode> {
        let green = match self {
            Self::Good | Self::DeadBlue => Mode::Good,
            Self::SlowGreen => Mode::Slow,
            Self::WrongGreen => Mode::Wrong,
            Self::FlakyGreen => Mode::Flaky,
        };
        Pair { blue: Mode::Good, green }
    }

    /// What changes when green has all traffic (after a few seconds, so that it is seen), if anything.
    pub const fn when_green_is_live(self) -> Option<(Side, Mode)> {
        match self {
            Self::DeadBlue => Some((Side::Blue, Mode::Dead)),
            _ => None,
        }
    }

    /// The exit code of a run without a terminal that ends as it should (design: exit codes).
    pub const fn expected_exit(self) -> u8 {
        match self {
            Self::Good => 0,
            Self::WrongGreen => 3,
            // All traffic has moved, but the rollback window that was asked for could not be kept.
            Self::DeadBlue => 4,
            Self::SlowGreen | Self::FlakyGreen => 5,
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
        assert_eq!(error, "no scenario \"good \": choose one of good, slow-green, wrong-green, flaky-green, dead-blue");
    }

    #[test]
    fn blue_starts_sound_and_only_dead_blue_changes_later() {
        for scenario in Scenario::ALL {
            assert_eq!(scenario.modes().blue, Mode::Good);
            assert_eq!(scenario.when_green_is_live().is_some(), scenario == Scenario::DeadBlue);
        }
    }
}
