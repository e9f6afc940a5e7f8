//! Whole screens, characters and styles.

use crate::support::ui as fixture;

use std::fmt::Write as _;
use std::sync::Arc;

use cutover::testing::domain::load::LimitedBy;
use cutover::testing::domain::metric::Unit;
use cutover::testing::domain::{
    Bound, Controller, ControllerState, LoadPoint, LoadRun, Metric, OrderId, OrderState, RollbackClass, Side,
};
use cutover::testing::engine::detail::GateLoad;
use cutover::testing::engine::snapshot::{GateState, GuardState, GuardStatus, MetricStatus, OrderStatus};
use cutover::testing::engine::{Reply, Snapshot};
use cutover::testing::ui::{Action, Code, Glyphs, Input, Key, View, draw};
use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier};
use ratatui::text::Span;

use fixture::{flush, seeing, states, view};

fn frame(view: &View, width: u16, height: u16, now_ms: u64) -> Buffer {
    let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
    draw(view, &mut buffer, now_ms);
    buffer
}

/// The lines of a buffer; the cells a wide character covers are left out.
fn lines(buffer: &Buffer) -> Vec<String> {
    let area = buffer.area;
    (0..area.height)
        .map(|y| {
            let mut line = String::new();
            let mut x = 0;
            while x < area.width {
                let symbol = buffer[(x, y)].symbol();
                line.push_str(symbol);
                x += Span::raw(symbol).width().max(1) as u16;
            }
            line
        })
        .collect()
}

fn style(cell: &Cell) -> String {
    let mut out = String::new();
    let modifiers =
        [(Modifier::BOLD, 'b'), (Modifier::DIM, 'd'), (Modifier::UNDERLINED, 'u'), (Modifier::REVERSED, 'r')];
    modifiers.iter().filter(|(m, _)| cell.modifier.contains(*m)).for_each(|(_, c)| out.push(*c));
    for (color, mark) in [(cell.fg, "fg"), (cell.bg, "bg")] {
        match color {
            Color::Reset => {}
            Color::Rgb(r, g, b) => write!(out, "{mark}{r:02x}{g:02x}{b:02x}").unwrap(),
            other => write!(out, "{mark}{other}").unwrap(),
        }
    }
    if out.is_empty() { ".".into() } else { out }
}

/// Characters, then for each line the lengths of its stretches of one style (`.` is plain).
fn picture(buffer: &Buffer) -> String {
    let mut out = format!("|{}|\n\n", lines(buffer).join("|\n|"));
    for y in 0..buffer.area.height {
        let mut runs: Vec<(String, u16)> = Vec::new();
        for x in 0..buffer.area.width {
            let style = style(&buffer[(x, y)]);
            match runs.last_mut().filter(|(before, _)| *before == style) {
                Some((_, n)) => *n += 1,
                None => runs.push((style, 1)),
            }
        }
        let runs: Vec<String> = runs.iter().map(|(style, n)| format!("{n}{style}")).collect();
        writeln!(out, "{:>2}: {}", y, runs.join(" ")).unwrap();
    }
    out
}

fn resize(view: &mut View, width: u16, height: u16) {
    view.update(Input::Resize(width, height), 0);
}

fn snap(name: &str, view: &View, width: u16, height: u16, now_ms: u64) {
    insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!(name, picture(&frame(view, width, height, now_ms)));
    });
}

const SIZES: [(u16, u16); 5] = [(80, 24), (120, 35), (60, 20), (30, 8), (1, 1)];

/// One state at every size, and in ASCII.
fn at_every_size(name: &str, make: impl Fn(Glyphs) -> View) {
    for (width, height) in SIZES {
        let mut view = make(Glyphs::Unicode);
        resize(&mut view, width, height);
        snap(&format!("{name}-{width}x{height}"), &view, width, height, 500);
    }
    snap(&format!("{name}-80x24-ascii"), &make(Glyphs::Ascii), 80, 24, 500);
}

#[test]
fn before_anything_was_read() {
    at_every_size("loading", |glyphs| view("dark", glyphs));
}

#[test]
fn every_state_at_every_size() {
    for (name, snapshot) in states() {
        at_every_size(name, |glyphs| seeing(snapshot.clone(), "dark", glyphs));
    }
}

fn press(view: &mut View, keys: &str, now_ms: u64) {
    for c in keys.chars() {
        view.update(Input::Key(Key::char(c)), now_ms);
    }
}

