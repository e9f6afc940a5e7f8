//! What a command writes: shown line by line, kept within bounds, and read for its JSON.

use std::collections::VecDeque;

use serde_json::{Map, Value};
use tokio::io::{AsyncRead, AsyncReadExt};

use crate::domain::LogLevel;
use crate::domain::text::clean;
use crate::gate::report::Report;

/// Lines of one stream that are shown; the rest are counted.
const MAX_SHOWN: u64 = 200;
/// Longest JSON that is read, and longest line that is kept, in bytes.
const MAX_KEPT: usize = 64 * 1024;
/// A command that writes more than this is stopped, in bytes.
const MAX_WRITTEN: u64 = 64 * 1024 * 1024;
/// The last lines, for the evidence.
const TAIL: usize = 10;
/// Longest line of the tail, in characters.
const MAX_LINE: usize = 240;

/// One stream of a command.
pub(super) struct Output<R> {
    pipe: Option<R>,
    level: LogLevel,
    /// The line that is not complete yet.
    line: Vec<u8>,
    /// The first bytes of everything.
    head: Vec<u8>,
    /// The last complete line with text in it.
    last: Vec<u8>,
    tail: VecDeque<String>,
    /// Read and not shown yet; at most [`MAX_SHOWN`].
    unshown: Vec<String>,
    lines: u64,
    written: u64,
}

impl<R: AsyncRead + Unpin> Output<R> {
    pub(super) fn new(pipe: R, level: LogLevel) -> Self {
        let (line, head, last, tail) = (Vec::new(), Vec::new(), Vec::new(), VecDeque::with_capacity(TAIL));
        Self { pipe: Some(pipe), level, line, head, last, tail, unshown: Vec::new(), lines: 0, written: 0 }
    }

    /// Whether more can come.
    pub(super) fn is_open(&self) -> bool {
        self.pipe.is_some()
    }

    /// Reads what is there; nothing is lost when the wait for it is given up.
    pub(super) async fn read(&mut self) {
        let mut chunk = [0; 8192];
        let Some(pipe) = &mut self.pipe else { return };
        match pipe.read(&mut chunk).await {
            Ok(0) | Err(_) => self.pipe = None,
            Ok(read) => self.take(&chunk[..read]),
        }
    }

    fn take(&mut self, chunk: &[u8]) {
        self.written += chunk.len() as u64;
        let space = (MAX_KEPT + 1).saturating_sub(self.head.len());
        self.head.extend_from_slice(&chunk[..chunk.len().min(space)]);
        for piece in chunk.split_inclusive(|&byte| byte == b'\n') {
            let space = MAX_KEPT.saturating_sub(self.line.len());
            self.line.extend_from_slice(&piece[..piece.len().min(space)]);
            if piece.ends_with(b"\n") {
                self.end_line();
            }
        }
    }

    fn end_line(&mut self) {
        let line = std::mem::take(&mut self.line);
        if line.trim_ascii().is_empty() {
            return;
        }
        self.lines += 1;
        let text = String::from_utf8_lossy(&line[..line.len().min(4 * MAX_LINE)]);
        let text = clean(text.trim_end(), MAX_LINE);
        if self.lines <= MAX_SHOWN {
            self.unshown.push(text.clone());
        }
        if self.tail.len() == TAIL {
            self.tail.pop_front();
        }
        self.tail.push_back(text);
        self.last = line;
    }

    /// Shows the lines read since the last time.
    pub(super) fn show(&mut self, report: &mut Report) {
        self.unshown.drain(..).for_each(|line| report.line(self.level, &line));
    }

    /// The last line, and how many were not shown.
    pub(super) fn finish(&mut self, report: &mut Report) {
        self.end_line();
        self.show(report);
        if self.lines > MAX_SHOWN {
            report.line(LogLevel::Warn, &format!("{} more lines are not shown", self.lines - MAX_SHOWN));
        }
    }

