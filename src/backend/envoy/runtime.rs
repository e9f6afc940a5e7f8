//! The runtime: which value the key has, who set it, and whether ours would count.

use serde_json::Value;

use crate::domain::text::clean;
use crate::domain::{Digest, Order, OrderId, Side};

/// Where a process shows its runtime.
pub(super) const RUNTIME: &str = "/runtime?format=json";
/// Where it shows its start and the layers of its runtime, and nothing else of its bootstrap.
pub(super) const BOOTSTRAP: &str = "/config_dump?mask=last_updated,bootstrap.layered_runtime";

/// What a process says of the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum KeyValue {
    /// Nothing: the route's default holds.
    Nothing,
    /// A percent.
    Percent(u8),
    /// What is no whole percent.
    Other(String),
}

/// The runtime of a process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Runtime {
    /// What it says of the key.
    pub(super) value: KeyValue,
    /// The tag of the order that set it, where one of ours did.
    pub(super) tag: Option<String>,
}

/// The change of `key` that `order` is: its value and its tag in one request.
pub(super) fn setting(key: &str, order: &Order) -> String {
    format!("/runtime_modify?{key}={}&{}={}", order.target.share(Side::Green), tag_key(key), tag(&order.id))
}

/// The key that holds the tag of the last order.
fn tag_key(key: &str) -> String {
    format!("{key}.order")
}

/// An order's id as a value of the runtime: always a word, never a number.
pub(super) fn tag(id: &OrderId) -> String {
    format!("o{}", &Digest::of([&id.0]).as_str()[..16])
}

/// When the process started, and an error where no order could take effect in it.
pub(super) fn started(bootstrap: &Value) -> Option<(String, Vec<Layer>)> {
    let dump = bootstrap.pointer("/configs/0")?;
    let started = dump.get("last_updated")?.as_str()?.to_owned();
    let layers = match dump.pointer("/bootstrap/layered_runtime/layers") {
        None => Vec::new(),
        Some(layers) => layers.as_array()?.iter().map(Layer::of).collect(),
    };
    Some((started, layers))
}

/// One layer of the runtime; later ones win.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Layer {
    name: String,
    is_admin: bool,
}

impl Layer {
    fn of(value: &Value) -> Self {
        let name = value.get("name").and_then(Value::as_str).unwrap_or_default();
        Self { name: clean(name, 60), is_admin: value.get("admin_layer").is_some() }
    }
}

/// What `dump` says of `key`; the error says why no order could take effect.
pub(super) fn read(dump: &Value, layers: &[Layer], key: &str) -> Result<Runtime, Fault> {
    let entries = dump.get("entries").and_then(Value::as_object).ok_or(Fault::Format)?;
    let entry = entries.get(key);
    let Some(admin) = layers.iter().position(|layer| layer.is_admin) else {
        return Err(Fault::Setup(
            "its runtime has no admin layer, so nothing can be set: write admin_layer: {} as the last of \
             layered_runtime"
                .into(),
        ));
    };
    let above = layers.iter().enumerate().skip(admin + 1);
    for (at, layer) in above {
        let value = entry.and_then(|entry| entry.pointer(&format!("/layer_values/{at}"))).and_then(Value::as_str);
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            let (layer, value) = (&layer.name, clean(value, 40));
            return Err(Fault::Setup(format!(
                "layer {layer:?} lies above the admin layer and says {key} = {value:?}: no order can take effect; \
                 make the admin layer the last"
            )));
        }
    }
    let value = match entry {
        None => KeyValue::Nothing,
        Some(entry) => match entry.get("final_value").and_then(Value::as_str).ok_or(Fault::Format)? {
            "" => KeyValue::Nothing,
            text => percent(text).map_or_else(|| KeyValue::Other(clean(text, 40)), KeyValue::Percent),
        },
    };
    let tag = entries.get(&tag_key(key)).and_then(|entry| entry.get("final_value")).and_then(Value::as_str);
    Ok(Runtime { value, tag: tag.map(|tag| clean(tag, 40)) })
}

/// Why a process cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fault {
    /// Another version's format.
    Format,
    /// It is set up so that no order can take effect; why, and what to do.
    Setup(String),
}

/// A whole percent as it is written, and nothing that only resembles one.
fn percent(text: &str) -> Option<u8> {
    let is_plain = text.bytes().all(|b| b.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    text.parse().ok().filter(|percent| is_plain && *percent <= 100)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn layers(names: &[&str]) -> Vec<Layer> {
        names.iter().map(|name| Layer { name: (*name).into(), is_admin: *name == "admin" }).collect()
    }

    fn dump(values: &[&str]) -> Value {
        let last = values.iter().rev().find(|value| !value.is_empty()).copied().unwrap_or_default();
        json!({"entries": {"k": {"final_value": last, "layer_values": values}}, "layers": []})
    }

    fn value(text: &str) -> KeyValue {
        read(&dump(&["", text]), &layers(&["static", "admin"]), "k").unwrap().value
    }

    #[test]
    fn only_a_whole_percent_is_one() {
        assert_eq!(
            (value("0"), value("25"), value("100")),
            (KeyValue::Percent(0), KeyValue::Percent(25), KeyValue::Percent(100))
        );
        for odd in ["abc", "101", "-1", "25.0", "025", " 25", "+5", "1e1", "true", "{numerator: 25}"] {
            assert!(matches!(value(odd), KeyValue::Other(_)), "{odd}");
        }
    }

    #[test]
    fn nothing_set_is_no_value() {
        let read = read(&json!({"entries": {}, "layers": []}), &layers(&["admin"]), "k").unwrap();
        assert_eq!(read, Runtime { value: KeyValue::Nothing, tag: None });
    }

    #[test]
    fn a_runtime_that_takes_no_order_is_told() {
        let without = read(&dump(&["5"]), &layers(&["static"]), "k");
        assert!(matches!(without, Err(Fault::Setup(text)) if text.contains("admin_layer")));
        let below = read(&dump(&["25", "5"]), &layers(&["admin", "pinned"]), "k");
        assert!(matches!(below, Err(Fault::Setup(text)) if text.contains("pinned") && text.contains('5')));
        assert!(read(&dump(&["25", ""]), &layers(&["admin", "pinned"]), "k").is_ok());
    }

    #[test]
    fn another_format_is_no_runtime() {
        assert_eq!(read(&json!({"runtime": {}}), &layers(&["admin"]), "k"), Err(Fault::Format));
        let odd = json!({"entries": {"k": {"value": "5"}}});
        assert_eq!(read(&odd, &layers(&["admin"]), "k"), Err(Fault::Format));
        assert_eq!(started(&json!({"configs": []})), None);
        assert_eq!(started(&json!({"configs": [{"bootstrap": {}}]})), None);
    }
}
