//! Opens a session for a command, and always closes it.

use std::sync::Arc;
use std::time::Duration;

use super::Context;
use super::config_file::{load, load_to_go_back};
use super::exit::Exit;
use super::failure::Failure;
use super::interrupt::Interrupts;
use super::operator::me;
use super::paths::journal_file;
use crate::config::Config;
use crate::domain::Closing;
use crate::engine::{Access, Snapshot, Status};
use crate::runtime::session::EngineSession;
pub(crate) use crate::runtime::session::{Session, TimedOut, Update};

/// How long a command waits until router, replicas and versions were each read once.
pub(crate) const FIRST_LOOK: Duration = Duration::from_secs(4);
/// How long a rollback waits for the router's first answer.
const BACK_LOOK: Duration = Duration::from_millis(500);

/// Loads the config, opens a session and gives it to `body`. Closes it after a result, an error or a signal.
pub(crate) async fn with_session(
    context: &mut Context,
    access: Access,
    body: impl AsyncFnOnce(&mut EngineSession, &mut Context) -> Result<Exit, Failure>,
) -> Result<Exit, Failure> {
    let config = if access == Access::Back { load_to_go_back(context) } else { load(context) }?;
    with_config(context, &config, access, body).await
}

/// The same with a config that is already loaded.
pub(crate) async fn with_config(
    context: &mut Context,
    config: &Config,
    access: Access,
    body: impl AsyncFnOnce(&mut EngineSession, &mut Context) -> Result<Exit, Failure>,
) -> Result<Exit, Failure> {
    let mut interrupts = Interrupts::new()?;
    let mut session = tokio::select! {
        biased;
        exit = interrupts.wait() => return Ok(exit),
        session = open(config, access, context) => session?,
    };
    let result = tokio::select! {
        biased;
        exit = interrupts.wait() => Ok(exit),
        result = body(&mut session, context) => result,
    };
    let why = match &result {
        Ok(Exit::Int) => Closing::Other("SIGINT".into()),
        Ok(Exit::Term) => Closing::Other("SIGTERM".into()),
        Ok(Exit::Hup) => Closing::Other("SIGHUP".into()),
        Ok(_) => Closing::Done,
        Err(_) => Closing::Failed,
    };
    session.close(why).await;
    result
}

async fn open(config: &Config, access: Access, context: &mut Context) -> Result<Box<EngineSession>, Failure> {
    let opened = match access {
        Access::Back => open_to_go_back(config, context),
        _ => EngineSession::open(config, me("cli"), access),
    };
    let mut session = Box::new(opened.map_err(Failure::error)?);
    if access.probes() {
        session.meet(FIRST_LOOK).await;
    } else {
        // Reason: these commands wait only for the router's first answer, and only for a short time.
        let _ = session.when(|seen| seen.status.split.observed.is_some(), BACK_LOOK).await;
    }
    Ok(session)
}

/// Opens a session for a rollback. If the journal cannot be read, it says so and writes a new one in another place.
fn open_to_go_back(config: &Config, context: &mut Context) -> Result<EngineSession, String> {
    let open = |config: &Config| EngineSession::open(config, me("cli"), Access::Back);
    let opened = if config.service.state_dir.is_file() {
        Err(format!("{} is a file, not a directory", config.service.state_dir.display()))
    } else {
        open(config)
    };
    opened.or_else(|why| {
        let mut elsewhere = config.clone();
        elsewhere.service.state_dir = std::env::temp_dir().join(format!("cutover-{:016x}", fastrand::u64(..)));
        context.blind = true;
        context.out.message(&format!(
            "cutover: THE JOURNAL CANNOT BE READ: {why}\ncutover: going back all the same; \
             who went before is not known, this rollback is recorded in {}",
            journal_file(&elsewhere.service).display()
        ));
        open(&elsewhere)
    })
}

/// Whether everything that a forward command depends on was read and is fresh.
pub(crate) fn is_settled(status: &Status) -> bool {
    !status.stale && status.data_age_s.is_some() && status.split.observed.is_some()
}

/// Whether the current step has baked, and no guard keeps an unattended plan from the next one.
pub(crate) fn has_baked(status: &Status) -> bool {
    bake_left(status) <= 0.0 && status.step.waits.is_none()
}

/// Seconds until the bake of the current step is over; 0 when there is no bake.
pub(crate) fn bake_left(status: &Status) -> f64 {
    status.step.bake_left_s.unwrap_or(0.0).max(0.0)
}

/// The current snapshot.
pub(crate) async fn present(session: &mut impl Session) -> Result<Arc<Snapshot>, Failure> {
    session
        .when(|_| true, Duration::from_secs(5))
        .await
        .map_err(|TimedOut| Failure::new(Exit::TimedOut, "the engine gave no state within 5 s"))
}

/// The first settled snapshot, or the current one after `patience`.
pub(crate) async fn settled(session: &mut impl Session, patience: Duration) -> Result<Arc<Snapshot>, Failure> {
    when_or_now(session, |snapshot| is_settled(&snapshot.status), patience).await
}

/// The first snapshot that `holds`, or the present one when none does within `patience`.
pub(crate) async fn when_or_now(
    session: &mut impl Session,
    holds: impl FnMut(&Snapshot) -> bool,
    patience: Duration,
) -> Result<Arc<Snapshot>, Failure> {
    match session.when(holds, patience).await {
        Ok(snapshot) => Ok(snapshot),
        Err(TimedOut) => present(session).await,
    }
}
