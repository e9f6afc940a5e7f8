//! `drill`: proves the way to the traffic system by an act without effect: the split that is there is ordered once more.
//!
//! The order carries the revision that was read, so it never takes the place of somebody else's change.

use std::time::Duration;

use serde_json::json;
use tokio::time::{Instant, timeout};

use super::Context;
use super::config_file::load;
use super::exit::Exit;
use super::failure::Failure;
use super::follow::exit_of;
use super::session::{Session, present, with_config};
use crate::backend::{BackendError, Driver, Observer};
use crate::config::Config;
use crate::domain::{Digest, Goal, Move, Observation, Order, OrderId, Pace, RollbackClass, Side};
use crate::engine::snapshot::SCHEMA_VERSION;
use crate::engine::{Access, Command};
use crate::runtime;

/// The pause between two readings after the order.
const AGAIN: Duration = Duration::from_millis(10);
/// How long the journal may take.
const RECORD: Duration = Duration::from_secs(5);

/// How long the order took.
struct Proof {
    seen: Observation,
    answered: Duration,
    read_back: Duration,
}

/// Orders the split that is there, reads it back, and writes down that the way back is proven.
pub(crate) async fn run(context: &mut Context) -> Result<Exit, Failure> {
    let config = load(context)?;
    with_config(context, &config, Access::Quick, async |session, context| {
        let status = present(session).await?.status.clone();
        if let Some(order) = status.last_order.as_ref().filter(|order| !order.state.is_settled()) {
            let text = format!("order {} is {}: a drill waits until it is settled", order.id, order.state.title());
            return Err(Failure::new(Exit::StateChanged, text));
        }
        let proof = prove(&config).await?;
        let (order_ms, back_ms) = (proof.answered.as_millis(), proof.read_back.as_millis());
        let text =
            format!("way back proven: order {order_ms} ms, read back {back_ms} ms, {} as before", proof.seen.split);
        // A drill that is not recorded is a drill all the same.
        let _ = session.ask(Command::Note { text: text.clone() }, None, None, RECORD).await;
        if context.out.is_json() {
            context.out.json(&json!({
                "schema_version": SCHEMA_VERSION, "command": "drill", "split": proof.seen.split,
                "order_ms": order_ms, "read_back_ms": back_ms,
            }));
        } else {
            context.out.line(&text);
        }
        Ok(Exit::Reached)
    })
    .await
}

async fn prove(config: &Config) -> Result<Proof, Failure> {
    let backend = runtime::connect(config);
    let pace = config.service.pace;
    let observer = backend.observer();
    let driver = backend.driver().map_err(|error| failed(&error))?;
    let before = read(&*observer, &pace).await?;
    refuse(&before)?;
    let order = Order {
        id: OrderId(Digest::of(["drill", &chrono::Utc::now().to_rfc3339()]).as_str().chars().take(8).collect()),
        kind: Move::Promote,
        from: Some(before.split),
        target: before.split,
        toward: before.split.majority().unwrap_or(Side::Blue),
        expected: Some(before.revision.clone()),
    };
    let began = Instant::now();
    send(&*driver, &order, &pace).await?;
    let answered = began.elapsed();
    let limit = Duration::from_millis(pace.settle_within_ms);
    loop {
        let seen = read(&*observer, &pace).await?;
        if Goal::of(&order).is_met(&seen) {
            return Ok(Proof { seen, answered, read_back: began.elapsed() });
        }
        if began.elapsed() > limit {
            let text = format!("accepted, and not read back within {} s: {}", limit.as_secs(), seen.split);
            return Err(Failure::new(Exit::TimedOut, text));
        }
        tokio::time::sleep(AGAIN).await;
    }
}

/// Refuses where the act would have an effect, or where the way back is known to be none.
fn refuse(seen: &Observation) -> Result<(), Failure> {
    let no = |text: String| Err(Failure::new(Exit::Blocked, text));
    if let Some(why) = seen.rollback.why_not.as_deref().or_else(|| seen.can.refusal(Move::Rollback)) {
        return no(format!("the way back is not ready: {why}"));
    }
    if seen.rollback.class == RollbackClass::None {
        return no("the traffic system has no way back".into());
    }
    if seen.controller.is_some() {
        return no("this traffic system acts by itself: an order would have an effect".into());
    }
    seen.mixed.as_ref().map_or(Ok(()), |mixed| no(format!("router is mixed: {mixed}")))
}

async fn read(observer: &dyn Observer, pace: &Pace) -> Result<Observation, Failure> {
    let limit = Duration::from_millis(pace.answer_within_ms);
    match timeout(limit, observer.observe()).await {
        Ok(Ok(seen)) => Ok(seen),
        Ok(Err(error)) => Err(Failure::new(Exit::Unreachable, format!("router: {}", error.when_reading()))),
        Err(_) => Err(Failure::new(Exit::Unreachable, format!("router: no answer within {} s", limit.as_secs()))),
    }
}

async fn send(driver: &dyn Driver, order: &Order, pace: &Pace) -> Result<(), Failure> {
    let limit = Duration::from_millis(pace.answer_within_ms);
    match timeout(limit, driver.apply(order)).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(failed(&error)),
        Err(_) => Err(Failure::new(Exit::TimedOut, format!("the order is not answered within {} s", limit.as_secs()))),
    }
}

fn failed(error: &BackendError) -> Failure {
    Failure::new(exit_of(Some(error.into())), format!("the way back is NOT proven: {error}"))
}
