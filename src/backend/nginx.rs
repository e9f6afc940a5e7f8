//! nginx: a file of its configuration that cutover owns, tested, put in place whole, and taken in by a reload.
//!
//! Open-source nginx has no interface that tells or sets a split, so the file is the split, and the processes tell
//! whether it is in force: an order is verified once a worker that was started after the file was written takes
//! connections, and none that was started before. Workers that only finish what they have are told as a note.
//!
//! A forward change is tested with the file in place, because nothing else is what nginx would read; when the test
//! fails the old file comes back with its old time. nginx reads the file only on a reload, and the new one is written
//! from a fixed pattern, so that a crash in between leaves a sound file and a split that is told as mixed. A rollback
//! is not tested: nginx tests by itself and keeps what it has when a reload fails.
//!
//! Every change replaces workers: clients that keep connections open may see them reset. A split that is in force
//! already is not written again.

pub(super) mod file;
mod include;
mod workers;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::process::Command;
use tokio::sync::Mutex;
use tokio::time::sleep;

use self::file::{Before, Turn};
use self::include::Said;
use self::workers::{NoMaster, Workers};
use super::acts::Acts;
use super::run::{self, Ended, Stopped};
use super::{
    Accepted, Answer, Applying, BackendError, Capabilities, Driver, Observer, Preview, ProbeTarget, TrafficBackend,
    Weights,
};
use crate::domain::router::nginx::NginxSpec;
use crate::domain::text::clean;
use crate::domain::{Observation, Order, Pair, Side};

/// A test of a large configuration takes a second; a name in it that cannot be looked up takes more.
const TEST_LIMIT: Duration = Duration::from_secs(20);
/// How long a command that reloads may take.
const RELOAD_LIMIT: Duration = Duration::from_secs(20);
/// How long a forward order waits for another console's.
const TURN_LIMIT: Duration = Duration::from_secs(2);
/// How long a rollback does, before it goes on without.
const TURN_LIMIT_BACK: Duration = Duration::from_millis(200);

/// One nginx. Cheap to clone; needs a tokio runtime to be called in.
#[derive(Debug, Clone)]
pub struct Nginx {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    spec: NginxSpec,
    sides: Pair<Vec<String>>,
    acts: Acts,
    /// Held by the thread that writes: a write whose order was ended meanwhile is over before the next begins.
    writing: Arc<Mutex<()>>,
}

impl Nginx {
    /// The nginx that `spec` describes; `sides` are base URLs that reach each side whatever the split.
    pub fn new(spec: NginxSpec, sides: Pair<Vec<String>>) -> Self {
        Self { inner: Arc::new(Inner { spec, sides, acts: Acts::default(), writing: Arc::default() }) }
    }
}

impl TrafficBackend for Nginx {
    fn name(&self) -> &'static str {
        "nginx"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            weights: self.inner.spec.shares.clone().map_or(Weights::Any, Weights::Listed),
            applying: Applying::ReloadsListeners,
            compare_and_set: false,
            ..Capabilities::direct()
        }
    }

    fn observer(&self) -> Arc<dyn Observer> {
        Arc::new(self.clone())
    }

    fn driver(&self) -> Result<Arc<dyn Driver>, BackendError> {
        Ok(Arc::new(self.clone()))
    }
}

