//! What the `[[gate]]`s mean that hold a side's answers against what is known: golden and smoke.

use crate::domain::gate::{CaseFields, Compare, GoldenForm, GoldenLimits, GoldenSpec, SmokeSource};
use crate::domain::template::Template;
use crate::domain::{GateKind, GateSpec};
use crate::settings::{Node, Table, call, quote, values};

const SECOND: u64 = 1000;
const HOUR: u64 = 3600 * SECOND;
/// A golden set has no more lines.
const MAX_CASES: u64 = 100_000;
/// The gateway keeps no more requests.
const MAX_SAMPLES: u64 = 100;

/// A gate that compares predictions with a golden set.
pub(super) fn golden(table: &Table<'_>, timeout_ms: u64) -> Option<GateKind> {
    let cases =
        table.need("cases", "name a file of JSON lines, or a .csv").and_then(|node| values::readable_file(&node));
    let forms = [("json", Form::Json), ("v2", Form::V2), ("openai", Form::OpenAi)];
    let word = table.get("form").map_or(Some(Form::Json), |node| node.choice(&forms));
    let form = form(table, word);
    let is_chat = word == Some(Form::OpenAi);
    let path = path(table, if is_chat { Some("/v1/chat/completions") } else { None });
    let answer = answer(table, word);
    let compares = [("exact", Compare::Exact), ("loose", Compare::Loose), ("contains", Compare::Contains)];
    let usual = if is_chat { Compare::Loose } else { Compare::Exact };
    let compare = table.get("compare").map_or(Some(usual), |node| node.choice(&compares));
    let tolerance = table.get("tolerance").map_or(Some(0.0), |node| distance(&node));
    let limits = limits(table);
    let concurrency = usize::try_from(table.number("concurrency", 1..=64, 4)).ok()?;
    let min_cases = usize::try_from(table.number("min_cases", 1..=MAX_CASES, 50)).ok()?;
    let broken = [("refuse", false), ("skip", true)];
    let skips_broken = table.get("on_broken").map_or(Some(false), |node| node.choice(&broken));
    let headers = call::headers(table);
    let own_timeout = table.duration("request_timeout", 10..=300 * SECOND, 10 * SECOND);
    if let Some(node) = table.get("request_timeout").filter(|_| own_timeout > timeout_ms) {
        node.fault("is longer than the whole run may take".into(), "raise timeout, or lower it");
    }
    let fields = fields(table);
    let spec = GoldenSpec {
        cases: cases?,
        fields: fields?,
        path: path?,
        form: form?,
        answer: answer?,
        compare: compare?,
        tolerance: tolerance?,
        limits: limits?,
        concurrency,
        min_cases,
        skips_broken: skips_broken?,
        headers: headers?,
        timeout_ms: own_timeout,
    };
    if spec.separator().is_some() && matches!(spec.form, GoldenForm::Json { template: None }) {
        table.fault(
            "the rows of a table say nothing of the request".into(),
            "write request = '{..}' with {{column}} in it, or form = \"v2\" or \"openai\"",
        );
        return None;
    }
    Some(GateKind::Golden(Box::new(spec)))
}

fn path(table: &Table<'_>, usual: Option<&str>) -> Option<String> {
    match (table.get("path"), usual) {
        (Some(node), _) => values::http_path(&node),
        (None, Some(usual)) => Some(usual.to_owned()),
        (None, None) => {
            table.need("path", "write e.g. path = \"/v2/models/spam/infer\"").and_then(|node| values::http_path(&node))
        }
    }
}

