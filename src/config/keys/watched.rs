//! The keys of what is watched, and of cutover itself: service, sides, probes, metrics, gateway, plan, console.

use crate::settings::KeyDefault::{From, Is, Nothing, Required};
use crate::settings::{Section, key};

pub(in crate::config) const SERVICE: Section = Section::new("[service]", &[
    key("name", "name", Required, "The service, on the screen and in every prompt: letters, digits, - _ and ."),
    key("environment", "name", Is("\"\""), "The environment, on the banner and in every prompt; prod, staging, ..."),
]);

pub(in crate::config) const SIDE: Section = Section::new("[blue], [green]", &[
    key("urls", "list of URLs", Required, "The replicas: absolute http or https URLs, in a file with a [gateway] http alone; each reaches this side whatever the split."),
    key("version", "text or table", Nothing, "What the side serves: a fixed name, or where every replica is asked for it. Unknown without it."),
]);

pub(in crate::config) const VERSION: Section = Section::new("version = { .. }", &[
    key("path", "path", Required, "Asked with GET on every replica."),
    key("pointer", "JSON pointer", Nothing, "Where the answer's JSON holds the version; this or header."),
    key("header", "header name", Nothing, "The response header that holds the version; this or pointer."),
]);

pub(in crate::config) const PROBE: Section = Section::new("[probe]", &[
    key("interval", "duration", Is("\"1s\""), "Time between two probes of a replica."),
    key("timeout", "duration", Is("\"800ms\""), "A probe is given up after this long; at most ten intervals."),
    key("path", "path", Is("\"/v2/health/ready\""), "Asked with GET on every replica; 2xx is ready. The gateway asks it too."),
    key("stale_after", "duration", From("5s, or three intervals and a timeout where that is longer"), "Data older than this is stale: forward commands are locked."),
    key("openai", "table", Nothing, "An OpenAI-compatible endpoint to ask for a few streamed tokens, as a [probe.openai]: off unless written, because each request costs tokens."),
]);

pub(in crate::config) const PROBE_OPENAI: Section = Section::new("[probe.openai]", &[
    key("model", "text", Required, "The model asked for, by the name the server knows it by."),
    key("path", "path", Is("\"/v1/chat/completions\""), "Asked with POST and stream = true on every replica; one that does not end in /chat/completions gets a prompt instead of messages."),
    key("prompt", "text", Is("\"Count from one to twenty.\""), "What it is asked: something that is answered with more tokens than max_tokens."),
    key("max_tokens", "number", Is("16"), "Tokens asked for, 2 to 256; a stream that gives far more is cut and told."),
    key("interval", "duration", Is("\"1m\""), "Time between two requests to a replica; never two at once. Each console, and each command that looks at the replicas, asks for itself."),
    key("timeout", "duration", Is("\"20s\""), "A stream is given up after this long."),
    key("api_key", "table", Nothing, "Sent as Authorization: Bearer, from { env = \"NAME\" } or { file = \"PATH\" }."),
]);

pub(in crate::config) const METRICS: Section = Section::new("[metrics]", &[
    key("preset", "triton | mlserver | vllm | tgi | kserve | knative | knative-otel | process", Nothing, "Rows for what this server exports of itself; what it does not export is told."),
    key("interval", "duration", Is("\"1s\""), "Time between two readings of a replica."),
    key("timeout", "duration", Is("\"2s\""), "A reading is given up after this long."),
    key("path", "path", Is("\"/metrics\""), "Asked with GET on every replica; Prometheus text format."),
    key("port", "number", From("the preset's: triton 8002, mlserver 8082, knative and knative-otel 9091; else that of the replica's URL"), "The port of each replica's host that exports."),
    key("blue", "list of URLs", From("blue's replicas, at port"), "Base URLs that export blue's metrics."),
    key("green", "list of URLs", From("green's replicas, at port"), "Base URLs that export green's metrics."),
    key("prometheus", "URL", Nothing, "A Prometheus server for rows with a query: the base of its API, without /api/v1."),
    key("row", "list of tables", Nothing, "Rows of your own, each as a [[metrics.row]]; one named as one of the preset's takes its place."),
    key("traffic", "table", From("the preset's"), "Series that count requests, as a [metrics.traffic]: they stand for what the router does not count."),
]);

