//! The terminal contract for the real console: what it leaves in a terminal's stream, and what a terminal can do to it.

use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::console::{assert_left, has, no_reason, open, quit, ready};
use crate::support::pty::{Ended, Pty};
use crate::support::stage::{Stage, eventually};

/// What the console wrote outside of its frames, without what belongs there: modes, title, bells, strings.
fn outside_of_frames(raw: &str) -> String {
    let mut rest = String::new();
    for (i, part) in raw.split("\x1b[?2026h").enumerate() {
        // The way out closes a frame that may not have been open.
        rest.push_str(if i == 0 { part } else { part.split_once("\x1b[?2026l").map_or(part, |(_, after)| after) });
    }
    for known in [
        "\x1b[22;0t",
        "\x1b[23;0t",
        "\x1b[?1049h",
        "\x1b[?1049l",
        "\x1b[?25l",
        "\x1b[?25h",
        "\x1b[?2004h",
        "\x1b[?2004l",
        "\x1b[?1004h",
        "\x1b[?1004l",
        "\x1b[?2026l",
        "\x1b[0m",
        "\x1b[?1006l",
        "\x1b[?1015l",
        "\x1b[?1003l",
        "\x1b[?1002l",
        "\x1b[?1000l",
        "\x07",
    ] {
        rest = rest.replace(known, "");
    }
    rest
}

#[test]
fn t05_a_line_that_drops_with_an_order_under_way_leaves_it_to_the_gateway() {
    let stage = Stage::new();
    stage.meddle(40);
    let mut pty = open(&stage);
    let gateway = stage.gateway.as_ref().unwrap();
    gateway.signal(Signal::STOP);
    pty.send("Ry");
    pty.wait_for_text("ROLLING BACK");
    pty.hang_up();
    stage.wait_journal("operator disconnected");
    gateway.signal(Signal::CONT);
    assert_eq!(pty.wait_end_unread(), Ended::Code(129));
    stage.wait_share(0);
    stage.run(&["journal", "verify"]).ends(0);
}

#[test]
fn t07_ctrl_z_and_fg_show_the_state_of_now() {
    let stage = Stage::new();
    let mut pty = stage.console().under_a_shell().spawn();
    ready(&mut pty);
    pty.send("\x1a");
    pty.wait_for_text("STOPPED");
    assert!(!pty.screen().alternate_screen() && pty.termios_as_before());
    stage.meddle(40);
    pty.resize(120, 35);
    pty.send("\n");
    pty.wait_for("the screen of now", |screen| {
        has(screen, "60/40")
            || screen.rows(0, 120).nth(1).is_some_and(|split| split.contains("60%") && split.contains("40%"))
    });
    assert!(pty.screen().alternate_screen() && has(pty.screen(), "EVENTS"), "{}", pty.screen().contents());
    pty.send("q");
    pty.wait_for_text("ENDED 0");
    pty.wait_end();
    pty.assert_restored();
}

#[test]
fn t08_a_storm_of_sizes_ends_with_the_right_screen() {
    let stage = Stage::new();
    let mut pty = open(&stage);
    for n in 0..200_u16 {
        let (columns, rows) = if n % 20 == 0 { (1, 1) } else { (1 + n * 7 % 200, 1 + n * 3 % 60) };
        pty.resize(columns, rows);
    }
    pty.resize(100, 30);
    pty.wait_for("the last size", |screen| {
        let lines: Vec<String> = screen.rows(0, 100).collect();
        lines[0].contains("TEST") && lines[28].contains("ROLLBACK") && has(screen, "EVENTS")
    });
    quit(&mut pty);
}

#[test]
fn t26_a_terminal_that_takes_nothing_holds_up_no_rollback() {
    let stage = Stage::new();
    stage.meddle(40);
    let mut pty = stage.console().size(200, 50).spawn();
    pty.wait_for("both versions", |screen| has(screen, "BLUE v1") && has(screen, "GREEN v2"));
    // From here on nothing is read. Help and back are big frames: soon the terminal is full.
    for _ in 0..50 {
        pty.send("?");
    }
    pty.send("\x1b");
    let mut pressed: Option<Instant> = None;
    eventually("the order", || {
        // As a hand presses them: many keys within milliseconds are taken for a paste.
        if pressed.is_none_or(|at| at.elapsed() > Duration::from_millis(400)) {
            pressed = Some(Instant::now());
            pty.send("R");
            pty.send("y");
        }
        stage.share() == Some(0)
    });
    pty.signal(Signal::TERM);
    assert_eq!(pty.wait_end_unread(), Ended::Code(143));
    assert!(pty.termios_as_before());
}

#[test]
fn t28_the_title_says_what_matters_and_is_given_back() {
    let stage = Stage::new();
    let mut pty = open(&stage);
    pty.wait_for_raw("the title", |raw| String::from_utf8_lossy(raw).contains("\x1b]2;cutover TEST digits 100/0"));
    quit(&mut pty);
    let raw = pty.raw_text();
    assert!(raw.find("\x1b[22;0t") < raw.find("\x1b]2;"), "kept before it is set");
    assert!(raw.rfind("\x1b]2;") < raw.rfind("\x1b[23;0t"), "given back after it was set");
    let mut pty = stage.console().args(["--no-title"]).spawn();
    ready(&mut pty);
    quit(&mut pty);
    let raw = pty.raw_text();
    assert!(!raw.contains("\x1b]2;") && !raw.contains("\x1b[22;0t") && !raw.contains("\x1b[23;0t"), "{raw:?}");
}

