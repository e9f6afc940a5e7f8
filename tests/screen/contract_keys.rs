//! The terminal contract where it is about keys: no key, held or random, acts without the exact sequence of consent,
//! whatever the keymap.

use crate::support::child;
use crate::support::ui as fixture;

use std::collections::{HashMap, VecDeque};
use std::fmt::Write as _;
use std::process::Command as Process;
use std::sync::Arc;

use cutover::testing::domain::{LogLevel, LogLine};
use cutover::testing::engine::{Command, Reply, Request, Snapshot};
use cutover::testing::ui::actions::{self, Act, Danger, parse};
use cutover::testing::ui::keymap::spelling::spell;
use cutover::testing::ui::{Action, Code, Glyphs, Input, Key, Keymap, View};

use fixture::{flush, seeing};

fn view(snapshot: Snapshot, keymap: &Arc<Keymap>) -> View {
    seeing(snapshot, "mono", Glyphs::Unicode).with_keymap(Arc::clone(keymap))
}

fn asked(actions: &[Action]) -> Vec<&Request> {
    actions.iter().filter_map(|action| if let Action::Ask(request) = action { Some(request) } else { None }).collect()
}

fn screen(view: &View, now: u64) -> String {
    let mut buffer = ratatui::buffer::Buffer::empty(ratatui::layout::Rect::new(0, 0, 120, 50));
    cutover::testing::ui::draw(view, &mut buffer, now);
    let row = |row: &[ratatui::buffer::Cell]| row.iter().map(ratatui::buffer::Cell::symbol).collect::<String>() + "\n";
    buffer.content().chunks(120).map(row).collect()
}

/// A keymap as a random person would write it, and where the openers are, kept apart from the program's own reading.
fn random_keymap(rng: &mut fastrand::Rng) -> (Arc<Keymap>, HashMap<Act, Key>) {
    let unsafe_too = rng.bool();
    let mut pool: Vec<&str> = "A B C D F H J K M O P R S T U W X Z ! # $ % & * 7 8 9 Ä".split(' ').collect();
    if unsafe_too {
        pool.extend(["h", "x", "Space", "Tab", "Ctrl-x", "Ctrl-r", "Backspace", "Down", "v", "4"]);
    }
    rng.shuffle(&mut pool);
    let mut text = format!("allow_unsafe_keys = {unsafe_too}\n[keys]\n");
    let mut openers = HashMap::new();
    let openings = |row: &&actions::Row| row.danger.acts() || row.act == Act::Quit;
    for (row, key) in actions::table().iter().filter(openings).zip(&pool) {
        writeln!(text, "{} = [\"{key}\"]", row.name).unwrap();
        openers.insert(row.act, parse(key).unwrap());
    }
    let taken = &pool[..openers.len()];
    // Nothing is left on a key that was taken, and without a command line nothing opens a question but its key.
    for row in actions::table().iter().filter(|row| !openings(row)) {
        let kept: Vec<String> =
            row.keys.iter().filter(|key| !taken.contains(key)).map(|key| format!("\"{key}\"")).collect();
        let kept = if row.act == Act::CommandLine { String::new() } else { kept.join(",") };
        if !matches!(row.act, Act::Interrupt | Act::Suspend | Act::Redraw) {
            writeln!(text, "{} = [{kept}]", row.name).unwrap();
        }
    }
    let map = Keymap::parse(&text, "keys.toml".as_ref()).unwrap_or_else(|faults| panic!("{faults}\n{text}"));
    (Arc::new(map), openers)
}

fn table_openers() -> HashMap<Act, Key> {
    let rows = actions::table().iter().filter(|row| row.danger.acts() || row.act == Act::Quit);
    rows.map(|row| (row.act, parse(row.keys[0]).unwrap())).collect()
}

