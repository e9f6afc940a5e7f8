//! What the router says of its replicas decides beside our own probes: they may succeed where users get nothing.

use cutover::testing::domain::*;
use cutover::testing::engine::snapshot::FaultKind;
use cutover::testing::engine::{Command, Driver, Event, Phase, Reply};

use crate::sim::{Sim, service};

fn plain() -> Service {
    let mut service = service();
    service.gates.clear();
    service.guards.clear();
    service
}

/// A world in which nothing blocks the first step.
fn ready() -> Sim {
    let mut sim = Sim::with(&plain());
    sim.seconds(3);
    sim
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

#[test]
fn a_side_that_takes_traffic_and_answers_nothing_is_said_with_what_helps() {
    let mut sim = ready();
    let users = |sim: &mut Sim| sim.status().fault(FaultKind::Users).map(|fault| fault.text.clone());
    assert_eq!(users(&mut sim), None);
    sim.ready.blue = false;
    sim.seconds(2);
    let told = users(&mut sim).unwrap();
    assert_eq!(
        told,
        "users get errors now: blue takes 100 % of the traffic and answers nothing; green answers: S switches to it"
    );
    sim.ready.green = false;
    sim.seconds(2);
    assert!(users(&mut sim).unwrap().ends_with("green answers nothing either: start one of them"));
    (sim.ready.blue, sim.ready.green) = (true, true);
    sim.seconds(2);
    assert_eq!(users(&mut sim), None);
}

#[test]
fn a_side_at_zero_that_goes_on_beginning_requests_is_a_fault() {
    let mut sim = ready();
    let leak = |sim: &mut Sim| sim.status().fault(FaultKind::Leak).is_some();
    sim.ask(Command::Promote);
    sim.traffic(5, 100, Pair { blue: 20, green: 20 });
    sim.ask(Command::Rollback);
    sim.traffic(5, 100, Pair { blue: 20, green: 20 });
    assert!(!leak(&mut sim), "nobody is left on green");
    for _ in 0..3 {
        sim.traffic.sides.green.by_class[2] += 10;
        sim.seconds(1);
    }
    assert!(leak(&mut sim), "sticky users are");
    sim.seconds(8);
    assert!(!leak(&mut sim), "they are gone");
}

#[test]
fn a_driver_that_is_gone_is_said_at_once_by_the_others() {
    let mut sim = ready();
    sim.ask(Command::Promote);
    sim.seconds(2);
    sim.feed(Event::Lease { driver: Driver::Other("anna (pid 7)".into()) });
    assert!(sim.status().fault(FaultKind::Driver).is_none());
    sim.feed(Event::Lease { driver: Driver::Nobody });
    let text = sim.status().fault(FaultKind::Driver).unwrap().text.clone();
    assert_eq!(text, "NOBODY DRIVES, guards do not act: W takes over");
    let undriven = |sim: &Sim| sim.facts().iter().filter(|fact| ***fact == Fact::Undriven).count();
    assert_eq!(undriven(&sim), 1);
    sim.feed(Event::Lease { driver: Driver::Nobody });
    assert_eq!(undriven(&sim), 1, "once");
    sim.feed(Event::Lease { driver: Driver::Me });
    assert!(sim.status().fault(FaultKind::Driver).is_none());
    // With nothing under way nobody has to drive.
    let mut sim = ready();
    sim.feed(Event::Lease { driver: Driver::Nobody });
    assert!(sim.status().fault(FaultKind::Driver).is_none());
    assert_eq!(undriven(&sim), 0);
}

#[test]
fn an_address_that_gives_two_versions_in_turn_blocks_a_step() {
    let mut sim = ready();
    for version in ["v42", "v42.1", "v42"] {
        sim.version.green = version;
        sim.seconds(1);
    }
    let blocked = sim.status().blockers(&Command::Promote).map(|it| it.because.clone()).collect::<Vec<_>>();
    assert!(blocked.iter().any(|why| why.contains("gives two versions in turn")), "{blocked:?}");
    sim.seconds(70);
    let blocked = sim.status().blockers(&Command::Promote).map(|it| it.because.clone()).collect::<Vec<_>>();
    assert!(!blocked.iter().any(|why| why.contains("in turn")), "it has given one version for a minute: {blocked:?}");
}
