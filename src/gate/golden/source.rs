//! Reading a golden set, line by line or row by row.

use super::case::{Case, Make};
use super::csv::Table;
use super::spec::{GoldenForm, GoldenSpec};
use crate::domain::template::Template;
use crate::domain::text::clean;
use crate::gate::lines::Lines;

/// Columns beyond this are refused.
const MAX_COLUMNS: usize = 10_000;

/// A line of the set: its number, its bytes, and the case or what is wrong with it.
pub(super) struct Item {
    pub(super) line: u64,
    pub(super) raw: Vec<u8>,
    pub(super) case: Result<Case, String>,
}

/// An open golden set.
pub(super) struct Source<'a> {
    spec: &'a GoldenSpec,
    template: Option<Template>,
    input: Input,
}

enum Input {
    Lines(Lines),
    Table { table: Table, header: Vec<String>, raw_header: Vec<u8> },
}

impl<'a> Source<'a> {
    /// Opens the set, and a table's header with it.
    pub(super) async fn open(spec: &'a GoldenSpec) -> Result<Self, String> {
        let template = match &spec.form {
            GoldenForm::Json { template: Some(text) } => Some(Template::parse(text)),
            GoldenForm::OpenAi { prompt, .. } => Some(Template::text(prompt)),
            GoldenForm::Json { template: None } | GoldenForm::V2 { .. } => None,
        };
        let template = template.transpose().map_err(|what| format!("the request template {what}"))?;
        let Some(separator) = spec.separator() else {
            return Ok(Self { spec, template, input: Input::Lines(Lines::open(&spec.cases).await?) });
        };
        let mut table = Table::open(&spec.cases, separator).await?;
        let Some((line, raw_header, cells)) = table.next().await? else {
            return Err(table.fault(1, "holds no header row"));
        };
        let header = cells.and_then(|header| check_header(&header, spec, template.as_ref()));
        let header = header.map_err(|what| table.fault(line, &what))?;
        Ok(Self { spec, template, input: Input::Table { table, header, raw_header } })
    }

    /// What stands before the first case.
    pub(super) fn preamble(&self) -> &[u8] {
        match &self.input {
            Input::Lines(_) => &[],
            Input::Table { raw_header, .. } => raw_header,
        }
    }

    /// `golden.jsonl:17: not JSON`.
    pub(super) fn fault(&self, line: u64, what: &str) -> String {
        match &self.input {
            Input::Lines(lines) => lines.fault(line, what),
            Input::Table { table, .. } => table.fault(line, what),
        }
    }

    /// The next case.
    pub(super) async fn next(&mut self) -> Result<Option<Item>, String> {
        let make = Make { spec: self.spec, template: self.template.as_ref() };
        match &mut self.input {
            Input::Lines(lines) => loop {
                let Some((line, read)) = lines.next_raw().await? else { return Ok(None) };
                let raw = match read {
                    Ok(raw) if raw.trim_ascii().is_empty() => continue,
                    Ok(raw) => raw,
                    Err(what) => return Ok(Some(Item { line, raw: Vec::new(), case: Err(what) })),
                };
                let case = make.of_line(&raw, line);
                return Ok(Some(Item { line, raw, case }));
            },
            Input::Table { table, header, .. } => {
                let Some((line, raw, cells)) = table.next().await? else { return Ok(None) };
                let case = cells.and_then(|cells| make.of_row(header, &cells, line));
                Ok(Some(Item { line, raw, case }))
            }
        }
    }
}

/// The columns' names, if every one that is needed is there.
fn check_header(header: &[String], spec: &GoldenSpec, template: Option<&Template>) -> Result<Vec<String>, String> {
    let header: Vec<String> = header.iter().map(|name| name.trim().to_owned()).collect();
    if header.len() > MAX_COLUMNS {
        return Err(format!("{} columns are more than {MAX_COLUMNS}", header.len()));
    }
    let mut sorted: Vec<&str> = header.iter().map(String::as_str).filter(|name| !name.is_empty()).collect();
    sorted.sort_unstable();
    if let Some(twice) = sorted.windows(2).find(|two| two[0] == two[1]) {
        return Err(format!("two columns are named {}", clean(twice[0], 40)));
    }
    let has = |name: &str| header.iter().any(|known| known == name);
    let mut needed: Vec<String> = spec.fields.inputs.clone().unwrap_or_default();
    if spec.limits.needs_expectation() {
        needed.push(spec.fields.expect.clone());
    }
    let mut takes_all = matches!(spec.form, GoldenForm::V2 { .. });
    for name in template.map(Template::names).transpose()?.unwrap_or_default() {
        if name == "inputs" && !has("inputs") {
            takes_all = true;
        } else {
            needed.push(name);
        }
    }
    if let Some(missing) = needed.iter().find(|name| !has(name)) {
        let known: Vec<String> = header.iter().take(20).map(|name| clean(name, 40)).collect();
        return Err(format!("there is no column {}; the header has {}", clean(missing, 40), known.join(", ")));
    }
    if takes_all && spec.fields.inputs.is_none() && header.iter().any(String::is_empty) {
        return Err("a column has no name: name it, or write inputs = [..] in the config".to_owned());
    }
    Ok(header)
}
