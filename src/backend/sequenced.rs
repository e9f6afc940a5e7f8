//! The sequence of orders, for every kind of traffic system: the same id acts once, an older order never takes effect
//! after a newer one, a rollback overtakes, and an order that was sent is followed to its end.
//!
//! What was sent cannot be taken back: a forward order whose caller gave up may wait in a socket and be carried out
//! after a rollback. So every sent order runs to its end, and a rollback is sent again when an order that it overtook
//! has ended.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::timeout;

use super::{
    Accepted, BackendError, BackendFuture, Capabilities, Driver, Observer, TrafficBackend, TrafficSystem, Weights,
};
use crate::domain::{Order, OrderId, Split};

/// How long an order waits for the orders sent before it: a rollback before it returns, a forward order before it is
/// checked.
const PATIENCE: Duration = Duration::from_millis(900);
/// The number of orders that are remembered. A retry comes within seconds.
const REMEMBERED: usize = 64;

type Outcome = Result<Accepted, BackendError>;
type Ending = watch::Receiver<Option<Outcome>>;

/// Makes `system` a backend that keeps orders in sequence.
pub fn sequenced(name: &'static str, system: impl TrafficSystem) -> Arc<dyn TrafficBackend> {
    Arc::new(Sequenced { name, system: Arc::new(system), entries: Arc::default() })
}

#[derive(Clone)]
struct Sequenced {
    name: &'static str,
    system: Arc<dyn TrafficSystem>,
    /// The orders, newest last.
    entries: Arc<Mutex<VecDeque<Entry>>>,
}

/// One order.
struct Entry {
    id: OrderId,
    target: Split,
    /// Whether it may take effect. An order that is still being checked is not sent.
    is_sent: bool,
    /// Its result. The channel closes when no part of the order is in progress any more.
    ending: Ending,
    /// Each waiting caller holds a clone.
    callers: Arc<()>,
    task: AbortHandle,
}

impl Entry {
    fn is_under_way(&self) -> bool {
        self.ending.has_changed().is_ok()
    }
}

/// The state of an order when it is requested.
enum Requested {
    /// It has ended, with this result.
    Ended(Outcome),
    /// It is in progress.
    UnderWay(Ending, Arc<()>),
}

impl TrafficBackend for Sequenced {
    fn name(&self) -> &'static str {
        self.name
    }

    fn capabilities(&self) -> Capabilities {
        self.system.capabilities()
    }

    fn observer(&self) -> Arc<dyn Observer> {
        Arc::clone(&self.system) as Arc<dyn Observer>
    }

    fn driver(&self) -> Result<Arc<dyn Driver>, BackendError> {
        Ok(Arc::new(self.clone()))
    }
}

impl Driver for Sequenced {
    fn apply<'a>(&'a self, order: &'a Order) -> BackendFuture<'a, Accepted> {
        Box::pin(async {
            let can = self.capabilities();
            // A rollback to a share that is not listed is possible: the list only says which forward steps are worth
            // a reload.
            if (order.kind.is_forward() || can.weights == Weights::AllOrNothing)
                && let Some(why) = can.refuses(order.target)
            {
                return Err(BackendError::Refused(why));
            }
            match self.ask(order) {
                Requested::Ended(outcome) => outcome,
                Requested::UnderWay(mut ending, _waiting) => match ending.wait_for(Option::is_some).await.as_deref() {
                    Ok(Some(outcome)) => outcome.clone(),
                    _ => Err(BackendError::Unknown("a later order ended this one".into())),
                },
            }
        })
    }
}

