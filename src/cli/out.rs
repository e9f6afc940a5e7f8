//! The only access to standard output (data) and standard error (messages).
//!
//! A closed pipe (`| head`) is not an error: later output is dropped, [`Out::closed`] makes loops end, and the exit
//! code stays that of the command. Any other write error is kept and reported at the end.

use std::io::{self, Write};
use std::time::Duration;

use serde::Serialize;

use super::args::Format;
use super::exit::Exit;
use super::failure::Failure;
use super::interrupt::Interrupts;
use crate::terminal::writer_thread::WriterThread;

/// How long a command that must end still waits for its reader.
const LAST_WORDS: Duration = Duration::from_millis(200);

/// The destination of data.
enum Data {
    /// The process's own standard output, written by a thread.
    Thread(WriterThread),
    /// Any other writer, written at once.
    Direct(Box<dyn Write>),
}

/// The output of a command.
pub(crate) struct Out {
    data: Data,
    messages: Box<dyn Write>,
    /// The format of data.
    pub format: Format,
    /// The style of text.
    pub style: Style,
    quiet: bool,
    closed: bool,
    fault: Option<io::Error>,
}

/// The style of text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Style {
    /// Bold and reverse are allowed.
    pub color: bool,
    /// Only bytes below 0x80.
    pub ascii: bool,
}