/// What a question needs before it may send anything, kept apart from the view's own logic.
///
/// Forward: its opener was pressed, then a frame was made, that frame reached the terminal, and 400 ms went by; all
/// of it since the last Esc, loss of focus or change of digest. Backward: the key before `y` was the opener.
struct Witness {
    openers: HashMap<Act, Key>,
    opened: HashMap<Act, (bool, Option<u64>)>,
    /// Enter, after the key of the command line: a line may have opened any question.
    line: Option<(bool, Option<u64>)>,
    command_line: Option<Key>,
    in_line: bool,
    before: Option<Key>,
    digest: String,
    /// Characters pressed since the switch's opener.
    typed: String,
}

impl Witness {
    fn new(openers: HashMap<Act, Key>, command_line: Option<Key>) -> Self {
        Self {
            openers,
            opened: HashMap::new(),
            line: None,
            command_line,
            in_line: false,
            before: None,
            digest: "a1c9".into(),
            typed: String::new(),
        }
    }

    fn sees(&mut self, input: &Input, now: u64) {
        match input {
            Input::Key(key) if key.code == Code::Esc => {
                self.opened.clear();
                (self.line, self.in_line) = (None, false);
            }
            Input::Key(key) if !key.repeat => {
                if self.in_line && key.code == Code::Enter {
                    self.line.get_or_insert_default();
                }
                self.in_line |= Some(*key) == self.command_line;
                if let Some((act, _)) = self.openers.iter().find(|(_, opener)| *opener == key) {
                    self.opened.entry(*act).or_default();
                }
            }
            Input::Drawn => {
                self.opened.values_mut().chain(&mut self.line).for_each(|(drawn, _)| *drawn = true);
            }
            Input::Flushed => {
                for (_, flushed) in self.opened.values_mut().chain(&mut self.line).filter(|(drawn, _)| *drawn) {
                    flushed.get_or_insert(now);
                }
            }
            Input::FocusLost => {
                self.opened.clear();
                self.line = None;
            }
            Input::Snapshot(snapshot) if snapshot.status.digest != self.digest => {
                self.digest.clone_from(&snapshot.status.digest);
                self.opened.retain(|act, _| *act == Act::TakeOver);
            }
            _ => {}
        }
    }

    /// After the view has had the key.
    fn remembers(&mut self, input: &Input) {
        if let Input::Key(key) = input {
            if !key.repeat {
                self.before = Some(*key);
            }
            self.typed.extend(key.plain_char());
        }
    }

    fn allows(&self, act: Act, now: u64) -> bool {
        let armed = |seen: Option<&(bool, Option<u64>)>| seen.and_then(|(_, at)| *at).is_some_and(|at| at + 400 <= now);
        armed(self.opened.get(&act)) || armed(self.line.as_ref())
    }

    fn judge(&self, request: &Request, key: Option<Key>, now: u64) {
        let told = || format!("{request:?} on {key:?} after {:?}", self.before);
        let yes = Key::char('y');
        let opener = |act| self.openers.get(&act).copied();
        let by_line = self.in_line && key == Some(Key::new(Code::Enter));
        let (act, confirm) = match &request.command {
            Command::Promote => (Act::Promote, yes),
            Command::Switch => (Act::Switch, Key::new(Code::Enter)),
            Command::Override { .. } => (Act::Override, yes),
            Command::Resume => (Act::Hold, yes),
            Command::TakeOver => (Act::TakeOver, yes),
            Command::Finalize | Command::Auto { on: true } => {
                assert!(self.line.is_some(), "no key opens this: {}", told());
                (Act::CommandLine, yes)
            }
            Command::Rollback | Command::Abort => {
                assert!(matches!(key.and_then(Key::plain_char), Some('y' | 'Y')), "{}", told());
                let act = if request.command == Command::Rollback { Act::Rollback } else { Act::Abort };
                let was_asked =
                    self.before == opener(act) || (self.in_line && self.before == Some(Key::new(Code::Enter)));
                assert!(was_asked, "{}", told());
                return;
            }
            Command::Pause => return assert!(by_line || key == opener(Act::Hold), "{}", told()),
            Command::Note { .. } => {
                let noted = by_line || key == Some(Key::char('m')) || key == Some(Key::new(Code::Enter));
                return assert!(noted, "{}", told());
            }
            _ => return assert!(by_line, "{}", told()),
        };
        assert_eq!(key, Some(confirm), "{}", told());
        assert!(self.allows(act, now), "{}", told());
        let expect = (act != Act::TakeOver).then_some(self.digest.as_str());
        assert_eq!(request.expect.as_deref(), expect, "{}", told());
        if act == Act::Switch {
            assert!("v42".chars().all(|c| self.typed.contains(c)), "{}: only {:?} was typed", told(), self.typed);
        }
    }
}

