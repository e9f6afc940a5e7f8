//! The terminal contract for the terminal itself, in a real pty: every way out gives it back.
//!
//! The program under test is this binary again, started with `PROGRAM` set: a small console over the crate's
//! terminal modules that shows what it gets and ends in the way a key asks for.

use std::io::{BufRead, BufReader};
use std::os::unix::net::UnixListener;
use std::path::Path;

use crate::support::pty::{Ended, Pty, PtyCommand, Signal};

mod program;

/// Not a test: the program the others start. Without its variable it does nothing.
#[test]
fn program() {
    if let Ok(mode) = std::env::var("PROGRAM") {
        program::run(&mode);
    }
}

fn command(mode: &str) -> PtyCommand {
    PtyCommand::new(std::env::current_exe().unwrap())
        .args(["--exact", "modes::program", "--nocapture", "--test-threads=1"])
        .env("PROGRAM", mode)
}

fn start(mode: &str) -> Pty {
    let mut pty = command(mode).spawn();
    pty.wait_for_text("READY");
    pty
}

#[test]
fn t01_quit_and_error_give_the_terminal_back() {
    for (key, code) in [("q", 0), ("e", 1)] {
        let mut pty = start("loop");
        assert!(!pty.termios_as_before() && pty.screen().alternate_screen(), "it was taken");
        pty.send(key);
        assert_eq!(pty.wait_end(), Ended::Code(code), "{key}");
        pty.assert_restored();
        assert_eq!(pty.raw_text().matches("\x1b[?1049l").count(), 1, "once");
    }
}

#[test]
fn t01_signals_give_the_terminal_back_with_their_codes() {
    for (signal, code) in [(Signal::HUP, 129), (Signal::INT, 130), (Signal::QUIT, 131), (Signal::TERM, 143)] {
        let mut pty = start("loop");
        pty.signal(signal);
        assert_eq!(pty.wait_end(), Ended::Code(code), "{signal:?}");
        pty.assert_restored();
    }
}

#[test]
fn t01_t03_a_panic_anywhere_gives_the_terminal_back_and_then_tells() {
    for (key, text) in [("p", "boom in the loop"), ("t", "boom in a task"), ("T", "boom in a thread")] {
        let dir = tempfile::tempdir().unwrap();
        let mut pty = command("loop").env("CRASH_DIR", dir.path().join("state")).spawn();
        pty.wait_for_text("READY");
        pty.send(key);
        assert_eq!(pty.wait_end(), Ended::Code(101), "{key}");
        pty.assert_restored();
        let raw = pty.raw_text();
        let (_, after) = raw.rsplit_once("\x1b[?1049l").unwrap();
        assert!(after.contains(text), "the report comes after the screen was left: {after:?}");
        assert!(!raw[..raw.len() - after.len()].contains(text), "and not before");
        assert!(after.contains("crash report: "), "{after:?}");
        let file = only_file(&dir.path().join("state"));
        assert!(file.contains(text) && file.contains("terminal/modes"), "{file}");
        // What was under way, and frames by name although RUST_BACKTRACE is not set.
        assert!(file.contains("rollout: digits SHIFT step 2/3") && !file.contains("step 1/3"), "{file}");
        assert!(file.contains(" event 29\n") && file.contains(" event 10\n") && !file.contains(" event 9\n"), "{file}");
        assert!(file.contains("terminal::crash::install"), "{file}");
        assert!(!file.contains('\x1b') && !file.contains("RUST_BACKTRACE"), "{file}");
    }
}

fn only_file(dir: &Path) -> String {
    let files: Vec<_> = std::fs::read_dir(dir).unwrap().map(|f| f.unwrap().path()).collect();
    assert_eq!(files.len(), 1, "{files:?}");
    std::fs::read_to_string(&files[0]).unwrap()
}

#[test]
fn t02_a_panic_between_any_two_steps_gives_back_what_was_taken() {
    for (step, modes) in [("Registered", false), ("Raw", false), ("Modes", true)] {
        let mut pty = command(&format!("panic after {step}")).spawn();
        assert_eq!(pty.wait_end(), Ended::Code(101), "{step}");
        assert!(pty.termios_as_before(), "{step}");
        let raw = pty.raw_text();
        assert_eq!(raw.contains("\x1b[?1049h"), modes, "{step}");
        assert_eq!(raw.matches("\x1b[?1049l").count(), usize::from(modes), "{step}: only what was begun is undone");
        assert!(raw.contains(&format!("boom after {step}")), "{raw:?}");
    }
}

#[test]
fn t01_kitty_flags_are_popped_when_pushed() {
    let mut pty = start("kitty");
    pty.send("q");
    assert_eq!(pty.wait_end(), Ended::Code(0));
    assert!(pty.raw_text().contains("\x1b[>1u"));
    pty.assert_restored();
    let raw = pty.raw_text();
    assert!(raw.rfind("\x1b[<u") < raw.rfind("\x1b[?1049l"), "on the screen they were pushed on");
}

