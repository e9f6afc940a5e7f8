//! Inputs no client should send and some will: each must be refused with a 4xx.
//!
//! An input that no reader can take for a request (no body, no JSON, no UTF-8) must not be answered
//! with 2xx either. One that can be read (deeply nested, wrong types, another encoding) may be: whether
//! to take it is the model's own business. A 5xx, a dropped connection or no answer is never clean.

use std::time::Duration;

use reqwest::Method;
use serde_json::Value;

use super::expect::Request;
use crate::http::{Ask, FetchError, Reply, redirect_note};

/// Size of the body that is too large for a request, in bytes.
const HUGE: usize = 2 * 1024 * 1024;
/// Depth of the nested body: beyond the recursion limit of common JSON readers.
const DEPTH: usize = 1000;
const JSON: &str = "application/json";

/// One bad input.
pub(super) struct Input {
    pub(super) name: &'static str,
    path: String,
    content_type: &'static str,
    body: Vec<u8>,
    /// Whether 2xx is as wrong as 5xx.
    nonsense: bool,
    /// A server may end the connection on a body it finds too large (RFC 9110, 15.5.14).
    may_hang_up: bool,
}

/// All bad inputs; some are made from the first representative request that has a body.
pub(super) fn inputs(representative: &[Request], default_path: &str) -> Vec<Input> {
    let model = representative.iter().find(|request| request.body.is_some());
    let path = model.map_or(default_path, |request| &request.path);
    let input = |name, body: Vec<u8>, nonsense| Input {
        name,
        path: path.to_owned(),
        content_type: JSON,
        body,
        nonsense,
        may_hang_up: false,
    };
    let mut huge = vec![b'x'; HUGE];
    huge[0] = b'"';
    huge[HUGE - 1] = b'"';
    let nested = [vec![b'['; DEPTH], vec![b']'; DEPTH]].concat();
    let mut inputs = vec![
        input("empty body", Vec::new(), true),
        input("not JSON", b"this is not json {".to_vec(), true),
        input("invalid UTF-8", b"{\"inputs\":\"\xff\xfe\xc3\x28\"}".to_vec(), true),
        input("nested 1000 deep", nested, false),
        Input { may_hang_up: true, ..input("huge body", huge, false) },
        input("null", b"null".to_vec(), false),
    ];
    if let Some(body) = model.and_then(|request| request.body.as_deref()) {
        let half = &body[..body.len() / 2];
        // Half of a bare number is a number still.
        inputs.push(input("cut in half", half.to_vec(), serde_json::from_slice::<Value>(half).is_err()));
        inputs.push(input("wrong types", mutate(body, &twist), false));
        inputs.push(input("NaN for a number", nan(body), false));
        inputs.push(input("UTF-16", utf16(body), false));
        inputs.push(Input { content_type: "text/plain", ..input("wrong content type", body.to_vec(), false) });
    }
    inputs
}

impl Input {
    pub(super) fn ask(&self, timeout: Duration, max_body: usize) -> Ask<'_> {
        let body = Some((self.content_type, self.body.clone()));
        Ask { method: Method::POST, path: &self.path, body, timeout, max_body }
    }

    /// Whether it was refused cleanly, or what happened instead.
    pub(super) fn judge(&self, reply: Result<&Reply, &FetchError>) -> Result<(), String> {
        match reply {
            Ok(reply) if (400..500).contains(&reply.status) => Ok(()),
            Ok(reply) if reply.is_success() && !self.nonsense => Ok(()),
            Ok(reply) => {
                let got = redirect_note(reply).unwrap_or_else(|| format!("status {}", reply.status));
                Err(format!("{got} instead of a refusal (4xx)"))
            }
            Err(FetchError::Broken(_) | FetchError::CutOff(_)) if self.may_hang_up => Ok(()),
            Err(err) => Err(format!("{err} instead of a refusal (4xx)")),
        }
    }
}

/// `body` with every number and text in it changed by `change`.
fn mutate(body: &[u8], change: &dyn Fn(&mut Value)) -> Vec<u8> {
    fn walk(value: &mut Value, change: &dyn Fn(&mut Value)) {
        match value {
            Value::Array(items) => items.iter_mut().for_each(|item| walk(item, change)),
            Value::Object(items) => items.values_mut().for_each(|item| walk(item, change)),
            leaf => change(leaf),
        }
    }
    let mut value: Value = serde_json::from_slice(body).unwrap_or_default();
    walk(&mut value, change);
    serde_json::to_vec(&value).unwrap_or_default()
}

/// Numbers become text, everything else a number.
fn twist(leaf: &mut Value) {
    *leaf = if leaf.is_number() { Value::from("not a number") } else { Value::from(-1) };
}

/// `body` with NaN, which JSON does not have, for every number.
fn nan(body: &[u8]) -> Vec<u8> {
    const MARK: &str = "\u{1}nan\u{1}";
    let marked = mutate(body, &|leaf| {
        if leaf.is_number() {
            *leaf = Value::from(MARK);
        }
    });
    let quoted = serde_json::to_string(MARK).unwrap_or_default();
    String::from_utf8_lossy(&marked).replace(&quoted, "NaN").into_bytes()
}

fn utf16(body: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(body).into_owned();
    [0xfeff].into_iter().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_input_is_as_bad_as_its_name() {
        let line = br#"{"path":"/own","request":{"name":"x","data":[1,2.5]}}"#;
        let model = Request::parse(line, 1, "/infer").unwrap();
        let all = inputs(&[model], "/infer");
        assert!(all.iter().all(|input| input.path == "/own"));
        let body = |name: &str| all.iter().find(|input| input.name == name).unwrap().body.clone();
        assert_eq!(body("wrong types"), br#"{"name":-1,"data":["not a number","not a number"]}"#);
        assert_eq!(body("NaN for a number"), br#"{"name":"x","data":[NaN,NaN]}"#);
        assert_eq!(body("UTF-16")[..4], [0xff, 0xfe, b'{', 0]);
        assert_eq!(body("huge body").len(), HUGE);
        for input in all.iter().filter(|input| input.nonsense) {
            assert!(serde_json::from_slice::<Value>(&input.body).is_err(), "{}", input.name);
        }
        assert_eq!(inputs(&[], "/infer").len(), 6, "without a model only what needs none");
    }

    #[test]
    fn a_refusal_is_a_4xx() {
        let reply = |status| Reply {
            status,
            headers: reqwest::header::HeaderMap::new(),
            body: Vec::new(),
            took: Duration::ZERO,
            mask: crate::http::Mask::default(),
        };
        let all = inputs(&[], "/infer");
        let named = |name: &str| all.iter().find(|input| input.name == name).unwrap();
        assert_eq!(named("empty body").judge(Ok(&reply(422))), Ok(()));
        for status in [200, 302, 500] {
            let said = format!("status {status} instead of a refusal (4xx)");
            assert_eq!(named("empty body").judge(Ok(&reply(status))), Err(said));
        }
        assert_eq!(named("null").judge(Ok(&reply(200))), Ok(()), "what can be read may be answered");
        assert!(named("null").judge(Ok(&reply(500))).is_err());
        let broken = FetchError::Broken(crate::http::cause::Cause {
            words: "reset".into(),
            io: None,
            is_tls: false,
            is_garbled: false,
        });
        assert!(named("null").judge(Err(&broken)).is_err());
        assert_eq!(named("huge body").judge(Err(&broken)), Ok(()));
        assert!(named("huge body").judge(Err(&FetchError::Timeout(9))).is_err());
    }
}
