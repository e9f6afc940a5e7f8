//! The file that cutover owns in the directory that Traefik watches: written from a fixed pattern, and read strictly.

use serde_json::Value;

use super::share;
use crate::backend::traefik::spec::{FileFormat, TraefikSpec};
use crate::domain::text::clean;
use crate::domain::{OrderId, Pair, Side, Split};

/// How the file begins, so that no other is ever written over.
const HEAD: &str = "# Written by cutover, and written over at the next change.";

/// The file for `weights`.
pub(super) fn write(
    spec: &TraefikSpec,
    format: FileFormat,
    weights: Pair<u64>,
    split: Split,
    order: &OrderId,
) -> String {
    let order = clean(&order.0, 60).replace('\n', " ");
    let (blue, green) = (split.share(Side::Blue), split.share(Side::Green));
    let head = format!(
        "{HEAD}\n# blue {blue} %, green {green} %, by order {order}: shares times a number of the order's own.\n"
    );
    let TraefikSpec { service, names, .. } = spec;
    let body = match format {
        // JSON is YAML. Names hold nothing that needs an escape.
        FileFormat::Yaml => format!(
            "{{ \"http\": {{ \"services\": {{ \"{service}\": {{ \"weighted\": {{ \"services\": [\n  \
             {{ \"name\": \"{}\", \"weight\": {} }},\n  {{ \"name\": \"{}\", \"weight\": {} }}\n] }} }} }} }} }}\n",
            names.blue, weights.blue, names.green, weights.green
        ),
        FileFormat::Toml => {
            let one = |side: Side| {
                format!(
                    "[[http.services.\"{service}\".weighted.services]]\nname = \"{}\"\nweight = {}\n",
                    names[side], weights[side]
                )
            };
            format!("{}\n{}", one(Side::Blue), one(Side::Green))
        }
    };
    head + &body
}

/// Whether a file may be written over though it cannot be read as one of ours.
pub(super) fn is_ours(text: &str) -> bool {
    text.starts_with(HEAD) || text.trim().is_empty()
}

/// The weights in the file; also in one that was edited by hand, as long as it holds the weighted service alone.
///
/// # Errors
/// What it holds instead, in words.
pub(super) fn read(spec: &TraefikSpec, format: FileFormat, text: &str) -> Result<Pair<u64>, String> {
    let value: Value = match format {
        FileFormat::Yaml => {
            let is_told = |line: &&str| !line.starts_with('#') && line.trim() != "---";
            let json: Vec<&str> = text.lines().filter(is_told).collect();
            serde_json::from_str(&json.join("\n")).map_err(|fault| {
                let fault = clean(&fault.to_string(), 80);
                format!("it is not as cutover writes it, JSON below a comment ({fault})")
            })?
        }
        FileFormat::Toml => {
            toml::from_str(text).map_err(|fault| format!("it is no TOML: {}", clean(fault.message(), 120)))?
        }
    };
    let list = ["http", "services", &spec.service, "weighted", "services"]
        .into_iter()
        .try_fold(&value, |value, key| only(value, key))?;
    let services: Option<Vec<_>> = list.as_array().map(|list| list.iter().map(service).collect()).unwrap_or_default();
    let services = services.ok_or("its list of services is none of names and weights")?;
    share::of_services(spec, &services)
}

/// The value of `key`, where it is alone: another key would be lost at the next change.
fn only<'a>(value: &'a Value, key: &str) -> Result<&'a Value, String> {
    let table = value.as_object().ok_or_else(|| format!("{key} is missing"))?;
    if let Some(other) = table.keys().find(|other| *other != key) {
        return Err(format!(
            "it holds {:?} besides {key}, which would be lost: keep it in another file of the directory",
            clean(other, 60)
        ));
    }
    table.get(key).ok_or_else(|| format!("{key} is missing"))
}

/// A service and its weight, in a file or an answer of the API.
pub(super) fn service(value: &Value) -> Option<(String, Option<u64>)> {
    let name = value.get("name")?.as_str()?.to_owned();
    let weight = match value.get("weight") {
        None | Some(Value::Null) => None,
        Some(weight) => Some(weight.as_u64()?),
    };
    Some((name, weight))
}

#[cfg(test)]
mod tests {
    use super::super::share::tests::spec;
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        for format in [FileFormat::Yaml, FileFormat::Toml] {
            let spec = spec(format);
            for green in [0, 10, 100] {
                let split = Split::toward(Side::Green, green);
                let weights = share::weights(split, &OrderId("7f3e".into()), None);
                let text = write(&spec, format, weights, split, &OrderId("7f3e\nhttp: {}".into()));
                assert_eq!(read(&spec, format, &text), Ok(weights), "{text}");
                assert!(is_ours(&text));
                assert!(text.contains(&format!("# blue {} %, green {green} %", 100 - green)), "{text}");
            }
        }
    }

    #[test]
    fn a_hand_edit_is_understood_or_told() {
        let spec = spec(FileFormat::Yaml);
        let sound = r#"{"http":{"services":{"split":{"weighted":{"services":[
            {"name":"green@docker","weight":1},{"name":"blue","weight":3}]}}}}}"#;
        assert_eq!(read(&spec, FileFormat::Yaml, sound), Ok(Pair { blue: 3, green: 1 }));
        for (from, to, told) in [
            ("\"http\":", "\"tls\":{},\"http\":", "holds \"tls\" besides http"),
            ("\"weighted\":{", "\"weighted\":{\"sticky\":{},", "holds \"sticky\" besides services"),
            ("\"split\"", "\"other\"", "holds \"other\" besides split"),
            ("\"weight\":3", "\"weight\":-3", "none of names and weights"),
            ("\"blue\"", "\"red\"", "it shares to \"red\" too"),
            ("[", "", "not as cutover writes it"),
        ] {
            let why = read(&spec, FileFormat::Yaml, &sound.replacen(from, to, 1)).unwrap_err();
            assert!(why.contains(told), "{why}");
        }
        for text in ["", "http:\n  services: {}\n", "<html>", "[]", "{}"] {
            assert!(read(&spec, FileFormat::Yaml, text).is_err(), "{text}");
        }
        assert!(!is_ours("http:\n  routers: {}\n"), "a file of others is not written over");
    }
}
