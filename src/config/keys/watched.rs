//! The keys of service, sides, probes, metrics, gateway, plan and console.

use crate::settings::KeyDefault::{From, Is, Nothing, Required};
use crate::settings::{Section, key};

pub(in crate::config) const SERVICE: Section = Section::new("[service]", &[
    key("name", "name", Required, "Name of the service on the screen and in every prompt: letters, digits, - _ and ."),
    key("environment", "name", Is("\"\""), "Name of the environment on the banner and in every prompt: prod, staging, ..."),
]);

pub(in crate::config) const SIDE: Section = Section::new("[blue], [green]", &[
    key("urls", "list of URLs", Required, "The replicas as absolute http or https URLs (only http when the file has a [gateway]). Each must reach this side whatever the split is."),
    key("version", "text or table", Nothing, "The version that the side serves: a fixed name, or the place where every replica is asked for it. Without it the version is unknown."),
]);

pub(in crate::config) const VERSION: Section = Section::new("version = { .. }", &[
    key("path", "path", Required, "Asked with GET on every replica."),
    key("pointer", "JSON pointer", Nothing, "Place of the version in the JSON response. Write this or header."),
    key("header", "header name", Nothing, "Response header that holds the version. Write this or pointer."),
]);

pub(in crate::config) const PROBE: Section = Section::new("[probe]", &[
    key("interval", "duration", Is("\"1s\""), "Time between two probes of a replica."),
    key("timeout", "duration", Is("\"800ms\""), "Longest time for one probe; at most ten intervals."),
    key("path", "path", Is("\"/v2/health/ready\""), "Asked with GET on every replica; 2xx is ready. The gateway asks it too."),
    key("stale_after", "duration", From("5s, or three intervals and a timeout where that is longer"), "Data older than this is stale: forward commands are locked."),
    key("openai", "table", Nothing, "An OpenAI-compatible endpoint that is asked for a few streamed tokens, as a [probe.openai]. Off by default, because each request costs tokens."),
]);

pub(in crate::config) const PROBE_OPENAI: Section = Section::new("[probe.openai]", &[
    key("model", "text", Required, "Name of the model, as the server knows it."),
    key("path", "path", Is("\"/v1/chat/completions\""), "Asked with POST and stream = true on every replica. A path that does not end in /chat/completions gets a prompt instead of messages."),
    key("prompt", "text", Is("\"Count from one to twenty.\""), "The prompt. Choose one whose answer is longer than max_tokens."),
    key("max_tokens", "number", Is("16"), "Number of tokens to ask for, 2 to 256. A stream with far more is cut and reported."),
    key("interval", "duration", Is("\"1m\""), "Time between two requests to a replica; never two at once. Each console and each command that looks at the replicas sends its own requests."),
    key("timeout", "duration", Is("\"20s\""), "Longest time for one stream."),
    key("api_key", "table", Nothing, "Sent as Authorization: Bearer, from { env = \"NAME\" } or { file = \"PATH\" }."),
]);

pub(in crate::config) const METRICS: Section = Section::new("[metrics]", &[
    key("preset", "triton | mlserver | vllm | tgi | kserve | knative | knative-otel | process", Nothing, "Rows for the metrics that this kind of server exports. A metric that is missing is reported."),
    key("interval", "duration", Is("\"1s\""), "Time between two readings of a replica."),
    key("timeout", "duration", Is("\"2s\""), "Longest time for one reading."),
    key("path", "path", Is("\"/metrics\""), "Asked with GET on every replica; Prometheus text format."),
    key("port", "number", From("the preset's (triton 8002, mlserver 8082, knative and knative-otel 9091), else the port of the replica's URL"), "Port of the metrics on the host of each replica."),
    key("blue", "list of URLs", From("blue's replicas, at port"), "Base URLs that export blue's metrics."),
    key("green", "list of URLs", From("green's replicas, at port"), "Base URLs that export green's metrics."),
    key("prometheus", "URL", Nothing, "A Prometheus server for rows with a query: the base of its API, without /api/v1."),
    key("row", "list of tables", Nothing, "Rows of your own, each as a [[metrics.row]]. A row with the name of a preset's row replaces it."),
    key("traffic", "table", From("the preset's"), "Series that count requests, as a [metrics.traffic]. They are used for what the router does not count."),
]);

