//! One line of the journal: a record and its place in the chain.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::domain::Record;

/// The longest line, in bytes, without its line end.
pub const MAX_LINE: usize = 1 << 20;

/// The format this program writes, and the only one it reads.
const FORMAT: u32 = 1;

/// The predecessor's hash in the first line.
const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// The text before the hash at the end of every line.
const MARK: &[u8] = br#","hash":""#;

/// The length of the hash member at the end of a line, with the closing brace, in bytes.
const SEAL: usize = MARK.len() + 64 + 2;

/// A record and its number in the journal.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Entry {
    /// From 1.
    pub(super) seq: u64,
    /// The record.
    pub(super) record: Record,
}

/// What is wrong with a line, and the part that can still be used.
#[derive(Debug)]
pub(super) struct Bad {
    pub(super) what: String,
    pub(super) remedy: &'static str,
    /// The entry, if the line itself is unchanged and only its position is wrong.
    pub(super) entry: Option<Box<Entry>>,
}

const EDITED: &str = "compare it with a backup or another copy; rollback stays possible, forward is refused";
const NEWER: &str = "it may come from a newer cutover: use that one here";

/// The end of a chain: everything needed to check or to write the next line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Chain {
    /// The number of the last line.
    pub(super) seq: u64,
    /// The hash of the last line.
    pub(super) hash: String,
    /// The number of lines read, good or bad.
    pub(super) lines: u64,
}

#[derive(Deserialize)]
struct Head {
    v: u32,
    seq: u64,
    prev: String,
}

#[derive(Serialize)]
struct Out<'a> {
    v: u32,
    seq: u64,
    prev: &'a str,
    #[serde(flatten)]
    record: &'a Record,
}

impl Chain {
    /// The chain of an empty journal.
    pub(super) fn new() -> Self {
        Self { seq: 0, hash: GENESIS.into(), lines: 0 }
    }

    /// The next line, with its line end, and the chain after it.
    pub(super) fn seal(&self, record: &Record) -> Result<(String, Self), String> {
        let out = Out { v: FORMAT, seq: self.seq + 1, prev: &self.hash, record };
        let mut line = serde_json::to_string(&out).map_err(|e| e.to_string())?;
        let hash = hex(&Sha256::digest(line.as_bytes()));
        line.pop();
        let _ = write!(line, ",\"hash\":\"{hash}\"}}");
        if line.len() > MAX_LINE {
            return Err(format!("the record takes {} bytes, a line holds {MAX_LINE}", line.len()));
        }
        // JSON has no NaN: such a value would be written as null and could not be read again.
        let mut after = self.clone();
        if let Err(bad) = after.take(line.as_bytes()) {
            return Err(format!("the record would not read back: {}", bad.what));
        }
        line.push('\n');
        Ok((line, after))
    }

    /// Checks `line` (without its line end) against the chain and moves past it, even if it is bad.
    ///
    /// A line whose number has already passed does not move the chain. So one inserted line is one fault.
    pub(super) fn take(&mut self, line: &[u8]) -> Result<Entry, Bad> {
        self.lines += 1;
        let (seq, hash) = (self.seq + 1, stated_hash(line).unwrap_or_else(|| hex(&Sha256::digest(line))));
        let before = std::mem::replace(self, Self { seq, hash, lines: self.lines });
        check_seal(line)?;
        let head: Head = parse(line)?;
        if head.v != FORMAT {
            let what = format!("the line has format {}, this program reads {FORMAT}", head.v);
            return Err(Bad { what, remedy: NEWER, entry: None });
        }
        if head.seq <= before.seq {
            let what = format!("it stands out of order or was inserted: number {seq} expected, {} found", head.seq);
            *self = Self { lines: self.lines, ..before };
            return Err(Bad { what, remedy: EDITED, entry: None });
        }
        self.seq = head.seq;
        let entry = Entry { seq: head.seq, record: parse(line)? };
        let what = if head.seq > seq {
            format!("{} line(s) are missing before it: number {seq} expected, {} found", head.seq - seq, head.seq)
        } else if head.prev != before.hash && !before.hash.is_empty() {
            "the line before it is not the one it was written after".into()
        } else {
            return Ok(entry);
        };
        Err(Bad { what, remedy: EDITED, entry: Some(Box::new(entry)) })
    }

    /// Moves past a line that is too long to be read.
    pub(super) fn pass_over(&mut self, bytes: u64) -> Bad {
        self.lines += 1;
        self.seq += 1;
        // The hash of an unread line is unknown, so the next line is checked only by its number.
        self.hash.clear();
        let what = format!("the line has {bytes} bytes, more than the {MAX_LINE} a line may have");
        Bad { what, remedy: EDITED, entry: None }
    }
}

/// A line with a wrong hash or without one was changed.
fn check_seal(line: &[u8]) -> Result<(), Bad> {
    let what = match stated_hash(line) {
        None => "it is no line of a journal: it does not end with a hash",
        Some(stated) => {
            let mut hasher = Sha256::new();
            hasher.update(line.get(..line.len() - SEAL).unwrap_or_default());
            hasher.update(b"}");
            if hex(&hasher.finalize()) == stated {
                return Ok(());
            }
            "it was changed after it was written: its hash is another"
        }
    };
    Err(Bad { what: what.into(), remedy: EDITED, entry: None })
}

/// The hash that a line states.
fn stated_hash(line: &[u8]) -> Option<String> {
    let seal = line.get(line.len().checked_sub(SEAL)?..)?;
    let hash = seal.strip_prefix(MARK)?.strip_suffix(br#""}"#)?;
    let is_hex = hash.iter().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    (is_hex && hash.len() == 64).then(|| String::from_utf8_lossy(hash).into_owned())
}

fn parse<'a, T: Deserialize<'a>>(line: &'a [u8]) -> Result<T, Bad> {
    serde_json::from_slice(line).map_err(|e| Bad {
        what: format!("it is whole, but not understood: {}", crate::domain::text::clean(&e.to_string(), 200)),
        remedy: NEWER,
        entry: None,
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(64), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
#[path = "line_tests.rs"]
mod tests;
