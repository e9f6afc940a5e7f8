//! Reads `[probe.openai]`: the streaming endpoint that is asked for a few tokens from time to time.

use super::keys;
use crate::domain::Transport;
use crate::domain::metric::StreamSpec;
use crate::settings::{Node, Table, call, values};

const SECOND: u64 = 1000;
/// The longest prompt, in bytes. A longer one would be a load of its own.
const MAX_PROMPT: usize = 4096;
/// The longest name of a model, in bytes.
const MAX_MODEL: usize = 200;

/// The streaming endpoint, if the file has one. Faults are noted and replaced by stand-ins, so that a guard on one of
/// its rows has no fault because of them.
pub(super) fn openai(root: &Table<'_>) -> Option<StreamSpec> {
    let table = root.get("probe")?.table()?.get("openai")?.table()?.keys_of(&[&keys::PROBE_OPENAI]);
    let path = table.or("path", "/v1/chat/completions".to_owned(), values::http_path);
    let model = table.need("model", "write the name the server knows it by").and_then(|node| text(&node, MAX_MODEL));
    let prompt = table.or("prompt", "Count from one to twenty.".to_owned(), |node| text(node, MAX_PROMPT));
    Some(StreamSpec {
        path: path.unwrap_or_default(),
        model: model.unwrap_or_default(),
        prompt: prompt.unwrap_or_default(),
        max_tokens: u32::try_from(table.number("max_tokens", 2..=256, 16)).unwrap_or(16),
        interval_ms: table.duration("interval", 5 * SECOND..=24 * 3600 * SECOND, 60 * SECOND),
        timeout_ms: table.duration("timeout", 100..=120 * SECOND, 20 * SECOND),
        api_key: table.get("api_key").and_then(|node| call::secret(&node)),
        transport: Transport::default(),
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
