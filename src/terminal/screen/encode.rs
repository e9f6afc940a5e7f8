//! Encodes cells as bytes.
//!
//! This replaces ratatui's crossterm backend for four reasons. Without colour it sends no colour command (crossterm
//! sends a reset, which ends bold). It sends nothing when nothing changed. No control character of a cell gets
//! through. After a character whose width differs between terminals it sets the column again.

use std::borrow::Cow;
use std::io::Write;

use ratatui::buffer::Cell;
use ratatui::style::{Color, Modifier};

use crate::terminal::capability::Depth;
use crate::ui::theme::depth::NAMED;

/// Turns changed cells into bytes, in the order given.
#[derive(Debug)]
pub(super) struct Encoder {
    out: Vec<u8>,
    depth: Depth,
    unicode: bool,
    style: Style,
    /// The terminal's cursor position, if known.
    at: Option<(u16, u16)>,
    row: Option<u16>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Style {
    fg: Color,
    bg: Color,
    modifier: Modifier,
}

impl Style {
    const PLAIN: Self = Self { fg: Color::Reset, bg: Color::Reset, modifier: Modifier::empty() };
}

/// The attributes that are sent. Blinking is not used.
const ATTRIBUTES: [(Modifier, &str); 7] = [
    (Modifier::BOLD, ";1"),
    (Modifier::DIM, ";2"),
    (Modifier::ITALIC, ";3"),
    (Modifier::UNDERLINED, ";4"),
    (Modifier::REVERSED, ";7"),
    (Modifier::HIDDEN, ";8"),
    (Modifier::CROSSED_OUT, ";9"),
];

impl Encoder {
    pub(super) fn new(depth: Depth, unicode: bool) -> Self {
        Self { out: Vec::new(), depth, unicode, style: Style::PLAIN, at: None, row: None }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.out.is_empty()
    }

    pub(super) fn cells<'a>(&mut self, cells: impl Iterator<Item = (u16, u16, &'a Cell)>) {
        for (x, y, cell) in cells {
            self.go_to(x, y);
            self.set_style(Style {
                fg: self.fit(cell.fg),
                bg: self.fit(cell.bg),
                modifier: cell.modifier.difference(Modifier::SLOW_BLINK | Modifier::RAPID_BLINK),
            });
            let symbol = printable(cell.symbol(), self.unicode);
            self.out.extend_from_slice(symbol.as_bytes());
            self.at = (columns(&symbol) == Some(1)).then_some((x + 1, y));
        }
    }

    /// The bytes. The style is reset at their end.
    pub(super) fn finish(mut self) -> Vec<u8> {
        self.set_style(Style::PLAIN);
        self.out
    }

    fn go_to(&mut self, x: u16, y: u16) {
        if self.at != Some((x, y)) {
            // Writing to a vector does not fail.
            let _ = if self.row == Some(y) {
                write!(self.out, "\x1b[{}G", x + 1)
            } else {
                write!(self.out, "\x1b[{};{}H", y + 1, x + 1)
            };
        }
        self.row = Some(y);
    }

    fn set_style(&mut self, style: Style) {
        if style == self.style {
            return;
        }
        self.out.extend_from_slice(b"\x1b[0");
        for (modifier, code) in ATTRIBUTES {
            if style.modifier.contains(modifier) {
                self.out.extend_from_slice(code.as_bytes());
            }
        }
        self.color(style.fg, 30);
        self.color(style.bg, 40);
        self.out.push(b'm');
        self.style = style;
    }

    /// `base` is 30 for the foreground, 40 for the background.
    fn color(&mut self, color: Color, base: u8) {
        let _ = match color {
            Color::Reset => Ok(()),
            Color::Rgb(r, g, b) => write!(self.out, ";{};2;{r};{g};{b}", base + 8),
            Color::Indexed(n) => write!(self.out, ";{};5;{n}", base + 8),
            named => {
                let n = number(named);
                write!(self.out, ";{}", if n < 8 { base + n } else { base + 60 + n - 8 })
            }
        };
    }

    /// The colour that the terminal can show; otherwise the terminal's default colour.
    fn fit(&self, color: Color) -> Color {
        match (self.depth, color) {
            (Depth::None, _) | (Depth::Ansi16, Color::Rgb(..) | Color::Indexed(16..)) => Color::Reset,
            (Depth::Indexed256, Color::Rgb(r, g, b)) => Color::Indexed(16 + 36 * level(r) + 6 * level(g) + level(b)),
            (Depth::Ansi16, Color::Indexed(n)) => NAMED[usize::from(n)],
            _ => color,
        }
    }
}

fn number(named: Color) -> u8 {
    NAMED.iter().position(|c| *c == named).unwrap_or(7) as u8
}

/// The step of the 6x6x6 cube nearest to `value`: 0, 95, 135, 175, 215, 255.
const fn level(value: u8) -> u8 {
    match value {
        0..=47 => 0,
        48..=114 => 1,
        _ => (value - 35) / 40,
    }
}