/// A person who mostly does as they should, so that the test reaches what it guards, and now and then does not.
fn scripts(openers: &HashMap<Act, Key>) -> Vec<Vec<Input>> {
    let key = |key: Key| Input::Key(key);
    let seen = || [Input::Drawn, Input::Flushed, Input::Tick];
    let plain = |text: &'static str| text.chars().map(Key::char).map(Input::Key);
    let enter = || key(Key::new(Code::Enter));
    let open = |act: Act| [key(Key::new(Code::Esc)), key(openers[&act])].into_iter().chain(seen());
    vec![
        open(Act::Promote).chain(plain("y")).collect(),
        open(Act::Hold).chain(plain("y")).collect(),
        open(Act::TakeOver).chain(plain("y")).collect(),
        open(Act::Rollback).chain(plain("y")).collect(),
        open(Act::Abort).chain(plain("y")).collect(),
        open(Act::Switch).chain(plain("v42")).chain([enter()]).collect(),
        open(Act::Override)
            .chain(plain("it is known to be late"))
            .chain([enter()])
            .chain(seen())
            .chain(plain("y"))
            .collect(),
    ]
}

/// `events` random inputs under one keymap; what was sent, by verb.
fn storm(events: usize, seed: u64, keymap: &Arc<Keymap>, openers: &HashMap<Act, Key>) -> HashMap<&'static str, u32> {
    let mut rng = fastrand::Rng::with_seed(seed);
    let mut moved = fixture::free();
    moved.status.digest = "b207".into();
    let states = [
        fixture::free(),
        fixture::free(),
        fixture::shifting(),
        fixture::paused(),
        fixture::ready(),
        fixture::read_only(),
        moved,
    ];
    let states = states.map(Arc::new);
    let usual = "yyyyyyYnn42vjkG+__?:/ oprfq13mcsa[]".chars().map(Key::char);
    let named =
        [Code::Enter, Code::Enter, Code::Esc, Code::Esc, Code::Esc, Code::Tab, Code::BackTab, Code::Up, Code::Other];
    let table = actions::table().iter().flat_map(|row| row.keys).filter_map(|key| parse(key));
    let openers_often = openers.values().flat_map(|key| [*key; 3]);
    // Leaving and suspending are not what is asked here.
    let pool: Vec<Key> =
        usual.chain(named.map(Key::new)).chain(table).chain(openers_often).filter(|key| !key.ctrl).collect();
    let scripts = scripts(openers);
    let mut view = view(fixture::free(), keymap);
    let mut witness = Witness::new(openers.clone(), keymap.keys(Act::CommandLine).first().copied());
    let mut sent: HashMap<&'static str, u32> = HashMap::new();
    let mut queue: VecDeque<Input> = VecDeque::new();
    let mut now = 1_000;
    for _ in 0..events {
        now += if rng.bool() { rng.u64(0..50) } else { rng.u64(0..1_200) };
        if queue.is_empty() && rng.u8(0..20) == 0 {
            queue.extend(scripts[rng.usize(..scripts.len())].iter().cloned());
        }
        let scripted = if rng.u8(0..30) == 0 { None } else { queue.pop_front() };
        let input = scripted.unwrap_or_else(|| match rng.u8(0..60) {
            0 => Input::Paste("Ry\nSv42\nPy".into()),
            1 => Input::FocusLost,
            2 => Input::Resize(rng.u16(1..140), rng.u16(1..50)),
            3 | 4 => Input::Resize(120, 40),
            5 | 6 => Input::Snapshot(Arc::clone(&states[rng.usize(..states.len())])),
            7..=12 => Input::Drawn,
            13..=20 => Input::Flushed,
            21 => {
                Input::Line(LogLine { at: fixture::now(), level: LogLevel::Info, source: "x".into(), text: "y".into() })
            }
            22 => Input::Reply { id: rng.u64(0..2_000), reply: Reply::Done },
            23 => Input::LooksLikePaste,
            24 => Input::FocusGained,
            _ => Input::Key(Key { repeat: rng.u8(0..10) == 0, ..pool[rng.usize(..pool.len())] }),
        });
        if matches!(input, Input::Tick) {
            now += 400;
        }
        witness.sees(&input, now);
        let key = if let Input::Key(key) = &input { Some(*key) } else { None };
        for request in asked(&view.update(input.clone(), now)) {
            *sent.entry(request.command.verb()).or_default() += 1;
            witness.judge(request, key, now);
        }
        witness.remembers(&input);
    }
    sent
}

