//! The keys of what decides and what tells: gates, guards, alerts, logs.

use crate::settings::KeyDefault::{From, Is, Nothing, Required};
use crate::settings::{Section, key};

pub(in crate::config) const GATE: Section = Section::new("[[gate]]", &[
    key("kind", "health | golden | smoke | load | integration | http | prometheus | exec | manual", Required, "What is checked."),
    key("name", "name", From("the kind"), "Unique among the gates."),
    key("required", "true | false", Is("true"), "Whether forward commands are blocked until it passes or is overridden."),
    key("valid_for", "duration", Is("\"1h\""), "How long a result counts."),
    key("timeout", "duration", Is("\"5m\""), "Longest time for the whole run. After it the result is: not yet."),
]);

pub(in crate::config) const HEALTH: Section = Section::new("[[gate]] kind = \"health\"", &[
    key("max_latency", "duration", Required, "Longest time for one response."),
    key("path", "path", From("[probe] path"), "Asked on every replica."),
    key("consecutive", "number", Is("3"), "Checks in a row that must succeed on each replica."),
    key("interval", "duration", Is("\"1s\""), "Pause between two checks."),
]);

pub(in crate::config) const GOLDEN: Section = Section::new("[[gate]] kind = \"golden\"", &[
    key("cases", "file", Required, "JSON lines: {\"id\":\"17\",\"request\":{..the body as sent..},\"expect\":\"spam\"}; or a table with a header row when its name ends in .csv or .tsv. At most 100 000 lines."),
    key("path", "path", From("none; /v1/chat/completions for openai"), "Where the requests are posted."),
    key("answer", "JSON pointer", From("none; /outputs/0/data/0 for v2, /choices/0/message/content for openai"), "Place of the answer in the JSON response."),
    key("min_accuracy", "share", Nothing, "Lowest share of right answers: 0.95 or \"95%\". At least one of the four limits is required."),
    key("min_agreement", "share", Nothing, "Lowest share of cases that both sides answer alike. Every case is also sent to the live side."),
    key("max_mean_error", "number", Nothing, "Highest mean absolute error: the mean distance between the answer and the expected number."),
    key("max_error", "number", Nothing, "Highest single distance. An answer that is not a number, or NaN, fails both limits."),
    key("compare", "exact | loose | contains", From("\"exact\"; \"loose\" for openai"), "When an answer counts as the expected one. exact: the same JSON. loose: letter case, white space, and quotes and a full stop around a text do not matter. contains: a text that contains the expected one."),
    key("tolerance", "number", Is("0"), "Numbers that differ by at most this count as the same."),
    key("form", "json | v2 | openai", Is("\"json\""), "What is sent for a case that has no request. json: the request template. v2: an Open Inference v2 tensor of its inputs. openai: a chat completion of its prompt or messages at temperature 0."),
    key("request", "JSON text", Nothing, "For json: the body, with \"{{name}}\" for a case's field or column; if it is alone in its quotes it keeps its type (\"{{name:text}}\" and \"{{name:number}}\" say which), and \"{{inputs}}\" is the list of all inputs."),
    key("tensor", "text", From("`input-0`"), "For v2: the tensor's name; its shape is [1, number of inputs]."),
    key("datatype", "word", From("`FP32`"), "For v2: the tensor's datatype, as the protocol names it."),
    key("model", "text", Nothing, "For openai, where it is required: the name of the model."),
    key("system", "text", Nothing, "For openai: the system message."),
    key("prompt", "text", From("`{{prompt}}`"), "For openai: the user's message, with {{name}} for a case's field or column."),
    key("id", "text", Is("\"id\""), "Field or column that names a case. Without it the line number is the name."),
    key("expect", "text", Is("\"expect\""), "Field or column that holds the expected answer."),
    key("inputs", "list of texts", From("every other column; for JSON lines the field inputs"), "Fields or columns that are the inputs, in their order."),
    key("on_broken", "refuse | skip", Is("\"refuse\""), "What happens with broken lines, each reported with its number. refuse: there is no result. skip: they are left out and counted."),
    key("concurrency", "number", Is("4"), "Requests in flight at once."),
    key("min_cases", "number", Is("50"), "With fewer cases there is no result."),
    key("headers", "table", Nothing, "Sent with every request: { x-tenant = \"a\", x-api-key = { env = \"NAME\" } }; a secret is { env = .. } or { file = .. }."),
    key("bearer", "table", Nothing, "A token sent as Authorization: Bearer, from { env = \"NAME\" } or { file = \"PATH\" }."),
    key("request_timeout", "duration", Is("\"10s\""), "Longest wait for one response."),
]);

