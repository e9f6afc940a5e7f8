//! A line of the smoke file: a request and what its answer must be like.

use std::collections::BTreeMap;

use reqwest::Method;
use serde::Deserialize;
use serde_json::Value;

use crate::domain::SampledRequest;
use crate::domain::text::clean;
use crate::gate::agree::{shown, type_name, word_unlike_json};
use crate::http::{Reply, redirect_note};

/// A representative request.
#[derive(Debug, Clone)]
pub(in crate::gate) struct Request {
    pub(in crate::gate) id: String,
    pub(in crate::gate) method: Method,
    pub(in crate::gate) path: String,
    /// The body, as a rule as JSON text; `None` sends none.
    pub(in crate::gate) body: Option<Vec<u8>>,
    pub(in crate::gate) content_type: String,
    /// Those of a request that live traffic made.
    pub(in crate::gate) headers: Vec<(String, String)>,
    pub(in crate::gate) expect: Expect,
}

/// What an answer must be like. A key that is not known is a fault: it would go unchecked.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::gate) struct Expect {
    status: Option<u16>,
    content_type: Option<String>,
    pointer: Option<String>,
    r#type: Option<String>,
    min: Option<f64>,
    max: Option<f64>,
    #[serde(default)]
    types: BTreeMap<String, String>,
    #[serde(default)]
    ranges: BTreeMap<String, (Option<f64>, Option<f64>)>,
    keys: Option<Vec<String>>,
    max_latency_ms: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    id: Option<Value>,
    path: Option<String>,
    method: Option<String>,
    request: Option<Value>,
    #[serde(default)]
    expect: Expect,
}

const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
const TYPES: [&str; 7] = ["number", "integer", "string", "array", "object", "bool", "null"];
/// The types of which a minimum or maximum can be asked.
const ORDERED: [&str; 3] = ["number", "integer", "array"];

impl Request {
    /// The request of a line, or what is wrong with it.
    pub(in crate::gate) fn parse(line: &[u8], number: u64, default_path: &str) -> Result<Self, String> {
        let value: Value = serde_json::from_slice(line).map_err(|_| "not JSON".to_owned())?;
        let line: Line = serde_json::from_value(value).map_err(|err| clean(&err.to_string(), 120))?;
        let id = match line.id {
            Some(Value::String(id)) => clean(&id, 40),
            Some(Value::Number(id)) => id.to_string(),
            None => number.to_string(),
            Some(_) => return Err("id is neither text nor a number".to_owned()),
        };
        let default_method = if line.request.is_some() { "POST" } else { "GET" };
        let method = line.method.as_deref().unwrap_or(default_method).to_ascii_uppercase();
        if !METHODS.contains(&method.as_str()) {
            return Err(format!("method {}: one of {}", clean(&method, 20), METHODS.join(", ")));
        }
        let path = line.path.unwrap_or_else(|| default_path.to_owned());
        if !path.starts_with('/') {
            return Err(format!("path {}: must begin with /", clean(&path, 60)));
        }
        line.expect.validate()?;
        let body = line.request.map(|body| serde_json::to_vec(&body)).transpose().map_err(|err| err.to_string())?;
        let method = Method::from_bytes(method.as_bytes()).map_err(|err| err.to_string())?;
        let content_type = "application/json".to_owned();
        Ok(Self { id, method, path, body, content_type, headers: Vec::new(), expect: line.expect })
    }

    /// A request that live traffic made: it must be answered as it was answered then.
    pub(in crate::gate) fn of_sample(sample: &SampledRequest, number: usize) -> Result<Self, String> {
        let mut headers = sample.headers.clone();
        let typed = headers.iter().position(|(name, _)| name.eq_ignore_ascii_case("content-type"));
        let content_type = typed.map_or_else(|| "application/octet-stream".to_owned(), |at| headers.remove(at).1);
        let has_answer_type = !sample.answer_type.is_empty();
        let expect = Expect {
            status: Some(sample.status),
            content_type: has_answer_type.then(|| sample.answer_type.clone()),
            ..Expect::default()
        };
        Ok(Self {
            id: format!("live {number}"),
            method: Method::from_bytes(sample.method.as_bytes()).map_err(|err| err.to_string())?,
            path: sample.path.clone(),
            body: (!sample.body.is_empty()).then(|| sample.body.clone().into_bytes()),
            content_type,
            headers,
            expect,
        })
    }
}

