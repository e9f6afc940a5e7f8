//! Scripts of keys through the view, and what they ask for.

use crate::support::ui as fixture;

use std::collections::HashMap;
use std::sync::Arc;

use cutover::testing::domain::{LogLevel, LogLine, OrderId, OrderState};
use cutover::testing::engine::{Command, Refusal, RefusalKind, Reply, Request, Snapshot};
use cutover::testing::ui::{Action, Code, Glyphs, Input, Key, View, actions};

use fixture::{flush, seeing};

/// A view with time, fed by key scripts.
struct Rig {
    view: View,
    now: u64,
}

impl Rig {
    fn new(snapshot: Snapshot) -> Self {
        Self { view: seeing(snapshot, "mono", Glyphs::Unicode), now: 1_000 }
    }

    /// Keys parted by spaces, spelled as in the table, each drawn and flushed, half a second apart.
    fn keys(&mut self, script: &str) -> Vec<Action> {
        script.split(' ').flat_map(|spelled| self.key(actions::parse(spelled).unwrap())).collect()
    }

    fn key(&mut self, key: Key) -> Vec<Action> {
        let out = self.view.update(Input::Key(key), self.now);
        flush(&mut self.view, self.now);
        self.now += 500;
        out
    }

    /// Keys without a pause and without a frame between them.
    fn blind(&mut self, script: &str) -> Vec<Action> {
        script
            .split(' ')
            .flat_map(|spelled| self.view.update(Input::Key(actions::parse(spelled).unwrap()), self.now))
            .collect()
    }

    fn send(&mut self, input: Input) -> Vec<Action> {
        self.view.update(input, self.now)
    }

    fn screen(&self) -> String {
        let mut buffer = ratatui::buffer::Buffer::empty(ratatui::layout::Rect::new(0, 0, 80, 24));
        cutover::testing::ui::draw(&self.view, &mut buffer, self.now);
        buffer
            .content()
            .chunks(80)
            .map(|row| row.iter().map(ratatui::buffer::Cell::symbol).collect::<String>() + "\n")
            .collect()
    }
}

fn asked(actions: &[Action]) -> Vec<&Request> {
    actions.iter().filter_map(|action| if let Action::Ask(request) = action { Some(request) } else { None }).collect()
}

fn commands(actions: &[Action]) -> Vec<Command> {
    asked(actions).into_iter().map(|request| request.command.clone()).collect()
}

fn free() -> Rig {
    Rig::new(fixture::free())
}

#[test]
fn rollback_is_two_keys_with_no_waiting_and_no_digest() {
    for yes in ["y", "Y"] {
        let mut rig = Rig::new(fixture::unreachable());
        let out = rig.blind(&format!("R {yes}"));
        let [request] = asked(&out)[..] else { panic!("{out:?}") };
        assert_eq!((&request.command, &request.expect), (&Command::Rollback, &None));
        assert_eq!(request.by.name, "op1");
    }
    let mut blank = Rig { view: fixture::view("mono", Glyphs::Unicode), now: 0 };
    assert_eq!(commands(&blank.blind("R y")), [Command::Rollback], "before anything was read");
}

#[test]
fn the_rollback_prompt_says_when_nothing_answers_where_it_leads() {
    let mut snapshot = fixture::switched();
    snapshot.status.sides.blue.ready = Some(0);
    let mut rig = Rig::new(snapshot);
    rig.keys("R");
    let screen = rig.screen();
    assert!(screen.contains("ROLL BACK NOW?  100% to BLUE v41: 0/6 ANSWER THERE NOW"), "{screen}");
    assert_eq!(commands(&rig.keys("y")), [Command::Rollback], "and a person may still do it");
}

#[test]
fn any_other_key_is_no_and_the_opener_is_dead() {
    for key in ["n", "Enter", "Space", "Esc", "q", "j", "A", "P", "r"] {
        let mut rig = free();
        assert_eq!(commands(&rig.keys(&format!("R {key}"))), [], "{key}");
        assert_eq!(commands(&rig.keys("y")), [], "{key} had closed the question");
    }
    let mut rig = free();
    assert_eq!(commands(&rig.keys("R R R y")), [Command::Rollback]);
}

