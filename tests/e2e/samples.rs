//! A smoke gate that asks the candidate what live traffic asked.

use crate::faults::hostile;
use crate::support::stage::{Set, Stage, eventually};

const LIVE: &str = r#"
[[gate]]
kind = "smoke"
sample = "live"
count = 10
max_latency = "5s"
adversarial = false
"#;

/// A stage whose gateway keeps requests, and had enough of them.
fn kept(green: Option<String>) -> Stage {
    let mut stage = Stage::with(&Set { green, ..Set::default() });
    let text = std::fs::read_to_string(&stage.config).unwrap() + LIVE;
    std::fs::write(&stage.config, &text).unwrap();
    stage.run(&["gates", "run"]).ends(78).says("write sample = true in [gateway]");
    std::fs::write(&stage.config, text.replace("[gateway]\n", "[gateway]\nsample = true\n")).unwrap();
    stage.start_gateway();
    let _load = stage.load(50);
    eventually("ten requests are kept", || stage.samples(10) == 10);
    stage
}

#[test]
fn what_live_traffic_asked_is_asked_of_the_candidate() {
    let stage = kept(None);
    stage.run(&["gates", "run"]).ends(0).says("0 of 10 requests failed");
    stage.run(&["promote", "--yes"]).ends(0);
    assert_eq!(stage.share(), Some(10));
}

#[test]
fn a_candidate_that_answers_live_traffic_otherwise_is_blocked() {
    let stage = kept(Some(hostile()));
    stage.run(&["gates", "run"]).ends(3).says("10 of 10 requests failed").says("500");
    stage.run(&["promote", "--yes"]).ends(3).says("smoke");
    assert_eq!(stage.share(), Some(0));
}
