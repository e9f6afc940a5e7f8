//! Orders: checked against every process, sent to all at once, answered.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::fleet::{self, Fleet, Outcome};
use super::reading::Reading;
use super::{rds, runtime};
use crate::backend::BackendError;
use crate::backend::exchange::Failure;
use crate::backend::haproxy::save;
use crate::domain::router::envoy::EnvoyWay;
use crate::domain::{Order, OrderId};

/// How long a process may take to be read. Look and order together stay below the 3 s that an order is given.
pub(super) const LOOK: Duration = Duration::from_millis(1200);
/// How long a process may take to carry an order out.
const ACT: Duration = Duration::from_millis(1200);

/// So many orders are remembered: a retry comes within seconds.
const REMEMBERED: usize = 64;

/// The orders of this process.
#[derive(Debug, Default)]
pub(super) struct Memory {
    inner: Mutex<Orders>,
    /// Held by the thread that writes the file of routes.
    writing: Arc<tokio::sync::Mutex<()>>,
}

#[derive(Debug, Default)]
struct Orders {
    tried: VecDeque<OrderId>,
    done: VecDeque<OrderId>,
}

/// What is to be done about an order.
enum Turn {
    /// It was carried out: the answer stands.
    Done,
    /// It is new.
    First,
    /// It is the newest there is and not known to be whole: set again, whatever the revision is by now.
    Again,
    /// A newer one came since.
    Late,
}

impl Memory {
    fn orders(&self) -> std::sync::MutexGuard<'_, Orders> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(&self, order: &Order) -> Turn {
        let mut orders = self.orders();
        let is_newest = orders.tried.back() == Some(&order.id);
        let is_done = orders.done.contains(&order.id);
        if orders.tried.contains(&order.id) {
            return match (is_newest, is_done, order.kind.is_forward()) {
                // Reason: a way back that a restart undid meanwhile is gone again; its value is absolute and does no harm.
                (true, false, _) | (true, true, false) => Turn::Again,
                (_, true, _) => Turn::Done,
                (false, false, _) => Turn::Late,
            };
        }
        push(&mut orders.tried, &order.id);
        Turn::First
    }

    fn is_newest(&self, order: &Order) -> bool {
        self.orders().tried.back() == Some(&order.id)
    }

    fn forget(&self, order: &Order) {
        self.orders().tried.retain(|id| *id != order.id);
    }

    fn done(&self, order: &Order) {
        let mut orders = self.orders();
        if !orders.done.contains(&order.id) {
            push(&mut orders.done, &order.id);
        }
    }
}

fn push(list: &mut VecDeque<OrderId>, id: &OrderId) {
    if list.len() == REMEMBERED {
        list.pop_front();
    }
    list.push_back(id.clone());
}

/// Carries `order` out in every process.
pub(super) async fn carry_out(fleet: &Fleet, memory: &Memory, order: &Order) -> Result<(), BackendError> {
    let newer = || BackendError::Conflict("a newer order came since".into());
    let turn = memory.begin(order);
    match turn {
        Turn::Done => return Ok(()),
        Turn::Late => return Err(newer()),
        Turn::First | Turn::Again => {}
    }
    if matches!(turn, Turn::First) && order.kind.is_forward() {
        if let Err(error) = may_go_forward(fleet, order).await {
            // Nothing was sent: the same order is a first one again.
            memory.forget(order);
            return Err(error);
        }
        // Reason: while the processes were read, somebody may have asked for the way back.
        if !memory.is_newest(order) {
            return Err(newer());
        }
    }
    match &fleet.spec().way {
        EnvoyWay::Runtime { key } => judged(order, &fleet.post(&runtime::setting(key, order), ACT).await?)?,
        EnvoyWay::Routes { file, template } => {
            // Reason: a write that its caller no longer waits for is over before the next one begins.
            let writing = Arc::clone(&memory.writing).lock_owned().await;
            if !memory.is_newest(order) {
                return Err(newer());
            }
            let (file, template, order) = (file.clone(), template.clone(), order.clone());
            let spec = fleet.spec().clone();
            let write = move || {
                let _held = writing;
                let text = rds::made(&template, &spec, &order)?;
                save::replace(&file, &text).map_err(|why| not_written(&why))
            };
            let gone = |error| BackendError::Unknown(format!("the file of routes was not written: {error}"));
            tokio::task::spawn_blocking(write).await.map_err(gone)??;
        }
    }
    memory.done(order);
    Ok(())
}

fn not_written(why: &str) -> BackendError {
    let text = format!("{why}; nothing was written");
    if text.contains("ermission denied") || text.contains("Read-only") {
        BackendError::Denied(text)
    } else {
        BackendError::Refused(text)
    }
}

/// Every process must answer, in the state that consent was given to; or this very order must be in force there.
async fn may_go_forward(fleet: &Fleet, order: &Order) -> Result<(), BackendError> {
    let read = fleet.read(LOOK).await?;
    let faults: Vec<&Failure> = read.iter().filter_map(|(_, reading)| reading.as_ref().err()).collect();
    if !faults.is_empty() {
        return Err(match fleet::worst(&faults) {
            BackendError::Unreachable(text) if read.len() > 1 => {
                BackendError::Unreachable(format!("{text}; forward needs every Envoy, nothing was set"))
            }
            error => error,
        });
    }
    let tag = runtime::tag(&order.id);
    let is_ours = |(_, reading): &Outcome<Reading>| {
        reading.as_ref().is_ok_and(|it| it.tag.as_ref() == Some(&tag) && it.split == order.target && it.odd.is_none())
    };
    let Some(expected) = &order.expected else { return Ok(()) };
    if *expected == fleet::revision(&read) || read.iter().all(is_ours) {
        return Ok(());
    }
    let says: Vec<String> = read
        .iter()
        .filter_map(|(name, reading)| Some(format!("{name} says {}", reading.as_ref().ok()?.split)))
        .collect();
    Err(BackendError::Conflict(format!("it is not as it was on the screen: {}", says.join("; "))))
}

/// What the processes' answers are together.
fn judged(order: &Order, sent: &[Outcome<()>]) -> Result<(), BackendError> {
    let faults: Vec<&Failure> = sent.iter().filter_map(|(_, answer)| answer.as_ref().err()).collect();
    let moved: Vec<&str> = sent.iter().filter(|(_, answer)| answer.is_ok()).map(|(name, _)| name.as_str()).collect();
    if moved.is_empty() {
        return Err(fleet::worst(&faults));
    }
    // Reason: a process that is not up serves nobody: the way back is whole without it, and the notes tell of it.
    let whole = faults.is_empty() || (!order.kind.is_forward() && faults.iter().all(|fault| fault.is_gone));
    if whole {
        return Ok(());
    }
    Err(BackendError::Unknown(format!("set on {}; not on {}", moved.join(", "), fleet::worst(&faults).detail())))
}