#[test]
fn rollback_works_over_everything() {
    for before in
        ["P", "S Esc", "A", "?", "o", "p", "r", "+", "Space", "3 Enter", ": Esc", "/ x Esc", "O Esc", "S x Esc"]
    {
        let mut rig = free();
        rig.keys(before);
        assert_eq!(commands(&rig.blind("R y")), [Command::Rollback], "after {before}");
    }
    let mut tiny = free();
    tiny.send(Input::Resize(1, 1));
    assert_eq!(commands(&tiny.blind("R y")), [Command::Rollback]);
    let mut typing = free();
    typing.keys("S");
    assert_eq!(commands(&typing.keys("R y")), [], "in a text field they are text");
    assert_eq!(commands(&typing.keys("Esc R y")), [Command::Rollback]);
}

#[test]
fn held_keys_act_at_most_once() {
    for held in ["R", "A", "P", "S", "O", "W", "y", "Enter", "Space", "q"] {
        let mut rig = free();
        let key = actions::parse(held).unwrap();
        for _ in 0..150 {
            let out = rig.view.update(Input::Key(key), rig.now);
            flush(&mut rig.view, rig.now);
            rig.now += 33;
            assert!(asked(&out).is_empty(), "holding {held}: {out:?}");
        }
    }
    let mut rig = free();
    let mut sent = 0;
    for _ in 0..150 {
        sent += asked(&rig.view.update(Input::Key(Key::char('H')), rig.now)).len();
        rig.now += 33;
    }
    assert_eq!(sent, 1, "hold is one key, and acts once");
    let mut rig = free();
    rig.keys("R");
    assert!(rig.send(Input::Key(Key { repeat: true, ..Key::char('y') })).is_empty(), "a repeat is no answer");
}

#[test]
fn promote_counts_keys_400_ms_after_it_was_seen() {
    let mut rig = free();
    assert!(rig.blind("P y y y").is_empty(), "typed ahead");
    flush(&mut rig.view, 5_000);
    rig.now = 5_399;
    assert!(rig.blind("y").is_empty());
    rig.now = 5_400;
    let out = rig.blind("y");
    let [request] = asked(&out)[..] else { panic!("{out:?}") };
    assert_eq!((&request.command, request.expect.as_deref()), (&Command::Promote, Some("a1c9")));
}

#[test]
fn a_frame_made_before_the_prompt_does_not_arm_it() {
    let mut rig = free();
    rig.send(Input::Drawn);
    rig.blind("P");
    rig.send(Input::Flushed);
    rig.now += 1_000;
    assert!(rig.blind("y").is_empty(), "what was flushed did not show the prompt");
}

#[test]
fn enter_space_and_esc_never_confirm() {
    for keys in ["P Enter", "P Esc", "P n", "P Space", "P P", "P Y", "S Enter", "W Enter", "A Enter", "A Space"] {
        let mut rig = free();
        assert_eq!(commands(&rig.keys(keys)), [], "{keys}");
    }
    let mut rig = free();
    assert_eq!(commands(&rig.keys("P Space y")), [Command::Promote], "space means nothing in a box");
}

#[test]
fn a_switch_wants_the_version_typed() {
    let mut rig = free();
    assert_eq!(commands(&rig.keys("S v 4 Enter y Enter")), []);
    let out = rig.keys("Backspace 2 Enter");
    let [request] = asked(&out)[..] else { panic!("{out:?}") };
    assert_eq!((&request.command, request.expect.as_deref()), (&Command::Switch, Some("a1c9")));
}

#[test]
fn paste_never_acts() {
    let mut rig = free();
    rig.keys("S");
    assert!(rig.send(Input::Paste("v42\n".into())).is_empty());
    assert!(rig.screen().contains("paste refused"));
    assert_eq!(commands(&rig.keys("Enter")), []);
    for before in ["Esc", "P", "R", "A", "?"] {
        let mut rig = free();
        rig.keys(before);
        assert!(rig.send(Input::Paste("Ry\nSv42\ny".into())).is_empty(), "in {before}");
    }
    let mut rig = free();
    rig.keys(":");
    assert!(rig.send(Input::Paste("promote\n".into())).is_empty(), "a line end in a paste submits nothing");
    assert!(rig.screen().contains(":promote"));
}

