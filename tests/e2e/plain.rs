//! Where there is no terminal: one frame, lines, exit codes, and ways to go wrong.

use std::process::{Command, Stdio};

use rustix::process::Signal;

use crate::support::stage::{BIN, Kid, Set, Stage, eventually, finish, run};

#[test]
fn t41_one_plain_frame_and_the_code_of_the_state() {
    let mut stage = Stage::with_gates();
    let once = |stage: &Stage, args: &[&str], locale: &str| {
        let mut command = stage.command(&[&["--once"][..], args].concat());
        run(command.env("LC_ALL", locale).env("COLUMNS", "garbage"))
    };
    let ran = once(&stage, &[], "C").ends(0);
    assert!(ran.out.is_ascii() && !ran.out.contains('\x1b'), "{}", ran.out);
    assert!(ran.out.lines().all(|line| line.len() <= 80 && !line.ends_with(' ')), "{}", ran.out);
    assert!(ran.out.contains("TEST") && ran.out.contains("GATES") && ran.out.contains("ROLLBACK"), "{}", ran.out);
    let ran = once(&stage, &["--width", "120", "--height", "30"], "C.UTF-8").ends(0);
    assert_eq!(ran.out.lines().count(), 30, "{}", ran.out);
    assert!(ran.out.lines().any(|line| line.chars().count() > 80) && !ran.out.contains('\x1b'), "{}", ran.out);
    assert_eq!(once(&stage, &["-o", "json"], "C").ends(0).json()["service"], "digits");
    stage.run(&["gates", "run"]).ends(0);
    stage.run(&["promote", "--yes"]).ends(0);
    once(&stage, &[], "C").ends(0);
    stage.run(&["pause", "--yes"]).ends(0);
    assert!(once(&stage, &[], "C").ends(6).out.contains("PAUSED"));
    stage.run(&["rollback", "--yes"]).ends(0);
    once(&stage, &[], "C").ends(5);
    stage.meddle(33);
    once(&stage, &[], "C").ends(3);
    stage.gateway = None;
    once(&stage, &[], "C").ends(9);
}

#[test]
fn t41_a_failed_gate_is_3() {
    let mut stage = Stage::with_gates();
    stage.green("wrong");
    stage.run(&["gates", "run"]).ends(3);
    let ran = stage.run(&["--once"]).ends(3);
    assert!(ran.out.contains("FAIL"), "{}", ran.out);
}

#[test]
fn t39_without_a_terminal_the_console_tells_what_changes() {
    let stage = Stage::new();
    for args in [&[][..], &["--linear"], &["--read-only"]] {
        let mut kid = Kid::of(&mut stage.command(args));
        let first = kid.line("the split", |line| line.contains("split 100/0"));
        kid.line("that there is nothing to roll back", |line| line.contains("nothing to roll back: blue"));
        assert!(!first.contains('\x1b'));
        kid.signal(Signal::TERM);
        assert_eq!(kid.wait(), Some(143), "{args:?}");
    }
    let mut kid = Kid::of(&mut stage.command(&[]));
    kid.line("its start", |line| line.contains("phase"));
    // Words on a pipe are no words of a person.
    kid.say("rollback\nyes");
    stage.meddle(20);
    kid.line("what another client did", |line| line.contains("split 80/20"));
    assert_eq!(stage.share(), Some(20));
    stage.run(&["drive"]).ends(2).says("terminal");
}

#[test]
fn t43_a_reader_that_sleeps_does_not_hold_up_a_signal() {
    let stage = Stage::with_gates();
    let logs = stage.dir().join("var/state/gates");
    stage.run(&["gates", "run"]).ends(0);
    let info = stage.run(&["info", "-o", "json"]).json();
    let dir = info["gate_logs"].as_str().map_or(logs, std::path::PathBuf::from);
    let file = std::fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().path());
    let file = file.into_iter().find(|path| path.to_string_lossy().contains("golden")).unwrap();
    // Far more than a pipe holds.
    let line = format!("2026-01-01T00:00:00.000Z INFO golden: {}\n", "x".repeat(200));
    std::fs::write(&file, line.repeat(10_000)).unwrap();
    let mut command = stage.command(&["logs", "golden", "-f", "-n", "10000"]);
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let unread = child.stdout.take().unwrap();
    eventually("the pipe to be full", || rustix::io::ioctl_fionread(&unread).is_ok_and(|bytes| bytes > 60_000));
    rustix::process::kill_process(rustix::process::Pid::from_child(&child), Signal::TERM).unwrap();
    assert_eq!(finish(child, "logs -f").code, Some(143));
    drop(unread);
}

