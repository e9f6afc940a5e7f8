//! Traffic systems that act by themselves: a controller with steps of its own, and a platform that works for minutes.

use cutover::testing::domain::*;
use cutover::testing::engine::snapshot::FaultKind;
use cutover::testing::engine::{Access, Command, Phase, RefusalKind, Reply};

use crate::stage::Stage;
use crate::support::scripted::Model;
use crate::support::scripted::controller::{Pause, REDEPLOY_MS, Rollouts};
use crate::support::scripted::slow::{CHANGE_MS, Fate, PACE, Platform};

fn green(percent: u8) -> Split {
    Split::toward(Side::Green, percent)
}

fn rollouts(steps: &[(u8, Pause)]) -> Stage<Rollouts> {
    Stage::new(Rollouts::new(steps, Stamp::epoch().wall), Pace::DIRECT)
}

fn by_hand() -> Stage<Rollouts> {
    rollouts(&[(10, Pause::Person), (50, Pause::Person), (100, Pause::Person)])
}

fn platform() -> Stage<Platform> {
    Stage::new(Platform::new(green(0)), PACE)
}

fn is_verified(status: &cutover::testing::engine::Status) -> bool {
    status.last_order.as_ref().is_some_and(|order| order.state == OrderState::Verified)
}

#[track_caller]
fn ordered(reply: &Reply) {
    assert!(matches!(reply, Reply::Ordered { .. }), "{reply:?}");
}

#[track_caller]
fn refused(reply: Reply, kind: RefusalKind, text: &str) {
    let Reply::Refused(refusal) = reply else { panic!("{reply:?}") };
    assert_eq!(refusal.kind, kind, "{}", refusal.text);
    assert!(refusal.text.contains(text), "{}", refusal.text);
}

fn failure<M: Model>(stage: &mut Stage<M>) -> String {
    let order = stage.status().last_order.unwrap();
    assert_eq!(order.state, OrderState::Failed, "{order:?}");
    order.detail.unwrap()
}

fn progress<M: Model>(stage: &Stage<M>) -> Vec<(Split, ControllerState)> {
    let made = stage.journal.iter().filter_map(|record| match &record.fact {
        Fact::Progress { split, state, .. } => Some((*split, *state)),
        _ => None,
    });
    made.collect()
}

#[test]
fn the_steps_are_the_controllers_and_an_order_waits_for_what_it_works_on() {
    let mut stage = rollouts(&[(20, Pause::Person), (60, Pause::Person), (100, Pause::Person)]);
    assert_eq!(stage.status().step.steps, [20, 60, 100], "not those of the config");
    ordered(&stage.ask(Command::Promote));
    stage.seconds(2);
    let order = stage.status().last_order.unwrap();
    assert_eq!(order.state, OrderState::Accepted, "{order:?}");
    assert_eq!(
        order.progress.as_deref(),
        Some("step 0/3, at work: more replicas need to be updated for 20 %; 2 s of at most 2 min")
    );
    refused(stage.ask(Command::Promote), RefusalKind::Busy, "is ACCEPTED");
    stage.until(5, is_verified);
    let status = stage.status();
    assert_eq!((status.split.observed, status.step.index, status.step.next), (Some(green(20)), 1, Some(60)));
    assert!(status.faults.is_empty(), "{:?}", status.faults);
}

#[test]
fn its_own_steps_are_progress_and_no_drift() {
    let mut stage = rollouts(&[(10, Pause::For(20_000)), (50, Pause::Judge(30_000, true)), (100, Pause::Person)]);
    ordered(&stage.ask(Command::Promote));
    stage.until(10, is_verified);
    stage.until(60, |status| status.split.observed == Some(green(50)));
    stage.seconds(5);
    let status = stage.status();
    assert!(!status.split.drift && status.faults.is_empty(), "{:?}", status.faults);
    assert_eq!((status.phase, status.step.index), (Phase::Shifting, 2));
    stage.until(60, |status| status.split.observed == Some(green(100)));
    stage.seconds(5);
    let status = stage.status();
    assert_eq!((status.phase, status.split.drift), (Phase::Switched, false));
    let steps = [(green(50), ControllerState::Working), (green(100), ControllerState::Resting)];
    assert_eq!(progress(&stage), steps, "a line each");
    assert_eq!(stage.orders.len(), 1, "and no order of ours");
}

#[test]
fn a_weight_that_the_controller_did_not_set_is_drift() {
    let mut stage = by_hand();
    ordered(&stage.ask(Command::Promote));
    stage.until(10, is_verified);
    stage.model.edited(33);
    stage.seconds(4);
    let status = stage.status();
    assert!(status.split.drift, "{status:#?}");
    assert!(progress(&stage).is_empty());
}

