//! What an unattended plan waits for: time that was watched, guards that count a breach, guards without data.

use cutover::testing::domain::*;
use cutover::testing::engine::{Command, Event, Phase};

use crate::sim::{Sim, Wire, service};

const FAST: Pair<u64> = Pair { blue: 40, green: 40 };
const SLOW: Pair<u64> = Pair { blue: 40, green: 900 };

fn unattended() -> Service {
    let mut service = service();
    service.plan.auto = true;
    service.gates.clear();
    service
}

/// A plan that has made its first step, with traffic, and has baked for `s` of 60 seconds.
fn baked(service: &Service, s: u64) -> Sim {
    let mut sim = Sim::with(service);
    sim.traffic(2, 1_000, FAST);
    assert_eq!(share(&sim), 10);
    sim.traffic(s, 1_000, FAST);
    sim
}

fn share(sim: &Sim) -> u8 {
    sim.split.share(Side::Green)
}

fn waits(sim: &mut Sim) -> String {
    sim.status().step.waits.unwrap_or_default()
}

#[test]
fn a_guard_that_counts_a_breach_holds_the_next_step() {
    let mut sim = baked(&unattended(), 57);
    assert_eq!(waits(&mut sim), "");
    // The bake ends in these seconds; the third breach in a row is the one that acts.
    sim.traffic(3, 1_000, SLOW);
    assert_eq!((share(&sim), sim.status().step.bake_left_s), (10, Some(0.0)));
    let text = waits(&mut sim);
    assert!(text.starts_with("guard on green: p99 ") && text.ends_with(", 2 of 3 times"), "{text}");
    sim.traffic(2, 1_000, SLOW);
    assert_eq!((share(&sim), sim.status().phase), (0, Phase::RolledBack));
}

#[test]
fn a_breach_that_is_over_holds_it_no_longer() {
    let mut service = unattended();
    (service.guards[0].window_ms, service.guards[0].consecutive) = (2_000, 30);
    let mut sim = baked(&service, 57);
    sim.traffic(5, 1_000, SLOW);
    assert_eq!(share(&sim), 10);
    sim.traffic(5, 1_000, FAST);
    assert_eq!(share(&sim), 50);
}

#[test]
fn time_in_which_the_process_was_stopped_does_not_bake() {
    let mut sim = baked(&unattended(), 20);
    sim.now = sim.now.plus_ms(300_000);
    sim.traffic(35, 1_000, FAST);
    assert_eq!(share(&sim), 10, "it has watched for 55 seconds");
    sim.traffic(10, 1_000, FAST);
    assert_eq!(share(&sim), 50);
}

#[test]
fn time_without_a_reading_of_the_router_does_not_bake() {
    let mut sim = baked(&unattended(), 20);
    sim.wire = Wire::Down;
    sim.traffic(100, 1_000, FAST);
    assert_eq!(waits(&mut sim), "router unread");
    let left = sim.status().step.bake_left_s.unwrap();
    assert!((30.0..36.0).contains(&left), "{left}: about 25 seconds were watched");
    sim.wire = Wire::Works;
    sim.traffic(20, 1_000, FAST);
    assert_eq!((share(&sim), waits(&mut sim).as_str()), (10, ""));
    sim.traffic(25, 1_000, FAST);
    assert_eq!(share(&sim), 50);
}

#[test]
fn a_guard_without_data_holds_the_next_step_until_it_has_some() {
    let mut sim = baked(&unattended(), 0);
    sim.seconds(120);
    assert_eq!(share(&sim), 10);
    let text = waits(&mut sim);
    assert!(text.starts_with("guard on green: p99: no data"), "{text}");
    sim.traffic(5, 1_000, FAST);
    assert_eq!(share(&sim), 50);
}

#[test]
fn a_plan_that_gets_no_data_in_time_pauses_and_says_which_guard() {
    let mut service = unattended();
    service.plan.data_timeout_ms = 90_000;
    let mut sim = baked(&service, 0);
    sim.seconds(140);
    assert_eq!((share(&sim), sim.status().phase), (10, Phase::Shifting));
    sim.seconds(20);
    assert_eq!((share(&sim), sim.status().phase), (10, Phase::Paused));
    let paused = sim.status().paused.unwrap();
    assert!(paused.starts_with("plan: guard on green: p99: no data; waited for 90 s"), "{paused}");
}

#[test]
fn a_guard_that_needs_no_data_holds_nothing() {
    let mut service = unattended();
    service.guards[0].require_data = false;
    let mut sim = baked(&service, 0);
    sim.seconds(70);
    assert_eq!(share(&sim), 50);
}

#[test]
fn a_gate_that_runs_again_does_not_begin_the_wait_for_data_anew() {
    let mut service = service();
    (service.plan.auto, service.plan.data_timeout_ms) = (true, 90_000);
    service.gates[1].valid_for_ms = 20_000;
    let mut sim = Sim::with(&service);
    sim.seconds(180);
    assert_eq!((share(&sim), sim.status().phase), (10, Phase::Paused));
}

#[test]
fn after_a_resume_guards_judge_anew_and_by_new_data() {
    for elsewhere in [false, true] {
        let mut sim = Sim::with(&{
            let mut service = service();
            service.gates.clear();
            service.guards[0].then = GuardAction::Pause;
            service
        });
        sim.seconds(3);
        sim.ask(Command::Promote);
        sim.traffic(20, 1_000, Pair { blue: 20, green: 600 });
        assert_eq!(sim.status().phase, Phase::Paused, "the guard has paused it");
        if elsewhere {
            // Another shell resumes: this console reads it in the journal.
            let by = Actor { name: "op2".into(), via: "cli".into() };
            let record = Record { at: sim.now.wall, by, fact: Fact::Resumed };
            sim.journal.push(record.clone());
            sim.feed(Event::Recorded { records: vec![record] });
        } else {
            sim.ask(Command::Resume);
        }
        sim.traffic(10, 1_000, Pair { blue: 20, green: 20 });
        assert_eq!(sim.status().phase, Phase::Shifting, "what was slow before the resume counts no more");
        sim.traffic(20, 1_000, Pair { blue: 20, green: 600 });
        assert_eq!(sim.status().phase, Phase::Paused, "and what is slow after it does");
    }
}
