//! The `:` line. It opens the same questions as the keys.

mod complete;

pub(crate) use complete::CommandLine;

use super::prompt::TEXT_MAX;
use super::{Overlay, View};
use crate::dialogue::{WORDS, command_of};
use crate::domain::nearest::nearest;
use crate::domain::text::clean;
use crate::engine::{Command, MIN_REASON};
use crate::manual::topic;
use crate::ui::actions::{Act, table};
use crate::ui::input::Action;

/// Lines of the history kept.
const HISTORY_MAX: usize = 100;

/// Words of the line beside those of [`WORDS`], and what may follow them.
const MORE: [(&str, &str); 12] = [
    ("approve", "GATE REASON"),
    ("auto", "on|off"),
    ("gates", "[NAME]"),
    ("help", "[TOPIC]"),
    ("hold", ""),
    ("mark", ""),
    ("note", "TEXT"),
    ("override", "GATE"),
    ("q", ""),
    ("quit", ""),
    ("scenario", "NAME"),
    ("theme", "NAME"),
];

/// Every word the line knows, and what may follow it, by name.
pub(crate) fn words() -> Vec<(&'static str, &'static str)> {
    let mut words: Vec<_> = WORDS.iter().map(|(word, ..)| (*word, "")).chain(MORE).collect();
    words.sort_unstable();
    words
}

impl View {
    pub(super) fn run(&mut self, line: &str, now_ms: u64, out: &mut Vec<Action>) {
        let (word, rest) = line.trim().split_once(char::is_whitespace).unwrap_or((line.trim(), ""));
        let rest = rest.trim();
        match (word, rest) {
            ("", _) => {}
            ("auto", "on") => self.open(Command::Auto { on: true }, now_ms),
            ("auto", "off") => self.send(Command::Auto { on: false }, now_ms, out),
            ("gates", "" | "run") => self.send(Command::RunGates { only: Vec::new() }, now_ms, out),
            ("gates", name) => self.run_gate(name, now_ms, out),
            ("note", text) if !text.is_empty() => self.note(&clean(text, TEXT_MAX), now_ms, out),
            ("override", gate) if !gate.is_empty() => self.open_override(Some(gate), now_ms),
            ("approve", rest) if rest.contains(' ') => self.approve(rest, now_ms, out),
            ("scenario", name) if !name.is_empty() => self.scenario(name, now_ms, out),
            ("theme", name) => self.set_theme(name, now_ms),
            ("mark", "") => self.act(Act::Mark, now_ms, out),
            ("help", "") => {
                self.overlay = Some(Overlay::Help { scroll: 0, search: String::new(), typing: false });
            }
            ("help", name) => match topic(name) {
                Ok(topic) => self.read(topic),
                Err(near) => {
                    let meant = near.map_or_else(String::new, |near| format!("; did you mean {near}?"));
                    self.warn(&format!("the manual has no topic {:?}{meant}", clean(name, 40)), now_ms);
                }
            },
            ("q" | "quit", "") => self.quit(now_ms, out),
            (word, "") if let Some(command) = command_of(word) => match command {
                Command::Pause => self.send(command, now_ms, out),
                command => self.open(command, now_ms),
            },
            (word, "") if !words().iter().any(|(known, _)| *known == word) => {
                // Every action has a word too, for keyboards that lack its key.
                match table().iter().find(|row| row.name == word) {
                    Some(row) => self.act(row.act, now_ms, out),
                    None => self.unknown(word, now_ms),
                }
            }
            _ => self.unknown(word, now_ms),
        }
    }

    fn unknown(&mut self, word: &str, now_ms: u64) {
        let words = words();
        let text = match words.iter().find(|(known, _)| *known == word) {
            Some((known, "")) => format!(":{known} takes nothing after it"),
            Some((known, rest)) => format!(":{known} {rest}"),
            None => {
                let known = words.iter().map(|(known, _)| *known).chain(table().iter().map(|row| row.name));
                let meant = nearest(word, known).map_or_else(
                    || format!("Tab completes, {} is help", self.key_name(Act::Help)),
                    |known| format!("did you mean :{known}?"),
                );
                format!("unknown command \"{}\"; {meant}", clean(word, 40))
            }
        };
        self.warn(&text, now_ms);
    }

    /// Sends a command that needs no question, unless the console is read-only.
    fn send(&mut self, command: Command, now_ms: u64, out: &mut Vec<Action>) {
        if self.snapshot.as_ref().is_some_and(|s| s.status.driver.read_only) {
            return self.warn(&format!("{}: this console was started read-only", command.verb()), now_ms);
        }
        self.ask(command, None, now_ms, out);
    }

    /// Signs for a gate: the typed line with its reason is the consent.
    fn approve(&mut self, rest: &str, now_ms: u64, out: &mut Vec<Action>) {
        let (gate, reason) = rest.split_once(' ').unwrap_or((rest, ""));
        let reason = clean(reason.trim(), TEXT_MAX);
        if reason.chars().count() < MIN_REASON {
            return self.warn(&format!("approve: a reason of at least {MIN_REASON} characters goes with it"), now_ms);
        }
        if self.snapshot.as_ref().is_some_and(|s| s.status.driver.read_only) {
            return self.warn("approve: this console was started read-only", now_ms);
        }
        // Bound to what is on the screen: a version that is newer was not looked at.
        let seen = self.snapshot.as_ref().map(|s| s.status.digest.clone());
        self.ask(Command::Approve { gate: gate.to_owned(), reason }, seen, now_ms, out);
    }

    fn run_gate(&mut self, name: &str, now_ms: u64, out: &mut Vec<Action>) {
        let name = name.strip_prefix("run ").map_or(name, str::trim);
        let known = self.snapshot.as_ref().is_some_and(|s| s.status.gates.iter().any(|gate| gate.name == name));
        if known {
            self.send(Command::RunGates { only: vec![name.to_owned()] }, now_ms, out);
        } else {
            self.warn(&format!("gates: there is no gate {:?}", clean(name, 40)), now_ms);
        }
    }

    fn scenario(&mut self, name: &str, now_ms: u64, out: &mut Vec<Action>) {
        let scenarios = &self.options.scenarios;
        if scenarios.is_empty() {
            self.warn("scenario: only a demo has scenarios", now_ms);
        } else if scenarios.iter().any(|known| known == name) {
            out.push(Action::Scenario(name.to_owned()));
            self.say(&format!("scenario {name}"), now_ms);
        } else {
            let text = format!("scenario: {:?} is none of {}", clean(name, 40), scenarios.join(", "));
            self.warn(&text, now_ms);
        }
    }
}
