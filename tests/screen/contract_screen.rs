//! The main screen against the terminal contract: sizes, names, states without colour, the cursor, what moves.

use crate::support::ui as fixture;

use std::collections::HashMap;
use std::sync::Arc;

use chrono::TimeDelta;
use cutover::testing::domain::{GuardAction, Role, Side, Split, Version};
use cutover::testing::engine::snapshot::{Fault, FaultKind, GateState, GuardState, Latency, Source};
use cutover::testing::engine::{Phase, RefusalKind, Snapshot};
use cutover::testing::ui::{Code, Glyphs, Input, Key, View, draw};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Modifier;
use ratatui::text::Span;

use fixture::{flush, now, seeing, states};

fn frame(view: &View, width: u16, height: u16, now_ms: u64) -> Buffer {
    let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
    if let Some((x, y)) = draw(view, &mut buffer, now_ms) {
        assert!(x < width && y < height, "cursor {x},{y} outside of {width}x{height}");
    }
    buffer
}

/// The lines of a buffer; the cells a wide character covers are left out.
fn lines(buffer: &Buffer) -> Vec<String> {
    let area = buffer.area;
    let line = |y| {
        let (mut line, mut x) = (String::new(), 0);
        while x < area.width {
            let symbol = buffer[(x, y)].symbol();
            line.push_str(symbol);
            x += Span::raw(symbol).width().max(1) as u16;
        }
        line
    };
    (0..area.height).map(line).collect()
}

fn resize(view: &mut View, size: (u16, u16)) {
    view.update(Input::Resize(size.0, size.1), 0);
}

fn press(view: &mut View, keys: &str, now_ms: u64) {
    for c in keys.chars() {
        let key = match c {
            '\n' => Key::new(Code::Enter),
            '\x1b' => Key::new(Code::Esc),
            '\t' => Key::new(Code::Tab),
            c => Key::char(c),
        };
        view.update(Input::Key(key), now_ms);
    }
}

fn sized(snapshot: Snapshot, size: (u16, u16)) -> View {
    let mut view = seeing(snapshot, "dark", Glyphs::Unicode);
    resize(&mut view, size);
    view
}

const SIZES: [(u16, u16); 3] = [(80, 24), (120, 35), (200, 50)];

// ---- sizes ----

#[test]
fn t08_a_storm_of_sizes_never_breaks_a_frame() {
    let mut rng = fastrand::Rng::with_seed(8);
    let keys =
        ["", "R", "A", "P", "S", "O", "?", "o", "p", "r", "e", "+", "1+", "2+", "3+", "4+", "5+", ":x", "/y", " "];
    let more = ["", "[[[", "[", "3G\n", " [", "[]", "\t\t"];
    let states = states();
    for round in 0..400 {
        let (name, snapshot) = rng.choice(&states).unwrap();
        let theme = *rng.choice(&["dark", "mono"]).unwrap();
        let glyphs = if rng.bool() { Glyphs::Ascii } else { Glyphs::Unicode };
        let mut view = seeing(snapshot.clone(), theme, glyphs);
        let script = format!("{}{}", rng.choice(&keys).unwrap(), rng.choice(&more).unwrap());
        resize(&mut view, (rng.u16(1..=250), rng.u16(1..=80)));
        press(&mut view, &script, 0);
        for _ in 0..3 {
            // What is drawn and what the view was told differ for a moment in a storm of sizes.
            let (width, height) = (rng.u16(1..=250), rng.u16(1..=80));
            let buffer = frame(&view, width, height, rng.u64(0..90_000));
            for line in lines(&buffer) {
                let wide = Span::raw(line.as_str()).width();
                assert_eq!(wide, usize::from(width), "round {round}: {name} {script:?} {width}x{height}: {line}");
            }
            resize(&mut view, (width, height));
        }
    }
}

