//! The keys of what decides and what tells: gates, guards, alerts, logs.

use crate::settings::KeyDefault::{From, Is, Nothing, Required};
use crate::settings::{Section, key};

pub(in crate::config) const GATE: Section = Section::new("[[gate]]", &[
    key("kind", "health | golden | smoke | load | integration | http | prometheus | exec | manual", Required, "What is checked."),
    key("name", "name", From("the kind"), "Unique among the gates."),
    key("required", "true | false", Is("true"), "Whether forward commands are blocked until it passes or is overridden."),
    key("valid_for", "duration", Is("\"1h\""), "How long a result counts."),
    key("timeout", "duration", Is("\"5m\""), "The whole run is given up after this long; the verdict is then: not yet."),
]);

pub(in crate::config) const HEALTH: Section = Section::new("[[gate]] kind = \"health\"", &[
    key("max_latency", "duration", Required, "The longest a single answer may take."),
    key("path", "path", From("[probe] path"), "Asked on every replica."),
    key("consecutive", "number", Is("3"), "Checks in a row that must succeed on each replica."),
    key("interval", "duration", Is("\"1s\""), "Pause between two checks."),
]);

pub(in crate::config) const GOLDEN: Section = Section::new("[[gate]] kind = \"golden\"", &[
    key("cases", "file", Required, "JSON lines: {\"id\":\"17\",\"request\":{..the body as sent..},\"expect\":\"spam\"}; or a table with a header row where its name ends in .csv or .tsv. At most 100 000 lines."),
    key("path", "path", From("none; /v1/chat/completions for openai"), "Where the requests are posted."),
    key("answer", "JSON pointer", From("none; /outputs/0/data/0 for v2, /choices/0/message/content for openai"), "Where the reply's JSON holds the answer."),
    key("min_accuracy", "share", Nothing, "The least share of right answers: 0.95 or \"95%\". This or another of the four limits must be written; several may be."),
    key("min_agreement", "share", Nothing, "The least share of cases that both sides answer alike: every case is sent to the live side too."),
    key("max_mean_error", "number", Nothing, "The most the mean absolute error may be: of the distances between the answer and the expected number."),
    key("max_error", "number", Nothing, "The most that any one of those distances may be. An answer that is no number, NaN too, fails both."),
    key("compare", "exact | loose | contains", From("\"exact\"; \"loose\" for openai"), "When an answer is the expected one: the same JSON; but for letter case and white space, quotes and a full stop around a text; a text that holds the expected one."),
    key("tolerance", "number", Is("0"), "Numbers that differ by no more are the same answer."),
    key("form", "json | v2 | openai", Is("\"json\""), "What is sent for a case without a request of its own: the request template; an Open Inference v2 tensor of its inputs; a chat completion of its prompt or messages at temperature 0."),
    key("request", "JSON text", Nothing, "For json: the body, with \"{{name}}\" for a case's field or column; alone in its quotes it keeps its type (\"{{name:text}}\" and \"{{name:number}}\" say which), and \"{{inputs}}\" is the list of all inputs."),
    key("tensor", "text", From("`input-0`"), "For v2: the tensor's name; its shape is [1, number of inputs]."),
    key("datatype", "word", From("`FP32`"), "For v2: the tensor's datatype, as the protocol names it."),
    key("model", "text", Nothing, "For openai, which cannot do without: the model's name."),
    key("system", "text", Nothing, "For openai: the system message."),
    key("prompt", "text", From("`{{prompt}}`"), "For openai: the user's message, with {{name}} for a case's field or column."),
    key("id", "text", Is("\"id\""), "The field or column that names a case; without it its line number does."),
    key("expect", "text", Is("\"expect\""), "The field or column that holds the expected answer."),
    key("inputs", "list of texts", From("every other column; of JSON lines the field inputs"), "The fields or columns that are the inputs, in their order."),
    key("on_broken", "refuse | skip", Is("\"refuse\""), "What broken lines do, each told with its number: no verdict, or they are left out and counted."),
    key("concurrency", "number", Is("4"), "Requests under way at once."),
    key("min_cases", "number", Is("50"), "With fewer cases there is no verdict."),
    key("headers", "table", Nothing, "Sent with every request: { x-tenant = \"a\", x-api-key = { env = \"NAME\" } }; a secret is { env = .. } or { file = .. }."),
    key("bearer", "table", Nothing, "A token sent as Authorization: Bearer, from { env = \"NAME\" } or { file = \"PATH\" }."),
    key("request_timeout", "duration", Is("\"10s\""), "An answer is waited for this long."),
]);