#[test]
fn t04_a_vanished_terminal_with_sighup_ignored_ends_the_program() {
    for mode in ["no signals", "loop"] {
        let mut pty = command(mode).ignore_hang_up().spawn();
        pty.wait_for_text("READY");
        let (before, since) = (pty.cpu_ms(), std::time::Instant::now());
        pty.hang_up();
        pty.wait_dead();
        let used = pty.cpu_ms() - before;
        // A twentieth, and a few of the kernel's ticks for the way out: a program that spins uses all of it.
        let allowed = since.elapsed().as_millis() as u64 / 20 + 30;
        assert!(used <= allowed, "{mode}: {used} ms of processor, {allowed} allowed");
        assert_eq!(pty.wait_end(), Ended::Code(129), "{mode}");
    }
}

#[test]
fn t04_a_vanished_terminal_in_the_middle_of_a_sequence_ends_the_program() {
    let mut pty = command("no signals").ignore_hang_up().spawn();
    pty.wait_for_text("READY");
    pty.send("\x1b[1;");
    // Time for the reading thread to get into the middle of it; the test is right without, but then proves less.
    for columns in 90..100 {
        pty.resize(columns, 24);
        pty.wait_for_text(&format!("size {columns}x24"));
    }
    pty.hang_up();
    assert_eq!(pty.wait_end(), Ended::Code(129));
}

#[test]
fn t10_a_broken_pipe_is_a_hang_up() {
    let mut pty = command("broken pipe").spawn();
    assert_eq!(pty.wait_end(), Ended::Code(129));
    pty.assert_restored();
}

#[test]
fn t06_t26_a_terminal_that_takes_nothing_holds_up_neither_keys_nor_the_end() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("tell");
    let listener = UnixListener::bind(&path).unwrap();
    let mut pty = command("busy").size(200, 50).env("TELL", &path).spawn();
    let (told, _) = listener.accept().unwrap();
    told.set_read_timeout(Some(crate::support::pty::DEADLINE)).unwrap();
    let mut told = BufReader::new(told).lines();
    let mut next = move || told.next().unwrap().unwrap();
    // From here on nothing is read from the pty.
    while next() != "stuck" {}
    pty.send("R");
    assert_eq!(next(), "R");
    pty.send("y");
    assert_eq!(next(), "y");
    pty.signal(Signal::TERM);
    assert_eq!(pty.wait_end_unread(), Ended::Code(143));
    assert!(pty.termios_as_before());
}

#[test]
fn t21_t26_a_slow_terminal_sees_whole_frames_and_the_last_one() {
    let mut pty = command("busy").size(200, 50).spawn();
    pty.wait_for_raw("some frames", |raw| String::from_utf8_lossy(raw).matches("\x1b[?2026h").count() > 10);
    pty.send("x");
    pty.wait_for_text("still");
    pty.wait_for_raw("the end of the frame", |raw| raw.ends_with(b"\x1b[?2026l"));
    let raw = pty.raw_text();
    let frames: Vec<&str> = raw.split("\x1b[?2026h").skip(1).collect();
    assert!(frames.iter().all(|f| f.ends_with("\x1b[?2026l")), "nothing outside a frame, none in two parts");
    pty.send("q");
    assert_eq!(pty.wait_end(), Ended::Code(0));
    pty.assert_restored();
}

#[test]
fn t08_a_storm_of_sizes_ends_with_the_right_screen() {
    let mut pty = start("loop");
    for n in 0..200_u16 {
        pty.resize(1 + (n * 7) % 200, 1 + (n * 3) % 60);
    }
    pty.resize(1, 1);
    pty.resize(100, 30);
    pty.wait_for_text("size 100x30");
    pty.wait_for("the corner", |screen| screen.cell(29, 99).is_some_and(|c| c.contents() == "#"));
    pty.send("q");
    assert_eq!(pty.wait_end(), Ended::Code(0));
    pty.assert_restored();
}

#[test]
fn t07_a_suspended_session_is_taken_again() {
    let mut pty = start("loop");
    pty.send("s");
    pty.wait_for_text("resumed");
    assert!(pty.screen().alternate_screen() && pty.screen().contents().contains("READY"));
    assert!(pty.raw_text().contains("\x1b[?1049l"));
    pty.send("z");
    pty.wait_for_text("Char('z')");
    pty.send("q");
    assert_eq!(pty.wait_end(), Ended::Code(0));
    pty.assert_restored();
}

fn job() -> Pty {
    let mut pty = command("loop").under_a_shell().spawn();
    pty.wait_for_text("READY");
    pty
}

fn ends_as_a_job(mut pty: Pty) {
    pty.send("q");
    pty.wait_for_text("ENDED 0");
    assert_eq!(pty.wait_end(), Ended::Code(0));
    pty.assert_restored();
}

