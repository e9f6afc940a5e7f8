//! A traffic system as described by a config: comparable data that can connect to the system.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use super::{TrafficBackend, Weights};
use crate::domain::Pace;

/// The config of one kind of traffic system.
pub trait Spec: fmt::Debug + PartialEq + Send + Sync + 'static {
    /// Creates the traffic system. Contacts nothing.
    fn connect(&self) -> Arc<dyn TrafficBackend>;

    /// Which shares can be set.
    fn weights(&self) -> Weights {
        Weights::Any
    }

    /// How fast it answers and acts.
    fn pace(&self) -> Pace {
        Pace::DIRECT
    }
}

/// [`Spec`] without its type.
trait AnySpec: fmt::Debug + Any + Send + Sync {
    fn connect(&self) -> Arc<dyn TrafficBackend>;
    fn weights(&self) -> Weights;
    fn pace(&self) -> Pace;
    fn equals(&self, other: &dyn AnySpec) -> bool;
}

impl<T: Spec> AnySpec for T {
    fn connect(&self) -> Arc<dyn TrafficBackend> {
        Spec::connect(self)
    }

    fn weights(&self) -> Weights {
        Spec::weights(self)
    }

    fn pace(&self) -> Pace {
        Spec::pace(self)
    }

    fn equals(&self, other: &dyn AnySpec) -> bool {
        (other as &dyn Any).downcast_ref::<T>() == Some(self)
    }
}

/// The traffic system of a config.
#[derive(Debug, Clone)]
pub struct Backend(Arc<dyn AnySpec>);

impl Backend {
    /// The system in `spec`.
    pub fn new(spec: impl Spec) -> Self {
        Self(Arc::new(spec))
    }

    /// The config, if it is of the type `T`.
    pub fn spec<T: Spec>(&self) -> Option<&T> {
        (&*self.0 as &dyn Any).downcast_ref()
    }

    /// Creates the traffic system. Contacts nothing.
    pub fn connect(&self) -> Arc<dyn TrafficBackend> {
        self.0.connect()
    }

    /// Which shares can be set.
    pub fn weights(&self) -> Weights {
        self.0.weights()
    }

    /// How fast it answers and acts.
    pub fn pace(&self) -> Pace {
        self.0.pace()
    }
}

impl PartialEq for Backend {
    fn eq(&self, other: &Self) -> bool {
        self.0.equals(&*other.0)
    }
}
