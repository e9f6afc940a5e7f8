//! The steps of the plan: what is done and when, what bakes, what is next, and what a lost operator means.

use std::fmt::Write as _;

use ratatui::layout::Rect;

use super::next::bake_left_s;
use crate::domain::OnDisconnect;
use crate::engine::Snapshot;
use crate::engine::snapshot::Step;
use crate::ui::draw::canvas::Canvas;
use crate::ui::text::{age, left, width};
use crate::ui::theme::Role;

/// Between two steps.
const GAP: usize = 3;

/// One line.
pub(crate) fn plan(canvas: &mut Canvas<'_>, area: Rect) {
    let Some(snapshot) = canvas.live() else { return };
    let disconnect = match snapshot.status.step.on_disconnect {
        OnDisconnect::Hold => "on disconnect: HOLD ",
        OnDisconnect::Rollback => "on disconnect: ROLLBACK ",
    };
    let end = canvas.put_right(area.right(), area.y, area.width / 3, disconnect, Role::Dim).saturating_sub(2);
    let mut x = area.x + 3.min(area.width);
    let space = usize::from(end.saturating_sub(x));
    let now = snapshot.status.step.index.saturating_sub(1);
    // All that fits of: when steps were done and a bar for the bake; otherwise the first steps give way to the present.
    let told =
        |full| (0..snapshot.status.step.steps.len()).map(|at| step(canvas, snapshot, at, full)).collect::<Vec<_>>();
    let wide = |steps: &[(String, Role)]| steps.iter().map(|(text, _)| width(text) + GAP).sum::<usize>();
    let full = told(true);
    let mut steps = if wide(&full) <= space { full } else { told(false) };
    let mut past = now.min(steps.len());
    while past > 0 && wide(&steps) > space {
        steps.remove(0);
        past -= 1;
    }
    for (text, role) in &steps {
        x = canvas.put(x, area.y, end.saturating_sub(x), text, *role).saturating_add(GAP as u16);
    }
}

fn step(canvas: &Canvas<'_>, snapshot: &Snapshot, at: usize, full: bool) -> (String, Role) {
    let step = &snapshot.status.step;
    let share = step.steps[at];
    let before = at.checked_sub(1).map_or(0, |before| step.steps[before]);
    let (word, role) = match at + 1 {
        n if n < step.index && (at == 0 || full) => ("done ", Role::Dim),
        n if n < step.index => ("", Role::Dim),
        n if n == step.index => ("now ", Role::Title),
        n if n == step.index + 1 => ("next ", Role::Text),
        _ => ("", Role::Dim),
    };
    let mut text = format!("{word}{} {} {before}{}{share}", at + 1, canvas.set.step, canvas.set.arrow);
    let reached = snapshot.detail.reached.iter().rev().find(|(reached, _)| *reached == share);
    if let Some((_, when)) = reached.filter(|_| full && at < step.index) {
        // Writing to a string cannot fail.
        let _ = write!(text, " {}", when.format("%H:%M"));
    }
    if at + 1 == step.index {
        text.push_str(&bake(canvas, step, snapshot.detail.bake_s, full).unwrap_or_default());
    }
    (text, role)
}

/// ` bake ########.... 04:12 left of 15m`; the bar moves with what is read, digits alone with the clock.
fn bake(canvas: &Canvas<'_>, step: &Step, whole_s: f64, full: bool) -> Option<String> {
    let (left_s, shown) = (step.bake_left_s?, left(bake_left_s(canvas, step)?));
    if !full || whole_s <= 0.0 {
        return Some(format!(" bake {shown}"));
    }
    let done = ((1.0 - left_s / whole_s) * 12.0).floor().clamp(0.0, 12.0) as usize;
    let [past, to_come] = canvas.set.progress;
    Some(format!(" bake {}{} {shown} left of {}", past.repeat(done), to_come.repeat(12 - done), age(whole_s)))
}
