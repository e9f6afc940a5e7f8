//! The reducer by scenario: events in, effects and state out; a day passes in milliseconds.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by a panic, and says what it skips"
)]

#[path = "../support/mod.rs"]
mod support;

mod agree;
mod alerts;
mod detail;
mod dialogue;
mod front;
mod loads;
mod metrics;
mod plan;
mod replay;
mod router_word;
mod sampling;
mod seen_fields;
mod sim;
mod stage;
mod systems;
mod systems_at_random;
mod waits;
mod words;

use cutover::testing::domain::*;
use cutover::testing::engine::snapshot::{GateState, GuardState};
use cutover::testing::engine::{Command, Driver, Event, Phase, RefusalKind, Reply};
use sim::{Sim, Wire, service};

fn refused(reply: &Reply) -> RefusalKind {
    match reply {
        Reply::Refused(refusal) => refusal.kind,
        other => panic!("not refused: {other:?}"),
    }
}

fn ordered(reply: &Reply) {
    assert!(matches!(reply, Reply::Ordered { .. }), "{reply:?}");
}

/// A world in which the gates have passed and nothing stands in the way.
fn ready() -> Sim {
    let mut sim = Sim::new();
    sim.seconds(3);
    assert_eq!(sim.status().phase, Phase::Ready);
    sim
}

#[test]
fn a_good_rollout_goes_step_by_step_to_the_end_and_is_finalized() {
    let mut sim = ready();
    for (step, phase) in [(10, Phase::Shifting), (50, Phase::Shifting), (100, Phase::Switched)] {
        ordered(&sim.ask(Command::Promote));
        sim.seconds(1);
        assert_eq!(sim.split.share(Side::Green), step);
        assert_eq!(sim.status().phase, phase);
        assert_eq!(sim.status().last_order.unwrap().state, OrderState::Verified);
    }
    let status = sim.status();
    assert_eq!((status.sides.green.role, status.sides.blue.role), (Role::Live, Role::Standby));
    assert!(matches!(sim.ask(Command::Promote), Reply::AlreadySo { .. }), "there is no step after the last");
    assert_eq!(sim.ask(Command::Finalize), Reply::Done);
    let status = sim.status();
    assert_eq!(status.phase, Phase::Finalized);
    assert_eq!((status.sides.green.role, status.sides.blue.role), (Role::Live, Role::Candidate));
}

#[test]
fn the_rollback_window_is_open_for_a_day_and_then_closed() {
    let mut sim = ready();
    ordered(&sim.ask(Command::Switch));
    sim.seconds(1);
    assert!(sim.status().rollback.window_left_s.unwrap() > 86_390.0);
    sim.now = sim.now.plus_ms(86_400_000);
    sim.seconds(1);
    assert_eq!(sim.status().rollback.window_left_s, Some(0.0));
    ordered(&sim.ask(Command::Rollback));
    sim.seconds(1);
    assert_eq!((sim.status().phase, sim.split), (Phase::RolledBack, Split::all(Side::Blue)));
}

#[test]
fn rollback_needs_neither_gates_nor_fresh_data_nor_the_lease_nor_the_journal() {
    let mut sim = ready();
    ordered(&sim.ask(Command::Switch));
    sim.seconds(1);
    sim.feed(Event::Lease { driver: Driver::Other("op2".into()) });
    sim.gate_verdicts = |_| Verdict::Failed;
    sim.journal_works = false;
    sim.now = sim.now.plus_ms(600_000);
    let status = sim.status();
    assert!(status.stale && status.phase == Phase::Unknown);
    assert_eq!(refused(&sim.ask(Command::Finalize)), RefusalKind::ReadOnly);
    ordered(&sim.ask_expecting(Command::Rollback, Some("ffff".into())));
    assert_eq!(sim.split, Split::all(Side::Blue));
    sim.seconds(1);
    assert_eq!(sim.status().last_order.unwrap().state, OrderState::Verified);
    assert!(sim.orders.last().unwrap().expected.is_none(), "rollback carries no revision");
}

