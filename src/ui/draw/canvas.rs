//! Text, lines and frames on cells. The only place that writes to the buffer: it clips, measures in columns, and
//! keeps to ASCII where that is asked for.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};

use crate::domain::Side;
use crate::engine::Snapshot;
use crate::ui::glyphs::{Glyphs, Set};
use crate::ui::text::{self, width};
use crate::ui::theme::Role;
use crate::ui::view::View;

/// Pieces of one line with their meaning.
pub(super) type Parts<'a> = [(&'a str, Role)];

/// What is drawn on, and from.
pub(super) struct Canvas<'a> {
    buf: &'a mut Buffer,
    pub view: &'a View,
    pub now: u64,
    pub set: &'static Set,
    pub ascii: bool,
}

impl<'a> Canvas<'a> {
    pub(super) fn new(view: &'a View, buf: &'a mut Buffer, now: u64) -> Self {
        let glyphs = view.options.glyphs;
        Self { buf, view, now, set: glyphs.set(), ascii: glyphs == Glyphs::Ascii }
    }

    pub(super) const fn area(&self) -> Rect {
        self.buf.area
    }

    /// What the panes show.
    pub(super) fn shown(&self) -> Option<&'a Snapshot> {
        self.view.shown().map(AsRef::as_ref)
    }

    /// What is newest: header, split and bottom lines never freeze.
    pub(super) fn live(&self) -> Option<&'a Snapshot> {
        self.view.snapshot.as_deref()
    }

    /// Writes `text` from `x`, at most `max` columns, and returns where it ended.
    pub(super) fn put(&mut self, x: u16, y: u16, max: u16, text: &str, role: Role) -> u16 {
        let area = self.buf.area;
        if y < area.y || y >= area.bottom() || x < area.x || x >= area.right() || max == 0 {
            return x;
        }
        let style = self.view.options.theme.whole(role);
        let shown = text::shown(text, self.ascii);
        let shown = if width(&shown) > usize::from(max) { text::fit(&shown, usize::from(max)).into() } else { shown };
        // A screen one column wide says more with a first letter than with the mark of a cut.
        let shown = if area.width == 1 { text::shown(text.trim_start(), self.ascii) } else { shown };
        self.buf.set_stringn(x, y, shown, usize::from(max), style).0
    }

    /// Writes `text` so that it ends before column `right`, in at most `max` columns.
    pub(super) fn put_right(&mut self, right: u16, y: u16, max: u16, text: &str, role: Role) -> u16 {
        let wide = width(text).min(usize::from(max)) as u16;
        let x = right.saturating_sub(wide);
        self.put(x, y, wide, text, role);
        x
    }

    /// Writes pieces one after the other, and returns where they ended.
    pub(super) fn parts(&mut self, x: u16, y: u16, max: u16, parts: &Parts<'_>) -> u16 {
        let end = x.saturating_add(max);
        parts.iter().fold(x, |x, (text, role)| self.put(x, y, end.saturating_sub(x), text, *role))
    }

    /// One line with a left and a right end; the right end is cut last.
    pub(super) fn line(&mut self, area: Rect, left: &Parts<'_>, right: &Parts<'_>) {
        let wide: usize = right.iter().map(|(text, _)| width(text)).sum();
        let wide = wide.min(usize::from(area.width)) as u16;
        self.parts(area.right() - wide, area.y, wide, right);
        let space = u16::from(wide > 0);
        self.parts(area.x, area.y, area.width.saturating_sub(wide + space), left);
    }

    /// Fills `area` with one symbol.
    pub(super) fn fill(&mut self, area: Rect, symbol: &str, role: Role) {
        let style = self.view.options.theme.whole(role);
        let area = area.intersection(self.buf.area);
        for y in area.y..area.bottom() {
            for x in area.x..area.right() {
                if let Some(cell) = self.buf.cell_mut((x, y)) {
                    cell.set_symbol(symbol).set_style(style);
                }
            }
        }
    }

    /// Gives every cell of `area` a role and keeps the text.
    pub(super) fn restyle(&mut self, area: Rect, role: Role) {
        let style = self.view.options.theme.style(role);
        self.buf.set_style(area.intersection(self.buf.area), style);
    }

    /// Reverses every cell of `area`: the time cursor's place, with or without colour.
    pub(super) fn mark(&mut self, area: Rect) {
        self.buf.set_style(area.intersection(self.buf.area), Style::new().add_modifier(Modifier::REVERSED));
    }

    /// Empties `area`, and what reaches into it from the left.
    pub(super) fn clear(&mut self, area: Rect) {
        let area = area.intersection(self.buf.area);
        for y in area.y..area.bottom() {
            for x in area.x..area.right() {
                if let Some(cell) = self.buf.cell_mut((x, y)) {
                    cell.reset();
                }
            }
            let before = area.x.checked_sub(1).and_then(|x| self.buf.cell_mut((x, y)));
            if let Some(cell) = before.filter(|cell| width(cell.symbol()) > 1) {
                cell.set_symbol(" ");
            }
        }
    }

    /// A horizontal line with a title and something at its right end.
    pub(super) fn rule(&mut self, area: Rect, title: &Parts<'_>, right: &str) {
        self.fill(Rect { height: 1, ..area }, self.set.h, Role::Border);
        self.on_border(area.x + 2.min(area.width), area.right().saturating_sub(2), area.y, title, right);
    }

    /// Empties a box in the middle of `area`; `None` if it would be narrower than `least` or has no line inside.
    pub(super) fn middle(&mut self, area: Rect, wide: usize, high: usize, least: u16) -> Option<Rect> {
        let (width, height) = ((wide as u16).min(area.width), (high as u16).min(area.height));
        if width < least || height < 3 {
            return None;
        }
        let at = Rect { x: area.x + (area.width - width) / 2, y: area.y + (area.height - height) / 2, width, height };
        self.clear(at);
        Some(at)
    }

    /// A box with a title, and texts at the right of its upper edge and at both ends of its lower edge.
    pub(super) fn frame(
        &mut self,
        area: Rect,
        title: &Parts<'_>,
        right: &str,
        (below, below_right): (&Parts<'_>, &str),
    ) -> Rect {
        if area.width < 2 || area.height < 2 {
            return Rect { width: 0, height: 0, ..area };
        }
        let (last_x, last_y) = (area.right() - 1, area.bottom() - 1);
        for y in [area.y, last_y] {
            self.fill(Rect { y, height: 1, ..area }, self.set.h, Role::Border);
        }
        for x in [area.x, last_x] {
            self.fill(Rect { x, width: 1, ..area }, self.set.v, Role::Border);
        }
        let [tl, tr, bl, br] = self.set.corners;
        for (x, y, corner) in [(area.x, area.y, tl), (last_x, area.y, tr), (area.x, last_y, bl), (last_x, last_y, br)] {
            self.put(x, y, 1, corner, Role::Border);
        }
        self.on_border(area.x + 2, last_x.saturating_sub(1), area.y, title, right);
        self.on_border(area.x + 2, last_x.saturating_sub(1), last_y, below, below_right);
        Rect { x: area.x + 1, y: area.y + 1, width: area.width - 2, height: area.height - 2 }
    }

    /// Title and right end between `from` and `to`, each with a space on both sides; the title is cut last.
    fn on_border(&mut self, from: u16, to: u16, y: u16, title: &Parts<'_>, right: &str) {
        let space = to.saturating_sub(from);
        let wide: usize = title.iter().map(|(text, _)| width(text)).sum();
        let mut end = from;
        if wide > 0 && space >= 3 {
            let x = self.put(from, y, 1, " ", Role::Border);
            let x = self.parts(x, y, space - 2, title);
            end = self.put(x, y, 1, " ", Role::Border);
        }
        let left = to.saturating_sub(end);
        // Where all of it does not fit, its first word may.
        let first = right.split(' ').next().unwrap_or("");
        let right = if width(right) + 3 > usize::from(left) { first } else { right };
        let wide = width(right) as u16;
        if wide > 0 && wide + 3 <= left {
            let x = to - wide - 2;
            let x = self.put(x, y, 1, " ", Role::Border);
            let x = self.put(x, y, wide, right, Role::Dim);
            self.put(x, y, 1, " ", Role::Border);
        }
    }
}

/// The theme role of a side.
pub(super) const fn side_role(side: Side) -> Role {
    match side {
        Side::Blue => Role::SideBlue,
        Side::Green => Role::SideGreen,
    }
}

/// The name of what a side serves.
pub(super) fn version_name(snapshot: &Snapshot, side: Side) -> &str {
    snapshot.status.sides[side].version.as_ref().map_or("?", |version| version.name.as_str())
}
