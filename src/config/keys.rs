//! Every key a config may hold: the one table behind the check for unknown keys, the template and
//! the README's reference.

mod deciding;
mod routers;

use std::borrow::Cow;
use std::fmt::Write as _;

/// What holds when a key is not written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyDefault {
    /// The section is at fault without it.
    Required,
    /// Nothing: the feature is off, or another key decides.
    Nothing,
    /// This value, as TOML writes it.
    Is(&'static str),
    /// A value that depends on others, in words.
    From(&'static str),
}

/// One key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyDoc {
    /// Where it stands, as written in the file: `[probe]`, or the inline table it belongs to.
    pub section: &'static str,
    /// Its name.
    pub key: &'static str,
    /// The type of its value, in words.
    pub kind: &'static str,
    /// What holds without it.
    pub default: KeyDefault,
    /// What it does: one sentence.
    pub doc: &'static str,
}

pub(super) const SERVICE: &str = "[service]";
pub(super) const SIDE: &str = "[blue], [green]";
pub(super) const VERSION: &str = "version = { .. }";
pub(super) const PROBE: &str = "[probe]";
pub(super) const PROBE_OPENAI: &str = "[probe.openai]";
pub(super) const BACKEND: &str = "[backend]";
pub(super) const EMBEDDED: &str = "[backend] kind = \"embedded\"";
pub(super) const HAPROXY: &str = "[backend] kind = \"haproxy\"";
pub(super) const VALUES: &str = "values = { .. }";
pub(super) const BACKENDS: &str = "backends = { .. }";
pub(super) const SERVERS: &str = "servers = { .. }";
pub(super) const ENVOY: &str = "[backend] kind = \"envoy\"";
pub(super) const CADDY: &str = "[backend] kind = \"caddy\"";
pub(super) const UPSTREAMS: &str = "upstreams = { .. }";
pub(super) const TRAEFIK: &str = "[backend] kind = \"traefik\"";
pub(super) const NGINX: &str = "[backend] kind = \"nginx\"";
pub(super) const DNS: &str = "[backend] kind = \"dns\"";
pub(super) const HOOK_EXEC: &str = "[backend] kind = \"exec\"";
pub(super) const HOOK_HTTP: &str = "[backend] kind = \"http\"";
pub(super) const HOOK: &str = "[backend] kind = \"exec\" or \"http\"";
pub(super) const HOOK_CALL: &str = "[backend.read], [backend.set], ...";
pub(super) const GATEWAY: &str = "[gateway]";
pub(super) const TOKEN: &str = "admin_token = { .. }";
pub(super) const STATE: &str = "[state]";
pub(super) const UI: &str = "[ui]";
pub(super) const PLAN: &str = "[plan]";
pub(super) const PROMPTS: &str = "[prompts]";
pub(super) const GATE: &str = "[[gate]]";
pub(super) const HEALTH: &str = "[[gate]] kind = \"health\"";
pub(super) const GOLDEN: &str = "[[gate]] kind = \"golden\"";
pub(super) const SMOKE: &str = "[[gate]] kind = \"smoke\"";
pub(super) const LOAD: &str = "[[gate]] kind = \"load\"";
pub(super) const STAGE: &str = "[[gate.stages]]";
pub(super) const SATURATION: &str = "saturation = { .. }";
pub(super) const INTEGRATION: &str = "[[gate]] kind = \"integration\"";
pub(super) const STEP: &str = "[[gate.steps]]";
pub(super) const HTTP: &str = "[[gate]] kind = \"http\"";
pub(super) const PROMETHEUS: &str = "[[gate]] kind = \"prometheus\"";
pub(super) const MANUAL: &str = "[[gate]] kind = \"manual\"";
pub(super) const EXEC: &str = "[[gate]] kind = \"exec\"";
pub(super) const GUARD: &str = "[[guard]]";
pub(super) const VERSUS: &str = "versus = { .. }";
pub(super) const ALERT: &str = "[[alert]]";
pub(super) const ALERT_WEBHOOK: &str = "[[alert]] kind = \"webhook\"";
pub(super) const ALERT_COMMAND: &str = "[[alert]] kind = \"command\"";
pub(super) const LOG: &str = "[[log]]";
pub(super) const METRICS: &str = "[metrics]";
pub(super) const METRICS_ROW: &str = "[[metrics.row]]";
pub(super) const METRICS_TRAFFIC: &str = "[metrics.traffic]";

