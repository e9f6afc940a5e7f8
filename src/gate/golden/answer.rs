//! What a side answered to a case, and how that stands to what was expected.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::case::{Expected, not_json};
use super::spec::{Compare, GoldenForm, GoldenSpec};
use crate::domain::text::clean;
use crate::gate::agree::{agree_within, finite, is_nan, shown};
use crate::http::{FetchError, Reply, redirect_note};

/// What a side made of a case.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Answer {
    /// A value at the pointer.
    Given(Value),
    /// An answer that holds none: what it is instead.
    Unfit(String),
    /// None; neither right nor wrong.
    Missing(String),
}

/// A case that was answered, held against what is known of it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Graded {
    /// Whether it is the expected answer, where one is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) right: Option<bool>,
    /// Whether the other side says the same, where it was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) agrees: Option<bool>,
    /// How far the answer is from the expected number; nothing where it is no number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<f64>,
    /// What there is to say of it: `case 17: expected 2, got 3`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(super) told: String,
}

/// The answer in a reply.
pub(super) fn read(reply: Result<Reply, FetchError>, pointer: &str) -> Answer {
    let reply = match reply {
        Ok(reply) => reply,
        Err(err @ FetchError::TooLong(_)) => return Answer::Unfit(format!("an {err}")),
        Err(err) => return Answer::Missing(err.to_string()),
    };
    match reply.status {
        200..300 => {}
        429 | 500.. => return Answer::Missing(format!("status {}", reply.status)),
        status => return Answer::Unfit(redirect_note(&reply).unwrap_or_else(|| format!("status {status}"))),
    }
    let Ok(body) = serde_json::from_slice::<Value>(&reply.body) else {
        return Answer::Unfit(format!("an answer that is {}", not_json(&reply.body)));
    };
    match body.pointer(pointer) {
        Some(got) => Answer::Given(got.clone()),
        None => Answer::Unfit(format!("nothing at {}", clean(pointer, 60))),
    }
}

/// Holds the answer of case `id` against `expect` and against `other`, what the other side answered.
///
/// # Errors
/// Why the case counts as not answered.
pub(super) fn grade(
    spec: &GoldenSpec,
    id: &str,
    expect: Option<&Expected>,
    answer: &Answer,
    other: Option<&Answer>,
) -> Result<Graded, String> {
    let mut graded = Graded::default();
    let mut told = Vec::new();
    let got = match answer {
        Answer::Given(value) => shown(value),
        Answer::Unfit(what) => what.clone(),
        Answer::Missing(why) => return Err(why.clone()),
    };
    let value = if let Answer::Given(value) = answer { Some(value) } else { None };
    if let Some(expect) = expect {
        let right = value.is_some_and(|value| is_same(spec, expect, value));
        graded.right = spec.limits.min_accuracy.map(|_| right);
        let mut off = String::new();
        if spec.limits.needs_numbers() {
            graded.error = value.and_then(|value| number(spec, value)).zip(expect.number()).map(|(a, b)| (a - b).abs());
            off = graded
                .error
                .map_or_else(|| ", which is not a number".to_owned(), |error| format!(", off by {error:.4}"));
        }
        if spec.limits.needs_numbers() || !right {
            told.push(format!("expected {}, got {got}{off}", expect.shown()));
        }
    }
    if let Some(other) = other {
        let (agrees, there) = match other {
            Answer::Given(other) => {
                let expected = Expected::Json(other.clone());
                (value.is_some_and(|value| is_same(spec, &expected, value)), shown(other))
            }
            Answer::Unfit(why) | Answer::Missing(why) => return Err(format!("the other side: {why}")),
        };
        graded.agrees = Some(agrees);
        if !agrees {
            told.push(format!("the other side says {there}, got {got}"));
        }
    }
    if !told.is_empty() {
        graded.told = format!("case {id}: {}", told.join("; "));
    }
    Ok(graded)
}

/// Whether `got` is the expected answer. What is not a number is like nothing, itself included.
fn is_same(spec: &GoldenSpec, expected: &Expected, got: &Value) -> bool {
    if is_nan(got) {
        return false;
    }
    let exact = match expected {
        Expected::Json(value) => agree_within(value, got, spec.tolerance),
        Expected::Cell(cell) => cell_is(cell, got, spec.tolerance),
    };
    match spec.compare {
        Compare::Exact => exact,
        Compare::Loose => exact || loose(&plain(expected)) == loose(&text(got)),
        Compare::Contains => {
            exact || got.as_str().is_some_and(|got| got.to_lowercase().contains(&plain(expected).to_lowercase()))
        }
    }
}

/// A table does not say what type a cell has: the answer does.
fn cell_is(cell: &str, got: &Value, tolerance: f64) -> bool {
    match got {
        Value::String(text) => text == cell,
        Value::Number(_) => finite(cell).is_some_and(|number| agree_within(&Value::from(number), got, tolerance)),
        Value::Bool(flag) => cell.eq_ignore_ascii_case(if *flag { "true" } else { "false" }),
        Value::Null => false,
        Value::Array(_) | Value::Object(_) => {
            serde_json::from_str::<Value>(cell).is_ok_and(|value| agree_within(&value, got, tolerance))
        }
    }
}

