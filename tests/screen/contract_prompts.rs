//! The table of confirmations, cell by cell, and the prompt side of the terminal contract (T30, T31, T33).

use crate::support::ui as fixture;

use std::sync::Arc;

use cutover::testing::domain::{Move, OrderId, Side, Split, Version};
use cutover::testing::engine::snapshot::{EventLine, GateState, GuardState};
use cutover::testing::engine::{Command, RefusalKind, Reply, Request, Snapshot};
use cutover::testing::ui::{Action, Glyphs, Input, Key, View, actions};

use fixture::{blocked, flush, seeing};

/// A view with time, fed by key scripts.
struct Rig {
    view: View,
    now: u64,
}

impl Rig {
    fn new(snapshot: Snapshot) -> Self {
        Self { view: seeing(snapshot, "mono", Glyphs::Unicode), now: 1_000 }
    }

    /// Keys parted by spaces, each seen, half a second apart.
    fn keys(&mut self, script: &str) -> Vec<Action> {
        let mut out = Vec::new();
        for spelled in script.split(' ').filter(|spelled| !spelled.is_empty()) {
            out.extend(self.blind(spelled));
            flush(&mut self.view, self.now);
            self.now += 500;
        }
        out
    }

    /// Keys without a pause and without a frame between them.
    fn blind(&mut self, script: &str) -> Vec<Action> {
        let keys = script.split(' ').map(|spelled| actions::parse(spelled).unwrap());
        keys.flat_map(|key| self.view.update(Input::Key(key), self.now)).collect()
    }

    fn send(&mut self, input: Input) -> Vec<Action> {
        self.view.update(input, self.now)
    }

    fn see(&mut self, snapshot: Snapshot) -> Vec<Action> {
        self.send(Input::Snapshot(Arc::new(snapshot)))
    }

    fn screen(&self) -> String {
        let mut buffer = ratatui::buffer::Buffer::empty(ratatui::layout::Rect::new(0, 0, 80, 24));
        cutover::testing::ui::draw(&self.view, &mut buffer, self.now);
        let rows = buffer.content().chunks(80);
        rows.map(|row| row.iter().map(ratatui::buffer::Cell::symbol).collect::<String>() + "\n").collect()
    }

    #[track_caller]
    fn shows(&self, text: &str) {
        let screen = self.screen();
        assert!(screen.contains(text), "{text:?} is not on\n{screen}");
    }
}

fn asked(actions: &[Action]) -> Vec<&Request> {
    actions.iter().filter_map(|action| if let Action::Ask(request) = action { Some(request) } else { None }).collect()
}

fn verbs(actions: &[Action]) -> Vec<&'static str> {
    asked(actions).into_iter().map(|request| request.command.verb()).collect()
}

fn moved() -> Snapshot {
    let mut snapshot = fixture::free();
    snapshot.status.digest = "b207".into();
    snapshot.status.gates[3].status = GateState::Failed;
    snapshot
}

fn typed_promote() -> Snapshot {
    let mut snapshot = fixture::free();
    snapshot.status.typed = vec![Move::Switch, Move::Promote];
    snapshot
}

/// A row of the table: a verb, where it can be asked for, and what its cells say.
struct Row {
    verb: &'static str,
    state: fn() -> Snapshot,
    opener: &'static str,
    /// What follows the opener, without the key that confirms.
    before: &'static str,
    confirm: &'static str,
    arming_ms: u64,
    lives_ms: u64,
    /// Closes when the focus is lost, and does not open over another dialog, in zoom, frozen, or on a tiny screen.
    forward: bool,
    bound: bool,
}

const fn row(verb: &'static str, opener: &'static str, confirm: &'static str) -> Row {
    Row {
        verb,
        state: fixture::free,
        opener,
        before: "",
        confirm,
        arming_ms: 400,
        lives_ms: 20_000,
        forward: true,
        bound: true,
    }
}

