//! Opens the core: reads the journal, starts the threads and tasks.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Interval, MissedTickBehavior};

use super::{Core, Outcome};
use crate::domain::{Actor, Fact, Service};
use crate::engine::{Access, Effect, Event, State};
use crate::journal::{self, Journal};
use crate::probe::{self, Pollers, ProbeEvent};
use crate::runtime::alerts::Alerts;
use crate::runtime::backend::Systems;
use crate::runtime::clock::Clock;
use crate::runtime::journal_writer::{JournalWriter, WriterOptions};
use crate::runtime::observe::read_router;
use crate::runtime::recording;

/// Events that may wait. A thousand replicas at 1 Hz fill the queue when the loop hangs for four seconds.
const EVENTS: usize = 4096;
/// Events that are handled before all others: answers to orders, journal results.
const URGENT: usize = 256;
/// Gate log lines that may wait. The gate drops and counts more.
const LINES: usize = 1024;

impl Core {
    /// Reads the journal, and starts the pollers and the reader of the router. Needs a tokio runtime.
    ///
    /// # Errors
    /// The journal cannot be read, or a thread or HTTP client cannot be created, in words.
    pub fn open(service: &Arc<Service>, systems: &Systems, me: Actor, access: Access) -> Result<Self, String> {
        let (clock, backend) = (Clock::default(), &systems.backend);
        let mut state = Box::new(State::new(
            Arc::clone(service),
            backend.name(),
            backend.capabilities(),
            me.clone(),
            access,
            fastrand::u64(..),
            clock.now(),
        ));
        let (journal, backlog) = restore(&mut state, service, &clock)?;
        let driver =
            if access.has_driver() { Some(backend.driver().map_err(|error| error.to_string())?) } else { None };
        let (events_in, events) = mpsc::channel(EVENTS);
        let (urgent_in, urgent) = mpsc::channel(URGENT);
        let (lines_in, lines) = mpsc::channel(LINES);
        let (found_in, found) = mpsc::channel(EVENTS);
        let writer = JournalWriter::start(
            WriterOptions {
                dir: service.state_dir.clone(),
                me: me.clone(),
                wants_lease: access.drives(),
                events: urgent_in.clone(),
            },
            journal,
        )
        .map_err(|error| format!("cannot start the journal's thread: {error}"))?;
        let observer = backend.observer();
        let hurry = Arc::new(Notify::new());
        let mut tasks = JoinSet::new();
        tasks.spawn(read_router(Arc::clone(&observer), service.pace, Arc::clone(&hurry), events_in));
        let pollers =
            if access.probes() { Some(probe::start(&service.sides, &service.probe, &found_in)?) } else { None };
        let front_hurry = Arc::new(Notify::new());
        let scrapers = scrapers(service, access, &front_hurry, &found_in)?;
        let config = watch_config(systems, access, &mut tasks);
        let ticker = ticker();
        let mut core = Self {
            logs: Arc::new(gate_logs(service)),
            clock,
            state,
            service: Arc::clone(service),
            checks: systems.checks.clone(),
            observer,
            driver,
            writer,
            hurry,
            tasks,
            gate_runs: HashMap::new(),
            alerts: Alerts::new(&service.alerts)?,
            pollers,
            scrapers,
            poll_drops: 0,
            ticker,
            events,
            urgent,
            found,
            lines,
            urgent_in,
            lines_in,
            backlog,
            recorder: None,
            config,
            front_hurry,
            me,
            access,
        };
        core.start()?;
        Ok(core)
    }

    /// Starts the recording, and notes in the journal that a console was opened.
    fn start(&mut self) -> Result<(), String> {
        self.recorder = recording::begin(self.access, self.clock.now(), &self.state)?;
        for outcome in self.backlog.clone() {
            if let Outcome::Line(line) = outcome {
                self.record_line(&line);
            }
        }
        if self.access.is_console() {
            let fact = Fact::Opened { pid: std::process::id(), cutover: env!("CARGO_PKG_VERSION").into() };
            self.write_down(fact);
        }
        Ok(())
    }
}

/// Ticks once a second. A missed tick is not repeated.
fn ticker() -> Interval {
    let mut ticker = tokio::time::interval(Duration::from_secs(1));
    ticker.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticker
}

/// The pollers of the users' own address, of the servers' own metrics and of their streaming endpoints, if the config
/// has any.
fn scrapers(
    service: &Service,
    access: Access,
    front_hurry: &Arc<Notify>,
    sink: &mpsc::Sender<ProbeEvent>,
) -> Result<Vec<Pollers>, String> {
    let mut scrapers = Vec::new();
    if let Some(front) = service.front.as_ref().filter(|_| access.probes()) {
        scrapers.push(probe::start_front(front, Arc::clone(front_hurry), sink)?);
    }
    if let Some(spec) = service.metrics.as_ref().filter(|_| access.probes()) {
        scrapers.push(probe::start_metrics(spec, &service.name, sink)?);
        scrapers.push(probe::start_streams(&service.sides, spec, sink)?);
    }
    Ok(scrapers)
}

/// Watches the config file, where this process drives by it.
fn watch_config(systems: &Systems, access: Access, tasks: &mut JoinSet<()>) -> watch::Receiver<Option<String>> {
    let (tell, told) = watch::channel(None);
    if let Some(file) = systems.config.clone().filter(|_| access.drives()) {
        tasks.spawn(file.watch(tell));
    }
    told
}

/// Each gate's name, and the path of its log.
pub(in crate::runtime) fn gate_logs(service: &Service) -> Vec<(String, String)> {
    let log_of = |name: &str| journal::log_path(&service.state_dir, name).display().to_string();
    service.gates.iter().map(|gate| (gate.name.clone(), log_of(&gate.name))).collect()
}

/// Applies the journal to the state. Returns the journal and the last log lines that came of it.
fn restore(state: &mut State, service: &Arc<Service>, clock: &Clock) -> Result<(Journal, VecDeque<Outcome>), String> {
    /// Log lines shown at the start.
    const STORY: usize = 50;
    let mut story: VecDeque<Outcome> = VecDeque::with_capacity(STORY);
    let mut keep = |effects: Vec<Effect>| {
        for effect in effects {
            let told = match effect {
                Effect::Log(line) => Outcome::Line(line),
                Effect::Event(line) => Outcome::Event(line),
                _ => continue,
            };
            if story.len() == STORY {
                story.pop_front();
            }
            story.push_back(told);
        }
    };
    let (journal, opened) = Journal::open_each(&service.state_dir, &mut |record| {
        keep(state.apply(clock.now(), Event::Recorded { records: vec![record] }));
    })
    .map_err(|error| error.to_string())?;
    let restored = Event::Restored {
        broken: opened.broken.map(|fault| fault.to_string()),
        unwritable: opened.unwritable.map(|error| error.to_string()),
    };
    keep(state.apply(clock.now(), restored));
    Ok((journal, story))
}