#[test]
fn losing_the_focus_closes_forward_prompts_only() {
    for (keys, yes) in [("P", "y"), ("S v 4 2", "Enter")] {
        let mut rig = free();
        rig.keys(keys);
        rig.send(Input::FocusLost);
        assert_eq!(commands(&rig.keys(&format!("{yes} {yes}"))), []);
    }
    let mut rig = free();
    rig.keys("R");
    rig.send(Input::FocusLost);
    assert_eq!(commands(&rig.keys("y")), [Command::Rollback]);
}

#[test]
fn another_digest_closes_what_was_bound_to_it() {
    for (keys, yes) in [("P", "y"), ("S v 4 2", "Enter"), ("A", "y")] {
        let mut rig = free();
        rig.keys(keys);
        let mut changed = fixture::shifting();
        changed.status.digest = "b207".into();
        rig.send(Input::Snapshot(Arc::new(changed)));
        assert!(rig.screen().contains("STATE CHANGED a1c9 > b207: shadow-agree PASS > RUN"));
        assert_eq!(commands(&rig.blind(yes)), [], "{keys}");
    }
    let mut rig = free();
    rig.keys("R");
    let mut changed = fixture::shifting();
    changed.status.digest = "b207".into();
    rig.send(Input::Snapshot(Arc::new(changed)));
    assert_eq!(commands(&rig.keys("y")), [Command::Rollback]);
}

#[test]
fn the_rest_of_a_typed_version_does_not_become_keys() {
    let mut rig = free();
    rig.keys("S v 4");
    let mut changed = fixture::free();
    changed.status.digest = "b207".into();
    rig.send(Input::Snapshot(Arc::new(changed)));
    assert_eq!(commands(&rig.blind("R y H q")), []);
    assert_eq!(commands(&rig.blind("Esc R y")), [Command::Rollback], "by hand it works at once");
}

#[test]
fn questions_run_out() {
    for (keys, after) in [("R", 10_000), ("A", 10_000), ("P", 20_000), ("S", 60_000)] {
        let mut rig = free();
        let opened = rig.now;
        rig.keys(keys);
        assert!(rig.view.next_deadline(rig.now).is_some_and(|at| at <= rig.now + 1_000), "the countdown is shown");
        rig.now = opened + after;
        rig.send(Input::Tick);
        assert_eq!(commands(&rig.blind("y")), [], "{keys}");
    }
}

#[test]
fn abort_carries_the_digest_and_needs_no_arming() {
    let mut rig = free();
    let out = rig.blind("A A y");
    let [request] = asked(&out)[..] else { panic!("{out:?}") };
    assert_eq!((&request.command, request.expect.as_deref()), (&Command::Abort, Some("a1c9")));
}

#[test]
fn hold_pauses_at_once_and_resume_is_asked() {
    let mut rig = free();
    assert_eq!(commands(&rig.keys("H")), [Command::Pause]);
    let mut rig = Rig::new(fixture::paused());
    assert_eq!(commands(&rig.keys("H")), []);
    assert_eq!(commands(&rig.keys("y")), [Command::Resume]);
}

#[test]
fn an_override_wants_a_reason_and_y() {
    let mut rig = Rig::new(fixture::shifting());
    assert_eq!(commands(&rig.keys("O s h o r t Enter y Enter")), []);
    let out = rig.keys("Space e n o u g h Enter Enter y");
    let [request] = asked(&out)[..] else { panic!("{out:?}") };
    let Command::Override { gate, reason } = &request.command else { panic!("{request:?}") };
    assert_eq!((gate.as_str(), reason.as_str()), ("feature-drift", "shorty enough"));
    assert_eq!(request.expect.as_deref(), Some("a1c9"));
}

