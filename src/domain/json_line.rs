//! The time, the level and the message of a line in a user's log, JSON or plain.
//!
//! Nobody agrees on names, so the usual ones are tried in turn. What is not understood is shown as it came.

use std::fmt::Write as _;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use super::gate::{LogLevel, LogLine};
use super::text::clean;

/// Longer lines are not taken apart: that would cost more than it shows.
const LONGEST: usize = 16 << 10;
/// The longest message with its keys, in characters.
const MAX_SHOWN: usize = 4_000;

const TIME_KEYS: [&str; 7] = ["time", "ts", "timestamp", "@timestamp", "asctime", "datetime", "t"];
const LEVEL_KEYS: [&str; 6] = ["level", "lvl", "severity", "levelname", "log.level", "loglevel"];
const TEXT_KEYS: [&str; 5] = ["message", "msg", "event", "text", "body"];

/// A line that is a JSON object.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct JsonLine {
    /// When it was written, if it says so.
    pub at: Option<DateTime<Utc>>,
    /// How important it is, if it says so.
    pub level: Option<LogLevel>,
    /// Its message, and what else it holds as `key=value`; cleaned.
    pub text: String,
}

/// Takes a line apart; `None` where it is no JSON object.
pub(crate) fn read(line: &str) -> Option<JsonLine> {
    let object = object(line)?;
    let first = |keys: &[&'static str]| keys.iter().copied().find(|key| object.contains_key(*key));
    let (time, level, text) = (first(&TIME_KEYS), first(&LEVEL_KEYS), first(&TEXT_KEYS));
    let at = time.and_then(|key| object.get(key)).and_then(time_of);
    let known = level.and_then(|key| object.get(key)).and_then(level_of_value);
    // What was escaped in the JSON is text again here: each piece is cleaned once more, before any touches another.
    let mut shown =
        text.and_then(|key| object.get(key)).map_or_else(String::new, |value| clean(&bare(value), MAX_SHOWN));
    for (key, value) in &object {
        let key = key.as_str();
        let said = Some(key) == text || (Some(key) == time && at.is_some()) || (Some(key) == level && known.is_some());
        if !said {
            let gap = if shown.is_empty() { "" } else { " " };
            // Writing to a string cannot fail.
            let _ = write!(shown, "{gap}{}={}", clean(key, 80), clean(&value_text(value), MAX_SHOWN));
        }
        if shown.len() > 4 * MAX_SHOWN {
            break;
        }
    }
    Some(JsonLine { at, level: known, text: clean(&shown, MAX_SHOWN) })
}

/// The whole of a line, one key a row where it is a JSON object; cleaned.
pub(crate) fn pretty(line: &str) -> Vec<String> {
    let whole = object(line).and_then(|object| serde_json::to_string_pretty(&Value::Object(object)).ok());
    match whole {
        Some(text) => text.lines().map(|row| clean(row, LONGEST)).collect(),
        None => vec![clean(line, LONGEST)],
    }
}

/// A raw line as a log line: cleaned, with the time and level it claims. A line that names no time, or one to come,
/// is of `now`; never earlier than `after`: a log keeps its own order.
pub fn log_line(source: &str, raw: &str, now: DateTime<Utc>, after: DateTime<Utc>, max: usize) -> LogLine {
    let text = clean(raw, max);
    let json = read(&text);
    let claimed = json.as_ref().and_then(|json| json.at).or_else(|| leading_time(&text));
    let at = claimed.filter(|at| *at <= now).unwrap_or(now).max(after);
    let level = match &json {
        Some(json) => json.level.unwrap_or(LogLevel::Info),
        None => level_of(&text),
    };
    LogLine { at, level, source: source.to_owned(), text }
}

fn object(line: &str) -> Option<Map<String, Value>> {
    let line = line.trim();
    if !line.starts_with('{') || !line.ends_with('}') || line.len() > LONGEST {
        return None;
    }
    serde_json::from_str(line).ok()
}

fn bare(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// A value behind its key: text is quoted only where it would run into the next.
fn value_text(value: &Value) -> String {
    match value.as_str() {
        Some(text) if !text.is_empty() && !text.contains([' ', '"', '=']) => text.to_owned(),
        _ => value.to_string(),
    }
}

fn time_of(value: &Value) -> Option<DateTime<Utc>> {
    if let Some(text) = value.as_str() {
        return DateTime::parse_from_rfc3339(text).ok().map(Into::into);
    }
    // Seconds, milli-, micro- or nanoseconds since 1970: the size of the number says which.
    let number = value.as_f64().filter(|n| *n > 1e8)?;
    let seconds = match number {
        n if n < 1e11 => n,
        n if n < 1e14 => n / 1e3,
        n if n < 1e17 => n / 1e6,
        n => n / 1e9,
    };
    DateTime::from_timestamp_micros((seconds * 1e6) as i64)
}

fn level_of_value(value: &Value) -> Option<LogLevel> {
    if let Some(number) = value.as_u64() {
        // As pino and bunyan count; smaller numbers mean one thing here and another there.
        return (10..=100).contains(&number).then_some(match number {
            50.. => LogLevel::Err,
            40.. => LogLevel::Warn,
            _ => LogLevel::Info,
        });
    }
    let word = value.as_str()?;
    level_word(word).or(match word.to_ascii_lowercase().as_str() {
        "info" | "information" | "notice" | "debug" | "trace" | "verbose" => Some(LogLevel::Info),
        _ => None,
    })
}

/// The level that a word means, in any case; `None` for words of no interest.
fn level_word(word: &str) -> Option<LogLevel> {
    let is = |names: &[&str]| names.iter().any(|name| word.eq_ignore_ascii_case(name));
    if is(&["error", "err", "fatal", "critical", "crit", "panic", "severe", "alert", "emerg", "emergency"]) {
        Some(LogLevel::Err)
    } else if is(&["warn", "warning"]) {
        Some(LogLevel::Warn)
    } else {
        None
    }
}

/// The time at the beginning of a plain line, where it is spelled in full.
fn leading_time(text: &str) -> Option<DateTime<Utc>> {
    let word = text.trim_start_matches('[').split([' ', ']']).next()?;
    if !word.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    DateTime::parse_from_rfc3339(word).ok().map(Into::into)
}

/// A guess at the level of a plain line, by its beginning: `ERROR`, `[error]`, `error:`, `level=warn`, `E0102`, `<3>`.
///
/// A small-lettered `error` in the middle of a sentence is no level.
pub(crate) fn level_of(text: &str) -> LogLevel {
    /// How much of the line is read, in bytes: the level is at its beginning.
    const FRONT: usize = 120;
    let end = (0..=FRONT.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    let front = &text[..end];
    if let Some(level) = syslog(front).or_else(|| klog(front)) {
        return level;
    }
    for word in front.split(|c: char| !c.is_ascii_alphanumeric()) {
        let at = word.as_ptr() as usize - front.as_ptr() as usize;
        let Some(level) = level_word(word) else { continue };
        let before = front[..at].chars().next_back();
        let after = front[at + word.len()..].chars().next();
        let shouted = word.bytes().all(|b| b.is_ascii_uppercase());
        let bracketed = before == Some('[') && after == Some(']');
        // After `=` it counts only as the value of a level: `err=error` says nothing of the kind.
        let assigned = matches!(before, Some('=' | '"')) && assigns_level(&front[..at]);
        if shouted && before != Some('=') || bracketed || assigned || (at == 0 && after == Some(':')) {
            return level;
        }
    }
    LogLevel::Info
}

fn assigns_level(before: &str) -> bool {
    let before = before.trim_end_matches(['=', '"', ':', ' ']);
    let key = before.rsplit(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or("");
    LEVEL_KEYS.iter().any(|known| key.eq_ignore_ascii_case(known))
}

/// `<3>` as the kernel and systemd write it.
fn syslog(text: &str) -> Option<LogLevel> {
    let (number, _) = text.strip_prefix('<')?.split_once('>')?;
    let priority: u8 = number.parse().ok()?;
    Some(match priority & 7 {
        0..=3 => LogLevel::Err,
        4 => LogLevel::Warn,
        _ => LogLevel::Info,
    })
}

/// `E0102 15:04:05` as Kubernetes writes it.
fn klog(text: &str) -> Option<LogLevel> {
    let first = text.split(' ').next()?;
    let (letter, digits) = (first.get(..1)?, first.get(1..)?);
    if digits.len() != 4 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    match letter {
        "E" | "F" => Some(LogLevel::Err),
        "W" => Some(LogLevel::Warn),
        "I" => Some(LogLevel::Info),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(s: &str) -> DateTime<Utc> {
        DateTime::parse_from_rfc3339(s).unwrap().into()
    }

    #[test]
    fn json_is_taken_apart_by_the_usual_names() {
        let line =
            read(r#"{"ts":"2026-01-01T10:00:00Z","level":"warning","msg":"slow batch","ms":412,"model":"v 42"}"#);
        let line = line.unwrap();
        assert_eq!(line.at, Some(at("2026-01-01T10:00:00Z")));
        assert_eq!(line.level, Some(LogLevel::Warn));
        assert_eq!(line.text, r#"slow batch ms=412 model="v 42""#);
        let line = read(r#"{"time":1767225600123,"level":50,"message":{"a":[1]},"level2":"x"}"#).unwrap();
        assert_eq!(line.at, DateTime::from_timestamp_millis(1_767_225_600_123));
        assert_eq!((line.level, line.text.as_str()), (Some(LogLevel::Err), r#"{"a":[1]} level2=x"#));
        assert_eq!(read("{not json}"), None);
        assert_eq!(read("[1,2]"), None);
        let odd = read(r#"{"time":"yesterday","level":"loud"}"#).unwrap();
        assert_eq!(odd.text, "time=yesterday level=loud", "what is not understood is not hidden");
    }

    #[test]
    fn t27_what_was_escaped_in_json_is_cleaned_again() {
        let raw = r#"{"msg":"a\u001b[2Jb\u009b31mc\u202e\u0000","k\u001b":"\u001b]0;x\u0007y"}"#;
        let line = read(raw).unwrap();
        assert_eq!(line.text, "abc<U+202E> k=y");
        for row in pretty(raw) {
            assert!(!row.chars().any(char::is_control), "{row:?}");
        }
        assert!(pretty(r#"{"a":{"b":1}}"#).len() > 3);
        assert_eq!(pretty("plain \u{1b}[1mtext"), ["plain text"]);
    }

    #[test]
    fn levels_are_guessed_from_plain_lines() {
        for (text, level) in [
            ("2026-01-01 10:00:00,123 ERROR model: no memory", LogLevel::Err),
            ("2026/01/01 10:00:00 [error] 7#7: upstream", LogLevel::Err),
            ("error: cannot open", LogLevel::Err),
            ("ts=1 level=error msg=x", LogLevel::Err),
            ("ts=1 level=\"warn\" msg=x", LogLevel::Warn),
            ("W0102 15:04:05.1 1 x.go:1] low", LogLevel::Warn),
            ("<3>oom", LogLevel::Err),
            ("<30>started", LogLevel::Info),
            ("WARNING: deprecated", LogLevel::Warn),
            ("0 errors, no error found", LogLevel::Info),
            ("GET /error 200 err=warn", LogLevel::Info),
            ("level=info code=ERR", LogLevel::Info),
            ("日本語 ERROR x", LogLevel::Err),
            ("", LogLevel::Info),
        ] {
            assert_eq!(level_of(text), level, "{text:?}");
        }
    }

    #[test]
    fn times_never_run_ahead_nor_back() {
        let (now, after) = (at("2026-01-01T10:00:00Z"), at("2026-01-01T09:00:00Z"));
        let stamp = |raw: &str| log_line("m", raw, now, after, 100).at;
        assert_eq!(stamp("no time"), now);
        assert_eq!(stamp("2026-01-01T09:30:00+00:00 x"), at("2026-01-01T09:30:00Z"));
        assert_eq!(stamp("2026-01-01T08:00:00Z x"), after);
        assert_eq!(stamp("2099-01-01T08:00:00Z x"), now);
    }
}
