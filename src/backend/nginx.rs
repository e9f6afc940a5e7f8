//! nginx: cutover owns one file of its configuration, tests it, replaces it as a whole, and reloads nginx.
//!
//! Open-source nginx has no interface to show or set a split. So the file holds the split, and the processes show
//! whether it is in effect. An order is verified when a worker that started after the file was written accepts
//! connections, and no older worker does. Workers that only finish open requests are shown as a note.
//!
//! A forward change is tested with the file in place, because nginx reads nothing else. If the test fails, the old
//! file is restored with its old time. nginx reads the file only at a reload, and the new file is written from a
//! fixed pattern. So a crash in between leaves a valid file and a split that is shown as mixed. A rollback is not
//! tested: nginx itself tests at a reload and keeps its old configuration if that fails.
//!
//! Every change replaces workers, which may reset open client connections. So a split that is already in effect is
//! not written again.

mod include;
mod proof;
mod read;
mod spec;
mod workers;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use tokio::process::Command;
use tokio::sync::Mutex;
use tokio::time::sleep;

use self::include::Reading;
use self::proof::{Proof, Prover};
pub(crate) use self::spec::NginxSpec;
use self::workers::{NoMaster, Workers};
use super::configured::Spec;
use super::file::{self, Before, Lock};
use super::kind::{COMMON, Kind};
use super::run::{self, Ended, Stopped};
use super::{
    Accepted, Applying, BackendError, BackendFuture, Capabilities, Observer, Preview, Sending, TrafficBackend,
    TrafficSystem, Weights, already, sequenced,
};
use crate::domain::text::clean;
use crate::domain::{Observation, Order, WayBack};

/// The row of nginx in the table of kinds.
pub(super) const KIND: Kind = Kind {
    name: "nginx",
    keys: &[&COMMON, &read::KEYS],
    tables: &[],
    page: include_str!("nginx/page.md"),
    keeps_requests: false,
    read: read::read,
};

impl Spec for NginxSpec {
    fn connect(&self) -> Arc<dyn TrafficBackend> {
        sequenced(KIND.name, Nginx { spec: Arc::new(self.clone()), writing: Arc::default(), prover: Prover::default() })
    }

    fn weights(&self) -> Weights {
        self.shares.clone().map_or(Weights::Any, Weights::Listed)
    }
}

/// The time limit of a test. A large configuration takes a second; a name that cannot be looked up takes more.
const TEST_LIMIT: Duration = Duration::from_secs(20);
/// The time limit of a reload command.
const RELOAD_LIMIT: Duration = Duration::from_secs(20);
/// How long a forward order waits for another console's lock.
const LOCK_LIMIT: Duration = Duration::from_secs(2);
/// How long a rollback waits for it; then it goes on without the lock.
const LOCK_LIMIT_BACK: Duration = Duration::from_millis(200);

/// One nginx. Must be called within a tokio runtime.
#[derive(Debug)]
pub(super) struct Nginx {
    spec: Arc<NginxSpec>,
    /// Held by the thread that writes. So a write whose order was ended is finished before the next one starts.
    writing: Arc<Mutex<()>>,
    prover: Prover,
}

impl TrafficSystem for Nginx {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            weights: self.spec.weights(),
            applying: Applying::ReloadsListeners,
            compare_and_set: false,
            ..Capabilities::direct()
        }
    }

    fn prepare<'a>(&'a self, order: &'a Order, _again: bool) -> BackendFuture<'a, Sending<'a>> {
        Box::pin(async move {
            if order.kind.is_forward() {
                return self.forward(order).await;
            }
            let sending: Sending<'a> = Box::pin(self.back(order));
            Ok(sending)
        })
    }
}