impl Observer for Nginx {
    fn observe(&self) -> Answer<'_, Observation> {
        let inner = Arc::clone(&self.inner);
        Box::pin(async move { blocking(move || inner.look()).await })
    }

    fn probe_targets(&self, side: Side) -> Vec<ProbeTarget> {
        ProbeTarget::at_each(&self.inner.sides[side])
    }

    fn preview(&self, order: &Order) -> Preview {
        let spec = &self.inner.spec;
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

impl Driver for Nginx {
    fn apply<'a>(&'a self, order: &'a Order) -> Answer<'a, Accepted> {
        let inner = Arc::clone(&self.inner);
        let act = move |_| {
            let order = order.clone();
            async move { inner.carry_out(&order).await }
        };
        Box::pin(self.inner.acts.once(&order.id, act))
    }
}

impl Inner {
    fn look(&self) -> Result<Observation, BackendError> {
        let before = file::read(&self.spec.include)?;
        let said = self.said(&before)?;
        let mut notes = vec!["each change reloads nginx: clients that keep connections open may see resets".to_owned()];
        let mut mixed = said.odd;
        match self.workers(&before)? {
            None => notes.push("its workers cannot be seen from here: this is what the file says".into()),
            Some(workers) => {
                mixed = mixed.or_else(|| not_in_force(workers));
                if workers.leaving > 0 {
                    notes.push(format!(
                        "{} old workers finish open requests and streams by the split before",
                        workers.leaving
                    ));
                }
            }
        }
        Ok(Observation {
            split: said.split,
            mixed,
            revision: said.revision,
            replicas: Pair::default(),
            versions: Pair::default(),
            traffic: None,
            controller: None,
            notes,
        })
    }

    fn said(&self, before: &Before) -> Result<Said, BackendError> {
        include::read(&self.spec, &before.text)
            .map_err(|why| BackendError::Garbled(format!("{}: {why}", file::shown(&self.spec.include))))
    }

    fn workers(&self, before: &Before) -> Result<Option<Workers>, BackendError> {
        let Some(pid) = &self.spec.pid else { return Ok(None) };
        let stamp = include::written(&before.text);
        Ok(Some(workers::workers(master(pid)?, stamp.as_ref(), before.written)))
    }

    async fn carry_out(self: Arc<Self>, order: &Order) -> Result<Accepted, BackendError> {
        let forward = order.kind.is_forward();
        let limit = if forward { TURN_LIMIT } else { TURN_LIMIT_BACK };
        let turn = Turn::take(&self.spec.include, limit).await;
        let _turn = if forward { turn? } else { turn.unwrap_or(Turn::none()) };
        let me = Arc::clone(&self);
        let known = blocking(move || {
            let before = file::read(&me.spec.include)?;
            let said = me.said(&before)?;
            let workers = me.workers(&before);
            Ok((before, said, workers))
        })
        .await;
        let known = match known {
            Ok((before, said, workers)) => {
                if let Some(expected) = order.expected.as_ref().filter(|expected| **expected != said.revision) {
                    let (now, expected) = (&said.revision.0, clean(&expected.0, 40));
                    return Err(BackendError::Conflict(format!("the file is {now} by now, not {expected}")));
                }
                let workers = if forward { workers? } else { workers.unwrap_or(None) };
                let in_force = said.odd.is_none() && workers.is_some_and(|workers| not_in_force(workers).is_none());
                if said.split == order.target && in_force {
                    return Ok(Accepted { revision: Some(said.revision) });
                }
                sleep(workers.map_or(Duration::ZERO, workers::too_young)).await;
                Some((before, said))
            }
            // A rollback must not fail because somebody broke the file: it is written anew.
            Err(_) if !forward => None,
            Err(error) => return Err(error),
        };
        let number = known.as_ref().map_or(0, |(_, said)| said.number) + 1;
        let text = include::write(&self.spec, order.target, number, &order.id, workers::now().as_ref());
        let revision = include::revision(&text);
        self.put(text, None).await?;
        if let Some((before, _)) = known.filter(|_| forward)
            && let Err(why) = self.test().await
        {
            self.put(before.text, Some(before.written)).await?;
            return Err(why);
        }
        self.reload().await?;
        Ok(Accepted { revision: Some(revision) })
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
        let ended = self.run(&self.spec.test, TEST_LIMIT).await?;
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
            let ended = self.run(words, RELOAD_LIMIT).await.map_err(|error| match error {
                BackendError::Unreachable(text) if text.contains("did not end") => BackendError::Unknown(text),
                other => other,
            })?;
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
        let told = Pid::from_raw(pid).map_or(Err(rustix::io::Errno::SRCH), |pid| kill_process(pid, Signal::HUP));
        told.map_err(|error| {
            let text = format!("the file is written, but process {pid} takes no HUP: {error}");
            match error {
                rustix::io::Errno::PERM => BackendError::Denied(text),
                _ => BackendError::Unreachable(text),
            }
        })
    }

    async fn run(&self, words: &[String], limit: Duration) -> Result<Ended, BackendError> {
        let (program, arguments) =
            words.split_first().ok_or_else(|| BackendError::Refused("the command names no program".into()))?;
        let mut command = Command::new(program);
        command.args(arguments).current_dir(self.spec.include.parent().unwrap_or(Path::new("/")));
        let program = clean(program, 80);
        run::run(command, limit).await.map_err(|stopped| match stopped {
            Stopped::NotStarted(error) => BackendError::Unreachable(format!("cannot start {program}: {error}")),
            Stopped::Late => BackendError::Unreachable(format!("{program} did not end within {} s", limit.as_secs())),
            Stopped::Flooded => BackendError::Unreachable(format!("{program} wrote without end and was killed")),
            Stopped::Lost(why) => BackendError::Unreachable(format!("the end of {program} could not be seen: {why}")),
        })
    }
}

/// Why the file is not yet what nginx serves by.
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

/// The line of nginx's complaint that says most.
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
