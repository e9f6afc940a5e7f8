//! Colours and attributes by meaning. Themes are data: `themes/*.toml`.
//!
//! Hue is only ever used to tell the two sides apart; whether something is good or bad is said by words, and by bold,
//! reverse and underline. So a screen without colour says the same.

use std::collections::BTreeMap;
use std::fmt;

use ratatui::style::{Color, Modifier, Style};
use serde::Deserialize;

/// What a piece of the screen means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize, PartialOrd, Ord)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// What is there to be read.
    Text,
    /// What may be overlooked.
    Dim,
    /// The heading of a pane.
    Title,
    /// The heading of the pane that has the focus.
    Focus,
    /// Lines around panes.
    Border,
    /// The name of the environment.
    Banner,
    /// What belongs to the blue side.
    SideBlue,
    /// What belongs to the green side.
    SideGreen,
    /// All is well.
    Ok,
    /// Deserves attention.
    Warn,
    /// Stands in the way or is broken.
    Fail,
    /// A key to be pressed.
    Key,
    /// A question, and what an order under way does.
    Prompt,
    /// The row that is selected.
    Selected,
}

/// Every role, in the order of the type.
pub const ROLES: [Role; 14] = [
    Role::Text,
    Role::Dim,
    Role::Title,
    Role::Focus,
    Role::Border,
    Role::Banner,
    Role::SideBlue,
    Role::SideGreen,
    Role::Ok,
    Role::Warn,
    Role::Fail,
    Role::Key,
    Role::Prompt,
    Role::Selected,
];

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

/// A style for every role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Theme {
    styles: [Style; ROLES.len()],
}

/// Why a theme cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ThemeError(String);

impl fmt::Display for ThemeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ThemeError {}

const SHIPPED: [(&str, &str); 4] = [
    ("dark", include_str!("../../themes/dark.toml")),
    ("light", include_str!("../../themes/light.toml")),
    ("mono", include_str!("../../themes/mono.toml")),
    ("ansi16", include_str!("../../themes/ansi16.toml")),
];

/// A theme as its file spells it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    palette: BTreeMap<String, String>,
    roles: BTreeMap<Role, Spec>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
#[expect(clippy::struct_excessive_bools, reason = "each is an attribute a theme file sets by itself")]
struct Spec {
    fg: Option<String>,
    bg: Option<String>,
    bold: bool,
    dim: bool,
    underline: bool,
    reverse: bool,
}

impl Theme {
    /// The names of the themes that come with the program.
    pub fn names() -> impl Iterator<Item = &'static str> {
        SHIPPED.iter().map(|(name, _)| *name)
    }

    /// A theme that comes with the program: `dark`, `light`, `mono` or `ansi16`.
    ///
    /// # Errors
    /// There is no such theme.
    pub fn load(name: &str) -> Result<Self, ThemeError> {
        let (_, text) = SHIPPED.iter().find(|(known, _)| *known == name).ok_or_else(|| {
            let known: Vec<_> = Self::names().collect();
            ThemeError(format!("no theme {name:?}; known are {}", known.join(", ")))
        })?;
        Self::parse(text).map_err(|error| ThemeError(format!("theme {name:?}: {error}")))
    }

    /// A theme from the text of a theme file.
    ///
    /// # Errors
    /// The text is no TOML, names an unknown role, attribute or colour, or leaves a role out.
    pub fn parse(text: &str) -> Result<Self, ThemeError> {
        let file: File = toml::from_str(text).map_err(|error| ThemeError(error.to_string()))?;
        let mut styles = [Style::new(); ROLES.len()];
        for role in ROLES {
            let spec = file.roles.get(&role).ok_or_else(|| ThemeError(format!("the role {role:?} is not set")))?;
            styles[role as usize] = spec.style(&file.palette)?;
        }
        Ok(Self { styles })
    }

    /// This theme with no more colours than `depth` has.
    #[must_use]
    pub fn for_depth(mut self, depth: Depth) -> Self {
        for style in &mut self.styles {
            style.fg = style.fg.and_then(|color| reduce(color, depth));
            style.bg = style.bg.and_then(|color| reduce(color, depth));
        }
        self
    }

    /// The style of a role.
    pub const fn style(&self, role: Role) -> Style {
        self.styles[role as usize]
    }
}

impl Spec {
    fn style(&self, palette: &BTreeMap<String, String>) -> Result<Style, ThemeError> {
        let color = |name: &Option<String>| name.as_ref().map(|name| color(name, palette)).transpose();
        let mut style = Style { fg: color(&self.fg)?, bg: color(&self.bg)?, ..Style::new() };
        for (wanted, modifier) in [
            (self.bold, Modifier::BOLD),
            (self.dim, Modifier::DIM),
            (self.underline, Modifier::UNDERLINED),
            (self.reverse, Modifier::REVERSED),
        ] {
            if wanted {
                style = style.add_modifier(modifier);
            }
        }
        Ok(style)
    }
}

fn color(name: &str, palette: &BTreeMap<String, String>) -> Result<Color, ThemeError> {
    let text = palette.get(name).map_or(name, String::as_str);
    text.parse()
        .map_err(|_| ThemeError(format!("{name:?} is neither in the palette nor a colour (#rrggbb, 0-255, name)")))
}

