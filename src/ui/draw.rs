//! A frame from the view and a moment. Nothing is changed by drawing.
//!
//! ```text
//!  header: environment, service, phase, step            data age, rights, driver
//!  BLUE v41 90% ######################################...... 10% GREEN v42
//!  (wide: the steps of the plan)
//! +- 1 BLUE --------------------+ +- 2 GREEN -------------------+
//! +-----------------------------+ +-----------------------------+
//! -- 3 GATES ---------------------------  (wide: 5 EVENTS beside)
//! -- 4 LOG ------------------------------------------------------
//!  FAULT (only when there is one)
//!  BLOCKED / NEXT
//!  ROLLBACK READY            } a rollback's question and an order
//!  keys                      } under way take these two lines
//! ```
//!
//! A screen too small for all of it loses panes from the middle; split, phase and rollback stay to the last line.

mod bottom;
mod canvas;
mod gates;
mod header;
mod help;
mod journal;
mod keyline;
mod offer;
mod order;
mod panel;
mod popup;
mod preview;
mod question;
mod rollback;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use self::canvas::Canvas;
use super::theme::Role;
use super::view::{Pane, View};
use crate::domain::Side;

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
    header::header(&mut canvas, take_top(&mut rest, 1));
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
    let mut rest = area;
    let wide = View::shows_events(canvas.area());
    if wide {
        header::plan(canvas, take_top(&mut rest, 1));
    }
    let fits = area.width >= 56 && area.height >= 12;
    if fits {
        let sides = take_top(&mut rest, 7);
        let blue = Rect { width: sides.width / 2, ..sides };
        let scale = panel::scale(canvas, blue.width);
        panel::panel(canvas, blue, Side::Blue, scale);
        panel::panel(canvas, Rect { x: blue.right(), width: sides.width - blue.width, ..sides }, Side::Green, scale);
    } else if rest.height >= 2 {
        panel::line(canvas, take_top(&mut rest, 1), Side::Blue);
        panel::line(canvas, take_top(&mut rest, 1), Side::Green);
    }
    if wide {
        return wide_lower(canvas, rest);
    }
    if rest.height < 5 {
        let gates = take_top(&mut rest, 1);
        gates::summary(canvas, gates);
        return (rest.height >= 2).then(|| journal::log(canvas, rest, false)).flatten();
    }
    let count = canvas.view.shown().map_or(0, |s| s.status.gates.len()).max(1) as u16;
    let lines = rest.height - 2;
    let gates = count.min(lines.saturating_sub(4).max(lines.div_ceil(2)));
    let cursor = gates::gates(canvas, take_top(&mut rest, gates + 1), false);
    journal::log(canvas, rest, false).or(cursor)
}

fn wide_lower(canvas: &mut Canvas<'_>, area: Rect) -> Option<(u16, u16)> {
    let mut rest = area;
    let count = canvas.view.shown().map_or(0, |s| s.status.gates.len()) as u16;
    let upper = take_top(&mut rest, count.clamp(7, (area.height / 2).max(7)).saturating_add(2).min(area.height));
    let left = Rect { width: (u32::from(upper.width) * 74 / 120) as u16, ..upper };
    let cursor = gates::gates(canvas, left, true);
    journal::events(canvas, Rect { x: left.right(), width: upper.width - left.width, ..upper });
    journal::log(canvas, rest, true).or(cursor)
}

fn zoomed(canvas: &mut Canvas<'_>, area: Rect) -> Option<(u16, u16)> {
    match canvas.view.focus {
        Pane::Blue => panel::zoomed(canvas, area, Side::Blue),
        Pane::Green => panel::zoomed(canvas, area, Side::Green),
        Pane::Gates => return gates::gates(canvas, area, true),
        Pane::Log => return journal::log(canvas, area, true),
        Pane::Events => journal::events(canvas, area),
    }
    None
}

fn take_top(rest: &mut Rect, height: u16) -> Rect {
    let height = height.min(rest.height);
    let top = Rect { height, ..*rest };
    rest.y += height;
    rest.height -= height;
    top
}

fn take_bottom(rest: &mut Rect, height: u16) -> Rect {
    let height = height.min(rest.height);
    rest.height -= height;
    Rect { y: rest.bottom(), height, ..*rest }
}

/// How a gate or fault that deserves attention is drawn.
const fn attention(bad: bool) -> Role {
    if bad { Role::Fail } else { Role::Warn }
}