impl Sequenced {
    fn entries(&self) -> MutexGuard<'_, VecDeque<Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts `order`, unless it has ended or is in progress.
    fn ask(&self, order: &Order) -> Requested {
        let mut entries = self.entries();
        let mut again = false;
        let earlier: Vec<Ending> = entries
            .iter()
            .filter(|entry| entry.is_sent && entry.is_under_way())
            .map(|entry| entry.ending.clone())
            .collect();
        if let Some(at) = entries.iter().position(|entry| entry.id == order.id) {
            if entries[at].target != order.target {
                return Requested::Ended(Err(BackendError::Refused("the id belongs to another order".into())));
            }
            let (entry, is_newest) = (&entries[at], is_newest(&entries, at));
            let outcome = entry.ending.borrow().clone();
            again = match outcome {
                None if entry.is_under_way() => {
                    return Requested::UnderWay(entry.ending.clone(), Arc::clone(&entry.callers));
                }
                // A reload or a restart may have undone a rollback since. Its values are absolute, so it is sent
                // again.
                Some(Ok(_)) if is_newest && !order.kind.is_forward() => true,
                Some(Ok(accepted)) => return Requested::Ended(Ok(accepted)),
                Some(Err(error)) if is_newest => error.may_have_happened(),
                Some(Err(_)) | None => return Requested::Ended(Err(newer())),
            };
            entries.remove(at);
        }
        if self.system.ends_when_dropped() {
            entries.iter().filter(|entry| entry.is_under_way()).for_each(|entry| entry.task.abort());
        }
        let (tell, ending) = watch::channel(None);
        let callers = Arc::new(());
        let (me, it, waiting) = (self.clone(), order.clone(), Arc::downgrade(&callers));
        let task = tokio::spawn(async move {
            if it.kind.is_forward() {
                let outcome = me.forward(&it, again, earlier, || waiting.strong_count() > 1).await;
                tell.send_replace(Some(outcome));
            } else {
                me.back(&it, again, earlier, &tell).await;
            }
        });
        if entries.len() == REMEMBERED {
            entries.pop_front();
        }
        let (id, is_sent, task) = (order.id.clone(), !order.kind.is_forward(), task.abort_handle());
        entries.push_back(Entry {
            id,
            target: order.target,
            is_sent,
            ending: ending.clone(),
            callers: Arc::clone(&callers),
            task,
        });
        Requested::UnderWay(ending, callers)
    }

    /// Checks a forward order, and sends it if no newer order came and a caller still waits.
    async fn forward(
        &self,
        order: &Order,
        again: bool,
        earlier: Vec<Ending>,
        is_awaited: impl Fn() -> bool,
    ) -> Outcome {
        if timeout(PATIENCE, all_end(earlier)).await.is_err() {
            return Err(BackendError::Conflict("an earlier order is still under way".into()));
        }
        let sending = self.system.prepare(order, again).await?;
        {
            let mut entries = self.entries();
            let Some(entry) = entries.back_mut().filter(|entry| entry.id == order.id) else { return Err(newer()) };
            if !is_awaited() {
                return Err(BackendError::Unreachable("nobody waited for it any more, and it was not sent".into()));
            }
            entry.is_sent = true;
        }
        sending.await
    }

    /// Sends a rollback at once, and again when the orders that it overtook have ended.
    async fn back(&self, order: &Order, again: bool, earlier: Vec<Ending>, tell: &watch::Sender<Option<Outcome>>) {
        if self.system.ends_when_dropped() {
            // These were ended and release at once.
            all_end(earlier).await;
            tell.send_replace(Some(self.send(order, again).await));
            return;
        }
        let first = self.send(order, again).await;
        let overtook = !earlier.is_empty() && first.as_ref().map_or_else(BackendError::may_have_happened, |_| true);
        if !overtook {
            tell.send_replace(Some(first));
            return;
        }
        let ends = all_end(earlier);
        tokio::pin!(ends);
        if timeout(PATIENCE, &mut ends).await.is_err() {
            tell.send_replace(Some(first.clone()));
            ends.await;
        }
        let is_last = {
            let entries = self.entries();
            entries.iter().position(|entry| entry.id == order.id).is_some_and(|at| is_newest(&entries, at))
        };
        let last = if is_last { self.send(order, false).await } else { first };
        tell.send_if_modified(|told| told.is_none().then(|| *told = Some(last)).is_some());
    }

    async fn send(&self, order: &Order, again: bool) -> Outcome {
        self.system.prepare(order, again).await?.await
    }
}

/// Whether no later order was sent.
fn is_newest(entries: &VecDeque<Entry>, at: usize) -> bool {
    entries.iter().skip(at + 1).all(|entry| !entry.is_sent)
}

fn newer() -> BackendError {
    BackendError::Conflict("a newer order came since".into())
}

/// Waits until no part of these orders is in progress.
async fn all_end(orders: Vec<Ending>) {
    for mut order in orders {
        // A change is a result; the error means the end.
        while order.changed().await.is_ok() {}
    }
}

#[cfg(test)]
mod tests;
