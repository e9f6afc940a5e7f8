//! The core: the pure state, and the tasks that carry out its effects.

mod close;
mod open;

pub(super) use open::gate_logs;

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::Interval;

use super::alerts::Alerts;
use super::clock::Clock;
use super::gates::{self, GateRun};
use super::journal_writer::JournalWriter;
use super::observe::event_of;
use super::orders;
use crate::backend::{Driver, Observer};
use crate::domain::{Actor, Fact, LogLine, Record, Service, Side};
use crate::engine::snapshot::{Fault, FaultKind};
use crate::engine::{Access, Command, Effect, Event, Reply, Snapshot, State, Status};
use crate::gate::{Checks, Subject};
use crate::http::Target;
use crate::journal;
use crate::probe::{Pollers, ProbeEvent, ReplicaPollers};
use crate::record::Recorder;
use crate::terminal::crash;

/// An input of the core.
#[derive(Debug)]
pub enum Incoming {
    /// For the engine.
    Event(Event),
    /// A gate's log line.
    Line(LogLine),
}

impl Incoming {
    /// Whether this is one of the many readings of replicas and gates. Figures are made from them at the next tick.
    pub fn is_sample(&self) -> bool {
        matches!(self, Self::Event(event) if event.is_sample())
    }
}

/// What the owner of the core has to handle; the core carries out everything else itself.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// The answer to a request.
    Reply {
        /// The request's id.
        id: u64,
        /// The answer.
        reply: Reply,
    },
    /// A line for the log.
    Line(LogLine),
    /// A journal event as a line. The snapshot holds it too.
    Event(LogLine),
}

/// The engine and everything that carries out its effects.
pub struct Core {
    clock: Clock,
    state: Box<State>,
    service: Arc<Service>,
    checks: Checks,
    me: Actor,
    access: Access,
    observer: Arc<dyn Observer>,
    driver: Option<Arc<dyn Driver>>,
    writer: JournalWriter,
    hurry: Arc<Notify>,
    tasks: JoinSet<()>,
    gate_runs: HashMap<u64, watch::Sender<bool>>,
    alerts: Alerts,
    /// Makes the asking at the users' own address fast for a moment.
    front_hurry: Arc<Notify>,
    /// Why the config is not the one of the file any more.
    config: watch::Receiver<Option<String>>,
    pollers: Option<ReplicaPollers>,
    scrapers: Vec<Pollers>,
    poll_drops: u64,
    ticker: Interval,
    events: mpsc::Receiver<Event>,
    urgent: mpsc::Receiver<Event>,
    found: mpsc::Receiver<ProbeEvent>,
    lines: mpsc::Receiver<LogLine>,
    urgent_in: mpsc::Sender<Event>,
    lines_in: mpsc::Sender<LogLine>,
    backlog: VecDeque<Outcome>,
    recorder: Option<Recorder>,
    /// Each gate's name, and the path of its log.
    logs: Arc<Vec<(String, String)>>,
}

impl Core {
    /// Waits for the next input. Cancel-safe.
    pub async fn next(&mut self) -> Incoming {
        tokio::select! {
            biased;
            Some(event) = self.urgent.recv() => Incoming::Event(event),
            Some(event) = self.events.recv() => Incoming::Event(event),
            _ = self.ticker.tick() => Incoming::Event(Event::Tick),
            event = self.alerts.ended() => Incoming::Event(event),
            Some(line) = self.lines.recv() => Incoming::Line(line),
            Some(found) = self.found.recv() => Incoming::Event(event_of(found)),
        }
    }

    /// Gives one input to the engine and carries out its effects.
    pub fn take(&mut self, incoming: Incoming) -> Vec<Outcome> {
        let mut out: Vec<Outcome> = self.backlog.drain(..).collect();
        match incoming {
            Incoming::Line(line) => {
                self.alerts.note(&line);
                self.writer.log(line.clone());
                self.record_line(&line);
                out.push(Outcome::Line(line));
            }
            Incoming::Event(event) => {
                if matches!(event, Event::Tick) {
                    self.count_drops(&mut out);
                }
                self.apply(event, &mut out);
            }
        }
        out
    }

    /// Gives the engine an event at once, before the events that wait: a key, a signal.
    pub fn submit(&mut self, event: Event) -> Vec<Outcome> {
        self.take(Incoming::Event(event))
    }

    /// Everything that a screen or a script shows now, without previews: see [`Core::preview`].
    pub fn snapshot(&mut self) -> Snapshot {
        let mut snapshot = self.state.snapshot();
        snapshot.detail.logs = Arc::clone(&self.logs);
        let fault = self.recorder.as_ref().and_then(Recorder::fault);
        snapshot.status.faults.extend(fault.map(|text| Fault::new(FaultKind::Recording, text)));
        snapshot.status.faults.extend(self.config.borrow().clone().map(|text| Fault::new(FaultKind::Config, text)));
        crash::note("rollout", &under_way(&snapshot.status));
        snapshot
    }

    /// Whether router, replicas and versions were each read once.
    pub fn is_met(&self) -> bool {
        self.state.is_met()
    }

    /// The clock of all stamps.
    pub fn clock(&self) -> Clock {
        self.clock
    }