fn prompt(keys: &'static str, snapshot: fn() -> Snapshot) -> impl Fn(Glyphs) -> View {
    move |glyphs| {
        let mut view = seeing(snapshot(), "dark", glyphs);
        press(&mut view, keys, 0);
        flush(&mut view, 0);
        view
    }
}

#[test]
fn every_prompt() {
    at_every_size("prompt-rollback", prompt("R", fixture::shifting));
    at_every_size("prompt-abort", prompt("A", fixture::shifting));
    at_every_size("prompt-promote", prompt("P", fixture::free));
    at_every_size("prompt-switch", prompt("S", fixture::free));
    at_every_size("prompt-override", prompt("O", fixture::shifting));
    let mut drift = prompt("H", fixture::drift)(Glyphs::Unicode);
    snap("prompt-resume-80x24", &drift, 80, 24, 500);
    press(&mut drift, "R", 500);
    snap("prompt-rollback-over-resume-80x24", &drift, 80, 24, 500);
}

#[test]
fn a_prompt_closed_by_the_world() {
    let mut view = prompt("P", fixture::free)(Glyphs::Unicode);
    let mut changed = fixture::shifting();
    changed.status.digest = "b207".into();
    view.update(Input::Snapshot(Arc::new(changed)), 100);
    snap("state-changed-80x24", &view, 80, 24, 500);
}

#[test]
fn a_switch_being_typed() {
    let mut view = prompt("S", fixture::free)(Glyphs::Unicode);
    press(&mut view, "v4", 500);
    snap("prompt-switch-typed-80x24", &view, 80, 24, 500);
    press(&mut view, "2", 500);
    snap("prompt-switch-complete-80x24", &view, 80, 24, 500);
}

#[test]
fn popups_zoom_and_fields() {
    for (name, keys) in [
        ("help", "?"),
        ("explain", "o"),
        ("preview-promote", "p"),
        ("preview-rollback", "r"),
        ("zoom-blue", "1+"),
        ("zoom-gates", "3+"),
        ("zoom-log", "4+"),
        ("gates-selected", "3j"),
        ("command", ":over"),
        ("filter", "/drift"),
        ("log-paused", "kk"),
        ("frozen", " "),
    ] {
        let mut view = seeing(fixture::shifting(), "dark", Glyphs::Unicode);
        press(&mut view, keys, 0);
        snap(&format!("{name}-80x24"), &view, 80, 24, 500);
    }
    let mut view = seeing(fixture::shifting(), "dark", Glyphs::Unicode);
    press(&mut view, "3G", 0);
    view.update(Input::Key(Key::new(Code::Enter)), 0);
    snap("gate-80x24", &view, 80, 24, 500);
    let view = seeing(fixture::shifting(), "mono", Glyphs::Unicode);
    snap("shifting-mono-80x24", &view, 80, 24, 500);
    let mut view = seeing(fixture::shifting(), "dark", Glyphs::Unicode);
    resize(&mut view, 200, 50);
    snap("shifting-200x50", &view, 200, 50, 500);
}

/// `keys` pressed on the state of the drawings, at each of these sizes.
fn keys_at(name: &str, keys: &str, sizes: &[(u16, u16)]) {
    for &(width, height) in sizes {
        let mut view = seeing(fixture::shifting(), "dark", Glyphs::Unicode);
        resize(&mut view, width, height);
        for c in keys.chars() {
            let key = if c == '\n' { Key::new(Code::Enter) } else { Key::char(c) };
            view.update(Input::Key(key), 0);
        }
        snap(&format!("{name}-{width}x{height}"), &view, width, height, 500);
    }
}

#[test]
fn sizes_between_and_beyond() {
    let sizes = [(2, 1), (10, 3), (20, 5), (40, 10), (79, 23), (100, 28), (132, 43), (160, 40), (250, 70)];
    keys_at("shifting", "", &sizes);
    for (name, snapshot) in
        [("ready", fixture::ready()), ("one_down", fixture::one_down()), ("stale", fixture::stale())]
    {
        let mut view = seeing(snapshot, "dark", Glyphs::Unicode);
        resize(&mut view, 200, 50);
        snap(&format!("{name}-200x50"), &view, 200, 50, 500);
    }
}

