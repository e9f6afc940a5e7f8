//! Traffic systems in memory that follow a script, for tests of everything above them. They stand for systems that a
//! test cannot have: they do what `review` and `backends` of real ones say, and nothing else.
//!
//! | model | stands for |
//! |---|---|
//! | [`direct`] | a router whose weights are set at once |
//! | [`controller`] | a controller with steps of its own (Argo Rollouts, Flagger, CodeDeploy) |
//! | [`slow`] | a platform that answers in seconds and acts in minutes (SageMaker) |

pub mod controller;
pub mod direct;
pub mod slow;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use cutover::testing::backend::{BackendError, BackendFuture, Capabilities, Driver, Observer, Preview, TrafficBackend};
use cutover::testing::domain::{Accepted, Observation, Order, Split};
use tokio::time::Instant;

/// A system with a clock of its own: time is data, in milliseconds since it began.
pub trait Model: Send + 'static {
    /// Lets it do what it does by itself until `now_ms`.
    fn advance(&mut self, now_ms: u64);
    /// Takes an order.
    fn take(&mut self, order: &Order) -> Result<Accepted, BackendError>;
    /// What it says of itself.
    fn say(&self) -> Result<Observation, BackendError>;
    /// What users get.
    fn users(&self) -> Split;
    /// How long it takes to answer.
    fn answers_after(&self) -> Duration;
}

/// A model as a backend, by the clock of tokio.
#[derive(Debug)]
pub struct Served<M> {
    model: Arc<Mutex<M>>,
    began: Instant,
}

impl<M> Clone for Served<M> {
    fn clone(&self) -> Self {
        Self { model: Arc::clone(&self.model), began: self.began }
    }
}

impl<M: Model> Served<M> {
    pub fn new(model: M) -> Self {
        Self { model: Arc::new(Mutex::new(model)), began: Instant::now() }
    }

    /// Uses the model as it is now.
    pub fn with<T>(&self, act: impl FnOnce(&mut M) -> T) -> T {
        let mut model = self.model.lock().unwrap_or_else(PoisonError::into_inner);
        model.advance(self.began.elapsed().as_millis() as u64);
        act(&mut model)
    }
}

impl<M: Model> TrafficBackend for Served<M> {
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

impl<M: Model> Observer for Served<M> {
    fn observe(&self) -> BackendFuture<'_, Observation> {
        Box::pin(async {
            tokio::time::sleep(self.with(|model| model.answers_after())).await;
            self.with(|model| model.say())
        })
    }

    fn preview(&self, order: &Order) -> Preview {
        Preview { target: "memory".into(), lines: vec![format!("{} to {}", order.kind, order.target)] }
    }
}

impl<M: Model> Driver for Served<M> {
    fn apply<'a>(&'a self, order: &'a Order) -> BackendFuture<'a, Accepted> {
        Box::pin(async {
            let taken = self.with(|model| model.take(order));
            tokio::time::sleep(self.with(|model| model.answers_after())).await;
            taken
        })
    }
}
