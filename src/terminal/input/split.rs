//! Escape sequences that arrive in two parts never become keys.
//!
//! A slow line may deliver ESC alone and the rest of a cursor key later. crossterm then reports Esc and the letters of
//! the rest, and those are capitals, the letters that act. So after a bare Esc, `[` or `O` and all up to the final byte
//! are swallowed. Esc followed by anything else was a finger.

use std::time::Duration;

use super::{Input, Key, KeyCode, KeyKind};

/// How long after Esc, or after the last part, a part is still taken for the rest of a sequence.
pub const WINDOW: Duration = Duration::from_millis(600);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// Keys are keys.
    #[default]
    Idle,
    /// Esc came alone.
    Escaped,
    /// After `ESC [`; the parameters, read as far as needed to know a paste's mark.
    Csi { first: bool, paste: PasteMark },
    /// After `ESC O`.
    Ss3,
    /// Within a string (OSC, DCS, APC, PM, SOS): an answer nobody asked for.
    Text,
    /// Within a paste whose opening mark was split: its letters look like keys.
    Paste,
}

/// How much of `200` has been seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PasteMark {
    Seen(u8),
    Other,
}

impl PasteMark {
    const WHOLE: &'static [char] = &['2', '0', '0'];

    fn and(self, c: char) -> Self {
        match self {
            Self::Seen(n) if Self::WHOLE.get(usize::from(n)) == Some(&c) => Self::Seen(n + 1),
            _ => Self::Other,
        }
    }

    const fn whole(self) -> bool {
        matches!(self, Self::Seen(3))
    }
}

/// The filter. Time is data: any clock that does not go back.
#[derive(Debug, Default)]
pub struct SplitEscape {
    state: State,
    last: Duration,
}

impl SplitEscape {
    /// `input` when it is to be acted on; `None` when it was a part of a split sequence.
    pub fn feed(&mut self, at: Duration, input: Input) -> Option<Input> {
        if at.saturating_sub(self.last) > WINDOW {
            self.state = State::Idle;
        }
        let Input::Key(key) = input else { return Some(input) };
        self.last = at;
        let before = self.state;
        let (state, passes) = step(before, key);
        self.state = state;
        match (before, state) {
            // Told once, when it is known.
            (State::Csi { .. }, State::Paste) => Some(Input::LooksLikePaste),
            _ => passes.then_some(Input::Key(key)),
        }
    }
}

fn step(state: State, key: Key) -> (State, bool) {
    if key.kind == KeyKind::Repeat && state == State::Idle {
        return (State::Idle, true);
    }
    if key.code == KeyCode::Esc && key.mods.none() {
        return if matches!(state, State::Paste) { (State::Paste, false) } else { (State::Escaped, true) };
    }
    let char = plain_char(key);
    match state {
        State::Escaped if char == Some('[') => (State::Csi { first: true, paste: PasteMark::Seen(0) }, false),
        State::Escaped if char == Some('O') => (State::Ss3, false),
        State::Idle | State::Escaped => {
            let opens = opens_text(key);
            (if opens { State::Text } else { State::Idle }, !opens)
        }
        State::Csi { first, paste } => csi(first, paste, char),
        State::Ss3 => match char {
            Some('0'..='9' | ';') => (State::Ss3, false),
            Some('@'..='~' | ' ') => (State::Idle, false),
            _ => BROKEN_OFF,
        },
        State::Text => (if closes_text(key) { State::Idle } else { State::Text }, false),
        // Its end mark is invisible here (crossterm drops one without a beginning): it ends when it is quiet.
        State::Paste => (State::Paste, false),
    }
}

/// No sequence goes on like this: what was swallowed stays so, and this key is a key.
const BROKEN_OFF: (State, bool) = (State::Idle, true);

fn csi(first: bool, paste: PasteMark, char: Option<char>) -> (State, bool) {
    match char {
        // The Linux console's function keys: ESC [ [ A.
        Some('[') if first => (State::Csi { first: false, paste: PasteMark::Other }, false),
        Some('~') if paste.whole() => (State::Paste, false),
        Some(c @ ' '..='?') => (State::Csi { first: false, paste: paste.and(c) }, false),
        Some('@'..='~') => (State::Idle, false),
        _ => BROKEN_OFF,
    }
}

fn plain_char(key: Key) -> Option<char> {
    match key.code {
        KeyCode::Char(c) if key.mods.none() => Some(c),
        _ => None,
    }
}

/// `ESC ]`, `ESC P`, `ESC X`, `ESC ^`, `ESC _` in one piece, which crossterm takes for Alt and a character.
fn opens_text(key: Key) -> bool {
    key.mods.alt && !key.mods.ctrl && matches!(key.code, KeyCode::Char(']' | 'P' | 'X' | '^' | '_'))
}