impl Style {
    /// `text` in bold, if allowed.
    pub(crate) fn bold(self, text: &str) -> String {
        if self.color { format!("\u{1b}[1m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}

impl Out {
    /// Writes to the process's own streams.
    pub(crate) fn standard(format: Format, style: Style, quiet: bool) -> Self {
        let mut out = Self::new(Box::new(io::stdout()), Box::new(io::stderr()), format, style, quiet);
        // Reason: if no thread can be started, writing directly is the next best.
        if let Ok(thread) = WriterThread::start("stdout", io::stdout(), || {}) {
            out.data = Data::Thread(thread);
        }
        out
    }

    /// Writes to `data` and `messages`.
    pub(crate) fn new(
        data: Box<dyn Write>,
        messages: Box<dyn Write>,
        format: Format,
        style: Style,
        quiet: bool,
    ) -> Self {
        Self { data: Data::Direct(data), messages, format, style, quiet, closed: false, fault: None }
    }

    /// Writes `text` to standard output unchanged.
    pub(crate) fn text(&mut self, text: &str) {
        if self.closed || self.fault.is_some() {
            return;
        }
        let data = match &mut self.data {
            Data::Thread(thread) => return thread.write(text.as_bytes().to_vec()),
            Data::Direct(data) => data,
        };
        if let Err(error) = data.write_all(text.as_bytes()).and_then(|()| data.flush()) {
            match error.kind() {
                io::ErrorKind::BrokenPipe => self.closed = true,
                _ => self.fault = Some(error),
            }
        }
    }

    /// Writes `text` and a line end to standard output.
    pub(crate) fn line(&mut self, text: &str) {
        self.text(&format!("{text}\n"));
    }

    /// Writes one JSON document: indented with `-o json`, on one line with `-o ndjson`.
    pub(crate) fn json(&mut self, value: &impl Serialize) {
        let text = match self.format {
            Format::Ndjson => serde_json::to_string(value),
            Format::Text | Format::Json => serde_json::to_string_pretty(value),
        };
        match text {
            Ok(text) => self.line(&text),
            Err(error) => self.fault = self.fault.take().or_else(|| Some(error.into())),
        }
    }

    /// Writes one JSON document on one line, whatever the format.
    pub(crate) fn json_line(&mut self, value: &impl Serialize) {
        match serde_json::to_string(value) {
            Ok(text) => self.line(&text),
            Err(error) => self.fault = self.fault.take().or_else(|| Some(error.into())),
        }
    }

    /// Whether data is written as JSON.
    pub(crate) fn is_json(&self) -> bool {
        self.format != Format::Text
    }

    /// Writes a message for people to standard error; not with `--quiet`.
    pub(crate) fn say(&mut self, text: &str) {
        if !self.quiet {
            self.message(text);
        }
    }

    /// Writes a question to standard error, without a line end.
    pub(crate) fn question(&mut self, text: &str) {
        self.catch_up();
        // A lost message stream cannot be reported anywhere. The exit code still gives the result.
        let _ = write!(self.messages, "{text}").and_then(|()| self.messages.flush());
    }

    /// Writes a line to standard error.
    pub(crate) fn message(&mut self, text: &str) {
        self.catch_up();
        let _ = writeln!(self.messages, "{text}").and_then(|()| self.messages.flush());
    }

    /// Gives the reader of standard output a moment: on a terminal and in a log both streams are read as one.
    fn catch_up(&self) {
        if let Data::Thread(thread) = &self.data {
            thread.wait_for(LAST_WORDS);
        }
    }

    /// Reports a failure on standard error, and with JSON also as a document on standard output.
    pub(crate) fn failure(&mut self, failure: &Failure) {
        if self.is_json() {
            self.json(&failure.document());
        }
        self.failure_text(failure);
    }

    /// Reports a failure only on standard error, for commands whose own document contains it.
    pub(crate) fn failure_text(&mut self, failure: &Failure) {
        self.message(&format!("cutover: {failure}"));
    }

    /// Whether the reader of standard output is gone.
    pub(crate) fn closed(&self) -> bool {
        match &self.data {
            Data::Thread(thread) => thread.is_closed() || nobody_reads(),
            Data::Direct(_) => self.closed,
        }
    }

    /// Whether more output is waiting than a reader takes at once.
    pub(crate) fn is_full(&self) -> bool {
        matches!(&self.data, Data::Thread(thread) if thread.is_full())
    }

    /// Waits until there is room. A loop calls this before it writes, so that a signal can end the wait.
    pub(crate) async fn ready(&self) {
        if let Data::Thread(thread) = &self.data {
            thread.ready().await;
        }
    }

    /// Waits until the reader has everything.
    pub(crate) async fn idle(&self) {
        if let Data::Thread(thread) = &self.data {
            thread.idle().await;
        }
    }

    /// Waits for the reader until a signal comes, and shortly after that; returns the exit code.
    pub(crate) async fn drain(&mut self, exit: Exit) -> Exit {
        if matches!(exit, Exit::Int | Exit::Term | Exit::Hup) {
            let _ = tokio::time::timeout(LAST_WORDS, self.idle()).await;
            return exit;
        }
        let Ok(mut interrupts) = Interrupts::new() else { return exit };
        tokio::select! {
            biased;
            () = self.idle() => exit,
            exit = interrupts.wait() => exit,
        }
    }

    /// The exit code. A failed write turns success into an error.
    pub(crate) fn finish(&mut self, exit: Exit) -> Exit {
        if let Data::Thread(thread) = &self.data {
            if !matches!(exit, Exit::Int | Exit::Term | Exit::Hup) {
                thread.wait();
            }
            self.fault = self.fault.take().or_else(|| thread.fault());
        }
        match self.fault.take() {
            Some(error) => {
                self.message(&format!("cutover: standard output cannot be written: {error}"));
                if exit == Exit::Reached { Exit::Error } else { exit }
            }
            None => exit,
        }
    }
}

/// Whether standard output is a pipe whose other end was closed. This is known before anything is written.
fn nobody_reads() -> bool {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let stdout = io::stdout();
    let mut fds = [PollFd::new(&stdout, PollFlags::empty())];
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    poll(&mut fds, Some(&now)).is_ok() && fds[0].revents().contains(PollFlags::ERR)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Broken(io::ErrorKind);
    impl Write for Broken {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn out(kind: io::ErrorKind) -> Out {
        Out::new(Box::new(Broken(kind)), Box::new(io::sink()), Format::Text, Style::default(), false)
    }

    #[test]
    fn a_closed_pipe_is_quiet_and_keeps_the_exit_code() {
        let mut out = out(io::ErrorKind::BrokenPipe);
        out.line("x");
        assert!(out.closed());
        assert_eq!(out.finish(Exit::Reached), Exit::Reached);
    }

    #[test]
    fn a_full_disk_is_an_error() {
        let mut out = out(io::ErrorKind::StorageFull);
        out.line("x");
        assert!(!out.closed());
        assert_eq!(out.finish(Exit::Reached), Exit::Error);
    }
}
