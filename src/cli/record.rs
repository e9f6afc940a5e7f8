//! Reads the records of earlier rollouts from a state directory. Changes nothing there.

use super::failure::Failure;
use super::paths::journal_file;
use crate::domain::{Record, Sample, Service};
use crate::journal;

/// The content of a state directory.
pub(crate) struct History {
    /// The journal, as far as it can be read.
    pub records: Vec<Record>,
    /// The figures.
    pub samples: Vec<Sample>,
    /// The faults of the journal, in words.
    pub faults: Vec<String>,
    /// The lost figures, in words. A crash can cause that.
    pub lost: Vec<String>,
}

/// Reads the journal and the figures.
pub(crate) fn record(service: &Service) -> Result<History, Failure> {
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
    Ok(History { records: read.records, samples: series.samples, faults, lost })
}
