//! The one table of what keys do. Keymap, key line, help, `cutover keys` and the manual are made from it.

pub use super::keymap::spelling::parse;
use crate::engine::Command;

/// What a key does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Act {
    /// One line down.
    Down,
    /// One line up.
    Up,
    /// A page down.
    PageDown,
    /// A page up.
    PageUp,
    /// To the first line.
    First,
    /// To the last line, and follow.
    Last,
    /// The next pane.
    NextPane,
    /// The pane before.
    PreviousPane,
    /// The pane with this number.
    Pane(u8),
    /// Open what is selected.
    Open,
    /// Close, clear, back.
    Back,
    /// The pane alone.
    Zoom,
    /// All panes again.
    Unzoom,
    /// Filter the log.
    Filter,
    /// The command line.
    CommandLine,
    /// Help.
    Help,
    /// Follow the log, or stop doing so.
    Follow,
    /// The next hit of the search.
    NextHit,
    /// The hit before.
    PreviousHit,
    /// Long log lines wrapped, or cut.
    Wrap,
    /// The time of log lines: clock, age, none.
    Timestamps,
    /// The least level of log lines shown.
    Level,
    /// A mark in log and journal.
    Mark,
    /// What a gate saw.
    Evidence,
    /// The time cursor one step back.
    CursorBack,
    /// The time cursor one step forward.
    CursorForward,
    /// Copy what is selected.
    Copy,
    /// Freeze the panes.
    Freeze,
    /// What promote would do.
    PreviewPromote,
    /// What switch would do.
    PreviewSwitch,
    /// What abort would do.
    PreviewAbort,
    /// What rollback would do.
    PreviewRollback,
    /// What blocks.
    Explain,
    /// Paint again.
    Redraw,
    /// Stop as a shell job.
    Suspend,
    /// Leave.
    Quit,
    /// Twice: leave.
    Interrupt,
    /// Pause, or ask to resume.
    Hold,
    /// Ask to promote.
    Promote,
    /// Ask to switch.
    Switch,
    /// Ask to abort.
    Abort,
    /// Ask to roll back.
    Rollback,
    /// Ask to override a gate.
    Override,
    /// Ask to take the driver's place.
    TakeOver,
}

impl Act {
    /// The command that its key asks for.
    pub const fn command(self) -> Option<Command> {
        Some(match self {
            Self::Hold => Command::Pause,
            Self::Promote => Command::Promote,
            Self::Switch => Command::Switch,
            Self::Abort => Command::Abort,
            Self::Rollback => Command::Rollback,
            Self::TakeOver => Command::TakeOver,
            _ => return None,
        })
    }

    /// The command that its key shows the effect of.
    pub const fn previewed(self) -> Option<Command> {
        Some(match self {
            Self::PreviewPromote => Command::Promote,
            Self::PreviewSwitch => Command::Switch,
            Self::PreviewAbort => Command::Abort,
            Self::PreviewRollback => Command::Rollback,
            _ => return None,
        })
    }
}

/// What an action can bring about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Danger {
    /// Nothing outside the screen.
    Looks,
    /// A line in the journal, and nothing else.
    Notes,
    /// It changes the rollout and is recorded; it moves no traffic.
    Records,
    /// Traffic moves, once the question was answered.
    MovesTraffic,
}

impl Danger {
    /// Whether the rollout is another one afterwards: such keys need Shift and, but for hold, an answer.
    pub const fn acts(self) -> bool {
        matches!(self, Self::Records | Self::MovesTraffic)
    }

    /// The kind in words; empty for actions that only look.
    pub const fn told(self) -> &'static str {
        match self {
            Self::Looks => "",
            Self::Notes => "recorded",
            Self::Records => "recorded, moves no traffic",
            Self::MovesTraffic => "moves traffic",
        }
    }
}

/// One line of the table.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// What it is.
    pub act: Act,
    /// Its name, for people and for the keymap as TOML.
    pub name: &'static str,
    /// The keys, spelled as [`Key`](super::input::Key)s are parsed: `R`, `Ctrl-l`, `PgDn`.
    pub keys: &'static [&'static str],
    /// One sentence.
    pub help: &'static str,
    /// What it can bring about.
    pub danger: Danger,
    /// Where it works: `all`, or the panes it means something in.
    pub panes: &'static str,
    /// Its word on the key line, if it is there; actions with the same word share one place.
    pub footer: Option<&'static str>,
}

