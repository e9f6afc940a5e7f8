//! Follows an order until its effect was read back from the traffic system, or the time limit has passed.

use std::sync::Arc;
use std::time::Duration;

use super::exit::Exit;
use super::failure::Failure;
use super::session::{Session, when_or_now};
use super::span;
use crate::domain::{Controller, Move, OrderFault, OrderId, OrderState};
use crate::engine::snapshot::OrderStatus;
use crate::engine::{Command, Phase, Snapshot, Status, words};

/// How long a router that is set directly may take to show an order, in seconds, before anything is said of it.
const PATIENCE_S: f64 = 1.0;

/// The end of an order, with the last state.
pub(crate) struct Followed {
    /// The result.
    pub result: Result<String, Failure>,
    /// The last state.
    pub snapshot: Arc<Snapshot>,
}

/// Waits until the order `id`, made for `command`, is settled or replaced. Of two rollbacks the later one counts for both.
/// Gives `tell` the reason why it is not settled yet, each time it is another one.
pub(crate) async fn order(
    session: &mut impl Session,
    command: &Command,
    id: &OrderId,
    timeout: Duration,
    mut tell: impl FnMut(&str),
) -> Result<Followed, Failure> {
    // The snapshot may be older than the reply. Until the order appears in it, another order is an older one.
    let mut seen = false;
    let mut told = None;
    let settled = |snapshot: &Snapshot| match &snapshot.status.last_order {
        Some(order) if order.id == *id => {
            seen = true;
            let why = not_settled(&snapshot.status, order);
            if let Some(why) = why.filter(|why| told.as_ref() != Some(why)) {
                tell(&format!("{} {id} {}: {why}", order.command, order.state.title()));
                told = Some(why);
            }
            order.state.is_settled()
        }
        // If another order from the same moment fails, this one still counts.
        Some(order) => seen && order.state.is_settled(),
        None => seen,
    };
    let snapshot = when_or_now(session, settled, timeout).await?;
    let last = snapshot.status.last_order.as_ref();
    let same = last.filter(|last| seen && *command == Command::Rollback && last.command == Move::Rollback);
    let id = same.map_or(id, |last| &last.id);
    let result = if seen || is_last(&snapshot.status, id) {
        outcome(&snapshot.status, id, timeout)
    } else {
        Err(late(id, "not seen yet", timeout))
    };
    Ok(Followed { result, snapshot })
}

/// Why `order` is not settled yet, as far as anything says: what the traffic system answered or does, or what makes the
/// way back not ready. A direct router needs a moment before it can have shown the order.
fn not_settled(status: &Status, order: &OrderStatus) -> Option<String> {
    if order.state.is_settled() {
        return None;
    }
    let answered = order.detail.clone().filter(|_| order.fault.is_some());
    // Without its countdown: each line is said once.
    let still = |it: &Controller| words::controller(&Controller { next_change: None, ..it.clone() }, status.time);
    let at_work = || status.controller.as_ref().map(still);
    let not_ready = || {
        let is_back = order.command.is_back() && order.took_s >= PATIENCE_S;
        status.rollback.because.clone().filter(|_| is_back)
    };
    answered.or_else(at_work).or_else(not_ready)
}

fn is_last(status: &Status, id: &OrderId) -> bool {
    status.last_order.as_ref().is_some_and(|order| order.id == *id)
}

