//! Reading an HTTP/1.1 answer as its bytes come in: where it ends, its status, whether the connection can go on.
//!
//! Nothing of it is kept. What a candidate answers is not trusted: the head and the body are bounded, and
//! everything that leaves its end in doubt is a fault.

use std::borrow::Cow;

use crate::gate::MAX_REPLY;

/// Longest head, and longest line of a chunked body, in bytes.
const MAX_HEAD: usize = 64 * 1024;

/// What is wrong, in few words: faults are counted by them.
pub(super) type Fault = Cow<'static, str>;

const NOT_HTTP: Fault = Cow::Borrowed("not an HTTP answer");
const TOO_LONG: Fault = Cow::Borrowed("answer cut off or too long");

/// How far an answer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Head,
    /// So many bytes are left.
    Body(u64),
    /// The length of the next chunk.
    Size,
    /// So many bytes of a chunk are left, its line end among them.
    Chunk(u64),
    /// Lines after the last chunk, up to an empty one.
    Trailer,
    /// Until the connection is closed.
    Rest,
    Done,
}

/// An answer that is being read.
#[derive(Debug)]
pub(super) struct Answer {
    part: Part,
    /// Whether it is to a HEAD: no body whatever its head says.
    bare: bool,
    read: u64,
    /// Of the head; 0 before it was read.
    pub(super) status: u16,
    /// Whether another request can be sent on the connection.
    pub(super) keep: bool,
}

/// What a head says of the body.
#[derive(Default)]
struct Framing {
    length: Option<u64>,
    chunked: bool,
    coded: bool,
}

impl Answer {
    pub(super) const fn new(bare: bool) -> Self {
        Self { part: Part::Head, bare, read: 0, status: 0, keep: true }
    }

    /// Whether it was read to its end.
    pub(super) const fn is_done(&self) -> bool {
        matches!(self.part, Part::Done)
    }

    /// Takes in what can be taken of `bytes` and says how many that were; the rest is to be shown again.
    pub(super) fn take(&mut self, bytes: &[u8]) -> Result<usize, Fault> {
        let mut used = 0;
        while !self.is_done() {
            let rest = &bytes[used..];
            let taken = match self.part {
                Part::Head => self.head(rest)?,
                Part::Body(left) => {
                    let taken = left.min(rest.len() as u64);
                    self.part = if taken == left { Part::Done } else { Part::Body(left - taken) };
                    taken as usize
                }
                Part::Chunk(left) => {
                    let taken = left.min(rest.len() as u64);
                    self.part = if taken == left { Part::Size } else { Part::Chunk(left - taken) };
                    taken as usize
                }
                Part::Size | Part::Trailer => self.line(rest)?,
                Part::Rest => {
                    self.count(rest.len() as u64)?;
                    rest.len()
                }
                Part::Done => 0,
            };
            used += taken;
            if taken == 0 && !self.is_done() {
                break;
            }
        }
        Ok(used)
    }

    /// The connection was closed.
    pub(super) fn closed(&mut self, unread: usize) -> Result<(), Fault> {
        self.keep = false;
        match self.part {
            Part::Rest | Part::Done => {
                self.part = Part::Done;
                Ok(())
            }
            Part::Head if unread == 0 => Err("connection closed without an answer".into()),
            _ => Err(TOO_LONG),
        }
    }

    fn count(&mut self, more: u64) -> Result<(), Fault> {
        self.read = self.read.saturating_add(more);
        if self.read > MAX_REPLY as u64 { Err(TOO_LONG) } else { Ok(()) }
    }

    /// A whole head, or nothing.
    fn head(&mut self, bytes: &[u8]) -> Result<usize, Fault> {
        let mut framing = Framing::default();
        let (mut at, mut status) = (0, None);
        while let Some(length) = bytes[at..].iter().position(|byte| *byte == b'\n') {
            let line = bytes[at..at + length].strip_suffix(b"\r").unwrap_or(&bytes[at..at + length]);
            at += length + 1;
            match status {
                None => status = Some(self.status_line(line)?),
                Some(status) if line.is_empty() => {
                    self.framed(status, &framing)?;
                    return Ok(at);
                }
                Some(_) => self.header(line, &mut framing)?,
            }
        }
        // What is no answer at all need not be read to its end.
        let start = &bytes[..bytes.len().min(7)];
        if bytes.len() > MAX_HEAD || !b"HTTP/1.".starts_with(start) { Err(NOT_HTTP) } else { Ok(0) }
    }

