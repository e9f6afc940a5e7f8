//! Whether an answer is the expected one.

use serde_json::Value;

use crate::domain::text::clean;

/// Numbers this close, relative to their size where that is above 1, are the same prediction.
const TOLERANCE: f64 = 1e-9;

/// Deep equality; numbers within a tolerance and whatever way they are written (`7` and `7.0`).
pub(super) fn agree(expected: &Value, got: &Value) -> bool {
    agree_within(expected, got, 0.0)
}

/// The same with a tolerance of the user's, in the unit of the numbers.
pub(super) fn agree_within(expected: &Value, got: &Value, tolerance: f64) -> bool {
    let same = |(a, b): (&Value, &Value)| agree_within(a, b, tolerance);
    match (expected, got) {
        (Value::Number(a), Value::Number(b)) => {
            a == b
                || a.as_f64()
                    .zip(b.as_f64())
                    .is_some_and(|(a, b)| (a - b).abs() <= tolerance.max(TOLERANCE * a.abs().max(b.abs()).max(1.0)))
        }
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(same),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, value)| b.get(key).is_some_and(|other| same((value, other))))
        }
        (a, b) => a == b,
    }
}

/// The finite number that a text is.
pub(super) fn finite(text: &str) -> Option<f64> {
    text.trim().parse().ok().filter(|number: &f64| number.is_finite())
}

/// Whether a value is, or holds, a text that stands for no number: JSON has no other way to say NaN.
pub(super) fn is_nan(value: &Value) -> bool {
    match value {
        Value::String(text) => text.trim().parse::<f64>().is_ok_and(f64::is_nan),
        Value::Array(items) => items.iter().any(is_nan),
        Value::Object(items) => items.values().any(is_nan),
        _ => false,
    }
}

/// Python writes NaN where JSON has no such thing: worth a word of its own.
pub(super) fn word_unlike_json(text: &[u8]) -> Option<&'static str> {
    ["NaN", "Infinity"].into_iter().find(|word| text.windows(word.len()).any(|part| part == word.as_bytes()))
}

/// `number`, `string`, ...: as an expectation names it.
pub(super) fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// A value for people: JSON, cleaned and cut.
pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => format!("\"{}\"", clean(text, 60)),
        Value::Array(items) if items.len() > 20 => format!("an array of {}", items.len()),
        Value::Object(items) if items.len() > 20 => format!("an object of {}", items.len()),
        other => clean(&other.to_string(), 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same(a: &str, b: &str) -> bool {
        agree(&serde_json::from_str(a).unwrap(), &serde_json::from_str(b).unwrap())
    }

    #[test]
    fn what_counts_as_the_same_prediction() {
        for (a, b) in [
            ("7", "7.0"),
            ("0.3", "0.30000000000000004"),
            ("1e300", "1.0000000000000001e300"),
            ("\"spam\"", "\"spam\""),
            ("[1,[2.0]]", "[1.0,[2]]"),
            (r#"{"a":1,"b":null}"#, r#"{"b":null,"a":1.0}"#),
            ("18446744073709551615", "18446744073709551615"),
        ] {
            assert!(same(a, b) && same(b, a), "{a} and {b}");
        }
    }

    #[test]
    fn what_does_not() {
        for (a, b) in [
            ("7", "\"7\""),
            ("7", "7.00001"),
            ("0", "1e-8"),
            ("\"spam\"", "\"Spam\""),
            ("[1,2]", "[1]"),
            ("1", "[1]"),
            (r#"{"a":1}"#, r#"{"a":1,"b":2}"#),
            (r#"{"a":1}"#, r#"{"b":1}"#),
            ("null", "0"),
            ("true", "1"),
        ] {
            assert!(!same(a, b) && !same(b, a), "{a} and {b}");
        }
    }
}