#[test]
fn a_rollout_that_somebody_else_begins_is_followed() {
    let mut stage = by_hand();
    stage.model.by_another(Move::Promote);
    stage.until(10, |status| status.split.observed == Some(green(10)));
    stage.seconds(3);
    let status = stage.status();
    assert_eq!((status.phase, status.split.drift), (Phase::Shifting, false), "{status:#?}");
    assert!(status.rollback.needed);
    ordered(&stage.ask(Command::Rollback));
    stage.until(10, is_verified);
    assert_eq!(stage.model.users(), green(0));
}

#[test]
fn a_step_that_another_operator_takes_further_is_reached() {
    let mut stage = by_hand();
    ordered(&stage.ask(Command::Promote));
    stage.seconds(1);
    stage.model.by_another(Move::Switch);
    stage.until(10, is_verified);
    stage.seconds(5);
    let status = stage.status();
    assert_eq!((status.phase, status.split.drift), (Phase::Switched, false), "{status:#?}");
}

#[test]
fn what_it_gives_up_by_itself_fails_with_its_own_reason() {
    let mut stage = rollouts(&[(10, Pause::Judge(20_000, false)), (100, Pause::Person)]);
    ordered(&stage.ask(Command::Promote));
    stage.until(10, is_verified);
    stage.until(40, |status| status.phase == Phase::Aborted);
    let last = stage.journal.iter().rev().find(|record| matches!(record.fact, Fact::Progress { .. })).unwrap();
    assert_eq!(last.by.name, "rollouts", "not by a person, and not by cutover");
    let Fact::Progress { message, state, .. } = &last.fact else { unreachable!() };
    assert_eq!((message.as_str(), *state), ("AnalysisRun failed: error-rate", ControllerState::Aborted));
    refused(stage.ask(Command::Promote), RefusalKind::Blocked, "the rollout was aborted: retry it");

    // And in the middle of an order.
    let mut stage = by_hand();
    ordered(&stage.ask(Command::Promote));
    stage.seconds(1);
    stage.model.by_another(Move::Abort);
    stage.seconds(3);
    let why = failure(&mut stage);
    assert_eq!(why, "the system gave it up: RolloutAborted; router says 100/0");
    assert_eq!(stage.status().last_order.unwrap().fault, Some(OrderFault::GivenUp));
}

#[test]
fn a_rollout_that_was_given_up_is_tried_again() {
    let mut stage = by_hand();
    refused(stage.ask(Command::Retry), RefusalKind::Usage, "nothing to retry");
    ordered(&stage.ask(Command::Promote));
    stage.until(10, is_verified);
    stage.model.by_another(Move::Abort);
    stage.until(10, |status| status.phase == Phase::Aborted);
    ordered(&stage.ask(Command::Retry));
    stage.until(10, is_verified);
    stage.until(10, |status| status.split.observed == Some(green(10)));
    stage.seconds(3);
    let status = stage.status();
    assert_eq!((status.phase, status.split.drift), (Phase::Shifting, false), "{status:#?}");
}

#[test]
fn what_it_refuses_now_is_blocked_with_its_reason() {
    let mut stage = by_hand();
    stage.model.unready = Some("2 of 4 pods are ready".into());
    stage.seconds(2);
    let status = stage.status();
    let promote = status.blockers(&Command::Promote).next().unwrap();
    assert_eq!(promote.because, "the traffic system cannot promote now: 2 of 4 pods are ready");
    refused(stage.ask(Command::Switch), RefusalKind::Blocked, "2 of 4 pods are ready");
    stage.model.unready = None;
    stage.seconds(2);
    ordered(&stage.ask(Command::Promote));
    // It refuses after the question was answered: nothing was done, and the reason is its own.
    stage.until(10, is_verified);
    stage.model.unready = Some("1 of 4 pods is ready".into());
    ordered(&stage.ask(Command::Promote));
    stage.seconds(1);
    assert_eq!(failure(&mut stage), "refused: 1 of 4 pods is ready");
}

#[test]
fn pause_stops_the_real_thing_or_says_that_it_cannot() {
    let steps = [(10, Pause::For(60_000)), (50, Pause::Person), (100, Pause::Person)];
    let mut stage = rollouts(&steps);
    ordered(&stage.ask(Command::Promote));
    stage.until(10, is_verified);
    ordered(&stage.ask(Command::Pause));
    assert_ne!(stage.status().phase, Phase::Paused, "not before it is so");
    stage.seconds(2);
    assert!(is_verified(&stage.status()));
    assert_eq!(stage.status().phase, Phase::Paused);
    stage.seconds(120);
    assert_eq!(stage.model.users(), green(10), "it stays");
    ordered(&stage.ask(Command::Resume));
    stage.until(5, is_verified);
    stage.until(20, |status| status.split.observed == Some(green(50)));
    assert_eq!(stage.status().phase, Phase::Shifting);

    let mut stage = rollouts(&steps);
    stage.model.pausable = false;
    stage.seconds(2);
    ordered(&stage.ask(Command::Promote));
    stage.until(10, is_verified);
    refused(stage.ask(Command::Pause), RefusalKind::Blocked, "a CodeDeploy deployment cannot be paused");
    assert_eq!(stage.status().phase, Phase::Shifting, "no word of a pause that is none");
}