/// BEL (Ctrl-G) or ST (`ESC \`, taken for Alt and a backslash).
fn closes_text(key: Key) -> bool {
    matches!(key.code, KeyCode::Char('g') if key.mods.ctrl) || matches!(key.code, KeyCode::Char('\\') if key.mods.alt)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::terminal::input::Mods;

    const ESC: Key = Key::press(KeyCode::Esc);

    /// What passes of `keys`, each given as (milliseconds since the one before, key).
    fn run(keys: &[(u64, Key)]) -> Vec<Input> {
        let mut filter = SplitEscape::default();
        let mut now = Duration::from_secs(5);
        let mut out = Vec::new();
        for &(gap, key) in keys {
            now += Duration::from_millis(gap);
            out.extend(filter.feed(now, Input::Key(key)));
        }
        out
    }

    fn after_esc(wait: u64, rest: &str) -> Vec<(u64, Key)> {
        let mut keys = vec![(0, ESC)];
        keys.extend(rest.chars().enumerate().map(|(i, c)| (if i == 0 { wait } else { 0 }, Key::char(c))));
        keys
    }

    #[test]
    fn t32_the_rest_of_a_split_sequence_never_acts() {
        for wait in [1, 5, 30, 120, 400, 600] {
            for rest in [
                "[A", "[B", "[H", "[F", "OP", "OQ", "OR", "OS", "[1;2R", "[[A", "[15~", "[<0;1;1M", "[?1;2c", "O2R",
                "[I",
            ] {
                assert_eq!(run(&after_esc(wait, rest)), [Input::Key(ESC)], "{rest} after {wait} ms");
            }
        }
    }

    #[test]
    fn t32_every_byte_may_come_alone() {
        let keys: Vec<_> = after_esc(0, "[1;2R").into_iter().map(|(_, key)| (400, key)).collect();
        assert_eq!(run(&keys), [Input::Key(ESC)]);
    }

    #[test]
    fn t32_esc_then_roll_back_by_hand_passes() {
        for gap in [1, 80, 700] {
            let keys = [(0, ESC), (gap, Key::char('R')), (gap, Key::char('y'))];
            assert_eq!(run(&keys).len(), 3, "{gap} ms");
        }
        let mut keys = after_esc(30, "[A");
        keys.extend([(5, Key::char('R')), (5, Key::char('y'))]);
        assert_eq!(run(&keys), [ESC, Key::char('R'), Key::char('y')].map(Input::Key));
    }

    #[test]
    fn after_the_window_a_bracket_is_a_key() {
        assert_eq!(run(&after_esc(601, "[")), [ESC, Key::char('[')].map(Input::Key));
    }

    #[test]
    fn t36_a_sequence_that_breaks_off_gives_the_next_key_back() {
        let enter = Key::press(KeyCode::Enter);
        assert_eq!(run(&[(0, ESC), (5, Key::char('[')), (5, enter)]), [ESC, enter].map(Input::Key));
        let keys = [(0, ESC), (5, Key::char('[')), (5, ESC), (5, Key::char('R')), (5, Key::char('y'))];
        assert_eq!(run(&keys).len(), 4, "only the bracket is missing");
    }

    #[test]
    fn t30_a_paste_whose_mark_was_split_is_no_typing() {
        let mut keys = after_esc(30, "[200~Ry");
        keys.extend([(1, Key::press(KeyCode::Enter)), (1, Key::char('S'))]);
        assert_eq!(run(&keys), [Input::Key(ESC), Input::LooksLikePaste]);
        keys.extend([(700, Key::char('R')), (100, Key::char('y'))]);
        assert_eq!(run(&keys).len(), 4, "after a pause keys are keys");
    }

    #[test]
    fn t36_an_answer_nobody_asked_for_is_dropped_to_its_end() {
        let alt = |c| Key { mods: Mods { alt: true, ..Mods::default() }, ..Key::char(c) };
        for (open, close) in [(']', Key::ctrl('g')), ('P', alt('\\'))] {
            let mut keys = vec![(0, alt(open))];
            keys.extend("11;rgb:RyAy".chars().map(|c| (0, Key::char(c))));
            keys.extend([(0, close), (0, Key::char('R'))]);
            assert_eq!(run(&keys), [Input::Key(Key::char('R'))]);
        }
    }

    #[test]
    fn what_is_no_key_passes_at_any_time() {
        let mut filter = SplitEscape::default();
        filter.feed(Duration::ZERO, Input::Key(ESC));
        filter.feed(Duration::ZERO, Input::Key(Key::char('[')));
        assert_eq!(filter.feed(Duration::ZERO, Input::HangUp), Some(Input::HangUp));
        assert_eq!(filter.feed(Duration::ZERO, Input::Key(Key::char('A'))), None);
    }
}
