//! A JSON request with placeholders such as `{{field}}`, filled in from a case. A value stays a value: it cannot become
//! another part of the JSON.

use serde_json::{Map, Value};

use super::placeholder;

/// A request body with placeholders.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Template {
    body: Value,
    alone: Kind,
}

/// How the value of a placeholder is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `"{{x}}"`: as it is. A cell of a table that looks like a number becomes a number, an empty cell becomes null.
    Plain,
    /// `"{{x:text}}"`, and every placeholder inside a longer text.
    Text,
    /// `"{{x:number}}"`: a number, or the case is broken.
    Number,
}

impl Template {
    /// A template from its JSON text.
    ///
    /// # Errors
    /// What is not JSON, or not a placeholder, in words.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let body = serde_json::from_str(text).map_err(|error| {
            format!("is not JSON ({error}); a placeholder stands in quotes, also for a number: \"{{{{age}}}}\"")
        })?;
        Self { body, alone: Kind::Plain }.checked()
    }

    /// A text with placeholders.
    ///
    /// # Errors
    /// What is not a placeholder, in words.
    pub(crate) fn text(text: &str) -> Result<Self, String> {
        Self { body: Value::from(text), alone: Kind::Text }.checked()
    }

    fn checked(self) -> Result<Self, String> {
        self.names().map(|_| self)
    }

    /// The fields that it needs, in their order, each once.
    ///
    /// # Errors
    /// What is not a placeholder, in words.
    pub(crate) fn names(&self) -> Result<Vec<String>, String> {
        let names = std::cell::RefCell::new(Vec::<String>::new());
        walk(&self.body, self.alone, &|name, _| {
            let mut names = names.borrow_mut();
            if !names.iter().any(|known| known == name) {
                names.push(name.to_owned());
            }
            Ok(Value::Null)
        })?;
        Ok(names.into_inner())
    }

    /// The request, each placeholder replaced by what `value` makes of its name.
    ///
    /// # Errors
    /// What `value` says.
    pub(crate) fn fill(&self, value: &dyn Fn(&str, Kind) -> Result<Value, String>) -> Result<Value, String> {
        walk(&self.body, self.alone, value)
    }
}

type Fill<'a> = &'a dyn Fn(&str, Kind) -> Result<Value, String>;

fn walk(node: &Value, alone: Kind, value: Fill<'_>) -> Result<Value, String> {
    match node {
        Value::String(text) => fill_text(text, alone, value),
        Value::Array(items) => {
            items.iter().map(|item| walk(item, alone, value)).collect::<Result<Vec<_>, _>>().map(Value::Array)
        }
        Value::Object(items) => {
            let mut out = Map::with_capacity(items.len());
            for (key, item) in items {
                out.insert(key.clone(), walk(item, alone, value)?);
            }
            Ok(Value::Object(out))
        }
        other => Ok(other.clone()),
    }
}

fn fill_text(text: &str, alone: Kind, value: Fill<'_>) -> Result<Value, String> {
    if let Some((inside, "")) = placeholder::first(text) {
        let (name, kind) = asked(inside)?;
        return value(name, kind.unwrap_or(alone));
    }
    let filled = placeholder::fill_any(text, |inside| {
        let (name, kind) = asked(inside.ok_or("a placeholder that begins with {{ has no }}")?)?;
        Ok(match value(name, kind.unwrap_or(Kind::Text))? {
            Value::String(text) => text,
            other => other.to_string(),
        })
    });
    filled.map(Value::String)
}

/// The field that a placeholder names, and the kind of value that it asks for.
fn asked(inside: &str) -> Result<(&str, Option<Kind>), String> {
    let (name, kind) = match inside.rsplit_once(':').map(|(name, kind)| (name.trim(), kind.trim())) {
        Some((name, "text")) => (name, Some(Kind::Text)),
        Some((name, "number")) => (name, Some(Kind::Number)),
        _ => (inside, None),
    };
    if name.is_empty() { Err("a placeholder names no field".to_owned()) } else { Ok((name, kind)) }
}

