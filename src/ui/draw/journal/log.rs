//! The log pane.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use ratatui::layout::Rect;

use super::wrap::{head, wrap};
use crate::domain::{LogLevel, json_line};
use crate::ui::draw::canvas::Canvas;
use crate::ui::text::{age, count, fit, width};
use crate::ui::theme::Role;
use crate::ui::view::log::{LogPane, Row, Stamps};
use crate::ui::view::{Pane, View};

/// Rows that one wrapped line takes at most; Enter shows all of it.
const MAX_ROWS: usize = 12;

/// The log pane; `boxed` draws a frame around it.
pub(crate) fn log(canvas: &mut Canvas<'_>, area: Rect, boxed: bool) -> Option<(u16, u16)> {
    if area.height == 0 {
        return None;
    }
    let view = canvas.view;
    let focused = view.focus == Pane::Log;
    let [what, filter, level] = heading(canvas, area.width, boxed);
    let role = if focused { Role::Focus } else { Role::Title };
    let title =
        [("4 LOG", role), (what.as_str(), Role::Text), (filter.as_str(), Role::Warn), (level.as_str(), Role::Warn)];
    let used: usize = title.iter().map(|(text, _)| width(text)).sum();
    let right = state(canvas, boxed, usize::from(area.width).saturating_sub(used + 9));
    let inner = if boxed {
        canvas.frame(area, &title, &right, (&[], ""))
    } else {
        canvas.rule(area, &title, &right);
        Rect { y: area.y + 1, height: area.height - 1, ..area }
    };
    let rows = lines(canvas, inner, boxed);
    let mut cursor = None;
    for (at, line) in rows.iter().enumerate() {
        let y = inner.y + at as u16;
        line.draw(canvas, Rect { y, height: 1, ..inner });
        if line.selected && focused {
            let whole = Rect { x: inner.x + 1, y, width: inner.width.saturating_sub(2), height: 1 };
            canvas.restyle(whole, Role::Selected);
            cursor = cursor.or(Some((inner.x, y)));
        }
    }
    // While it follows, the newest line is where the eye is.
    cursor.or((focused && inner.height > 0).then(|| (inner.x, inner.bottom() - 1)))
}

/// What is shown: gate, filter and level.
fn heading(canvas: &Canvas<'_>, columns: u16, boxed: bool) -> [String; 3] {
    let pane = &canvas.view.log;
    let what = match (&pane.gate, boxed) {
        (Some(gate), _) => format!(" {}", fit(gate, 24)),
        (None, true) => "  all gates".to_owned(),
        (None, false) => "  all".to_owned(),
    };
    let word = if pane.search { "search" } else { "filter" };
    let bad = if pane.fault().is_some() { " (as text)" } else { "" };
    let filter = match (pane.filter.is_empty(), boxed) {
        (true, true) => "   filter: none".to_owned(),
        (true, false) => String::new(),
        (false, _) => format!("   {word}: {}{bad}", fit(&pane.filter, 20)),
    };
    let level = match pane.least {
        LogLevel::Info if columns < 130 => String::new(),
        least => format!("   level {} {}", canvas.set.ge, least.title()),
    };
    [what, filter, level]
}

/// Whether it follows, and how many lines there are, in at most `room` columns.
fn state(canvas: &Canvas<'_>, boxed: bool, room: usize) -> String {
    let pane = &canvas.view.log;
    let dropped = pane.lost() + canvas.live().map_or(0, |snapshot| snapshot.status.dropped);
    let now = match (canvas.view.cursor, pane.follows()) {
        (Some(at), _) => format!("AT {}", at.format("%H:%M:%S")),
        (None, true) => "FOLLOW".to_owned(),
        (None, false) => format!("PAUSED +{} new", count(pane.new_lines())),
    };
    let of = match pane.found() {
        Some(found) if !pane.search => {
            format!("{}{} of ", count(found as u64), if pane.is_looking() { "+" } else { "" })
        }
        _ => String::new(),
    };
    let lines = format!("{of}{} lines", count(pane.len() as u64));
    let lost = if dropped > 0 || boxed { format!("  {} dropped", count(dropped)) } else { String::new() };
    let forms = [
        format!("{now}   {lines}{lost}   f follow  w wrap  t time  v level"),
        format!("{now}   f follow   {lines}{lost}"),
        format!("{now}  {lines}{lost}"),
        format!("{now}  {lines}"),
        now,
    ];
    let from = if boxed { usize::from(canvas.area().width < 160) } else { 2 };
    let shortest = forms[4].clone();
    forms.into_iter().skip(from).find(|form| width(form) <= room).unwrap_or(shortest)
}

/// One row of the screen.
struct Line<'a> {
    time: String,
    level: &'static str,
    level_role: Role,
    source: String,
    text: Cow<'a, str>,
    text_role: Role,
    selected: bool,
    hit: bool,
    note: bool,
}