/// The sections of a file, in the order in which the template writes them.
pub(super) const TOP: [&str; 15] = [
    "service", "blue", "green", "probe", "metrics", "backend", "gateway", "state", "ui", "plan", "prompts", "gate",
    "guard", "alert", "log",
];

use KeyDefault::{From, Is, Nothing, Required};

const fn key(
    section: &'static str,
    key: &'static str,
    kind: &'static str,
    default: KeyDefault,
    doc: &'static str,
) -> KeyDoc {
    KeyDoc { section, key, kind, default, doc }
}

#[rustfmt::skip]
const WATCHED: &[KeyDoc] = &[
    key(SERVICE, "name", "name", Required, "The service, on the screen and in every prompt: letters, digits, - _ and ."),
    key(SERVICE, "environment", "name", Is("\"\""), "The environment, on the banner and in every prompt; prod, staging, ..."),

    key(SIDE, "urls", "list of URLs", Required, "The replicas: absolute http or https URLs, in a file with a [gateway] http alone; each reaches this side whatever the split."),
    key(SIDE, "version", "text or table", Nothing, "What the side serves: a fixed name, or where every replica is asked for it. Unknown without it."),

    key(VERSION, "path", "path", Required, "Asked with GET on every replica."),
    key(VERSION, "pointer", "JSON pointer", Nothing, "Where the answer's JSON holds the version; this or header."),
    key(VERSION, "header", "header name", Nothing, "The response header that holds the version; this or pointer."),

    key(PROBE, "interval", "duration", Is("\"1s\""), "Time between two probes of a replica."),
    key(PROBE, "timeout", "duration", Is("\"800ms\""), "A probe is given up after this long; at most ten intervals."),
    key(PROBE, "path", "path", Is("\"/v2/health/ready\""), "Asked with GET on every replica; 2xx is ready. The gateway asks it too."),
    key(PROBE, "stale_after", "duration", From("5s, or three intervals and a timeout where that is longer"), "Data older than this is stale: forward commands are locked."),
    key(PROBE, "openai", "table", Nothing, "An OpenAI-compatible endpoint to ask for a few streamed tokens, as a [probe.openai]: off unless written, because each request costs tokens."),

    key(PROBE_OPENAI, "model", "text", Required, "The model asked for, by the name the server knows it by."),
    key(PROBE_OPENAI, "path", "path", Is("\"/v1/chat/completions\""), "Asked with POST and stream = true on every replica; one that does not end in /chat/completions gets a prompt instead of messages."),
    key(PROBE_OPENAI, "prompt", "text", Is("\"Count from one to twenty.\""), "What it is asked: something that is answered with more tokens than max_tokens."),
    key(PROBE_OPENAI, "max_tokens", "number", Is("16"), "Tokens asked for, 2 to 256; a stream that gives far more is cut and told."),
    key(PROBE_OPENAI, "interval", "duration", Is("\"1m\""), "Time between two requests to a replica; never two at once. Each console, and each command that looks at the replicas, asks for itself."),
    key(PROBE_OPENAI, "timeout", "duration", Is("\"20s\""), "A stream is given up after this long."),
    key(PROBE_OPENAI, "api_key", "table", Nothing, "Sent as Authorization: Bearer, from { env = \"NAME\" } or { file = \"PATH\" }."),

    key(METRICS, "preset", "triton | mlserver | vllm | tgi | kserve | knative | knative-otel | process", Nothing, "Rows for what this server exports of itself; what it does not export is told."),
    key(METRICS, "interval", "duration", Is("\"1s\""), "Time between two readings of a replica."),
    key(METRICS, "timeout", "duration", Is("\"2s\""), "A reading is given up after this long."),
    key(METRICS, "path", "path", Is("\"/metrics\""), "Asked with GET on every replica; Prometheus text format."),
    key(METRICS, "port", "number", From("the preset's: triton 8002, mlserver 8082, knative and knative-otel 9091; else that of the replica's URL"), "The port of each replica's host that exports."),
    key(METRICS, "blue", "list of URLs", From("blue's replicas, at port"), "Base URLs that export blue's metrics."),
    key(METRICS, "green", "list of URLs", From("green's replicas, at port"), "Base URLs that export green's metrics."),
    key(METRICS, "prometheus", "URL", Nothing, "A Prometheus server for rows with a query: the base of its API, without /api/v1."),
    key(METRICS, "row", "list of tables", Nothing, "Rows of your own, each as a [[metrics.row]]; one named as one of the preset's takes its place."),
    key(METRICS, "traffic", "table", From("the preset's"), "Series that count requests, as a [metrics.traffic]: they stand for what the router does not count."),

    key(METRICS_ROW, "name", "name", Required, "What the row is called: at most 12 letters."),
    key(METRICS_ROW, "metric", "name or list of names", Nothing, "The series; of several names the first that is there. Of a histogram without _bucket. This or query."),
    key(METRICS_ROW, "labels", "table", Nothing, "Labels the series must have: { model = \"spam\" }. A value like \"5xx\" stands for every status of its class too."),
    key(METRICS_ROW, "kind", "gauge | counter | histogram", Nothing, "How it is read: as it is, as a rate by the second, or as a quantile within the bounds of its buckets. With metric it must be written."),
    key(METRICS_ROW, "per", "name", Nothing, "A second counter: the row is what the first rose by for each of this one."),
    key(METRICS_ROW, "merge", "sum | mean | max", Is("\"sum\""), "What several gauges of a side become."),
    key(METRICS_ROW, "quantile", "share", Is("0.99"), "Which quantile of a histogram."),
    key(METRICS_ROW, "unit", "count | per_second | ms | bytes | share", From("per_second for a counter, else count"), "What the value is; a share is shown in percent."),
    key(METRICS_ROW, "scale", "number", Is("1"), "What values are multiplied by to be in the unit: 1000 from seconds to milliseconds."),
    key(METRICS_ROW, "query", "PromQL", Nothing, "Asked of the Prometheus server: one value. {{side}} and {{service}} stand within quotes."),

    key(METRICS_TRAFFIC, "requests", "name or list of names", Required, "Counters of requests."),
    key(METRICS_TRAFFIC, "labels", "table", Nothing, "Labels that requests and latency must have."),
    key(METRICS_TRAFFIC, "failures", "name or list of names", Nothing, "Counters of failed requests; without them nothing is known of errors."),
    key(METRICS_TRAFFIC, "failure_labels", "table", Nothing, "Labels that failures must have: { code = \"5xx\" }."),
    key(METRICS_TRAFFIC, "failures_within", "true | false", Is("true"), "Whether requests count the failed ones too."),
    key(METRICS_TRAFFIC, "latency", "name or list of names", Nothing, "A histogram of latencies, without _bucket. What lies above its highest bound is told as that bound."),
    key(METRICS_TRAFFIC, "latency_unit", "seconds | ms | us", Is("\"seconds\""), "The unit of the histogram."),
];

