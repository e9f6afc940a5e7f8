//! The last lines of a file, and lines that are added to it. Bounded in memory; takes no locks.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The most bytes read back from the end of a file.
const BACK: u64 = 16 << 20;
/// The most bytes read at once while following.
const CHUNK: u64 = 1 << 20;

/// A file that is followed from its end.
pub(crate) struct Tail {
    path: PathBuf,
    /// Identifies the file: a rotated log has another inode.
    inode: u64,
    offset: u64,
    /// A line whose end was not written yet.
    partial: Vec<u8>,
}

impl Tail {
    /// The last `n` whole lines of `path`, and the position to continue from. A file that does not exist yet has
    /// none.
    pub(crate) fn open(path: &Path, n: usize) -> io::Result<(Self, Vec<String>)> {
        let mut tail = Self { path: path.into(), inode: 0, offset: 0, partial: Vec::new() };
        let mut file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok((tail, Vec::new())),
            Err(error) => return Err(error),
        };
        let meta = file.metadata()?;
        tail.inode = meta.ino();
        let from = meta.len().saturating_sub(BACK);
        file.seek(SeekFrom::Start(from))?;
        let mut bytes = Vec::new();
        tail.offset = from + file.take(BACK).read_to_end(&mut bytes)? as u64;
        if from > 0 {
            // The first line is incomplete.
            let first = bytes.iter().position(|&byte| byte == b'\n').map_or(bytes.len(), |at| at + 1);
            bytes.drain(..first);
        }
        let mut lines = tail.split(&bytes);
        lines.drain(..lines.len().saturating_sub(n));
        Ok((tail, lines))
    }

    /// Whole lines that were added since the last call, at most a chunk.
    pub(crate) fn more(&mut self) -> io::Result<Vec<String>> {
        let mut file = match File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let meta = file.metadata()?;
        if meta.ino() != self.inode || meta.len() < self.offset {
            self.inode = meta.ino();
            self.offset = 0;
            self.partial.clear();
        }
        file.seek(SeekFrom::Start(self.offset))?;
        let mut bytes = Vec::new();
        self.offset += file.take(CHUNK).read_to_end(&mut bytes)? as u64;
        Ok(self.split(&bytes))
    }

    fn split(&mut self, bytes: &[u8]) -> Vec<String> {
        let mut lines = Vec::new();
        for piece in bytes.split_inclusive(|&byte| byte == b'\n') {
            self.partial.extend_from_slice(piece);
            if piece.ends_with(b"\n") {
                let line = String::from_utf8_lossy(&self.partial[..self.partial.len() - 1]).into_owned();
                lines.push(line);
                self.partial.clear();
            } else if self.partial.len() as u64 > CHUNK {
                // A line without an end is returned in pieces instead of being kept for ever.
                lines.push(String::from_utf8_lossy(&self.partial).into_owned());
                self.partial.clear();
            }
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn lines_come_whole_and_a_rotated_file_is_begun_anew() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.log");
        let (mut tail, lines) = Tail::open(&path, 10).unwrap();
        assert!(lines.is_empty() && tail.more().unwrap().is_empty(), "a file that is not there has no lines");
        std::fs::write(&path, "a\nb\nc\nhal").unwrap();
        assert_eq!(Tail::open(&path, 2).unwrap().1, ["b", "c"]);
        assert_eq!(tail.more().unwrap(), ["a", "b", "c"]);
        File::options().append(true).open(&path).unwrap().write_all(b"f\nd\n").unwrap();
        assert_eq!(tail.more().unwrap(), ["half", "d"]);
        std::fs::rename(&path, dir.path().join("x.log.1")).unwrap();
        std::fs::write(&path, "a longer first line than all of the old file\n").unwrap();
        assert_eq!(tail.more().unwrap(), ["a longer first line than all of the old file"]);
    }

    #[test]
    fn a_line_without_end_is_bounded() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.log");
        std::fs::write(&path, vec![b'x'; 3 << 20]).unwrap();
        let (tail, _) = Tail::open(&path, 1).unwrap();
        assert!(tail.partial.len() as u64 <= 3 * CHUNK);
    }
}
