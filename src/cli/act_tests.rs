//! Acts against a scripted engine: consent, following, exit codes, documents.

use clap::Parser;
use serde_json::Value;

use super::*;
use crate::cli::args::{Cli, Format};
use crate::cli::testing::{Script, context, order, status};
use crate::domain::observation::Replicas;
use crate::domain::{Move, OrderId, OrderState};
use crate::engine::{Refusal, RefusalKind};

fn act(words: &str) -> Act {
    let words = std::iter::once("cutover").chain(words.split(' '));
    Act::from_verb(Cli::try_parse_from(words).unwrap().verb.unwrap()).unwrap()
}

fn ordered(id: &str) -> Reply {
    Reply::Ordered { id: OrderId(id.into()) }
}

fn with_order(id: &str, state: OrderState) -> Status {
    let mut status = status();
    status.last_order = Some(order(id, state));
    status
}

#[tokio::test]
async fn success_is_only_what_was_read_back() {
    for (state, exit) in [
        (OrderState::Verified, Exit::Reached),
        (OrderState::Unknown, Exit::TimedOut),
        (OrderState::Accepted, Exit::TimedOut),
        (OrderState::Failed, Exit::Error),
    ] {
        let (mut context, seen) = context(Format::Json, None);
        let mut script = Script::new(status());
        script.then(with_order("aa01", OrderState::Sent)).then(with_order("aa01", state)).answer(ordered("aa01"));
        let result = carry_out(&mut script, &mut context, &act("promote --yes --expect a1c9")).await;
        assert_eq!(result, Ok(exit), "{state:?}");
        assert_eq!(script.asked, [(Command::Promote, Some("a1c9".into()), None)]);
        let document: Value = serde_json::from_str(&seen.data()).unwrap();
        assert_eq!(document["command"], "promote");
        assert_eq!(document["reply"]["reply"], "ordered");
        assert_eq!(document["status"]["service"], "fraud-scorer");
        assert_eq!(document["error"]["exit_code"].as_u64(), (exit != Exit::Reached).then(|| exit.code().into()));
    }
}

#[tokio::test]
async fn an_older_order_is_not_taken_for_this_one() {
    let (mut context, _) = context(Format::Text, None);
    let mut script = Script::new(with_order("0001", OrderState::Verified));
    script.answer(ordered("0002"));
    let exit = carry_out(&mut script, &mut context, &act("rollback --yes")).await;
    assert_eq!(exit, Ok(Exit::TimedOut));
}

#[tokio::test]
async fn each_refusal_ends_with_its_code_and_one_document() {
    for kind in [
        RefusalKind::ReadOnly,
        RefusalKind::Journal,
        RefusalKind::Stale,
        RefusalKind::StateChanged,
        RefusalKind::Busy,
        RefusalKind::Paused,
        RefusalKind::Blocked,
        RefusalKind::Usage,
    ] {
        let (mut context, seen) = context(Format::Json, None);
        let mut script = Script::new(status());
        script.answer(Reply::Refused(Refusal { kind, text: "because".into() }));
        let exit = carry_out(&mut script, &mut context, &act("switch --yes")).await;
        assert_eq!(exit, Ok(Exit::of_refusal(kind)), "{kind:?}");
        let document: Value = serde_json::from_str(&seen.data()).unwrap();
        assert_eq!(document["reply"]["reply"], "refused");
        assert_eq!(document["error"]["exit_code"], Exit::of_refusal(kind).code());
        assert!(seen.messages().contains("because"));
    }
}

#[tokio::test]
async fn already_so_is_success_with_the_text() {
    let (mut context, seen) = context(Format::Text, None);
    let mut script = Script::new(status());
    script.answer(Reply::AlreadySo { text: "all traffic is on blue".into() });
    assert_eq!(carry_out(&mut script, &mut context, &act("rollback --yes")).await, Ok(Exit::Reached));
    assert_eq!(seen.data(), "all traffic is on blue\n");
}

#[tokio::test]
async fn rollback_carries_no_digest_and_waits_for_no_data() {
    let (mut context, _) = context(Format::Text, None);
    let mut stale = status();
    stale.stale = true;
    stale.data_age_s = None;
    let mut script = Script::new(stale);
    script.answer(Reply::Done);
    carry_out(&mut script, &mut context, &act("rollback --yes --reason broken")).await.unwrap();
    assert_eq!(script.steps, 0, "nothing may be waited for");
    assert_eq!(script.asked, [(Command::Rollback, None, Some("broken".into()))]);
}

