//! The help over the panes: keys in force, what each does and whether it acts, and the topics of the manual.

use ratatui::layout::Rect;

use super::canvas::Canvas;
use crate::ui::actions::Danger;
use crate::ui::text::width;
use crate::ui::theme::Role;
use crate::ui::view::Overlay;
use crate::ui::view::help::{HelpLine, topic_at};

/// The widest the column of keys gets.
const KEYS_MAX: usize = 20;

/// Draws the help; the cursor where a search is typed, else on the topic that Enter takes.
pub(super) fn help(canvas: &mut Canvas<'_>, area: Rect) -> Option<(u16, u16)> {
    let Some(Overlay::Help { scroll, search, typing }) = canvas.view.overlay.as_ref() else { return None };
    let remapped = match canvas.view.keymap.remapped() {
        0 => String::new(),
        n => format!("   {n} remapped"),
    };
    let title = match (search.is_empty(), typing) {
        (_, true) => format!("HELP   search: {search}"),
        (true, false) => format!("HELP{remapped}   / search   Esc close"),
        (false, false) => format!("HELP   only {search:?}   / search   Esc close"),
    };
    let lines = canvas.view.help_lines();
    let column = lines.iter().map(keys_width).max().unwrap_or(0).min(KEYS_MAX);
    let longest = lines.iter().map(|line| text_width(line) + column + 9).max().unwrap_or(0);
    // All of the height, so that the box does not jump while a search is typed.
    let high = canvas.view.help_size() + 2;
    let at = canvas.middle(area, longest.max(width(&title) + 24).max(78), high, 12)?;
    let rows = usize::from(at.height - 2);
    let from = (*scroll).min(lines.len().saturating_sub(rows));
    let upto = (from + rows).min(lines.len());
    let more = match lines.len() {
        0 => "nothing found".to_owned(),
        n if n > rows => format!("{}-{upto} of {n}", from + 1),
        _ => String::new(),
    };
    let inner = canvas.frame(at, &[(&title, Role::Title)], &more, (&[("! moves traffic   * recorded", Role::Dim)], ""));
    let chosen = topic_at(&lines, *scroll).map(|(line, _)| line);
    let mut cursor = None;
    for (row, line) in lines[from..upto].iter().enumerate() {
        let place = Rect { x: inner.x + 1, y: inner.y + row as u16, width: inner.width.saturating_sub(2), height: 1 };
        one(canvas, place, line, column as u16);
        if chosen == Some(from + row) {
            canvas.restyle(place, Role::Selected);
            cursor = Some((place.x, place.y));
        }
    }
    let end = at.x + 3 + width(&title) as u16;
    if *typing { Some((end, at.y)).filter(|_| end < at.right()) } else { cursor }
}

fn one(canvas: &mut Canvas<'_>, place: Rect, line: &HelpLine, column: u16) {
    match line {
        HelpLine::Heading(text) => {
            canvas.put(place.x, place.y, place.width, text, Role::Title);
        }
        HelpLine::Entry { keys, text, danger } => {
            let (mark, role) = match danger {
                Danger::Looks => (" ", Role::Text),
                Danger::Notes | Danger::Records => ("*", Role::Dim),
                Danger::MovesTraffic => ("!", Role::Warn),
            };
            canvas.put(place.x + 1, place.y, column.min(place.width.saturating_sub(1)), keys, Role::Key);
            let x = place.x + 1 + column + 1;
            canvas.put(x, place.y, place.right().saturating_sub(x), mark, role);
            canvas.put(x + 2, place.y, place.right().saturating_sub(x + 2), text, Role::Text);
        }
        HelpLine::Topic(topic) => {
            canvas.put(place.x + 1, place.y, column.min(place.width.saturating_sub(1)), topic.name, Role::Key);
            let x = place.x + column + 4;
            canvas.put(x, place.y, place.right().saturating_sub(x), topic.summary, Role::Text);
        }
    }
}

fn keys_width(line: &HelpLine) -> usize {
    match line {
        HelpLine::Heading(_) => 0,
        HelpLine::Topic(topic) => width(topic.name),
        HelpLine::Entry { keys, .. } => width(keys),
    }
}

fn text_width(line: &HelpLine) -> usize {
    match line {
        HelpLine::Heading(text) | HelpLine::Entry { text, .. } => width(text),
        HelpLine::Topic(topic) => width(topic.summary),
    }
}
