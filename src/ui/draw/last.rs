//! The line of large screens about what was done last: the order, whether one is on its way, its CLI twin.

use ratatui::layout::Rect;

use super::canvas::Canvas;
use crate::ui::text::{clock, fit, millis, took, width};
use crate::ui::theme::Role;

/// One line.
pub(super) fn last(canvas: &mut Canvas<'_>, area: Rect) {
    let Some(snapshot) = canvas.live() else { return };
    let mut parts: Vec<(String, Role)> = vec![(" LAST".into(), Role::Title), ("  ".into(), Role::Text)];
    let border = (format!("   {}   ", canvas.set.v), Role::Border);
    let Some(order) = &snapshot.status.last_order else {
        parts.push(("no order was given yet".into(), Role::Dim));
        return draw(canvas, area, &parts);
    };
    let share = order.target.share(order.toward);
    let time = if order.state.is_settled() { format!(" in {}", quick(order.took_s)) } else { String::new() };
    let by = fit(&order.by, 16);
    parts.push((format!("{} {} by {by}", clock(order.at), order.command), Role::Text));
    parts.push((format!(": {} {share}%, {}{time}", order.toward.title(), order.state.title()), Role::Text));
    parts.push(border.clone());
    let flying = if order.state.is_settled() { "none".to_owned() } else { format!("op {}", fit(&order.id.0, 12)) };
    parts.push((format!("in flight: {flying}"), Role::Text));
    let expect = snapshot.detail.consent.as_deref().map_or_else(String::new, |digest| format!(" --expect {digest}"));
    let twin = format!("cutover {} --yes{expect}", order.command);
    let label = "CLI twin of it: ";
    let used: usize = parts.iter().map(|(text, _)| width(text)).sum();
    // Half a command is of no use.
    if used + width(&border.0) + label.len() + twin.len() < usize::from(area.width) {
        parts.extend([border, (label.to_owned(), Role::Dim), (twin, Role::Text)]);
    }
    draw(canvas, area, &parts);
}

/// An order is often faster than a tenth of a second.
fn quick(seconds: f64) -> String {
    if seconds < 0.95 { millis(seconds * 1000.0, " ") } else { took(seconds) }
}

fn draw(canvas: &mut Canvas<'_>, area: Rect, parts: &[(String, Role)]) {
    let parts: Vec<(&str, Role)> = parts.iter().map(|(text, role)| (text.as_str(), *role)).collect();
    canvas.parts(area.x, area.y, area.width, &parts);
}
