//! Any other traffic system, through the user's own commands or HTTP calls.
//!
//! `read` prints the split; `set`, `switch` and `rollback` change it. The checks are the same as for every backend.
//! The answer of an act never means "done": the split is read back. An act that does not end is UNKNOWN and is killed
//! with all its child processes. A state that is not the expected one is a conflict. An order's id acts only once.
//! The user says what the system supports.
//!
//! A command reports its result by its exit code: 0 accepted, 75 (or `conflict_code`) the state is not
//! `{{expected}}`, 77 not allowed, 69 not reachable and certainly nothing done, 64 refused. After any other code the
//! result is unknown. A call reports its result by its status.

mod call;
mod fill;
mod read;
mod reading;
mod spec;

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::process::Command;

use self::fill::Values;
pub(crate) use self::spec::Act;
pub use self::spec::HookSpec;
use super::configured::Spec;
use super::exchange;
use super::kind::{COMMON, Kind};
use super::run::{self, Ended, Stopped};
use super::{
    Accepted, Applying, BackendError, BackendFuture, Capabilities, Observer, Preview, Sending, TrafficBackend,
    TrafficSystem, Weights, already, sequenced,
};
use crate::domain::text::clean;
use crate::domain::{Observation, Order, Pace, Revision};
use crate::http::Client;
use crate::settings::TRANSPORT;

/// The row of commands in the table of kinds.
pub(super) const EXEC: Kind = Kind {
    name: "exec",
    keys: &[&COMMON, &read::EXEC, &read::BOTH],
    tables: &[],
    page: include_str!("hook/exec.md"),
    keeps_requests: false,
    read: read::exec,
};

/// The row of HTTP calls in the table of kinds.
pub(super) const HTTP: Kind = Kind {
    name: "http",
    keys: &[&COMMON, &read::HTTP, &read::BOTH, &TRANSPORT],
    tables: &[&read::CALL],
    page: include_str!("hook/http.md"),
    keeps_requests: false,
    read: read::http,
};

impl Spec for HookSpec {
    fn connect(&self) -> Arc<dyn TrafficBackend> {
        let client = exchange::client(&self.transport);
        sequenced(self.kind(), Hook { spec: self.clone(), client, seen: Mutex::default() })
    }

    fn weights(&self) -> Weights {
        self.can.weights.clone()
    }

    /// An act may take as long as the config gives it: before that, nothing is known of it.
    fn pace(&self) -> Pace {
        let answer_within_ms = Pace::DIRECT.answer_within_ms.max(self.timeout_ms + MARGIN_MS);
        let settle_within_ms = Pace::DIRECT.settle_within_ms.max(answer_within_ms);
        Pace { answer_within_ms, settle_within_ms, ..Pace::DIRECT }
    }
}

/// How much later than an act's own limit its caller gives up, in milliseconds.
const MARGIN_MS: u64 = 500;
/// The time limit of a reading: the caller gives up after two seconds.
const READ_LIMIT: Duration = Duration::from_millis(1800);
/// `EX_USAGE`: the act refuses the request.
const REFUSED: i32 = 64;
/// `EX_UNAVAILABLE`: the router cannot be reached; nothing was done.
const UNREACHABLE: i32 = 69;
/// `EX_NOPERM`: the credentials are not sufficient.
const DENIED: i32 = 77;

/// A traffic system behind hooks. Must be called within a tokio runtime.
#[derive(Debug)]
pub(super) struct Hook {
    spec: HookSpec,
    client: Result<Client, BackendError>,
    /// The last revision that was read.
    seen: Mutex<Option<Revision>>,
}

/// The answer of an act or a reading.
struct Response {
    body: Vec<u8>,
    header: Option<String>,
}

impl TrafficSystem for Hook {
    fn capabilities(&self) -> Capabilities {
        let can = &self.spec.can;
        Capabilities {
            weights: self.spec.weights(),
            applying: if can.asynchronous { Applying::Asynchronous } else { Applying::Atomic },
            survives_restart: can.survives_restart,
            compare_and_set: can.compare_and_set,
        }
    }

