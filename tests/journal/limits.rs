//! Disks that are full, limits on files, read-only mounts, missing rights: the real ones.

use std::fs;
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::process::Command;

use cutover::testing::journal::{FILE_NAME, Holder, Journal, Lease, Problem, read, verify};

use crate::children::{Part, dir, note, say};

fn holder() -> Holder {
    Holder { name: "ann".into(), pid: 1, since: cutover::testing::domain::Stamp::epoch().wall, host: "here".into() }
}

/// Appends until nothing goes any more; how many lines did.
fn fill(journal: &mut Journal) -> u64 {
    for n in 0..10_000 {
        if let Err(error) = journal.append(&note(&"x".repeat(700))) {
            assert_eq!(error.problem, Problem::Full, "{error}");
            assert!(error.to_string().contains("free space"), "{error}");
            return n;
        }
    }
    panic!("nothing was ever full");
}

/// The part of a child whose files may have 64 KiB at most.
pub fn file_limit() {
    let (mut journal, _) = Journal::open(&dir()).unwrap();
    let lines = fill(&mut journal);
    assert!(lines > 10, "{lines}");
    for _ in 0..3 {
        assert!(journal.append(&note(&"x".repeat(700))).is_err());
        assert_eq!(verify(journal.path()).unwrap().lines, lines, "no half line is left");
    }
    say(&format!("full after {lines}"));
}

#[test]
fn a_limit_on_file_size_leaves_no_half_line() {
    let dir = tempfile::tempdir().unwrap();
    let limited = "trap '' XFSZ; ulimit -f 64; exec \"$@\"";
    let child = Part::under(&["bash", "-c", limited], "file-limit", dir.path(), "");
    let (said, is_well) = child.finish();
    assert!(is_well && said[0].starts_with("full after"), "{said:?}");
    Journal::open(dir.path()).unwrap().0.append(&note("room again")).unwrap();
}

/// The part of a child in whose view `dir` is a file system of 256 KiB.
pub fn small_disk() {
    let state = dir().join("state");
    let (mut journal, _) = Journal::open(&state).unwrap();
    journal.append(&note("first")).unwrap();
    let ballast = dir().join("ballast");
    let mut file = fs::File::create(&ballast).unwrap();
    while file.write_all(&[0; 4096]).is_ok() {}
    drop(file);
    let lines = 1 + fill(&mut journal);
    assert_eq!(verify(journal.path()).unwrap().lines, lines, "no half line is left");
    // A torn end that cannot be kept aside for lack of space is left alone, and all before it is read.
    let mut torn = fs::OpenOptions::new().append(true).open(journal.path()).unwrap();
    torn.write_all(b"{").unwrap();
    let (_, opened) = Journal::open(&state).unwrap();
    assert_eq!(opened.records.len() as u64, lines);
    let is_told = opened.unwritable.as_ref().is_some_and(|e| e.problem == Problem::Full);
    assert!(is_told || opened.recovered_bytes.is_some(), "{opened:?}");
    fs::remove_file(&ballast).unwrap();
    journal.append(&note("room again")).unwrap();
    let whole = verify(journal.path()).unwrap();
    assert_eq!(whole.lines, lines + 2, "a recovery and a note");
    say("done");
}

/// The part of a child in whose view `dir` is a file system that can be made read-only.
pub fn read_only() {
    let state = dir().join("state");
    let remount = |how: &str| {
        let done = Command::new("mount").args(["-o", how]).arg(dir()).status().unwrap();
        assert!(done.success(), "{how}");
    };
    let mut open = Journal::open(&state).unwrap().0;
    open.append(&note("first")).unwrap();
    drop(open);
    remount("remount,ro");
    let (mut journal, opened) = Journal::open(&state).unwrap();
    assert_eq!(opened.records.len(), 1, "what is there is read");
    assert_eq!(opened.unwritable.unwrap().problem, Problem::ReadOnly);
    assert_eq!(journal.append(&note("x")).unwrap_err().problem, Problem::ReadOnly);
    assert!(journal.poll().unwrap().is_empty());
    assert_eq!(Lease::take(&state, &holder()).unwrap_err().problem, Problem::ReadOnly);
    let (mut absent, opened) = Journal::open(&dir().join("new")).unwrap();
    assert_eq!(opened.unwritable.unwrap().problem, Problem::ReadOnly);
    remount("remount,rw");
    assert_eq!(journal.append(&note("second")).unwrap().seq, 2, "the same journal, once it can be written");
    assert_eq!(absent.append(&note("first")).unwrap().seq, 1);
    say("done");
}

