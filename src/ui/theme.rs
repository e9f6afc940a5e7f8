//! Colours and attributes by meaning. Themes are data: `themes/*.toml`, and files of the user's own.
//!
//! Hue only separates the two sides. Good and bad are said by words, and by bold,
//! reverse and underline. So a screen without colour says the same. A theme of the user's may do otherwise: it is
//! their screen, and the words stay.
//!
//! Nothing here reads a file: the caller passes the texts in (see [`Theme::resolve`]).

pub(crate) mod contrast;
pub(crate) mod depth;
mod file;
mod roles;

use std::collections::BTreeMap;
use std::path::PathBuf;

use ratatui::style::{Color, Modifier, Style};

use self::file::File;
use crate::settings::ConfigError;

pub use self::depth::Depth;
pub use self::roles::TABLE;
pub(crate) use self::roles::{ROLES, Role};

/// What a theme's colours were chosen for; the background itself is always left to the terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Background {
    /// Black, or nearly.
    #[default]
    Dark,
    /// White, or nearly.
    Light,
}

impl Background {
    /// The extreme of it, which contrast is computed against.
    pub const fn rgb(self) -> [u8; 3] {
        match self {
            Self::Dark => [0; 3],
            Self::Light => [255; 3],
        }
    }
}

/// A style for every role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Theme {
    name: String,
    background: Background,
    depth: Depth,
    /// As the theme's file has them.
    full: [Style; ROLES.len()],
    /// As `depth` allows.
    styles: [Style; ROLES.len()],
}

/// A theme file that somebody has read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The theme's name.
    pub name: String,
    /// The file as messages name it.
    pub file: PathBuf,
    /// Its text.
    pub text: String,
}

/// The default theme.
const DEFAULT: &str = "dark";

const SHIPPED: [(&str, &str); 5] = [
    (DEFAULT, include_str!("../../themes/dark.toml")),
    ("light", include_str!("../../themes/light.toml")),
    ("high-contrast", include_str!("../../themes/high-contrast.toml")),
    ("ansi16", include_str!("../../themes/ansi16.toml")),
    ("mono", include_str!("../../themes/mono.toml")),
];

/// Themes in one chain of `inherits` at most.
const CHAIN_MAX: usize = 8;

