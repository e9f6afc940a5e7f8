//! A line of the smoke file: a request and what its answer must be like.

use reqwest::Method;
use serde::Deserialize;
use serde_json::Value;

use crate::domain::text::clean;
use crate::gate::agree::{shown, type_name};
use crate::probe::{Reply, redirect_note};

/// A representative request.
#[derive(Debug, Clone)]
pub(in crate::gate) struct Request {
    pub(in crate::gate) id: String,
    pub(in crate::gate) method: Method,
    pub(in crate::gate) path: String,
    /// The body as JSON text; `None` sends none.
    pub(in crate::gate) body: Option<Vec<u8>>,
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
const TYPES: [&str; 6] = ["number", "string", "array", "object", "bool", "null"];

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
        Ok(Self { id, method, path, body, expect: line.expect })
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
        if let Some(pointer) =
            self.pointer.as_deref().filter(|pointer| !pointer.is_empty() && !pointer.starts_with('/'))
        {
            return Err(format!("pointer {}: must be empty or begin with /", clean(pointer, 60)));
        }
        if let Some(name) = self.r#type.as_deref().filter(|name| !TYPES.contains(name)) {
            return Err(format!("type {}: one of {}", clean(name, 20), TYPES.join(", ")));
        }
        if let (Some(min), Some(max)) = (self.min, self.max)
            && min > max
        {
            return Err(format!("min {min} is above max {max}"));
        }
        Ok(())
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
        if self.pointer.is_none() && self.r#type.is_none() && self.min.is_none() && self.max.is_none() {
            return Ok(());
        }
        let body: Value = serde_json::from_slice(&reply.body).map_err(|_| "the answer is not JSON".to_owned())?;
        let pointer = self.pointer.as_deref().unwrap_or_default();
        let got = body.pointer(pointer).ok_or_else(|| format!("nothing at {} in the answer", clean(pointer, 60)))?;
        if let Some(name) = &self.r#type
            && name != type_name(got)
        {
            return Err(format!("expected type {name}, got {}", shown(got)));
        }
        self.in_range(got)
    }

    /// A number, or every number of an array, lies in the range.
    fn in_range(&self, got: &Value) -> Result<(), String> {
        if self.min.is_none() && self.max.is_none() {
            return Ok(());
        }
        if let Value::Array(items) = got {
            return items.iter().try_for_each(|item| self.in_range(item));
        }
        let number = got.as_f64().ok_or_else(|| format!("expected a number, got {}", shown(got)))?;
        match (self.min, self.max) {
            (Some(min), _) if number < min => Err(format!("{number} is below {min}")),
            (_, Some(max)) if number > max => Err(format!("{number} is above {max}")),
            _ => Ok(()),
        }
    }
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
        let reply = Reply { status, headers, body: body.as_bytes().to_vec(), took: std::time::Duration::ZERO };
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
            (r#"{"expect":{"type":"int"}}"#, "type int: one of number, string"),
            (r#"{"expect":{"min":2,"max":1}}"#, "min 2 is above max 1"),
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
    }
}
