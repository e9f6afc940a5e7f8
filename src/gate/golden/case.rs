//! A case: the body of its request and the answer it expects, made of a JSON line or the row of a table.

use serde_json::{Map, Value, json};

use super::spec::{GoldenForm, GoldenSpec};
use crate::domain::template::{self, Kind, Template};
use crate::domain::text::clean;
use crate::gate::agree::{finite, shown, word_unlike_json};

/// One case.
#[derive(Debug, PartialEq)]
pub(super) struct Case {
    pub(super) id: String,
    pub(super) body: Vec<u8>,
    /// `None` where no limit needs one.
    pub(super) expect: Option<Expected>,
}

/// What the answer should be.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Expected {
    /// As a JSON line or the other side has it.
    Json(Value),
    /// As the cell of a table has it: it does not say whether 7 is a number.
    Cell(String),
}

/// Makes cases of what was read.
pub(super) struct Make<'a> {
    pub(super) spec: &'a GoldenSpec,
    pub(super) template: Option<&'a Template>,
}

/// What a case says of itself, whatever it was written in.
trait Fields {
    /// The field as a placeholder asks for it; `None` where the case has no such field.
    fn get(&self, name: &str, kind: Kind) -> Option<Result<Value, String>>;
    /// The inputs in their order.
    fn inputs(&self, kind: Kind) -> Result<Value, String>;
}

impl Make<'_> {
    /// A case from a JSON line; keys that nothing asks for are the user's own notes.
    pub(super) fn of_line(&self, raw: &[u8], line: u64) -> Result<Case, String> {
        let value: Value = serde_json::from_slice(raw).map_err(|_| not_json(raw))?;
        let Value::Object(fields) = value else {
            return Err("not an object with request and expect".to_owned());
        };
        let names = &self.spec.fields;
        let id = match fields.get(&names.id) {
            Some(Value::String(id)) => clean(id, 40),
            Some(Value::Number(id)) => id.to_string(),
            None => line.to_string(),
            Some(_) => return Err(format!("{} is neither text nor a number", clean(&names.id, 40))),
        };
        let expect = fields.get(&names.expect).cloned().map(Expected::Json);
        let written = matches!(self.spec.form, GoldenForm::Json { template: Some(_) });
        let request = match (fields.get("request"), written) {
            (Some(request), false) => request.clone(),
            _ => self.request(&Line { fields: &fields, inputs: names.inputs.as_deref() })?,
        };
        self.case(id, &request, expect)
    }

    /// A case from the row of a table.
    pub(super) fn of_row(&self, header: &[String], cells: &[String], line: u64) -> Result<Case, String> {
        if cells.len() != header.len() {
            return Err(format!("{} cells, the header has {}", cells.len(), header.len()));
        }
        let names = &self.spec.fields;
        let cell = |name: &str| header.iter().position(|known| known == name).map(|at| &cells[at]);
        let id =
            cell(&names.id).map(|id| clean(id, 40)).filter(|id| !id.is_empty()).unwrap_or_else(|| line.to_string());
        let expect = cell(&names.expect).map(|text| Expected::Cell(text.trim().to_owned()));
        let request = self.request(&Row { header, cells, spec: self.spec })?;
        self.case(id, &request, expect)
    }

    fn case(&self, id: String, request: &Value, expect: Option<Expected>) -> Result<Case, String> {
        let limits = &self.spec.limits;
        let name = || clean(&self.spec.fields.expect, 40);
        match &expect {
            _ if !limits.needs_expectation() => {}
            None => return Err(format!("no {}", name())),
            Some(Expected::Cell(cell)) if cell.is_empty() => return Err(format!("{} is empty", name())),
            Some(expected) if limits.needs_numbers() && expected.number().is_none() => {
                return Err(format!("{} is {}, not a number", name(), expected.shown()));
            }
            Some(_) => {}
        }
        let expect = expect.filter(|_| limits.needs_expectation());
        let body = serde_json::to_vec(request).map_err(|err| err.to_string())?;
        Ok(Case { id, body, expect })
    }

    fn request(&self, fields: &dyn Fields) -> Result<Value, String> {
        let fill = |template: &Template| {
            template.fill(&|name, kind| match fields.get(name, kind) {
                Some(value) => value.map_err(|what| format!("{} {what}", clean(name, 40))),
                None if name == "inputs" => fields.inputs(kind),
                None => Err(format!("no {}", clean(name, 40))),
            })
        };
        match (&self.spec.form, self.template) {
            (GoldenForm::Json { .. }, Some(template)) => fill(template),
            (GoldenForm::Json { .. }, None) => Err("no request".to_owned()),
            (GoldenForm::V2 { tensor, datatype }, _) => {
                let kind = if datatype == "BYTES" { Kind::Text } else { Kind::Plain };
                let data = fields.inputs(kind)?;
                let items = data.as_array().map_or(&[][..], Vec::as_slice);
                let flat = |item: &&Value| matches!(item, Value::String(_)) == (datatype == "BYTES") && !item.is_null();
                if items.is_empty() || !items.iter().all(|item| flat(&item) && !item.is_array() && !item.is_object()) {
                    return Err(format!("inputs are not a list of {datatype}: {}", shown(&data)));
                }
                let tensor = json!({"name": tensor, "shape": [1, items.len()], "datatype": datatype, "data": items});
                Ok(json!({"inputs": [tensor]}))
            }
            (GoldenForm::OpenAi { model, system, .. }, prompt) => {
                let messages = match (fields.get("messages", Kind::Plain), prompt) {
                    (Some(Ok(Value::Array(messages))), _) => messages,
                    (_, Some(prompt)) => {
                        let user = json!({"role": "user", "content": fill(prompt)?});
                        let system = system.as_ref().map(|text| json!({"role": "system", "content": text}));
                        system.into_iter().chain([user]).collect()
                    }
                    (_, None) => return Err("no prompt".to_owned()),
                };
                Ok(json!({"model": model, "messages": messages, "temperature": 0}))
            }
        }
    }
}

