//! Two processes that have read the same journal know the same of the rollout, whatever happens to either of them.
//!
//! `PROPTEST_CASES=100000 cargo test --test engine agree` tries that many cases instead of 2 000.

use std::sync::Arc;

use cutover::testing::domain::*;
use cutover::testing::engine::{Access, Command, Effect, Event, Request, State};
use proptest::prelude::*;

use crate::sim::{Wire, capabilities, service};

/// Something that happens.
#[derive(Debug, Clone)]
enum Step {
    /// Seconds pass, each with a reading, probes and a tick.
    Pass(u8),
    /// A process is asked for something.
    Ask(usize, Command),
    Wire(Wire),
    /// Someone else moves traffic: green's share.
    Meddle(u8),
    Version(&'static str),
    Ready(Side, bool),
    Verdict(Verdict),
    /// A process is killed, and another begins in its place.
    Restart(usize),
    /// A process loses its operator.
    Gone(usize),
    /// A process says what became of its order, and ends.
    Leave(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let who = 0..2_usize;
    let reason = || "because it is right".to_owned();
    let command = prop_oneof![
        4 => Just(Command::Promote),
        2 => Just(Command::Switch),
        1 => Just(Command::Abort),
        3 => Just(Command::Rollback),
        1 => Just(Command::Pause),
        2 => Just(Command::Resume),
        1 => Just(Command::Finalize),
        1 => Just(Command::Auto { on: true }),
        1 => Just(Command::Override { gate: "golden".into(), reason: reason() }),
        1 => Just(Command::Note { text: reason() }),
    ];
    let wire = prop_oneof![
        3 => Just(Wire::Works),
        1 => Just(Wire::LosesOrders),
        1 => Just(Wire::LosesAnswers),
        2 => Just(Wire::Down),
    ];
    prop_oneof![
        6 => (1..4_u8).prop_map(Step::Pass),
        8 => (who.clone(), command).prop_map(|(who, command)| Step::Ask(who, command)),
        2 => wire.prop_map(Step::Wire),
        1 => prop::sample::select(vec![0, 10, 33, 100]).prop_map(Step::Meddle),
        1 => prop::sample::select(vec!["v42", "v43"]).prop_map(Step::Version),
        1 => (prop::sample::select(vec![Side::Blue, Side::Green]), any::<bool>()).prop_map(|(side, is)| Step::Ready(side, is)),
        1 => prop::sample::select(vec![Verdict::Passed, Verdict::Failed]).prop_map(Step::Verdict),
        2 => who.clone().prop_map(Step::Restart),
        1 => who.clone().prop_map(Step::Gone),
        1 => who.prop_map(Step::Leave),
    ]
}

/// One router, one journal; a console, a command, and a third process that only reads the journal.
struct World {
    service: Arc<Service>,
    now: Stamp,
    processes: [State; 3],
    journal: Vec<Record>,
    split: Split,
    revision: u64,
    wire: Wire,
    green: &'static str,
    ready: Pair<bool>,
    verdict: Verdict,
    asked: u64,
    started: u64,
}

const READER: usize = 2;

impl World {
    fn new() -> Self {
        let service = Arc::new(service());
        let now = Stamp::epoch();
        let processes = std::array::from_fn(|at| process(&service, at, at as u64, now));
        let mut world = Self {
            service,
            now,
            processes,
            journal: Vec::new(),
            split: Split::all(Side::Blue),
            revision: 1,
            wire: Wire::Works,
            green: "v42",
            ready: Pair { blue: true, green: true },
            verdict: Verdict::Passed,
            asked: 0,
            started: 3,
        };
        world.pass(2);
        world
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Pass(seconds) => self.pass(seconds),
            Step::Ask(who, command) => {
                self.asked += 1;
                let by = Actor { name: format!("op{who}"), via: "test".into() };
                self.feed(who, Event::Asked(Request { id: self.asked, by, command, expect: None, why: None }));
            }
            Step::Wire(wire) => self.wire = wire,
            Step::Meddle(share) => {
                self.split = Split::toward(Side::Green, share);
                self.revision += 1;
            }
            Step::Version(name) => self.green = name,
            Step::Ready(side, is_ready) => self.ready[side] = is_ready,
            Step::Verdict(verdict) => self.verdict = verdict,
            Step::Restart(who) => {
                self.started += 1;
                self.processes[who] = process(&self.service, who, self.started, self.now);
                let records = self.journal.clone();
                self.feed(who, Event::Recorded { records });
                self.feed(who, Event::Restored { broken: None, unwritable: None });
            }
            Step::Gone(who) => self.feed(who, Event::OperatorGone { why: "SIGHUP".into() }),
            Step::Leave(who) => {
                self.feed(who, Event::Leaving);
                self.take(Step::Restart(who));
            }
        }
    }

    fn pass(&mut self, seconds: u8) {
        for _ in 0..seconds {
            self.now = self.now.plus_ms(1000);
            for who in 0..READER {
                for side in Side::BOTH {
                    let fault = (!self.ready[side]).then(|| "connection refused".to_owned());
                    let latency_us = self.ready[side].then_some(5_000);
                    self.feed(who, Event::Probed { side, replica: 0, latency_us, fault });
                    let version = Ok(Version::from_text(if side == Side::Green { self.green } else { "v41" }));
                    self.feed(who, Event::VersionRead { side, replica: 0, version });
                }
                let result = self.observation();
                self.feed(who, Event::Observed { result });
                self.feed(who, Event::Tick);
            }
        }
    }

    fn observation(&self) -> Result<Box<Observation>, BackendError> {
        if self.wire == Wire::Down {
            return Err(BackendError::Unreachable("connection refused".into()));
        }
        Ok(Box::new(Observation::of(self.split, Revision(self.revision.to_string()))))
    }

    fn feed(&mut self, who: usize, event: Event) {
        let effects = self.processes[who].apply(self.now, event);
        let mut answers = Vec::new();
        for effect in effects {
            match effect {
                Effect::Journal { records, ticket } => {
                    self.write(who, &records);
                    answers.push(Event::Written { ticket });
                }
                Effect::Send { order, records, .. } => {
                    self.write(who, &records);
                    answers.push(Event::Answered { id: order.id.clone(), result: self.send(&order) });
                }
                Effect::RunGate { run, gate, version, .. } => {
                    answers.push(Event::GateEnded { run, evidence: self.evidence(gate, version) });
                }
                _ => {}
            }
        }
        for answer in answers {
            self.feed(who, answer);
        }
    }

    /// Appends records; every other process reads them at once.
    fn write(&mut self, who: usize, records: &[Record]) {
        self.journal.extend(records.to_vec());
        for other in (0..self.processes.len()).filter(|other| *other != who) {
            let effects = self.processes[other].apply(self.now, Event::Recorded { records: records.to_vec() });
            let acts = |effect: &Effect| matches!(effect, Effect::Journal { .. } | Effect::Send { .. });
            assert!(!effects.iter().any(acts), "a record that was read makes no record");
        }
    }

    fn send(&mut self, order: &Order) -> Result<Accepted, BackendError> {
        let is_stale = order.expected.as_ref().is_some_and(|expected| expected.0 != self.revision.to_string());
        match self.wire {
            Wire::Down => return Err(BackendError::Unreachable("connection refused".into())),
            Wire::LosesOrders | Wire::Silent => return Err(BackendError::Unknown("no answer within 3 s".into())),
            Wire::Works | Wire::LosesAnswers if is_stale => return Err(BackendError::Conflict("moved".into())),
            Wire::Works | Wire::LosesAnswers => {}
        }
        self.split = order.target;
        self.revision += 1;
        if self.wire == Wire::LosesAnswers {
            return Err(BackendError::Unknown("no answer within 3 s".into()));
        }
        Ok(Accepted::as_asked(order))
    }

    fn evidence(&self, gate: String, version: Digest) -> Evidence {
        Evidence {
            verdict: self.verdict,
            gate,
            value: None,
            limit: None,
            unit: String::new(),
            at_least: false,
            samples: 1,
            version,
            at: self.now.wall,
            took_ms: 5,
            note: String::new(),
            details: Vec::new(),
            load: None,
        }
    }
}

/// The console drives, the command sends what it is asked for, the reader does nothing.
fn process(service: &Arc<Service>, at: usize, seed: u64, now: Stamp) -> State {
    let me = Actor { name: format!("op{at}"), via: "test".into() };
    let access = [Access::Console, Access::Drive, Access::Look][at];
    State::new(Arc::clone(service), "scripted", capabilities(), me, access, seed, now)
}

fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(2_000)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn processes_that_have_read_one_journal_agree(steps in prop::collection::vec(step(), 1..16)) {
        let mut world = World::new();
        for step in steps {
            let what = format!("{step:?}");
            world.take(step);
            let read = world.processes[READER].rollout();
            for who in 0..READER {
                prop_assert_eq!(world.processes[who].rollout(), read, "process {} after {}", who, what);
            }
        }
        let mut late = process(&world.service, READER, 0, world.now);
        late.apply(world.now, Event::Recorded { records: world.journal.clone() });
        prop_assert_eq!(late.rollout(), world.processes[READER].rollout(), "read in one go");
    }
}
