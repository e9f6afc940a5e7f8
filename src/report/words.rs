//! Numbers, spans and times as people read them.

use chrono::{DateTime, TimeDelta, Utc};

use super::model::{Outcome, Report};
use crate::domain::text::clean;
use crate::domain::{Evidence, Pair, Side, Version};

/// The longest text of one cell, in characters.
const MAX_TEXT: usize = 600;

/// Text from outside, safe for any reader; what is cut off is marked.
pub(super) fn plain(text: &str) -> String {
    clean(text, MAX_TEXT)
}

/// `28 ms`, `4.2 s`, `12 s`, `4 min 12 s`, `2 h 05 min`, `3 d 04 h`.
pub(super) fn span(seconds: f64) -> String {
    let seconds = seconds.max(0.0);
    let whole = seconds.round() as u64;
    match whole {
        _ if seconds < 0.9995 => format!("{:.0} ms", seconds * 1000.0),
        _ if seconds < 9.95 => format!("{seconds:.1} s"),
        0..60 => format!("{whole} s"),
        60..3600 => format!("{} min {:02} s", whole / 60, whole % 60),
        3600..86_400 => format!("{} h {:02} min", whole / 3600, whole % 3600 / 60),
        _ => format!("{} d {:02} h", whole / 86_400, whole % 86_400 / 3600),
    }
}

/// A span that may not be known.
pub(super) fn span_or(seconds: Option<f64>) -> String {
    seconds.map_or_else(|| "not known".into(), span)
}

/// Seconds from `from` to `to`, never negative: clocks may be set back.
pub(super) fn seconds(from: DateTime<Utc>, to: DateTime<Utc>) -> f64 {
    (to - from).max(TimeDelta::zero()).num_milliseconds() as f64 / 1000.0
}

/// `2026-11-20 14:02:12 UTC`.
pub(super) fn moment(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// `14:02:12.3`, with the day where it is another than that of `beginning`.
pub(super) fn clock(at: DateTime<Utc>, beginning: DateTime<Utc>) -> String {
    let format = if at.date_naive() == beginning.date_naive() { "%H:%M:%S%.3f" } else { "%m-%d %H:%M:%S%.3f" };
    let mut text = at.format(format).to_string();
    text.truncate(text.len() - 2);
    text
}

/// `3.4 ms`, `612 ms`.
pub(super) fn ms(value: f64) -> String {
    if value < 10.0 { format!("{value:.1} ms") } else { format!("{value:.0} ms") }
}

/// `0.12 %`, `10 %` of a rate from 0 to 1.
pub(super) fn rate(value: f64) -> String {
    let percent = value * 100.0;
    if percent == 0.0 || percent >= 10.0 { format!("{percent:.0} %") } else { format!("{percent:.2} %") }
}

/// What is measured, or a dash where nothing was.
pub(super) fn or_dash(value: Option<String>) -> String {
    value.unwrap_or_else(|| "–".into())
}

/// A gate's value against its limit: `0.994 (at least 0.990)`.
pub(super) fn measured(evidence: &Evidence) -> String {
    let amount = |value: f64| match evidence.unit.as_str() {
        "ratio" => format!("{value:.3}"),
        "ms" => ms(value),
        "count" | "" => format!("{value}"),
        unit => format!("{value} {}", plain(unit)),
    };
    let word = if evidence.at_least { "at least" } else { "at most" };
    match (evidence.value, evidence.limit) {
        (Some(value), Some(limit)) => format!("{} ({word} {})", amount(value), amount(limit)),
        (Some(value), None) => amount(value),
        (None, Some(limit)) => format!("not measured ({word} {})", amount(limit)),
        (None, None) => "–".into(),
    }
}

/// `v42`, or `version not known`.
pub(super) fn version(versions: &Pair<Option<Version>>, side: Side) -> String {
    versions[side].as_ref().map_or_else(|| "a version not known".into(), |version| plain(&version.name))
}

/// `op1 (console)`; the engine itself is `auto`.
pub(super) fn who(by: &str, via: &str) -> String {
    if by == via { by.to_owned() } else { format!("{by} ({via})") }
}

/// Why there is no rollout in it.
pub(super) fn nothing(report: &Report) -> String {
    match report.rollouts_in_journal {
        0 => "the journal tells of no rollout".into(),
        n => format!("none of the {n} rollouts of the journal was under way since then"),
    }
}

/// How many of the journal's rollouts are in it.
pub(super) fn on_record(report: &Report) -> String {
    format!("{} of {} rollouts on record", report.rollouts.len(), report.rollouts_in_journal)
}

/// How a rollout ended, as a badge says it.
pub(super) const fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::NotBegun => "not begun",
        Outcome::Shifting => "under way",
        Outcome::Paused => "paused",
        Outcome::Switched => "switched, not finalized",
        Outcome::Finalized => "finalized",
        Outcome::Aborted => "aborted",
        Outcome::RolledBack => "rolled back",
        Outcome::EndedElsewhere => "ended outside of cutover",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_and_rates_are_read_at_a_glance() {
        let spans = [0.0, 0.028, 9.94, 9.96, 59.4, 252.0, 7_500.0, 273_600.0].map(span);
        assert_eq!(spans, ["0 ms", "28 ms", "9.9 s", "10 s", "59 s", "4 min 12 s", "2 h 05 min", "3 d 04 h"]);
        assert_eq!([0.0, 0.001_2, 0.1, 1.0].map(rate), ["0 %", "0.12 %", "10 %", "100 %"]);
        assert_eq!([3.44, 612.4].map(ms), ["3.4 ms", "612 ms"]);
    }
}