#[test]
fn rollback_overtakes_a_forward_order_that_is_under_way() {
    let mut sim = ready();
    sim.wire = Wire::LosesOrders;
    ordered(&sim.ask(Command::Promote));
    assert_eq!(sim.status().last_order.unwrap().state, OrderState::Unknown);
    sim.wire = Wire::Works;
    ordered(&sim.ask(Command::Rollback));
    sim.seconds(1);
    let status = sim.status();
    assert_eq!((status.phase, status.last_order.unwrap().state), (Phase::RolledBack, OrderState::Verified));
}

#[test]
fn a_rollback_without_an_answer_is_sent_again_with_the_same_id() {
    let mut sim = ready();
    ordered(&sim.ask(Command::Switch));
    sim.seconds(1);
    sim.wire = Wire::Down;
    ordered(&sim.ask(Command::Rollback));
    sim.seconds(4);
    let tries: Vec<&Order> = sim.orders.iter().filter(|order| order.kind == Move::Rollback).collect();
    assert!(tries.len() >= 3, "{}", tries.len());
    assert!(tries.iter().all(|order| order.id == tries[0].id));
    assert!(sim.status().last_order.unwrap().retries >= 2);
    sim.wire = Wire::Works;
    sim.seconds(2);
    assert_eq!(sim.status().last_order.unwrap().state, OrderState::Verified);
    let written = sim
        .facts()
        .iter()
        .filter(|fact| matches!(fact, Fact::Ordered { order, .. } if order.kind == Move::Rollback))
        .count();
    assert_eq!(written, 1, "a retry is the same act");
}

#[test]
fn a_timed_out_order_is_unknown_until_an_observation_settles_it() {
    let mut sim = ready();
    sim.wire = Wire::LosesAnswers;
    ordered(&sim.ask(Command::Promote));
    assert_eq!(sim.status().last_order.unwrap().state, OrderState::Unknown);
    assert_eq!(refused(&sim.ask(Command::Promote)), RefusalKind::Busy);
    sim.observe();
    assert_eq!(sim.status().last_order.unwrap().state, OrderState::Verified, "it had happened");

    let mut sim = ready();
    sim.wire = Wire::LosesOrders;
    ordered(&sim.ask(Command::Promote));
    sim.seconds(5);
    assert_eq!(sim.status().last_order.unwrap().state, OrderState::Unknown, "not yet given up");
    sim.seconds(10);
    let status = sim.status();
    assert_eq!(status.last_order.unwrap().state, OrderState::Failed);
    assert_eq!((status.split.desired, status.phase), (Some(Split::all(Side::Blue)), Phase::Ready));
}

#[test]
fn a_failed_gate_blocks_forward_until_it_is_overridden_for_that_version() {
    let mut sim = Sim::new();
    sim.gate_verdicts = |gate| if gate == "golden" { Verdict::Failed } else { Verdict::Passed };
    sim.seconds(3);
    assert_eq!(refused(&sim.ask(Command::Promote)), RefusalKind::Blocked);
    let status = sim.status();
    assert!(
        status.blocked.iter().any(|b| b.command == Command::Switch && b.because.contains("golden FAIL")),
        "{status:?}"
    );
    let short = Command::Override { gate: "golden".into(), reason: "because".into() };
    assert_eq!(refused(&sim.ask(short)), RefusalKind::Usage);
    let good = Command::Override { gate: "golden".into(), reason: "labels are wrong, checked by hand".into() };
    assert_eq!(sim.ask(good), Reply::Done);
    assert_eq!(sim.status().gates[1].status, GateState::Overridden);
    ordered(&sim.ask(Command::Promote));
    sim.seconds(1);
    sim.version.green = "v43";
    sim.seconds(3);
    assert_eq!(sim.status().gates[1].status, GateState::Failed, "the override was for v42");
}