    /// The exact request that `command` would send, secrets masked. Empty when it moves no traffic.
    pub fn preview(&self, command: &Command) -> Vec<String> {
        let Some(order) = self.state.order_preview(command) else { return Vec::new() };
        let preview = self.observer.preview(&order);
        std::iter::once(preview.target).chain(preview.lines).collect()
    }

    /// Keeps a line that did not come from the engine for a replay.
    pub fn record_line(&mut self, line: &LogLine) {
        if let Some(recorder) = &mut self.recorder {
            recorder.line(self.clock.now(), line, &self.state);
        }
    }

    fn apply(&mut self, event: Event, out: &mut Vec<Outcome>) {
        if let Event::GateEnded { run, .. } = &event {
            self.gate_runs.remove(run);
        }
        let now = self.clock.now();
        if let Some(recorder) = &mut self.recorder {
            recorder.event(now, &event, &self.state);
        }
        if !event.is_sample() {
            crash::last_event(&event);
        }
        for effect in self.state.apply(now, event) {
            match effect {
                Effect::Reply { id, reply } => out.push(Outcome::Reply { id, reply }),
                Effect::Log(line) => {
                    self.alerts.note(&line);
                    out.push(Outcome::Line(line));
                }
                Effect::Event(line) => {
                    self.alerts.note(&line);
                    out.push(Outcome::Event(line));
                }
                other => self.carry_out(other),
            }
        }
        while self.tasks.try_join_next().is_some() {}
    }

    fn carry_out(&mut self, effect: Effect) {
        match effect {
            Effect::Journal { records, ticket } => self.write(records, ticket),
            Effect::Send { order, records, rule } => {
                self.front_hurry.notify_one();
                let (writer, urgent) = (self.writer.clone(), self.urgent_in.clone());
                let driver = (self.driver.clone(), Duration::from_millis(self.service.pace.answer_within_ms));
                self.tasks.spawn(orders::send(order, records, rule, writer, driver, urgent));
            }
            Effect::Observe => self.hurry.notify_one(),
            Effect::Poll { side, targets } => {
                if let Some(pollers) = &mut self.pollers {
                    pollers.set(side, &targets);
                }
            }
            Effect::RunGate { run, gate, side, version } => {
                let Some(spec) = self.service.gates.iter().find(|spec| spec.name == gate).cloned() else { return };
                let Some(check) = self.checks.get(&gate).cloned() else { return };
                let (cancel, cancelled) = watch::channel(false);
                self.gate_runs.insert(run, cancel);
                let at_each = |side: Side| self.state.targets(side).iter().map(Target::from).collect();
                let subject = Subject {
                    service: self.service.name.clone(),
                    environment: self.service.environment.clone(),
                    side,
                    version_name: self.state.version_name(side).unwrap_or_default(),
                };
                let job = GateRun {
                    run,
                    targets: at_each(side),
                    transport: self.service.probe.transport.clone(),
                    subject,
                    version,
                    others: at_each(side.other()),
                    other_version: self.state.version_digest(side.other()),
                    resume: journal::log_path(&self.service.state_dir, &spec.name).with_extension("progress"),
                    observer: Arc::clone(&self.observer),
                    cancelled,
                    spec,
                    check,
                };
                self.tasks.spawn(gates::run(job, self.lines_in.clone(), self.urgent_in.clone()));
            }
            Effect::StopGate { run } => {
                if let Some(cancel) = self.gate_runs.get(&run) {
                    let _ = cancel.send(true);
                }
            }
            Effect::Sample(sample) => self.writer.sample(sample),
            Effect::Alert { alert, about, to } => self.alerts.tell(*alert, about.as_deref(), &to),
            Effect::TakeLease => self.writer.take_lease(),
            Effect::Reply { .. } | Effect::Log(_) | Effect::Event(_) => {}
        }
    }

    fn write(&mut self, records: Vec<Record>, ticket: Option<u64>) {
        let written = self.writer.write(records, false);
        let urgent = self.urgent_in.clone();
        self.tasks.spawn(async move {
            let event = match orders::flat(written.await) {
                Ok(()) => Event::Written { ticket },
                Err(text) => Event::JournalFailed { order: None, ticket, text },
            };
            let _ = urgent.send(event).await;
        });
    }

    fn write_down(&mut self, fact: Fact) {
        let record = Record { at: self.clock.now().wall, by: self.me.clone(), fact };
        self.write(vec![record], None);
    }

    fn count_drops(&mut self, out: &mut Vec<Outcome>) {
        let probes = self.pollers.iter().map(ReplicaPollers::dropped);
        let drops = probes.chain(self.scrapers.iter().map(Pollers::dropped)).sum();
        if drops > self.poll_drops {
            let count = drops - self.poll_drops;
            self.poll_drops = drops;
            self.apply(Event::Dropped { count }, out);
        }
    }
}

/// For a crash report: where the rollout is, and its last order.
fn under_way(status: &Status) -> String {
    let split = status.split.observed.map_or_else(|| "split not read".into(), |split| split.to_string());
    let order = status.last_order.as_ref().map_or_else(
        || "no order".into(),
        |order| format!("order {} ({} to {}) {}", order.id, order.command, order.target, order.state.title()),
    );
    format!(
        "{} {} step {}/{}, {split}, {order}",
        status.service,
        status.phase.title(),
        status.step.index,
        status.step.of
    )
}
