//! A session: a running engine without a screen, for the commands and for the demo without a terminal.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::backend::Systems;
use super::core::{Core, Incoming, Outcome};
use crate::config::Config;
use crate::domain::{Actor, Closing, LogLine};
use crate::engine::{Access, Command, Event, Reply, Request, Snapshot};

/// The time limit passed before it happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TimedOut;

/// Something to show.
#[derive(Debug, Clone)]
pub(crate) enum Update {
    /// The state may have changed.
    Snapshot(Arc<Snapshot>),
    /// A line for the log.
    Line(LogLine),
}

/// A running engine as commands use it. Tests have one that follows a script.
///
/// Every future may be dropped; the next call goes on from there.
pub(crate) trait Session {
    /// Runs the engine until `f` is true for a snapshot, starting with the current one.
    async fn when(&mut self, f: impl FnMut(&Snapshot) -> bool, limit: Duration) -> Result<Arc<Snapshot>, TimedOut>;
    /// Sends a request and runs the engine until it has answered.
    async fn ask(
        &mut self,
        command: Command,
        expect: Option<String>,
        why: Option<String>,
        limit: Duration,
    ) -> Result<Reply, TimedOut>;
    /// Runs the engine until there is something to show.
    async fn next(&mut self) -> Update;
    /// The exact request that `command` would send, secrets masked. The first line names the destination.
    fn preview(&self, command: &Command) -> Vec<String>;
}

/// The session of this process.
pub(crate) struct EngineSession {
    core: Core,
    me: Actor,
    lines: VecDeque<LogLine>,
    /// The answer to the last request.
    reply: Option<Reply>,
    asked: u64,
}

/// The most unread log lines; older ones are dropped.
const LINES: usize = 5000;

impl EngineSession {
    /// Opens the journal, starts the pollers and reads the router.
    ///
    /// # Errors
    /// When the journal cannot be read or a thread cannot be started, in words.
    pub(crate) fn open(config: &Config, me: Actor, access: Access) -> Result<Self, String> {
        let service = Arc::new(config.service.clone());
        let core = Core::open(&service, &Systems::of(config), me.clone(), access)?;
        Ok(Self { core, me, lines: VecDeque::new(), reply: None, asked: 0 })
    }

    /// Runs until router, replicas and versions were read once, at most `limit`.
    pub(crate) async fn meet(&mut self, limit: Duration) {
        let deadline = Instant::now() + limit;
        while !self.core.is_met() && timeout_at(deadline, self.step()).await.is_ok() {}
        // Reason: the figures are made at each tick, and the next tick may be almost a second away.
        let outcomes = self.core.submit(Event::Tick);
        self.keep(outcomes);
    }

    /// The log lines that were not read yet.
    pub(crate) fn lines(&mut self) -> Vec<LogLine> {
        self.lines.drain(..).collect()
    }

    /// Ends the session. The journal is on disk afterwards, as far as the disk allows.
    pub(crate) async fn close(self, why: Closing) {
        self.core.close(why).await;
    }

    /// Takes the next input; see [`EngineSession::take`].
    async fn step(&mut self) -> bool {
        let incoming = self.core.next().await;
        self.take(incoming)
    }

    /// Takes one input. Returns whether a new snapshot is worth its cost: see [`Incoming::is_sample`].
    fn take(&mut self, incoming: Incoming) -> bool {
        let is_sample = incoming.is_sample();
        let outcomes = self.core.take(incoming);
        let is_news = !is_sample || !outcomes.is_empty();
        self.keep(outcomes);
        is_news
    }

    fn keep(&mut self, outcomes: Vec<Outcome>) {
        for outcome in outcomes {
            match outcome {
                Outcome::Reply { id, reply } if id == self.asked => self.reply = Some(reply),
                // The answer to a request that the caller gave up.
                Outcome::Reply { .. } => {}
                Outcome::Line(line) | Outcome::Event(line) => {
                    if self.lines.len() == LINES {
                        self.lines.pop_front();
                    }
                    self.lines.push_back(line);
                }
            }
        }
    }
}

impl Session for EngineSession {
    async fn when(&mut self, mut f: impl FnMut(&Snapshot) -> bool, limit: Duration) -> Result<Arc<Snapshot>, TimedOut> {
        let deadline = Instant::now() + limit;
        loop {
            let snapshot = self.core.snapshot();
            if f(&snapshot) {
                return Ok(Arc::new(snapshot));
            }
            while !timeout_at(deadline, self.step()).await.map_err(|_| TimedOut)? {}
        }
    }

    async fn ask(
        &mut self,
        command: Command,
        expect: Option<String>,
        why: Option<String>,
        limit: Duration,
    ) -> Result<Reply, TimedOut> {
        self.asked += 1;
        self.reply = None;
        let request = Request { id: self.asked, by: self.me.clone(), command, expect, why };
        let outcomes = self.core.submit(Event::Asked(request));
        self.keep(outcomes);
        let deadline = Instant::now() + limit;
        loop {
            if let Some(reply) = self.reply.take() {
                return Ok(reply);
            }
            timeout_at(deadline, self.step()).await.map_err(|_| TimedOut)?;
        }
    }

    async fn next(&mut self) -> Update {
        loop {
            if let Some(line) = self.lines.pop_front() {
                return Update::Line(line);
            }
            if self.step().await {
                return Update::Snapshot(Arc::new(self.core.snapshot()));
            }
        }
    }

    fn preview(&self, command: &Command) -> Vec<String> {
        self.core.preview(command)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{BackendError, Side};

    fn open(access: Access) -> (EngineSession, tempfile::TempDir) {
        let dir = tempfile::tempdir().unwrap();
        let text = include_str!("../../tests/fixtures/config/valid/minimal.toml");
        let mut config = crate::config::parse(text, &dir.path().join("cutover.toml"), &|_| None).unwrap();
        config.service.state_dir = dir.path().into();
        let me = Actor { name: "op1".into(), via: "cli".into() };
        (EngineSession::open(&config, me, access).unwrap(), dir)
    }

    #[tokio::test]
    async fn single_readings_are_not_worth_a_snapshot_and_everything_else_is() {
        let (mut session, _dir) = open(Access::Look);
        let unread = || "not read".to_owned();
        let probed = || Event::Probed { side: Side::Green, replica: 0, latency_us: Some(900), fault: None };
        session.take(Incoming::Event(Event::Tick));
        for (event, expected) in [
            (probed(), false),
            (Event::VersionRead { side: Side::Blue, replica: 0, version: Err(unread()) }, false),
            (Event::Scraped { side: Side::Blue, source: 0, reading: Err(unread()) }, false),
            (Event::GateProgress { run: 1, done: 3, total: 9, load: None }, false),
            (Event::Observed { result: Err(BackendError::Unreachable(unread())) }, true),
            (Event::Tick, true),
        ] {
            assert_eq!(session.take(Incoming::Event(event.clone())), expected, "{event:?}");
        }
        session.core.close(Closing::Done).await;
    }

    #[tokio::test]
    async fn an_answer_to_a_request_that_was_given_up_is_not_taken_for_the_next() {
        let (mut session, _dir) = open(Access::Quick);
        session.asked = 2;
        session.keep(vec![Outcome::Reply { id: 1, reply: Reply::Done }]);
        assert!(session.reply.is_none());
        session.keep(vec![Outcome::Reply { id: 2, reply: Reply::Done }]);
        assert_eq!(session.reply, Some(Reply::Done));
        session.core.close(Closing::Done).await;
    }
}