#[test]
fn a_signature_is_typed_with_its_reason_and_bound_to_the_screen() {
    let mut rig = Rig::new(fixture::shifting());
    assert_eq!(commands(&rig.keys(": a p p r o v e Space f Space s h o r t Enter")), []);
    assert!(rig.screen().contains("approve: a reason of at least 10 characters"));
    assert_eq!(commands(&rig.keys(": a p p r o v e Space f Enter")), []);
    assert!(rig.screen().contains(":approve GATE REASON"));
    let out = rig.keys(": a p p r o v e Space f a i r Space r e a d Space r e p o r t Space 7 Enter");
    let [request] = asked(&out)[..] else { panic!("{out:?}") };
    let Command::Approve { gate, reason } = &request.command else { panic!("{request:?}") };
    assert_eq!((gate.as_str(), reason.as_str()), ("fair", "read report 7"));
    assert_eq!(request.expect.as_deref(), Some("a1c9"));
}

#[test]
fn what_is_blocked_is_not_even_asked() {
    let mut rig = Rig::new(fixture::shifting());
    assert_eq!(commands(&rig.keys("P y S y P")), []);
    assert!(rig.screen().contains("promote is blocked: gate feature-drift FAIL"));
    for before in ["Space", "3 +", "?"] {
        let mut rig = free();
        rig.keys(before);
        assert_eq!(commands(&rig.keys("P y")), [], "after {before}");
    }
    let mut tiny = free();
    tiny.send(Input::Resize(30, 8));
    assert_eq!(commands(&tiny.keys("P y")), []);
    let mut shrunk = free();
    shrunk.keys("P");
    shrunk.send(Input::Resize(30, 8));
    shrunk.send(Input::Resize(80, 24));
    assert_eq!(commands(&shrunk.keys("y y")), [], "what could not be read was not agreed to");
}

#[test]
fn a_console_that_may_only_look_sends_nothing() {
    let mut rig = Rig::new(fixture::hard_read_only());
    let keys = "R y Esc A y Esc P y Esc S v 4 2 Enter Esc H y Esc W y Esc : p a u s e Enter : n o t e Space x Enter";
    assert_eq!(commands(&rig.keys(keys)), []);
}

#[test]
fn a_console_that_does_not_drive_still_rolls_back() {
    let mut rig = Rig::new(fixture::read_only());
    assert_eq!(commands(&rig.keys("P y")), []);
    assert_eq!(commands(&rig.keys("R y")), [Command::Rollback]);
    assert_eq!(commands(&rig.keys("W y")), [Command::TakeOver]);
}

#[test]
fn leaving_asks_while_an_order_is_on_its_way() {
    assert_eq!(free().keys("q"), [Action::Quit { code: 0 }]);
    let mut rig = Rig::new(fixture::in_flight());
    assert_eq!(rig.keys("q q"), []);
    assert_eq!(rig.keys("y"), [Action::Quit { code: 0 }]);
    let mut rig = free();
    assert_eq!(rig.keys("Ctrl-c"), []);
    assert_eq!(rig.keys("Ctrl-c"), [Action::Quit { code: 130 }]);
    let mut slow = free();
    slow.keys("Ctrl-c");
    slow.now += 2_000;
    assert_eq!(slow.keys("Ctrl-c"), []);
}

#[test]
fn after_a_verified_rollback_its_reason_is_asked() {
    let mut before = fixture::free();
    before.status.last_order = None;
    let mut rig = Rig::new(before);
    let out = rig.blind("R y");
    let id = asked(&out)[0].id;
    rig.send(Input::Reply { id, reply: Reply::Ordered { id: OrderId("7f3e".into()) } });
    let mut on_its_way = fixture::in_flight();
    on_its_way.status.digest = "0000".into();
    rig.send(Input::Snapshot(Arc::new(on_its_way)));
    assert!(!rig.screen().contains("WHY"));
    let out = rig.send(Input::Snapshot(Arc::new(fixture::rolled_back())));
    assert!(out.iter().any(|action| matches!(action, Action::Notify(text) if text.contains("rollback"))), "{out:?}");
    assert!(rig.screen().contains("WHY was it rolled back?"));
    let noted = commands(&rig.keys("s l o w Enter"));
    assert_eq!(noted, [Command::Note { text: "reason for rollback 7f3e: slow".into() }]);
}

