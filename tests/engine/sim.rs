//! A world for the reducer: carries out effects at once, in memory, with time as data.

use std::collections::VecDeque;
use std::sync::Arc;

use cutover::testing::domain::observation::Replicas;
use cutover::testing::domain::*;
use cutover::testing::engine::{Access, Command, Effect, Event, Reply, Request, State, Status, WriteRule};

/// How the router of the world treats orders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wire {
    /// Acts and answers.
    Works,
    /// Neither acts nor answers: the runtime would report a timeout.
    LosesOrders,
    /// Acts, but the answer is lost.
    LosesAnswers,
    /// Refuses connections.
    Down,
    /// Has the order and has not answered yet; the test says what became of it.
    Silent,
}

pub struct Sim {
    pub state: State,
    pub now: Stamp,
    pub split: Split,
    pub revision: u64,
    pub wire: Wire,
    pub journal: Vec<Record>,
    pub journal_works: bool,
    pub orders: Vec<Order>,
    pub replies: Vec<(u64, Reply)>,
    /// What was told, and to whom.
    pub alerts: Vec<(Alert, Vec<String>)>,
    pub gate_verdicts: fn(&str) -> Verdict,
    pub samples: Vec<Sample>,
    /// Whether gates go on until they are stopped.
    pub gates_last: bool,
    /// Gate runs under way, with their gates; and those that were stopped.
    pub gates_running: Vec<(u64, String)>,
    pub gates_stopped: Vec<u64>,
    pub traffic: TrafficCounters,
    /// Whether the router tells its counters.
    pub counts: bool,
    pub version: Pair<&'static str>,
    pub ready: Pair<bool>,
    /// Replicas ready at the router, of one; `None` where it does not say.
    pub at_router: Pair<Option<u32>>,
    asked: u64,
    why: Option<String>,
    /// Why the router's nodes are not of one mind.
    pub mixed: Option<String>,
    /// What the router tells of itself.
    pub notes: Vec<String>,
    /// Looks on and records.
    pub live: Option<crate::replay::Live>,
    /// Whether every text for people that comes in is replaced by `x`.
    pub wordless: bool,
    queue: VecDeque<Event>,
}

pub fn service() -> Service {
    let side = |url: &str| SideSpec {
        urls: vec![url.into()],
        version: VersionSource::Header { path: "/".into(), header: "x-version".into() },
    };
    let gate = |name: &str| GateSpec {
        name: name.into(),
        required: true,
        valid_for_ms: 3_600_000,
        timeout_ms: 60_000,
        kind: "health".into(),
        ask: None,
    };
    Service {
        name: "fraud-scorer".into(),
        environment: "prod".into(),
        sides: Pair { blue: side("http://127.0.0.1:1"), green: side("http://127.0.0.1:2") },
        probe: ProbeSpec::default(),
        front: None,
        metrics: None,
        plan: Plan { bake_ms: 60_000, ..Plan::default() },
        gates: vec![gate("health"), gate("golden")],
        guards: vec![GuardSpec {
            metric: Metric::P99,
            row: None,
            side: None,
            bound: Bound::at_most(250.0),
            versus: None,
            window_ms: 30_000,
            min_samples: 20,
            consecutive: 3,
            then: GuardAction::Rollback,
            require_data: true,
        }],
        alerts: Vec::new(),
        pace: Pace::DIRECT,
        stale_after_ms: 5_000,
        state_dir: "/nonexistent".into(),
    }
}

pub fn capabilities() -> Capabilities {
    Capabilities::direct()
}

impl Sim {
    pub fn new() -> Self {
        Self::with(&service())
    }

    pub fn with(service: &Service) -> Self {
        let mut sim = Self {
            state: fresh_state(service, Stamp::epoch()),
            now: Stamp::epoch(),
            split: Split::all(Side::Blue),
            revision: 1,
            wire: Wire::Works,
            journal: Vec::new(),
            journal_works: true,
            orders: Vec::new(),
            replies: Vec::new(),
            alerts: Vec::new(),
            gate_verdicts: |_| Verdict::Passed,
            samples: Vec::new(),
            gates_last: false,
            gates_running: Vec::new(),
            gates_stopped: Vec::new(),
            traffic: TrafficCounters { epoch: "1".into(), sides: Pair::default() },
            counts: true,
            version: Pair { blue: "v41", green: "v42" },
            ready: Pair { blue: true, green: true },
            at_router: Pair::default(),
            asked: 0,
            why: None,
            mixed: None,
            notes: Vec::new(),
            live: None,
            wordless: false,
            queue: VecDeque::new(),
        };
        sim.seconds(1);
        sim
    }

