//! What real model servers export, as rows.
//!
//! Names are those of the servers' own documentation: Triton's `user_guide/metrics`, vLLM's `usage/metrics` (and the
//! names of its releases before, where they changed), TGI's `reference/metrics`, the metrics of KServe's Python servers,
//! Knative's `service-metrics` (and those of the releases since it moved to OpenTelemetry, which changed units and
//! labels too, so that they are a preset of their own); of mlserver and Triton those that a running 1.7 and 2.51 give. `process_*` are what every Prometheus client library exports.

use super::{Merge, MetricRow, Series, Take, TrafficSeries, Unit};

/// The contents of a preset.
#[derive(Debug, Clone, PartialEq)]
pub struct Preset {
    /// Its rows, the most telling first.
    pub rows: Vec<MetricRow>,
    /// Which series count requests.
    pub traffic: Option<TrafficSeries>,
    /// The port the server exports at, where that is not the one it serves at.
    pub port: Option<u16>,
}

/// The names of all presets.
pub const PRESETS: [&str; 8] = ["triton", "mlserver", "vllm", "tgi", "kserve", "knative", "knative-otel", "process"];

/// The preset of this name.
pub fn preset(name: &str) -> Option<Preset> {
    Some(match name {
        "triton" => triton(),
        "mlserver" => mlserver(),
        "vllm" => vllm(),
        "tgi" => tgi(),
        "kserve" => kserve(),
        "knative" => knative(),
        "knative-otel" => knative_otel(),
        "process" => Preset { rows: process(), traffic: None, port: None },
        _ => return None,
    })
}

fn of(names: &[&str]) -> Series {
    Series { names: names.iter().map(|&name| name.to_owned()).collect(), labels: Vec::new() }
}

fn with(name: &str, label: &str, value: &str) -> Series {
    Series { labels: vec![(label.to_owned(), value.to_owned())], ..of(&[name]) }
}

fn row(name: &str, take: Take, unit: Unit, scale: f64) -> MetricRow {
    MetricRow { name: name.to_owned(), take, unit, scale }
}

fn gauge(name: &str, names: &[&str], merge: Merge, unit: Unit) -> MetricRow {
    row(name, Take::Gauge { of: of(names), merge }, unit, 1.0)
}

fn rate(name: &str, names: &[&str]) -> MetricRow {
    row(name, Take::Rate { of: of(names) }, Unit::PerSecond, 1.0)
}

fn ratio(name: &str, what: &str, per: &[&str], unit: Unit, scale: f64) -> MetricRow {
    row(name, Take::Ratio { of: of(&[what]), per: of(per) }, unit, scale)
}

/// A quantile of seconds, in milliseconds.
fn quantile(name: &str, names: &[&str], q: f64) -> MetricRow {
    row(name, Take::Quantile { of: of(names), q }, Unit::Ms, 1000.0)
}

/// The CPU and memory of the process itself.
fn process() -> Vec<MetricRow> {
    vec![
        row("cpu", Take::Rate { of: of(&["process_cpu_seconds_total"]) }, Unit::Share, 1.0),
        gauge("mem", &["process_resident_memory_bytes"], Merge::Sum, Unit::Bytes),
    ]
}

fn triton() -> Preset {
    let requests = ["nv_inference_request_success"];
    Preset {
        rows: vec![
            gauge("queue", &["nv_inference_pending_request_count"], Merge::Sum, Unit::Count),
            gauge("gpu", &["nv_gpu_utilization"], Merge::Mean, Unit::Share),
            gauge("vram", &["nv_gpu_memory_used_bytes"], Merge::Sum, Unit::Bytes),
            ratio("batch", "nv_inference_count", &["nv_inference_exec_count"], Unit::Count, 1.0),
            ratio("queued", "nv_inference_queue_duration_us", &requests, Unit::Ms, 0.001),
            ratio("comp", "nv_inference_compute_infer_duration_us", &requests, Unit::Ms, 0.001),
            ratio("mean", "nv_inference_request_duration_us", &requests, Unit::Ms, 0.001),
        ],
        // Triton's latencies are sums: a mean can be had, a quantile cannot.
        traffic: Some(TrafficSeries {
            requests: of(&requests),
            failures: Some(of(&["nv_inference_request_failure"])),
            failures_within: false,
            latency: None,
            latency_us: 1,
        }),
        port: Some(8002),
    }
}

fn mlserver() -> Preset {
    let queued = |name, base: &str| {
        let (sum, count) = (format!("{base}_sum"), format!("{base}_count"));
        row(name, Take::Ratio { of: of(&[&sum]), per: of(&[&count]) }, Unit::Count, 1.0)
    };
    let mut rows = vec![
        gauge("active", &["rest_server_requests_in_progress"], Merge::Sum, Unit::Count),
        queued("queue", "parallel_request_queue"),
        queued("batchq", "batch_request_queue"),
        ratio("infer", "model_infer_request_duration_sum", &["model_infer_request_duration_count"], Unit::Ms, 1000.0),
        rate("rate", &["model_infer_request_success_total", "model_infer_request_success"]),
    ];
    rows.extend(process());
    Preset {
        rows,
        traffic: Some(TrafficSeries {
            requests: of(&["model_infer_request_success_total", "model_infer_request_success"]),
            failures: Some(of(&["model_infer_request_failure_total", "model_infer_request_failure"])),
            failures_within: false,
            // Of the server's paths only the one for inference: health checks would make latencies look better.
            latency: Some(with("rest_server_request_duration_seconds", "path", "/v2/models/{model_name}/infer")),
            latency_us: 1_000_000,
        }),
        port: Some(8082),
    }
}

