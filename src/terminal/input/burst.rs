//! Treats keys that come faster than a person types as a paste, and drops them.
//!
//! For terminals that do not mark pastes. Only keys that type text count, since a mouse wheel sends bursts of arrow
//! keys. Many times the same key is a held key whose repeats a slow connection delivered together.

use std::collections::VecDeque;
use std::time::Duration;

use super::{Code, Input, Key};

/// This many text keys within [`SPAN`] still count as typing.
pub(crate) const MOST: usize = 6;

/// The time window for counting, and the pause after which a paste is over.
pub(crate) const SPAN: Duration = Duration::from_millis(20);

/// The filter. The caller passes the time, from any clock that does not go back.
#[derive(Debug, Default)]
pub(crate) struct Burst {
    /// The latest text keys, at most [`MOST`] + 1.
    recent: VecDeque<(Duration, Code)>,
    /// The time of the last key of the current paste.
    pasting: Option<Duration>,
}

impl Burst {
    /// The inputs of a batch that remain. A batch holds inputs that arrived together.
    ///
    /// If the batch and the 20 ms before it have more than [`MOST`] text keys, all text keys of the batch are
    /// dropped, and [`Input::LooksLikePaste`] takes the place of the first. Keys of earlier batches cannot be taken
    /// back.
    pub(crate) fn feed(&mut self, at: Duration, batch: Vec<Input>) -> Vec<Input> {
        let keys: Vec<Code> = batch.iter().filter_map(text_key).collect();
        if keys.is_empty() {
            return batch;
        }
        let going_on = self.pasting.is_some_and(|last| at.saturating_sub(last) <= SPAN);
        self.recent.retain(|(then, _)| at.saturating_sub(*then) <= SPAN);
        self.recent.extend(keys.into_iter().map(|code| (at, code)));
        let many = self.recent.len() > MOST;
        let same = self.recent.iter().all(|(_, code)| *code == self.recent[0].1);
        self.recent.truncate(MOST + 1);
        if !going_on && !many {
            self.pasting = None;
            return batch;
        }
        if same && !going_on {
            return held(batch);
        }
        self.pasting = Some(at);
        let mut told = going_on;
        batch
            .into_iter()
            .filter_map(|input| match text_key(&input) {
                None => Some(input),
                Some(_) if told => None,
                Some(_) => {
                    told = true;
                    Some(Input::LooksLikePaste)
                }
            })
            .collect()
    }
}

/// A key that types text. With Ctrl or Alt it does not, except a line feed, which raw mode reports as Ctrl-J.
fn text_key(input: &Input) -> Option<Code> {
    match input {
        Input::Key(key) if *key == Key::ctrl('j') => Some(Code::Enter),
        Input::Key(Key { code: code @ (Code::Char(_) | Code::Enter | Code::Tab), ctrl, alt, .. }) => {
            (!ctrl && !alt).then_some(*code)
        }
        _ => None,
    }
}

/// The first is the press, the others are its repeats.
fn held(batch: Vec<Input>) -> Vec<Input> {
    let mut first = true;
    batch
        .into_iter()
        .map(|input| match input {
            Input::Key(key) if text_key(&input).is_some() && !std::mem::take(&mut first) => {
                Input::Key(Key { repeat: true, ..key })
            }
            other => other,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(text: &str) -> Vec<Input> {
        text.chars().map(|c| Input::Key(if c == '\n' { Key::new(Code::Enter) } else { Key::char(c) })).collect()
    }

    const fn at(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn six_at_once_are_typing_and_seven_a_paste() {
        assert_eq!(Burst::default().feed(at(0), keys("abcdef")), keys("abcdef"));
        assert_eq!(Burst::default().feed(at(0), keys("abcdefg")), [Input::LooksLikePaste]);
        assert_eq!(Burst::default().feed(at(0), keys("Ry\nSv42\n")), [Input::LooksLikePaste]);
        let mut line_feeds = keys("RySv42");
        line_feeds.insert(2, Input::Key(Key::ctrl('j')));
        assert_eq!(Burst::default().feed(at(0), line_feeds), [Input::LooksLikePaste]);
    }

    #[test]
    fn keys_of_the_moment_before_count_and_older_ones_do_not() {
        let mut burst = Burst::default();
        assert_eq!(burst.feed(at(0), keys("abcd")).len(), 4);
        assert_eq!(burst.feed(at(20), keys("efg")), [Input::LooksLikePaste]);
        let mut burst = Burst::default();
        assert_eq!(burst.feed(at(0), keys("abcd")).len(), 4);
        assert_eq!(burst.feed(at(21), keys("efg")).len(), 3);
    }

    #[test]
    fn a_paste_is_told_once_and_ends_with_a_pause() {
        let mut burst = Burst::default();
        assert_eq!(burst.feed(at(0), keys("abcdefgh")), [Input::LooksLikePaste]);
        assert_eq!(burst.feed(at(15), keys("R")), []);
        assert_eq!(burst.feed(at(30), keys("y")), []);
        assert_eq!(burst.feed(at(51), keys("Ry")), keys("Ry"));
    }

    #[test]
    fn what_is_no_text_is_neither_counted_nor_dropped() {
        let arrows = vec![Input::Key(Key::new(Code::Up)); 30];
        assert_eq!(Burst::default().feed(at(0), arrows.clone()), arrows);
        let mut batch = keys("abcdefgh");
        batch.insert(3, Input::FocusLost);
        batch.push(Input::HangUp);
        assert_eq!(Burst::default().feed(at(0), batch), [Input::LooksLikePaste, Input::FocusLost, Input::HangUp]);
    }

    #[test]
    fn t33_a_held_key_delivered_late_is_one_press() {
        let out = Burst::default().feed(at(0), keys("RRRRRRRRRR"));
        assert_eq!(out.len(), 10);
        let presses = out.iter().filter(|i| matches!(i, Input::Key(k) if !k.repeat)).count();
        assert_eq!(presses, 1);
    }

    #[test]
    fn memory_is_bounded() {
        let mut burst = Burst::default();
        burst.feed(at(0), keys(&"xy".repeat(5000)));
        assert!(burst.recent.len() <= MOST + 1);
    }
}
