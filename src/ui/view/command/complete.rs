//! What Tab offers in the `:` line, and going through it.

use tui_input::Input as Line;

use super::{HISTORY_MAX, words};
use crate::manual::topics;
use crate::ui::actions::table;
use crate::ui::input::Code;
use crate::ui::view::{Field, View};

/// What was typed into the `:` line before, for as long as the program runs, and what Tab is going through.
#[derive(Debug, Clone, Default)]
pub(crate) struct CommandLine {
    /// The newest last, each once.
    history: Vec<String>,
    /// Which of it the line shows, and what was typed before it did.
    recalled: Option<(usize, String)>,
    cycle: Option<Cycle>,
}

/// Candidates being gone through.
#[derive(Debug, Clone)]
struct Cycle {
    /// The line as typed.
    typed: String,
    offer: Offer,
    /// The candidate in the line; as many as there are for the line as typed.
    at: usize,
}

/// Candidates for the end of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// The text before it, with the space.
    pub before: String,
    /// What could follow, and whether more follows after that.
    pub words: Vec<(String, bool)>,
    /// What belongs here when it is not one of a list: `TEXT`.
    pub hint: &'static str,
}

impl CommandLine {
    /// Remembers a line that was entered.
    pub(crate) fn keep(&mut self, line: &str) {
        self.recalled = None;
        self.cycle = None;
        let line = line.trim();
        if line.is_empty() {
            return;
        }
        self.history.retain(|kept| kept != line);
        if self.history.len() == HISTORY_MAX {
            self.history.remove(0);
        }
        self.history.push(line.to_owned());
    }

    /// The line was edited: what is in it now is typed.
    pub(crate) fn typed(&mut self) {
        self.recalled = None;
        self.cycle = None;
    }

    /// The line before or after the one shown; `None` at the ends.
    fn recall(&mut self, older: bool, line: &str) -> Option<String> {
        self.cycle = None;
        let at = match (&self.recalled, older) {
            (None, false) => return None,
            (None, true) => self.history.len().checked_sub(1)?,
            (Some((at, _)), true) => at.checked_sub(1)?,
            (Some((at, _)), false) => at + 1,
        };
        let typed = self.recalled.take().map_or_else(|| line.to_owned(), |(_, typed)| typed);
        let Some(kept) = self.history.get(at) else { return Some(typed) };
        self.recalled = Some((at, typed));
        Some(kept.clone())
    }

    /// The line with the next or previous candidate; `None` without candidates.
    fn next(&mut self, forward: bool, line: &str, offer: impl FnOnce() -> Offer) -> Option<String> {
        let cycle = if let Some(mut cycle) = self.cycle.take() {
            let places = cycle.offer.words.len() + 1;
            cycle.at = (cycle.at + if forward { 1 } else { places - 1 }) % places;
            cycle
        } else {
            let offer = offer();
            let last = offer.words.len().checked_sub(1)?;
            Cycle { typed: line.to_owned(), at: if forward { 0 } else { last }, offer }
        };
        self.recalled = None;
        let shown = match cycle.offer.words.as_slice() {
            // The only one is taken, and what follows it can be typed or offered at once.
            [(word, more)] => return Some(format!("{}{word}{}", cycle.offer.before, if *more { " " } else { "" })),
            words => words.get(cycle.at).map(|(word, _)| format!("{}{word}", cycle.offer.before)),
        };
        let shown = shown.unwrap_or_else(|| cycle.typed.clone());
        self.cycle = Some(cycle);
        Some(shown)
    }
}

impl View {
    pub(in crate::ui::view) fn open_command_line(&mut self) {
        self.commands.typed();
        self.field = Some(Field::Command(Line::default()));
    }

    /// Tab and Shift-Tab go through what is offered, Up and Down through what was entered.
    pub(in crate::ui::view) fn browse(&mut self, code: Code, line: &mut Line) {
        let mut commands = std::mem::take(&mut self.commands);
        let shown = match code {
            Code::Tab | Code::BackTab => commands.next(code == Code::Tab, line.value(), || self.offer(line.value())),
            _ => commands.recall(code == Code::Up, line.value()),
        };
        self.commands = commands;
        if let Some(shown) = shown {
            *line = Line::new(shown);
        }
    }