    /// Why it is stopped, once it has written too much.
    pub(super) fn flooded(&self) -> Option<String> {
        let mib = MAX_WRITTEN / 1024 / 1024;
        (self.written > MAX_WRITTEN).then(|| format!("stopped: it wrote more than {mib} MiB"))
    }

    /// The last lines.
    pub(super) fn tail(&self) -> impl Iterator<Item = &str> {
        self.tail.iter().map(String::as_str)
    }

    /// The very last line.
    pub(super) fn last(&self) -> Option<&str> {
        self.tail.back().map(String::as_str)
    }

    /// What it says as JSON: all of it, or its last line.
    pub(super) fn told(&self) -> Told {
        let whole = (self.head.len() <= MAX_KEPT).then_some(self.head.as_slice());
        let object = |text: &[u8]| match serde_json::from_slice(text) {
            Ok(Value::Object(object)) => Some(object),
            _ => None,
        };
        match whole.and_then(object).or_else(|| object(&self.last)) {
            Some(object) => Told::read(&object),
            None if self.last.trim_ascii().starts_with(b"{") => {
                Told { fault: Some("its last line is not the JSON it looks like".into()), ..Told::default() }
            }
            None => Told::default(),
        }
    }
}

/// What a command told as JSON.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Told {
    pub(super) value: Option<f64>,
    pub(super) limit: Option<f64>,
    pub(super) at_least: bool,
    pub(super) unit: &'static str,
    pub(super) samples: Option<u64>,
    pub(super) note: Option<String>,
    pub(super) details: Vec<String>,
    /// What was wrong with it.
    pub(super) fault: Option<String>,
}

impl Told {
    fn read(object: &Map<String, Value>) -> Self {
        let mut told = Self::default();
        let mut fault = None;
        let mut number = |key: &str| match object.get(key) {
            None | Some(Value::Null) => None,
            Some(value) => {
                let number = value.as_f64();
                if number.is_none() {
                    fault = Some(format!("{key} in its JSON is not a number"));
                }
                number
            }
        };
        (told.limit, told.value) = (number("limit"), number("value"));
        told.fault = fault;
        told.at_least = object.get("at_least").and_then(Value::as_bool).unwrap_or(false);
        let units = ["ratio", "ms", "count"];
        let unit = object.get("unit").and_then(Value::as_str);
        told.unit = units.into_iter().find(|known| Some(*known) == unit).unwrap_or_default();
        told.samples = object.get("samples").and_then(Value::as_u64);
        let text = |value: &Value| match value {
            Value::String(text) => clean(text, MAX_LINE),
            other => clean(&other.to_string(), MAX_LINE),
        };
        told.note = object.get("note").filter(|note| !note.is_null()).map(text);
        let details = object.get("details").and_then(Value::as_array);
        told.details = details.into_iter().flatten().take(20).map(text).collect();
        told
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Told {
        Told::read(serde_json::from_str::<Value>(text).unwrap().as_object().unwrap())
    }

    #[test]
    fn what_is_no_number_is_none_and_told() {
        let full =
            told(r#"{"value":0.5,"limit":1,"at_least":true,"unit":"ratio","samples":7,"note":"n","details":[1,"b"]}"#);
        assert_eq!((full.value, full.limit, full.at_least, full.unit), (Some(0.5), Some(1.0), true, "ratio"));
        assert_eq!(
            (full.samples, full.note.as_deref(), full.details),
            (Some(7), Some("n"), vec!["1".into(), "b".into()])
        );
        for bad in [r#"{"value":"0.5"}"#, r#"{"value":[1]}"#, r#"{"value":true}"#] {
            let bad = told(bad);
            assert_eq!((bad.value, bad.fault.as_deref()), (None, Some("value in its JSON is not a number")));
        }
        assert_eq!(told(r#"{"value":null,"unit":"\u001b[2J","note":null,"level":"info"}"#), Told::default());
        assert_eq!(told(r#"{"note":"\u001b[2Jevil"}"#).note.as_deref(), Some("evil"));
    }
}
