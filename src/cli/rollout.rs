//! What the verbs need of a running engine, and how they hold one.
//!
//! The verbs are written against [`Rollout`] and not against the engine's session itself, so that a
//! scripted one can show them every answer there is.

use std::sync::Arc;
use std::time::Duration;

use super::exit::Exit;
use super::failure::Failure;
use super::interrupt::Interrupts;
use super::seams::{Options, Session};
use super::{Context, seams};
use crate::domain::{Actor, LogLine, text};
use crate::engine::{Command, Reply, Snapshot, Status};

/// It did not happen in the time given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TimedOut;

/// Something to be shown.
#[derive(Debug, Clone)]
pub(crate) enum Update {
    /// The state changed.
    Snapshot(Arc<Snapshot>),
    /// A gate, a guard or an order said something.
    Line(LogLine),
}

/// A running engine, as the verbs see it. Every future may be dropped and asked for again.
pub(crate) trait Rollout {
    /// Drives the engine until `f` holds of the snapshot; looks at the present one first.
    async fn when(&mut self, f: impl FnMut(&Snapshot) -> bool, timeout: Duration) -> Result<Arc<Snapshot>, TimedOut>;
    /// Asks for something and waits for the answer.
    async fn ask(
        &mut self,
        command: Command,
        expect: Option<String>,
        why: Option<String>,
        timeout: Duration,
    ) -> Result<Reply, TimedOut>;
    /// Drives the engine until there is something to show.
    async fn next(&mut self) -> Update;
    /// The exact request that would be sent, secrets masked.
    fn preview(&self, command: &Command) -> Vec<String>;
}

/// What a verb needs of its session.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Need {
    /// Looks only.
    pub read_only: bool,
    /// Polls the replicas.
    pub probes: bool,
    /// Goes on where the journal cannot be read.
    pub whatever: bool,
    /// Takes the driver's place and runs gates, as a console does.
    pub drives: bool,
}

impl Need {
    /// To look: no driver, with probes.
    pub(crate) const LOOK: Self = Self { read_only: true, probes: true, whatever: false, drives: false };
    /// To go forward: everything.
    pub(crate) const DRIVE: Self = Self { read_only: false, probes: true, whatever: false, drives: false };
    /// To walk the plan: what a console that drives does.
    pub(crate) const WALK: Self = Self { read_only: false, probes: true, whatever: false, drives: true };
    /// To stop or to note something: nothing that takes time.
    pub(crate) const QUICK: Self = Self { read_only: false, probes: false, whatever: false, drives: false };
    /// To go back: nothing that could be in the way.
    pub(crate) const BACK: Self = Self { read_only: false, probes: false, whatever: true, drives: false };
}

/// Loads the config, opens a session, gives it to `body`, and closes it whatever comes: an error, or a signal.
pub(crate) async fn with_session(
    context: &mut Context,
    need: Need,
    body: impl AsyncFnOnce(&mut Session, &mut Context) -> Result<Exit, Failure>,
) -> Result<Exit, Failure> {
    let config = if need.whatever { seams::load_to_go_back(context) } else { seams::load(context) }?;
    with_config(context, &config, need, body).await
}

/// The same with a config that was loaded before.
pub(crate) async fn with_config(
    context: &mut Context,
    config: &seams::Config,
    need: Need,
    body: impl AsyncFnOnce(&mut Session, &mut Context) -> Result<Exit, Failure>,
) -> Result<Exit, Failure> {
    let mut interrupts = Interrupts::new()?;
    let mut session = tokio::select! {
        biased;
        exit = interrupts.wait() => return Ok(exit),
        session = open(config, need, context) => session?,
    };
    let result = tokio::select! {
        biased;
        exit = interrupts.wait() => Ok(exit),
        result = body(&mut session, context) => result,
    };
    let why = match &result {
        Ok(Exit::Int) => "SIGINT",
        Ok(Exit::Term) => "SIGTERM",
        Ok(Exit::Hup) => "SIGHUP",
        Ok(_) => "done",
        Err(_) => "failed",
    };
    seams::close(session, why).await;
    result
}

async fn open(config: &seams::Config, need: Need, context: &mut Context) -> Result<Session, Failure> {
    if need.whatever {
        return seams::open_to_go_back(config, me(), context).await;
    }
    seams::open(config, Options { me: me(), read_only: need.read_only, probes: need.probes, drives: need.drives }).await
}

/// Who types.
pub(crate) fn me() -> Actor {
    let name = ["USER", "LOGNAME"].iter().find_map(|key| std::env::var(key).ok().filter(|name| !name.is_empty()));
    let name = name.or_else(login_name).unwrap_or_else(|| format!("uid-{}", rustix::process::getuid().as_raw()));
    Actor { name: text::clean(&name, 40), via: "cli".into() }
}

/// The name the machine knows the process's user by, where the environment does not say.
fn login_name() -> Option<String> {
    let uid = rustix::process::getuid().as_raw().to_string();
    let users = std::fs::read_to_string("/etc/passwd").ok()?;
    let mut fields = users.lines().map(|line| line.split(':'));
    fields.find_map(|mut user| {
        let name = user.next()?;
        (user.nth(1)? == uid).then(|| name.to_owned())
    })
}

/// Whether everything a forward command depends on was seen, and is fresh.
pub(crate) fn is_settled(status: &Status) -> bool {
    !status.stale && status.data_age_s.is_some() && status.split.observed.is_some()
}

/// Seconds until the bake of the step reached is over; 0 when nothing bakes.
pub(crate) fn bake_left(status: &Status) -> f64 {
    status.step.bake_left_s.unwrap_or(0.0).max(0.0)
}

/// The snapshot there is now.
pub(crate) async fn present(session: &mut impl Rollout) -> Result<Arc<Snapshot>, Failure> {
    session
        .when(|_| true, Duration::from_secs(5))
        .await
        .map_err(|TimedOut| Failure::new(Exit::TimedOut, "the engine gave no state within 5 s"))
}

/// The first settled snapshot, or after `patience` whatever is known.
pub(crate) async fn settled(session: &mut impl Rollout, patience: Duration) -> Result<Arc<Snapshot>, Failure> {
    match session.when(|snapshot| is_settled(&snapshot.status), patience).await {
        Ok(snapshot) => Ok(snapshot),
        Err(TimedOut) => present(session).await,
    }
}
