//! `status`: the state of the rollout, once.

use std::sync::Arc;
use std::time::Duration;

use super::exit::Exit;
use super::failure::Failure;
use super::session::{Session, is_settled, when_or_now, with_session};
use super::{Context, status_text};
use crate::engine::{Access, Snapshot, Status};

/// The time limit until rates are known: they are differences of two readings.
const PATIENCE: Duration = Duration::from_millis(2500);

/// Prints the status document.
pub(crate) async fn run(context: &mut Context) -> Result<Exit, Failure> {
    with_session(context, Access::Look, async |session, context| print(session, context).await).await
}

async fn print(session: &mut impl Session, context: &mut Context) -> Result<Exit, Failure> {
    let snapshot = whole(session).await?;
    let status = &snapshot.status;
    if context.out.is_json() {
        context.out.json(status);
    } else {
        let text = status_text::render(status, context.out.style);
        context.out.text(&text);
    }
    if status.split.observed.is_none() {
        let why = status.faults.first().map_or("no reading yet", |fault| &fault.text);
        context.out.failure_text(&Failure::new(Exit::Unreachable, format!("the traffic system cannot be read: {why}")));
        return Ok(Exit::Unreachable);
    }
    Ok(Exit::Reached)
}

/// The first snapshot with every figure; after a while, the current one.
pub(crate) async fn whole(session: &mut impl Session) -> Result<Arc<Snapshot>, Failure> {
    when_or_now(session, |snapshot| is_whole(&snapshot.status), PATIENCE).await
}

/// Whether every figure is known that can be known.
fn is_whole(status: &Status) -> bool {
    let has_figures = status.sides.iter().all(|(_, side)| side.ready.is_some() && side.probe_ms.p50.is_some());
    is_settled(status) && has_figures && status.sides.iter().any(|(_, side)| side.rps.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::args::Format;
    use crate::cli::testing::{Script, context, status};

    #[tokio::test]
    async fn what_is_not_known_is_null_and_the_exit_code_says_so() {
        let mut unknown = status();
        unknown.split.observed = None;
        unknown.split.age_s = None;
        let (mut context, seen) = context(Format::Json, None);
        let exit = print(&mut Script::new(unknown), &mut context).await.unwrap();
        assert_eq!(exit, Exit::Unreachable);
        let document: serde_json::Value = serde_json::from_str(&seen.data()).unwrap();
        assert!(document["split"]["observed"].is_null() && document["split"]["age_s"].is_null());
        assert!(seen.messages().contains("cannot be read"));
    }
}
