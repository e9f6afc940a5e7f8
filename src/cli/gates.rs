//! `gates` prints the list; `gates run` runs gates on the candidate and waits for every result.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;

use super::exit::Exit;
use super::failure::Failure;
use super::session::{Session, TimedOut, Update, present, settled, with_session};
use super::{Context, span, status_text};
use crate::domain::LogLevel;
use crate::engine::snapshot::{GateState, GateStatus};
use crate::engine::{Access, Command, Reply, Snapshot};

/// How long to wait for fresh data.
const PATIENCE: Duration = Duration::from_secs(5);
/// The rounding of ages in the status document, in seconds.
const ROUNDED_S: f64 = 0.1;

/// Prints the gates.
pub(crate) async fn list(context: &mut Context) -> Result<Exit, Failure> {
    with_session(context, Access::Look, async |session, context| {
        let snapshot = settled(session, PATIENCE).await?;
        print(context, &snapshot, &snapshot.status.gates, None);
        Ok(Exit::Reached)
    })
    .await
}

/// Runs gates on the candidate.
pub(crate) async fn run(
    context: &mut Context,
    names: Vec<String>,
    timeout: Duration,
    no_wait: bool,
) -> Result<Exit, Failure> {
    with_session(context, Access::Drive, async |session, context| {
        carry_out(session, context, &names, timeout, no_wait).await
    })
    .await
}

async fn carry_out(
    session: &mut impl Session,
    context: &mut Context,
    names: &[String],
    timeout: Duration,
    no_wait: bool,
) -> Result<Exit, Failure> {
    let known = settled(session, PATIENCE).await?;
    if let Some(unknown) = names.iter().find(|name| !known.status.gates.iter().any(|gate| gate.name == **name)) {
        let there: Vec<&str> = known.status.gates.iter().map(|gate| gate.name.as_str()).collect();
        return Err(Failure::usage(format!("no gate is named {unknown}; there are: {}", there.join(", "))));
    }
    let asked = Instant::now();
    let only = names.to_vec();
    let reply = session.ask(Command::RunGates { only }, None, None, Duration::from_secs(30)).await;
    match reply {
        Ok(Reply::Refused(refusal)) => return Err(Failure::from(&refusal)),
        Ok(Reply::AlreadySo { text }) => context.out.say(&text),
        Ok(Reply::Done | Reply::Ordered { .. }) => {}
        Err(TimedOut) => return Err(Failure::new(Exit::TimedOut, "gates run: no answer within 30s")),
    }
    if no_wait {
        let snapshot = present(session).await?;
        print(context, &snapshot, &wanted(&snapshot, names), None);
        return Ok(Exit::Reached);
    }
    let (snapshot, is_done) = follow(session, context, names, asked, timeout).await?;
    let gates = wanted(&snapshot, names);
    let failure = if is_done { judged(&gates) } else { Some(late(&gates, timeout)) };
    print(context, &snapshot, &gates, failure.as_ref());
    match failure {
        None => Ok(Exit::Reached),
        Some(failure) => {
            context.out.failure_text(&failure);
            Ok(failure.exit)
        }
    }
}

/// Follows the runs. Log lines go to standard error meanwhile.
async fn follow(
    session: &mut impl Session,
    context: &mut Context,
    names: &[String],
    asked: Instant,
    timeout: Duration,
) -> Result<(Arc<Snapshot>, bool), Failure> {
    let deadline = asked + timeout;
    let mut latest = present(session).await?;
    let mut seen_running = BTreeSet::new();
    loop {
        let elapsed = asked.elapsed().as_secs_f64();
        let gates = wanted(&latest, names);
        seen_running
            .extend(gates.iter().filter(|gate| gate.status == GateState::Running).map(|gate| gate.name.clone()));
        let is_new = |gate: &GateStatus| {
            gate.status != GateState::Running
                && (seen_running.contains(&gate.name) || gate.age_s.is_some_and(|age| age <= elapsed + ROUNDED_S))
        };
        if gates.iter().all(is_new) {
            return Ok((latest, true));
        }
        match tokio::time::timeout_at(deadline, session.next()).await {
            Ok(Update::Snapshot(snapshot)) => latest = snapshot,
            Ok(Update::Line(line)) => {
                let mark = if line.level == LogLevel::Info { "" } else { line.level.title() };
                context.out.say(format!("{}: {mark} {}", line.source, line.text).replace(":  ", ": ").as_str());
            }
            Err(_) => return Ok((latest, false)),
        }
    }
}

