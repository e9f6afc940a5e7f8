//! The part of the Open Inference Protocol v2 that the demo's servers speak: routes, requests, replies.
//!
//! Pure: text in, text out. Requests are not trusted: every fault gives a refusal with a status and a sentence.

use serde::Deserialize;
use serde_json::{Value, json};

use super::model::{CLASSES, Image, Model, PIXELS, Prediction};

/// The name under which both sides serve their model.
pub(crate) const MODEL: &str = "digits";
/// The most images in one request.
pub(crate) const MAX_BATCH: usize = 64;

const MAX_ID: usize = 128;
const INPUT: &str = "image";
const DATATYPE: &str = "FP32";

/// The target of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Route<'a> {
    /// `/metrics`: the server's metrics in the Prometheus text format.
    Metrics,
    /// `/v2`: the server's metadata.
    Server,
    /// `/v2/health/live`.
    Live,
    /// `/v2/health/ready`.
    Ready,
    /// `/v2/models/{name}[/versions/{version}][/ready|/infer]`.
    Model {
        /// The requested model, not decoded.
        name: &'a str,
        /// The requested version, not decoded.
        version: Option<&'a str>,
        /// What is asked about the model.
        verb: Verb,
    },
}

/// What is asked about a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verb {
    /// Its metadata.
    Metadata,
    /// Whether it is ready.
    Ready,
    /// A prediction.
    Infer,
}

impl<'a> Route<'a> {
    /// The route of a request path; `None` for an unknown path.
    pub(crate) fn parse(path: &'a str) -> Option<Self> {
        if path == "/metrics" {
            return Some(Self::Metrics);
        }
        let parts: Vec<&str> = path.strip_prefix("/v2")?.split('/').skip(1).take(6).collect();
        let (name, version, rest) = match parts.as_slice() {
            [] if path == "/v2" => return Some(Self::Server),
            ["health", "live"] => return Some(Self::Live),
            ["health", "ready"] => return Some(Self::Ready),
            ["models", name, "versions", version, rest @ ..] => (*name, Some(*version), rest),
            ["models", name, rest @ ..] => (*name, None, rest),
            _ => return None,
        };
        let verb = match rest {
            [] => Verb::Metadata,
            ["ready"] => Verb::Ready,
            ["infer"] => Verb::Infer,
            _ => return None,
        };
        Some(Self::Model { name, version, verb })
    }

    /// The one method of this route.
    pub(crate) const fn method(self) -> &'static str {
        match self {
            Self::Model { verb: Verb::Infer, .. } => "POST",
            _ => "GET",
        }
    }
}

/// A request that is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// HTTP status, 4xx or 503.
    pub status: u16,
    /// What is wrong, and what would be right.
    pub reason: String,
}

impl Refusal {
    /// A refusal with a status.
    pub(crate) fn new(status: u16, reason: impl Into<String>) -> Self {
        Self { status, reason: reason.into() }
    }

    fn bad(reason: impl Into<String>) -> Self {
        Self::new(400, reason)
    }

    /// The body of the answer.
    pub(crate) fn body(&self) -> Value {
        json!({ "error": self.reason })
    }
}

/// A valid inference request.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Infer {
    /// The client's own id, returned in the reply.
    pub id: Option<String>,
    /// The images, 1 to [`MAX_BATCH`].
    pub images: Vec<Image>,
    /// The requested outputs; empty means all.
    pub outputs: Vec<String>,
}

#[derive(Deserialize)]
struct Body {
    id: Option<String>,
    inputs: Vec<Input>,
    #[serde(default)]
    outputs: Vec<Output>,
}

#[derive(Deserialize)]
struct Output {
    name: String,
}

#[derive(Deserialize)]
struct Input {
    name: String,
    shape: Vec<i64>,
    datatype: String,
    data: Value,
}

/// Parses the body of an inference request.
///
/// # Errors
/// A [`Refusal`] with status 400: not JSON of the protocol's form, an input that the model does not have, a shape
/// that does not fit, or pixels outside of 0 to `pixel_max`.
pub(crate) fn parse_infer(body: &[u8], pixel_max: f32) -> Result<Infer, Refusal> {
    let Body { id, inputs, outputs } =
        serde_json::from_slice(body).map_err(|e| Refusal::bad(format!("not an inference request: {e}")))?;
    if id.as_ref().is_some_and(|id| id.len() > MAX_ID) {
        return Err(Refusal::bad(format!("id is longer than {MAX_ID} bytes")));
    }
    let [input] = inputs.as_slice() else {
        return Err(Refusal::bad(format!("{} inputs, but the model takes one, {INPUT:?}", inputs.len())));
    };
    let images = images(input, pixel_max)?;
    let outputs: Vec<String> = outputs.into_iter().map(|output| output.name).collect();
    if let Some(name) = outputs.iter().find(|name| !matches!(name.as_str(), "digit" | "scores")) {
        return Err(Refusal::bad(format!("no output {:?}: ask for \"digit\" or \"scores\"", short(name))));
    }
    Ok(Infer { id, images, outputs })
}

