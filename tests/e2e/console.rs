//! The console in a real pty, on a gateway and model servers that live.

use rustix::process::Signal;
use vt100::Screen;

use crate::support::pty::{Ended, Pty};
use crate::support::stage::{Set, Stage, eventually};

/// Starts the console and waits until everything was seen and every gate has passed.
pub fn open(stage: &Stage) -> Pty {
    let mut pty = stage.console().spawn();
    ready(&mut pty);
    pty
}

pub fn ready(pty: &mut Pty) {
    pty.wait_for("both versions", |screen| has(screen, "BLUE v1") && has(screen, "GREEN v2") && has(screen, "1/1"));
}

pub fn has(screen: &Screen, text: &str) -> bool {
    screen.contents().contains(text)
}

/// `P`, and `y` once it counts.
fn promote(pty: &mut Pty) {
    pty.send("P");
    pty.wait_for("the box, armed", |screen| has(screen, "y = promote") && !has(screen, "(wait)"));
    pty.send("y");
}

/// Leaves the line that asks for the reason of a rollback.
pub fn no_reason(pty: &mut Pty) {
    pty.wait_for_text("WHY was it rolled back");
    pty.send("\x1b");
    pty.wait_for("the line to close", |screen| !has(screen, "WHY was it rolled back"));
}

/// Leaves, with nothing open.
pub fn quit(pty: &mut Pty) {
    pty.send("q");
    assert_left(pty, 0);
}

pub fn assert_left(pty: &mut Pty, code: i32) {
    assert_eq!(pty.wait_end(), Ended::Code(code), "{}", pty.screen().contents());
    pty.assert_restored();
}

#[test]
fn t01_it_draws_promotes_rolls_back_and_gives_the_terminal_back() {
    let stage = Stage::with_gates();
    let mut pty = open(&stage);
    pty.wait_for("the gates", |screen| has(screen, "2 PASS") && has(screen, "golden") && has(screen, "health"));
    assert!(pty.screen().alternate_screen() && pty.screen().bracketed_paste());
    for (columns, rows) in [(120, 35), (60, 20), (80, 24)] {
        pty.resize(columns, rows);
        pty.wait_for("the screen in its new size", |screen| {
            let lines: Vec<String> = screen.rows(0, columns).collect();
            lines[0].contains("TEST")
                && lines.iter().any(|line| line.contains("GATES"))
                && lines[usize::from(rows) - 2].contains("ROLLBACK")
        });
    }
    promote(&mut pty);
    stage.wait_share(10);
    pty.wait_for("the step on the screen", |screen| has(screen, "SHIFT 1/3"));
    pty.wait_for("the read-back in the log", |screen| has(screen, "VERIFIED: router says 90/10"));
    let told = pty.screen().contents().matches("promote green 0 > 10%").count();
    assert_eq!(told, 1, "once:\n{}", pty.screen().contents());
    assert_eq!(stage.status()["phase"], "shifting", "every process comes to the same");
    pty.send("Ry");
    stage.wait_share(0);
    pty.wait_for_text("ROLLED BACK");
    no_reason(&mut pty);
    quit(&mut pty);
    let journal = stage.journal();
    for fact in ["opened", "started", "ordered", "verified", "\"quit\"", "op1"] {
        assert!(journal.contains(fact), "{fact} in {journal}");
    }
    stage.run(&["journal", "verify"]).ends(0);
}

#[test]
fn t06_a_termination_ends_it_even_while_the_gateway_hangs() {
    let stage = Stage::new();
    stage.meddle(40);
    let mut pty = open(&stage);
    let gateway = stage.gateway.as_ref().unwrap();
    gateway.signal(Signal::STOP);
    pty.send("Ry");
    pty.wait_for_text("ROLLING BACK");
    let sent = std::time::Instant::now();
    pty.signal(Signal::TERM);
    assert_left(&mut pty, 143);
    // Generous for a busy machine; a console that waited for the gateway would need more than twice this.
    assert!(sent.elapsed().as_secs() < 5, "{:?}", sent.elapsed());
    gateway.signal(Signal::CONT);
    assert!(stage.journal().contains("SIGTERM"), "{}", stage.journal());
}

#[test]
fn an_order_without_an_answer_is_unknown_and_settled_by_reading() {
    let stage = Stage::new();
    let mut pty = open(&stage);
    pty.send("P");
    pty.wait_for("the box, armed", |screen| has(screen, "y = promote") && !has(screen, "(wait)"));
    let gateway = stage.gateway.as_ref().unwrap();
    gateway.signal(Signal::STOP);
    pty.send("y");
    pty.wait_for_text("SENT");
    stage.wait_journal("\"unknown\"");
    gateway.signal(Signal::CONT);
    pty.wait_for("the read-back", |screen| has(screen, "VERIFIED: ") || has(screen, "not carried out"));
    let status = stage.status();
    match status["last_order"]["state"].as_str() {
        Some("verified") => assert_eq!(stage.share(), Some(10)),
        Some("failed") => assert_eq!(stage.share(), Some(0)),
        other => panic!("{other:?}: {status}"),
    }
    stage.run(&["journal", "verify"]).ends(0);
    quit(&mut pty);
}

#[test]
fn t05_a_line_that_drops_holds_or_rolls_back_as_configured() {
    for (policy, after) in [("hold", 10), ("rollback", 0)] {
        let stage = Stage::with(&Set { on_disconnect: policy, ..Set::default() });
        let mut pty = open(&stage);
        promote(&mut pty);
        stage.wait_share(10);
        pty.wait_for_text("SHIFT 1/3");
        pty.hang_up();
        assert_eq!(pty.wait_end_unread(), Ended::Code(129), "{policy}");
        assert_eq!(stage.share(), Some(after), "{policy}: {}", stage.journal());
        let journal = stage.journal();
        assert!(journal.contains("operator disconnected"), "{policy}: {journal}");
        assert!(journal.contains("SIGHUP") || journal.contains("terminal gone"), "{policy}: {journal}");
        stage.run(&["journal", "verify"]).ends(0);
    }
}

