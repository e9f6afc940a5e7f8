//! What comes from outside and is wrong: texts, configs, ports, disks.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;

use crate::support::pty::{Ended, PtyCommand, Signal};
use crate::support::stage::{Kid, Set, Stage, eventually, run};

/// What a hostile server says wherever it can.
const HOSTILE: &str = "\\u001b]0;OWNED\\u0007\\u001b[31mEVIL\\u009b2J\\u202e\\u200b\\rX";

/// A server whose every answer is full of what must not reach a terminal.
pub fn hostile() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || answer(stream));
        }
    });
    url
}

fn answer(mut stream: TcpStream) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    loop {
        let (mut line, mut first, mut length) = (String::new(), String::new(), 0);
        while reader.read_line(&mut line).is_ok_and(|n| n > 2) {
            if first.is_empty() {
                first.clone_from(&line);
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            line.clear();
        }
        if first.is_empty() || reader.read_exact(&mut vec![0; length]).is_err() {
            return;
        }
        let (status, body) = if first.starts_with("GET /v2/models/digits") {
            ("200 OK", format!("{{\"versions\":[\"{HOSTILE}\"]}}"))
        } else if first.starts_with("GET") {
            ("200 OK", "{}".to_owned())
        } else {
            ("500 No", format!("{{\"error\":\"{HOSTILE}\"}} \u{1b}[31mEVIL\u{7}\u{9b}\u{202e}"))
        };
        let head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        if stream.write_all(head.as_bytes()).is_err() {
            return;
        }
    }
}

fn assert_clean(what: &str, text: &str) {
    for raw in ["\x1b[31mEVIL", "\x1b]0;OWNED", "\u{9b}", "\u{202e}", "\u{200b}", "\rX"] {
        assert!(!text.contains(raw), "{what}: {raw:?} in {text:?}");
    }
}

#[test]
fn texts_from_outside_never_reach_the_terminal_raw() {
    let stage = Stage::with(&Set { green: Some(hostile()), more: crate::support::stage::GATES, ..Set::default() });
    let mut pty = stage.console().size(120, 35).env("NO_COLOR", "1").spawn();
    pty.wait_for("the version and the failed gate", |screen| {
        let text = screen.contents();
        text.contains("GREEN EVIL") && text.contains("NYET  golden")
    });
    pty.send("3jj\n");
    pty.wait_for_text("status 500");
    pty.send(" ");
    pty.wait_for("an answer to the key", |screen| screen.contents().contains("FROZEN"));
    pty.signal(Signal::TERM);
    assert_eq!(pty.wait_end(), Ended::Code(143));
    assert_clean("console", &pty.raw_text());
    for args in
        [&["status"][..], &["gates"], &["events"], &["logs"], &["status", "-o", "json"], &["gates", "-o", "json"]]
    {
        let ran = stage.run(args);
        assert_clean(&format!("{args:?}"), &ran.out);
        assert_clean(&format!("{args:?}"), &ran.err);
        assert!(!ran.out.contains('\x1b'), "{args:?}: {:?}", ran.out);
    }
    stage.run(&["promote", "--yes"]).ends(3);
    assert_clean("journal", &stage.journal());
}

#[test]
fn t45_a_wrong_config_stops_the_start_with_line_and_remedy() {
    let stage = Stage::new();
    let good = std::fs::read_to_string(&stage.config).unwrap();
    let bad = stage.dir().join("bad.toml");
    for (from, to, line, remedy) in [
        ("bake = \"100ms\"", "bke = \"100ms\"", "bake = ", "bake"),
        ("steps = [10, 50, 100]", "steps = \"fast\"", "steps = ", "steps"),
        ("kind = \"embedded\"", "kind = \"embeded\"", "kind = ", "embedded"),
    ] {
        std::fs::write(&bad, good.replace(from, to)).unwrap();
        let number = 1 + good.lines().position(|l| l.starts_with(line)).unwrap();
        let place = format!("bad.toml:{number}");
        for verb in [&["status"][..], &["promote", "--yes"], &["rollback", "--yes"], &["gateway"], &["check"]] {
            let mut command = Command::new(crate::support::stage::BIN);
            run(command.arg("-c").arg(&bad).args(verb)).ends(78).says(&place).says(remedy);
        }
        let mut pty = PtyCommand::new(crate::support::stage::BIN).args(["-c", bad.to_str().unwrap()]).spawn();
        assert_eq!(pty.wait_end(), Ended::Code(78));
        assert!(!pty.raw_text().contains("\x1b[?1049h"), "no screen was taken");
    }
    let mut command = Command::new(crate::support::stage::BIN);
    run(command.args(["-c", "/nonexistent/cutover.toml", "status"])).ends(78).says("/nonexistent/cutover.toml");
}

#[test]
fn a_port_in_use_is_told() {
    let stage = Stage::new();
    // The admin socket answers: a second gateway on the same config would take traffic from the first.
    stage.run(&["gateway"]).ends(1);
    assert_eq!(stage.share(), Some(0), "the first one goes on");
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let other = stage.dir().join("other.toml");
    let text =
        std::fs::read_to_string(&stage.config).unwrap().replace(&stage.at, &taken.local_addr().unwrap().to_string());
    let text = text.replace("gateway.sock", "other.sock").replace("gateway.json", "other.json");
    std::fs::write(&other, text).unwrap();
    let mut command = Command::new(crate::support::stage::BIN);
    run(command.arg("-c").arg(&other).arg("gateway"))
        .ends(1)
        .says("in use")
        .says(&taken.local_addr().unwrap().to_string());
}

