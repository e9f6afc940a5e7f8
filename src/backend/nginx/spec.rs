//! nginx: a file of its configuration that cutover owns, and how nginx reloads it.

use std::path::PathBuf;

use crate::domain::Pair;

/// One nginx whose `split_clients` cutover writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NginxSpec {
    /// The file that cutover writes; nginx's own configuration includes it in `http { }`.
    pub include: PathBuf,
    /// The variable it sets, without the `$`: which side takes a request.
    pub variable: String,
    /// What requests are shared by, e.g. `$request_id`; the same value always goes to the same side.
    pub key: String,
    /// The variable's value for each side: names of upstreams.
    pub names: Pair<String>,
    /// Tests the whole configuration before a forward change, e.g. `nginx -t`.
    pub test: Vec<String>,
    /// The file that holds the master's process id; without one its workers cannot be seen.
    pub pid: Option<PathBuf>,
    /// Reloads nginx; a HUP to the process of `pid` without it.
    pub reload: Option<Vec<String>>,
    /// The only shares of green besides 0 and 100, where each reload is one too many.
    pub shares: Option<Vec<u8>>,
}