#[test]
fn the_way_back_reaches_as_far_as_the_system_says() {
    let mut stage = by_hand();
    stage.model.keeps_old_ms = Some(600_000);
    ordered(&stage.ask(Command::Switch));
    stage.until(10, is_verified);
    let way = stage.status().rollback;
    assert!(way.ready && way.class == Some(RollbackClass::Instant), "{way:?}");
    assert_eq!((way.until.unwrap() - Stamp::epoch().wall).num_seconds(), 605);
    stage.seconds(620);
    let way = stage.status().rollback;
    assert_eq!((way.class, way.takes_s, way.ready), (Some(RollbackClass::Redeploy), Some(60), true), "{way:?}");
    ordered(&stage.ask(Command::Rollback));
    let took = stage.until(100, is_verified);
    assert!(took + 5 >= REDEPLOY_MS / 1000, "{took}");
    assert_eq!(stage.model.users(), green(0));
    assert_eq!(stage.status().phase, Phase::RolledBack);
}

#[test]
fn a_side_that_is_gone_for_good_is_no_way_back() {
    let mut stage = by_hand();
    (stage.model.keeps_old_ms, stage.model.redeploys) = (Some(30_000), false);
    ordered(&stage.ask(Command::Switch));
    stage.until(10, is_verified);
    stage.seconds(40);
    let way = stage.status().rollback;
    assert_eq!((way.ready, way.because.as_deref()), (false, Some("none: blue is gone")), "{way:?}");
    // It may be tried all the same, and the answer is the system's.
    ordered(&stage.ask(Command::Rollback));
    stage.seconds(3);
    let order = stage.status().last_order.unwrap();
    assert_eq!((order.state, order.detail.as_deref()), (OrderState::Failed, Some("refused: blue is gone")));
}

#[test]
fn a_standby_that_was_shrunken_is_not_ready() {
    let mut stage = by_hand();
    stage.model.keeps = 1;
    ordered(&stage.ask(Command::Switch));
    stage.until(10, is_verified);
    let way = stage.status().rollback;
    assert_eq!((way.ready, way.because.as_deref()), (false, Some("blue keeps 1 of 4 replicas")));
}

#[test]
fn the_old_side_is_let_go_by_the_controller_itself() {
    let mut stage = by_hand();
    stage.model.redeploys = false;
    ordered(&stage.ask(Command::Switch));
    stage.until(10, is_verified);
    ordered(&stage.ask(Command::Finalize));
    stage.until(5, |status| status.phase == Phase::Finalized);
    assert_eq!(stage.orders.last().unwrap().kind, Move::Finish);
    assert_eq!(stage.status().candidate, Side::Blue);
}

#[test]
fn a_change_of_twenty_minutes_is_under_way_and_then_verified() {
    let mut stage = platform();
    ordered(&stage.ask(Command::Promote));
    stage.seconds(600);
    let status = stage.status();
    let order = status.last_order.as_ref().unwrap();
    assert_eq!((order.state, order.late), (OrderState::Accepted, false), "{order:?}");
    assert_eq!(order.progress.as_deref(), Some("at work: Updating; 10 min of at most 45 min"));
    assert!(!status.stale && status.faults.is_empty(), "a reading of 15 s is not old here: {:?}", status.faults);
    let took = stage.until(900, is_verified);
    assert!((CHANGE_MS / 1000 - 600..=CHANGE_MS / 1000 - 600 + 16).contains(&took), "{took}");
    assert_eq!(stage.model.users(), green(10));
    assert_eq!(stage.orders.len(), 1);
}

#[test]
fn what_is_rolled_back_in_silence_has_failed_though_the_system_says_in_service() {
    let mut stage = platform();
    ordered(&stage.ask(Command::Promote));
    stage.seconds(300);
    stage.model.fate = Fate::RollsBack;
    stage.seconds(1_000);
    assert_eq!(failure(&mut stage), "the system ended it at 100/0: InService");
}

