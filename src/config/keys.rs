//! Every key a config may hold: the one table behind the check for unknown keys, the template and
//! the README's reference.

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
pub(super) const BACKEND: &str = "[backend]";
pub(super) const EMBEDDED: &str = "[backend] kind = \"embedded\"";
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
const KEYS: &[KeyDoc] = &[
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

    key(METRICS, "preset", "triton | mlserver | vllm | tgi | knative | process", Nothing, "Rows for what this server exports of itself; what it does not export is told."),
    key(METRICS, "interval", "duration", Is("\"1s\""), "Time between two readings of a replica."),
    key(METRICS, "timeout", "duration", Is("\"2s\""), "A reading is given up after this long."),
    key(METRICS, "path", "path", Is("\"/metrics\""), "Asked with GET on every replica; Prometheus text format."),
    key(METRICS, "port", "number", From("the preset's: triton 8002, mlserver 8082, knative 9091; else that of the replica's URL"), "The port of each replica's host that exports."),
    key(METRICS, "blue", "list of URLs", From("blue's replicas, at port"), "Base URLs that export blue's metrics."),
    key(METRICS, "green", "list of URLs", From("green's replicas, at port"), "Base URLs that export green's metrics."),
    key(METRICS, "prometheus", "URL", Nothing, "A Prometheus server for rows with a query: the base of its API, without /api/v1."),
    key(METRICS, "row", "list of tables", Nothing, "Rows of your own, each as a [[metrics.row]]; one named as one of the preset's takes its place."),
    key(METRICS, "traffic", "table", From("the preset's"), "Series that count requests, as a [metrics.traffic]: they stand for what the router does not count."),

    key(METRICS_ROW, "name", "name", Required, "What the row is called: at most 12 letters."),
    key(METRICS_ROW, "metric", "name or list of names", Nothing, "The series; of several names the first that is there. Of a histogram without _bucket. This or query."),
    key(METRICS_ROW, "labels", "table", Nothing, "Labels the series must have: { model = \"spam\" }."),
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
    key(METRICS_TRAFFIC, "failure_labels", "table", Nothing, "Labels that failures must have: { code = \"500\" }."),
    key(METRICS_TRAFFIC, "failures_within", "true | false", Is("true"), "Whether requests count the failed ones too."),
    key(METRICS_TRAFFIC, "latency", "name or list of names", Nothing, "A histogram of latencies, without _bucket. What lies above its highest bound is told as that bound."),
    key(METRICS_TRAFFIC, "latency_unit", "seconds | ms | us", Is("\"seconds\""), "The unit of the histogram."),

    key(BACKEND, "kind", "word", Required, "The traffic system; this version drives: embedded."),
    key(BACKEND, "verify_timeout", "duration", Is("\"10s\""), "An order that is not read back within this time is told as late."),

    key(EMBEDDED, "admin", "path or address", From("[gateway] admin"), "Where the gateway's admin interface is found, when this file has no [gateway]: a socket path or a loopback address."),
    key(EMBEDDED, "admin_token", "table", Nothing, "The admin interface's token, when admin is an address: { env = \"NAME\" } or { file = \"PATH\" }."),

    key(GATEWAY, "listen", "address", Required, "Where the gateway takes traffic: IP address and port."),
    key(GATEWAY, "admin", "path or address", From("gateway.sock in [state] dir"), "The admin interface: a socket path (created 0600) or a loopback address with a token."),
    key(GATEWAY, "admin_token", "table", Nothing, "The token of an admin address: { env = \"NAME\" } or { file = \"PATH\" }."),
    key(GATEWAY, "state", "path", From("gateway.json in [state] dir"), "The file that keeps the split over a restart."),

    key(TOKEN, "env", "name", Nothing, "The environment variable that holds the secret; this or file."),
    key(TOKEN, "file", "path", Nothing, "The file that holds the secret; this or env."),

    key(STATE, "dir", "path", From("cutover/<service>-<environment> in the XDG state directory"), "Where journal, lease and gate logs lie."),

    key(PLAN, "steps", "list of percents", Is("[10, 50, 100]"), "The candidate's share after each step: rising, ending in 100."),
    key(PLAN, "bake", "duration", Is("\"5m\""), "How long each step is watched before the next."),
    key(PLAN, "rollback_window", "duration", Is("\"24h\""), "How long the old side is kept as the way back after 100 %."),
    key(PLAN, "on_disconnect", "hold | rollback", Is("\"hold\""), "What happens to traffic when the driving console loses its operator."),
    key(PLAN, "auto", "true | false", Is("false"), "Whether the next step is taken without a person once gates pass and the bake is over."),

    key(PROMPTS, "promote", "y | type", Is("\"y\""), "What confirms a promote: y, or the candidate's version typed."),
    key(PROMPTS, "switch", "type", Is("\"type\""), "What confirms a switch: the candidate's version typed. It cannot be less."),

    key(UI, "theme", "name or file", Is("\"dark\""), "The theme: one that comes with cutover, one of yours, or a file; --theme and CUTOVER_THEME go before it."),
    key(UI, "color", "auto | always | never", Is("\"auto\""), "Whether the console has colour; --color goes before it, NO_COLOR after it."),
    key(UI, "depth", "truecolor | 256 | 16 | none", From("what COLORTERM and TERM say"), "How many colours the terminal has; SSH forwards TERM but seldom COLORTERM."),
    key(UI, "ascii", "true | false", From("true where the locale is not UTF-8, and on the Linux console"), "Whether the console draws with ASCII characters alone; --ascii and CUTOVER_ASCII go before it."),

    key(GATE, "kind", "health | golden | smoke | load | integration | http | prometheus | exec | manual", Required, "What is checked."),
    key(GATE, "name", "name", From("the kind"), "Unique among the gates."),
    key(GATE, "required", "true | false", Is("true"), "Whether forward commands are blocked until it passes or is overridden."),
    key(GATE, "valid_for", "duration", Is("\"1h\""), "How long a result counts."),
    key(GATE, "timeout", "duration", Is("\"5m\""), "The whole run is given up after this long; the verdict is then: not yet."),

    key(HEALTH, "max_latency", "duration", Required, "The longest a single answer may take."),
    key(HEALTH, "path", "path", From("[probe] path"), "Asked on every replica."),
    key(HEALTH, "consecutive", "number", Is("3"), "Checks in a row that must succeed on each replica."),
    key(HEALTH, "interval", "duration", Is("\"1s\""), "Pause between two checks."),

    key(GOLDEN, "cases", "file", Required, "JSON lines: {\"id\":\"17\",\"request\":{..the body as sent..},\"expect\":\"spam\"}."),
    key(GOLDEN, "path", "path", Required, "Where the requests are posted."),
    key(GOLDEN, "answer", "JSON pointer", Required, "Where the reply's JSON holds the answer."),
    key(GOLDEN, "min_accuracy", "share", Required, "The least share of right answers: 0.95 or \"95%\"."),
    key(GOLDEN, "concurrency", "number", Is("4"), "Requests under way at once."),
    key(GOLDEN, "min_cases", "number", Is("50"), "With fewer cases there is no verdict."),

    key(SMOKE, "requests", "file", Required, "JSON lines: {\"id\":..,\"path\":..,\"method\":..,\"request\":{..},\"expect\":{\"status\":200}}."),
    key(SMOKE, "path", "path", Required, "Where a line's request is posted that names no path."),
    key(SMOKE, "max_latency", "duration", Required, "The longest a single answer may take."),
    key(SMOKE, "adversarial", "true | false", Is("true"), "Whether the built-in malformed requests, which must be refused cleanly, are sent too."),

    key(LOAD, "requests", "file", Required, "JSON lines as of a smoke gate, sent over and over; of expect the status alone is looked at."),
    key(LOAD, "path", "path", Required, "Where a line's request is posted that names no path."),
    key(LOAD, "rate", "number", Nothing, "Requests per second that are held for duration; this or stages."),
    key(LOAD, "duration", "duration", Nothing, "How long the rate is held; peak traffic for 10 to 15 minutes tells most."),
    key(LOAD, "ramp", "duration", Is("\"0s\""), "How long the rate rises from 0 before it is held."),
    key(LOAD, "stages", "list of tables", Nothing, "Several rates, one after the other, each as a table or a [[gate.stages]] below the gate; instead of rate, duration and ramp."),
    key(LOAD, "max_p99", "duration", Required, "What 99 of 100 answers must keep to, counted from when each request was due."),
    key(LOAD, "max_p95", "duration", Nothing, "What 95 of 100 answers must keep to."),
    key(LOAD, "max_p50", "duration", Nothing, "What half of the answers must keep to."),
    key(LOAD, "max_error_rate", "share", Required, "The share of requests that may fail: 0.001 or \"0.1%\"."),
    key(LOAD, "min_rate", "share", Is("\"95%\""), "The least share of the intended rate; a side that gives less is saturated."),
    key(LOAD, "connections", "number", Is("64"), "Requests under way at once, over all replicas."),

    key(STAGE, "rate", "number", Required, "Requests per second at the end of the stage."),
    key(STAGE, "for", "duration", Required, "How long it goes."),
    key(STAGE, "from", "number", From("rate: it is held"), "Requests per second at its beginning, for a ramp."),

    key(INTEGRATION, "steps", "list of tables", Required, "The calls, in order; the first that does not hold ends the run. Each as a table, or as a [[gate.steps]] below the gate."),

    key(STEP, "name", "text", Required, "What people call the step."),
    key(STEP, "url", "URL or path", Required, "Asked once; a path is asked on every replica of the candidate. May hold {{version}}, {{version_digest}}, {{side}}, {{service}} and {{environment}}."),
    key(STEP, "method", "GET | POST | PUT | PATCH | DELETE | HEAD", From("POST with a body, GET without"), "How it is asked."),
    key(STEP, "headers", "table", Nothing, "Sent with it: { accept = \"application/json\", x-api-key = { env = \"NAME\" } }; a secret is { env = .. } or { file = .. }."),
    key(STEP, "bearer", "table", Nothing, "A token sent as Authorization: Bearer, from { env = \"NAME\" } or { file = \"PATH\" }."),
    key(STEP, "body", "text", Nothing, "Sent as application/json unless headers say another content-type; may hold the same placeholders."),
    key(STEP, "request_timeout", "duration", Is("\"10s\""), "The answer is waited for this long."),
    key(STEP, "status", "number", From("any 2xx"), "The status the answer must have."),
    key(STEP, "pointer", "JSON pointer", Nothing, "Where the answer's JSON holds the value that equals, min or max speak of."),
    key(STEP, "equals", "text, number or flag", Nothing, "What that value must be."),
    key(STEP, "min", "number", Nothing, "The least that value may be; this or max."),
    key(STEP, "max", "number", Nothing, "The most that value may be."),
    key(STEP, "contains", "text", Nothing, "What the answer's body must hold."),
    key(STEP, "max_latency", "duration", Nothing, "The longest the answer may take."),

    key(HTTP, "url", "URL", Required, "The endpoint that reports a status. May hold {{version}}, {{version_digest}}, {{side}}, {{service}} and {{environment}}."),
    key(HTTP, "method", "GET | POST | PUT | PATCH | DELETE | HEAD", From("POST with a body, GET without"), "How it is asked."),
    key(HTTP, "headers", "table", Nothing, "Sent with it: { accept = \"application/json\", x-api-key = { env = \"NAME\" } }; a secret is { env = .. } or { file = .. }."),
    key(HTTP, "bearer", "table", Nothing, "A token sent as Authorization: Bearer, from { env = \"NAME\" } or { file = \"PATH\" }."),
    key(HTTP, "body", "text", Nothing, "Sent as application/json unless headers say another content-type; may hold the same placeholders."),
    key(HTTP, "request_timeout", "duration", Is("\"10s\""), "The answer is waited for this long."),
    key(HTTP, "status", "number", From("any 2xx"), "The status the answer must have."),
    key(HTTP, "pointer", "JSON pointer", Nothing, "Where the answer's JSON holds the value that equals, min, max or pending speak of."),
    key(HTTP, "equals", "text, number or flag", Nothing, "The value that passes; any other fails, but for pending."),
    key(HTTP, "min", "number", Nothing, "The least value that passes; this or max."),
    key(HTTP, "max", "number", Nothing, "The largest value that passes."),
    key(HTTP, "pending", "list", Is("[]"), "Values that mean: not yet, e.g. [\"queued\", \"running\"]. So do no answer, 5xx, 429, another answer than JSON, and nothing or null at the pointer."),
    key(HTTP, "contains", "text", Nothing, "What the answer's body must hold."),
    key(HTTP, "max_latency", "duration", Nothing, "The longest the answer may take."),

    key(PROMETHEUS, "url", "URL", Required, "The base of its API, without /api/v1."),
    key(PROMETHEUS, "query", "PromQL", Required, "An instant query of one value. {{version}}, {{version_digest}}, {{side}}, {{service}} and {{environment}} stand within quotes and are escaped."),
    key(PROMETHEUS, "min", "number", Nothing, "The least value that passes; this or max must be written."),
    key(PROMETHEUS, "max", "number", Nothing, "The largest value that passes."),
    key(PROMETHEUS, "max_age", "duration", Is("\"5m\""), "A sample older than this counts for nothing. No series, NaN, several series, a server that is down: not yet."),
    key(PROMETHEUS, "headers", "table", Nothing, "Sent with it: { x-scope-orgid = \"team\" }; a secret is { env = .. } or { file = .. }."),
    key(PROMETHEUS, "bearer", "table", Nothing, "A token sent as Authorization: Bearer, from { env = \"NAME\" } or { file = \"PATH\" }."),
    key(PROMETHEUS, "request_timeout", "duration", Is("\"10s\""), "The answer is waited for this long."),

    key(MANUAL, "ask", "text", Required, "What the person who signs must have looked at. Signed with cutover approve, for one version; a signature counts for valid_for."),

    key(EXEC, "command", "list of texts", Required, "The program and its arguments; no shell is between. A path starts from the config file. Exit code 0 passes, 1 fails."),
    key(EXEC, "dir", "path", From("the config file's directory"), "Where it runs."),
    key(EXEC, "not_yet_code", "number", Is("75"), "The exit code that means: not yet. So do all codes but 0 and 1, a signal, and the timeout."),
    key(EXEC, "min", "number", Nothing, "The least value allowed, where the command prints {\"value\":..} as JSON; this or max."),
    key(EXEC, "max", "number", Nothing, "The largest value allowed."),

    key(GUARD, "metric", "error_rate | p50 | p95 | p99 | throughput | saturation", Required, "What is watched, on the traffic the router measured, or the servers themselves where it does not measure it. throughput: how far a side's rate falls below what its share and the rate before the step let expect."),
    key(GUARD, "limit", "duration, share or number", Required, "The largest value allowed: \"250ms\" for a latency, 0.02 or \"2%\" for error_rate, \"30%\" for a drop of throughput, 20 or \"85%\" for saturation."),
    key(GUARD, "row", "name", Nothing, "What saturation is of: in_flight, or a row of [metrics]."),
    key(GUARD, "then", "warn | pause | rollback", Required, "What a breach does."),
    key(GUARD, "side", "blue | green", From("the side that is being rolled out"), "The side it watches."),
    key(GUARD, "versus", "table", Nothing, "Compares with the other side too: { side = \"live\", worse_by = \"20%\" }."),
    key(GUARD, "window", "duration", Is("\"30s\""), "The stretch of time looked at, in whole seconds."),
    key(GUARD, "min_samples", "number", Is("100"), "With fewer requests in the window (for throughput: fewer expected) there is no verdict. For saturation: readings, 3 unless written."),
    key(GUARD, "consecutive", "number", Is("3"), "Breaches in a row, one look a second, before it acts."),

    key(VERSUS, "side", "live", Required, "The side compared with."),
    key(VERSUS, "worse_by", "share", Required, "How much worse is too much: 0.2 or \"20%\"."),
    key(VERSUS, "sure", "share", Is("\"99%\""), "How sure that has to be before the guard acts, over the whole rollout and however often it looks: at 99% one sound rollout in a hundred is stopped."),

    key(ALERT, "kind", "webhook | slack | command", Required, "How it gets there: JSON by POST, the same in the form Slack and Mattermost take, or a command that reads the JSON."),
    key(ALERT, "name", "name", From("the kind"), "What the place is called on the screen and in the journal; unique."),
    key(ALERT, "on", "list of words", From("all but switched and finalized"), "What is told: guard, gate, paused, rollback, rolled_back, order, drift, disconnect, switched, finalized."),
    key(ALERT, "timeout", "duration", Is("\"5s\""), "One try may take this long; there are six, with growing pauses."),

    key(ALERT_WEBHOOK, "url", "URL or table", Required, "Where it is posted; { env = \"NAME\" } or { file = \"PATH\" } where the URL is itself the secret. So for slack too."),
    key(ALERT_WEBHOOK, "headers", "table", Nothing, "Headers, by name: a text, { env = .. } or { file = .. }."),
    key(ALERT_WEBHOOK, "bearer", "table", Nothing, "A bearer token: { env = .. } or { file = .. }."),

    key(ALERT_COMMAND, "command", "list of words", Required, "A program and its arguments, run without a shell; the alert is on its standard input, exit code 0 means taken."),

    key(LOG, "name", "name", Required, "What its lines are told by in the log pane; unique, and no gate's."),
    key(LOG, "file", "path", Nothing, "A file, followed over rotation and truncation, and before it exists; this or command."),
    key(LOG, "command", "list of words", Nothing, "A program and its arguments, run without a shell: its output is shown; started again when it ends."),
];

/// Every key, section by section.
pub fn reference() -> Vec<KeyDoc> {
    KEYS.to_vec()
}

/// The reference as Markdown tables, for the README.
pub fn reference_markdown() -> String {
    let mut out = String::new();
    let mut section = "";
    for doc in KEYS {
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
    KEYS.iter().filter(move |doc| doc.section == section)
}