/// HOLD has no question and stands in tests of its own.
fn table() -> Vec<Row> {
    let back = |row: Row| Row { arming_ms: 0, lives_ms: 10_000, forward: false, ..row };
    vec![
        Row { bound: false, ..back(row("rollback", "R", "y")) },
        back(row("abort", "A", "y")),
        row("promote", "P", "y"),
        Row { state: typed_promote, before: "v 4 2", lives_ms: 60_000, ..row("promote", "P", "Enter") },
        Row { before: "v 4 2", lives_ms: 60_000, ..row("switch", "S", "Enter") },
        Row {
            state: fixture::shifting,
            before: "f x Space f e e d Space l a t e Enter",
            lives_ms: 60_000,
            ..row("override", "O", "y")
        },
        Row { state: fixture::paused, ..row("resume", "H", "y") },
        Row { state: fixture::read_only, bound: false, ..row("take over", "W", "y") },
        Row { state: fixture::switched, ..row("finalize", ": f i n a l i z e Enter", "y") },
        row("auto", ": a u t o Space o n Enter", "y"),
    ]
}

fn open(row: &Row) -> Rig {
    let mut rig = Rig::new((row.state)());
    rig.keys(row.opener);
    rig.keys(row.before);
    rig
}

#[test]
fn keystrokes_confirm_and_carry_the_digest_where_they_are_bound_to_it() {
    for row in table() {
        let mut rig = open(&row);
        let out = rig.keys(row.confirm);
        let [request] = asked(&out)[..] else { panic!("{}: {out:?}\n{}", row.verb, rig.screen()) };
        assert_eq!(request.command.verb(), row.verb);
        assert_eq!(request.expect.as_deref(), row.bound.then_some("a1c9"), "{}", row.verb);
        assert_eq!(verbs(&rig.keys(row.confirm)), [""; 0], "{}: confirmed once is once", row.verb);
    }
}

#[test]
fn the_default_is_no() {
    for row in table() {
        for no in ["Esc", "n", "Enter", "Space", "Tab", "q"] {
            // In a text field characters are text; there only Esc leaves, and an unfinished text is no yes.
            let typing = row.confirm == "Enter";
            if typing && no != "Esc" || row.confirm == no {
                continue;
            }
            let mut rig = open(&row);
            assert_eq!(verbs(&rig.keys(no)), [""; 0], "{} answered with {no}", row.verb);
            if matches!(no, "Esc" | "n") {
                rig.shows("no, nothing was sent");
                assert_eq!(verbs(&rig.keys(row.confirm)), [""; 0], "{} was closed by {no}", row.verb);
            }
        }
    }
}

#[test]
fn enter_and_space_confirm_nothing_and_capitals_are_no_yes() {
    for row in table().into_iter().filter(|row| row.confirm == "y") {
        for key in ["Enter", "Space"] {
            let mut rig = open(&row);
            assert_eq!(verbs(&rig.keys(&format!("{key} {key}"))), [""; 0], "{} by {key}", row.verb);
        }
        let mut rig = open(&row);
        let want: &[&str] = if row.verb == "rollback" { &["rollback"] } else { &[] };
        assert_eq!(verbs(&rig.keys("Y")), want, "{}: Caps Lock must not stop the way back, and no more", row.verb);
    }
    let mut rig = Rig::new(fixture::free());
    assert_eq!(verbs(&rig.keys("S Enter v 4 Enter Space Enter")), [""; 0]);
}

#[test]
fn forward_counts_keys_400_ms_after_its_box_was_flushed_and_the_way_back_at_once() {
    for row in table() {
        let mut rig = Rig::new((row.state)());
        let (opener, last) = row.opener.rsplit_once(' ').unwrap_or(("", row.opener));
        rig.keys(opener);
        // Typed ahead on a slow line: the opener and everything after it before a frame has left.
        let out = rig.blind(&format!("{last} {}", if row.before.is_empty() { row.confirm } else { "y" }));
        let want: &[&str] = if row.arming_ms == 0 { &[row.verb] } else { &[] };
        assert_eq!(verbs(&out), want, "{} typed ahead", row.verb);
        if row.arming_ms == 0 || !row.before.is_empty() {
            continue;
        }
        rig.now += 5_000;
        flush(&mut rig.view, rig.now);
        rig.now += row.arming_ms - 1;
        assert_eq!(verbs(&rig.blind(row.confirm)), [""; 0], "{} one millisecond early", row.verb);
        rig.now += 1;
        assert_eq!(verbs(&rig.blind(row.confirm)), [row.verb], "{} in time", row.verb);
    }
}