#[test]
fn a_manual_gate_waits_for_a_signature_that_is_bound_to_the_version() {
    let mut service = service();
    service.gates.push(GateSpec {
        name: "fairness".into(),
        kind: "manual".into(),
        required: true,
        valid_for_ms: 600_000,
        timeout_ms: 1000,
        ask: Some("Was the report read?".into()),
    });
    let mut sim = Sim::with(&service);
    sim.seconds(60);
    assert_eq!(sim.status().gates[2].status, GateState::Pending, "nothing runs it");
    assert_eq!(refused(&sim.ask(Command::Promote)), RefusalKind::Blocked);
    let status = sim.status();
    let waits = "gate fairness waits for a signature (approve)";
    assert!(status.blocked.iter().any(|b| b.command == Command::Promote && b.because == waits), "{status:?}");
    // It cannot be run, and running all leaves it out.
    assert_eq!(refused(&sim.ask(Command::RunGates { only: vec!["fairness".into()] })), RefusalKind::Usage);
    assert_eq!(sim.ask(Command::RunGates { only: Vec::new() }), Reply::Done);
    sim.seconds(2);
    assert_eq!(sim.status().gates[2].status, GateState::Pending);
    let approve = |gate: &str, reason: &str| Command::Approve { gate: gate.into(), reason: reason.into() };
    assert_eq!(refused(&sim.ask(approve("fairness", "read"))), RefusalKind::Usage);
    assert_eq!(refused(&sim.ask(approve("golden", "the labels are fine"))), RefusalKind::Usage);
    assert_eq!(sim.ask(approve("fairness", "report 17 read, gap 1.2 %")), Reply::Done);
    let gate = sim.status().gates[2].clone();
    assert_eq!(gate.status, GateState::Passed);
    assert!(gate.note.ends_with("report 17 read, gap 1.2 %") && gate.note.starts_with("signed by "), "{gate:?}");
    let signed = sim.journal.iter().filter(|record| matches!(record.fact, Fact::Approved { .. })).count();
    assert_eq!(signed, 1, "it is in the journal");
    assert!(matches!(sim.ask(approve("fairness", "once more, to be sure")), Reply::AlreadySo { .. }));
    // It outlives the process, and does not outlive the version.
    sim.restart(&service);
    sim.seconds(3);
    assert_eq!(sim.status().gates[2].status, GateState::Passed);
    sim.version.green = "v43";
    sim.seconds(3);
    assert_eq!(sim.status().gates[2].status, GateState::Pending, "the signature was for v42");
    assert_eq!(sim.ask(approve("fairness", "report 18 read, gap 1.1 %")), Reply::Done);
    sim.seconds(599);
    assert_eq!(sim.status().gates[2].status, GateState::Passed);
    sim.seconds(3);
    assert_eq!(sim.status().gates[2].status, GateState::Stale, "a signature counts for valid_for");
    assert_eq!(refused(&sim.ask(Command::Promote)), RefusalKind::Blocked);
}

#[test]
fn a_signature_needs_a_journal_and_a_driver() {
    let mut service = service();
    service.gates[1].ask = Some("?".into());
    let mut sim = Sim::with(&service);
    sim.seconds(3);
    let command = Command::Approve { gate: "golden".into(), reason: "looked at it all".into() };
    sim.journal_works = false;
    sim.ask(command.clone());
    sim.seconds(1);
    assert_eq!(refused(&sim.ask(command)), RefusalKind::Journal);
}

#[test]
fn a_new_candidate_version_voids_evidence_and_consent() {
    let mut sim = ready();
    sim.state = {
        let mut quiet = Sim::new();
        quiet.seconds(3);
        quiet.state
    };
    let digest = sim.status().digest;
    sim.version.green = "v43";
    sim.feed(Event::VersionRead { side: Side::Green, replica: 0, version: Ok(Version::from_text("v43")) });
    assert_eq!(sim.status().gates[0].status, GateState::Pending);
    assert_eq!(refused(&sim.ask_expecting(Command::Promote, Some(digest))), RefusalKind::StateChanged);
    assert!(sim.orders.is_empty(), "nothing was sent");
}