#[test]
fn t34_a_million_random_inputs_move_nothing_without_consent() {
    let mut sent: HashMap<&str, u32> = HashMap::new();
    let mut add =
        |more: HashMap<&'static str, u32>| more.into_iter().for_each(|(verb, n)| *sent.entry(verb).or_default() += n);
    let table = Arc::new(Keymap::default());
    for seed in 0..5 {
        add(storm(100_000, seed, &table, &table_openers()));
    }
    for seed in 0..25 {
        let mut rng = fastrand::Rng::with_seed(1_000 + seed);
        let (keymap, openers) = random_keymap(&mut rng);
        add(storm(20_000, seed, &keymap, &openers));
    }
    for verb in ["promote", "switch", "override", "resume", "rollback", "abort", "take over", "pause"] {
        assert!(sent.get(verb).is_some_and(|n| *n >= 50), "{verb}: the test reaches what it guards: {sent:?}");
    }
}

/// Presses of one key as a terminal sends them that marks repeats, or does not: the first, a wait, 30 a second.
fn hold(view: &mut View, key: Key, marked: bool, wait: u64, presses: u64, mut now: u64) -> Vec<Command> {
    let mut sent = Vec::new();
    for n in 0..presses {
        let key = Key { repeat: marked && n > 0, ..key };
        sent.extend(asked(&view.update(Input::Key(key), now)).into_iter().map(|request| request.command.clone()));
        if sent.len() == 1 && n % 50 == 10 {
            view.update(Input::Snapshot(Arc::new(fixture::paused())), now);
        }
        flush(view, now);
        now += if n == 0 { wait } else { 33 };
    }
    sent
}

#[test]
fn t33_a_key_held_for_five_seconds_acts_once_at_most_and_an_opener_never() {
    let mut rng = fastrand::Rng::with_seed(33);
    let mut maps = vec![(Arc::new(Keymap::default()), table_openers())];
    maps.extend((0..4).map(|_| random_keymap(&mut rng)));
    let mut keys: Vec<Key> = actions::table().iter().flat_map(|row| row.keys).filter_map(|key| parse(key)).collect();
    keys.extend("yYnxZ42!".chars().map(Key::char).chain([Code::Backspace, Code::Other].map(Key::new)));
    for (keymap, openers) in &maps {
        let acting: Vec<Act> = openers.keys().copied().collect();
        let befores: Vec<Option<Act>> = acting.iter().copied().map(Some).chain([None]).collect();
        for key in keys.iter().chain(openers.values()) {
            for before in &befores {
                let (marked, wait) = (rng.bool(), [33, 250, 500, 660, 900][rng.usize(..5)]);
                let mut view = view(fixture::free(), keymap);
                if let Some(act) = before {
                    view.update(Input::Key(openers[act]), 500);
                    flush(&mut view, 500);
                }
                let sent = hold(&mut view, *key, marked, wait, 150, 2_000);
                let told = || format!("{} after {before:?}, {wait} ms, {marked}: {sent:?}", spell(*key));
                assert!(sent.len() <= 1, "{}", told());
                let opener = openers.iter().find(|(_, opener)| *opener == key).map(|(act, _)| *act);
                if opener.is_some_and(|act| act != Act::Hold) {
                    assert!(sent.is_empty(), "an opener confirms nothing: {}", told());
                }
            }
        }
    }
}