#[test]
fn what_is_typed_before_the_box_was_seen_is_thrown_away() {
    let mut rig = Rig::new(fixture::free());
    rig.blind("S v 4 2");
    flush(&mut rig.view, rig.now);
    rig.now += 400;
    assert_eq!(verbs(&rig.blind("Enter")), [""; 0], "nothing of the type-ahead was kept");
    assert_eq!(verbs(&rig.blind("v 4 2 Enter")), ["switch"]);
    let mut rig = open(&table().into_iter().find(|row| row.verb == "override").unwrap());
    rig.keys("Esc O");
    rig.keys("f x Space f e e d Space l a t e");
    rig.blind("Enter");
    assert_eq!(verbs(&rig.blind("y")), [""; 0], "the y of an override has an arming of its own");
    flush(&mut rig.view, rig.now);
    rig.now += 400;
    assert_eq!(verbs(&rig.blind("y")), ["override"]);
}

#[test]
fn each_runs_out_to_no_at_its_time() {
    for row in table() {
        let mut rig = Rig::new((row.state)());
        let (before, last) = row.opener.rsplit_once(' ').unwrap_or(("", row.opener));
        rig.keys(before);
        let opened = rig.now;
        rig.keys(last);
        rig.keys(row.before);
        rig.now = opened + row.lives_ms - 1;
        assert!(rig.send(Input::Tick).is_empty());
        assert!(rig.screen().contains(" 1s "), "{} counts down\n{}", row.verb, rig.screen());
        assert_eq!(rig.view.next_deadline(rig.now), Some(opened + row.lives_ms), "{}", row.verb);
        rig.now += 1;
        assert_eq!(verbs(&rig.blind(row.confirm)), [""; 0], "{} after its time", row.verb);
    }
}

#[test]
fn forward_needs_gates_fresh_data_and_the_lease_and_the_way_back_needs_none() {
    let block = |kind: RefusalKind, because: &str| {
        let mut snapshot = fixture::shifting();
        snapshot.status.blocked = ["promote", "switch"].map(|verb| blocked(verb, because, kind)).into();
        snapshot
    };
    let with_lease = |mut snapshot: Snapshot| {
        let because = "read-only: op2 drives (W takes over)";
        for verb in ["abort", "finalize"] {
            snapshot.status.blocked.push(blocked(verb, because, RefusalKind::ReadOnly));
        }
        snapshot
    };
    let gates = block(RefusalKind::Blocked, "gate golden FAIL");
    let stale = block(RefusalKind::Stale, "router data is 42 s old");
    let lease = with_lease(block(RefusalKind::ReadOnly, "read-only: op2 drives (W takes over)"));
    let journal = block(RefusalKind::Journal, "journal: no space left");
    // Verb, keys; whether gates, old data, another's lease, a broken journal stand in its way.
    for (verb, keys, needs) in [
        ("pause", "H", [false, false, false, false]),
        ("rollback", "R y", [false, false, false, false]),
        ("abort", "A y", [false, false, true, false]),
        ("promote", "P y", [true, true, true, true]),
        ("switch", "S v 4 2 Enter", [true, true, true, true]),
        ("override", "O f x Space f e e d Space l a t e Enter y", [false, true, true, true]),
    ] {
        for (state, needed) in [&gates, &stale, &lease, &journal].into_iter().zip(needs) {
            let mut rig = Rig::new(state.clone());
            let want: &[&str] = if needed { &[] } else { &[verb] };
            let because = &state.status.blocked[0].because;
            assert_eq!(verbs(&rig.keys(keys)), want, "{verb} with {because}");
        }
    }
    let mut rig = Rig::new(stale);
    rig.keys("O");
    rig.shows("override is blocked: router data is 42 s old");
    let mut blind = Rig { view: fixture::view("mono", Glyphs::Unicode), now: 0 };
    assert_eq!(verbs(&blind.blind("R y")), ["rollback"], "before anything was read");
    assert_eq!(verbs(&Rig::new(fixture::unreachable()).blind("R y")), ["rollback"], "with every feed down");
}

