//! The runtime: the value of the key, who set it, and whether a new value would have an effect.

use serde_json::Value;

use crate::domain::text::clean;
use crate::domain::{Digest, Order, OrderId, Side};

/// The path where a process shows its runtime.
pub(super) const RUNTIME: &str = "/runtime?format=json";
/// The path where it shows its start time and the layers of its runtime, without the rest of its bootstrap.
pub(super) const BOOTSTRAP: &str = "/config_dump?mask=last_updated,bootstrap.layered_runtime";

/// The value of the key in a process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum KeyValue {
    /// No value: the route's default applies.
    Nothing,
    /// A percent.
    Percent(u8),
    /// A value that is not a whole percent.
    Other(String),
}

/// The runtime of a process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Runtime {
    /// The value of the key.
    pub(super) value: KeyValue,
    /// The tag of the order that set it, if it was one of ours.
    pub(super) tag: Option<String>,
}

/// The query that `order` sends for `key`: its value and its tag in one request.
pub(super) fn setting(key: &str, order: &Order) -> String {
    format!("/runtime_modify?{key}={}&{}={}", order.target.share(Side::Green), tag_key(key), tag(&order.id))
}

/// The key that holds the tag of the last order.
fn tag_key(key: &str) -> String {
    format!("{key}.order")
}

/// An order's id as a runtime value: always a word, never a number.
pub(super) fn tag(id: &OrderId) -> String {
    format!("o{}", &Digest::of([&id.0]).as_str()[..16])
}

/// When the process started, and its layers; or why no order could take effect in it.
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

/// The state of `key` in `dump`; the error says why no order could take effect.
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
    /// The format of another version.
    Format,
    /// Its configuration does not let an order take effect: why, and what to do.
    Setup(String),
}

/// A whole percent in its normal spelling only.
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
