//! One process: what is written is read, and what is not as it was written is told.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use cutover::testing::domain::{Fact, LogLevel, LogLine, Stamp};
use cutover::testing::journal::{
    FILE_NAME, Journal, Problem, ROTATE_AT, log_file, log_path, read, verify, verify_expecting,
};

use crate::children::{note, text};

fn filled(dir: &Path, lines: usize) -> Vec<String> {
    let (mut journal, _) = Journal::open(dir).unwrap();
    for n in 1..=lines {
        assert_eq!(journal.append(&note(&format!("n{n}"))).unwrap().seq, n as u64);
    }
    fs::read_to_string(dir.join(FILE_NAME)).unwrap().lines().map(String::from).collect()
}

fn write_lines(dir: &Path, lines: &[&str]) {
    fs::write(dir.join(FILE_NAME), lines.iter().flat_map(|l| [l, "\n"]).collect::<String>()).unwrap();
}

fn texts(records: &[cutover::testing::domain::Record]) -> Vec<String> {
    records.iter().map(text).collect()
}

#[test]
fn what_is_appended_is_read_by_the_next() {
    let top = tempfile::tempdir().unwrap();
    let dir = top.path().join("state/of/it");
    filled(&dir, 3);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&dir), mode(&dir.join(FILE_NAME))), (0o700, 0o600));
    let (journal, opened) = Journal::open(&dir).unwrap();
    assert_eq!(texts(&opened.records), ["n1", "n2", "n3"]);
    assert!(opened.recovered_bytes.is_none() && opened.broken.is_none() && opened.unwritable.is_none(), "{opened:?}");
    let summary = verify(journal.path()).unwrap();
    assert_eq!((summary.lines, summary.head.as_str()), (3, journal.head()));
    assert_eq!(summary.first, Some(Stamp::epoch().wall));
    assert_eq!(texts(&read(&dir).unwrap().records), ["n1", "n2", "n3"]);
}

#[test]
fn a_long_journal_is_read_one_record_at_a_time() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path(), 3);
    let path = dir.path().join(FILE_NAME);
    fs::write(&path, [&fs::read(&path).unwrap()[..], b"torn"].concat()).unwrap();
    let mut seen = Vec::new();
    let (_, opened) = Journal::open_each(dir.path(), &mut |record| seen.push(text(&record))).unwrap();
    assert_eq!(seen, ["n1", "n2", "n3", "(recovered)"]);
    assert_eq!((opened.records.len(), opened.recovered_bytes), (0, Some(4)));
}

#[test]
fn two_journals_see_each_other() {
    let dir = tempfile::tempdir().unwrap();
    let (mut a, _) = Journal::open(dir.path()).unwrap();
    let (mut b, _) = Journal::open(dir.path()).unwrap();
    assert_eq!(a.append(&note("a1")).unwrap().others, []);
    let appended = b.append(&note("b2")).unwrap();
    assert_eq!((appended.seq, texts(&appended.others)), (2, vec!["a1".into()]));
    assert_eq!(texts(&a.poll().unwrap()), ["b2"]);
    assert_eq!(a.poll().unwrap(), []);
    assert_eq!(b.poll().unwrap(), [], "one's own lines are no news");
    assert_eq!(verify(a.path()).unwrap().lines, 2);
}