#[test]
fn what_matters_most_is_there_at_every_size() {
    for width in 1..=130 {
        for height in [1, 2, 3, 4, 5, 8, 11, 12, 16, 24, 40] {
            let view = sized(fixture::shifting(), (width, height));
            let text = lines(&frame(&view, width, height, 0));
            let all = text.join("\n");
            if width >= 5 && height >= 1 {
                assert!(all.contains("90"), "the split at {width}x{height}: {all}");
            }
            if width >= 12 {
                assert!(all.contains("SHIFT"), "the phase at {width}x{height}: {all}");
            }
            if width >= 12 && height >= 2 {
                assert!(all.contains("ROLL"), "the way back at {width}x{height}: {all}");
                assert!(all.contains("R y") || all.contains("press R then y"), "its keys at {width}x{height}: {all}");
            }
        }
    }
}

#[test]
fn a_pane_alone_keeps_split_blocker_and_the_way_back() {
    for size in SIZES {
        for pane in 1..=5 {
            for after in ["", "R"] {
                let mut view = sized(fixture::shifting(), size);
                press(&mut view, &format!("{pane}+{after}"), 0);
                let text = lines(&frame(&view, size.0, size.1, 0));
                let last = text.len() - 3;
                assert!(text[1].contains("90%") && text[1].contains("10%"), "{size:?} {pane}: {}", text[1]);
                assert!(text[last].contains("BLOCKED"), "{size:?} {pane}: {}", text[last]);
                let wanted = if after == "R" { "ROLL BACK NOW?" } else { "ROLLBACK READY" };
                assert!(text[last + 1].contains(wanted), "{size:?} {pane}: {}", text[last + 1]);
            }
        }
    }
}

#[test]
fn t52_the_hardware_cursor_is_on_the_focused_row_of_every_pane() {
    for size in SIZES.into_iter().chain([(60, 20), (100, 28), (160, 40)]) {
        for zoom in ["", "+"] {
            let mut rows = Vec::new();
            for pane in 1..=5 {
                let mut view = sized(fixture::shifting(), size);
                press(&mut view, &format!("{pane}{zoom}"), 0);
                let mut buffer = Buffer::empty(Rect::new(0, 0, size.0, size.1));
                let at = draw(&view, &mut buffer, 0);
                rows.push(at.unwrap_or_else(|| panic!("pane {pane}{zoom} at {size:?} has no cursor")));
            }
            rows.dedup();
            assert!(zoom == "+" || rows.len() >= 4, "panes have rows of their own: {rows:?}");
        }
    }
    let mut view = sized(fixture::shifting(), (120, 35));
    press(&mut view, "3", 0);
    let row = |view: &View| draw(view, &mut Buffer::empty(Rect::new(0, 0, 120, 35)), 0).unwrap().1;
    let first = row(&view);
    press(&mut view, "jj", 0);
    assert_eq!(row(&view), first + 2, "it follows the selection");
}

// ---- names ----

/// Text as it may come from anywhere, cleaned as the program cleans it.
fn text(rng: &mut fastrand::Rng) -> String {
    let pieces = [
        "a",
        "Z",
        "9",
        " ",
        "-",
        "_",
        "日",
        "本",
        "語",
        "한",
        "e\u{301}",
        "o\u{302}\u{323}",
        "😀",
        "👍🏽",
        "👩\u{200d}👩\u{200d}👧",
        "🇩🇪",
        "\u{200b}",
        "\u{202e}",
        "\u{feff}",
        "ﷺ",
        "नि",
        "ก็",
        "\u{fe0f}",
        "☁\u{fe0f}",
        "│",
        "─",
        "ｶﾞ",
        "\u{ad}",
        "ᄀ",
        "ᅡ",
    ];
    let raw: String = (0..rng.usize(0..24)).map(|_| *rng.choice(&pieces).unwrap()).collect();
    cutover::testing::domain::text::clean(&raw, 60)
}