fn vllm() -> Preset {
    let between = ["vllm:inter_token_latency_seconds", "vllm:time_per_output_token_seconds"];
    Preset {
        rows: vec![
            gauge("queue", &["vllm:num_requests_waiting"], Merge::Sum, Unit::Count),
            gauge("batch", &["vllm:num_requests_running"], Merge::Sum, Unit::Count),
            rate("tokens", &["vllm:generation_tokens_total", "vllm:generation_tokens"]),
            quantile("ttft", &["vllm:time_to_first_token_seconds"], 0.99),
            quantile("itl", &between, 0.99),
            gauge("kv", &["vllm:kv_cache_usage_perc", "vllm:gpu_cache_usage_perc"], Merge::Max, Unit::Share),
        ],
        traffic: Some(TrafficSeries {
            requests: of(&["vllm:e2e_request_latency_seconds_count"]),
            failures: None,
            failures_within: false,
            latency: Some(of(&["vllm:e2e_request_latency_seconds"])),
            latency_us: 1_000_000,
        }),
        port: None,
    }
}

fn tgi() -> Preset {
    Preset {
        rows: vec![
            gauge("queue", &["tgi_queue_size"], Merge::Sum, Unit::Count),
            gauge("batch", &["tgi_batch_current_size"], Merge::Sum, Unit::Count),
            rate("tokens", &["tgi_request_generated_tokens_sum"]),
            quantile("itl", &["tgi_request_mean_time_per_token_duration"], 0.99),
            quantile("queued", &["tgi_request_queue_duration"], 0.99),
        ],
        // Its count of failures holds requests that were refused as malformed: no error of the server's.
        traffic: Some(TrafficSeries {
            requests: of(&["tgi_request_success", "tgi_request_success_total"]),
            failures: None,
            failures_within: false,
            latency: Some(of(&["tgi_request_duration"])),
            latency_us: 1_000_000,
        }),
        port: None,
    }
}

/// The servers written with KServe's Python library; those that serve the Open Inference protocol by another export
/// what that one does.
fn kserve() -> Preset {
    let mean = |name, what: &str| {
        let (sum, count) = (format!("{what}_sum"), format!("{what}_count"));
        ratio(name, &sum, &[&count], Unit::Ms, 1000.0)
    };
    let mut rows = vec![
        quantile("predict", &["request_predict_seconds"], 0.99),
        mean("pre", "request_preprocess_seconds"),
        mean("post", "request_postprocess_seconds"),
        rate("rate", &["request_predict_seconds_count"]),
    ];
    rows.extend(process());
    Preset {
        rows,
        // Of requests that fail it counts those that got as far as the model, and not that they failed.
        traffic: Some(TrafficSeries {
            requests: of(&["request_predict_seconds_count"]),
            failures: None,
            failures_within: false,
            latency: Some(of(&["request_predict_seconds"])),
            latency_us: 1_000_000,
        }),
        port: None,
    }
}

/// The queue proxy since it exports by OpenTelemetry: seconds, and the status itself.
fn knative_otel() -> Preset {
    let all = "http_server_request_duration_seconds";
    let app = "kn_serving_invocation_duration_seconds";
    Preset {
        rows: vec![
            gauge("queue", &["kn_serving_queue_depth"], Merge::Sum, Unit::Count),
            quantile("app", &[app], 0.99),
            rate("apprps", &[&format!("{app}_count")]),
        ],
        traffic: Some(TrafficSeries {
            requests: of(&[&format!("{all}_count")]),
            failures: Some(with(&format!("{all}_count"), "http_response_status_code", "5xx")),
            failures_within: true,
            latency: Some(of(&[all])),
            latency_us: 1_000_000,
        }),
        port: Some(9091),
    }
}

/// The queue proxy of Knative before it moved to OpenTelemetry: milliseconds, and the status by its class.
fn knative() -> Preset {
    Preset {
        rows: vec![
            gauge("queue", &["revision_queue_depth"], Merge::Sum, Unit::Count),
            row("app", Take::Quantile { of: of(&["revision_app_request_latencies"]), q: 0.99 }, Unit::Ms, 1.0),
            rate("apprps", &["revision_app_request_count"]),
        ],
        traffic: Some(TrafficSeries {
            requests: of(&["revision_request_count"]),
            failures: Some(with("revision_request_count", "response_code_class", "5xx")),
            failures_within: true,
            latency: Some(of(&["revision_request_latencies"])),
            latency_us: 1000,
        }),
        port: Some(9091),
    }
}