#[test]
fn evidence_grows_stale_and_is_made_anew() {
    let mut sim = ready();
    sim.now = sim.now.plus_ms(3_700_000);
    assert_eq!(sim.status().gates[0].status, GateState::Stale);
    sim.seconds(3);
    assert_eq!(sim.status().gates[0].status, GateState::Passed, "a driving console runs it again");
}

#[test]
fn replicas_that_disagree_block_forward_and_are_shown() {
    let mut two = service();
    two.sides.green.urls.push("http://127.0.0.1:3".into());
    let mut sim = Sim::with(&two);
    sim.feed(Event::Probed { side: Side::Green, replica: 1, latency_us: Some(1), fault: None });
    sim.feed(Event::VersionRead { side: Side::Green, replica: 1, version: Ok(Version::from_text("v40")) });
    sim.seconds(2);
    let status = sim.status();
    assert!(status.faults.iter().any(|fault| fault.text.contains("replicas disagree: v42")), "{:?}", status.faults);
    assert!(status.sides.green.version.is_none());
    assert_eq!(refused(&sim.ask(Command::Switch)), RefusalKind::Blocked);
}

#[test]
fn a_slow_candidate_is_rolled_back_by_its_guard() {
    let mut sim = ready();
    ordered(&sim.ask(Command::Promote));
    sim.seconds(1);
    let slow = Pair { blue: 20, green: 900 };
    sim.traffic(2, 300, slow);
    assert_eq!(sim.status().phase, Phase::Shifting, "two breaches are not three in a row");
    sim.traffic(4, 300, slow);
    let status = sim.status();
    assert_eq!((status.phase, sim.split), (Phase::RolledBack, Split::all(Side::Blue)));
    assert!(sim.facts().iter().any(|fact| matches!(fact, Fact::Guard(seen) if seen.action == GuardAction::Rollback)));
}

/// A service whose guard compares with the live side.
fn comparing(metric: Metric) -> Service {
    let mut service = service();
    let limit = if metric == Metric::ErrorRate { 0.5 } else { 250.0 };
    let versus = Some(Comparison { worse_by: 0.2, sure: 0.99 });
    service.guards[0] = GuardSpec { metric, bound: Bound::at_most(limit), versus, ..service.guards[0].clone() };
    service
}

#[test]
fn a_candidate_within_the_limit_but_surely_slower_than_the_live_side_is_rolled_back() {
    let mut sim = Sim::with(&comparing(Metric::P99));
    sim.seconds(3);
    ordered(&sim.ask(Command::Promote));
    sim.seconds(1);
    sim.traffic(20, 500, Pair { blue: 30, green: 33 });
    let versus = sim.status().guards[0].versus.unwrap();
    assert!((versus.seen.unwrap() - 0.1).abs() < 0.01, "{versus:?}");
    assert_eq!(sim.status().phase, Phase::Shifting, "10 % slower is allowed");
    let mut sim = Sim::with(&comparing(Metric::P99));
    sim.seconds(3);
    ordered(&sim.ask(Command::Promote));
    sim.seconds(1);
    sim.traffic(40, 500, Pair { blue: 30, green: 40 });
    assert_eq!((sim.status().phase, sim.split), (Phase::RolledBack, Split::all(Side::Blue)));
    let worse = |fact: &&Fact| matches!(fact, Fact::Guard(seen) if seen.worse_by > Some(0.3));
    assert_eq!(sim.facts().iter().copied().filter(worse).count(), 1, "told once, with by how much");
}

#[test]
fn a_guard_without_enough_samples_says_so_and_does_nothing() {
    let mut sim = ready();
    ordered(&sim.ask(Command::Promote));
    sim.seconds(1);
    // 10 % of 5 rps is nothing a second, of 10 rps one: below 20 samples in any window of ten seconds.
    sim.traffic(10, 10, Pair { blue: 20, green: 900 });
    let status = sim.status();
    assert_eq!(status.guards[0].status, GuardState::NotYet);
    assert_eq!(status.phase, Phase::Shifting);
}

