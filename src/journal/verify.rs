//! Checks a journal from its first line to its last, for `cutover journal verify`.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use chrono::{DateTime, Utc};

use super::error::Fault;
use super::files;
use super::line::{Bad, Chain};
use super::lines::{Lines, Piece};
use super::lock::{self, LOCK_WAIT};

/// The fewest characters of a hash that are compared.
const MIN_HEAD: usize = 12;

/// The summary of a journal without faults.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// The number of lines.
    pub lines: u64,
    /// The time of the first line, by its writer's clock.
    pub first: Option<DateTime<Utc>>,
    /// The time of the last line, by its writer's clock.
    pub last: Option<DateTime<Utc>>,
    /// The hash of the last line; zeros for an empty journal. Keep it in another place: it later shows whether lines
    /// up to this one were cut off or rewritten.
    pub head: String,
}

/// Checks every line of the journal at `path`.
///
/// It cannot see that lines at the end were cut off or that a whole chain was rewritten: see [`verify_expecting`].
pub fn verify(path: &Path) -> Result<Summary, Fault> {
    check(path, None)
}

/// Like [`verify`], with one more check: `head`, the hash from an earlier check (or its first 12 characters or more),
/// must still be the hash of a line. Then everything up to that line is unchanged.
pub fn verify_expecting(path: &Path, head: &str) -> Result<Summary, Fault> {
    check(path, Some(&head.to_ascii_lowercase()))
}

fn check(path: &Path, expect: Option<&str>) -> Result<Summary, Fault> {
    if let Some(head) = expect.filter(|head| head.len() < MIN_HEAD) {
        let what = format!("the expected head {head:?} is too short to tell lines apart");
        return Err(fault(path, 0, what, "give the hash that an earlier check printed, whole"));
    }
    let unreadable = |e: &dyn std::fmt::Display| {
        fault(path, 0, format!("cannot be read: {e}"), "give the path of a readable journal")
    };
    let file = Arc::new(File::open(path).map_err(|e| unreadable(&e))?);
    files::must_be_regular(&file, path).map_err(|e| unreadable(&e.detail))?;
    let len = settled_length(&file, path).map_err(|e| unreadable(&e))?;
    let mut lines = Lines::new(BufReader::with_capacity(1 << 16, (&*file).take(len)), 0);
    let mut chain = Chain::new();
    let mut times: Option<(DateTime<Utc>, DateTime<Utc>)> = None;
    let mut is_met = expect.is_none_or(|head| chain.hash.starts_with(head));
    while let Some(piece) = lines.next().map_err(|e| unreadable(&e))? {
        let step = match piece {
            Piece::Line(line) => chain.take(line),
            Piece::TooLong(bytes) => Err(chain.pass_over(bytes)),
            Piece::Torn(bytes) => Err(torn(&mut chain, bytes)),
        };
        let entry = step.map_err(|bad| fault(path, chain.lines, bad.what, bad.remedy))?;
        times = Some((times.map_or(entry.record.at, |(first, _)| first), entry.record.at));
        is_met = is_met || expect.is_some_and(|head| chain.hash.starts_with(head));
    }
    if !is_met {
        let what =
            format!("no line has the expected hash {}: lines were cut off or rewritten", expect.unwrap_or_default());
        return Err(fault(path, 0, what, "compare it with a backup or another copy"));
    }
    let (first, last) = times.unzip();
    Ok(Summary { lines: chain.lines, first, last, head: chain.hash })
}

/// The length of the file while no process writes; if one writes for too long, the current length.
///
/// Only the length is taken under the lock: checking a long journal must not delay an append.
fn settled_length(file: &Arc<File>, path: &Path) -> std::io::Result<u64> {
    let began = Instant::now();
    loop {
        let locked = lock::try_shared(file, path).map_err(|e| std::io::Error::other(e.detail))?;
        if locked.is_some() || began.elapsed() >= LOCK_WAIT {
            return file.metadata().map(|meta| meta.len());
        }
        lock::pause();
    }
}

fn torn(chain: &mut Chain, bytes: u64) -> Bad {
    chain.lines += 1;
    Bad {
        what: format!("the last line is torn: {bytes} bytes that do not end a line"),
        remedy: "start cutover on it: it keeps the torn bytes aside, cuts them away and records that",
        entry: None,
    }
}

fn fault(path: &Path, line: u64, what: String, remedy: &str) -> Fault {
    Fault { file: path.to_owned(), line, what, remedy: remedy.into() }
}
