//! Reads `[[log]]`: files and commands of the user whose lines the console shows.

use std::collections::HashMap;

use super::keys;
use crate::domain::{GateSpec, LogFeed, LogSource};
use crate::settings::{Node, Table, quote, quote_path, values};

/// The most logs of the user.
const MAX_LOGS: usize = 16;
/// Names of the console's own log sources.
const TAKEN: [&str; 4] = ["traffic", "guard", "journal", "probe"];

/// The sources, in the order of the file.
pub(super) fn logs(root: &Table<'_>, gates: &[GateSpec]) -> Vec<LogSource> {
    let tables = root.tables("log", "[[log]]", MAX_LOGS);
    let mut seen: HashMap<String, usize> = HashMap::new();
    tables.into_iter().filter_map(|table| log(&table.keys_of(&[&keys::LOG]), gates, &mut seen)).collect()
}

fn log(table: &Table<'_>, gates: &[GateSpec], seen: &mut HashMap<String, usize>) -> Option<LogSource> {
    let name = table.need("name", "write e.g. name = \"model-blue\"").and_then(|node| own_name(&node, gates, seen));
    let (file, command) = (table.get("file"), table.get("command"));
    let remedy = "write file = \"/var/log/model.log\" or command = [\"journalctl\", \"-fu\", \"model\"]";
    let feed = match (&file, &command) {
        (Some(node), None) => file_feed(node),
        (None, Some(node)) => command_feed(node),
        (None, None) => table.refuse("neither file nor command is written".into(), remedy),
        (Some(_), Some(node)) => node.refuse("both file and command are written".into(), "write two [[log]]"),
    };
    Some(LogSource { name: name?, feed: feed? })
}

/// A name that no other source in the log pane has.
fn own_name(node: &Node<'_>, gates: &[GateSpec], seen: &mut HashMap<String, usize>) -> Option<String> {
    let name = values::name(node, 32)?;
    if gates.iter().any(|gate| gate.name == name) {
        return node.refuse(format!("{} is the name of a gate", quote(&name)), "write another");
    }
    if TAKEN.contains(&name.as_str()) {
        return node.refuse(format!("{} is what the console's own lines are told by", quote(&name)), "write another");
    }
    let line = node.report.line(node.at);
    if let Some(before) = seen.insert(name.clone(), line) {
        return node.refuse(format!("{} is the name of the log of line {before}", quote(&name)), "write another");
    }
    Some(name)
}

/// A file that may appear later.
fn file_feed(node: &Node<'_>) -> Option<LogFeed> {
    let path = values::path(node)?;
    if path.is_dir() {
        return node.refuse(format!("{} is a directory", quote_path(&path)), "name a file in it");
    }
    Some(LogFeed::File(path))
}

fn command_feed(node: &Node<'_>) -> Option<LogFeed> {
    let example = "write e.g. [\"journalctl\", \"-fu\", \"model\"]; no shell reads it";
    let argv = values::argv(node, example)?;
    Some(LogFeed::Command { argv, dir: node.report.base.clone() })
}