#[test]
fn the_way_back_and_hold_work_over_everything_and_forward_does_not() {
    let over = ["?", "o", "p", "3 Enter", "P", "A", "R", "S Esc", ": x Esc", "/ x Esc", "? / x Esc"];
    for before in over.into_iter().chain(["+", "Space"]) {
        for (verb, keys) in [("rollback", "R y"), ("pause", "H")] {
            let mut rig = Rig::new(fixture::free());
            rig.keys(before);
            assert_eq!(verbs(&rig.keys(keys)), [verb], "{keys} after {before}");
        }
        if before != "R" && before != "A" {
            let mut rig = Rig::new(fixture::free());
            rig.keys(before);
            assert_eq!(verbs(&rig.keys("A y")), ["abort"], "A y after {before}");
        }
    }
    for before in ["?", "o", "3 Enter", "+", "Space"] {
        for row in table().into_iter().filter(|row| row.forward && row.opener.len() == 1) {
            let mut rig = Rig::new((row.state)());
            rig.keys(before);
            let out = rig.keys(&format!("{} {} {}", row.opener, row.before, row.confirm));
            assert!(!verbs(&out).contains(&row.verb), "{} after {before}", row.verb);
        }
    }
    for size in [(1, 1), (30, 8), (43, 40), (120, 17)] {
        for row in table().into_iter().filter(|row| row.opener.len() == 1) {
            let mut rig = Rig::new((row.state)());
            rig.send(Input::Resize(size.0, size.1));
            let out = rig.keys(&format!("{} {} {}", row.opener, row.before, row.confirm));
            assert_eq!(verbs(&out).contains(&row.verb), !row.forward, "{} at {size:?}", row.verb);
        }
        let mut rig = Rig::new(fixture::free());
        rig.send(Input::Resize(size.0, size.1));
        assert_eq!(verbs(&rig.keys("H")), ["pause"]);
    }
}

#[test]
fn from_every_text_field_the_way_back_is_esc_first() {
    for field in [": a b", "/ a b", "S v", "O a b c", "? / a"] {
        let mut rig = Rig::new(fixture::shifting());
        if field.starts_with('S') {
            rig = Rig::new(fixture::free());
        }
        rig.keys(field);
        assert_eq!(verbs(&rig.blind("R y")), [""; 0], "in {field} they are text");
        assert_eq!(verbs(&rig.blind("Esc R y")), ["rollback"], "out of {field}");
    }
}

#[test]
fn a_dialog_closed_by_the_world_still_lets_the_way_back_and_abort_through() {
    for (keys, verb) in [("R y", "rollback"), ("A y", "abort")] {
        let mut rig = Rig::new(fixture::free());
        rig.keys("P");
        rig.see(moved());
        assert_eq!(verbs(&rig.keys(keys)), [verb]);
    }
    let mut rig = Rig::new(fixture::free());
    rig.keys("P");
    rig.see(moved());
    assert_eq!(verbs(&rig.keys("H")), ["pause"]);
}

#[test]
fn a_digest_that_moves_closes_what_is_bound_to_it_and_names_what_changed() {
    for row in table() {
        let mut rig = open(&row);
        let mut snapshot = (row.state)();
        snapshot.status.digest = "b207".into();
        rig.see(snapshot);
        let want: &[&str] = if row.bound { &[] } else { &[row.verb] };
        assert_eq!(verbs(&rig.keys(row.confirm)), want, "{}", row.verb);
    }
    let mut rig = Rig::new(fixture::free());
    rig.keys("P");
    rig.see(moved());
    rig.shows("! STATE CHANGED a1c9 > b207: latency-p99 PASS > FAIL. Cancelled,");
    rig.shows("nothing was sent. Press any key to look again.");
    let mut changed = moved();
    changed.status.split.observed = Some(Split::toward(Side::Green, 12));
    changed.status.sides.green.version = Some(Version { name: "v42".into(), ..Version::from_text("another build") });
    let mut rig = Rig::new(fixture::free());
    rig.keys("P");
    rig.see(changed);
    for what in ["latency-p99 PASS > FAIL", "split 90/10 > 88/12", "green v42 ("] {
        rig.shows(what);
    }
}

