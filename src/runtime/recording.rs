//! The recording of this process's engine: `--record FILE`. A process has one engine, so there is one file.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use crate::domain::Stamp;
use crate::engine::{Access, State};
use crate::record::{DEFAULT_LIMIT, Recorder};
use crate::terminal::crash;

static FILE: OnceLock<PathBuf> = OnceLock::new();

/// Sets the file for the engine that is opened next.
pub(crate) fn record_to(path: &Path) {
    // Set once, before any engine is opened.
    let _ = FILE.set(path.to_owned());
}

/// Starts the requested recording.
///
/// # Errors
/// The file cannot be created, in words. A rollback goes on without a recording.
pub(super) fn begin(access: Access, now: Stamp, state: &State) -> Result<Option<Recorder>, String> {
    let Some(path) = FILE.get() else { return Ok(None) };
    match Recorder::start(path, DEFAULT_LIMIT, now, state) {
        Ok(recorder) => {
            crash::note("recording", &path.display().to_string());
            Ok(Some(recorder))
        }
        Err(_) if access == Access::Back => Ok(None),
        Err(error) => Err(format!("cannot record into {}: {error}", path.display())),
    }
}