fn with_names(rng: &mut fastrand::Rng) -> Snapshot {
    let mut snapshot = fixture::shifting();
    let status = &mut snapshot.status;
    status.service = text(rng);
    status.environment = text(rng);
    status.backend = text(rng);
    status.driver.me = text(rng);
    status.driver.holder = rng.bool().then(|| text(rng));
    status.faults = (0..rng.usize(0..3)).map(|_| Fault::new(FaultKind::Replica, text(rng))).collect();
    for side in Side::BOTH {
        status.sides[side].version = Some(Version::from_text(&text(rng)));
        status.sides[side].faults = vec![text(rng)];
    }
    for gate in &mut status.gates {
        gate.name = text(rng);
        gate.note = text(rng);
        gate.unit = text(rng);
        gate.details = vec![text(rng)];
    }
    for blocked in &mut status.blocked {
        blocked.because = text(rng);
    }
    status.rollback.because = Some(text(rng));
    status.rollback.ready = rng.bool();
    let order = status.last_order.as_mut().unwrap();
    order.by = text(rng);
    order.detail = Some(text(rng));
    for side in Side::BOTH {
        for replica in &mut snapshot.detail.replicas[side] {
            replica.url = format!("http://{}", text(rng)).into();
            replica.fault = rng.bool().then(|| text(rng));
            replica.ready = Some(replica.fault.is_none());
        }
    }
    let event = |rng: &mut fastrand::Rng| cutover::testing::engine::snapshot::EventLine {
        at: now(),
        by: text(rng),
        text: text(rng),
        warn: rng.bool(),
        ordered: None,
    };
    snapshot.events = Arc::new((0..5).map(|_| event(rng)).collect());
    snapshot
}

#[test]
fn t20_no_name_shifts_a_border() {
    let mut rng = fastrand::Rng::with_seed(20);
    let borders = |buffer: &Buffer| -> Vec<(u16, u16)> {
        let corner = |symbol: &str| ["┌", "┐", "└", "┘"].contains(&symbol);
        let area = buffer.area;
        let all = (0..area.height).flat_map(|y| (0..area.width).map(move |x| (x, y)));
        all.filter(|at| corner(buffer[*at].symbol())).collect()
    };
    for round in 0..60 {
        let snapshot = with_names(&mut rng);
        for (size, keys) in
            [((80, 24), ""), ((120, 35), ""), ((200, 50), ""), ((120, 35), "2+"), ((80, 24), "3+"), ((44, 16), "")]
        {
            // What is configured decides how many lines there are; what it is called does not.
            let mut same = fixture::shifting();
            same.detail = snapshot.detail.clone();
            same.status.faults = snapshot.status.faults.iter().map(|_| Fault::new(FaultKind::Replica, "x")).collect();
            let mut plain = sized(same, size);
            let mut view = sized(snapshot.clone(), size);
            press(&mut plain, keys, 0);
            press(&mut view, keys, 0);
            let buffer = frame(&view, size.0, size.1, 0);
            for line in lines(&buffer) {
                assert_eq!(Span::raw(line.as_str()).width(), usize::from(size.0), "round {round} {size:?}: {line}");
            }
            let mut expected = borders(&frame(&plain, size.0, size.1, 0));
            let mut found = borders(&buffer);
            expected.sort_unstable();
            found.sort_unstable();
            assert_eq!(found, expected, "round {round} {size:?} {keys:?}");
        }
    }
}

// ---- without colour ----

/// Fails when two of these look alike without colour.
fn all_differ(what: &str, size: (u16, u16), variants: Vec<(String, Snapshot)>) {
    let mut seen: HashMap<String, String> = HashMap::new();
    for (name, snapshot) in variants {
        let mut view = seeing(snapshot, "mono", Glyphs::Ascii);
        resize(&mut view, size);
        let text = lines(&frame(&view, size.0, size.1, 0)).join("\n");
        if let Some(other) = seen.insert(text, name.clone()) {
            panic!("{what}: {name} looks like {other} at {size:?}");
        }
    }
}

fn changed(name: impl std::fmt::Debug, change: impl FnOnce(&mut Snapshot)) -> (String, Snapshot) {
    let mut snapshot = fixture::shifting();
    change(&mut snapshot);
    (format!("{name:?}"), snapshot)
}