/// Never silent: what could not be tried here is named.
#[expect(clippy::print_stderr, reason = "said to whoever runs the tests, past the harness's capture of stdout")]
fn skipped(part: &str, why: &str) {
    eprintln!("SKIPPED {part}: {why}");
}

/// Runs `part` in a mount namespace of its own, so that nothing stays mounted whatever happens.
fn on_its_own_disk(part: &str) {
    let dir = tempfile::tempdir().unwrap();
    let is_root = rustix::process::geteuid().is_root();
    let flags = if is_root { "-m" } else { "-rm" };
    let mount = "mount -t tmpfs -o size=256k tmpfs \"$CUTOVER_TEST_DIR\" || exit 77; exec \"$@\"";
    let probe = Command::new("unshare").args([flags, "sh", "-c", "mount -t tmpfs none /mnt"]).output();
    if !probe.is_ok_and(|out| out.status.success()) {
        skipped(part, &format!("this machine lets us mount nothing (unshare {flags}, tmpfs)"));
        return;
    }
    let child = Part::under(&["unshare", flags, "bash", "-c", mount], part, dir.path(), "");
    let (said, is_well) = child.finish();
    assert!(is_well && said == ["done"], "{said:?}");
}

#[test]
fn a_full_disk_leaves_no_half_line_and_goes_on_when_there_is_room() {
    on_its_own_disk("small-disk");
}

#[test]
fn a_read_only_disk_is_read_and_told() {
    on_its_own_disk("read-only");
}

/// The part of a child without rights in `dir`.
pub fn no_rights() {
    let shut = dir().join("shut");
    let (_, opened) = Journal::open(&shut.join("state")).unwrap();
    let why = opened.unwritable.unwrap();
    assert_eq!(why.problem, Problem::Denied, "{why}");
    assert!(why.to_string().contains("shut") && why.to_string().contains("right to write"), "{why}");
    // Read, but not written: another's journal.
    let others = dir().join("others");
    let (mut journal, opened) = Journal::open(&others).unwrap();
    assert_eq!((opened.records.len(), opened.unwritable.unwrap().problem), (1, Problem::Denied));
    assert_eq!(journal.append(&note("x")).unwrap_err().problem, Problem::Denied);
    assert_eq!(Lease::take(&others, &holder()).unwrap_err().problem, Problem::Denied);
    // Not even read.
    let secret = dir().join("secret");
    assert_eq!(Journal::open(&secret).unwrap_err().problem, Problem::Denied);
    assert_eq!(read(&secret).unwrap_err().problem, Problem::Denied);
    say("done");
}

#[test]
fn missing_rights_are_told_with_the_path() {
    use std::os::unix::fs::PermissionsExt;
    let set = |path: &std::path::Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    let top = tempfile::tempdir().unwrap();
    set(top.path(), 0o755);
    let (shut, others, secret) = (top.path().join("shut"), top.path().join("others"), top.path().join("secret"));
    fs::create_dir(&shut).unwrap();
    for dir in [&others, &secret] {
        Journal::open(dir).unwrap().0.append(&note("first")).unwrap();
    }
    set(&others.join(FILE_NAME), 0o444);
    set(&secret.join(FILE_NAME), 0o000);
    for dir in [&shut, &others, &secret] {
        set(dir, 0o555);
    }
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "child", "--nocapture"]).current_dir("/");
    if rustix::process::geteuid().is_root() {
        command.uid(65_534).gid(65_534);
    }
    match Part::try_spawn(&mut command, "no-rights", top.path(), "") {
        Ok(child) => {
            let (said, is_well) = child.finish();
            assert!(is_well && said == ["done"], "{said:?}");
        }
        Err(error) => skipped("no-rights", &format!("this binary cannot be run by another user: {error}")),
    }
    for dir in [&shut, &others, &secret] {
        set(dir, 0o755);
    }
}