pub(in crate::config) const SMOKE: Section = Section::new("[[gate]] kind = \"smoke\"", &[
    key("requests", "file", From("none; not together with sample"), "JSON lines: {\"id\":..,\"path\":..,\"method\":..,\"request\":{..},\"expect\":{\"status\":200}}; 50 to 100 lines are best. expect may hold status, content_type, max_latency_ms, pointer with type, min, max and keys, and by pointer types and ranges."),
    key("sample", "live", Nothing, "Instead of requests: what live traffic asked lately, kept by [gateway] sample = true. The candidate must answer with the same status and content type."),
    key("count", "number", From("`50`"), "At most this many of those requests."),
    key("path", "path", From("none; not needed with sample"), "Path for a request whose line names none."),
    key("max_latency", "duration", Required, "Longest time for one response."),
    key("adversarial", "true | false", Is("true"), "Whether the built-in malformed requests are also sent. They must be refused cleanly."),
    key("headers", "table", Nothing, "Sent with every request; a secret is { env = .. } or { file = .. }."),
    key("bearer", "table", Nothing, "A token sent as Authorization: Bearer, from { env = \"NAME\" } or { file = \"PATH\" }."),
]);

pub(in crate::config) const LOAD: Section = Section::new("[[gate]] kind = \"load\"", &[
    key("requests", "file", Required, "JSON lines like those of a smoke gate, sent over and over. Only the status in expect is checked."),
    key("path", "path", Required, "Path for a request whose line names none."),
    key("rate", "number", Nothing, "Requests per second, held for duration. Write this or stages."),
    key("duration", "duration", Nothing, "How long the rate is held. Peak traffic for 10 to 15 minutes is best."),
    key("ramp", "duration", Is("\"0s\""), "How long the rate rises from 0 before it is held."),
    key("stages", "list of tables", Nothing, "Several rates, one after the other, each as a table or a [[gate.stages]] below the gate. Replaces rate, duration and ramp."),
    key("max_p99", "duration", Required, "Limit for 99 of 100 responses, counted from the moment each request was due."),
    key("max_p95", "duration", Nothing, "Limit for 95 of 100 responses."),
    key("max_p50", "duration", Nothing, "Limit for half of the responses."),
    key("max_error_rate", "share", Required, "Share of requests that may fail: 0.001 or \"0.1%\"."),
    key("min_rate", "share", Is("\"95%\""), "Lowest share of the intended rate. A side that reaches less is saturated."),
    key("connections", "number", Is("64"), "Requests in flight at once, over all replicas."),
    key("saturation", "table", Nothing, "A metric of the replicas that stops the load: { metric = \"queue_depth\", limit = 20 }, read once a second."),
]);

pub(in crate::config) const STAGE: Section = Section::new("[[gate.stages]]", &[
    key("rate", "number", Required, "Requests per second at the end of the stage."),
    key("for", "duration", Required, "How long the stage lasts."),
    key("from", "number", From("rate, so it is constant"), "Requests per second at its start, for a ramp."),
]);

pub(in crate::config) const SATURATION: Section = Section::new("saturation = { .. }", &[
    key("metric", "text", Required, "Its name on the metrics page. It may name labels, as name{label=\"value\"}. Of several series the highest counts."),
    key("limit", "number", Required, "Largest value allowed."),
    key("url", "path or URL", Is("\"/metrics\""), "Place of the metrics page: a path on every replica, or an absolute URL. If it cannot be read, the load ends with: not yet."),
    key("port", "number", From("the replica's"), "Port of the page, if it is a different one."),
    key("consecutive", "number", Is("3"), "Readings above the limit in a row that stop the load."),
]);

pub(in crate::config) const INTEGRATION: Section = Section::new("[[gate]] kind = \"integration\"", &[
    key("steps", "list of tables", Required, "The calls, in order. The first that fails ends the run. Each is a table, or a [[gate.steps]] below the gate."),
]);