#[test]
fn each_pane_alone() {
    keys_at("zoom-green", "2+", &[(80, 24), (120, 35), (200, 50)]);
    keys_at("zoom-gates", "3+", &[(120, 35), (200, 50)]);
    keys_at("zoom-events", "5+", &[(80, 24)]);
    keys_at("zoom-green-rollback", "2+R", &[(80, 24)]);
}

#[test]
fn back_in_time() {
    keys_at("cursor", "[[[[[[[[", &[(80, 24), (120, 35), (200, 50), (40, 10)]);
    keys_at("cursor-frozen", " [[[", &[(80, 24), (120, 35)]);
    keys_at("cursor-failure", "3G\n", &[(120, 35)]);
    keys_at("evidence", "e", &[(80, 24), (200, 50)]);
    keys_at("frozen", " ", &[(120, 35), (200, 50)]);
}

/// A load of 15 minutes on the candidate, a stall behind it.
fn loading(running: bool) -> Snapshot {
    let mut snapshot = fixture::shifting();
    let point = |at: usize| {
        let p99 = if (40..43).contains(&at) { 310.0 } else { 90.0 + (at * 37 % 50) as f64 };
        LoadPoint { rps: 500.0, p50_ms: Some(40.0 + (at % 4) as f64), p99_ms: Some(p99), errors: 0 }
    };
    let run = LoadRun {
        limit_ms: 250.0,
        length_s: 900.0,
        elapsed_s: if running { 648.0 } else { 900.0 },
        asked_rps: 500.0,
        reached_rps: 488.0,
        in_flight: 21,
        connections: 64,
        unsent: 12,
        finished: 323_400,
        errors: 3,
        p50_ms: Some(42.1),
        p95_ms: Some(118.4),
        p99_ms: Some(243.2),
        limited: running.then_some(LimitedBy::Server),
        saturation: Some(12.0),
        saturation_limit: Some(90.0),
        step_s: 8.0,
        points: (0..if running { 81 } else { 113 }).map(point).collect(),
    };
    let gate = &mut snapshot.status.gates[3];
    (gate.kind, gate.required) = ("load".into(), true);
    if running {
        (gate.status, gate.note, gate.age_s) = (GateState::Running, run.line(), None);
        gate.samples = run.finished;
    }
    let gate = gate.name.clone();
    snapshot.detail.loads = vec![GateLoad { gate, running, run: Arc::new(run) }];
    snapshot
}

#[test]
fn a_load_shows_its_figures_and_its_latency_over_time() {
    for (width, height) in [(80, 24), (120, 35), (200, 50)] {
        for (name, running, glyphs, keys) in [
            ("load", true, Glyphs::Unicode, ""),
            ("load-zoom", true, Glyphs::Unicode, "3jjj+"),
            ("load-zoom-ascii", false, Glyphs::Ascii, "3jjj+"),
            ("load-evidence", false, Glyphs::Unicode, "3jjje"),
        ] {
            let mut view = seeing(loading(running), "dark", glyphs);
            resize(&mut view, width, height);
            press(&mut view, keys, 0);
            flush(&mut view, 0);
            snap(&format!("{name}-{width}x{height}"), &view, width, height, 500);
        }
    }
}

#[test]
fn a_plan_walked_unattended_tells_what_is_next_and_when() {
    let told = |bakes: f64, blocked: bool, drives: bool, width: u16| {
        let mut snapshot = fixture::shifting();
        snapshot.status.step.auto = true;
        snapshot.status.step.bake_left_s = Some(bakes);
        snapshot.status.driver.may_drive = drives;
        if !blocked {
            snapshot.status.blocked.clear();
        }
        let mut view = seeing(snapshot, "dark", Glyphs::Unicode);
        resize(&mut view, width, 24);
        lines(&frame(&view, width, 24, 0)).remove(0)
    };
    for width in [80, 120, 200] {
        assert!(told(192.0, false, true, width).contains("AUTO next 25% in 03:12"), "{width}");
        assert!(told(0.0, false, true, width).contains("AUTO next 25% now"), "{width}");
        assert!(told(0.0, true, true, width).contains("AUTO next 25% when unblocked"), "{width}");
        let other = told(192.0, false, false, width);
        assert!(other.contains("AUTO") && !other.contains("next 25%"), "another console's plan: {other}");
    }
}

