//! What is wrong with a theme: every fault with file, line and remedy.

use std::fmt;

use crate::domain::text::clean;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The name of the file; empty without a file.
    pub file: String,
    /// Line and column, both from 1; `None` when the file as a whole is at fault.
    pub place: Option<(usize, usize)>,
    /// What is wrong: lower case, safe to show.
    pub message: String,
    /// What to do about it; may be empty.
    pub remedy: String,
}

impl fmt::Display for Fault {
    /// `my.toml:3:7: what is wrong; what to do`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.file.is_empty() {
            write!(f, "{}", clean(&self.file, 4096))?;
            if let Some((line, column)) = self.place {
                write!(f, ":{line}:{column}")?;
            }
            f.write_str(": ")?;
        }
        f.write_str(&clean(&self.message, 400))?;
        if !self.remedy.is_empty() {
            write!(f, "; {}", self.remedy)?;
        }
        Ok(())
    }
}

/// Why a theme cannot be used: at least one fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ThemeError(Vec<Fault>);

impl ThemeError {
    /// One fault.
    pub fn new(fault: Fault) -> Self {
        Self(vec![fault])
    }

    /// A fault of a file as a whole, or of no file at all.
    pub fn whole(file: &str, message: String, remedy: &str) -> Self {
        Self::new(Fault { file: file.into(), place: None, message, remedy: remedy.into() })
    }

    /// Merges the faults of several errors; `None` without faults.
    pub fn join(errors: Vec<Self>) -> Option<Self> {
        let faults: Vec<Fault> = errors.into_iter().flat_map(|error| error.0).collect();
        (!faults.is_empty()).then_some(Self(faults))
    }

    /// Every fault.
    pub fn faults(&self) -> &[Fault] {
        &self.0
    }

    /// In one line: the first fault, and how many more there are.
    pub fn message(&self) -> String {
        let first = self.0.first().map(ToString::to_string).unwrap_or_default();
        let more = self.0.len().saturating_sub(1);
        if more == 0 { first } else { format!("{first} (+{more} more)") }
    }
}

impl fmt::Display for ThemeError {
    /// One fault a line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, fault) in self.0.iter().enumerate() {
            if at > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{fault}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ThemeError {}