    /// What is offered for the `:` line, and which of it is in the line; `None` while no command is typed.
    pub fn offered(&self) -> Option<(Offer, Option<usize>)> {
        let Some(Field::Command(line)) = &self.field else { return None };
        Some(match &self.commands.cycle {
            Some(cycle) => (cycle.offer.clone(), Some(cycle.at)),
            None => (self.offer(line.value()), None),
        })
    }

    /// The line with the first of what is offered, as Tab makes it.
    #[cfg(test)]
    pub(in crate::ui::view) fn complete(&self, line: &str) -> Option<String> {
        CommandLine::default().next(true, line, || self.offer(line))
    }

    fn offer(&self, line: &str) -> Offer {
        let line = line.trim_start();
        let (before, part) = line.rsplit_once(' ').map_or(("", line), |(before, part)| (before.trim(), part));
        let fits = |word: &&str| word.starts_with(part);
        let gates = || self.snapshot.iter().flat_map(|s| &s.status.gates).map(|gate| gate.name.as_str());
        let plain = |words: Vec<&str>| words.into_iter().map(|word| (word.to_owned(), false)).collect();
        let found: Vec<(String, bool)> = match before {
            "" => first_words(part),
            "auto" => plain(["on", "off"].into_iter().filter(fits).collect()),
            "approve" | "override" | "gates" => plain(gates().filter(fits).collect()),
            "help" => plain(topics().map(|topic| topic.name).filter(fits).collect()),
            "scenario" => plain(self.options.scenarios.iter().map(String::as_str).filter(fits).collect()),
            "theme" => plain(self.theme_names(part).collect()),
            _ => Vec::new(),
        };
        let named = before.split(' ').next().unwrap_or("");
        let hint = words().into_iter().find(|(word, _)| *word == named).map_or("", |(_, rest)| rest);
        let before = if before.is_empty() { String::new() } else { format!("{before} ") };
        Offer { before, words: found, hint }
    }
}

/// Commands that begin with `part`; once something was typed, the names of the keys' actions too.
fn first_words(part: &str) -> Vec<(String, bool)> {
    let all = words();
    let words = all.iter().map(|(word, rest)| (*word, !rest.is_empty()));
    let actions = table().iter().map(|row| (row.name, false)).filter(|_| !part.is_empty());
    let actions = actions.filter(|(name, _)| !all.iter().any(|(word, _)| word == name));
    let all = words.chain(actions).filter(|(word, _)| word.starts_with(part));
    all.map(|(word, more)| (word.to_owned(), more)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer(words: &[&str]) -> Offer {
        Offer { before: "x ".into(), words: words.iter().map(|w| ((*w).to_owned(), true)).collect(), hint: "" }
    }

    #[test]
    fn tab_goes_round_and_comes_back_to_what_was_typed() {
        let mut line = CommandLine::default();
        let mut seen = Vec::new();
        let mut shown = "x a".to_owned();
        for forward in [true, true, true, true, false, false, false] {
            shown = line.next(forward, &shown, || offer(&["aa", "ab"])).unwrap();
            seen.push(shown.clone());
        }
        assert_eq!(seen, ["x aa", "x ab", "x a", "x aa", "x a", "x ab", "x aa"]);
        line.typed();
        assert_eq!(line.next(true, "x z", || offer(&[])), None);
        assert_eq!(line.next(true, "x z", || offer(&["zz"])), Some("x zz ".into()));
    }

    #[test]
    fn history_is_bounded_holds_each_line_once_and_keeps_what_was_being_typed() {
        let mut line = CommandLine::default();
        assert_eq!(line.recall(true, "dra"), None);
        for text in ["one", "two", "one", " ", "three "] {
            line.keep(text);
        }
        assert_eq!(line.history, ["two", "one", "three"]);
        let up = |line: &mut CommandLine| line.recall(true, "dra");
        assert_eq!(
            [up(&mut line), up(&mut line), up(&mut line), up(&mut line)],
            [Some("three".into()), Some("one".into()), Some("two".into()), None]
        );
        let down = |line: &mut CommandLine| line.recall(false, "two");
        assert_eq!(
            [down(&mut line), down(&mut line), down(&mut line), down(&mut line)],
            [Some("one".into()), Some("three".into()), Some("dra".into()), None]
        );
        for n in 0..1_000 {
            line.keep(&n.to_string());
        }
        assert_eq!((line.history.len(), line.history[0].as_str()), (HISTORY_MAX, "900"));
    }
}
