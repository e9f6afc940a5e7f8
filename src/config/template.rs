//! The commented config that `cutover init` writes, with every key. Keys with a default are commented out.
//!
//! A line that starts with `# ` is prose. A line that starts with `#` and a letter or bracket is a key or section;
//! remove its `#` to use it.

use std::fmt::Write as _;

use super::keys;
use crate::backend::kinds;
use crate::gate::kinds::KINDS;
use crate::gate::{GATE, Kind};
use crate::settings::{KeyDefault, KeyDoc, Section, TRANSPORT};

/// The answers to the questions of `cutover init`, or the values from its command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answers {
    /// The service's name.
    pub service: String,
    /// Its environment; may be empty.
    pub environment: String,
    /// Blue's URLs.
    pub blue: Vec<String>,
    /// Green's URLs.
    pub green: Vec<String>,
    /// IP address and port where the embedded gateway accepts traffic.
    pub listen: String,
}

impl Default for Answers {
    fn default() -> Self {
        Self {
            service: "my-model".into(),
            environment: "staging".into(),
            blue: vec!["http://127.0.0.1:8001".into()],
            green: vec!["http://127.0.0.1:8002".into()],
            listen: "127.0.0.1:8080".into(),
        }
    }
}

/// The text of a commented config. It is valid TOML for any answers; [`super::parse`] checks whether the answers make
/// sense.
pub fn template(answers: &Answers) -> String {
    let mut out = Out(String::from(
        "# One service and its two sides. `cutover check` validates this file.\n\
         # A line that begins with # and a letter is a key with its default, or an example: remove the # to\n\
         # use it; in a gate or guard, that of the whole block.\n",
    ));
    let listen = quoted(&answers.listen);
    out.section(
        "[service]",
        &keys::SERVICE,
        &[("name", &quoted(&answers.service)), ("environment", &quoted(&answers.environment))],
    );
    out.section("[blue]", &keys::SIDE, &[("urls", &list(&answers.blue))]);
    out.line("# One of these three:");
    out.line("#version = \"v41\"");
    out.line("#version = { path = \"/v2/models/my-model\", pointer = \"/versions/0\" }");
    out.line("#version = { path = \"/v2/health/ready\", header = \"x-model-version\" }");
    out.line("\n[green]");
    out.line(&format!("urls = {}", list(&answers.green)));
    out.section("[backend]", &kinds::COMMON, &[("kind", "\"embedded\"")]);
    out.section("[gateway]", &keys::GATEWAY, &[("listen", &listen)]);
    out.section("[state]", &keys::STATE, &[]);
    out.section("[probe]", &keys::PROBE, &[]);
    out.prose("The keys of [probe.openai]:", &keys::PROBE_OPENAI);
    out.line("\n# The users' own address: what they get is asked there, and decides beside the router's word.");
    out.section(
        "#[front]",
        &keys::FRONT,
        &[("url", "\"https://scores.example.com\""), ("version", "{ path = \"/\", header = \"x-model-version\" }")],
    );
    out.line("\n# What the model servers export of themselves: rows in the panels, and what guards can watch.");
    out.section("#[metrics]", &keys::METRICS, &[("preset", "\"process\"")]);
    out.prose("A row's keys, under [[metrics.row]]:", &keys::METRICS_ROW);
    out.prose("The keys of [metrics.traffic]:", &keys::METRICS_TRAFFIC);
    out.prose("The keys of every table that makes requests, [probe] and [metrics] too:", &TRANSPORT);
    out.section("[plan]", &keys::PLAN, &[]);
    out.section("[prompts]", &keys::PROMPTS, &[]);
    out.section("[ui]", &keys::UI, &[]);
    out.line("\n# Gates: checks that must pass before traffic moves. Their limits have no defaults.");
    for kind in KINDS {
        out.gate(kind);
    }
    out.line("\n# Guards: checks while traffic moves and in the rollback window.");
    out.section(
        "#[[guard]]",
        &keys::GUARD,
        &[("metric", "\"error_rate\""), ("limit", "\"2%\""), ("then", "\"rollback\"")],
    );
    out.line("\n#[[guard]]\n#metric = \"p99\"\n#limit = \"250ms\"\n#then = \"pause\"");
    out.line("#versus = { side = \"live\", worse_by = \"20%\" }");
    alerts(&mut out);
    out.line("\n# Logs of yours, shown in the console's log pane beside those of the gates; 16 at most.");
    out.section("#[[log]]", &keys::LOG, &[("name", "\"model-blue\""), ("file", "\"/var/log/model-blue.log\"")]);
    out.line("\n#[[log]]\n#name = \"model-green\"\n#command = [\"journalctl\", \"-fu\", \"model-green\"]");
    out.0
}