/// The rows that fill `area`, from the top down; what does not fit is left out at the top, the cursor never.
fn lines<'a>(canvas: &Canvas<'a>, area: Rect, boxed: bool) -> Vec<Line<'a>> {
    let view: &'a View = canvas.view;
    let height = usize::from(area.height);
    let window = view.log.window(height, view.cursor);
    let now = view.snapshot.as_ref().map(|snapshot| snapshot.status.time);
    let now = now.map(|time| time + chrono::TimeDelta::milliseconds((view.elapsed_s(canvas.now) * 1000.0) as i64));
    let columns = usize::from(area.width).saturating_sub(1);
    let cut: Vec<Vec<Line<'a>>> = window.into_iter().map(|row| line(&view.log, row, now, columns, boxed)).collect();
    if !view.log.wrap {
        return cut.into_iter().flatten().collect();
    }
    // The last lines that fit, but never so few that the cursor's is not among them.
    let selected = cut.iter().position(|rows| rows.iter().any(|row| row.selected));
    let mut end = cut.len();
    if let Some(selected) = selected {
        let rows = |end: usize| cut[selected..end].iter().map(Vec::len).sum::<usize>();
        while end > selected + 1 && rows(end) > height {
            end -= 1;
        }
    }
    let mut all: Vec<Line<'a>> = cut.into_iter().take(end).flatten().collect();
    let spare = all.len().saturating_sub(height);
    let spare = all.iter().position(|row| row.selected).map_or(spare, |first| spare.min(first));
    all.drain(..spare);
    all.truncate(height);
    all
}

/// A line of the log in the rows it takes.
fn line<'a>(pane: &LogPane, row: Row<'a>, now: Option<DateTime<Utc>>, columns: usize, boxed: bool) -> Vec<Line<'a>> {
    let level_role = match row.level {
        LogLevel::Info => Role::Text,
        LogLevel::Warn => Role::Warn,
        LogLevel::Err => Role::Fail,
    };
    let time = match (pane.stamps, now) {
        (Stamps::Off, _) => String::new(),
        (Stamps::Age, Some(now)) => {
            format!("{:>4} ", age((now - row.at).num_milliseconds() as f64 / 1000.0))
        }
        (Stamps::Clock | Stamps::Age, _) => format!("{} ", row.at.format("%H:%M:%S")),
    };
    // A log of one gate need not name it on every line; the message starts in one column where there is room for that.
    let wide: usize = if boxed { 16 } else { 0 };
    let source = if pane.gate.is_some() && !row.note {
        String::new()
    } else {
        let source = fit(row.source, 24);
        let pad = wide.saturating_sub(width(&source) + 1) + 1;
        source + &" ".repeat(pad)
    };
    let before = 1 + width(&time) + 5 + width(&source);
    let room = columns.saturating_sub(before).max(1);
    let text: Cow<'a, str> = match row.text.starts_with('{').then(|| json_line::read(row.text)).flatten() {
        Some(json) => json.text.into(),
        None => row.text.into(),
    };
    let text_role = match (row.note, row.level) {
        (true, _) => Role::Title,
        (false, LogLevel::Info) => Role::Text,
        (false, _) => Role::Warn,
    };
    let first = |text| Line {
        time,
        level: row.level.title(),
        level_role,
        source,
        text,
        text_role,
        selected: row.selected,
        hit: row.hit,
        note: row.note,
    };
    if !pane.wrap {
        return vec![first(head(&text, room).into())];
    }
    let mut parts = wrap(&text, room);
    if parts.len() > MAX_ROWS {
        parts.truncate(MAX_ROWS);
        parts.iter_mut().skip(MAX_ROWS - 1).for_each(|last| last.push_str("~~"));
    }
    let mut parts = parts.into_iter();
    let mut rows = vec![first(parts.next().unwrap_or_default().into())];
    rows.extend(parts.map(|part| Line {
        time: " ".repeat(before - 1),
        level: "",
        level_role,
        source: String::new(),
        text: part.into(),
        text_role,
        selected: row.selected,
        hit: false,
        note: false,
    }));
    rows
}

impl Line<'_> {
    fn draw(&self, canvas: &mut Canvas<'_>, area: Rect) {
        let mark = if self.hit { ">" } else { " " };
        let level = if self.level.is_empty() { String::new() } else { format!("{:<4} ", self.level) };
        let right = area.right().saturating_sub(1);
        let pad = &self.source[self.source.trim_end().len()..];
        let end = canvas.parts(
            area.x,
            area.y,
            area.width.saturating_sub(1),
            &[
                (mark, if self.hit { Role::Key } else { Role::Dim }),
                (&self.time, Role::Dim),
                (&level, self.level_role),
                (self.source.trim_end(), Role::Dim),
                (pad, Role::Text),
            ],
        );
        let end = canvas.put(end, area.y, right.saturating_sub(end), &self.text, self.text_role);
        if self.note && end + 1 < right {
            canvas.fill(Rect { x: end + 1, width: right - end - 1, ..area }, canvas.set.h, Role::Border);
        }
    }
}