fn outcome(status: &Status, id: &OrderId, timeout: Duration) -> Result<String, Failure> {
    let Some(order) = status.last_order.as_ref() else {
        return Err(late(id, "not seen yet", timeout));
    };
    if order.id != *id {
        return Err(superseded(status, id));
    }
    let verb = order.command;
    match order.state {
        OrderState::Verified => {
            Ok(format!("{verb} {id} VERIFIED after {}: {}", span::show(order.took_s), order.target))
        }
        OrderState::Failed => {
            let detail = order.detail.as_deref().unwrap_or("the traffic system did not say why");
            Err(Failure::new(exit_of(order.fault), format!("{verb} {id} FAILED: {detail}")))
        }
        // A rollback is retried. While it is only sent, the result of each try is known.
        OrderState::Sent if order.fault.is_some() => {
            let detail = order.detail.as_deref().unwrap_or_default();
            let waited = span::show(timeout.as_secs_f64());
            let message = format!("{verb} {id} was not carried out within {waited}: {detail}; run it again");
            Err(Failure::new(exit_of(order.fault), message))
        }
        state => {
            // What makes the way back not ready is the likely reason.
            let why = status.rollback.because.as_ref().filter(|_| verb.is_back());
            let state = why.map_or_else(|| state.title().to_owned(), |why| format!("{} ({why})", state.title()));
            Err(late(id, &state, timeout))
        }
    }
}

fn late(id: &OrderId, state: &str, timeout: Duration) -> Failure {
    let waited = span::show(timeout.as_secs_f64());
    let message = format!(
        "order {id} is {state} after {waited}: it may still take effect; \
         see `cutover status`, go on waiting with `cutover wait --for verified`"
    );
    Failure::new(Exit::TimedOut, message)
}

fn superseded(status: &Status, id: &OrderId) -> Failure {
    let by = status.last_order.as_ref().map_or("another", |order| order.command.verb());
    let is_back = status.last_order.as_ref().is_some_and(|order| order.command == Move::Rollback);
    let exit = match status.phase {
        Phase::RolledBack => Exit::RolledBack,
        Phase::Aborted => Exit::RolloutFailed,
        _ if is_back => Exit::RolledBack,
        _ => Exit::StateChanged,
    };
    Failure::new(exit, format!("order {id} was overtaken by {by}; now {}", status.phase.title()))
}

/// The exit code for an order that was not carried out.
pub(super) const fn exit_of(fault: Option<OrderFault>) -> Exit {
    match fault {
        Some(OrderFault::Unreachable) => Exit::Unreachable,
        Some(OrderFault::Conflict) => Exit::StateChanged,
        Some(OrderFault::Denied) => Exit::ReadOnly,
        _ => Exit::Error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::testing::{order as an_order, status};

    #[test]
    fn each_end_has_its_exit_code() {
        let me = OrderId("7f3e".into());
        let mut status = status();
        let second = Duration::from_secs(1);
        let mut exit = |id: &str, state, fault: Option<OrderFault>, phase| {
            let mut order = an_order(id, state);
            (order.fault, order.detail) = (fault, fault.map(|_| "x".to_owned()));
            status.last_order = Some(order);
            status.phase = phase;
            outcome(&status, &me, second).map_or_else(|failure| failure.exit, |_| Exit::Reached)
        };
        let verified = exit("7f3e", OrderState::Verified, None, Phase::Shifting);
        assert_eq!(verified, Exit::Reached);
        for state in [OrderState::Sent, OrderState::Accepted, OrderState::Unknown] {
            assert_eq!(exit("7f3e", state, None, Phase::Shifting), Exit::TimedOut, "{state:?}");
        }
        for (fault, code) in [
            (OrderFault::Unreachable, Exit::Unreachable),
            (OrderFault::Conflict, Exit::StateChanged),
            (OrderFault::Denied, Exit::ReadOnly),
            (OrderFault::Refused, Exit::Error),
            (OrderFault::NotSeen, Exit::Error),
        ] {
            for state in [OrderState::Failed, OrderState::Sent] {
                assert_eq!(exit("7f3e", state, Some(fault), Phase::Shifting), code, "{state:?} {fault:?}");
            }
        }
        assert_eq!(exit("other", OrderState::Sent, None, Phase::RolledBack), Exit::RolledBack);
        assert_eq!(exit("other", OrderState::Sent, None, Phase::Aborted), Exit::RolloutFailed);
        assert_eq!(exit("other", OrderState::Sent, None, Phase::Shifting), Exit::StateChanged);
    }
}