/// The section for alerts.
fn alerts(out: &mut Out) {
    out.line("\n# Alerts: who is told what went wrong, with its diagnosis; 16 at most. `cutover alert` tries them.");
    out.section("#[[alert]]", &keys::ALERT, &[("kind", "\"webhook\"")]);
    out.keys("#", &keys::ALERT_WEBHOOK, &[("url", "\"https://pager.example/hooks/ml\"")]);
    out.line("\n#[[alert]]\n#kind = \"command\"");
    out.keys("#", &keys::ALERT_COMMAND, &[("command", "[\"page\", \"--team\", \"ml\"]")]);
}

struct Out(String);

impl Out {
    fn line(&mut self, line: &str) {
        self.0.push_str(line);
        self.0.push('\n');
    }

    /// A section with every key of the reference. The keys in `given` are written with their values.
    fn section(&mut self, header: &str, section: &Section, given: &[(&str, &str)]) {
        self.line(&format!("\n{header}"));
        let off = if header.starts_with('#') { "#" } else { "" };
        self.keys(off, section, given);
    }

    fn gate(&mut self, kind: &Kind) {
        self.line(&format!("\n#[[gate]]\n#kind = \"{}\"", kind.name));
        self.keys("#", kind.keys[1], kind.example);
        if kind.name == KINDS[0].name {
            self.line("# These four may be written in every gate:");
            GATE.keys().filter(|doc| doc.key != "kind").for_each(|doc| self.key("#", &doc, None));
        }
        for (opening, section) in kind.parts.iter().filter(|(opening, _)| !opening.is_empty()) {
            self.prose(opening, section);
        }
    }

    fn prose(&mut self, opening: &str, section: &Section) {
        self.line(&format!("# {opening}"));
        for doc in section.keys() {
            self.line(&format!("# {}: {}", doc.key, doc.doc));
        }
    }

    fn keys(&mut self, off: &str, section: &Section, given: &[(&str, &str)]) {
        for doc in section.keys() {
            let value = given.iter().find(|(key, _)| *key == doc.key).map(|(_, value)| *value);
            self.key(off, &doc, value);
        }
    }

    fn key(&mut self, off: &str, doc: &KeyDoc, given: Option<&str>) {
        let key = doc.key;
        let _ = match (given, doc.default) {
            (Some(value), _) => writeln!(self.0, "# {}\n{off}{key} = {value}", doc.doc),
            (None, KeyDefault::Is(value)) => writeln!(self.0, "# {}\n#{key} = {value}", doc.doc),
            (None, KeyDefault::From(words)) => {
                writeln!(self.0, "# {key}: {} Default: {}.", doc.doc, words.replace("&lt;", "<"))
            }
            (None, KeyDefault::Nothing | KeyDefault::Required) => writeln!(self.0, "# {key}: {}", doc.doc),
        };
    }
}

fn list(items: &[String]) -> String {
    format!("[{}]", items.iter().map(|item| quoted(item)).collect::<Vec<_>>().join(", "))
}

/// A TOML basic string.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string().replace('\u{7f}', "\\u007F")
}
