//! What happens at a panic, in any thread or task: the terminal first, then the report, then the end.
//!
//! The process always ends here with code 101. An unwinding build would otherwise let a task die and the screen live
//! on; an aborting one would end by SIGABRT, which looks like a kill to a script.

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

/// Columns a line of a report is cut at.
const LINE_MAX: usize = 400;

/// Events kept for a report.
const EVENTS: usize = 20;
/// An event is cut after this many bytes.
const EVENT_MAX: usize = 300;

/// What a report says of the moment of the crash.
struct UnderWay {
    notes: Vec<(&'static str, String)>,
    events: VecDeque<String>,
}

static UNDER_WAY: Mutex<UnderWay> = Mutex::new(UnderWay { notes: Vec::new(), events: VecDeque::new() });

/// Says what is under way, for the report of a crash; `what` replaces what was said of it before.
pub fn note(what: &'static str, text: &str) {
    let mut under_way = UNDER_WAY.lock().unwrap_or_else(PoisonError::into_inner);
    match under_way.notes.iter_mut().find(|(known, _)| *known == what) {
        Some((_, old)) => text.clone_into(old),
        None => under_way.notes.push((what, text.to_owned())),
    }
}

/// Keeps what just happened for the report of a crash; the last few are.
pub fn last_event(event: &dyn fmt::Debug) {
    let mut cut = Cut(format!("{} ", chrono::Utc::now().format("%H:%M:%S%.3fZ")));
    // It ends with an error where it is cut.
    let _ = write!(cut, "{event:?}");
    let mut under_way = UNDER_WAY.lock().unwrap_or_else(PoisonError::into_inner);
    if under_way.events.len() == EVENTS {
        under_way.events.pop_front();
    }
    under_way.events.push_back(cut.0);
}

/// A text that takes no more than fits, so that a large event costs no more than a small one.
struct Cut(String);

impl fmt::Write for Cut {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.push_str(text);
        if self.0.len() < EVENT_MAX { Ok(()) } else { Err(fmt::Error) }
    }
}

/// What was noted, line by line; nothing where the crash came while it was being noted.
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

/// Installs the panic hook and the error reports of color-eyre, both plain text without environment notes.
///
/// At a panic the terminal is given back, the report goes into a new file in `crash_dir` (created 0700 if need be; no
/// file when `None`) and to stderr, and the process ends with [`PANIC_EXIT_CODE`].
///
/// # Errors
/// When hooks of color-eyre were installed before.
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
        // Another thread reports its panic. Returning would abort the process before it is done.
        loop {
            std::thread::park();
        }
    }
    // An error here is a terminal that is gone; the report still has the file.
    let _ = guard::give_back();
    // Captured whatever RUST_BACKTRACE says: the next crash may not come soon.
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

/// The report without control characters: a panic's message may quote what came from outside.
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

/// To stderr. When that is a terminal, for a bounded time: one stopped by Ctrl-S must not keep the process alive.
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