#[test]
fn t33_a_key_held_for_minutes_acts_once_at_most() {
    let keymap = Arc::new(Keymap::default());
    for key in "RAPSOWHyYmq".chars().map(Key::char).chain([Code::Enter, Code::Esc].map(Key::new)) {
        let sent = hold(&mut view(fixture::free(), &keymap), key, false, 660, 9_000, 1_000);
        let most = usize::from(matches!(key.code, Code::Char('H' | 'm')));
        assert!(sent.len() <= most, "{}: {sent:?}", spell(key));
    }
}

#[test]
fn t09_a_repeat_moves_and_does_nothing_else() {
    let keymap = Arc::new(Keymap::default());
    for row in actions::table() {
        for key in row.keys.iter().filter_map(|key| parse(key)) {
            let mut view = view(fixture::free(), &keymap);
            view.update(Input::Resize(120, 50), 0);
            let before = screen(&view, 500);
            let out = view.update(Input::Key(Key { repeat: true, ..key }), 500);
            assert_eq!(out, [], "{}", row.name);
            if !matches!(row.act, Act::Down | Act::Up | Act::PageDown | Act::PageUp) {
                assert_eq!(screen(&view, 500), before, "{} while held", row.name);
            }
        }
    }
}

#[test]
fn t35_no_click_reaches_the_view() {
    // A new kind of input is a line here before it compiles: the mouse is none of them.
    let kind =
        |input: &Input| !matches!(input, Input::Key(_)) && !format!("{input:?}").to_lowercase().contains("mouse");
    assert!(kind(&Input::Tick));
    // Clicks, drags and the wheel, with and without keys held, in each of the ways terminals report them.
    for button in (0..=3).chain(32..=35).chain(64..=67).flat_map(|button| [button, button + 4, button + 16]) {
        let (sgr, old) = (format!("\x1b[<{button};4;24M\x1b[<{button};4;24m"), format!("\x1b[{};4;24M", button + 32));
        let oldest = [b"\x1b[M".as_slice(), &[button as u8 + 32, b'R', b'y']].concat();
        for report in [sgr.as_bytes(), old.as_bytes(), &oldest] {
            let inputs = cutover::testing::terminal::input::Filters::default().feed(std::time::Duration::ZERO, report);
            assert_eq!(inputs, [], "{:?}", String::from_utf8_lossy(report));
        }
    }
}

