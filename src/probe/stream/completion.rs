//! Collects the events of a streamed completion: when each piece came, and how the stream ended.

use serde_json::Value;

use super::sse::SseEvent;
use crate::domain::metric::{MetricRow, Part, StreamFigure, Take};
use crate::domain::text::clean;

/// The part of an answer that has arrived.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Completion {
    /// The arrival of each piece with content, in milliseconds from the request.
    pub pieces_ms: Vec<f64>,
    /// The number of tokens as counted by the server, if it sends one.
    counted: Option<u64>,
    /// Whether a finish reason was sent.
    pub is_finished: bool,
    /// Whether `[DONE]` was sent.
    pub is_done: bool,
}

impl Completion {
    /// Takes in an event that came `at_ms` after the request.
    ///
    /// # Errors
    /// The event reports an error or does not belong to a completion; in words.
    pub(super) fn take(&mut self, at_ms: f64, event: &SseEvent) -> Result<(), String> {
        let data = event.data.trim();
        if data == "[DONE]" {
            self.is_done = true;
            return Ok(());
        }
        let Ok(value) = serde_json::from_str::<Value>(data) else {
            let what = if event.kind == "error" { "error in the stream" } else { "an event that is no JSON" };
            return Err(format!("{what}: {}", clean(data, 120)));
        };
        if let Some(why) = error_of(&value).or_else(|| (event.kind == "error").then(|| clean(data, 120))) {
            return Err(format!("error in the stream: {why}"));
        }
        let Some(choices) = value.get("choices").and_then(Value::as_array) else {
            // Some servers close with an event of their own. It must at least be an object.
            return if value.is_object() {
                Ok(())
            } else {
                Err(format!("an event without choices: {}", clean(data, 120)))
            };
        };
        if choices.iter().any(says_something) {
            self.pieces_ms.push(at_ms);
        }
        self.is_finished |= choices.iter().any(|choice| choice.get("finish_reason").is_some_and(|why| !why.is_null()));
        if let Some(counted) = value.pointer("/usage/completion_tokens").and_then(Value::as_u64) {
            self.counted = Some(counted);
        }
        Ok(())
    }

    /// The number of tokens: the server's count, or else the number of pieces.
    fn tokens(&self) -> f64 {
        let pieces = self.pieces_ms.len() as u64;
        // A count below the number of pieces counts something else: a piece holds at least one token.
        self.counted.filter(|&counted| counted >= pieces && counted <= 1_000_000).unwrap_or(pieces) as f64
    }

    /// The part of each row. Rows from other sources are `Missing`.
    pub(super) fn parts(&self, rows: &[MetricRow]) -> Vec<Part> {
        let part = |row: &MetricRow| match row.take {
            Take::Stream(figure) => self.part(figure),
            _ => Part::Missing,
        };
        rows.iter().map(part).collect()
    }

    fn part(&self, figure: StreamFigure) -> Part {
        let gauge = |value: f64| Part::Gauge { sum: value, max: value, n: 1 };
        let (Some(&first), Some(&last)) = (self.pieces_ms.first(), self.pieces_ms.last()) else { return Part::NotYet };
        let (span_ms, after_first) = (last - first, self.tokens() - 1.0);
        match figure {
            StreamFigure::Ttft => gauge(first),
            // One token has no gap to a next one. Tokens that all come at once are not a stream that can be timed.
            _ if self.pieces_ms.len() < 2 || span_ms <= 0.0 => Part::NotYet,
            StreamFigure::Itl => Part::Ratio { of: span_ms, per: after_first },
            StreamFigure::Tokens => Part::Ratio { of: after_first, per: span_ms / 1000.0 },
            StreamFigure::Itl95 => {
                let mut gaps: Vec<f64> = self.pieces_ms.windows(2).map(|pair| pair[1] - pair[0]).collect();
                gaps.sort_by(f64::total_cmp);
                // The smallest value that at least 95 of 100 gaps do not exceed.
                gauge(gaps[((gaps.len() as f64 * 0.95).ceil() as usize).clamp(1, gaps.len()) - 1])
            }
        }
    }
}

/// Whether a choice holds content of any kind: text, reasoning, a tool call.
fn says_something(choice: &Value) -> bool {
    let is_text = |value: &Value| value.as_str().is_some_and(|text| !text.is_empty());
    let delta = |key: &str| choice.get("delta").and_then(|delta| delta.get(key));
    choice.get("text").is_some_and(is_text)
        || ["content", "reasoning_content", "reasoning", "refusal"]
            .into_iter()
            .any(|key| delta(key).is_some_and(is_text))
        || delta("tool_calls").and_then(Value::as_array).is_some_and(|calls| !calls.is_empty())
}

