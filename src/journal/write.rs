//! Appends to the journal and repairs its end. Everything here happens under the lock.

use std::fs::{File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::time::SystemTime;

use crate::domain::{Actor, Fact, Record};

use super::error::{JournalError, Problem};
use super::files;
use super::line::{Chain, Entry};
use super::lock::{self, LOCK_WAIT};
use super::store::{Appended, Journal};

const WRITE: &str = "write the journal";

/// The most files with torn lines. More of them do not come from occasional crashes; the machine needs a look.
const MAX_TORN_FILES: u32 = 9_999;

impl Journal {
    /// Writes `records` as the next lines: all of them or none. When this returns, they are on disk. Only a crash in the
    /// middle may leave the first of them.
    ///
    /// After an error no record is in the file, with one exception: if the sync failed and the file could not be
    /// shortened either, they may be there. Records of other processes are kept for the next append or poll.
    pub fn append_all(&mut self, records: &[Record]) -> Result<Appended, JournalError> {
        // A second round is needed only if the file was replaced between opening and locking.
        for _ in 0..3 {
            let file = self.reconnect_writable()?;
            let _locked = lock::exclusive(&file, &self.path, LOCK_WAIT)?;
            if !files::is_same(&file, &self.path) {
                continue;
            }
            let torn = self.catch_up()?;
            if let Some(told) = self.mend(&file, torn)? {
                self.unseen.push(told);
            }
            let seq = self.write_lines(&file, records)?;
            return Ok(Appended { seq, others: std::mem::take(&mut self.unseen) });
        }
        Err(JournalError::new(Problem::System, WRITE, &self.path, "the file is replaced again and again"))
    }

    /// Reads to the end under the lock and repairs it; returns the number of torn bytes that were cut off.
    ///
    /// An end that looked torn without the lock may have been a line that was being written.
    pub(super) fn settle(&mut self, sink: &mut dyn FnMut(Entry)) -> Result<Option<u64>, JournalError> {
        let file = self.reconnect_writable()?;
        let _locked = lock::exclusive(&file, &self.path, LOCK_WAIT)?;
        let torn = self.follow(sink)?;
        let told = self.mend(&file, torn)?;
        let recovered = told.is_some().then_some(torn);
        if let Some(record) = told {
            sink(Entry { seq: self.chain.seq, record });
        }
        Ok(recovered)
    }

    /// Cuts off a torn end and records that; returns the record, if one was needed.
    fn mend(&mut self, file: &File, torn: u64) -> Result<Option<Record>, JournalError> {
        if torn > 0 {
            self.keep_torn(file)?;
            let record = recovered(torn);
            let done = self.overwrite_torn(&record);
            if done.is_ok() {
                return Ok(Some(record));
            }
            // The torn bytes are safe in their own file. If this record cannot be written now, the next append writes
            // it.
            file.set_len(self.offset).map_err(|e| self.error(WRITE, &e))?;
            self.owed = Some(torn);
            done?;
        }
        let Some(bytes) = self.owed else { return Ok(None) };
        let record = recovered(bytes);
        self.write_lines(file, std::slice::from_ref(&record))?;
        self.owed = None;
        Ok(Some(record))
    }

    /// Copies the torn bytes to their own file, in pieces, since there may be many.
    fn keep_torn(&self, file: &File) -> Result<(), JournalError> {
        for n in 1..=MAX_TORN_FILES {
            let path = self.dir.join(format!("journal.torn.{n}"));
            let fail = |e: &io::Error| JournalError::io("keep the torn end of the journal in", &path, e);
            let mut side = match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path) {
                Ok(side) => side,
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                Err(error) => return Err(fail(&error)),
            };
            let mut torn = file;
            let copied = torn
                .seek(SeekFrom::Start(self.offset))
                .and_then(|_| io::copy(&mut torn, &mut side))
                .and_then(|_| side.sync_all());
            if let Err(error) = copied {
                let _ = std::fs::remove_file(&path);
                return Err(fail(&error));
            }
            return Ok(());
        }
        let detail = format!("{MAX_TORN_FILES} torn ends are kept already");
        Err(JournalError::new(Problem::System, "keep the torn end of the journal in", &self.dir, detail))
    }

    /// Writes the record of a recovery over the torn bytes, then cuts off the rest of them.
    ///
    /// In this order a crash at any point leaves a torn end again, so a recovery is always recorded.
    fn overwrite_torn(&mut self, record: &Record) -> Result<(), JournalError> {
        let (line, after) = self.seal(&self.chain, record)?;
        let end = self.offset + line.len() as u64;
        // A second descriptor: the system ignores the position of one that is opened for appending.
        let place = OpenOptions::new().write(true).open(&self.path).map_err(|e| self.error(WRITE, &e))?;
        place
            .write_all_at(line.as_bytes(), self.offset)
            .and_then(|()| place.set_len(end))
            .and_then(|()| place.sync_data())
            .map_err(|e| self.error(WRITE, &e))?;
        self.advance(end, after);
        Ok(())
    }

    /// Writes one line per record with one write and one sync. After a failure the file has its old length.
    fn write_lines(&mut self, mut file: &File, records: &[Record]) -> Result<u64, JournalError> {
        let (mut lines, mut after) = (String::new(), self.chain.clone());
        for record in records {
            let (line, next) = self.seal(&after, record)?;
            lines.push_str(&line);
            after = next;
        }
        let written = match file.write(lines.as_bytes()) {
            Ok(n) if n == lines.len() => file.sync_data(),
            Ok(n) => {
                let detail = format!("only {n} of {} bytes fitted", lines.len());
                Err(io::Error::new(io::ErrorKind::StorageFull, detail))
            }
            Err(error) => Err(error),
        };
        if let Err(error) = written {
            // If this fails too, the next append finds a torn end and repairs it.
            let _ = file.set_len(self.offset);
            return Err(self.error(WRITE, &error));
        }
        self.advance(self.offset + lines.len() as u64, after);
        Ok(self.chain.seq)
    }

    fn seal(&self, chain: &Chain, record: &Record) -> Result<(String, Chain), JournalError> {
        chain.seal(record).map_err(|what| JournalError::new(Problem::Unfit, WRITE, &self.path, what))
    }

    fn advance(&mut self, end: u64, after: Chain) {
        (self.offset, self.seen, self.chain) = (end, end, after);
    }
}

fn recovered(bytes: u64) -> Record {
    Record { at: SystemTime::now().into(), by: Actor::auto(), fact: Fact::Recovered { bytes } }
}
