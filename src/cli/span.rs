//! Spans of time as text: `800ms`, `30s`, `5m`, `2h`, `1d`.

use std::time::Duration;

/// The longest span that is accepted: 30 days.
const LONGEST_S: u64 = 30 * 86_400;

/// Parses a span. A number without a unit is in seconds.
pub(crate) fn parse(text: &str) -> Result<Duration, String> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let wrong = || format!("`{text}` is no span of time: say e.g. 800ms, 30s, 5m, 2h (at most 30d)");
    let number: u64 = number.parse().map_err(|_| wrong())?;
    let ms = match unit {
        "ms" => Some(number),
        "" | "s" => number.checked_mul(1000),
        "m" => number.checked_mul(60_000),
        "h" => number.checked_mul(3_600_000),
        "d" => number.checked_mul(86_400_000),
        _ => None,
    };
    ms.filter(|&ms| ms <= LONGEST_S * 1000).map(Duration::from_millis).ok_or_else(wrong)
}

/// Formats seconds for people: `0.4s`, `9s`, `4m12s`, `2h05m`, `3d04h`.
pub(crate) fn show(seconds: f64) -> String {
    let seconds = seconds.max(0.0);
    if seconds < 1.0 {
        return format!("{seconds:.1}s");
    }
    let whole = seconds as u64;
    match whole {
        0..60 => format!("{whole}s"),
        60..3600 => format!("{}m{:02}s", whole / 60, whole % 60),
        3600..86_400 => format!("{}h{:02}m", whole / 3600, whole % 3600 / 60),
        _ => format!("{}d{:02}h", whole / 86_400, whole % 86_400 / 3600),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_read() {
        for (text, ms) in [("800ms", 800), ("30s", 30_000), ("30", 30_000), ("5m", 300_000), ("2h", 7_200_000)] {
            assert_eq!(parse(text), Ok(Duration::from_millis(ms)), "{text}");
        }
        for text in ["", "s", "-1s", "1.5s", "5 m", "99999999999999999999", "31d", "18446744073709551615h", "5x"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn spans_are_shown() {
        for (seconds, text) in
            [(0.42, "0.4s"), (9.9, "9s"), (252.0, "4m12s"), (7500.0, "2h05m"), (273_600.0, "3d04h"), (-3.0, "0.0s")]
        {
            assert_eq!(show(seconds), text);
        }
    }
}