fn images(input: &Input, pixel_max: f32) -> Result<Vec<Image>, Refusal> {
    let Input { name, shape, datatype, data: tensor } = input;
    if name != INPUT {
        return Err(Refusal::bad(format!("no input {:?}: the model takes {INPUT:?}", short(name))));
    }
    if datatype != DATATYPE {
        return Err(Refusal::bad(format!("datatype {:?}: {INPUT} is {DATATYPE}", short(datatype))));
    }
    let batch = match *shape.as_slice() {
        [batch, 64] if (1..=MAX_BATCH as i64).contains(&batch) => batch as usize,
        _ => return Err(Refusal::bad(format!("shape is not [n,{PIXELS}] with n from 1 to {MAX_BATCH}"))),
    };
    let mut data = Vec::new();
    flatten(tensor, &mut data)?;
    if data.len() != batch * PIXELS {
        return Err(Refusal::bad(format!("{} values do not fill the shape [{batch},{PIXELS}]", data.len())));
    }
    if let Some(pixel) = data.iter().find(|pixel| !(0.0..=pixel_max).contains(*pixel)) {
        return Err(Refusal::bad(format!("pixel {pixel} is outside of 0 to {pixel_max}")));
    }
    let (images, _) = data.as_chunks::<PIXELS>();
    Ok(images.to_vec())
}

/// Appends the numbers of a tensor, flat or nested; more than fit into the largest batch are refused.
fn flatten(tensor: &Value, into: &mut Vec<f32>) -> Result<(), Refusal> {
    match tensor {
        Value::Array(items) => items.iter().try_for_each(|item| flatten(item, into)),
        Value::Number(_) if into.len() >= MAX_BATCH * PIXELS => {
            Err(Refusal::bad(format!("more than {MAX_BATCH} images in one request")))
        }
        Value::Number(number) => {
            into.push(number.as_f64().unwrap_or(f64::NAN) as f32);
            Ok(())
        }
        _ => Err(Refusal::bad("not an inference request: invalid type in data, expected numbers")),
    }
}

/// The start of a foreign text, so that an error stays short.
fn short(text: &str) -> String {
    crate::domain::text::clean(text, 40)
}

/// The reply to an inference request.
pub(crate) fn infer_reply(model: &Model, request: &Infer, predictions: &[Prediction]) -> Value {
    let n = predictions.len();
    let wanted = |name: &str| request.outputs.is_empty() || request.outputs.iter().any(|output| output == name);
    let mut outputs = Vec::new();
    if wanted("digit") {
        let data: Vec<u8> = predictions.iter().map(|p| p.digit).collect();
        outputs.push(json!({ "name": "digit", "shape": [n], "datatype": "INT64", "data": data }));
    }
    if wanted("scores") {
        let data: Vec<f32> = predictions.iter().flat_map(|p| p.scores).collect();
        outputs.push(json!({ "name": "scores", "shape": [n, CLASSES], "datatype": DATATYPE, "data": data }));
    }
    let mut reply = json!({ "model_name": MODEL, "model_version": model.version, "outputs": outputs });
    if let (Some(id), Value::Object(reply)) = (&request.id, &mut reply) {
        reply.insert("id".into(), id.as_str().into());
    }
    reply
}

/// The model's metadata.
pub(crate) fn model_metadata(model: &Model) -> Value {
    json!({
        "name": MODEL,
        "versions": [model.version],
        "platform": format!("cutover-demo_{}", model.name),
        "inputs": [{ "name": INPUT, "datatype": DATATYPE, "shape": [-1, PIXELS] }],
        "outputs": [
            { "name": "digit", "datatype": "INT64", "shape": [-1] },
            { "name": "scores", "datatype": DATATYPE, "shape": [-1, CLASSES] },
        ],
    })
}

