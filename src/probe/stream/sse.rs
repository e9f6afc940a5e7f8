//! Parses server-sent events from a stream of bytes. An event may be split at any byte; all three line ends of the
//! standard are accepted.
//!
//! The kept part of a line and of an event is bounded. A server that never ends a line or an event gets an error.

/// Longest event, in bytes of its lines.
const MAX_EVENT: usize = 64 * 1024;

/// One event that held data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SseEvent {
    /// The text of its `event:` line; empty without one.
    pub kind: String,
    /// Its `data:` lines, joined by line feeds. Invalid UTF-8 is replaced.
    pub data: String,
}

/// A line or an event is longer than the limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooLong;

/// The state of the parser between two pieces of the stream.
#[derive(Debug, Default)]
pub(crate) struct Sse {
    line: Vec<u8>,
    kind: Vec<u8>,
    data: Option<Vec<u8>>,
    /// Bytes of the event so far, ignored lines included.
    held: usize,
    /// Whether the last byte was a carriage return: a line feed after it belongs to the same line end.
    after_return: bool,
    is_begun: bool,
}

impl Sse {
    /// Takes in the next bytes. Completed events go to `out`.
    pub(crate) fn push(&mut self, bytes: &[u8], out: &mut Vec<SseEvent>) -> Result<(), TooLong> {
        for &byte in bytes {
            let was_return = std::mem::replace(&mut self.after_return, byte == b'\r');
            match byte {
                b'\n' if was_return => {}
                b'\n' | b'\r' => self.end_line(out),
                _ => {
                    self.held += 1;
                    if self.held > MAX_EVENT {
                        return Err(TooLong);
                    }
                    self.line.push(byte);
                }
            }
        }
        Ok(())
    }

    /// Ends the stream. Returns data that was not followed by an empty line: some servers send `[DONE]` and close at
    /// once.
    pub(crate) fn rest(mut self) -> Option<SseEvent> {
        let mut out = Vec::new();
        if !self.line.is_empty() {
            self.end_line(&mut out);
        }
        self.end_line(&mut out);
        out.pop()
    }

    fn end_line(&mut self, out: &mut Vec<SseEvent>) {
        let mut line = std::mem::take(&mut self.line);
        if !std::mem::replace(&mut self.is_begun, true) && line.starts_with(b"\xef\xbb\xbf") {
            line.drain(..3);
        }
        if line.is_empty() {
            self.held = 0;
            let kind = std::mem::take(&mut self.kind);
            if let Some(data) = self.data.take() {
                let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
                out.push(SseEvent { kind: text(&kind), data: text(&data) });
            }
            return;
        }
        let colon = line.iter().position(|&byte| byte == b':');
        let (field, value) = line.split_at(colon.unwrap_or(line.len()));
        let value = value.strip_prefix(b":").unwrap_or(value);
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match field {
            // A comment only keeps the connection alive; it is not part of an event.
            b"" => self.held = self.held.saturating_sub(line.len()),
            b"data" => match &mut self.data {
                Some(data) => {
                    data.push(b'\n');
                    data.extend_from_slice(value);
                }
                None => self.data = Some(value.to_vec()),
            },
            b"event" => self.kind = value.to_vec(),
            // `id`, `retry`, and fields that the standard ignores.
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(pieces: &[&[u8]]) -> Vec<(String, String)> {
        let (mut sse, mut out) = (Sse::default(), Vec::new());
        for piece in pieces {
            sse.push(piece, &mut out).unwrap();
        }
        out.into_iter().map(|event| (event.kind, event.data)).collect()
    }

    fn data(text: &str) -> (String, String) {
        (String::new(), text.to_owned())
    }

    #[test]
    fn an_event_may_be_cut_anywhere_and_lines_may_end_as_they_like() {
        for end in ["\n", "\r\n", "\r"] {
            let text = format!(
                "\u{feff}data: {{\"a\":\"\u{e9}\"}}{end}{end}: alive{end}event: error{end}data:x{end}data: y{end}{end}"
            );
            let bytes = text.as_bytes();
            let want = [data("{\"a\":\"\u{e9}\"}"), ("error".to_owned(), "x\ny".to_owned())];
            for cut in 0..bytes.len() {
                assert_eq!(events(&[&bytes[..cut], &bytes[cut..]]), want, "{end:?} cut at {cut}");
            }
            let single: Vec<&[u8]> = bytes.chunks(1).collect();
            assert_eq!(events(&single), want);
        }
    }

    #[test]
    fn what_is_no_data_is_no_event() {
        assert_eq!(events(&[b"\n\n: x\n\nid: 3\nretry: 5\n\nevent: ping\n\nnonsense\n\ndataset: 1\n\n"]), []);
        assert_eq!(events(&[b"data\n\n"]), [data("")]);
        assert_eq!(events(&[b"data:  two\n\ndata: unfinished\n"]), [data(" two")]);
        assert_eq!(events(&[b"event: a\n\ndata: b\n\n"]), [data("b")], "a kind is of its own event alone");
        assert_eq!(events(&[b"data: \xff\n\n"]), [data("\u{fffd}")]);
    }

    #[test]
    fn what_is_left_at_the_end_can_be_had() {
        let rest = |bytes: &[u8]| {
            let mut sse = Sse::default();
            sse.push(bytes, &mut Vec::new()).unwrap();
            sse.rest().map(|event| event.data)
        };
        assert_eq!(rest(b"data: [DONE]\n").as_deref(), Some("[DONE]"));
        assert_eq!(rest(b"data: [DONE]").as_deref(), Some("[DONE]"));
        assert_eq!(rest(b"data: x\n\n"), None);
    }

    #[test]
    fn neither_a_line_nor_an_event_grows_without_end() {
        let long = vec![b'x'; MAX_EVENT + 1];
        assert_eq!(Sse::default().push(&long, &mut Vec::new()), Err(TooLong));
        let many = b"data: 0123456789\n".repeat(MAX_EVENT / 16 + 1);
        assert_eq!(Sse::default().push(&many, &mut Vec::new()), Err(TooLong));
        let mut out = Vec::new();
        let comments = b": alive\n".repeat(MAX_EVENT);
        assert_eq!(Sse::default().push(&comments, &mut out), Ok(()), "comments are as many as they like");
    }
}