#[test]
fn t48_the_help_shows_the_keys_in_force() {
    let text = "[keys]\npromote = [\"F\"]\nrollback = [\"B\", \"R\"]\nfollow = []\n";
    let keymap = Arc::new(Keymap::parse(text, "keys.toml".as_ref()).unwrap());
    let mut view = view(fixture::free(), &keymap);
    view.update(Input::Resize(120, 50), 0);
    let shown = screen(&view, 0);
    assert!(shown.contains("NEXT  F promote 10% > 25%, S switch > 100%"), "{shown}");
    let line = shown.lines().last().unwrap();
    assert!(line.contains("F promote") && !line.contains("P promote") && !line.contains("f follow"), "{line}");
    view.update(Input::Key(Key::char('?')), 0);
    let help = screen(&view, 0);
    for expected in [
        "HELP   3 remapped",
        "IN THIS PANE: LOG",
        "F                ! one step forward in the plan, asks y  (was P)",
        "B R              ! all traffic back",
        ":follow",
    ] {
        assert!(help.contains(expected), "{expected}\n{help}");
    }
    let at = |text: &str| help.find(text).unwrap();
    assert!(at("IN THIS PANE") < at("WHAT ACTS") && at("WHAT ACTS") < at("EVERYWHERE"), "{help}");
    for c in "/moves traffic".chars() {
        view.update(Input::Key(Key::char(c)), 0);
    }
    let found = screen(&view, 0);
    assert!(found.contains("one step forward") && !found.contains("next pane"), "{found}");
    for (pressed, asks) in [(Code::Enter, 0), (Code::Esc, 0), (Code::Esc, 0), (Code::Char('F'), 0)] {
        assert_eq!(asked(&view.update(Input::Key(Key::new(pressed)), 0)).len(), asks);
    }
    flush(&mut view, 0);
    assert!(asked(&view.update(Input::Key(Key::char('P')), 1_000)).is_empty());
    let sent = view.update(Input::Key(Key::char('y')), 1_001);
    assert_eq!(asked(&sent).len(), 1, "F asked, y agreed");
}

/// Enter goes to the next topic, Enter again opens it; a search leads to the line it found.
#[test]
fn the_manual_is_opened_and_searched_in_the_help() {
    let keymap = Arc::new(Keymap::default());
    let mut view = view(fixture::free(), &keymap);
    view.update(Input::Resize(120, 50), 0);
    let press = |view: &mut View, keys: &[Code]| {
        for code in keys {
            assert!(view.update(Input::Key(Key::new(*code)), 0).is_empty(), "nothing in the help acts");
        }
        screen(view, 0)
    };
    let help = press(&mut view, &[Code::Char('?'), Code::Enter]);
    assert!(help.contains("MANUAL: Enter opens a page") && help.contains("install, the demo"), "{help}");
    let opened = press(&mut view, &[Code::Char('j'), Code::Enter]);
    assert!(opened.contains("MANUAL console") && opened.contains("# The console"), "{opened}");
    let searched: Vec<Code> = "/wilson".chars().map(Code::Char).collect();
    let found = press(&mut view, &[&[Code::Esc, Code::Char('?')], &searched[..], &[Code::Enter]].concat());
    assert!(found.contains("gates  ") && !found.contains("incidents  "), "{found}");
    let page = press(&mut view, &[Code::Enter, Code::Enter]);
    assert!(page.contains("MANUAL gates") && page.contains("Wilson's"), "{page}");
    let typed: Vec<Code> = ":help guards".chars().map(Code::Char).collect();
    let page = press(&mut view, &[&[Code::Esc], &typed[..], &[Code::Enter]].concat());
    assert!(page.contains("MANUAL guards"), "{page}");
    let typed: Vec<Code> = ":help guard".chars().map(Code::Char).collect();
    let page = press(&mut view, &[&[Code::Esc], &typed[..], &[Code::Enter]].concat());
    assert!(page.contains("did you mean guards?"), "{page}");
}

