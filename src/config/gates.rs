//! What the `[[gate]]`s mean that ask something besides the side itself: a command, an endpoint, a
//! query, a person.

use super::error::quote;
use super::reader::{Node, Table};
use super::values;
use crate::domain::GateKind;
use crate::domain::gate::Bound;

/// Longest question to a person, in characters.
const MAX_ASK: usize = 200;
/// Arguments of a command beyond this are refused.
const MAX_ARGUMENTS: usize = 256;

/// What was written is at fault, and that is noted.
pub(super) struct Faulty;

/// `min` or `max`: one of the two or none.
pub(super) fn bound(table: &Table<'_>) -> Result<Option<Bound>, Faulty> {
    let read = |key: &str, at_least| table.get(key).map(|node| node.amount().map(|limit| Bound { limit, at_least }));
    match (read("min", true), read("max", false)) {
        (Some(_), Some(_)) => {
            table.fault("min and max are both written".into(), "keep one; a second gate can hold the other");
            Err(Faulty)
        }
        (Some(one), None) | (None, Some(one)) => one.map(Some).ok_or(Faulty),
        (None, None) => Ok(None),
    }
}

/// A gate that runs a command.
pub(super) fn exec(table: &Table<'_>) -> Option<GateKind> {
    let example = "write e.g. command = [\"./check.sh\", \"--strict\"]";
    let command = table.need("command", example).and_then(|node| command(&node, example));
    let dir = match table.get("dir") {
        Some(node) => values::path(&node).and_then(|dir| {
            let there = dir.is_dir();
            let shown = quote(&dir.display().to_string());
            if there { Some(dir) } else { node.refuse(format!("{shown} is not a directory"), "name one that is there") }
        }),
        None => Some(table.base().to_owned()),
    };
    let not_yet_code = table.number("not_yet_code", 2..=255, 75);
    let bound = bound(table).ok();
    Some(GateKind::Exec { command: command?, dir: dir?, not_yet_code: u8::try_from(not_yet_code).ok()?, bound: bound? })
}

fn command(node: &Node<'_>, example: &str) -> Option<Vec<String>> {
    let items = node.list(example)?;
    let words: Option<Vec<String>> = items.iter().map(|item| item.text().map(str::to_owned)).collect();
    let mut words = words?;
    if words.len() > MAX_ARGUMENTS {
        return node.refuse(format!("{} words are too many", words.len()), format!("write at most {MAX_ARGUMENTS}"));
    }
    let Some(program) = words.first_mut().filter(|program| !program.is_empty()) else {
        return node.refuse("names no program".into(), example);
    };
    // A bare name is looked up in PATH when it runs; a path can be seen to be there now.
    if program.contains('/') {
        let path = values::path(&items[0])?;
        if !path.is_file() {
            return items[0].refuse(format!("there is no file {}", quote(&path.display().to_string())), example);
        }
        *program = path.to_str().map(str::to_owned)?;
    }
    Some(words)
}

/// A gate that a person signs.
pub(super) fn manual(table: &Table<'_>) -> Option<GateKind> {
    let example = "write what the person must have looked at";
    let node = table.need("ask", example)?;
    let ask = node.text()?.trim();
    if ask.is_empty() || ask.chars().count() > MAX_ASK {
        return node.refuse(format!("must have 1 to {MAX_ASK} characters"), example);
    }
    Some(GateKind::Manual { ask: ask.to_owned() })
}