#[test]
fn a_line_torn_at_any_byte_is_cut_away_kept_and_told() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path(), 3);
    let whole = fs::read(dir.path().join(FILE_NAME)).unwrap();
    let start = whole[..whole.len() - 1].iter().rposition(|b| *b == b'\n').unwrap() + 1;
    for cut in start..whole.len() {
        let copy = tempfile::tempdir().unwrap();
        let path = copy.path().join(FILE_NAME);
        fs::write(&path, &whole[..cut]).unwrap();
        let (mut journal, opened) = Journal::open(copy.path()).unwrap();
        if cut == start {
            assert_eq!(opened.recovered_bytes, None);
        } else {
            assert_eq!(opened.recovered_bytes, Some((cut - start) as u64));
            assert_eq!(opened.records[2].fact, Fact::Recovered { bytes: (cut - start) as u64 });
            assert_eq!(fs::read(copy.path().join("journal.torn.1")).unwrap(), &whole[start..cut]);
        }
        assert_eq!(texts(&opened.records[..2]), ["n1", "n2"]);
        assert!(opened.broken.is_none());
        journal.append(&note("after")).unwrap();
        assert_eq!(verify(&path).unwrap().lines, if cut == start { 3 } else { 4 });
    }
}

#[test]
fn a_crash_at_any_byte_of_a_recovery_is_recovered_again() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path(), 2);
    let path = dir.path().join(FILE_NAME);
    let good = fs::read(&path).unwrap();
    for torn in [&b"short"[..], &[b'x'; 2_000][..]] {
        fs::write(&path, [&good[..], torn].concat()).unwrap();
        Journal::open(dir.path()).unwrap();
        let told = fs::read(&path).unwrap()[good.len()..].to_vec();
        for written in 1..=told.len() {
            let rest = torn.get(written..).unwrap_or_default();
            fs::write(&path, [&good[..], &told[..written], rest].concat()).unwrap();
            let (_, opened) = Journal::open(dir.path()).unwrap();
            assert!(opened.broken.is_none(), "{written}: {opened:?}");
            let recoveries = opened.records.iter().filter(|r| matches!(r.fact, Fact::Recovered { .. })).count();
            assert!(recoveries >= 1, "{written}");
            assert_eq!(verify(&path).unwrap().lines, 2 + recoveries as u64);
        }
        for entry in fs::read_dir(dir.path()).unwrap() {
            let side = entry.unwrap().path();
            if side != path {
                fs::remove_file(side).unwrap();
            }
        }
    }
}

#[test]
fn a_torn_line_left_by_another_is_mended_by_an_append() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path(), 2);
    let (mut journal, _) = Journal::open(dir.path()).unwrap();
    let path = dir.path().join(FILE_NAME);
    let mut bytes = fs::read(&path).unwrap();
    bytes.extend(b"{\"v\":1,\"seq\":3");
    fs::write(&path, &bytes).unwrap();
    assert_eq!(journal.poll().unwrap(), [], "half a line is no news");
    assert!(verify(&path).unwrap_err().what.contains("torn"));
    let appended = journal.append(&note("on")).unwrap();
    assert_eq!((appended.seq, texts(&appended.others)), (4, vec!["(recovered)".into()]));
    assert_eq!(verify(&path).unwrap().lines, 4);
}

/// Name, the lines, the line with the fault, what is said of it, what is left.
type Case<'a> = (&'a str, Vec<&'a str>, u64, &'a str, &'a [&'a str]);

