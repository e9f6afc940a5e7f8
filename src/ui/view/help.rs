//! What the help tells: the keys in force, those of the pane with the focus first.

use super::command::WORDS;
use super::{Overlay, Pane, View};
use crate::ui::actions::{Danger, Row, table};
use crate::ui::text::contains;

/// One line of the help.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HelpLine {
    /// What the lines below have in common.
    Heading(String),
    /// An action, or a command.
    Entry {
        /// The keys in force, parted by spaces; `:word` for commands.
        keys: String,
        /// What it does, and which keys the table gives it where they are others.
        text: String,
        /// What it can bring about.
        danger: Danger,
    },
}

impl View {
    /// Every line of the help that has to do with what is searched for; headings stand over something.
    pub fn help_lines(&self) -> Vec<HelpLine> {
        match &self.overlay {
            Some(Overlay::Help { search, .. }) => self.help_with(search),
            _ => self.help_with(""),
        }
    }

    /// How many lines there are without a search.
    pub fn help_size(&self) -> usize {
        self.help_with("").len()
    }

    fn help_with(&self, search: &str) -> Vec<HelpLine> {
        let pane = match self.focus {
            Pane::Blue | Pane::Green => "sides",
            Pane::Gates => "gates",
            Pane::Log => "log",
            Pane::Events => "events",
        };
        // What moves the cursor means the same in every pane, and is no reason to look here.
        let here = |row: &&Row| row.panes.split(", ").any(|named| named == pane) && !row.panes.contains("help");
        let acts = |row: &&Row| row.danger.acts() && !here(row);
        let rest = |row: &&Row| !row.danger.acts() && !here(row);
        let entries =
            |wanted: &dyn Fn(&&Row) -> bool| table().iter().filter(wanted).map(|row| self.entry(row)).collect();
        let words = WORDS.iter().map(|(word, rest)| HelpLine::Entry {
            keys: format!(":{word}"),
            text: (*rest).to_owned(),
            danger: Danger::Looks,
        });
        let sections: [(String, Vec<HelpLine>); 4] = [
            (format!("IN THIS PANE: {}", pane.to_uppercase()), entries(&here)),
            ("WHAT ACTS".into(), entries(&acts)),
            ("EVERYWHERE".into(), entries(&rest)),
            ("COMMAND LINE".into(), words.collect()),
        ];
        let mut lines = Vec::new();
        for (heading, mut entries) in sections {
            entries.retain(|entry| entry.has(search));
            if !entries.is_empty() {
                lines.push(HelpLine::Heading(heading));
                lines.append(&mut entries);
            }
        }
        lines
    }

    fn entry(&self, row: &Row) -> HelpLine {
        let keys = self.keymap.spelled(row.act).join(" ");
        let was = if self.keymap.is_remapped(row) { format!("  (was {})", row.keys.join(" ")) } else { String::new() };
        HelpLine::Entry {
            keys: if keys.is_empty() { format!(":{}", row.name) } else { keys },
            text: format!("{}{was}", row.help),
            danger: row.danger,
        }
    }

    /// How far the help can be scrolled: its last line stays at the bottom.
    pub(super) fn help_end(&self) -> usize {
        // Header, split, the box's edges and the lines at the bottom take about eight rows.
        let rows = usize::from(self.size.1.saturating_sub(8)).max(1);
        self.help_lines().len().saturating_sub(rows)
    }
}

impl HelpLine {
    fn has(&self, search: &str) -> bool {
        match self {
            Self::Heading(_) => true,
            Self::Entry { keys, text, danger } => {
                contains(keys, search) || contains(text, search) || contains(danger.told(), search)
            }
        }
    }
}
