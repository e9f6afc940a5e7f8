//! `watch`: what changes, line by line; or every status as a line of JSON.

use std::time::Duration;

use tokio::time::Instant;

use super::Context;
use super::changes::Seen;
use super::exit::Exit;
use super::failure::Failure;
use super::session::{Session, Update, with_session};
use crate::engine::Access;

/// Without a change, a status is written this often.
const EVERY: Duration = Duration::from_secs(1);

/// Watches until a signal, or until the reader is gone.
pub(crate) async fn run(context: &mut Context) -> Result<Exit, Failure> {
    with_session(context, Access::Look, async |session, context| watch(session, context).await).await
}

async fn watch(session: &mut impl Session, context: &mut Context) -> Result<Exit, Failure> {
    let mut last: Option<(Seen, Instant)> = None;
    let start = chrono::Utc::now();
    while !context.out.closed() {
        context.out.ready().await;
        let snapshot = match session.next().await {
            Update::Snapshot(snapshot) => snapshot,
            Update::Line(line) => {
                // What was so before is history: `cutover events` prints it.
                if !context.out.is_json() && line.at >= start {
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
        for change in changes {
            context.out.line(&format!("{at} {change}"));
        }
        last = Some((now, Instant::now()));
    }
    Ok(Exit::Reached)
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
