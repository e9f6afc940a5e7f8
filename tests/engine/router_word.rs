//! What the router says of its replicas decides beside our own probes: they may succeed where users get nothing.

use cutover::testing::domain::*;
use cutover::testing::engine::{Command, Phase, Reply};

use crate::sim::{Sim, service};

fn plain() -> Service {
    let mut service = service();
    service.gates.clear();
    service.guards.clear();
    service
}

/// A rollout with half of the traffic on green.
fn moving() -> Sim {
    let mut sim = Sim::with(&plain());
    for _ in 0..2 {
        sim.ask(Command::Promote);
        sim.seconds(2);
    }
    assert_eq!(sim.split.share(Side::Green), 50);
    sim
}

const WHY: &str = "the router uses 0 of 1 replicas of green: server s1 is in MAINT";

#[test]
fn a_candidate_that_the_router_does_not_use_gets_no_traffic() {
    let mut sim = Sim::with(&plain());
    sim.at_router = Pair { blue: Some(1), green: Some(0) };
    sim.seconds(1);
    let status = sim.status();
    assert!(status.faults.iter().any(|fault| fault.text == WHY), "{:?}", status.faults);
    assert_eq!(status.sides.green.at_router.map(|it| (it.ready, it.total)), Some((0, 1)));
    for command in [Command::Promote, Command::Switch] {
        let refused = sim.ask(command);
        assert!(matches!(&refused, Reply::Refused(refusal) if refusal.text == WHY), "{refused:?}");
    }
    assert!(sim.orders.is_empty());
    sim.at_router.green = Some(1);
    sim.seconds(1);
    assert!(matches!(sim.ask(Command::Promote), Reply::Ordered { .. }));
}

#[test]
fn the_way_back_is_not_ready_where_the_router_does_not_use_it_and_a_person_can_still_go() {
    let mut sim = moving();
    assert!(sim.status().rollback.ready);
    sim.at_router.blue = Some(0);
    sim.seconds(1);
    let rollback = sim.status().rollback;
    let because = rollback.because.unwrap_or_default();
    assert!(!rollback.ready && because.ends_with("replicas of blue: server s1 is in MAINT"), "{because}");
    sim.seconds(4);
    let lost = |fact: &&Fact| matches!(fact, Fact::Standby { side: Side::Blue, ready: 0, .. });
    assert!(sim.facts().iter().any(lost), "the loss is on record");
    assert!(matches!(sim.ask(Command::Rollback), Reply::Ordered { .. }));
}

#[test]
fn a_guard_does_not_roll_back_onto_a_side_that_the_router_does_not_use() {
    let mut service = service();
    service.gates.clear();
    let mut sim = Sim::with(&service);
    sim.ask(Command::Promote);
    sim.traffic(5, 1_000, Pair { blue: 40, green: 40 });
    sim.at_router.blue = Some(0);
    sim.traffic(5, 1_000, Pair { blue: 40, green: 900 });
    assert_eq!((sim.split.share(Side::Green), sim.status().phase), (10, Phase::Paused));
}

#[test]
fn a_walk_ends_when_the_router_stops_using_the_candidate() {
    let mut service = plain();
    service.plan.auto = true;
    let mut sim = Sim::with(&service);
    sim.seconds(5);
    assert_eq!(sim.split.share(Side::Green), 10);
    sim.at_router.green = Some(0);
    sim.seconds(5);
    assert_eq!((sim.split.share(Side::Green), sim.status().phase), (0, Phase::Aborted));
    let why = sim.facts().iter().find_map(|fact| match fact {
        Fact::Ordered { order, why, .. } if order.kind == Move::Abort => why.clone(),
        _ => None,
    });
    assert_eq!(why.as_deref(), Some(format!("plan: {WHY}").as_str()));
}

#[test]
fn an_old_reading_says_nothing_of_replicas() {
    let mut sim = moving();
    sim.at_router.blue = Some(0);
    sim.seconds(1);
    sim.wire = crate::sim::Wire::Down;
    sim.seconds(10);
    let because = sim.status().rollback.because.unwrap_or_default();
    assert!(because.starts_with("not proven: the router cannot be read"), "{because}");
    assert_eq!(sim.status().sides.blue.at_router, None);
}