#[test]
fn t31_focus_loss_closes_forward_prompts_and_nothing_else() {
    for row in table() {
        let mut rig = open(&row);
        rig.send(Input::FocusLost);
        let want: &[&str] = if row.forward { &[] } else { &[row.verb] };
        if row.forward {
            rig.shows("the terminal lost the focus. Cancelled, nothing was sent.");
        }
        assert_eq!(verbs(&rig.keys(row.confirm)), want, "{}", row.verb);
    }
    // Terminals that never tell: everything works all the same, as in the other tests.
    let mut rig = Rig::new(fixture::free());
    rig.send(Input::FocusLost);
    rig.send(Input::FocusGained);
    assert_eq!(verbs(&rig.keys("P y")), ["promote"]);
}

#[test]
fn t30_a_paste_changes_nothing_and_confirms_nothing() {
    for row in table() {
        for text in ["y", "v42\n", "Ry\nSv42\ny", "\n"] {
            let mut rig = open(&row);
            let before = rig.view.update(Input::Paste(text.into()), rig.now);
            assert!(before.is_empty(), "{}: {before:?}", row.verb);
            rig.shows(if row.confirm == "Enter" { "paste refused" } else { "a paste does nothing here" });
        }
    }
    let mut rig = Rig::new(fixture::free());
    rig.keys("S");
    rig.send(Input::Paste("v42".into()));
    assert_eq!(verbs(&rig.keys("Enter")), [""; 0], "a pasted version is not typed");
    rig.send(Input::LooksLikePaste);
    rig.shows("looked like a paste");
    let mut rig = Rig::new(fixture::shifting());
    rig.keys("O");
    rig.send(Input::Paste("a reason long enough".into()));
    assert_eq!(verbs(&rig.keys("Enter y")), [""; 0], "neither is a pasted reason");
}

#[test]
fn t33_a_held_key_acts_at_most_once_and_the_opener_never() {
    let hold = |rig: &mut Rig, key: &str, repeat: bool| {
        let key = Key { repeat, ..actions::parse(key).unwrap() };
        let mut sent = 0;
        for at in 0..150 {
            // Some terminals tell that a key is held, most do not.
            let key = if at == 0 { Key { repeat: false, ..key } } else { key };
            sent += asked(&rig.view.update(Input::Key(key), rig.now)).len();
            flush(&mut rig.view, rig.now);
            rig.now += 33;
        }
        sent
    };
    for repeat in [false, true] {
        for row in table().into_iter().filter(|row| row.opener.len() == 1) {
            let mut rig = Rig::new((row.state)());
            assert_eq!(hold(&mut rig, row.opener, repeat), 0, "holding {}", row.opener);
            let mut rig = open(&row);
            assert!(hold(&mut rig, row.confirm, repeat) <= 1, "holding {} in {}", row.confirm, row.verb);
        }
        let mut rig = Rig::new(fixture::free());
        assert_eq!(hold(&mut rig, "H", repeat), 1, "hold is one key, and acts once");
    }
}

#[test]
fn a_held_opener_types_nothing_and_a_version_may_begin_with_it() {
    let mut snapshot = fixture::free();
    snapshot.status.sides.green.version = Some(Version::from_text("S2"));
    let mut rig = Rig::new(snapshot);
    rig.keys("S");
    for _ in 0..100 {
        rig.blind("S");
        rig.now += 33;
    }
    rig.now += 600;
    assert_eq!(verbs(&rig.blind("S 2 Enter")), ["switch"]);
}

#[test]
fn a_second_rollback_while_one_runs_is_a_no_op_with_a_message() {
    let mut rig = Rig::new(fixture::in_flight());
    rig.keys("R");
    rig.shows("7f3e is ACCEPTED");
    let out = rig.keys("y");
    let [request] = asked(&out)[..] else { panic!("{out:?}") };
    let id = request.id;
    rig.send(Input::Reply { id, reply: Reply::AlreadySo { text: "a rollback is already under way".into() } });
    rig.shows("rollback: a rollback is already under way");
    rig.shows("ROLLING BACK  BLUE 90 > 96 > 100%");
    rig.shows("op 7f3e ACCEPTED");
}

