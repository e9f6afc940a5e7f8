//! Processes of cutover before a traffic system that acts by itself: time is data, a second at a time.

use std::sync::Arc;

use cutover::testing::domain::*;
use cutover::testing::engine::{Access, Command, Effect, Event, Reply, Request, State, Status};

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
}

/// An answer on its way: when, to whom, which order, what.
struct Answer(i64, usize, OrderId, Result<Accepted, BackendError>);

impl<M: Model> Stage<M> {
    pub fn new(model: M, pace: Pace) -> Self {
        let plan = Plan { bake_ms: 10_000, ..Plan::default() };
        let service = Service { pace, gates: Vec::new(), guards: Vec::new(), plan, ..service() };
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
        let records = self.journal.clone();
        self.feed(who, Event::Recorded { records });
        self.feed(who, Event::Restored { broken: None, unwritable: None });
        if who > 0 {
            self.feed(who, Event::Lease { holder: Some("op0".into()) });
        }
        who
    }

    /// The process is gone, with all that it waited for. What it sent stays sent.
    pub fn kill(&mut self, who: usize) {
        self.processes[who] = None;
        self.answers.retain(|answer| answer.1 != who);
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
                let result = self.model.say().map(Box::new);
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
            self.feed(who, Event::Probed { side, replica: 0, latency_us, fault });
            let version = Ok(Version::from_text(side.name()));
            self.feed(who, Event::VersionRead { side, replica: 0, version });
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
                    self.write(who, &records);
                    let result = self.model.take(&order);
                    let at = self.now.mono_ms + self.model.answers_after().as_millis() as i64;
                    self.answers.push(Answer(at, who, order.id.clone(), result));
                    self.orders.push(order);
                }
                Effect::Reply { id, reply } => replies.push((id, reply)),
                _ => {}
            }
        }
        replies
    }

    fn write(&mut self, who: usize, records: &[Record]) {
        self.journal.extend(records.to_vec());
        for other in (0..self.processes.len()).filter(|other| *other != who) {
            self.feed(other, Event::Recorded { records: records.to_vec() });
        }
    }
}
