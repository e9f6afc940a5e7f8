//! Reads the Prometheus text format, with the additions of OpenMetrics and Prometheus 3, line by line.
//!
//! Reason for our own parser: the existing crates bring a regex engine or a parser generator and keep every series,
//! while only a few out of thousands are needed. It is strict: one invalid line rejects the whole answer, as in
//! Prometheus. Otherwise half an answer could be taken for all of it.

use std::borrow::Cow;

use crate::domain::text::clean;

/// A sample of one series.
#[derive(Debug, PartialEq)]
pub(crate) struct Sample<'a> {
    /// The series' name.
    pub name: Cow<'a, str>,
    /// Its labels, in the order of the line.
    pub labels: Vec<(&'a str, Cow<'a, str>)>,
    /// Its value; may be NaN or infinite.
    pub value: f64,
}

/// Calls `each` with every sample of `body`.
///
/// # Errors
/// What is wrong with the first invalid line, in words.
pub(crate) fn read(body: &[u8], mut each: impl FnMut(Sample<'_>)) -> Result<(), String> {
    let text = std::str::from_utf8(body).map_err(|_| "not text in UTF-8".to_owned())?;
    let text = text.trim_start_matches('\u{feff}');
    if let Some(what) = other_format(text) {
        return Err(format!("{what} instead of metrics"));
    }
    for (number, line) in text.lines().enumerate() {
        let line = line.trim_matches([' ', '\t', '\r']);
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        match sample(line) {
            Some(sample) => each(sample),
            None => return Err(format!("line {} is no metric: {}", number + 1, clean(line, 60))),
        }
    }
    Ok(())
}

/// The names that the `# TYPE` lines of `body` declare.
pub(crate) fn families(body: &[u8]) -> impl Iterator<Item = &str> {
    let text = std::str::from_utf8(body).unwrap_or_default();
    text.lines()
        .filter_map(|line| line.trim_start().strip_prefix('#')?.trim_start().strip_prefix("TYPE "))
        .filter_map(|rest| rest.split_whitespace().next())
}

/// Recognizes other formats that people serve by mistake.
fn other_format(text: &str) -> Option<&'static str> {
    match text.trim_start().chars().next()? {
        '<' => Some("HTML"),
        '{' if text.trim_end().ends_with('}') => Some("JSON"),
        '[' => Some("JSON"),
        _ => None,
    }
}

/// Parses `name{label="value",..} value [timestamp] [# exemplar]`. The name may also be quoted among the labels.
fn sample(line: &str) -> Option<Sample<'_>> {
    let end = line.find(|c: char| !is_name(c)).unwrap_or(line.len());
    let (name, rest) = line.split_at(end);
    if name.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let rest = rest.trim_start_matches([' ', '\t']);
    let mut found = Sample { name: Cow::Borrowed(name), labels: Vec::new(), value: 0.0 };
    let rest = match rest.strip_prefix('{') {
        Some(inner) => labels(inner, &mut found)?,
        None => rest,
    };
    if found.name.is_empty() {
        return None;
    }
    // An exemplar is about one observation, not about the series.
    let numbers = rest.split_once('#').map_or(rest, |(numbers, _)| numbers);
    let mut words = numbers.split_ascii_whitespace();
    found.value = number(words.next()?)?;
    let timestamp = words.next();
    (timestamp.is_none_or(|at| number(at).is_some()) && words.next().is_none()).then_some(found)
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == ':'
}

/// Reads labels up to the closing brace and returns the text after it.
fn labels<'a>(inner: &'a str, into: &mut Sample<'a>) -> Option<&'a str> {
    let mut rest = inner.trim_start();
    loop {
        if let Some(after) = rest.strip_prefix('}') {
            return Some(after);
        }
        if rest.starts_with('"') {
            // Prometheus 3: a quoted name with unusual characters.
            let (name, after) = quoted(rest)?;
            rest = after.trim_start();
            match rest.strip_prefix('=') {
                // A label with a quoted name cannot be selected, but it must be skipped correctly.
                Some(after) => rest = quoted(after.trim_start())?.1,
                None if into.name.is_empty() => into.name = name,
                None => return None,
            }
        } else {
            let end = rest.find(|c: char| !is_name(c))?;
            let (label, after) = rest.split_at(end);
            let after = after.trim_start().strip_prefix('=')?;
            let (value, after) = quoted(after.trim_start())?;
            if label.is_empty() {
                return None;
            }
            into.labels.push((label, value));
            rest = after;
        }
        rest = rest.trim_start();
        rest = match rest.strip_prefix(',') {
            Some(after) => after.trim_start(),
            None if rest.starts_with('}') => rest,
            None => return None,
        };
    }
}

