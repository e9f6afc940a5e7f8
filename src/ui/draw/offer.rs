//! What Tab offers, on the line above the command line while one is typed.

use ratatui::layout::Rect;

use super::canvas::Canvas;
use crate::ui::text::width;
use crate::ui::theme::Role;

/// Draws the candidates from the one in the line on, as many as there is room for; false when no command is typed.
pub(super) fn offer(canvas: &mut Canvas<'_>, area: Rect) -> bool {
    let Some((offer, chosen)) = canvas.view.offered() else { return false };
    let mut x = canvas.put(area.x, area.y, area.width, " ", Role::Text);
    if offer.words.is_empty() {
        let hint = if offer.hint.is_empty() { "Enter runs it, Esc leaves" } else { offer.hint };
        canvas.put(x, area.y, area.right().saturating_sub(x), hint, Role::Dim);
        return true;
    }
    let chosen = chosen.filter(|at| *at < offer.words.len());
    // The chosen one is always in sight: pages, not a line that slides at every key.
    let room = usize::from(area.width).saturating_sub(4);
    let mut from = 0;
    let mut used = 0;
    for (at, (word, _)) in offer.words.iter().enumerate().take(chosen.map_or(0, |at| at + 1)) {
        if used + width(word) > room {
            (from, used) = (at, 0);
        }
        used += width(word) + 2;
    }
    for (at, (word, _)) in offer.words.iter().enumerate().skip(from) {
        let space = usize::from(area.right().saturating_sub(x));
        if width(word) + 2 > space {
            canvas.put(x, area.y, space as u16, ">", Role::Dim);
            break;
        }
        let role = if chosen == Some(at) { Role::Selected } else { Role::Text };
        x = canvas.put(x, area.y, space as u16, word, role) + 2;
    }
    true
}
