//! The key line: the keys in force that are worth knowing, as many as the width has room for, the most important
//! first to stay. An entry is there whole or not at all.

use ratatui::layout::Rect;

use super::canvas::Canvas;
use crate::ui::actions::{Act, Row, table};
use crate::ui::keymap::Keymap;
use crate::ui::text::width;
use crate::ui::theme::Role;

/// The order on the line, and how long each stays while the line gets shorter: 0 goes last. What shares a word in
/// the table shares an entry; a row with a word that is not named here comes after what looks, and goes first.
const ORDER: [(Act, u8); 18] = [
    (Act::Help, 0),
    (Act::CommandLine, 1),
    (Act::Filter, 6),
    (Act::NextHit, 11),
    (Act::NextPane, 7),
    (Act::Pane(1), 12),
    (Act::Zoom, 10),
    (Act::Unzoom, 1),
    (Act::Follow, 8),
    (Act::Copy, 9),
    (Act::Mark, 14),
    (Act::PreviewPromote, 13),
    (Act::Hold, 2),
    (Act::Promote, 3),
    (Act::Switch, 4),
    (Act::Abort, 5),
    (Act::Rollback, 15),
    (Act::Quit, 16),
];
/// Entries up to this belong on every line that is not tight.
const CORE: u8 = 9;
const UNNAMED: u8 = 20;
/// The text in place of the keys that act.
const READ_ONLY: [&str; 2] = ["READ-ONLY, looking only", "READ-ONLY"];

/// Keys with one word.
struct Entry {
    keys: String,
    word: &'static str,
    rank: u8,
    /// Stands behind the bar.
    acts: bool,
    blocked: bool,
}

/// How much air is between entries.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Style {
    Wide,
    Medium,
    Tight,
}

impl Style {
    const fn gap(self) -> usize {
        match self {
            Self::Wide => 3,
            Self::Medium => 2,
            Self::Tight => 1,
        }
    }

    /// The columns on each side of the bar.
    const fn beside_bar(self) -> usize {
        if matches!(self, Self::Wide) { 3 } else { 1 }
    }

    /// The separator between keys and word: signs need no space before letters.
    fn between(self, keys: &str) -> &'static str {
        let sign = keys.len() == 1 && !keys.contains(|c: char| c.is_ascii_alphanumeric());
        if self == Self::Tight && sign { "" } else { " " }
    }

    fn columns(self, entry: &Entry) -> usize {
        width(&entry.keys) + self.between(&entry.keys).len() + width(entry.word)
    }

    /// The columns of a whole line; `note` takes the place of the keys that act.
    fn line(self, entries: &[&Entry], note: Option<&str>) -> usize {
        let part = |acts: bool| {
            let of = entries.iter().filter(|entry| entry.acts == acts);
            let (n, columns) = of.fold((0, 0), |(n, sum), entry| (n + 1, sum + self.columns(entry)));
            if n == 0 { 0 } else { columns + (n - 1) * self.gap() }
        };
        let (looks, acts) = (part(false), note.map_or(part(true), width));
        let bar = if looks > 0 && acts > 0 { 1 + 2 * self.beside_bar() } else { 0 };
        1 + looks + bar + acts
    }
}

/// Draws the line; what is blocked is dim.
pub(super) fn keys(canvas: &mut Canvas<'_>, area: Rect) {
    let room = usize::from(area.width);
    let entries = entries(canvas);
    let read_only = canvas.live().is_some_and(|snapshot| snapshot.status.driver.read_only);
    let entries: Vec<&Entry> = entries.iter().filter(|entry| !(read_only && entry.acts)).collect();
    let note = READ_ONLY.into_iter().find(|note| read_only && width(note) + 20 <= room);
    let note = note.or(read_only.then_some(READ_ONLY[1]));
    let (style, chosen) = chosen(&entries, note, room);
    let mut x = canvas.put(area.x, area.y, area.width, " ", Role::Text);
    let put = |canvas: &mut Canvas<'_>, x: u16, text: &str, role: Role| {
        canvas.put(x, area.y, area.right().saturating_sub(x), text, role)
    };
    let mut before: Option<bool> = None;
    for entry in &chosen {
        x = match before {
            None => x,
            Some(acts) if acts == entry.acts => x + style.gap() as u16,
            Some(_) => bar(canvas, area, x, style),
        };
        before = Some(entry.acts);
        let role = |role| if entry.blocked { Role::Dim } else { role };
        x = put(canvas, x, &entry.keys, role(Role::Key));
        x = put(canvas, x, style.between(&entry.keys), Role::Text);
        x = put(canvas, x, entry.word, role(Role::Text));
    }
    if let Some(note) = note.filter(|note| style.line(&chosen, Some(note)) <= room) {
        let x = if before.is_some() { bar(canvas, area, x, style) } else { x };
        put(canvas, x, note, Role::Warn);
    }
}

