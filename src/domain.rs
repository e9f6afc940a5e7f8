//! The words of a blue-green rollout, and nothing else: no clock, no I/O, no screen.
//!
//! Every other module speaks in these types. They are plain data (most of them serde
//! types), so that a whole cutover can be replayed from its events and a snapshot can
//! cross a process boundary unchanged.

pub(crate) mod ability;
pub(crate) mod alert;
pub(crate) mod bound;
pub(crate) mod call;
pub(crate) mod capabilities;
pub(crate) mod controller;
pub(crate) mod digest;
pub(crate) mod fault;
pub(crate) mod gate;
pub(crate) mod goal;
pub(crate) mod guard;
pub(crate) mod json_line;
pub(crate) mod load;
pub(crate) mod log_source;
pub(crate) mod masked;
pub(crate) mod metric;
pub(crate) mod nearest;
pub(crate) mod observation;
pub(crate) mod order;
pub(crate) mod pace;
pub(crate) mod placeholder;
pub(crate) mod plan;
pub(crate) mod record;
pub(crate) mod sample;
pub(crate) mod sequential;
pub(crate) mod series;
pub(crate) mod service;
pub(crate) mod side;
pub(crate) mod split;
pub(crate) mod target;
pub(crate) mod template;
pub(crate) mod text;
pub(crate) mod time;
pub(crate) mod transport;
pub(crate) mod units;
pub(crate) mod version;
pub(crate) mod window;

pub use ability::{Can, RollbackClass, WayBack};
pub use alert::{Alert, AlertForm, AlertKind, AlertSpec, AlertUrl, AlertWay, Severity};
pub use bound::Bound;
pub use call::{Call, Expect, HeaderValue, Scalar, SecretRef, Step};
pub use capabilities::Capabilities;
pub use controller::{Controller, ControllerState};
pub use digest::Digest;
pub use fault::BackendError;
pub use gate::{Evidence, GateSpec, LogLevel, LogLine, Verdict};
pub use goal::{Goal, Reached};
pub(crate) use guard::Measure;
pub use guard::{Breach, Comparison, GuardAction, GuardSpec, Metric};
pub use load::{LoadPoint, LoadRun};
pub use log_source::{LogFeed, LogSource};
pub use metric::MetricsSpec;
pub(crate) use observation::SideTraffic;
pub use observation::{Observation, RouterStatus, SideSeen, TrafficCounters};
pub use order::OrderFault;
pub use order::{Accepted, Move, Order, OrderId, OrderState, Revision};
pub use pace::Pace;
pub use plan::{OnDisconnect, OnFailure, Plan};
pub use record::{Actor, Cause, Closing, Fact, Record};
pub use sample::SampledRequest;
pub use series::{Sample, SideSample};
pub use service::{ProbeSpec, Service, SideSpec, VersionSource};
pub use side::{Pair, Role, Side};
pub use split::Split;
pub use target::Target;
pub use time::Stamp;
pub use transport::Transport;
pub(crate) use units::in_unit;
pub use version::Version;
pub use window::Point;
pub(crate) use window::Window;
