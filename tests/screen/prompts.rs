//! Every question as it stands on the screen, at the three sizes of the drawings and in ASCII.

use crate::support::ui as fixture;

use std::sync::Arc;

use cutover::testing::domain::{Move, OrderState};
use cutover::testing::engine::Snapshot;
use cutover::testing::engine::snapshot::GateState;
use cutover::testing::ui::{Code, Glyphs, Input, Key, View, draw};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Span;

use fixture::{flush, seeing};

const SIZES: [(u16, u16, Glyphs, &str); 4] = [
    (80, 24, Glyphs::Unicode, "80x24"),
    (120, 35, Glyphs::Unicode, "120x35"),
    (200, 50, Glyphs::Unicode, "200x50"),
    (80, 24, Glyphs::Ascii, "80x24-ascii"),
];

fn lines(view: &View, width: u16, height: u16, now_ms: u64) -> Vec<String> {
    let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
    draw(view, &mut buffer, now_ms);
    (0..height)
        .map(|y| {
            let (mut line, mut x) = (String::new(), 0);
            while x < width {
                let symbol = buffer[(x, y)].symbol();
                line.push_str(symbol);
                x += Span::raw(symbol).width().max(1) as u16;
            }
            line
        })
        .collect()
}

/// Presses keys, `\n` being Enter, each seen and half a second apart; the time after them.
fn press(view: &mut View, keys: &str) -> u64 {
    let mut now = 0;
    for c in keys.chars() {
        let key = if c == '\n' { Key::new(Code::Enter) } else { Key::char(c) };
        view.update(Input::Key(key), now);
        flush(view, now);
        now += 500;
    }
    now
}

fn overridden() -> Snapshot {
    let mut snapshot = fixture::free();
    let gate = &mut snapshot.status.gates[5];
    gate.status = GateState::Overridden;
    gate.note = "by op1: fx feed late, checked by hand against yesterday's".into();
    snapshot
}

fn typed_promote() -> Snapshot {
    let mut snapshot = overridden();
    snapshot.status.typed = vec![Move::Switch, Move::Promote];
    snapshot
}

fn no_way_back() -> Snapshot {
    let mut snapshot = fixture::free();
    snapshot.status.rollback.ready = false;
    snapshot.status.rollback.because = Some("blue 0/6 ready: connection refused".into());
    snapshot.status.sides.blue.ready = Some(0);
    snapshot
}

fn late() -> Snapshot {
    let mut snapshot = fixture::in_flight();
    let order = snapshot.status.last_order.as_mut().unwrap();
    (order.late, order.retries, order.took_s) = (true, 9, 12.1);
    snapshot
}

fn sent() -> Snapshot {
    let mut snapshot = fixture::in_flight();
    snapshot.status.last_order.as_mut().unwrap().state = OrderState::Sent;
    snapshot
}

fn long() -> Snapshot {
    let mut snapshot = fixture::long_names();
    snapshot.status.blocked.clear();
    snapshot
}

/// Name, state, keys.
fn dialogs() -> Vec<(&'static str, Snapshot, &'static str)> {
    vec![
        ("rollback", fixture::free(), "R"),
        ("rollback-running", fixture::in_flight(), "R"),
        ("abort", fixture::free(), "A"),
        ("quit", fixture::in_flight(), "q"),
        ("promote", fixture::free(), "P"),
        ("promote-overridden", overridden(), "P"),
        ("promote-typed", typed_promote(), "Pv4"),
        ("promote-no-way-back", no_way_back(), "P"),
        ("promote-long-names", long(), "P"),
        ("switch", overridden(), "Sv4"),
        ("switch-long-names", long(), "S"),
        ("override", fixture::shifting(), "O"),
        ("override-confirm", fixture::shifting(), "Ofx feed is late, op2 checked\n"),
        ("resume", fixture::paused(), "H"),
        ("resume-drift", fixture::drift(), "H"),
        ("finalize", fixture::switched(), ":finalize\n"),
        ("auto-on", fixture::free(), ":auto on\n"),
        ("take-over", fixture::read_only(), "W"),
        ("preview-promote", fixture::shifting(), "p"),
        ("preview-switch", fixture::free(), "s"),
        ("preview-abort", fixture::free(), "a"),
        ("preview-rollback", fixture::free(), "r"),
        ("read-only-promote", fixture::hard_read_only(), "P"),
        ("read-only-hold", fixture::hard_read_only(), "H"),
        ("order-sent", sent(), ""),
        ("order-late", late(), ""),
        ("order-late-question", late(), "R"),
    ]
}

#[test]
fn every_dialog_at_every_size() {
    for (name, snapshot, keys) in dialogs() {
        for (width, height, glyphs, size) in SIZES {
            let mut view = seeing(snapshot.clone(), "mono", glyphs);
            view.update(Input::Resize(width, height), 0);
            let now = press(&mut view, keys);
            // Another reading of the same state, as one comes in every second.
            view.update(Input::Snapshot(Arc::new(snapshot.clone())), now);
            let text = lines(&view, width, height, now);
            for line in &text {
                assert_eq!(Span::raw(line.as_str()).width(), usize::from(width), "{name} {size}: {line}");
                assert!(glyphs == Glyphs::Unicode || line.is_ascii(), "{name} {size}: {line}");
            }
            insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false,
                snapshot_path => "snapshots/prompts" }, {
                insta::assert_snapshot!(format!("{name}-{size}"), format!("|{}|", text.join("|\n|")));
            });
        }
    }
}

/// What a person must be able to read before consent, whatever the size of the screen.
#[test]
fn a_box_always_says_what_is_agreed_to() {
    let wanted: [(&str, &[&str]); 2] = [
        (
            "P",
            &["now", "90%", "after", "75%", "25%", "capacity", "undo", "R y", "PUT /v1/split", "a1c9", "y = promote"],
        ),
        (
            "S",
            &["now", "90%", "after", "100%", "gates", "capacity", "undo", "R y", "PUT /v1/split", "a1c9", "Type the"],
        ),
    ];
    for (keys, wanted) in wanted {
        for width in [44, 60, 71, 80, 120, 200] {
            for height in [18, 20, 24, 35, 50] {
                let mut view = seeing(fixture::free(), "mono", Glyphs::Unicode);
                view.update(Input::Resize(width, height), 0);
                let now = press(&mut view, keys);
                let text = lines(&view, width, height, now).join("\n");
                for word in wanted {
                    assert!(text.contains(word), "{word} is not on {width}x{height}:\n{text}");
                }
            }
        }
    }
}
