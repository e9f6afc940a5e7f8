//! A scripted engine and readable streams for the tests of the verbs.

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::io::{self, Write};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;

use super::Context;
use super::args::Format;
use super::input::InputSource;
use super::out::{Out, Style};
use super::session::{Session, TimedOut, Update};
use crate::domain::{Move, OrderId, OrderState, Pair, Side, Split, Stamp};
use crate::engine::detail::Detail;
use crate::engine::snapshot::{History, OrderStatus};
use crate::engine::{Command, Reply, Snapshot, Status};

/// A status in the middle of a rollout.
pub(crate) fn status() -> Status {
    serde_json::from_str(include_str!("../../tests/cli/status.json")).unwrap()
}

/// `status` with every text for people replaced by `x`.
pub(crate) fn wordless(status: &Status) -> Status {
    let mut status = status.clone();
    let blank = |text: &mut String| *text = "x".into();
    status.faults.iter_mut().for_each(|fault| blank(&mut fault.text));
    status.blocked.iter_mut().for_each(|blocked| blank(&mut blocked.because));
    status.gates.iter_mut().for_each(|gate| blank(&mut gate.note));
    status.notes.iter_mut().for_each(blank);
    status.paused.iter_mut().for_each(blank);
    status.rollback.because.iter_mut().for_each(blank);
    status.last_order.iter_mut().flat_map(|order| [&mut order.detail, &mut order.why]).flatten().for_each(blank);
    status
}

/// An order that shifts traffic to green.
pub(crate) fn order(id: &str, state: OrderState) -> OrderStatus {
    OrderStatus {
        id: OrderId(id.into()),
        command: Move::Promote,
        state,
        by: "op1".into(),
        from: Some(Split::all(Side::Blue)),
        target: Split::toward(Side::Green, 10),
        toward: Side::Green,
        at: Stamp::epoch().wall,
        took_s: 0.4,
        progress: None,
        retries: 0,
        late: false,
        detail: None,
        fault: None,
        cause: None,
        why: None,
    }
}

/// The time between two states, by the script's own clock.
const STEP: Duration = Duration::from_millis(100);

/// An engine that goes through given states and gives given answers. Its time is counted, not waited for.
pub(crate) struct Script {
    now: Status,
    /// The number of steps so far.
    pub(crate) steps: u32,
    coming: VecDeque<Status>,
    answers: VecDeque<Reply>,
    /// The requested commands, with `expect` and `why`.
    pub(crate) asked: Vec<(Command, Option<String>, Option<String>)>,
}

impl Script {
    pub(crate) fn new(now: Status) -> Self {
        Self { now, steps: 0, coming: VecDeque::new(), answers: VecDeque::new(), asked: Vec::new() }
    }

    pub(crate) fn then(&mut self, status: Status) -> &mut Self {
        self.coming.push_back(status);
        self
    }

    pub(crate) fn answer(&mut self, reply: Reply) -> &mut Self {
        self.answers.push_back(reply);
        self
    }

    pub(crate) fn snapshot(&self) -> Arc<Snapshot> {
        let history = Pair::from_fn(|_| History::default());
        let (previews, detail) = (BTreeMap::default(), Detail::default());
        Arc::new(Snapshot { status: self.now.clone(), history, events: Arc::default(), previews, detail })
    }

    async fn step(&mut self) {
        tokio::task::yield_now().await;
        self.steps += 1;
        match self.coming.pop_front() {
            Some(status) => self.now = status,
            None => self.now.time += TimeDelta::milliseconds(STEP.as_millis() as i64),
        }
    }
}

impl Session for Script {
    async fn when(
        &mut self,
        mut f: impl FnMut(&Snapshot) -> bool,
        timeout: Duration,
    ) -> Result<Arc<Snapshot>, TimedOut> {
        let mut left = timeout;
        while !f(&self.snapshot()) {
            left = left.checked_sub(STEP).ok_or(TimedOut)?;
            self.step().await;
        }
        Ok(self.snapshot())
    }

    async fn ask(
        &mut self,
        command: Command,
        expect: Option<String>,
        why: Option<String>,
        _: Duration,
    ) -> Result<Reply, TimedOut> {
        self.asked.push((command, expect, why));
        self.answers.pop_front().ok_or(TimedOut)
    }

    /// After the last state nothing more happens.
    async fn next(&mut self) -> Update {
        if self.coming.is_empty() {
            std::future::pending::<()>().await;
        }
        self.step().await;
        Update::Snapshot(self.snapshot())
    }

    fn preview(&self, command: &Command) -> Vec<String> {
        vec![format!("POST /v1/split ({})", command.verb())]
    }
}

/// The written text.
#[derive(Clone, Default)]
pub(crate) struct Seen {
    data: Sink,
    messages: Sink,
}

impl Seen {
    pub(crate) fn data(&self) -> String {
        String::from_utf8(self.data.0.borrow().clone()).unwrap()
    }

    pub(crate) fn messages(&self) -> String {
        String::from_utf8(self.messages.0.borrow().clone()).unwrap()
    }
}

#[derive(Clone, Default)]
struct Sink(Rc<RefCell<Vec<u8>>>);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A context that writes into memory. `typed` holds the lines a person types; `None` means no person.
pub(crate) fn context(format: Format, typed: Option<&[&str]>) -> (Context, Seen) {
    let seen = Seen::default();
    let (data, messages) = (Box::new(seen.data.clone()), Box::new(seen.messages.clone()));
    let out = Out::new(data, messages, format, Style { color: false, ascii: true }, false);
    let lines = typed.map(|lines| lines.iter().map(|line| (*line).to_owned()).collect());
    (
        Context {
            out,
            input: InputSource::Scripted(lines),
            config: None,
            color: crate::config::ColorWhen::Auto,
            ascii: false,
            keys: None,
            blind: false,
        },
        seen,
    )
}
