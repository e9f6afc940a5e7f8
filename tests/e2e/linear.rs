//! The console in lines, in a real pty, on a gateway and model servers that live.

use std::time::{Duration, Instant};

use crate::support::pty::{Ended, Pty, PtyCommand, Signal};
use crate::support::stage::{BIN, Set, Stage, eventually};

/// Starts the console in lines and waits for its first report.
fn open(stage: &Stage) -> Pty {
    opened(stage.console().args(["--linear"]))
}

fn opened(command: PtyCommand) -> Pty {
    let mut pty = command.spawn();
    says(&mut pty, "promote is blocked", "nothing blocks promote");
    pty
}

/// Waits until one of two texts was printed.
fn says(pty: &mut Pty, one: &str, other: &str) {
    pty.wait_for_raw(&format!("{one:?} or {other:?}"), |raw| {
        let text = String::from_utf8_lossy(raw);
        text.contains(one) || text.contains(other)
    });
}

/// Waits until `text` was printed `times` times in all.
fn told(pty: &mut Pty, text: &str, times: usize) {
    pty.wait_for_raw(text, |raw| String::from_utf8_lossy(raw).matches(text).count() >= times);
}

/// As long as an answer does not count, and somewhat more.
fn read_it() {
    let asked = Instant::now();
    eventually("the question to be read", || asked.elapsed() > Duration::from_millis(600));
}

/// Nothing but lines: no escape, nothing that moves a cursor, nothing but ASCII where the locale is C.
fn assert_lines(pty: &Pty) {
    let raw = pty.raw_output();
    assert!(raw.iter().all(|byte| matches!(byte, b'\r' | b'\n' | 0x20..0x7f)), "{}", pty.raw_text());
    assert!(!pty.raw_text().replace("\r\n", "\n").contains('\r'), "append only: {:?}", pty.raw_text());
    assert!(pty.termios_as_before(), "the terminal's settings were never touched");
}

#[test]
fn t51_a_rollout_in_words_with_a_way_back() {
    let stage = Stage::with_gates();
    let mut pty = opened(stage.console().args(["--linear"]).env("LANG", "C"));
    // Of a gate that was done before the first report only the report tells.
    told(&mut pty, "phase READY", 1);
    pty.send("gates\n");
    told(&mut pty, "1. health PASS", 1);
    told(&mut pty, "2. golden PASS", 1);
    pty.send("promote\n");
    told(&mut pty, "would send: PUT", 1);
    told(&mut pty, "type yes to promote", 1);
    read_it();
    assert_eq!(stage.share(), Some(0), "nothing before the answer");
    pty.send("yes\n");
    stage.wait_share(10);
    told(&mut pty, "VERIFIED: router says 90/10", 1);
    pty.send("status\n");
    told(&mut pty, "split blue 90 percent, green 10 percent", 1);
    // The way back takes no time: both words in one go.
    pty.send("rollback\nyes\n");
    stage.wait_share(0);
    told(&mut pty, "phase ROLLED BACK", 1);
    told(&mut pty, "type note and the reason", 1);
    pty.send("note drill of the month\n");
    told(&mut pty, "noted in the journal", 1);
    // Ctrl-D leaves; traffic stays.
    pty.send("\x04");
    assert_eq!(pty.wait_end(), Ended::Code(0));
    assert_lines(&pty);
    let journal = stage.journal();
    for fact in ["opened", "ordered", "drill of the month", "\"end of input\""] {
        assert!(journal.contains(fact), "{fact} in {journal}");
    }
    stage.run(&["journal", "verify"]).ends(0);
}

#[test]
fn t51_a_switch_wants_the_version_typed_and_help_lists_the_words() {
    let stage = Stage::new();
    let mut pty = open(&stage);
    pty.send("help\n");
    told(&mut pty, "8. rollback:", 1);
    pty.send("switch\n");
    told(&mut pty, "type the version: v2", 1);
    read_it();
    pty.send("yes\n");
    told(&mut pty, "that is not its version; nothing was sent", 1);
    pty.send("switch\n");
    told(&mut pty, "type the version: v2", 2);
    read_it();
    pty.send("v2\n");
    stage.wait_share(100);
    told(&mut pty, "phase SWITCHED", 1);
    pty.send("quit\n");
    assert_eq!(pty.wait_end(), Ended::Code(0));
    assert_eq!(stage.share(), Some(100));
    assert_lines(&pty);
}

#[test]
fn t30_a_paste_of_verb_and_answer_moves_nothing_forward() {
    let stage = Stage::new();
    let mut pty = open(&stage);
    pty.send("promote\nyes\nswitch\nv2\n");
    told(&mut pty, "before the question could be read; nothing was sent", 2);
    assert_eq!(stage.share(), Some(0));
    assert!(!stage.journal().contains("\"ordered\""), "{}", stage.journal());
    pty.send("quit\n");
    assert_eq!(pty.wait_end(), Ended::Code(0));
}