#[test]
fn a_guard_does_not_roll_back_onto_a_side_that_answers_nothing() {
    let mut sim = ready();
    ordered(&sim.ask(Command::Switch));
    sim.seconds(1);
    sim.ready.blue = false;
    sim.traffic(8, 300, Pair { blue: 20, green: 900 });
    let status = sim.status();
    assert_eq!(sim.split, Split::all(Side::Green), "a person decides");
    assert!(!status.rollback.ready && status.rollback.because.unwrap().contains("0/1"));
    ordered(&sim.ask(Command::Rollback));
}

#[test]
fn without_a_journal_forward_is_refused_and_nothing_is_sent() {
    let mut sim = ready();
    sim.journal_works = false;
    ordered(&sim.ask(Command::Promote));
    assert!(sim.orders.is_empty());
    let status = sim.status();
    assert_eq!(status.last_order.unwrap().state, OrderState::Failed);
    assert_eq!(refused(&sim.ask(Command::Promote)), RefusalKind::Journal);
    assert_eq!(refused(&sim.ask(Command::Pause)), RefusalKind::Journal);
    sim.journal_works = true;
    sim.feed(Event::Written { ticket: None });
    ordered(&sim.ask(Command::Promote));
    assert_eq!(sim.orders.len(), 1);
}

#[test]
fn stale_data_locks_forward() {
    let mut sim = ready();
    sim.wire = Wire::Down;
    sim.seconds(6);
    assert_eq!(sim.status().phase, Phase::Unknown);
    assert_eq!(refused(&sim.ask(Command::Promote)), RefusalKind::Stale);
}

#[test]
fn an_override_wants_fresh_data() {
    let mut sim = Sim::new();
    sim.gate_verdicts = |name| if name == "golden" { Verdict::Failed } else { Verdict::Passed };
    sim.seconds(3);
    sim.wire = Wire::Down;
    sim.seconds(6);
    let reason = "labels are wrong, checked by hand".to_owned();
    assert_eq!(refused(&sim.ask(Command::Override { gate: "golden".into(), reason })), RefusalKind::Stale);
}

#[test]
fn a_preview_is_the_very_order_that_is_sent() {
    let mut sim = ready();
    for command in [Command::Promote, Command::Switch, Command::Rollback, Command::Promote, Command::Abort] {
        sim.seconds(1);
        let shown = sim.state.order_preview(&command).unwrap();
        ordered(&sim.ask(command));
        assert_eq!(sim.orders.last(), Some(&shown));
    }
    assert_eq!(sim.state.order_preview(&Command::Pause), None);
}

#[test]
fn the_status_says_what_wants_the_version_typed_and_how_long_the_way_back_lasts() {
    let mut sim = ready();
    assert_eq!(sim.status().typed, [Move::Switch]);
    assert!((sim.status().rollback.window_s - 86_400.0).abs() < f64::EPSILON);
    let mut service = service();
    service.plan.typed_promote = true;
    sim.restart(&service);
    assert_eq!(sim.status().typed, [Move::Switch, Move::Promote]);
}

#[test]
fn drift_is_told_once_blocks_forward_and_can_be_accepted() {
    let mut sim = ready();
    ordered(&sim.ask(Command::Promote));
    sim.seconds(1);
    sim.split = Split::toward(Side::Green, 30);
    sim.revision += 1;
    sim.seconds(1);
    // It may be the order of another process, whose journal entry is on its way: not yet drift, and nothing to accept.
    assert_eq!((sim.status().phase, sim.status().split.drift), (Phase::Shifting, false));
    assert_eq!(refused(&sim.ask(Command::Promote)), RefusalKind::Busy);
    sim.ask(Command::Resume);
    assert!(!sim.facts().iter().any(|fact| matches!(fact, Fact::Adopted { .. })), "nothing is taken for ours");
    sim.seconds(4);
    assert_eq!(sim.status().phase, Phase::Unknown);
    assert_eq!(sim.facts().iter().filter(|fact| matches!(fact, Fact::Drift { .. })).count(), 1);
    assert_eq!(refused(&sim.ask(Command::Promote)), RefusalKind::Blocked);
    assert_eq!(sim.ask(Command::Resume), Reply::Done);
    sim.seconds(1);
    assert_eq!(sim.status().phase, Phase::Shifting);
    ordered(&sim.ask(Command::Promote));
    assert_eq!(sim.split.share(Side::Green), 50);
}