/// Reads a quoted text with `\\`, `\"` and `\n`, and returns it with the text after it.
fn quoted(text: &str) -> Option<(Cow<'_, str>, &str)> {
    let inner = text.strip_prefix('"')?;
    let end = inner.find(['"', '\\'])?;
    if inner[end..].starts_with('"') {
        return Some((Cow::Borrowed(&inner[..end]), &inner[end + 1..]));
    }
    let mut out = String::from(&inner[..end]);
    let mut chars = inner[end..].char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((Cow::Owned(out), &inner[end + at + 1..])),
            '\\' => match chars.next()?.1 {
                'n' => out.push('\n'),
                c @ ('"' | '\\') => out.push(c),
                // An unknown escape is kept unchanged, as in Prometheus.
                c => out.extend(['\\', c]),
            },
            c => out.push(c),
        }
    }
    None
}

/// Parses a number as Go does: `1.5`, `3e-7`, `NaN`, `+Inf`.
fn number(word: &str) -> Option<f64> {
    word.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str) -> Result<Vec<String>, String> {
        let mut out = Vec::new();
        read(text.as_bytes(), |s| {
            let labels: Vec<String> = s.labels.iter().map(|(k, v)| format!("{k}={v}")).collect();
            out.push(format!("{} [{}] {}", s.name, labels.join("|"), s.value));
        })?;
        Ok(out)
    }

    #[test]
    fn every_form_of_a_line_is_read() {
        let text = "# HELP x what\n# TYPE x counter\n\nx 1\nx{} 2 1700000000000\r\n\
            x { a = \"1\" , b=\"2\", } 3.5e-1\n  y:z{le=\"+Inf\"} +Inf\nn NaN\nm -Inf 12.5\n\
            h_bucket{le=\"0.1\"} 8 # {trace_id=\"a # b\"} 0.07 1700000000.1\n\
            q{path=\"C:\\\\d\",t=\"a\\\"b\\nc\",o=\"\\d\",u=\"\u{e4}#}\"} 4\n\
            {\"my.metric\",a=\"1\"} 5\n{\"o m\",\"a.b\"=\"1\",c=\"2\"} 6\n# EOF\n";
        assert_eq!(
            all(text).unwrap(),
            [
                "x [] 1",
                "x [] 2",
                "x [a=1|b=2] 0.35",
                "y:z [le=+Inf] inf",
                "n [] NaN",
                "m [] -inf",
                "h_bucket [le=0.1] 8",
                "q [path=C:\\d|t=a\"b\nc|o=\\d|u=\u{e4}#}] 4",
                "my.metric [a=1] 5",
                "o m [c=2] 6",
            ]
        );
        assert_eq!(all(""), Ok(Vec::new()));
    }

    #[test]
    fn what_is_no_metric_refuses_the_whole_answer() {
        for line in [
            "x",
            "x ",
            "x one",
            "x{",
            "x{a} 1",
            "x{a=} 1",
            "x{a=1} 1",
            "x{a=\"1} 1",
            "x{a=\"1\" b=\"2\"} 1",
            "x{a=\"1\"}",
            "x 1 2 3",
            "x 1 soon",
            "9x 1",
            "-x 1",
            "x{=\"1\"} 1",
            "x{a=\"\\",
            "{} 1",
            "{\"a\",\"b\"} 1",
            "x{a=\"1\"}} 1",
        ] {
            let got = all(&format!("ok 1\n{line}\n"));
            assert!(got.as_ref().is_err_and(|why| why.starts_with("line 2 is no metric")), "{line:?}: {got:?}");
        }
    }

    #[test]
    fn other_formats_are_named() {
        assert_eq!(all("\n<!DOCTYPE html><html>"), Err("HTML instead of metrics".into()));
        assert_eq!(all("{\"status\":\"ok\"}"), Err("JSON instead of metrics".into()));
        assert!(read(b"x{a=\"\xff\"} 1", |_| ()).is_err());
        assert!(all("x \u{1b}[31m").unwrap_err().chars().all(|c| !c.is_control()));
    }

    #[test]
    fn broken_text_never_panics() {
        let mut random = fastrand::Rng::with_seed(7);
        let parts = ["x", "{", "}", "a", "=", "\"", "\\", ",", " ", "1", "NaN", "#", "\n", "\u{e4}"];
        for _ in 0..20_000 {
            let text: String = (0..random.usize(..24)).map(|_| parts[random.usize(..parts.len())]).collect();
            let _ = all(&text);
        }
    }
}