pub(in crate::config) const STEP: Section = Section::new("[[gate.steps]]", &[
    key("name", "text", Required, "Name of the step."),
    key("url", "URL or path", Required, "Asked once. A path is asked on every replica of the candidate. May hold {{version}}, {{version_digest}}, {{side}}, {{service}} and {{environment}}."),
    key("method", "GET | POST | PUT | PATCH | DELETE | HEAD", From("POST with a body, GET without"), "Method of the request."),
    key("headers", "table", Nothing, "Sent with it: { accept = \"application/json\", x-api-key = { env = \"NAME\" } }; a secret is { env = .. } or { file = .. }."),
    key("bearer", "table", Nothing, "A token sent as Authorization: Bearer, from { env = \"NAME\" } or { file = \"PATH\" }."),
    key("body", "text", Nothing, "Sent as application/json unless headers say another content-type; may hold the same placeholders."),
    key("request_timeout", "duration", Is("\"10s\""), "Longest wait for the response."),
    key("status", "number", From("any 2xx"), "Status that the response must have."),
    key("pointer", "JSON pointer", Nothing, "Place of the value for equals, min or max in the JSON response."),
    key("equals", "text, number or flag", Nothing, "Value that it must have."),
    key("min", "number", Nothing, "Lowest value allowed. Write this or max, or both."),
    key("max", "number", Nothing, "Highest value allowed."),
    key("contains", "text", Nothing, "Text that the body of the response must contain."),
    key("max_latency", "duration", Nothing, "Longest time for the response."),
]);

pub(in crate::config) const HTTP: Section = Section::new("[[gate]] kind = \"http\"", &[
    key("url", "URL", Required, "The endpoint that reports a status. May hold {{version}}, {{version_digest}}, {{side}}, {{service}} and {{environment}}."),
    key("method", "GET | POST | PUT | PATCH | DELETE | HEAD", From("POST with a body, GET without"), "Method of the request."),
    key("headers", "table", Nothing, "Sent with it: { accept = \"application/json\", x-api-key = { env = \"NAME\" } }; a secret is { env = .. } or { file = .. }."),
    key("bearer", "table", Nothing, "A token sent as Authorization: Bearer, from { env = \"NAME\" } or { file = \"PATH\" }."),
    key("body", "text", Nothing, "Sent as application/json unless headers say another content-type; may hold the same placeholders."),
    key("request_timeout", "duration", Is("\"10s\""), "Longest wait for the response."),
    key("status", "number", From("any 2xx"), "Status that the response must have."),
    key("pointer", "JSON pointer", Nothing, "Place of the value for equals, min, max or pending in the JSON response."),
    key("equals", "text, number or flag", Nothing, "Value that passes. Any other fails, except those of pending."),
    key("min", "number", Nothing, "Lowest value that passes. Write this or max, or both."),
    key("max", "number", Nothing, "Highest value that passes."),
    key("pending", "list", Is("[]"), "Values that mean: not yet, e.g. [\"queued\", \"running\"]. No response, 5xx, 429, a response that is not JSON, and nothing or null at the pointer mean the same."),
    key("contains", "text", Nothing, "Text that the body of the response must contain."),
    key("max_latency", "duration", Nothing, "Longest time for the response."),
]);

pub(in crate::config) const PROMETHEUS: Section = Section::new("[[gate]] kind = \"prometheus\"", &[
    key("url", "URL", Required, "The base of its API, without /api/v1."),
    key("query", "PromQL", Required, "An instant query of one value. {{version}}, {{version_digest}}, {{side}}, {{service}} and {{environment}} must be inside quotes and are escaped."),
    key("min", "number", Nothing, "Lowest value that passes. Write this or max, or both."),
    key("max", "number", Nothing, "Highest value that passes."),
    key("max_age", "duration", Is("\"5m\""), "An older sample is ignored. No series, NaN, several series and a server that is down mean: not yet."),
    key("headers", "table", Nothing, "Sent with it: { x-scope-orgid = \"team\" }; a secret is { env = .. } or { file = .. }."),
    key("bearer", "table", Nothing, "A token sent as Authorization: Bearer, from { env = \"NAME\" } or { file = \"PATH\" }."),
    key("request_timeout", "duration", Is("\"10s\""), "Longest wait for the response."),
]);

pub(in crate::config) const MANUAL: Section = Section::new("[[gate]] kind = \"manual\"", &[
    key("ask", "text", Required, "What the person who signs must check. It is signed with cutover approve, for one version. A signature counts for valid_for."),
]);