impl Observer for Nginx {
    fn observe(&self) -> BackendFuture<'_, Observation> {
        let spec = Arc::clone(&self.spec);
        Box::pin(async move {
            let proof = self.prover.look(&spec).await.unwrap_or_default();
            blocking(move || spec.look(&proof)).await
        })
    }

    fn preview(&self, order: &Order) -> Preview {
        let spec = &self.spec;
        let text = include::write(spec, order.target, 0, &order.id, None);
        let mut lines: Vec<String> = text.lines().skip(2).map(|line| clean(line, 200)).collect();
        if order.kind.is_forward() {
            lines.push(format!("then: {}", clean(&spec.test.join(" "), 200)));
        }
        lines.push(match (&spec.reload, &spec.pid) {
            (Some(words), _) => format!("then: {}", clean(&words.join(" "), 200)),
            (None, Some(pid)) => format!("then: HUP to the process of {}", file::shown(pid)),
            (None, None) => "then: nothing reloads nginx".into(),
        });
        Preview { target: file::shown(&spec.include), lines }
    }
}

/// Reading; these functions block.
impl NginxSpec {
    fn look(&self, proof: &Proof) -> Result<Observation, BackendError> {
        let before = file::read(&self.include)?;
        let reading = self.reading(&before)?;
        let mut notes = vec!["each change reloads nginx: clients that keep connections open may see resets".to_owned()];
        let mut mixed = reading.odd.or_else(|| proof.no_effect.clone());
        notes.extend(proof.unknown.clone());
        match self.workers(&before)? {
            None => notes.push("its workers cannot be seen from here: this is what the file says".into()),
            Some(workers) => {
                mixed = mixed.or_else(|| not_in_force(workers));
                if let Some(pid) = self.old_master() {
                    mixed = mixed.or(Some(two_masters(pid)));
                }
                if workers.leaving > 0 {
                    notes.push(format!(
                        "{} old workers finish open requests and streams by the split before",
                        workers.leaving
                    ));
                }
            }
        }
        let rollback = WayBack { why_not: self.no_way_back(proof), ..WayBack::default() };
        Ok(Observation { mixed, rollback, notes, ..Observation::of(reading.split, reading.revision) })
    }

    /// Why an order back could not be carried out now: the file, the signal, or nginx's own configuration.
    fn no_way_back(&self, proof: &Proof) -> Option<String> {
        let file = file::may_write(&self.include).err().map(|error| error.to_string());
        let signal = || {
            let pid = master(self.pid.as_ref().filter(|_| self.reload.is_none())?).ok()?;
            let told = Pid::from_raw(pid).map(test_kill_process)?;
            let is_denied = told == Err(rustix::io::Errno::PERM);
            is_denied
                .then(|| format!("this user may not signal nginx's process {pid}: write reload, or run as its user"))
        };
        let load = || Some(format!("nginx cannot load its configuration: {}", proof.cannot_load.as_ref()?));
        file.or_else(signal).or_else(load)
    }

    /// The master of before, while nginx's program is replaced (USR2): both take connections, and a reload reaches one.
    fn old_master(&self) -> Option<i32> {
        let mut file = self.pid.clone()?.into_os_string();
        file.push(".oldbin");
        workers::master(Path::new(&file)).ok()
    }

    /// A command of the config, run beside the file.
    fn command(&self, words: &[String]) -> Option<Command> {
        let (program, arguments) = words.split_first()?;
        let mut command = Command::new(program);
        command.args(arguments).current_dir(self.include.parent().unwrap_or(Path::new("/")));
        Some(command)
    }

    fn reading(&self, before: &Before) -> Result<Reading, BackendError> {
        include::read(self, &before.text)
            .map_err(|why| BackendError::Garbled(format!("{}: {why}", file::shown(&self.include))))
    }

    fn workers(&self, before: &Before) -> Result<Option<Workers>, BackendError> {
        let Some(pid) = &self.pid else { return Ok(None) };
        let stamp = include::written(&before.text);
        let of = |master| workers::workers(master, stamp.as_ref(), before.written);
        let now = of(master(pid)?);
        Ok(Some(self.old_master().map_or(now, |old| now.and(of(old)))))
    }

    fn known(&self) -> Result<Known, BackendError> {
        let before = file::read(&self.include)?;
        let reading = self.reading(&before)?;
        let workers = self.workers(&before);
        Ok(Known { before, reading, workers })
    }
}

fn not_ours(path: &std::path::Path) -> BackendError {
    BackendError::Refused(format!(
        "{} holds more than one split_clients block: cutover does not write over it. Name a file of its own in include",
        file::shown(path)
    ))
}

