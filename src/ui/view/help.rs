//! The lines of the help: the keys in force, those of the pane with the focus first, and the topics of the manual.

use super::command::words;
use super::{Overlay, Pane, View};
use crate::manual::{Topic, markdown, topics};
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
    /// A page of the manual.
    Topic(&'static Topic),
}

impl View {
    /// Every line of the help that has to do with what is searched for. No heading is without lines below it.
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
        let words = words().into_iter().map(|(word, rest)| HelpLine::Entry {
            keys: format!(":{word}"),
            text: rest.to_owned(),
            danger: Danger::Looks,
        });
        let sections: [(String, Vec<HelpLine>); 5] = [
            (format!("IN THIS PANE: {}", pane.to_uppercase()), entries(&here)),
            ("WHAT ACTS".into(), entries(&acts)),
            ("EVERYWHERE".into(), entries(&rest)),
            ("COMMAND LINE".into(), words.collect()),
            ("MANUAL: Enter opens a page".into(), topics().map(HelpLine::Topic).collect()),
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

    /// The last line: once it is on the screen, scrolling moves the cursor down to it.
    pub(super) fn help_end(&self) -> usize {
        self.help_lines().len().saturating_sub(1)
    }

    /// Enter in the help: the first topic at or below the cursor gets it, and one that has it is opened.
    pub(super) fn help_enter(&mut self) {
        let lines = self.help_lines();
        let Some(Overlay::Help { scroll, .. }) = &mut self.overlay else { return };
        match topic_at(&lines, *scroll) {
            Some((at, topic)) if at == *scroll => self.read(topic),
            Some((at, _)) => *scroll = at,
            None => {}
        }
    }

    /// Opens a page of the manual, at the first line with what is searched for.
    pub(super) fn read(&mut self, topic: &Topic) {
        let wide = usize::from(self.size.0.saturating_sub(6)).clamp(20, 100);
        let lines = markdown::plain(&topic.text, wide);
        let searched = match &self.overlay {
            Some(Overlay::Help { search, .. }) if !search.is_empty() => search.as_str(),
            _ => "# ",
        };
        let scroll = lines.iter().position(|line| contains(line, searched)).unwrap_or(0);
        self.overlay = Some(Overlay::Record { title: format!("MANUAL {}", topic.name), lines, scroll });
    }
}

/// The first topic at or below a line, and its line.
pub(crate) fn topic_at(lines: &[HelpLine], from: usize) -> Option<(usize, &'static Topic)> {
    lines.iter().enumerate().skip(from).find_map(|(at, line)| match line {
        HelpLine::Topic(topic) => Some((at, *topic)),
        _ => None,
    })
}

impl HelpLine {
    fn has(&self, search: &str) -> bool {
        match self {
            Self::Heading(_) => true,
            Self::Topic(topic) => {
                let Topic { name, summary, text } = topic;
                contains(name, search) || contains(summary, search) || contains(text, search)
            }
            Self::Entry { keys, text, danger } => {
                contains(keys, search) || contains(text, search) || contains(danger.told(), search)
            }
        }
    }
}
