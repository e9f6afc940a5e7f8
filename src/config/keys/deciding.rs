//! The keys of gates, guards, alerts and logs.

use crate::settings::KeyDefault::{From, Is, Nothing, Required};
use crate::settings::{Section, key};

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
