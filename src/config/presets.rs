//! What real model servers export: presets of `[metrics]`, each a file in the words of the config. A row of a preset can
//! be copied into a config and changed there. Each file says where its names come from.

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