#[test]
fn t51_consent_is_void_once_the_state_moved() {
    let stage = Stage::new();
    let mut pty = open(&stage);
    pty.send("promote\n");
    told(&mut pty, "type yes to promote", 1);
    stage.meddle(40);
    told(&mut pty, "STATE CHANGED", 1);
    told(&mut pty, "nothing was sent", 1);
    read_it();
    pty.send("yes\n");
    told(&mut pty, "no word \"yes\"", 1);
    assert_eq!(stage.share(), Some(40));
    pty.signal(Signal::TERM);
    assert_eq!(pty.wait_end(), Ended::Code(143));
    assert_lines(&pty);
}

#[test]
fn t13_dumb_terminals_and_the_environment_get_lines() {
    let stage = Stage::new();
    let head = "cutover, digits: lines only";
    for (name, value) in [("TERM", "dumb"), ("TERM", ""), ("CUTOVER_LINEAR", "1")] {
        let mut pty = stage.console().env(name, value).spawn();
        told(&mut pty, head, 1);
        pty.send("quit\n");
        assert_eq!(pty.wait_end(), Ended::Code(0), "{name}={value}");
        assert_lines(&pty);
    }
    let script = r#"unset TERM; exec "$0" -c "$1""#;
    let config = stage.config.to_str().unwrap();
    let mut pty = PtyCommand::new("/bin/sh").args(["-c", script, BIN, config]).env("HOME", stage.dir()).spawn();
    told(&mut pty, head, 1);
    pty.send("quit\n");
    assert_eq!(pty.wait_end(), Ended::Code(0));
    assert_lines(&pty);
}

#[test]
fn the_second_one_looks_on_rolls_back_and_takes_over() {
    let stage = Stage::new();
    let mut first = open(&stage);
    stage.meddle(30);
    let mut second = open(&stage);
    told(&mut second, "drives; this console looks on and can roll back", 1);
    second.send("promote\n");
    told(&mut second, "promote is blocked: read-only: op1", 1);
    second.send("rollback\ny\n");
    stage.wait_share(0);
    second.send("takeover\n");
    told(&mut second, "type yes to take over", 1);
    read_it();
    second.send("yes\n");
    told(&mut second, "this console drives", 1);
    told(&mut first, "drives; this console looks on", 1);
    for pty in [&mut first, &mut second] {
        pty.send("quit\n");
        assert_eq!(pty.wait_end(), Ended::Code(0));
    }
    let mut looks = opened(stage.console().args(["--linear", "--read-only"]));
    looks.send("rollback\ny\n");
    told(&mut looks, "rollback is blocked: this console was started read-only", 1);
    looks.send("quit\n");
    assert_eq!(looks.wait_end(), Ended::Code(0));
}

#[test]
fn ctrl_c_is_asked_twice_and_moves_nothing() {
    let stage = Stage::new();
    stage.meddle(40);
    let mut pty = open(&stage);
    pty.send("\x03");
    told(&mut pty, "Ctrl-C again within 2 s leaves", 1);
    pty.send("\x03");
    assert_eq!(pty.wait_end(), Ended::Code(130));
    assert_eq!(stage.share(), Some(40));
}

#[test]
fn a_line_that_drops_holds_or_rolls_back_as_configured_in_lines_too() {
    for (policy, ignores, after) in [("hold", false, 10), ("rollback", false, 0), ("rollback", true, 0)] {
        let stage = Stage::with(&Set { on_disconnect: policy, ..Set::default() });
        let command = stage.console().args(["--linear"]);
        let mut pty = opened(if ignores { command.ignore_hang_up() } else { command });
        pty.send("promote\n");
        told(&mut pty, "type yes to promote", 1);
        read_it();
        pty.send("yes\n");
        stage.wait_share(10);
        told(&mut pty, "phase SHIFT", 1);
        pty.hang_up();
        assert_eq!(pty.wait_end_unread(), Ended::Code(129), "{policy} {ignores}");
        assert_eq!(stage.share(), Some(after), "{policy}: {}", stage.journal());
        assert!(stage.journal().contains("operator disconnected"), "{policy}: {}", stage.journal());
    }
}

#[test]
fn a_terminal_that_takes_nothing_holds_up_neither_the_way_back_nor_the_end() {
    let stage = Stage::new();
    stage.meddle(40);
    let mut pty = open(&stage);
    // Nobody reads from here on: help fills what the terminal holds, many times over.
    for _ in 0..60 {
        pty.send("help\n");
    }
    pty.send("rollback\nyes\n");
    stage.wait_share(0);
    pty.signal(Signal::TERM);
    assert_eq!(pty.wait_end_unread(), Ended::Code(143));
}

#[test]
fn the_demo_in_lines_can_be_talked_to() {
    let home = tempfile::tempdir().unwrap();
    let mut pty = PtyCommand::new(BIN).args(["demo", "--linear"]).env("HOME", home.path()).spawn();
    told(&mut pty, "cutover, digits: lines only", 1);
    pty.send("scenario nonsense\nscenario flaky-green\n");
    told(&mut pty, "no scenario \"nonsense\"", 1);
    told(&mut pty, "flaky-green: green passes", 1);
    pty.send("quit\n");
    assert_eq!(pty.wait_end(), Ended::Code(0));
    assert!(!pty.raw_output().contains(&0x1b), "{}", pty.raw_text());
}
