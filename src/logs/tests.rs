use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use rustix::process::{Pid, test_kill_process};

use super::*;
use crate::domain::LogLevel;

/// The time limit for everything here.
const DEADLINE: Duration = Duration::from_secs(20);

fn file(path: &Path) -> LogSource {
    LogSource { name: "model".into(), feed: LogFeed::File(path.into()) }
}

fn command(name: &str, script: &str) -> LogSource {
    let argv = vec!["sh".into(), "-c".into(), script.into()];
    LogSource { name: name.into(), feed: LogFeed::Command { argv, dir: PathBuf::new() } }
}

fn append(path: &Path, text: &[u8]) {
    OpenOptions::new().append(true).create(true).open(path).unwrap().write_all(text).unwrap();
}

/// Everything shown so far.
struct Seen {
    from: Followers,
    lines: Vec<LogLine>,
    dropped: u64,
}

impl Seen {
    fn of(sources: &[LogSource]) -> Self {
        Self { from: Followers::start(sources), lines: Vec::new(), dropped: 0 }
    }

    fn count(&self, text: &str) -> usize {
        self.lines.iter().filter(|line| line.text.contains(text)).count()
    }

    fn texts(&self) -> Vec<&str> {
        self.lines.iter().map(|line| line.text.as_str()).collect()
    }

    async fn until(&mut self, what: &str, done: impl Fn(&Self) -> bool) {
        let end = Instant::now() + DEADLINE;
        while !done(self) {
            let Ok(batch) = tokio::time::timeout_at(end, self.from.next()).await else {
                panic!("waited in vain for {what}: {:?}, {} dropped", self.lines, self.dropped);
            };
            assert!(batch.lines.len() <= BATCH);
            self.lines.extend(batch.lines);
            self.dropped += batch.dropped;
        }
    }

    async fn line(&mut self, text: &str) {
        self.until(text, |seen| seen.count(text) > 0).await;
    }
}

#[tokio::test]
async fn a_file_is_followed_before_it_exists_and_over_rotation_by_renaming() {
    let dir = tempfile::tempdir().unwrap();
    let (path, old) = (dir.path().join("model.log"), dir.path().join("model.log.1"));
    let mut seen = Seen::of(&[file(&path)]);
    seen.line("waiting for it").await;
    append(&path, b"first\n");
    seen.line("first").await;
    std::fs::rename(&path, &old).unwrap();
    append(&old, b"late, into the old one\n");
    seen.line("late, into").await;
    append(&path, b"second\n");
    append(&old, b"later still\n");
    seen.line("second").await;
    assert_eq!(seen.count("later still"), 1, "the old one is read to its end: {:?}", seen.texts());
    append(&path, b"third\n");
    seen.line("third").await;
    for text in ["first", "second", "third", "late, into"] {
        assert_eq!(seen.count(text), 1, "{text} once: {:?}", seen.texts());
    }
    assert_eq!(seen.dropped, 0);
}

#[tokio::test]
async fn a_file_is_followed_over_truncation_and_over_its_end() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("model.log");
    append(&path, b"there before, and longer than what comes after\n");
    let mut seen = Seen::of(&[file(&path)]);
    seen.line("there before").await;
    File::create(&path).unwrap().write_all(b"short\n").unwrap();
    seen.line("short").await;
    assert_eq!(seen.count("truncated"), 1);
    // After the file is deleted and created again, the name may even have the same inode.
    std::fs::remove_file(&path).unwrap();
    append(&path, b"anew\n");
    seen.line("anew").await;
    append(&path, b"and on\n");
    seen.line("and on").await;
    for text in ["there before", "short", "anew", "and on"] {
        assert_eq!(seen.count(text), 1, "{text} once: {:?}", seen.texts());
    }
}

#[tokio::test]
async fn only_the_last_lines_of_what_is_there_are_shown_and_each_whole() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("model.log");
    let text: String = (0..20_000).flat_map(|n| ["line number ".into(), n.to_string(), "\n".into()]).collect();
    append(&path, text.as_bytes());
    let mut seen = Seen::of(&[file(&path)]);
    append(&path, b"new\n");
    seen.line("new").await;
    assert!((100..=202).contains(&seen.lines.len()), "{}", seen.lines.len());
    assert!(seen.texts().iter().all(|text| text.starts_with("line number ") || *text == "new"), "{:?}", seen.texts());
}

#[tokio::test]
async fn t27_hostile_lines_are_cut_counted_and_clean() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("model.log");
    append(&path, b"");
    let mut seen = Seen::of(&[file(&path)]);
    let mut long = vec![b'y'; 10 << 20];
    long.push(b'\n');
    append(&path, &long);
    append(&path, b"bad \xff\xfe utf-8\0 and\ttab\r\n\x1b[31m\x1b]0;t\x07\x1b[0m\n{\"level\":\"error\",\"msg\":\"\\u001b[2Jx\"}\n");
    append(&path, b"half a line");
    seen.line("half a line").await;
    let cut = (10 << 20) - LONGEST;
    let first = seen.lines.iter().find(|line| line.text.starts_with("yyy")).unwrap();
    assert!(first.text.ends_with(&format!("y [{cut} bytes more were cut]")) && first.text.len() < LONGEST + 64);
    assert_eq!(seen.count("bad \u{fffd}\u{fffd} utf-8 and tab"), 1);
    assert!(seen.texts().contains(&""), "a line of escape sequences alone is an empty line");
    assert!(seen.lines.iter().any(|line| line.level == LogLevel::Err && line.text.starts_with('{')));
    assert!(seen.lines.iter().all(|line| !line.text.chars().any(char::is_control)));
}

