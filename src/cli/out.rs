//! The only way to standard output and standard error: data to the one, messages to the other.
//!
//! A closed pipe (`| head`) is no error: what follows is dropped, [`Out::closed`] tells loops to end,
//! and the exit code stays that of the command. Any other write error is kept and told at the end.

use std::io::{self, Write};

use serde::Serialize;

use super::args::Format;
use super::exit::Exit;
use super::failure::Failure;

/// Where a command writes.
pub struct Out {
    data: Box<dyn Write>,
    messages: Box<dyn Write>,
    /// What data is written as.
    pub format: Format,
    /// How text is written.
    pub style: Style,
    quiet: bool,
    closed: bool,
    fault: Option<io::Error>,
}

/// How text looks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Style {
    /// Bold and reverse may be used.
    pub color: bool,
    /// Only bytes below 0x80.
    pub ascii: bool,
}

impl Style {
    /// `text` in bold where that is wanted.
    pub fn bold(self, text: &str) -> String {
        if self.color { format!("\u{1b}[1m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}

impl Out {
    /// Writes to the process's own streams.
    pub fn standard(format: Format, style: Style, quiet: bool) -> Self {
        Self::new(Box::new(io::stdout()), Box::new(io::stderr()), format, style, quiet)
    }

    /// Writes to `data` and `messages`.
    pub fn new(data: Box<dyn Write>, messages: Box<dyn Write>, format: Format, style: Style, quiet: bool) -> Self {
        Self { data, messages, format, style, quiet, closed: false, fault: None }
    }

    /// Writes `text` to standard output as it is.
    pub fn text(&mut self, text: &str) {
        if self.closed || self.fault.is_some() {
            return;
        }
        if let Err(error) = self.data.write_all(text.as_bytes()).and_then(|()| self.data.flush()) {
            match error.kind() {
                io::ErrorKind::BrokenPipe => self.closed = true,
                _ => self.fault = Some(error),
            }
        }
    }

    /// Writes `text` and a line end to standard output.
    pub fn line(&mut self, text: &str) {
        self.text(&format!("{text}\n"));
    }

    /// Writes one JSON document: indented with `-o json`, on one line with `-o ndjson`.
    pub fn json(&mut self, value: &impl Serialize) {
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
    pub fn json_line(&mut self, value: &impl Serialize) {
        match serde_json::to_string(value) {
            Ok(text) => self.line(&text),
            Err(error) => self.fault = self.fault.take().or_else(|| Some(error.into())),
        }
    }

    /// Whether data is written as JSON.
    pub fn is_json(&self) -> bool {
        self.format != Format::Text
    }

    /// A message for people, on standard error; not with `--quiet`.
    pub fn say(&mut self, text: &str) {
        if !self.quiet {
            self.message(text);
        }
    }

    /// A question, on standard error, without a line end.
    pub fn question(&mut self, text: &str) {
        // A lost message stream has no better place to be told; the exit code still says how it went.
        let _ = write!(self.messages, "{text}").and_then(|()| self.messages.flush());
    }

    /// Writes a line to standard error.
    pub fn message(&mut self, text: &str) {
        let _ = writeln!(self.messages, "{text}").and_then(|()| self.messages.flush());
    }

    /// Tells a failure: on standard error, and with JSON as a document on standard output too.
    pub fn failure(&mut self, failure: &Failure) {
        if self.is_json() {
            self.json(&failure.document());
        }
        self.failure_text(failure);
    }

    /// Tells a failure on standard error alone, for commands whose own document says it.
    pub fn failure_text(&mut self, failure: &Failure) {
        self.message(&format!("cutover: {failure}"));
    }

    /// Whether nobody reads standard output any more.
    pub fn closed(&self) -> bool {
        self.closed
    }

    /// The exit code, which a failed write turns from success into an error.
    pub fn finish(&mut self, exit: Exit) -> Exit {
        match self.fault.take() {
            Some(error) => {
                self.message(&format!("cutover: standard output cannot be written: {error}"));
                if exit == Exit::Reached { Exit::Error } else { exit }
            }
            None => exit,
        }
    }
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
