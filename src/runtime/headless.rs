//! A session without a screen: what CLI commands and the linear demo run on.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::backend::connect;
use super::core::{Core, Options, Outcome};
use crate::config::Config;
use crate::domain::LogLine;
use crate::engine::{Command, Event, Reply, Request, Snapshot};

/// What was waited for did not happen in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimedOut;

/// What changed.
#[derive(Debug)]
pub enum Update {
    /// The state may look different.
    Snapshot(Arc<Snapshot>),
    /// A line for the log.
    Line(LogLine),
}

/// The engine with its hands, driven by whoever asks.
pub struct Session {
    core: Core,
    options: Options,
    updates: VecDeque<LogLine>,
    replies: HashMap<u64, Reply>,
    asked: u64,
    lines_dropped: u64,
}

/// Log lines kept for a reader that does not ask for them.
const LINES: usize = 5000;

impl Session {
    /// Opens the journal, starts the pollers and reads the router.
    ///
    /// # Errors
    /// When the journal cannot be read or a thread cannot be started, in words.
    pub fn open(config: &Config, options: Options) -> Result<Self, String> {
        let service = Arc::new(config.service.clone());
        let core = Core::open(&service, &connect(config), options.clone())?;
        Ok(Self { core, options, updates: VecDeque::new(), replies: HashMap::new(), asked: 0, lines_dropped: 0 })
    }

    /// Runs until everything was looked at once, or `limit` has passed: then what is missing shows in the snapshot.
    pub async fn meet(&mut self, limit: Duration) -> Arc<Snapshot> {
        let deadline = Instant::now() + limit;
        while !self.core.is_met() {
            let Ok(incoming) = timeout_at(deadline, self.core.next()).await else { break };
            let outcomes = self.core.take(incoming);
            self.keep(outcomes);
        }
        // Reason: figures are made at each tick, and the next one may be most of a second away.
        let outcomes = self.core.submit(Event::Tick);
        self.keep(outcomes);
        Arc::new(self.core.snapshot())
    }

    /// Runs until `f` holds.
    ///
    /// # Errors
    /// [`TimedOut`] when it did not within `limit`.
    pub async fn when(
        &mut self,
        mut f: impl FnMut(&Snapshot) -> bool,
        limit: Duration,
    ) -> Result<Arc<Snapshot>, TimedOut> {
        let deadline = Instant::now() + limit;
        loop {
            let snapshot = self.core.snapshot();
            if f(&snapshot) {
                return Ok(Arc::new(snapshot));
            }
            let incoming = timeout_at(deadline, self.core.next()).await.map_err(|_| TimedOut)?;
            let outcomes = self.core.take(incoming);
            self.keep(outcomes);
        }
    }

    /// Asks the engine and runs until it has answered.
    ///
    /// # Errors
    /// [`TimedOut`] when it did not answer within `limit`.
    pub async fn ask(
        &mut self,
        command: Command,
        expect: Option<String>,
        why: Option<String>,
        limit: Duration,
    ) -> Result<Reply, TimedOut> {
        self.asked += 1;
        let id = self.asked;
        let request = Request { id, by: self.options.me.clone(), command, expect, why };
        let outcomes = self.core.submit(Event::Asked(request));
        self.keep(outcomes);
        let deadline = Instant::now() + limit;
        loop {
            if let Some(reply) = self.replies.remove(&id) {
                return Ok(reply);
            }
            let incoming = timeout_at(deadline, self.core.next()).await.map_err(|_| TimedOut)?;
            let outcomes = self.core.take(incoming);
            self.keep(outcomes);
        }
    }

    /// The next change: log lines that have gathered first, then a snapshot after whatever happens next.
    pub async fn next(&mut self) -> Update {
        if let Some(line) = self.updates.pop_front() {
            return Update::Line(line);
        }
        let incoming = self.core.next().await;
        let outcomes = self.core.take(incoming);
        self.keep(outcomes);
        Update::Snapshot(Arc::new(self.core.snapshot()))
    }

    /// Log lines that have gathered since they were last asked for.
    pub fn lines(&mut self) -> Vec<LogLine> {
        self.updates.drain(..).collect()
    }

    /// Log lines that were lost because nobody asked for them.
    pub fn lines_dropped(&self) -> u64 {
        self.lines_dropped
    }

    /// What is known now.
    pub fn snapshot(&mut self) -> Arc<Snapshot> {
        Arc::new(self.core.snapshot())
    }

    /// The exact request that would be sent, secrets masked.
    pub fn preview(&self, command: &Command) -> Vec<String> {
        self.core.preview(command)
    }

    /// Ends the session; what was asked for is on disk afterwards, as far as the disk allows.
    pub async fn close(self, why: &str) {
        self.core.close(why).await;
    }

    fn keep(&mut self, outcomes: Vec<Outcome>) {
        for outcome in outcomes {
            match outcome {
                Outcome::Reply { id, reply } => {
                    self.replies.insert(id, reply);
                }
                Outcome::Line(line) | Outcome::Event(line) => {
                    if self.updates.len() == LINES {
                        self.updates.pop_front();
                        self.lines_dropped += 1;
                    }
                    self.updates.push_back(line);
                }
            }
        }
    }
}
