//! The verbs that change something: ask, confirm, send, and follow until the effect is verified.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::args::{ActArgs, ConsentArgs, SignArgs, Verb};
use super::exit::Exit;
use super::failure::Failure;
use super::input::Input;
use super::session::{
    Session, TimedOut, bake_left, has_baked, is_settled, present, settled, when_or_now, with_session,
};
use super::{Context, confirm, follow, span};
use crate::engine::snapshot::{FaultKind, SCHEMA_VERSION};
use crate::engine::{Access, Command, MIN_REASON, Phase, Reply, Snapshot, Status};

/// How long a forward command waits for fresh data. After that the engine decides with the data it has.
const PATIENCE: Duration = Duration::from_secs(5);

/// A verb that changes something, as typed.
#[derive(Debug, Clone)]
pub(crate) struct Act {
    /// The command.
    pub command: Command,
    /// Its options.
    pub args: ActArgs,
    /// The state digest to which the consent is bound.
    pub expect: Option<String>,
    /// Promote until this step is reached.
    pub to_step: Option<usize>,
    /// A rollback onto a side where nothing answers ends with exit code 0.
    pub even_if_down: bool,
}

impl Act {
    /// The act for `verb`; `None` if it changes nothing.
    pub(crate) fn from_verb(verb: Verb) -> Option<Self> {
        let plain = |command, args| Self { command, args, expect: None, to_step: None, even_if_down: false };
        let bound = |command, with: ConsentArgs| Self { expect: with.expect.expect, ..plain(command, with.act) };
        let reason = |sign: &SignArgs| sign.consent.act.reason.clone().unwrap_or_default();
        Some(match verb {
            Verb::Promote { consent, to_step } => {
                Self { to_step: to_step.map(usize::from), ..bound(Command::Promote, consent) }
            }
            Verb::Switch(consent) => bound(Command::Switch, consent),
            Verb::Abort(consent) => bound(Command::Abort, consent),
            Verb::Rollback(back) => Self { even_if_down: back.even_if_down, ..plain(Command::Rollback, back.act) },
            Verb::Pause(act) => plain(Command::Pause, act),
            Verb::Resume(consent) => bound(Command::Resume, consent),
            Verb::Retry(consent) => bound(Command::Retry, consent),
            Verb::Finalize(consent) => bound(Command::Finalize, consent),
            Verb::Override(sign) => bound(Command::Override { reason: reason(&sign), gate: sign.gate }, sign.consent),
            Verb::Approve(sign) => bound(Command::Approve { reason: reason(&sign), gate: sign.gate }, sign.consent),
            Verb::Note { text } => {
                let args = ActArgs { yes: true, timeout: Duration::from_secs(30), ..ActArgs::default() };
                plain(Command::Note { text }, args)
            }
            _ => return None,
        })
    }

    /// Refuses what can be refused without reading any state.
    fn precheck(&self, has_terminal: bool) -> Result<(), Failure> {
        let verb = self.command.verb();
        if self.command.reason().is_some_and(|reason| reason.trim().chars().count() < MIN_REASON) {
            let needs = format!("{verb} needs --reason with at least {MIN_REASON} characters, for the journal");
            return Err(Failure::usage(needs));
        }
        if !self.args.yes && !self.args.dry_run && !has_terminal {
            return Err(Failure::usage(format!(
                "{verb} needs --yes: there is no terminal on standard input to ask on; nothing was sent"
            )));
        }
        Ok(())
    }

    fn access(&self) -> Access {
        match self.command {
            _ if self.args.dry_run => Access::Look,
            Command::Rollback => Access::Back,
            Command::Pause | Command::Note { .. } => Access::Quick,
            _ => Access::Drive,
        }
    }
}

/// The result of an act, for the document it prints.
struct Outcome {
    reply: Option<Reply>,
    snapshot: Arc<Snapshot>,
    result: Result<String, Failure>,
}

/// Runs an act from the first check to the exit code.
pub(crate) async fn run(context: &mut Context, act: Act) -> Result<Exit, Failure> {
    act.precheck(context.input.is_terminal())?;
    with_session(context, act.access(), async |session, context| carry_out(session, context, &act).await).await
}

/// Runs an act on an open session.
pub(crate) async fn carry_out(session: &mut impl Session, context: &mut Context, act: &Act) -> Result<Exit, Failure> {
    if act.access().probes() {
        settled(session, PATIENCE.min(act.args.timeout)).await?;
    }
    if act.args.dry_run {
        return dry_run(session, context, act).await;
    }
    if let Some(outcome) = reached_already(session, act).await? {
        return Ok(print_outcome(context, act, &outcome));
    }
    let expect = if act.args.yes {
        act.expect.clone()
    } else {
        let shown = confirm::ask(session, context, &act.command).await?;
        act.expect.clone().or(shown)
    };
    let outcome = match act.to_step {
        Some(goal) => walk(session, context, act, goal, expect).await?,
        None => send(session, context, act, expect).await?,
    };
    let outcome = if act.command == Command::Rollback { judged(context, act, outcome) } else { outcome };
    let exit = print_outcome(context, act, &outcome);
    if act.command == Command::Rollback && exit == Exit::Reached {
        ask_why(session, context, act).await;
    }
    Ok(exit)
}

