//! `watch`: what changes, line by line; or every status as a line of JSON.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::Context;
use super::changes::Seen;
use super::exit::Exit;
use super::failure::Failure;
use super::rollout::{Need, Rollout, Update, with_session};
use crate::engine::Snapshot;
use crate::engine::snapshot::EventLine;

/// Without a change, a status is written this often.
const EVERY: Duration = Duration::from_secs(1);

/// Watches until a signal, or until nobody reads.
pub(crate) async fn run(context: &mut Context) -> Result<Exit, Failure> {
    with_session(context, Need::LOOK, async |session, context| watch(session, context).await).await
}

async fn watch(session: &mut impl Rollout, context: &mut Context) -> Result<Exit, Failure> {
    let mut last: Option<(Seen, Instant)> = None;
    let mut events: Option<VecDeque<EventLine>> = None;
    while !context.out.closed() {
        context.out.ready().await;
        let snapshot = match session.next().await {
            Update::Snapshot(snapshot) => snapshot,
            Update::Line(line) => {
                if !context.out.is_json() {
                    let at = line.at.format("%H:%M:%S");
                    context.out.line(&format!("{at} {} {}: {}", line.level.title(), line.source, line.text));
                }
                continue;
            }
        };
        let now = Seen::of(&snapshot.status);
        let changes = now.changes(last.as_ref().map(|(seen, _)| seen));
        if context.out.is_json() {
            let is_due = last.as_ref().is_none_or(|(_, at)| at.elapsed() >= EVERY);
            if is_due || !changes.is_empty() {
                context.out.json_line(&snapshot.status);
                last = Some((now, Instant::now()));
            }
            continue;
        }
        let at = snapshot.status.time.format("%H:%M:%S");
        for event in fresh(events.as_ref(), &snapshot) {
            let mark = if event.warn { "! " } else { "" };
            context.out.line(&format!("{} {mark}{}: {}", event.at.format("%H:%M:%S"), event.by, event.text));
        }
        events = Some(snapshot.events.iter().cloned().collect());
        for change in changes {
            context.out.line(&format!("{at} {change}"));
        }
        last = Some((now, Instant::now()));
    }
    Ok(Exit::Reached)
}

/// Events that were not there before; at the start none, for they are history.
fn fresh(before: Option<&VecDeque<EventLine>>, snapshot: &Arc<Snapshot>) -> Vec<EventLine> {
    let Some(last) = before.map(VecDeque::back) else {
        return Vec::new();
    };
    let events = &snapshot.events;
    let known = last.and_then(|last| events.iter().rposition(|event| event == last)).map_or(0, |at| at + 1);
    events.iter().skip(known).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::args::Format;
    use crate::cli::testing::{Script, context, status};
    use crate::engine::{Phase, Status};

    #[tokio::test]
    async fn json_is_one_status_a_line() {
        let (mut context, seen) = context(Format::Ndjson, None);
        let mut script = Script::new(status());
        let mut moved = status();
        moved.phase = Phase::Switched;
        script.then(status()).then(moved);
        let watching = tokio::time::timeout(Duration::from_millis(50), watch(&mut script, &mut context));
        assert!(watching.await.is_err(), "it goes on until it is stopped");
        let documents: Vec<Status> = seen.data().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(documents.first().unwrap().phase, Phase::Shifting);
        assert_eq!(documents.last().unwrap().phase, Phase::Switched);
    }
}