#[test]
fn a_refusal_is_told_with_its_reason() {
    let mut rig = free();
    let out = rig.keys("P y");
    let id = asked(&out)[0].id;
    let refusal = Refusal { kind: RefusalKind::StateChanged, text: "the split moved to 50/50".into() };
    rig.send(Input::Reply { id, reply: Reply::Refused(refusal) });
    assert!(rig.screen().contains("REFUSED promote: the split moved to 50/50"));
}

#[test]
fn the_command_line_opens_questions_and_completes() {
    let run = |line: &str| {
        let mut rig = free();
        rig.keys(":");
        for c in line.chars() {
            rig.key(Key::char(c));
        }
        let out = rig.keys("Enter");
        (rig, out)
    };
    for line in
        ["promote", "switch", "abort", "rollback", "finalize", "auto on", "takeover", "resume", "nonsense", "auto"]
    {
        assert_eq!(commands(&run(line).1), [], "{line}");
    }
    assert_eq!(commands(&run("finalize").0.keys("y")), [Command::Finalize]);
    assert_eq!(commands(&run("auto on").0.keys("y")), [Command::Auto { on: true }]);
    assert_eq!(commands(&run("auto off").1), [Command::Auto { on: false }]);
    assert_eq!(commands(&run("pause").1), [Command::Pause]);
    assert_eq!(commands(&run("gates").1), [Command::RunGates { only: vec![] }]);
    assert_eq!(commands(&run("gates golden-set").1), [Command::RunGates { only: vec!["golden-set".into()] }]);
    assert_eq!(commands(&run("note all fine").1), [Command::Note { text: "all fine".into() }]);
    assert_eq!(run("scenario slow-green").1, [Action::Scenario("slow-green".into())]);
    assert_eq!(run("q").1, [Action::Quit { code: 0 }]);
    let mut rig = free();
    rig.keys(": s c Tab s l Tab Enter");
    assert!(rig.screen().contains("scenario slow-green"));
}

#[test]
fn unknown_keys_do_nothing() {
    let mut rig = free();
    for key in
        [Key::char('z'), Key::char('Z'), Key::new(Code::Other), Key { alt: true, ..Key::char('R') }, Key::ctrl('r')]
    {
        assert_eq!(rig.key(key), []);
    }
    assert_eq!(commands(&rig.keys("y")), []);
}

#[test]
fn what_did_not_change_is_not_drawn() {
    let mut rig = free();
    assert!(rig.view.is_dirty());
    flush(&mut rig.view, rig.now);
    assert!(!rig.view.is_dirty());
    rig.send(Input::Tick);
    assert!(!rig.view.is_dirty());
    rig.now = rig.view.next_deadline(rig.now).unwrap();
    rig.send(Input::Tick);
    assert!(rig.view.is_dirty(), "an age counted on");
}

/// What a forward question needs before it may send anything, kept apart from the view's own logic: its opener was
/// pressed, then a frame was made, that frame reached the terminal, and 400 ms went by; all of it since the last Esc,
/// loss of focus or change of digest.
#[derive(Default)]
struct Witness {
    opened: HashMap<char, (bool, Option<u64>)>,
    digest: String,
}

impl Witness {
    fn sees(&mut self, input: &Input, now: u64) {
        match input {
            Input::Key(key) if key.code == Code::Esc => self.opened.clear(),
            Input::Key(key) if !key.repeat => {
                if let Some(c) = key.plain_char() {
                    self.opened.entry(c).or_default();
                }
            }
            Input::Drawn => self.opened.values_mut().for_each(|(drawn, _)| *drawn = true),
            Input::Flushed => {
                for (_, flushed) in self.opened.values_mut().filter(|(drawn, _)| *drawn) {
                    flushed.get_or_insert(now);
                }
            }
            Input::FocusLost => self.opened.clear(),
            Input::Snapshot(snapshot) if snapshot.status.digest != self.digest => {
                self.digest.clone_from(&snapshot.status.digest);
                self.opened.retain(|opener, _| *opener == 'W');
            }
            _ => {}
        }
    }