#[test]
fn in_hard_read_only_the_capitals_show_what_they_would_do_and_who_drives() {
    for (key, verb) in [("P", "promote"), ("S", "switch"), ("A", "abort"), ("R", "rollback"), ("H", "pause")] {
        let mut rig = Rig::new(fixture::hard_read_only());
        assert_eq!(verbs(&rig.keys(key)), [""; 0]);
        rig.shows(&format!("PREVIEW {verb}"));
        rig.shows(&format!("CLI twin  cutover {verb}"));
        rig.shows("driver    op2; this console was started read-only");
        assert_eq!(verbs(&rig.keys("y Y Enter")), [""; 0]);
    }
}

#[test]
fn previews_show_effect_blockers_the_twin_and_the_very_request() {
    let mut rig = Rig::new(fixture::shifting());
    for (key, texts) in [
        (
            "p",
            &["GREEN v42 10% > 25%", "gate feature-drift FAIL", "--to-step 3 --expect a1c9 --yes", "\"green\":25"][..],
        ),
        ("s", &["GREEN v42 10% > 100%", "gate feature-drift FAIL", "cutover switch --expect a1c9 --yes"]),
        ("a", &["GREEN 10% > 0%, all to BLUE v41", "blocked   no", "cutover abort --expect a1c9 --yes", "\"green\":0"]),
        ("r", &["100% to BLUE v41", "cutover rollback --yes", "\"expected\":null", "R asks, y sends"]),
    ] {
        assert_eq!(verbs(&rig.keys(key)), [""; 0]);
        for text in texts {
            rig.shows(text);
        }
        rig.shows("PUT /v1/split");
        rig.keys("Esc");
    }
    rig.keys("r");
    assert_eq!(verbs(&rig.keys("R y")), ["rollback"], "R in its preview opens the question");
}

/// A rollback of ours was read back: its reason is asked for.
fn asked_why() -> Rig {
    let mut before = fixture::free();
    before.status.last_order = None;
    let mut rig = Rig::new(before);
    let out = rig.blind("R y");
    let id = asked(&out)[0].id;
    rig.send(Input::Reply { id, reply: Reply::Ordered { id: OrderId("7f3e".into()) } });
    rig.see(fixture::in_flight());
    let out = rig.see(fixture::rolled_back());
    assert!(out.iter().any(|action| matches!(action, Action::Notify(_))), "{out:?}");
    rig.shows("WHY was it rolled back?");
    rig.shows("VERIFIED rollback 7f3e: BLUE 100% read back from the router");
    rig
}

#[test]
fn the_reason_is_asked_afterwards_and_esc_skips_it() {
    let mut rig = asked_why();
    assert_eq!(verbs(&rig.keys("Esc")), [""; 0]);
    rig.see(fixture::rolled_back());
    assert!(!rig.screen().contains("WHY"), "skipped is skipped");
    let mut rig = asked_why();
    assert_eq!(verbs(&rig.keys("Enter")), [""; 0], "an empty reason is refused");
    let mut rig = asked_why();
    let out = rig.keys("R o l l e d Enter");
    let [request] = asked(&out)[..] else { panic!("{out:?}") };
    assert_eq!(request.command, Command::Note { text: "reason for rollback 7f3e: Rolled".into() });
}

#[test]
fn the_question_for_a_reason_never_blocks_the_way_back() {
    let mut rig = asked_why();
    assert_eq!(verbs(&rig.blind("R y")), ["rollback"], "it opened by itself: R is not text there yet");
    rig.see(fixture::rolled_back());
    rig.shows("WHY was it rolled back?");
    let mut rig = asked_why();
    assert_eq!(verbs(&rig.blind("x R y")), [""; 0], "once text is typed it is a text field");
    assert_eq!(verbs(&rig.blind("Esc R y")), ["rollback"]);
    let mut rig = asked_why();
    rig.keys("R");
    rig.now += 10_000;
    rig.send(Input::Tick);
    rig.see(fixture::rolled_back());
    rig.shows("WHY was it rolled back?");
}

