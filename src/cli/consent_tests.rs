//! Every phase, every command and every front end ask about the same side, version, target and typed word.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::args::Format;
use super::confirm;
use super::linear::testing::talked;
use super::testing::{self, Script, context};
use crate::dialogue::{target, version_word};
use crate::domain::{Actor, Move, Role, Side, Split};
use crate::engine::snapshot::GateState;
use crate::engine::{Command, Phase, Status};
use crate::ui::{Action, Code, Glyphs, Input, Key, Options, Theme, View, draw};

const PHASES: [Phase; 10] = [
    Phase::Idle,
    Phase::Validating,
    Phase::Ready,
    Phase::Shifting,
    Phase::Paused,
    Phase::Switched,
    Phase::Finalized,
    Phase::Aborted,
    Phase::RolledBack,
    Phase::Unknown,
];

/// The state that the engine reports in `phase` while `candidate` is rolled out and nothing blocks.
fn at(phase: Phase, candidate: Side) -> Status {
    let mut status = testing::status();
    let live = candidate.other();
    let share = match phase {
        Phase::Shifting | Phase::Paused | Phase::Unknown => 10,
        Phase::Switched => 100,
        _ => 0,
    };
    status.phase = phase;
    status.candidate = candidate;
    (status.sides[live].role, status.sides[candidate].role) =
        if phase == Phase::Switched { (Role::Standby, Role::Live) } else { (Role::Live, Role::Candidate) };
    let split = Some(Split::toward(candidate, share));
    (status.split.observed, status.split.desired) = (split, split);
    status.step.next = [10, 50, 100].into_iter().find(|step| *step > share);
    status.rollback.to = live;
    status.rollback.needed = share > 0;
    status.gates[0].status = GateState::Failed;
    status.driver.holder = Some("op2 (pid 7)".into());
    status.driver.may_drive = false;
    status.blocked.clear();
    status
}

/// The result of a front end that was asked a question and got the expected answer: its text and what it sent.
struct Transcript {
    text: String,
    sent: Option<(Command, Option<String>)>,
}

/// The words for `command`, as a person types them.
fn words(command: &Command) -> String {
    match command {
        Command::Auto { .. } => "auto on".into(),
        Command::TakeOver => "takeover".into(),
        Command::Override { gate, .. } => format!("override {gate}"),
        command => command.verb().into(),
    }
}

fn on_screen(status: &Status, command: &Command, answers: &[&str]) -> Transcript {
    let me = Actor { name: "op1".into(), via: "console".into() };
    let theme = Theme::load("dark").unwrap();
    let mut view = View::new(Options { theme, glyphs: Glyphs::Ascii, me, scenarios: Vec::new() });
    view.update(Input::Resize(120, 40), 0);
    view.update(Input::Snapshot(Script::new(status.clone()).snapshot()), 0);
    let mut now = 0;
    let mut sent = None;
    let mut text = String::new();
    for line in std::iter::once(format!(":{}", words(command))).chain(answers.iter().map(|line| (*line).to_owned())) {
        let enter = line != "y";
        for key in line.chars().map(Key::char).chain(enter.then(|| Key::new(Code::Enter))) {
            now += 1_000;
            for action in view.update(Input::Key(key), now) {
                if let Action::Ask(request) = action {
                    sent = Some((request.command, request.expect));
                }
            }
        }
        let mut buffer = Buffer::empty(Rect::new(0, 0, 120, 40));
        draw(&view, &mut buffer, now);
        view.update(Input::Drawn, now);
        view.update(Input::Flushed, now);
        text.extend(buffer.content().iter().map(ratatui::buffer::Cell::symbol));
    }
    Transcript { text, sent }
}

fn in_lines(status: &Status, command: &Command, answers: &[&str]) -> Transcript {
    let (text, sent) = talked(&Script::new(status.clone()).snapshot(), &words(command), answers);
    Transcript { text, sent: sent.map(|request| (request.command, request.expect)) }
}

async fn on_command_line(status: &Status, command: &Command, answers: &[&str]) -> Transcript {
    let (mut context, seen) = context(Format::Text, Some(answers));
    let mut script = Script::new(status.clone());
    let agreed = confirm::ask(&mut script, &mut context, command).await;
    Transcript { text: seen.messages(), sent: agreed.ok().map(|expect| (command.clone(), expect)) }
}

