//! `run --plan`: a real gateway and real model servers, nobody at the keyboard.

use rustix::process::Signal;

use crate::support::stage::{Kid, Set, Stage, eventually};

const GUARD: &str = r#"
[[guard]]
metric = "p99"
limit = "250ms"
window = "10s"
min_samples = 10
consecutive = 2
then = "rollback"
"#;

#[test]
fn a_good_candidate_ends_with_all_traffic_and_a_bad_one_with_none() {
    let good = Stage::with(&Set { bake: "2s", ..Set::default() });
    good.run(&["run", "--plan"]).ends(2).says("--yes");
    good.run(&["run", "--plan", "--yes", "--until", "switched"]).ends(0).says("all traffic has moved");
    assert_eq!(good.share(), Some(100));
    let journal = good.journal();
    assert_eq!(journal.matches("\"move\":\"promote\"").count(), 3, "{journal}");
    good.run(&["rollback", "--yes"]).ends(0);
    // This version was taken back: it is not tried again by a machine.
    good.run(&["run", "--plan", "--yes"]).ends(5);
    assert_eq!(good.share(), Some(0));

    let mut slow = Stage::with(&Set { bake: "40s", more: GUARD, ..Set::default() });
    slow.green("slow");
    let _load = slow.load(100);
    slow.run(&["run", "--plan", "--yes", "-o", "ndjson"]).ends(5).says("\"phase\":\"rolled_back\"");
    assert_eq!(slow.share(), Some(0));
}

#[test]
fn a_gate_that_fails_moves_nothing() {
    let mut stage = Stage::with_gates();
    stage.green("wrong");
    stage.run(&["run", "--plan", "--yes"]).ends(3).says("blocked by gate golden");
    assert_eq!(stage.share(), Some(0));
}

#[test]
fn killed_in_the_middle_it_goes_on_where_the_journal_says_and_no_request_fails() {
    let stage = Stage::with(&Set { bake: "3s", ..Set::default() });
    let load = stage.load(100);
    for share in [10, 50] {
        let mut walker = Kid::of(&mut stage.command(&["run", "--plan", "--yes", "--until", "switched"]));
        stage.wait_share(share);
        walker.signal(Signal::KILL);
        assert_eq!(walker.wait(), None);
        assert_eq!(stage.share(), Some(share), "traffic stays where it was");
    }
    stage.run(&["run", "--plan", "--yes", "--until", "switched"]).ends(0);
    assert_eq!(stage.share(), Some(100));
    stage.run(&["journal", "verify"]).ends(0);
    load.forget();
    let told = load.line("what the load saw", |line| line.contains("\"event\":\"load\""));
    assert_eq!(crate::support::stage::load(&told)["failed"], 0, "{told}");
}

#[test]
fn two_at_once_are_one_and_a_refusal_and_term_leaves_traffic() {
    let stage = Stage::with(&Set { bake: "30s", ..Set::default() });
    let mut first = Kid::of(&mut stage.command(&["run", "--plan", "--yes"]));
    stage.wait_share(10);
    stage.run(&["run", "--plan", "--yes"]).ends(8).says("drives");
    first.signal(Signal::TERM);
    assert_eq!(first.wait(), Some(143));
    assert_eq!(stage.share(), Some(10));
    eventually("the end is recorded", || stage.journal().contains("SIGTERM"));
    stage.run(&["run", "--plan", "--yes", "--timeout", "1s"]).ends(10).says("traffic stays");
}
