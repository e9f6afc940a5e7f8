//! The exec gate against real commands, well behaved and as bad as they come.

use crate::support::gate as bench;

use std::path::Path;
use std::time::Duration;

use bench::{Bench, Gate, gate};
use cutover::testing::domain::{Bound, LogLevel, Verdict};
use cutover::testing::gate::Exec;
use tokio::time::{Instant, sleep, timeout};

fn exec(script: &str) -> Gate<Exec> {
    let command = ["sh", "-c", script].map(str::to_owned).to_vec();
    gate(Exec { command, dir: "/".into(), not_yet_code: 75, bound: None })
}

fn bounded(script: &str, limit: f64, at_least: bool) -> Gate<Exec> {
    let mut gate = exec(script);
    gate.check.bound = Some(Bound { limit, at_least });
    gate
}

async fn run(gate: Gate<Exec>) -> (cutover::testing::domain::Evidence, Vec<String>) {
    let mut bench = Bench::new(["http://127.0.0.1:1", "http://127.0.0.1:2"]);
    let evidence = bench.run(gate).await;
    let lines = bench.log().iter().map(|line| line.text.clone()).collect();
    (evidence, lines)
}

/// Whether a process with this id runs, or waits as a zombie.
fn lives(pid: &str) -> bool {
    Path::new("/proc").join(pid.trim()).exists()
}