#[rustfmt::skip]
const OWN: &[KeyDoc] = &[
    key(GATEWAY, "listen", "address", Required, "Where the gateway takes traffic: IP address and port."),
    key(GATEWAY, "admin", "path or address", From("gateway.sock in [state] dir"), "The admin interface: a socket path (created 0600) or a loopback address with a token."),
    key(GATEWAY, "admin_token", "table", Nothing, "The token of an admin address: { env = \"NAME\" } or { file = \"PATH\" }."),
    key(GATEWAY, "state", "path", From("gateway.json in [state] dir"), "The file that keeps the split over a restart."),
    key(GATEWAY, "sample", "true | false", Is("false"), "Whether the latest requests that were answered with 2xx are kept in its memory (at most 100 and 2 MiB, without headers that may hold secrets) and given out on the admin interface, for smoke gates with sample = \"live\"."),

    key(TOKEN, "env", "name", Nothing, "The environment variable that holds the secret; this or file."),
    key(TOKEN, "file", "path", Nothing, "The file that holds the secret; this or env."),

    key(STATE, "dir", "path", From("cutover/<service>-<environment> in the XDG state directory"), "Where journal, lease and gate logs lie."),

    key(PLAN, "steps", "list of percents", Is("[10, 50, 100]"), "The candidate's share after each step: rising, ending in 100."),
    key(PLAN, "bake", "duration", Is("\"5m\""), "How long each step is watched before the next."),
    key(PLAN, "rollback_window", "duration", Is("\"24h\""), "How long the old side is kept as the way back after 100 %."),
    key(PLAN, "on_disconnect", "hold | rollback", Is("\"hold\""), "What happens to traffic when the driving console loses its operator."),
    key(PLAN, "on_failure", "pause | abort | rollback", Is("\"abort\""), "What happens to traffic when a plan that is walked unattended fails: a required gate, the candidate's version or its readiness. A guard does what it says itself."),
    key(PLAN, "auto", "true | false", Is("false"), "Whether the next step is taken without a person once gates pass and the bake is over."),

    key(PROMPTS, "promote", "y | type", Is("\"y\""), "What confirms a promote: y, or the candidate's version typed."),
    key(PROMPTS, "switch", "type", Is("\"type\""), "What confirms a switch: the candidate's version typed. It cannot be less."),

    key(UI, "theme", "name or file", Is("\"dark\""), "The theme: one that comes with cutover, one of yours, or a file; --theme and CUTOVER_THEME go before it."),
    key(UI, "color", "auto | always | never", Is("\"auto\""), "Whether the console has colour; --color goes before it, NO_COLOR after it."),
    key(UI, "depth", "truecolor | 256 | 16 | none", From("what COLORTERM and TERM say"), "How many colours the terminal has; SSH forwards TERM but seldom COLORTERM."),
    key(UI, "ascii", "true | false", From("true where the locale is not UTF-8, and on the Linux console"), "Whether the console draws with ASCII characters alone; --ascii and CUTOVER_ASCII go before it."),
];