    fn allows(&self, opener: char, now: u64) -> bool {
        self.opened.get(&opener).and_then(|(_, flushed)| *flushed).is_some_and(|at| at + 400 <= now)
    }
}

#[test]
fn random_input_never_moves_traffic_forward_without_consent() {
    let mut rng = fastrand::Rng::with_seed(20_261_120);
    let states: Vec<Arc<Snapshot>> =
        [fixture::free(), fixture::shifting(), fixture::paused(), fixture::ready(), fixture::read_only()]
            .into_iter()
            .map(Arc::new)
            .collect();
    let pool: Vec<Key> = "PSARHOWWHPyYnvRPSyyyyyy42jkG+___?:/ oprfq13"
        .chars()
        .map(Key::char)
        .chain([Code::Enter, Code::Esc, Code::Esc, Code::Esc, Code::Tab, Code::Other].map(Key::new))
        .collect();
    let mut moved = fixture::free();
    moved.status.digest = "b207".into();
    let states: Vec<_> = states.into_iter().chain([Arc::new(moved)]).collect();
    let mut rig = Rig::new(fixture::free());
    let mut witness = Witness { digest: "a1c9".into(), ..Witness::default() };
    let mut sent: HashMap<&str, u32> = HashMap::new();
    for _ in 0..300_000 {
        rig.now += if rng.bool() { rng.u64(0..50) } else { rng.u64(0..1_200) };
        let input = match rng.u8(0..60) {
            0 => Input::Paste("Ry\nSv42\nPy".into()),
            1 => Input::FocusLost,
            2 => Input::Resize(rng.u16(30..140), rng.u16(8..50)),
            3 => Input::Snapshot(Arc::clone(&states[rng.usize(..states.len())])),
            5..=12 => Input::Drawn,
            13..=20 => Input::Flushed,
            21 => {
                Input::Line(LogLine { at: fixture::now(), level: LogLevel::Info, source: "x".into(), text: "y".into() })
            }
            22 => Input::Reply { id: rng.u64(0..2_000), reply: Reply::Done },
            _ => Input::Key(Key { repeat: rng.u8(0..10) == 0, ..pool[rng.usize(..pool.len())] }),
        };
        witness.sees(&input, rig.now);
        let key = if let Input::Key(key) = &input { Some(*key) } else { None };
        for request in asked(&rig.view.update(input, rig.now)) {
            *sent.entry(request.command.verb()).or_default() += 1;
            let (opener, confirm) = match &request.command {
                Command::Promote => ('P', Key::char('y')),
                Command::Switch => ('S', Key::new(Code::Enter)),
                Command::Override { .. } => ('O', Key::char('y')),
                Command::Resume => ('H', Key::char('y')),
                Command::TakeOver => ('W', Key::char('y')),
                Command::Finalize | Command::Auto { on: true } => panic!("no key opens this: {request:?}"),
                Command::Rollback | Command::Abort => {
                    assert!(matches!(key.and_then(Key::plain_char), Some('y' | 'Y')), "{request:?}");
                    continue;
                }
                _ => continue,
            };
            assert_eq!(key, Some(confirm), "{request:?}");
            assert!(witness.allows(opener, rig.now), "{request:?}");
            let expect = (opener != 'W').then_some(witness.digest.as_str());
            assert_eq!(request.expect.as_deref(), expect);
        }
    }
    for verb in ["promote", "resume", "rollback", "abort", "take over"] {
        assert!(sent.get(verb).is_some_and(|n| *n >= 5), "the test reaches what it guards: {sent:?}");
    }
}

#[test]
fn an_order_that_failed_is_told() {
    let mut rig = Rig::new(fixture::in_flight());
    let mut failed = fixture::free();
    failed.status.last_order.as_mut().unwrap().state = OrderState::Failed;
    failed.status.last_order.as_mut().unwrap().detail = Some("422 weight not allowed".into());
    rig.send(Input::Snapshot(Arc::new(failed)));
    assert!(rig.screen().contains("FAILED promote 7f3e"));
}