#[test]
fn t15_every_state_of_gate_side_and_traffic_reads_differently_without_colour() {
    use GateState::{Failed, NotYet, Overridden, Passed, Pending, Running, Stale};
    for size in [(80, 24), (200, 50), (60, 20)] {
        let gates = [Pending, Running, Passed, Failed, NotYet, Stale, Overridden];
        for at in 0..6 {
            all_differ("gate", size, gates.map(|state| changed(state, |s| s.status.gates[at].status = state)).into());
        }
        for side in Side::BOTH {
            let sides = vec![
                changed("up", |_| ()),
                changed("some down", |s| s.status.sides[side].ready = Some(4)),
                changed("all down", |s| s.status.sides[side].ready = Some(0)),
                changed("not probed", |s| s.status.sides[side].ready = None),
                changed("old", |s| s.status.sides[side].age_s = Some(40.0)),
                changed("no version", |s| s.status.sides[side].version = None),
                changed("no figures", |s| s.status.sides[side].latency_ms = Latency::default()),
            ];
            all_differ("side", size, sides);
            let roles = [Role::Live, Role::Candidate, Role::Standby];
            all_differ("role", size, roles.map(|role| changed(role, |s| s.status.sides[side].role = role)).into());
        }
        let split = |n| Some(Split::toward(Side::Green, n));
        let traffic = vec![
            changed("asked is read", |_| ()),
            changed("on its way", |s| s.status.split.desired = split(25)),
            changed("drift", |s| (s.status.split.observed, s.status.split.drift) = (split(25), true)),
            changed("unread", |s| s.status.split.observed = None),
            changed("mixed", |s| s.status.split.mixed = Some("two maps".into())),
            changed("old", |s| (s.status.split.age_s, s.status.stale) = (Some(40.0), true)),
            changed("blue", |s| (s.status.split.observed, s.status.split.desired) = (split(0), split(0))),
            changed("green", |s| (s.status.split.observed, s.status.split.desired) = (split(100), split(100))),
        ];
        all_differ("traffic", size, traffic);
    }
}

#[test]
fn t15_a_figure_over_near_and_within_its_limit_reads_differently() {
    for size in SIZES {
        let p99 = |ms: f64| changed(ms, |s| s.status.sides.green.latency_ms.p99 = Some(ms));
        all_differ("p99", size, vec![p99(100.0), p99(243.0), p99(251.0)]);
        let text = |snapshot: Snapshot| {
            let mut view = seeing(snapshot, "mono", Glyphs::Ascii);
            resize(&mut view, size);
            let text = lines(&frame(&view, size.0, size.1, 0));
            text.into_iter().find(|line| line.contains("p99") && line.contains("250")).unwrap()
        };
        assert!(text(p99(251.0).1).contains(">250"));
        let (within, near) = (text(p99(100.0).1), text(p99(243.0).1));
        if size.0 >= 160 {
            assert!(near.contains("NEAR") && within.contains("ok"), "{near}\n{within}");
        } else {
            assert!(near.contains('!') && !within.contains('!'), "{near}\n{within}");
        }
    }
}

// ---- what moves ----

#[test]
fn t53_only_digits_change_with_time() {
    let digit = |symbol: &str| {
        symbol.chars().all(|c| c.is_ascii_digit() || matches!(c, ' ' | ':' | '.' | 's' | 'm' | 'h' | 'd'))
    };
    for (name, snapshot) in states() {
        for size in SIZES.into_iter().chain([(60, 20), (100, 28), (40, 10)]) {
            for keys in ["", "2+", "3", "[[[", " "] {
                if !keys.is_empty() && (name != "shifting" || size == SIZES[2]) {
                    continue;
                }
                let mut view = sized(snapshot.clone(), size);
                press(&mut view, keys, 0);
                // The ages on the screen go from one digit to two; none becomes old.
                for (from, to) in [(0, 1_000), (8_000, 8_950)] {
                    let (before, after) = (frame(&view, size.0, size.1, from), frame(&view, size.0, size.1, to));
                    for (at, (a, b)) in before.content().iter().zip(after.content()).enumerate() {
                        let (a, b) = (a.symbol(), b.symbol());
                        if a == b || (digit(a) && digit(b)) {
                            continue;
                        }
                        let y = at / usize::from(size.0);
                        let [was, is] = [&before, &after].map(|buffer| lines(buffer)[y].clone());
                        panic!("{name} {keys:?} {size:?}: {a:?} > {b:?}\n{was}\n{is}");
                    }
                }
            }
        }
    }
}

