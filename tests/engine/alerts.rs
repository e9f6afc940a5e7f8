//! Who is woken, by what, and that nobody is woken twice.

use cutover::testing::domain::*;
use cutover::testing::engine::{Command, Event};

use crate::sim::{Sim, Wire, service};

fn pager(on: &[AlertKind]) -> AlertSpec {
    AlertSpec {
        name: "pager".into(),
        way: AlertWay::Command { argv: vec!["page".into()], dir: "/".into() },
        on: on.to_vec(),
        timeout_ms: 1_000,
    }
}

fn with_pager() -> Service {
    Service { alerts: vec![pager(AlertKind::TROUBLE)], ..service() }
}

fn ready(service: &Service) -> Sim {
    let mut sim = Sim::with(service);
    sim.seconds(3);
    sim
}

fn kinds(sim: &Sim) -> Vec<AlertKind> {
    sim.alerts.iter().map(|(alert, _)| alert.kind).collect()
}

/// A candidate that is slow at its first step.
fn slow(sim: &mut Sim) {
    sim.ask(Command::Promote);
    sim.seconds(1);
    sim.traffic(6, 300, Pair { blue: 20, green: 900 });
    sim.seconds(2);
}

fn receipt(sim: &mut Sim, alert: &str, delivered: bool) {
    let (alert, to) = (alert.to_owned(), "pager".to_owned());
    sim.feed(Event::AlertEnded { alert, to, delivered, tries: 1, detail: "status 200".into() });
}

#[test]
fn a_guard_wakes_with_its_diagnosis_and_the_end_is_told() {
    let mut sim = ready(&with_pager());
    slow(&mut sim);
    assert_eq!(kinds(&sim), [AlertKind::Guard, AlertKind::RolledBack], "not the guard's rollback besides");
    let (alert, to) = sim.alerts[0].clone();
    assert_eq!(to, ["pager"]);
    assert_eq!((alert.severity, alert.side, alert.unit.as_str()), (Severity::Critical, Some(Side::Green), "ms"));
    assert!(alert.value.unwrap() > 800.0 && alert.limit == Some(250.0) && alert.samples.unwrap() >= 20, "{alert:?}");
    assert!(alert.title.starts_with("fraud-scorer prod: guard p99 on green: 9"), "{}", alert.title);
    assert!(alert.title.ends_with("rolling back to blue"), "{}", alert.title);
    assert!(alert.evidence[1].starts_with("green (v42): p50 9"), "{:?}", alert.evidence);
    assert_eq!(alert.done, "all traffic is being sent back to blue");
    assert!(alert.way_back.starts_with("under way"), "{}", alert.way_back);
    let end = &sim.alerts[1].0;
    assert!(end.title.contains("rollback done, blue has all traffic"), "{}", end.title);
    assert_eq!(end.way_back, "not needed: blue has all traffic");
}

#[test]
fn a_required_gate_wakes_once_a_version() {
    let mut sim = Sim::with(&with_pager());
    sim.gate_verdicts = |name| if name == "golden" { Verdict::Failed } else { Verdict::Passed };
    sim.seconds(5);
    assert_eq!(kinds(&sim), [AlertKind::Gate]);
    sim.ask(Command::RunGates { only: Vec::new() });
    sim.seconds(5);
    assert_eq!(kinds(&sim), [AlertKind::Gate], "the same gate on the same version is no news");
    sim.version.green = "v43";
    sim.seconds(5);
    assert_eq!(kinds(&sim), [AlertKind::Gate, AlertKind::Gate]);
    let told = &sim.alerts[1].0;
    assert_eq!((told.value, told.limit, told.versions.green.as_deref()), (Some(0.99), Some(0.95), Some("v43")));
    assert_eq!(told.done, "forward is blocked; no traffic had moved");
}

#[test]
fn an_optional_gate_and_a_good_rollout_wake_nobody() {
    let mut service = with_pager();
    service.gates[1].required = false;
    let mut sim = Sim::with(&service);
    sim.gate_verdicts = |name| if name == "golden" { Verdict::Failed } else { Verdict::Passed };
    sim.seconds(5);
    sim.ask(Command::Switch);
    sim.seconds(5);
    assert_eq!(kinds(&sim), []);
}