/// The error in an answer, cleaned: `{"error": {"message": ..}}`, `{"error": ".."}` or `{"object": "error", ..}`.
pub(super) fn error_of(value: &Value) -> Option<String> {
    let error = value.get("error").filter(|error| !error.is_null());
    let whole = || Some(value).filter(|value| value.get("object").is_some_and(|object| object == "error"));
    let error = error.or_else(whole)?;
    let message = error.get("message").or_else(|| error.get("detail")).unwrap_or(error);
    let text = message.as_str().map_or_else(|| message.to_string(), str::to_owned);
    Some(clean(text.trim(), 160))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::metric::{Merged, stream_rows};

    fn event(data: &str) -> SseEvent {
        SseEvent { kind: String::new(), data: data.to_owned() }
    }

    fn answer(events: &[(f64, &str)]) -> Completion {
        let mut answer = Completion::default();
        for (at_ms, data) in events {
            answer.take(*at_ms, &event(data)).unwrap();
        }
        answer
    }

    fn values(answers: &[Completion]) -> Vec<Option<f64>> {
        let rows = stream_rows(&[]);
        let parts: Vec<Vec<Part>> = answers.iter().map(|answer| answer.parts(&rows)).collect();
        let value = |at: usize| match rows[at].merge(parts.iter().map(|parts| &parts[at])) {
            Merged::Value(value, None) => Some((value * 1000.0).round() / 1000.0),
            _ => None,
        };
        (0..rows.len()).map(value).collect()
    }

    const ROLE: &str = r#"{"choices":[{"delta":{"role":"assistant","content":""},"finish_reason":null}]}"#;
    const WORD: &str = r#"{"choices":[{"delta":{"content":"one"},"finish_reason":null}]}"#;
    const END: &str = r#"{"choices":[{"delta":{},"finish_reason":"length"}],"usage":null}"#;

    #[test]
    fn the_first_word_counts_not_the_first_event() {
        let all =
            [(10.0, ROLE), (80.0, WORD), (110.0, WORD), (120.0, WORD), (180.0, WORD), (181.0, END), (182.0, "[DONE]")];
        let answer = answer(&all);
        assert!(answer.is_done && answer.is_finished);
        // 3 gaps of 30, 10 and 60 ms.
        assert_eq!(values(&[answer]), [Some(80.0), Some(33.333), Some(60.0), Some(30.0)]);
    }

    #[test]
    fn the_slowest_replica_is_waited_for_and_speeds_are_of_all_tokens() {
        let fast = answer(&[(20.0, WORD), (30.0, WORD), (40.0, WORD)]);
        let slow = answer(&[(50.0, WORD), (150.0, WORD)]);
        assert_eq!(values(&[fast, slow]), [Some(50.0), Some(40.0), Some(100.0), Some(25.0)]);
    }

    #[test]
    fn a_servers_own_count_is_taken_where_it_can_be_right() {
        let usage = |n: u64| format!(r#"{{"choices":[],"usage":{{"completion_tokens":{n}}}}}"#);
        let of = |n| values(&[answer(&[(0.0, WORD), (1000.0, WORD), (1001.0, &usage(n))])])[3];
        assert_eq!((of(11), of(1)), (Some(10.0), Some(1.0)));
    }

    #[test]
    fn one_piece_is_a_first_token_and_no_more() {
        assert_eq!(values(&[answer(&[(70.0, WORD)])]), [Some(70.0), None, None, None]);
        assert_eq!(values(&[answer(&[(70.0, ROLE)])]), [None; 4]);
        assert_eq!(values(&[answer(&[(70.0, WORD), (70.0, WORD)])]), [Some(70.0), None, None, None]);
    }

    #[test]
    fn text_of_every_kind_is_a_token() {
        for piece in [
            r#"{"choices":[{"text":"one"}]}"#,
            r#"{"choices":[{"delta":{"reasoning_content":"hm"}}]}"#,
            r#"{"choices":[{"delta":{"tool_calls":[{"index":0}]}}]}"#,
        ] {
            assert_eq!(answer(&[(1.0, piece)]).pieces_ms, [1.0], "{piece}");
        }
        for nothing in [r#"{"choices":[{"delta":{"tool_calls":[]}}]}"#, r#"{"choices":[]}"#, r#"{"id":"x"}"#] {
            assert!(answer(&[(1.0, nothing)]).pieces_ms.is_empty(), "{nothing}");
        }
    }

    #[test]
    fn errors_in_the_stream_are_told() {
        let told = |kind: &str, data: &str| {
            Completion::default().take(1.0, &SseEvent { kind: kind.to_owned(), data: data.to_owned() }).unwrap_err()
        };
        let error = r#"{"error":{"message":"out of\u001b[2J memory","code":500}}"#;
        assert!(told("", error).starts_with("error in the stream: out of"), "{}", told("", error));
        assert!(!told("", error).contains('\u{1b}'));
        assert_eq!(told("", r#"{"object":"error","message":"no"}"#), "error in the stream: no");
        assert_eq!(told("error", r#"{"detail":"x"}"#), "error in the stream: {\"detail\":\"x\"}");
        assert_eq!(told("error", "boom"), "error in the stream: boom");
        assert_eq!(told("", "<html>"), "an event that is no JSON: <html>");
        assert!(told("", "17").starts_with("an event without choices"));
    }
}