#[test]
fn nothing_blinks() {
    for (_, snapshot) in states() {
        let buffer = frame(&sized(snapshot, (120, 35)), 120, 35, 0);
        assert!(buffer.content().iter().all(|c| !c.modifier.intersects(Modifier::SLOW_BLINK | Modifier::RAPID_BLINK)));
    }
}

#[test]
fn a_value_that_grows_moves_nothing_beside_it() {
    for size in SIZES {
        let at = |ms: f64| {
            let (_, mut snapshot) = changed(ms, |s| s.status.sides.green.latency_ms.p50 = Some(ms));
            // So that the difference to blue is not what changes.
            snapshot.status.sides.blue.latency_ms.p50 = Some(ms);
            lines(&frame(&sized(snapshot, size), size.0, size.1, 0))
        };
        let columns = |line: &str| {
            line.chars().enumerate().filter(|(_, c)| *c == '≤' || *c == '│').map(|(at, _)| at).collect::<Vec<_>>()
        };
        let row = |text: Vec<String>| text.into_iter().find(|line| line.contains("p50")).unwrap();
        assert_eq!(columns(&row(at(9.0))), columns(&row(at(58.0))), "{size:?}");
    }
}

// ---- gaps, scale, age ----

#[test]
fn a_gap_is_blank_and_zero_is_not() {
    let mut snapshot = fixture::shifting();
    let mut zero = snapshot.history.green.traffic[500].unwrap();
    (zero.error_rate, zero.rps) = (0.0, 0.0);
    let points: Vec<_> = (0..20).map(|n| (n < 10).then_some(zero)).collect();
    snapshot.history.green.traffic = Arc::new(points.clone());
    snapshot.history.blue.traffic = Arc::new(points);
    snapshot.history.blue.probes = Arc::default();
    snapshot.history.green.probes = Arc::default();
    let text = lines(&frame(&sized(snapshot, (200, 50)), 200, 50, 0));
    let row = text.iter().find(|line| line.contains("err%")).unwrap();
    let spark: String = row.chars().skip(8).take(60).collect();
    assert_eq!(spark, format!("{}{}{}", " ".repeat(40), "▁".repeat(10), " ".repeat(10)));
}

#[test]
fn both_sides_are_drawn_to_one_scale() {
    let mut snapshot = fixture::shifting();
    snapshot.history.green = snapshot.history.blue.clone();
    let text = lines(&frame(&sized(snapshot.clone(), (200, 50)), 200, 50, 0));
    let sparks = |text: &[String], label: &str| {
        let row = text.iter().position(|line| line.contains(label)).unwrap();
        [1, 101].map(|from| text[row].chars().skip(from + 7).take(60).collect::<String>())
    };
    let [blue, green] = sparks(&text, "p95");
    assert_eq!(blue, green);
    // Ten times the latency on green lowers blue's line.
    let mut slow = (*snapshot.history.green.traffic).clone();
    slow.iter_mut().flatten().for_each(|point| point.p99 = point.p99.map(|ms| ms * 10.0));
    snapshot.history.green.traffic = Arc::new(slow);
    let [lower, _] = sparks(&lines(&frame(&sized(snapshot, (200, 50)), 200, 50, 0)), "p95");
    assert_ne!(blue, lower);
}

#[test]
fn old_data_says_its_age_in_the_titles() {
    for size in SIZES {
        let view = sized(fixture::shifting(), size);
        let titles = |now_ms| lines(&frame(&view, size.0, size.1, now_ms)).join("\n");
        assert!(!titles(2_000).contains(" OLD "));
        let late = titles(42_000);
        assert_eq!(late.matches("OLD 43s").count(), 2, "{late}");
        assert!(late.contains("OLD 42s"), "{late}");
    }
}

