//! Handles a panic in any thread or task: first restores the terminal, then reports, then ends the process.
//!
//! The process always exits here with code 101. Otherwise an unwinding build would lose a task while the screen lives
//! on, and an aborting build would end by SIGABRT, which looks like a kill to a script.

use std::collections::VecDeque;
use std::fmt::{self, Write as _};
use std::io::{self, IsTerminal, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use color_eyre::config::{HookBuilder, PanicHook, Theme};

use super::{guard, output};
use crate::domain::text;

/// The exit code after a panic.
pub(crate) const PANIC_EXIT_CODE: i32 = 101;

/// The longest line of a report, in columns.
const LINE_MAX: usize = 400;

/// The number of events kept for a report.
const EVENTS: usize = 20;
/// The longest event, in bytes.
const EVENT_MAX: usize = 300;

/// What a report says about the moment of the crash.
struct UnderWay {
    notes: Vec<(&'static str, String)>,
    events: VecDeque<String>,
}

static UNDER_WAY: Mutex<UnderWay> = Mutex::new(UnderWay { notes: Vec::new(), events: VecDeque::new() });

/// Notes what is in progress, for a crash report. `what` replaces the earlier note with the same name.
pub fn note(what: &'static str, text: &str) {
    let mut under_way = UNDER_WAY.lock().unwrap_or_else(PoisonError::into_inner);
    match under_way.notes.iter_mut().find(|(known, _)| *known == what) {
        Some((_, old)) => text.clone_into(old),
        None => under_way.notes.push((what, text.to_owned())),
    }
}

/// Keeps the last events for a crash report.
pub fn last_event(event: &dyn fmt::Debug) {
    let mut cut = Cut(format!("{} ", chrono::Utc::now().format("%H:%M:%S%.3fZ")));
    // Returns an error when the text is truncated.
    let _ = write!(cut, "{event:?}");
    let mut under_way = UNDER_WAY.lock().unwrap_or_else(PoisonError::into_inner);
    if under_way.events.len() == EVENTS {
        under_way.events.pop_front();
    }
    under_way.events.push_back(cut.0);
}

/// A text with a size limit, so that a large event costs no more than a small one.
struct Cut(String);

impl fmt::Write for Cut {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.push_str(text);
        if self.0.len() < EVENT_MAX { Ok(()) } else { Err(fmt::Error) }
    }
}

/// The notes, line by line; nothing if the crash happened while a note was being written.
fn under_way() -> String {
    let Ok(under_way) = UNDER_WAY.try_lock() else { return String::new() };
    let mut text = String::new();
    for (what, note) in &under_way.notes {
        let _ = writeln!(text, "{what}: {note}");
    }
    if !under_way.events.is_empty() {
        text.push_str("last events, oldest first:\n");
    }
    for event in &under_way.events {
        let _ = writeln!(text, "  {event}");
    }
    text
}

/// Installs the panic hook and color-eyre's error reports, both as plain text without environment notes.
///
/// After a panic the terminal is restored. The report goes to stderr and into a new file in `crash_dir` (created 0700
/// if needed; no file if `None`). Then the process exits with [`PANIC_EXIT_CODE`].
///
/// # Errors
/// Hooks of color-eyre were installed before.
pub fn install(crash_dir: Option<PathBuf>) -> color_eyre::Result<()> {
    let hooks = HookBuilder::new().theme(Theme::new()).display_env_section(false).try_into_hooks()?;
    let (panic_hook, eyre_hook) = hooks;
    eyre_hook.install()?;
    std::panic::set_hook(Box::new(move |info| on_panic(&panic_hook, crash_dir.as_deref(), info)));
    Ok(())
}

fn on_panic(hook: &PanicHook, crash_dir: Option<&Path>, info: &std::panic::PanicHookInfo<'_>) {
    static FIRST: AtomicBool = AtomicBool::new(true);
    if !FIRST.swap(false, Ordering::SeqCst) {
        // Another thread is reporting its panic. Returning would abort the process before that is done.
        loop {
            std::thread::park();
        }
    }
    // An error here means that the terminal is gone. The report still goes to the file.
    let _ = guard::give_back();
    // Captured regardless of RUST_BACKTRACE: the next crash may take a long time to happen.
    let trace = std::backtrace::Backtrace::force_capture();
    let report = readable(&format!("{}\n{}", hook.panic_report(info), under_way()));
    let saved = match crash_dir.map(|dir| save(dir, &format!("{report}\n\n{}", readable(&trace.to_string())))) {
        None => String::new(),
        Some(Ok(path)) => format!("crash report: {}\n", path.display()),
        Some(Err(e)) => format!("crash report not written: {e}\n"),
    };
    tell(&format!("{report}\n{saved}"));
    exit_now();
}

#[expect(
    clippy::disallowed_methods,
    reason = "the terminal was given back; an aborting build ends by SIGABRT otherwise"
)]
fn exit_now() -> ! {
    std::process::exit(PANIC_EXIT_CODE)
}

/// The report without control characters: a panic's message may quote foreign text.
fn readable(report: &str) -> String {
    report.lines().map(|line| text::clean(line, LINE_MAX)).collect::<Vec<_>>().join("\n")
}

fn save(dir: &Path, report: &str) -> io::Result<PathBuf> {
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    let now = chrono::Utc::now();
    let path = dir.join(format!("crash-{}-{}.txt", now.format("%Y%m%dT%H%M%S%3fZ"), std::process::id()));
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
    let thread = std::thread::current();
    writeln!(
        file,
        "cutover {} at {} in thread {}",
        env!("CARGO_PKG_VERSION"),
        now.to_rfc3339(),
        thread.name().unwrap_or("?")
    )?;
    writeln!(file, "{report}")?;
    file.sync_all()?;
    Ok(path)
}

/// Writes to stderr. If that is a terminal, there is a time limit: a terminal stopped by Ctrl-S must not keep the
/// process alive.
fn tell(message: &str) {
    let stderr = io::stderr();
    if stderr.is_terminal()
        && let Ok(fd) = output::reopen(stderr.as_fd())
    {
        let _ = output::write_within(&fd.into(), message.as_bytes(), Duration::from_millis(500));
    } else {
        let _ = stderr.lock().write_all(message.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::{readable, save};

    #[test]
    fn a_report_cannot_act_on_the_terminal() {
        assert_eq!(readable("a\u{1b}[2J\u{7}\nb\u{9b}31m"), "a\nb");
    }

    #[test]
    fn t03_the_crash_file_is_private_and_named_by_time() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let path = save(&dir.path().join("deep/crash"), "boom").unwrap();
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        let text = std::fs::read_to_string(path).unwrap();
        assert!(text.starts_with("cutover ") && text.ends_with("boom\n"), "{text}");
    }
}
