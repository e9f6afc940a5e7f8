//! The journal of a running process: what it has read, and what other processes add.

use std::fs::File;
use std::io::{BufReader, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use crate::domain::Record;

use super::error::{Fault, JournalError, Problem};
use super::files;
use super::line::{Bad, Chain, Entry};
use super::lines::{Lines, Piece};
use super::lock::{self, LOCK_WAIT};

/// The journal's name in the state directory.
pub const FILE_NAME: &str = "journal.jsonl";

/// The result of opening a journal.
#[derive(Debug, Default)]
pub struct Opened {
    /// All records that are certainly unchanged, oldest first; empty if a sink took them.
    pub records: Vec<Record>,
    /// After a crash had torn the last line: the number of bytes that were cut off. A record says so too.
    pub recovered_bytes: Option<u64>,
    /// The first place where the file was changed. Forward orders must then be refused.
    pub broken: Option<Fault>,
    /// The number of lines with such a fault.
    pub bad_lines: u64,
    /// Why nothing can be written now. Each append tries again.
    pub unwritable: Option<JournalError>,
}

/// The result of an append.
#[derive(Debug, Clone, PartialEq)]
pub struct Appended {
    /// The number of the last new line.
    pub seq: u64,
    /// Records from other processes (or a recovery) before it that were not returned yet.
    pub others: Vec<Record>,
}

/// The journal of one service, open for reading and appending.
///
/// Several processes may have the same journal open. Each append takes the lock on the file, reads new lines of other
/// processes, writes its line with a single call, syncs, and unlocks.
#[derive(Debug)]
pub struct Journal {
    pub(super) dir: PathBuf,
    pub(super) path: PathBuf,
    pub(super) file: Option<Arc<File>>,
    pub(super) writable: bool,
    /// Everything before this offset was read and consists of whole lines.
    pub(super) offset: u64,
    /// The length of the file at the last look, with a torn end.
    pub(super) seen: u64,
    pub(super) chain: Chain,
    pub(super) broken: Option<Fault>,
    pub(super) bad_lines: u64,
    /// Read but not returned yet.
    pub(super) unseen: Vec<Record>,
    /// A torn line was cut off, but the record of that could not be written yet.
    pub(super) owed: Option<u64>,
    busy_since: Option<Instant>,
}

impl Journal {
    /// Opens the journal in `dir`, creates both if missing, reads all of it, and passes each record to `sink`.
    pub fn open_each(dir: &Path, sink: &mut dyn FnMut(Record)) -> Result<(Self, Opened), JournalError> {
        let mut journal = Self::closed(dir);
        let mut opened = Opened { unwritable: journal.connect()?, ..Opened::default() };
        // Most of the journal is read without the lock, so that a long journal does not block others.
        let torn = journal.follow(&mut |entry| sink(entry.record))?;
        if torn > 0 && opened.unwritable.is_none() {
            match journal.settle(&mut |entry| sink(entry.record)) {
                Ok(recovered) => opened.recovered_bytes = recovered,
                Err(error) => opened.unwritable = Some(error),
            }
        }
        opened.broken.clone_from(&journal.broken);
        opened.bad_lines = journal.bad_lines;
        Ok((journal, opened))
    }

    /// A journal of which nothing was read yet.
    pub(super) fn closed(dir: &Path) -> Self {
        Self {
            dir: dir.to_owned(),
            path: dir.join(FILE_NAME),
            file: None,
            writable: false,
            offset: 0,
            seen: 0,
            chain: Chain::new(),
            broken: None,
            bad_lines: 0,
            unseen: Vec::new(),
            owed: None,
            busy_since: None,
        }
    }

    /// The path of the journal.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The first changed place that was found in the file since the start.
    pub const fn broken(&self) -> Option<&Fault> {
        self.broken.as_ref()
    }

    /// The hash of the last line read.
    pub fn head(&self) -> &str {
        &self.chain.hash
    }

    /// New records of other processes since the last call. Costs two `stat` calls when there is nothing new.
    ///
    /// While another process writes, the result is empty and the next call returns the records. It is an error only
    /// if this lasts longer than [`LOCK_WAIT`].
    pub fn poll(&mut self) -> Result<Vec<Record>, JournalError> {
        self.reconnect()?;
        if let Some(file) = self.file.clone() {
            let len = self.length(&file)?;
            if len != self.seen {
                match lock::try_shared(&file, &self.path)? {
                    Some(_locked) => {
                        self.busy_since = None;
                        self.catch_up()?;
                    }
                    None => self.note_busy()?,
                }
            }
        }
        Ok(std::mem::take(&mut self.unseen))
    }

    fn note_busy(&mut self) -> Result<(), JournalError> {
        let since = *self.busy_since.get_or_insert_with(Instant::now);
        if since.elapsed() <= LOCK_WAIT {
            return Ok(());
        }
        let detail = format!("another process has held its lock for {} ms", since.elapsed().as_millis());
        Err(JournalError::new(Problem::Busy, "read the journal", &self.path, detail))
    }

    /// Opens the file for writing if possible, otherwise for reading; then it returns why.
    fn connect(&mut self) -> Result<Option<JournalError>, JournalError> {
        let opened = files::make_dir(&self.dir).and_then(|()| {
            let is_new = !self.path.exists();
            let file = files::append_options().open(&self.path).map_err(|e| self.error("open the journal", &e))?;
            if is_new {
                files::sync_dir(&self.dir).map_err(|e| JournalError::io("sync", &self.dir, &e))?;
            }
            Ok(file)
        });
        let (file, unwritable) = match opened {
            Ok(file) => (Some(file), None),
            Err(why) => match File::open(&self.path) {
                Ok(file) => (Some(file), Some(why)),
                Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
                    return Err(self.error("read the journal", &error));
                }
                Err(_) => (None, Some(why)),
            },
        };
        if let Some(file) = &file {
            files::must_be_regular(file, &self.path)?;
        }
        self.writable = unwritable.is_none();
        self.file = file.map(Arc::new);
        Ok(unwritable)
    }

    /// Opens the file again if it was not writable before, or if its name leads to another file now. The error says
    /// why it cannot be written.
    pub(super) fn reconnect_writable(&mut self) -> Result<Arc<File>, JournalError> {
        self.reconnect()?;
        if !self.writable
            && let Some(why) = self.connect()?
        {
            return Err(why);
        }
        let missing = || JournalError::new(Problem::Missing, "open the journal", &self.path, "it is not there");
        self.file.clone().ok_or_else(missing)
    }

    /// Checks the name: after the file is removed or replaced, records would go to a file without a name.
    fn reconnect(&mut self) -> Result<(), JournalError> {
        match &self.file {
            Some(file) if files::is_same(file, &self.path) => Ok(()),
            Some(_) => {
                self.connect()?;
                self.start_over("it was removed or replaced while in use")
            }
            None if self.path.exists() => self.connect().map(|_| ()),
            None => Ok(()),
        }
    }

    /// Reads the whole file again after it was changed by others. Records that were already returned are not returned
    /// again.
    fn start_over(&mut self, what: &str) -> Result<(), JournalError> {
        let known = self.chain.seq;
        self.note(
            0,
            Bad {
                what: what.into(),
                remedy: "find out who changed it; what was read before stays in force here, and rollback stays possible",
                entry: None,
            },
        );
        (self.chain, self.offset, self.seen) = (Chain::new(), 0, 0);
        let mut news = std::mem::take(&mut self.unseen);
        let result = self.follow(&mut |entry| {
            if entry.seq > known {
                news.push(entry.record);
            }
        });
        self.unseen = news;
        result.map(|_| ())
    }

    /// Reads new lines to be returned later; returns the length of a torn end, in bytes.
    pub(super) fn catch_up(&mut self) -> Result<u64, JournalError> {
        if let Some(file) = self.file.clone()
            && self.length(&file)? < self.offset
        {
            self.start_over("it became shorter while in use: lines were cut off its end")?;
        }
        let mut news = std::mem::take(&mut self.unseen);
        let result = self.follow(&mut |entry| news.push(entry.record));
        self.unseen = news;
        result
    }

    /// Reads from the current offset to the end of the file; returns the length of a torn end, in bytes.
    pub(super) fn follow(&mut self, sink: &mut dyn FnMut(Entry)) -> Result<u64, JournalError> {
        let Some(file) = self.file.clone() else { return Ok(0) };
        let mut reader = BufReader::with_capacity(1 << 16, &*file);
        reader.seek(SeekFrom::Start(self.offset)).map_err(|e| self.error("read the journal", &e))?;
        let mut lines = Lines::new(reader, self.offset);
        let mut torn = 0;
        while let Some(piece) = lines.next().map_err(|e| self.error("read the journal", &e))? {
            let step = match piece {
                Piece::Line(line) => self.chain.take(line),
                Piece::TooLong(bytes) => Err(self.chain.pass_over(bytes)),
                Piece::Torn(bytes) => {
                    torn = bytes;
                    break;
                }
            };
            match step {
                Ok(entry) => sink(entry),
                Err(bad) => {
                    if let Some(entry) = self.note(self.chain.lines, bad) {
                        sink(*entry);
                    }
                }
            }
        }
        self.offset = lines.offset();
        self.seen = self.offset + torn;
        Ok(torn)
    }

    /// Keeps the first fault and counts all of them; returns the usable part of the line.
    fn note(&mut self, line: u64, bad: Bad) -> Option<Box<Entry>> {
        self.bad_lines += 1;
        if self.broken.is_none() {
            self.broken = Some(Fault { file: self.path.clone(), line, what: bad.what, remedy: bad.remedy.into() });
        }
        bad.entry
    }

    fn length(&self, file: &File) -> Result<u64, JournalError> {
        file.metadata().map(|meta| meta.len()).map_err(|e| self.error("read the journal", &e))
    }

    pub(super) fn error(&self, doing: &'static str, error: &std::io::Error) -> JournalError {
        JournalError::io(doing, &self.path, error)
    }
}
