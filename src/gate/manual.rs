//! The manual gate: a person signs for it. It is never run.

use super::check::{Around, GATE, Kind, Read};
use crate::settings::{Section, Table};

/// Longest question to a person, in characters.
const MAX_ASK: usize = 200;

pub(super) const KIND: Kind = Kind {
    name: "manual",
    keys: &[&GATE, &KEYS],
    parts: &[],
    example: &[("ask", "\"Has the fairness report of this version been read?\"")],
    read,
};

const KEYS: Section = Section::new("[[gate]] kind = \"manual\"", include_str!("keys/manual.md"));

fn read(table: &Table<'_>, _: &Around<'_>) -> Option<Read> {
    let example = "write what the person must have looked at";
    let node = table.need("ask", example)?;
    let ask = node.text()?.trim();
    if ask.is_empty() || ask.chars().count() > MAX_ASK {
        return node.refuse(format!("must have 1 to {MAX_ASK} characters"), example);
    }
    Some(Read::Signed(ask.to_owned()))
}