    /// Kills the process and starts another on the same journal and router.
    pub fn restart(&mut self, service: &Service) {
        self.state = fresh_state(service, self.now);
        self.queue.clear();
        let records = self.journal.clone();
        self.feed(Event::Recorded { records });
        self.feed(Event::Restored { broken: None, unwritable: None });
        self.observe();
    }

    /// Lets `n` seconds pass, each with a reading, a probe of each replica, versions and a tick.
    pub fn seconds(&mut self, n: u64) {
        for _ in 0..n {
            self.now = self.now.plus_ms(1000);
            for side in Side::BOTH {
                let fault = (!self.ready[side]).then(|| "connection refused".to_owned());
                let latency_us = self.ready[side].then_some(5_000);
                self.feed(Event::Probed { side, replica: 0, latency_us, fault });
                let version = Ok(Version::from_text(self.version[side]));
                self.feed(Event::VersionRead { side, replica: 0, version });
            }
            self.observe();
            self.feed(Event::Tick);
        }
    }

    /// As `seconds`, with `rps` requests a second spread by the split, at `latency_ms` per side.
    pub fn traffic(&mut self, n: u64, rps: u64, latency_ms: Pair<u64>) {
        for _ in 0..n {
            for side in Side::BOTH {
                let count = rps * u64::from(self.split.share(side)) / 100;
                let counters = &mut self.traffic.sides[side];
                counters.by_class[2] += count;
                let us = latency_ms[side] * 1000;
                if let Some(cell) = counters.latency_us.iter_mut().find(|cell| cell.0 == us) {
                    cell.1 += count;
                } else {
                    counters.latency_us.push((us, count));
                    counters.latency_us.sort_unstable();
                }
            }
            self.seconds(1);
        }
    }

    pub fn observe(&mut self) {
        let result = if self.wire == Wire::Down {
            Err(BackendError::Unreachable("connection refused".into()))
        } else {
            Ok(Observation {
                mixed: self.mixed.clone(),
                sides: self.at_router.map(|_, ready| SideSeen {
                    replicas: ready.map(|ready| Replicas { ready, total: 1 }),
                    unready: (*ready == Some(0)).then(|| "server s1 is in MAINT".to_owned()),
                    ..SideSeen::default()
                }),
                traffic: self.counts.then(|| self.traffic.clone()),
                notes: self.notes.clone(),
                ..Observation::of(self.split, Revision(self.revision.to_string()))
            })
        };
        self.feed(Event::Observed { result: result.map(Box::new) });
    }

    pub fn ask(&mut self, command: Command) -> Reply {
        self.ask_expecting(command, None)
    }

    pub fn ask_because(&mut self, command: Command, why: &str) -> Reply {
        self.why = Some(why.to_owned());
        let reply = self.ask_expecting(command, None);
        self.why = None;
        reply
    }

    pub fn ask_expecting(&mut self, command: Command, expect: Option<String>) -> Reply {
        self.asked += 1;
        let id = self.asked;
        let by = Actor { name: "op1".into(), via: "console".into() };
        let why = self.why.clone();
        self.feed(Event::Asked(Request { id, by, command, expect, why }));
        let reply = self.replies.iter().rev().find(|(of, _)| *of == id).map(|(_, reply)| reply.clone());
        reply.unwrap_or_else(|| panic!("request {id} was not answered"))
    }

    pub fn status(&mut self) -> Status {
        // An event without meaning: the state learns what time it is.
        self.feed(Event::Dropped { count: 0 });
        self.state.snapshot().status
    }

    pub fn facts(&self) -> Vec<&Fact> {
        self.journal.iter().map(|record| &record.fact).collect()
    }

    pub fn feed(&mut self, event: Event) {
        self.queue.push_back(event);
        while let Some(event) = self.queue.pop_front() {
            let event = if self.wordless { wordless(&event) } else { event };
            if let Some(live) = &mut self.live {
                live.before(self.now, &event, &self.state);
            }
            let effects = self.state.apply(self.now, event);
            if let Some(live) = &mut self.live {
                live.after(&effects, &mut self.state);
            }
            for effect in effects {
                self.carry_out(effect);
            }
        }
    }