#[test]
fn t04_a_terminal_that_is_gone_ends_it_though_hang_up_is_ignored() {
    let stage = Stage::new();
    let mut pty = stage.console().ignore_hang_up().spawn();
    ready(&mut pty);
    pty.hang_up();
    assert_eq!(pty.wait_end_unread(), Ended::Code(129));
    assert!(stage.journal().contains("operator disconnected"), "{}", stage.journal());
}

#[test]
fn a_killed_console_leaves_traffic_and_the_next_one_tells() {
    let stage = Stage::new();
    let mut pty = open(&stage);
    promote(&mut pty);
    stage.wait_share(10);
    pty.wait_for_text("SHIFT 1/3");
    pty.signal(Signal::KILL);
    assert_eq!(pty.wait_end(), Ended::Signal(9));
    assert_eq!(stage.share(), Some(10));
    let mut next = open(&stage);
    next.wait_for("where it stands", |screen| has(screen, "SHIFT 1/3") && has(screen, "promote"));
    promote(&mut next);
    stage.wait_share(50);
    // Killed with an order under way: the gateway takes it and cannot answer.
    let gateway = stage.gateway.as_ref().unwrap();
    next.wait_for_text("SHIFT 2/3");
    gateway.signal(Signal::STOP);
    next.send("Ry");
    next.wait_for_text("ROLLING BACK");
    stage.wait_journal("\"rollback\"");
    next.signal(Signal::KILL);
    next.wait_end();
    gateway.signal(Signal::CONT);
    let mut last = open(&stage);
    last.wait_for("what was under way", |screen| has(screen, "(rollback to 100/0) by op1 was SENT"));
    // The gateway takes what stood in its socket, or never got it; what the record says must be what it did.
    eventually("the order to be settled", || {
        last.wait_for("a screen", |_| true);
        let order = &stage.status()["last_order"];
        match order["state"].as_str() {
            Some("verified") => stage.share() == Some(0),
            Some("failed") => stage.share() == Some(50),
            _ => false,
        }
    });
    stage.run(&["rollback", "--yes"]).ends(0);
    last.wait_for_text("ROLLED BACK");
    quit(&mut last);
}

#[test]
fn a_second_console_looks_on_rolls_back_and_takes_over() {
    let stage = Stage::new();
    let mut first = open(&stage);
    promote(&mut first);
    stage.wait_share(10);
    let mut second = open(&stage);
    second.wait_for("who drives", |screen| has(screen, "op1 (pid"));
    second.send("P");
    second.wait_for("that it is read-only", |screen| has(screen, "read-only"));
    assert_eq!(stage.share(), Some(10));
    // The way back needs no lease.
    second.send("Ry");
    stage.wait_share(0);
    first.wait_for_text("ROLLED BACK");
    second.wait_for_text("ROLLED BACK");
    no_reason(&mut second);
    second.send("W");
    second.wait_for("the box, armed", |screen| has(screen, "TAKE OVER") && !has(screen, "(wait)"));
    second.send("y");
    let header = |screen: &Screen| screen.rows(0, 80).next().unwrap_or_default();
    first.wait_for("that another drives", |screen| header(screen).contains("op1 (pid"));
    second.wait_for("that it drives", |screen| !header(screen).contains("pid"));
    assert!(stage.journal().contains("took_over"), "{}", stage.journal());
    quit(&mut second);
    quit(&mut first);
}

#[test]
fn read_only_cannot_even_roll_back() {
    let stage = Stage::new();
    stage.meddle(40);
    let mut pty = stage.console().args(["--read-only"]).spawn();
    ready(&mut pty);
    pty.send("Ry");
    pty.wait_for("the refusal", |screen| has(screen, "rollback") && has(screen, "read-only"));
    assert_eq!(stage.share(), Some(40));
    pty.send("\x1b");
    pty.wait_for("the preview to close", |screen| !has(screen, "PREVIEW"));
    quit(&mut pty);
    assert_eq!(stage.share(), Some(40));
}

#[test]
fn t11_t18_plain_terminals_get_plain_bytes() {
    let stage = Stage::new();
    let mut pty = stage.console().env("NO_COLOR", "1").env("LANG", "C").spawn();
    ready(&mut pty);
    pty.send("?");
    pty.wait_for("help", |screen| has(screen, "roll"));
    pty.send("\x1b");
    pty.wait_for("help to close", |screen| !has(screen, "Esc close"));
    quit(&mut pty);
    assert!(pty.raw_output().is_ascii(), "LANG=C: ASCII alone");
    for sgr in sgrs(&pty.raw_text()) {
        let colours = sgr.split([';', ':']).any(|n| {
            n.parse().is_ok_and(|n: u8| (30..=49).contains(&n) && n != 39 && n != 49 || (90..=107).contains(&n))
        });
        assert!(!colours, "NO_COLOR: {sgr}");
    }
}

/// The parameters of every SGR sequence.
fn sgrs(text: &str) -> Vec<String> {
    let ends = |part: &str| part.find(|c: char| c.is_ascii_alphabetic()).map(|at| part.split_at(at).0.to_owned());
    text.split("\x1b[")
        .skip(1)
        .filter(|part| part.trim_start_matches(|c: char| !c.is_ascii_alphabetic()).starts_with('m'))
        .filter_map(ends)
        .collect()
}