/// Waits until the processes whose ids stand in `file` are gone, zombies included.
async fn gone(file: &Path, number: usize) {
    let text = std::fs::read_to_string(file).unwrap();
    let pids: Vec<&str> = text.lines().collect();
    assert_eq!(pids.len(), number, "{text:?}");
    let all_gone = async {
        while pids.iter().any(|pid| lives(pid)) {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(Duration::from_secs(10), all_gone).await.unwrap_or_else(|_| panic!("still there: {pids:?}"));
}

/// Waits until `file` has so many lines.
async fn written(file: &Path, lines: usize) {
    let there = async {
        while std::fs::read_to_string(file).unwrap_or_default().lines().count() < lines {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(Duration::from_secs(10), there).await.expect("the command never wrote its ids");
}

#[tokio::test]
async fn the_exit_code_decides() {
    for (script, verdict, note) in [
        ("exit 0", Verdict::Passed, ""),
        ("exit 1", Verdict::Failed, "exit code 1"),
        ("echo why >&2; exit 1", Verdict::Failed, "why"),
        ("exit 75", Verdict::NotYet, "exit code 75: not yet"),
        ("echo broken >&2; exit 2", Verdict::NotYet, "exit code 2: broken"),
        ("no-such-program-anywhere 2>/dev/null", Verdict::NotYet, "exit code 127"),
        ("kill -9 $$", Verdict::NotYet, "killed by signal 9"),
        ("kill -TERM $$", Verdict::NotYet, "killed by signal 15"),
    ] {
        let (evidence, _) = run(exec(script)).await;
        assert_eq!((evidence.verdict, evidence.note.as_str()), (verdict, note), "{script}: {evidence:?}");
    }
    let mut missing = exec("");
    missing.check.command = vec!["/nowhere/check".into()];
    let (evidence, _) = run(missing).await;
    assert_eq!(evidence.verdict, Verdict::NotYet);
    assert!(evidence.note.starts_with("cannot start /nowhere/check: No such file"), "{evidence:?}");
}

#[tokio::test]
async fn it_is_told_what_it_checks() {
    let (evidence, lines) = run(exec("env | grep ^CUTOVER_ | sort; pwd; cat")).await;
    assert_eq!(evidence.verdict, Verdict::Passed, "nothing is on standard input: {evidence:?}");
    for said in [
        "CUTOVER_ENVIRONMENT=test",
        "CUTOVER_GATE=exec",
        "CUTOVER_SERVICE=scorer",
        "CUTOVER_SIDE=green",
        "CUTOVER_URLS=http://127.0.0.1:1 http://127.0.0.1:2",
        "CUTOVER_VERSION=v2",
        "/",
    ] {
        assert!(lines.iter().any(|line| line == said), "{said}: {lines:?}");
    }
    let digest = format!("CUTOVER_VERSION_DIGEST={}", Bench::new(["x"]).version);
    assert!(lines.contains(&digest), "{lines:?}");
}

#[tokio::test]
async fn json_gives_the_numbers_and_the_limit_holds_them() {
    let json = r#"echo looking; echo '{"value":0.031,"samples":900,"unit":"ratio","note":"drift of age","details":["age","sum"]}'"#;
    let (evidence, lines) = run(bounded(json, 0.05, false)).await;
    assert_eq!((evidence.verdict, evidence.value, evidence.limit), (Verdict::Passed, Some(0.031), Some(0.05)));
    assert_eq!((evidence.samples, evidence.unit.as_str(), evidence.note.as_str()), (900, "ratio", "drift of age"));
    assert_eq!(evidence.details, ["age", "sum"]);
    assert!(lines.iter().any(|line| line == "looking"), "{lines:?}");
    let (evidence, _) = run(bounded(json, 0.03, false)).await;
    assert_eq!((evidence.verdict, evidence.value), (Verdict::Failed, Some(0.031)), "{evidence:?}");
    let (evidence, _) = run(bounded(json, 0.03, true)).await;
    assert_eq!((evidence.verdict, evidence.at_least), (Verdict::Passed, true));
    // Its own limit is shown, its exit code decides; a whole page of JSON is read too.
    let (evidence, _) = run(exec("printf '{\\n \"value\": 3,\\n \"limit\": 2\\n}\\n'; exit 1")).await;
    assert_eq!((evidence.verdict, evidence.value, evidence.limit), (Verdict::Failed, Some(3.0), Some(2.0)));
    for (script, why) in [
        ("echo done", "it printed no JSON with a value"),
        (r#"echo '{"value":NaN}'"#, "its last line is not the JSON it looks like"),
        (r#"echo '{"value":"0.01"}'"#, "value in its JSON is not a number"),
        (r#"echo '{"value":null}'"#, "it printed no JSON with a value"),
    ] {
        let (evidence, _) = run(bounded(script, 0.05, false)).await;
        assert_eq!((evidence.verdict, evidence.value), (Verdict::NotYet, None), "absent is not zero: {script}");
        assert_eq!(evidence.note, why, "{script}");
    }
}

#[tokio::test]
async fn output_is_shown_cleaned_and_counted() {
    let mut bench = Bench::new(["http://127.0.0.1:1"]);
    let script = r"printf '\033[2Jevil\n'; echo bad >&2; i=0; while [ $i -lt 300 ]; do echo line $i; i=$((i+1)); done; printf tail; exit 1";
    let evidence = bench.run(exec(script)).await;
    assert_eq!(evidence.details, ["bad"], "what it complained of is the evidence");
    let lines = bench.log();
    assert!(lines.iter().any(|line| line.text == "evil" && line.level == LogLevel::Info), "{lines:?}");
    assert!(lines.iter().any(|line| line.text == "bad" && line.level == LogLevel::Warn), "{lines:?}");
    assert!(lines.iter().any(|line| line.text == "102 more lines are not shown"), "{lines:?}");
    assert!(lines.len() < 210, "{}", lines.len());
}

#[tokio::test]
async fn a_flood_is_stopped_and_its_memory_is_bounded() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let script = format!("echo $$ > {}; yes '{{\"value\":1}}'", file.path().display());
    let (evidence, _) = run(exec(&script)).await;
    assert_eq!(evidence.verdict, Verdict::NotYet);
    assert_eq!(evidence.note, "stopped: it wrote more than 64 MiB");
    gone(file.path(), 1).await;
    // One endless line.
    let (evidence, _) = run(exec("tr '\\0' x < /dev/zero")).await;
    assert_eq!(evidence.note, "stopped: it wrote more than 64 MiB");
}

#[tokio::test]
async fn one_that_hangs_is_killed_whole_at_its_timeout() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let path = file.path().display();
    let script = format!(
        "trap '' TERM INT HUP; echo $$ >> {path}; sleep 1000 & echo $! >> {path}; (sleep 1000; :) & echo $! >> {path}; wait"
    );
    let mut spec = exec(&script);
    spec.spec.timeout_ms = 700;
    let (evidence, _) = run(spec).await;
    assert_eq!((evidence.verdict, evidence.note.as_str()), (Verdict::NotYet, "not done within 1 s"));
    gone(file.path(), 3).await;
}

#[tokio::test]
async fn a_cancelled_run_ends_at_once_and_leaves_nothing() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let path = file.path().to_owned();
    let shown = path.display();
    let mut bench = Bench::new(["http://127.0.0.1:1"]);
    let cancel = std::sync::Arc::clone(&bench.cancel);
    let script = format!("sleep 1000 & echo $! >> {shown}; echo $$ >> {shown}; wait");
    let watched = path.clone();
    let canceller = tokio::spawn(async move {
        written(&watched, 2).await;
        cancel.send_replace(true);
        Instant::now()
    });
    let evidence = timeout(Duration::from_secs(20), bench.run(exec(&script))).await.unwrap();
    assert_eq!((evidence.verdict, evidence.note.as_str()), (Verdict::NotYet, "cancelled"));
    canceller.await.unwrap();
    gone(&path, 2).await;
}

#[tokio::test]
async fn what_a_finished_command_left_running_is_killed_too() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let path = file.path().display();
    // The fork holds the pipe open: without the end of the group the run would wait for it.
    let script = format!("sleep 1000 & echo $! >> {path}; echo '{{\"value\":1}}'");
    let (evidence, _) = run(bounded(&script, 2.0, false)).await;
    assert_eq!((evidence.verdict, evidence.value), (Verdict::Passed, Some(1.0)), "{evidence:?}");
    gone(file.path(), 1).await;
    // One that left the group cannot be killed with it; the run does not wait for it, and says so.
    let script = format!("setsid sh -c 'echo $$ >> {path}; sleep 1000' & sleep 0.3; exit 0");
    let (evidence, lines) = run(exec(&script)).await;
    assert_eq!(evidence.verdict, Verdict::Passed);
    assert!(lines.iter().any(|line| line.contains("is not in its group")), "{lines:?}");
    let left = std::fs::read_to_string(file.path()).unwrap();
    let left = left.lines().last().unwrap();
    assert!(lives(left));
    std::process::Command::new("kill").args(["-9", "--", &format!("-{left}")]).status().unwrap();
}