fn reduce(color: Color, depth: Depth) -> Option<Color> {
    match (depth, color) {
        (Depth::None, _) => None,
        (Depth::Indexed256, Color::Rgb(r, g, b)) => Some(Color::Indexed(nearest_256(r, g, b))),
        (Depth::Ansi16, Color::Rgb(r, g, b)) => Some(nearest_16([r, g, b])),
        (Depth::Ansi16, Color::Indexed(n)) if n > 15 => Some(nearest_16(rgb_of_256(n))),
        _ => Some(color),
    }
}

const CUBE: [u8; 6] = [0, 95, 135, 175, 215, 255];

/// The colour of xterm's cube that is nearest.
fn nearest_256(r: u8, g: u8, b: u8) -> u8 {
    let step = |v: u8| (0..6_u8).min_by_key(|&i| CUBE[usize::from(i)].abs_diff(v)).unwrap_or(0);
    16 + 36 * step(r) + 6 * step(g) + step(b)
}

fn rgb_of_256(n: u8) -> [u8; 3] {
    if n >= 232 {
        return [8 + (n - 232) * 10; 3];
    }
    let n = usize::from(n.max(16) - 16);
    [CUBE[n / 36], CUBE[n / 6 % 6], CUBE[n % 6]]
}

fn nearest_16(rgb: [u8; 3]) -> Color {
    const NAMED: [(Color, [u8; 3]); 12] = [
        (Color::Gray, [229, 229, 229]),
        (Color::DarkGray, [127, 127, 127]),
        (Color::Red, [205, 0, 0]),
        (Color::Green, [0, 205, 0]),
        (Color::Yellow, [205, 205, 0]),
        (Color::Blue, [0, 0, 238]),
        (Color::Magenta, [205, 0, 205]),
        (Color::Cyan, [0, 205, 205]),
        (Color::LightBlue, [92, 140, 255]),
        (Color::LightGreen, [110, 240, 110]),
        (Color::White, [255, 255, 255]),
        (Color::Black, [0, 0, 0]),
    ];
    let distance = |known: [u8; 3]| -> u32 { (0..3).map(|i| u32::from(known[i].abs_diff(rgb[i])).pow(2)).sum() };
    NAMED.iter().min_by_key(|(_, known)| distance(*known)).map_or(Color::Reset, |(color, _)| *color)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shipped_theme_sets_every_role() {
        for name in Theme::names() {
            Theme::load(name).unwrap();
        }
        assert!(Theme::load("neon").unwrap_err().to_string().contains("dark"));
        assert!(Theme::parse("[roles]\ntext = {}\n").unwrap_err().to_string().contains("Dim"));
        assert!(Theme::parse("[roles]\nlol = {}\n").is_err());
    }

    #[test]
    fn hue_belongs_to_the_sides_alone() {
        for name in Theme::names() {
            let theme = Theme::load(name).unwrap();
            for role in ROLES {
                let style = theme.style(role);
                assert_eq!(style.bg, None, "{name}: the background is the terminal's");
                if !matches!(role, Role::SideBlue | Role::SideGreen) {
                    let grey = match style.fg {
                        None | Some(Color::Gray | Color::DarkGray | Color::White | Color::Black) => true,
                        Some(Color::Rgb(r, g, b)) => r == g && g == b,
                        Some(_) => false,
                    };
                    assert!(grey, "{name}: {role:?} has a hue");
                }
            }
        }
    }

    #[test]
    fn text_is_readable_on_its_background() {
        for (name, background) in [("dark", 0.0), ("light", 1.0)] {
            let theme = Theme::load(name).unwrap();
            for role in ROLES {
                if let Some(Color::Rgb(r, g, b)) = theme.style(role).fg {
                    let contrast = contrast(luminance([r, g, b]), background);
                    assert!(contrast >= 4.5, "{name}: {role:?} has contrast {contrast:.1}");
                }
            }
        }
    }

    #[test]
    fn without_colour_only_attributes_are_left() {
        for name in Theme::names() {
            let theme = Theme::load(name).unwrap().for_depth(Depth::None);
            for role in ROLES {
                assert_eq!((theme.style(role).fg, theme.style(role).bg), (None, None));
            }
        }
        let few = Theme::load("dark").unwrap().for_depth(Depth::Ansi16);
        assert!(ROLES.iter().all(|role| !matches!(few.style(*role).fg, Some(Color::Rgb(..) | Color::Indexed(_)))));
        assert_ne!(few.style(Role::SideBlue).fg, few.style(Role::SideGreen).fg);
        let many = Theme::load("dark").unwrap().for_depth(Depth::Indexed256);
        assert!(ROLES.iter().all(|role| !matches!(many.style(*role).fg, Some(Color::Rgb(..)))));
    }

    fn luminance(rgb: [u8; 3]) -> f64 {
        let linear = |v: u8| {
            let v = f64::from(v) / 255.0;
            if v <= 0.03928 { v / 12.92 } else { ((v + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * linear(rgb[0]) + 0.7152 * linear(rgb[1]) + 0.0722 * linear(rgb[2])
    }

    fn contrast(a: f64, b: f64) -> f64 {
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }
}
