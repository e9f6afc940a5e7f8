//! What the screen gets besides the status document.

use super::sim::Sim;
use super::{ordered, ready};
use cutover::testing::domain::*;
use cutover::testing::engine::Command;
use cutover::testing::engine::snapshot::GateState;

fn states(sim: &mut Sim, gate: &str) -> Vec<GateState> {
    sim.state.snapshot().detail.trail(gate).iter().map(|point| point.state).collect()
}

#[test]
fn a_trail_tells_how_a_gate_stood_over_time() {
    let mut sim = ready();
    assert_eq!(states(&mut sim, "golden"), [GateState::Running, GateState::Passed]);
    sim.gate_verdicts = |name| if name == "golden" { Verdict::Failed } else { Verdict::Passed };
    sim.version.green = "v43";
    sim.seconds(8);
    let trail = states(&mut sim, "golden");
    assert_eq!(trail.last(), Some(&GateState::Failed), "{trail:?}");
    let reason = "the golden set is of last year".to_owned();
    sim.ask(Command::Override { gate: "golden".into(), reason });
    sim.seconds(1);
    let snapshot = sim.state.snapshot();
    let trail = snapshot.detail.trail("golden");
    assert_eq!(trail.last().map(|point| (point.state, point.run)), Some((GateState::Overridden, false)));
    assert!(trail.windows(2).all(|pair| pair[0].at <= pair[1].at), "oldest first: {trail:?}");
    assert_eq!(snapshot.detail.trail("no such gate"), []);
}

#[test]
fn a_trail_is_bounded_and_outlives_the_process() {
    let mut sim = ready();
    sim.gate_verdicts = |_| Verdict::NotYet;
    sim.version.green = "v43";
    sim.seconds(4_500);
    let points = sim.state.snapshot().detail.trail("golden").len();
    assert!((100..=480).contains(&points), "{points}");
    let service = super::service();
    sim.restart(&service);
    assert!(sim.state.snapshot().detail.trail("golden").len() > 100, "folded from the journal again");
}

#[test]
fn an_hour_of_points_is_kept_per_side() {
    let mut sim = ready();
    sim.traffic(4_000, 10, Pair { blue: 20, green: 30 });
    let history = sim.state.snapshot().history;
    for side in Side::BOTH {
        assert_eq!((history[side].traffic.len(), history[side].probes.len()), (3_600, 3_600));
    }
}

#[test]
fn the_plan_tells_when_each_step_was_reached() {
    let mut sim = ready();
    assert_eq!(sim.state.snapshot().detail.started, None);
    ordered(&sim.ask(Command::Promote));
    sim.seconds(5);
    ordered(&sim.ask(Command::Promote));
    sim.seconds(5);
    let detail = sim.state.snapshot().detail;
    let shares: Vec<u8> = detail.reached.iter().map(|(share, _)| *share).collect();
    assert_eq!(shares, [10, 50]);
    assert!(detail.started.unwrap() <= detail.reached[0].1 && detail.reached[0].1 < detail.reached[1].1);
    assert!((detail.bake_s - 60.0).abs() < 0.1);
}

#[test]
fn each_replica_is_told_by_itself() {
    let mut sim = ready();
    sim.ready.green = false;
    sim.seconds(2);
    let replicas = sim.state.snapshot().detail.replicas;
    assert_eq!((&*replicas.blue[0].url, replicas.blue[0].ready), ("http://127.0.0.1:1", Some(true)));
    assert_eq!(replicas.green[0].ready, Some(false));
    assert!(replicas.green[0].fault.is_some() && replicas.blue[0].latency_ms.is_some());
}