pub(in crate::config) const SMOKE: Section = Section::new("[[gate]] kind = \"smoke\"", &[
    key("requests", "file", From("none; not beside sample"), "JSON lines: {\"id\":..,\"path\":..,\"method\":..,\"request\":{..},\"expect\":{\"status\":200}}; 50 to 100 tell most. expect may hold status, content_type, max_latency_ms, pointer with type, min, max and keys, and by pointer types and ranges."),
    key("sample", "live", Nothing, "Instead of requests: what live traffic asked lately, where [gateway] sample = true keeps it; the candidate must answer with the same status and content type."),
    key("count", "number", From("`50`"), "How many of those at most."),
    key("path", "path", From("none; not needed beside sample"), "Where a line's request is posted that names no path."),
    key("max_latency", "duration", Required, "The longest a single answer may take."),
    key("adversarial", "true | false", Is("true"), "Whether the built-in malformed requests, which must be refused cleanly, are sent too."),
    key("headers", "table", Nothing, "Sent with every request; a secret is { env = .. } or { file = .. }."),
    key("bearer", "table", Nothing, "A token sent as Authorization: Bearer, from { env = \"NAME\" } or { file = \"PATH\" }."),
]);

pub(in crate::config) const LOAD: Section = Section::new("[[gate]] kind = \"load\"", &[
    key("requests", "file", Required, "JSON lines as of a smoke gate, sent over and over; of expect the status alone is looked at."),
    key("path", "path", Required, "Where a line's request is posted that names no path."),
    key("rate", "number", Nothing, "Requests per second that are held for duration; this or stages."),
    key("duration", "duration", Nothing, "How long the rate is held; peak traffic for 10 to 15 minutes tells most."),
    key("ramp", "duration", Is("\"0s\""), "How long the rate rises from 0 before it is held."),
    key("stages", "list of tables", Nothing, "Several rates, one after the other, each as a table or a [[gate.stages]] below the gate; instead of rate, duration and ramp."),
    key("max_p99", "duration", Required, "What 99 of 100 answers must keep to, counted from when each request was due."),
    key("max_p95", "duration", Nothing, "What 95 of 100 answers must keep to."),
    key("max_p50", "duration", Nothing, "What half of the answers must keep to."),
    key("max_error_rate", "share", Required, "The share of requests that may fail: 0.001 or \"0.1%\"."),
    key("min_rate", "share", Is("\"95%\""), "The least share of the intended rate; a side that gives less is saturated."),
    key("connections", "number", Is("64"), "Requests under way at once, over all replicas."),
    key("saturation", "table", Nothing, "A metric of the replicas that stops the load: { metric = \"queue_depth\", limit = 20 }, read once a second."),
]);

pub(in crate::config) const STAGE: Section = Section::new("[[gate.stages]]", &[
    key("rate", "number", Required, "Requests per second at the end of the stage."),
    key("for", "duration", Required, "How long it goes."),
    key("from", "number", From("rate: it is held"), "Requests per second at its beginning, for a ramp."),
]);

pub(in crate::config) const SATURATION: Section = Section::new("saturation = { .. }", &[
    key("metric", "text", Required, "Its name, as the metrics page has it; may name labels, as name{label=\"value\"}. Of several series the highest counts."),
    key("limit", "number", Required, "The largest value allowed."),
    key("url", "path or URL", Is("\"/metrics\""), "Where the page is, as Prometheus reads it: a path on every replica, or an absolute URL. One that cannot be read ends the load: not yet."),
    key("port", "number", From("the replica's"), "The port of the page, where it is another."),
    key("consecutive", "number", Is("3"), "Readings above the limit in a row that stop the load."),
]);

pub(in crate::config) const INTEGRATION: Section = Section::new("[[gate]] kind = \"integration\"", &[
    key("steps", "list of tables", Required, "The calls, in order; the first that does not hold ends the run. Each as a table, or as a [[gate.steps]] below the gate."),
]);

