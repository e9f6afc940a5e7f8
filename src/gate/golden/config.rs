//! Reading the table of a golden gate.

use super::super::check::{Around, GATE, Kind, Read};
use super::super::expect;
use super::spec::{CaseFields, Compare, GoldenForm, GoldenLimits, GoldenSpec};
use crate::domain::template::Template;
use crate::settings::{Node, Section, Table, call, values};

const SECOND: u64 = 1000;
/// A golden set has no more lines.
const MAX_CASES: u64 = 100_000;
/// The most fields of a case.
const MAX_FIELDS: usize = 10_000;

pub(in crate::gate) const KIND: Kind = Kind {
    name: "golden",
    keys: &[&GATE, &KEYS],
    parts: &[],
    example: &[
        ("cases", "\"golden.jsonl\""),
        ("path", "\"/v2/models/my-model/infer\""),
        ("answer", "\"/outputs/0/data/0\""),
        ("min_accuracy", "0.95"),
    ],
    read,
};

const KEYS: Section = Section::new("[[gate]] kind = \"golden\"", include_str!("../keys/golden.md"));

fn read(table: &Table<'_>, around: &Around<'_>) -> Option<Read> {
    let cases =
        table.need("cases", "name a file of JSON lines, or a .csv").and_then(|node| values::readable_file(&node));
    let forms = [("json", Form::Json), ("v2", Form::V2), ("openai", Form::OpenAi)];
    let word = table.or("form", Form::Json, |node| node.choice(&forms));
    let form = form(table, word);
    let is_chat = word == Some(Form::OpenAi);
    let path = expect::path(table, if is_chat { Some("/v1/chat/completions") } else { None });
    let answer = answer(table, word);
    let compares = [("exact", Compare::Exact), ("loose", Compare::Loose), ("contains", Compare::Contains)];
    let usual = if is_chat { Compare::Loose } else { Compare::Exact };
    let compare = table.or("compare", usual, |node| node.choice(&compares));
    let tolerance = table.or("tolerance", 0.0, distance);
    let limits = limits(table);
    let concurrency = usize::try_from(table.number("concurrency", 1..=64, 4)).ok()?;
    let min_cases = usize::try_from(table.number("min_cases", 1..=MAX_CASES, 50)).ok()?;
    let broken = [("refuse", false), ("skip", true)];
    let skips_broken = table.or("on_broken", false, |node| node.choice(&broken));
    let headers = call::headers(table);
    let own_timeout = table.duration("request_timeout", 10..=300 * SECOND, 10 * SECOND);
    if let Some(node) = table.get("request_timeout").filter(|_| own_timeout > around.timeout_ms) {
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
        return table.refuse(
            "the rows of a table say nothing of the request".into(),
            "write request = '{..}' with {{column}} in it, or form = \"v2\" or \"openai\"",
        );
    }
    Some(Read::runs(spec))
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
    let text = |key: &str| table.maybe(key, |node| node.lines().map(str::to_owned));
    let filled = |key: &str, example: &str, parse: fn(&str) -> Result<Template, String>| {
        table.maybe(key, |node| {
            let text = node.lines()?;
            parse(text).map_or_else(|what| node.refuse(what, example), |_| Some(text.to_owned()))
        })
    };
    let template = filled("request", "write e.g. request = '{\"age\": \"{{age}}\"}'", Template::parse);
    let prompt = filled("prompt", "write e.g. prompt = \"Is this spam? {{text}}\"", Template::text);
    let datatype = table.or("datatype", "FP32", |node| node.choice(&DATATYPES.map(|name| (name, name))));
    let (tensor, system, model) = (text("tensor"), text("system"), text("model"));
    let form = form?;
    for (key, of, name) in FORM_KEYS {
        if let Some(node) = table.get(key).filter(|_| form != of) {
            node.fault(format!("belongs to form = \"{name}\""), format!("write form = \"{name}\", or remove it"));
        }
    }
    Some(match form {
        Form::Json => GoldenForm::Json { template: template? },
        Form::V2 => {
            let tensor = tensor?.unwrap_or_else(|| "input-0".to_owned());
            GoldenForm::V2 { tensor, datatype: datatype?.to_owned() }
        }
        Form::OpenAi => {
            table.need("model", "write the model's name")?;
            let prompt = prompt?.unwrap_or_else(|| "{{prompt}}".to_owned());
            GoldenForm::OpenAi { model: model??, system: system?, prompt }
        }
    })
}

/// Those of the Open Inference protocol that JSON can carry.
const DATATYPES: [&str; 13] =
    ["FP64", "FP32", "FP16", "INT64", "INT32", "INT16", "INT8", "UINT64", "UINT32", "UINT16", "UINT8", "BOOL", "BYTES"];

fn fields(table: &Table<'_>) -> Option<CaseFields> {
    let usual = CaseFields::default();
    let inputs = |node: &Node<'_>| node.several("write e.g. [\"age\", \"amount\"]", 1..=MAX_FIELDS, field);
    Some(CaseFields {
        id: table.or("id", usual.id, field)?,
        expect: table.or("expect", usual.expect, field)?,
        inputs: table.maybe("inputs", inputs)?,
    })
}

fn field(node: &Node<'_>) -> Option<String> {
    let text = node.text()?;
    if text.is_empty() { node.refuse("names no field".into(), "write its name") } else { Some(text.to_owned()) }
}

fn limits(table: &Table<'_>) -> Option<GoldenLimits> {
    let share = |key: &str| table.maybe(key, |node| share(node, &format!("write e.g. {key} = 0.95")));
    let (accuracy, agreement) = (share("min_accuracy"), share("min_agreement"));
    let (mean, most) = (table.maybe("max_mean_error", distance), table.maybe("max_error", distance));
    let limits =
        GoldenLimits { min_accuracy: accuracy?, min_agreement: agreement?, max_mean_error: mean?, max_error: most? };
    if limits == GoldenLimits::default() {
        let remedy = "write e.g. min_accuracy = 0.95, or min_agreement, max_mean_error or max_error";
        return table.refuse("min_accuracy is missing".into(), remedy);
    }
    Some(limits)
}

fn share(node: &Node<'_>, example: &str) -> Option<f64> {
    let share = node.share(example)?;
    let fits = share > 0.0 && share <= 1.0;
    node.fitting(share, fits, format!("{share} is not above 0 and at most 1"), example)
}

/// A distance between numbers, in the unit of the answers.
fn distance(node: &Node<'_>) -> Option<f64> {
    let number = node.amount()?;
    let message = format!("no distance is below 0, so {number} can never be kept");
    node.fitting(number, number >= 0.0, message, "write 0 or more")
}
