//! Words are for people: a text that is worded otherwise changes nothing that the engine does.

use cutover::testing::domain::*;
use cutover::testing::engine::{Command, Event, Phase, Status};

use crate::sim::{Sim, Wire, service, wordless};

type Story = (&'static str, fn(&mut Sim));

const SLOW: Pair<u64> = Pair { blue: 100, green: 600 };

/// Rollouts that end in many ways.
const STORIES: [Story; 9] = [
    ("a guard takes traffic back", |sim| {
        sim.ask(Command::Promote);
        sim.traffic(20, 1000, SLOW);
    }),
    ("a guard that may not move traffic pauses", |sim| {
        sim.ask(Command::Promote);
        sim.ready.blue = false;
        sim.traffic(20, 1000, SLOW);
    }),
    ("a person goes back and says guard", |sim| {
        sim.ask(Command::Switch);
        sim.seconds(1);
        sim.ask_because(Command::Rollback, "guard p99 looked bad");
        sim.seconds(2);
    }),
    ("the plan gives up", |sim| {
        sim.ask(Command::Auto { on: true });
        sim.seconds(5);
        sim.version.green = "v43";
        sim.seconds(5);
    }),
    ("the plan meets drift", |sim| {
        sim.ask(Command::Auto { on: true });
        sim.seconds(5);
        sim.split = Split::toward(Side::Green, 33);
        sim.seconds(5);
    }),
    ("the line goes down", |sim| {
        sim.ask(Command::Promote);
        sim.seconds(1);
        sim.feed(Event::OperatorGone { why: "SIGHUP".into() });
    }),
    ("one order overtakes another", |sim| {
        sim.wire = Wire::LosesOrders;
        sim.ask(Command::Promote);
        sim.wire = Wire::Works;
        sim.ask(Command::Rollback);
        sim.seconds(2);
    }),
    ("the router cannot be reached", |sim| {
        sim.ask(Command::Switch);
        sim.seconds(1);
        sim.wire = Wire::Down;
        sim.ask(Command::Rollback);
        sim.seconds(3);
        sim.feed(Event::Leaving);
    }),
    ("a gate fails and waits block", |sim| {
        sim.gate_verdicts = |gate| if gate == "golden" { Verdict::Failed } else { Verdict::NotYet };
        sim.version.green = "v43";
        sim.mixed = Some("n1 says 50/50".into());
        sim.seconds(3);
    }),
];

fn watched() -> Service {
    let way = AlertWay::Command { argv: vec!["page".into()], dir: "/".into() };
    let place = AlertSpec { name: "pager".into(), way, on: AlertKind::ALL.to_vec(), timeout_ms: 1_000 };
    Service { alerts: vec![place], ..service() }
}

/// What was told, and what the status says without its words.
fn outcome(sim: &mut Sim) -> (Vec<AlertKind>, Status) {
    (sim.alerts.iter().map(|(alert, _)| alert.kind).collect(), wordless(&sim.status()))
}

fn played(story: fn(&mut Sim), is_wordless: bool) -> Sim {
    let mut sim = Sim::with(&watched());
    sim.wordless = is_wordless;
    sim.seconds(3);
    assert_eq!(sim.status().phase, Phase::Ready);
    story(&mut sim);
    sim
}

/// The next process on the same router, with `journal`, after the time in which the first should have told.
fn next(sim: &Sim, journal: Vec<Record>) -> (Vec<AlertKind>, Status) {
    let mut next = Sim::with(&watched());
    (next.now, next.split, next.revision) = (sim.now, sim.split, sim.revision);
    (next.traffic, next.version, next.ready) = (sim.traffic.clone(), sim.version, sim.ready);
    (next.mixed, next.gate_verdicts) = (sim.mixed.clone(), sim.gate_verdicts);
    (next.journal, next.alerts) = (journal, Vec::new());
    next.restart(&watched());
    next.seconds(185);
    outcome(&mut next)
}

#[test]
fn what_is_said_otherwise_is_done_all_the_same() {
    for (name, story) in STORIES {
        let mut sim = played(story, false);
        let mut other = played(story, true);
        let (kinds, status) = outcome(&mut sim);
        assert!(!kinds.is_empty(), "{name}: nothing was told");
        assert_eq!((&kinds, &status), (&outcome(&mut other).0, &outcome(&mut other).1), "{name}: words that came in");

        let (told, status) = next(&sim, sim.journal.clone());
        assert!(kinds.iter().all(|kind| told.contains(kind)), "{name}: {kinds:?} became {told:?}");
        let blank = sim.journal.iter().map(wordless).collect();
        assert_eq!((told, status), next(&sim, blank), "{name}: words in the journal");
    }
}