/// The state before an order.
struct Known {
    before: Before,
    reading: Reading,
    workers: Result<Option<Workers>, BackendError>,
}

impl Known {
    /// Whether `order` would change nothing.
    fn is_in_force(&self, order: &Order, workers: Option<Workers>) -> bool {
        let in_force = self.reading.odd.is_none() && workers.is_some_and(|workers| not_in_force(workers).is_none());
        self.reading.split == order.target && in_force
    }
}

impl Nginx {
    async fn known(&self) -> Result<Known, BackendError> {
        let spec = Arc::clone(&self.spec);
        blocking(move || spec.known()).await
    }

    /// Checks whether `order` may be sent, and keeps other consoles out until it was sent.
    async fn forward<'a>(&'a self, order: &'a Order) -> Result<Sending<'a>, BackendError> {
        let lock = Lock::take(&self.spec.include, LOCK_LIMIT).await?;
        let known = self.known().await?;
        if let Some(expected) = order.expected.as_ref().filter(|expected| **expected != known.reading.revision) {
            let (now, expected) = (&known.reading.revision.0, clean(&expected.0, 40));
            return Err(BackendError::Conflict(format!("the file is {now} by now, not {expected}")));
        }
        let workers = known.workers.clone()?;
        if let Some(pid) = self.spec.old_master() {
            return Err(BackendError::Refused(two_masters(pid)));
        }
        if known.is_in_force(order, workers) {
            return Ok(already(order));
        }
        sleep(workers.map_or(Duration::ZERO, workers::too_young)).await;
        Ok(Box::pin(async move {
            let _lock = lock;
            self.write(order, known.reading.number).await?;
            if let Err(why) = self.test().await {
                self.put(known.before.text, Some(known.before.written)).await?;
                return Err(why);
            }
            self.reload().await?;
            Ok(Accepted::as_asked(order))
        }))
    }

    async fn back(&self, order: &Order) -> Result<Accepted, BackendError> {
        let _lock = Lock::take(&self.spec.include, LOCK_LIMIT_BACK).await.unwrap_or(Lock::none());
        // A rollback must not fail because the file is broken: it writes a new one. But never over another's file.
        let known = self.known().await.ok();
        if known.is_none() {
            self.owned().await?;
        }
        if let Some(known) = &known {
            let workers = known.workers.clone().unwrap_or(None);
            if known.is_in_force(order, workers) {
                return Ok(Accepted::as_asked(order));
            }
            sleep(workers.map_or(Duration::ZERO, workers::too_young)).await;
        }
        self.write(order, known.map_or(0, |known| known.reading.number)).await?;
        self.reload().await?;
        // Why nginx does not take it, where it does not, is asked aside.
        self.prover.again();
        Ok(Accepted::as_asked(order))
    }

    /// Refuses a file that is not ours. A file that is not there can be made.
    async fn owned(&self) -> Result<(), BackendError> {
        let path = self.spec.include.clone();
        blocking(move || match file::read(&path) {
            Ok(before) if !include::is_ours(&before.text) => Err(not_ours(&path)),
            Err(BackendError::Garbled(_)) => Err(not_ours(&path)),
            _ => Ok(()),
        })
        .await
    }

    /// Writes the next file; `number` is that of the current one.
    async fn write(&self, order: &Order, number: u64) -> Result<(), BackendError> {
        let text = include::write(&self.spec, order.target, number + 1, &order.id, workers::now().as_ref());
        self.put(text, None).await
    }

    async fn put(&self, text: String, written: Option<std::time::SystemTime>) -> Result<(), BackendError> {
        let path = self.spec.include.clone();
        let writing = Arc::clone(&self.writing).lock_owned().await;
        blocking(move || {
            let _held = writing;
            file::write(&path, &text, written)
        })
        .await
    }

    async fn test(&self) -> Result<(), BackendError> {
        let ended = self.run(&self.spec.test, TEST_LIMIT, BackendError::Unreachable).await?;
        let why = complaint(&ended);
        if ended.code == Some(0) {
            return Ok(());
        }
        Err(BackendError::Refused(format!(
            "{} fails, the old file is back: {why}",
            clean(&self.spec.test.join(" "), 80)
        )))
    }

