//! The drawing characters, in two sets: box and block characters of width 1, or plain ASCII.
//!
//! Unicode calls lines and blocks, and ≤ ≥ → Δ too, of ambiguous width: one column, but two on a terminal that is set
//! to take the East Asian reading. Every program that draws frames needs them, and so does that terminal's user need to
//! say so: `--ascii`. What can be had of certain width is: no braille, emoji, private or wide character is among them.

/// Which set is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Glyphs {
    /// Box Drawing, Block Elements and a few arrows and signs.
    #[default]
    Unicode,
    /// Every byte below 0x80.
    Ascii,
}

/// One set of drawing characters; each is one column wide, except the ASCII word for Δ.
#[derive(Debug)]
pub struct Set {
    /// Horizontal line.
    pub h: &'static str,
    /// Vertical line.
    pub v: &'static str,
    /// Corners: top left, top right, bottom left, bottom right.
    pub corners: [&'static str; 4],
    /// Sparkline levels from 1 to 8.
    pub ramp: [&'static str; 8],
    /// A cell of the split bar that belongs to blue.
    pub blue: &'static str,
    /// A cell of the split bar that belongs to green.
    pub green: &'static str,
    /// A cell of the split bar while the router was never read.
    pub unread: &'static str,
    /// A step that is done in a progress bar, and one that is not.
    pub progress: [&'static str; 2],
    /// At most.
    pub le: &'static str,
    /// At least.
    pub ge: &'static str,
    /// From here to there.
    pub arrow: &'static str,
    /// Between a step's number and its shares.
    pub step: &'static str,
    /// The difference to the other side.
    pub delta: &'static str,
}

const UNICODE: Set = Set {
    h: "─",
    v: "│",
    corners: ["┌", "┐", "└", "┘"],
    ramp: ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"],
    blue: "█",
    green: "▒",
    unread: "░",
    progress: ["█", "░"],
    le: "≤",
    ge: "≥",
    arrow: "→",
    step: "▸",
    delta: "Δ",
};

const ASCII: Set = Set {
    h: "-",
    v: "|",
    corners: ["+", "+", "+", "+"],
    ramp: ["_", ".", "-", "=", "+", "*", "%", "#"],
    blue: "B",
    green: "g",
    unread: "?",
    progress: ["#", "."],
    le: "<=",
    ge: ">=",
    arrow: ">",
    step: ":",
    delta: "diff",
};

impl Set {
    /// Every character of the set.
    pub fn all(&self) -> Vec<&'static str> {
        let single = [self.h, self.v, self.blue, self.green, self.unread, self.le, self.ge, self.arrow, self.step];
        [&self.corners[..], &self.ramp, &self.progress, &single, &[self.delta]].concat()
    }
}

impl Glyphs {
    /// The characters of this set.
    pub const fn set(self) -> &'static Set {
        match self {
            Self::Unicode => &UNICODE,
            Self::Ascii => &ASCII,
        }
    }
}
