//! The terminal contract for what comes in: bytes as terminals, slow lines and broken programs send them, through the
//! same filters the console reads with. Time is data here; nothing waits.

use std::time::Duration;

use cutover::testing::terminal::input::{Filters, framing};
use cutover::testing::terminal::{Code, Input, Key};

const ESC: Input = Input::Key(Key::new(Code::Esc));

fn key(c: char) -> Input {
    Input::Key(Key::char(c))
}

/// Feeds parts, each so many milliseconds after the one before.
struct Line {
    filters: Filters,
    now: Duration,
}

impl Line {
    fn new() -> Self {
        Self { filters: Filters::default(), now: Duration::from_secs(60) }
    }

    fn feed(&mut self, wait_ms: u64, bytes: impl AsRef<[u8]>) -> Vec<Input> {
        self.now += Duration::from_millis(wait_ms);
        self.filters.feed(self.now, bytes.as_ref())
    }
}

fn run(parts: &[(u64, &str)]) -> Vec<Input> {
    let mut line = Line::new();
    parts.iter().flat_map(|(wait, bytes)| line.feed(*wait, bytes)).collect()
}

/// The waits and the rests of the contract, and more of both.
const WAITS: [u64; 7] = [1, 5, 30, 120, 400, 599, 600];
const RESTS: [&str; 16] = [
    "[A", "[B", "[H", "[F", "OP", "OQ", "OR", "OS", "[1;2R", "[[A", "[15~", "[<0;1;1M", "[?1;2c", "O2R", "[MRyy",
    "[?99$y",
];

#[test]
fn t32_split_sequences_never_act() {
    for wait in WAITS {
        for rest in RESTS {
            assert_eq!(run(&[(0, "\x1b"), (wait, rest)]), [ESC], "{rest} after {wait} ms");
        }
    }
}

#[test]
fn t32_every_byte_may_come_alone() {
    for wait in WAITS {
        for rest in RESTS {
            let mut line = Line::new();
            let mut out = line.feed(0, "\x1b");
            for byte in rest.bytes() {
                out.extend(line.feed(wait, [byte]));
            }
            assert_eq!(out, [ESC], "{rest}, {wait} ms a byte");
        }
    }
}

#[test]
fn t32_esc_then_roll_back_by_hand_passes() {
    for gap in [1, 80, 700] {
        assert_eq!(run(&[(0, "\x1b"), (gap, "R"), (gap, "y")]), [ESC, key('R'), key('y')], "{gap} ms");
        assert_eq!(run(&[(0, "\x1b"), (gap, "Ry")]), [ESC, key('R'), key('y')], "{gap} ms");
    }
    assert_eq!(run(&[(0, "\x1bRy")]), [ESC, key('R'), key('y')], "delivered together by a slow line");
    let out = run(&[(0, "\x1b"), (30, "[A"), (5, "R"), (5, "y")]);
    assert_eq!(out, [ESC, key('R'), key('y')], "right behind a split sequence too");
    assert_eq!(run(&[(0, "\x1b"), (601, "[")]), [ESC, key('[')], "after the window a bracket is a key");
}

#[test]
fn t36_a_sequence_in_parts_that_began_as_one_is_that_key() {
    let up = Input::Key(Key::new(Code::Up));
    for wait in WAITS {
        assert_eq!(run(&[(0, "\x1b["), (wait, "A")]), std::slice::from_ref(&up));
    }
    assert_eq!(run(&[(0, "\x1b["), (601, "A")]), [key('A')], "after the window nothing is left of it");
}

#[test]
fn t36_what_nobody_asked_for_is_dropped_whole() {
    for unknown in [
        "\x1b[?99$y",
        "\x1b[?1;2c",
        "\x1b[>41;354;0c",
        "\x1b[12;40R",
        "\x1b[<35;10;20M",
        "\x1b[32;10;20M",
        "\x1b[MRyy",
        "\x1b[999999999999999;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1y",
        "\x1b]11;rgb:RyRy/0000/0000\x1b\\",
        "\x1b]11;rgb:RyRy/0000/0000\x07",
        "\x1b]52;c;UnkKU3Y0Mgo=\x1b\\",
        "\x1bP1$r0mRy\x1b\\",
        "\x1bP>|a terminal, Ry\x07still within\x1b\\",
        "\x1b_Gi=31;OK Ry\x1b\\",
        "\x1b^Ry\x1b\\",
        "\x1bXRy\x1b\\",
        "\x1b[57358u",
        "\x1b[121;9u",
        "\x1b[201~",
        "\x1bOy",
        "\u{9b}12;40R",
        "\u{9d}11;Ry\x07",
        "\u{90}Ry\x1b\\",
    ] {
        assert_eq!(run(&[(0, unknown), (1, "j")]), [key('j')], "{unknown:?}");
        // In any two parts, as slow as may be; an ESC that ends the first is a key that only closes.
        for at in 1..unknown.len() {
            let mut line = Line::new();
            let (a, b) = unknown.as_bytes().split_at(at);
            let mut out = line.feed(0, a);
            out.extend(line.feed(90, b));
            out.extend(line.feed(1, "j"));
            out.retain(|input| *input != ESC);
            assert_eq!(out, [key('j')], "{unknown:?} parted at {at}");
        }
    }
}