/// Corrects the outcome of a rollback without a journal: it warns that the rollback is not recorded, and it does not
/// accept "nothing to do", since nobody can know which side is the previous one.
fn judged(context: &mut Context, act: &Act, outcome: Outcome) -> Outcome {
    let outcome = onto_nobody(act, outcome);
    let status = &outcome.snapshot.status;
    let fault = status.fault(FaultKind::Journal);
    if let Some(fault) = fault {
        context.out.message(&format!("cutover: NOT RECORDED: {fault}"));
    }
    let is_known = !context.blind && (fault.is_none() || status.last_order.is_some());
    if is_known || !matches!(outcome.reply, Some(Reply::AlreadySo { .. })) {
        return outcome;
    }
    let to = status.rollback.to;
    let text = format!(
        "nothing was sent: {to} takes all traffic, and without the journal nobody can tell whether {} is the way back; \
         if it is, set the split at the traffic system itself",
        to.other()
    );
    Outcome { result: Err(Failure::error(text)), ..outcome }
}

/// A rollback onto a side where nothing answers did what was asked, and users get errors: the exit code says so.
fn onto_nobody(act: &Act, outcome: Outcome) -> Outcome {
    let status = &outcome.snapshot.status;
    let (way, side) = (&status.rollback, &status.sides[status.rollback.to]);
    let is_down = side.ready == Some(0) || side.at_router.is_some_and(|used| used.ready == 0);
    match (&outcome.result, &outcome.reply) {
        (Ok(done), Some(Reply::Ordered { .. })) if is_down && !act.even_if_down => {
            let why = way.because.as_deref().unwrap_or("nothing answers there");
            let text = format!("{done}; but users get errors on {}: {why}", way.to);
            Outcome { result: Err(Failure::new(Exit::RolloutFailed, text)), ..outcome }
        }
        _ => outcome,
    }
}

/// Sends once and follows the result.
async fn send(
    session: &mut impl Session,
    context: &mut Context,
    act: &Act,
    expect: Option<String>,
) -> Result<Outcome, Failure> {
    let verb = act.command.verb();
    let timeout = act.args.timeout;
    let reply =
        session.ask(act.command.clone(), expect, act.args.reason.clone(), timeout).await.map_err(|TimedOut| {
            let waited = span::show(timeout.as_secs_f64());
            Failure::new(Exit::TimedOut, format!("{verb}: no answer within {waited}; see `cutover status`"))
        })?;
    let (result, snapshot) = match &reply {
        Reply::Refused(refusal) => (Err(Failure::from(refusal)), present(session).await?),
        Reply::AlreadySo { text } => (Ok(text.clone()), present(session).await?),
        Reply::Done => (Ok(format!("{verb} done")), present(session).await?),
        Reply::Ordered { id } if act.args.no_wait => {
            (Ok(format!("{verb} {id} SENT; follow it with `cutover wait --for verified`")), present(session).await?)
        }
        Reply::Ordered { id } => {
            context.out.say(&format!("{verb} {id} SENT"));
            let out = &mut context.out;
            let followed = follow::order(session, &act.command, id, timeout, |why| out.say(why)).await?;
            (followed.result, followed.snapshot)
        }
    };
    Ok(Outcome { reply: Some(reply), snapshot, result })
}

/// The result if the plan is already at the requested step or beyond it: a further step would be too much.
async fn reached_already(session: &mut impl Session, act: &Act) -> Result<Option<Outcome>, Failure> {
    let Some(goal) = act.to_step else { return Ok(None) };
    let snapshot = present(session).await?;
    let step = &snapshot.status.step;
    // After the last step the engine decides: its rollout may be a different one.
    if step.index < goal || step.next.is_none() || !is_settled(&snapshot.status) {
        return Ok(None);
    }
    let text = format!("step {} of {} is reached already", step.index, step.of);
    Ok(Some(Outcome { reply: None, snapshot, result: Ok(text) }))
}

