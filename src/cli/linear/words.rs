//! The meaning of a typed line.

use crate::dialogue::{WORDS, command_of};
use crate::domain::text::clean;
use crate::engine::Command;

/// The longest line that is accepted, in characters.
const LONGEST: usize = 400;
/// The number of log lines that are shown by default.
const LOG_LINES: usize = 20;

/// A line that was understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Word {
    /// A command.
    Ask(Command),
    /// Override a failing gate: by name or number, with the reason if it is on the same line.
    Override { gate: Option<String>, reason: String },
    /// Walk the plan by hand again.
    AutoOff,
    /// Run gates; all if none is named.
    RunGates(Vec<String>),
    /// Write into the journal.
    Note(String),
    /// Print the state of the rollout.
    Status,
    /// The gates, or one of them.
    Gates(Option<String>),
    /// The blockers.
    Blocked,
    /// The last lines of the log.
    Log(usize),
    /// Start another scenario of the demo.
    Scenario(String),
    /// The list of words.
    Help,
    /// Leave.
    Quit,
    /// An empty line.
    Nothing,
}

/// Words that only show something, each with a description.
const LOOKING: [(&str, &str); 4] = [
    ("status", "where the rollout stands"),
    ("gates", "the gates, numbered; gates NAME or gates NUMBER: one of them; gates run: run them"),
    ("blocked", "what stands in the way of each step"),
    ("log", "the last lines; log NUMBER: that many"),
];

/// Other words, each with a description.
const OTHER: [(&str, &str); 6] = [
    ("override", "override GATE: let a failed gate pass; asks for a reason and yes"),
    ("auto", "auto on: walk the plan unattended, asks for yes; auto off: stop doing so"),
    ("note", "note TEXT: write a line into the journal"),
    ("scenario", "in the demo, scenario NAME: play another one"),
    ("help", "these words"),
    ("quit", "leave; traffic stays where it is"),
];

/// Every word with a description, in the order of the help.
pub(super) fn all() -> impl Iterator<Item = (&'static str, &'static str)> {
    LOOKING.into_iter().chain(WORDS.iter().map(|(word, _, does)| (*word, *does))).chain(OTHER)
}

/// The meaning of `line`, or why it is not understood.
pub(super) fn parse(line: &str) -> Result<Word, String> {
    let line = clean(line.trim(), LONGEST);
    let (first, rest) = line.split_once(char::is_whitespace).unwrap_or((&line, ""));
    let (first, rest) = (first.to_lowercase(), rest.trim());
    let alone = |word: Word| {
        if rest.is_empty() { Ok(word) } else { Err(format!("{first} stands alone: nothing was done")) }
    };
    match first.as_str() {
        "" => Ok(Word::Nothing),
        "roll" if rest.eq_ignore_ascii_case("back") => Ok(Word::Ask(Command::Rollback)),
        "take" if rest.eq_ignore_ascii_case("over") => Ok(Word::Ask(Command::TakeOver)),
        "auto" => match rest {
            "on" => Ok(Word::Ask(Command::Auto { on: true })),
            "off" => Ok(Word::AutoOff),
            _ => Err("say auto on, or auto off".into()),
        },
        "override" => {
            let (gate, reason) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
            let gate = Some(gate.to_owned()).filter(|gate| !gate.is_empty());
            Ok(Word::Override { gate, reason: reason.trim().to_owned() })
        }
        "gates" | "gate" => Ok(match rest.split_once(char::is_whitespace) {
            _ if rest.is_empty() => Word::Gates(None),
            None if rest == "run" => Word::RunGates(Vec::new()),
            Some(("run", names)) => Word::RunGates(names.split_whitespace().map(str::to_owned).collect()),
            _ => Word::Gates(Some(rest.to_owned())),
        }),
        "note" if rest.is_empty() => Err("note needs a text: note TEXT".into()),
        "note" => Ok(Word::Note(rest.to_owned())),
        "status" => alone(Word::Status),
        "blocked" | "explain" => alone(Word::Blocked),
        "log" if rest.is_empty() => Ok(Word::Log(LOG_LINES)),
        "log" => rest.parse().map(Word::Log).map_err(|_| format!("log takes a number, not {rest:?}")),
        "scenario" if rest.is_empty() => Err("scenario needs a name: scenario NAME".into()),
        "scenario" => Ok(Word::Scenario(rest.to_owned())),
        "help" | "?" => Ok(Word::Help),
        "quit" | "exit" => alone(Word::Quit),
        word if let Some(command) = command_of(word) => alone(Word::Ask(command)),
        _ => Err(format!("no word {:?}: type help for the words; nothing was done", clean(&line, 40))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_word_is_understood_and_a_stranger_is_not() {
        let gate = |gate: &str, reason: &str| Word::Override { gate: Some(gate.into()), reason: reason.into() };
        for (line, word) in [
            ("  promote ", Word::Ask(Command::Promote)),
            ("ROLLBACK", Word::Ask(Command::Rollback)),
            ("roll back", Word::Ask(Command::Rollback)),
            ("hold", Word::Ask(Command::Pause)),
            ("take over", Word::Ask(Command::TakeOver)),
            ("override golden the labels are late", gate("golden", "the labels are late")),
            ("override", Word::Override { gate: None, reason: String::new() }),
            ("gates", Word::Gates(None)),
            ("gates 2", Word::Gates(Some("2".into()))),
            ("gates run golden smoke", Word::RunGates(vec!["golden".into(), "smoke".into()])),
            ("log 7", Word::Log(7)),
            ("note a b", Word::Note("a b".into())),
            ("explain", Word::Blocked),
            ("", Word::Nothing),
            ("\u{1b}[A", Word::Nothing),
            ("\u{1b}[Arollback", Word::Ask(Command::Rollback)),
        ] {
            assert_eq!(parse(line), Ok(word), "{line:?}");
        }
        for line in ["promote now", "rollback?", "yes", "log x", "note", "auto", "switch v2"] {
            assert!(parse(line).is_err(), "{line:?}");
        }
        for (word, _) in all() {
            let line = match word {
                "auto" => "auto on".to_owned(),
                "note" | "scenario" => format!("{word} x"),
                word => word.to_owned(),
            };
            assert!(parse(&line).is_ok(), "help names {word}");
        }
    }
}
