//! The terminal contract for the text of logs: whatever bytes a line holds, no control character gets into a cell and no
//! border is shifted.

use crate::support::ui as fixture;

use std::sync::Arc;

use cutover::testing::domain::json_line::log_line;
use cutover::testing::domain::{LogLevel, LogLine};
use cutover::testing::engine::Command;
use cutover::testing::ui::input::{Code, Key};
use cutover::testing::ui::{self, Action, Glyphs, Input, View};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

const SIZES: [(u16, u16); 4] = [(200, 50), (120, 35), (80, 24), (40, 14)];

fn draw(view: &mut View, (width, height): (u16, u16)) -> Buffer {
    view.update(Input::Resize(width, height), 0);
    let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
    ui::draw(view, &mut buffer, 1_000);
    buffer
}

fn row(buffer: &Buffer, y: u16) -> String {
    (0..buffer.area.width).filter_map(|x| buffer.cell((x, y))).map(ratatui::buffer::Cell::symbol).collect()
}

fn text(buffer: &Buffer) -> String {
    (0..buffer.area.height).map(|y| row(buffer, y) + "\n").collect()
}

fn press(view: &mut View, keys: &str) -> Vec<Action> {
    let key = |c| if c == '\n' { Key::new(Code::Enter) } else { Key::char(c) };
    keys.chars().flat_map(|c| view.update(Input::Key(key(c)), 1_000)).collect()
}

fn line(n: i64, text: &str) -> LogLine {
    let at = fixture::now() - chrono::TimeDelta::seconds(60 - n);
    LogLine { at, level: LogLevel::Info, source: "model".into(), text: text.into() }
}

/// The columns of the box drawing in the log's rows: what must not move.
fn borders(buffer: &Buffer) -> Vec<(u16, u16)> {
    let area = buffer.area;
    let at = |x, y| buffer.cell((x, y)).map_or("", ratatui::buffer::Cell::symbol);
    let edges = |y| [0, area.width - 1].into_iter().map(move |x| (x, y));
    (0..area.height).flat_map(edges).filter(|&(x, y)| ["│", "┌", "┐", "└", "┘"].contains(&at(x, y))).collect()
}

/// Bytes as they come from a hostile log: random, escape sequences, wide and combining characters, JSON with escapes.
fn hostile(rng: &mut fastrand::Rng) -> Vec<u8> {
    let parts: [&[u8]; 14] = [
        b"\x1b[31m",
        b"\x1b]52;c;aGk=\x07",
        b"\x1bP",
        b"\xc2\x9b2J",
        b"\x00\x08\x7f\r\t",
        "日本語版".as_bytes(),
        "e\u{301}\u{302}\u{303}".as_bytes(),
        "👍🏽👨\u{200d}👩\u{200d}👧☎\u{fe0f}".as_bytes(),
        "\u{202e}gnp\u{2066}\u{200b}".as_bytes(),
        b"\xff\xfe\xc3",
        b"{\"msg\":\"\\u001b[2J\\u009b\\u0007 \\u202e\",\"k\":",
        b"\"v\"}",
        b"plain words ",
        b"ERROR ",
    ];
    let mut out = Vec::new();
    for _ in 0..rng.usize(0..12) {
        if rng.bool() {
            out.extend_from_slice(parts[rng.usize(..parts.len())]);
        } else {
            out.extend((0..rng.usize(0..40)).map(|_| rng.u8(..)));
        }
    }
    out
}

#[test]
fn t27_t20_no_line_puts_a_control_into_a_cell_or_shifts_a_border() {
    let mut rng = fastrand::Rng::with_seed(27);
    let calm = SIZES.map(|size| borders(&draw(&mut fixture::seeing(fixture::free(), "dark", Glyphs::Unicode), size)));
    for round in 0..150 {
        let mut view = fixture::seeing(fixture::free(), "dark", Glyphs::Unicode);
        let lines = (0..30_i64)
            .map(|n| {
                let raw = String::from_utf8_lossy(&hostile(&mut rng)).into_owned();
                let now = fixture::now() - chrono::TimeDelta::seconds(30 - n);
                log_line("model", &raw, now, now, 16 << 10)
            })
            .collect();
        view.update(Input::Lines { lines, dropped: 0 }, 0);
        press(&mut view, ["", "w", "k", "wk", "wt"][round % 5]);
        for (size, calm) in SIZES.into_iter().zip(&calm) {
            let buffer = draw(&mut view, size);
            let bad = buffer.content().iter().find(|cell| cell.symbol().chars().any(char::is_control));
            assert!(bad.is_none(), "round {round}: {bad:?}");
            let hidden =
                |c: char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200b}' | '\u{200d}');
            assert!(!text(&buffer).contains(hidden), "round {round}");
            assert_eq!(&borders(&buffer), calm, "round {round} at {size:?}:\n{}", text(&buffer));
        }
        press(&mut view, "\n");
        let open = draw(&mut view, (80, 24));
        assert!(
            open.content().iter().all(|cell| !cell.symbol().chars().any(char::is_control)),
            "round {round}, opened"
        );
    }
}

