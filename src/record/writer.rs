//! A file that grows line by line, written by its own thread. At its size limit it is renamed to `FILE.1` and a new
//! file starts.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// The most items that wait for the disk.
const QUEUE: usize = 4096;

/// An item to write.
pub(super) trait Item: Send + 'static {
    /// The line, without its line end.
    fn text(&self) -> String;
    /// Whether a file may start with this item.
    fn can_open_a_file(&self) -> bool;
}

enum Job<T> {
    Write(T),
    Flush(SyncSender<()>),
}

/// Reports from the thread.
#[derive(Debug, Default)]
struct Status {
    /// The thread needs an item that can start a file: this one is full, or a line was not written completely.
    wants_opening: AtomicBool,
    fault: Mutex<Option<String>>,
}

/// The handle to the thread. Dropping it ends the thread.
#[derive(Debug)]
pub(super) struct Writer<T> {
    jobs: SyncSender<Job<T>>,
    status: Arc<Status>,
}

impl<T: Item> Writer<T> {
    /// Opens `path` and starts the thread. An existing file is renamed to `FILE.1`. A file holds about `limit` bytes.
    ///
    /// # Errors
    /// The file cannot be created or the thread cannot be started.
    pub(super) fn start(path: &Path, limit: u64) -> io::Result<Self> {
        let file = begin(path)?;
        let status = Arc::new(Status::default());
        let (jobs, inbox) = sync_channel(QUEUE);
        let sheet = Sheet { path: path.to_owned(), limit, file, size: 0, is_torn: false, status: Arc::clone(&status) };
        std::thread::Builder::new().name("recorder".into()).spawn(move || sheet.work(&inbox))?;
        Ok(Self { jobs, status })
    }

    /// Passes an item to the thread without waiting; false if it was dropped.
    pub(super) fn put(&self, item: T) -> bool {
        self.jobs.try_send(Job::Write(item)).is_ok()
    }

    /// Whether the next item should be one that can start a file. Returns true once per need.
    pub(super) fn wants_opening(&self) -> bool {
        self.status.wants_opening.swap(false, Ordering::Relaxed)
    }

    /// Why the file cannot be written now.
    pub(super) fn fault(&self) -> Option<String> {
        self.status.fault.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits, at most `limit`, until everything passed so far is in the file.
    pub(super) fn flush(&self, limit: Duration) {
        let (done, answer) = sync_channel(1);
        if self.jobs.try_send(Job::Flush(done)).is_ok() {
            let _ = answer.recv_timeout(limit);
        }
    }
}

struct Sheet {
    path: PathBuf,
    limit: u64,
    file: BufWriter<File>,
    size: u64,
    /// The last line was not written completely. Items are dropped until one can start a file.
    is_torn: bool,
    status: Arc<Status>,
}

impl Sheet {
    fn work<T: Item>(mut self, inbox: &Receiver<Job<T>>) {
        while let Ok(first) = inbox.recv() {
            let mut next = Some(first);
            while let Some(job) = next {
                match job {
                    Job::Write(item) => {
                        let written = self.write(&item);
                        self.settle(written);
                    }
                    Job::Flush(done) => {
                        let flushed = self.file.flush();
                        self.settle(flushed);
                        let _ = done.send(());
                    }
                }
                next = inbox.try_recv().ok();
            }
            // The queue is empty: flush, so that the lines survive a crash.
            let flushed = self.file.flush();
            self.settle(flushed);
        }
    }

    fn write<T: Item>(&mut self, item: &T) -> io::Result<()> {
        let opens = item.can_open_a_file();
        if self.is_torn && !opens {
            return Ok(());
        }
        if opens && self.size >= self.limit {
            self.file.flush()?;
            self.file = begin(&self.path)?;
            self.size = 0;
        } else if self.is_torn {
            self.file.write_all(b"\n")?;
        }
        let mut line = item.text();
        line.push('\n');
        self.file.write_all(line.as_bytes())?;
        self.size += line.len() as u64;
        self.is_torn = false;
        if self.size >= self.limit {
            self.status.wants_opening.store(true, Ordering::Relaxed);
        }
        Ok(())
    }

    fn settle(&mut self, result: io::Result<()>) {
        let fault = result.err().map(|error| format!("cannot write {}: {error}", self.path.display()));
        if fault.is_some() {
            self.is_torn = true;
            self.status.wants_opening.store(true, Ordering::Relaxed);
        }
        if fault.is_some() || !self.is_torn {
            *self.status.fault.lock().unwrap_or_else(PoisonError::into_inner) = fault;
        }
    }
}

/// Creates a new file that only its owner can read. An existing one is kept as `FILE.1`.
fn begin(path: &Path) -> io::Result<BufWriter<File>> {
    if path.exists() {
        std::fs::rename(path, older(path))?;
    }
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map(BufWriter::new)
}

/// The path of the previous file.
pub(super) fn older(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".1");
    name.into()
}
