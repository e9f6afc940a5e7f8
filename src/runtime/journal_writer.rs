//! The journal writer: one thread that does all work on the state directory's disk.
//!
//! It writes the journal, reads what other processes append to it, holds the lease, and writes the gate logs and the
//! series. The main loop never waits for this thread. An order that must be on disk first waits in its own task.

use std::collections::{HashMap, VecDeque};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot};

use crate::domain::{Actor, Fact, LogLine, Record, Sample};
use crate::engine::{Driver, Event};
use crate::journal::{GateLog, Holder, Journal, JournalError, Lease, LeaseState, SeriesFile, Standing, log_file};

/// Jobs that may wait. More than this means that the disk hangs: writing fails then, and forward orders with it.
const JOBS: usize = 1024;
/// Records that could not be written and are tried again.
const BACKLOG: usize = 1000;
/// How often the thread checks the lease and reads other processes' records.
const POLL: Duration = Duration::from_millis(250);
/// The pause before a failed write is tried again.
const RETRY: Duration = Duration::from_secs(2);

enum Job {
    Write { records: Vec<Record>, must_be_first: bool, done: oneshot::Sender<Result<(), String>> },
    Log(LogLine),
    Sample(Sample),
    TakeLease,
    Stop(oneshot::Sender<()>),
}

/// What the thread needs to start.
pub(super) struct WriterOptions {
    /// The service's state directory.
    pub(super) dir: PathBuf,
    /// The operator, for the lease.
    pub(super) me: Actor,
    /// Whether this process takes the lease.
    pub(super) wants_lease: bool,
    /// Where events are sent.
    pub(super) events: mpsc::Sender<Event>,
}

/// The handle to the thread.
#[derive(Debug, Clone)]
pub(super) struct JournalWriter {
    jobs: SyncSender<Job>,
}

impl JournalWriter {
    /// Starts the thread.
    pub(super) fn start(options: WriterOptions, journal: Journal) -> std::io::Result<Self> {
        let (jobs, inbox) = sync_channel(JOBS);
        std::thread::Builder::new().name("journal".into()).spawn(move || Worker::new(options, journal).work(&inbox))?;
        Ok(Self { jobs })
    }

    /// Writes `records`. The receiver gets the result once they are on disk or have failed.
    ///
    /// With `must_be_first` they are written only while this process holds the lease, and not tried again later.
    pub(super) fn write(&self, records: Vec<Record>, must_be_first: bool) -> oneshot::Receiver<Result<(), String>> {
        let (done, answer) = oneshot::channel();
        if let Err(TrySendError::Full(Job::Write { done, .. }) | TrySendError::Disconnected(Job::Write { done, .. })) =
            self.jobs.try_send(Job::Write { records, must_be_first, done })
        {
            let _ = done.send(Err("the disk does not keep up: too many records wait to be written".into()));
        }
        answer
    }

    /// Appends a line to its gate's log file. A line is dropped when the queue is full.
    pub(super) fn log(&self, line: LogLine) -> bool {
        self.jobs.try_send(Job::Log(line)).is_ok()
    }

    /// Keeps figures for the report. They are dropped when the queue is full.
    pub(super) fn sample(&self, sample: Sample) {
        let _ = self.jobs.try_send(Job::Sample(sample));
    }

    /// Takes the lease from the process that holds it.
    pub(super) fn take_lease(&self) {
        let _ = self.jobs.try_send(Job::TakeLease);
    }

    /// Waits at most `limit` until all earlier jobs are on disk, and ends the thread.
    pub(super) async fn stop(self, limit: Duration) {
        let (done, answer) = oneshot::channel();
        if self.jobs.try_send(Job::Stop(done)).is_ok() {
            let _ = tokio::time::timeout(limit, answer).await;
        }
    }
}

struct Worker {
    options: WriterOptions,
    journal: Journal,
    lease: Option<Lease>,
    sent_driver: Option<Driver>,
    sent_broken: bool,
    backlog: VecDeque<Record>,
    last_try: Instant,
    logs: HashMap<String, GateLog>,
    series: Option<SeriesFile>,
}

impl Worker {
    fn new(options: WriterOptions, journal: Journal) -> Self {
        Self {
            options,
            journal,
            lease: None,
            sent_driver: None,
            sent_broken: false,
            backlog: VecDeque::new(),
            last_try: Instant::now(),
            logs: HashMap::new(),
            series: None,
        }
    }