#[test]
fn t25_a_burst_is_one_change_and_shows_its_end() {
    let mut view = fixture::seeing(fixture::free(), "dark", Glyphs::Unicode);
    let lines = (0..5_000).map(|n| line(n % 60, &format!("burst {n}"))).chain([line(120, "the last")]).collect();
    view.update(Input::Lines { lines, dropped: 41_000 }, 0);
    let screen = text(&draw(&mut view, (120, 35)));
    assert!(screen.contains("the last") && screen.contains("41 001 dropped"), "{screen}");
    view.update(Input::Drawn, 0);
    view.update(Input::Flushed, 0);
    assert!(!view.is_dirty(), "nothing is left to be drawn");
}

#[test]
fn json_is_shown_readable_and_whole_on_enter() {
    let mut view = fixture::seeing(fixture::free(), "dark", Glyphs::Unicode);
    let json = r#"{"time":"2026-11-20T14:03:00Z","level":"info","msg":"batch done","ms":412,"user":{"id":7}}"#;
    view.update(Input::Lines { lines: vec![line(99, json)], dropped: 0 }, 0);
    let screen = text(&draw(&mut view, (120, 35)));
    assert!(screen.contains(r#"INFO model           batch done ms=412 user={"id":7}"#), "{screen}");
    press(&mut view, "4\n");
    let screen = text(&draw(&mut view, (120, 35)));
    assert!(screen.contains(r#""msg": "batch done","#) && screen.contains(r#""id": 7"#), "{screen}");
}

#[test]
fn wrapped_lines_go_on_in_the_next_row_and_the_cursor_stays_in_sight() {
    let mut view = fixture::seeing(fixture::free(), "dark", Glyphs::Unicode);
    let long = "word ".repeat(60) + "END";
    view.update(Input::Lines { lines: vec![line(70, &long), line(71, "after")], dropped: 0 }, 0);
    press(&mut view, "4+");
    assert!(!text(&draw(&mut view, (80, 24))).contains("END"));
    press(&mut view, "w");
    let screen = text(&draw(&mut view, (80, 24)));
    assert!(screen.contains("END") && screen.contains("after"), "{screen}");
    press(&mut view, "kkkkkk");
    view.update(Input::Resize(80, 24), 0);
    let mut buffer = Buffer::empty(Rect::new(0, 0, 80, 24));
    assert!(ui::draw(&view, &mut buffer, 0).is_some(), "the cursor is on a row of the pane");
}

#[test]
fn a_bad_expression_is_told_and_the_hits_are_stepped_through() {
    let mut view = fixture::seeing(fixture::free(), "dark", Glyphs::Unicode);
    press(&mut view, "4/[drift\n");
    assert!(text(&draw(&mut view, (120, 35))).contains("(as text)"));
    press(&mut view, "/");
    for _ in 0.."[drift".len() {
        view.update(Input::Key(Key::new(Code::Backspace)), 1_000);
    }
    press(&mut view, "dri.t\n");
    let filtered = text(&draw(&mut view, (120, 35)));
    assert!(filtered.contains("filter: dri.t") && !filtered.contains("replay cache"), "{filtered}");
    press(&mut view, "nN");
    let stepped = text(&draw(&mut view, (120, 35)));
    assert!(stepped.contains("search: dri.t") && stepped.contains("replay cache"), "{stepped}");
    assert!(stepped.contains("│>14:02"), "hits are marked:\n{stepped}");
}

#[test]
fn a_mark_is_in_the_journal_or_on_a_read_only_screen_alone() {
    let mut view = fixture::seeing(fixture::free(), "dark", Glyphs::Unicode);
    let asked = press(&mut view, "m");
    assert!(matches!(&asked[..], [Action::Ask(request)] if request.command == Command::Note { text: "mark".into() }));
    let mut view = fixture::seeing(fixture::hard_read_only(), "dark", Glyphs::Unicode);
    assert_eq!(press(&mut view, "m:note fx feed is late\n"), [], "nothing is sent");
    let screen = text(&draw(&mut view, (120, 35)));
    assert_eq!(screen.matches("note: mark").count(), 2, "in the log and in the events:\n{screen}");
    assert!(screen.contains("note: fx feed is late"));
    // A new state does not take them away.
    view.update(Input::Snapshot(Arc::new(fixture::hard_read_only())), 2_000);
    assert_eq!(text(&draw(&mut view, (120, 35))).matches("note: mark").count(), 2);
}