#[test]
fn only_what_a_place_asked_for_is_told_there() {
    let mut service = with_pager();
    service.alerts = vec![pager(&[AlertKind::Switched]), AlertSpec { name: "b".into(), ..pager(&[AlertKind::Guard]) }];
    let mut sim = ready(&service);
    sim.ask(Command::Switch);
    sim.seconds(2);
    slow(&mut sim);
    let told: Vec<(AlertKind, &str)> = sim.alerts.iter().map(|(a, to)| (a.kind, to[0].as_str())).collect();
    assert_eq!(told, [(AlertKind::Switched, "pager"), (AlertKind::Guard, "b")]);
}

#[test]
fn a_rollback_by_a_person_and_one_that_cannot_be_sent_are_told() {
    let mut sim = ready(&with_pager());
    sim.ask(Command::Promote);
    sim.seconds(1);
    sim.wire = Wire::LosesOrders;
    sim.ask(Command::Rollback);
    sim.seconds(2);
    assert_eq!(kinds(&sim), [AlertKind::Rollback, AlertKind::Order]);
    assert!(sim.alerts[1].0.title.contains("may have happened"), "{}", sim.alerts[1].0.title);
    assert!(sim.alerts[1].0.way_back.starts_with("under way"));
}

#[test]
fn what_a_killed_process_left_untold_is_told_by_the_next_that_drives_and_only_once() {
    let service = with_pager();
    let mut sim = ready(&service);
    slow(&mut sim);
    let ids: Vec<String> = sim.alerts.iter().map(|(alert, _)| alert.id.clone()).collect();
    // The first was delivered and that was written down; of the second nobody knows.
    receipt(&mut sim, &ids[0], true);
    sim.alerts.clear();
    sim.restart(&service);
    sim.seconds(60);
    assert_eq!(kinds(&sim), [], "its own process may still be trying");
    sim.seconds(180);
    assert_eq!(kinds(&sim), [AlertKind::RolledBack]);
    assert_eq!(sim.alerts[0].0.id, ids[1], "the same event has the same id");
    receipt(&mut sim, &ids[1], false);
    sim.restart(&service);
    sim.seconds(400);
    assert_eq!(kinds(&sim), [AlertKind::RolledBack]);
}

#[test]
fn the_place_that_had_no_receipt_is_told_after_a_kill_and_the_other_is_not_told_twice() {
    let mut service = with_pager();
    service.alerts.push(AlertSpec { name: "chat".into(), ..pager(&[AlertKind::Guard]) });
    let mut sim = ready(&service);
    slow(&mut sim);
    let ids: Vec<String> = sim.alerts.iter().map(|(alert, _)| alert.id.clone()).collect();
    assert_eq!(sim.alerts[0].1, ["pager", "chat"]);
    // The pager had both; the process was killed before the chat took its one.
    receipt(&mut sim, &ids[0], true);
    receipt(&mut sim, &ids[1], true);
    sim.alerts.clear();
    sim.restart(&service);
    sim.seconds(240);
    let told: Vec<(&str, &[String])> = sim.alerts.iter().map(|(alert, to)| (alert.id.as_str(), &to[..])).collect();
    assert_eq!(told, [(ids[0].as_str(), &["chat".to_owned()][..])]);
    sim.restart(&service);
    sim.seconds(240);
    assert_eq!(sim.alerts.len(), 2, "of that one nobody knows what became: it is told again, to the chat alone");
    assert_eq!(sim.alerts[1].1, ["chat"]);
}

#[test]
fn old_news_wakes_nobody() {
    let service = with_pager();
    let mut sim = ready(&service);
    slow(&mut sim);
    sim.alerts.clear();
    sim.now = sim.now.plus_ms(40 * 60_000);
    sim.restart(&service);
    sim.seconds(10);
    assert_eq!(kinds(&sim), []);
}