/// Every key, in the order of the reference.
fn all() -> impl Iterator<Item = &'static KeyDoc> {
    [WATCHED, routers::ROWS, OWN, deciding::ROWS].into_iter().flatten()
}

/// Every key, section by section.
pub fn reference() -> Vec<KeyDoc> {
    all().copied().collect()
}

/// The reference as Markdown tables, for the README.
pub fn reference_markdown() -> String {
    let mut out = String::new();
    let mut section = "";
    for doc in all() {
        if doc.section != section {
            section = doc.section;
            let gap = if out.is_empty() { "" } else { "\n" };
            let _ = writeln!(out, "{gap}#### `{section}`\n\n| key | value | default | |\n|---|---|---|---|");
        }
        let default: Cow<'_, str> = match doc.default {
            Required => "required".into(),
            Nothing => "-".into(),
            Is(value) => format!("`{value}`").into(),
            // What looks like a tag would vanish from the page.
            From(words) => words.replace('<', "&lt;").into(),
        };
        let kind = doc.kind.replace(" | ", ", ");
        let _ = writeln!(out, "| `{}` | {kind} | {default} | {} |", doc.key, doc.doc);
    }
    out
}

/// The keys of a section, in the order of the reference.
pub(super) fn of(section: &str) -> impl Iterator<Item = &'static KeyDoc> {
    all().filter(move |doc| doc.section == section)
}
