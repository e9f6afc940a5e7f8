//! A log of the user's own that the console shows beside the gates' logs.

use std::path::PathBuf;

/// A file or a command whose lines are shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogSource {
    /// The name its lines carry; unique, and no gate's.
    pub name: String,
    /// Where the lines come from.
    pub feed: LogFeed,
}

/// Where the lines come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogFeed {
    /// A file, followed by its name: across rotation, truncation, and before it exists.
    File(PathBuf),
    /// A command's standard output and standard error; started again when it ends.
    Command {
        /// The program and its arguments; no shell reads them. Never empty.
        argv: Vec<String>,
        /// The directory it runs in.
        dir: PathBuf,
    },
}
