//! What has changed since a question was opened, if the change makes the consent void.

use crate::domain::Split;
use crate::engine::snapshot::{SideStatus, Status};

/// The most changes that are named. If there are more, their number is shown.
const NAMED: usize = 3;

/// The state differs from the one on which the question was opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Change {
    /// The digest when the question was opened.
    pub was: String,
    /// The digest now.
    pub now: String,
    /// The difference: `golden RUN > FAIL, split 90/10 > 50/50`.
    pub what: String,
}

impl Change {
    /// The change from `old` to `new`; `None` if nothing changed on which consent depends.
    pub(super) fn between(old: &Status, new: &Status) -> Option<Self> {
        let change = || Self { was: old.digest.clone(), now: new.digest.clone(), what: what(old, new) };
        (old.digest != new.digest).then(change)
    }
}

fn what(old: &Status, new: &Status) -> String {
    let mut found = Vec::new();
    for (before, after) in old.gates.iter().zip(&new.gates) {
        if before.name == after.name && before.status != after.status {
            found.push(format!("{} {} > {}", after.name, before.status.title(), after.status.title()));
        }
    }
    if old.split.observed != new.split.observed {
        let text = |split: Option<Split>| split.map_or_else(|| "unread".into(), |split| split.to_string());
        found.push(format!("split {} > {}", text(old.split.observed), text(new.split.observed)));
    }
    for (side, before) in old.sides.iter() {
        let after = &new.sides[side];
        if before.version != after.version {
            found.push(format!("{side} {} > {}", version(before, after), version(after, before)));
        }
    }
    if found.is_empty() {
        return "what consent depends on is another".into();
    }
    let more = found.len().saturating_sub(NAMED);
    found.truncate(NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{more}", found.join(", "))
}

/// A version's name, with its digest if both versions have the same name.
fn version(of: &SideStatus, other: &SideStatus) -> String {
    let Some(version) = &of.version else { return "unknown".into() };
    match &other.version {
        Some(other) if other.name == version.name => format!("{} ({})", version.name, version.digest.short()),
        _ => version.name.clone(),
    }
}
