//! The plan walked unattended: to its end where all is well, and to what the config says where it is not.

use cutover::testing::domain::*;
use cutover::testing::engine::{Command, Event, Phase};

use crate::sim::{Sim, Wire, service};

fn unattended(on_failure: OnFailure) -> Service {
    let mut service = service();
    service.plan.auto = true;
    service.plan.on_failure = on_failure;
    service.guards.clear();
    // Evidence that grows old while the plan bakes, so that gates run again between the steps.
    service.gates[1].valid_for_ms = 20_000;
    service
}

/// A rollout that has made its first step by itself.
fn first_step(service: &Service) -> Sim {
    let mut sim = Sim::with(service);
    sim.seconds(5);
    assert_eq!((sim.status().phase, sim.split.share(Side::Green)), (Phase::Shifting, 10));
    sim
}

fn whys(sim: &Sim) -> Vec<String> {
    let why = |fact: &&Fact| match fact {
        Fact::Paused { why, .. } | Fact::Ordered { why, .. } => why.clone(),
        _ => None,
    };
    sim.facts().iter().filter_map(why).collect()
}

#[test]
fn a_good_candidate_is_walked_to_the_end_each_step_after_its_bake() {
    let mut sim = first_step(&unattended(OnFailure::Abort));
    sim.seconds(50);
    assert_eq!(sim.split.share(Side::Green), 10, "it bakes");
    sim.seconds(15);
    assert_eq!(sim.split.share(Side::Green), 50);
    sim.seconds(65);
    assert_eq!((sim.split.share(Side::Green), sim.status().phase), (100, Phase::Switched));
    sim.seconds(600);
    assert_eq!((sim.split.share(Side::Green), sim.orders.len()), (100, 3));
}

/// Breaks something a while after the first step.
type Break = fn(&mut Sim);

const BREAKS: [(&str, Break); 3] = [
    ("gate golden failed", |sim| {
        sim.gate_verdicts = |name| if name == "golden" { Verdict::Failed } else { Verdict::Passed };
    }),
    ("green serves v43 now, the rollout is of v42", |sim| sim.version.green = "v43"),
    ("green 0/1 ready", |sim| sim.ready.green = false),
];

#[test]
fn each_failure_of_the_candidate_does_what_the_plan_says() {
    for (why, break_it) in BREAKS {
        for (action, phase, share) in [
            (OnFailure::Abort, Phase::Aborted, 0),
            (OnFailure::Rollback, Phase::RolledBack, 0),
            (OnFailure::Pause, Phase::Paused, 10),
        ] {
            let mut sim = first_step(&unattended(action));
            break_it(&mut sim);
            sim.seconds(30);
            assert_eq!((sim.status().phase, sim.split.share(Side::Green)), (phase, share), "{why}, {action:?}");
            let told = whys(&sim);
            assert_eq!(told.len(), 1, "once: {told:?}");
            assert!(told[0].starts_with(&format!("plan: {why}")), "{told:?}");
        }
    }
}

#[test]
fn it_acts_within_the_evaluation_that_sees_it() {
    let mut sim = first_step(&unattended(OnFailure::Abort));
    sim.version.green = "v43";
    sim.seconds(1);
    assert_eq!(sim.split.share(Side::Green), 0);
}

#[test]
fn once_the_candidate_has_all_traffic_giving_up_is_a_rollback() {
    let mut sim = first_step(&unattended(OnFailure::Abort));
    sim.seconds(130);
    assert_eq!(sim.status().phase, Phase::Switched);
    sim.ready.green = false;
    sim.seconds(5);
    assert_eq!((sim.status().phase, sim.split.share(Side::Green)), (Phase::RolledBack, 0));
}

#[test]
fn nothing_is_sent_back_to_a_side_that_answers_nothing() {
    let mut sim = first_step(&unattended(OnFailure::Rollback));
    sim.ready = Pair { blue: false, green: false };
    sim.seconds(10);
    assert_eq!((sim.status().phase, sim.split.share(Side::Green)), (Phase::Paused, 10));
    assert!(whys(&sim)[0].contains("not taken back: blue answers nothing"), "{:?}", whys(&sim));
}

#[test]
fn a_failed_order_and_drift_wait_for_a_person_whatever_the_plan_says() {
    let mut sim = first_step(&unattended(OnFailure::Rollback));
    sim.wire = Wire::LosesOrders;
    sim.seconds(90);
    assert_eq!(sim.status().phase, Phase::Paused);
    assert_eq!((sim.split.share(Side::Green), whys(&sim).len()), (10, 1), "{:?}", whys(&sim));
    assert!(whys(&sim)[0].starts_with("plan: order "), "{:?}", whys(&sim));
    sim.wire = Wire::Works;
    sim.ask(Command::Resume);
    sim.seconds(10);
    assert_eq!(sim.split.share(Side::Green), 50, "a person has seen it: the plan goes on");

    let mut sim = first_step(&unattended(OnFailure::Rollback));
    sim.split = Split::toward(Side::Green, 40);
    sim.revision += 1;
    sim.seconds(10);
    assert_eq!(sim.split.share(Side::Green), 40, "a machine does not argue with whoever moved it");
    assert!(whys(&sim)[0].starts_with("plan: drift: router says 60/40"), "{:?}", whys(&sim));
}

#[test]
fn a_required_gate_that_fails_before_any_traffic_moved_moves_none() {
    let mut sim = Sim::with(&unattended(OnFailure::Rollback));
    sim.gate_verdicts = |name| if name == "golden" { Verdict::Failed } else { Verdict::Passed };
    sim.seconds(120);
    assert!(sim.orders.is_empty());
    assert_eq!(sim.status().phase, Phase::Idle);
}

