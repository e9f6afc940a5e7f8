//! The file of routes: made as a whole from a template, checked before it is put in place, and compared with what a
//! process has loaded.
//!
//! Envoy reads the file when it is renamed into a watched directory, and never when it is written in place. A
//! rejected file shows only in a counter, so everything that Envoy would reject is refused here.

use std::path::Path;

use serde_json::Value;

use super::routes::{self, Weighted};
use super::runtime::tag;
use crate::backend::BackendError;
use crate::backend::envoy::spec::EnvoySpec;
use crate::backend::replace;
use crate::domain::text::clean;
use crate::domain::{Order, Side, Split, placeholder};

/// The path where a process shows its dynamic routes and its start time.
pub(super) const DYNAMIC: &str = routes::ROUTES[1];
/// The same without the rest of its bootstrap.
pub(super) const STARTED: &str = "/config_dump?mask=last_updated";

/// The placeholders of the template.
const NAMES: [&str; 3] = ["version", "blue", "green"];

/// The content of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Written {
    /// Its version: the tag of the order that wrote it.
    pub(super) version: String,
    /// The name of its route configuration.
    pub(super) name: String,
    /// The split.
    pub(super) split: Split,
}

/// Reads the file; the error says what is wrong with it.
pub(super) fn read(file: &Path, spec: &EnvoySpec) -> Result<Written, String> {
    let shown = || clean(&file.display().to_string(), 200);
    let text = replace::text(file)?;
    if text.is_empty() {
        return Err(format!("{} is not there, or empty", shown()));
    }
    written(&text, spec).map_err(|why| format!("{}: {why}", shown()))
}

/// The text of the file for `order`; it gives exactly that split.
pub(super) fn made(template: &Path, spec: &EnvoySpec, order: &Order) -> Result<String, BackendError> {
    let refused = |why: String| {
        let template = clean(&template.display().to_string(), 200);
        BackendError::Refused(format!("{template}: {why}; nothing was written"))
    };
    let text = replace::text(template)
        .map_err(|fault| BackendError::Refused(format!("{}; nothing was written", fault.text)))?;
    if text.is_empty() {
        return Err(refused("is not there, or empty".into()));
    }
    let version = tag(&order.id);
    let text = placeholder::fill_of(&NAMES, &text, |name| {
        Ok(match name {
            "blue" => order.target.share(Side::Blue).to_string(),
            "green" => order.target.share(Side::Green).to_string(),
            _ => version.clone(),
        })
    });
    let text = text.map_err(refused)?;
    let says = written(&text, spec).map_err(refused)?;
    if says.version != version {
        return Err(refused("write \"version_info\": \"{{version}}\"".into()));
    }
    if says.split != order.target {
        return Err(refused(format!(
            "it would make {} of {}: write {{{{blue}}}} and {{{{green}}}} as the weights of both clusters",
            says.split, order.target
        )));
    }
    Ok(text)
}

fn written(text: &str, spec: &EnvoySpec) -> Result<Written, String> {
    let value: Value = serde_json::from_str(text).map_err(|error| format!("it is no JSON: {error}"))?;
    let version = value.get("version_info").and_then(Value::as_str).unwrap_or_default();
    let resources = value.get("resources").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let Weighted { name, percent, odd } = routes::weighted(resources, None, &spec.clusters)?;
    if let Some(odd) = odd {
        return Err(odd);
    }
    Ok(Written { version: clean(version, 80), name, split: Split::toward(Side::Green, percent) })
}

/// Why a process does not use the file yet; `None` if it does.
pub(super) fn not_in_force(file: &Written, split: Split, versions: &[String], refused: u64) -> Option<String> {
    let behind = versions.iter().find(|version| **version != file.version);
    if split == file.split && behind.is_none() && !versions.is_empty() {
        return None;
    }
    let has = behind.map_or_else(|| "none".to_owned(), |version| clean(version, 40));
    let told = match refused {
        0 => "was it written in place, or is its directory not watched?".to_owned(),
        n => format!("it has rejected {n} of its files, its log says why"),
    };
    Some(format!("the file says {} (version {}), Envoy has version {has}: {told}", file.split, file.version))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::envoy::spec::EnvoyWay;
    use crate::domain::{Move, OrderId, Pair};

    const TEMPLATE: &str = r#"{"version_info": "{{version}}", "resources": [{"name": "models", "virtual_hosts": [
        {"routes": [{"match": {"prefix": "/"}, "route": {"weighted_clusters": {"clusters": [
        {"name": "b", "weight": "{{blue}}"}, {"name": "g", "weight": {{green}}}]}}}]}]}]}"#;

    fn spec() -> EnvoySpec {
        let way = EnvoyWay::Routes { file: "r.json".into(), template: "t.json".into() };
        EnvoySpec { admin: Vec::new(), clusters: Pair { blue: "b".to_owned(), green: "g".to_owned() }, way }
    }

    fn made_of(template: &str, percent: u8) -> Result<String, BackendError> {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("t.json");
        std::fs::write(&file, template).unwrap();
        let target = Split::toward(Side::Green, percent);
        let id = OrderId("a".into());
        made(&file, &spec(), &Order { id, kind: Move::Switch, from: None, target, toward: Side::Green, expected: None })
    }

    #[test]
    fn the_file_says_what_was_ordered() {
        for percent in [0, 1, 25, 100] {
            let says = written(&made_of(TEMPLATE, percent).unwrap(), &spec()).unwrap();
            assert_eq!((says.split, says.name.as_str()), (Split::toward(Side::Green, percent), "models"));
            assert_eq!(says.version, tag(&OrderId("a".into())));
        }
    }

    #[test]
    fn a_template_that_would_do_something_else_is_refused() {
        for (from, to, words) in [
            ("{{version}}", "1", "version_info"),
            ("\"{{blue}}\"", "0", "it would make"),
            ("\"{{blue}}\"", "{{green}}", "it would make"),
            ("{{green}}", "{{gren}}", "placeholder is one of"),
            ("{{green}}", "{{green}},", "no JSON"),
            ("\"name\": \"g\"", "\"name\": \"x\"", "and no other (x)"),
            ("weighted_clusters", "weighted", "no route with weighted_clusters"),
        ] {
            let template = TEMPLATE.replace(from, to);
            let refused = made_of(&template, 10);
            assert!(matches!(&refused, Err(BackendError::Refused(why)) if why.contains(words)), "{words}: {refused:?}");
        }
        // Envoy would silently reject this: all weights are 0.
        let none = TEMPLATE.replace("\"{{blue}}\"", "0").replace("{{green}}", "0");
        assert!(made_of(&none, 0).is_err());
    }

    #[test]
    fn a_file_that_was_not_taken_in_is_told() {
        let (one, two) = (Split::toward(Side::Green, 10), Split::toward(Side::Green, 20));
        let file = Written { version: "v2".into(), name: "m".into(), split: two };
        assert_eq!(not_in_force(&file, two, &["v2".into()], 3), None, "what it rejected before is past");
        assert!(not_in_force(&file, two, &["v2".into(), "v1".into()], 0).is_some());
        assert!(not_in_force(&file, two, &[], 0).is_some());
        let told = not_in_force(&file, one, &["v1".into()], 1).unwrap();
        assert!(told.contains("rejected 1") && told.contains("v2") && told.contains("v1"), "{told}");
    }
}
