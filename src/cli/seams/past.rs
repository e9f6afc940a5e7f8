//! What the state directory holds of the past.

use std::path::Path;

use super::super::failure::Failure;
use super::journal_file;
use crate::domain::{Record, Sample, Service};
use crate::journal;

/// What a state directory holds of the past.
pub(crate) struct Past {
    /// The journal, as far as it can be read.
    pub records: Vec<Record>,
    /// The figures beside it.
    pub samples: Vec<Sample>,
    /// What is wrong with the record, in words.
    pub faults: Vec<String>,
    /// What of the figures is lost, in words: a crash may do that.
    pub lost: Vec<String>,
}

/// Reads the journal and the figures beside it, touching neither.
pub(crate) fn record(service: &Service) -> Result<Past, Failure> {
    let read = journal::read(&service.state_dir).map_err(|error| Failure::error(error.to_string()))?;
    let mut faults = Vec::new();
    if let Some(fault) = read.broken {
        faults.push(format!("{fault} ({} bad lines)", read.bad_lines));
    } else if let Err(fault) = journal::verify(&journal_file(service)) {
        faults.push(fault.to_string());
    }
    let series = journal::read_series(&service.state_dir).unwrap_or_else(|error| {
        faults.push(error.to_string());
        journal::Series::default()
    });
    let mut lost = Vec::new();
    if series.bad_lines > 0 {
        lost.push(format!("{} lines of the figures in {} are left out", series.bad_lines, journal::SERIES_NAME));
    }
    Ok(Past { records: read.records, samples: series.samples, faults, lost })
}

/// What a sound journal looks like.
pub(crate) struct Verified {
    /// Lines in it.
    pub lines: u64,
    /// The hash of the last one.
    pub head: String,
}

/// Checks the hash chain.
pub(crate) fn verify(file: &Path, expect_head: Option<&str>) -> Result<Verified, Failure> {
    let summary = match expect_head {
        Some(head) => journal::verify_expecting(file, head),
        None => journal::verify(file),
    };
    let summary = summary.map_err(|fault| Failure::error(fault.to_string()))?;
    Ok(Verified { lines: summary.lines, head: summary.head })
}
