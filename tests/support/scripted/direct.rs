//! A traffic system in memory that follows a script, for tests of everything above it.
//!
//! It keeps the laws of the trait (compare-and-set, same id = same act) as the embedded gateway does,
//! and can be told to misbehave the ways real systems do: not to answer, to answer and not to act,
//! to act and not to answer, to apply late or by half.

use std::collections::HashSet;
use std::future::pending;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cutover::testing::backend::{
    Accepted, BackendError, BackendFuture, Capabilities, Driver, Observer, Preview, TrafficBackend,
};
use cutover::testing::domain::{Observation, Order, OrderId, Revision, Split, TrafficCounters};

/// How the system treats the next calls.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Script {
    /// As it should.
    #[default]
    Behave,
    /// Refuses connections.
    Down,
    /// Takes the order, acts, and never answers.
    ActAndHang,
    /// Never answers and never acts.
    Hang,
    /// Answers with something that is no answer.
    Garble,
    /// Answers that it accepted, but applies nothing until told to behave again.
    AcceptOnly,
    /// Applies only one of two nodes.
    HalfApply,
    /// Refuses the credentials.
    Deny,
}

/// The system's inside.
#[derive(Debug)]
struct World {
    split: Split,
    revision: u64,
    mixed: Option<String>,
    script: Script,
    waiting: Option<Split>,
    done: HashSet<OrderId>,
    applied: Vec<Order>,
    traffic: Option<TrafficCounters>,
}

/// A scripted traffic system; clones share the same inside.
#[derive(Debug, Clone)]
pub struct Scripted {
    world: Arc<Mutex<World>>,
}

impl Scripted {
    /// A system with `split` in force.
    pub fn new(split: Split) -> Self {
        let world = World {
            split,
            revision: 1,
            mixed: None,
            script: Script::Behave,
            waiting: None,
            done: HashSet::new(),
            applied: Vec::new(),
            traffic: None,
        };
        Self { world: Arc::new(Mutex::new(world)) }
    }

    /// Changes how it behaves from now on; an accepted change that waited is applied on `Behave`.
    pub fn script(&self, script: Script) {
        let mut world = self.world();
        if script == Script::Behave
            && let Some(split) = world.waiting.take()
        {
            world.set(split);
        }
        if script == Script::Behave {
            world.mixed = None;
        }
        world.script = script;
    }

    /// Somebody else changes the split behind our back.
    pub fn meddle(&self, split: Split) {
        self.world().set(split);
    }

    /// Sets the live counters.
    pub fn count(&self, traffic: TrafficCounters) {
        self.world().traffic = Some(traffic);
    }

    /// Every order that was carried out, oldest first; a retry with the same id counts once.
    pub fn applied(&self) -> Vec<Order> {
        self.world().applied.clone()
    }

    /// The split in force.
    pub fn split(&self) -> Split {
        self.world().split
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, order: &Order) -> Result<Accepted, Trouble> {
        let mut world = self.world();
        match world.script {
            Script::Down => return Err(Trouble::Is(BackendError::Unreachable("connection refused".into()))),
            Script::Hang => return Err(Trouble::Silence),
            Script::Deny => return Err(Trouble::Is(BackendError::Denied("token is not accepted".into()))),
            Script::Garble => return Err(Trouble::Is(BackendError::Garbled("<html> for JSON".into()))),
            _ => {}
        }
        if world.done.contains(&order.id) {
            return Ok(Accepted::as_asked(order));
        }
        if let Some(expected) = &order.expected
            && expected.0 != world.revision.to_string()
        {
            let now = format!("revision is {} by now, not {}", world.revision, expected.0);
            return Err(Trouble::Is(BackendError::Conflict(now)));
        }
        match world.script {
            Script::AcceptOnly => world.waiting = Some(order.target),
            Script::HalfApply => {
                world.mixed = Some(format!("node 1 says {}, node 2 says {}", order.target, world.split));
                world.revision += 1;
            }
            _ => world.set(order.target),
        }
        world.applied.push(order.clone());
        world.done.insert(order.id.clone());
        if world.script == Script::ActAndHang { Err(Trouble::Silence) } else { Ok(Accepted::as_asked(order)) }
    }

    fn read(&self) -> Result<Observation, Trouble> {
        let world = self.world();
        match world.script {
            Script::Down => return Err(Trouble::Is(BackendError::Unreachable("connection refused".into()))),
            Script::Hang | Script::ActAndHang => return Err(Trouble::Silence),
            Script::Deny => return Err(Trouble::Is(BackendError::Denied("token is not accepted".into()))),
            Script::Garble => return Err(Trouble::Is(BackendError::Garbled("<html> for JSON".into()))),
            _ => {}
        }
        Ok(Observation {
            mixed: world.mixed.clone(),
            traffic: world.traffic.clone(),
            ..Observation::of(world.split, Revision(world.revision.to_string()))
        })
    }
}

impl World {
    fn set(&mut self, split: Split) {
        self.split = split;
        self.revision += 1;
    }
}

enum Trouble {
    Is(BackendError),
    Silence,
}

async fn or_silence<T>(result: Result<T, Trouble>) -> Result<T, BackendError> {
    match result {
        Ok(value) => Ok(value),
        Err(Trouble::Is(error)) => Err(error),
        Err(Trouble::Silence) => pending().await,
    }
}

impl TrafficBackend for Scripted {
    fn name(&self) -> &'static str {
        "scripted"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::direct()
    }

    fn observer(&self) -> Arc<dyn Observer> {
        Arc::new(self.clone())
    }

    fn driver(&self) -> Result<Arc<dyn Driver>, BackendError> {
        Ok(Arc::new(self.clone()))
    }
}

impl Observer for Scripted {
    fn observe(&self) -> BackendFuture<'_, Observation> {
        let read = self.read();
        Box::pin(or_silence(read))
    }

    fn preview(&self, order: &Order) -> Preview {
        Preview { target: "memory".into(), lines: vec![format!("set {}", order.target)] }
    }
}

impl Driver for Scripted {
    fn apply<'a>(&'a self, order: &'a Order) -> BackendFuture<'a, Accepted> {
        let taken = self.take(order);
        Box::pin(or_silence(taken))
    }
}
