//! The real parts of `cutover demo`: two trained models, their servers, and client load.
//!
//! Nothing here is a mock. The models are classifiers trained on a public data set (see `assets/demo/README.md`), the
//! servers speak the Open Inference Protocol v2 over sockets, and the load sends requests as real clients do. So
//! every accuracy and latency that the console shows in the demo is measured. Only the faults are made: a
//! [`scenario::Scenario`] says which [`behaviour::Mode`] each side's server has, and when.
//!
//! Each server and the load run as child processes ([`child`]) that end with their parent.

pub(crate) mod accelerator;
pub(crate) mod behaviour;
pub(crate) mod child;
pub(crate) mod data;
pub(crate) mod exports;
pub(crate) mod linear;
pub(crate) mod load;
pub(crate) mod model;
pub(crate) mod protocol;
pub(crate) mod scenario;
pub(crate) mod server;
pub(crate) mod settings;
pub(crate) mod show;
pub(crate) mod tree;
