//! Fuzzing of the parsers that read what others send: the terminal, model servers, name servers.
//!
//! Each target is one function of bytes that checks what must hold for any bytes. Here it gets the files of its corpus
//! (`tests/fixtures/fuzz/TARGET`) and then changes of them at random, for a second. `FUZZ_SECONDS` and `FUZZ_SEED` ask for
//! more and for others; the seed is printed. A failure prints its input: add that to the corpus.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by a panic, and prints its seed"
)]

mod dns;
mod http;
mod metrics;
mod sse;
mod terminal;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;
use std::time::{Duration, Instant};

use fastrand::Rng;

/// Inputs do not grow beyond this many bytes.
const MAX_INPUT: usize = 16 * 1024;
/// Inputs tried in a run without `FUZZ_SECONDS`, if a second is long enough for them.
const INPUTS: usize = 20_000;

/// Gives `target` its corpus and changes of it. `words` are what its inputs are made of.
fn fuzz(name: &str, words: &[&[u8]], target: fn(&[u8], &mut Rng)) {
    let number = |variable| std::env::var(variable).ok().and_then(|text| text.parse::<u64>().ok());
    let (seed, seconds) = (number("FUZZ_SEED").unwrap_or(1), number("FUZZ_SECONDS"));
    println!("{name}: FUZZ_SEED={seed}");
    let mut rng = Rng::with_seed(seed);
    let corpus = corpus(name);
    let attempt = |input: &[u8], rng: &mut Rng| {
        let state = rng.clone();
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| target(input, rng))) {
            println!("{name} fails with {} bytes: {} (then {state:?})", input.len(), input.escape_ascii());
            resume_unwind(panic);
        }
    };
    for input in &corpus {
        attempt(input, &mut rng);
    }
    let (end, inputs) = match seconds {
        Some(seconds) => (Instant::now() + Duration::from_secs(seconds), usize::MAX),
        None => (Instant::now() + Duration::from_secs(1), INPUTS),
    };
    let mut tried = 0;
    while tried < inputs && Instant::now() < end {
        let input = changed(&corpus, words, &mut rng);
        attempt(&input, &mut rng);
        tried += 1;
    }
    println!("{name}: {tried} inputs");
    assert!(tried > 100, "only {tried} inputs in the time there is");
}

/// The files of a target's corpus, by name.
fn corpus(name: &str) -> Vec<Vec<u8>> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/fuzz").join(name);
    let mut files: Vec<_> = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty(), "{name} has no corpus");
    files.iter().map(|file| std::fs::read(file).unwrap()).collect()
}

/// A file of the corpus after a few random changes.
fn changed(corpus: &[Vec<u8>], words: &[&[u8]], rng: &mut Rng) -> Vec<u8> {
    let mut input = rng.choice(corpus).unwrap().clone();
    for _ in 0..rng.usize(1..8) {
        let at = rng.usize(..=input.len());
        let end = rng.usize(at..=input.len().min(at + 64));
        match rng.u8(..7) {
            0 if at < input.len() => input[at] = rng.u8(..),
            1 if at < input.len() => input[at] ^= 1 << rng.u8(..8),
            2 => drop(input.drain(at..end)),
            3 => input.truncate(at),
            4 => {
                let part = input[at..end].to_vec();
                input.splice(at..at, part);
            }
            5 => {
                let other = rng.choice(corpus).unwrap();
                let from = rng.usize(..=other.len());
                input.splice(at..end, other[from..other.len().min(from + 256)].iter().copied());
            }
            _ => {
                let word = rng.choice(words).unwrap();
                input.splice(at..at, word.iter().copied());
            }
        }
    }
    input.truncate(MAX_INPUT);
    input
}

/// `input` in pieces: most short, some long.
fn pieces<'a>(mut input: &'a [u8], rng: &mut Rng) -> Vec<&'a [u8]> {
    let longest = *rng.choice(&[1, 3, 16, 1024]).unwrap();
    let mut pieces = Vec::new();
    while !input.is_empty() {
        let (piece, rest) = input.split_at(rng.usize(1..=longest.min(input.len())));
        pieces.push(piece);
        input = rest;
    }
    pieces
}