impl Expect {
    /// The status that was written.
    pub(in crate::gate) fn status(&self) -> Option<u16> {
        self.status
    }

    fn validate(&self) -> Result<(), String> {
        if let Some(status) = self.status.filter(|status| !(200..600).contains(status)) {
            return Err(format!("status {status}: 200 to 599"));
        }
        let mut pointers = self.pointer.iter().chain(self.types.keys()).chain(self.ranges.keys());
        if let Some(pointer) = pointers.find(|pointer| !pointer.is_empty() && !pointer.starts_with('/')) {
            return Err(format!("pointer {}: must be empty or begin with /", clean(pointer, 60)));
        }
        for name in self.r#type.iter().chain(self.types.values()) {
            if !TYPES.contains(&name.as_str()) {
                return Err(format!("type {}: one of {}", clean(name, 20), TYPES.join(", ")));
            }
        }
        for (min, max) in self.ranges.values().copied().chain([(self.min, self.max)]) {
            if let (Some(min), Some(max)) = (min, max)
                && min > max
            {
                return Err(format!("min {min} is above max {max}"));
            }
        }
        if self.keys.as_ref().is_some_and(Vec::is_empty) {
            return Err("keys: names none".to_owned());
        }
        self.can_hold()
    }

    /// What no answer can be: it would fail whatever the side does.
    fn can_hold(&self) -> Result<(), String> {
        let no_body = matches!(self.status, Some(204 | 205 | 304));
        if self.looks_inside() && no_body {
            return Err(format!("an answer of status {} has no body to look at", self.status.unwrap_or_default()));
        }
        let bounded = self.min.is_some() || self.max.is_some();
        let own = self.r#type.as_deref().filter(|_| bounded);
        let others = self.ranges.keys().filter_map(|pointer| self.types.get(pointer).map(String::as_str));
        if let Some(name) = own.into_iter().chain(others).find(|name| !ORDERED.contains(name)) {
            return Err(format!("a value of type {name} has neither min nor max"));
        }
        let keyed = self.r#type.as_deref().filter(|name| self.keys.is_some() && *name != "object");
        keyed.map_or(Ok(()), |name| Err(format!("a value of type {name} has no keys")))
    }

    /// Whether the answer's JSON is looked at.
    fn looks_inside(&self) -> bool {
        self.pointer.is_some()
            || self.r#type.is_some()
            || self.min.is_some()
            || self.max.is_some()
            || self.keys.is_some()
            || !self.types.is_empty()
            || !self.ranges.is_empty()
    }

    /// The longest the answer may take where the line says so, in milliseconds.
    pub(super) fn max_latency_ms(&self) -> Option<u64> {
        self.max_latency_ms
    }

    /// Whether `reply` is as expected, or the first thing that is not.
    pub(super) fn hold(&self, reply: &Reply) -> Result<(), String> {
        let right_status = self.status.map_or(reply.is_success(), |status| status == reply.status);
        if !right_status {
            let got = redirect_note(reply).unwrap_or_else(|| format!("status {}", reply.status));
            return Err(self
                .status
                .map_or_else(|| got.clone(), |status| format!("expected status {status}, got {got}")));
        }
        if let Some(expected) = &self.content_type {
            let expected = expected.split(';').next().unwrap_or_default().trim();
            let got = reply.content_type();
            if !got.eq_ignore_ascii_case(expected) {
                let got = if got.is_empty() { "none" } else { &got };
                return Err(format!("expected content type {}, got {got}", clean(expected, 60)));
            }
        }
        if !self.looks_inside() {
            return Ok(());
        }
        let body: Value = serde_json::from_slice(&reply.body).map_err(|_| not_json(&reply.body))?;
        self.hold_own(&body)?;
        for (pointer, name) in &self.types {
            is_type(name, at(&body, pointer)?).map_err(|fault| named(pointer, &fault))?;
        }
        for (pointer, range) in &self.ranges {
            in_range(*range, at(&body, pointer)?).map_err(|fault| named(pointer, &fault))?;
        }
        Ok(())
    }

    /// What the line says of the value at its pointer.
    fn hold_own(&self, body: &Value) -> Result<(), String> {
        let got = at(body, self.pointer.as_deref().unwrap_or_default())?;
        if let Some(name) = &self.r#type {
            is_type(name, got)?;
        }
        if let Some(missing) = self.keys.iter().flatten().find(|key| got.get(key.as_str()).is_none()) {
            return Err(format!("no key {} in {}", clean(missing, 40), shown(got)));
        }
        in_range((self.min, self.max), got)
    }
}