fn with_reason(command: Command, typed: &str) -> Command {
    match command {
        Command::Override { gate, .. } => Command::Override { gate, reason: typed.into() },
        command => command,
    }
}

/// What every front end must name: the side and version that gain traffic, or for which the gate is passed.
fn named(status: &Status, command: &Command) -> Vec<String> {
    let version = |side: Side| format!("{side} {}", status.sides[side].version.as_ref().unwrap().name);
    match command {
        Command::Override { .. } => vec![version(status.candidate)],
        command => match target(command, status) {
            Some(split) => split.majority().filter(|side| split.share(*side) == 100).map(version).into_iter().collect(),
            None => Vec::new(),
        },
    }
}

#[tokio::test]
async fn all_front_ends_ask_about_the_same_side_version_target_and_word() {
    let reason = "the labels are late";
    let commands = [
        Command::Promote,
        Command::Switch,
        Command::Abort,
        Command::Rollback,
        Command::Override { gate: testing::status().gates[0].name.clone(), reason: String::new() },
        Command::Resume,
        Command::Retry,
        Command::Finalize,
        Command::Auto { on: true },
        Command::TakeOver,
    ];
    for (phase, candidate) in PHASES.into_iter().flat_map(|phase| Side::BOTH.map(|side| (phase, side))) {
        let mut status = at(phase, candidate);
        for (typed_promote, command) in commands.iter().flat_map(|command| [(false, command), (true, command)]) {
            status.typed = [Move::Switch].into_iter().collect();
            status.typed.extend(typed_promote.then_some(Move::Promote));
            let word = version_word(&status).to_owned();
            let other = status.sides[candidate.other()].version.as_ref().unwrap().name.clone();
            let is_typed = status.wants_typed(command);
            let yes: Vec<&str> = match command {
                Command::Override { .. } => vec![reason, "y"],
                _ if is_typed => vec![&word],
                _ => vec!["y"],
            };
            let wrong: &[&str] = if is_typed { &[&other] } else { &["n"] };
            let bound = !matches!(command, Command::Rollback | Command::TakeOver);
            let sent = Some((with_reason(command.clone(), reason), bound.then(|| status.digest.clone())));
            let given = with_reason(command.clone(), reason);
            let line = if matches!(command, Command::Override { .. }) { vec!["y"] } else { yes.clone() };
            let at = format!("{phase:?}, candidate {candidate}, {command:?}");
            for (front, asked, refused) in [
                ("screen", on_screen(&status, command, &yes), on_screen(&status, command, wrong)),
                ("linear", in_lines(&status, command, &yes), in_lines(&status, command, wrong)),
                (
                    "command line",
                    on_command_line(&status, &given, &line).await,
                    on_command_line(&status, &given, wrong).await,
                ),
            ] {
                let said = asked.text.to_lowercase();
                for name in named(&status, command) {
                    assert!(said.contains(&name), "{front}: {at}: {name} is not named in\n{said}");
                }
                if let Some(share) = status.step.next.filter(|_| *command == Command::Promote) {
                    let now = status.split.observed.unwrap().share(candidate);
                    let moves = format!("{candidate} {now}% > {share}%");
                    assert!(said.contains(&moves), "{front}: {at}: {moves} is not in\n{said}");
                }
                assert_eq!(asked.sent, sent, "{front}: {at}");
                assert_eq!(refused.sent, None, "{front}: {at}: {wrong:?} was taken for a yes");
            }
        }
    }
}

#[tokio::test]
async fn a_signature_on_the_command_line_names_the_candidates_version_in_every_phase() {
    let gate = testing::status().gates[0].name.clone();
    let sign = Command::Approve { gate, reason: "looked at it all".into() };
    for (phase, candidate) in PHASES.into_iter().flat_map(|phase| Side::BOTH.map(|side| (phase, side))) {
        let status = at(phase, candidate);
        let asked = on_command_line(&status, &sign, &["y"]).await;
        let name = format!("{candidate} {}", version_word(&status));
        assert!(asked.text.contains(&name), "{phase:?}: {name} is not in\n{}", asked.text);
        assert_eq!(asked.sent, Some((sign.clone(), Some(status.digest.clone()))), "{phase:?}");
    }
}
