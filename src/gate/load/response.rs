//! Reads an HTTP/1.1 response as its bytes come in: where it ends, its status, and whether the connection can be
//! reused.
//!
//! The response is counted, not kept. The candidate is not trusted: its head and its body have limits, and a response
//! without a clear end is a fault.

use std::borrow::Cow;
use std::mem::MaybeUninit;

use httparse::{Header, Status};

use crate::gate::MAX_REPLY;

/// Longest head, chunk size line and trailer section, in bytes.
const MAX_HEAD: usize = 64 * 1024;
/// Most headers of a head.
const MAX_HEADERS: usize = 256;
/// Most fields of a trailer section.
const MAX_TRAILERS: usize = 32;

/// What is wrong, in few words. Faults are counted by this text.
pub(crate) type Fault = Cow<'static, str>;

const NOT_HTTP: Fault = Cow::Borrowed("not an HTTP answer");
const TOO_LONG: Fault = Cow::Borrowed("answer cut off or too long");

/// The part of a response that comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Head,
    /// This many bytes are left.
    Body(u64),
    /// The size line of the next chunk.
    Size,
    /// This many bytes of a chunk are left, its line end included.
    Chunk(u64),
    /// The fields after the last chunk, up to an empty line.
    Trailer,
    /// Everything until the connection closes.
    Rest,
    Done,
}

/// A response that is being read.
#[derive(Debug)]
pub(crate) struct Response {
    part: Part,
    /// Whether it answers a HEAD request: it has no body then, whatever its head says.
    bare: bool,
    /// Bytes of the body so far, those that its head announces included.
    read: u64,
    /// The status; 0 until the head is read.
    pub(crate) status: u16,
    /// Whether the connection can carry another request.
    pub(crate) keep: bool,
}

/// What a head says about the body.
#[derive(Default)]
struct Framing {
    length: Option<u64>,
    chunked: bool,
    coded: bool,
}

impl Response {
    pub(crate) const fn new(bare: bool) -> Self {
        Self { part: Part::Head, bare, read: 0, status: 0, keep: true }
    }

    /// Whether the whole response is read.
    pub(crate) const fn is_done(&self) -> bool {
        matches!(self.part, Part::Done)
    }