#[test]
fn another_process_moves_the_world_between_screen_and_order() {
    let mut sim = ready();
    sim.revision += 1;
    ordered(&sim.ask(Command::Promote));
    let status = sim.status();
    assert_eq!(status.last_order.unwrap().state, OrderState::Failed, "compare-and-set");
    assert_eq!(sim.split, Split::all(Side::Blue));
}

#[test]
fn pause_holds_the_plan_and_resume_goes_on() {
    let mut sim = ready();
    ordered(&sim.ask(Command::Promote));
    sim.seconds(1);
    assert_eq!(sim.ask(Command::Pause), Reply::Done);
    assert_eq!(sim.status().phase, Phase::Paused);
    assert_eq!(refused(&sim.ask(Command::Promote)), RefusalKind::Paused);
    assert_eq!(sim.split.share(Side::Green), 10, "no traffic is moved");
    assert_eq!(sim.ask(Command::Resume), Reply::Done);
    ordered(&sim.ask(Command::Promote));
}

#[test]
fn abort_gives_the_rollout_up() {
    let mut sim = ready();
    assert!(matches!(sim.ask(Command::Abort), Reply::AlreadySo { .. }));
    ordered(&sim.ask(Command::Promote));
    sim.seconds(1);
    ordered(&sim.ask(Command::Abort));
    sim.seconds(1);
    assert_eq!((sim.status().phase, sim.split), (Phase::Aborted, Split::all(Side::Blue)));
    ordered(&sim.ask(Command::Promote));
}

#[test]
fn the_plan_is_walked_unattended_and_each_step_is_baked() {
    let mut sim = Sim::new();
    assert_eq!(sim.ask(Command::Auto { on: true }), Reply::Done);
    sim.traffic(10, 100, Pair { blue: 20, green: 20 });
    assert_eq!(sim.split.share(Side::Green), 10);
    sim.traffic(45, 100, Pair { blue: 20, green: 20 });
    assert_eq!(sim.split.share(Side::Green), 10, "a minute of bake is not over");
    sim.traffic(20, 100, Pair { blue: 20, green: 20 });
    assert_eq!(sim.split.share(Side::Green), 50);
    sim.traffic(70, 100, Pair { blue: 20, green: 20 });
    assert_eq!(sim.status().phase, Phase::Switched);
    assert!(sim.journal.iter().filter(|r| matches!(r.fact, Fact::Ordered { .. })).all(|r| r.by.name == "auto"));
}

#[test]
fn a_process_killed_between_any_two_records_leaves_a_state_the_next_one_goes_on_from() {
    let mut whole = ready();
    for command in
        [Command::Promote, Command::Promote, Command::Pause, Command::Resume, Command::Promote, Command::Rollback]
    {
        whole.ask(command);
        whole.seconds(1);
    }
    for cut in 0..=whole.journal.len() {
        for happened in [false, true] {
            let mut sim = Sim::new();
            sim.journal = whole.journal[..cut].to_vec();
            sim.split = Split::all(Side::Blue);
            for record in &sim.journal {
                match &record.fact {
                    Fact::OrderIs { state: OrderState::Verified, id, .. } => sim.split = target_of(&whole, id),
                    Fact::Ordered { order, .. } if happened => sim.split = order.target,
                    _ => {}
                }
            }
            sim.now = whole.now.plus_ms(1000);
            sim.restart(&service());
            sim.seconds(15);
            let status = sim.status();
            assert_ne!(status.phase, Phase::Unknown, "cut {cut} happened {happened}: {:?}", status.faults);
            let settled = status.last_order.is_none_or(|order| order.state.is_settled());
            assert!(settled, "cut {cut} happened {happened}");
            let reply = sim.ask(Command::Rollback);
            assert!(!matches!(reply, Reply::Refused(_)), "cut {cut}: {reply:?}");
            assert_eq!(sim.split, Split::all(Side::Blue));
        }
    }
}

