//! An alert in the form that Slack, Mattermost and Rocket.Chat accept: `text` and `attachments` (docs.slack.dev,
//! "Legacy: secondary message attachments"; docs.mattermost.com, "Message attachments").

use serde_json::{Value, json};

use crate::domain::{Alert, Severity, Side, in_unit};

/// The most lines of evidence and of log in one message. The console and the report have the rest.
const LINES: usize = 6;
/// The longest code block, in characters. The receiver truncates messages over 4 000 at any place.
const BLOCK: usize = 1_500;

/// Builds the message.
pub(super) fn message(alert: &Alert) -> Value {
    let title = escaped(&alert.title);
    let mark = match alert.severity {
        Severity::Critical => "CRITICAL ",
        Severity::Warning => "WARNING ",
        Severity::Info => "",
    };
    let mut fields = vec![field("Done", &alert.done), field("Way back", &alert.way_back)];
    if let (Some(value), Some(limit)) = (alert.value, alert.limit) {
        fields.push(field("Value", &in_unit(value, &alert.unit)));
        fields.push(field(if alert.at_least { "At least" } else { "Limit" }, &in_unit(limit, &alert.unit)));
    }
    if let Some(samples) = alert.samples {
        fields.push(field("Samples", &samples.to_string()));
    }
    if let Some(split) = &alert.split {
        fields.push(field("Split", &format!("blue {} %, green {} %", split.blue, split.green)));
    }
    let version = |side: Side| alert.versions[side].as_ref().map(|name| format!("{side} {name}"));
    let versions: Vec<String> = Side::BOTH.into_iter().filter_map(version).collect();
    if !versions.is_empty() {
        fields.push(field("Versions", &versions.join(", ")));
    }
    let mut text = String::new();
    for lines in [&alert.evidence, &alert.log] {
        if !lines.is_empty() {
            let from = lines.len().saturating_sub(LINES);
            text.push_str(&block(&lines[from..]));
        }
    }
    json!({
        "text": format!("{mark}{title}"),
        "attachments": [{
            "color": match alert.severity {
                Severity::Critical => "danger",
                Severity::Warning => "warning",
                Severity::Info => "good",
            },
            "fallback": title,
            "text": text,
            "mrkdwn_in": ["text"],
            "fields": fields,
            "footer": format!("cutover, alert {}", alert.id),
            "ts": alert.time.timestamp(),
        }],
    })
}

fn field(title: &str, value: &str) -> Value {
    json!({ "title": title, "value": escaped(value), "short": value.chars().count() < 40 })
}

fn block(lines: &[String]) -> String {
    // Reason: three backticks in a log line would end the block.
    let text: String = lines.join("\n").replace("```", "'''").chars().take(BLOCK).collect();
    format!("```{}```\n", escaped(&text))
}

/// Escapes the three characters with a special meaning for the receiver.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
