//! What a terminal sends: keys, sequences, pastes, and answers that nobody asked for.

use std::time::Duration;

use cutover::terminal::input::framing::{Framer, PASTE_MAX};
use cutover::terminal::{Input, Key, KeyCode};
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
    // Parts that come apart may mean less, and an Esc where one was read for itself; they never mean more.
    let esc = Input::Key(Key::press(KeyCode::Esc));
    let parts = read(&mut Framer::default(), &super::pieces(bytes, rng));
    let mut rest = whole.iter();
    for input in parts.iter().filter(|input| **input != esc) {
        assert!(
            rest.any(|other| other == input),
            "{input:?} comes of the parts alone: {parts:?}, of the whole: {whole:?}"
        );
    }
    // Whatever came, after a pause a key is a key.
    let key = Input::Key(Key::char('q'));
    assert_eq!(framer.feed(START + Duration::from_secs(10), b"q").last(), Some(&key));
}

#[test]
fn bytes_of_a_terminal() {
    super::fuzz("terminal", &WORDS, target);
}
