//! A box with lines in the middle of the screen. Long text is wrapped. Where there are too few rows, the least important
//! lines are left out, but never the keys.

use ratatui::layout::Rect;

use crate::ui::draw::canvas::Canvas;
use crate::ui::text::width;
use crate::ui::theme::Role;

/// The usual width of a box; long names and requests make it wider.
const USUAL: usize = 71;
/// The greatest width of a box: longer lines are hard to read.
const WIDEST: u16 = 100;
/// Columns of a label.
pub(super) const LABEL: usize = 10;

/// How much a line matters when there are too few rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rank {
    /// Empty, or said elsewhere.
    Air,
    /// Good to know.
    Extra,
    /// Part of what is agreed to.
    Fact,
    /// How to answer.
    Keys,
}

/// A line of a box: pieces with their meaning, and a text at its right end.
pub(super) struct Line {
    /// From the left.
    pub left: Vec<(String, Role)>,
    /// At the right end.
    pub right: String,
    /// How much it matters.
    pub rank: Rank,
}

impl Line {
    /// Plain text.
    pub(super) fn plain(text: impl Into<String>, rank: Rank) -> Self {
        Self { left: vec![(text.into(), Role::Text)], right: String::new(), rank }
    }

    /// The keys and what they do.
    pub(super) fn keys(text: &str, right: String) -> Self {
        Self { left: vec![(text.to_owned(), Role::Key)], right, rank: Rank::Keys }
    }

    fn columns(&self) -> usize {
        let left: usize = self.left.iter().map(|(text, _)| width(text)).sum();
        left + width(&self.right) + if self.right.is_empty() { 0 } else { 2 }
    }
}

/// The columns a line in a box on `area` may take.
pub(super) fn room(area: Rect) -> usize {
    usize::from(area.width.min(WIDEST).saturating_sub(4))
}

/// `text` in lines of at most `room` columns, broken between words where possible.
pub(super) fn wrap(text: &str, room: usize) -> Vec<String> {
    let room = room.max(1);
    let mut lines = vec![String::new()];
    let mut used = 0;
    for (at, word) in text.split(' ').enumerate() {
        let gap = usize::from(at > 0 && used > 0);
        if used > 0 && used + gap + width(word) > room {
            lines.push(String::new());
            used = 0;
        } else if gap > 0 || (at > 0 && used == 0) {
            put(&mut lines, &mut used, ' ', room);
        }
        word.chars().for_each(|c| put(&mut lines, &mut used, c, room));
    }
    lines
}

fn put(lines: &mut Vec<String>, used: &mut usize, c: char, room: usize) {
    let wide = width(c.encode_utf8(&mut [0; 4]));
    if *used + wide > room {
        lines.push(String::new());
        *used = 0;
    }
    if let Some(line) = lines.last_mut() {
        line.push(c);
        *used += wide;
    }
}

/// A label and its text, wrapped under itself.
pub(super) fn labelled(label: &str, text: &str, role: Role, rank: Rank, room: usize) -> Vec<Line> {
    let mut label = label.to_owned();
    let mut lines = Vec::new();
    for part in wrap(text, room.saturating_sub(LABEL)) {
        let head = format!("{:<LABEL$}", std::mem::take(&mut label));
        lines.push(Line { left: vec![(head, Role::Dim), (part, role)], right: String::new(), rank });
    }
    lines
}

/// Draws the box in the middle of `area`; returns its inside.
pub(super) fn boxed(canvas: &mut Canvas<'_>, area: Rect, title: &str, mut lines: Vec<Line>) -> Option<Rect> {
    let longest = lines.iter().map(|line| line.columns() + 3).max().unwrap_or(0);
    let at = canvas.middle(area, longest.max(USUAL).max(width(title) + 6), lines.len() + 2, 8)?;
    let hidden = leave_out(&mut lines, usize::from(at.height - 2));
    // Reason: an operator who agrees must know that there was more to read.
    let hidden = if hidden > 0 { format!("{hidden} hidden: enlarge the screen") } else { String::new() };
    let inner = canvas.frame(at, &[(title, Role::Title)], &hidden, (&[], ""));
    for (row, line) in lines.iter().enumerate() {
        let place = Rect { x: inner.x + 1, y: inner.y + row as u16, width: inner.width.saturating_sub(1), height: 1 };
        let left: Vec<(&str, Role)> = line.left.iter().map(|(text, role)| (text.as_str(), *role)).collect();
        let right = if line.right.is_empty() { String::new() } else { format!("{} ", line.right) };
        canvas.line(place, &left, &[(&right, Role::Text)]);
    }
    Some(inner)
}

/// Leaves out the least important lines until `rows` are enough, from the bottom; returns how many of them are facts.
fn leave_out(lines: &mut Vec<Line>, rows: usize) -> usize {
    let mut facts = 0;
    while lines.len() > rows {
        let least = lines.iter().map(|line| line.rank).min();
        let Some(at) = lines.iter().rposition(|line| Some(line.rank) == least) else { return facts };
        facts += usize::from(least >= Some(Rank::Fact));
        // The last lines with keys stay.
        let at = if least == Some(Rank::Keys) { 0 } else { at };
        lines.remove(at);
    }
    facts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stay_whole_where_they_fit() {
        assert_eq!(wrap("one two three", 8), ["one two", "three"]);
        assert_eq!(wrap("abcdefghij k", 4), ["abcd", "efgh", "ij k"]);
        assert_eq!(wrap("", 8), [""]);
        assert_eq!(wrap("日本語", 4), ["日本", "語"]);
        assert_eq!(wrap("a  b", 8), ["a  b"], "gaps stay");
        assert_eq!(wrap("x", 0), ["x"]);
    }

    #[test]
    fn what_matters_least_is_left_out_first() {
        let ranks = [Rank::Fact, Rank::Extra, Rank::Air, Rank::Extra, Rank::Keys];
        let names = |rows: usize| {
            let mut lines: Vec<Line> =
                ranks.iter().enumerate().map(|(at, rank)| Line::plain(at.to_string(), *rank)).collect();
            leave_out(&mut lines, rows);
            lines.iter().map(|line| line.left[0].0.clone()).collect::<String>()
        };
        assert_eq!([5, 4, 3, 2, 1, 0].map(names), ["01234", "0134", "014", "04", "4", ""]);
    }
}