fn answer(table: &Table<'_>, form: Option<Form>) -> Option<String> {
    let usual = match form {
        Some(Form::V2) => Some("/outputs/0/data/0"),
        Some(Form::OpenAi) => Some("/choices/0/message/content"),
        Some(Form::Json) | None => None,
    };
    match (table.get("answer"), usual) {
        (None, Some(usual)) => Some(usual.to_owned()),
        _ => table.need("answer", "write e.g. answer = \"/outputs/0/data/0\"").and_then(|node| values::pointer(&node)),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Json,
    V2,
    OpenAi,
}

/// The keys that belong to one form alone.
const FORM_KEYS: [(&str, Form, &str); 6] = [
    ("request", Form::Json, "json"),
    ("tensor", Form::V2, "v2"),
    ("datatype", Form::V2, "v2"),
    ("model", Form::OpenAi, "openai"),
    ("system", Form::OpenAi, "openai"),
    ("prompt", Form::OpenAi, "openai"),
];

fn form(table: &Table<'_>, form: Option<Form>) -> Option<GoldenForm> {
    let text = |key: &str| table.get(key).map(|node| node.lines().map(str::to_owned));
    let filled = |key: &str, example: &str, parse: fn(&str) -> Result<Template, String>| {
        table.get(key).map(|node| {
            let text = node.lines()?;
            parse(text).map_or_else(|what| node.refuse(what, example), |_| Some(text.to_owned()))
        })
    };
    let template = filled("request", "write e.g. request = '{\"age\": \"{{age}}\"}'", Template::parse);
    let prompt = filled("prompt", "write e.g. prompt = \"Is this spam? {{text}}\"", Template::text);
    let datatype = table.get("datatype").map_or(Some("FP32"), |node| node.choice(&DATATYPES));
    let (tensor, system, model) = (text("tensor"), text("system"), text("model"));
    let form = form?;
    for (key, of, name) in FORM_KEYS {
        if let Some(node) = table.get(key).filter(|_| form != of) {
            node.fault(format!("belongs to form = \"{name}\""), format!("write form = \"{name}\", or remove it"));
        }
    }
    match form {
        Form::Json => Some(GoldenForm::Json { template: values::given(template)? }),
        Form::V2 => {
            let tensor = values::given(tensor)?.unwrap_or_else(|| "input-0".to_owned());
            Some(GoldenForm::V2 { tensor, datatype: datatype?.to_owned() })
        }
        Form::OpenAi => {
            table.need("model", "write the model's name")?;
            let prompt = values::given(prompt)?.unwrap_or_else(|| "{{prompt}}".to_owned());
            Some(GoldenForm::OpenAi { model: values::given(model)??, system: values::given(system)?, prompt })
        }
    }
}

/// Those of the Open Inference protocol that JSON can carry.
const DATATYPES: [(&str, &str); 13] = [
    ("FP64", "FP64"),
    ("FP32", "FP32"),
    ("FP16", "FP16"),
    ("INT64", "INT64"),
    ("INT32", "INT32"),
    ("INT16", "INT16"),
    ("INT8", "INT8"),
    ("UINT64", "UINT64"),
    ("UINT32", "UINT32"),
    ("UINT16", "UINT16"),
    ("UINT8", "UINT8"),
    ("BOOL", "BOOL"),
    ("BYTES", "BYTES"),
];

fn fields(table: &Table<'_>) -> Option<CaseFields> {
    let usual = CaseFields::default();
    let name = |key: &str, usual: String| table.get(key).map_or(Some(usual), |node| field(&node));
    let inputs = table.get("inputs").map(|node| {
        let example = "write e.g. [\"age\", \"amount\"]";
        let items = node.list(example)?;
        if items.is_empty() {
            return node.refuse("names no field".into(), example);
        }
        items.iter().map(field).collect::<Option<Vec<_>>>()
    });
    Some(CaseFields {
        id: name("id", usual.id)?,
        expect: name("expect", usual.expect)?,
        inputs: values::given(inputs)?,
    })
}

fn field(node: &Node<'_>) -> Option<String> {
    let text = node.text()?;
    if text.is_empty() { node.refuse("names no field".into(), "write its name") } else { Some(text.to_owned()) }
}

fn limits(table: &Table<'_>) -> Option<GoldenLimits> {
    let share = |key: &str| table.get(key).map(|node| share(&node, &format!("write e.g. {key} = 0.95")));
    let number = |key: &str| table.get(key).map(|node| distance(&node));
    let (accuracy, agreement) = (share("min_accuracy"), share("min_agreement"));
    let (mean, most) = (number("max_mean_error"), number("max_error"));
    let limits = GoldenLimits {
        min_accuracy: values::given(accuracy)?,
        min_agreement: values::given(agreement)?,
        max_mean_error: values::given(mean)?,
        max_error: values::given(most)?,
    };
    if limits == GoldenLimits::default() {
        let remedy = "write e.g. min_accuracy = 0.95, or min_agreement, max_mean_error or max_error";
        table.fault("min_accuracy is missing".into(), remedy);
        return None;
    }
    Some(limits)
}

fn share(node: &Node<'_>, example: &str) -> Option<f64> {
    let share = node.share(example)?;
    let fits = share > 0.0 && share <= 1.0;
    if fits { Some(share) } else { node.refuse(format!("{share} is not above 0 and at most 1"), example) }
}

/// A distance between numbers, in the unit of the answers.
fn distance(node: &Node<'_>) -> Option<f64> {
    let number = node.amount()?;
    if number >= 0.0 {
        return Some(number);
    }
    node.refuse(format!("no distance is below 0, so {number} can never be kept"), "write 0 or more")
}

/// A gate that sends representative requests.
pub(super) fn smoke(table: &Table<'_>) -> Option<GateKind> {
    let source = source(table);
    let path = path(table, table.get("sample").map(|_| "/"));
    let limit =
        table.need("max_latency", "write e.g. max_latency = \"500ms\"").and_then(|node| node.duration(1..=HOUR));
    let adversarial = table.flag("adversarial", true);
    let headers = call::headers(table);
    Some(GateKind::Smoke { source: source?, path: path?, max_latency_ms: limit?, adversarial, headers: headers? })
}

fn source(table: &Table<'_>) -> Option<SmokeSource> {
    let count = table.number("count", 1..=MAX_SAMPLES, 50);
    let Some(node) = table.get("sample") else {
        if let Some(node) = table.get("count") {
            node.fault("belongs to sample = \"live\"".into(), "remove it: of a file every line is sent");
        }
        let file = table.need("requests", "name a file of JSON lines")?;
        return values::readable_file(&file).map(SmokeSource::File);
    };
    node.choice(&[("live", ())])?;
    if let Some(file) = table.get("requests") {
        return file.refuse(format!("{} stands beside sample = \"live\"", quote(file.text()?)), "keep one of the two");
    }
    Some(SmokeSource::Live { count: usize::try_from(count).ok()? })
}

/// Why a gate that samples live traffic would never have any.
pub(super) fn no_samples(root: &Table<'_>, spec: &GateSpec) -> Option<String> {
    let GateKind::Smoke { source: SmokeSource::Live { .. }, .. } = &spec.kind else { return None };
    let word =
        |section: &str, key: &str| root.get(section).and_then(|node| node.table()).and_then(|table| table.get(key));
    if let Some(kind) = word("backend", "kind").and_then(|node| node.text()).filter(|kind| *kind != "embedded") {
        return Some(format!("{} keeps no requests of live traffic", quote(kind)));
    }
    // A gateway that another file describes is asked when the gate runs.
    root.get("gateway")?;
    let keeps = word("gateway", "sample").and_then(|node| node.flag()).unwrap_or(false);
    (!keeps).then(|| "the gateway keeps no requests of live traffic".to_owned())
}
