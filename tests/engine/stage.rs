//! Processes of cutover before a traffic system that acts by itself: time is data, a second at a time.

use std::sync::Arc;

use cutover::testing::domain::*;
use cutover::testing::engine::{Access, Command, Driver, Effect, Event, Reply, Request, State, Status};

use crate::sim::{capabilities, service};
use crate::support::scripted::Model;

pub struct Stage<M> {
    pub model: M,
    /// A process that has ended is `None`.
    pub processes: Vec<Option<State>>,
    pub journal: Vec<Record>,
    pub orders: Vec<Order>,
    service: Arc<Service>,
    now: Stamp,
    /// When each process reads the system next.
    reads: Vec<i64>,
    answers: Vec<Answer>,
    asked: u64,
    /// What each process probes, by side.
    pub polled: Vec<Pair<Vec<(u32, Target)>>>,
    /// When each process read the system last.
    read: Vec<i64>,
    /// What every process overlooks in a reading.
    pub overlooks: fn(&mut Observation),
    /// What must never be, where it was: see [`Stage::note`].
    pub wrong: Vec<String>,
}

/// An answer on its way: when, to whom, which order, what.
struct Answer(i64, usize, OrderId, Result<Accepted, BackendError>);

impl<M: Model> Stage<M> {
    pub fn new(model: M, pace: Pace) -> Self {
        Self::of(model, pace, service())
    }

    /// As [`Self::new`], where only the system knows the versions.
    pub fn reading_no_version(model: M, pace: Pace) -> Self {
        let mut service = service();
        (service.sides.blue.version, service.sides.green.version) = (VersionSource::Unknown, VersionSource::Unknown);
        Self::of(model, pace, service)
    }

    fn of(model: M, pace: Pace, service: Service) -> Self {
        let plan = Plan { bake_ms: 10_000, ..Plan::default() };
        let service = Service { pace, gates: Vec::new(), guards: Vec::new(), plan, ..service };
        let mut stage = Self {
            model,
            processes: Vec::new(),
            journal: Vec::new(),
            orders: Vec::new(),
            service: Arc::new(service),
            now: Stamp::epoch(),
            reads: Vec::new(),
            answers: Vec::new(),
            asked: 0,
            polled: Vec::new(),
            read: Vec::new(),
            overlooks: |_| (),
            wrong: Vec::new(),
        };
        stage.start(Access::Console);
        stage.seconds(2);
        stage
    }

    /// Another process that reads the same journal.
    pub fn start(&mut self, access: Access) -> usize {
        let who = self.processes.len();
        let me = Actor { name: format!("op{who}"), via: "console".into() };
        let state = State::new(Arc::clone(&self.service), "rollouts", capabilities(), me, access, who as u64, self.now);
        self.processes.push(Some(state));
        self.reads.push(0);
        self.read.push(i64::MIN);
        let urls = self.service.sides.map(|_, side| side.urls.clone());
        self.polled.push(urls.map(|_, urls| (0..).zip(urls.iter().cloned().map(Target::plain)).collect()));
        let records = self.journal.clone();
        self.feed(who, Event::Recorded { records });
        self.feed(who, Event::Restored { broken: None, unwritable: None });
        if who > 0 {
            self.feed(who, Event::Lease { driver: Driver::Other("op0".into()) });
        }
        who
    }

    /// The process that drives is gone, with all that it waited for; what it sent stays sent. Another one drives.
    pub fn crash(&mut self, who: usize, next: usize) {
        self.processes[who] = None;
        self.answers.retain(|answer| answer.1 != who);
        self.feed(next, Event::Lease { driver: Driver::Me });
    }

    pub fn seconds(&mut self, n: u64) {
        for _ in 0..n {
            self.second();
        }
    }

    /// Lets time pass until `holds`, at most `limit` seconds.
    pub fn until(&mut self, limit: u64, holds: impl Fn(&Status) -> bool) -> u64 {
        for passed in 0..limit {
            if holds(&self.status()) {
                return passed;
            }
            self.second();
        }
        panic!("not within {limit} s: {:#?}", self.status());
    }

