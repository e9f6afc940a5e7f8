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
pub(super) const GUARD: &str = "[[guard]]";
pub(super) const VERSUS: &str = "versus = { .. }";
pub(super) const LOG: &str = "[[log]]";

/// The sections of a file, in the order in which the template writes them.
pub(super) const TOP: [&str; 13] = [
    "service", "blue", "green", "probe", "backend", "gateway", "state", "ui", "plan", "prompts", "gate", "guard", "log",
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

    key(BACKEND, "kind", "word", Required, "The traffic system; this version drives: embedded."),
    key(BACKEND, "admin", "path or address", From("[gateway] admin"), "Where the gateway's admin interface is found, when this file has no [gateway]: a socket path or a loopback address."),
    key(BACKEND, "admin_token", "table", Nothing, "The admin interface's token, when admin is an address: { env = \"NAME\" } or { file = \"PATH\" }."),
    key(BACKEND, "verify_timeout", "duration", Is("\"10s\""), "An order that is not read back within this time is told as late."),

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

    key(GATE, "kind", "health | golden | smoke", Required, "What is checked."),
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

    key(GUARD, "metric", "error_rate | p50 | p95 | p99", Required, "What is watched, on the traffic the router measured."),
    key(GUARD, "limit", "duration or share", Required, "The largest value allowed: \"250ms\" for a latency, 0.02 or \"2%\" for error_rate."),
    key(GUARD, "then", "warn | pause | rollback", Required, "What a breach does."),
    key(GUARD, "side", "blue | green", From("the side that is being rolled out"), "The side it watches."),
    key(GUARD, "versus", "table", Nothing, "Compares with the other side too: { side = \"live\", worse_by = \"20%\" }."),
    key(GUARD, "window", "duration", Is("\"30s\""), "The stretch of time looked at, in whole seconds."),
    key(GUARD, "min_samples", "number", Is("100"), "With fewer requests in the window there is no verdict."),
    key(GUARD, "consecutive", "number", Is("3"), "Breaches in a row, one look a second, before it acts."),

    key(VERSUS, "side", "live", Required, "The side compared with."),
    key(VERSUS, "worse_by", "share", Required, "How much worse is too much: 0.2 or \"20%\"."),
    key(VERSUS, "sure", "share", Is("\"99%\""), "How sure that has to be before the guard acts, over the whole rollout and however often it looks: at 99% one sound rollout in a hundred is stopped."),

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
