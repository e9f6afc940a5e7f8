//! Killed at any moment, nothing is lost: traffic stays where it was ordered, the record holds, the next one goes on.

use std::thread;
use std::time::{Duration, Instant};

use cutover::testing::domain::Side;
use rustix::process::Signal;

use crate::support::stage::{Kid, Stage, eventually, load};

/// Rounds of each of the two workers.
const ROUNDS: u32 = 20;

/// A command is killed after a random time, as many times as there are rounds; whatever it had come to, the next goes on.
#[test]
fn a_command_killed_at_any_moment_leaves_a_whole_record() {
    let workers: Vec<_> = [1, 2].map(|seed| thread::spawn(move || kill_commands(seed))).into_iter().collect();
    for worker in workers {
        worker.join().expect("see above");
    }
}

fn kill_commands(seed: u64) {
    let stage = Stage::new();
    let mut random = fastrand::Rng::with_seed(seed);
    let started = Instant::now();
    stage.run(&["promote", "--yes"]).ends(0);
    let whole = started.elapsed();
    stage.run(&["rollback", "--yes"]).ends(0);
    let mut allowed = vec![0];
    for round in 0..ROUNDS {
        let verb = if random.bool() { "promote" } else { "rollback" };
        // The next step of the plan, or back: anything else was not ordered.
        let now = stage.share().unwrap();
        let next =
            if verb == "rollback" { 0 } else { [10, 50, 100].into_iter().find(|step| *step > now).unwrap_or(100) };
        allowed = vec![now, next];
        let mut kid = Kid::of(&mut stage.command(&[verb, "--yes"]));
        let wait = Duration::from_secs_f64(whole.as_secs_f64() * random.f64() * 1.2);
        // The one place where time is let pass: the moment of the kill is what is tried.
        thread::park_timeout(wait);
        kid.signal(Signal::KILL);
        kid.wait();
        let share = stage.share().unwrap();
        assert!(allowed.contains(&share), "round {round} of seed {seed}: {verb} at {now} led to {share}");
        stage.run(&["journal", "verify"]).ends(0);
    }
    let status = stage.status();
    assert!(allowed.contains(&(status["split"]["observed"]["green"].as_u64().unwrap() as u8)), "{status}");
    // It goes on from here: back, and a whole rollout.
    stage.run(&["rollback", "--yes"]).ends(0);
    eventually("a promote", || stage.run(&["promote", "--yes"]).code == Some(0));
    assert_eq!(stage.share(), Some(10));
    stage.run(&["switch", "--yes"]).ends(0);
    assert_eq!(stage.share(), Some(100));
    stage.run(&["rollback", "--yes"]).ends(0);
    assert_eq!(stage.share(), Some(0));
    stage.run(&["journal", "verify"]).ends(0);
}

/// What the load has counted by now, two reports later: everything that was under way has ended.
fn counted(kid: &Kid) -> serde_json::Value {
    kid.forget();
    kid.line("a report", |line| load(line)["sent"].as_u64().unwrap() > 0);
    load(&kid.line("another", |line| load(line)["sent"].as_u64().unwrap() > 0))
}

fn lost(report: &serde_json::Value) -> u64 {
    ["failed", "broken", "timed_out", "refused"].iter().map(|name| report[name].as_u64().unwrap()).sum()
}

#[test]
fn consoles_and_commands_that_come_and_go_never_touch_traffic() {
    let stage = Stage::new();
    let traffic = stage.load(100);
    for signal in [None, Some(Signal::TERM), Some(Signal::KILL), Some(Signal::HUP)] {
        let mut pty = stage.console().spawn();
        pty.wait_for_text("GREEN v2");
        match signal {
            None => pty.send("q"),
            Some(signal) => pty.signal(signal),
        }
        pty.wait_end();
    }
    for args in [&["promote", "--yes"][..], &["switch", "--yes"], &["rollback", "--yes"]] {
        stage.run(args).ends(0);
    }
    let report = counted(&traffic);
    assert_eq!(lost(&report), 0, "{report}");
    assert_eq!(report["dropped"], 0, "{report}");
    assert!(report["sides"]["green"]["answered"].as_u64().unwrap() > 0, "green had its share: {report}");
    assert!(report["ok"].as_u64().unwrap() > 100, "{report}");
}

#[test]
fn a_killed_gateway_comes_back_with_its_split() {
    let mut stage = Stage::new();
    let traffic = stage.load(50);
    stage.run(&["promote", "--yes"]).ends(0);
    let before = stage.observe().unwrap();
    let mut console = stage.console().spawn();
    console.wait_for_text("SHIFT 1/3");
    stage.gateway.as_ref().unwrap().signal(Signal::KILL);
    console.wait_for("that the router is gone", |screen| screen.contents().contains("UNKNOWN"));
    stage.start_gateway();
    let after = stage.observe().unwrap();
    assert_eq!((after.split, after.split.share(Side::Green)), (before.split, 10));
    console.wait_for_text("SHIFT 1/3");
    let first = counted(&traffic);
    let second = counted(&traffic);
    assert_eq!(lost(&first), lost(&second), "failures end with the restart: {first} {second}");
    assert!(second["ok"].as_u64() > first["ok"].as_u64(), "{first} {second}");
    stage.run(&["promote", "--yes"]).ends(0);
    assert_eq!(stage.share(), Some(50));
}
