//! What a piece of the screen means: the names that theme files give styles to.

use ratatui::style::{Modifier, Style};

/// What a piece of the screen means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
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

/// A role as theme files and the documentation name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RoleDoc {
    /// The role.
    pub role: Role,
    /// Its name in a theme file.
    pub name: &'static str,
    /// What is drawn in it.
    pub doc: &'static str,
}

const fn row(role: Role, name: &'static str, doc: &'static str) -> RoleDoc {
    RoleDoc { role, name, doc }
}

/// Every role, in the order of the type.
pub const TABLE: [RoleDoc; 14] = [
    row(Role::Text, "text", "what is there to be read: values, log lines"),
    row(Role::Dim, "dim", "what may be overlooked: labels, limits, hints, ages"),
    row(Role::Title, "title", "the heading of a pane, the phase, the name of the service"),
    row(Role::Focus, "focus", "the heading of the pane that has the focus"),
    row(Role::Border, "border", "lines around panes"),
    row(Role::Banner, "banner", "the name of the environment"),
    row(Role::SideBlue, "side_blue", "what belongs to the blue side: its name, share and sparklines"),
    row(Role::SideGreen, "side_green", "what belongs to the green side"),
    row(Role::Ok, "ok", "a gate that passes"),
    row(Role::Warn, "warn", "deserves attention: near a limit, paused, not yet decided, a fault's text"),
    row(Role::Fail, "fail", "stands in the way or is broken: FAIL, BLOCKED, STALE, DRIFT"),
    row(Role::Key, "key", "a key to be pressed"),
    row(Role::Prompt, "prompt", "a question, and how far an order under way is"),
    row(Role::Selected, "selected", "the row that is selected; laid over what the row has"),
];

/// Every role, in the order of the type.
pub(crate) const ROLES: [Role; TABLE.len()] = {
    let mut roles = [Role::Text; TABLE.len()];
    let mut at = 0;
    while at < TABLE.len() {
        roles[at] = TABLE[at].role;
        at += 1;
    }
    roles
};

impl Role {
    /// The role's look when its colour is lost and it has no attribute.
    ///
    /// Lines may be faint. Text never is: terminals draw faint text with as little as two fifths of its light, which
    /// is less than eyes need.
    pub(super) fn without_colour(self) -> Style {
        let attributes = match self {
            Self::Border => Modifier::DIM,
            Self::SideBlue | Self::Title | Self::Warn | Self::Key => Modifier::BOLD,
            Self::Focus => Modifier::BOLD.union(Modifier::UNDERLINED),
            Self::Banner | Self::Fail => Modifier::BOLD.union(Modifier::REVERSED),
            Self::Prompt => Modifier::REVERSED,
            Self::Selected => Modifier::UNDERLINED,
            Self::Text | Self::Dim | Self::SideGreen | Self::Ok => return Style::new(),
        };
        Style::new().add_modifier(attributes)
    }
}
