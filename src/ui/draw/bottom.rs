//! The lines at the bottom: faults, what blocks, the way back, the keys; and in place of the last two a question or
//! an order under way.

use ratatui::layout::Rect;

use super::canvas::{Canvas, version_name};
use super::keyline::keys;
use super::offer::offer;
use super::question;
use crate::domain::{OrderState, Side};
use crate::engine::snapshot::{Blocked, OrderStatus, Status};
use crate::engine::{RefusalKind, Snapshot};
use crate::ui::actions::Act;
use crate::ui::text::{fit, left, took, width};
use crate::ui::theme::Role;
use crate::ui::view::{Field, View};

/// How many lines the bottom takes on a screen of `height`.
pub fn height(view: &View, height: u16) -> u16 {
    let faults = view.snapshot.as_ref().is_some_and(|s| !s.status.faults.is_empty());
    match height {
        0..=3 => 1,
        4 => 2,
        5..=11 => 3,
        _ => 3 + u16::from(faults),
    }
}

/// Whether something must be read before anything else, however small the screen.
pub fn has_something_to_say(view: &View) -> bool {
    view.prompt.is_some()
        || view.notice.is_some()
        || view.field.is_some()
        || view.message.is_some()
        || view.order_in_flight()
}

/// All of them; the cursor where text is typed.
pub fn bottom(canvas: &mut Canvas<'_>, area: Rect) -> Option<(u16, u16)> {
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
    if area.height >= 3 {
        blocked(canvas, row(3));
    }
    if question::bottom_question(canvas, row(2), row(1)) {
        return None;
    }
    let moving = order_lines(canvas, row(2), row(1));
    if !moving {
        rollback(canvas, row(2));
    }
    match typed_or_said(canvas, row(1)) {
        LastLine::Typed(x, y) => Some((x, y)),
        LastLine::Free if !moving => {
            keys(canvas, row(1));
            None
        }
        LastLine::Free | LastLine::Said => None,
    }
}

/// The most important of them on a screen that has one line for it.
pub fn one_line(canvas: &mut Canvas<'_>, area: Rect) -> Option<(u16, u16)> {
    if question::in_one_line(canvas, area) {
        return None;
    }
    match typed_or_said(canvas, area) {
        LastLine::Typed(x, y) => return Some((x, y)),
        LastLine::Said => return None,
        LastLine::Free => {}
    }
    if !order_lines(canvas, area, Rect { height: 0, y: u16::MAX, ..area }) {
        rollback(canvas, area);
    }
    None
}

/// What the last line was taken for.
enum LastLine {
    /// A text field, and where its cursor is.
    Typed(u16, u16),
    /// A message.
    Said,
    /// Nothing yet.
    Free,
}

/// A text field or a message in the last line.
fn typed_or_said(canvas: &mut Canvas<'_>, area: Rect) -> LastLine {
    let view = canvas.view;
    let (label, line) = match &view.field {
        Some(Field::Command(line)) => (":", line),
        Some(Field::Filter(line)) => ("/", line),
        Some(Field::Reason(line, _)) => (why(area.width), line),
        None => {
            let Some(message) = &view.message else { return LastLine::Free };
            let role = if message.warn { Role::Fail } else { Role::Warn };
            canvas.put(area.x, area.y, area.width, &format!(" {} ", message.text), role);
            return LastLine::Said;
        }
    };
    let x = canvas.put(area.x, area.y, area.width, label, Role::Key);
    let space = area.right().saturating_sub(x + 1);
    let (x, y) = typed(canvas, x, area.y, space, line);
    LastLine::Typed(x, y)
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
pub fn typed(canvas: &mut Canvas<'_>, x: u16, y: u16, space: u16, line: &tui_input::Input) -> (u16, u16) {
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
    let Some((first, others)) = snapshot.status.faults.split_first() else { return };
    let more = if others.is_empty() { String::new() } else { format!("+{} more (o explain) ", others.len()) };
    canvas.line(area, &[(" FAULT", Role::Fail), ("  ", Role::Text), (first, Role::Warn)], &[(&more, Role::Text)]);
}

/// What stands in the way of the next step, or what the next step is.
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
    let first = |verb: &str| status.blocked.iter().find(|blocked| blocked.command == verb);
    let wide = area.width >= 100;
    match (first("switch"), first("promote")) {
        (None, None) => next(canvas, area, status),
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
        || "nothing to promote".to_owned(),
        |to| {
            let (promotes, switches) = (canvas.view.key_name(Act::Promote), canvas.view.key_name(Act::Switch));
            format!("{promotes} promote {from}% > {to}%, {switches} switch > 100%")
        },
    );
    canvas.parts(area.x, area.y, area.width, &[(" NEXT", Role::Title), ("  ", Role::Text), (&text, Role::Text)]);
}