/// Promotes until `goal` steps are reached. Before each step it waits for the previous bake, also for one that is
/// already running.
async fn walk(
    session: &mut impl Session,
    context: &mut Context,
    act: &Act,
    goal: usize,
    expect: Option<String>,
) -> Result<Outcome, Failure> {
    let before = present(session).await?;
    // The engine decides about a rollout that has ended: it knows the remedy.
    if !has_baked(&before.status)
        && has_ended(&before.status).is_none()
        && let Some((snapshot, failure)) = bake(session, context, act, &before.status).await?
    {
        return Ok(Outcome { reply: None, snapshot, result: Err(failure) });
    }
    let mut outcome = send(session, context, act, expect).await?;
    loop {
        let status = &outcome.snapshot.status;
        let is_under_way = act.args.no_wait && matches!(outcome.reply, Some(Reply::Ordered { .. }));
        if outcome.result.is_err() || status.step.index >= goal || status.step.next.is_none() || is_under_way {
            return Ok(outcome);
        }
        if let Some((snapshot, failure)) = bake(session, context, act, status).await? {
            return Ok(Outcome { reply: outcome.reply, snapshot, result: Err(failure) });
        }
        outcome = send(session, context, act, None).await?;
    }
}

/// Waits until the step in `status` has baked. If the plan stops meanwhile, returns the last snapshot and the reason.
async fn bake(
    session: &mut impl Session,
    context: &mut Context,
    act: &Act,
    status: &Status,
) -> Result<Option<(Arc<Snapshot>, Failure)>, Failure> {
    let (step, left) = (&status.step, Duration::from_secs_f64(bake_left(status)));
    if !left.is_zero() {
        context.out.say(&format!("step {} of {} bakes {}", step.index, step.of, span::show(left.as_secs_f64())));
    } else if let Some(why) = &step.waits {
        context.out.say(&format!("step {} of {} waits: {why}", step.index, step.of));
    }
    let is_over = |snapshot: &Snapshot| {
        let status = &snapshot.status;
        has_ended(status).is_some() || (is_settled(status) && has_baked(status))
    };
    let now = when_or_now(session, is_over, left + act.args.timeout).await?;
    Ok(has_ended(&now.status).map(|failure| (now, failure)))
}

/// Why a walk through the plan cannot continue.
fn has_ended(status: &Status) -> Option<Failure> {
    let exit = match status.phase {
        Phase::Paused => Exit::Paused,
        Phase::RolledBack => Exit::RolledBack,
        Phase::Aborted => Exit::RolloutFailed,
        _ => return None,
    };
    let why = status.faults.first().map(|fault| format!(": {fault}")).unwrap_or_default();
    Some(Failure::new(exit, format!("the plan stopped at step {}: {}{why}", status.step.index, status.phase.title())))
}

/// Prints the document or the line.
fn print_outcome(context: &mut Context, act: &Act, outcome: &Outcome) -> Exit {
    if context.out.is_json() {
        let mut document = document(act, &outcome.snapshot.status);
        document["reply"] = serde_json::to_value(&outcome.reply).unwrap_or(Value::Null);
        if let Err(failure) = &outcome.result {
            document["error"] = failure.json();
        }
        context.out.json(&document);
    }
    match &outcome.result {
        Ok(text) => {
            if !context.out.is_json() {
                context.out.line(text);
            }
            Exit::Reached
        }
        Err(failure) => {
            context.out.failure_text(failure);
            failure.exit
        }
    }
}

fn document(act: &Act, status: &Status) -> Value {
    json!({"schema_version": SCHEMA_VERSION, "command": act.command.verb(), "reply": null, "status": status})
}

/// Prints what would be sent.
async fn dry_run(session: &mut impl Session, context: &mut Context, act: &Act) -> Result<Exit, Failure> {
    let snapshot = present(session).await?;
    let request = session.preview(&act.command);
    let blockers = confirm::blockers(&act.command, &snapshot.status);
    if context.out.is_json() {
        let mut document = document(act, &snapshot.status);
        document["dry_run"] = json!(true);
        document["request"] = json!(request);
        context.out.json(&document);
    } else {
        for line in confirm::effect(&act.command, &snapshot.status).iter().chain(&blockers) {
            context.out.say(line);
        }
        if request.is_empty() {
            context.out.say(&format!("{} sends nothing to the traffic system", act.command.verb()));
        }
        for line in request {
            context.out.line(&line);
        }
    }
    Ok(Exit::Reached)
}

/// After a rollback, asks a person for the reason and records it. It is asked afterwards so that it does not delay
/// the rollback.
async fn ask_why(session: &mut impl Session, context: &mut Context, act: &Act) {
    if !context.input.is_terminal() || act.args.yes || act.args.reason.is_some() {
        return;
    }
    context.out.question("why? for the journal (Enter = no reason): ");
    if let Some(text) = context.input.line(Duration::from_secs(60)).await.filter(|text| !text.is_empty()) {
        match session.ask(Command::Note { text }, None, None, Duration::from_secs(5)).await {
            Ok(Reply::Done | Reply::AlreadySo { .. }) => context.out.say("noted"),
            Ok(Reply::Refused(refusal)) => context.out.say(&format!("not noted: {}", refusal.text)),
            Ok(Reply::Ordered { .. }) | Err(TimedOut) => context.out.say("not noted: the journal did not answer"),
        }
    }
}

#[cfg(test)]
#[path = "act_tests.rs"]
mod tests;
