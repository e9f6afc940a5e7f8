//! Children: this same binary, started again with a part to play, and watched with a deadline.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::Duration;

use cutover::testing::domain::{Actor, Fact, Record};

/// The variable that names the part.
pub const PART: &str = "CUTOVER_TEST_PART";
/// The variable that names the state directory.
pub const DIR: &str = "CUTOVER_TEST_DIR";
/// The variable for whatever else a part needs.
pub const ARG: &str = "CUTOVER_TEST_ARG";

/// Longest wait for a child to say something.
pub const DEADLINE: Duration = Duration::from_secs(60);

pub fn note(text: &str) -> Record {
    let by = Actor { name: "ann".into(), via: "cli".into() };
    Record { at: cutover::testing::domain::Stamp::epoch().wall, by, fact: Fact::Note { text: text.into() } }
}

/// The text of a note, or the name of another fact.
pub fn text(record: &Record) -> String {
    match &record.fact {
        Fact::Note { text } => text.clone(),
        Fact::Recovered { .. } => "(recovered)".into(),
        other => format!("{other:?}"),
    }
}

/// The state directory a child was given.
pub fn dir() -> std::path::PathBuf {
    std::env::var_os(DIR).expect("a directory").into()
}

/// One line to the parent. The first must not share its line with what the test harness prints.
pub fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    out.write_all(format!("\n@{line}\n").as_bytes()).unwrap();
    out.flush().unwrap();
}

/// A directory in memory where the machine has one: a lock is waited for two seconds, and on a disk that is busy
/// with a build one sync can take longer than that.
pub fn dir_without_a_disk() -> tempfile::TempDir {
    let in_memory = tempfile::tempdir_in("/dev/shm");
    in_memory.or_else(|_| tempfile::tempdir()).unwrap()
}

/// A child, ended with the test that started it.
pub struct Part {
    pub child: Child,
    lines: Receiver<String>,
}

impl Part {
    pub fn start(part: &str, dir: &Path, arg: &str) -> Self {
        let exe = std::env::current_exe().unwrap();
        Self::spawn(Command::new(exe).args(["--exact", "child", "--nocapture"]), part, dir, arg)
    }

    /// The child under a shell command, which gets the words to run it as `"$@"`.
    pub fn under(shell: &[&str], part: &str, dir: &Path, arg: &str) -> Self {
        let exe = std::env::current_exe().unwrap();
        let (program, args) = shell.split_first().unwrap();
        let words =
            [OsStr::new("sh"), exe.as_os_str()].into_iter().chain(["--exact", "child", "--nocapture"].map(OsStr::new));
        Self::spawn(Command::new(program).args(args).args(words), part, dir, arg)
    }

    pub fn spawn(command: &mut Command, part: &str, dir: &Path, arg: &str) -> Self {
        Self::try_spawn(command, part, dir, arg).unwrap()
    }

    pub fn try_spawn(command: &mut Command, part: &str, dir: &Path, arg: &str) -> std::io::Result<Self> {
        command.env(PART, part).env(DIR, dir).env(ARG, arg).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn()?;
        let out = child.stdout.take().unwrap();
        let (sender, lines) = sync_channel(10_000);
        std::thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                if let Some(line) = line.strip_prefix('@') {
                    let _ = sender.send(line.to_owned());
                }
            }
        });
        Ok(Self { child, lines })
    }

    /// The next thing the child says; `None` when it has ended.
    pub fn hear(&self) -> Option<String> {
        match self.lines.recv_timeout(DEADLINE) {
            Ok(line) => Some(line),
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => panic!("the child said nothing for {DEADLINE:?}"),
        }
    }

    /// Lets a child that waits on its standard input go on.
    pub fn nudge(&mut self) {
        self.child.stdin.as_mut().unwrap().write_all(b"\n").unwrap();
    }

    pub fn signal(&self, signal: rustix::process::Signal) {
        crate::support::signals::send(rustix::process::Pid::from_child(&self.child), signal);
    }

    /// Everything else the child says until it ends, and whether it ended well.
    pub fn finish(mut self) -> (Vec<String>, bool) {
        drop(self.child.stdin.take());
        let mut rest = Vec::new();
        while let Some(line) = self.hear() {
            rest.push(line);
        }
        (rest, self.child.wait().unwrap().success())
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits for the parent's [`Part::nudge`], or its end.
pub fn wait_for_parent() -> bool {
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).unwrap_or(0) > 0
}
