//! The report of a rollout that was driven from the console: the figures are those the console saw.

use serde_json::Value;

use crate::console::{has, no_reason, open, quit};
use crate::support::stage::{Stage, eventually};

#[test]
fn what_the_console_saw_is_in_the_report() {
    let stage = Stage::with_gates();
    let _load = stage.load(50);
    let mut pty = open(&stage);
    pty.wait_for("the gates", |screen| has(screen, "2 PASS"));
    pty.send("P");
    pty.wait_for("the box, armed", |screen| has(screen, "y = promote") && !has(screen, "(wait)"));
    pty.send("y");
    stage.wait_share(10);
    let series = stage.journal_file().with_file_name(cutover::testing::journal::SERIES_NAME);
    eventually("figures of green are kept", || {
        let kept = std::fs::read_to_string(&series).unwrap_or_default();
        kept.lines()
            .any(|line| serde_json::from_str::<Value>(line).is_ok_and(|line| line["sides"]["green"].is_object()))
    });
    pty.send("R");
    pty.send("y");
    stage.wait_share(0);
    stage.wait_journal("\"move\":\"rollback\"");
    no_reason(&mut pty);
    quit(&mut pty);
    let report = stage.run(&["report", "-o", "json"]).ends(0).json();
    let rollout = &report["rollouts"][0];
    assert_eq!((&rollout["number"], &rollout["outcome"]), (&1.into(), &"rolled_back".into()), "{rollout:#}");
    let orders: Vec<_> =
        rollout["orders"].as_array().unwrap().iter().map(|order| (&order["verb"], &order["state"])).collect();
    assert_eq!(orders, [(&"promote".into(), &"verified".into()), (&"rollback".into(), &"verified".into())]);
    let took = rollout["times"]["to_roll_back"].as_f64().expect("the way back is timed");
    assert!((0.0..10.0).contains(&took), "{took}");
    let gates: Vec<_> = rollout["gates"].as_array().unwrap().iter().map(|gate| &gate["last"]["verdict"]).collect();
    assert_eq!(gates, ["passed", "passed"]);
    let samples = rollout["samples"].as_array().unwrap();
    let green = samples.iter().filter_map(|sample| sample["sides"]["green"]["p99"].as_f64());
    assert!(green.clone().count() > 0 && green.clone().all(|ms| ms > 0.0), "{samples:#?}");
    let before = samples.iter().filter(|sample| sample["at"].as_str() < rollout["began"].as_str());
    assert!(before.clone().all(|sample| sample["sides"]["green"].is_null()), "no traffic is not 0: {samples:#?}");
    stage.run(&["report"]).ends(0).says("**rolled back**").says("op1 (console)");
}
