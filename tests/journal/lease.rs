//! Who drives, with real consoles that end, hang and die.

use std::fs;
use std::path::Path;
use std::time::Instant;

use cutover::testing::domain::Stamp;
use cutover::testing::journal::{Holder, Lease, LeaseState, Problem, Standing};
use rustix::process::Signal;

use crate::children::{ARG, DEADLINE, Part, dir, dir_without_a_disk, say, wait_for_parent};

fn who(name: &str) -> Holder {
    Holder { name: name.into(), pid: std::process::id(), since: Stamp::epoch().wall, host: "here".into() }
}

fn take(dir: &Path, name: &str) -> Result<Lease, Holder> {
    match Lease::take(dir, &who(name)).unwrap() {
        LeaseState::Held(lease) => Ok(lease),
        LeaseState::HeldBy(holder) => Err(holder),
    }
}

/// The part of a child that takes the lease and says, each time it is asked, whether it still has it.
pub fn holder() {
    let lease = take(&dir(), "child").unwrap();
    say("held");
    while wait_for_parent() {
        match lease.check().unwrap() {
            Standing::Mine => say("mine"),
            Standing::Lost(by) => say(&format!("lost to {}", by.map_or_else(|| "nobody".into(), |h| h.name))),
        }
    }
}

/// The part of a child that takes the lease once, with many others, and keeps it until it may end.
pub fn taker() {
    let name = std::env::var(ARG).unwrap();
    wait_for_parent();
    let lease = take(&dir(), &name);
    say(if lease.is_ok() { "won" } else { "lost" });
    wait_for_parent();
}

#[test]
fn one_drives_and_the_next_may_when_it_lets_go() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    assert_eq!(Lease::holder(dir), None);
    let first = take(dir, "ann").unwrap();
    assert_eq!(first.check().unwrap(), Standing::Mine);
    assert_eq!(take(dir, "bob").unwrap_err(), who("ann"));
    assert_eq!(Lease::holder(dir), Some(who("ann")));
    assert_eq!(first.check().unwrap(), Standing::Mine, "looking takes nothing");
    drop(first);
    assert_eq!(Lease::holder(dir), None);
    let second = take(dir, "bob").unwrap();
    assert_eq!(second.check().unwrap(), Standing::Mine);
    drop(second);
    let left: Vec<_> = fs::read_dir(dir).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left.len(), 2, "the lease and its lock: {left:?}");
}

#[test]
fn a_killed_holder_frees_the_lease() {
    let dir = tempfile::tempdir().unwrap();
    let child = Part::start("holder", dir.path(), "");
    assert_eq!(child.hear().as_deref(), Some("held"));
    assert_eq!(take(dir.path(), "ann").unwrap_err().name, "child");
    child.signal(Signal::KILL);
    child.finish();
    assert_eq!(Lease::holder(dir.path()), None, "the file still names it, but it is dead");
    assert_eq!(take(dir.path(), "ann").unwrap().check().unwrap(), Standing::Mine);
}

#[test]
fn a_hung_holder_can_be_taken_over_and_learns_of_it() {
    let dir = tempfile::tempdir().unwrap();
    let mut child = Part::start("holder", dir.path(), "");
    assert_eq!(child.hear().as_deref(), Some("held"));
    child.nudge();
    assert_eq!(child.hear().as_deref(), Some("mine"));
    child.signal(Signal::STOP);
    assert_eq!(take(dir.path(), "ann").unwrap_err().name, "child", "it hangs, but it lives");
    let (lease, from) = Lease::take_over(dir.path(), &who("ann")).unwrap();
    assert_eq!(from.map(|h| h.name).as_deref(), Some("child"));
    assert_eq!(lease.check().unwrap(), Standing::Mine);
    child.nudge();
    child.signal(Signal::CONT);
    assert_eq!(child.hear().as_deref(), Some("lost to ann"));
    assert!(child.finish().1);
    assert_eq!(lease.check().unwrap(), Standing::Mine, "the loser's end takes nothing from us");
    assert_eq!(take(dir.path(), "bob").unwrap_err().name, "ann");
}

#[test]
fn of_many_who_ask_at_once_one_gets_it() {
    let dir = dir_without_a_disk();
    for _ in 0..5 {
        let mut children: Vec<Part> = (0..6).map(|n| Part::start("taker", dir.path(), &format!("t{n}"))).collect();
        children.iter_mut().for_each(Part::nudge);
        let answers: Vec<_> = children.iter().map(|c| c.hear().unwrap()).collect();
        assert_eq!(answers.iter().filter(|a| *a == "won").count(), 1, "{answers:?}");
        for child in children {
            assert!(child.finish().1);
        }
    }
}

#[test]
fn a_removed_or_foreign_lease_is_not_mine() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("lease.json");
    let old = take(dir.path(), "ann").unwrap();
    fs::remove_file(&path).unwrap();
    assert_eq!(old.check().unwrap(), Standing::Lost(None));
    let new = take(dir.path(), "bob").unwrap();
    assert_eq!(old.check().unwrap(), Standing::Lost(Some(who("bob"))), "the same generation, another holder");
    assert_eq!(new.check().unwrap(), Standing::Mine);
    fs::write(&path, "{\"generation\":").unwrap();
    assert_eq!(new.check().unwrap_err().problem, Problem::Foreign);
    let error = Lease::take(dir.path(), &who("cid")).unwrap_err();
    assert!(error.to_string().contains("lease.json") && error.to_string().contains("move the file aside"), "{error}");
    let (lease, _) = Lease::take_over(dir.path(), &who("cid")).unwrap();
    assert_eq!(lease.check().unwrap(), Standing::Mine);
    fs::write(&path, r#"{"generation":9,"token":"../../x","holder":null}"#).unwrap();
    assert_eq!(lease.check().unwrap_err().problem, Problem::Foreign, "a token is part of a file name");
}

#[test]
fn a_stuck_lock_is_an_error_and_not_a_wait() {
    let dir = tempfile::tempdir().unwrap();
    let lease = take(dir.path(), "ann").unwrap();
    let stuck = fs::File::open(dir.path().join("lease.lock")).unwrap();
    stuck.lock().unwrap();
    assert_eq!(Lease::take(dir.path(), &who("bob")).unwrap_err().problem, Problem::Busy);
    assert_eq!(lease.check().unwrap(), Standing::Mine, "looking needs no lock");
    let began = Instant::now();
    drop(lease);
    assert!(began.elapsed() < DEADLINE, "leaving does not wait for ever");
    stuck.unlock().unwrap();
    assert!(take(dir.path(), "bob").is_ok(), "it fell with its holder all the same");
}