#[tokio::test]
async fn what_cannot_be_read_says_so_and_nothing_hangs() {
    let dir = tempfile::tempdir().unwrap();
    let pipe = dir.path().join("pipe");
    rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::RWXU).unwrap();
    let mut seen = Seen::of(&[file(dir.path()), file(&pipe), command("none", "exit 3")]);
    seen.until("three complaints", |seen| seen.count("not a regular file") == 2 && seen.count("exit code 3") == 1)
        .await;
}

/// Fills an inbox as a flood does.
#[tokio::test]
async fn a_flood_is_bounded_and_counted_and_takes_nothing_from_others() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("quiet.log");
    append(&path, b"");
    let quiet = LogSource { name: "quiet".into(), feed: LogFeed::File(path.clone()) };
    let total = 200_000;
    let flood = command("flood", &format!("seq 1 {total}; echo the end; exec sleep 1000"));
    let mut seen = Seen::of(&[flood, quiet]);
    seen.until("the flood", |seen| seen.lines.len() > BATCH).await;
    append(&path, b"hello\n");
    seen.until("the other source and the end of the flood", |seen| {
        seen.lines.iter().any(|line| line.source == "quiet" && line.text == "hello") && seen.count("the end") == 1
    })
    .await;
    let shown = seen.lines.iter().filter(|line| line.source == "flood").count() as u64;
    assert_eq!(shown + seen.dropped, total + 1, "every line was shown or counted");
    assert!(seen.dropped > 0, "nothing was dropped, so nothing was tried");
    seen.from.stop().await;
}

#[tokio::test]
async fn an_inbox_never_holds_more_than_its_bounds() {
    let inbox = Inbox::new(Arc::default());
    for n in 0..20_000_u64 {
        let bytes = vec![b'x'; if n % 100 == 0 { LONGEST } else { 10 }];
        inbox.put([split::Piece { bytes, cut: 0 }]);
    }
    let (mut dropped, mut lines, mut bytes) = (0, 0, 0);
    while !inbox.is_empty() {
        for item in inbox.take(100, usize::MAX, &mut dropped) {
            lines += 1;
            bytes += item.bytes();
        }
    }
    assert!(lines <= inbox::LINES && bytes <= inbox::BYTES, "{lines} lines, {bytes} bytes");
    assert_eq!(lines as u64 + dropped, 20_000);
}

#[tokio::test]
async fn a_command_that_ends_is_started_again_and_both_its_outputs_are_read() {
    let mut seen = Seen::of(&[command("cmd", "echo out; echo ERROR err >&2; printf unfinished; exit 7")]);
    seen.until("two runs", |seen| seen.count("unfinished") == 2).await;
    assert!(seen.count("out") == 2 && seen.count("ended with exit code 7; again in 1 s") == 1, "{:?}", seen.texts());
    assert!(seen.lines.iter().any(|line| line.text == "ERROR err" && line.level == LogLevel::Err));
    seen.from.stop().await;
}

#[tokio::test]
async fn a_command_that_does_not_exist_says_so() {
    let argv = vec!["/nonexistent/program".into()];
    let source = LogSource { name: "x".into(), feed: LogFeed::Command { argv, dir: PathBuf::new() } };
    let mut seen = Seen::of(&[source]);
    seen.line("cannot be started").await;
    seen.from.stop().await;
}

/// The process ids that a script printed as `pid N`.
async fn pids(seen: &mut Seen, count: usize) -> Vec<Pid> {
    seen.until("the process ids", |seen| seen.count("pid ") >= count).await;
    let raw = seen.lines.iter().filter_map(|line| line.text.strip_prefix("pid ")?.trim().parse().ok());
    raw.filter_map(Pid::from_raw).collect()
}

async fn until_gone(pids: &[Pid]) {
    let end = Instant::now() + DEADLINE;
    while pids.iter().any(|pid| is_running(*pid)) {
        assert!(Instant::now() < end, "{pids:?} still run");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Whether a process runs. A zombie does not.
fn is_running(pid: Pid) -> bool {
    let state = std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero()));
    let zombie = state.is_ok_and(|stat| stat.rsplit(')').next().is_some_and(|rest| rest.trim().starts_with('Z')));
    test_kill_process(pid).is_ok() && !zombie
}

/// A child that ignores the request to end, and a grandchild.
const STUBBORN: &str = "trap '' TERM; echo pid $$; sleep 1000 & echo pid $!; while :; do sleep 1000; done";

#[tokio::test]
async fn commands_end_with_the_console_and_so_does_what_they_started() {
    let mut seen = Seen::of(&[command("stubborn", STUBBORN)]);
    let ids = pids(&mut seen, 2).await;
    assert!(ids.iter().all(|id| is_running(*id)));
    seen.from.stop().await;
    assert!(test_kill_process(ids[0]).is_err(), "it was waited for: no zombie is left");
    until_gone(&ids).await;
}

#[tokio::test]
async fn commands_are_killed_where_nobody_has_time_to_ask() {
    let mut seen = Seen::of(&[command("stubborn", STUBBORN)]);
    let ids = pids(&mut seen, 2).await;
    drop(seen);
    until_gone(&ids).await;
}

#[tokio::test]
async fn nothing_to_follow_is_waited_for_in_peace() {
    let mut none = Followers::start(&[]);
    assert!(tokio::time::timeout(Duration::from_millis(20), none.next()).await.is_err());
}
