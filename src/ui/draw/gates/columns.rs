//! Where the columns of the gates are, by the room there is.

use ratatui::layout::Rect;

use crate::ui::draw::canvas::Canvas;
use crate::ui::theme::Role;

/// How many values of a gate its trend shows.
pub(super) const TREND: u16 = 16;

/// Columns relative to the left edge; `_to` is where one ends.
pub(super) struct Columns {
    pub boxed: bool,
    pub name: u16,
    pub value_to: u16,
    pub limit: u16,
    pub samples_to: Option<u16>,
    pub age_to: u16,
    pub trend: Option<u16>,
    /// `None` where there is no room for notes, limits and samples.
    pub note: Option<u16>,
}

impl Columns {
    pub(super) const fn of(width: u16, boxed: bool, trend: bool) -> Self {
        if width < 56 {
            let name = if boxed { 7 } else { 6 };
            let value_to = if width < name + 8 { name } else { width - 8 };
            return Self { boxed, name, value_to, limit: 0, samples_to: None, age_to: 0, trend: None, note: None };
        }
        if width < 90 {
            let (name, value_to, age_to) = if boxed { (7, 32, 47) } else { (6, 33, 49) };
            let limit = value_to + 1;
            return Self {
                boxed,
                name,
                value_to,
                limit,
                samples_to: None,
                age_to,
                trend: None,
                note: Some(age_to + 2),
            };
        }
        // What a very wide box has left goes to names first.
        let name_more = if width > 130 { (width - 130) / 3 } else { 0 };
        let name_more = if name_more > 20 { 20 } else { name_more };
        let value_to = 37 + name_more;
        let (limit, samples_to, age_to) = (value_to + 2, value_to + 21, value_to + 28);
        let trended = trend && width >= 104;
        let trend = if trended { Some(age_to + 3) } else { None };
        let note = if trended { age_to + 5 + TREND } else { age_to + 3 };
        Self { boxed, name: 7, value_to, limit, samples_to: Some(samples_to), age_to, trend, note: Some(note) }
    }

    /// Whether the columns are named.
    pub(super) const fn headed(&self) -> bool {
        self.samples_to.is_some()
    }

    pub(super) const fn name_max(&self) -> u16 {
        self.value_to.saturating_sub(self.name + 1)
    }

    pub(super) const fn limit_max(&self) -> u16 {
        match self.samples_to {
            Some(to) => to.saturating_sub(self.limit + 9),
            None => self.age_to.saturating_sub(self.limit + 4),
        }
    }

    /// The names of the columns, each above what it names.
    pub(super) fn heads(&self, canvas: &mut Canvas<'_>, area: Rect) {
        let (x, y) = (area.x, area.y);
        let room = |at: u16| area.width.saturating_sub(at);
        canvas.put(x + 1, y, room(1), "STATE", Role::Dim);
        canvas.put(x + self.name, y, room(self.name), "GATE", Role::Dim);
        canvas.put_right(x + self.value_to, y, 5, "VALUE", Role::Dim);
        canvas.put(x + self.limit, y, room(self.limit), "LIMIT", Role::Dim);
        if let Some(to) = self.samples_to {
            canvas.put_right(x + to, y, 7, "SAMPLES", Role::Dim);
        }
        canvas.put_right(x + self.age_to, y, 3, "AGE", Role::Dim);
        if let Some(at) = self.trend {
            canvas.put(x + at, y, TREND, "TREND", Role::Dim);
        }
        if let Some(at) = self.note {
            canvas.put(x + at, y, room(at), "NOTE", Role::Dim);
        }
    }
}
