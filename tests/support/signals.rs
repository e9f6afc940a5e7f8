//! Signals to the processes a test has started.

use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// Sends `signal`; a stop is waited for, since threads stop one by one, each as soon as it hears of it.
pub fn send(pid: Pid, signal: Signal) {
    kill_process(pid, signal).unwrap();
    let end = Instant::now() + Duration::from_secs(20);
    while signal == Signal::STOP && !is_stopped(pid) {
        assert!(Instant::now() < end, "process {pid} does not stop");
        std::thread::park_timeout(Duration::from_millis(1));
    }
}

/// Whether every thread of it stands still, or is gone.
fn is_stopped(pid: Pid) -> bool {
    let tasks = std::fs::read_dir(format!("/proc/{}/task", pid.as_raw_nonzero())).unwrap();
    tasks.flatten().all(|task| {
        let stat = std::fs::read_to_string(task.path().join("stat")).unwrap_or_default();
        stat.rsplit_once(") ").is_none_or(|(_, rest)| rest.starts_with(['T', 'Z', 'X']))
    })
}
