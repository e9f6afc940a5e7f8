//! Reads `[ui]`: the appearance of the console.

use clap::ValueEnum;

use super::keys;
use crate::settings::{Node, Table, values};

/// When to use colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum ColorWhen {
    /// On a terminal, unless NO_COLOR is set
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// The number of colours to use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColorDepth {
    /// None: only bold, underline and reverse.
    None,
    /// The 16 named ones.
    Sixteen,
    /// The 256 of xterm.
    Indexed,
    /// 24 bits.
    Truecolor,
}

/// The appearance of the console.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UiSpec {
    /// The theme's name, or the path of its file (with a `/` or the ending `.toml`), relative to the config's
    /// directory.
    pub theme: String,
    /// When to use colour.
    pub color: ColorWhen,
    /// The number of colours, if it should not be detected.
    pub depth: Option<ColorDepth>,
    /// Whether to draw only ASCII, if the locale should not decide.
    pub ascii: Option<bool>,
}

impl Default for UiSpec {
    fn default() -> Self {
        Self { theme: "dark".into(), color: ColorWhen::Auto, depth: None, ascii: None }
    }
}

/// The section, if the file has one.
pub(super) fn ui(root: &Table<'_>) -> UiSpec {
    let Some(table) = root.get("ui").and_then(|node| node.table()) else { return UiSpec::default() };
    let table = table.keys_of(&[&keys::UI]);
    let colors = [("auto", ColorWhen::Auto), ("always", ColorWhen::Always), ("never", ColorWhen::Never)];
    let depths = [
        ("truecolor", ColorDepth::Truecolor),
        ("256", ColorDepth::Indexed),
        ("16", ColorDepth::Sixteen),
        ("none", ColorDepth::None),
    ];
    UiSpec {
        theme: table.get("theme").and_then(|node| theme(&node)).unwrap_or(UiSpec::default().theme),
        color: table.choice("color", &colors, ColorWhen::Auto),
        depth: table.get("depth").and_then(|node| node.choice(&depths)),
        ascii: table.get("ascii").and_then(|node| node.flag()),
    }
}

fn theme(node: &Node<'_>) -> Option<String> {
    let typed = node.text()?;
    if typed.is_empty() {
        return node.refuse("the name is empty".into(), "write e.g. \"dark\", or remove the key");
    }
    if !typed.contains('/') && !has_ending(typed) {
        return Some(typed.to_owned());
    }
    let path = values::path(node)?;
    Some(path.display().to_string())
}

fn has_ending(text: &str) -> bool {
    std::path::Path::new(text).extension().is_some_and(|ending| ending == "toml")
}
