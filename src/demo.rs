//! The real things under `cutover demo`: two trained models, their servers, and client load.
//!
//! Nothing here is a mock. The models are classifiers trained on a public data set (see
//! `assets/demo/README.md`), the servers speak the Open Inference Protocol v2 over sockets, and the
//! load is what a client would send. So every accuracy and latency that the console shows in the
//! demo was measured. Only the faults are made: a [`scenario::Scenario`] says which
//! [`behaviour::Mode`] each side's server is in, and when.
//!
//! Each server and the load run as child processes ([`child`]) that end with their parent.

pub mod accelerator;
pub mod behaviour;
pub mod child;
pub mod data;
pub mod exports;
pub mod linear;
pub mod load;
pub mod model;
pub mod protocol;
pub mod scenario;
pub mod server;
pub mod settings;
pub mod show;
pub mod tree;
