//! The keys of `[backend]` for commands and calls.

use crate::settings::KeyDefault::{From, Is, Nothing, Required};
use crate::settings::{Section, key};

pub(super) const EXEC: Section = Section::new("[backend] kind = \"exec\"", &[
    key("read", "list of texts", Required, "The command that prints the split as JSON: {\"split\":{\"green\":10},\"revision\":\"7\"}; a program and its arguments, no shell is between. It may also print replicas, versions, mixed and notes."),
    key("set", "list of texts", Nothing, "The command that sets a split. Words may hold {{blue}} {{green}} (percent), {{from}} {{to}} (sides), {{move}}, {{order}}, {{expected}} (the revision on the screen), {{revision}} (read last), {{service}}; each is in the environment too, as CUTOVER_GREEN."),
    key("switch", "list of texts", From("set"), "The command that moves all traffic to {{to}}."),
    key("rollback", "list of texts", From("switch or set"), "The command that goes back, for rollback and abort."),
    key("dir", "path", From("the config file's directory"), "Where the commands run."),
    key("conflict_code", "number", Is("75"), "The exit code that means: the state is another than {{expected}}. 0 accepted, 77 not allowed, 69 not reachable and nothing done, 64 refused; with any other it may have happened."),
]);

pub(super) const HTTP: Section = Section::new("[backend] kind = \"http\"", &[
    key("read", "table", Required, "The call that answers the split as JSON: {\"split\":{\"green\":10},\"revision\":\"7\"}. As a table, or as [backend.read] below."),
    key("set", "table", Nothing, "The call that sets a split. 2xx accepted, 409 and 412 the state is another than expected, 401 and 403 not allowed, other 4xx refused; with any other it may have happened."),
    key("switch", "table", From("set"), "The call that moves all traffic to {{to}}."),
    key("rollback", "table", From("switch or set"), "The call that goes back, for rollback and abort."),
    key("revision_header", "header name", Nothing, "The response header that holds the revision, e.g. etag; without quotes in {{expected}}."),
]);

pub(super) const BOTH: Section = Section::new("[backend] kind = \"exec\" or \"http\"", &[
    key("weights", "any | all_or_nothing | list of percents", From("any; all_or_nothing without set"), "Which shares of green can be set."),
    key("async", "true | false", Is("false"), "Whether a change takes effect some time after it was accepted."),
    key("survives_restart", "true | false", Is("false"), "Whether the split outlives a restart of the router."),
    key("compare_and_set", "true | false", Is("false"), "Whether the acts themselves refuse when {{expected}} is no longer the revision. Otherwise cutover reads once more before it acts."),
    key("green", "JSON pointer", Is("\"/split/green\""), "Where the answer of read holds green's share in percent; its weight, when blue is written too."),
    key("blue", "JSON pointer", Nothing, "Where it holds blue's weight, for systems that have weights and no percents."),
    key("revision", "JSON pointer", Is("\"/revision\""), "Where it holds the revision: letters, digits and . _ : + / = @ , -. Without one the split itself is the revision."),
    key("timeout", "duration", Is("\"10s\""), "An act that takes longer is ended, with everything it started; it may have happened. A reading has 1.8s."),
]);

pub(super) const CALL: Section = Section::new("[backend.read], [backend.set], ...", &[
    key("url", "URL", Required, "May hold the placeholders that the commands of kind = \"exec\" may hold, here and in headers and body."),
    key("method", "GET | POST | PUT | PATCH | DELETE | HEAD", From("GET to read, POST with a body; otherwise required"), "Method of the request."),
    key("headers", "table", Nothing, "Sent with it: { if-match = \"\\\"{{expected}}\\\"\", x-api-key = { env = \"NAME\" } }; a secret is { env = .. } or { file = .. }."),
    key("bearer", "table", Nothing, "A token sent as Authorization: Bearer, from { env = \"NAME\" } or { file = \"PATH\" }."),
    key("body", "text", Nothing, "Sent as application/json unless headers say another content-type."),
]);