/// A language model writes its numbers as text.
fn number(spec: &GoldenSpec, value: &Value) -> Option<f64> {
    match value {
        Value::String(text) if matches!(spec.form, GoldenForm::OpenAi { .. }) => finite(text),
        other => other.as_f64(),
    }
}

fn plain(expected: &Expected) -> String {
    match expected {
        Expected::Json(value) => text(value),
        Expected::Cell(cell) => cell.clone(),
    }
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn loose(text: &str) -> String {
    let around = |c: char| c.is_whitespace() || "\"'`*.!".contains(c);
    text.trim_matches(around).to_lowercase()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::json;

    use super::*;
    use crate::gate::golden::GoldenLimits;

    fn spec(compare: Compare, tolerance: f64, limits: GoldenLimits) -> GoldenSpec {
        let spec = GoldenSpec::accuracy(Path::new("x"), "/", "/a", 0.9);
        GoldenSpec { compare, tolerance, limits, ..spec }
    }

    fn accuracy() -> GoldenLimits {
        GoldenLimits { min_accuracy: Some(0.9), ..GoldenLimits::default() }
    }

    #[test]
    fn a_nan_is_never_right() {
        for (cell, got) in [("NaN", json!("NaN")), ("nan", json!("nan")), ("", json!(null))] {
            let spec = spec(Compare::Loose, 1e9, accuracy());
            assert!(!is_same(&spec, &Expected::Cell(cell.into()), &got), "{cell} {got}");
            assert!(!is_same(&spec, &Expected::Cell("1".into()), &got), "{got}");
        }
        assert!(!is_same(&spec(Compare::Exact, 1e9, accuracy()), &Expected::Cell("NaN".into()), &json!(1.0)));
    }

    #[test]
    fn how_alike_an_answer_must_be() {
        let same = |compare, expected: &Expected, got: &Value| is_same(&spec(compare, 0.01, accuracy()), expected, got);
        let cell = |text: &str| Expected::Cell(text.into());
        for (expected, got) in [
            (cell("7"), json!(7.0)),
            (cell("7"), json!("7")),
            (cell("7"), json!(7.005)),
            (cell("true"), json!(true)),
            (cell("[1,2]"), json!([1.0, 2])),
            (Expected::Json(json!([1, "a"])), json!([1.005, "a"])),
        ] {
            assert!(same(Compare::Exact, &expected, &got), "{expected:?} {got}");
        }
        for (expected, got) in [
            (cell("7"), json!(7.02)),
            (cell("spam"), json!("Spam")),
            (cell("spam"), json!(["spam"])),
            (Expected::Json(json!("7")), json!(7)),
        ] {
            assert!(!same(Compare::Exact, &expected, &got), "{expected:?} {got}");
        }
        assert!(same(Compare::Loose, &cell("spam"), &json!(" \"Spam\".\n")));
        assert!(!same(Compare::Loose, &cell("spam"), &json!("no spam")));
        assert!(same(Compare::Contains, &cell("SPAM"), &json!("It is spam, I think.")));
        assert!(!same(Compare::Contains, &cell("ham"), &json!(12)));
    }

    #[test]
    fn distances_are_of_numbers_alone() {
        let limits = GoldenLimits { max_mean_error: Some(1.0), ..GoldenLimits::default() };
        let spec = spec(Compare::Exact, 0.0, limits);
        let of = |answer: &Answer| grade(&spec, "a", Some(&Expected::Json(json!(2))), answer, None);
        let graded = of(&Answer::Given(json!(3.5))).unwrap();
        assert_eq!((graded.error, graded.right), (Some(1.5), None));
        assert_eq!(graded.told, "case a: expected 2, got 3.5, off by 1.5000");
        for answer in [Answer::Given(json!("3.5")), Answer::Given(json!("NaN")), Answer::Unfit("status 404".into())] {
            let graded = of(&answer).unwrap();
            assert_eq!(graded.error, None, "{answer:?}");
            assert!(graded.told.ends_with("which is not a number"), "{graded:?}");
        }
        assert_eq!(of(&Answer::Missing("status 503".into())).unwrap_err(), "status 503");
    }

    #[test]
    fn agreement_is_with_what_the_other_side_said() {
        let limits = GoldenLimits { min_agreement: Some(0.9), ..GoldenLimits::default() };
        let spec = spec(Compare::Exact, 0.1, limits);
        let of = |answer: Value, other: Answer| grade(&spec, "a", None, &Answer::Given(answer), Some(&other));
        assert_eq!(of(json!(1.05), Answer::Given(json!(1))).unwrap().agrees, Some(true));
        let apart = of(json!("ham"), Answer::Given(json!("spam"))).unwrap();
        assert_eq!(
            (apart.agrees, apart.told.as_str()),
            (Some(false), "case a: the other side says \"spam\", got \"ham\"")
        );
        assert_eq!(of(json!("NaN"), Answer::Given(json!("NaN"))).unwrap().agrees, Some(false));
        let lost = of(json!(1), Answer::Unfit("status 404".into())).unwrap_err();
        assert_eq!(lost, "the other side: status 404");
    }
}