    fn prepare<'a>(&'a self, order: &'a Order, again: bool) -> BackendFuture<'a, Sending<'a>> {
        Box::pin(self.checked(order, again))
    }

    fn ends_when_dropped(&self) -> bool {
        matches!(self.spec.read, Act::Run(_))
    }
}

impl Observer for Hook {
    fn observe(&self) -> BackendFuture<'_, Observation> {
        Box::pin(self.read())
    }

    fn preview(&self, order: &Order) -> Preview {
        let spec = &self.spec;
        let shown = spec.act(order).and_then(|act| {
            let values = Values::of_order(&spec.service, order, self.seen().as_ref())?;
            match act {
                Act::Run(words) => Ok((clean(&spec.dir.to_string_lossy(), 200), vec![shell_words(words, &values)?])),
                Act::Call(call) => call::preview(call, &values),
            }
        });
        match shown {
            Ok((target, lines)) => Preview { target, lines },
            Err(error) => Preview { target: spec.kind().into(), lines: vec![error.to_string()] },
        }
    }
}

impl HookSpec {
    /// The act that carries out `order`.
    fn act(&self, order: &Order) -> Result<&Act, BackendError> {
        let whole = order.target.share(order.toward) == 100;
        let forward = if whole { self.switch.as_ref().or(self.set.as_ref()) } else { self.set.as_ref() };
        let act = if order.kind.is_forward() { forward } else { self.rollback.as_ref().or(forward) };
        act.ok_or_else(|| BackendError::Refused(format!("no set is configured that could reach {}", order.target)))
    }
}

impl Hook {
    async fn read(&self) -> Result<Observation, BackendError> {
        let values = Values::of_reading(&self.spec.service);
        let response = self.perform(&self.spec.read, &values, READ_LIMIT).await?;
        let seen = reading::read(&self.spec.answer, &response.body, response.header.as_deref())?;
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(seen.revision.clone());
        Ok(seen)
    }

    fn seen(&self) -> Option<Revision> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Checks whether `order` may be sent, if the system does not check that itself.
    async fn checked<'a>(&'a self, order: &'a Order, again: bool) -> Result<Sending<'a>, BackendError> {
        let act = self.spec.act(order)?;
        // A rollback is sent without a check. If it was sent before, the state is read first.
        let looks = again || (order.expected.is_some() && !self.spec.can.compare_and_set);
        let now = if looks { Some(self.read().await) } else { None };
        let is_there = |now: &Observation| again && now.split == order.target && now.mixed.is_none();
        match (now, &order.expected) {
            (Some(Ok(now)), _) if is_there(&now) => return Ok(already(order)),
            (Some(Ok(now)), Some(expected)) if now.revision != *expected => {
                let (now, expected) = (clean(&now.revision.0, 60), clean(&expected.0, 60));
                return Err(BackendError::Conflict(format!("revision is {now} by now, not {expected}")));
            }
            (Some(Err(error)), Some(_)) => return Err(error),
            _ => {}
        }
        let values = Values::of_order(&self.spec.service, order, self.seen().as_ref())?;
        Ok(Box::pin(async move {
            let response = self.perform(act, &values, Duration::from_millis(self.spec.timeout_ms)).await?;
            reading::after_act(&response.body)?;
            Ok(Accepted::as_asked(order))
        }))
    }

    async fn perform(&self, act: &Act, values: &Values, limit: Duration) -> Result<Response, BackendError> {
        match act {
            Act::Run(words) => {
                let program = words.first().map(String::as_str).unwrap_or_default();
                let ended = run::run(command(words, values, &self.spec.dir)?, limit).await;
                let ended = ended.map_err(|stopped| no_end(program, &stopped, limit))?;
                judge(program, &ended, self.spec.conflict_code)?;
                Ok(Response { body: ended.out, header: None })
            }
            Act::Call(call) => {
                let client = self.client.as_ref().map_err(Clone::clone)?;
                let answer = call::call(client, call, values, limit).await?;
                let header = self.spec.answer.revision_header.as_deref().and_then(|name| answer.header(name));
                Ok(Response { body: answer.body, header })
            }
        }
    }
}

