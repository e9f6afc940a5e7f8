//! The journal of a running process: what it has read, and what others write meanwhile.

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

/// What was found when a journal was opened.
#[derive(Debug, Default)]
pub struct Opened {
    /// All records that can be trusted to be as they were written, oldest first; empty where a sink took them.
    pub records: Vec<Record>,
    /// A crash had torn the last line: this many bytes were cut away, and a record says so.
    pub recovered_bytes: Option<u64>,
    /// The first place where the file is not what was written. Forward must be refused then.
    pub broken: Option<Fault>,
    /// How many lines have such a fault.
    pub bad_lines: u64,
    /// Why nothing can be written now. Each append tries again.
    pub unwritable: Option<JournalError>,
}

/// What an append brought.
#[derive(Debug, Clone, PartialEq)]
pub struct Appended {
    /// The number of the last new line.
    pub seq: u64,
    /// What other processes (or a recovery) wrote before it, not yet handed out.
    pub others: Vec<Record>,
}

/// The journal of one service, open for reading and appending.
///
/// Several processes may have the same one open. Each append takes the lock on the file, reads what others
/// wrote, writes its line with a single call, syncs, and lets go.
#[derive(Debug)]
pub struct Journal {
    pub(super) dir: PathBuf,
    pub(super) path: PathBuf,
    pub(super) file: Option<Arc<File>>,
    pub(super) writable: bool,
    /// All before it was read and belongs to whole lines.
    pub(super) offset: u64,
    /// How long the file was at the last look, torn tail included.
    pub(super) seen: u64,
    pub(super) chain: Chain,
    pub(super) broken: Option<Fault>,
    pub(super) bad_lines: u64,
    /// Read, but not yet handed out.
    pub(super) unseen: Vec<Record>,
    /// A torn line was cut away, but the record of it could not be written yet.
    pub(super) owed: Option<u64>,
    busy_since: Option<Instant>,
}

impl Journal {
    /// Opens the journal in `dir`, creating both where they are missing, and reads all of it.
    ///
    /// A directory or file that cannot be written is no error: [`Opened::unwritable`] says why, and appends
    /// fail until it can. An error means that an existing journal cannot be *read*.
    pub fn open(dir: &Path) -> Result<(Self, Opened), JournalError> {
        let mut records = Vec::new();
        let (journal, mut opened) = Self::open_each(dir, &mut |record| records.push(record))?;
        opened.records = records;
        Ok((journal, opened))
    }

    /// Like [`Journal::open`], but hands each record to `sink` instead of collecting them: for long journals.
    pub fn open_each(dir: &Path, sink: &mut dyn FnMut(Record)) -> Result<(Self, Opened), JournalError> {
        let mut journal = Self::closed(dir);
        let mut opened = Opened { unwritable: journal.connect()?, ..Opened::default() };
        // Most of it is read without the lock, so that a long journal keeps no one waiting.
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

    /// Where the journal is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The first place where the file was found not to be what was written, at any time since the start.
    pub const fn broken(&self) -> Option<&Fault> {
        self.broken.as_ref()
    }

    /// The hash of the last line read.
    pub fn head(&self) -> &str {
        &self.chain.hash
    }

    /// What other processes wrote since the last look. Costs two `stat` calls when that is nothing.
    ///
    /// While another process writes, the answer is empty and the next call has the records; an error only when that
    /// goes on for longer than [`LOCK_WAIT`].
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

    /// Opens the file: for writing if possible, else for reading, and then says why.
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

    /// Opens the file again where it could not be written before, or where its name leads elsewhere by now.
    /// An error says why it cannot be written.
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

    /// Follows the name: a file that was removed or replaced would take records to nowhere.
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

    /// Reads the whole file again after it changed under us; what was handed out before is not again.
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

    /// Reads what was added, to be handed out; how many bytes behind it are torn.
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

    /// Reads from where we are to the end of the file; how many bytes behind the last line are torn.
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

    /// Keeps the first fault and counts all; gives back what of the line can be used.
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