#[test]
fn t07_ctrl_z_gives_the_terminal_to_the_shell_and_fg_takes_it_back() {
    for from_outside in [false, true] {
        let mut pty = job();
        if from_outside {
            pty.signal_child(pty.children()[0], Signal::TSTP);
        } else {
            pty.send("Z");
        }
        pty.wait_for_text("STOPPED");
        let screen = pty.screen();
        assert!(!screen.alternate_screen() && !screen.hide_cursor(), "{from_outside} {:?}", pty.raw_text());
        assert!(pty.termios_as_before(), "the shell has its terminal");
        pty.resize(100, 30);
        pty.send("\n");
        pty.wait_for_text("back at 100x30");
        pty.wait_for("the corner", |screen| screen.cell(29, 99).is_some_and(|c| c.contents() == "#"));
        assert!(pty.screen().alternate_screen() && pty.screen().bracketed_paste() && !pty.termios_as_before());
        assert!(pty.screen().contents().contains("READY"), "painted whole");
        ends_as_a_job(pty);
    }
}

#[test]
fn t07_a_stop_that_nobody_announced_is_mended_when_it_goes_on() {
    let mut pty = job();
    pty.signal_child(pty.children()[0], Signal::STOP);
    pty.wait_for_text("STOPPED");
    pty.resize(90, 20);
    pty.send("\n");
    pty.wait_for_text("back at 90x20");
    pty.wait_for("the corner", |screen| screen.cell(19, 89).is_some_and(|c| c.contents() == "#"));
    assert!(!pty.screen().contents().contains("STOPPED"), "painted over:\n{}", pty.screen().contents());
    ends_as_a_job(pty);
}

#[test]
fn t07_without_a_shell_to_go_on_from_it_does_not_stop() {
    let mut pty = start("loop");
    pty.send("Z");
    pty.wait_for_text("no shell is there");
    pty.signal(Signal::TSTP);
    pty.send("z");
    pty.wait_for_text("Char('z')");
    pty.send("q");
    assert_eq!(pty.wait_end(), Ended::Code(0));
    pty.assert_restored();
}

#[test]
fn t30_t31_pastes_and_focus_arrive_as_what_they_are() {
    let mut pty = start("loop");
    pty.send("\x1b[200~Ry\nSv42\n\x1b[201~");
    pty.wait_for_text(r#"Paste("Ry\nSv42\n")"#);
    pty.send("\x1b[O");
    pty.wait_for_text("FocusLost");
    pty.send("\x1b[I");
    pty.wait_for_text("FocusGained");
    assert!(!pty.screen().contents().contains("Char"), "{}", pty.screen().contents());
}

#[test]
fn t30_an_unmarked_paste_gives_no_keys() {
    let mut pty = start("loop");
    pty.send("Ry\nSv42\n");
    pty.wait_for_text("LooksLikePaste");
    pty.send("\x1b[B");
    pty.wait_for_text("Down");
    assert!(!pty.screen().contents().contains("Char"), "{}", pty.screen().contents());
}

#[test]
fn t30_more_than_the_parser_reads_at_once_does_not_get_stuck() {
    let mut pty = start("loop");
    pty.send("Ry, ".repeat(750));
    pty.wait_for_text("LooksLikePaste");
    // A key right behind the paste may be dropped with it; one after it arrives.
    pty.send_until("\x1b[B", "Down", |screen| screen.contents().contains("Down"));
}

#[test]
fn t36_answers_nobody_asked_for_give_no_keys() {
    let mut pty = start("loop");
    pty.send("\x1b]11;rgb:RyRy/RyRy/RyRy\x1b\\\x1b[?99$y\x1bP1$r0Ry\x1b\\\x1b_Ry\x1b\\\x1b[MRyy\x1b[B");
    pty.wait_for_text("Down");
    assert!(!pty.screen().contents().contains("Char"), "{}", pty.screen().contents());
}

#[test]
fn t32_the_rest_of_a_split_sequence_is_no_key() {
    for rest in ["[A", "[H", "OR", "OS", "[1;2R"] {
        let mut pty = start("loop");
        pty.send("\x1b");
        pty.wait_for_text("Esc");
        pty.send(rest);
        pty.send("\x1b[B");
        pty.wait_for_text("Down");
        assert!(!pty.screen().contents().contains("Char"), "{rest}: {}", pty.screen().contents());
    }
}

#[test]
fn t32_esc_and_then_the_way_back_by_hand_are_keys() {
    let mut pty = start("loop");
    for (key, seen) in [("\x1b", "Esc"), ("R", "Char('R')"), ("y", "Char('y')")] {
        pty.send(key);
        pty.wait_for_text(seen);
    }
}

#[test]
fn without_a_terminal_it_refuses_and_writes_nothing() {
    let out = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "modes::program", "--nocapture", "--test-threads=1"])
        .env("PROGRAM", "loop")
        .stdin(std::process::Stdio::null())
        .output()
        .unwrap();
    assert_eq!(out.status.code(), Some(1));
    assert!(!out.stdout.contains(&0x1b) && !out.stderr.contains(&0x1b), "{out:?}");
}

/// Ctrl-Z, signals, pseudo-terminals and the gateway's admin socket are Unix's; nothing of this is built for Windows, and
/// that is said instead of left out.
#[test]
fn t54_windows_is_not_built() {
    assert_eq!(std::env::consts::FAMILY, "unix");
    println!(
        "NOT APPLICABLE windows: cutover is built on Unix terminals, signals and sockets; on Windows use it over SSH or in WSL"
    );
}
