//! Alerts as people get them: one an event, with its diagnosis, whoever saw it, and nothing waits for a dead place.

use serde_json::Value;

use crate::support::stage::{Set, Stage};

const WATCHED: &str = r#"
[[guard]]
metric = "p99"
limit = "250ms"
window = "10s"
min_samples = 10
consecutive = 2
then = "rollback"

[[alert]]
kind = "command"
name = "pager"
command = ["sh", "-c", "cat >> alerts.jsonl; echo >> alerts.jsonl"]

[[alert]]
kind = "command"
name = "dead"
command = ["sleep", "60"]
timeout = "30s"
"#;

fn told(stage: &Stage) -> Vec<Value> {
    let text = std::fs::read_to_string(stage.dir().join("alerts.jsonl")).unwrap_or_default();
    text.lines().filter(|line| !line.is_empty()).map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_breach_wakes_once_and_says_why() {
    let mut stage = Stage::with(&Set { bake: "40s", more: WATCHED, ..Set::default() });
    stage.green("slow");
    let _load = stage.load(100);
    stage.run(&["promote", "--yes", "--to-step", "2"]).ends(5);
    assert_eq!(stage.share(), Some(0), "blue takes all traffic");
    let told = told(&stage);
    let kinds: Vec<&str> = told.iter().map(|alert| alert["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["guard", "rolled_back"]);
    let guard = &told[0];
    assert!(guard["value"].as_f64().unwrap() > 250.0 && guard["limit"] == 250.0, "{guard:#}");
    assert!(guard["title"].as_str().unwrap().ends_with("rolling back to blue"), "{guard:#}");
    assert!(!guard["log"].as_array().unwrap().is_empty() && guard["evidence"].as_array().unwrap().len() == 2);
    let journal = stage.journal();
    assert_eq!(journal.matches("delivered").count(), 2, "a receipt for each that arrived: {journal}");
    assert!(journal.contains("alerts were still on their way"), "the dead place is told of: {journal}");
    // Another process on the same journal tells nothing again.
    stage.run(&["status"]).ends(0);
    stage.run(&["note", "seen"]).ends(0);
    assert_eq!(self::told(&stage).len(), 2);
}

#[test]
fn a_test_alert_says_what_became_of_it() {
    let stage = Stage::with(&Set { more: WATCHED, ..Set::default() });
    stage.run(&["alert", "pager"]).ends(0).says("ok   pager  exit code 0");
    assert_eq!(told(&stage)[0]["kind"], "test");
    stage.run(&["alert", "--timeout", "1s"]).ends(10).says("dead");
    stage.run(&["alert", "nobody"]).ends(2).says("there are: pager, dead");
}
