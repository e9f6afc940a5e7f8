//! Several processes, and the death of them.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use cutover::testing::journal::{FILE_NAME, Journal, verify};
use rustix::process::Signal;

use crate::children::{ARG, Part, dir, dir_without_a_disk, note, say, text};

/// The part of a child: appends `count` notes of `size` characters and says so after each.
pub fn writer() {
    let arg = std::env::var(ARG).unwrap();
    let [name, count, size] = arg.split(' ').collect::<Vec<_>>()[..] else { panic!("{arg}") };
    let filler = "x".repeat(size.parse().unwrap());
    let (mut journal, _) = Journal::open(&dir()).unwrap();
    for n in 0..count.parse().unwrap() {
        let id = format!("{name}-{n}");
        let appended = journal.append(&note(&format!("{id} {filler}"))).unwrap();
        say(&format!("ack {} {id}", appended.seq));
    }
}

fn acked(line: &str) -> (u64, String) {
    let mut words = line.split(' ').skip(1);
    (words.next().unwrap().parse().unwrap(), words.next().unwrap().to_owned())
}

/// Nothing that was acknowledged is lost, wherever the writer was killed: 60 kills, 6 on each journal.
#[test]
fn no_acknowledged_line_is_lost_to_a_kill() {
    let mut rng = fastrand::Rng::with_seed(11);
    let (mut torn, mut unacknowledged) = (0, 0);
    for _ in 0..10 {
        let dir = tempfile::tempdir().unwrap();
        let mut promised: BTreeSet<(u64, String)> = BTreeSet::new();
        for round in 0..6 {
            // Long lines are torn by a kill in the middle of the write; short ones die between the calls.
            let is_long = rng.bool();
            let size = if is_long { 400_000 } else { 40 };
            let child = Part::start("writer", dir.path(), &format!("r{round} 60 {size}"));
            for _ in 0..rng.usize(1..5) {
                promised.insert(acked(&child.hear().unwrap()));
            }
            let path = dir.path().join(FILE_NAME);
            let length = || std::fs::metadata(&path).unwrap().len();
            let (began, before, moment) = (Instant::now(), length(), Duration::from_micros(rng.u64(0..3_000)));
            if is_long {
                // The moment the file grows, the child is in the middle of a write.
                while length() == before && began.elapsed() < Duration::from_secs(5) {}
            } else {
                while began.elapsed() < moment {
                    std::hint::spin_loop();
                }
            }
            child.signal(Signal::KILL);
            promised.extend(child.finish().0.iter().map(|line| acked(line)));

            let (mut journal, opened) = Journal::open(dir.path()).unwrap();
            assert!(opened.broken.is_none() && opened.unwritable.is_none(), "{:?}", opened.broken);
            torn += usize::from(opened.recovered_bytes.is_some());
            for (seq, id) in &promised {
                let found = text(&opened.records[*seq as usize - 1]);
                assert_eq!(found.split(' ').next(), Some(id.as_str()), "line {seq}");
            }
            let ours = opened.records.iter().filter(|r| text(r).starts_with('r')).count();
            unacknowledged += ours - promised.len();
            let seq = journal.append(&note("after the kill")).unwrap().seq;
            assert_eq!(verify(&dir.path().join(FILE_NAME)).unwrap().lines, seq);
            // What is in the file now was read once, so it may not vanish later either.
            for (at, record) in opened.records.iter().enumerate() {
                let id = text(record).split(' ').next().unwrap_or_default().to_owned();
                if id.starts_with('r') {
                    promised.insert((at as u64 + 1, id));
                }
            }
        }
    }
    println!("60 kills: {torn} torn lines recovered, {unacknowledged} lines whole but not acknowledged");
}

#[test]
fn four_processes_append_at_once_and_the_chain_holds() {
    let dir = dir_without_a_disk();
    let (mut reader, _) = Journal::open(dir.path()).unwrap();
    let children: Vec<Part> = (0..4).map(|c| Part::start("writer", dir.path(), &format!("c{c} 200 40"))).collect();
    let mut seen = Vec::new();
    // This process only looks on, while they write.
    while seen.len() < 800 && children.iter().any(|c| c.hear().is_some()) {
        seen.extend(reader.poll().unwrap());
    }
    for child in children {
        assert!(child.finish().1, "a writer failed");
    }
    seen.extend(reader.poll().unwrap());
    let met: BTreeSet<String> = seen.iter().map(text).collect();
    assert_eq!((seen.len(), met.len()), (800, 800), "each line was handed out once");
    let summary = verify(&dir.path().join(FILE_NAME)).unwrap();
    assert_eq!((summary.lines, summary.head.as_str()), (800, reader.head()));
}