#[test]
fn a_config_may_want_the_version_typed_for_a_promote() {
    let mut rig = Rig::new(typed_promote());
    assert_eq!(verbs(&rig.keys("P y Enter")), [""; 0]);
    rig.shows("Type the green version to promote:");
    let out = rig.keys("Backspace v 4 2 Enter");
    let [request] = asked(&out)[..] else { panic!("{out:?}") };
    assert_eq!((&request.command, request.expect.as_deref()), (&Command::Promote, Some("a1c9")));
}

#[test]
fn the_request_shown_is_the_one_of_now() {
    let mut rig = Rig::new(fixture::free());
    rig.keys("P");
    rig.shows("\"expected\":\"7\"");
    let mut newer = fixture::free();
    for line in newer.previews.get_mut("promote").unwrap() {
        *line = line.replace("\"7\"", "\"8\"");
    }
    rig.see(newer);
    rig.shows("\"expected\":\"8\"");
    rig.shows("PROMOTE step 2 > 3");
}

#[test]
fn an_order_in_place_says_how_far_it_is_and_keys_stay_live() {
    let mut rig = Rig::new(fixture::in_flight());
    rig.shows("ROLLING BACK  BLUE 90 > 96 > 100%");
    rig.shows("router says 96%");
    rig.shows("retry 0  (safe to hang up: backend owns it)");
    rig.keys("?");
    rig.shows("HELP");
    rig.shows("op 7f3e ACCEPTED");
    rig.keys("Esc");
    let mut done = fixture::rolled_back();
    done.status.last_order.as_mut().unwrap().took_s = 3.8;
    rig.see(done);
    rig.shows("VERIFIED rollback 7f3e: BLUE 100% read back from the router in 3.8s");
    let mut rig = Rig::new(fixture::unknown_order());
    rig.shows("UNKNOWN  rollback may have happened: BLUE 90 > 100%");
    rig.shows("router says 96%");
    rig.shows("retry 1  NOT READ BACK IN TIME");
    assert_eq!(verbs(&rig.keys("R y")), ["rollback"]);
    let mut silent = fixture::unknown_order();
    silent.status.split.age_s = Some(12.0);
    Rig::new(silent).shows("router: 96% 13s ago");
}

#[test]
fn a_forward_dialog_tells_how_the_last_attempt_ended_and_which_guards_are_over() {
    let mut snapshot = fixture::rolled_back();
    let event = EventLine {
        at: fixture::now(),
        by: "auto".into(),
        text: "ROLLBACK blue 90 > 100% (guard p99 on green: 506 ms over 250 ms)".into(),
        warn: true,
        ordered: Some(Move::Rollback),
    };
    Arc::make_mut(&mut snapshot.events).push(event);
    let guard = snapshot.status.guards.iter_mut().find(|guard| guard.side == Side::Green).unwrap();
    (guard.status, guard.value, guard.breaches) = (GuardState::Breach, Some(71.0), 2);
    for key in ["P", "S"] {
        let mut rig = Rig::new(snapshot.clone());
        rig.keys(key);
        rig.shows("last      14:02:12Z auto ROLLBACK blue 90 > 100% (guard p99 on green: 506");
        rig.shows("guard     p50 of green 71 ms, limit 60 ms, 2 of 3 in a row");
    }
    let mut rig = Rig::new(snapshot);
    rig.keys("R");
    rig.shows("ROLL BACK NOW?  BLUE v41 takes all traffic already: nothing would move");
}

#[test]
fn the_screen_says_when_keys_begin_to_count() {
    let mut rig = Rig::new(fixture::free());
    rig.blind("P");
    flush(&mut rig.view, rig.now);
    rig.shows("(wait)  auto-no");
    assert_eq!(rig.view.next_deadline(rig.now), Some(rig.now + 400));
    rig.now += 400;
    assert!(!rig.view.is_dirty());
    rig.send(Input::Tick);
    assert!(rig.view.is_dirty(), "a new frame shows it");
    assert!(!rig.screen().contains("(wait)"));
}