fn wanted(snapshot: &Snapshot, names: &[String]) -> Vec<GateStatus> {
    let all = snapshot.status.gates.iter();
    all.filter(|gate| names.is_empty() || names.contains(&gate.name)).cloned().collect()
}

/// The failure for required gates that do not pass.
fn judged(gates: &[GateStatus]) -> Option<Failure> {
    let stopping: Vec<String> = gates
        .iter()
        .filter(|gate| gate.required && !gate.status.lets_pass())
        .map(|gate| format!("{} {}", gate.name, gate.status.title()))
        .collect();
    (!stopping.is_empty()).then(|| Failure::new(Exit::Blocked, format!("blocked by gates: {}", stopping.join(", "))))
}

fn late(gates: &[GateStatus], timeout: Duration) -> Failure {
    let running: Vec<&str> =
        gates.iter().filter(|gate| gate.status == GateState::Running).map(|gate| gate.name.as_str()).collect();
    let waited = span::show(timeout.as_secs_f64());
    Failure::new(Exit::TimedOut, format!("not done after {waited}: {}", running.join(", ")))
}

fn print(context: &mut Context, snapshot: &Snapshot, gates: &[GateStatus], failure: Option<&Failure>) {
    if context.out.is_json() {
        let status = &snapshot.status;
        let mut document = json!({
            "schema_version": status.schema_version, "time": status.time, "service": status.service,
            "digest": status.digest, "gates": gates,
        });
        if let Some(failure) = failure {
            document["error"] = failure.json();
        }
        context.out.json(&document);
        return;
    }
    if gates.is_empty() {
        context.out.say("no gates are configured: nothing blocks but consent itself");
    }
    let style = context.out.style;
    for line in gates.iter().flat_map(|gate| status_text::gate(gate, style)) {
        context.out.line(&line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::args::Format;
    use crate::cli::testing::{Script, context, status};

    /// The states of a script come at once. Only a run that never ends reaches this limit.
    const LIMIT: Duration = Duration::from_millis(50);

    async fn run_with(after: GateState, names: &[&str]) -> (Result<Exit, Failure>, String) {
        let (mut context, seen) = context(Format::Json, None);
        let mut script = Script::new(status());
        let mut running = status();
        running.gates[0].status = GateState::Running;
        let mut ended = status();
        ended.gates[0].status = after;
        script.then(running).then(ended).answer(Reply::Done);
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let exit = carry_out(&mut script, &mut context, &names, LIMIT, false).await;
        (exit, seen.data())
    }

    #[tokio::test]
    async fn results_decide_the_exit_code() {
        for (state, exit) in [
            (GateState::Passed, Exit::Reached),
            (GateState::Overridden, Exit::Reached),
            (GateState::Failed, Exit::Blocked),
            (GateState::NotYet, Exit::Blocked),
            (GateState::Running, Exit::TimedOut),
        ] {
            let (result, data) = run_with(state, &[]).await;
            assert_eq!(result, Ok(exit), "{state:?}");
            let document: serde_json::Value = serde_json::from_str(&data).unwrap();
            assert_eq!(document["gates"][0]["name"], "golden");
            assert_eq!(document["error"]["exit_code"].as_u64(), (exit != Exit::Reached).then(|| exit.code().into()));
        }
    }

    #[tokio::test]
    async fn a_gate_nobody_configured_is_wrong_usage() {
        let (result, _) = run_with(GateState::Passed, &["golbin"]).await;
        let failure = result.unwrap_err();
        assert_eq!(failure.exit, Exit::Usage);
        assert!(failure.message.contains("golden"), "{failure}");
    }
}