#[test]
fn probes_are_not_compared_with_traffic() {
    for size in SIZES {
        let text = |snapshot| lines(&frame(&sized(snapshot, size), size.0, size.1, 0)).join("\n");
        assert!(text(fixture::shifting()).contains("+21%"));
        let (_, probed) = changed("probed", |s| s.status.sides.green.source = Some(Source::Probes));
        let text = text(probed);
        assert!(!text.contains("+21%") && !text.contains("+.01"), "{text}");
    }
}

// ---- the time cursor ----

#[test]
fn the_time_cursor_moves_panels_gates_and_events_together() {
    let mut view = sized(fixture::shifting(), (120, 35));
    press(&mut view, "[", 0);
    let one = view.cursor_at().expect("the cursor is back");
    press(&mut view, "[[[[[[[[[[[", 0);
    let twelve = view.cursor_at().unwrap();
    assert_eq!((one - twelve).num_seconds(), 11 * 35, "a step is a column");
    let buffer = frame(&view, 120, 35, 0);
    let text = lines(&buffer);
    let all = text.join("\n");
    let time = twelve.format("%H:%M:%S").to_string();
    assert!(text[0].contains(&format!("CURSOR {time}")), "{}", text[0]);
    assert_eq!(all.matches(&format!("AT {time}")).count(), 4, "both panels, gates and log: {all}");
    assert!(!all.contains("feature-drift FAIL 0.31") || !text[16..24].join("").contains("FAIL 0.31"), "{all}");
    let marked: Vec<u16> = (0..120).filter(|x| buffer[(*x, 4)].modifier.contains(Modifier::REVERSED)).collect();
    assert_eq!(marked.len(), 2, "one column a side: {marked:?}");
    assert!(text.iter().any(|line| line.contains("PASS  feature-drift")), "it had passed then: {all}");
    press(&mut view, &"]".repeat(12), 0);
    assert_eq!(view.cursor_at(), None, "the newest column is now");
    press(&mut view, "[[\x1b", 0);
    assert_eq!(view.cursor_at(), None, "Esc returns to now");
}

#[test]
fn the_cursor_stops_at_the_oldest_point_and_the_window_follows_it() {
    for size in SIZES {
        let mut view = sized(fixture::shifting(), size);
        press(&mut view, &"[".repeat(400), 0);
        let at = view.cursor_at().unwrap();
        let kept = (now() - at).num_seconds();
        assert!((800..=900).contains(&kept), "{size:?}: {kept}");
        frame(&view, size.0, size.1, 0);
    }
    // An hour of data: the newest quarter is shown, and the cursor takes the window with it.
    let mut snapshot = fixture::shifting();
    for side in Side::BOTH {
        let hour: Vec<_> = snapshot.history[side].traffic.iter().cycle().take(3_600).copied().collect();
        snapshot.history[side].traffic = Arc::new(hour);
    }
    let mut view = sized(snapshot, (200, 50));
    press(&mut view, &"[".repeat(230), 0);
    let kept = (now() - view.cursor_at().unwrap()).num_seconds();
    assert_eq!(kept / 15, 230 - 1, "{kept}");
    let buffer = frame(&view, 200, 50, 0);
    let marked: Vec<u16> = (0..100).filter(|x| buffer[(*x, 5)].modifier.contains(Modifier::REVERSED)).collect();
    assert_eq!(marked.len(), 1, "the cursor is on the screen");
}

#[test]
fn no_consent_to_the_past_but_the_way_back_is_open() {
    for keys in ["P", "S", "O"] {
        let mut view = sized(fixture::free(), (120, 35));
        press(&mut view, &format!("[[{keys}"), 0);
        let text = lines(&frame(&view, 120, 35, 0)).join("\n");
        assert!(!text.contains("y = "), "{keys}: {text}");
    }
    let mut view = sized(fixture::free(), (120, 35));
    press(&mut view, "[[P", 0);
    assert!(lines(&frame(&view, 120, 35, 0))[34].contains("time cursor"), "it says why");
    let mut view = sized(fixture::free(), (120, 35));
    press(&mut view, "[[R", 0);
    assert!(lines(&frame(&view, 120, 35, 0)).join("\n").contains("ROLL BACK NOW?"));
}

