//! The demo's requests: the golden set and the smoke set, embedded in the program.
//!
//! Neither contains an image from a model's training data. `assets/demo/train.py` makes both.

use std::io;
use std::path::Path;

use hyper::body::Bytes;
use serde::Deserialize;

/// The golden set, JSON lines: `{"id":"17","request":{..},"expect":7}`.
pub const GOLDEN: &str = include_str!("../../assets/demo/golden.jsonl");

/// The smoke set, JSON lines: `{"id":"s1","path":"..","method":"POST","request":{..},"expect":{..}}`.
pub const SMOKE: &str = include_str!("../../assets/demo/smoke.jsonl");

/// The golden set's file name in the demo's directory.
pub(crate) const GOLDEN_FILE: &str = "golden.jsonl";

/// The smoke set's file name in the demo's directory.
pub(crate) const SMOKE_FILE: &str = "smoke.jsonl";

/// A golden request, ready to be sent.
#[derive(Debug, Clone)]
pub struct Case {
    /// The body as sent; cheap to clone.
    pub body: Bytes,
    /// The true digit, 0 to 9.
    pub expect: i64,
}

#[derive(Deserialize)]
struct Line {
    request: serde_json::Value,
    expect: i64,
}

/// The golden set as requests, in the order of the file.
///
/// # Errors
/// The embedded file is invalid: a fault of the build.
pub fn golden_cases() -> Result<Vec<Case>, serde_json::Error> {
    GOLDEN
        .lines()
        .map(|line| {
            let Line { request, expect } = serde_json::from_str(line)?;
            Ok(Case { body: serde_json::to_vec(&request)?.into(), expect })
        })
        .collect()
}

/// Writes both sets into `dir`, where the demo's config expects them.
///
/// # Errors
/// A file cannot be written.
pub fn write_to(dir: &Path) -> io::Result<()> {
    std::fs::write(dir.join(GOLDEN_FILE), GOLDEN)?;
    std::fs::write(dir.join(SMOKE_FILE), SMOKE)
}