#[test]
fn t36_a_sequence_that_breaks_off_gives_the_next_key_back() {
    let enter = Input::Key(Key::new(Code::Enter));
    assert_eq!(run(&[(0, "\x1b"), (5, "["), (5, "\r")]), [ESC, enter]);
    let out = run(&[(0, "\x1b"), (5, "["), (105, "\x1b"), (105, "R"), (105, "y")]);
    assert_eq!(out, [ESC, ESC, key('R'), key('y')], "only the bracket is missing");
    for stuck in ["\x1b]0;", "\x1bP", "\x1b_", "\x1b[?1", "\x1bO", "\x1b[M", "\x1b[200~abc", "\u{9d}", "é\x1b]"] {
        let out = run(&[(0, stuck), (110, "\x1b"), (110, "R"), (110, "y")]);
        assert_eq!(out[out.len() - 3..], [ESC, key('R'), key('y')], "{stuck:?}: Esc is the way out");
        let out = run(&[(0, stuck), (2_001, "R"), (110, "y")]);
        assert_eq!(out[out.len() - 2..], [key('R'), key('y')], "{stuck:?}: a pause is the other one");
        let out = run(&[(0, stuck), (110, "\x03")]);
        let pasted = stuck.contains("200~");
        assert_eq!(out.contains(&Input::Key(Key::ctrl('c'))), !pasted, "{stuck:?}: Ctrl-C, unless pasted");
    }
}

#[test]
fn t36_bytes_that_are_no_text_are_dropped() {
    let mut line = Line::new();
    for bad in [&b"\xff"[..], b"\xc3", b"\xe2\x82", b"\xf0\x9f\x98", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf5\x80\x80\x80"]
    {
        let mut bytes = bad.to_vec();
        bytes.push(b'j');
        assert_eq!(line.feed(700, bytes), [key('j')], "{bad:x?}");
    }
    assert_eq!(line.feed(700, "é語"), [key('é'), key('語')]);
    assert_eq!(line.feed(700, &"é".as_bytes()[..1]), []);
    assert_eq!(line.feed(5, &"é".as_bytes()[1..]), [key('é')], "in two parts");
}

#[test]
fn t09_only_presses_are_told_and_repeats_are_marked() {
    let out = run(&[(0, "\x1b[106;1:1u\x1b[106;1:2u\x1b[106;1:3u\x1b[1;1:3A")]);
    let repeat = Input::Key(Key { repeat: true, ..Key::char('j') });
    assert_eq!(out, [key('j'), repeat]);
    let alt = Input::Key(Key { alt: true, ..Key::char('R') });
    assert_eq!(run(&[(0, "\x1b[82;3u")]), [alt], "Alt-R is no R");
}

#[test]
fn t30_a_paste_is_one_paste_wherever_it_is_cut() {
    let bytes = b"\x1b[200~Ry\nSv42\n\x1b[20\x1b[201~";
    let want = Input::Paste("Ry\nSv42\n\x1b[20".into());
    for at in 1..bytes.len() {
        let mut line = Line::new();
        let mut out = line.feed(0, &bytes[..at]);
        out.extend(line.feed(90, &bytes[at..]));
        out.retain(|input| *input != ESC);
        assert_eq!(out, std::slice::from_ref(&want), "cut at {at}");
    }
}

#[test]
fn t30_a_paste_of_ten_megabytes_is_cut_and_costs_no_more() {
    let mut line = Line::new();
    assert_eq!(line.feed(0, "\x1b[200~"), []);
    for _ in 0..10_240 {
        assert_eq!(line.feed(1, "Ry\x1b[A\n".repeat(1024 / 6)), []);
    }
    let out = line.feed(1, "\x1b[201~j");
    assert!(matches!(&out[0], Input::Paste(text) if text.len() == framing::PASTE_MAX), "{} inputs", out.len());
    assert_eq!(out[1..], [key('j')]);
}

#[test]
fn t30_a_paste_without_an_end_ends_with_a_pause_and_not_sooner() {
    let out = run(&[(0, "\x1b[200~Ry"), (1_900, "Ry"), (1_900, "S"), (2_001, "j")]);
    assert_eq!(out, [Input::Paste("RyRyS".into()), key('j')]);
}

#[test]
fn t31_focus_passes_even_in_parts() {
    assert_eq!(run(&[(0, "\x1b[O\x1b[I")]), [Input::FocusLost, Input::FocusGained]);
    assert_eq!(run(&[(0, "\x1b"), (90, "[O")]), [ESC, Input::FocusLost]);
}

/// A small generator: the tests are the same each time, and say which seed failed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % below
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.roll(from.len())]
    }
}