/// The server's metadata.
pub(crate) fn server_metadata() -> Value {
    json!({ "name": "cutover-demo", "version": env!("CARGO_PKG_VERSION"), "extensions": [] })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Side;

    fn body(shape: &str, datatype: &str, data: &str) -> String {
        format!(r#"{{"inputs":[{{"name":"image","shape":{shape},"datatype":"{datatype}","data":{data}}}]}}"#)
    }

    fn ones(n: usize) -> String {
        format!("[{}]", vec!["1"; n].join(","))
    }

    #[test]
    fn paths_lead_where_the_protocol_says() {
        let model = |version, verb| Some(Route::Model { name: "digits", version, verb });
        assert_eq!(Route::parse("/v2"), Some(Route::Server));
        assert_eq!(Route::parse("/v2/health/live"), Some(Route::Live));
        assert_eq!(Route::parse("/v2/models/digits"), model(None, Verb::Metadata));
        assert_eq!(Route::parse("/v2/models/digits/infer"), model(None, Verb::Infer));
        assert_eq!(Route::parse("/v2/models/digits/versions/v2/ready"), model(Some("v2"), Verb::Ready));
        for path in ["/", "/v1", "/v22", "/v2/", "/v2/health", "/v2/models", "/v2/models/a/b", "/v2/models/a/infer/"] {
            assert_eq!(Route::parse(path), None, "{path}");
        }
    }

    #[test]
    fn flat_and_nested_data_are_the_same() {
        let flat = parse_infer(body("[2,64]", "FP32", &ones(128)).as_bytes(), 16.0).unwrap();
        let nested = format!("[{},[{},{}]]", ones(64), ones(32), ones(32));
        assert_eq!(parse_infer(body("[2,64]", "FP32", &nested).as_bytes(), 16.0).unwrap(), flat);
        assert_eq!(flat.images.len(), 2);
    }

    #[test]
    fn faults_are_refused_with_a_reason() {
        let with_first = |value: &str| format!("[{value},{}]", ones(63).trim_matches(['[', ']']));
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        let cases = [
            (String::new(), "EOF"),
            ("NaN".into(), "expected value"),
            ("[]".into(), "invalid"),
            ("{}".into(), "missing field `inputs`"),
            (r#"{"inputs":[]}"#.into(), "0 inputs"),
            (body("[1,64]", "FP64", &ones(64)), "datatype \"FP64\""),
            (body("[1,64]", "\\u001b[31m", &ones(64)), "datatype \"\""),
            (body("[64]", "FP32", &ones(64)), "shape is not"),
            (body("[0,64]", "FP32", "[]"), "shape is not"),
            (body("[-1,64]", "FP32", &ones(64)), "shape is not"),
            (body("[9223372036854775807,64]", "FP32", &ones(64)), "shape is not"),
            (body("[1,64]", "FP32", &ones(63)), "63 values"),
            (body("[1,64]", "FP32", &with_first("NaN")), "expected value"),
            (body("[1,64]", "FP32", &with_first("1e400")), "out of range"),
            (body("[1,64]", "FP32", &with_first("1e300")), "pixel inf"),
            (body("[1,64]", "FP32", &with_first("-0.1")), "pixel -0.1"),
            (body("[1,64]", "FP32", &with_first("true")), "invalid type"),
            (body("[1,64]", "FP32", &with_first("{}")), "invalid type"),
            (body("[64,64]", "FP32", &ones(64 * 64 + 1)), "more than 64 images"),
            (body("[1,64]", "FP32", &deep), "recursion limit"),
        ];
        for (text, reason) in cases {
            let refusal = parse_infer(text.as_bytes(), 16.0).unwrap_err();
            let start: String = text.chars().take(120).collect();
            assert_eq!(refusal.status, 400, "{start}");
            assert!(refusal.reason.contains(reason), "{start} -> {}", refusal.reason);
        }
        assert!(parse_infer(b"\xff\xfe", 16.0).is_err());
    }

    #[test]
    fn a_reply_holds_what_was_asked_for() {
        let model = Model::of(Side::Green).unwrap();
        let mut request = parse_infer(body("[2,64]", "FP32", &ones(128)).as_bytes(), 16.0).unwrap();
        request.id = Some("a".into());
        let predictions: Vec<Prediction> = request.images.iter().map(|image| model.predict(image)).collect();
        let reply = infer_reply(&model, &request, &predictions);
        assert_eq!(reply["id"], "a");
        assert_eq!(reply["model_version"], "v2");
        assert_eq!(reply["outputs"][0]["shape"], json!([2]));
        assert_eq!(reply["outputs"][1]["data"].as_array().unwrap().len(), 20);
        request.outputs = vec!["scores".into()];
        let reply = infer_reply(&model, &request, &predictions);
        assert_eq!(reply["outputs"].as_array().unwrap().len(), 1);
        assert_eq!(reply["outputs"][0]["name"], "scores");
    }
}