#[tokio::test]
async fn on_a_terminal_only_the_right_answer_sends() {
    let table = [
        ("promote", "y", true),
        ("promote", "", false),
        ("promote", "yes please", false),
        ("promote", "v42", false),
        ("switch", "v42", true),
        ("switch", "y", false),
        ("switch", "v41", false),
        ("rollback --reason x", "y", true),
        ("rollback --reason x", "Y", true),
        ("rollback --reason x", "r", false),
        ("abort", "y", true),
        ("abort", "n", false),
    ];
    for (words, typed, is_sent) in table {
        let (mut context, seen) = context(Format::Text, Some(&[typed]));
        let mut script = Script::new(status());
        script.answer(Reply::Done);
        let result = carry_out(&mut script, &mut context, &act(words)).await;
        assert_eq!(!script.asked.is_empty(), is_sent, "{words} answered with {typed:?}");
        assert_eq!(result.is_ok(), is_sent, "{words} answered with {typed:?}");
        assert!(seen.messages().contains("state a1c9"), "the question says what it is about: {}", seen.messages());
    }
}

#[tokio::test]
async fn a_config_may_want_the_version_typed_for_a_promote() {
    for (typed, is_sent) in [("y", false), ("v42", true)] {
        let (mut context, _) = context(Format::Text, Some(&[typed]));
        let mut now = status();
        now.typed = vec![Move::Switch, Move::Promote];
        let mut script = Script::new(now);
        script.answer(Reply::Done);
        let _ = carry_out(&mut script, &mut context, &act("promote")).await;
        assert_eq!(!script.asked.is_empty(), is_sent, "promote answered with {typed:?}");
    }
}

#[tokio::test]
async fn consent_is_bound_to_what_was_shown() {
    let (mut context, _) = context(Format::Text, Some(&["y"]));
    let mut script = Script::new(status());
    script.answer(Reply::Done);
    carry_out(&mut script, &mut context, &act("promote")).await.unwrap();
    assert_eq!(script.asked[0].1.as_deref(), Some("a1c9"));
}

#[tokio::test]
async fn a_state_that_moves_under_the_question_closes_it_but_not_for_rollback() {
    for (words, exit) in [("promote", Exit::StateChanged), ("rollback --reason x", Exit::Usage)] {
        let (mut context, _) = context(Format::Text, Some(&[]));
        let mut script = Script::new(status());
        let mut moved = status();
        moved.digest = "b207".into();
        script.then(moved);
        // Nobody answers. The promote closes because the digest changes; the rollback stays open until its time
        // limit.
        let failure = carry_out(&mut script, &mut context, &act(words)).await;
        let failure = match failure {
            Err(failure) => failure,
            Ok(exit) => panic!("{words} ended with {exit:?}"),
        };
        assert_eq!(failure.exit, exit, "{words}: {failure}");
        assert!(script.asked.is_empty(), "{words}: nothing may be sent");
    }
}

#[tokio::test]
async fn pause_asks_nothing() {
    let (mut context, seen) = context(Format::Text, Some(&[]));
    let mut script = Script::new(status());
    script.answer(Reply::Done);
    assert_eq!(carry_out(&mut script, &mut context, &act("hold")).await, Ok(Exit::Reached));
    assert_eq!(seen.messages(), "");
}

#[tokio::test]
async fn the_reason_is_asked_for_after_a_rollback() {
    let (mut context, _) = context(Format::Text, Some(&["y", "p99 doubled"]));
    let mut script = Script::new(status());
    script.answer(Reply::Done).answer(Reply::Done);
    carry_out(&mut script, &mut context, &act("rollback")).await.unwrap();
    let asked: Vec<&Command> = script.asked.iter().map(|(command, ..)| command).collect();
    assert_eq!(asked, [&Command::Rollback, &Command::Note { text: "p99 doubled".into() }]);
}

