//! A conversation with the console in lines, for tests of other parts.

use std::sync::Arc;

use super::lines::{Action, LineConsole};
use crate::domain::Actor;
use crate::engine::{Request, Snapshot};

/// Types `first` and then `answers`, each after the previous one was read. Returns all printed lines and the last
/// request.
pub(in crate::cli) fn talked(snapshot: &Arc<Snapshot>, first: &str, answers: &[&str]) -> (String, Option<Request>) {
    let mut console = LineConsole::new(Actor::auto(), Vec::new());
    console.know(snapshot);
    let (mut text, mut sent) = (String::new(), None);
    for (line, at_ms) in std::iter::once(&first).chain(answers).zip((0..).step_by(5_000)) {
        console.line(line, at_ms, at_ms, &|_| Vec::new());
        console.flushed(at_ms);
        for wanted in console.take() {
            match wanted {
                Action::Say { text: line, .. } => text.extend([line.as_str(), "\n"]),
                Action::Ask(request) => sent = Some(request),
                Action::Scenario(_) | Action::Leave(_) => {}
            }
        }
    }
    (text, sent)
}
