//! Texts that can be opened: help, what blocks, what a command would do, why a gate has its state.

use ratatui::layout::Rect;

use super::canvas::Canvas;
use super::evidence::evidence;
use super::help::help;
use super::journal::wrap;
use super::plot::{Row, figures, plot};
use super::preview::preview;
use crate::domain::OrderState;
use crate::engine::{Snapshot, words};
use crate::ui::text::width;
use crate::ui::theme::Role;
use crate::ui::view::Overlay;

/// Draws what lies over the panes.
pub(super) fn overlay(canvas: &mut Canvas<'_>, area: Rect) -> Option<(u16, u16)> {
    let (title, scroll, lines) = match canvas.view.overlay.as_ref()? {
        Overlay::Help { .. } => return help(canvas, area),
        Overlay::Explain { scroll } => {
            ("WHAT BLOCKS   Esc close".to_owned(), *scroll, explain(canvas.live(), area.width))
        }
        Overlay::Preview(command) => (
            format!("PREVIEW {}   nothing is sent   Esc close", command.verb()),
            0,
            preview(canvas.live(), command, &canvas.view.keymap),
        ),
        Overlay::Record { title, lines, scroll } => {
            let wide = usize::from(area.width).saturating_sub(4).max(1);
            let lines = lines.iter().flat_map(|line| wrap(line, wide)).collect();
            (format!("{title}   Esc close"), *scroll, lines)
        }
        Overlay::Gate { name, scroll } => (format!("GATE {name}   Esc close"), *scroll, gate(canvas, name, area)),
    };
    let longest = lines.iter().map(|line| width(line) + 4).max().unwrap_or(0).max(width(&title) + 6).max(60);
    let at = canvas.middle(area, longest, lines.len() + 2, 6)?;
    let rows = usize::from(at.height - 2);
    let scroll = scroll.min(lines.len().saturating_sub(rows));
    let more =
        if lines.len() > rows { format!("{}-{} of {}", scroll + 1, scroll + rows, lines.len()) } else { String::new() };
    let inner = canvas.frame(at, &[(&title, Role::Title)], &more, (&[], ""));
    for (row, line) in lines.iter().skip(scroll).take(rows).enumerate() {
        canvas.put(inner.x + 1, inner.y + row as u16, inner.width.saturating_sub(2), line, Role::Text);
    }
    None
}

/// The evidence of a gate; a load's picture follows the words about the run.
fn gate(canvas: &Canvas<'_>, name: &str, area: Rect) -> Vec<String> {
    let snapshot = canvas.shown();
    let mut lines = evidence(snapshot, name);
    let Some(load) = snapshot.and_then(|snapshot| snapshot.detail.load_of(name)) else { return lines };
    let wide = usize::from(area.width).saturating_sub(4).min(120);
    let high = usize::from(area.height / 2).clamp(8, 16);
    let mut drawn: Vec<String> = if load.running { figures(&load.run).to_vec() } else { Vec::new() };
    let text = |row: Row| row.into_iter().map(|(text, _)| text).collect();
    drawn.extend(plot(&load.run, wide, high, canvas.set).into_iter().map(text));
    // Below what was found, above what it saw.
    let at = lines.iter().position(String::is_empty).unwrap_or(lines.len());
    lines.splice(at..at, std::iter::once(String::new()).chain(drawn));
    lines
}

/// Columns of what a line is about, before its text.
const ABOUT: usize = 10;

/// Every fault and blocker, and the last order's error, uncut: the remedy is at the end of such a text.
fn explain(snapshot: Option<&Snapshot>, columns: u16) -> Vec<String> {
    let Some(snapshot) = snapshot else { return vec!["nothing was read yet".into()] };
    let status = &snapshot.status;
    let mut told: Vec<(&str, String)> = status.faults.iter().map(|fault| ("FAULT", fault.text.clone())).collect();
    for (side, s) in status.sides.iter() {
        told.extend(s.faults.iter().map(|fault| (side.title(), fault.clone())));
    }
    told.extend(status.blocked.iter().map(|blocked| (blocked.command.verb(), blocked.because.clone())));
    if told.is_empty() {
        told.push(("", "nothing blocks, no faults".into()));
    }
    let failed = status.last_order.as_ref().filter(|order| order.state != OrderState::Verified);
    if let Some((order, why)) = failed.and_then(|order| Some((order, order.detail.as_ref()?))) {
        told.push(("LAST", format!("{} {} {}: {why}", order.command, order.id, order.state.title())));
    }
    told.extend(status.controller.iter().map(|it| ("SYSTEM", words::controller(it, status.time))));
    told.extend(status.notes.iter().map(|note| ("NOTE", note.clone())));
    let room = usize::from(columns).saturating_sub(ABOUT + 4);
    told.iter().flat_map(|(about, text)| hanging(about, text, room)).collect()
}

/// `text` in rows of at most `room` columns behind what it is about.
fn hanging(about: &str, text: &str, room: usize) -> Vec<String> {
    if about.is_empty() {
        return wrap(text, room + ABOUT);
    }
    let lead = |row: usize| if row == 0 { about } else { "" };
    wrap(text, room).iter().enumerate().map(|(row, text)| format!("{:<1$}{text}", lead(row), ABOUT)).collect()
}
