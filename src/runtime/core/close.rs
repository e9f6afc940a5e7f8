//! How a process ends: it waits a limited time for its last answers, alerts and records.

use std::time::Duration;

use super::Core;
use crate::domain::{Closing, Fact};
use crate::engine::Event;

/// How long a process waits for the disk at its end: after its work is done, and after a signal.
const LAST_RECORDS: Duration = Duration::from_secs(5);
const LAST_RECORDS_AFTER_SIGNAL: Duration = Duration::from_millis(700);

/// How long a process waits for its alerts at its end.
const LAST_ALERTS: Duration = Duration::from_secs(3);

impl Core {
    /// Records why the process ends, waits a limited time for the disk, and stops everything.
    pub async fn close(mut self, why: Closing) {
        let is_waited_for = matches!(why, Closing::Done | Closing::Failed);
        if is_waited_for {
            self.last_answer().await;
        }
        self.submit(Event::Leaving);
        self.deliver().await;
        if self.access.is_console() {
            self.write_down(Fact::Closed { why, cause: None });
        }
        for cancel in self.gate_runs.values() {
            let _ = cancel.send(true);
        }
        self.pollers = None;
        self.scrapers.clear();
        // Reason: the user of a command also waits for its record; after a signal the process must end soon.
        let patience = if is_waited_for { LAST_RECORDS } else { LAST_RECORDS_AFTER_SIGNAL };
        self.writer.stop(patience).await;
        if let Some(recorder) = &self.recorder {
            recorder.flush();
        }
        self.tasks.abort_all();
    }

    /// Waits for the answer to an order that another order replaced. Without it the journal would call the order sent
    /// for ever.
    async fn last_answer(&mut self) {
        let deadline = tokio::time::Instant::now() + Duration::from_millis(self.service.pace.answer_within_ms);
        while self.state.awaits_answer() {
            match tokio::time::timeout_at(deadline, self.next()).await {
                Ok(incoming) => drop(self.take(incoming)),
                Err(_) => return,
            }
        }
    }

    /// Gives alerts a moment to arrive. The next process that drives sends the rest.
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