    fn status_line(&mut self, line: &[u8]) -> Result<u16, Fault> {
        let rest = line.strip_prefix(b"HTTP/1.").ok_or(NOT_HTTP)?;
        let [minor @ (b'0' | b'1'), b' ', a, b, c, ..] = rest else { return Err(NOT_HTTP) };
        if rest.get(5).is_some_and(|after| *after != b' ') {
            return Err(NOT_HTTP);
        }
        self.keep = *minor == b'1';
        number(&[*a, *b, *c]).filter(|status| *status >= 100).map(|status| status as u16).ok_or(NOT_HTTP)
    }

    fn header(&mut self, line: &[u8], framing: &mut Framing) -> Result<(), Fault> {
        let colon = line.iter().position(|byte| *byte == b':').ok_or(NOT_HTTP)?;
        let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
        // Most names are none of these, and their length says so.
        match name.len() {
            14 if name.eq_ignore_ascii_case(b"content-length") => {
                let length = number(value).ok_or(NOT_HTTP)?;
                if framing.length.is_some_and(|other| other != length) {
                    return Err(NOT_HTTP);
                }
                framing.length = Some(length);
            }
            17 if name.eq_ignore_ascii_case(b"transfer-encoding") => {
                framing.coded = true;
                framing.chunked = words(value).next_back().is_some_and(|word| word.eq_ignore_ascii_case(b"chunked"));
            }
            10 if name.eq_ignore_ascii_case(b"connection") => {
                if words(value).any(|word| word.eq_ignore_ascii_case(b"close")) {
                    self.keep = false;
                } else if words(value).any(|word| word.eq_ignore_ascii_case(b"keep-alive")) {
                    self.keep = true;
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// The head is over: what follows?
    fn framed(&mut self, status: u16, framing: &Framing) -> Result<(), Fault> {
        self.part = match status {
            101 => return Err("another protocol was switched to".into()),
            // An interim answer: the real one follows.
            100..=199 => Part::Head,
            _ if self.bare || matches!(status, 204 | 304) => Part::Done,
            _ if framing.chunked => Part::Size,
            // Both at once is how requests are smuggled: the length does not count.
            _ if framing.coded => Part::Rest,
            _ => match framing.length {
                Some(0) => Part::Done,
                Some(length) => {
                    self.count(length)?;
                    Part::Body(length)
                }
                None => Part::Rest,
            },
        };
        if status >= 200 {
            self.status = status;
        }
        if framing.coded && framing.length.is_some() {
            self.keep = false;
        }
        Ok(())
    }

    /// A line of a chunked body: the size of a chunk, or what follows the last.
    fn line(&mut self, bytes: &[u8]) -> Result<usize, Fault> {
        let Some(length) = bytes.iter().position(|byte| *byte == b'\n') else {
            return if bytes.len() > MAX_HEAD { Err(TOO_LONG) } else { Ok(0) };
        };
        let line = bytes[..length].strip_suffix(b"\r").unwrap_or(&bytes[..length]);
        if self.part == Part::Trailer {
            self.count(length as u64)?;
            if line.is_empty() {
                self.part = Part::Done;
            }
            return Ok(length + 1);
        }
        let size = line.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
        let size = std::str::from_utf8(size).ok().filter(|text| !text.is_empty() && !text.starts_with('+'));
        let size = size.and_then(|text| u64::from_str_radix(text, 16).ok()).ok_or(NOT_HTTP)?;
        self.count(size)?;
        // A chunk ends with a line end of its own.
        self.part = if size == 0 { Part::Trailer } else { Part::Chunk(size + 2) };
        Ok(length + 1)
    }
}

fn words(value: &[u8]) -> impl DoubleEndedIterator<Item = &[u8]> {
    value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii)
}

/// Decimal digits and nothing else.
fn number(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() || digits.len() > 18 {
        return None;
    }
    digits.iter().try_fold(0, |sum, digit| digit.is_ascii_digit().then(|| sum * 10 + u64::from(digit - b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads `text` in pieces of `step` bytes, then the end of the connection; status, keep, bytes left over.
    fn read(text: &str, step: usize, bare: bool) -> Result<(u16, bool, usize), String> {
        let (mut answer, mut held) = (Answer::new(bare), Vec::new());
        for piece in text.as_bytes().chunks(step) {
            held.extend_from_slice(piece);
            let used = answer.take(&held).map_err(|fault| fault.to_string())?;
            held.drain(..used);
        }
        if !answer.is_done() {
            answer.closed(held.len()).map_err(|fault| fault.to_string())?;
        }
        Ok((answer.status, answer.keep, held.len()))
    }

    #[test]
    fn its_end_is_found_however_its_bytes_come() {
        let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, Chunked\r\n\r\n\
                       4;x=y\r\nabcd\r\nA\r\n0123456789\r\n0\r\nTrailer: 1\r\n\r\n";
        for (text, wanted) in [
            ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", (200, true, 0)),
            ("HTTP/1.1 200\r\ncontent-length:0\r\n\r\n", (200, true, 0)),
            ("HTTP/1.1 200 OK\nContent-Length: 2\n\nokHTTP/1.1", (200, true, 8)),
            ("HTTP/1.1 503 No\r\nConnection: Close\r\nContent-Length: 2\r\n\r\nno", (503, false, 0)),
            ("HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx", (200, false, 0)),
            ("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\nx", (200, true, 0)),
            (
                "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nLink: x\r\n\r\nHTTP/1.1 204 No\r\n\r\n",
                (204, true, 0),
            ),
            ("HTTP/1.1 304 Same\r\nContent-Length: 9\r\n\r\n", (304, true, 0)),
            ("HTTP/1.1 200 OK\r\n\r\nuntil it is closed", (200, false, 0)),
            (chunked, (200, true, 0)),
        ] {
            for step in [1, 2, 3, 7, 1000] {
                assert_eq!(read(text, step, false), Ok(wanted), "{text:?} in pieces of {step}");
            }
        }
        assert_eq!(read("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", 4, true), Ok((200, true, 0)));
    }

    #[test]
    fn what_leaves_its_end_in_doubt_is_a_fault() {
        let head = "HTTP/1.1 200 OK\r\n";
        for (text, wanted) in [
            ("", "connection closed without an answer"),
            ("HTTP/1.1 200 OK\r\nContent-Le", "answer cut off or too long"),
            ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell", "answer cut off or too long"),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel", "answer cut off or too long"),
            ("<html>", "not an HTTP answer"),
            ("HTTP/2 200\r\n\r\n", "not an HTTP answer"),
            ("HTTP/1.1 2000 OK\r\n\r\n", "not an HTTP answer"),
            ("HTTP/1.1 20x OK\r\n\r\n", "not an HTTP answer"),
            ("HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\n", "not an HTTP answer"),
            ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n", "not an HTTP answer"),
            ("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "not an HTTP answer"),
            ("HTTP/1.1 200 OK\r\nContent-Length: 5000000\r\n\r\n", "answer cut off or too long"),
            ("HTTP/1.1 200 OK\r\nno colon\r\n\r\n", "not an HTTP answer"),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "not an HTTP answer"),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n", "answer cut off or too long"),
            ("HTTP/1.1 101 Switching\r\n\r\n", "another protocol was switched to"),
        ] {
            for step in [1, 5, 1000] {
                assert_eq!(read(text, step, false), Err(wanted.to_owned()), "{text:?} in pieces of {step}");
            }
        }
        let endless = format!("{head}x: {}\r\n", "y".repeat(70_000));
        assert_eq!(read(&endless, 9000, false), Err("not an HTTP answer".into()));
        let flood = format!("{head}\r\n{}", "y".repeat(MAX_REPLY + 1));
        assert_eq!(read(&flood, 9000, false), Err("answer cut off or too long".into()));
    }
}
