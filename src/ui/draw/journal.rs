//! The log and the journal's events.

use std::fmt::Write as _;

use ratatui::layout::Rect;

use super::canvas::Canvas;
use crate::domain::{LogLevel, LogLine};
use crate::ui::text::{count, fit, width};
use crate::ui::theme::Role;
use crate::ui::view::{Pane, View};

/// The log pane; `boxed` draws a frame around it.
pub fn log(canvas: &mut Canvas<'_>, area: Rect, boxed: bool) -> Option<(u16, u16)> {
    if area.height == 0 {
        return None;
    }
    let pane = &canvas.view.log;
    let events = !View::shows_events(canvas.area());
    let focused = canvas.view.focus == Pane::Log;
    let what = match (&pane.gate, boxed) {
        (Some(gate), _) => format!(" {}", fit(gate, 24)),
        (None, true) => "  all gates".to_owned(),
        (None, false) => "  all".to_owned(),
    };
    let filter = match (pane.filter.is_empty(), boxed) {
        (true, true) => "   filter: none".to_owned(),
        (true, false) => String::new(),
        (false, _) => format!("   filter: {}", fit(&pane.filter, 20)),
    };
    let right = state(canvas, boxed, events);
    let role = if focused { Role::Focus } else { Role::Title };
    let title = [("4 LOG", role), (what.as_str(), Role::Text), (filter.as_str(), Role::Warn)];
    let inner = if boxed {
        canvas.frame(area, &title, &right, ["", ""])
    } else {
        canvas.rule(area, &title, &right);
        Rect { y: area.y + 1, height: area.height - 1, ..area }
    };
    for (row, line) in pane.window(usize::from(inner.height), events).into_iter().enumerate() {
        log_line(canvas, Rect { y: inner.y + row as u16, height: 1, ..inner }, line, boxed);
    }
    (focused && inner.height > 0).then_some((inner.x, inner.bottom() - 1))
}

fn state(canvas: &Canvas<'_>, boxed: bool, events: bool) -> String {
    let pane = &canvas.view.log;
    let dropped = pane.dropped + canvas.live().map_or(0, |snapshot| snapshot.status.dropped);
    let mut out = if pane.follows() {
        "FOLLOW".to_owned()
    } else {
        format!("PAUSED +{} new", count(pane.new_lines(events) as u64))
    };
    out.push_str(if boxed { "   f follow   " } else { "  " });
    // Writing to a string cannot fail.
    let _ = write!(out, "{} lines", count(pane.len() as u64));
    if dropped > 0 || boxed {
        let _ = write!(out, "  {} dropped", count(dropped));
    }
    out
}

fn log_line(canvas: &mut Canvas<'_>, area: Rect, line: &LogLine, boxed: bool) {
    let role = match line.level {
        LogLevel::Info => Role::Text,
        LogLevel::Warn => Role::Warn,
        LogLevel::Err => Role::Fail,
    };
    let time = format!(" {} ", line.at.format("%H:%M:%S"));
    let level = format!("{:<4} ", line.level.title());
    // The message starts in one column where there is room for that.
    let wide: usize = if boxed { 16 } else { 0 };
    // A log of one gate need not name it on every line.
    let source = if canvas.view.log.gate.is_some() { String::new() } else { fit(&line.source, 24) };
    let pad = if source.is_empty() { String::new() } else { " ".repeat(wide.saturating_sub(width(&source) + 1) + 1) };
    let end = canvas.parts(
        area.x,
        area.y,
        area.width.saturating_sub(1),
        &[(&time, Role::Dim), (&level, role), (&source, Role::Dim), (&pad, Role::Text)],
    );
    canvas.put(
        end,
        area.y,
        area.right().saturating_sub(end + 1),
        &line.text,
        if line.level == LogLevel::Info { Role::Text } else { Role::Warn },
    );
}

/// The events pane.
pub fn events(canvas: &mut Canvas<'_>, area: Rect) {
    let focused = canvas.view.focus == Pane::Events;
    let title = [("5 EVENTS", if focused { Role::Focus } else { Role::Title }), (" (audit)", Role::Text)];
    let snapshot = canvas.shown();
    let digest = snapshot.map_or("", |snapshot| snapshot.status.digest.as_str());
    let inner = canvas.frame(area, &title, digest, ["", ""]);
    let Some(snapshot) = snapshot else { return };
    let upto = canvas.view.cursor.map_or(snapshot.events.len(), |at| snapshot.events.partition_point(|e| e.at <= at));
    let skip = upto.saturating_sub(usize::from(inner.height));
    for (row, event) in snapshot.events.iter().take(upto).skip(skip).enumerate() {
        let time = format!(" {} ", event.at.format("%H:%M:%S"));
        let by = fit(&event.by, 8);
        let pad = " ".repeat(1.max(5_usize.saturating_sub(width(&by)) + 1));
        let mark = if event.warn { "! " } else { "" };
        let role = if event.warn { Role::Warn } else { Role::Text };
        canvas.parts(
            inner.x,
            inner.y + row as u16,
            inner.width.saturating_sub(1),
            &[(&time, Role::Dim), (&by, Role::Dim), (&pad, Role::Text), (mark, role), (&event.text, role)],
        );
    }
}