#[tokio::test]
async fn dry_run_prints_the_request_and_sends_nothing() {
    let (mut context, seen) = context(Format::Text, None);
    let mut script = Script::new(status());
    assert_eq!(carry_out(&mut script, &mut context, &act("switch --dry-run")).await, Ok(Exit::Reached));
    assert_eq!(seen.data(), "POST /v1/split (switch)\n");
    assert!(seen.messages().contains("BLOCKED"), "what stands in the way is told too: {}", seen.messages());
    assert!(script.asked.is_empty());
}

#[tokio::test]
async fn no_wait_ends_once_it_is_sent() {
    let (mut context, seen) = context(Format::Text, None);
    let mut script = Script::new(status());
    script.answer(ordered("aa01"));
    assert_eq!(carry_out(&mut script, &mut context, &act("promote --yes --no-wait")).await, Ok(Exit::Reached));
    assert!(seen.data().contains("aa01 SENT"));
}

fn at_step(index: usize, next: Option<u8>, bake: f64, id: &str) -> Status {
    let mut status = with_order(id, OrderState::Verified);
    status.step.index = index;
    status.step.next = next;
    status.step.bake_left_s = Some(bake);
    status
}

#[tokio::test]
async fn to_step_walks_through_the_bakes() {
    let (mut context, _) = context(Format::Text, None);
    let mut script = Script::new(at_step(0, Some(10), 0.0, "0000"));
    script.answer(ordered("0001")).answer(ordered("0002"));
    script.then(at_step(1, Some(50), 60.0, "0001")).then(at_step(1, Some(50), 0.0, "0001"));
    script.then(at_step(2, Some(100), 60.0, "0002"));
    let exit = carry_out(&mut script, &mut context, &act("promote --yes --to-step 2 --expect a1c9")).await;
    assert_eq!(exit, Ok(Exit::Reached));
    let expected: Vec<Option<&str>> = script.asked.iter().map(|(_, expect, _)| expect.as_deref()).collect();
    assert_eq!(expected, [Some("a1c9"), None], "the digest was given for the first step");
}

#[tokio::test]
async fn to_step_first_waits_out_the_bake_that_is_running() {
    let (mut context, seen) = context(Format::Text, None);
    let mut script = Script::new(at_step(1, Some(50), 60.0, "0001"));
    script.then(at_step(1, Some(50), 30.0, "0001")).then(at_step(1, Some(50), 0.0, "0001"));
    script.answer(ordered("0002")).then(at_step(2, Some(100), 60.0, "0002"));
    let exit = carry_out(&mut script, &mut context, &act("promote --yes --to-step 2 --expect a1c9")).await;
    assert_eq!(exit, Ok(Exit::Reached));
    assert_eq!(script.asked, [(Command::Promote, Some("a1c9".into()), None)]);
    let said = seen.messages();
    assert!(said.find("step 1 of 3 bakes 1m00s") < said.find("0002 SENT") && said.contains("bakes"), "{said}");
    // A guard that acts meanwhile ends it before anything is sent.
    let mut script = Script::new(at_step(1, Some(50), 60.0, "0001"));
    let mut back = at_step(0, Some(10), 0.0, "0009");
    back.phase = Phase::RolledBack;
    script.then(back).answer(ordered("0002"));
    let exit = carry_out(&mut script, &mut context, &act("promote --yes --to-step 2")).await;
    assert_eq!((exit, script.asked.len()), (Ok(Exit::RolledBack), 0));
}

#[tokio::test]
async fn to_step_takes_no_step_beyond_the_one_asked_for() {
    for (goal, sent) in [(1, 0), (2, 0), (3, 1)] {
        let (mut context, seen) = context(Format::Text, None);
        let mut script = Script::new(at_step(2, Some(100), 60.0, "0002"));
        script.answer(ordered("0003")).then(at_step(2, Some(100), 0.0, "0002")).then(at_step(3, None, 0.0, "0003"));
        let exit = carry_out(&mut script, &mut context, &act(&format!("promote --yes --to-step {goal}"))).await;
        assert_eq!((exit, script.asked.len()), (Ok(Exit::Reached), sent), "to step {goal}: {}", seen.messages());
        assert_eq!(seen.data().contains("step 2 of 3 is reached already"), sent == 0, "{}", seen.data());
    }
}

