//! The figures that are kept for the report: when, how many, and by whom.

use super::sim::Sim;
use super::{ordered, ready};
use cutover::testing::domain::*;
use cutover::testing::engine::Command;

const CALM: Pair<u64> = Pair { blue: 20, green: 30 };

#[test]
fn a_rollout_is_sampled_from_a_little_before_it_to_a_little_after_it() {
    let mut sim = ready();
    sim.traffic(100, 100, CALM);
    assert_eq!(sim.samples, [], "nothing is under way");
    ordered(&sim.ask(Command::Promote));
    sim.traffic(4, 100, CALM);
    let first = sim.samples.first().expect("what came before is kept");
    assert_eq!((first.over_s, first.split), (10, Some(Split::all(Side::Blue))));
    assert!(first.sides.green.is_none(), "a side without requests has no figures");
    let last = sim.samples.last().unwrap();
    let green = last.sides.green.expect("green has requests now");
    assert_eq!((last.split, green.p99.map(f64::round)), (Some(Split::toward(Side::Green, 10)), Some(30.0)));
    ordered(&sim.ask(Command::Rollback));
    sim.traffic(299, 100, CALM);
    let kept = sim.samples.len();
    assert!(kept > 140, "what follows a rollback is looked at closely: {kept}");
    sim.traffic(600, 100, CALM);
    assert_eq!(sim.samples.len(), kept, "and after five minutes no more");
}

#[test]
fn after_an_hour_in_which_nothing_was_ordered_it_is_one_a_minute() {
    let mut sim = ready();
    ordered(&sim.ask(Command::Switch));
    sim.traffic(3_660, 10, CALM);
    let kept = sim.samples.len();
    assert!((450..500).contains(&kept), "{kept}");
    sim.traffic(600, 10, CALM);
    assert_eq!(sim.samples.len() - kept, 10, "so a window of a day leaves less than 2 000");
    let last = sim.samples.last().unwrap();
    assert_eq!((last.over_s, last.sides.green.map(|green| green.n)), (60, Some(600)));
    let first = sim.samples.iter().position(|sample| sample.sides.green.is_some()).unwrap();
    assert!(sim.samples[first..].windows(2).all(|pair| pair[0].at < pair[1].at), "oldest first");
}

#[test]
fn what_the_router_does_not_say_is_a_gap() {
    let mut sim = ready();
    ordered(&sim.ask(Command::Promote));
    sim.traffic(3, 100, CALM);
    sim.wire = super::Wire::Down;
    sim.seconds(30);
    let last = sim.samples.last().unwrap();
    assert_eq!((last.split, last.sides), (None, Pair { blue: None, green: None }));
}

#[test]
fn a_console_that_may_not_drive_writes_none() {
    let mut sim = Sim::new();
    sim.seconds(3);
    ordered(&sim.ask(Command::Promote));
    sim.seconds(1);
    sim.samples.clear();
    sim.feed(cutover::testing::engine::Event::Lease {
        driver: cutover::testing::engine::Driver::Other("op2 (pid 1)".into()),
    });
    sim.traffic(60, 100, CALM);
    assert_eq!(sim.samples, []);
}
