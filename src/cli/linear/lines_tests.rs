use super::*;
use crate::cli::testing::{Script, order, status};
use crate::domain::{OrderId, OrderState};
use crate::engine::{Phase, Refusal};

fn snapshot(status: Status) -> Arc<Snapshot> {
    Script::new(status).snapshot()
}

/// A status in which nothing blocks.
fn clear() -> Status {
    let mut status = status();
    status.blocked.clear();
    status.driver.holder = None;
    status
}

struct Rig(LineConsole);

impl Rig {
    fn new(status: Status) -> Self {
        let mut console = LineConsole::new(Actor { name: "op1".into(), via: "console".into() }, vec!["good".into()]);
        console.tell(&snapshot(status));
        console.take();
        Self(console)
    }

    /// Types a line at `at_ms`; returns the actions.
    fn line(&mut self, text: &str, at_ms: u64) -> Vec<Action> {
        self.0.line(text, at_ms, at_ms, &|command| vec![format!("PUT /split {}", command.verb())]);
        self.0.take()
    }

    /// Types a line, and lets the output reach the terminal at once.
    fn shown(&mut self, text: &str, at_ms: u64) -> Vec<Action> {
        let done = self.line(text, at_ms);
        self.0.flushed(at_ms);
        done
    }
}

fn said(done: &[Action]) -> String {
    let lines = done.iter().filter_map(|one| match one {
        Action::Say { text, .. } => Some(text.as_str()),
        _ => None,
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn asked(done: &[Action]) -> Vec<(Command, Option<String>)> {
    let asks = done.iter().filter_map(|one| match one {
        Action::Ask(request) => Some((request.command.clone(), request.expect.clone())),
        _ => None,
    });
    asks.collect()
}

#[test]
fn t51_promote_shows_what_it_would_do_and_waits_for_yes() {
    let mut rig = Rig::new(clear());
    let question = said(&rig.shown("promote", 1_000));
    for part in ["PROMOTE", "would send: PUT /split promote", "type yes to promote"] {
        assert!(question.contains(part), "{part} in {question}");
    }
    assert_eq!(asked(&rig.line("yes", 1_400)), [(Command::Promote, Some(status().digest))]);
}

#[test]
fn t30_a_paste_of_a_verb_and_its_answer_sends_nothing_forward() {
    let version = status().sides.green.version.unwrap().name;
    for (verb, answer) in [("promote", "yes"), ("switch", version.as_str()), ("resume", "y"), ("auto on", "yes")] {
        let mut rig = Rig::new(clear());
        let mut done = rig.line(verb, 1_000);
        // The terminal shows the question at once, but the answer came together with the command.
        rig.0.flushed(1_001);
        done.extend(rig.line(answer, 1_000));
        assert_eq!(asked(&done), [], "{verb}");
        assert!(said(&done).contains("nothing was sent"), "{}", said(&done));
        assert_eq!(asked(&rig.line(answer, 9_000)), [], "the question is closed");
    }
}

#[test]
fn rollback_is_two_words_from_anywhere_and_bound_to_nothing() {
    let mut rig = Rig::new(status());
    rig.shown("override", 0);
    rig.shown("switch", 10);
    for start in ["rollback", "roll back"] {
        let mut done = rig.line(start, 20);
        done.extend(rig.line("y", 20));
        assert_eq!(asked(&done), [(Command::Rollback, None)], "{}", said(&done));
    }
    // Also before the first reading.
    let mut blank = Rig(LineConsole::new(Actor { name: "op1".into(), via: "console".into() }, Vec::new()));
    blank.line("rollback", 0);
    assert_eq!(asked(&blank.line("yes", 0)), [(Command::Rollback, None)]);
}

#[test]
fn rollback_takes_the_place_of_an_open_question() {
    let mut rig = Rig::new(clear());
    rig.shown("promote", 0);
    let said = said(&rig.shown("rollback", 100));
    assert!(said.contains("promote: cancelled; nothing was sent") && said.contains("ROLL BACK NOW?"), "{said}");
    assert_eq!(asked(&rig.line("yes", 100)), [(Command::Rollback, None)]);
}

#[test]
fn a_state_that_moves_under_a_question_closes_it() {
    let mut rig = Rig::new(clear());
    rig.shown("promote", 0);
    let mut moved = clear();
    moved.digest = "b207".into();
    rig.0.tell(&snapshot(moved.clone()));
    let told = said(&rig.0.take());
    assert!(told.contains("STATE CHANGED") && told.contains("b207") && told.contains("nothing was sent"), "{told}");
    assert_eq!(asked(&rig.line("yes", 5_000)), []);
    // A rollback does not depend on it.
    rig.shown("rollback", 6_000);
    moved.digest = "c3d4".into();
    rig.0.tell(&snapshot(moved));
    rig.0.take();
    assert_eq!(asked(&rig.line("yes", 6_100)), [(Command::Rollback, None)]);
}

#[test]
fn what_is_blocked_is_not_asked() {
    let mut rig = Rig::new(status());
    let blocked = status().blocked.iter().find(|blocked| blocked.command == Command::Switch).cloned();
    let because = blocked.map(|blocked| blocked.because).unwrap_or_default();
    assert!(!because.is_empty(), "the sample blocks switch");
    assert!(said(&rig.shown("switch", 0)).contains(&because));
    assert!(!rig.0.awaits_flush() && rig.0.next_deadline().is_none());
    let mut read_only = clear();
    read_only.driver.read_only = true;
    let mut rig = Rig::new(read_only);
    for verb in ["rollback", "promote"] {
        assert!(said(&rig.shown(verb, 0)).contains("read-only"), "{verb}");
        assert_eq!(asked(&rig.line("yes", 5_000)), [], "{verb}");
    }
}

#[test]
fn a_question_nobody_answers_is_no() {
    let mut rig = Rig::new(clear());
    rig.shown("promote", 0);
    let due = rig.0.next_deadline().unwrap();
    rig.0.expire(due);
    assert!(said(&rig.0.take()).contains("no answer in time"));
    assert_eq!(asked(&rig.line("yes", due)), []);
}

#[test]
fn ctrl_c_twice_leaves_and_once_closes_the_question() {
    let mut rig = Rig::new(clear());
    rig.shown("promote", 0);
    rig.0.interrupt(1_000);
    let first = rig.0.take();
    assert!(said(&first).contains("nothing was sent") && said(&first).contains("again"), "{}", said(&first));
    rig.0.interrupt(4_000);
    assert!(!rig.0.take().contains(&Action::Leave(130)), "too late for the second");
    rig.0.interrupt(5_000);
    assert!(rig.0.take().contains(&Action::Leave(130)));
}

#[test]
fn only_what_is_other_is_told_and_each_once() {
    let mut rig = Rig::new(status());
    rig.0.tell(&snapshot(status()));
    assert_eq!(rig.0.take(), []);
    let mut moved = status();
    moved.phase = Phase::Paused;
    moved.driver.holder = Some("op2 (pid 7)".into());
    rig.0.tell(&snapshot(moved.clone()));
    let told = said(&rig.0.take());
    assert!(told.contains("PAUSED") && told.contains("op2 (pid 7) drives"), "{told}");
    assert_eq!(told.lines().count(), 2, "{told}");
    rig.0.tell(&snapshot(moved));
    assert_eq!(rig.0.take(), []);
}

#[test]
fn answers_of_the_engine_are_told_and_a_rollback_is_asked_why() {
    let mut rig = Rig::new(clear());
    rig.shown("rollback", 0);
    let Some(Action::Ask(request)) = rig.line("yes", 1).into_iter().find(|one| matches!(one, Action::Ask(_))) else {
        panic!()
    };
    rig.0.reply(request.id, &Reply::Ordered { id: OrderId("7f3e".into()) });
    assert_eq!(said(&rig.0.take()), "rollback 7f3e SENT");
    let mut verified = clear();
    verified.last_order = Some(order("7f3e", OrderState::Verified));
    rig.0.tell(&snapshot(verified));
    assert!(said(&rig.0.take()).contains("type note"));
    let Some(Action::Ask(request)) = rig.line("pause", 2).pop() else { panic!() };
    let refusal = Refusal { kind: RefusalKind::ReadOnly, text: "op2 drives".into() };
    rig.0.reply(request.id, &Reply::Refused(refusal));
    assert_eq!(said(&rig.0.take()), "REFUSED pause: op2 drives");
    rig.0.reply(request.id, &Reply::Done);
    assert_eq!(rig.0.take(), [], "an answer counts once");
}

#[test]
fn lines_of_gates_are_kept_and_not_told() {
    let mut rig = Rig::new(status());
    let gate = status().gates[0].name.clone();
    for (source, told) in [(gate.as_str(), false), ("op1", true)] {
        let at = status().time;
        let level = crate::domain::LogLevel::Info;
        rig.0.log(LogLine { at, level, source: source.into(), text: "case 19".into() }, false);
        assert_eq!(said(&rig.0.take()).contains("case 19"), told, "{source}");
    }
    assert_eq!(said(&rig.line("log", 0)).matches("case 19").count(), 2);
}

/// For any input, a forward command needs its word and later its answer.
#[test]
fn t34_random_lines_move_nothing_without_the_exact_answer() {
    let mut random = fastrand::Rng::with_seed(7);
    let lines = [
        "promote",
        "switch",
        "abort",
        "resume",
        "finalize",
        "override",
        "auto on",
        "takeover",
        "pause",
        "status",
        "",
        "gates",
        "log",
        "help",
        "no",
        "\u{1b}[A",
        "promote yes",
        "y\u{0}",
        "ye",
        "gates run",
        "note x",
        "blocked",
    ];
    let mut rig = Rig::new(clear());
    for at in 0..100_000_u64 {
        for (command, _) in asked(&rig.line(random.choice(lines).unwrap(), at * 100)) {
            assert!(
                matches!(command, Command::Pause | Command::RunGates { .. } | Command::Note { .. }),
                "{command:?} without a yes"
            );
        }
        if random.bool() {
            rig.0.flushed(at * 100);
        }
    }
}
