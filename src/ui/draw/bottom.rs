//! The lines at the bottom: faults, what blocks, the way back, the keys; and in place of the last two a question or
//! an order under way.

use ratatui::layout::Rect;

use super::canvas::Canvas;
use super::keyline::keys;
use super::offer::offer;
use super::order::order_lines;
use super::question;
use super::rollback::rollback;
use crate::engine::snapshot::{Blocked, FaultKind, Status};
use crate::engine::{Command, Phase, RefusalKind, words};
use crate::ui::actions::Act;
use crate::ui::text::{fit, left, width};
use crate::ui::theme::Role;
use crate::ui::view::{Field, View};

/// How many lines the bottom takes on a screen of `height`.
pub(super) fn height(view: &View, height: u16) -> u16 {
    let tells = |s: &Status| !s.faults.is_empty() || !s.notes.is_empty() || s.controller.is_some();
    let told = view.snapshot.as_ref().is_some_and(|s| tells(&s.status));
    match height {
        0..=3 => 1,
        4 => 2,
        5..=11 => 3,
        _ => 3 + u16::from(told),
    }
}

/// Whether something must be read before anything else, however small the screen.
pub(super) fn has_something_to_say(view: &View) -> bool {
    view.prompt.is_some()
        || view.notice.is_some()
        || view.field.is_some()
        || view.message.is_some()
        || view.order_in_flight()
}

/// All of them; the cursor where text is typed.
pub(super) fn bottom(canvas: &mut Canvas<'_>, area: Rect) -> Option<(u16, u16)> {
    let row = |from_below: u16| Rect { y: area.bottom() - from_below, height: 1, ..area };
    match area.height {
        0 => return None,
        1 if has_something_to_say(canvas.view) => return one_line(canvas, row(1)),
        1 => {
            rollback(canvas, row(1));
            return None;
        }
        _ => {}
    }
    if area.height >= 4 {
        faults(canvas, row(4));
    }
    let asking = question::bottom_question(canvas, row(2), row(1));
    let moving = !asking && order_lines(canvas, row(2), row(1));
    // Reason: a question, an order and a line being typed stay readable while something else is said.
    let taken = asking || moving || canvas.view.field.is_some();
    if area.height >= 3 && !(taken && said(canvas, row(3))) {
        blocked(canvas, row(3));
    }
    if asking {
        return None;
    }
    if !moving {
        rollback(canvas, row(2));
    }
    if let Some(at) = field(canvas, row(1)) {
        return Some(at);
    }
    let above = taken && area.height >= 3;
    if !moving && (above || !said(canvas, row(1))) {
        keys(canvas, row(1));
    } else if moving && !above {
        said(canvas, row(1));
    }
    None
}

/// The most important of them on a screen that has one line for it.
pub(super) fn one_line(canvas: &mut Canvas<'_>, area: Rect) -> Option<(u16, u16)> {
    if question::in_one_line(canvas, area) {
        return None;
    }
    if let Some(at) = field(canvas, area) {
        return Some(at);
    }
    if said(canvas, area) {
        return None;
    }
    if !order_lines(canvas, area, Rect { height: 0, y: u16::MAX, ..area }) {
        rollback(canvas, area);
    }
    None
}

/// The text field, if one is open; where its cursor is.
fn field(canvas: &mut Canvas<'_>, area: Rect) -> Option<(u16, u16)> {
    let (label, line) = match canvas.view.field.as_ref()? {
        Field::Command(line) => (":", line),
        Field::Filter(line) => ("/", line),
        Field::Reason(line, _) => (why(area.width), line),
    };
    let x = canvas.put(area.x, area.y, area.width, label, Role::Key);
    let space = area.right().saturating_sub(x + 1);
    Some(typed(canvas, x, area.y, space, line))
}

/// A message, if there is one.
fn said(canvas: &mut Canvas<'_>, area: Rect) -> bool {
    let Some(message) = &canvas.view.message else { return false };
    let role = if message.warn { Role::Fail } else { Role::Warn };
    canvas.put(area.x, area.y, area.width, &format!(" {} ", message.text), role);
    true
}

/// The question after a rollback, as long as it leaves room for an answer.
fn why(columns: u16) -> &'static str {
    let forms = [
        " WHY was it rolled back?  (Enter keeps, Esc skips)  ",
        " WHY was it rolled back?  (Esc skips)  ",
        " WHY rolled back?  ",
    ];
    forms.into_iter().find(|form| width(form) + 24 <= usize::from(columns)).unwrap_or(" WHY?  ")
}

/// The visible part of a line being typed, and where the cursor is in it.
pub(super) fn typed(canvas: &mut Canvas<'_>, x: u16, y: u16, space: u16, line: &tui_input::Input) -> (u16, u16) {
    let before: String = line.value().chars().take(line.cursor()).collect();
    let mut from = 0;
    while width(&before[from..]) > usize::from(space) {
        from += before[from..].chars().next().map_or(1, char::len_utf8);
    }
    let visible: String = line.value()[from..].to_owned();
    canvas.put(x, y, space, &visible, Role::Text);
    let last = canvas.area().right().saturating_sub(1);
    ((x + width(&before[from..]) as u16).min(last), y)
}