#[test]
fn every_change_in_the_middle_is_found_and_appending_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let lines = filled(dir.path(), 5);
    let l: Vec<&str> = lines.iter().map(String::as_str).collect();
    let edited = l[2].replace("n3", "n9");
    let long = "x".repeat(cutover::testing::journal::MAX_LINE + 1);
    let cases: [Case<'_>; 7] = [
        ("edited", vec![l[0], l[1], &edited, l[3], l[4]], 3, "changed", &["n1", "n2", "n4", "n5"]),
        ("last edited", vec![l[0], l[1], &edited], 3, "changed", &["n1", "n2"]),
        ("deleted", vec![l[0], l[1], l[3], l[4]], 3, "missing", &["n1", "n2", "n4", "n5"]),
        ("inserted", vec![l[0], l[1], l[0], l[2], l[3], l[4]], 3, "out of order", &["n1", "n2", "n3", "n4", "n5"]),
        ("reordered", vec![l[0], l[2], l[1], l[3], l[4]], 2, "missing", &["n1", "n3", "n4", "n5"]),
        ("garbage", vec![l[0], l[1], "hello", l[3], l[4]], 3, "no line of a journal", &["n1", "n2", "n4", "n5"]),
        ("too long", vec![l[0], l[1], &long, l[3], l[4]], 3, "bytes", &["n1", "n2", "n4", "n5"]),
    ];
    for (name, lines, line, what, left) in cases {
        write_lines(dir.path(), &lines);
        let path = dir.path().join(FILE_NAME);
        let fault = verify(&path).unwrap_err();
        assert_eq!((fault.line, fault.what.contains(what)), (line, true), "{name}: {fault}");
        let (mut journal, opened) = Journal::open(dir.path()).unwrap();
        assert_eq!(opened.broken, Some(fault), "{name}");
        assert!(opened.bad_lines >= 1);
        assert_eq!(texts(&opened.records), left, "{name}");
        journal.append(&note("rolled back")).unwrap();
        let (_, again) = Journal::open(dir.path()).unwrap();
        assert_eq!(again.bad_lines, opened.bad_lines, "{name}: the new line is a good one");
        assert_eq!(texts(&again.records).last().map(String::as_str), Some("rolled back"), "{name}");
    }
}

#[test]
fn lines_cut_off_the_end_are_seen_with_the_head_alone() {
    let dir = tempfile::tempdir().unwrap();
    let lines = filled(dir.path(), 5);
    let path = dir.path().join(FILE_NAME);
    let head = verify(&path).unwrap().head;
    assert!(verify_expecting(&path, &head).is_ok() && verify_expecting(&path, &head[..12]).is_ok());
    Journal::open(dir.path()).unwrap().0.append(&note("more")).unwrap();
    assert!(verify_expecting(&path, &head).is_ok(), "a journal that grew still holds it");
    assert!(verify_expecting(&path, &head[..5]).unwrap_err().what.contains("short"));
    write_lines(dir.path(), &lines.iter().take(4).map(String::as_str).collect::<Vec<_>>());
    assert!(verify(&path).is_ok(), "the chain alone cannot show it");
    assert!(verify_expecting(&path, &head).unwrap_err().what.contains("no line has"));
}

#[test]
fn a_file_that_shrinks_or_vanishes_in_use_is_told_and_still_written() {
    let dir = tempfile::tempdir().unwrap();
    let lines = filled(dir.path(), 4);
    let path = dir.path().join(FILE_NAME);
    let (mut journal, _) = Journal::open(dir.path()).unwrap();
    write_lines(dir.path(), &lines.iter().take(2).map(String::as_str).collect::<Vec<_>>());
    assert_eq!(journal.poll().unwrap(), [], "what was read before is not read twice");
    assert!(journal.broken().unwrap().what.contains("shorter"));
    assert_eq!(journal.append(&note("on")).unwrap().seq, 3);
    assert_eq!(verify(&path).unwrap().lines, 3);

    let (mut journal, _) = Journal::open(dir.path()).unwrap();
    fs::rename(&path, dir.path().join("away")).unwrap();
    assert_eq!(journal.append(&note("new")).unwrap().seq, 1);
    assert!(journal.broken().unwrap().what.contains("replaced"), "{:?}", journal.broken());
    assert_eq!(verify(&path).unwrap().lines, 1);
}

#[test]
fn a_lock_that_is_held_for_ever_is_an_error_and_not_a_wait() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path(), 1);
    let (mut journal, _) = Journal::open(dir.path()).unwrap();
    let held = fs::File::open(dir.path().join(FILE_NAME)).unwrap();
    held.lock().unwrap();
    let error = journal.append(&note("x")).unwrap_err();
    assert_eq!(error.problem, Problem::Busy);
    assert!(error.to_string().contains("held its lock for 2000 ms"), "{error}");
    held.unlock().unwrap();
    assert_eq!(journal.append(&note("x")).unwrap().seq, 2);
}