#[test]
fn a_plan_that_waits_tells_for_what_and_its_clock_does_not_run() {
    let told = |bakes: f64, why: &str, (width, height): (u16, u16)| {
        let mut snapshot = fixture::shifting();
        let step = &mut snapshot.status.step;
        (step.auto, step.bake_left_s, step.waits) = (true, Some(bakes), Some(why.to_owned()));
        snapshot.status.blocked.clear();
        let mut view = seeing(snapshot, "dark", Glyphs::Unicode);
        resize(&mut view, width, height);
        lines(&frame(&view, width, height, 5_000))
    };
    for size in [(80, 24), (120, 35), (200, 50)] {
        let screen = told(192.0, "router unread", size);
        assert!(screen[0].contains("bake waits: router unread"), "{size:?}: {}", screen[0]);
        let runs_not = screen.iter().any(|line| line.contains("bake") && line.contains("03:12"));
        assert!(runs_not || size.0 < 120, "{screen:#?}");
        let why = "guard on green: p99 243ms of 200ms, 2 of 3 times";
        let screen = told(0.0, why, size);
        assert!(screen[0].contains("next 25% waits"), "{size:?}: {}", screen[0]);
        assert!(screen.iter().any(|line| line.contains(&format!("WAITS  {why}"))), "{size:?}: {screen:#?}");
    }
}

#[test]
fn the_way_back_tells_what_it_has_carried_as_far_as_there_is_room() {
    let told = |width: u16| {
        let mut snapshot = fixture::switched();
        snapshot.status.rollback.served_rps = Some(1_842.0);
        let mut view = seeing(snapshot, "dark", Glyphs::Unicode);
        resize(&mut view, width, 24);
        lines(&frame(&view, width, 24, 0)).into_iter().find(|line| line.contains("ROLLBACK READY")).unwrap_or_default()
    };
    for width in [70, 80, 100, 120, 200] {
        let line = told(width);
        let whole = line.contains("at its peak") || !line.contains("at its");
        assert!(whole && line.contains("press R then y"), "{width}: {line}");
    }
    assert!(told(120).contains(", served 1 842/s at its peak "), "{}", told(120));
    assert!(!told(60).contains("served"), "{}", told(60));
}

/// Both sides' servers tell of their queue and their tokens a second; each row has a guard, one of them is broken.
fn serving() -> Snapshot {
    let mut snapshot = fixture::shifting();
    snapshot.detail.rows = vec!["queue".into(), "tokens".into(), "ttft".into()];
    for (side, [queue, tokens]) in [(Side::Blue, [3.0, 412.0]), (Side::Green, [7.0, 118.5])] {
        let row = |value, unit| MetricStatus { value, unit, within: None, missing: value.is_none(), age_s: Some(1.0) };
        let rows = [
            ("queue", row(Some(queue), Unit::Count)),
            ("tokens", row(Some(tokens), Unit::PerSecond)),
            ("ttft", row(None, Unit::Ms)),
        ];
        snapshot.status.sides[side].metrics = rows.map(|(name, row)| (name.to_owned(), row)).into();
        let of = |value: f64| (0..900).map(|at| Some(value as f32 * [1.0, 0.9, 0.8][at / 20 % 3])).collect();
        snapshot.history[side].rows = Arc::new(vec![of(queue), of(tokens), Vec::new()]);
    }
    let like = snapshot.status.guards[0].clone();
    for (row, unit, value, limit, at_least) in
        [("queue", "count", 7.0, 20.0, false), ("tokens", "per_second", 118.5, 200.0, true)]
    {
        let status = if at_least { GuardState::Tripped } else { GuardState::Ok };
        let (row, unit, side) = (Some(row.to_owned()), unit.to_owned(), Side::Green);
        let (value, metric) = (Some(value), Metric::Saturation);
        snapshot.status.guards.push(GuardStatus {
            row,
            unit,
            side,
            value,
            bound: Bound { limit, at_least },
            status,
            metric,
            ..like.clone()
        });
    }
    snapshot
}