const fn row(act: Act, name: &'static str, keys: &'static [&'static str], help: &'static str, danger: Danger) -> Row {
    Row { act, name, keys, help, danger, panes: "all", footer: None }
}

const fn looks(act: Act, name: &'static str, keys: &'static [&'static str], help: &'static str) -> Row {
    row(act, name, keys, help, Danger::Looks)
}

const fn notes(act: Act, name: &'static str, keys: &'static [&'static str], help: &'static str) -> Row {
    row(act, name, keys, help, Danger::Notes)
}

const fn records(act: Act, name: &'static str, keys: &'static [&'static str], help: &'static str) -> Row {
    row(act, name, keys, help, Danger::Records)
}

const fn moves_traffic(act: Act, name: &'static str, keys: &'static [&'static str], help: &'static str) -> Row {
    row(act, name, keys, help, Danger::MovesTraffic)
}

impl Row {
    /// Only in these panes.
    const fn on(self, panes: &'static str) -> Self {
        Self { panes, ..self }
    }

    /// With this word on the key line.
    const fn footer(self, word: &'static str) -> Self {
        Self { footer: Some(word), ..self }
    }
}

/// The order is the order of the help and of the key line.
const TABLE: &[Row] = &[
    looks(Act::Help, "help", &["?"], "help and manual; type / in it to search").footer("help"),
    looks(Act::CommandLine, "command", &[":"], "command line, Tab completes").footer("cmd"),
    looks(Act::Filter, "filter", &["/"], "show log lines that match a text or expression, or with ! those that do not")
        .on("log")
        .footer("filter"),
    looks(Act::NextPane, "next-pane", &["Tab", "l", "Right"], "next pane").footer("pane"),
    looks(Act::PreviousPane, "previous-pane", &["Shift-Tab", "h", "Left"], "previous pane"),
    looks(Act::Pane(1), "pane-blue", &["1"], "to the blue side").footer("jump"),
    looks(Act::Pane(2), "pane-green", &["2"], "to the green side").footer("jump"),
    looks(Act::Pane(3), "pane-gates", &["3"], "to the gates").footer("jump"),
    looks(Act::Pane(4), "pane-log", &["4"], "to the log").footer("jump"),
    looks(Act::Pane(5), "pane-events", &["5"], "to the events").footer("jump"),
    looks(Act::Down, "down", &["j", "Down"], "one line down").on("gates, log, help"),
    looks(Act::Up, "up", &["k", "Up"], "one line up").on("gates, log, help"),
    looks(Act::PageDown, "page-down", &["PgDn", "Ctrl-d"], "a page down").on("gates, log, help"),
    looks(Act::PageUp, "page-up", &["PgUp", "Ctrl-u"], "a page up").on("gates, log, help"),
    looks(Act::First, "first", &["g", "Home"], "to the first line").on("gates, log, help"),
    looks(Act::Last, "last", &["G", "End"], "to the last line; the log follows again").on("gates, log, help"),
    looks(Act::Open, "open", &["Enter"], "why a gate has its result, with the log filtered to it; a log line in full")
        .on("gates, log"),
    looks(Act::Back, "back", &["Esc"], "close, clear the filter, back; never acts"),
    looks(Act::Zoom, "zoom", &["+"], "this pane alone").footer("zoom"),
    looks(Act::Unzoom, "unzoom", &["_"], "all panes again").footer("unzoom"),
    looks(Act::Follow, "follow", &["f"], "log: follow new lines, or stop").on("log").footer("follow"),
    looks(Act::NextHit, "next-hit", &["n"], "log: to the next line the filter finds, shown among all lines")
        .on("log")
        .footer("match"),
    looks(Act::PreviousHit, "previous-hit", &["N"], "log: to the one before").on("log").footer("match"),
    looks(Act::Wrap, "wrap", &["w"], "log: wrap long lines, or cut them").on("log"),
    looks(Act::Timestamps, "timestamps", &["t"], "log: clock, age or no time before lines").on("log"),
    looks(Act::Level, "level", &["v"], "log: the lowest level shown: all, WARN, ERR").on("log"),
    notes(Act::Mark, "mark", &["m"], "a mark line in log and journal; :note adds words").footer("mark"),
    looks(Act::Evidence, "evidence", &["e"], "what the selected gate saw, and where its log is").on("gates"),
    looks(Act::CursorBack, "cursor-back", &["["], "time cursor back: panels, gates and log show that time"),
    looks(Act::CursorForward, "cursor-forward", &["]"], "time cursor forward, at the end back to now"),
    looks(Act::Copy, "copy", &["c"], "copy the selected line").footer("copy"),
    looks(Act::Freeze, "freeze", &["Space"], "freeze the panes for reading; data goes on"),
    looks(Act::PreviewPromote, "preview-promote", &["p"], "what promote would do").footer("preview"),
    looks(Act::PreviewSwitch, "preview-switch", &["s"], "what switch would do").footer("preview"),
    looks(Act::PreviewAbort, "preview-abort", &["a"], "what abort would do").footer("preview"),
    looks(Act::PreviewRollback, "preview-rollback", &["r"], "what rollback would do").footer("preview"),
    looks(Act::Explain, "explain", &["o"], "what blocks the next step, and every fault"),
    looks(Act::Redraw, "redraw", &["Ctrl-l"], "paint the screen again"),
    looks(Act::Suspend, "suspend", &["Ctrl-z"], "to the shell; fg comes back"),
    looks(Act::Quit, "quit", &["q"], "leave; traffic stays where it is").footer("quit"),
    looks(Act::Interrupt, "interrupt", &["Ctrl-c"], "twice within 2 s: leave (130); never cancels a cutover"),
    records(Act::Hold, "hold", &["H"], "pause the plan at once; again: resume, asks y").footer("hold"),
    moves_traffic(Act::Promote, "promote", &["P"], "one step forward in the plan, asks y").footer("promote"),
    moves_traffic(Act::Switch, "switch", &["S"], "all traffic to the candidate, asks for its version").footer("switch"),
    moves_traffic(Act::Abort, "abort", &["A"], "give up the rollout: back to the live side, asks y").footer("abort"),
    moves_traffic(Act::Rollback, "rollback", &["R"], "all traffic back, asks y; works everywhere").footer("rollback"),
    records(Act::Override, "override", &["O"], "let one failing gate pass, asks for a reason and y").on("gates"),
    records(Act::TakeOver, "take-over", &["W"], "take the driver's place from another console, asks y"),
];

/// The whole table.
pub const fn table() -> &'static [Row] {
    TABLE
}

/// The row of an action.
pub(crate) fn row_of(act: Act) -> Option<&'static Row> {
    TABLE.iter().find(|row| row.act == act)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::input::Code;
    use crate::ui::keymap::Keymap;

    #[test]
    fn every_key_is_spelled_right_and_bound_once() {
        let mut seen = std::collections::HashMap::new();
        for row in table() {
            assert!(!row.keys.is_empty() && !row.help.is_empty());
            for spelled in row.keys {
                let key = parse(spelled).unwrap_or_else(|| panic!("{spelled} is no key"));
                assert_eq!(Keymap::default().act(key), Some(row.act));
                if let Some(other) = seen.insert(key, row.name) {
                    panic!("{spelled} is bound to {other} and {}", row.name);
                }
            }
        }
    }

    #[test]
    fn lower_case_looks_and_shift_acts() {
        for row in table().iter().filter(|row| row.danger.acts()) {
            for spelled in row.keys {
                let key = parse(spelled).unwrap();
                let shifted = matches!(key.code, Code::Char(c) if c.is_ascii_uppercase()) && !key.ctrl;
                assert!(shifted, "{spelled} must not {}", row.name);
            }
        }
        let notes: Vec<&str> = table().iter().filter(|row| row.danger == Danger::Notes).map(|row| row.name).collect();
        assert_eq!(notes, ["mark"], "a line in the journal is the most that lower case may do");
    }

    #[test]
    fn capslock_turns_no_habit_into_an_act() {
        // A habit pair such as r (refresh) and y (yes), typed with Caps Lock on, is a rollback.
        let bound = |c: char| row_bound_to(c).map(|row| row.name);
        assert_eq!((bound('y'), bound('Y')), (None, None));
        assert_eq!(bound('r'), Some("preview-rollback"), "what a capital does, its small letter shows");
    }

    fn row_bound_to(c: char) -> Option<&'static Row> {
        table().iter().find(|row| row.keys.contains(&c.to_string().as_str()))
    }
}
