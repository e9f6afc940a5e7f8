//! A file followed by its name, as `tail -F` does: over rotation, truncation, and before it exists.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use super::inbox::Inbox;
use super::split::Splitter;

/// The time between two looks at a file.
const LOOK: Duration = Duration::from_millis(200);
/// After this many looks without new bytes, an incomplete line is shown as it is.
const IDLE: u32 = 10;
/// How much of the existing content is shown at the start: lines, and bytes.
const FIRST_LINES: usize = 200;
const FIRST_BYTES: u64 = 64 << 10;
/// The most bytes read at one look; the rest follows at the next.
const MOST: usize = 8 << 20;
/// When the reader is further behind than this, it skips the middle and says so.
const BEHIND: u64 = 64 << 20;
const CHUNK: usize = 64 << 10;

/// Follows the file until the other end of `gone` is dropped.
pub(super) fn follow(path: PathBuf, inbox: &Inbox, gone: &Receiver<()>) {
    let mut tail = Tail { path, open: None, splitter: Splitter::default(), idle: 0, trouble: None, begun: false };
    loop {
        tail.look(inbox);
        if gone.recv_timeout(LOOK) != Err(RecvTimeoutError::Timeout) {
            return;
        }
    }
}

struct Open {
    file: File,
    /// The identity of the file, independent of its name: device and inode.
    id: (u64, u64),
    /// The offset up to which it was read.
    at: u64,
    /// Another file has its name now. This one is read once more and then dropped.
    renamed: bool,
}

struct Tail {
    path: PathBuf,
    open: Option<Open>,
    splitter: Splitter,
    /// The number of looks without new bytes.
    idle: u32,
    /// The last reported fault, so that each fault is reported once.
    trouble: Option<String>,
    /// Whether the file was looked for before. A file that appears later is read from its start.
    begun: bool,
}

impl Tail {
    fn look(&mut self, inbox: &Inbox) {
        if self.open.is_none() {
            self.find(inbox);
        }
        self.begun = true;
        if let Err(error) = self.read(inbox) {
            self.say(inbox, format!("cannot be read: {error}; trying again"));
            self.leave(inbox);
        }
    }

    fn find(&mut self, inbox: &Inbox) {
        match open(&self.path) {
            Ok(mut open) => {
                if self.trouble.take().is_some() {
                    inbox.tell("is there now".into());
                }
                if !self.begun {
                    open.at = self.last_lines(&mut open.file, inbox).unwrap_or(0);
                }
                self.open = Some(open);
            }
            Err(error) => self.say(inbox, format!("{}: {error}; waiting for it", self.path.display())),
        }
    }

    /// Shows the last lines of the existing content; returns the offset after them.
    fn last_lines(&mut self, file: &mut File, inbox: &Inbox) -> io::Result<u64> {
        let length = file.metadata()?.len();
        let from = length.saturating_sub(FIRST_BYTES);
        file.seek(SeekFrom::Start(from))?;
        let mut bytes = Vec::new();
        file.take(FIRST_BYTES).read_to_end(&mut bytes)?;
        let mut lines = Vec::new();
        self.splitter.feed(&bytes, &mut lines);
        // The first line may lack its beginning.
        let spare = usize::from(from > 0).max(lines.len().saturating_sub(FIRST_LINES)).min(lines.len());
        inbox.put(lines.into_iter().skip(spare));
        Ok(from + bytes.len() as u64)
    }

    fn read(&mut self, inbox: &Inbox) -> io::Result<()> {
        let Some(open) = &mut self.open else { return Ok(()) };
        let length = open.file.metadata()?.len();
        if length < open.at {
            open.at = 0;
            inbox.put(self.splitter.flush());
            inbox.tell("was truncated: from its start".into());
        }
        if length - open.at > BEHIND {
            let skipped = length - open.at - (CHUNK as u64);
            open.at += skipped;
            self.splitter = Splitter::default();
            inbox.warn(format!("grows faster than it can be read: {skipped} bytes were skipped"));
        }
        open.file.seek(SeekFrom::Start(open.at))?;
        let (mut chunk, mut lines, mut got) = (vec![0; CHUNK], Vec::new(), 0);
        while got < MOST {
            let n = match open.file.read(&mut chunk) {
                Ok(0) => break,
                Ok(n) => n,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            got += n;
            open.at += n as u64;
            self.splitter.feed(&chunk[..n], &mut lines);
            inbox.put(lines.drain(..));
        }
        self.idle = if got > 0 { 0 } else { self.idle.saturating_add(1) };
        if self.idle == IDLE {
            inbox.put(self.splitter.flush());
        }
        if got < MOST {
            self.check_name(inbox);
        }
        Ok(())
    }

    /// Checks whether the name belongs to another file now. The old file is read once more first: a writer may have
    /// used it until just now. While no file has the name, reading the old one continues.
    fn check_name(&mut self, inbox: &Inbox) {
        let Some(open) = &mut self.open else { return };
        let now = std::fs::metadata(&self.path).ok().map(|meta| id(&meta));
        if now.is_none() || now == Some(open.id) {
            open.renamed = false;
        } else if open.renamed {
            self.leave(inbox);
            inbox.tell("was replaced: the new one from its start".into());
            self.find(inbox);
        } else {
            open.renamed = true;
        }
    }

    fn leave(&mut self, inbox: &Inbox) {
        inbox.put(self.splitter.flush());
        self.open = None;
    }

    fn say(&mut self, inbox: &Inbox, trouble: String) {
        if self.trouble.as_ref() != Some(&trouble) {
            inbox.warn(trouble.clone());
            self.trouble = Some(trouble);
        }
    }
}

fn open(path: &Path) -> io::Result<Open> {
    // Non-blocking: a pipe without a writer would block for ever.
    let nonblock = rustix::fs::OFlags::NONBLOCK.bits();
    let file = std::fs::OpenOptions::new().read(true).custom_flags(nonblock.cast_signed()).open(path)?;
    let meta = file.metadata()?;
    if !meta.is_file() {
        return Err(io::Error::other("is not a regular file; a command can read it: [\"cat\", PATH]"));
    }
    Ok(Open { file, id: id(&meta), at: 0, renamed: false })
}

fn id(meta: &std::fs::Metadata) -> (u64, u64) {
    (meta.dev(), meta.ino())
}