    async fn reload(&self) -> Result<(), BackendError> {
        if let Some(words) = &self.spec.reload {
            let ended = self.run(words, RELOAD_LIMIT, BackendError::Unknown).await?;
            return match ended.code {
                Some(0) => Ok(()),
                _ => Err(BackendError::Unknown(format!(
                    "the file is written, but the reload fails: {}",
                    complaint(&ended)
                ))),
            };
        }
        let Some(file) = &self.spec.pid else {
            return Err(BackendError::Refused("neither pid nor reload is configured".into()));
        };
        let pid = master(file).map_err(|error| match error {
            BackendError::Unreachable(text) => {
                BackendError::Unreachable(format!("the file is written and counts from the next start; {text}"))
            }
            other => other,
        })?;
        let signal =
            |pid, signal| Pid::from_raw(pid).map_or(Err(rustix::io::Errno::SRCH), |pid| kill_process(pid, signal));
        // While its program is replaced, two masters take connections, and the old one does not read its files again: its
        // workers end, and it can still be brought back.
        let told = signal(pid, Signal::HUP)
            .and_then(|()| self.spec.old_master().map_or(Ok(()), |old| signal(old, Signal::WINCH)));
        told.map_err(|error| {
            let text = format!("the file is written, but process {pid} takes no HUP: {error}");
            match error {
                rustix::io::Errno::PERM => BackendError::Denied(text),
                _ => BackendError::Unreachable(text),
            }
        })
    }

    /// Runs a command. `late` is the error if it does not end within `limit`.
    async fn run(
        &self,
        words: &[String],
        limit: Duration,
        late: fn(String) -> BackendError,
    ) -> Result<Ended, BackendError> {
        let command = self.spec.command(words);
        let command = command.ok_or_else(|| BackendError::Refused("the command names no program".into()))?;
        let program = clean(words.first().map_or("", String::as_str), 80);
        run::run(command, limit).await.map_err(|stopped| match stopped {
            Stopped::NotStarted(error) => BackendError::Unreachable(format!("cannot start {program}: {error}")),
            Stopped::Late => late(format!("{program} did not end within {} s", limit.as_secs())),
            Stopped::Flooded => BackendError::Unreachable(format!("{program} wrote without end and was killed")),
            Stopped::Lost(why) => BackendError::Unreachable(format!("the end of {program} could not be seen: {why}")),
        })
    }
}

fn two_masters(old: i32) -> String {
    format!("two masters of nginx take connections, the old one is process {old}: end it with QUIT, or the new one")
}

/// Why nginx does not use the file yet.
fn not_in_force(workers: Workers) -> Option<String> {
    match (workers.old, workers.new) {
        (0, 0) => Some("nginx has no worker that takes connections".into()),
        (0, _) => None,
        (old, 0) => Some(format!("not reloaded since the file was written: {old} workers serve by the split before")),
        (old, new) => Some(format!("{old} of {} workers still serve by the split before", old + new)),
    }
}

fn master(pid: &Path) -> Result<i32, BackendError> {
    workers::master(pid).map_err(|why| match why {
        NoMaster::Gone(text) => BackendError::Unreachable(format!(
            "nginx has no master process that could take a change: {}; workers it left behind may still serve by the \
             split before",
            clean(&text, 240)
        )),
        NoMaster::Denied(text) => BackendError::Denied(clean(&text, 240)),
    })
}

/// The most useful line of nginx's error output.
fn complaint(ended: &Ended) -> String {
    let text = String::from_utf8_lossy(&ended.err);
    let lines = || text.lines().map(str::trim).filter(|line| !line.is_empty());
    let line =
        lines().find(|line| line.contains("[emerg]")).or_else(|| lines().next_back()).unwrap_or("no reason given");
    clean(line, 240)
}

async fn blocking<T: Send + 'static>(
    look: impl FnOnce() -> Result<T, BackendError> + Send + 'static,
) -> Result<T, BackendError> {
    let done = tokio::task::spawn_blocking(look).await;
    done.unwrap_or_else(|error| Err(BackendError::Unreachable(format!("the look was given up: {error}"))))
}