/// The cell of a table as a placeholder asks for it.
///
/// # Errors
/// That it is no number where one is asked for.
pub(crate) fn cell(text: &str, kind: Kind) -> Result<Value, String> {
    match kind {
        Kind::Text => Ok(Value::from(text)),
        Kind::Plain if text.trim().is_empty() => Ok(Value::Null),
        Kind::Plain => Ok(number(text).unwrap_or_else(|| Value::from(text))),
        Kind::Number => number(text).ok_or_else(|| "is not a number".to_owned()),
    }
}

/// A field of a JSON line as a placeholder asks for it.
///
/// # Errors
/// That it is no number where one is asked for.
pub(crate) fn field(value: &Value, kind: Kind) -> Result<Value, String> {
    match (kind, value) {
        (Kind::Plain, value) | (Kind::Text, value @ Value::String(_)) | (Kind::Number, value @ Value::Number(_)) => {
            Ok(value.clone())
        }
        (Kind::Text, value) => Ok(Value::String(value.to_string())),
        (Kind::Number, _) => Err("is not a number".to_owned()),
    }
}

/// A number as JSON writes it: neither `NaN` nor `007` is one, nor what is too large for a float.
fn number(text: &str) -> Option<Value> {
    serde_json::from_str::<Value>(text.trim()).ok().filter(Value::is_number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(template: &str) -> Result<String, String> {
        let cells = [("age", "41"), ("zip", "0041"), ("name", "a \"b\"\n{{age}}"), ("none", ""), ("score", "NaN")];
        Template::parse(template)?
            .fill(&|name, kind| {
                let (_, text) = cells.iter().find(|(known, _)| *known == name).ok_or(format!("no {name}"))?;
                cell(text, kind)
            })
            .map(|value| value.to_string())
    }

    #[test]
    fn values_keep_their_type_and_stay_values() {
        assert_eq!(fill(r#"{"a":["{{age}}","{{ zip }}",1]}"#).unwrap(), r#"{"a":[41,"0041",1]}"#);
        assert_eq!(fill(r#"{"a":"{{age:text}}","b":"{{none}}"}"#).unwrap(), r#"{"a":"41","b":null}"#);
        assert_eq!(fill(r#""is {{age}}: {{name}}!""#).unwrap(), r#""is 41: a \"b\"\n{{age}}!""#);
        assert_eq!(fill(r#""{{age}}{{age}}""#).unwrap(), r#""4141""#);
        assert_eq!(fill(r#""{{zip:number}}""#).unwrap_err(), "is not a number");
        assert_eq!(fill(r#""{{score:number}}""#).unwrap_err(), "is not a number");
        assert_eq!(fill(r#""{{else}}""#).unwrap_err(), "no else");
    }

    #[test]
    fn a_text_stays_a_text() {
        let template = Template::text("{{age}}").unwrap();
        assert_eq!(template.fill(&|_, kind| cell("41", kind)).unwrap(), Value::from("41"));
        let of = |value: Value, kind| field(&value, kind);
        assert_eq!(of(1.5.into(), Kind::Text).unwrap(), Value::from("1.5"));
        assert_eq!(of("x".into(), Kind::Number).unwrap_err(), "is not a number");
        assert_eq!(of(Value::Null, Kind::Plain).unwrap(), Value::Null);
    }

    #[test]
    fn what_is_no_template_is_told() {
        assert!(Template::parse("{\"a\": {{age}}}").unwrap_err().starts_with("is not JSON ("));
        assert_eq!(Template::parse(r#""{{age""#).unwrap_err(), "a placeholder that begins with {{ has no }}");
        assert_eq!(Template::parse(r#"["{{:text}}"]"#).unwrap_err(), "a placeholder names no field");
        assert_eq!(Template::parse(r#"["{{b}} {{a:text}}","{{b}}"]"#).unwrap().names().unwrap(), ["b", "a"]);
    }
}