pub(in crate::config) const STEP: Section = Section::new("[[gate.steps]]", &[
    key("name", "text", Required, "What people call the step."),
    key("url", "URL or path", Required, "Asked once; a path is asked on every replica of the candidate. May hold {{version}}, {{version_digest}}, {{side}}, {{service}} and {{environment}}."),
    key("method", "GET | POST | PUT | PATCH | DELETE | HEAD", From("POST with a body, GET without"), "How it is asked."),
    key("headers", "table", Nothing, "Sent with it: { accept = \"application/json\", x-api-key = { env = \"NAME\" } }; a secret is { env = .. } or { file = .. }."),
    key("bearer", "table", Nothing, "A token sent as Authorization: Bearer, from { env = \"NAME\" } or { file = \"PATH\" }."),
    key("body", "text", Nothing, "Sent as application/json unless headers say another content-type; may hold the same placeholders."),
    key("request_timeout", "duration", Is("\"10s\""), "The answer is waited for this long."),
    key("status", "number", From("any 2xx"), "The status the answer must have."),
    key("pointer", "JSON pointer", Nothing, "Where the answer's JSON holds the value that equals, min or max speak of."),
    key("equals", "text, number or flag", Nothing, "What that value must be."),
    key("min", "number", Nothing, "The least that value may be; this or max."),
    key("max", "number", Nothing, "The most that value may be."),
    key("contains", "text", Nothing, "What the answer's body must hold."),
    key("max_latency", "duration", Nothing, "The longest the answer may take."),
]);

pub(in crate::config) const HTTP: Section = Section::new("[[gate]] kind = \"http\"", &[
    key("url", "URL", Required, "The endpoint that reports a status. May hold {{version}}, {{version_digest}}, {{side}}, {{service}} and {{environment}}."),
    key("method", "GET | POST | PUT | PATCH | DELETE | HEAD", From("POST with a body, GET without"), "How it is asked."),
    key("headers", "table", Nothing, "Sent with it: { accept = \"application/json\", x-api-key = { env = \"NAME\" } }; a secret is { env = .. } or { file = .. }."),
    key("bearer", "table", Nothing, "A token sent as Authorization: Bearer, from { env = \"NAME\" } or { file = \"PATH\" }."),
    key("body", "text", Nothing, "Sent as application/json unless headers say another content-type; may hold the same placeholders."),
    key("request_timeout", "duration", Is("\"10s\""), "The answer is waited for this long."),
    key("status", "number", From("any 2xx"), "The status the answer must have."),
    key("pointer", "JSON pointer", Nothing, "Where the answer's JSON holds the value that equals, min, max or pending speak of."),
    key("equals", "text, number or flag", Nothing, "The value that passes; any other fails, but for pending."),
    key("min", "number", Nothing, "The least value that passes; this or max."),
    key("max", "number", Nothing, "The largest value that passes."),
    key("pending", "list", Is("[]"), "Values that mean: not yet, e.g. [\"queued\", \"running\"]. So do no answer, 5xx, 429, another answer than JSON, and nothing or null at the pointer."),
    key("contains", "text", Nothing, "What the answer's body must hold."),
    key("max_latency", "duration", Nothing, "The longest the answer may take."),
]);

pub(in crate::config) const PROMETHEUS: Section = Section::new("[[gate]] kind = \"prometheus\"", &[
    key("url", "URL", Required, "The base of its API, without /api/v1."),
    key("query", "PromQL", Required, "An instant query of one value. {{version}}, {{version_digest}}, {{side}}, {{service}} and {{environment}} stand within quotes and are escaped."),
    key("min", "number", Nothing, "The least value that passes; this or max must be written."),
    key("max", "number", Nothing, "The largest value that passes."),
    key("max_age", "duration", Is("\"5m\""), "A sample older than this counts for nothing. No series, NaN, several series, a server that is down: not yet."),
    key("headers", "table", Nothing, "Sent with it: { x-scope-orgid = \"team\" }; a secret is { env = .. } or { file = .. }."),
    key("bearer", "table", Nothing, "A token sent as Authorization: Bearer, from { env = \"NAME\" } or { file = \"PATH\" }."),
    key("request_timeout", "duration", Is("\"10s\""), "The answer is waited for this long."),
]);

pub(in crate::config) const MANUAL: Section = Section::new("[[gate]] kind = \"manual\"", &[
    key("ask", "text", Required, "What the person who signs must have looked at. Signed with cutover approve, for one version; a signature counts for valid_for."),
]);

