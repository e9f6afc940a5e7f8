//! What `[ui]` means: how the console looks.

use super::keys;
use crate::settings::{Node, Table, values};

/// When there is colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ColorWhen {
    /// As environment and terminal have it.
    #[default]
    Auto,
    /// Whatever the environment says.
    Always,
    /// Never.
    Never,
}

/// How many colours the terminal has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColorDepth {
    /// None: bold, underline and reverse alone.
    None,
    /// The 16 named ones.
    Sixteen,
    /// The 256 of xterm.
    Indexed,
    /// 24 bits.
    Truecolor,
}

/// How the console looks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UiSpec {
    /// The theme's name, or the path of its file: one with a `/` or the ending `.toml`, from the config's directory.
    pub theme: String,
    /// Whether there is colour.
    pub color: ColorWhen,
    /// How many colours, where that is not to be detected.
    pub depth: Option<ColorDepth>,
    /// Whether only ASCII is drawn, where the locale is not to decide.
    pub ascii: Option<bool>,
}

impl Default for UiSpec {
    fn default() -> Self {
        Self { theme: "dark".into(), color: ColorWhen::Auto, depth: None, ascii: None }
    }
}

/// The section, where there is one.
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
        color: table.get("color").and_then(|node| node.choice(&colors)).unwrap_or_default(),
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
