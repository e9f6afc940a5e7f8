//! What a terminal sends: keys, sequences, pastes, and answers that nobody asked for.

use std::time::Duration;

use cutover::testing::terminal::input::framing::{Framer, PASTE_MAX};
use cutover::testing::terminal::{Code, Input, Key};
use fastrand::Rng;

const WORDS: [&[u8]; 14] = [
    b"\x1b",
    b"\x1b[",
    b"\x1bO",
    b"\x1b]",
    b"\x1bP",
    b"\x1b\\",
    b"\x07",
    b"\x1b[200~",
    b"\x1b[201~",
    b"\x1b[M",
    b"\x9b",
    b"1;2",
    b"R",
    b"y",
];

const START: Duration = Duration::from_secs(60);

/// All that the pieces mean when each comes at once after the one before.
fn read(framer: &mut Framer, pieces: &[&[u8]]) -> Vec<Input> {
    pieces.iter().flat_map(|piece| framer.feed(START, piece)).collect()
}

/// Alt and a key look the same as Esc and that key.
fn plain(input: &Input) -> Input {
    match input {
        Input::Key(key) => Input::Key(Key { alt: false, ..*key }),
        other => other.clone(),
    }
}

fn target(bytes: &[u8], rng: &mut Rng) {
    let mut framer = Framer::default();
    let whole = read(&mut framer, &[bytes]);
    // Esc may come on top, for a sequence that is not over.
    assert!(whole.len() <= bytes.len() + 1, "{} inputs", whole.len());
    for input in &whole {
        if let Input::Paste(text) = input {
            assert!(text.len() <= 3 * PASTE_MAX, "a paste of {} bytes", text.len());
        }
    }
    // Bytes that come in pieces may mean less; they mean no key that the whole does not have, but for two cases.
    let parts = read(&mut Framer::default(), &super::pieces(bytes, rng));
    let mut rest = whole.iter().map(plain);
    let mut after_esc = false;
    for input in parts.iter().map(plain) {
        let is_esc = input == Input::Key(Key::new(Code::Esc));
        // Esc alone is Esc, and one of these alone after it is a key: a finger types so.
        let is_typed = after_esc && "]PX^_".chars().any(|c| input == Input::Key(Key::char(c)));
        assert!(
            is_esc || is_typed || rest.any(|other| other == input),
            "{input:?} comes of the pieces alone: {parts:?}, of the whole: {whole:?}"
        );
        after_esc = is_esc;
    }
    // Whatever came, after a pause a key is a key.
    let key = Input::Key(Key::char('q'));
    assert_eq!(framer.feed(START + Duration::from_secs(10), b"q").last(), Some(&key));
}

#[test]
fn bytes_of_a_terminal() {
    super::fuzz("terminal", &WORDS, target);
}