#[tokio::test]
async fn to_step_ends_when_a_guard_rolls_back() {
    let (mut context, _) = context(Format::Text, None);
    let mut script = Script::new(at_step(0, Some(10), 0.0, "0000"));
    let mut back = at_step(0, Some(10), 0.0, "0009");
    back.phase = Phase::RolledBack;
    script.answer(ordered("0001")).then(at_step(1, Some(50), 60.0, "0001")).then(back);
    let exit = carry_out(&mut script, &mut context, &act("promote --yes --to-step 3")).await;
    assert_eq!(exit, Ok(Exit::RolledBack));
    assert_eq!(script.asked.len(), 1);
}

#[test]
fn without_a_terminal_nothing_is_asked_and_nothing_is_sent() {
    for words in ["promote", "switch", "abort", "rollback", "pause", "resume", "finalize"] {
        let failure = act(words).precheck(false).unwrap_err();
        assert_eq!(failure.exit, Exit::Usage, "{words}");
        assert_eq!(act(words).precheck(true), Ok(()), "{words}");
        assert_eq!(act(&format!("{words} --yes")).precheck(false), Ok(()), "{words}");
        assert_eq!(act(&format!("{words} --dry-run")).precheck(false), Ok(()), "{words}");
    }
    let short = act("override golden --yes --reason short").precheck(true).unwrap_err();
    assert!(short.message.contains("10 characters"));
    let short = act("approve fairness --yes").precheck(true).unwrap_err();
    assert_eq!(short.message, "approve needs --reason with at least 10 characters, for the journal");
}

fn rolled_back(id: &str, state: OrderState) -> Status {
    let mut status = with_order(id, state);
    status.phase = Phase::RolledBack;
    status.last_order.as_mut().unwrap().command = Move::Rollback;
    status
}

#[tokio::test]
async fn a_rollback_onto_a_side_where_nothing_answers_is_not_simply_done() {
    let mut down = rolled_back("7f3e", OrderState::Verified);
    down.sides.blue.ready = None;
    down.sides.blue.at_router = Some(Replicas { ready: 0, total: 1 });
    down.rollback.because = Some("the router uses 0 of 1 replicas of blue".into());
    let mut unprobed = down.clone();
    (unprobed.sides.blue.ready, unprobed.sides.blue.at_router) = (Some(0), None);
    for status in [down, unprobed] {
        for (words, exit) in [("rollback --yes", Exit::RolloutFailed), ("rollback --yes --even-if-down", Exit::Reached)]
        {
            let (mut context, seen) = context(Format::Text, None);
            let mut script = Script::new(status.clone());
            script.answer(ordered("7f3e"));
            assert_eq!(carry_out(&mut script, &mut context, &act(words)).await, Ok(exit), "{words}");
            let told = seen.messages().contains("but users get errors on blue: the router uses 0 of 1");
            assert_eq!(told, exit == Exit::RolloutFailed, "{}", seen.messages());
        }
    }
}

#[tokio::test]
async fn of_two_rollbacks_at_once_both_reach_what_was_asked() {
    let (mut context, seen) = context(Format::Text, None);
    let mut script = Script::new(rolled_back("7f3e", OrderState::Sent));
    script.then(rolled_back("b01d", OrderState::Sent)).then(rolled_back("b01d", OrderState::Verified));
    script.answer(ordered("7f3e"));
    let done = carry_out(&mut script, &mut context, &act("rollback --yes")).await;
    assert_eq!(done, Ok(Exit::Reached), "{}", seen.messages());
    assert!(seen.data().contains("b01d VERIFIED"), "{}", seen.data());
}

#[tokio::test]
async fn a_rollback_that_is_late_says_why_the_way_back_is_not_ready() {
    let (mut context, seen) = context(Format::Text, None);
    let mut status = rolled_back("7f3e", OrderState::Accepted);
    status.rollback.because = Some("the router uses 0 of 1 replicas of blue".into());
    let mut script = Script::new(status);
    script.answer(ordered("7f3e"));
    let late = carry_out(&mut script, &mut context, &act("rollback --yes")).await;
    assert_eq!(late, Ok(Exit::TimedOut));
    let says = "is ACCEPTED (the router uses 0 of 1 replicas of blue) after 30s";
    assert!(seen.messages().contains(says), "{}", seen.messages());
}
