//! Sends alerts with the log lines that belong to them, and reports the results to the engine.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::sync::mpsc;

use crate::alert::{Ended, Places};
use crate::domain::{Alert, AlertSpec, LogLine};
use crate::engine::Event;

/// Log lines kept for later alerts.
const KEPT: usize = 500;
/// Log lines in one alert.
const TAIL: usize = 10;
/// The most results that wait; more than the alerts that can be sent at once.
const RECEIPTS: usize = 256;

/// The destinations of alerts, and the last log lines.
pub(super) struct Alerts {
    places: Places,
    ended: mpsc::Receiver<Ended>,
    lines: VecDeque<LogLine>,
}

impl Alerts {
    pub(super) fn new(specs: &[AlertSpec]) -> Result<Self, String> {
        let (ended_in, ended) = mpsc::channel(RECEIPTS);
        Ok(Self { places: Places::new(specs, ended_in)?, ended, lines: VecDeque::new() })
    }

    /// Keeps a line of the log.
    pub(super) fn note(&mut self, line: &LogLine) {
        if self.lines.len() == KEPT {
            self.lines.pop_front();
        }
        self.lines.push_back(line.clone());
    }

    /// Starts to send `alert` to the destinations in `to`, with the lines of `about`, or of every source.
    pub(super) fn tell(&mut self, mut alert: Alert, about: Option<&str>, to: &[String]) {
        let belongs = |line: &&LogLine| about.is_none_or(|about| line.source == about);
        let mut tail: Vec<String> = self.lines.iter().rev().filter(belongs).take(TAIL).map(shown).collect();
        tail.reverse();
        alert.log = tail;
        tracing::info!(alert = alert.id, kind = alert.kind.name(), ?to, "sent");
        self.places.tell(&alert, to);
    }

    /// The result of the next alert. Waits for ever when no alert is being sent.
    pub(super) async fn ended(&mut self) -> Event {
        match self.ended.recv().await {
            Some(ended) => event(ended),
            // `places` holds the sender, so this cannot happen.
            None => std::future::pending().await,
        }
    }

    /// Waits at most `limit` for alerts that are being sent. Returns the results, and how many alerts are left.
    pub(super) async fn finish(&mut self, limit: Duration) -> (Vec<Event>, usize) {
        let left = self.places.finish(limit).await;
        let mut ended = Vec::new();
        while let Ok(one) = self.ended.try_recv() {
            ended.push(event(one));
        }
        (ended, left)
    }
}

fn event(ended: Ended) -> Event {
    let Ended { alert, to, delivered, tries, detail } = ended;
    tracing::info!(alert, to, delivered, tries, detail, "ended");
    Event::AlertEnded { alert, to, delivered, tries, detail }
}

fn shown(line: &LogLine) -> String {
    format!("{} {} {}", line.at.format("%H:%M:%S"), line.source, line.text)
}