pub(in crate::config) const EXEC: Section = Section::new("[[gate]] kind = \"exec\"", &[
    key("command", "list of texts", Required, "The program and its arguments, run without a shell. A path starts from the config file. Exit code 0 passes, 1 fails."),
    key("dir", "path", From("the config file's directory"), "Where it runs."),
    key("not_yet_code", "number", Is("75"), "Exit code that means: not yet. All codes other than 0 and 1, a signal, and the timeout mean the same."),
    key("min", "number", Nothing, "Lowest value allowed, when the command prints {\"value\":..} as JSON. Write this or max, or both."),
    key("max", "number", Nothing, "Largest value allowed."),
]);

pub(in crate::config) const GUARD: Section = Section::new("[[guard]]", &[
    key("metric", "error_rate | p50 | p95 | p99 | throughput | saturation", Required, "What is watched: the traffic that the router measures, or what the servers measure when the router does not. throughput: how far the rate of a side falls below what its share and the rate before the step predict."),
    key("limit", "duration, share or number", Required, "Largest value allowed (or write least instead): \"250ms\" for a latency, 0.02 or \"2%\" for error_rate, \"30%\" for a drop of throughput, 20 or \"85%\" for saturation."),
    key("least", "share or number", Nothing, "Instead of limit, for a row where less is worse: the smallest value allowed, for example 25 for tokens a second."),
    key("row", "name", Nothing, "What saturation watches: in_flight, or a row of [metrics]."),
    key("then", "warn | pause | rollback", Required, "What a breach does."),
    key("side", "blue | green", From("the side that is being rolled out"), "The side that it watches."),
    key("versus", "table", Nothing, "Also compares with the other side: { side = \"live\", worse_by = \"20%\" }."),
    key("window", "duration", Is("\"30s\""), "Length of time that it looks at, in whole seconds."),
    key("min_samples", "number", Is("100"), "With fewer requests in the window (for throughput: fewer expected ones) there is no result. For saturation it counts readings, 3 by default."),
    key("consecutive", "number", Is("3"), "Breaches in a row before it acts. It looks once a second."),
]);

pub(in crate::config) const VERSUS: Section = Section::new("versus = { .. }", &[
    key("side", "live", Required, "The side to compare with."),
    key("worse_by", "share", Required, "How much worse is too much: 0.2 or \"20%\"."),
    key("sure", "share", Is("\"99%\""), "How sure the guard must be before it acts, over the whole rollout and however often it looks. At 99% it stops at most one sound rollout in a hundred."),
]);

pub(in crate::config) const ALERT: Section = Section::new("[[alert]]", &[
    key("kind", "webhook | slack | command", Required, "How the alert is sent. webhook: JSON by POST. slack: in the form that Slack and Mattermost accept. command: a command that reads the JSON."),
    key("name", "name", From("the kind"), "Name of the place on the screen and in the journal; unique."),
    key("on", "list of words", From("all but switched and finalized"), "Events that send an alert: guard, gate, paused, rollback, rolled_back, order, drift, standby, disconnect, switched, finalized."),
    key("timeout", "duration", Is("\"5s\""), "Longest time for one try. There are six tries, with growing pauses."),
]);

pub(in crate::config) const ALERT_WEBHOOK: Section = Section::new("[[alert]] kind = \"webhook\"", &[
    key("url", "URL or table", Required, "Address for the POST; { env = \"NAME\" } or { file = \"PATH\" } when the URL itself is the secret. The same for slack."),
    key("headers", "table", Nothing, "Headers, by name: a text, { env = .. } or { file = .. }."),
    key("bearer", "table", Nothing, "A bearer token: { env = .. } or { file = .. }."),
]);

pub(in crate::config) const ALERT_COMMAND: Section = Section::new("[[alert]] kind = \"command\"", &[
    key("command", "list of words", Required, "A program and its arguments, run without a shell. It reads the alert on standard input; exit code 0 means that it was taken."),
]);

pub(in crate::config) const LOG: Section = Section::new("[[log]]", &[
    key("name", "name", Required, "Label in the log pane; unique, and not the name of a gate."),
    key("file", "path", Nothing, "A file. It is followed over rotation and truncation, and before it exists. Write this or command."),
    key("command", "list of words", Nothing, "A program and its arguments, run without a shell. Its output is shown. It is started again when it ends."),
]);
