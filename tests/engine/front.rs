//! What users get at their own address decides beside the router's word.

use cutover::testing::domain::*;
use cutover::testing::engine::snapshot::FaultKind;
use cutover::testing::engine::{Command, Event};

use crate::sim::{Sim, service};

/// A rollout of one complete step, whose users' address is asked.
fn asked() -> Sim {
    let mut service = service();
    (service.gates, service.guards) = (Vec::new(), Vec::new());
    service.plan.steps = vec![10, 100];
    let version = VersionSource::Header { path: "/".into(), header: "x-version".into() };
    let transport = Transport::default();
    service.front = Some(FrontSpec { url: "http://scores".into(), host: None, version, transport });
    let mut sim = Sim::with(&service);
    sim.seconds(3);
    sim
}

/// Lets seconds pass in which `green` of ten requests are answered by green.
fn answers(sim: &mut Sim, seconds: u64, green: usize) {
    for _ in 0..seconds {
        for n in 0..10 {
            let version = if n < green { "v42" } else { "v41" };
            sim.feed(Event::Fronted { answer: Ok(Version::from_text(version)) });
        }
        sim.seconds(1);
    }
}

fn state(sim: &mut Sim) -> OrderState {
    sim.status().last_order.unwrap().state
}

#[test]
fn a_switch_is_verified_when_users_get_it_and_not_before() {
    let mut sim = asked();
    answers(&mut sim, 2, 0);
    sim.ask(Command::Switch);
    answers(&mut sim, 2, 0);
    let order = sim.status().last_order.unwrap();
    assert_eq!(order.state, OrderState::Accepted, "the router says so, and users get blue: {order:?}");
    assert_eq!(order.progress.as_deref(), Some("users' own address is not answered by green alone yet"));
    answers(&mut sim, 3, 0);
    let fault = sim.status().fault(FaultKind::Front).unwrap().text.clone();
    assert!(fault.contains("0 of") && fault.contains("the router says 0/100"), "{fault}");
    answers(&mut sim, 3, 10);
    assert_eq!(state(&mut sim), OrderState::Verified);
    answers(&mut sim, 12, 10);
    let status = sim.status();
    assert!(status.fault(FaultKind::Front).is_none(), "{:?}", status.faults);
    let front = status.front.unwrap();
    assert_eq!((front.blue, front.neither, front.fault), (0, 0, None));
    assert!(
        front.green > 50 && status.notes[0].starts_with("users' address, last 10 s: 0 by blue"),
        "{:?}",
        status.notes
    );
}

#[test]
fn a_share_is_compared_with_chance_in_mind() {
    let mut sim = asked();
    sim.ask(Command::Promote);
    answers(&mut sim, 12, 1);
    assert!(sim.status().fault(FaultKind::Front).is_none(), "one of ten is what was asked");
    answers(&mut sim, 12, 8);
    assert!(sim.status().fault(FaultKind::Front).is_some(), "eight of ten are not");
}

#[test]
fn a_front_that_cannot_tell_holds_nothing_up() {
    // Not reached.
    let mut sim = asked();
    sim.feed(Event::Fronted { answer: Err("connection refused".into()) });
    sim.ask(Command::Switch);
    sim.seconds(2);
    assert_eq!(state(&mut sim), OrderState::Verified);
    assert!(sim.status().notes[0].contains("not answered: connection refused"));
    // One version on both sides.
    let mut sim = asked();
    sim.version.green = "v41";
    sim.seconds(2);
    answers(&mut sim, 1, 0);
    sim.ask(Command::Switch);
    sim.seconds(2);
    assert_eq!(state(&mut sim), OrderState::Verified);
}

#[test]
fn an_order_that_only_the_router_shows_says_so() {
    let mut service = service();
    (service.gates, service.guards) = (Vec::new(), Vec::new());
    let mut sim = Sim::with(&service);
    sim.counts = false;
    sim.seconds(2);
    sim.ask(Command::Promote);
    sim.seconds(2);
    let detail = sim.status().last_order.unwrap().detail.unwrap();
    assert!(detail.ends_with("; not proven by traffic"), "{detail}");
}

#[test]
fn a_rollback_that_only_users_wait_for_is_not_sent_again() {
    let mut sim = asked();
    sim.ask(Command::Switch);
    answers(&mut sim, 2, 10);
    assert_eq!(state(&mut sim), OrderState::Verified);
    let before = sim.orders.len();
    sim.ask(Command::Rollback);
    answers(&mut sim, 30, 10);
    assert_eq!(state(&mut sim), OrderState::Accepted, "users still get green");
    assert_eq!(sim.orders.len(), before + 1, "the router shows it: it is not sent again");
    answers(&mut sim, 2, 0);
    assert_eq!(state(&mut sim), OrderState::Verified);
}

#[test]
fn a_front_that_cannot_tell_proves_nothing() {
    let mut sim = asked();
    sim.counts = false;
    sim.seconds(2);
    sim.feed(Event::Fronted { answer: Err("connection refused".into()) });
    sim.ask(Command::Switch);
    sim.seconds(2);
    let detail = sim.status().last_order.unwrap().detail.unwrap();
    assert!(detail.ends_with("; not proven by traffic"), "{detail}");
}
