//! The log and the journal's events.

mod log;
mod wrap;

use ratatui::layout::Rect;

use super::canvas::Canvas;
use crate::ui::text::{fit, width};
use crate::ui::theme::Role;
use crate::ui::view::Pane;

pub(super) use self::log::log;
pub(super) use self::wrap::wrap;

/// The events pane: the journal's, and the marks that are on this screen alone.
pub(super) fn events(canvas: &mut Canvas<'_>, area: Rect) {
    let focused = canvas.view.focus == Pane::Events;
    let title = [("5 EVENTS", if focused { Role::Focus } else { Role::Title }), (" (audit)", Role::Text)];
    let snapshot = canvas.shown();
    let digest = snapshot.map_or("", |snapshot| snapshot.status.digest.as_str());
    let inner = canvas.frame(area, &title, digest, (&[], ""));
    let Some(snapshot) = snapshot else { return };
    let events = snapshot.events.iter().map(|event| (event.at, event.by.as_str(), event.text.as_str(), event.warn));
    let marks = canvas.view.log.marks().map(|mark| (mark.at, mark.source.as_str(), mark.text.as_str(), false));
    let mut all: Vec<_> = events.chain(marks).collect();
    all.sort_by_key(|(at, ..)| *at);
    if let Some(upto) = canvas.view.cursor {
        all.retain(|(at, ..)| *at <= upto);
    }
    let skip = all.len().saturating_sub(usize::from(inner.height));
    for (row, (at, by, text, warn)) in all.into_iter().skip(skip).enumerate() {
        let time = format!(" {} ", at.format("%H:%M:%S"));
        let by = fit(by, 8);
        let pad = " ".repeat(1.max(5_usize.saturating_sub(width(&by)) + 1));
        let mark = if warn { "! " } else { "" };
        let role = if warn { Role::Warn } else { Role::Text };
        canvas.parts(
            inner.x,
            inner.y + row as u16,
            inner.width.saturating_sub(1),
            &[(&time, Role::Dim), (&by, Role::Dim), (&pad, Role::Text), (mark, role), (text, role)],
        );
    }
}
