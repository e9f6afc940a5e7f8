//! The demo without a terminal: every scenario ends as it should, and nothing of it is left.

use std::panic::catch_unwind;
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;
use std::thread;

use rustix::process::Signal;

use crate::replay::assert_same_figures;
use crate::support::stage::{BIN, Kid, eventually, run};

/// The processes that have `parent` for a parent.
fn children(parent: u32) -> Vec<u32> {
    let path = format!("/proc/{parent}/task/{parent}/children");
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.split_whitespace().map(|pid| pid.parse().unwrap()).collect()
}

/// Whether process `pid` is there and no zombie.
fn lives(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(") ").next().is_some_and(|rest| !rest.is_empty() && !rest.starts_with('Z'))
}

fn demo(scenario: &str, dir: &Path) -> Kid {
    let mut command = Command::new(BIN);
    command.args(["demo", "--linear", "--scenario", scenario, "--rps", "60", "--record"]);
    command.arg(dir.join("tape")).arg("--dir").arg(dir);
    let kid = Kid::of(command.env("HOME", dir));
    kid.line("that it runs", |line| line.contains("cutover -c"));
    kid
}

#[test]
fn every_scenario_ends_as_it_should_and_leaves_nothing() {
    let scenarios = [
        ("good", 0, "green is live"),
        ("wrong-green", 3, "gate golden"),
        ("slow-green", 5, "guard p"),
        ("flaky-green", 5, "guard error_rate"),
        ("worse-green", 5, "% worse than blue"),
        ("dead-green", 5, "first users by"),
        ("sluggish-green", 3, "gate health"),
        ("fragile-green", 3, "gate smoke"),
        ("narrow-green", 3, "gate load"),
        ("dead-blue", 4, "the way back is lost"),
    ];
    // Three at a time: every story measures latencies, and all of them at once on two cores measure each other.
    let (coming, played) = (Mutex::new(scenarios.into_iter()), Mutex::new(Vec::new()));
    let next = || coming.lock().unwrap().next();
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while let Some(story) = next() {
                    let ended = catch_unwind(|| play(story.0));
                    played.lock().unwrap().push((story, ended));
                }
            });
        }
    });
    let played = played.into_inner().unwrap();
    assert_eq!(played.len(), scenarios.len());
    for ((scenario, code, by), played) in played {
        let (ended, told) = played.unwrap_or_else(|_| panic!("{scenario} failed, see above"));
        assert_eq!(ended, Some(code), "{scenario}: {told}");
        assert!(told.contains(&format!("(exit code {code})")) && told.contains(by), "{scenario}: {told}");
    }
}

fn play(scenario: &str) -> (Option<i32>, String) {
    let dir = tempfile::tempdir().unwrap();
    let mut kid = demo(scenario, dir.path());
    let pids = children(kid.id());
    assert_eq!(pids.len(), 4, "{scenario}: gateway, two servers, load");
    let mut lines = Vec::new();
    let told = kid.line("the outcome", |line| {
        lines.push(line.to_owned());
        line.starts_with("outcome:") || line.contains("in time")
    });
    let code = kid.wait();
    assert_same_figures(&dir.path().join("tape"), &lines);
    for pid in pids {
        eventually(&format!("{scenario}: child {pid} ends"), || !lives(pid));
    }
    let config = dir.path().join("cutover.toml");
    run(Command::new(BIN).arg("-c").arg(config).args(["journal", "verify"])).ends(0);
    (code, told)
}

#[test]
fn a_running_demo_is_used_from_elsewhere_and_ends_with_its_process() {
    let dir = tempfile::tempdir().unwrap();
    let mut kid = demo("good", dir.path());
    let pids = children(kid.id());
    assert_eq!(pids.len(), 4);
    let on_it = |args: &[&str]| run(Command::new(BIN).arg("-c").arg(dir.path().join("cutover.toml")).args(args));
    let status = on_it(&["status", "-o", "json"]).json();
    assert_eq!(status["service"], "digits");
    assert_eq!(status["sides"]["blue"]["version"]["name"], "v1");
    on_it(&["rollback", "--yes"]).ends(0);
    let mut again = Command::new(BIN);
    run(again.args(["demo", "--linear", "--dir"]).arg(dir.path())).ends(1).says("another directory");
    kid.signal(Signal::KILL);
    assert_eq!(kid.wait(), None);
    for pid in pids {
        eventually(&format!("child {pid} ends with its parent"), || !lives(pid));
    }
    on_it(&["journal", "verify"]).ends(0);
}

#[test]
fn a_temporary_directory_goes_with_the_demo() {
    let dir = tempfile::tempdir().unwrap();
    let mut command = Command::new(BIN);
    let mut kid = Kid::of(command.args(["demo", "--linear"]).env("TMPDIR", dir.path()));
    kid.line("that it runs", |line| line.contains("cutover -c"));
    let pids = children(kid.id());
    kid.signal(Signal::TERM);
    assert_eq!(kid.wait(), Some(143));
    assert!(pids.iter().all(|pid| !lives(*pid)), "children first");
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0, "nothing is left");
}