fn named(pointer: &str, fault: &str) -> String {
    format!("at {}: {fault}", clean(pointer, 60))
}

fn at<'a>(body: &'a Value, pointer: &str) -> Result<&'a Value, String> {
    body.pointer(pointer).ok_or_else(|| format!("nothing at {} in the answer", clean(pointer, 60)))
}

fn is_type(name: &str, got: &Value) -> Result<(), String> {
    let is_whole = || got.is_i64() || got.is_u64() || got.as_f64().is_some_and(|number| number.fract() == 0.0);
    let fits = if name == "integer" { is_whole() } else { name == type_name(got) };
    if fits { Ok(()) } else { Err(format!("expected type {name}, got {}", shown(got))) }
}

/// A number, or every number of an array, lies in the range.
fn in_range(range: (Option<f64>, Option<f64>), got: &Value) -> Result<(), String> {
    if range == (None, None) {
        return Ok(());
    }
    if let Value::Array(items) = got {
        return items.iter().try_for_each(|item| in_range(range, item));
    }
    let number = got.as_f64().ok_or_else(|| format!("expected a number, got {}", shown(got)))?;
    match range {
        (Some(min), _) if number < min => Err(format!("{number} is below {min}")),
        (_, Some(max)) if number > max => Err(format!("{number} is above {max}")),
        _ => Ok(()),
    }
}

