//! A frame from the view and a moment. Nothing is changed by drawing.
//!
//! ```text
//!  header: environment, service, phase, step            data age, rights, driver
//!  BLUE v41 90% ######################################...... 10% GREEN v42
//!  the steps of the plan (from 100 columns)
//! +- 1 BLUE --------------------+ +- 2 GREEN -------------------+
//! +-----------------------------+ +-----------------------------+
//! -- 3 GATES ---------------------------  (wide: 5 EVENTS beside)
//! -- 4 LOG ------------------------------------------------------
//!  LAST order and its CLI twin (large screens)
//!  FAULT (only when there is one)
//!  BLOCKED / NEXT
//!  ROLLBACK READY            } a rollback's question and an order
//!  keys                      } under way take these two lines
//! ```
//!
//! A screen too small for all of it loses panes from the middle; split, phase and rollback stay to the last line.

mod bottom;
mod canvas;
mod evidence;
mod gates;
mod header;
mod help;
mod journal;
mod keyline;
mod last;
mod layout;
mod offer;
mod order;
mod panel;
mod plot;
mod popup;
mod preview;
mod question;
mod rollback;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use self::canvas::Canvas;
use self::layout::{layout, take_bottom, take_top};
use super::theme::Role;
use super::view::{Pane, View};
use crate::domain::Side;
use crate::engine::Snapshot;

/// Draws the whole screen into `buf` and says where the cursor belongs, if anywhere.
pub fn draw(view: &View, buf: &mut Buffer, now_ms: u64) -> Option<(u16, u16)> {
    let area = buf.area;
    if area.width == 0 || area.height == 0 {
        return None;
    }
    buf.reset();
    let mut canvas = Canvas::new(view, buf, now_ms);
    let mut rest = area;
    if area.height < 3 {
        return tiny(&mut canvas, area);
    }
    let first = take_top(&mut rest, 1);
    if area.width < 24 {
        header::short(&mut canvas, first);
    } else {
        header::header(&mut canvas, first);
    }
    header::split(&mut canvas, take_top(&mut rest, 1));
    let bottom = take_bottom(&mut rest, bottom::height(view, area.height));
    let mut cursor = panes(&mut canvas, rest);
    cursor = bottom::bottom(&mut canvas, bottom).or(cursor);
    if let Some(at) = popup::overlay(&mut canvas, rest) {
        cursor = Some(at);
    }
    let over = Rect { height: area.height - 2.min(area.height), ..area };
    question::question(&mut canvas, over).or(cursor)
}

/// One or two lines: what matters most.
fn tiny(canvas: &mut Canvas<'_>, area: Rect) -> Option<(u16, u16)> {
    let last = Rect { y: area.bottom() - 1, height: 1, ..area };
    if bottom::has_something_to_say(canvas.view) {
        if area.height == 2 {
            header::short(canvas, Rect { height: 1, ..area });
        }
        return bottom::one_line(canvas, last);
    }
    header::short(canvas, Rect { height: 1, ..area });
    if area.height == 2 {
        rollback::rollback(canvas, last);
    }
    None
}

fn panes(canvas: &mut Canvas<'_>, area: Rect) -> Option<(u16, u16)> {
    if area.height == 0 {
        return None;
    }
    if canvas.view.zoom {
        return zoomed(canvas, area);
    }
    let gates = canvas.shown().map_or(0, |snapshot| snapshot.status.gates.len()).min(200) as u16;
    let gates = gates + gates::guards_wanted(canvas).min(3);
    let facts = panel::facts_wanted(canvas, area.width / 2);
    let at = layout(canvas.area(), area, gates, facts, panel::metrics_wanted(canvas));
    let mut cursor = None;
    if let Some(at) = at.plan {
        header::plan(canvas, at);
    }
    if let Some((at, shape)) = at.panels {
        cursor = panel::panels(canvas, at, shape).or(cursor);
    }
    if let Some(at) = at.lines {
        panel::line(canvas, Rect { height: 1, ..at }, Side::Blue);
        panel::line(canvas, Rect { y: at.y + 1, height: 1, ..at }, Side::Green);
        let row = u16::from(canvas.view.focus == Pane::Green);
        let focused = matches!(canvas.view.focus, Pane::Blue | Pane::Green);
        cursor = focused.then_some((at.x, at.y + row)).or(cursor);
    }
    if let Some(at) = at.summary {
        gates::summary(canvas, at);
        cursor = (canvas.view.focus == Pane::Gates).then_some((at.x, at.y)).or(cursor);
    }
    if let Some(pane) = at.gates {
        cursor = gates::gates(canvas, pane, at.boxed).or(cursor);
    }
    if let Some(at) = at.events {
        cursor = events(canvas, at).or(cursor);
    }
    if let Some(pane) = at.log {
        cursor = journal::log(canvas, pane, at.boxed).or(cursor);
    }
    if let Some(at) = at.last {
        last::last(canvas, at);
    }
    cursor
}

/// The events, and their newest line if the focus is on them.
fn events(canvas: &mut Canvas<'_>, area: Rect) -> Option<(u16, u16)> {
    journal::events(canvas, area);
    let cursor = canvas.view.cursor;
    let before = |snapshot: &Snapshot| snapshot.events.iter().filter(|e| cursor.is_none_or(|at| e.at <= at)).count();
    let lines = canvas.shown().map_or(0, before).min(usize::from(u16::MAX)) as u16;
    let row = lines.clamp(1, area.height.saturating_sub(2).max(1));
    (canvas.view.focus == Pane::Events && area.height > 2 && area.width > 2).then_some((area.x + 1, area.y + row))
}

fn zoomed(canvas: &mut Canvas<'_>, area: Rect) -> Option<(u16, u16)> {
    match canvas.view.focus {
        Pane::Blue => panel::zoomed(canvas, area, Side::Blue),
        Pane::Green => panel::zoomed(canvas, area, Side::Green),
        Pane::Gates => gates::zoomed(canvas, area),
        Pane::Log => journal::log(canvas, area, true),
        Pane::Events => events(canvas, area),
    }
}

/// How a gate or fault that deserves attention is drawn.
const fn attention(bad: bool) -> Role {
    if bad { Role::Fail } else { Role::Warn }
}