    fn work(mut self, inbox: &Receiver<Job>) {
        if self.options.wants_lease {
            self.take_lease();
        }
        let mut polled = Instant::now();
        loop {
            match inbox.recv_timeout(POLL) {
                Ok(Job::Write { records, must_be_first, done }) => {
                    let _ = done.send(self.write(records, must_be_first));
                }
                Ok(Job::Log(line)) => self.log(&line),
                Ok(Job::Sample(sample)) => self.sample(&sample),
                Ok(Job::TakeLease) => self.take_over(),
                Ok(Job::Stop(done)) => {
                    self.retry();
                    let _ = done.send(());
                    return;
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            if polled.elapsed() >= POLL {
                polled = Instant::now();
                self.poll();
            }
        }
    }

    fn write(&mut self, records: Vec<Record>, must_be_first: bool) -> Result<(), String> {
        if must_be_first {
            self.check_lease()?;
            if let Some(fault) = self.journal.broken() {
                return Err(fault.to_string());
            }
            if !self.backlog.is_empty() {
                self.retry();
            }
        }
        if records.is_empty() {
            return Ok(());
        }
        // Reason: an order waits for the disk; one write for all records is one wait.
        let appended = self.append(&records);
        if appended.is_err() && !must_be_first {
            self.keep_for_later(records);
        }
        appended
    }

    fn keep_for_later(&mut self, records: Vec<Record>) {
        self.last_try = Instant::now();
        for record in records {
            if self.backlog.len() < BACKLOG {
                self.backlog.push_back(record);
            }
        }
    }

    fn append(&mut self, records: &[Record]) -> Result<(), String> {
        let appended = self.journal.append_all(records).map_err(|error| error.to_string())?;
        if !appended.others.is_empty() {
            let _ = self.options.events.blocking_send(Event::Recorded { records: appended.others });
        }
        Ok(())
    }

    /// Writes the records that failed before.
    fn retry(&mut self) {
        self.last_try = Instant::now();
        let had = !self.backlog.is_empty();
        while let Some(record) = self.backlog.front().cloned() {
            if self.append(std::slice::from_ref(&record)).is_err() {
                return;
            }
            self.backlog.pop_front();
        }
        if had {
            let _ = self.options.events.blocking_send(Event::Written { ticket: None });
        }
    }

    /// Reports once that the file shrank, was replaced or was edited while in use.
    fn send_broken(&mut self) {
        if let Some(fault) = self.journal.broken().filter(|_| !self.sent_broken) {
            let text = fault.to_string();
            self.sent_broken = true;
            let _ = self.options.events.blocking_send(Event::JournalBroken { text });
        }
    }

    fn poll(&mut self) {
        if let Ok(records) = self.journal.poll()
            && !records.is_empty()
        {
            let _ = self.options.events.blocking_send(Event::Recorded { records });
        }
        self.send_broken();
        if self.last_try.elapsed() >= RETRY && !self.backlog.is_empty() {
            self.retry();
        }
        if self.options.wants_lease {
            let _ = self.check_lease();
        }
    }

    fn log(&mut self, line: &LogLine) {
        if !self.logs.contains_key(&line.source)
            && let Ok(log) = log_file(&self.options.dir, &line.source)
        {
            self.logs.insert(line.source.clone(), log);
        }
        if let Some(log) = self.logs.get_mut(&line.source)
            && log.append(line).is_err()
        {
            self.logs.remove(&line.source);
        }
    }

    fn sample(&mut self, sample: &Sample) {
        if self.series.is_none() {
            self.series = SeriesFile::open(&self.options.dir).ok();
        }
        // The next call opens the file again: the directory may have been replaced.
        if self.series.as_mut().is_some_and(|series| series.append(sample).is_err()) {
            self.series = None;
        }
    }

    // ---- the lease ----

    fn holder(&self) -> Holder {
        Holder {
            name: self.options.me.name.clone(),
            pid: std::process::id(),
            since: chrono::Utc::now(),
            host: rustix::system::uname().nodename().to_string_lossy().into_owned(),
        }
    }

    fn take_lease(&mut self) {
        match Lease::take(&self.options.dir, &self.holder()) {
            Ok(LeaseState::Held(lease)) => {
                self.lease = Some(lease);
                self.send_driver(Driver::Me);
            }
            Ok(LeaseState::HeldBy(other)) => self.send_driver(Driver::Other(name_of(&other))),
            // Reason: the holder is unknown; the journal reports what is wrong with the directory.
            Err(error) => self.send_driver(unknown(&error)),
        }
    }

    fn take_over(&mut self) {
        if self.lease.as_ref().is_some_and(|lease| matches!(lease.check(), Ok(Standing::Mine))) {
            return;
        }
        match Lease::take_over(&self.options.dir, &self.holder()) {
            Ok((lease, from)) => {
                self.lease = Some(lease);
                self.send_driver(Driver::Me);
                if let Some(from) = from {
                    let fact = Fact::TookOver { from: name_of(&from) };
                    let record = Record { at: chrono::Utc::now(), by: self.options.me.clone(), fact };
                    let _ = self.options.events.blocking_send(Event::Recorded { records: vec![record.clone()] });
                    let _ = self.write(vec![record], false);
                }
            }
            Err(error) => self.send_driver(unknown(&error)),
        }
    }

    fn check_lease(&mut self) -> Result<(), String> {
        if !self.options.wants_lease {
            return Ok(());
        }
        let lost = match &self.lease {
            None => Lease::holder(&self.options.dir),
            Some(lease) => match lease.check() {
                Ok(Standing::Mine) => return Ok(()),
                Ok(Standing::Lost(holder)) => {
                    self.lease = None;
                    holder
                }
                Err(error) => return Err(error.to_string()),
            },
        };
        let name = lost.map(|holder| name_of(&holder));
        self.send_driver(name.clone().map_or(Driver::Nobody, Driver::Other));
        Err(format!("{} drives", name.as_deref().unwrap_or("nobody")))
    }

    fn send_driver(&mut self, driver: Driver) {
        if self.sent_driver.as_ref() != Some(&driver) {
            tracing::info!(?driver, "lease");
            self.sent_driver = Some(driver.clone());
            let _ = self.options.events.blocking_send(Event::Lease { driver });
        }
    }
}

fn unknown(error: &JournalError) -> Driver {
    Driver::Other(format!("nobody can tell who ({error})"))
}

fn name_of(holder: &Holder) -> String {
    format!("{} (pid {})", holder.name, holder.pid)
}