fn filled(words: &[String], values: &Values) -> Result<Vec<String>, BackendError> {
    words.iter().map(|word| values.fill(word, str::to_owned)).collect()
}

fn command(words: &[String], values: &Values, dir: &Path) -> Result<Command, BackendError> {
    let words = filled(words, values)?;
    let (program, arguments) =
        words.split_first().ok_or_else(|| BackendError::Refused("the command names no program".into()))?;
    let mut command = Command::new(program);
    command.args(arguments).current_dir(dir);
    for (name, value) in values.iter() {
        command.env(format!("CUTOVER_{}", name.to_ascii_uppercase()), value);
    }
    Ok(command)
}

/// The words as typed in a shell.
fn shell_words(words: &[String], values: &Values) -> Result<String, BackendError> {
    let plain =
        |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_alphanumeric() || b"._:+/=@,-%".contains(&b));
    let quoted = |word: &String| {
        if plain(word) { word.clone() } else { format!("'{}'", word.replace('\'', "'\\''")) }
    };
    Ok(clean(&filled(words, values)?.iter().map(quoted).collect::<Vec<_>>().join(" "), 400))
}

/// The meaning for an order of a command that did not end normally.
fn no_end(program: &str, stopped: &Stopped, limit: Duration) -> BackendError {
    let program = clean(program, 120);
    match stopped {
        Stopped::NotStarted(error) => {
            let text = format!("cannot start {program}: {error}");
            match error.kind() {
                std::io::ErrorKind::PermissionDenied => BackendError::Denied(text),
                _ => BackendError::Unreachable(text),
            }
        }
        Stopped::Late => {
            BackendError::Unknown(format!("{program} did not end within {} ms and was killed", limit.as_millis()))
        }
        Stopped::Flooded => BackendError::Garbled(format!("{program} wrote without end and was killed")),
        Stopped::Lost(why) => BackendError::Unknown(format!("the end of {program} could not be seen: {why}")),
    }
}

/// The meaning of an exit code for an order.
fn judge(program: &str, ended: &Ended, conflict_code: u8) -> Result<(), BackendError> {
    let complaint = String::from_utf8_lossy(&ended.err);
    let complaint = complaint.lines().rev().find(|line| !line.trim().is_empty()).map(|line| clean(line.trim(), 200));
    let complaint = complaint.map_or_else(String::new, |line| format!(": {line}"));
    let program = clean(program, 120);
    let Some(code) = ended.code else {
        let signal = ended.signal.map_or_else(String::new, |signal| format!(" by signal {signal}"));
        return Err(BackendError::Unknown(format!("{program} was ended{signal}{complaint}")));
    };
    let text = format!("{program} ended with {code}{complaint}");
    Err(match code {
        0 => return Ok(()),
        code if code == i32::from(conflict_code) => BackendError::Conflict(text),
        DENIED => BackendError::Denied(text),
        UNREACHABLE => BackendError::Unreachable(text),
        REFUSED => BackendError::Refused(text),
        _ => BackendError::Unknown(text),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exit_code_means_what_it_means_for_the_order() {
        let of = |code| {
            let err = b"first\nlast \x1b[31mwords\n\n".to_vec();
            judge("set", &Ended { code, signal: code.is_none().then_some(9), out: Vec::new(), err }, 75)
        };
        assert_eq!(of(Some(0)), Ok(()));
        assert_eq!(of(Some(75)), Err(BackendError::Conflict("set ended with 75: last words".into())));
        assert!(matches!(of(Some(77)), Err(BackendError::Denied(_))));
        assert!(matches!(of(Some(69)), Err(BackendError::Unreachable(_))));
        assert!(matches!(of(Some(64)), Err(BackendError::Refused(_))));
        assert!(matches!(of(Some(1)), Err(BackendError::Unknown(_))));
        assert_eq!(of(None), Err(BackendError::Unknown("set was ended by signal 9: last words".into())));
    }
}
