//! Colours for terminals that have fewer of them.

use ratatui::style::Color;

use super::Background;
use super::contrast::{READABLE, contrast};

/// How many colours the terminal has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Depth {
    /// None: only bold, dim, underline and reverse.
    None,
    /// The 16 named ones.
    Ansi16,
    /// The 256 of xterm.
    Indexed256,
    /// All.
    Rgb,
}

impl Depth {
    /// The colour that comes nearest; `None` where the terminal's own must do.
    pub(super) fn reduce(self, color: Color, background: Background) -> Option<Color> {
        match (self, color) {
            (Self::None, _) => None,
            (Self::Indexed256, Color::Rgb(r, g, b)) => Some(Color::Indexed(nearest_256([r, g, b]))),
            (Self::Ansi16, Color::Rgb(r, g, b)) => named([r, g, b], background),
            (Self::Ansi16, Color::Indexed(n)) if n > 15 => named(rgb_of_256(n), background),
            _ => Some(color),
        }
    }
}

/// The named colours in the order of their numbers.
pub(crate) const NAMED: [Color; 16] = [
    Color::Black,
    Color::Red,
    Color::Green,
    Color::Yellow,
    Color::Blue,
    Color::Magenta,
    Color::Cyan,
    Color::Gray,
    Color::DarkGray,
    Color::LightRed,
    Color::LightGreen,
    Color::LightYellow,
    Color::LightBlue,
    Color::LightMagenta,
    Color::LightCyan,
    Color::White,
];

/// What xterm and the Linux and VGA consoles make of the sixteen. Users change them, so neither is certain: a colour
/// is taken to be readable only where it is in both.
#[expect(clippy::unreadable_literal, reason = "each is a colour: rrggbb")]
const PALETTES: [[u32; 16]; 2] = [
    [
        0x000000, 0xcd0000, 0x00cd00, 0xcdcd00, 0x0000ee, 0xcd00cd, 0x00cdcd, 0xe5e5e5, 0x7f7f7f, 0xff0000, 0x00ff00,
        0xffff00, 0x5c5cff, 0xff00ff, 0x00ffff, 0xffffff,
    ],
    [
        0x000000, 0xaa0000, 0x00aa00, 0xaa5500, 0x0000aa, 0xaa00aa, 0x00aaaa, 0xaaaaaa, 0x555555, 0xff5555, 0x55ff55,
        0xffff55, 0x5555ff, 0xff55ff, 0x55ffff, 0xffffff,
    ],
];

/// The named colour of this number, in both.
pub(super) fn named_rgb(n: usize) -> [[u8; 3]; 2] {
    PALETTES.map(|palette| {
        let [_, r, g, b] = palette[n].to_be_bytes();
        [r, g, b]
    })
}

const CUBE: [u8; 6] = [0, 95, 135, 175, 215, 255];

/// The nearest of xterm's colours: of its cube or of its greys. The lowest 16 are left out, users change them.
fn nearest_256(rgb: [u8; 3]) -> u8 {
    (16..=255).min_by_key(|&n| distance(rgb_of_256(n), rgb)).unwrap_or(16)
}

/// What xterm defines for the numbers above 15.
pub(super) fn rgb_of_256(n: u8) -> [u8; 3] {
    if n >= 232 {
        return [8 + (n - 232) * 10; 3];
    }
    let n = usize::from(n.max(16) - 16);
    [CUBE[n / 36], CUBE[n / 6 % 6], CUBE[n % 6]]
}

fn distance(a: [u8; 3], b: [u8; 3]) -> u32 {
    (0..3).map(|i| u32::from(a[i].abs_diff(b[i])).pow(2)).sum()
}

/// The nearest of the sixteen that is of a like hue and can be read on the background; the terminal's own where none
/// can, and for greys, which are near black on some terminals and near white on others.
fn named(rgb: [u8; 3], background: Background) -> Option<Color> {
    let wanted = hue(rgb)?;
    let candidate = |n: usize| {
        let [xterm, console] = named_rgb(n);
        let is_readable = |rgb| contrast(rgb, background.rgb()) >= READABLE;
        let apart = (hue(xterm)? - wanted).abs();
        let apart = apart.min(360.0 - apart);
        // Hue goes before lightness: two sides of unlike hue must not fall to one colour.
        (apart <= 50.0 && is_readable(xterm) && is_readable(console))
            .then(|| ((apart / 25.0) as u8, distance(xterm, rgb), NAMED[n]))
    };
    (1..16).filter_map(candidate).min_by_key(|(apart, distance, _)| (*apart, *distance)).map(|(.., color)| color)
}

/// The hue in degrees; `None` for greys.
fn hue(rgb: [u8; 3]) -> Option<f64> {
    let [r, g, b] = rgb.map(f64::from);
    let (most, least) = (r.max(g).max(b), r.min(g).min(b));
    let spread = most - least;
    if spread < 0.15 * most.max(1.0) {
        return None;
    }
    let sixth = if most <= r {
        ((g - b) / spread).rem_euclid(6.0)
    } else if most <= g {
        (b - r) / spread + 2.0
    } else {
        (r - g) / spread + 4.0
    };
    Some(sixth * 60.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t13_colours_fall_to_the_nearest_that_can_be_read() {
        let dark = |rgb: [u8; 3]| named(rgb, Background::Dark);
        let light = |rgb: [u8; 3]| named(rgb, Background::Light);
        // Light blue is too dark on black in both palettes, no green can be read on white.
        assert_eq!(dark([0x5f, 0xaf, 0xff]), Some(Color::Cyan));
        assert_eq!(dark([0x5f, 0xd7, 0x87]), Some(Color::Green));
        assert_eq!(light([0x00, 0x4f, 0x9f]), Some(Color::Blue));
        assert_eq!(light([0x00, 0x5f, 0x2d]), None);
        assert_eq!((dark([0x9e; 3]), light([0x5f; 3])), (None, None));
        assert_eq!(nearest_256([0x9e; 3]), 247);
        assert_eq!(nearest_256([0x5f, 0xaf, 0xff]), 75);
    }

    #[test]
    fn hues_go_round() {
        for (rgb, want) in [([255, 0, 0], 0.0), ([0, 255, 0], 120.0), ([0, 0, 255], 240.0), ([255, 0, 255], 300.0)] {
            assert!((hue(rgb).unwrap() - want).abs() < 1e-9, "{rgb:?}");
        }
        assert_eq!(hue([0; 3]), None);
    }
}
