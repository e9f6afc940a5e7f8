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

    key(BACKEND, "kind", "word", Required, "The traffic system: `cutover backends` lists what this version drives."),
    key(BACKEND, "verify_timeout", "duration", Is("\"10s\""), "An order that is not read back within this time is told as late."),

    key(EMBEDDED, "admin", "path or address", From("[gateway] admin"), "Where the gateway's admin interface is found, when this file has no [gateway]: a socket path or a loopback address."),
    key(EMBEDDED, "admin_token", "table", Nothing, "The admin interface's token, when admin is an address: { env = \"NAME\" } or { file = \"PATH\" }."),

    key(HAPROXY, "socket", "path or address", Nothing, "Where HAProxy's runtime API listens: a socket path, or host:port; this or sockets."),
    key(HAPROXY, "sockets", "list", Nothing, "The runtime API of each process, where several are one router: all of them are moved."),
    key(HAPROXY, "method", "map | percent | weights", From("weights where servers are written, else map"), "What carries the split: a map entry that names the side, a map entry with green's percent, or weights of servers."),
    key(HAPROXY, "map", "word", Nothing, "With map and percent: the map's file, as HAProxy's own config names it."),
    key(HAPROXY, "key", "word", From("active; with percent green_pct"), "With map and percent: the entry's key."),
    key(HAPROXY, "values", "table", From("{ blue = \"blue\", green = \"green\" }"), "With map: the values that stand for the sides."),
    key(HAPROXY, "backends", "table", Nothing, "With map and percent: the backend of each side, for counters, ready servers and open sessions; unknown without it."),
    key(HAPROXY, "backend", "name", Nothing, "With weights: the backend that holds the servers of both sides."),
    key(HAPROXY, "servers", "table", Nothing, "With weights: the servers of each side."),
    key(HAPROXY, "save_map", "path or list", Nothing, "With map and percent: the map file on this machine, written after each change; a reload goes back to what it says."),
    key(HAPROXY, "save_state", "path or list", Nothing, "With weights: HAProxy's server-state-file on this machine, one a socket, written after each change; a reload goes back to what it says."),

    key(VALUES, "blue", "word", Required, "The value that sends all traffic to blue."),
    key(VALUES, "green", "word", Required, "The value that sends all traffic to green."),

    key(BACKENDS, "blue", "name", Required, "The backend of blue."),
    key(BACKENDS, "green", "name", Required, "The backend of green."),

    key(SERVERS, "blue", "list of names", Required, "Blue's servers."),
    key(SERVERS, "green", "list of names", Required, "Green's servers."),

    key(ENVOY, "admin", "URL, path or list", Required, "The admin interface of each process: a base URL, or the path of its socket; where several are one router all of them are moved."),
    key(ENVOY, "key", "runtime key", Nothing, "The runtime_key in the runtime_fraction of green's route; its value is green's percent. This or routes."),
    key(ENVOY, "routes", "path", Nothing, "The file of routes that Envoy watches (RDS) and cutover writes whole; for weighted_clusters that a restart keeps."),
    key(ENVOY, "template", "path", Nothing, "With routes: the JSON it is made from, with {{version}}, {{blue}} and {{green}} in place of values."),
    key(ENVOY, "blue", "name", Is("\"blue\""), "Blue's cluster, as Envoy's own config names it."),
    key(ENVOY, "green", "name", Is("\"green\""), "The same for green."),

    key(CADDY, "admin", "path or address", Required, "Where Caddy's admin interface listens: a socket path, host:port, or a URL without a path."),
    key(CADDY, "handler", "name or path", Required, "The reverse_proxy that carries the split: its \"@id\", or its place, /config/apps/http/servers/..."),
    key(CADDY, "upstreams", "table", From("host and port of the replicas' URLs"), "The upstreams of each side, as the handler's dial spells them."),
    key(CADDY, "origin", "text", From("none is sent"), "The Origin that is sent: one of Caddy's admin.origins, where enforce_origin is on."),
    key(CADDY, "shares", "list of percents", From("any"), "The only shares of green besides 0 and 100: each change reloads Caddy, so few steps are better than many."),
    key(CADDY, "survives_restart", "true | false", Is("false"), "Whether Caddy runs with --resume, so that a change outlives its process."),

    key(UPSTREAMS, "blue", "list of texts", Required, "Blue's upstreams: \"10.0.0.11:8080\", \"unix//run/blue.sock\"."),
    key(UPSTREAMS, "green", "list of texts", Required, "Green's upstreams."),

    key(TRAEFIK, "api", "URL or list of URLs", Required, "Traefik's API, without /api, of each instance that reads the file or Redis: an order is verified once all of them show it."),
    key(TRAEFIK, "headers", "table", Nothing, "Sent to the API, where it asks who calls: { authorization = { env = \"NAME\" } }; a secret is { env = .. } or { file = .. }."),
    key(TRAEFIK, "bearer", "table", Nothing, "A token sent to the API as Authorization: Bearer, from { env = \"NAME\" } or { file = \"PATH\" }."),
    key(TRAEFIK, "service", "name", Is("\"split\""), "The weighted service that cutover writes; routers name it."),
    key(TRAEFIK, "blue", "name", Is("\"blue\""), "Blue's service, as a weighted service names it: blue, or blue@docker where another provider has it."),
    key(TRAEFIK, "green", "name", Is("\"green\""), "The same for green."),
    key(TRAEFIK, "file", "path", Nothing, "A file of its own in the directory that Traefik watches, ending in .yml, .yaml or .toml: the weighted service alone, written whole. This or redis."),
    key(TRAEFIK, "redis", "host:port", Nothing, "The Redis that Traefik reads, without TLS."),
    key(TRAEFIK, "db", "number", Is("0"), "With redis: the database, as Traefik's providers.redis.db."),
    key(TRAEFIK, "user", "name", From("default"), "With redis: the user of password."),
    key(TRAEFIK, "password", "table", Nothing, "With redis: { env = \"NAME\" } or { file = \"PATH\" }."),
    key(TRAEFIK, "root_key", "text", Is("\"traefik\""), "With redis: Traefik's providers.redis.rootKey."),

    key(NGINX, "include", "path", Required, "The file that cutover writes and nginx.conf includes in http { }: a split_clients block."),
    key(NGINX, "variable", "name", Is("\"$cutover_side\""), "The variable the block sets, for proxy_pass http://$cutover_side."),
    key(NGINX, "key", "text", Is("\"${request_id}\""), "What requests are shared by: \"$remote_addr\" keeps a client on its side."),
    key(NGINX, "blue", "name", Is("\"blue\""), "The variable's value for blue: the name of an upstream."),
    key(NGINX, "green", "name", Is("\"green\""), "The same for green."),
    key(NGINX, "pid", "path", From("/run/nginx.pid; with reload nothing"), "The master's process id: it gets the HUP, and its workers show whether a split is in force."),
    key(NGINX, "test", "list of texts", Is("[\"nginx\", \"-t\"]"), "Tests the configuration before a forward change is taken in; when it fails the old file comes back."),
    key(NGINX, "reload", "list of texts", From("a HUP to pid"), "The command that reloads nginx, where a signal does not reach it: [\"docker\", \"exec\", \"web\", \"nginx\", \"-s\", \"reload\"]."),
    key(NGINX, "shares", "list of percents", From("any"), "The only shares of green besides 0 and 100: each change is a reload, and few are better than many."),

    key(DNS, "method", "update | powerdns", Required, "How records are changed: by update messages (RFC 2136: BIND, Knot, ...) or the HTTP interface of PowerDNS."),
    key(DNS, "name", "domain name", Required, "The name that clients look up."),
    key(DNS, "zone", "domain name", Required, "The zone it lies in."),
    key(DNS, "record", "A | AAAA | CNAME | SRV", Is("\"A\""), "What its records are. By update A, AAAA and CNAME move all traffic at once, and SRV has weights; PowerDNS has weights for A and AAAA."),
    key(DNS, "blue", "list of targets", Required, "What stands for blue: addresses, a name for CNAME, host:port for SRV."),
    key(DNS, "green", "list of targets", Required, "The same for green."),
    key(DNS, "ttl", "duration", Is("\"30s\""), "How long caches may keep an answer, in whole seconds: so long does a rollback take to be felt."),
    key(DNS, "server", "address", From("required for update; with powerdns the server is not asked itself"), "The zone's primary, IP address and port, over TCP. With powerdns: asked whether it answers as its interface says."),
    key(DNS, "secondaries", "list of addresses", Nothing, "Servers that must say the same before an order is verified."),
    key(DNS, "key", "name", Nothing, "The TSIG key (hmac-sha256) that signs updates and questions."),
    key(DNS, "secret", "table", Nothing, "Its secret in base64: { env = \"NAME\" } or { file = \"PATH\" }."),
    key(DNS, "api", "URL", From("required for powerdns"), "The base of the PowerDNS interface, without /api/v1."),
    key(DNS, "server_id", "name", Is("\"localhost\""), "The server's id in that interface."),
    key(DNS, "api_key", "table", From("required for powerdns"), "The API key: { env = \"NAME\" } or { file = \"PATH\" }."),

    key(HOOK_EXEC, "read", "list of texts", Required, "The command that prints the split as JSON: {\"split\":{\"green\":10},\"revision\":\"7\"}; a program and its arguments, no shell is between. It may also print replicas, versions, mixed and notes."),
    key(HOOK_EXEC, "set", "list of texts", Nothing, "The command that sets a split. Words may hold {{blue}} {{green}} (percent), {{from}} {{to}} (sides), {{move}}, {{order}}, {{expected}} (the revision on the screen), {{revision}} (read last), {{service}}; each is in the environment too, as CUTOVER_GREEN."),
    key(HOOK_EXEC, "switch", "list of texts", From("set"), "The command that moves all traffic to {{to}}."),
    key(HOOK_EXEC, "rollback", "list of texts", From("switch or set"), "The command that goes back, for rollback and abort."),
    key(HOOK_EXEC, "dir", "path", From("the config file's directory"), "Where the commands run."),
    key(HOOK_EXEC, "conflict_code", "number", Is("75"), "The exit code that means: the state is another than {{expected}}. 0 accepted, 77 not allowed, 69 not reachable and nothing done, 64 refused; with any other it may have happened."),

    key(HOOK_HTTP, "read", "table", Required, "The call that answers the split as JSON: {\"split\":{\"green\":10},\"revision\":\"7\"}. As a table, or as [backend.read] below."),
    key(HOOK_HTTP, "set", "table", Nothing, "The call that sets a split. 2xx accepted, 409 and 412 the state is another than expected, 401 and 403 not allowed, other 4xx refused; with any other it may have happened."),
    key(HOOK_HTTP, "switch", "table", From("set"), "The call that moves all traffic to {{to}}."),
    key(HOOK_HTTP, "rollback", "table", From("switch or set"), "The call that goes back, for rollback and abort."),
    key(HOOK_HTTP, "revision_header", "header name", Nothing, "The response header that holds the revision, e.g. etag; without quotes in {{expected}}."),

    key(HOOK, "weights", "any | all_or_nothing | list of percents", From("any; all_or_nothing without set"), "Which shares of green can be set."),
    key(HOOK, "async", "true | false", Is("false"), "Whether a change takes effect some time after it was accepted."),
    key(HOOK, "survives_restart", "true | false", Is("false"), "Whether the split outlives a restart of the router."),
    key(HOOK, "compare_and_set", "true | false", Is("false"), "Whether the acts themselves refuse when {{expected}} is no longer the revision. Otherwise cutover reads once more before it acts."),
    key(HOOK, "green", "JSON pointer", Is("\"/split/green\""), "Where the answer of read holds green's share in percent; its weight, when blue is written too."),
    key(HOOK, "blue", "JSON pointer", Nothing, "Where it holds blue's weight, for systems that have weights and no percents."),
    key(HOOK, "revision", "JSON pointer", Is("\"/revision\""), "Where it holds the revision: letters, digits and . _ : + / = @ , -. Without one the split itself is the revision."),
    key(HOOK, "timeout", "duration", Is("\"10s\""), "An act that takes longer is ended, with everything it started; it may have happened. A reading has 1.8s."),

    key(HOOK_CALL, "url", "URL", Required, "May hold the placeholders that the commands of kind = \"exec\" may hold, here and in headers and body."),
    key(HOOK_CALL, "method", "GET | POST | PUT | PATCH | DELETE | HEAD", From("GET to read, POST with a body; otherwise required"), "How it is asked."),
    key(HOOK_CALL, "headers", "table", Nothing, "Sent with it: { if-match = \"\\\"{{expected}}\\\"\", x-api-key = { env = \"NAME\" } }; a secret is { env = .. } or { file = .. }."),
    key(HOOK_CALL, "bearer", "table", Nothing, "A token sent as Authorization: Bearer, from { env = \"NAME\" } or { file = \"PATH\" }."),
    key(HOOK_CALL, "body", "text", Nothing, "Sent as application/json unless headers say another content-type."),

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

    key(GATE, "kind", "health | golden | smoke | load | integration | http | prometheus | exec | manual", Required, "What is checked."),
    key(GATE, "name", "name", From("the kind"), "Unique among the gates."),
    key(GATE, "required", "true | false", Is("true"), "Whether forward commands are blocked until it passes or is overridden."),
    key(GATE, "valid_for", "duration", Is("\"1h\""), "How long a result counts."),
    key(GATE, "timeout", "duration", Is("\"5m\""), "The whole run is given up after this long; the verdict is then: not yet."),

    key(HEALTH, "max_latency", "duration", Required, "The longest a single answer may take."),
    key(HEALTH, "path", "path", From("[probe] path"), "Asked on every replica."),
    key(HEALTH, "consecutive", "number", Is("3"), "Checks in a row that must succeed on each replica."),
    key(HEALTH, "interval", "duration", Is("\"1s\""), "Pause between two checks."),

    key(GOLDEN, "cases", "file", Required, "JSON lines: {\"id\":\"17\",\"request\":{..the body as sent..},\"expect\":\"spam\"}; or a table with a header row where its name ends in .csv or .tsv. At most 100 000 lines."),
    key(GOLDEN, "path", "path", From("none; /v1/chat/completions for openai"), "Where the requests are posted."),
    key(GOLDEN, "answer", "JSON pointer", From("none; /outputs/0/data/0 for v2, /choices/0/message/content for openai"), "Where the reply's JSON holds the answer."),
    key(GOLDEN, "min_accuracy", "share", Nothing, "The least share of right answers: 0.95 or \"95%\". This or another of the four limits must be written; several may be."),
    key(GOLDEN, "min_agreement", "share", Nothing, "The least share of cases that both sides answer alike: every case is sent to the live side too."),
    key(GOLDEN, "max_mean_error", "number", Nothing, "The most the mean absolute error may be: of the distances between the answer and the expected number."),
    key(GOLDEN, "max_error", "number", Nothing, "The most that any one of those distances may be. An answer that is no number, NaN too, fails both."),
    key(GOLDEN, "compare", "exact | loose | contains", From("\"exact\"; \"loose\" for openai"), "When an answer is the expected one: the same JSON; but for letter case and white space, quotes and a full stop around a text; a text that holds the expected one."),
    key(GOLDEN, "tolerance", "number", Is("0"), "Numbers that differ by no more are the same answer."),
    key(GOLDEN, "form", "json | v2 | openai", Is("\"json\""), "What is sent for a case without a request of its own: the request template; an Open Inference v2 tensor of its inputs; a chat completion of its prompt or messages at temperature 0."),
    key(GOLDEN, "request", "JSON text", Nothing, "For json: the body, with \"{{name}}\" for a case's field or column; alone in its quotes it keeps its type (\"{{name:text}}\" and \"{{name:number}}\" say which), and \"{{inputs}}\" is the list of all inputs."),
    key(GOLDEN, "tensor", "text", From("`input-0`"), "For v2: the tensor's name; its shape is [1, number of inputs]."),
    key(GOLDEN, "datatype", "word", From("`FP32`"), "For v2: the tensor's datatype, as the protocol names it."),
    key(GOLDEN, "model", "text", Nothing, "For openai, which cannot do without: the model's name."),
    key(GOLDEN, "system", "text", Nothing, "For openai: the system message."),
    key(GOLDEN, "prompt", "text", From("`{{prompt}}`"), "For openai: the user's message, with {{name}} for a case's field or column."),
    key(GOLDEN, "id", "text", Is("\"id\""), "The field or column that names a case; without it its line number does."),
    key(GOLDEN, "expect", "text", Is("\"expect\""), "The field or column that holds the expected answer."),
    key(GOLDEN, "inputs", "list of texts", From("every other column; of JSON lines the field inputs"), "The fields or columns that are the inputs, in their order."),
    key(GOLDEN, "on_broken", "refuse | skip", Is("\"refuse\""), "What broken lines do, each told with its number: no verdict, or they are left out and counted."),
    key(GOLDEN, "concurrency", "number", Is("4"), "Requests under way at once."),
    key(GOLDEN, "min_cases", "number", Is("50"), "With fewer cases there is no verdict."),
    key(GOLDEN, "headers", "table", Nothing, "Sent with every request: { x-tenant = \"a\", x-api-key = { env = \"NAME\" } }; a secret is { env = .. } or { file = .. }."),
    key(GOLDEN, "bearer", "table", Nothing, "A token sent as Authorization: Bearer, from { env = \"NAME\" } or { file = \"PATH\" }."),
    key(GOLDEN, "request_timeout", "duration", Is("\"10s\""), "An answer is waited for this long."),

    key(SMOKE, "requests", "file", From("none; not beside sample"), "JSON lines: {\"id\":..,\"path\":..,\"method\":..,\"request\":{..},\"expect\":{\"status\":200}}; 50 to 100 tell most. expect may hold status, content_type, max_latency_ms, pointer with type, min, max and keys, and by pointer types and ranges."),
    key(SMOKE, "sample", "live", Nothing, "Instead of requests: what live traffic asked lately, where [gateway] sample = true keeps it; the candidate must answer with the same status and content type."),
    key(SMOKE, "count", "number", From("`50`"), "How many of those at most."),
    key(SMOKE, "path", "path", From("none; not needed beside sample"), "Where a line's request is posted that names no path."),
    key(SMOKE, "max_latency", "duration", Required, "The longest a single answer may take."),
    key(SMOKE, "adversarial", "true | false", Is("true"), "Whether the built-in malformed requests, which must be refused cleanly, are sent too."),
    key(SMOKE, "headers", "table", Nothing, "Sent with every request; a secret is { env = .. } or { file = .. }."),
    key(SMOKE, "bearer", "table", Nothing, "A token sent as Authorization: Bearer, from { env = \"NAME\" } or { file = \"PATH\" }."),

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
    key(LOAD, "saturation", "table", Nothing, "A metric of the replicas that stops the load: { metric = \"queue_depth\", limit = 20 }, read once a second."),

    key(STAGE, "rate", "number", Required, "Requests per second at the end of the stage."),
    key(STAGE, "for", "duration", Required, "How long it goes."),
    key(STAGE, "from", "number", From("rate: it is held"), "Requests per second at its beginning, for a ramp."),

    key(SATURATION, "metric", "text", Required, "Its name, as the metrics page has it; may name labels, as name{label=\"value\"}. Of several series the highest counts."),
    key(SATURATION, "limit", "number", Required, "The largest value allowed."),
    key(SATURATION, "url", "path or URL", Is("\"/metrics\""), "Where the page is, as Prometheus reads it: a path on every replica, or an absolute URL. One that cannot be read ends the load: not yet."),
    key(SATURATION, "port", "number", From("the replica's"), "The port of the page, where it is another."),
    key(SATURATION, "consecutive", "number", Is("3"), "Readings above the limit in a row that stop the load."),

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
    key(ALERT, "on", "list of words", From("all but switched and finalized"), "What is told: guard, gate, paused, rollback, rolled_back, order, drift, standby, disconnect, switched, finalized."),
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
