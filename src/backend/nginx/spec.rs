//! nginx: a file of its configuration that cutover owns, and how nginx reloads it.

use std::path::PathBuf;

use crate::domain::Pair;

/// One nginx whose `split_clients` cutover writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NginxSpec {
    /// The file that cutover writes; nginx's own configuration includes it in `http { }`.
    pub include: PathBuf,
    /// The variable it sets, without the `$`. It names the side of a request.
    pub variable: String,
    /// The value that decides the side, e.g. `$request_id`. The same value always goes to the same side.
    pub key: String,
    /// The variable's value for each side: names of upstreams.
    pub names: Pair<String>,
    /// The command that tests the whole configuration before a forward change, e.g. `nginx -t`.
    pub test: Vec<String>,
    /// The file with the master's process id; without it the workers cannot be seen.
    pub pid: Option<PathBuf>,
    /// The command that reloads nginx; without it the process of `pid` gets a HUP.
    pub reload: Option<Vec<String>>,
    /// The only shares of green besides 0 and 100, if reloads should be rare.
    pub shares: Option<Vec<u8>>,
}