fn target_of(sim: &Sim, id: &OrderId) -> Split {
    sim.orders.iter().find(|order| order.id == *id).map(|order| order.target).expect("recorded orders were sent")
}

#[test]
fn another_process_walks_a_step_and_this_one_follows() {
    let mut console = ready();
    let mut script = ready();
    let before = script.journal.len();
    ordered(&script.ask(Command::Promote));
    script.seconds(1);
    console.split = script.split;
    console.revision = script.revision;
    let records = script.journal[before..].to_vec();
    console.feed(Event::Recorded { records });
    console.seconds(3);
    let status = console.status();
    assert_eq!((status.phase, status.step.index), (Phase::Shifting, 1));
    assert!(!status.split.drift);
    ordered(&console.ask(Command::Promote));
    assert_eq!(console.split.share(Side::Green), 50);
}

#[test]
fn an_order_whose_place_another_took_is_still_waited_for_and_told() {
    let (mut one, mut two) = (ready(), ready());
    let before = two.journal.len();
    one.wire = Wire::Silent;
    ordered(&one.ask(Command::Promote));
    assert!(one.state.awaits_answer());
    // The other ordered from the same state, a moment later in the journal, and the router took its order.
    ordered(&two.ask(Command::Promote));
    two.observe();
    (one.split, one.revision) = (two.split, two.revision);
    let order = one.orders[0].id.clone();
    let records = two.journal[before..].iter().cloned().filter_map(|mut record| {
        match &mut record.fact {
            Fact::Started { .. } => return None,
            // Both worlds draw their ids from one seed.
            Fact::Ordered { order: Order { id, .. }, .. } | Fact::OrderIs { id, .. } => *id = OrderId("theirs".into()),
            _ => {}
        }
        Some(record)
    });
    one.feed(Event::Recorded { records: records.collect() });
    assert!(one.state.awaits_answer(), "its own order has no end in the journal yet");
    one.feed(Event::Answered { id: order.clone(), result: Err(BackendError::Conflict("revision moved".into())) });
    assert!(!one.state.awaits_answer());
    let is_told = |fact: &&Fact| matches!(fact, Fact::OrderIs { id, state: OrderState::Failed, .. } if *id == order);
    assert!(one.facts().iter().any(is_told), "{:?}", one.facts());
    let status = one.status();
    let last = status.last_order.unwrap();
    assert_eq!((last.id == order, last.state, status.phase), (false, OrderState::Verified, Phase::Shifting));
}

#[test]
fn on_disconnect_rolls_back_only_where_the_plan_says_so() {
    let mut sim = ready();
    ordered(&sim.ask(Command::Promote));
    sim.seconds(1);
    sim.feed(Event::OperatorGone { why: "SIGHUP".into() });
    assert_eq!(sim.split.share(Side::Green), 10, "hold is the default");

    let mut wary = service();
    wary.plan.on_disconnect = OnDisconnect::Rollback;
    let mut sim = Sim::with(&wary);
    sim.seconds(3);
    ordered(&sim.ask(Command::Promote));
    sim.seconds(1);
    sim.feed(Event::OperatorGone { why: "SIGHUP".into() });
    assert_eq!(sim.split, Split::all(Side::Blue));
}

#[test]
fn a_wall_clock_that_jumps_moves_no_timer() {
    let mut sim = ready();
    ordered(&sim.ask(Command::Promote));
    sim.seconds(1);
    for jump in [-86_400_i64, 3 * 86_400] {
        let before = sim.status().step.bake_left_s.unwrap();
        sim.now.wall += chrono::TimeDelta::seconds(jump);
        let left = sim.status().step.bake_left_s.unwrap();
        assert!((left - before).abs() < 0.1, "{before} {left}");
        sim.seconds(1);
        assert!((sim.status().step.bake_left_s.unwrap() - before).abs() < 1.1);
    }
}

