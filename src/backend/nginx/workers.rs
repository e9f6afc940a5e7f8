//! nginx's processes as Linux shows them: which workers use the current file.
//!
//! A reload starts new workers; only then do the old ones stop accepting connections. So a comparison of a worker's
//! start time with the time at which the file was written shows which split it uses. Every process can compare them,
//! even one that did not send the order.

use std::fs;
use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime};

use super::include::Instant;

/// Linux gives start times of processes and the uptime in hundredths of a second.
const COARSE: Duration = Duration::from_millis(25);
/// The unit of a process's start time, the same on every platform of Linux.
const TICKS_PER_S: f64 = 100.0;

/// Why nginx cannot be signalled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum NoMaster {
    /// It does not seem to run.
    Gone(String),
    /// This user may not look.
    Denied(String),
}

/// The workers of one master.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Workers {
    /// They accept connections and started after the file was written.
    pub(super) new: usize,
    /// They accept connections and started before it.
    pub(super) old: usize,
    /// They finish their requests and accept no new ones.
    pub(super) leaving: usize,
    /// The age of the youngest.
    pub(super) youngest: Option<Duration>,
}

impl Workers {
    /// Those of two masters together.
    pub(super) fn and(self, more: Self) -> Self {
        let youngest = self.youngest.into_iter().chain(more.youngest).min();
        Self { new: self.new + more.new, old: self.old + more.old, leaving: self.leaving + more.leaving, youngest }
    }
}

/// The process id in `file`, if it belongs to a master process of nginx.
pub(super) fn master(file: &Path) -> Result<i32, NoMaster> {
    let text = fs::read_to_string(file).map_err(|error| {
        let text = format!("{}: {error}", file.display());
        if error.kind() == io::ErrorKind::PermissionDenied { NoMaster::Denied(text) } else { NoMaster::Gone(text) }
    })?;
    let pid: i32 = text
        .trim()
        .parse()
        .ok()
        .filter(|pid| *pid > 1)
        .ok_or_else(|| NoMaster::Gone(format!("{} holds no process id", file.display())))?;
    // An old pid file may name any process, and a HUP ends most of them.
    if title(pid).is_some_and(|title| title.starts_with("nginx: master process")) {
        return Ok(pid);
    }
    Err(NoMaster::Gone(format!("{} says process {pid}, which is no nginx master process", file.display())))
}

/// The workers of `master`, compared with the time at which the file was written. There are two times: `stamp`,
/// relative to this machine's start, if the file has it; and `modified`, from a clock that may have been set since.
pub(super) fn workers(master: i32, stamp: Option<&Instant>, modified: SystemTime) -> Workers {
    let mut found = Workers::default();
    let Some(now) = now() else { return found };
    let ago = SystemTime::now().duration_since(modified);
    let by_clock = now.since.saturating_sub(ago.as_ref().copied().unwrap_or_default());
    let written = match stamp {
        // A modification time in the future is invalid: the clock was set.
        Some(stamp) if stamp.boot == now.boot && ago.is_err() => stamp.since,
        // The later of the two: an older file of ours may have been restored, or the clock set forward.
        Some(stamp) if stamp.boot == now.boot => stamp.since.max(by_clock),
        _ => by_clock,
    };
    for pid in children(master) {
        match title(pid).as_deref() {
            Some("nginx: worker process is shutting down") => found.leaving += 1,
            Some("nginx: worker process") => {
                let Some(started) = started(pid) else { continue };
                if started + COARSE >= written {
                    found.new += 1;
                } else {
                    found.old += 1;
                }
                let age = now.since.saturating_sub(started);
                found.youngest = Some(found.youngest.map_or(age, |youngest| youngest.min(age)));
            }
            _ => {}
        }
    }
    found
}

/// How long a change must wait, so that no earlier worker can seem to have started after it.
pub(super) fn too_young(workers: Workers) -> Duration {
    workers.youngest.map_or(Duration::ZERO, |age| (COARSE * 2).saturating_sub(age))
}

fn title(pid: i32) -> Option<String> {
    let raw = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    let text = String::from_utf8_lossy(&raw);
    Some(text.trim_end_matches(['\0', ' ']).to_owned())
}

fn children(of: i32) -> Vec<i32> {
    if let Ok(text) = fs::read_to_string(format!("/proc/{of}/task/{of}/children")) {
        return text.split_whitespace().filter_map(|pid| pid.parse().ok()).collect();
    }
    // A kernel without that file: look at every process.
    let all = fs::read_dir("/proc").into_iter().flatten().flatten();
    all.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|pid| field(*pid, 1) == Some(of.into()))
        .collect()
}

/// A number in `/proc/PID/stat`, counted from the state after the name.
fn field(pid: i32, at: usize) -> Option<i64> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name is in brackets and may contain anything.
    text.rsplit_once(')')?.1.split_whitespace().nth(at)?.parse().ok()
}

/// The time from the system's start to that of the process.
fn started(pid: i32) -> Option<Duration> {
    Duration::try_from_secs_f64(field(pid, 19)? as f64 / TICKS_PER_S).ok()
}

/// The current time, by a clock that cannot be set.
pub(super) fn now() -> Option<Instant> {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let text = fs::read_to_string("/proc/uptime").ok()?;
    let up: f64 = text.split_whitespace().next()?.parse().ok()?;
    Some(Instant { boot: boot.trim().to_owned(), since: Duration::try_from_secs_f64(up).ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_that_is_not_nginx_is_never_taken_for_it() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("pid");
        assert!(matches!(master(&file), Err(NoMaster::Gone(_))));
        for text in ["", "no", "-1", "1", "99999999999", &std::process::id().to_string()] {
            fs::write(&file, text).unwrap();
            assert!(matches!(master(&file), Err(NoMaster::Gone(_))), "{text}");
        }
    }

    #[test]
    fn the_beginning_of_a_process_is_known() {
        let me = i32::try_from(std::process::id()).unwrap();
        let age = now().unwrap().since.saturating_sub(started(me).unwrap());
        assert!(age < Duration::from_secs(600), "{age:?}");
        assert_eq!(too_young(Workers { youngest: Some(Duration::ZERO), ..Workers::default() }), COARSE * 2);
        assert_eq!(too_young(Workers { youngest: Some(Duration::from_secs(1)), ..Workers::default() }), Duration::ZERO);
    }
}