pub(in crate::config) const METRICS_ROW: Section = Section::new("[[metrics.row]]", &[
    key("name", "name", Required, "What the row is called: at most 12 letters."),
    key("metric", "name or list of names", Nothing, "The series; of several names the first that is there. Of a histogram without _bucket. This or query."),
    key("labels", "table", Nothing, "Labels the series must have: { model = \"spam\" }. A value like \"5xx\" stands for every status of its class too."),
    key("kind", "gauge | counter | histogram", Nothing, "How it is read: as it is, as a rate by the second, or as a quantile within the bounds of its buckets. With metric it must be written."),
    key("per", "name", Nothing, "A second counter: the row is what the first rose by for each of this one."),
    key("merge", "sum | mean | max", Is("\"sum\""), "What several gauges of a side become."),
    key("quantile", "share", Is("0.99"), "Which quantile of a histogram."),
    key("unit", "count | per_second | ms | bytes | share", From("per_second for a counter, else count"), "What the value is; a share is shown in percent."),
    key("scale", "number", Is("1"), "What values are multiplied by to be in the unit: 1000 from seconds to milliseconds."),
    key("query", "PromQL", Nothing, "Asked of the Prometheus server: one value. {{side}} and {{service}} stand within quotes."),
]);

pub(in crate::config) const METRICS_TRAFFIC: Section = Section::new("[metrics.traffic]", &[
    key("requests", "name or list of names", Required, "Counters of requests."),
    key("labels", "table", Nothing, "Labels that requests and latency must have."),
    key("failures", "name or list of names", Nothing, "Counters of failed requests; without them nothing is known of errors."),
    key("failure_labels", "table", Nothing, "Labels that failures must have: { code = \"5xx\" }."),
    key("failures_within", "true | false", Is("true"), "Whether requests count the failed ones too."),
    key("latency", "name or list of names", Nothing, "A histogram of latencies, without _bucket. What lies above its highest bound is told as that bound."),
    key("latency_unit", "seconds | ms | us", Is("\"seconds\""), "The unit of the histogram."),
]);

pub(in crate::config) const GATEWAY: Section = Section::new("[gateway]", &[
    key("listen", "address", Required, "Where the gateway takes traffic: IP address and port."),
    key("admin", "path or address", From("gateway.sock in [state] dir"), "The admin interface: a socket path (created 0600) or a loopback address with a token."),
    key("admin_token", "table", Nothing, "The token of an admin address: { env = \"NAME\" } or { file = \"PATH\" }."),
    key("state", "path", From("gateway.json in [state] dir"), "The file that keeps the split over a restart."),
    key("sample", "true | false", Is("false"), "Whether the latest requests that were answered with 2xx are kept in its memory (at most 100 and 2 MiB, without headers that may hold secrets) and given out on the admin interface, for smoke gates with sample = \"live\"."),
]);

pub(in crate::config) const STATE: Section = Section::new("[state]", &[
    key("dir", "path", From("cutover/<service>-<environment> in the XDG state directory"), "Where journal, lease and gate logs lie."),
]);

pub(in crate::config) const PLAN: Section = Section::new("[plan]", &[
    key("steps", "list of percents", Is("[10, 50, 100]"), "The candidate's share after each step: rising, ending in 100."),
    key("bake", "duration", Is("\"5m\""), "How long each step is watched before the next."),
    key("rollback_window", "duration", Is("\"24h\""), "How long the old side is kept as the way back after 100 %."),
    key("on_disconnect", "hold | rollback", Is("\"hold\""), "What happens to traffic when the driving console loses its operator."),
    key("on_failure", "pause | abort | rollback", Is("\"abort\""), "What happens to traffic when a plan that is walked unattended fails: a required gate, the candidate's version or its readiness. A guard does what it says itself."),
    key("auto", "true | false", Is("false"), "Whether the next step is taken without a person once gates pass and the bake is over."),
]);

pub(in crate::config) const PROMPTS: Section = Section::new("[prompts]", &[
    key("promote", "y | type", Is("\"y\""), "What confirms a promote: y, or the candidate's version typed."),
    key("switch", "type", Is("\"type\""), "What confirms a switch: the candidate's version typed. It cannot be less."),
]);

pub(in crate::config) const UI: Section = Section::new("[ui]", &[
    key("theme", "name or file", Is("\"dark\""), "The theme: one that comes with cutover, one of yours, or a file; --theme and CUTOVER_THEME go before it."),
    key("color", "auto | always | never", Is("\"auto\""), "Whether the console has colour; --color goes before it, NO_COLOR after it."),
    key("depth", "truecolor | 256 | 16 | none", From("what COLORTERM and TERM say"), "How many colours the terminal has; SSH forwards TERM but seldom COLORTERM."),
    key("ascii", "true | false", From("true where the locale is not UTF-8, and on the Linux console"), "Whether the console draws with ASCII characters alone; --ascii and CUTOVER_ASCII go before it."),
]);