#[test]
fn what_the_servers_tell_stands_by_its_guards() {
    at_every_size("serving", |glyphs| seeing(serving(), "dark", glyphs));
    let mut view = seeing(serving(), "dark", Glyphs::Unicode);
    resize(&mut view, 200, 50);
    let screen = lines(&frame(&view, 200, 50, 500)).join("\n");
    for part in ["≤20", "<200/s", "LOW"] {
        assert!(screen.contains(part), "{part}:\n{screen}");
    }
    // Where a figure has no line of its own, the border tells of its guard.
    for width in [80, 120] {
        resize(&mut view, width, 24);
        let screen = lines(&frame(&view, width, 24, 500)).join("\n");
        assert!(screen.contains("LOW tokens 118"), "{screen}");
    }
}

#[test]
fn what_blocks_is_told_whole() {
    let remedy = "take the node out of sockets in the config until it is back, then put it in again";
    let mut snapshot = fixture::noted();
    snapshot.status.notes[0] =
        format!("node is down: /run/haproxy/admin.sock: Connection refused (os error 111): {remedy}");
    let order = fixture::unknown_order().status.last_order.unwrap();
    snapshot.status.last_order = Some(OrderStatus { state: OrderState::Failed, detail: Some(remedy.into()), ..order });
    for width in [60, 80, 120] {
        let mut view = seeing(snapshot.clone(), "dark", Glyphs::Unicode);
        resize(&mut view, width, 24);
        press(&mut view, "o", 0);
        flush(&mut view, 0);
        let inside = |line: String| line.split('│').nth(1).map(|part| part.trim().to_owned());
        let told: Vec<String> = lines(&frame(&view, width, 24, 0)).into_iter().filter_map(inside).collect();
        assert_eq!(told.join(" ").matches(remedy).count(), 2, "{width}: {told:#?}");
    }
}

#[test]
fn a_zoomed_pane_names_its_way_out() {
    for width in [60, 80, 120, 200] {
        let mut view = seeing(fixture::shifting(), "dark", Glyphs::Unicode);
        resize(&mut view, width, 24);
        let line = |view: &View| lines(&frame(view, width, 24, 0)).pop().unwrap_or_default();
        assert!(!line(&view).contains("unzoom"), "{width}");
        press(&mut view, "3+", 0);
        flush(&mut view, 0);
        assert!(line(&view).contains("_ unzoom") || line(&view).contains("_unzoom"), "{width}: {}", line(&view));
    }
}

/// Everything that can lie over the panes, on every state.
fn all_views(theme: &str, glyphs: Glyphs) -> Vec<View> {
    let mut views = vec![view(theme, glyphs)];
    for (_, snapshot) in states() {
        for keys in ["", "R", "A", "P", "S", "O", "W", "?", "o", "p", "r", "+", "3+", "1+", ":x", "/y", " "] {
            let mut view = seeing(snapshot.clone(), theme, glyphs);
            press(&mut view, keys, 0);
            flush(&mut view, 0);
            views.push(view);
        }
    }
    views
}

#[test]
fn ascii_means_ascii() {
    for view in all_views("dark", Glyphs::Ascii) {
        for (width, height) in [(80, 24), (120, 35), (60, 20), (30, 8)] {
            for line in lines(&frame(&view, width, height, 600)) {
                assert!(line.is_ascii(), "{line}");
            }
        }
    }
}

#[test]
fn mono_has_no_colour_and_tells_every_state_apart() {
    let mut seen = std::collections::HashMap::new();
    for (name, snapshot) in states() {
        let buffer = frame(&seeing(snapshot, "mono", Glyphs::Unicode), 80, 24, 0);
        assert!(buffer.content().iter().all(|cell| cell.fg == Color::Reset && cell.bg == Color::Reset));
        if let Some(other) = seen.insert(lines(&buffer).join("\n"), name) {
            panic!("{name} looks like {other}");
        }
    }
}

#[test]
fn every_gate_state_and_phase_has_a_text_of_its_own() {
    use cutover::testing::engine::Phase;
    use cutover::testing::engine::snapshot::GateState::{Failed, NotYet, Overridden, Passed, Pending, Running, Stale};
    let mut seen = std::collections::HashSet::new();
    for state in [Pending, Running, Passed, Failed, NotYet, Stale, Overridden] {
        let mut snapshot = fixture::shifting();
        snapshot.status.gates.truncate(1);
        snapshot.status.gates[0].status = state;
        let text = lines(&frame(&seeing(snapshot, "mono", Glyphs::Ascii), 80, 24, 0));
        assert!(seen.insert(text[10].clone()), "{state:?}: {}", text[10]);
        assert!(text[10].contains(state.title()));
    }
    seen.clear();
    for phase in [
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
    ] {
        let mut snapshot = fixture::shifting();
        snapshot.status.phase = phase;
        let text = lines(&frame(&seeing(snapshot, "mono", Glyphs::Ascii), 80, 24, 0));
        assert!(text[0].contains(phase.title()) && seen.insert(text[0].clone()), "{}", text[0]);
    }
}

