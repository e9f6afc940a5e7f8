//! Which console drives: one per service and machine. The others only watch.
//!
//! Two facts are kept apart. *Who drives* is in `lease.json`: a generation with its holder, changed only under a
//! short lock on `lease.lock`. *Whether the holder lives* is a lock on a file of its own that the holder keeps while
//! it runs. The system frees this lock however the process ends, and a reused process id cannot be mistaken for the
//! holder. So the lease of a dead console is free at once. The lease of a console that hangs can be taken over; when
//! it wakes up, [`Lease::check`] says that it no longer drives.
//!
//! A rollback never needs a lease.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::error::{JournalError, Problem};
use super::files;
use super::lock::{self, LOCK_WAIT, Locked};

/// How long to wait for the lock on exit. The lease becomes free even without it.
const RELEASE_WAIT: Duration = Duration::from_millis(200);

/// The longest lease file, in bytes. A longer one was not written by this program.
const MAX_LEASE: u64 = 1 << 16;

/// The console that drives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// The user's login name.
    pub name: String,
    /// The console's process id.
    pub pid: u32,
    /// The start of the lease, by the wall clock.
    pub since: DateTime<Utc>,
    /// The machine's name.
    pub host: String,
}

/// The result of asking for the lease.
#[derive(Debug)]
pub enum LeaseState {
    /// This process has it.
    Held(Lease),
    /// Another living process has it.
    HeldBy(Holder),
}

/// Whether a lease is still valid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// This process drives.
    Mine,
    /// This process only watches: another one took the lease, or the lease file is gone (then `None`).
    Lost(Option<Holder>),
}

/// The right to drive. Dropping it frees the lease.
#[derive(Debug)]
pub struct Lease {
    dir: PathBuf,
    generation: u64,
    token: String,
    /// Only its lock is needed.
    _alive: Locked,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Turn {
    generation: u64,
    /// Distinguishes two holders of the same generation, in case the file was removed between them.
    token: String,
    holder: Option<Holder>,
}

impl Lease {
    /// Takes the lease of the service with the state directory `dir`, unless a living process has it.
    pub fn take(dir: &Path, who: &Holder) -> Result<LeaseState, JournalError> {
        Self::acquire(dir, who, false)
    }

    /// Takes the lease away from its holder; returns that holder if it was alive.
    pub fn take_over(dir: &Path, who: &Holder) -> Result<(Self, Option<Holder>), JournalError> {
        let from = living_holder(dir);
        match Self::acquire(dir, who, true)? {
            LeaseState::Held(lease) => Ok((lease, from)),
            LeaseState::HeldBy(holder) => Err(JournalError::new(
                Problem::Busy,
                "take over the lease in",
                dir,
                format!("{} holds it", holder.name),
            )),
        }
    }

    /// The console that drives now, if it is alive. Reads only. Also `None` when the file cannot be read.
    pub fn holder(dir: &Path) -> Option<Holder> {
        living_holder(dir)
    }

    /// Whether this process still drives. Call it each second and before every forward order: it costs one small
    /// read.
    ///
    /// After an error the answer is unknown: refuse forward orders.
    pub fn check(&self) -> Result<Standing, JournalError> {
        Ok(match read_turn(&self.dir)? {
            Some(turn) if turn.generation == self.generation && turn.token == self.token => Standing::Mine,
            Some(turn) => Standing::Lost(turn.holder),
            None => Standing::Lost(None),
        })
    }

    fn acquire(dir: &Path, who: &Holder, by_force: bool) -> Result<LeaseState, JournalError> {
        files::make_dir(dir)?;
        let _locked = lock_turn(dir, LOCK_WAIT)?;
        let before = match read_turn(dir) {
            Ok(turn) => turn.unwrap_or_default(),
            Err(error) if by_force && error.problem == Problem::Foreign => Turn::default(),
            Err(error) => return Err(error),
        };
        if let Some(holder) = &before.holder
            && !by_force
            && is_alive(dir, &before.token)?
        {
            return Ok(LeaseState::HeldBy(holder.clone()));
        }
        let generation = before.generation + 1;
        let token = format!("{:016x}", fastrand::u64(..));
        let alive = mark_alive(dir, &token)?;
        let turn = Turn { generation, token: token.clone(), holder: Some(who.clone()) };
        if let Err(error) = write_turn(dir, &turn) {
            let _ = std::fs::remove_file(alive_path(dir, &token));
            return Err(error);
        }
        // A holder that hangs keeps its lock on the file, which has no name any more. Nothing checks that lock again.
        if !before.token.is_empty() {
            let _ = std::fs::remove_file(alive_path(dir, &before.token));
        }
        Ok(LeaseState::Held(Self { dir: dir.to_owned(), generation, token, _alive: alive }))
    }

