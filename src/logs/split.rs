//! Splits bytes into lines, however they arrive. Never holds more than the limit.

use super::LONGEST;

/// A line without its end.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Piece {
    pub bytes: Vec<u8>,
    /// The number of bytes of the line that are not in `bytes`.
    pub cut: u64,
}

/// The part of an incomplete line.
#[derive(Default)]
pub(super) struct Splitter {
    partial: Vec<u8>,
    cut: u64,
}

impl Splitter {
    /// Takes in bytes; completed lines go to `out`.
    pub(super) fn feed(&mut self, mut bytes: &[u8], out: &mut Vec<Piece>) {
        while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            self.hold(&bytes[..end]);
            out.push(self.finish());
            bytes = &bytes[end + 1..];
        }
        self.hold(bytes);
    }

    /// Ends the current line, even an empty one.
    fn finish(&mut self) -> Piece {
        let mut bytes = std::mem::take(&mut self.partial);
        if bytes.last() == Some(&b'\r') {
            bytes.pop();
        }
        Piece { bytes, cut: std::mem::take(&mut self.cut) }
    }

    /// The current line if it is not empty: no more bytes will come soon.
    pub(super) fn flush(&mut self) -> Option<Piece> {
        (!self.is_empty()).then(|| self.finish())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.partial.is_empty() && self.cut == 0
    }

    fn hold(&mut self, bytes: &[u8]) {
        let room = LONGEST.saturating_sub(self.partial.len());
        let kept = bytes.len().min(room);
        self.partial.extend_from_slice(&bytes[..kept]);
        self.cut += (bytes.len() - kept) as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(chunks: &[&[u8]]) -> Vec<(String, u64)> {
        let (mut splitter, mut out) = (Splitter::default(), Vec::new());
        for chunk in chunks {
            splitter.feed(chunk, &mut out);
        }
        out.extend(splitter.flush());
        out.into_iter().map(|piece| (String::from_utf8_lossy(&piece.bytes).into_owned(), piece.cut)).collect()
    }

    #[test]
    fn lines_come_whole_however_they_are_cut() {
        let text = b"one\r\n\ntwo\nthr\xffee";
        let whole = lines(&[text]);
        assert_eq!(
            whole.iter().map(|(line, _)| line.as_str()).collect::<Vec<_>>(),
            ["one", "", "two", "thr\u{fffd}ee"]
        );
        for at in 0..text.len() {
            assert_eq!(lines(&[&text[..at], &text[at..]]), whole, "cut at {at}");
        }
    }

    #[test]
    fn a_line_of_ten_megabytes_is_held_in_sixteen_kilobytes() {
        let (mut splitter, mut out) = (Splitter::default(), Vec::new());
        let chunk = vec![b'x'; 64 << 10];
        for _ in 0..160 {
            splitter.feed(&chunk, &mut out);
            assert!(splitter.partial.capacity() <= 2 * LONGEST);
        }
        splitter.feed(b"\nnext\n", &mut out);
        assert_eq!((out[0].bytes.len(), out[0].cut), (LONGEST, (160 * (64 << 10) - LONGEST) as u64));
        assert_eq!(out[1], Piece { bytes: b"next".to_vec(), cut: 0 });
    }
}
