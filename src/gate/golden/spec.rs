//! What a golden gate sends, what the answers are held against, and its limits.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::domain::HeaderValue;

/// A golden set and what a side must make of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GoldenSpec {
    /// The cases: JSON lines, or a table with a header row where its name ends in `.csv` or `.tsv`.
    pub cases: PathBuf,
    /// Which of a case's fields is which.
    pub fields: CaseFields,
    /// Path the requests are posted to.
    pub path: String,
    /// How a case becomes a request.
    pub form: GoldenForm,
    /// JSON pointer to the answer in the reply.
    pub answer: String,
    /// When an answer is the expected one.
    pub compare: Compare,
    /// Numbers that differ by at most this are the same answer, in the answer's own unit.
    pub tolerance: f64,
    /// What the answers must keep to; at least one of them.
    pub limits: GoldenLimits,
    /// Requests under way at once, on each side that is asked.
    pub concurrency: usize,
    /// Cases needed for a verdict.
    pub min_cases: usize,
    /// Whether broken lines are told and left out; otherwise one of them is enough for no verdict.
    pub skips_broken: bool,
    /// Sent with every request.
    pub headers: Vec<(String, HeaderValue)>,
    /// An answer is waited for this long, in milliseconds. Named apart from the whole run's, which lies beside it.
    #[serde(rename = "request_timeout_ms")]
    pub timeout_ms: u64,
}

impl GoldenSpec {
    /// What separates the cells of the table, or nothing where the cases are JSON lines.
    pub fn separator(&self) -> Option<u8> {
        match self.cases.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "csv" => Some(b','),
            "tsv" => Some(b'\t'),
            _ => None,
        }
    }
}

/// The names of a case's fields: keys of a JSON line, columns of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseFields {
    /// What the case is called; its line number where there is no such field.
    pub id: String,
    /// The expected answer.
    pub expect: String,
    /// The inputs, in their order; `None` takes every other column of a table, and `inputs` of a JSON line.
    pub inputs: Option<Vec<String>>,
}

impl Default for CaseFields {
    fn default() -> Self {
        Self { id: "id".into(), expect: "expect".into(), inputs: None }
    }
}

/// How a case becomes a request. A JSON line that holds a `request` is sent as it stands, unless there is a template.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "form", rename_all = "lowercase")]
pub enum GoldenForm {
    /// A body of the user's own.
    Json {
        /// JSON with placeholders for the case's fields.
        template: Option<String>,
    },
    /// Open Inference v2: one tensor of the case's inputs.
    V2 {
        /// The tensor's name.
        tensor: String,
        /// Its datatype.
        datatype: String,
    },
    /// A chat completion at temperature 0.
    OpenAi {
        /// The model's name.
        model: String,
        /// What the system message says.
        system: Option<String>,
        /// What the user's message says, with placeholders for the case's fields.
        prompt: String,
    },
}

/// When an answer is the expected one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Compare {
    /// The same JSON; numbers within the tolerance.
    Exact,
    /// As exact, but for upper and lower case, and white space, quotes and a full stop around a text.
    Loose,
    /// The answer is a text that holds the expected one, whatever the case of the letters.
    Contains,
}

/// Limits of a golden gate.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct GoldenLimits {
    /// Least share of right answers, 0 to 1.
    pub min_accuracy: Option<f64>,
    /// Least share of cases to which both sides give the same answer, 0 to 1.
    pub min_agreement: Option<f64>,
    /// The most that the mean of all distances between answer and expected number may be.
    pub max_mean_error: Option<f64>,
    /// The most that any single distance may be.
    pub max_error: Option<f64>,
}

impl GoldenLimits {
    /// Whether the cases need an expected answer.
    pub const fn needs_expectation(&self) -> bool {
        self.min_accuracy.is_some() || self.needs_numbers()
    }

    /// Whether the expected answers must be numbers.
    pub const fn needs_numbers(&self) -> bool {
        self.max_mean_error.is_some() || self.max_error.is_some()
    }
}
