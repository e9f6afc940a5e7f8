//! Child processes: no wait without a deadline, and signals as they are by default.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// Longer than anything a test waits for.
pub const DEADLINE: Duration = Duration::from_secs(60);

/// `program` with SIGHUP at its default. Under `nohup` the tests ignore it, and every child would inherit that.
pub fn with_hang_up(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new("/usr/bin/env");
    command.arg("--default-signal=HUP").arg(program);
    command
}

/// Runs `command` to its end with an empty stdin. Fails when it does not end.
#[track_caller]
pub fn output(command: &mut Command) -> Output {
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    ended(child, &format!("{command:?}"))
}

/// Waits for the end of `child` and returns what its pipes gave. Kills it and fails when it does not end.
#[track_caller]
pub fn ended(child: Child, what: &str) -> Output {
    let pid = Pid::from_child(&child);
    let (to, from) = mpsc::channel();
    std::thread::spawn(move || to.send(child.wait_with_output()));
    let Ok(output) = from.recv_timeout(DEADLINE) else {
        let _ = kill_process(pid, Signal::KILL);
        panic!("{what} does not end");
    };
    output.unwrap()
}

/// Waits for the end of `child`. Kills it and fails when it does not end.
#[track_caller]
pub fn wait(child: &mut Child) -> ExitStatus {
    let end = Instant::now() + DEADLINE;
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        if Instant::now() >= end {
            let _ = child.kill();
            panic!("process {} does not end", child.id());
        }
        std::thread::park_timeout(Duration::from_millis(5));
    }
}

/// The lines that a child prints, each waited for with a deadline.
pub struct Lines(mpsc::Receiver<String>);

impl Lines {
    /// Reads from `pipe` in a thread, which closes it at the first line after this is dropped.
    pub fn of(pipe: impl Read + Send + 'static) -> Self {
        let (to, lines) = mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(pipe).lines().map_while(Result::ok) {
                if to.send(line).is_err() {
                    return;
                }
            }
        });
        Self(lines)
    }

    /// The next line; fails when none comes.
    #[track_caller]
    pub fn next(&self) -> String {
        self.0.recv_timeout(DEADLINE).expect("a line in time")
    }
}