struct Line<'a> {
    fields: &'a Map<String, Value>,
    inputs: Option<&'a [String]>,
}

impl Fields for Line<'_> {
    fn get(&self, name: &str, kind: Kind) -> Option<Result<Value, String>> {
        self.fields.get(name).map(|value| template::field(value, kind))
    }

    fn inputs(&self, kind: Kind) -> Result<Value, String> {
        let Some(names) = self.inputs else {
            return self.fields.get("inputs").cloned().ok_or_else(|| "neither request nor inputs".to_owned());
        };
        let input = |name: &String| self.get(name, kind).unwrap_or_else(|| Err(format!("no {}", clean(name, 40))));
        names.iter().map(input).collect::<Result<Vec<_>, _>>().map(Value::Array)
    }
}

struct Row<'a> {
    header: &'a [String],
    cells: &'a [String],
    spec: &'a GoldenSpec,
}

impl Fields for Row<'_> {
    fn get(&self, name: &str, kind: Kind) -> Option<Result<Value, String>> {
        self.header.iter().position(|known| known == name).map(|at| template::cell(&self.cells[at], kind))
    }

    fn inputs(&self, kind: Kind) -> Result<Value, String> {
        let names = &self.spec.fields;
        let is_input = |name: &&String| *name != &names.id && *name != &names.expect;
        let names = names
            .inputs
            .as_ref()
            .map_or_else(|| self.header.iter().filter(is_input).collect::<Vec<_>>(), |inputs| inputs.iter().collect());
        let input = |name: &String| self.get(name, kind).unwrap_or_else(|| Err(format!("no {}", clean(name, 40))));
        names.into_iter().map(input).collect::<Result<Vec<_>, _>>().map(Value::Array)
    }
}

impl Expected {
    /// The number it is, if it is one.
    pub(super) fn number(&self) -> Option<f64> {
        match self {
            Self::Json(value) => value.as_f64(),
            Self::Cell(text) => finite(text),
        }
    }

    /// For people.
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Json(value) => shown(value),
            Self::Cell(text) => clean(text, 60),
        }
    }
}

pub(super) fn not_json(text: &[u8]) -> String {
    word_unlike_json(text).map_or_else(|| "not JSON".to_owned(), |word| format!("not JSON, which has no {word}"))
}