fn bar(canvas: &mut Canvas<'_>, area: Rect, x: u16, style: Style) -> u16 {
    let x = x + style.beside_bar() as u16;
    let x = canvas.put(x, area.y, 1, canvas.set.v, Role::Border);
    x + style.beside_bar() as u16
}

/// The airiest line that has what belongs on it, in the order of the line.
fn chosen<'e>(entries: &[&'e Entry], note: Option<&str>, room: usize) -> (Style, Vec<&'e Entry>) {
    if Style::Wide.line(entries, note) <= room {
        return (Style::Wide, entries.to_vec());
    }
    let core: Vec<&Entry> = entries.iter().copied().filter(|entry| entry.rank <= CORE).collect();
    let style = if Style::Medium.line(&core, note) <= room { Style::Medium } else { Style::Tight };
    let mut by_rank = entries.to_vec();
    by_rank.sort_by_key(|entry| entry.rank);
    let upto = |n: usize| {
        let last = n.checked_sub(1).map(|last| by_rank[last].rank);
        entries.iter().copied().filter(|entry| last.is_some_and(|last| entry.rank <= last)).collect::<Vec<_>>()
    };
    let fits = (0..=by_rank.len()).rev().map(upto).find(|chosen| style.line(chosen, note) <= room);
    (style, fits.unwrap_or_default())
}

fn entries(canvas: &Canvas<'_>) -> Vec<Entry> {
    let keymap = &canvas.view.keymap;
    let blocked = canvas.live().map_or(&[][..], |snapshot| &snapshot.status.blocked);
    let mut words: Vec<(&Row, &'static str)> = Vec::new();
    // The way out of a zoom takes the place of the way in.
    let hidden = if canvas.view.zoom { Act::Zoom } else { Act::Unzoom };
    let rows = table().iter().filter(|row| row.act != hidden);
    for (row, word) in rows.filter_map(|row| Some((row, row.footer?))) {
        if !words.iter().any(|(_, known)| *known == word) {
            words.push((row, word));
        }
    }
    let place = |row: &Row| ORDER.iter().position(|(act, _)| *act == row.act);
    let behind = |row: &Row| row.danger.acts() || row.act == Act::Quit;
    // Unnamed ones come after what looks: before the first one behind the bar.
    words.sort_by_key(|(row, _)| (behind(row), place(row).unwrap_or(ORDER.len())));
    words
        .into_iter()
        .filter_map(|(row, word)| {
            let keys = shared_keys(keymap, word)?;
            let rank = place(row).map_or(UNNAMED, |at| ORDER[at].1);
            let is_blocked = blocked.iter().any(|blocked| row.act.command().as_ref() == Some(&blocked.command));
            Some(Entry { keys, word, rank, acts: behind(row), blocked: is_blocked })
        })
        .collect()
}

/// The first keys of all actions with that word: `n N`, `1-5`; `None` where none has a key.
fn shared_keys(keymap: &Keymap, word: &str) -> Option<String> {
    let rows = table().iter().filter(|row| row.footer == Some(word));
    let keys: Vec<String> = rows.filter_map(|row| keymap.spelled(row.act).into_iter().next()).collect();
    let digit = |key: &String| key.parse::<u8>().ok().filter(|_| key.len() == 1);
    let digits: Option<Vec<u8>> = keys.iter().map(digit).collect();
    match digits.as_deref() {
        Some([first, .., last]) if digits.iter().flatten().copied().eq(*first..=*last) => {
            Some(format!("{first}-{last}"))
        }
        _ => (!keys.is_empty()).then(|| keys.join(" ")),
    }
}