#[test]
fn borders_stand_still_whatever_the_names() {
    let plain = frame(&seeing(fixture::shifting(), "dark", Glyphs::Unicode), 80, 24, 0);
    let wide = frame(&seeing(fixture::long_names(), "dark", Glyphs::Unicode), 80, 24, 0);
    for y in 2..9 {
        for x in [0, 39, 40, 79] {
            assert_eq!(plain[(x, y)].symbol(), wide[(x, y)].symbol(), "at {x},{y}");
        }
    }
    for (width, height) in [(80, 24), (120, 35), (60, 20), (37, 11)] {
        for view in all_views("dark", Glyphs::Unicode) {
            for line in lines(&frame(&view, width, height, 0)) {
                assert_eq!(Span::raw(line.as_str()).width(), usize::from(width), "{line}");
            }
        }
    }
}

#[test]
fn no_size_panics() {
    let mut views = vec![view("dark", Glyphs::Unicode)];
    for snapshot in [fixture::shifting(), fixture::long_names(), fixture::in_flight(), fixture::unreachable()] {
        for keys in ["", "R", "S", "?", ":x", "3+"] {
            let mut view = seeing(snapshot.clone(), "dark", Glyphs::Unicode);
            press(&mut view, keys, 0);
            views.push(view);
        }
    }
    let mut free = seeing(fixture::free(), "dark", Glyphs::Unicode);
    press(&mut free, "S", 0);
    views.push(free);
    for (at, view) in views.iter().enumerate() {
        for height in 0..=40 {
            for width in (0..=130).filter(|width| at == 1 || (width + height) % 23 == at as u16 % 23) {
                let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
                if let Some((x, y)) = draw(view, &mut buffer, 700) {
                    assert!(x < width && y < height, "cursor {x},{y} on {width}x{height}");
                }
            }
        }
    }
}

/// The last line of a screen as wide as this.
fn last_line(view: &mut View, width: u16) -> String {
    resize(view, width, 30);
    lines(&frame(view, width, 30, 500)).pop().unwrap()
}

/// Entries of the key line as the table has them, longest first: `?help`, `nNmatch`, `1-5jump`.
fn key_line_entries() -> Vec<String> {
    let rows = cutover::testing::ui::actions::table();
    let mut words: Vec<&str> = rows.iter().filter_map(|row| row.footer).collect();
    words.dedup();
    let entry = |word: &&str| {
        let keys: String = rows.iter().filter(|row| row.footer == Some(*word)).map(|row| row.keys[0]).collect();
        format!("{}{word}", keys.replace("12345", "1-5"))
    };
    words.iter().map(entry).chain(["READ-ONLY,lookingonly".into(), "READ-ONLY".into()]).collect()
}

#[test]
fn the_key_line_has_whole_entries_alone() {
    let known = key_line_entries();
    for (name, snapshot) in [("shifting", fixture::shifting()), ("read-only", fixture::hard_read_only())] {
        let mut view = seeing(snapshot, "dark", Glyphs::Unicode);
        for width in 12..=240 {
            let line = last_line(&mut view, width);
            let mut rest = line.replace([' ', '│'], "");
            while let Some(entry) = known.iter().find(|entry| rest.starts_with(*entry)) {
                rest.drain(..entry.len());
            }
            assert_eq!(rest, "", "{name} at {width}: {line}");
            for acts in ["H hold", "P promote", "S switch", "A abort"] {
                assert!(width < 80 || name == "read-only" || line.contains(acts), "{acts} at {width}: {line}");
            }
            assert!(width < 100 || line.contains("+ zoom"), "{width}: {line}");
        }
    }
}

