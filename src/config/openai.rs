//! What `[probe.openai]` means: the streaming endpoint that is asked for a few tokens now and then.

use super::calls;
use super::reader::{Node, Table};
use super::{keys, values};
use crate::domain::metric::StreamSpec;

const SECOND: u64 = 1000;
/// Longer prompts are a load of their own, in bytes.
const MAX_PROMPT: usize = 4096;
/// Longest name of a model, in bytes.
const MAX_MODEL: usize = 200;

/// The streaming endpoint, where the file names one.
pub(super) fn openai(root: &Table<'_>) -> Option<StreamSpec> {
    let table = root.get("probe")?.table()?.get("openai")?.table()?.keys_of(&[keys::PROBE_OPENAI]);
    let path =
        table.get("path").map_or_else(|| Some("/v1/chat/completions".to_owned()), |node| values::http_path(&node));
    let model = table.need("model", "write the name the server knows it by").and_then(|node| text(&node, MAX_MODEL));
    let prompt = match table.get("prompt") {
        Some(node) => text(&node, MAX_PROMPT),
        None => Some("Count from one to twenty.".to_owned()),
    };
    let max_tokens = table.number("max_tokens", 2..=256, 16);
    let interval_ms = table.duration("interval", 5 * SECOND..=24 * 3600 * SECOND, 60 * SECOND);
    let timeout_ms = table.duration("timeout", 100..=120 * SECOND, 20 * SECOND);
    let api_key = table.get("api_key").map(|node| calls::secret(&node));
    Some(StreamSpec {
        path: path?,
        model: model?,
        prompt: prompt?,
        max_tokens: u32::try_from(max_tokens).unwrap_or(16),
        interval_ms,
        timeout_ms,
        api_key: api_key.map_or(Some(None), |key| key.map(Some))?,
    })
}

fn text(node: &Node<'_>, max: usize) -> Option<String> {
    let text = node.lines()?;
    if text.trim().is_empty() {
        return node.refuse("is empty".into(), "write some words");
    }
    if text.len() > max {
        return node.refuse(format!("is {} bytes long", text.len()), format!("write at most {max}"));
    }
    Some(text.to_owned())
}