/// `symbol` with `?` for every control character, and, without Unicode, for every character beyond ASCII.
pub(super) fn printable(symbol: &str, unicode: bool) -> Cow<'_, str> {
    let bad = |c: char| c.is_control() || (!unicode && !c.is_ascii());
    if symbol.contains(bad) { Cow::Owned(symbol.replace(bad, "?")) } else { Cow::Borrowed(symbol) }
}

/// The number of columns of a symbol; `None` if terminals disagree.
fn columns(symbol: &str) -> Option<u16> {
    let mut chars = symbol.chars();
    match (chars.next(), chars.next()) {
        // ASCII, Latin-1 and Latin Extended, Greek and Cyrillic, and arrows, box and block elements, shapes.
        (
            Some(
                ' '..='~'
                | '\u{a1}'..='\u{ac}'
                | '\u{ae}'..='\u{2ff}'
                | '\u{370}'..='\u{482}'
                | '\u{2190}'..='\u{2193}'
                | '\u{2500}'..='\u{25ff}',
            ),
            None,
        ) => Some(1),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encode(depth: Depth, unicode: bool, cells: &[(u16, u16, Cell)]) -> String {
        let mut encoder = Encoder::new(depth, unicode);
        encoder.cells(cells.iter().map(|(x, y, cell)| (*x, *y, cell)));
        String::from_utf8(encoder.finish()).unwrap()
    }

    fn styled(fg: Color, bg: Color, modifier: Modifier) -> Cell {
        let mut cell = Cell::new("x");
        cell.fg = fg;
        cell.bg = bg;
        cell.modifier = modifier;
        cell
    }

    #[test]
    fn neighbours_need_no_movement_and_a_gap_only_the_column() {
        let x = || Cell::new("x");
        let out = encode(Depth::Rgb, true, &[(2, 1, x()), (3, 1, x()), (9, 1, x()), (0, 2, x())]);
        assert_eq!(out, "\x1b[2;3Hxx\x1b[10Gx\x1b[3;1Hx");
    }

    #[test]
    fn every_colour_at_every_depth() {
        for (depth, color, want) in [
            (Depth::Rgb, Color::Rgb(1, 2, 3), "\x1b[0;38;2;1;2;3m"),
            (Depth::Indexed256, Color::Rgb(255, 95, 0), "\x1b[0;38;5;202m"),
            (Depth::Indexed256, Color::Indexed(200), "\x1b[0;38;5;200m"),
            (Depth::Ansi16, Color::Indexed(9), "\x1b[0;91m"),
            (Depth::Ansi16, Color::Rgb(1, 2, 3), ""),
            (Depth::Ansi16, Color::White, "\x1b[0;97m"),
            (Depth::Ansi16, Color::Black, "\x1b[0;30m"),
            (Depth::None, Color::Red, ""),
        ] {
            let out = encode(depth, true, &[(0, 0, styled(color, Color::Reset, Modifier::empty()))]);
            let end = if want.is_empty() { "" } else { "\x1b[0m" };
            assert_eq!(out, format!("\x1b[1;1H{want}x{end}"), "{depth:?} {color:?}");
        }
        let out = encode(Depth::Ansi16, true, &[(0, 0, styled(Color::Gray, Color::DarkGray, Modifier::BOLD))]);
        assert_eq!(out, "\x1b[1;1H\x1b[0;1;37;100mx\x1b[0m");
    }

    #[test]
    fn t11_without_colour_bold_and_reverse_stay() {
        let cell = styled(Color::Red, Color::Blue, Modifier::BOLD | Modifier::REVERSED);
        assert_eq!(encode(Depth::None, true, &[(0, 0, cell)]), "\x1b[1;1H\x1b[0;1;7mx\x1b[0m");
    }

    #[test]
    fn t53_nothing_blinks() {
        let cell = styled(Color::Reset, Color::Reset, Modifier::SLOW_BLINK | Modifier::RAPID_BLINK);
        assert_eq!(encode(Depth::Rgb, true, &[(0, 0, cell)]), "\x1b[1;1Hx");
    }

    #[test]
    fn t27_no_control_character_gets_through() {
        for bad in ["\u{1b}[2J", "\u{9b}31m", "\r", "\u{7f}"] {
            let out = encode(
                Depth::Rgb,
                true,
                &[(0, 0, Cell::new(""))].map(|(x, y, mut c)| {
                    c.set_symbol(bad);
                    (x, y, c)
                }),
            );
            let shown = out.strip_prefix("\x1b[1;1H").unwrap();
            assert!(!shown.chars().any(char::is_control), "{out:?}");
        }
    }

    #[test]
    fn t18_ascii_is_ascii() {
        assert!(encode(Depth::Rgb, false, &[(0, 0, Cell::new("█")), (1, 0, Cell::new("é"))]).is_ascii());
    }

    #[test]
    fn t20_after_a_wide_or_doubtful_character_the_column_is_stated() {
        let out = encode(Depth::Rgb, true, &[(0, 0, Cell::new("語")), (2, 0, Cell::new("│")), (3, 0, Cell::new("x"))]);
        assert_eq!(out, "\x1b[1;1H語\x1b[3G│x");
    }

    #[test]
    fn the_cube_has_its_steps() {
        assert_eq!([0, 95, 135, 175, 215, 255].map(level), [0, 1, 2, 3, 4, 5]);
    }
}