#[test]
fn the_key_line_is_as_drawn() {
    let mut view = seeing(fixture::shifting(), "dark", Glyphs::Unicode);
    for (width, drawn) in [
        (40, " ?help :cmd │ H hold P promote S switch"),
        (80, " ?help :cmd /filter Tab pane f follow c copy │ H hold P promote S switch A abort"),
        (
            120,
            " ? help  : cmd  / filter  n N match  Tab pane  1-5 jump  + zoom  f follow  c copy │ H hold  P promote  \
             S switch  A abort",
        ),
        (
            200,
            " ? help   : cmd   / filter   n N match   Tab pane   1-5 jump   + zoom   f follow   c copy   m mark   \
             p s a r preview   │   H hold   P promote   S switch   A abort   R rollback   q quit",
        ),
    ] {
        assert_eq!(last_line(&mut view, width).trim_end(), drawn, "{width}");
    }
}

#[test]
fn no_key_line_is_cut() {
    // An order under way takes the line; what is told about it may be longer than any screen.
    let settled = |order: &OrderStatus| order.state.is_settled();
    for (name, snapshot) in states() {
        if !snapshot.status.last_order.as_ref().is_none_or(settled) {
            continue;
        }
        let mut view = seeing(snapshot, "dark", Glyphs::Unicode);
        for width in 80..=130 {
            let line = last_line(&mut view, width);
            assert!(!line.contains('~'), "{name} at {width}: {line}");
        }
    }
}

#[test]
fn the_question_after_a_rollback_is_whole_and_leaves_room() {
    let mut before = fixture::free();
    before.status.last_order = None;
    let mut view = seeing(before, "dark", Glyphs::Unicode);
    press(&mut view, "R", 0);
    let asked = view.update(Input::Key(Key::char('y')), 0);
    let id = asked.iter().find_map(|action| if let Action::Ask(request) = action { Some(request.id) } else { None });
    let reply = Reply::Ordered { id: OrderId("7f3e".into()) };
    view.update(Input::Reply { id: id.unwrap(), reply }, 0);
    for snapshot in [fixture::in_flight(), fixture::rolled_back()] {
        view.update(Input::Snapshot(Arc::new(snapshot)), 400);
    }
    for width in 30..=130 {
        let line = last_line(&mut view, width);
        assert!(line.starts_with(" WHY") && !line.contains('~'), "{width}: {line}");
        assert!(line.trim_end().len() + 20 <= usize::from(width), "no room at {width}: {line}");
        assert!(width < 80 || line.contains("WHY was it rolled back?  (Enter keeps, Esc skips)"), "{width}: {line}");
    }
}

#[test]
fn an_unread_figure_is_never_zero() {
    let text = lines(&frame(&seeing(fixture::one_down(), "mono", Glyphs::Ascii), 80, 24, 0)).join("\n");
    let row = text.lines().find(|line| line.contains("p99")).unwrap();
    let green = row.split("||").nth(1).unwrap();
    assert!(!green.contains('0') || green.contains("<250"), "{green}");
    assert!(green.contains(" - "), "{green}");
}

#[test]
fn what_a_controller_does_and_how_long_the_way_back_reaches_has_a_line() {
    let mut snapshot = fixture::shifting();
    let now = snapshot.status.time;
    snapshot.status.faults.clear();
    snapshot.status.backend = "rollouts".into();
    snapshot.status.controller = Some(Controller {
        state: ControllerState::Paused,
        steps: vec![10, 50, 100],
        reached: 1,
        message: "CanaryPauseStep".into(),
        next_change: Some(now + chrono::TimeDelta::seconds(40)),
    });
    snapshot.status.rollback.last_took_s = None;
    snapshot.status.rollback.until = Some(now + chrono::TimeDelta::minutes(12));
    let text = |snapshot: &Snapshot| {
        let mut view = seeing(snapshot.clone(), "dark", Glyphs::Ascii);
        resize(&mut view, 80, 24);
        lines(&frame(&view, 80, 24, 0)).join("\n")
    };
    let drawn = text(&snapshot);
    assert!(drawn.contains(" ROLLOUTS  step 1/3, paused: CanaryPauseStep, goes on in 40 s"), "{drawn}");
    let until = (now + chrono::TimeDelta::minutes(12)).format("%H:%M");
    assert!(drawn.contains(&format!("instant until {until} (12 min)")), "{drawn}");
    snapshot.status.rollback.until = None;
    (snapshot.status.rollback.class, snapshot.status.rollback.takes_s) = (Some(RollbackClass::Redeploy), Some(360));
    let drawn = text(&snapshot);
    assert!(drawn.contains("redeploy, about 6 min"), "{drawn}");
}