pub(in crate::config) const METRICS_ROW: Section = Section::new("[[metrics.row]]", &[
    key("name", "name", Required, "Name of the row, at most 12 letters."),
    key("metric", "name or list of names", Nothing, "Name of the series; of several names the first that exists. For a histogram without _bucket. Write this or query."),
    key("labels", "table", Nothing, "Labels that the series must have: { model = \"spam\" }. A value like \"5xx\" also matches every status of its class."),
    key("kind", "gauge | counter | histogram", Nothing, "How it is read: as it is, as a rate per second, or as a quantile of its buckets. Required with metric."),
    key("per", "name", Nothing, "A second counter. The row is the increase of the first counter divided by the increase of this one."),
    key("merge", "sum | mean | max", Is("\"sum\""), "How several gauges of a side are combined."),
    key("quantile", "share", Is("0.99"), "Which quantile of a histogram."),
    key("unit", "count | per_second | ms | bytes | share", From("per_second for a counter, else count"), "Unit of the value; a share is shown in percent."),
    key("scale", "number", Is("1"), "Factor from the exported value to the unit: 1000 from seconds to milliseconds."),
    key("query", "PromQL", Nothing, "Query for the Prometheus server; it must give one value. Write {{side}} and {{service}} inside quotes."),
]);

pub(in crate::config) const METRICS_TRAFFIC: Section = Section::new("[metrics.traffic]", &[
    key("requests", "name or list of names", Required, "Counters of requests."),
    key("labels", "table", Nothing, "Labels that requests and latency must have."),
    key("failures", "name or list of names", Nothing, "Counters of failed requests. Without them errors are unknown."),
    key("failure_labels", "table", Nothing, "Labels that failures must have: { code = \"5xx\" }."),
    key("failures_within", "true | false", Is("true"), "Whether requests also counts the failed ones."),
    key("latency", "name or list of names", Nothing, "Histogram of latencies, without _bucket. A latency above its highest bound is shown as that bound."),
    key("latency_labels", "table", From("labels"), "Labels that latency must have: { path = \"/predict\" }."),
    key("latency_unit", "seconds | ms | us", Is("\"seconds\""), "The unit of the histogram."),
]);

pub(in crate::config) const GATEWAY: Section = Section::new("[gateway]", &[
    key("listen", "address", Required, "IP address and port where the gateway accepts traffic."),
    key("admin", "path or address", From("gateway.sock in [state] dir"), "The admin interface: a socket path (created 0600) or a loopback address with a token."),
    key("admin_token", "table", Nothing, "The token of an admin address: { env = \"NAME\" } or { file = \"PATH\" }."),
    key("state", "path", From("gateway.json in [state] dir"), "File that keeps the split across a restart."),
    key("sample", "true | false", Is("false"), "Whether the gateway keeps the latest requests that were answered with 2xx in memory (at most 100 and 2 MiB, without headers that may hold secrets) and gives them out on the admin interface, for smoke gates with sample = \"live\"."),
]);

pub(in crate::config) const STATE: Section = Section::new("[state]", &[
    key("dir", "path", From("cutover/<service>-<environment> in the XDG state directory"), "Directory of the journal, the lease and the gate logs."),
]);

pub(in crate::config) const PLAN: Section = Section::new("[plan]", &[
    key("steps", "list of percents", Is("[10, 50, 100]"), "Share of the candidate after each step: increasing, ending with 100."),
    key("bake", "duration", Is("\"5m\""), "How long each step is watched before the next."),
    key("rollback_window", "duration", Is("\"24h\""), "How long the old side is kept as the way back after 100 %."),
    key("on_disconnect", "hold | rollback", Is("\"hold\""), "What happens to traffic when the console that drives loses its operator."),
    key("on_failure", "pause | abort | rollback", Is("\"abort\""), "What happens to traffic when an unattended plan fails: a required gate fails, or the candidate changes its version or stops answering. A guard does what its then says."),
    key("auto", "true | false", Is("false"), "Whether the next step follows without a person, once the gates pass and the bake is over."),
]);

pub(in crate::config) const PROMPTS: Section = Section::new("[prompts]", &[
    key("promote", "y | type", Is("\"y\""), "What confirms a promote: y, or the candidate's version typed."),
    key("switch", "type", Is("\"type\""), "What confirms a switch: the candidate's version typed. It cannot be weaker."),
]);

pub(in crate::config) const UI: Section = Section::new("[ui]", &[
    key("theme", "name or file", Is("\"dark\""), "The theme: one that comes with cutover, one of yours, or a file. --theme and CUTOVER_THEME override it."),
    key("color", "auto | always | never", Is("\"auto\""), "Whether the console uses colour. --color overrides it; it overrides NO_COLOR."),
    key("depth", "truecolor | 256 | 16 | none", From("what COLORTERM and TERM say"), "How many colours the terminal has; SSH forwards TERM but seldom COLORTERM."),
    key("ascii", "true | false", From("true where the locale is not UTF-8, and on the Linux console"), "Whether the console draws with ASCII characters only. --ascii and CUTOVER_ASCII override it."),
]);
