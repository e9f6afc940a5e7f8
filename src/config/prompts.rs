//! Reads how a forward command is confirmed. One file describes one environment, so the confirmation can be stricter
//! per environment, never weaker.

use super::keys;
use crate::settings::Table;

/// Whether a promote requires the candidate's version as typed text. A switch always does.
pub(super) fn typed_promote(root: &Table<'_>) -> bool {
    let Some(table) = root.get("prompts").and_then(|node| node.table()) else { return false };
    let table = table.keys_of(&[&keys::PROMPTS]);
    if let Some(node) = table.get("switch")
        && node.text().is_some_and(|typed| typed != "type")
    {
        node.fault(
            "a switch moves all traffic: the candidate's version has to be typed, and less is not possible".into(),
            "write \"type\", or remove the key",
        );
    }
    let choices = [("y", false), ("type", true)];
    table.get("promote").and_then(|node| node.choice(&choices)).unwrap_or(false)
}
