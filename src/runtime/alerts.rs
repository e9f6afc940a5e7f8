//! Alerts: the log lines that belong to them are added, and what became of them goes back to the engine.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::sync::mpsc;

use crate::alert::{Ended, Places};
use crate::domain::{Alert, AlertSpec, LogLine};
use crate::engine::Event;

/// Log lines kept for an alert that may come.
const KEPT: usize = 500;
/// Log lines of one alert.
const TAIL: usize = 10;
/// Receipts that may wait: more than can be on their way at once.
const RECEIPTS: usize = 256;

/// The places alerts go to, and the lines they may need.
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

    /// Sends it on its way.
    pub(super) fn tell(&mut self, mut alert: Alert, about: Option<&str>, to: &[String]) {
        let belongs = |line: &&LogLine| about.is_none_or(|about| line.source == about);
        let mut tail: Vec<String> = self.lines.iter().rev().filter(belongs).take(TAIL).map(shown).collect();
        tail.reverse();
        alert.log = tail;
        tracing::info!(alert = alert.id, kind = alert.kind.name(), ?to, "sent");
        self.places.tell(&alert, to);
    }

    /// The next alert that has ended; never, when none is on its way.
    pub(super) async fn ended(&mut self) -> Event {
        match self.ended.recv().await {
            Some(ended) => event(ended),
            // It is held by the places, so it is never closed before they are.
            None => std::future::pending().await,
        }
    }

    /// Waits for what is on its way, at most `limit`: the receipts that came, and how many alerts are left behind.
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
