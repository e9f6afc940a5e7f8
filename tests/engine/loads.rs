//! A load that runs: its figures reach the snapshot, and whoever gives the rollout up ends it.

use std::sync::Arc;

use cutover::testing::domain::*;
use cutover::testing::engine::snapshot::GateState;
use cutover::testing::engine::{Command, Event, Reply};

use crate::sim::Sim;

/// A world in which the first gate runs and goes on running.
fn running() -> (Sim, u64) {
    let mut sim = Sim::new();
    sim.gate_verdicts = |_| Verdict::Failed;
    sim.seconds(3);
    sim.gates_last = true;
    sim.version.green = "v43";
    sim.seconds(2);
    let run = sim.gates_running.last().map(|(run, _)| *run).unwrap();
    (sim, run)
}

fn evidence(sim: &Sim, gate: &str, load: Option<Arc<LoadRun>>) -> Evidence {
    Evidence {
        gate: gate.into(),
        verdict: Verdict::NotYet,
        value: None,
        limit: None,
        unit: "ms".into(),
        at_least: false,
        samples: 1,
        version: Version::from_text("v43").digest,
        at: sim.now.wall,
        took_ms: 1,
        note: "cancelled".into(),
        details: Vec::new(),
        load,
    }
}

#[test]
fn the_figures_of_a_load_are_seen_while_it_runs_and_after() {
    let (mut sim, run) = running();
    let load = LoadRun { reached_rps: 40.0, asked_rps: 50.0, p99_ms: Some(9.0), limit_ms: 20.0, ..LoadRun::default() };
    let load = Arc::new(LoadRun { finished: 77, length_s: 60.0, ..load });
    sim.feed(Event::GateProgress { run, done: 1, total: 60, load: Some(Arc::clone(&load)) });
    let gate = sim.status().gates[0].clone();
    assert_eq!((gate.status, gate.value, gate.limit, gate.samples), (GateState::Running, Some(9.0), Some(20.0), 77));
    assert!(gate.note.starts_with("40/50 rps, 1:00 left, 0 err"), "{}", gate.note);
    let shown = sim.state.snapshot().detail.load_of(&gate.name).cloned().unwrap();
    assert!(shown.running && shown.run == load);
    sim.gates_last = false;
    let ended = evidence(&sim, &gate.name, Some(Arc::clone(&load)));
    sim.feed(Event::GateEnded { run, evidence: ended });
    let shown = sim.state.snapshot().detail.load_of(&gate.name).cloned().unwrap();
    assert!(!shown.running && shown.run == load, "the picture stays");
    // It belongs to the version it was seen on, and to the journal.
    let facts = serde_json::to_string(&sim.facts()).unwrap();
    assert!(facts.contains("\"reached_rps\":40.0"), "{facts}");
    sim.version.green = "v44";
    sim.seconds(1);
    assert!(sim.state.snapshot().detail.load_of(&gate.name).is_none());
}

#[test]
fn abort_ends_every_gate_run_at_once() {
    // Nothing has moved: the run is stopped, and does not begin again by itself.
    let (mut sim, run) = running();
    assert!(matches!(sim.ask(Command::Abort), Reply::AlreadySo { .. }));
    assert_eq!(sim.gates_stopped, [run]);
    let cancelled = evidence(&sim, "health", None);
    sim.feed(Event::GateEnded { run, evidence: cancelled });
    let before = sim.gates_running.len();
    sim.seconds(60);
    assert_eq!(sim.gates_running.len(), before, "it began again");
    assert_eq!(sim.ask(Command::RunGates { only: Vec::new() }), Reply::Done);
    assert_eq!(sim.gates_running.len(), before + 1, "whoever asks for it gets it");
}

#[test]
fn a_rollback_ends_every_gate_run_whoever_gave_it() {
    let moved = || {
        let mut sim = crate::ready();
        assert!(matches!(sim.ask(Command::Promote), Reply::Ordered { .. }));
        sim.seconds(1);
        sim.gates_last = true;
        assert_eq!(sim.ask(Command::RunGates { only: vec!["health".into()] }), Reply::Done);
        let run = sim.gates_running.last().map(|(run, _)| *run).unwrap();
        (sim, run)
    };
    let (mut sim, run) = moved();
    assert!(matches!(sim.ask(Command::Rollback), Reply::Ordered { .. }));
    assert_eq!(sim.gates_stopped, [run]);
    let (mut other, run) = moved();
    let back = |record: &&Record| matches!(&record.fact, Fact::Ordered { order, .. } if order.kind == Move::Rollback);
    other.feed(Event::Recorded { records: sim.journal.iter().filter(back).cloned().collect() });
    assert_eq!(other.gates_stopped, [run]);
}