#[test]
fn t29_nothing_but_frames_is_written_whatever_is_asked_of_the_libraries() {
    let mut stage = Stage::new();
    let loud =
        [("RUST_LOG", "trace"), ("RUST_BACKTRACE", "full"), ("RUST_LIB_BACKTRACE", "1"), ("COLORBT_SHOW_HIDDEN", "1")];
    let mut console = stage.console();
    for (name, value) in loud {
        console = console.env(name, value);
    }
    let mut pty = console.spawn();
    ready(&mut pty);
    // What makes libraries talk: connections that break and come back.
    stage.gateway = None;
    pty.wait_for("that the router is gone", |screen| has(screen, "UNKNOWN") || has(screen, "gateway"));
    stage.start_gateway();
    pty.send("?");
    pty.wait_for_text("HELP");
    pty.send("\x1b");
    pty.wait_for("help to close", |screen| !has(screen, "HELP"));
    pty.send("q");
    pty.wait_end();
    pty.assert_restored();
    let rest = outside_of_frames(&pty.raw_text());
    assert_eq!(rest, "", "written outside of the frames");
}

#[test]
fn t37_a_copy_reaches_the_terminal_and_is_kept() {
    for tmux in [false, true] {
        let stage = Stage::new();
        let kept = stage.dir().join("xdg");
        let mut console = stage.console().env("XDG_STATE_HOME", &kept);
        if tmux {
            console = console.env("TMUX", "/tmp/tmux-0/default,1,0");
        }
        let mut pty = console.spawn();
        ready(&mut pty);
        pty.send("1");
        pty.send("c");
        pty.wait_for_text("also in");
        let file = kept.join("cutover/clipboard.txt");
        assert!(std::fs::read_to_string(&file).unwrap().starts_with("blue v1"));
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        // `blue v1` is three groups of three bytes: its beginning in base64 does not depend on what follows.
        let want = if tmux { "\x1bPtmux;\x1b\x1b]52;c;Ymx1ZSB2" } else { "\x1b]52;c;Ymx1ZSB2" };
        pty.wait_for_raw("the copy", |raw| String::from_utf8_lossy(raw).contains(want));
        quit(&mut pty);
        assert!(!pty.raw_text().contains("]52;c;?"), "the clipboard is never read");
    }
}

#[test]
fn t38_what_matters_rings_and_is_told() {
    for (args, program, bell, notice) in [
        (&[][..], "", true, None),
        (&[], "iTerm.app", true, Some("\x1b]9;TEST digits: rollback")),
        (&["--no-notices"], "iTerm.app", false, None),
    ] {
        let stage = Stage::new();
        stage.meddle(40);
        let mut pty = stage.console().args(args).env("TERM_PROGRAM", program).spawn();
        ready(&mut pty);
        pty.send("Ry");
        pty.wait_for_text("ROLLED BACK");
        no_reason(&mut pty);
        quit(&mut pty);
        let raw = pty.raw_text();
        assert_eq!(rings(&raw) > 0, bell, "{program} {args:?}");
        assert_eq!(raw.contains("\x1b]9;"), notice.is_some(), "{program} {args:?}");
        assert!(notice.is_none_or(|notice| raw.contains(notice)), "{raw:?}");
    }
}

/// Bells that are not the end of a title.
fn rings(raw: &str) -> usize {
    raw.matches('\x07').count() - raw.matches("\x1b]2;").count()
}

#[test]
fn t52_the_cursor_stands_on_the_row_with_the_focus() {
    let stage = Stage::with_gates();
    let mut pty = open(&stage);
    pty.send("3");
    let at_gate = |screen: &vt100::Screen, name: &str| {
        let (row, _) = screen.cursor_position();
        !screen.hide_cursor() && screen.rows(0, 80).nth(usize::from(row)).is_some_and(|line| line.contains(name))
    };
    let names: Vec<&str> =
        if first_gate(&pty) == "health" { vec!["health", "golden"] } else { vec!["golden", "health"] };
    pty.wait_for("the cursor on the first gate", |screen| at_gate(screen, names[0]));
    pty.send("j");
    pty.wait_for("the cursor on the second gate", |screen| at_gate(screen, names[1]));
    pty.send(":");
    pty.wait_for("the cursor in the line being typed", |screen| {
        let (row, column) = screen.cursor_position();
        !screen.hide_cursor() && row >= 21 && column > 0
    });
    pty.send("\x1b");
    pty.wait_for("the line to close", |screen| at_gate(screen, names[1]));
    pty.send("q");
    assert_left(&mut pty, 0);
}

fn first_gate(pty: &Pty) -> &'static str {
    let contents = pty.screen().contents();
    let at = |name| contents.find(&format!(" {name}")).unwrap_or(usize::MAX);
    if at("health") < at("golden") { "health" } else { "golden" }
}
