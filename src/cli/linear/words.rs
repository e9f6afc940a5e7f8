//! What a typed line means.

use crate::domain::text::clean;
use crate::ui::view::prompt::Ask;

/// The longest line that is read as words, in characters.
const LONGEST: usize = 400;
/// Lines of the log shown where no number is given.
const LOG_LINES: usize = 20;

/// A line that was understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Word {
    /// Something that is asked about before it is done.
    Ask(Ask),
    /// Let a failing gate pass: by name or number, with the reason where it was typed along.
    Override { gate: Option<String>, reason: String },
    /// Stop the plan where it is.
    Pause,
    /// Walk the plan by hand again.
    AutoOff,
    /// Run gates; all where none is named.
    RunGates(Vec<String>),
    /// Write into the journal.
    Note(String),
    /// Where the rollout stands.
    Status,
    /// The gates, or one of them.
    Gates(Option<String>),
    /// What stands in the way.
    Blocked,
    /// The last lines of the log.
    Log(usize),
    /// What a demo plays.
    Scenario(String),
    /// The words.
    Help,
    /// Leave.
    Quit,
    /// An empty line.
    Nothing,
}

/// Every word with what it does, in the order in which help lists them.
pub(super) const WORDS: [(&str, &str); 18] = [
    ("status", "where the rollout stands"),
    ("gates", "the gates, numbered; gates NAME or gates NUMBER: one of them; gates run: run them"),
    ("blocked", "what stands in the way of each step"),
    ("log", "the last lines; log NUMBER: that many"),
    ("promote", "one step forward in the plan; asks for yes"),
    ("switch", "all traffic to the candidate at once; asks for its version"),
    ("abort", "give the rollout up: back to the live side; asks for yes"),
    ("rollback", "all traffic back, now; asks for yes"),
    ("pause", "stop the plan where it is; asks nothing"),
    ("resume", "go on with the plan; asks for yes"),
    ("override", "override GATE: let a failed gate pass; asks for a reason and yes"),
    ("finalize", "end the rollback window; asks for yes"),
    ("auto", "auto on: walk the plan unattended, asks for yes; auto off: stop doing so"),
    ("takeover", "drive instead of another console; asks for yes"),
    ("note", "note TEXT: write a line into the journal"),
    ("scenario", "in the demo, scenario NAME: play another one"),
    ("help", "these words"),
    ("quit", "leave; traffic stays where it is"),
];

/// What `line` means, or why it means nothing.
pub(super) fn parse(line: &str) -> Result<Word, String> {
    let line = clean(line.trim(), LONGEST);
    let (first, rest) = line.split_once(char::is_whitespace).unwrap_or((&line, ""));
    let (first, rest) = (first.to_lowercase(), rest.trim());
    let alone = |word: Word| {
        if rest.is_empty() { Ok(word) } else { Err(format!("{first} stands alone: nothing was done")) }
    };
    match first.as_str() {
        "" => Ok(Word::Nothing),
        "promote" => alone(Word::Ask(Ask::Promote)),
        "switch" => alone(Word::Ask(Ask::Switch)),
        "abort" => alone(Word::Ask(Ask::Abort)),
        "rollback" => alone(Word::Ask(Ask::Rollback)),
        "roll" if rest.eq_ignore_ascii_case("back") => Ok(Word::Ask(Ask::Rollback)),
        "resume" => alone(Word::Ask(Ask::Resume)),
        "finalize" => alone(Word::Ask(Ask::Finalize)),
        "takeover" => alone(Word::Ask(Ask::TakeOver)),
        "take" if rest.eq_ignore_ascii_case("over") => Ok(Word::Ask(Ask::TakeOver)),
        "auto" => match rest {
            "on" => Ok(Word::Ask(Ask::AutoOn)),
            "off" => Ok(Word::AutoOff),
            _ => Err("say auto on, or auto off".into()),
        },
        "pause" | "hold" => alone(Word::Pause),
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
            ("  promote ", Word::Ask(Ask::Promote)),
            ("ROLLBACK", Word::Ask(Ask::Rollback)),
            ("roll back", Word::Ask(Ask::Rollback)),
            ("hold", Word::Pause),
            ("take over", Word::Ask(Ask::TakeOver)),
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
            ("\u{1b}[Arollback", Word::Ask(Ask::Rollback)),
        ] {
            assert_eq!(parse(line), Ok(word), "{line:?}");
        }
        for line in ["promote now", "rollback?", "yes", "log x", "note", "auto", "switch v2"] {
            assert!(parse(line).is_err(), "{line:?}");
        }
        for (word, _) in WORDS {
            let line = match word {
                "auto" => "auto on".to_owned(),
                "note" | "scenario" => format!("{word} x"),
                word => word.to_owned(),
            };
            assert!(parse(&line).is_ok(), "help names {word}");
        }
    }
}