#[test]
fn several_are_appended_at_once_or_not_at_all() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path(), 1);
    let (mut journal, _) = Journal::open(dir.path()).unwrap();
    let (mut other, _) = Journal::open(dir.path()).unwrap();
    other.append(&note("other")).unwrap();
    let appended = journal.append_all(&[note("a"), note("b"), note("c")]).unwrap();
    assert_eq!((appended.seq, texts(&appended.others)), (5, vec!["other".into()]));
    let unfit = [note("d"), note(&"x".repeat(cutover::testing::journal::MAX_LINE))];
    assert_eq!(journal.append_all(&unfit).unwrap_err().problem, Problem::Unfit);
    assert_eq!(journal.append(&note("e")).unwrap().seq, 6);
    assert_eq!(texts(&other.poll().unwrap()), ["a", "b", "c", "e"]);
    let summary = verify(journal.path()).unwrap();
    assert_eq!((summary.lines, summary.head.as_str()), (6, journal.head()));
}

#[test]
fn news_read_by_an_append_that_failed_is_not_lost() {
    let dir = tempfile::tempdir().unwrap();
    let (mut a, _) = Journal::open(dir.path()).unwrap();
    let (mut b, _) = Journal::open(dir.path()).unwrap();
    b.append(&note("b1")).unwrap();
    let error = a.append(&note(&"x".repeat(cutover::testing::journal::MAX_LINE))).unwrap_err();
    assert_eq!(error.problem, Problem::Unfit);
    assert_eq!(texts(&a.poll().unwrap()), ["b1"]);
}

#[test]
fn what_is_no_journal_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink("/dev/full", dir.path().join(FILE_NAME)).unwrap();
    let error = Journal::open(dir.path()).unwrap_err();
    assert_eq!(error.problem, Problem::Foreign, "{error}");
    let file = dir.path().join("file");
    fs::write(&file, "").unwrap();
    let (mut journal, opened) = Journal::open(&file).unwrap();
    assert!(opened.unwritable.unwrap().to_string().contains("file"), "says the path");
    assert!(journal.append(&note("x")).is_err());
    assert_eq!(read(&dir.path().join("none")).unwrap_err().problem, Problem::Missing);
}

#[test]
fn gate_logs_are_named_cleaned_and_rotated() {
    let dir = tempfile::tempdir().unwrap();
    let name = |gate: &str| log_path(dir.path(), gate).file_name().unwrap().to_string_lossy().into_owned();
    assert_eq!(name("golden"), "golden.log");
    for bad in ["../../etc/passwd", "a/b", "", ".hidden", "..", "a\u{1b}b", &"x".repeat(300)] {
        let path = log_path(dir.path(), bad);
        assert_eq!(path.parent().unwrap(), dir.path().join("gates"), "{bad:?}");
        let name = name(bad);
        assert!(name.len() < 80 && !name.starts_with('.') && name.is_ascii(), "{name:?}");
    }
    assert_ne!(name("a/b"), name("a_b"));

    let line = |text: String| LogLine { at: Stamp::epoch().wall, level: LogLevel::Warn, source: "golden".into(), text };
    let (mut log, mut other) = (log_file(dir.path(), "golden").unwrap(), log_file(dir.path(), "golden").unwrap());
    log.append(&line("\u{1b}[31mred\nx".into())).unwrap();
    assert_eq!(fs::read_to_string(log.path()).unwrap(), "2026-01-01T00:00:00.000Z WARN golden: red x\n");
    let old = log.path().with_extension("log.1");
    fs::write(log.path(), vec![b'\n'; ROTATE_AT as usize]).unwrap();
    log.append(&line("new".into())).unwrap();
    other.append(&line("also new".into())).unwrap();
    assert_eq!(fs::metadata(&old).unwrap().len(), ROTATE_AT);
    assert_eq!(fs::read_to_string(log.path()).unwrap().lines().count(), 2);
}
