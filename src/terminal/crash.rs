//! What happens at a panic, in any thread or task: the terminal first, then the report, then the end.
//!
//! The process always ends here with code 101. An unwinding build would otherwise let a task die and the screen live
//! on; an aborting one would end by SIGABRT, which a script cannot tell from a kill.

use std::io::{self, IsTerminal, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use color_eyre::config::{HookBuilder, PanicHook, Theme};

use super::{guard, output};
use crate::domain::text;

/// The exit code after a panic.
pub const PANIC_EXIT_CODE: i32 = 101;

/// Columns a line of a report is cut at.
const LINE_MAX: usize = 400;

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
    let report = readable(&hook.panic_report(info).to_string());
    let saved = match crash_dir.map(|dir| save(dir, &report)) {
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