    /// Reads as much of `bytes` as possible and returns the number of bytes used. Pass the rest again together with
    /// more bytes.
    pub(crate) fn take(&mut self, bytes: &[u8]) -> Result<usize, Fault> {
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
                Part::Size => self.chunk_size(rest)?,
                Part::Trailer => self.trailer(rest)?,
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

    /// Notes that the peer closed the connection while `unread` bytes were not used.
    pub(crate) fn closed(&mut self, unread: usize) -> Result<(), Fault> {
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

    /// Reads a whole head, or nothing yet.
    fn head(&mut self, bytes: &[u8]) -> Result<usize, Fault> {
        let mut headers = [const { MaybeUninit::uninit() }; MAX_HEADERS];
        let mut head = httparse::Response::new(&mut []);
        let parser = httparse::ParserConfig::default();
        let parsed = parser.parse_response_with_uninit_headers(&mut head, bytes, &mut headers).map_err(|_| NOT_HTTP)?;
        let Status::Complete(length) = parsed else {
            return if bytes.len() > MAX_HEAD { Err(NOT_HTTP) } else { Ok(0) };
        };
        let status = head.code.filter(|status| *status >= 100).ok_or(NOT_HTTP)?;
        self.keep = head.version == Some(1);
        let mut framing = Framing::default();
        for header in head.headers.iter() {
            self.header(header, &mut framing)?;
        }
        self.framed(status, &framing)?;
        Ok(length)
    }

    fn header(&mut self, header: &Header<'_>, framing: &mut Framing) -> Result<(), Fault> {
        let value = header.value.trim_ascii();
        // Compare lengths first: most names have another length than these.
        match header.name.len() {
            14 if header.name.eq_ignore_ascii_case("content-length") => {
                let length = number(value).ok_or(NOT_HTTP)?;
                if framing.length.is_some_and(|other| other != length) {
                    return Err(NOT_HTTP);
                }
                framing.length = Some(length);
            }
            17 if header.name.eq_ignore_ascii_case("transfer-encoding") => {
                framing.coded = true;
                framing.chunked = words(value).next_back().is_some_and(|word| word.eq_ignore_ascii_case(b"chunked"));
            }
            10 if header.name.eq_ignore_ascii_case("connection") => {
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

    /// Sets the part that follows the head.
    fn framed(&mut self, status: u16, framing: &Framing) -> Result<(), Fault> {
        self.part = match status {
            101 => return Err("another protocol was switched to".into()),
            // An interim response: the final one follows.
            100..=199 => Part::Head,
            _ if self.bare || matches!(status, 204 | 304) => Part::Done,
            _ if framing.chunked => Part::Size,
            // With both a coding and a length, the length does not count: the pair is used for request smuggling.
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

    fn chunk_size(&mut self, bytes: &[u8]) -> Result<usize, Fault> {
        if bytes.first().is_some_and(|byte| !byte.is_ascii_hexdigit()) {
            return Err(NOT_HTTP);
        }
        match httparse::parse_chunk_size(bytes).map_err(|_| NOT_HTTP)? {
            Status::Complete((length, size)) => {
                self.count(size)?;
                // Each chunk is followed by a line end.
                self.part = if size == 0 { Part::Trailer } else { Part::Chunk(size + 2) };
                Ok(length)
            }
            Status::Partial if bytes.len() > MAX_HEAD => Err(TOO_LONG),
            Status::Partial => Ok(0),
        }
    }

    fn trailer(&mut self, bytes: &[u8]) -> Result<usize, Fault> {
        match httparse::parse_headers(bytes, &mut [httparse::EMPTY_HEADER; MAX_TRAILERS]).map_err(|_| NOT_HTTP)? {
            Status::Complete((length, _)) => {
                self.part = Part::Done;
                Ok(length)
            }
            Status::Partial if bytes.len() > MAX_HEAD => Err(TOO_LONG),
            Status::Partial => Ok(0),
        }
    }
}

fn words(value: &[u8]) -> impl DoubleEndedIterator<Item = &[u8]> {
    value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii)
}

/// Reads a number of at most 18 decimal digits.
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
        let (mut response, mut held) = (Response::new(bare), Vec::new());
        for piece in text.as_bytes().chunks(step) {
            held.extend_from_slice(piece);
            let used = response.take(&held).map_err(|fault| fault.to_string())?;
            held.drain(..used);
        }
        if !response.is_done() {
            response.closed(held.len()).map_err(|fault| fault.to_string())?;
        }
        Ok((response.status, response.keep, held.len()))
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
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\n\r\n", "not an HTTP answer"),
            ("HTTP/1.1 099 Low\r\n\r\n", "not an HTTP answer"),
            ("HTTP/1.1 101 Switching\r\n\r\n", "another protocol was switched to"),
        ] {
            for step in [1, 5, 1000] {
                assert_eq!(read(text, step, false), Err(wanted.to_owned()), "{text:?} in pieces of {step}");
            }
        }
        let endless = format!("{head}x: {}\r\n", "y".repeat(70_000));
        assert_eq!(read(&endless, 9000, false), Err("not an HTTP answer".into()));
        let many = |count| format!("{head}{}content-length: 0\r\n\r\n", "x: y\r\n".repeat(count));
        assert_eq!(read(&many(MAX_HEADERS - 1), 9000, false), Ok((200, true, 0)));
        assert_eq!(read(&many(MAX_HEADERS), 9000, false), Err("not an HTTP answer".into()));
        let trailer = format!("{head}transfer-encoding: chunked\r\n\r\n0\r\nx: {}", "y".repeat(70_000));
        assert_eq!(read(&trailer, 9000, false), Err("answer cut off or too long".into()));
        let flood = format!("{head}\r\n{}", "y".repeat(MAX_REPLY + 1));
        assert_eq!(read(&flood, 9000, false), Err("answer cut off or too long".into()));
    }
}