fn not_json(body: &[u8]) -> String {
    word_unlike_json(body).map_or_else(
        || "the answer is not JSON".to_owned(),
        |word| format!("the answer holds {word}, which JSON has not"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Request, String> {
        Request::parse(line.as_bytes(), 4, "/infer")
    }

    fn hold(expect: &str, status: u16, content_type: &str, body: &str) -> Result<(), String> {
        let mut headers = reqwest::header::HeaderMap::new();
        headers.insert("content-type", content_type.parse().unwrap());
        headers.insert("location", "/a\u{9}b".parse().unwrap());
        let reply = Reply {
            status,
            headers,
            body: body.as_bytes().to_vec(),
            took: std::time::Duration::ZERO,
            mask: crate::http::Mask::default(),
        };
        parse(&format!(r#"{{"expect":{expect}}}"#)).unwrap().expect.hold(&reply)
    }

    #[test]
    fn what_is_left_out_has_a_meaning() {
        let request = parse(r#"{"request":{"a":1}}"#).unwrap();
        assert_eq!((request.id.as_str(), request.path.as_str(), request.method), ("4", "/infer", Method::POST));
        assert_eq!(request.body.as_deref(), Some(&br#"{"a":1}"#[..]));
        let request = parse(r#"{"id":"m","path":"/meta"}"#).unwrap();
        assert_eq!((request.id.as_str(), request.path.as_str(), request.method), ("m", "/meta", Method::GET));
        assert_eq!(parse(r#"{"method":"put"}"#).unwrap().method, Method::PUT);
    }

    #[test]
    fn a_line_that_would_go_unchecked_is_a_fault() {
        for (line, said) in [
            ("{", "not JSON"),
            (r#"{"exptec":{}}"#, "unknown field `exptec`"),
            (r#"{"expect":{"stauts":200}}"#, "unknown field `stauts`"),
            (r#"{"expect":{"status":99}}"#, "status 99: 200 to 599"),
            (r#"{"expect":{"pointer":"outputs"}}"#, "pointer outputs: must be empty or begin with /"),
            (r#"{"expect":{"type":"int"}}"#, "type int: one of number, integer, string"),
            (r#"{"expect":{"min":2,"max":1}}"#, "min 2 is above max 1"),
            (r#"{"expect":{"types":{"a":"number"}}}"#, "pointer a: must be empty or begin with /"),
            (r#"{"expect":{"types":{"/a":"int"}}}"#, "type int: one of number, integer"),
            (r#"{"expect":{"ranges":{"/a":[2,1]}}}"#, "min 2 is above max 1"),
            (r#"{"expect":{"keys":[]}}"#, "keys: names none"),
            (r#"{"expect":{"status":204,"type":"null"}}"#, "an answer of status 204 has no body to look at"),
            (r#"{"expect":{"type":"string","min":1}}"#, "a value of type string has neither min nor max"),
            (r#"{"expect":{"types":{"/a":"bool"},"ranges":{"/a":[0,1]}}}"#, "a value of type bool has neither"),
            (r#"{"expect":{"type":"array","keys":["a"]}}"#, "a value of type array has no keys"),
            (r#"{"method":"BREW"}"#, "method BREW: one of GET"),
            (r#"{"path":"infer"}"#, "path infer: must begin with /"),
            (r#"{"id":[1]}"#, "id is neither text nor a number"),
        ] {
            let fault = parse(line).unwrap_err();
            assert!(fault.starts_with(said), "{line} -> {fault}");
        }
    }

    #[test]
    fn answers_are_held_against_it() {
        let json = "application/json; charset=utf-8";
        assert_eq!(hold("{}", 204, json, ""), Ok(()));
        assert_eq!(hold("{}", 302, json, ""), Err("redirects to /a b".into()));
        assert_eq!(hold(r#"{"status":404}"#, 404, json, ""), Ok(()));
        assert_eq!(hold(r#"{"status":404}"#, 200, json, ""), Err("expected status 404, got status 200".into()));
        assert_eq!(hold(r#"{"content_type":"Application/JSON"}"#, 200, json, ""), Ok(()));
        let html = "expected content type application/json, got text/html";
        assert_eq!(hold(r#"{"content_type":"application/json"}"#, 200, "text/html", ""), Err(html.into()));
        assert_eq!(hold(r#"{"type":"array"}"#, 200, "text/html", "<html>"), Err("the answer is not JSON".into()));
        let range = r#"{"pointer":"/p","type":"array","min":0,"max":1}"#;
        assert_eq!(hold(range, 200, json, r#"{"p":[0,0.5,[1.0]]}"#), Ok(()));
        assert_eq!(hold(range, 200, json, r#"{"p":[0,1.5]}"#), Err("1.5 is above 1".into()));
        assert_eq!(hold(range, 200, json, r#"{"p":[-1]}"#), Err("-1 is below 0".into()));
        assert_eq!(hold(range, 200, json, r#"{"p":["a"]}"#), Err("expected a number, got \"a\"".into()));
        assert_eq!(hold(range, 200, json, r#"{"p":3}"#), Err("expected type array, got 3".into()));
        assert_eq!(hold(range, 200, json, r#"{"q":3}"#), Err("nothing at /p in the answer".into()));
        let nan = hold(range, 200, json, r#"{"p":[NaN]}"#);
        assert_eq!(nan, Err("the answer holds NaN, which JSON has not".into()));
    }

    #[test]
    fn the_shape_of_an_answer_is_held_against_it() {
        let shape = r#"{"keys":["name","out"],"types":{"/name":"string","/out":"array","/out/0":"integer"},
                        "ranges":{"/out":[0,null],"/out/1":[null,0.5]}}"#;
        let hold = |body: &str| super::tests::hold(&shape.replace('\n', " "), 200, "application/json", body);
        assert_eq!(hold(r#"{"name":"a","out":[1.0,0.5]}"#), Ok(()));
        assert_eq!(hold(r#"{"name":"a"}"#), Err("no key out in {\"name\":\"a\"}".into()));
        assert_eq!(hold(r#"{"name":1,"out":[1,0]}"#), Err("at /name: expected type string, got 1".into()));
        assert_eq!(hold(r#"{"name":"a","out":[1.5,0]}"#), Err("at /out/0: expected type integer, got 1.5".into()));
        assert_eq!(hold(r#"{"name":"a","out":[1,-1]}"#), Err("at /out: -1 is below 0".into()));
        assert_eq!(hold(r#"{"name":"a","out":[1,0.7]}"#), Err("at /out/1: 0.7 is above 0.5".into()));
        assert_eq!(hold(r#"{"name":"a","out":[1]}"#), Err("nothing at /out/1 in the answer".into()));
    }
}