pub(in crate::config) const EXEC: Section = Section::new("[[gate]] kind = \"exec\"", &[
    key("command", "list of texts", Required, "The program and its arguments; no shell is between. A path starts from the config file. Exit code 0 passes, 1 fails."),
    key("dir", "path", From("the config file's directory"), "Where it runs."),
    key("not_yet_code", "number", Is("75"), "The exit code that means: not yet. So do all codes but 0 and 1, a signal, and the timeout."),
    key("min", "number", Nothing, "The least value allowed, where the command prints {\"value\":..} as JSON; this or max."),
    key("max", "number", Nothing, "The largest value allowed."),
]);

pub(in crate::config) const GUARD: Section = Section::new("[[guard]]", &[
    key("metric", "error_rate | p50 | p95 | p99 | throughput | saturation", Required, "What is watched, on the traffic the router measured, or the servers themselves where it does not measure it. throughput: how far a side's rate falls below what its share and the rate before the step let expect."),
    key("limit", "duration, share or number", Required, "The largest value allowed (or least is written in its place): \"250ms\" for a latency, 0.02 or \"2%\" for error_rate, \"30%\" for a drop of throughput, 20 or \"85%\" for saturation."),
    key("least", "share or number", Nothing, "In place of limit, for a row of which less is worse: the least value allowed, e.g. 25 for tokens a second."),
    key("row", "name", Nothing, "What saturation is of: in_flight, or a row of [metrics]."),
    key("then", "warn | pause | rollback", Required, "What a breach does."),
    key("side", "blue | green", From("the side that is being rolled out"), "The side it watches."),
    key("versus", "table", Nothing, "Compares with the other side too: { side = \"live\", worse_by = \"20%\" }."),
    key("window", "duration", Is("\"30s\""), "The stretch of time looked at, in whole seconds."),
    key("min_samples", "number", Is("100"), "With fewer requests in the window (for throughput: fewer expected) there is no verdict. For saturation: readings, 3 unless written."),
    key("consecutive", "number", Is("3"), "Breaches in a row, one look a second, before it acts."),
]);

pub(in crate::config) const VERSUS: Section = Section::new("versus = { .. }", &[
    key("side", "live", Required, "The side compared with."),
    key("worse_by", "share", Required, "How much worse is too much: 0.2 or \"20%\"."),
    key("sure", "share", Is("\"99%\""), "How sure that has to be before the guard acts, over the whole rollout and however often it looks: at 99% one sound rollout in a hundred is stopped."),
]);

pub(in crate::config) const ALERT: Section = Section::new("[[alert]]", &[
    key("kind", "webhook | slack | command", Required, "How it gets there: JSON by POST, the same in the form Slack and Mattermost take, or a command that reads the JSON."),
    key("name", "name", From("the kind"), "What the place is called on the screen and in the journal; unique."),
    key("on", "list of words", From("all but switched and finalized"), "What is told: guard, gate, paused, rollback, rolled_back, order, drift, standby, disconnect, switched, finalized."),
    key("timeout", "duration", Is("\"5s\""), "One try may take this long; there are six, with growing pauses."),
]);

pub(in crate::config) const ALERT_WEBHOOK: Section = Section::new("[[alert]] kind = \"webhook\"", &[
    key("url", "URL or table", Required, "Where it is posted; { env = \"NAME\" } or { file = \"PATH\" } where the URL is itself the secret. So for slack too."),
    key("headers", "table", Nothing, "Headers, by name: a text, { env = .. } or { file = .. }."),
    key("bearer", "table", Nothing, "A bearer token: { env = .. } or { file = .. }."),
]);

pub(in crate::config) const ALERT_COMMAND: Section = Section::new("[[alert]] kind = \"command\"", &[
    key("command", "list of words", Required, "A program and its arguments, run without a shell; the alert is on its standard input, exit code 0 means taken."),
]);

pub(in crate::config) const LOG: Section = Section::new("[[log]]", &[
    key("name", "name", Required, "What its lines are told by in the log pane; unique, and no gate's."),
    key("file", "path", Nothing, "A file, followed over rotation and truncation, and before it exists; this or command."),
    key("command", "list of words", Nothing, "A program and its arguments, run without a shell: its output is shown; started again when it ends."),
]);