fn faults(canvas: &mut Canvas<'_>, area: Rect) {
    let Some(snapshot) = canvas.live() else { return };
    let (faults, notes) = (&snapshot.status.faults, &snapshot.status.notes);
    // What the traffic system says is shown here as long as there is no fault: first what its controller does.
    let controller = snapshot.status.controller.as_ref().map(|it| words::controller(it, snapshot.status.time));
    let system = format!(" {}", snapshot.status.backend.to_uppercase());
    let [word, first] = match (faults.first(), &controller, notes.first()) {
        (Some(fault), _, _) => {
            let is_loud = matches!(fault.kind, FaultKind::Driver | FaultKind::Users);
            [(" FAULT", Role::Fail), (fault.text.as_str(), if is_loud { Role::Fail } else { Role::Warn })]
        }
        (None, Some(does), _) => [(system.as_str(), Role::Title), (does.as_str(), Role::Text)],
        (None, None, Some(note)) => [(" NOTE", Role::Title), (note.as_str(), Role::Text)],
        (None, None, None) => return,
    };
    let explain = canvas.view.key_name(Act::Explain);
    let others = faults.len() + notes.len() + usize::from(controller.is_some()) - 1;
    let more = if others == 0 { String::new() } else { format!("+{others} more ({explain} explain) ") };
    canvas.line(area, &[word, ("  ", Role::Text), first], &[(&more, Role::Text)]);
}

/// What blocks the next step, or what the next step is.
fn blocked(canvas: &mut Canvas<'_>, area: Rect) {
    if offer(canvas, area) {
        return;
    }
    let Some(snapshot) = canvas.live() else {
        canvas.put(area.x, area.y, area.width, " BLOCKED  nothing was read yet", Role::Warn);
        return;
    };
    let status = &snapshot.status;
    let key = |act: Act| canvas.view.key_name(act);
    let (switches, promotes) = (key(Act::Switch), key(Act::Promote));
    let first = |command: Command| status.blockers(&command).next();
    let wide = area.width >= 100;
    match (first(Command::Switch), first(Command::Promote)) {
        (None, None) => match status.step.waits.as_ref().filter(|_| status.step.auto) {
            Some(why) => {
                let parts = [(" WAITS", Role::Warn), ("  ", Role::Text), (why.as_str(), Role::Text)];
                canvas.parts(area.x, area.y, area.width, &parts);
            }
            None => next(canvas, area, status),
        },
        (Some(switch), Some(promote)) if switch.because == promote.because => {
            let and = if wide { " and" } else { "," };
            because(canvas, area, &format!("{switches} switch{and} {promotes} promote"), promote, wide);
        }
        (_, Some(promote)) => because(canvas, area, &format!("{promotes} promote"), promote, wide),
        (Some(switch), None) => because(canvas, area, &format!("{switches} switch"), switch, wide),
    }
}

fn because(canvas: &mut Canvas<'_>, area: Rect, verbs: &str, blocked: &Blocked, wide: bool) {
    if blocked.kind == RefusalKind::Usage {
        canvas.parts(
            area.x,
            area.y,
            area.width,
            &[(" NEXT", Role::Title), ("  ", Role::Text), (&blocked.because, Role::Text)],
        );
        return;
    }
    let explain = canvas.view.key_name(Act::Explain);
    let hint =
        if wide { format!("  {explain} = explain / override with reason") } else { format!(" ({explain} explain)") };
    let space = usize::from(area.width).saturating_sub(13 + width(verbs) + width(&hint));
    let text = fit(&blocked.because, space.max(12));
    canvas.parts(
        area.x,
        area.y,
        area.width,
        &[
            (" BLOCKED", Role::Fail),
            ("  ", Role::Text),
            (verbs, Role::Key),
            (": ", Role::Text),
            (&text, Role::Text),
            (&hint, Role::Dim),
        ],
    );
}

fn next(canvas: &mut Canvas<'_>, area: Rect, status: &Status) {
    let from = status.step.target.unwrap_or(0);
    let text = status.step.next.map_or_else(
        || after(canvas, status),
        |to| {
            let (promotes, switches) = (canvas.view.key_name(Act::Promote), canvas.view.key_name(Act::Switch));
            format!("{promotes} promote {from}% > {to}%, {switches} switch > 100%")
        },
    );
    canvas.parts(area.x, area.y, area.width, &[(" NEXT", Role::Title), ("  ", Role::Text), (&text, Role::Text)]);
}

/// What comes after the last step.
fn after(canvas: &Canvas<'_>, status: &Status) -> String {
    let Some(left_s) = status.rollback.window_left_s.filter(|_| status.phase == Phase::Switched) else {
        return "nothing to promote".to_owned();
    };
    let left = left(left_s - canvas.view.elapsed_s(canvas.now));
    format!(":finalize ends the rollback window ({left} left), lets {} go", status.rollback.to)
}