#[test]
fn an_order_that_is_lost_fails_when_its_time_is_over_and_not_before() {
    let mut stage = platform();
    stage.model.fate = Fate::Lost;
    ordered(&stage.ask(Command::Promote));
    stage.seconds(2_600);
    assert_eq!(stage.status().last_order.unwrap().state, OrderState::Accepted);
    stage.seconds(200);
    assert_eq!(failure(&mut stage), "not carried out: router says 100/0 after 2701 s");
    assert_eq!(stage.status().phase, Phase::Ready);
}

#[test]
fn the_way_back_waits_for_a_busy_system_without_a_storm() {
    let mut stage = platform();
    ordered(&stage.ask(Command::Promote));
    stage.seconds(60);
    let way = stage.status().rollback;
    assert_eq!((way.ready, way.because.as_deref()), (false, Some("not now: an update is under way")), "{way:?}");
    ordered(&stage.ask(Command::Rollback));
    stage.seconds(20);
    let order = stage.status().last_order.unwrap();
    assert_eq!(order.state, OrderState::Sent);
    assert_eq!(order.detail.as_deref(), Some("busy: cannot update in-progress endpoint"));
    let mut most = 0;
    for _ in 0..2_800 {
        stage.seconds(1);
        most = most.max(stage.model.calls());
    }
    assert!(is_verified(&stage.status()), "{:?}", stage.status().last_order);
    assert_eq!(stage.model.users(), green(0));
    assert!(most <= 5, "{most} calls in a minute");
    assert!(stage.orders.len() <= 100, "{}", stage.orders.len());
}

#[test]
fn a_late_order_may_be_accepted_as_it_is() {
    // A router that took an order and does not show it may still do so: the order stays open until a person decides.
    let mut sim = crate::sim::Sim::new();
    sim.seconds(3);
    sim.wire = crate::sim::Wire::Works;
    ordered(&sim.ask(Command::Promote));
    sim.split = green(0);
    sim.seconds(15);
    let order = sim.status().last_order.unwrap();
    assert_eq!((order.state, order.late), (OrderState::Accepted, true));
    sim.ask(Command::Resume);
    let status = sim.status();
    let order = status.last_order.as_ref().unwrap();
    assert_eq!(order.state, OrderState::Failed);
    assert_eq!(order.detail.as_deref(), Some("given up by op1, who accepts what the router says: 100/0"));
    assert!(!status.split.drift && status.fault(FaultKind::Drift).is_none());
    ordered(&sim.ask(Command::Promote));
}

#[test]
fn two_consoles_see_the_same_progress_and_record_it_once() {
    let mut stage = rollouts(&[(10, Pause::For(10_000)), (50, Pause::For(10_000)), (100, Pause::Person)]);
    let other = stage.start(Access::Console);
    ordered(&stage.ask(Command::Promote));
    stage.seconds(60);
    assert_eq!(progress(&stage).len(), 2);
    let (mine, theirs) = (stage.status(), stage.status_of(other));
    assert_eq!((mine.phase, mine.split.drift), (Phase::Switched, false));
    assert_eq!((theirs.phase, theirs.split.drift), (Phase::Switched, false));
}

#[test]
fn probes_and_gates_follow_the_replicas_that_the_system_names() {
    let at = |url: &str| Target::plain(url.to_owned());
    let by_header = Target { headers: vec![("x-side".into(), "green".into())], ..at("http://front:80") };
    let mut stage = by_hand();
    stage.model.targets.green = Some(vec![at("http://g1:1"), at("http://g2:1")]);
    stage.seconds(3);
    let status = stage.status();
    assert_eq!((status.sides.green.ready, status.sides.green.replicas), (Some(2), 2));
    assert_eq!(status.sides.blue.replicas, 1, "blue is where the config says");
    let first = stage.polled[0].green.clone();
    stage.model.targets.green = Some(vec![at("http://g2:1"), by_header.clone()]);
    stage.seconds(1);
    let now = stage.polled[0].green.clone();
    assert_eq!(now[0], first[1], "the one that stays is not probed anew");
    assert_eq!(now[1].1, by_header);
    assert!(first.iter().all(|(id, _)| *id != now[1].0), "an answer of the one that went is nobody else's");
    let gates = stage.processes[0].as_ref().unwrap().targets(Side::Green);
    assert_eq!(gates, [at("http://g2:1"), by_header]);
    // None is left.
    stage.model.targets.green = Some(Vec::new());
    stage.seconds(2);
    let promote = stage.status().blockers(&Command::Promote).map(|it| it.because.clone()).collect::<Vec<_>>();
    assert!(promote.contains(&"green 0/0 ready".to_owned()), "{promote:?}");
    // And the system says nothing any more: the config holds.
    stage.model.targets.green = None;
    stage.seconds(2);
    assert_eq!(stage.polled[0].green[0].1, at("http://127.0.0.1:2"));
}