#[test]
fn t43_head_ends_a_watch_that_has_nothing_more_to_say() {
    let stage = Stage::new();
    let script = r#""$0" -c "$1" watch | head -1"#;
    let ran = run(Command::new("sh").args(["-c", script, BIN]).arg(&stage.config)).ends(0);
    assert!(ran.out.contains("phase") && ran.err.is_empty(), "{ran:?}");
}

#[test]
fn closed_streams_are_no_reason_to_fall_over() {
    let stage = Stage::new();
    for (verb, redirect, code) in [
        ("status", ">&-", 0),
        ("status", "<&-", 0),
        ("status", "2>&-", 0),
        ("--once", ">&- <&- 2>&-", 0),
        ("promote", "<&-", 2),
        ("drive", "<&- >&-", 2),
        ("rollback --yes", "<&- >&- 2>&-", 0),
    ] {
        let script = format!(r#""$0" -c "$1" {verb} {redirect}"#);
        let ran = run(Command::new("sh").args(["-c", &script, BIN]).arg(&stage.config));
        assert_eq!(ran.code, Some(code), "{verb} {redirect}: {ran:?}");
        assert!(!ran.err.contains("panic"), "{ran:?}");
    }
}

/// The config again, with something else where the state directory was.
fn moved_state(stage: &Stage, to: &std::path::Path) -> std::path::PathBuf {
    let text = std::fs::read_to_string(&stage.config).unwrap();
    let was = format!("dir = \"{}/var/state\"", stage.dir().display());
    assert!(text.contains(&was), "{text}");
    let other = stage.dir().join("other.toml");
    std::fs::write(&other, text.replace(&was, &format!("dir = \"{}\"", to.display()))).unwrap();
    other
}

#[test]
fn t46_no_state_directory_stops_a_rollback_and_every_one_stops_forward() {
    let stage = Stage::new();
    let file = stage.dir().join("plain");
    std::fs::write(&file, "a file").unwrap();
    let broken = stage.dir().join("broken");
    std::fs::create_dir_all(broken.join("journal.jsonl")).unwrap();
    for (state, code) in [(&file, 78), (&broken, 1)] {
        let config = moved_state(&stage, state);
        let run = |args: &[&str]| {
            run(Command::new(BIN).arg("-c").arg(&config).args(args).env("USER", "op1").env("TMPDIR", stage.dir()))
        };
        stage.meddle(40);
        for verb in [&["promote", "--yes"][..], &["pause", "--yes"], &["status"], &["rollback", "--dry-run"]] {
            let ran = run(verb);
            assert_eq!(ran.code, Some(code), "{verb:?} {ran:?}");
        }
        let ran = run(&["rollback", "--yes"]).ends(0).says("THE JOURNAL CANNOT BE READ");
        assert_eq!(stage.share(), Some(0));
        let place = ran.err.split("is recorded in ").nth(1).unwrap().lines().next().unwrap().to_owned();
        let record = std::fs::read_to_string(&place).unwrap();
        assert!(record.contains("\"rollback\"") && record.contains("op1"), "{record}");
        // All on one side, and nobody knows from where: that is told, not taken for done.
        stage.meddle(100);
        run(&["rollback", "--yes"]).ends(1).says("nobody can tell");
        assert_eq!(stage.share(), Some(100));
    }
}

#[test]
fn t50_wait_returns_the_codes_of_its_goals() {
    let stage = Stage::with(&Set { bake: "0s", ..Set::default() });
    let wait = |goal: &str, code: i32| {
        stage.run(&["wait", &format!("--for={goal}"), "--timeout", "2s"]).ends(code);
    };
    for (goal, code) in [("verified", 10), ("paused", 10), ("rolled-back", 10), ("done", 10), ("ready", 0)] {
        wait(goal, code);
    }
    stage.run(&["promote", "--yes"]).ends(0);
    wait("verified", 0);
    stage.run(&["hold", "--yes"]).ends(0);
    for (goal, code) in [("paused", 0), ("done", 6), ("switched", 6)] {
        wait(goal, code);
    }
    stage.run(&["rollback", "--yes"]).ends(0);
    for (goal, code) in [("rolled-back", 0), ("done", 5), ("switched", 5)] {
        wait(goal, code);
    }
}
