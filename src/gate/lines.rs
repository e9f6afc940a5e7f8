//! Reading JSON lines, one at a time and within bounds.

use std::path::Path;

use tokio::fs::File;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};

use crate::domain::text::clean;

/// Longest line, in bytes.
pub(super) const MAX_LINE: u64 = 1024 * 1024;
/// Most lines, empty ones included.
pub(super) const MAX_LINES: u64 = 100_000;

/// A line with its number, or what is wrong with it.
pub(super) type RawLine = (u64, Result<Vec<u8>, String>);

/// An open file of lines.
pub(super) struct Lines {
    name: String,
    reader: BufReader<File>,
    number: u64,
    max_line: u64,
    most: u64,
}

impl Lines {
    /// Opens `path`; the error names it.
    pub(super) async fn open(path: &Path) -> Result<Self, String> {
        let name = clean(&path.file_name().unwrap_or(path.as_os_str()).to_string_lossy(), 80);
        match File::open(path).await {
            Ok(file) => Ok(Self { name, reader: BufReader::new(file), number: 0, max_line: MAX_LINE, most: MAX_LINES }),
            Err(err) => Err(format!("cannot read {}: {err}", clean(&path.to_string_lossy(), 160))),
        }
    }

    /// The next line that is not blank, with its number, from 1.
    pub(super) async fn next(&mut self) -> Result<Option<(u64, Vec<u8>)>, String> {
        loop {
            match self.next_raw().await? {
                None => return Ok(None),
                Some((number, Err(what))) => return Err(self.fault(number, &what)),
                Some((number, Ok(line))) if !line.trim_ascii().is_empty() => return Ok(Some((number, line))),
                Some(_) => {}
            }
        }
    }

    /// The next line with its end, blank or not; or what is wrong with it alone, so that a reader can go on.
    pub(super) async fn next_raw(&mut self) -> Result<Option<RawLine>, String> {
        let mut line = Vec::new();
        if self.read(&mut line).await? == 0 {
            return Ok(None);
        }
        self.number += 1;
        if self.number > self.most {
            return Err(self.fault(self.number, &format!("more than {} lines", self.most)));
        }
        if line.len() as u64 > self.max_line {
            while !line.ends_with(b"\n") {
                line.clear();
                if self.read(&mut line).await? == 0 {
                    break;
                }
            }
            return Ok(Some((self.number, Err(format!("longer than {} KiB", self.max_line / 1024)))));
        }
        if self.number == 1 && line.starts_with(b"\xef\xbb\xbf") {
            line.drain(..3);
        }
        Ok(Some((self.number, Ok(line))))
    }

    /// Appends what is left of the line, or a piece of it that is longer than a line may be.
    async fn read(&mut self, line: &mut Vec<u8>) -> Result<usize, String> {
        let mut bounded = (&mut self.reader).take(self.max_line + 1);
        bounded.read_until(b'\n', line).await.map_err(|err| format!("cannot read {}: {err}", self.name))
    }

    /// `golden.jsonl:17: not JSON`.
    pub(super) fn fault(&self, line: u64, what: &str) -> String {
        format!("{}:{line}: {what}", self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn all(text: &[u8], max_line: u64, most: u64) -> Result<Vec<(u64, String)>, String> {
        let file = tempfile::Builder::new().prefix("cases").suffix(".jsonl").tempfile().unwrap();
        std::fs::write(file.path(), text).unwrap();
        let mut lines = Lines { max_line, most, ..Lines::open(file.path()).await? };
        lines.name = "cases.jsonl".into();
        let mut out = Vec::new();
        while let Some((number, line)) = lines.next().await? {
            out.push((number, String::from_utf8(line).unwrap().trim().to_owned()));
        }
        Ok(out)
    }

    #[tokio::test]
    async fn lines_keep_their_numbers_over_blank_ones() {
        let found = all(b"one\r\n\n  \nfour\nfive", 100, 100).await.unwrap();
        assert_eq!(found, [(1, "one".into()), (4, "four".into()), (5, "five".into())]);
        assert_eq!(all(b"", 100, 100).await.unwrap(), []);
    }

    #[tokio::test]
    async fn a_line_that_is_too_long_can_be_left_out() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), format!("\u{feff}one\n{}\nthree", "x".repeat(70_000))).unwrap();
        let mut lines = Lines { max_line: 1024, ..Lines::open(file.path()).await.unwrap() };
        let mut found = Vec::new();
        while let Some(line) = lines.next_raw().await.unwrap() {
            found.push(line);
        }
        let long = Err("longer than 1 KiB".to_owned());
        assert_eq!(found, [(1, Ok(b"one\n".to_vec())), (2, long), (3, Ok(b"three".to_vec()))]);
    }

    #[tokio::test]
    async fn length_and_number_are_bounded() {
        let long = "x".repeat(2048);
        assert_eq!(
            all(format!("ok\n{long}\n").as_bytes(), 1024, 9).await.unwrap_err(),
            "cases.jsonl:2: longer than 1 KiB"
        );
        assert_eq!(all(b"1\n2\n3\n", 1024, 2).await.unwrap_err(), "cases.jsonl:3: more than 2 lines");
        let missing = Lines::open(Path::new("/nowhere/golden.jsonl")).await.err().unwrap();
        assert!(missing.starts_with("cannot read /nowhere/golden.jsonl: No such file"), "{missing}");
    }
}
