//! The key line: the keys worth knowing, as many of them as the width has room for.

use ratatui::layout::Rect;

use super::canvas::Canvas;
use crate::engine::Command;
use crate::ui::actions::{Act, Danger, Row, table};
use crate::ui::text::width;
use crate::ui::theme::Role;

/// How much the key line tells.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Telling {
    /// Every key with a word in the table, two spaces between.
    All,
    /// Those of the 80-column drawing, one space between.
    Most,
    /// What acts, and the ways to learn about the rest.
    Least,
}

impl Telling {
    fn tells(self, row: &Row) -> bool {
        let acts = row.danger != Danger::Looks;
        match self {
            Self::All => true,
            Self::Most => acts || row.name != "zoom",
            Self::Least => acts || matches!(row.act, Act::Help | Act::CommandLine),
        }
    }

    const fn gap(self) -> &'static str {
        if matches!(self, Self::All) { "  " } else { " " }
    }

    /// What stands between a key and its word.
    fn between(self, key: &str) -> &'static str {
        if self != Self::All && matches!(key, "?" | ":" | "/") { "" } else { " " }
    }

    /// The columns of the row's entry, without the gap after it.
    fn columns(self, row: &Row, label: &str) -> usize {
        width(row.keys[0]) + self.between(row.keys[0]).len() + width(label)
    }

    /// The rows of the key line, and their words.
    fn rows(self) -> impl Iterator<Item = (&'static Row, &'static str)> {
        table().iter().filter(move |row| self.tells(row)).filter_map(|row| row.footer.map(|label| (row, label)))
    }

    /// The columns of the whole line: the gap before what acts is a border of three columns, the last one may be cut.
    fn width(self) -> usize {
        let gap = self.gap().len();
        let entries: usize = self.rows().map(|(row, label)| self.columns(row, label) + gap).sum();
        1 + entries - gap + 3 - gap
    }
}

/// What stands in the key line in place of the keys that act.
const READ_ONLY: [&str; 2] = ["READ-ONLY, looking only", "READ-ONLY"];

/// The keys worth knowing, from the table; what is blocked is dim. An entry is there whole or not at all.
pub fn keys(canvas: &mut Canvas<'_>, area: Rect) {
    let status = canvas.live().map(|snapshot| &snapshot.status);
    let read_only = status.is_some_and(|status| status.driver.read_only);
    let forms = [Telling::All, Telling::Most, Telling::Least];
    let fitting = forms.into_iter().find(|form| form.width() <= usize::from(area.width));
    let form = fitting.unwrap_or(Telling::Least);
    let end = area.right();
    let room = |x: u16| usize::from(end.saturating_sub(x));
    let mut x = canvas.put(area.x, area.y, area.width, " ", Role::Text);
    let mut acting = false;
    for (row, label) in form.rows() {
        let acts = row.danger != Danger::Looks;
        if acts && read_only {
            break;
        }
        let (gap, line) = (form.gap(), if acts == acting { 0 } else { 3 - form.gap().len() });
        if room(x) < line + form.columns(row, label) {
            break;
        }
        if acts != acting {
            acting = true;
            x = canvas.parts(
                x.saturating_sub(gap.len() as u16),
                area.y,
                3,
                &[(" ", Role::Text), (canvas.set.v, Role::Border), (" ", Role::Text)],
            );
        }
        let dim = status.is_some_and(|status| status.blocked.iter().any(|blocked| blocked.command == verb(row)));
        let key = row.keys[0];
        x = canvas.parts(
            x,
            area.y,
            end - x,
            &[
                (key, if dim { Role::Dim } else { Role::Key }),
                (form.between(key), Role::Text),
                (label, if dim { Role::Dim } else { Role::Text }),
            ],
        );
        x = canvas.put(x, area.y, gap.len() as u16, &gap[..gap.len().min(room(x))], Role::Text);
    }
    if let Some(note) = READ_ONLY.into_iter().find(|note| read_only && width(note) <= room(x)) {
        canvas.put(x, area.y, end - x, note, Role::Warn);
    }
}

fn verb(row: &Row) -> &'static str {
    match row.name {
        "hold" => Command::Pause.verb(),
        name => name,
    }
}
