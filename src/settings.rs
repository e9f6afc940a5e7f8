//! Reads a config: tables whose values know their lines, typed values, and every fault with its remedy.
//!
//! [`config`](crate::config) and [`backend`](crate::backend) read their tables with this. `Table` refuses unknown
//! keys, `Node` reads one value. Both note a fault and go on, so that an operator sees all faults at once.

mod admin;
pub(crate) mod call;
mod docs;
pub(crate) mod duration;
mod error;
mod node;
mod reader;
mod report;
mod secret;
pub(crate) mod text_file;
mod transport;
mod url;
pub(crate) mod values;

pub use admin::AdminAddress;
pub(crate) use admin::{TOKEN, admin};
pub use docs::KeyDefault;
pub(crate) use docs::KeyDoc;
pub(crate) use docs::Section;
pub use error::ConfigError;

pub(crate) use error::{nearest, quote, quote_path};
pub(crate) use node::Node;
pub(crate) use reader::Table;
pub(crate) use report::Report;
pub use secret::Secret;
pub(crate) use transport::{TRANSPORT, transport};
pub(crate) use url::BaseUrl;