/// Whether there is a way back.
pub fn rollback(canvas: &mut Canvas<'_>, area: Rect) {
    let hint = [("press R then y ", Role::Key)];
    let Some(snapshot) = canvas.live() else {
        canvas.line(area, &[(" ROLLBACK", Role::Title), ("  state unknown, works all the same", Role::Text)], &hint);
        return;
    };
    let way = &snapshot.status.rollback;
    let elapsed = canvas.view.elapsed_s(canvas.now);
    let side = &snapshot.status.sides[way.to];
    let because = way.because.as_deref().unwrap_or("");
    let (word, role, text) = if snapshot.status.driver.read_only {
        (" ROLLBACK READ-ONLY", Role::Fail, "this console holds no driver".to_owned())
    } else if !way.needed && way.ready {
        (" ROLLBACK NOT NEEDED", Role::Title, because.to_owned())
    } else if way.ready {
        let text = format!(
            "{}{} warm {}/{}",
            way.to,
            version_of(snapshot, area.width),
            side.ready.unwrap_or(0),
            side.replicas
        );
        let speed = way.last_took_s.map_or_else(|| way.class.replace('_', " "), |s| format!("~{}", about(s)));
        let word = if area.width >= 100 { "window closes in" } else { "window" };
        let window = way.window_left_s.map_or_else(String::new, |s| format!(", {word} {}", left(s - elapsed)));
        let text = format!("{text}, {speed}{window}");
        (" ROLLBACK READY", Role::Title, text)
    } else {
        (" ROLLBACK NOT READY", Role::Fail, because.to_owned())
    };
    let gap = if area.width >= 100 { "   " } else { "  " };
    let hint: &[_] = match area.width {
        _ if snapshot.status.driver.read_only => &[],
        0..50 => &[("R y", Role::Key)],
        _ => &hint,
    };
    canvas.line(area, &[(word, role), (gap, Role::Text), (&text, Role::Text)], hint);
}

fn version_of(snapshot: &Snapshot, columns: u16) -> String {
    if columns >= 100 {
        format!(" {}", fit(version_name(snapshot, snapshot.status.rollback.to), 20))
    } else {
        String::new()
    }
}

/// `4s` for 3.8 seconds, `1s` for anything faster.
pub fn about(seconds: f64) -> String {
    format!("{}s", seconds.ceil().max(1.0))
}

/// An order under way in two lines: how far the split is, and what became of the order. False when there is none.
fn order_lines(canvas: &mut Canvas<'_>, first: Rect, second: Rect) -> bool {
    let snapshot = canvas.live();
    let order = snapshot.and_then(|s| s.status.last_order.as_ref()).filter(|order| !order.state.is_settled());
    if let (Some(order), Some(snapshot)) = (order, snapshot) {
        canvas.fill(first, " ", Role::Prompt);
        canvas.fill(second, " ", Role::Prompt);
        progress(canvas, first, order, &snapshot.status);
        canvas.put(second.x, second.y, second.width, &order_text(order), Role::Prompt);
        return true;
    }
    let Some((command, since)) = canvas.view.waiting_for() else { return false };
    canvas.fill(first, " ", Role::Prompt);
    canvas.fill(second, " ", Role::Prompt);
    let waited = took(canvas.now.saturating_sub(since) as f64 / 1000.0);
    let text = format!(" {}  asked {waited} ago, not yet sent", doing(command.verb()));
    canvas.put(first.x, first.y, first.width, &text, Role::Prompt);
    let text = " waiting for the engine";
    canvas.put(second.x, second.y, second.width, text, Role::Prompt);
    true
}

