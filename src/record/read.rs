//! Reads a recording from its files.

use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::entry::{Entry, FORMAT};
use super::writer::older;

/// The content of a recording.
#[derive(Debug, Default)]
pub struct Recording {
    /// In the order in which they were written. The first is a state.
    pub entries: Vec<Entry>,
    /// The number of unreadable lines and of the lines after them up to the next state. A crash leaves one at the
    /// end.
    pub torn: u64,
    /// The number of entries that were lost during recording.
    pub lost: u64,
}

/// Why a recording cannot be read.
#[derive(Debug)]
pub enum ReadError {
    /// The file cannot be read.
    Io(PathBuf, io::Error),
    /// Another version of the program wrote it.
    Version {
        /// The file.
        path: PathBuf,
        /// The version that wrote it.
        cutover: String,
    },
    /// The file has nothing to replay.
    NoRecording {
        /// The file.
        path: PathBuf,
        /// What is wrong with the first unreadable line, in words.
        why: String,
    },
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(path, error) => write!(f, "cannot read {}: {error}", path.display()),
            Self::Version { path, cutover } => write!(
                f,
                "{} was recorded by cutover {cutover}, which this version {} cannot replay: use that version",
                path.display(),
                env!("CARGO_PKG_VERSION")
            ),
            Self::NoRecording { path, why } => {
                write!(f, "{} is not a recording ({why}); `--record FILE` writes one", path.display())
            }
        }
    }
}

/// The start of a state, the same in every version of the format.
#[derive(Deserialize)]
struct Opening {
    state: Head,
}

#[derive(Deserialize)]
struct Head {
    format: u32,
    cutover: String,
}

/// Reads a recording from `path`, and before it from `path.1` if that is the earlier part.
///
/// # Errors
/// See [`ReadError`].
pub fn read(path: &Path) -> Result<Recording, ReadError> {
    let mut recording = read_file(path)?;
    let before = older(path);
    if before.exists()
        && let Ok(mut earlier) = read_file(&before)
        && id_of(&earlier) == id_of(&recording)
    {
        earlier.entries.append(&mut recording.entries);
        recording = Recording {
            entries: earlier.entries,
            torn: earlier.torn + recording.torn,
            lost: earlier.lost + recording.lost,
        };
    }
    Ok(recording)
}

fn id_of(recording: &Recording) -> Option<u64> {
    recording.entries.first().and_then(|entry| match entry {
        Entry::State { recording, .. } => Some(*recording),
        _ => None,
    })
}

fn read_file(path: &Path) -> Result<Recording, ReadError> {
    let fail = |error| ReadError::Io(path.to_owned(), error);
    let mut lines = BufReader::new(File::open(path).map_err(fail)?);
    let (mut recording, mut line, mut is_torn) = (Recording::default(), Vec::new(), true);
    let mut why = None;
    while lines.read_until(b'\n', &mut line).map_err(fail)? > 0 {
        let entry = match serde_json::from_slice::<Entry>(&line) {
            Ok(entry) => entry,
            Err(error) => {
                if let Some(cutover) = other_version(&line) {
                    return Err(ReadError::Version { path: path.to_owned(), cutover });
                }
                why.get_or_insert_with(|| error.to_string());
                recording.torn += 1;
                is_torn = true;
                line.clear();
                continue;
            }
        };
        if let Entry::State { lost, .. } = &entry {
            recording.lost += lost;
            is_torn = false;
        }
        if is_torn {
            recording.torn += 1;
        } else {
            recording.entries.push(entry);
        }
        line.clear();
    }
    if recording.entries.is_empty() {
        let why = why.unwrap_or_else(|| "no state is in it".into());
        return Err(ReadError::NoRecording { path: path.to_owned(), why });
    }
    Ok(recording)
}

/// The version that wrote a state that this version cannot read.
fn other_version(line: &[u8]) -> Option<String> {
    let head = serde_json::from_slice::<Opening>(line).ok()?.state;
    (head.format != FORMAT || head.cutover != env!("CARGO_PKG_VERSION")).then_some(head.cutover)
}
