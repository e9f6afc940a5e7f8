//! Tables as RFC 4180 has them: cells in quotes may hold separators, line ends and doubled quotes.

use std::collections::VecDeque;
use std::path::Path;

use crate::gate::lines::{Lines, MAX_LINE, RawLine};

/// An open table, read record by record.
pub(super) struct Table {
    lines: Lines,
    separator: u8,
    /// Lines that were read as part of a record that turned out to be broken.
    back: VecDeque<RawLine>,
}

/// A record: the number of its first line, its text, and its cells or what is wrong with them.
pub(super) type Record = (u64, Vec<u8>, Result<Vec<String>, String>);

impl Table {
    pub(super) async fn open(path: &Path, separator: u8) -> Result<Self, String> {
        Ok(Self { lines: Lines::open(path).await?, separator, back: VecDeque::new() })
    }

    /// `golden.csv:17: what`.
    pub(super) fn fault(&self, line: u64, what: &str) -> String {
        self.lines.fault(line, what)
    }

    /// The next record; blank lines between records are none.
    pub(super) async fn next(&mut self) -> Result<Option<Record>, String> {
        let (mut number, mut text) = (0, Vec::new());
        let mut reading = Reading::default();
        // Those after the first, in case it is broken and they stand for themselves.
        let mut further = Vec::new();
        loop {
            let next = match self.back.pop_front() {
                Some(line) => Some(line),
                None => self.lines.next_raw().await?,
            };
            let broken = match next {
                None if number == 0 => return Ok(None),
                None => Some("a quote is opened and not closed"),
                Some((at, Err(what))) if number == 0 => return Ok(Some((at, Vec::new(), Err(what)))),
                Some((_, Ok(line))) if number == 0 && line.trim_ascii().is_empty() => continue,
                Some((at, line)) => {
                    let fed = match &line {
                        Ok(line) if text.len() + line.len() <= MAX_LINE as usize => {
                            text.extend_from_slice(line);
                            reading.feed(line, self.separator)
                        }
                        _ => Err("a quote is opened and not closed"),
                    };
                    if number == 0 {
                        number = at;
                    } else {
                        further.push((at, line));
                    }
                    match fed {
                        Ok(true) => return Ok(Some((number, text, reading.cells()))),
                        Ok(false) => None,
                        Err(what) => Some(what),
                    }
                }
            };
            if let Some(what) = broken {
                for line in further.into_iter().rev() {
                    self.back.push_front(line);
                }
                return Ok(Some((number, text, Err(what.to_owned()))));
            }
        }
    }
}

/// Where in a record a reader is.
#[derive(Default)]
struct Reading {
    done: Vec<Vec<u8>>,
    cell: Vec<u8>,
    at: At,
}

#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum At {
    #[default]
    Start,
    Plain,
    Quoted,
    /// After a quote within a quoted cell: its end, or half of a doubled one.
    Quote,
}

impl Reading {
    /// Takes one line; true when the record is complete.
    fn feed(&mut self, line: &[u8], separator: u8) -> Result<bool, &'static str> {
        let content = line.strip_suffix(b"\n").unwrap_or(line);
        let bare = content.strip_suffix(b"\r").unwrap_or(content);
        for &byte in bare {
            self.at = match (self.at, byte) {
                (At::Start, b'"') => At::Quoted,
                (At::Start | At::Plain | At::Quote, byte) if byte == separator => {
                    self.done.push(std::mem::take(&mut self.cell));
                    At::Start
                }
                (At::Plain, b'"') => return Err("a quote within a cell that has none around it"),
                (At::Quote, b'"') => {
                    self.cell.push(b'"');
                    At::Quoted
                }
                (At::Quote, _) => return Err("text after the closing quote of a cell"),
                (At::Quoted, b'"') => At::Quote,
                (At::Quoted, byte) => {
                    self.cell.push(byte);
                    At::Quoted
                }
                (At::Start | At::Plain, byte) => {
                    self.cell.push(byte);
                    At::Plain
                }
            };
        }
        if self.at == At::Quoted {
            self.cell.extend_from_slice(&line[bare.len()..]);
            return Ok(false);
        }
        self.done.push(std::mem::take(&mut self.cell));
        Ok(true)
    }

    fn cells(self) -> Result<Vec<String>, String> {
        let text = |cell| String::from_utf8(cell).map_err(|_| "not UTF-8".to_owned());
        self.done.into_iter().map(text).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn all(text: &[u8]) -> Vec<(u64, Result<Vec<String>, String>)> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        let mut table = Table::open(file.path(), b',').await.unwrap();
        let mut out = Vec::new();
        while let Some((number, _, cells)) = table.next().await.unwrap() {
            out.push((number, cells));
        }
        out
    }

    fn good(number: u64, cells: &[&str]) -> (u64, Result<Vec<String>, String>) {
        (number, Ok(cells.iter().map(|cell| (*cell).to_owned()).collect()))
    }

    #[tokio::test]
    async fn cells_are_what_they_were_before_they_were_quoted() {
        let table = b"\xef\xbb\xbfid,text\r\n1,\"a, \"\"b\"\"\r\n\nc\"\r\n\n2, x \n3,\n\"\",\"\"\nlast,\xc3\xa9";
        let expected = [
            good(1, &["id", "text"]),
            good(2, &["1", "a, \"b\"\r\n\nc"]),
            good(6, &["2", " x "]),
            good(7, &["3", ""]),
            good(8, &["", ""]),
            good(9, &["last", "\u{e9}"]),
        ];
        assert_eq!(all(table).await, expected);
        assert_eq!(all(b"").await, []);
    }

    #[tokio::test]
    async fn a_broken_record_takes_no_other_with_it() {
        let found = all(b"a,\"open\nb,2\nc,x\"y\nd,\"z\"z\ne,\xff\nf,6\n").await;
        let broken = |number, what: &str| (number, Err(what.to_owned()));
        let expected = [
            broken(1, "text after the closing quote of a cell"),
            good(2, &["b", "2"]),
            broken(3, "a quote within a cell that has none around it"),
            broken(4, "text after the closing quote of a cell"),
            broken(5, "not UTF-8"),
            good(6, &["f", "6"]),
        ];
        assert_eq!(found, expected);
        let open = all(b"a,\"open\nb,2\n").await;
        assert_eq!(open, [broken(1, "a quote is opened and not closed"), good(2, &["b", "2"])]);
    }
}
