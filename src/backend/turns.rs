//! Which order's turn it is, where the traffic system itself knows no orders: the same order sent twice is one act, and
//! an older one never comes after a newer.
//!
//! What was sent cannot be called back: a forward order that its caller gave up may lie in a socket, and be carried
//! out after the way back was. So it is followed to its end, and the way back is set once more when that has come.

use std::collections::VecDeque;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::RwLock;
use tokio::time::timeout;

use super::BackendError;
use crate::domain::{Order, OrderId};

/// How long the way back waits for a forward order that was sent before it.
const OVERTAKEN: Duration = Duration::from_millis(900);
/// So many orders are remembered: a retry comes within seconds.
const REMEMBERED: usize = 64;

/// The orders of this process.
#[derive(Debug, Default)]
pub(super) struct Turns {
    orders: Mutex<Orders>,
    /// Read by forward orders on their way, written by nobody: only waited for.
    forward: Arc<RwLock<()>>,
}

#[derive(Debug, Default)]
struct Orders {
    tried: VecDeque<OrderId>,
    done: VecDeque<OrderId>,
}

/// What is to be done about an order.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// It was carried out: the answer stands.
    Done,
    /// It is new.
    First,
    /// It is the newest there is and not known to be whole: set again, whatever the revision is by now.
    Again,
}

impl Turns {
    fn orders(&self) -> MutexGuard<'_, Orders> {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is to be done about `order`.
    ///
    /// # Errors
    /// [`BackendError::Conflict`] when a newer one came since.
    pub(super) fn begin(&self, order: &Order) -> Result<Turn, BackendError> {
        let mut orders = self.orders();
        let is_newest = orders.tried.back() == Some(&order.id);
        let is_done = orders.done.contains(&order.id);
        if !orders.tried.contains(&order.id) {
            push(&mut orders.tried, &order.id);
            return Ok(Turn::First);
        }
        match (is_newest, is_done, order.kind.is_forward()) {
            // Reason: a way back that a reload or restart undid meanwhile is gone again; its values are absolute and do no harm.
            (true, false, _) | (true, true, false) => Ok(Turn::Again),
            (_, true, _) => Ok(Turn::Done),
            (false, false, _) => Err(newer()),
        }
    }

    /// Whether no order came since.
    ///
    /// # Errors
    /// [`BackendError::Conflict`] when one did.
    pub(super) fn still(&self, order: &Order) -> Result<(), BackendError> {
        if self.orders().tried.back() == Some(&order.id) { Ok(()) } else { Err(newer()) }
    }

    /// Sends `order`, which is a forward one, and hears its answer even when nobody waits for it any more.
    ///
    /// # Errors
    /// Those of `act`; [`BackendError::Conflict`] when another order came before it was sent.
    pub(super) async fn followed<T: Send + 'static>(
        &self,
        order: &Order,
        act: impl Future<Output = Result<T, BackendError>> + Send + 'static,
    ) -> Result<T, BackendError> {
        let on_its_way = Arc::clone(&self.forward).read_owned().await;
        self.still(order)?;
        let task = tokio::spawn(async move {
            let answer = act.await;
            drop(on_its_way);
            answer
        });
        task.await.unwrap_or_else(|gone| Err(BackendError::Unknown(format!("the order was cut off: {gone}"))))
    }

    /// Whether a forward order is on its way. To be asked by the way back before it is sent: an answer that comes
    /// while that is under way does not say which of the two came last.
    pub(super) fn forward_is_on_its_way(&self) -> bool {
        self.forward.try_write().is_err()
    }

    /// Waits until no forward order is on its way, or for [`OVERTAKEN`].
    pub(super) async fn forward_ends(&self) {
        let _ = timeout(OVERTAKEN, self.forward.write()).await;
    }

    /// Nothing was sent of `order`: sent again, it is a first one.
    pub(super) fn forget(&self, order: &Order) {
        self.orders().tried.retain(|id| *id != order.id);
    }

    /// `order` was carried out.
    pub(super) fn done(&self, order: &Order) {
        let mut orders = self.orders();
        if !orders.done.contains(&order.id) {
            push(&mut orders.done, &order.id);
        }
    }
}

fn newer() -> BackendError {
    BackendError::Conflict("a newer order came since".into())
}

fn push(list: &mut VecDeque<OrderId>, id: &OrderId) {
    if list.len() == REMEMBERED {
        list.pop_front();
    }
    list.push_back(id.clone());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Move, Side, Split};

    fn order(id: &str, kind: Move) -> Order {
        let toward = if kind.is_forward() { Side::Green } else { Side::Blue };
        Order { id: OrderId(id.into()), kind, from: None, target: Split::all(toward), toward, expected: None }
    }

    #[test]
    fn an_order_is_one_act_and_none_comes_after_a_newer() {
        let turns = Turns::default();
        let (on, back) = (order("on", Move::Switch), order("back", Move::Rollback));
        assert_eq!(turns.begin(&on), Ok(Turn::First));
        assert_eq!(turns.begin(&on), Ok(Turn::Again), "it is not known to be whole");
        turns.done(&on);
        assert_eq!(turns.begin(&on), Ok(Turn::Done));
        assert_eq!(turns.begin(&back), Ok(Turn::First));
        assert!(turns.still(&on).is_err() && turns.still(&back).is_ok());
        turns.done(&back);
        assert_eq!(turns.begin(&back), Ok(Turn::Again), "a way back is set again");
        assert_eq!(turns.begin(&on), Ok(Turn::Done), "what was answered stands, and is not carried out again");
    }

    #[tokio::test]
    async fn what_was_sent_is_followed_when_nobody_waits_any_more() {
        let turns = Turns::default();
        let (on, back) = (order("on", Move::Switch), order("back", Move::Rollback));
        let (answer, answered) = tokio::sync::oneshot::channel::<()>();
        assert_eq!(turns.begin(&on), Ok(Turn::First));
        let act = async move { answered.await.map_err(|gone| BackendError::Unknown(gone.to_string())) };
        assert!(!turns.forward_is_on_its_way());
        tokio::select! {
            biased;
            result = turns.followed(&on, act) => panic!("{result:?}"),
            () = std::future::ready(()) => {}
        }
        assert_eq!(turns.begin(&back), Ok(Turn::First));
        assert!(turns.forward_is_on_its_way());
        answer.send(()).unwrap();
        turns.forward_ends().await;
        assert!(!turns.forward_is_on_its_way());
        let late = turns.followed(&on, async { Ok(()) }).await;
        assert!(matches!(late, Err(BackendError::Conflict(_))), "another came before it was sent: {late:?}");
    }

    #[test]
    fn what_was_not_sent_is_checked_again_and_what_is_late_is_refused() {
        let turns = Turns::default();
        let (on, back) = (order("on", Move::Switch), order("back", Move::Rollback));
        assert_eq!(turns.begin(&on), Ok(Turn::First));
        turns.forget(&on);
        assert_eq!(turns.begin(&on), Ok(Turn::First));
        assert_eq!(turns.begin(&back), Ok(Turn::First));
        assert!(matches!(turns.begin(&on), Err(BackendError::Conflict(_))));
    }
}