    fn carry_out(&mut self, effect: Effect) {
        match effect {
            Effect::Journal { records, ticket } => {
                let event = self.write(records, None, ticket);
                self.queue.push_back(event);
            }
            Effect::Send { order, records, rule } => self.send(order, records, rule),
            Effect::RunGate { run, gate, .. } if self.gates_last => self.gates_running.push((run, gate)),
            Effect::StopGate { run } => self.gates_stopped.push(run),
            Effect::RunGate { run, gate, version, .. } => {
                let evidence = Evidence {
                    verdict: (self.gate_verdicts)(&gate),
                    gate,
                    value: Some(0.99),
                    limit: Some(0.95),
                    unit: "ratio".into(),
                    at_least: true,
                    samples: 100,
                    version,
                    at: self.now.wall,
                    took_ms: 5,
                    note: String::new(),
                    details: Vec::new(),
                    load: None,
                };
                self.queue.push_back(Event::GateEnded { run, evidence });
            }
            Effect::Sample(sample) => self.samples.push(sample),
            Effect::Alert { alert, to, .. } => self.alerts.push((*alert, to)),
            Effect::Reply { id, reply } => self.replies.push((id, reply)),
            Effect::Log(_) | Effect::Event(_) | Effect::TakeLease | Effect::Observe | Effect::Poll { .. } => {}
        }
    }

    fn write(&mut self, records: Vec<Record>, order: Option<OrderId>, ticket: Option<u64>) -> Event {
        if self.journal_works {
            self.journal.extend(records);
            Event::Written { ticket }
        } else {
            Event::JournalFailed { order, ticket, text: "no space left on device".into() }
        }
    }

    fn send(&mut self, order: Order, records: Vec<Record>, rule: WriteRule) {
        let waits = (rule == WriteRule::BeforeSending).then(|| order.id.clone());
        if !records.is_empty() {
            let written = self.write(records, waits.clone(), None);
            let failed = matches!(written, Event::JournalFailed { .. });
            self.queue.push_back(written);
            if failed && waits.is_some() {
                return;
            }
        }
        let result = match self.wire {
            Wire::Silent => return self.orders.push(order),
            Wire::Down => Err(BackendError::Unreachable("connection refused".into())),
            Wire::LosesOrders => Err(BackendError::Unknown("no answer within 3 s".into())),
            Wire::Works | Wire::LosesAnswers => {
                let stale = order.expected.as_ref().is_some_and(|expected| expected.0 != self.revision.to_string());
                if stale {
                    Err(BackendError::Conflict("revision moved".into()))
                } else {
                    self.split = order.target;
                    self.revision += 1;
                    if self.wire == Wire::Works {
                        Ok(Accepted::as_asked(&order))
                    } else {
                        Err(BackendError::Unknown("no answer within 3 s".into()))
                    }
                }
            }
        };
        self.queue.push_back(Event::Answered { id: order.id.clone(), result });
        self.orders.push(order);
    }
}

/// The same with every text that is for people replaced by `x`.
pub fn wordless<T: serde::Serialize + serde::de::DeserializeOwned>(value: &T) -> T {
    let mut json = serde_json::to_value(value).unwrap();
    blank(&mut json, false);
    serde_json::from_value(json).unwrap()
}

/// Replaces the strings of members that hold text for people, and all strings below them.
fn blank(json: &mut serde_json::Value, is_text: bool) {
    use serde_json::Value;
    const TEXTS: [&str; 17] = [
        "because", "detail", "details", "evidence", "fault", "faults", "message", "mixed", "note", "notes", "paused",
        "progress", "reason", "text", "unready", "why", "why_not",
    ];
    match json {
        Value::String(text) if is_text => *text = "x".into(),
        Value::Array(list) => list.iter_mut().for_each(|it| blank(it, is_text)),
        Value::Object(members) => {
            // An order's fault is a kind, a probe's is a text.
            let is_order = members.contains_key("state");
            for (name, member) in members {
                let is_kind = member.is_object() || (is_order && name == "fault");
                let is_text = TEXTS.contains(&name.as_str()) && !is_kind;
                blank(member, is_text);
            }
        }
        _ => {}
    }
}

fn fresh_state(service: &Service, now: Stamp) -> State {
    let me = Actor { name: "op1".into(), via: "console".into() };
    State::new(Arc::new(service.clone()), "scripted", capabilities(), me, Access::Console, 7, now)
}
