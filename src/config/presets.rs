//! What real model servers export: presets of `[metrics]`, each a file in the words of the config. A row of a preset can
//! be copied into a config and changed there. Each file says where its names come from.

use std::path::PathBuf;

use super::metrics::{add_rows, traffic};
use crate::domain::metric::{MetricRow, TrafficSeries};
use crate::settings::{Report, Table};

/// The names of all presets, and their files.
pub const PRESETS: [(&str, &str); 8] = [
    ("triton", include_str!("presets/triton.toml")),
    ("mlserver", include_str!("presets/mlserver.toml")),
    ("vllm", include_str!("presets/vllm.toml")),
    ("tgi", include_str!("presets/tgi.toml")),
    ("kserve", include_str!("presets/kserve.toml")),
    ("knative", include_str!("presets/knative.toml")),
    ("knative-otel", include_str!("presets/knative-otel.toml")),
    ("process", include_str!("presets/process.toml")),
];

/// A preset.
#[derive(Debug, Clone, PartialEq)]
pub struct Preset {
    /// Its rows, the most important first.
    pub rows: Vec<MetricRow>,
    /// The series that count requests.
    pub traffic: Option<TrafficSeries>,
    /// The port of the metrics, where it is not the port of the server.
    pub port: Option<u16>,
}

/// The preset of this name.
pub fn preset(name: &str) -> Option<Preset> {
    let (_, text) = PRESETS.iter().find(|(known, _)| *known == name)?;
    let report = Report::new(text, PathBuf::new(), &|_| None);
    let document = report.document()?;
    let table = Table::root(&report, document.get_ref(), &["port", "row", "traffic"]);
    let mut rows = Vec::new();
    add_rows(&table, &mut rows, false);
    let port = table.get("port").and_then(|node| node.number(1..=65535)).and_then(|port| u16::try_from(port).ok());
    let preset = Preset { rows, traffic: traffic(&table), port };
    report.finish(std::path::Path::new(name)).is_none().then_some(preset)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_preset_is_a_config_without_a_fault() {
        for (name, text) in PRESETS {
            let preset = preset(name).unwrap_or_else(|| panic!("{name}"));
            assert_eq!(preset.rows.len(), text.matches("[[row]]").count(), "{name}");
            assert_eq!(preset.traffic.is_some(), text.contains("[traffic]"), "{name}");
        }
        assert_eq!(preset("other"), None);
    }
}