#[test]
fn openers_in_a_notice_and_a_question_follow_the_keymap() {
    let keymap = Arc::new(
        Keymap::parse("[keys]\nrollback = [\"B\"]\nhold = [\"K\"]\npromote = [\"R\"]\n", "keys.toml".as_ref()).unwrap(),
    );
    let fresh = || view(fixture::free(), &keymap);
    let press = |view: &mut View, keys: &str, now: u64| -> Vec<Command> {
        let out: Vec<Action> = keys.chars().flat_map(|c| view.update(Input::Key(Key::char(c)), now)).collect();
        asked(&out).into_iter().map(|request| request.command.clone()).collect()
    };
    assert_eq!(press(&mut fresh(), "By", 1_000), [Command::Rollback]);
    assert_eq!(press(&mut fresh(), "BBy", 1_000), [Command::Rollback], "dead in its own question");
    assert_eq!(press(&mut fresh(), "RBy", 1_000), [Command::Rollback], "over another question");
    assert_eq!(press(&mut fresh(), "Ry", 1_000), [], "R promotes now, and is not armed yet");
    assert_eq!(press(&mut fresh(), "BK", 1_000), [Command::Pause]);
    let mut view = fresh();
    press(&mut view, "R", 1_000);
    view.update(Input::FocusLost, 1_100);
    assert_eq!(press(&mut view, "By", 3_000), [Command::Rollback], "over a notice");
}

#[test]
fn r_inside_the_preview_of_a_rollback_asks() {
    let keymap = Arc::new(Keymap::default());
    let mut view = view(fixture::free(), &keymap);
    let out: Vec<Action> = "rRY".chars().flat_map(|c| view.update(Input::Key(Key::char(c)), 1_000)).collect();
    assert_eq!(asked(&out).len(), 1, "with Caps Lock on, too");
}

#[test]
fn no_danger_is_on_a_key_without_shift() {
    for row in actions::table().iter().filter(|row| row.danger == Danger::MovesTraffic) {
        assert!(row.keys.iter().all(|key| key.chars().all(|c| c.is_ascii_uppercase())), "{}", row.name);
    }
}

#[test]
fn t37_copying_says_what_and_takes_the_whole_of_a_pane_alone() {
    let keymap = Arc::new(Keymap::default());
    for (keys, what, lines) in
        [("1c", "blue v41 share 90%", 1), ("2c", "green v42", 1), ("3c", "schema-compat", 1), ("3+c", "the gates", 6)]
    {
        let mut view = view(fixture::shifting(), &keymap);
        let out: Vec<Action> = keys.chars().flat_map(|c| view.update(Input::Key(Key::char(c)), 0)).collect();
        let [Action::Copy(text)] = &out[..] else { panic!("{keys}: {out:?}") };
        assert_eq!(text.lines().count(), lines, "{text}");
        let shown = screen(&view, 0);
        assert!(shown.contains("copied") && (shown.contains(what) || text.contains(what)), "{keys} {what}\n{shown}");
    }
}

fn cutover(args: &[&str]) -> (i32, String, String) {
    let out = child::output(Process::new(env!("CARGO_BIN_EXE_cutover")).args(args).env_remove("CUTOVER_KEYS"));
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (out.status.code().unwrap(), text(out.stdout), text(out.stderr))
}

#[test]
fn the_printed_keymap_reads_back_and_a_conflict_stops_the_start() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("keys.toml");
    let name = file.to_str().unwrap();
    std::fs::write(&file, "[keys]\npromote = \"F\"\nfollow = []\n").unwrap();
    let (code, printed, _) = cutover(&["keys", "--print", "--keys", name]);
    assert!(code == 0 && printed.contains("promote = [\"F\"]"), "{code} {printed}");
    std::fs::write(&file, &printed).unwrap();
    assert_eq!(cutover(&["keys", "--print", "--keys", name]), (0, printed, String::new()));
    let (_, told, _) = cutover(&["keys", "--keys", name]);
    assert!(told.lines().any(|line| line.starts_with("F ") && line.ends_with("(was P)")), "{told}");
    std::fs::write(&file, "[keys]\npromote = \"F\"\nswitch = \"F\"\n").unwrap();
    for args in [&["keys", "--keys", name][..], &["keys", "--print", "--keys", name]] {
        let (code, out, err) = cutover(args);
        assert_eq!((code, out.as_str()), (78, ""), "{err}");
        assert!(err.contains("keys.toml:3:10: \"F\" is switch here and promote on line 2; take it from one"), "{err}");
    }
}