#[test]
fn no_random_order_of_events_moves_traffic_forward_without_a_request() {
    let mut rng = fastrand::Rng::with_seed(42);
    for _ in 0..200 {
        let mut sim = Sim::new();
        for _ in 0..100 {
            match rng.u8(0..9) {
                0 => sim.wire = [Wire::Works, Wire::Down, Wire::LosesAnswers, Wire::LosesOrders][rng.usize(0..4)],
                1 => sim.seconds(1),
                2 => sim.traffic(1, rng.u64(1..500), Pair { blue: 10, green: rng.u64(5..2000) }),
                3 => drop(sim.ask(Command::Rollback)),
                4 => drop(sim.ask(Command::Pause)),
                5 => drop(sim.ask(Command::Abort)),
                6 => sim.journal_works = rng.bool(),
                7 => sim.ready.green = rng.bool(),
                _ => {
                    sim.feed(Event::Lease {
                        driver: if rng.bool() { Driver::Other("op2".into()) } else { Driver::Me },
                    });
                }
            }
        }
        assert!(sim.orders.iter().all(|order| !order.kind.is_forward()));
        assert_eq!(sim.split, Split::all(Side::Blue));
    }
}

#[test]
fn a_rollback_nobody_will_try_again_and_that_changed_nothing_is_given_up() {
    let mut sim = ready();
    ordered(&sim.ask(Command::Switch));
    sim.seconds(1);
    sim.wire = Wire::Down;
    ordered(&sim.ask(Command::Rollback));
    sim.seconds(2);
    let order = sim.status().last_order.unwrap();
    assert!(order.state == OrderState::Sent && order.detail.unwrap().contains("refused"), "each try is told");
    sim.feed(Event::Leaving);
    assert_eq!(sim.status().last_order.unwrap().state, OrderState::Failed);
    sim.wire = Wire::Works;
    sim.seconds(5);
    let status = sim.status();
    assert!(!status.split.drift, "nobody asked for anything else than what the router says: {:?}", status.split);
}

#[test]
fn a_rollback_that_may_have_happened_is_never_given_up() {
    let mut sim = ready();
    ordered(&sim.ask(Command::Switch));
    sim.seconds(1);
    sim.wire = Wire::LosesOrders;
    ordered(&sim.ask(Command::Rollback));
    sim.wire = Wire::Down;
    sim.seconds(2);
    sim.feed(Event::Leaving);
    assert!(!sim.status().last_order.unwrap().state.is_settled());
}

#[test]
fn what_is_over_cannot_be_paused() {
    let mut sim = ready();
    ordered(&sim.ask(Command::Switch));
    sim.seconds(1);
    assert_eq!(sim.ask(Command::Finalize), Reply::Done);
    assert!(matches!(sim.ask(Command::Pause), Reply::AlreadySo { .. }));
}

#[test]
fn who_drives_already_takes_nothing_over() {
    let mut sim = ready();
    assert!(matches!(sim.ask(Command::TakeOver), Reply::AlreadySo { .. }));
}

#[test]
fn the_way_back_is_open_while_nodes_disagree() {
    let mut sim = ready();
    assert!(matches!(sim.ask(Command::Rollback), Reply::AlreadySo { .. }));
    sim.mixed = Some("a says 100/0; b says 50/50".into());
    sim.notes = (0..40).map(|n| format!("note {n}\u{1b}[2J")).collect();
    sim.seconds(1);
    assert!(sim.status().rollback.needed);
    assert_eq!((sim.status().notes.len(), sim.status().notes[0].as_str()), (20, "note 0"));
    ordered(&sim.ask(Command::Rollback));
    sim.seconds(2);
    assert_ne!(sim.status().last_order.unwrap().state, OrderState::Verified, "half is not done");
    sim.mixed = None;
    sim.seconds(1);
    assert_eq!(sim.status().last_order.unwrap().state, OrderState::Verified);
}
