//! How a process ends: what it owes to the journal and to those it alerts is waited for, within bounds.

use std::time::Duration;

use super::Core;
use crate::domain::Fact;
use crate::engine::Event;
use crate::runtime::orders;

/// A process that ends waits this long for the disk: one that has done its work, and one that was told to end.
const LAST_RECORDS: Duration = Duration::from_secs(5);
const LAST_RECORDS_IN_HASTE: Duration = Duration::from_millis(700);

/// A process that ends waits this long for its alerts.
const LAST_ALERTS: Duration = Duration::from_secs(3);

impl Core {
    /// Writes why we end, waits (bounded) for the disk, and stops everything.
    pub async fn close(mut self, why: &str) {
        let is_waited_for = matches!(why, "done" | "failed");
        if is_waited_for {
            self.last_answer().await;
        }
        self.submit(Event::Leaving);
        self.deliver().await;
        if self.access.is_console() {
            self.write_down(Fact::Closed { why: why.to_owned(), cause: None });
        }
        for cancel in self.gate_runs.values() {
            let _ = cancel.send(true);
        }
        self.pollers = None;
        self.scrapers.clear();
        // Reason: whoever waits for a command waits for its record too; a signal or a lost line does not.
        let patience = if is_waited_for { LAST_RECORDS } else { LAST_RECORDS_IN_HASTE };
        self.writer.stop(patience).await;
        if let Some(recorder) = &self.recorder {
            recorder.flush();
        }
        self.tasks.abort_all();
    }

    /// Waits for what becomes of an order whose place another has taken: without its end in the journal it would stand
    /// there as sent for ever.
    async fn last_answer(&mut self) {
        let deadline = tokio::time::Instant::now() + orders::ANSWER;
        while self.state.awaits_answer() {
            match tokio::time::timeout_at(deadline, self.next()).await {
                Ok(incoming) => drop(self.take(incoming)),
                Err(_) => return,
            }
        }
    }

    /// Gives alerts that are on their way a moment to arrive; what does not is told by the next process that drives.
    async fn deliver(&mut self) {
        let (ended, left) = self.alerts.finish(LAST_ALERTS).await;
        for event in ended {
            self.submit(event);
        }
        if left > 0 {
            self.write_down(Fact::Note { text: format!("{left} alerts were still on their way at the end") });
        }
    }
}
