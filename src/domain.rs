//! The words of a blue-green rollout, and nothing else: no clock, no I/O, no screen.
//!
//! Every other module speaks in these types. They are plain data (most of them serde
//! types), so that a whole cutover can be replayed from its events and a snapshot can
//! cross a process boundary unchanged.

pub mod alert;
pub mod bound;
pub mod call;
pub mod capabilities;
pub mod digest;
pub mod fault;
pub mod gate;
pub mod guard;
pub mod json_line;
pub mod load;
pub mod log_source;
pub mod masked;
pub mod metric;
pub mod nearest;
pub mod observation;
pub mod order;
pub mod placeholder;
pub mod plan;
pub mod record;
pub mod sample;
pub mod sequential;
pub mod series;
pub mod service;
pub mod side;
pub mod split;
pub mod template;
pub mod text;
pub mod time;
pub mod transport;
pub mod units;
pub mod version;
pub mod window;

pub use alert::{Alert, AlertForm, AlertKind, AlertSpec, AlertUrl, AlertWay, Severity};
pub use bound::Bound;
pub use call::{Call, Expect, HeaderValue, Scalar, SecretRef, Step};
pub use capabilities::Capabilities;
pub use digest::Digest;
pub use fault::BackendError;
pub use gate::{Evidence, GateSpec, LogLevel, LogLine, Verdict};
pub use guard::{Breach, Comparison, GuardAction, GuardSpec, Metric};
pub use load::{LoadPoint, LoadRun};
pub use log_source::{LogFeed, LogSource};
pub use metric::MetricsSpec;
pub use observation::{Observation, RouterStatus, SideTraffic, TrafficCounters};
pub use order::{Move, Order, OrderFault, OrderId, OrderState, Revision};
pub use plan::{OnDisconnect, OnFailure, Plan};
pub use record::{Actor, Cause, Fact, Record};
pub use sample::SampledRequest;
pub use series::{Sample, SideSample};
pub use service::{ProbeSpec, Service, SideSpec, VersionSource};
pub use side::{Pair, Role, Side};
pub use split::Split;
pub use time::Stamp;
pub use transport::Transport;
pub use units::in_unit;
pub use version::Version;
pub use window::{Point, Window};
