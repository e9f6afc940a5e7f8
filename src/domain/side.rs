//! Blue and green: the two places, and the roles they play.

use std::fmt;
use std::ops::{Index, IndexMut};

use serde::{Deserialize, Serialize};

/// One of the two environments. A colour is a place, never a judgement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// The blue environment.
    Blue,
    /// The green environment.
    Green,
}

impl Side {
    /// Both sides, blue first: the order in which they are drawn.
    pub const BOTH: [Self; 2] = [Self::Blue, Self::Green];

    /// The side that is not this one.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Blue => Self::Green,
            Self::Green => Self::Blue,
        }
    }

    /// `blue` or `green`, as configs, journals and JSON spell it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Blue => "blue",
            Self::Green => "green",
        }
    }

    /// `BLUE` or `GREEN`, as the screen spells it.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Blue => "BLUE",
            Self::Green => "GREEN",
        }
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// What a side is for at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Takes production traffic.
    Live,
    /// Is to be promoted.
    Candidate,
    /// Kept warm as the way back.
    Standby,
}

impl Role {
    /// `LIVE`, `CANDIDATE` or `STANDBY`.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Live => "LIVE",
            Self::Candidate => "CANDIDATE",
            Self::Standby => "STANDBY",
        }
    }
}

/// One value per side; indexed by [`Side`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Pair<T> {
    /// Blue's value.
    pub blue: T,
    /// Green's value.
    pub green: T,
}

impl<T> Pair<T> {
    /// A pair from a function of the side.
    pub fn from_fn(mut f: impl FnMut(Side) -> T) -> Self {
        Self { blue: f(Side::Blue), green: f(Side::Green) }
    }

    /// A pair of what `f` makes of each value.
    pub fn map<U>(&self, mut f: impl FnMut(Side, &T) -> U) -> Pair<U> {
        Pair { blue: f(Side::Blue, &self.blue), green: f(Side::Green, &self.green) }
    }

    /// Both values with their sides, blue first.
    pub fn iter(&self) -> impl Iterator<Item = (Side, &T)> {
        [(Side::Blue, &self.blue), (Side::Green, &self.green)].into_iter()
    }
}

impl<T> Index<Side> for Pair<T> {
    type Output = T;
    fn index(&self, side: Side) -> &T {
        match side {
            Side::Blue => &self.blue,
            Side::Green => &self.green,
        }
    }
}

impl<T> IndexMut<Side> for Pair<T> {
    fn index_mut(&mut self, side: Side) -> &mut T {
        match side {
            Side::Blue => &mut self.blue,
            Side::Green => &mut self.green,
        }
    }
}