#[test]
fn check_tells_what_does_not_answer() {
    let mut stage = Stage::with_gates();
    stage.run(&["check"]).ends(0);
    stage.green("dead");
    let ran = stage.run(&["check"]);
    assert!(!matches!(ran.code, Some(0 | 101) | None), "{ran:?}");
    ran.says("green");
    stage.gateway = None;
    let ran = stage.run(&["check"]);
    assert!(!matches!(ran.code, Some(0 | 101) | None), "{ran:?}");
    ran.says("gateway");
}

/// A state directory that cannot be made again: a file stands where its parent was.
#[test]
fn t46_without_a_journal_there_is_a_way_back_and_none_forward() {
    let stage = Stage::new();
    stage.run(&["promote", "--yes"]).ends(0);
    let parent = stage.dir().join("var");
    std::fs::rename(&parent, stage.dir().join("var.gone")).unwrap();
    std::fs::write(&parent, "not a directory").unwrap();
    let ran = stage.run(&["promote", "--yes"]);
    assert!(ran.code == Some(1), "{ran:?}");
    ran.says("journal");
    assert_eq!(stage.share(), Some(10));
    stage.run(&["rollback", "--yes"]).ends(0);
    assert_eq!(stage.share(), Some(0));
}

/// A disk that is full: a file system of one page that is filled. Needs the right to mount in a namespace of its own.
#[test]
fn with_a_full_disk_there_is_a_way_back_and_none_forward() {
    let stage = Stage::new();
    stage.run(&["promote", "--yes"]).ends(0);
    let script = r#"mount -t tmpfs -o size=64k tmpfs "$1" || exit 99
        cat /dev/zero > "$1/fill" 2>/dev/null
        "$2" -c "$3" promote --yes; echo "promote $?"
        "$2" -c "$3" rollback --yes; echo "rollback $?""#;
    let dir = stage.dir().join("var/state");
    let mut command = Command::new("unshare");
    command.args(["--mount", "--map-root-user", "sh", "-c", script, "sh"]);
    command.arg(&dir).arg(crate::support::stage::BIN).arg(&stage.config);
    let ran = run(&mut command);
    if ran.code == Some(99) || ran.err.contains("unshare") {
        // Said aloud: this machine allows no namespaces, and the case of a file in the directory's place has run.
        eprintln!("not tested here, no mount allowed: {}", ran.err);
        return;
    }
    let ran = ran.says("promote 1").says("rollback 0");
    assert!(ran.err.contains("journal"), "{ran:?}");
    assert_eq!(stage.share(), Some(0));
}

#[test]
fn t43_a_reader_that_closes_ends_it_quietly() {
    let stage = Stage::new();
    for verb in ["watch -o ndjson", "status", "events", "man"] {
        let script = format!("exec 2>&1; (\"$1\" -c \"$2\" {verb}; echo code $? >&2) 2>&1 | head -1");
        let mut command = Command::new("sh");
        let ran = run(command.args(["-c", &script, "sh"]).arg(crate::support::stage::BIN).arg(&stage.config)).ends(0);
        if verb.contains("ndjson") {
            assert_eq!(ran.json()["service"], "digits");
        }
        assert!(!ran.out.contains("panic") && !ran.err.contains("Broken pipe"), "{verb}: {ran:?}");
    }
    let mut closed = Command::new("sh");
    let ran = run(closed
        .args(["-c", "\"$1\" -c \"$2\" status >&-", "sh"])
        .arg(crate::support::stage::BIN)
        .arg(&stage.config));
    assert!(ran.code.is_some_and(|code| code != 101) && !ran.err.contains("panic"), "{ran:?}");
}

#[test]
fn a_gateway_that_is_gone_stops_forward_and_tells_the_way_back() {
    let mut stage = Stage::new();
    stage.run(&["promote", "--yes"]).ends(0);
    stage.gateway = None;
    let status = stage.run(&["status", "-o", "json"]).json();
    assert_eq!(status["phase"], "unknown");
    assert!(status["split"]["observed"].is_null(), "old is not now: {}", status["split"]);
    stage.run(&["promote", "--yes", "--timeout", "3s"]).ends(9);
    let ran = stage.run(&["rollback", "--yes", "--timeout", "3s"]);
    assert!(matches!(ran.code, Some(9 | 10)), "not done, and said so: {ran:?}");
    // Started again while a rollback is on its way: it arrives by itself.
    let args = ["rollback", "--yes", "--timeout", "40s"];
    let mut rollback = Kid::of(&mut stage.command(&args));
    rollback.line("that it was sent", |line| line.contains("SENT"));
    stage.start_gateway();
    assert_eq!(rollback.wait(), Some(0));
    assert_eq!(stage.share(), Some(0));
    eventually("the record of it", || stage.status()["phase"] == "rolled_back");
}