impl Theme {
    /// The names of the themes that come with the program.
    pub fn names() -> impl Iterator<Item = &'static str> {
        SHIPPED.iter().map(|(name, _)| *name)
    }

    /// Whether a theme of this name comes with the program.
    pub fn is_shipped(name: &str) -> bool {
        Self::names().any(|known| known == name)
    }

    /// A theme that comes with the program.
    ///
    /// # Errors
    /// There is no such theme.
    pub fn load(name: &str) -> Result<Self, ConfigError> {
        let source = shipped(name).ok_or_else(|| no_theme(name))?;
        Self::resolve(source, &mut |name| Err(no_theme(name)))
    }

    /// A theme from the text of a file that inherits from nothing but what comes with the program.
    ///
    /// # Errors
    /// Every fault of the text.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        let source = Source { name: "theme".into(), file: "theme".into(), text: text.into() };
        Self::resolve(source, &mut |name| Err(no_theme(name)))
    }

    /// A theme from its file and those it inherits from. `find` reads the file of a theme by name; it is not asked
    /// for those that come with the program.
    ///
    /// # Errors
    /// Every fault of the first file that has any, with its line and the remedy; or what `find` said, at the line
    /// that asked for it.
    pub fn resolve(
        source: Source,
        find: &mut dyn FnMut(&str) -> Result<Source, ConfigError>,
    ) -> Result<Self, ConfigError> {
        let name = source.name.clone();
        let mut seen = vec![name.clone()];
        let mut chain = vec![File::parse(source)?];
        while let Some((parent, at)) = chain.last().and_then(|file| file.inherits.clone()) {
            let no = |text: String, remedy: &str| chain.last().map_or(Ok(()), |file| file.no_parent(at, text, remedy));
            if seen.contains(&parent) {
                let way = [seen.join(" > "), parent.clone()].join(" > ");
                no(format!("a circle: {way}"), "let one of them inherit from \"dark\" or from nothing")?;
            } else if chain.len() == CHAIN_MAX {
                no(format!("is number {CHAIN_MAX} of a chain of themes"), "inherit from \"dark\" or \"light\"")?;
            }
            let source = shipped(&parent).map_or_else(|| find(&parent), Ok);
            let source = source.or_else(|error| no(error.first(), "").and(Err(error)))?;
            seen.push(parent);
            chain.push(File::parse(source)?);
        }
        let background = chain.iter().find_map(|file| file.background).unwrap_or_default();
        let full = styles(&chain)?;
        Ok(Self { name, background, depth: Depth::Rgb, full, styles: full })
    }

    /// This theme with no more colours than `depth` has. A role that loses its colour and has no attribute takes the
    /// attributes it has in the theme `mono`.
    #[must_use]
    pub fn for_depth(mut self, depth: Depth) -> Self {
        self.depth = depth;
        self.styles = self.full;
        for (style, role) in self.styles.iter_mut().zip(ROLES) {
            let had = style.fg.is_some() || style.bg.is_some();
            style.fg = style.fg.and_then(|color| depth.reduce(color, self.background));
            style.bg = style.bg.and_then(|color| depth.reduce(color, self.background));
            if had && style.fg.is_none() && style.bg.is_none() && style.add_modifier.is_empty() {
                *style = role.without_colour();
            }
        }
        self
    }

    /// How many colours it may use.
    pub const fn depth(&self) -> Depth {
        self.depth
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What its colours were chosen for.
    pub const fn background(&self) -> Background {
        self.background
    }

    /// The style of a role and nothing of what was drawn before: text on a line is not as faint as the line.
    pub fn whole(&self, role: Role) -> Style {
        let style = self.style(role);
        let own = |color: Option<Color>| Some(color.unwrap_or(Color::Reset));
        let others = Modifier::all().difference(style.add_modifier);
        Style { fg: own(style.fg), bg: own(style.bg), sub_modifier: others, ..style }
    }

    /// The style of a role, to be laid over what is there.
    pub const fn style(&self, role: Role) -> Style {
        self.styles[role as usize]
    }
}

fn shipped(name: &str) -> Option<Source> {
    let (name, text) = SHIPPED.iter().find(|(known, _)| *known == name)?;
    Some(Source { name: (*name).into(), file: format!("themes/{name}.toml").into(), text: (*text).into() })
}

/// That there is no theme of this name.
fn no_theme(name: &str) -> ConfigError {
    ConfigError::whole("", format!("there is no theme {name:?}"), &format!("known are {}", known()))
}

/// The names of the themes that come with the program, for messages.
pub(crate) fn known() -> String {
    Theme::names().collect::<Vec<_>>().join(", ")
}

/// Every role's style: the nearest file of the chain that sets it counts, colours are looked up in all palettes.
fn styles(chain: &[File]) -> Result<[Style; ROLES.len()], ConfigError> {
    let mut palette: BTreeMap<&str, Color> = BTreeMap::new();
    for file in chain.iter().rev() {
        palette.extend(file.palette.iter().map(|(name, color)| (name.as_str(), *color)));
    }
    let mut styles = [Style::new(); ROLES.len()];
    for (at, file) in chain.iter().enumerate() {
        let report = file.report();
        for (style, doc) in styles.iter_mut().zip(&TABLE) {
            let nearest = chain.iter().enumerate().find_map(|(at, file)| Some((at, file.roles.get(&doc.role)?)));
            match nearest {
                Some((nearest, spec)) if nearest == at => *style = spec.style(&palette, doc.name, &report),
                None if at + 1 == chain.len() => {
                    let remedy = format!("write {} = {{}} under [roles], or inherits = \"dark\" at the top", doc.name);
                    report.fault(0, String::new(), format!("the role {} is not set", doc.name), remedy);
                }
                _ => {}
            }
        }
        file.finish(&report)?;
    }
    Ok(styles)
}

#[cfg(test)]
mod tests;
