//! Guards on watch, in words, below the gates: those that compare, wait for data or watch what no panel shows. One
//! with a plain limit is shown at its figure in the panel.

use ratatui::layout::Rect;

use crate::engine::Snapshot;
use crate::engine::snapshot::{GuardState, GuardStatus};
use crate::engine::words;
use crate::ui::draw::attention;
use crate::ui::draw::canvas::Canvas;
use crate::ui::draw::panel::Figure;
use crate::ui::theme::Role;

fn told(snapshot: &Snapshot) -> Vec<&GuardStatus> {
    let is_told = |guard: &&GuardStatus| {
        let elsewhere = !Figure::shows(guard.metric) || guard.versus.is_some();
        match guard.status {
            GuardState::Off => false,
            GuardState::Ok => elsewhere,
            GuardState::NotYet | GuardState::Breach | GuardState::Tripped => true,
        }
    };
    let mut guards: Vec<&GuardStatus> = snapshot.status.guards.iter().filter(is_told).collect();
    // Where there is no room for all, what is wrong is read first.
    guards.sort_by_key(|guard| !guard.is_broken());
    guards
}

/// Lines that all of them would take.
pub(crate) fn guards_wanted(canvas: &Canvas<'_>) -> u16 {
    canvas.live().map_or(0, |snapshot| told(snapshot).len().min(100) as u16)
}

/// As many as `area` has lines for; nothing at another time than now.
pub(super) fn guards(canvas: &mut Canvas<'_>, area: Rect) {
    let Some(snapshot) = canvas.live().filter(|_| canvas.view.cursor.is_none()) else { return };
    let guards = told(snapshot);
    for (y, guard) in (area.y..area.bottom()).zip(&guards) {
        let role = match guard.status {
            GuardState::Breach | GuardState::Tripped => Role::Fail,
            GuardState::NotYet => attention(false),
            _ => Role::Text,
        };
        let (text, side) = (words::guard(guard), format!("guard {} ", guard.side));
        let word = if guard.is_broken() { format!("{} ", words::broken(guard)) } else { String::new() };
        canvas.parts(area.x + 1, y, area.width.saturating_sub(2), &[(&side, Role::Dim), (&word, role), (&text, role)]);
    }
}