fn progress(canvas: &mut Canvas<'_>, area: Rect, order: &OrderStatus, status: &Status) {
    let side = order.toward;
    let goal = order.target.share(side);
    let observed = status.split.observed.map(|split| split.share(side));
    let from = order.from.map(|split| split.share(side));
    let elapsed = canvas.view.elapsed_s(canvas.now);
    let percent = |share: Option<u8>| share.map_or_else(|| "?".to_owned(), |share| share.to_string());
    let way = if observed == from || observed == Some(goal) {
        format!("{} > {goal}%", percent(from))
    } else {
        format!("{} > {} > {goal}%", percent(from), percent(observed))
    };
    let done = match (from, observed) {
        (Some(from), Some(now)) if from != goal => {
            let all = f64::from(from.abs_diff(goal));
            (all - f64::from(now.abs_diff(goal))).max(0.0) / all
        }
        (_, Some(now)) if now == goal => 1.0,
        _ => 0.0,
    };
    let cells = (done * 13.0).round() as usize;
    let [full, empty] = canvas.set.progress;
    let bar = format!("{}{}", full.repeat(cells.min(13)), empty.repeat(13_usize.saturating_sub(cells)));
    let head = if order.state == OrderState::Unknown {
        format!(" UNKNOWN  {} may have happened:", order.command)
    } else {
        format!(" {} ", doing(&order.command))
    };
    let says = match (observed, status.split.mixed.is_some()) {
        (_, true) => "router says MIXED".to_owned(),
        (Some(now), _) => format!("router says {now}%"),
        (None, _) => "router not read".to_owned(),
    };
    let bar = if order.state == OrderState::Unknown { String::new() } else { format!("  {bar}") };
    let text = format!("{head} {} {way}{bar}  {}  {says}", side.title(), took(order.took_s + elapsed));
    canvas.put(area.x, area.y, area.width, &text, Role::Prompt);
}

fn order_text(order: &OrderStatus) -> String {
    let late = if order.late { "  NOT READ BACK IN TIME" } else { "" };
    let detail = order.detail.as_deref().map_or_else(String::new, |text| format!("  {}", fit(text, 60)));
    let note = if late.is_empty() && detail.is_empty() { "  (safe to hang up: backend owns it)" } else { "" };
    format!(
        " op {} {} {}  retry {}{late}{detail}{note}",
        order.id,
        order.state.title(),
        order.at.format("%H:%M:%S%.3f"),
        order.retries,
    )
}

fn doing(verb: &str) -> &'static str {
    match verb {
        "promote" => "PROMOTING",
        "switch" => "SWITCHING",
        "abort" => "ABORTING",
        "rollback" => "ROLLING BACK",
        _ => "UNDER WAY",
    }
}

/// What a rollback would do, in half a line: `100% to BLUE v41, ~4s`.
pub fn rollback_goal(snapshot: Option<&Snapshot>) -> String {
    let Some(snapshot) = snapshot else { return "100% to where the rollout began".into() };
    let way = &snapshot.status.rollback;
    let time = way.last_took_s.map_or_else(String::new, |s| format!(", ~{}", about(s)));
    let other = way.to.other();
    let kept = match other {
        Side::Blue => ", blue kept up",
        Side::Green => ", green kept up",
    };
    // Reason: the way back is never locked, but whoever takes it must know where it leads.
    let target = &snapshot.status.sides[way.to];
    if target.ready == Some(0) {
        let version = fit(version_name(snapshot, way.to), 12);
        return format!("100% to {} {version}: 0/{} ANSWER THERE NOW", way.to.title(), target.replicas);
    }
    format!("100% to {} {}{time}{kept}", way.to.title(), fit(version_name(snapshot, way.to), 20))
}
