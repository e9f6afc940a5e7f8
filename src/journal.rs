//! The record of every rollout: append-only, hash-chained, shared by all processes of a service.
//!
//! A state directory holds
//!
//! | file | what |
//! |---|---|
//! | `journal.jsonl` | one [`Record`](crate::domain::Record) a line, mode 0600 |
//! | `journal.torn.<n>` | the torn last line that a crash left, kept when it is cut off |
//! | `lease.json`, `lease.lock`, `lease.<token>.alive` | which console drives: see [`Lease`] |
//! | `series.jsonl`, `series.jsonl.1` | figures of both sides over time, for the report: see [`SeriesFile`] |
//! | `gates/<name>.log`, `.log.1` | the output of each gate: see [`GateLog`] |
//!
//! A line is `{"v":1,"seq":17,"prev":"<hash of line 16>",...the record...,"hash":"<sha256>"}`. The hash covers the
//! line without its `hash` member, so anyone can check it without this program:
//!
//! ```sh
//! sed -n 17p journal.jsonl | sed 's/,"hash":"[0-9a-f]*"}$/}/' | tr -d '\n' | sha256sum
//! ```
//!
//! The chain shows lines that were edited, deleted, inserted, reordered or torn. It cannot show that the *last* lines
//! were cut off, or that somebody rewrote all lines from one point on together with their hashes. To detect that,
//! keep the head hash that [`verify()`] prints in another place, and pass it to [`verify_expecting`].
//!
//! Everything here is synchronous and may block for up to [`lock::LOCK_WAIT`], so the runtime calls it from a thread
//! of its own. This room does not interpret records.

mod error;
mod files;
mod gate_log;
mod lease;
mod line;
mod lines;
mod lock;
mod read;
mod series;
mod store;
mod verify;
mod write;

pub(crate) use error::JournalError;
pub use error::Problem;
pub(crate) use gate_log::GateLog;
pub use gate_log::{ROTATE_AT, log_file, log_path};
pub use lease::{Holder, Lease, LeaseState, Standing};
pub use line::MAX_LINE;
pub use read::read;
pub use series::{SERIES_NAME, SeriesFile};
pub(crate) use series::{Series, read_series};
pub(crate) use store::{Appended, Opened};
pub use store::{FILE_NAME, Journal};
pub use verify::{verify, verify_expecting};
