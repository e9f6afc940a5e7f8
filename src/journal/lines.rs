//! Splits a stream into lines and never holds more than one.

use std::io::{self, BufRead, Read};

use super::line::MAX_LINE;

/// The next piece of a journal.
#[derive(Debug)]
pub(super) enum Piece<'a> {
    /// A whole line, without its line end.
    Line(&'a [u8]),
    /// A line longer than [`MAX_LINE`], skipped; its length in bytes.
    TooLong(u64),
    /// An incomplete line after the last line end; its length in bytes.
    Torn(u64),
}

/// Reads lines and knows the offset of the next one.
#[derive(Debug)]
pub(super) struct Lines<R> {
    reader: R,
    buf: Vec<u8>,
    offset: u64,
}

impl<R: BufRead> Lines<R> {
    /// Lines of `reader`, which starts `offset` bytes into its file.
    pub(super) fn new(reader: R, offset: u64) -> Self {
        Self { reader, buf: Vec::new(), offset }
    }

    /// The offset of the first byte after the last whole line.
    pub(super) const fn offset(&self) -> u64 {
        self.offset
    }

    /// The next piece; `None` at the end.
    pub(super) fn next(&mut self) -> io::Result<Option<Piece<'_>>> {
        self.buf.clear();
        let read = (&mut self.reader).take(MAX_LINE as u64 + 1).read_until(b'\n', &mut self.buf)? as u64;
        if read == 0 {
            return Ok(None);
        }
        if self.buf.ends_with(b"\n") {
            // A lost page reads as zeros. JSON has no zero bytes, so a last line with one was not completely written
            // to the disk.
            if self.buf.contains(&0) && self.reader.fill_buf()?.is_empty() {
                return Ok(Some(Piece::Torn(read)));
            }
            self.offset += read;
            self.buf.pop();
            return Ok(Some(Piece::Line(&self.buf)));
        }
        if read <= MAX_LINE as u64 {
            return Ok(Some(Piece::Torn(read)));
        }
        let (rest, ended) = self.skip()?;
        if !ended {
            return Ok(Some(Piece::Torn(read + rest)));
        }
        self.offset += read + rest;
        Ok(Some(Piece::TooLong(read + rest)))
    }

    /// Skips the rest of a line; returns the number of bytes, and whether the line had an end.
    fn skip(&mut self) -> io::Result<(u64, bool)> {
        let mut passed = 0;
        loop {
            let chunk = self.reader.fill_buf()?;
            if chunk.is_empty() {
                return Ok((passed, false));
            }
            let end = chunk.iter().position(|b| *b == b'\n');
            let used = end.map_or(chunk.len(), |at| at + 1);
            self.reader.consume(used);
            passed += used as u64;
            if end.is_some() {
                return Ok((passed, true));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(bytes: &[u8]) -> Vec<String> {
        let mut lines = Lines::new(bytes, 0);
        let mut out = Vec::new();
        while let Some(piece) = lines.next().unwrap() {
            out.push(match piece {
                Piece::Line(line) => format!("line {}", line.len()),
                Piece::TooLong(n) => format!("long {n}"),
                Piece::Torn(n) => format!("torn {n}"),
            });
        }
        out.push(format!("offset {}", lines.offset()));
        out
    }

    #[test]
    fn whole_long_and_torn_lines_are_told_apart() {
        assert_eq!(pieces(b""), ["offset 0"]);
        assert_eq!(pieces(b"ab\n\ncd"), ["line 2", "line 0", "torn 2", "offset 4"]);
        let mut long = vec![b'x'; MAX_LINE + 9];
        assert_eq!(pieces(&long), [format!("torn {}", MAX_LINE + 9), "offset 0".into()]);
        long.extend(b"\nab\n");
        let offset = format!("offset {}", long.len());
        assert_eq!(pieces(&long), [format!("long {}", MAX_LINE + 10), "line 2".into(), offset]);
        let mut full = vec![b'x'; MAX_LINE];
        full.push(b'\n');
        assert_eq!(pieces(&full)[0], format!("line {MAX_LINE}"));
    }

    #[test]
    fn a_last_line_with_a_lost_page_is_torn_and_one_in_the_middle_is_a_line() {
        assert_eq!(pieces(b"ab\n\0\0}\n"), ["line 2", "torn 4", "offset 3"]);
        assert_eq!(pieces(b"\0\0}\nab\n"), ["line 3", "line 2", "offset 7"]);
    }
}