#[test]
fn a_version_that_was_given_up_is_not_tried_again_and_a_new_one_is() {
    let mut sim = first_step(&unattended(OnFailure::Abort));
    sim.ready.green = false;
    sim.seconds(5);
    sim.ready.green = true;
    sim.seconds(120);
    assert_eq!((sim.status().phase, sim.orders.len()), (Phase::Aborted, 2));
    assert!(sim.status().step.tried);
    sim.version.green = "v43";
    sim.seconds(10);
    assert_eq!(sim.split.share(Side::Green), 0, "a walk that was given up is over");
    sim.ask(Command::Auto { on: true });
    sim.seconds(10);
    assert_eq!((sim.status().phase, sim.split.share(Side::Green)), (Phase::Shifting, 10));
}

#[test]
fn a_process_killed_between_any_two_records_is_followed_by_one_that_ends_in_the_same_place() {
    let service = unattended(OnFailure::Abort);
    let mut whole = Sim::with(&service);
    whole.seconds(200);
    let records = whole.journal.len();
    for kill_at in 1..records {
        let mut sim = Sim::with(&service);
        let mut left = 400;
        while sim.journal.len() < kill_at && left > 0 {
            sim.seconds(1);
            left -= 1;
        }
        sim.restart(&service);
        sim.seconds(240);
        assert_eq!((sim.split.share(Side::Green), sim.status().phase), (100, Phase::Switched), "killed at {kill_at}");
        let shares: Vec<u8> = sim.orders.iter().map(|order| order.target.share(Side::Green)).collect();
        let mut steps = shares.clone();
        steps.dedup();
        assert_eq!(steps, [10, 50, 100], "killed at {kill_at}: {shares:?}");
    }
}

#[test]
fn what_nobody_watched_has_not_baked() {
    let service = unattended(OnFailure::Abort);
    let mut sim = first_step(&service);
    sim.now = sim.now.plus_ms(3_600_000);
    sim.restart(&service);
    sim.seconds(30);
    assert_eq!(sim.split.share(Side::Green), 10, "an hour without guards is no bake");
    sim.seconds(40);
    assert_eq!(sim.split.share(Side::Green), 50);
}

#[test]
fn without_passing_evidence_the_walk_never_moves_whatever_comes() {
    // Verdicts, readiness and versions change at random; a forward order needs both gates passed on this version.
    for seed in 0..12 {
        fastrand::seed(seed);
        let mut sim = Sim::with(&unattended(OnFailure::Abort));
        for _ in 0..120 {
            match fastrand::u8(0..8) {
                0 => sim.gate_verdicts = |_| Verdict::Passed,
                1 => sim.gate_verdicts = |name| if name == "golden" { Verdict::Failed } else { Verdict::Passed },
                2 => sim.gate_verdicts = |_| Verdict::NotYet,
                3 => sim.version.green = ["v42", "v43", "v44"][fastrand::usize(..3)],
                4 => sim.ready.green = fastrand::bool(),
                5 => sim.feed(Event::Tick),
                _ => {}
            }
            let before = sim.orders.len();
            sim.seconds(fastrand::u64(1..20));
            for order in &sim.orders[before..] {
                let Some(at) = sim
                    .journal
                    .iter()
                    .position(|record| matches!(&record.fact, Fact::Ordered { order: o, .. } if o.id == order.id))
                else {
                    panic!("an order without its record");
                };
                if order.kind.is_forward() {
                    for gate in ["health", "golden"] {
                        let last = sim.journal[..at].iter().rev().find_map(|record| match &record.fact {
                            Fact::Gate { evidence } if evidence.gate == gate => Some(evidence.verdict),
                            _ => None,
                        });
                        assert_eq!(last, Some(Verdict::Passed), "seed {seed}: {gate} before {}", order.id);
                    }
                }
            }
        }
    }
}

#[test]
fn the_way_back_is_proven_and_its_loss_is_told_once() {
    let mut service = unattended(OnFailure::Abort);
    service.alerts = vec![AlertSpec {
        name: "pager".into(),
        way: AlertWay::Command { argv: vec!["page".into()], dir: "/".into() },
        on: AlertKind::TROUBLE.to_vec(),
        timeout_ms: 1_000,
    }];
    let mut sim = first_step(&service);
    sim.traffic(5, 300, Pair { blue: 20, green: 20 });
    sim.seconds(130);
    assert_eq!(sim.status().phase, Phase::Switched);
    let way = sim.status().rollback;
    assert!(way.ready && way.served_rps.is_some_and(|rps| rps > 200.0), "{way:?}");
    sim.ready.blue = false;
    sim.seconds(10);
    sim.ready.blue = true;
    sim.seconds(10);
    let told: Vec<bool> = sim
        .facts()
        .iter()
        .filter_map(|fact| if let Fact::Standby { ready, .. } = fact { Some(*ready > 0) } else { None })
        .collect();
    assert_eq!(told, [false, true]);
    assert_eq!(sim.alerts.iter().filter(|(alert, _)| alert.kind == AlertKind::Standby).count(), 1);
}

#[test]
fn a_person_goes_before_the_plan() {
    let mut sim = first_step(&unattended(OnFailure::Abort));
    sim.ask(Command::Pause);
    sim.seconds(200);
    assert_eq!(sim.split.share(Side::Green), 10);
    sim.ask(Command::Resume);
    sim.seconds(5);
    assert_eq!(sim.split.share(Side::Green), 50);
    sim.ask(Command::Rollback);
    sim.seconds(300);
    assert_eq!((sim.split.share(Side::Green), sim.status().phase), (0, Phase::RolledBack));
}
