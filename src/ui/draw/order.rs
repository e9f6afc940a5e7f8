//! An order under way, in the place of the way back: how far the split is, and what became of the order.

use ratatui::layout::Rect;

use super::canvas::Canvas;
use crate::domain::{Move, OrderState};
use crate::engine::snapshot::{OrderStatus, Status};
use crate::ui::text::{age, fit, took};
use crate::ui::theme::Role;

/// A reading older than this, in seconds, is shown with its age: while an order is in flight the router is read at once.
const OLD_S: f64 = 3.0;

/// An order under way in two lines: the split reached so far, and the state of the order. False without an order.
pub(super) fn order_lines(canvas: &mut Canvas<'_>, first: Rect, second: Rect) -> bool {
    let snapshot = canvas.live();
    let order = snapshot.and_then(|s| s.status.last_order.as_ref()).filter(|order| !order.state.is_settled());
    if let (Some(order), Some(snapshot)) = (order, snapshot) {
        let role = if order.late { Role::Fail } else { Role::Prompt };
        canvas.fill(first, " ", role);
        canvas.fill(second, " ", role);
        progress(canvas, first, order, &snapshot.status, role);
        canvas.put(second.x, second.y, second.width, &order_text(order), role);
        return true;
    }
    let Some((command, since)) = canvas.view.requests.waiting_for() else { return false };
    canvas.fill(first, " ", Role::Prompt);
    canvas.fill(second, " ", Role::Prompt);
    let waited = took(canvas.now.saturating_sub(since) as f64 / 1000.0);
    let text = format!(" {}  asked {waited} ago, not yet sent", command.as_move().map_or("UNDER WAY", doing));
    canvas.put(first.x, first.y, first.width, &text, Role::Prompt);
    let text = " waiting for the engine";
    canvas.put(second.x, second.y, second.width, text, Role::Prompt);
    true
}

fn progress(canvas: &mut Canvas<'_>, area: Rect, order: &OrderStatus, status: &Status, role: Role) {
    let side = order.toward;
    let goal = order.target.share(side);
    let observed = status.split.observed.map(|split| split.share(side));
    let from = order.from.map(|split| split.share(side));
    let elapsed = canvas.view.elapsed_s(canvas.now);
    let percent = |share: Option<u8>| share.map_or_else(|| "?".to_owned(), |share| share.to_string());
    let unknown = order.state == OrderState::Unknown;
    let way = if unknown || observed == from || observed == Some(goal) {
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
    let head = if unknown {
        format!(" UNKNOWN  {} may have happened:", order.command)
    } else {
        format!(" {} ", doing(order.command))
    };
    let read_s = status.split.age_s.unwrap_or(0.0) + elapsed;
    let says = match (observed, status.split.mixed.is_some()) {
        (_, true) => "router says MIXED".to_owned(),
        // Reason: what was read before the router fell silent is not what it says now.
        (Some(now), _) if read_s > OLD_S => format!("router: {now}% {} ago", age(read_s)),
        (Some(now), _) => format!("router says {now}%"),
        (None, _) => "router not read".to_owned(),
    };
    let bar = if unknown { String::new() } else { format!("  {bar}") };
    let text = format!("{head} {} {way}{bar}  {}  {says}", side.title(), took(order.took_s + elapsed));
    canvas.put(area.x, area.y, area.width, &text, role);
}

fn order_text(order: &OrderStatus) -> String {
    let late = if order.late { "  NOT READ BACK IN TIME" } else { "" };
    let detail = order.progress.as_deref().or(order.detail.as_deref());
    let detail = detail.map_or_else(String::new, |text| format!("  {}", fit(text, 60)));
    let note = if late.is_empty() && detail.is_empty() { "  (safe to hang up: backend owns it)" } else { "" };
    format!(
        " op {} {} {}  retry {}{late}{detail}{note}",
        order.id,
        order.state.title(),
        order.at.format("%H:%M:%S%.3f"),
        order.retries,
    )
}

const fn doing(what: Move) -> &'static str {
    match what {
        Move::Promote => "PROMOTING",
        Move::Switch => "SWITCHING",
        Move::Abort => "ABORTING",
        Move::Rollback => "ROLLING BACK",
        Move::Pause => "PAUSING",
        Move::Resume => "RESUMING",
        Move::Retry => "RETRYING",
        Move::Finish => "FINISHING",
    }
}