#[test]
fn enter_on_a_failed_gate_goes_to_the_moment_it_failed() {
    let mut view = sized(fixture::shifting(), (120, 35));
    press(&mut view, "3G\n", 0);
    assert_eq!(view.cursor_at(), Some(now() - TimeDelta::seconds(4)));
    let mut view = sized(fixture::shifting(), (120, 35));
    press(&mut view, "3g\n", 0);
    assert_eq!(view.cursor_at(), None, "a gate that passed has no such moment");
}

#[test]
fn evidence_tells_everything_and_scrolls() {
    let mut snapshot = fixture::shifting();
    let gate = &mut snapshot.status.gates[5];
    gate.details = (0..20).map(|n| format!("case {n}: expected spam, got ham")).collect();
    gate.samples = 1_845;
    let mut view = sized(snapshot, (80, 24));
    press(&mut view, "e", 0);
    let mut seen = String::new();
    for _ in 0..40 {
        seen.push_str(&lines(&frame(&view, 80, 24, 0)).join("\n"));
        press(&mut view, "j", 0);
    }
    for part in [
        "FAIL, required",
        "0.31",
        "at most 0.2",
        "1 845",
        "2026-11-20 14:02:08Z",
        "91d4c07d91d4c07d",
        "amount_eur",
        "/var/lib/cutover/gates/feature-drift.log",
        "case 0:",
        "case 19:",
        "14:01:08 NYET",
        "13:52:12 PASS",
    ] {
        assert!(seen.contains(part), "{part}");
    }
    assert_eq!(view.cursor_at(), None, "looking moves nothing");
}

#[test]
fn frozen_panes_say_since_when_and_the_header_goes_on() {
    let mut view = sized(fixture::shifting(), (120, 35));
    press(&mut view, " ", 0);
    let mut newer = fixture::switched();
    newer.status.time += TimeDelta::seconds(60);
    view.update(Input::Snapshot(Arc::new(newer)), 60_000);
    flush(&mut view, 60_000);
    let text = lines(&frame(&view, 120, 35, 60_000));
    assert!(text[0].contains("FROZEN since 14:02:12") && text[0].contains("SWITCHED"), "{}", text[0]);
    assert!(text[1].contains("100% GREEN"), "the split is of now: {}", text[1]);
    assert!(text.iter().any(|line| line.contains("FAIL! feature-drift")), "the gates are of then");
}

#[test]
fn a_screen_with_every_optional_thing_missing_is_whole() {
    let mut snapshot = fixture::shifting();
    let status = &mut snapshot.status;
    status.gates.clear();
    status.guards.clear();
    status.step.steps = vec![100];
    status.last_order = None;
    status.environment.clear();
    status.driver.holder = None;
    status.blocked = vec![fixture::blocked("promote", "", RefusalKind::Busy)];
    status.phase = Phase::Idle;
    snapshot.detail = cutover::testing::engine::detail::Detail::default();
    snapshot.events = Arc::default();
    for side in Side::BOTH {
        snapshot.status.sides[side].source = Some(Source::Probes);
        snapshot.history[side].probes = Arc::default();
        snapshot.history[side].traffic = Arc::default();
    }
    for keys in ["", "1+", "3+", "5+", "[[", "e", "3\n"] {
        for size in SIZES {
            let mut view = sized(snapshot.clone(), size);
            press(&mut view, keys, 0);
            for line in lines(&frame(&view, size.0, size.1, 0)) {
                assert_eq!(Span::raw(line.as_str()).width(), usize::from(size.0));
            }
        }
    }
}

#[test]
fn a_guard_that_acted_says_over_whatever_the_figure_is_now() {
    let (_, mut snapshot) = changed("tripped", |_| ());
    for guard in snapshot.status.guards.iter_mut().filter(|guard| guard.side == Side::Green) {
        (guard.status, guard.then) = (GuardState::Tripped, GuardAction::Pause);
    }
    let text = lines(&frame(&sized(snapshot, (200, 50)), 200, 50, 0)).join("\n");
    // Each at its figure.
    assert_eq!(text.matches("OVER │").count(), 4, "{text}");
}
