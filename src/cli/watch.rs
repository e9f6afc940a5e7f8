//! `watch`: prints changes line by line, or every status as a line of JSON.

use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::time::Instant;

use super::Context;
use super::changes::Comparable;
use super::exit::Exit;
use super::failure::Failure;
use super::out::Out;
use super::session::{Session, Update, with_session};
use crate::engine::{Access, Status};

/// The longest time between two statuses when nothing changes.
const EVERY: Duration = Duration::from_secs(1);

/// Watches until a signal, or until the reader of the output is gone.
pub(crate) async fn run(context: &mut Context) -> Result<Exit, Failure> {
    with_session(context, Access::Look, async |session, context| watch(session, context).await).await
}

async fn watch(session: &mut impl Session, context: &mut Context) -> Result<Exit, Failure> {
    let mut feed = ChangePrinter::new();
    while !context.out.closed() {
        context.out.ready().await;
        feed.show(&mut context.out, &session.next().await);
    }
    Ok(Exit::Reached)
}

/// Prints new log lines and changes; with JSON, the status after a change and at least every second.
pub(crate) struct ChangePrinter {
    start: DateTime<Utc>,
    last: Option<(Comparable, Instant)>,
}

impl ChangePrinter {
    pub(crate) fn new() -> Self {
        Self { start: Utc::now(), last: None }
    }

    pub(crate) fn show(&mut self, out: &mut Out, update: &Update) {
        match update {
            // Earlier lines are history: `cutover events` prints them.
            Update::Line(line) if !out.is_json() && line.at >= self.start => {
                let at = line.at.format("%H:%M:%S");
                out.line(&format!("{at} {} {}: {}", line.level.title(), line.source, line.text));
            }
            Update::Line(_) => {}
            Update::Snapshot(snapshot) => self.show_status(out, &snapshot.status),
        }
    }

    fn show_status(&mut self, out: &mut Out, status: &Status) {
        let now = Comparable::of(status);
        let changes = now.changes(self.last.as_ref().map(|(seen, _)| seen));
        if out.is_json() {
            let is_due = self.last.as_ref().is_none_or(|(_, at)| at.elapsed() >= EVERY);
            if changes.is_empty() && !is_due {
                return;
            }
            out.json_line(status);
        } else {
            let at = status.time.format("%H:%M:%S");
            for change in changes {
                out.line(&format!("{at} {change}"));
            }
        }
        self.last = Some((now, Instant::now()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::args::Format;
    use crate::cli::testing::{Script, context, status};
    use crate::engine::Phase;

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
