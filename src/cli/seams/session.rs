//! A running engine without a screen, for the verbs that act and wait.

use std::sync::Arc;
use std::time::Duration;

use super::super::Context;
use super::super::failure::Failure;
use super::super::rollout::{Rollout, TimedOut, Update};
use super::{Config, journal_file};
use crate::domain::Actor;
use crate::engine::{Command, Reply, Snapshot};
use crate::runtime::{self, headless};

/// Opens a session for a rollback. Where the journal cannot even be read, it is written elsewhere, and that is told.
pub(crate) async fn open_to_go_back(config: &Config, me: Actor, context: &mut Context) -> Result<Session, Failure> {
    let options = |me| Options { me, read_only: false, probes: false, drives: false };
    let why = if config.service.state_dir.is_file() {
        format!("{} is a file, not a directory", config.service.state_dir.display())
    } else {
        match open(config, options(me.clone())).await {
            Ok(session) => return Ok(session),
            Err(failure) => failure.message,
        }
    };
    let mut elsewhere = config.clone();
    let name = format!("cutover-{:016x}", fastrand::u64(..));
    elsewhere.service.state_dir = std::env::temp_dir().join(name);
    let journal = journal_file(&elsewhere.service);
    context.blind = true;
    context.out.message(&format!(
        "cutover: THE JOURNAL CANNOT BE READ: {why}\ncutover: going back all the same; \
         who went before is not known, this rollback is recorded in {}",
        journal.display()
    ));
    open(&elsewhere, options(me)).await
}

/// How a session is opened.
pub(crate) struct Options {
    /// Who types.
    pub me: Actor,
    /// Holds no driver.
    pub read_only: bool,
    /// Polls the replicas.
    pub probes: bool,
    /// Takes the lease and runs gates.
    pub drives: bool,
}

/// A running engine without a screen.
pub(crate) struct Session(Box<headless::Session>);

/// Opens the journal, reads the router, starts the engine.
pub(crate) async fn open(config: &Config, options: Options) -> Result<Session, Failure> {
    let Options { me, read_only, probes, drives } = options;
    // Reason: what a command that only looks reports as blocked is what would be blocked for one that drives.
    let options =
        runtime::Options { me, read_only: false, looks_only: read_only, probes, drives, watches: !read_only && probes };
    let mut session = Box::new(headless::Session::open(config, options).map_err(Failure::error)?);
    if probes {
        session.meet(FIRST_LOOK).await;
    } else {
        // Reason: the way back waits for nothing but a first answer of the router, and for that not long.
        let _ = session.when(|seen| seen.status.split.observed.is_some(), BACK_LOOK).await;
    }
    Ok(Session(session))
}

/// How long a command waits until router, replicas and versions were looked at once.
pub(super) const FIRST_LOOK: Duration = Duration::from_secs(4);
/// How long a rollback waits for the router's first answer.
const BACK_LOOK: Duration = Duration::from_millis(500);

/// Ends the session; traffic stays where it is.
pub(crate) async fn close(session: Session, why: &str) {
    session.0.close(why).await;
}

impl Rollout for Session {
    async fn when(&mut self, f: impl FnMut(&Snapshot) -> bool, limit: Duration) -> Result<Arc<Snapshot>, TimedOut> {
        self.0.when(f, limit).await.map_err(|headless::TimedOut| TimedOut)
    }

    async fn ask(
        &mut self,
        command: Command,
        expect: Option<String>,
        why: Option<String>,
        limit: Duration,
    ) -> Result<Reply, TimedOut> {
        self.0.ask(command, expect, why, limit).await.map_err(|headless::TimedOut| TimedOut)
    }

    async fn next(&mut self) -> Update {
        match self.0.next().await {
            headless::Update::Snapshot(snapshot) => Update::Snapshot(snapshot),
            headless::Update::Line(line) => Update::Line(line),
        }
    }

    fn preview(&self, command: &Command) -> Vec<String> {
        self.0.preview(command)
    }
}