    /// Writes that the lease is free. A failure does no harm: the lock ends with this process.
    fn release(&self) -> Result<(), JournalError> {
        let _locked = lock_turn(&self.dir, RELEASE_WAIT)?;
        if self.check()? == Standing::Mine {
            let turn = Turn { generation: self.generation, token: self.token.clone(), holder: None };
            write_turn(&self.dir, &turn)?;
        }
        Ok(())
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let _ = self.release();
        let _ = std::fs::remove_file(alive_path(&self.dir, &self.token));
    }
}

fn turn_path(dir: &Path) -> PathBuf {
    dir.join("lease.json")
}

fn alive_path(dir: &Path, token: &str) -> PathBuf {
    dir.join(format!("lease.{token}.alive"))
}

fn open_lock(path: &Path) -> Result<Arc<File>, JournalError> {
    let file = files::append_options().open(path).map_err(|e| JournalError::io("take the lease in", path, &e))?;
    Ok(Arc::new(file))
}

/// The short lock for changes of `lease.json`.
fn lock_turn(dir: &Path, wait: Duration) -> Result<Locked, JournalError> {
    let path = dir.join("lease.lock");
    lock::exclusive(&open_lock(&path)?, &path, wait)
}

/// The long lock that shows others that this process lives.
fn mark_alive(dir: &Path, token: &str) -> Result<Locked, JournalError> {
    let path = alive_path(dir, token);
    let locked = lock::try_exclusive(&open_lock(&path)?, &path)?;
    locked.ok_or_else(|| JournalError::new(Problem::Busy, "take the lease in", &path, "a new file is locked"))
}

/// Whether the holder with this token runs. When its file is gone, it does not.
fn is_alive(dir: &Path, token: &str) -> Result<bool, JournalError> {
    let path = alive_path(dir, token);
    match File::open(&path) {
        // A shared lock: two processes that check at the same time must not mistake each other for the holder.
        Ok(file) => Ok(lock::try_shared(&Arc::new(file), &path)?.is_none()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(JournalError::io("read the lease in", &path, &error)),
    }
}

fn living_holder(dir: &Path) -> Option<Holder> {
    let turn = read_turn(dir).ok().flatten()?;
    let holder = turn.holder?;
    is_alive(dir, &turn.token).ok()?.then_some(holder)
}

fn read_turn(dir: &Path) -> Result<Option<Turn>, JournalError> {
    let path = turn_path(dir);
    let foreign = |what: String| JournalError::new(Problem::Foreign, "read the lease in", &path, what);
    let text = match std::fs::metadata(&path) {
        Ok(meta) if meta.len() > MAX_LEASE => return Err(foreign(format!("it has {} bytes", meta.len()))),
        Ok(_) => std::fs::read(&path),
        Err(error) => Err(error),
    };
    match text {
        Ok(text) => {
            let turn: Turn = serde_json::from_slice(&text).map_err(|e| foreign(format!("it is no lease: {e}")))?;
            let is_token = |c: char| c.is_ascii_hexdigit();
            if !turn.token.chars().all(is_token) {
                return Err(foreign("its token is not hexadecimal".into()));
            }
            Ok(Some(turn))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(JournalError::io("read the lease in", &path, &error)),
    }
}

fn write_turn(dir: &Path, turn: &Turn) -> Result<(), JournalError> {
    let path = turn_path(dir);
    let text = serde_json::to_vec(turn)
        .map_err(|e| JournalError::new(Problem::Unfit, "write the lease in", &path, e.to_string()))?;
    files::replace(dir, &path, &text).map_err(|e| JournalError::io("write the lease in", &path, &e))
}