    fn second(&mut self) {
        self.now = self.now.plus_ms(1_000);
        self.model.advance(self.now.mono_ms as u64);
        let due: Vec<Answer> = std::mem::take(&mut self.answers);
        for Answer(at, who, id, result) in due {
            if at <= self.now.mono_ms {
                self.feed(who, Event::Answered { id, result });
            } else {
                self.answers.push(Answer(at, who, id, result));
            }
        }
        for who in 0..self.processes.len() {
            self.probe(who);
            if self.reads[who] <= self.now.mono_ms {
                self.reads[who] = self.now.mono_ms + self.service.pace.read_every_ms as i64;
                let mut result = self.model.say().map(Box::new);
                if let Ok(seen) = &mut result {
                    (self.overlooks)(seen);
                }
                if result.is_ok() {
                    self.read[who] = self.now.mono_ms;
                }
                self.feed(who, Event::Observed { result });
            }
            self.feed(who, Event::Tick);
        }
    }

    /// A side whose every replica is gone answers nothing.
    fn probe(&mut self, who: usize) {
        for side in Side::BOTH {
            let seen = self.model.say().ok();
            let is_gone = seen.and_then(|seen| seen.sides[side].replicas).is_some_and(|it| it.ready == 0);
            let fault = is_gone.then(|| "connection refused".to_owned());
            let latency_us = (!is_gone).then_some(5_000);
            for (replica, _) in self.polled[who][side].clone() {
                self.feed(who, Event::Probed { side, replica, latency_us, fault: fault.clone() });
                let version = Ok(Version::from_text(side.name()));
                self.feed(who, Event::VersionRead { side, replica, version });
            }
        }
    }

    /// Asks the first process.
    pub fn ask(&mut self, command: Command) -> Reply {
        self.ask_of(0, command)
    }

    pub fn ask_of(&mut self, who: usize, command: Command) -> Reply {
        self.asked += 1;
        let id = self.asked;
        let by = Actor { name: format!("op{who}"), via: "console".into() };
        let replies = self.feed(who, Event::Asked(Request { id, by, command, expect: None, why: None }));
        replies.into_iter().find(|(of, _)| *of == id).map(|(_, reply)| reply).expect("an answer")
    }

    pub fn status(&mut self) -> Status {
        self.status_of(0)
    }

    pub fn status_of(&mut self, who: usize) -> Status {
        self.processes[who].as_mut().expect("it lives").snapshot().status
    }

    fn feed(&mut self, who: usize, event: Event) -> Vec<(u64, Reply)> {
        let Some(state) = &mut self.processes[who] else { return Vec::new() };
        let mut replies = Vec::new();
        for effect in state.apply(self.now, event) {
            match effect {
                Effect::Journal { records, ticket } => {
                    self.write(who, &records);
                    replies.extend(self.feed(who, Event::Written { ticket }));
                }
                Effect::Send { order, records, .. } => {
                    let old = self.service.stale_after_ms + self.service.pace.slack_ms();
                    if order.kind.is_forward() && self.now.mono_ms - self.read[who] > old as i64 {
                        self.wrong.push(format!("{order:?} without data"));
                    }
                    self.write(who, &records);
                    let result = self.model.take(&order);
                    let at = self.now.mono_ms + self.model.answers_after().as_millis() as i64;
                    self.answers.push(Answer(at, who, order.id.clone(), result));
                    self.orders.push(order);
                }
                Effect::Poll { side, targets } => self.polled[who][side] = targets,
                Effect::Reply { id, reply } => replies.push((id, reply)),
                _ => {}
            }
        }
        replies
    }

    /// What users get where an order is said to be verified.
    fn note(&mut self, record: &Record) {
        let Fact::OrderIs { id, state: OrderState::Verified, .. } = &record.fact else { return };
        let orders = self.journal.iter().rev().filter_map(|record| match &record.fact {
            Fact::Ordered { order, .. } => Some(order),
            _ => None,
        });
        let Some(order) = orders.into_iter().find(|order| order.id == *id).filter(|order| order.kind.moves()) else {
            return;
        };
        let users = self.model.users();
        let is_further = order.kind == Move::Promote && users.share(order.toward) >= order.target.share(order.toward);
        if users != order.target && !is_further {
            self.wrong.push(format!("{order:?} is verified, and users get {users}"));
        }
    }

    fn write(&mut self, who: usize, records: &[Record]) {
        for record in records {
            self.note(record);
        }
        self.journal.extend(records.to_vec());
        for other in (0..self.processes.len()).filter(|other| *other != who) {
            self.feed(other, Event::Recorded { records: records.to_vec() });
        }
    }
}