/// Bytes that make trouble more often than chance would.
const TROUBLE: [&str; 14] = [
    "\x1b",
    "\x1b[",
    "\x1bO",
    "\x1b]",
    "\x1bP",
    "\x1b[200~",
    "\x1b[201~",
    "\x1b\\",
    "\x07",
    "\u{9b}",
    "\x1b[M",
    "é",
    "[",
    "\x18",
];

#[test]
fn t36_whatever_comes_it_recovers() {
    for seed in 0..3_000 {
        let mut dice = Dice(seed);
        let mut line = Line::new();
        for _ in 0..dice.roll(40) {
            let mut part = Vec::new();
            for _ in 0..=dice.roll(12) {
                if dice.roll(3) == 0 {
                    part.extend_from_slice(dice.pick(&TROUBLE).as_bytes());
                } else {
                    part.push(dice.roll(256) as u8);
                }
            }
            let wait = [0, 1, 50, 150, 590, 601][dice.roll(6)];
            line.feed(wait, part);
        }
        let mut by_hand = line.filters;
        let mut now = line.now;
        let mut press = |wait: u64, bytes: &str| {
            now += Duration::from_millis(wait);
            by_hand.feed(now, bytes.as_bytes())
        };
        let (esc, r, y) = if seed % 2 == 0 {
            (press(150, "\x1b"), press(150, "R"), press(150, "y"))
        } else {
            (
                vec![ESC],
                press(2_001, "R").into_iter().filter(|i| !matches!(i, Input::Paste(_))).collect(),
                press(9, "y"),
            )
        };
        assert_eq!(esc.last(), Some(&ESC), "seed {seed}");
        assert_eq!((r, y), (vec![key('R')], vec![key('y')]), "seed {seed}");
    }
}

/// A well-formed sequence of any kind that is no key, with the letters that act as its payload.
fn sequence(dice: &mut Dice) -> String {
    let mut payload = String::new();
    for _ in 0..dice.roll(20) {
        payload.push_str(dice.pick(&["R", "y", "P", "S", "A", "H", "O", ";", "1", "?", " ", "é", "["]));
    }
    match dice.roll(6) {
        0 => format!("\x1b[?{};{}$y", dice.roll(99), dice.roll(99)),
        1 => format!("\x1b[>{};{}c", dice.roll(99), dice.roll(99)),
        2 => format!("\x1b[<{};{};{}M", dice.roll(64), dice.roll(300), dice.roll(99)),
        3 => format!("\x1b]{payload}\x07"),
        4 => format!("\x1b{}{payload}\x1b\\", dice.pick(&["]", "P", "_", "^", "X"])),
        _ => format!("\x1b[200~{payload}\x1b[201~"),
    }
}

#[test]
fn t36_no_key_ever_comes_from_inside_a_sequence() {
    for seed in 0..20_000 {
        let mut dice = Dice(seed);
        let mut line = Line::new();
        let mut out = Vec::new();
        let mut sent = String::new();
        for _ in 0..3 {
            let sequence = sequence(&mut dice);
            let mut rest = sequence.as_bytes();
            while !rest.is_empty() {
                let (part, after) = rest.split_at(1 + dice.roll(rest.len()));
                // Behind the first three bytes as slow as may be; before, a finger could have pressed them.
                let begun = sequence.len() - rest.len() >= 3;
                out.extend(line.feed(dice.roll(if begun { 600 } else { 99 }) as u64, part));
                rest = after;
            }
            sent.push_str(&sequence);
        }
        // An Esc that came alone is a key that closes things; what introduces a string, alone behind it, may be one too.
        let harmless = |input: &Input| match input {
            Input::Key(key) => key.code == Code::Esc || matches!(key.code, Code::Char(']' | 'P' | 'X' | '^' | '_')),
            Input::Paste(_) => true,
            _ => false,
        };
        let bad: Vec<_> = out.iter().filter(|input| !harmless(input)).collect();
        assert!(bad.is_empty(), "seed {seed}: {bad:?} out of {sent:?}");
        let keys = out.iter().filter(|input| matches!(input, Input::Key(k) if k.code != Code::Esc)).count();
        assert!(keys <= 3, "seed {seed}: {out:?} out of {sent:?}");
    }
}
