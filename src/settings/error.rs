//! What is wrong with a config: every fault with its line and its remedy.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::domain::text::clean;

pub(crate) use crate::domain::nearest::nearest;

/// The longest quote of the operator's text in a message, in characters.
const QUOTED: usize = 60;

/// A position in the file. Both count from 1; the column counts characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The line.
    pub line: usize,
    /// The character in the line.
    pub column: usize,
}

/// One fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Its position; `None` for a fault of the file as a whole.
    pub place: Option<Place>,
    /// Section and key, `[probe] interval`; empty when the fault is not about a single key.
    pub key: String,
    /// What is wrong: lower case, safe to show, without secrets.
    pub message: String,
    /// What to do about it; may be empty when the message says everything.
    pub remedy: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        f.write_str(&self.message)?;
        if !self.remedy.is_empty() {
            write!(f, "; {}", self.remedy)?;
        }
        Ok(())
    }
}

/// Every fault of one config file, in the order of its lines. The caller exits with 78.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// The file as it was named; empty when none was found.
    pub file: PathBuf,
    /// At least one fault.
    pub faults: Vec<Fault>,
    /// The number of further faults that `faults` does not hold.
    pub dropped: usize,
}

impl ConfigError {
    /// A fault of the file as a whole.
    pub(crate) fn whole(file: impl Into<PathBuf>, message: String, remedy: &str) -> Self {
        let fault = Fault { place: None, key: String::new(), message, remedy: remedy.into() };
        Self { file: file.into(), faults: vec![fault], dropped: 0 }
    }

    /// In one line: the first fault, and the number of further faults.
    pub(crate) fn first(&self) -> String {
        let all = self.to_string();
        let (first, rest) = all.split_once('\n').unwrap_or((&all, ""));
        let more = rest.lines().count();
        if more == 0 { first.to_owned() } else { format!("{first} (+{more} more)") }
    }
}

impl fmt::Display for ConfigError {
    /// Writes one fault per line: `cutover.toml:12:1: [probe] interval: ...`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = clean(&self.file.display().to_string(), 4096);
        for (i, fault) in self.faults.iter().enumerate() {
            if i > 0 {
                f.write_str("\n")?;
            }
            match fault.place {
                Some(place) => write!(f, "{file}:{}:{}: {fault}", place.line, place.column)?,
                None if file.is_empty() => write!(f, "{fault}")?,
                None => write!(f, "{file}: {fault}")?,
            }
        }
        if self.dropped > 0 {
            write!(f, "\n{file}: {} more faults are not shown", self.dropped)?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigError {}

/// The operator's text, safe to show, short, in double quotes.
pub(crate) fn quote(text: &str) -> String {
    format!("\"{}\"", clean(text, QUOTED))
}

/// The longest path Linux takes (`PATH_MAX` of `linux/limits.h`), in bytes.
const PATH: usize = 4096;

/// A path, safe to show and complete: a shortened path cannot be found.
pub(crate) fn quote_path(path: &Path) -> String {
    format!("\"{}\"", clean(&path.display().to_string(), PATH))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_quoted_cannot_act_on_a_terminal() {
        assert_eq!(quote("a\u{1b}[2Jb\u{7}"), "\"ab\"");
        assert!(quote(&"y".repeat(5000)).len() < 70);
        assert_eq!(quote_path(Path::new("a\u{1b}[2Jb")), "\"ab\"");
        assert_eq!(quote_path(Path::new(&"long/".repeat(50))).len(), 252);
    }
}
